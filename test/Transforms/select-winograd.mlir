// RUN: mopt-opt %s -split-input-file --pass-pipeline="builtin.module(func.func(mopt-select-winograd))" | FileCheck %s
// RUN: mopt-opt %s -split-input-file --pass-pipeline="builtin.module(func.func(mopt-select-winograd{floats=false}))" | FileCheck %s --check-prefix=BYTES

#avx2 = #mopt.target<name = "m", triple = "t", cpu = "c", features = "+avx2,+fma", vectorBits = 256, vectorRegisters = 16, l1Bytes = 32768, l2Bytes = 524288>
module attributes {mopt.target = #avx2} {

// Padding first, then patches, the product, and what it sums.
// CHECK-LABEL: @convolution
// CHECK: %[[ZERO:.*]] = arith.constant dense<7> : tensor<ui8>
// CHECK: %[[P:.*]] = mopt.pad <constant> %arg0, %[[ZERO]] low [0, 1, 1, 0] high [0, 1, 1, 0]
// CHECK: %[[V:.*]] = mopt.winograd_input %[[P]] : tensor<1x16x16x64xui8> -> tensor<16x1x7x7x64xi16>
// CHECK: %[[R:.*]] = mopt.reshape %[[V]] to [16, 49, 64]
// CHECK: %[[U:.*]] = arith.constant {{.*}} : tensor<16x64x64xi16>
// CHECK: %[[M:.*]] = mopt.matmul %[[R]], %[[U]] : tensor<16x49x64xi16>, tensor<16x64x64xi16> -> tensor<16x49x64xi32>
// CHECK: %[[S:.*]] = mopt.reshape %[[M]] to [16, 1, 7, 7, 64]
// CHECK: %[[Y:.*]] = mopt.winograd_output %[[S]] : tensor<16x1x7x7x64xi32> -> tensor<1x14x14x64xi32>
// CHECK: return %[[Y]]
func.func @convolution(%x: tensor<1x14x14x64xui8>) -> tensor<1x14x14x64xi32> {
  %w = arith.constant dense<1> : tensor<64x64x3x3xi8>
  %y = mopt.conv %x, %w {channels_last, pad_value = 7 : i64, strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads_begin = array<i64: 1, 1>, pads_end = array<i64: 1, 1>} : tensor<1x14x14x64xui8>, tensor<64x64x3x3xi8> -> tensor<1x14x14x64xi32>
  return %y : tensor<1x14x14x64xi32>
}

// Odd sizes, strides, few channels, few tiles, and filters that are not constant.
// CHECK-LABEL: @kept
// CHECK-COUNT-5: mopt.conv
// CHECK-NOT: mopt.winograd
func.func @kept(%a: tensor<1x15x16x64xui8>, %b: tensor<1x16x16x64xui8>, %c: tensor<1x16x16x32xui8>, %d: tensor<1x8x8x64xui8>, %f: tensor<64x64x3x3xi8>) -> (tensor<1x13x14x64xi32>, tensor<1x7x7x64xi32>, tensor<1x14x14x64xi32>, tensor<1x6x6x64xi32>, tensor<1x14x14x64xi32>) {
  %w = arith.constant dense<1> : tensor<64x64x3x3xi8>
  %v = arith.constant dense<1> : tensor<64x32x3x3xi8>
  %0 = mopt.conv %a, %w {channels_last, strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads_begin = array<i64: 0, 0>, pads_end = array<i64: 0, 0>} : tensor<1x15x16x64xui8>, tensor<64x64x3x3xi8> -> tensor<1x13x14x64xi32>
  %1 = mopt.conv %b, %w {channels_last, strides = array<i64: 2, 2>, dilations = array<i64: 1, 1>, pads_begin = array<i64: 0, 0>, pads_end = array<i64: 0, 0>} : tensor<1x16x16x64xui8>, tensor<64x64x3x3xi8> -> tensor<1x7x7x64xi32>
  %2 = mopt.conv %c, %v {channels_last, strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads_begin = array<i64: 0, 0>, pads_end = array<i64: 0, 0>} : tensor<1x16x16x32xui8>, tensor<64x32x3x3xi8> -> tensor<1x14x14x64xi32>
  %3 = mopt.conv %d, %w {channels_last, strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads_begin = array<i64: 0, 0>, pads_end = array<i64: 0, 0>} : tensor<1x8x8x64xui8>, tensor<64x64x3x3xi8> -> tensor<1x6x6x64xi32>
  %4 = mopt.conv %b, %f {channels_last, strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads_begin = array<i64: 0, 0>, pads_end = array<i64: 0, 0>} : tensor<1x16x16x64xui8>, tensor<64x64x3x3xi8> -> tensor<1x14x14x64xi32>
  return %0, %1, %2, %3, %4 : tensor<1x13x14x64xi32>, tensor<1x7x7x64xi32>, tensor<1x14x14x64xi32>, tensor<1x6x6x64xi32>, tensor<1x14x14x64xi32>
}
}

// -----

// With products of four bytes by one instruction, and with wider vectors, there is
// nothing to gain.
#vnni = #mopt.target<name = "m", triple = "t", cpu = "c", features = "+avx2,+fma,+avx512f,+avx512bw", vectorBits = 512, vectorRegisters = 32, l1Bytes = 32768, l2Bytes = 524288>
module attributes {mopt.target = #vnni} {
// CHECK-LABEL: @wide
// CHECK: mopt.conv
func.func @wide(%x: tensor<1x14x14x64xui8>) -> tensor<1x14x14x64xi32> {
  %w = arith.constant dense<1> : tensor<64x64x3x3xi8>
  %y = mopt.conv %x, %w {channels_last, strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads_begin = array<i64: 1, 1>, pads_end = array<i64: 1, 1>} : tensor<1x14x14x64xui8>, tensor<64x64x3x3xi8> -> tensor<1x14x14x64xi32>
  return %y : tensor<1x14x14x64xi32>
}
}

// -----

// Of floats on any processor.
#vnni = #mopt.target<name = "m", triple = "t", cpu = "c", features = "+avx2,+fma,+avx512f,+avx512bw", vectorBits = 512, vectorRegisters = 32, l1Bytes = 32768, l2Bytes = 524288>
module attributes {mopt.target = #vnni} {
// CHECK-LABEL: @floats
// CHECK: arith.constant dense<0.000000e+00> : tensor<f32>
// CHECK: %[[V:.*]] = mopt.winograd_input %{{.*}} : tensor<1x16x16x64xf32> -> tensor<16x1x7x7x64xf32>
// CHECK: mopt.matmul %{{.*}}, %{{.*}} : tensor<16x49x64xf32>, tensor<16x64x64xf32> -> tensor<16x49x64xf32>
// CHECK: mopt.winograd_output %{{.*}} : tensor<16x1x7x7x64xf32> -> tensor<1x14x14x64xf32>
// BYTES-LABEL: @floats
// BYTES: mopt.conv
func.func @floats(%x: tensor<1x14x14x64xf32>) -> tensor<1x14x14x64xf32> {
  %w = arith.constant dense<1.0> : tensor<64x64x3x3xf32>
  %y = mopt.conv %x, %w {channels_last, strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads_begin = array<i64: 1, 1>, pads_end = array<i64: 1, 1>} : tensor<1x14x14x64xf32>, tensor<64x64x3x3xf32> -> tensor<1x14x14x64xf32>
  return %y : tensor<1x14x14x64xf32>
}
}

// -----

// Not where patches have more than 32 MiB.
#vnni = #mopt.target<name = "m", triple = "t", cpu = "c", features = "+avx2,+fma,+avx512f,+avx512bw", vectorBits = 512, vectorRegisters = 32, l1Bytes = 32768, l2Bytes = 524288>
module attributes {mopt.target = #vnni} {
// CHECK-LABEL: @large
// CHECK: mopt.conv
func.func @large(%x: tensor<1x226x226x64xf32>) -> tensor<1x224x224x64xf32> {
  %w = arith.constant dense<1.0> : tensor<64x64x3x3xf32>
  %y = mopt.conv %x, %w {channels_last, strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads_begin = array<i64: 0, 0>, pads_end = array<i64: 0, 0>} : tensor<1x226x226x64xf32>, tensor<64x64x3x3xf32> -> tensor<1x224x224x64xf32>
  return %y : tensor<1x224x224x64xf32>
}
}

// -----

// Not on devices, and not of other floats.
#device = #mopt.target<name = "sm_90a", triple = "nvptx64-nvidia-cuda", cpu = "sm_90a", features = "+ptx80", vectorBits = 128, vectorRegisters = 255, l1Bytes = 32768, l2Bytes = 524288>
module attributes {mopt.target = #device} {
// CHECK-LABEL: @device
// CHECK: mopt.conv
// CHECK: mopt.conv
func.func @device(%x: tensor<1x14x14x64xf32>, %h: tensor<1x14x14x64xf16>) -> (tensor<1x14x14x64xf32>, tensor<1x14x14x64xf16>) {
  %w = arith.constant dense<1.0> : tensor<64x64x3x3xf32>
  %v = arith.constant dense<1.0> : tensor<64x64x3x3xf16>
  %y = mopt.conv %x, %w {channels_last, strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads_begin = array<i64: 1, 1>, pads_end = array<i64: 1, 1>} : tensor<1x14x14x64xf32>, tensor<64x64x3x3xf32> -> tensor<1x14x14x64xf32>
  %z = mopt.conv %h, %v {channels_last, strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads_begin = array<i64: 1, 1>, pads_end = array<i64: 1, 1>} : tensor<1x14x14x64xf16>, tensor<64x64x3x3xf16> -> tensor<1x14x14x64xf16>
  return %y, %z : tensor<1x14x14x64xf32>, tensor<1x14x14x64xf16>
}
}

// RUN: mopt-opt %s -split-input-file --pass-pipeline="builtin.module(func.func(mopt-multiply-small-floats),canonicalize,cse)" | FileCheck %s
// RUN: mopt-opt %s -split-input-file --pass-pipeline="builtin.module(func.func(mopt-multiply-small-floats{exact=true}),canonicalize,cse)" | FileCheck %s --check-prefix=HALF
// RUN: sed 's/+ptx84,+sm_90a/+ptx80/' %s | mopt-opt -split-input-file --pass-pipeline="builtin.module(func.func(mopt-multiply-small-floats),canonicalize,cse)" | FileCheck %s --check-prefix=HALF
// RUN: mopt-opt %s -split-input-file --pass-pipeline="builtin.module(func.func(mopt-multiply-small-floats{remarks=true}))" -o /dev/null 2>&1 | FileCheck %s --check-prefix=SAID

#device = #mopt.target<name = "sm_90a", triple = "nvptx64-nvidia-cuda", cpu = "sm_90a", features = "+ptx84,+sm_90a", vectorBits = 1024, vectorRegisters = 255, l1Bytes = 49152, l2Bytes = 4194304>
module attributes {mopt.target = #device} {

// Bytes are multiplied, a depth of 16 of them at a time, and the sums scaled.
// SAID: remark: multiplies floats of 8 bits
// CHECK-LABEL: func.func @columns
// CHECK-DAG: %[[W:.*]] = arith.constant dense_resource<padded> : tensor<32x3xf8E4M3FN>
// CHECK-DAG: %[[X:.*]] = mopt.pad <constant> %arg0, {{.*}} : tensor<5x20xf8E4M3FN>
// CHECK: %[[P:.*]] = mopt.matmul %[[X]], %[[W]] {f32_result} : tensor<5x32xf8E4M3FN>, tensor<32x3xf8E4M3FN> -> tensor<5x3xf32>
// CHECK: %[[S:.*]] = mopt.binary <mul> %arg1, %arg2 : tensor<1x1xf32>, tensor<1x3xf32>
// CHECK: mopt.binary <mul> %[[P]], %[[S]]
// HALF-LABEL: func.func @columns
// HALF-DAG: mopt.cast %arg0 : tensor<5x20xf8E4M3FN> -> tensor<5x20xf16>
// HALF: mopt.matmul %{{.*}}, %{{.*}} {f32_result} : tensor<5x20xf16>, tensor<20x3xf16> -> tensor<5x3xf32>
func.func @columns(%x: tensor<5x20xf8E4M3FN>, %sx: tensor<1x1xf32>, %sw: tensor<1x3xf32>) -> tensor<5x3xf32> {
  %w = arith.constant dense<2.0> : tensor<20x3xf8E4M3FN>
  %a = mopt.dequantize %x, %sx : tensor<5x20xf8E4M3FN>, tensor<1x1xf32> -> tensor<5x20xf32>
  %b = mopt.dequantize %w, %sw : tensor<20x3xf8E4M3FN>, tensor<1x3xf32> -> tensor<20x3xf32>
  %y = mopt.matmul %a, %b : tensor<5x20xf32>, tensor<20x3xf32> -> tensor<5x3xf32>
  return %y : tensor<5x3xf32>
}

// Scales of 16 bits, of rows and columns that are stored the other way around.
// CHECK-LABEL: func.func @turned
// CHECK: mopt.matmul %arg0, %arg1 {f32_result, transpose_rhs} : tensor<5x32xf8E5M2>, tensor<3x32xf8E5M2> -> tensor<5x3xf32>
// CHECK: mopt.transpose %{{.*}} [1, 0] : tensor<3x1xf32> -> tensor<1x3xf32>
// CHECK: mopt.cast %{{.*}} : tensor<5x3xf32> -> tensor<5x3xf16>
func.func @turned(%x: tensor<5x32xf8E5M2>, %w: tensor<3x32xf8E5M2>, %sx: tensor<5x1xf16>, %sw: tensor<3x1xf16>) -> tensor<5x3xf16> {
  %a = mopt.dequantize %x, %sx : tensor<5x32xf8E5M2>, tensor<5x1xf16> -> tensor<5x32xf16>
  %b = mopt.dequantize %w, %sw : tensor<3x32xf8E5M2>, tensor<3x1xf16> -> tensor<3x32xf16>
  %y = mopt.matmul %a, %b {transpose_rhs} : tensor<5x32xf16>, tensor<3x32xf16> -> tensor<5x3xf16>
  return %y : tensor<5x3xf16>
}

// Of two types, and numbers without a scale.
// SAID: remark: multiplies floats of 8 bits as f16
// CHECK-LABEL: func.func @mixed
// CHECK: mopt.matmul %{{.*}}, %{{.*}} {f32_result} : tensor<5x32xf16>, tensor<32x3xf16> -> tensor<5x3xf32>
func.func @mixed(%x: tensor<5x32xf8E5M2>, %w: tensor<32x3xf8E4M3FN>) -> tensor<5x3xf32> {
  %a = mopt.cast %x : tensor<5x32xf8E5M2> -> tensor<5x32xf32>
  %b = mopt.cast %w : tensor<32x3xf8E4M3FN> -> tensor<32x3xf32>
  %y = mopt.matmul %a, %b : tensor<5x32xf32>, tensor<32x3xf32> -> tensor<5x3xf32>
  return %y : tensor<5x3xf32>
}

// Convolutions take f16; outputs have scales of their own.
// CHECK-LABEL: func.func @conv
// CHECK: mopt.conv %{{.*}}, %{{.*}} {{.*}}f32_result{{.*}} : tensor<1x4x9xf16>, tensor<8x4x3xf16> -> tensor<1x8x7xf32>
// CHECK: mopt.transpose %{{.*}} [1, 0, 2] : tensor<8x1x1xf32> -> tensor<1x8x1xf32>
func.func @conv(%x: tensor<1x4x9xf8E4M3FN>, %sx: tensor<1x1x1xf32>, %w: tensor<8x4x3xf8E4M3FN>, %sw: tensor<8x1x1xf32>) -> tensor<1x8x7xf32> {
  %a = mopt.dequantize %x, %sx : tensor<1x4x9xf8E4M3FN>, tensor<1x1x1xf32> -> tensor<1x4x9xf32>
  %b = mopt.dequantize %w, %sw : tensor<8x4x3xf8E4M3FN>, tensor<8x1x1xf32> -> tensor<8x4x3xf32>
  %y = mopt.conv %a, %b {strides = array<i64: 1>, dilations = array<i64: 1>, pads_begin = array<i64: 0>, pads_end = array<i64: 0>} : tensor<1x4x9xf32>, tensor<8x4x3xf32> -> tensor<1x8x7xf32>
  return %y : tensor<1x8x7xf32>
}

// Scales that vary along what is summed, and a side of f32.
// CHECK-LABEL: func.func @others
// CHECK: mopt.matmul %{{.*}}, %{{.*}} : tensor<5x32xf32>, tensor<32x3xf32>
// CHECK: mopt.matmul %{{.*}}, %{{.*}} : tensor<5x32xf32>, tensor<32x3xf32>
func.func @others(%x: tensor<5x32xf8E4M3FN>, %sx: tensor<1x32xf32>, %w: tensor<32x3xf8E4M3FN>, %sw: tensor<1x1xf32>, %f: tensor<5x32xf32>) -> (tensor<5x3xf32>, tensor<5x3xf32>) {
  %a = mopt.dequantize %x, %sx : tensor<5x32xf8E4M3FN>, tensor<1x32xf32> -> tensor<5x32xf32>
  %b = mopt.dequantize %w, %sw : tensor<32x3xf8E4M3FN>, tensor<1x1xf32> -> tensor<32x3xf32>
  %y = mopt.matmul %a, %b : tensor<5x32xf32>, tensor<32x3xf32> -> tensor<5x3xf32>
  %z = mopt.matmul %f, %b : tensor<5x32xf32>, tensor<32x3xf32> -> tensor<5x3xf32>
  return %y, %z : tensor<5x3xf32>, tensor<5x3xf32>
}
}

// -----

// Processors compute what was dequantized.
#processor = #mopt.target<name = "m", triple = "x86_64-unknown-linux-gnu", cpu = "c", features = "+avx2,+fma", vectorBits = 256, vectorRegisters = 16, l1Bytes = 32768, l2Bytes = 524288>
module attributes {mopt.target = #processor} {
// CHECK-LABEL: func.func @processor
// CHECK: mopt.matmul %{{.*}} : tensor<5x32xf32>, tensor<32x3xf32>
func.func @processor(%x: tensor<5x32xf8E4M3FN>, %w: tensor<32x3xf8E4M3FN>) -> tensor<5x3xf32> {
  %a = mopt.cast %x : tensor<5x32xf8E4M3FN> -> tensor<5x32xf32>
  %b = mopt.cast %w : tensor<32x3xf8E4M3FN> -> tensor<32x3xf32>
  %y = mopt.matmul %a, %b : tensor<5x32xf32>, tensor<32x3xf32> -> tensor<5x3xf32>
  return %y : tensor<5x3xf32>
}
}

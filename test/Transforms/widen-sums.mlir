// RUN: mopt-opt %s -split-input-file --pass-pipeline="builtin.module(func.func(mopt-widen-sums))" | FileCheck %s

// CHECK-LABEL: @products
// CHECK: %[[P:.*]] = mopt.matmul %arg0, %arg1 {f32_result} : tensor<?x8xf16>, tensor<8x4xf16> -> tensor<?x4xf32>
// CHECK: %[[R:.*]] = mopt.cast %[[P]] : tensor<?x4xf32> -> tensor<?x4xf16>
// CHECK: %[[C:.*]] = mopt.conv %arg2, %arg3 {{.*}}f32_result{{.*}} -> tensor<1x4x6x6xf32>
// CHECK: %[[S:.*]] = mopt.cast %[[C]] : tensor<1x4x6x6xf32> -> tensor<1x4x6x6xbf16>
// CHECK: return %[[R]], %[[S]]
func.func @products(%a: tensor<?x8xf16>, %b: tensor<8x4xf16>, %x: tensor<1x3x8x8xbf16>, %w: tensor<4x3x3x3xbf16>) -> (tensor<?x4xf16>, tensor<1x4x6x6xbf16>) {
  %0 = mopt.matmul %a, %b : tensor<?x8xf16>, tensor<8x4xf16> -> tensor<?x4xf16>
  %1 = mopt.conv %x, %w {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads_begin = array<i64: 0, 0>, pads_end = array<i64: 0, 0>} : tensor<1x3x8x8xbf16>, tensor<4x3x3x3xbf16> -> tensor<1x4x6x6xbf16>
  return %0, %1 : tensor<?x4xf16>, tensor<1x4x6x6xbf16>
}

// Others stay.
// CHECK-LABEL: @others
// CHECK-NOT: mopt.cast
// CHECK: return
func.func @others(%a: tensor<4x8xf32>, %b: tensor<8x4xf32>, %c: tensor<4x8xf16>, %d: tensor<8x4xf16>) -> (tensor<4x4xf32>, tensor<4x4xf32>) {
  %0 = mopt.matmul %a, %b : tensor<4x8xf32>, tensor<8x4xf32> -> tensor<4x4xf32>
  %1 = mopt.matmul %c, %d {f32_result} : tensor<4x8xf16>, tensor<8x4xf16> -> tensor<4x4xf32>
  return %0, %1 : tensor<4x4xf32>, tensor<4x4xf32>
}

// -----

// Loads of the right side widen it; a row that sums in f16 is not for who did
// not ask for it.
#halves = #mopt.target<name = "m", triple = "x86_64-unknown-linux-gnu", cpu = "c", features = "+avx512f,+avx512bw,+avx512fp16,+f16c", vectorBits = 512, vectorRegisters = 32, l1Bytes = 32768, l2Bytes = 524288>
module attributes {mopt.target = #halves} {
// CHECK-LABEL: @widen_left
// CHECK: %[[A:.*]] = mopt.cast %arg0 : tensor<?x64xf16> -> tensor<?x64xf32>
// CHECK: %[[P:.*]] = mopt.matmul %[[A]], %arg1 : tensor<?x64xf32>, tensor<64x96xf16> -> tensor<?x96xf32>
// CHECK: mopt.cast %[[P]] : tensor<?x96xf32> -> tensor<?x96xf16>
func.func @widen_left(%a: tensor<?x64xf16>, %b: tensor<64x96xf16>) -> tensor<?x96xf16> {
  %0 = mopt.matmul %a, %b : tensor<?x64xf16>, tensor<64x96xf16> -> tensor<?x96xf16>
  return %0 : tensor<?x96xf16>
}

// CHECK-LABEL: @widen_filter
// CHECK-DAG: %[[W:.*]] = arith.constant dense<{{.*}}> : tensor<1x1x1x2xf32>
// CHECK-DAG: %[[X:.*]] = mopt.cast %arg0 : tensor<1x1x4x4xf16> -> tensor<1x1x4x4xf32>
// CHECK: mopt.conv %[[X]], %[[W]] {{.*}} -> tensor<1x1x4x3xf32>
func.func @widen_filter(%x: tensor<1x1x4x4xf16>) -> tensor<1x1x4x3xf16> {
  %w = arith.constant dense<[[[[1.5, -2.0]]]]> : tensor<1x1x1x2xf16>
  %1 = mopt.conv %x, %w {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads_begin = array<i64: 0, 0>, pads_end = array<i64: 0, 0>} : tensor<1x1x4x4xf16>, tensor<1x1x1x2xf16> -> tensor<1x1x4x3xf16>
  return %1 : tensor<1x1x4x3xf16>
}
}

// -----

// Widening takes a dozen instructions here: once for each element.
#plain = #mopt.target<name = "m", triple = "x86_64-unknown-linux-gnu", cpu = "c", features = "+sse4.1", vectorBits = 128, vectorRegisters = 16, l1Bytes = 32768, l2Bytes = 524288>
module attributes {mopt.target = #plain} {
// CHECK-LABEL: @widen_both
// CHECK: mopt.matmul {{.*}} : tensor<3x64xf32>, tensor<64x96xf32> -> tensor<3x96xf32>
func.func @widen_both(%a: tensor<3x64xf16>, %b: tensor<64x96xf16>) -> tensor<3x96xf16> {
  %0 = mopt.matmul %a, %b : tensor<3x64xf16>, tensor<64x96xf16> -> tensor<3x96xf16>
  return %0 : tensor<3x96xf16>
}
}

// -----

// Matrix registers take bf16 and sum in f32.
#amx = #mopt.target<name = "m", triple = "x86_64-unknown-linux-gnu", cpu = "c", features = "+avx512f,+amx-tile,+amx-bf16", vectorBits = 512, vectorRegisters = 32, l1Bytes = 32768, l2Bytes = 524288>
module attributes {mopt.target = #amx} {
// CHECK-LABEL: @matrices
// CHECK: mopt.matmul %arg0, %arg1 {f32_result} : tensor<32x64xbf16>, tensor<64x96xbf16> -> tensor<32x96xf32>
func.func @matrices(%a: tensor<32x64xbf16>, %b: tensor<64x96xbf16>) -> tensor<32x96xbf16> {
  %0 = mopt.matmul %a, %b : tensor<32x64xbf16>, tensor<64x96xbf16> -> tensor<32x96xbf16>
  return %0 : tensor<32x96xbf16>
}
}

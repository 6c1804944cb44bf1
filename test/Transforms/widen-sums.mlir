// RUN: mopt-opt %s --pass-pipeline="builtin.module(func.func(mopt-widen-sums))" | FileCheck %s

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

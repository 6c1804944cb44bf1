// RUN: mopt-opt %s --mopt-fold-weight-packing | FileCheck %s

// Blocks of two columns; what lies behind the last column is 0.
// CHECK-LABEL: @constant
// CHECK-NOT: mopt.pack_columns
// CHECK: arith.constant {{.*}} : tensor<2x2x2xf32>
// CHECK-NOT: mopt.pack_columns
// CHECK: return
func.func @constant() -> tensor<2x2x2xf32> {
  %w = arith.constant dense<[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]> : tensor<2x3xf32>
  %e = tensor.empty() : tensor<2x2x2xf32>
  %0 = mopt.pack_columns ins(%w : tensor<2x3xf32>) outs(%e : tensor<2x2x2xf32>) {lanes = 2 : i64} -> tensor<2x2x2xf32>
  return %0 : tensor<2x2x2xf32>
}

// CHECK-LABEL: @unknown
// CHECK: mopt.pack_columns
func.func @unknown(%w: tensor<2x3xf32>) -> tensor<2x2x2xf32> {
  %e = tensor.empty() : tensor<2x2x2xf32>
  %0 = mopt.pack_columns ins(%w : tensor<2x3xf32>) outs(%e : tensor<2x2x2xf32>) {lanes = 2 : i64} -> tensor<2x2x2xf32>
  return %0 : tensor<2x2x2xf32>
}

// Two neighbours along the depth stand side by side; the last group is not whole.
// CHECK-LABEL: @interleaved
// CHECK: arith.constant dense<{{\[\[}}[1, 3, 2, 4], [5, 0, 6, 0]]]> : tensor<1x2x4xi8>
// CHECK: return
func.func @interleaved() -> tensor<1x2x4xi8> {
  %w = arith.constant dense<[[1, 2], [3, 4], [5, 6]]> : tensor<3x2xi8>
  %e = tensor.empty() : tensor<1x2x4xi8>
  %0 = mopt.pack_columns ins(%w : tensor<3x2xi8>) outs(%e : tensor<1x2x4xi8>) {lanes = 2 : i64, interleave = 2 : i64} -> tensor<1x2x4xi8>
  return %0 : tensor<1x2x4xi8>
}

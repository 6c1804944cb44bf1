// RUN: mopt-opt %s --pass-pipeline="builtin.module(func.func(mopt-fold-constants),canonicalize)" | FileCheck %s
// RUN: mopt-opt %s --pass-pipeline="builtin.module(func.func(mopt-fold-constants{max-bytes=16}),canonicalize)" | FileCheck %s --check-prefix=LIMIT

// CHECK-LABEL: @fold
// CHECK: arith.constant dense<{{\[}}[5.000000e+00, 6.000000e+00], [7.000000e+00, 8.000000e+00]]>
// CHECK-NOT: mopt.
// CHECK: return
func.func @fold() -> tensor<2x2xf32> {
  %a = arith.constant dense<[[1.0, 2.0], [3.0, 4.0]]> : tensor<2x2xf32>
  %b = arith.constant dense<4.0> : tensor<1x1xf32>
  %0 = mopt.binary <add> %a, %b : tensor<2x2xf32>, tensor<1x1xf32> -> tensor<2x2xf32>
  return %0 : tensor<2x2xf32>
}

// A result above the limit, larger than what it is made of, stays an op.
// CHECK-LABEL: @grow
// CHECK-NOT: mopt.
// LIMIT-LABEL: @grow
// LIMIT: mopt.binary <mul>
func.func @grow() -> tensor<4x4xf32> {
  %a = arith.constant dense<[[1.0], [2.0], [3.0], [4.0]]> : tensor<4x1xf32>
  %b = arith.constant dense<[[1.0, 2.0, 3.0, 4.0]]> : tensor<1x4xf32>
  %0 = mopt.binary <mul> %a, %b : tensor<4x1xf32>, tensor<1x4xf32> -> tensor<4x4xf32>
  return %0 : tensor<4x4xf32>
}

// CHECK-LABEL: @unknown
// CHECK: mopt.unary <exp>
func.func @unknown(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = mopt.unary <exp> %x : tensor<4xf32> -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

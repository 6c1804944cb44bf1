// RUN: mopt-opt %s --pass-pipeline="builtin.module(func.func(mopt-prune-weights{pattern=2:4:magnitude}))" -verify-diagnostics | FileCheck %s
// RUN: mopt-opt %s --pass-pipeline="builtin.module(func.func(mopt-prune-weights))" | FileCheck %s --check-prefix=NONE
// RUN: mopt-opt %s --pass-pipeline="builtin.module(func.func(mopt-prune-weights{pattern=unstructured:0.4}))" | FileCheck %s --check-prefix=SHARE
// RUN: mopt-opt %s --pass-pipeline="builtin.module(func.func(mopt-prune-weights{pattern=unstructured:.4:magnitude}))" | FileCheck %s --check-prefix=SHARE
// RUN: not mopt-opt %s --pass-pipeline="builtin.module(func.func(mopt-prune-weights{pattern=4:2}))" 2>&1 | FileCheck %s --check-prefix=MALFORMED
// RUN: not mopt-opt %s --pass-pipeline="builtin.module(func.func(mopt-prune-weights{pattern=unstructured:1}))" 2>&1 | FileCheck %s --check-prefix=ALL

// MALFORMED: expected 'pattern' of N:M or unstructured:SHARE, with :magnitude or not, found '4:2'
// ALL: found 'unstructured:1'

// Of equal magnitudes the first stay, and all of a rest of no more than two.
// CHECK-LABEL: func.func @columns
// CHECK: arith.constant dense<{{\[\[}}0.000000e+00, 1.000000e+00], [3.000000e+00, -1.000000e+00], [0.000000e+00, 0.000000e+00], [-4.000000e+00, 0.000000e+00], [5.000000e+00, 6.000000e+00]]>
// Of a share the first of equal magnitudes go.
// SHARE-LABEL: func.func @columns
// SHARE: arith.constant dense<{{\[\[}}0.000000e+00, 0.000000e+00], [3.000000e+00, 0.000000e+00], [2.000000e+00, 0.000000e+00], [-4.000000e+00, 1.000000e+00], [5.000000e+00, 6.000000e+00]]>
// NONE-LABEL: func.func @columns
// NONE: arith.constant dense<{{\[\[}}1.000000e+00, 1.000000e+00]
func.func @columns(%x: tensor<?x5xf32>) -> tensor<?x2xf32> {
  %w = arith.constant dense<[[1.0, 1.0], [3.0, -1.0], [2.0, 1.0], [-4.0, 1.0], [5.0, 6.0]]> : tensor<5x2xf32>
  %y = mopt.matmul %x, %w : tensor<?x5xf32>, tensor<5x2xf32> -> tensor<?x2xf32>
  return %y : tensor<?x2xf32>
}

// CHECK-LABEL: func.func @rows
// CHECK: arith.constant dense<{{\[\[}}0.000000e+00, 0.000000e+00, 3.000000e+00, 4.000000e+00]]>
func.func @rows(%x: tensor<?x4xf32>) -> tensor<?x1xf32> {
  %w = arith.constant dense<[[1.0, 2.0, 3.0, 4.0]]> : tensor<1x4xf32>
  %y = mopt.matmul %x, %w {transpose_rhs} : tensor<?x4xf32>, tensor<1x4xf32> -> tensor<?x1xf32>
  return %y : tensor<?x1xf32>
}

// Two of six, rounded.
// SHARE-LABEL: func.func @short
// SHARE: arith.constant dense<{{\[\[}}0.000000e+00, 0.000000e+00], [1.000000e+00, 1.000000e+00], [1.000000e+00, 1.000000e+00]]>
// CHECK-LABEL: func.func @short
// CHECK: dense<1.000000e+00> : tensor<3x2xf32>
func.func @short(%x: tensor<?x3xf32>) -> tensor<?x2xf32> {
  %w = arith.constant dense<1.0> : tensor<3x2xf32>
  // expected-remark@+1 {{not pruned: its weights have no whole group of neighbours}}
  %y = mopt.matmul %x, %w : tensor<?x3xf32>, tensor<3x2xf32> -> tensor<?x2xf32>
  return %y : tensor<?x2xf32>
}

// CHECK-LABEL: func.func @infinite
func.func @infinite(%x: tensor<?x4xf32>) -> tensor<?x2xf32> {
  %w = arith.constant dense<0x7F800000> : tensor<4x2xf32>
  // expected-remark@+1 {{not pruned: its weights are not all finite}}
  %y = mopt.matmul %x, %w : tensor<?x4xf32>, tensor<4x2xf32> -> tensor<?x2xf32>
  return %y : tensor<?x2xf32>
}

// CHECK-LABEL: func.func @computed
func.func @computed(%x: tensor<?x4xf32>, %w: tensor<4x2xf32>) -> tensor<?x2xf32> {
  // expected-remark@+1 {{not pruned: its weights are no constant of floats}}
  %y = mopt.matmul %x, %w : tensor<?x4xf32>, tensor<4x2xf32> -> tensor<?x2xf32>
  return %y : tensor<?x2xf32>
}

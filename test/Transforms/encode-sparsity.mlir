// RUN: mopt-opt %s --split-input-file --pass-pipeline="builtin.module(func.func(mopt-encode-sparsity),cse)" | FileCheck %s
// RUN: mopt-opt %s --split-input-file --pass-pipeline="builtin.module(func.func(mopt-encode-sparsity{mode=off}))" | FileCheck %s --check-prefix=OFF
// RUN: mopt-opt %s --split-input-file --pass-pipeline="builtin.module(func.func(mopt-encode-sparsity{mode=2:4}))" -verify-diagnostics -o /dev/null
// RUN: not mopt-opt %s --split-input-file --pass-pipeline="builtin.module(func.func(mopt-encode-sparsity{mode=2-4}))" 2>&1 | FileCheck %s --check-prefix=MALFORMED

// MALFORMED: expected 'mode' of auto, off or N:M, found '2-4'
// OFF-NOT: mopt.sparse_assemble

// A group with fewer values keeps zeros at its first free positions; a rest of one
// has one position.
// CHECK-LABEL: func.func @columns
// CHECK-DAG: %[[V:.*]] = arith.constant dense<{{\[\[}}0.000000e+00, 1.000000e+00], [3.000000e+00, 2.000000e+00], [5.000000e+00, 6.000000e+00]]> : tensor<3x2xf32>
// CHECK-DAG: %[[P:.*]] = arith.constant dense<{{\[\[}}0, 2], [1, 3], [0, 0]]> : tensor<3x2xi8>
// CHECK: %[[W:.*]] = mopt.sparse_assemble %[[V]], %[[P]] sparsity <2:4> axis 0
// CHECK: mopt.matmul %arg0, %[[W]]
func.func @columns(%x: tensor<?x5xf32>) -> tensor<?x2xf32> {
  %w = arith.constant dense<[[0.0, 0.0], [3.0, 0.0], [0.0, 1.0], [0.0, 2.0], [5.0, 6.0]]> : tensor<5x2xf32>
  %y = mopt.matmul %x, %w : tensor<?x5xf32>, tensor<5x2xf32> -> tensor<?x2xf32>
  return %y : tensor<?x2xf32>
}

// -----

// The sparsest pattern.
// CHECK-LABEL: func.func @quarter
// CHECK: mopt.sparse_assemble {{.*}} sparsity <1:4> axis 1
func.func @quarter(%x: tensor<?x4xf32>) -> tensor<?x1xf32> {
  %w = arith.constant dense<[[0.0, 2.0, 0.0, 0.0]]> : tensor<1x4xf32>
  %y = mopt.matmul %x, %w {transpose_rhs} : tensor<?x4xf32>, tensor<1x4xf32> -> tensor<?x1xf32>
  return %y : tensor<?x1xf32>
}

// -----

// Every second block of four.
// CHECK-LABEL: func.func @blocks
// CHECK: mopt.sparse_assemble {{.*}} sparsity <4:8> axis 1
func.func @blocks(%x: tensor<?x8xf32>) -> tensor<?x1xf32> {
  %w = arith.constant dense<[[0.0, 0.0, 0.0, 0.0, 1.0, 2.0, 3.0, 4.0]]> : tensor<1x8xf32>
  // expected-error@+1 {{expected weights with at most 2 of 4 neighbours along the depth that are not 0, found 4 in column 0 from depth 4 on}}
  %y = mopt.matmul %x, %w {transpose_rhs} : tensor<?x8xf32>, tensor<1x8xf32> -> tensor<?x1xf32>
  return %y : tensor<?x1xf32>
}

// -----

// CHECK-LABEL: func.func @dense
// CHECK-NOT: mopt.sparse_assemble
func.func @dense(%x: tensor<?x4xf32>) -> tensor<?x1xf32> {
  %w = arith.constant dense<1.0> : tensor<4x1xf32>
  // expected-error@+1 {{found 4 in column 0 from depth 0 on}}
  %y = mopt.matmul %x, %w : tensor<?x4xf32>, tensor<4x1xf32> -> tensor<?x1xf32>
  return %y : tensor<?x1xf32>
}

// -----

// Shared weights stay shared.
// CHECK-LABEL: func.func @shared
// CHECK: %[[W:.*]] = mopt.sparse_assemble
// CHECK-NOT: mopt.sparse_assemble
// CHECK: mopt.matmul %arg0, %[[W]]
// CHECK: mopt.matmul %arg1, %[[W]]
func.func @shared(%x: tensor<?x4xf32>, %y: tensor<?x4xf32>) -> (tensor<?x1xf32>, tensor<?x1xf32>) {
  %w = arith.constant dense<[[0.0], [1.0], [2.0], [0.0]]> : tensor<4x1xf32>
  %0 = mopt.matmul %x, %w : tensor<?x4xf32>, tensor<4x1xf32> -> tensor<?x1xf32>
  %1 = mopt.matmul %y, %w : tensor<?x4xf32>, tensor<4x1xf32> -> tensor<?x1xf32>
  return %0, %1 : tensor<?x1xf32>, tensor<?x1xf32>
}

// -----

// Bytes of a quantized product.
// CHECK-LABEL: func.func @bytes
// CHECK-DAG: arith.constant dense<{{\[\[}}0, 5], [7, 6]]> : tensor<2x2xi8>
// CHECK-DAG: arith.constant dense<{{\[\[}}0, 0], [3, 1]]> : tensor<2x2xi8>
// CHECK: mopt.sparse_assemble {{.*}} sparsity <2:4> axis 0 : {{.*}} -> tensor<4x2xi8>
// CHECK: mopt.quantized_matmul
func.func @bytes(%x: tensor<?x4xui8>, %s: tensor<1x1xf32>) -> tensor<?x2xf32> {
  %w = arith.constant dense<[[0, 5], [0, 6], [0, 0], [7, 0]]> : tensor<4x2xi8>
  %y = mopt.quantized_matmul %x, %w scales(%s, %s) : (tensor<?x4xui8>, tensor<4x2xi8>, tensor<1x1xf32>, tensor<1x1xf32>) -> tensor<?x2xf32>
  return %y : tensor<?x2xf32>
}

// -----

// No pattern, but at least 45% zeros: what the fullest group of 64 keeps. The rest
// of one has one position.
// CHECK-LABEL: func.func @unstructured
// CHECK-DAG: arith.constant dense<1.000000e+00> : tensor<6x1xf32>
// CHECK-DAG: arith.constant dense<{{\[\[}}10], [11], [12], [13], [14], [0]]> : tensor<6x1xi8>
// CHECK: mopt.sparse_assemble {{.*}} sparsity <5:64> axis 0
func.func @unstructured(%x: tensor<?x65xf32>) -> tensor<?x1xf32> {
  %w = arith.constant dense<[[0.0], [0.0], [0.0], [0.0], [0.0], [0.0], [0.0], [0.0], [0.0], [0.0], [1.0], [1.0], [1.0], [1.0], [1.0], [0.0], [0.0], [0.0], [0.0], [0.0], [0.0], [0.0], [0.0], [0.0], [0.0], [0.0], [0.0], [0.0], [0.0], [0.0], [0.0], [0.0], [0.0], [0.0], [0.0], [0.0], [0.0], [0.0], [0.0], [0.0], [0.0], [0.0], [0.0], [0.0], [0.0], [0.0], [0.0], [0.0], [0.0], [0.0], [0.0], [0.0], [0.0], [0.0], [0.0], [0.0], [0.0], [0.0], [0.0], [0.0], [0.0], [0.0], [0.0], [0.0], [1.0]]> : tensor<65x1xf32>
  // expected-error@+1 {{found 3 in column 0 from depth 12 on}}
  %y = mopt.matmul %x, %w : tensor<?x65xf32>, tensor<65x1xf32> -> tensor<?x1xf32>
  return %y : tensor<?x1xf32>
}

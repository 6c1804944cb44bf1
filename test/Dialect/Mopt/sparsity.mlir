// RUN: mopt-opt %s --split-input-file --verify-diagnostics | FileCheck %s

// CHECK-LABEL: func.func @assemble
// CHECK: mopt.sparse_assemble %{{.*}}, %{{.*}} sparsity <2:4> axis 0 : tensor<2x3xf32>, tensor<2x3xi8> -> tensor<4x3xf32>
func.func @assemble(%v: tensor<2x3xf32>, %p: tensor<2x3xi8>) -> tensor<4x3xf32> {
  %w = mopt.sparse_assemble %v, %p sparsity <2:4> axis 0 : tensor<2x3xf32>, tensor<2x3xi8> -> tensor<4x3xf32>
  return %w : tensor<4x3xf32>
}

// A last group of 3 keeps 2, one of 1 keeps 1.
// CHECK-LABEL: func.func @rest
// CHECK: mopt.sparse_assemble
func.func @rest(%v: tensor<1x3xf32>) -> tensor<1x5xf32> {
  %p = arith.constant dense<[[0, 3, 0]]> : tensor<1x3xi8>
  %w = mopt.sparse_assemble %v, %p sparsity <2:4> axis 1 : tensor<1x3xf32>, tensor<1x3xi8> -> tensor<1x5xf32>
  return %w : tensor<1x5xf32>
}

// CHECK-LABEL: func.func @byte_lanes
// CHECK: mopt.sparse_anchor <byte_lanes> sparsity <2:4> ins
// CHECK-SAME: safe_pairs
func.func @byte_lanes(%x: tensor<1x16xi8>, %v: tensor<1x128xi8>, %p: tensor<1x64xi8>, %c: tensor<1x3xi32>) -> tensor<1x3xi32> {
  %y = mopt.sparse_anchor <byte_lanes> sparsity <2:4>
      ins(%x, %v, %p : tensor<1x16xi8>, tensor<1x128xi8>, tensor<1x64xi8>) outs(%c : tensor<1x3xi32>)
      attributes {config = #mopt.config<kernel = "k", rows = 1, columns = 16, lanes = 8, unroll = 1, streams = 1, prefetchRows = 0, prefetchNext = false>, permutation = "p", safe_pairs} {
  ^bb0(%acc: i32):
    mopt.yield %acc : i32
  } -> tensor<1x3xi32>
  return %y : tensor<1x3xi32>
}

// -----

func.func @no_permutation(%x: tensor<1x16xi8>, %v: tensor<1x128xi8>, %p: tensor<1x64xi8>, %c: tensor<1x3xi32>) {
  // expected-error@+1 {{expected a 'permutation' for lanes and bytes only}}
  %y = mopt.sparse_anchor <byte_lanes> sparsity <2:4>
      ins(%x, %v, %p : tensor<1x16xi8>, tensor<1x128xi8>, tensor<1x64xi8>) outs(%c : tensor<1x3xi32>)
      attributes {config = #mopt.config<kernel = "k", rows = 1, columns = 16, lanes = 8, unroll = 1, streams = 1, prefetchRows = 0, prefetchNext = false>} {
  ^bb0(%acc: i32):
    mopt.yield %acc : i32
  } -> tensor<1x3xi32>
  return
}

// -----

func.func @pattern(%v: tensor<2x3xf32>, %p: tensor<2x3xi8>) {
  // expected-error@+1 {{expected N:M with N from 1 to M, and M up to 128, found 5:4}}
  %w = mopt.sparse_assemble %v, %p sparsity <5:4> axis 0 : tensor<2x3xf32>, tensor<2x3xi8> -> tensor<4x3xf32>
  return
}

// -----

func.func @axis(%v: tensor<2x3xf32>, %p: tensor<2x3xi8>) {
  // expected-error@+1 {{expected an axis in [0, 2), found 2}}
  %w = mopt.sparse_assemble %v, %p sparsity <2:4> axis 2 : tensor<2x3xf32>, tensor<2x3xi8> -> tensor<4x3xf32>
  return
}

// -----

func.func @values(%v: tensor<3x3xf32>, %p: tensor<2x3xi8>) {
  // expected-error@+1 {{expected values of type 'tensor<2x3xf32>', found 'tensor<3x3xf32>'}}
  %w = mopt.sparse_assemble %v, %p sparsity <2:4> axis 0 : tensor<3x3xf32>, tensor<2x3xi8> -> tensor<4x3xf32>
  return
}

// -----

func.func @positions(%v: tensor<2x3xf32>, %p: tensor<2x3xi16>) {
  // expected-error@+1 {{expected positions of type 'tensor<2x3xi8>', found 'tensor<2x3xi16>'}}
  %w = mopt.sparse_assemble %v, %p sparsity <2:4> axis 0 : tensor<2x3xf32>, tensor<2x3xi16> -> tensor<4x3xf32>
  return
}

// -----

func.func @descending(%v: tensor<4x1xf32>) {
  %p = arith.constant dense<[[0], [1], [2], [2]]> : tensor<4x1xi8>
  // expected-error@+1 {{expected ascending positions below 4 in the group at 4, found 2 at index 1 of it}}
  %w = mopt.sparse_assemble %v, %p sparsity <2:4> axis 0 : tensor<4x1xf32>, tensor<4x1xi8> -> tensor<8x1xf32>
  return
}

// -----

func.func @outside(%v: tensor<3x1xf32>) {
  %p = arith.constant dense<[[0], [1], [1]]> : tensor<3x1xi8>
  // expected-error@+1 {{expected ascending positions below 1 in the group at 4, found 1 at index 0 of it}}
  %w = mopt.sparse_assemble %v, %p sparsity <2:4> axis 0 : tensor<3x1xf32>, tensor<3x1xi8> -> tensor<5x1xf32>
  return
}

// -----

// A last group of two would be left out.
func.func @matrices(%x: tensor<5x34xi8>, %v: tensor<1x640xi8>, %p: tensor<1x18xi64>, %c: tensor<5x32xi32>) -> tensor<5x32xi32> {
  // expected-error@+1 {{expected bytes and rows of whole groups of 4 for the matrix unit 'm', found bytes and 'tensor<5x34xi8>'}}
  %0 = mopt.sparse_anchor <bytes> sparsity <2:4>
      ins(%x, %v, %p : tensor<5x34xi8>, tensor<1x640xi8>, tensor<1x18xi64>) outs(%c : tensor<5x32xi32>)
      attributes {config = #mopt.config<kernel = "k", rows = 32, columns = 32, lanes = 16, unroll = 4, streams = 1, prefetchRows = 0, prefetchNext = false,
      interleave = 4, accumulates = true, lhsBits = 8, rhsBits = 8, instruction = "i", matrixUnit = "m">, permutation = "p"} {
  ^bb0(%acc: i32):
    mopt.yield %acc : i32
  } -> tensor<5x32xi32>
  return %0 : tensor<5x32xi32>
}

// -----

// Warps of a device take floats of 16 bits and bytes.
func.func @warps(%x: tensor<5x64xf32>, %v: tensor<1x4096xf32>, %p: tensor<1x256xi32>, %c: tensor<5x32xf32>) -> tensor<5x32xf32> {
  // expected-error@+1 {{expected lanes of f16, bf16 or i8 for warps, found lanes and 'f32'}}
  %0 = mopt.sparse_anchor <lanes> sparsity <2:4>
      ins(%x, %v, %p : tensor<5x64xf32>, tensor<1x4096xf32>, tensor<1x256xi32>) outs(%c : tensor<5x32xf32>)
      attributes {config = #mopt.config<kernel = "k", rows = 64, columns = 64, lanes = 32, unroll = 4, streams = 4, prefetchRows = 0, prefetchNext = false,
      accumulates = true, lhsBits = 16, rhsBits = 16, instruction = "i", matrixUnit = "warp">} {
  ^bb0(%acc: f32):
    mopt.yield %acc : f32
  } -> tensor<5x32xf32>
  return %0 : tensor<5x32xf32>
}

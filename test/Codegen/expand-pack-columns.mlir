// RUN: mopt-opt %s -mopt-expand-microkernels | FileCheck %s

// Threads share the blocks of all matrices. The last one of each is not whole.
// CHECK-LABEL: @matrices
// CHECK: scf.forall (%{{.*}}, %{{.*}}, %[[BLOCK:.*]]) in (3, 4, 5)
// CHECK: %[[WHOLE:.*]] = arith.cmpi slt, %[[BLOCK]]
// CHECK: scf.if %[[WHOLE]]
// CHECK: vector.store
// CHECK: } else {
// CHECK: memref.store
func.func @matrices(%a: memref<3x4x64x70xf32>, %packed: memref<3x4x5x64x16xf32>) {
  mopt.pack_columns ins(%a : memref<3x4x64x70xf32>) outs(%packed : memref<3x4x5x64x16xf32>) {lanes = 8 : i64}
  return
}

// CHECK-LABEL: @one_matrix
// CHECK: scf.forall (%{{.*}}, %{{.*}}) in (1, 44)
// CHECK: vector.store
// CHECK: } else {
// CHECK: memref.store
func.func @one_matrix(%a: memref<1x64x700xf32>, %packed: memref<1x44x64x16xf32>) {
  mopt.pack_columns ins(%a : memref<1x64x700xf32>) outs(%packed : memref<1x44x64x16xf32>) {lanes = 8 : i64}
  return
}

// Few elements are not worth waking a thread, nor does one that runs already.
// CHECK-LABEL: @small
// CHECK-NOT: scf.forall
// CHECK: return
func.func @small(%a: memref<1x64x70xf32>, %packed: memref<1x5x64x16xf32>) {
  mopt.pack_columns ins(%a : memref<1x64x70xf32>) outs(%packed : memref<1x5x64x16xf32>) {lanes = 8 : i64}
  return
}

// CHECK-LABEL: @within
// CHECK-COUNT-1: scf.forall
// CHECK-NOT: scf.forall
// CHECK: return
func.func @within(%a: memref<1x64x700xf32>, %packed: memref<1x44x64x16xf32>) {
  scf.forall (%i) in (2) {
    mopt.pack_columns ins(%a : memref<1x64x700xf32>) outs(%packed : memref<1x44x64x16xf32>) {lanes = 8 : i64}
  }
  return
}

// Keys of twelve heads, a row of all heads after the other: each head is packed
// from where it lies.
// CHECK-LABEL: @permuted
// CHECK: scf.forall (%[[H:.*]], %{{.*}}) in (12, 8)
// CHECK: %[[APART:.*]] = arith.constant 32 : index
// CHECK: arith.muli %[[H]], %[[APART]]
// CHECK: vector.load
func.func @permuted(%a: memref<128x12x32xf32>, %packed: memref<12x8x32x16xf32>) {
  mopt.pack_columns ins(%a : memref<128x12x32xf32>) outs(%packed : memref<12x8x32x16xf32>) {lanes = 8 : i64, permutation = array<i64: 1, 0, 2>, transposed}
  return
}

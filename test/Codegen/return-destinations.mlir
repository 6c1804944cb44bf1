// RUN: mopt-opt %s --split-input-file --mopt-return-destinations | FileCheck %s

// What shows all of the destination is the destination.
// CHECK-LABEL: func.func private @viewed
// CHECK-SAME: %[[D:[a-z0-9]+]]: memref<?x?x8xf32> {mopt.destination
// CHECK: return %[[D]]
func.func private @viewed(%x: memref<?x?x8xf32>, %d: memref<?x?x8xf32> {mopt.destination = 0 : i64}) -> memref<?x?x8xf32> attributes {mopt.kernel} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %n = memref.dim %d, %c0 : memref<?x?x8xf32>
  %m = memref.dim %d, %c1 : memref<?x?x8xf32>
  %flat = memref.collapse_shape %d [[0, 1], [2]] : memref<?x?x8xf32> into memref<?x8xf32>
  %back = memref.expand_shape %flat [[0, 1], [2]] output_shape [%n, %m, 8] : memref<?x8xf32> into memref<?x?x8xf32>
  return %back : memref<?x?x8xf32>
}

// -----

// Other memory stays.
// CHECK-LABEL: func.func private @other
// CHECK: %[[A:.*]] = memref.alloc
// CHECK: return %[[A]]
func.func private @other(%x: memref<8xf32>, %d: memref<8xf32> {mopt.destination = 0 : i64}) -> memref<8xf32> attributes {mopt.kernel} {
  %a = memref.alloc() : memref<8xf32>
  memref.copy %x, %a : memref<8xf32> to memref<8xf32>
  return %a : memref<8xf32>
}

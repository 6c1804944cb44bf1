// RUN: mopt-opt %s --pass-pipeline="builtin.module(func.func(mopt-unroll-loops))" | FileCheck %s

// A window of 3 by 2, the inner loop first; the long loop stays.
// CHECK-LABEL: @window
// CHECK-COUNT-1: scf.for
// CHECK-COUNT-6: memref.store
// CHECK-NOT: memref.store
// CHECK: return
func.func @window(%m: memref<3x2xf32>, %v: f32) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c2 = arith.constant 2 : index
  %c3 = arith.constant 3 : index
  %c64 = arith.constant 64 : index
  scf.for %i = %c0 to %c64 step %c1 {
    scf.for %j = %c0 to %c3 step %c1 {
      scf.for %k = %c0 to %c2 step %c1 {
        memref.store %v, %m[%j, %k] : memref<3x2xf32>
      }
    }
  }
  return
}

// Neither a loop on its own nor one of unknown length.
// CHECK-LABEL: @kept
// CHECK-COUNT-3: scf.for
func.func @kept(%m: memref<?xf32>, %v: f32, %n: index) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c4 = arith.constant 4 : index
  scf.for %i = %c0 to %c4 step %c1 {
    memref.store %v, %m[%i] : memref<?xf32>
  }
  scf.for %i = %c0 to %c4 step %c1 {
    scf.for %j = %c0 to %n step %c1 {
      memref.store %v, %m[%j] : memref<?xf32>
    }
  }
  return
}

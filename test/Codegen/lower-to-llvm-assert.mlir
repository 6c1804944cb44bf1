// RUN: mopt-opt %s -mopt-lower-to-llvm | FileCheck %s

// An assertion that fails records the error and leaves the function.
// CHECK: llvm.mlir.global internal constant @mopt_message("the sizes do not fit\00")
// CHECK-LABEL: llvm.func @entry
// CHECK-SAME: (%[[CTX:.*]]: !llvm.ptr, %[[C:.*]]: i1
// CHECK: llvm.cond_br %[[C]], ^[[GO:.*]], ^[[STOP:.*]]
// CHECK: ^[[STOP]]:
// CHECK: %[[STATUS:.*]] = llvm.mlir.constant(7 : i32)
// CHECK: llvm.call @mopt_rt_fail(%[[CTX]], %[[STATUS]], %{{.*}})
// CHECK: llvm.mlir.zero
// CHECK: llvm.return
// CHECK: ^[[GO]]:
// CHECK: llvm.return
func.func @entry(%c: i1, %x: memref<4xf32>) -> memref<4xf32> {
  cf.assert %c, "the sizes do not fit"
  return %x : memref<4xf32>
}

// RUN: mopt-opt %s --mopt-lower-to-llvm | FileCheck %s

// The run is the first argument, and is passed on; memory comes from it.
// CHECK-LABEL: llvm.func {{.*}}@caller
// CHECK-SAME: (%[[CONTEXT:.*]]: !llvm.ptr
// CHECK: llvm.call @mopt_rt_alloc(%[[CONTEXT]], %{{.*}}) : (!llvm.ptr, i64) -> !llvm.ptr
// CHECK: llvm.call @callee(%[[CONTEXT]],
func.func @caller(%n: index) {
  %m = memref.alloc(%n) {alignment = 64 : i64} : memref<?xf32>
  call @callee(%m) : (memref<?xf32>) -> ()
  return
}

// Loops over threads are calls of the runtime, with a record of what they use.
// CHECK-LABEL: llvm.func {{.*}}@callee
// CHECK: llvm.call @mopt_rt_parallel_for(
func.func private @callee(%m: memref<?xf32>) attributes {mopt.kernel} {
  %c8 = arith.constant 8 : index
  mopt.parallel_call @body(%m) count(%c8) : memref<?xf32>
  return
}

// CHECK-LABEL: llvm.func {{.*}}@body
func.func private @body(%m: memref<?xf32>, %begin: index, %end: index) {
  return
}

// What a kernel allocates is free again when it returns.
// CHECK-LABEL: llvm.func {{.*}}@scratch
// CHECK: %[[MARK:.*]] = llvm.call @mopt_rt_alloc_mark(
// CHECK: llvm.call @mopt_rt_alloc(
// CHECK: llvm.call @mopt_rt_alloc_release(%{{.*}}, %[[MARK]])
// CHECK-NEXT: llvm.return
func.func private @scratch(%n: index) attributes {mopt.kernel} {
  %m = memref.alloc(%n) : memref<?xf32>
  call @body(%m, %n, %n) : (memref<?xf32>, index, index) -> ()
  return
}

// Rounding is an instruction, not a call.
// CHECK-LABEL: llvm.func {{.*}}@rounding
// CHECK: llvm.intr.floor
// CHECK: llvm.intr.ceil
// CHECK: llvm.intr.trunc
// CHECK: llvm.intr.roundeven
func.func private @rounding(%x: f32) -> f32 {
  %0 = math.floor %x : f32
  %1 = math.ceil %0 : f32
  %2 = math.trunc %1 : f32
  %3 = math.roundeven %2 : f32
  return %3 : f32
}

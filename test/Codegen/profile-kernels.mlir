// RUN: mopt-opt %s -split-input-file --mopt-profile-kernels | FileCheck %s

// CHECK-LABEL: module attributes {mopt.profile = {{\[}}["twice", "a (Add)\0Ab (Mul)"], ["twice", ""]]}
// CHECK-DAG: func.func private @mopt_rt_kernel_begin() attributes {mopt.runtime}
// CHECK-DAG: func.func private @mopt_rt_kernel_end(i64) attributes {mopt.runtime}
module {
  func.func private @twice(%x: memref<4xf32>) attributes {mopt.kernel} {
    return
  }
  func.func private @other() {
    return
  }
  // CHECK-LABEL: func @entry
  // CHECK: call @mopt_rt_kernel_begin
  // CHECK-NEXT: call @twice
  // CHECK-NEXT: %[[ZERO:.*]] = arith.constant 0 : i64
  // CHECK-NEXT: call @mopt_rt_kernel_end(%[[ZERO]])
  // CHECK: call @other
  // CHECK-NEXT: scf.if
  // CHECK-NEXT: call @mopt_rt_kernel_begin
  // CHECK-NEXT: call @twice
  // CHECK-NEXT: %[[ONE:.*]] = arith.constant 1 : i64
  // CHECK-NEXT: call @mopt_rt_kernel_end(%[[ONE]])
  func.func @entry(%x: memref<4xf32>, %c: i1) attributes {mopt.entry} {
    call @twice(%x) : (memref<4xf32>) -> () loc(fused["node 'a' (Add, opset 7)"("m":1:0), "node 'b' (Mul, opset 7)"("m":2:0)])
    call @other() : () -> ()
    scf.if %c {
      func.call @twice(%x) : (memref<4xf32>) -> ()
    }
    return
  }
}

// -----

// Nothing to count.
// CHECK-LABEL: module
// CHECK-NOT: mopt_rt_kernel
module {
  func.func @entry() attributes {mopt.entry} {
    return
  }
}

// RUN: mopt-opt %s --split-input-file -mopt-map-to-grid -mopt-wait-for-device 2>/dev/null | FileCheck %s

// The condition is the device's, the branches are launches again.
// CHECK: module attributes {{.*}}mopt.shared_memory
// CHECK-LABEL: func.func @branch
// CHECK: gpu.launch_func
// CHECK-NEXT: call @mopt_rt_wait()
// CHECK-NEXT: memref.load
// CHECK-NEXT: scf.if
// CHECK: gpu.launch_func
// CHECK-NOT: mopt_rt_wait
// CHECK: else
// CHECK: gpu.launch_func
// CHECK-NOT: mopt_rt_wait
// CHECK: return
func.func @branch(%x: memref<i1>, %c: memref<i1>, %a: memref<64xf32>, %b: memref<64xf32>) attributes {mopt.entry} {
  linalg.copy ins(%x : memref<i1>) outs(%c : memref<i1>)
  %condition = memref.load %c[] : memref<i1>
  scf.if %condition {
    linalg.copy ins(%a : memref<64xf32>) outs(%b : memref<64xf32>)
  } else {
    linalg.copy ins(%b : memref<64xf32>) outs(%a : memref<64xf32>)
  }
  return
}

// -----

// A kernel of the host is waited for once, not in its loops.
// CHECK: module attributes {{.*}}mopt.shared_memory
// CHECK-LABEL: func.func private @count
// CHECK-NOT: mopt_rt_wait
// CHECK-LABEL: func.func @entry
// CHECK: gpu.launch_func
// CHECK: call @mopt_rt_wait()
// CHECK-NEXT: call @count
// CHECK-NEXT: call @count
func.func private @count(%x: memref<100000xf32>, %y: memref<100000xf32>) attributes {mopt.kernel} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %n = arith.constant 100000 : index
  %zero = arith.constant 0.0 : f32
  %sum = scf.for %i = %c0 to %n step %c1 iter_args(%s = %zero) -> f32 {
    %a = memref.load %x[%i] : memref<100000xf32>
    %t = arith.addf %s, %a : f32
    memref.store %t, %y[%i] : memref<100000xf32>
    scf.yield %t : f32
  }
  return
}
func.func @entry(%x: memref<100000xf32>, %y: memref<100000xf32>, %z: memref<100000xf32>) attributes {mopt.entry} {
  linalg.copy ins(%x : memref<100000xf32>) outs(%y : memref<100000xf32>)
  call @count(%y, %z) : (memref<100000xf32>, memref<100000xf32>) -> ()
  call @count(%z, %y) : (memref<100000xf32>, memref<100000xf32>) -> ()
  return
}

// -----

// Launches alone need no memory of the host's.
// CHECK-NOT: mopt.shared_memory
// CHECK-LABEL: func.func @launches
// CHECK-NOT: mopt_rt_wait
func.func @launches(%x: memref<64xf32>, %y: memref<64xf32>) attributes {mopt.entry} {
  linalg.copy ins(%x : memref<64xf32>) outs(%y : memref<64xf32>)
  return
}

// -----

// Inputs are on their way though nothing is launched.
// CHECK: module attributes {{.*}}mopt.shared_memory
// CHECK-LABEL: func.func @host_alone
// CHECK: call @mopt_rt_wait()
// CHECK-NEXT: memref.load
// CHECK-NOT: mopt_rt_wait
func.func @host_alone(%x: memref<2xi64>, %y: memref<i64>) attributes {mopt.entry} {
  %c1 = arith.constant 1 : index
  %v = memref.load %x[%c1] : memref<2xi64>
  memref.store %v, %y[] : memref<i64>
  return
}

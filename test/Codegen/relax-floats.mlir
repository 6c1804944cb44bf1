// RUN: mopt-opt %s --mopt-relax-floats | FileCheck %s

// CHECK-LABEL: func @floats
// CHECK: arith.mulf %{{.*}} fastmath<nnan,nsz,arcp,contract>
// CHECK: arith.addf %{{.*}} fastmath<reassoc,nnan,nsz,arcp,contract>
// CHECK: arith.maximumf %{{.*}} fastmath<nnan,nsz,arcp,contract>
// CHECK: math.exp %{{.*}} fastmath<nnan,nsz,arcp,contract>
func.func @floats(%x: f32, %y: vector<4xf32>) -> (f32, vector<4xf32>) {
  %p = arith.mulf %x, %x : f32
  %s = arith.addf %p, %x fastmath<reassoc> : f32
  %m = arith.maximumf %s, %x : f32
  %e = math.exp %y : vector<4xf32>
  return %m, %e : f32, vector<4xf32>
}

// Integers have no such freedom.
// CHECK-LABEL: func @integers
// CHECK-NOT: fastmath
func.func @integers(%x: i32) -> i32 {
  %s = arith.addi %x, %x : i32
  return %s : i32
}

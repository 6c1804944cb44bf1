// RUN: mopt-opt %s --mopt-approximate-math | FileCheck %s

// CHECK-LABEL: @exp
// CHECK-NOT: math.exp
// CHECK: arith.bitcast
// CHECK: return
func.func @exp(%x: f32) -> f32 {
  %y = math.exp %x : f32
  return %y : f32
}

// CHECK-LABEL: @vectors
// CHECK-NOT: math.{{log|tanh|erf}}
// CHECK: arith.sitofp %{{.*}} : vector<8xi32> to vector<8xf32>
// CHECK: math.copysign %{{.*}} : vector<8xf32>
// CHECK-NOT: math.{{log|tanh|erf|exp}}
// CHECK: return
func.func @vectors(%x: vector<8xf32>) -> (vector<8xf32>, vector<8xf32>, vector<8xf32>) {
  %y = math.log %x : vector<8xf32>
  %z = math.tanh %x : vector<8xf32>
  %u = math.erf %x : vector<8xf32>
  return %y, %z, %u : vector<8xf32>, vector<8xf32>, vector<8xf32>
}

// CHECK-LABEL: @others
// CHECK: math.exp %{{.*}} : f64
// CHECK: math.sin %{{.*}} : f32
func.func @others(%x: f64, %y: f32) -> (f64, f32) {
  %u = math.exp %x : f64
  %v = math.sin %y : f32
  return %u, %v : f64, f32
}

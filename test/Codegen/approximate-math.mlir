// RUN: mopt-opt %s --mopt-approximate-math | FileCheck %s
// RUN: mopt-opt %s --mopt-approximate-math=instructions=true | FileCheck %s --check-prefix=INSTRUCTIONS

// CHECK-LABEL: @exp
// CHECK-NOT: math.exp
// CHECK: arith.bitcast
// CHECK: return
func.func @exp(%x: f32) -> f32 {
  %y = math.exp %x : f32
  return %y : f32
}

// Between these limits the power of two is one normal number.
// CHECK-LABEL: @limited
// CHECK-COUNT-2: arith.select
// CHECK-NOT: arith.select
// CHECK-NOT: arith.shrsi
// CHECK: return
func.func @limited(%x: f32) -> f32 {
  %zero = arith.constant 0.0 : f32
  %least = arith.constant -87.0 : f32
  %large = arith.cmpf ogt, %x, %zero : f32
  %below = arith.select %large, %zero, %x : f32
  %small = arith.cmpf olt, %below, %least : f32
  %within = arith.select %small, %least, %below : f32
  %y = math.exp %within : f32
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

// Powers of 2, quotients and limits by instructions of the target.
// INSTRUCTIONS-LABEL: @exp
// INSTRUCTIONS-COUNT-2: arith.select
// INSTRUCTIONS: math.exp2 %{{.*}} fastmath<afn> : f32
// INSTRUCTIONS-NOT: arith.bitcast
// INSTRUCTIONS: return
// INSTRUCTIONS-LABEL: @limited
// INSTRUCTIONS-COUNT-2: arith.select
// INSTRUCTIONS-NOT: arith.select
// INSTRUCTIONS: math.exp2
// INSTRUCTIONS-LABEL: @vectors
// INSTRUCTIONS: math.exp2 %{{.*}} fastmath<afn> : vector<8xf32>
// INSTRUCTIONS: arith.divf %{{.*}} fastmath<afn> : vector<8xf32>
// INSTRUCTIONS: arith.minimumf
// INSTRUCTIONS: arith.maximumf
// INSTRUCTIONS: return

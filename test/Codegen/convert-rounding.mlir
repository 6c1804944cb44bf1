// RUN: mopt-opt %s -mopt-convert-rounding | FileCheck %s

// CHECK-LABEL: func.func @vectors
// CHECK-NEXT: %[[I:.*]] = llvm.intr.lrint(%arg0) : (vector<8xf32>) -> vector<8xi32>
// CHECK-NEXT: return %[[I]]
func.func @vectors(%x: vector<8xf32>) -> vector<8xi32> {
  %0 = math.roundeven %x : vector<8xf32>
  %1 = arith.fptosi %0 : vector<8xf32> to vector<8xi32>
  return %1 : vector<8xi32>
}

// CHECK-LABEL: func.func @others
// CHECK: math.roundeven
// CHECK: arith.fptosi
// CHECK: math.floor
// CHECK: arith.fptosi
func.func @others(%x: f64, %y: f32) -> (i32, i32) {
  %0 = math.roundeven %x : f64
  %1 = arith.fptosi %0 : f64 to i32
  %2 = math.floor %y : f32
  %3 = arith.fptosi %2 : f32 to i32
  return %1, %3 : i32, i32
}

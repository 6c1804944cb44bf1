// RUN: mopt-opt %s -mopt-approximate-math | FileCheck %s

// CHECK-LABEL: @exp
// CHECK-NOT: math.exp
// CHECK: return
func.func @exp(%x: f32) -> f32 {
  %y = math.exp %x : f32
  return %y : f32
}

// Wider floats are left to the math library.
// CHECK-LABEL: @wide
// CHECK: math.exp
func.func @wide(%x: f64) -> f64 {
  %y = math.exp %x : f64
  return %y : f64
}

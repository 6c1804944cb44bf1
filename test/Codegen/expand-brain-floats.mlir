// RUN: mopt-opt %s -mopt-expand-brain-floats | FileCheck %s

// CHECK-LABEL: @wider
// CHECK: %[[BITS:.*]] = arith.bitcast %arg0 : bf16 to i16
// CHECK: arith.extui %[[BITS]] : i16 to i32
// CHECK: arith.shli
// CHECK-NOT: arith.extf
func.func @wider(%x: bf16) -> f32 {
  %y = arith.extf %x : bf16 to f32
  return %y : f32
}

// CHECK-LABEL: @narrower
// CHECK-NOT: arith.truncf
// CHECK: arith.bitcast %{{.*}} : vector<4xi16> to vector<4xbf16>
func.func @narrower(%x: vector<4xf32>) -> vector<4xbf16> {
  %y = arith.truncf %x : vector<4xf32> to vector<4xbf16>
  return %y : vector<4xbf16>
}

// Halves are left alone.
// CHECK-LABEL: @half
// CHECK: arith.extf
func.func @half(%x: f16) -> f32 {
  %y = arith.extf %x : f16 to f32
  return %y : f32
}

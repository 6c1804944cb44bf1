// RUN: mopt-opt %s -mopt-expand-brain-floats | FileCheck %s
// RUN: mopt-opt %s -mopt-expand-brain-floats=instructions | FileCheck %s --check-prefix=ONE
// RUN: sed 's/+avx512f,+avx512bf16/+neon,+bf16/' %s | mopt-opt -mopt-expand-brain-floats=instructions | FileCheck %s --check-prefix=ONE
// RUN: sed 's/+avx512bf16/+avx512vnni/' %s | mopt-opt -mopt-expand-brain-floats=instructions | FileCheck %s

module attributes {mopt.target = #mopt.target<name = "m", triple = "t", cpu = "c", features = "+avx512f,+avx512bf16", vectorBits = 512, vectorRegisters = 32, l1Bytes = 32768, l2Bytes = 1048576>} {

// CHECK-LABEL: @wider
// CHECK: %[[BITS:.*]] = arith.bitcast %arg0 : bf16 to i16
// CHECK: arith.extui %[[BITS]] : i16 to i32
// CHECK: arith.shli
// CHECK-NOT: arith.extf
func.func @wider(%x: bf16) -> f32 {
  %y = arith.extf %x : bf16 to f32
  return %y : f32
}

// ONE-LABEL: @narrower
// ONE: llvm.fptrunc %{{.*}} : vector<4xf32> to vector<4xbf16>
// CHECK-LABEL: @narrower
// CHECK-NOT: arith.truncf
// CHECK: arith.bitcast %{{.*}} : vector<4xi16> to vector<4xbf16>
func.func @narrower(%x: vector<4xf32>) -> vector<4xbf16> {
  %y = arith.truncf %x : vector<4xf32> to vector<4xbf16>
  return %y : vector<4xbf16>
}

// ONE-LABEL: @scalar
// ONE-NOT: llvm.fptrunc
// CHECK-LABEL: @scalar
// CHECK: arith.bitcast %{{.*}} : i16 to bf16
func.func @scalar(%x: f32) -> bf16 {
  %y = arith.truncf %x : f32 to bf16
  return %y : bf16
}

// Halves are left alone.
// CHECK-LABEL: @half
// CHECK: arith.extf
func.func @half(%x: f16) -> f32 {
  %y = arith.extf %x : f16 to f32
  return %y : f32
}
}

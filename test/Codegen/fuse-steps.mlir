// RUN: mopt-opt %s --split-input-file -mopt-fuse-steps | FileCheck %s

module attributes {mopt.target = #mopt.target<name = "fusing", triple = "x86_64-unknown-linux-gnu", cpu = "x86-64-v3", features = "+avx2,+fma", vectorBits = 256, vectorRegisters = 16, l1Bytes = 32768, l2Bytes = 524288>} {

// A quotient is the reciprocal's two parts times what is clamped first.
// CHECK-LABEL: func.func @divide
// CHECK: %[[A:.*]] = arith.maxnumf %arg0, %{{.*}} : f32
// CHECK: %[[X:.*]] = arith.minnumf %[[A]], %{{.*}} : f32
// CHECK: %[[LOW:.*]] = arith.mulf %[[X]], %{{.*}} : f32
// CHECK: %[[Y:.*]] = math.fma %[[X]], %{{.*}}, %[[LOW]] : f32
// CHECK: %[[R:.*]] = math.roundeven %[[Y]]
// CHECK: %[[S:.*]] = arith.addf %[[R]], %{{.*}} : f32
// CHECK: return %[[S]]
func.func @divide(%x: f32) -> f32 {
  %scale = arith.constant 0.0437 : f32
  %zero = arith.constant 117.0 : f32
  %low = arith.constant 0.0 : f32
  %high = arith.constant 255.0 : f32
  %0 = arith.divf %x, %scale : f32
  %1 = math.roundeven %0 : f32
  %2 = arith.addf %1, %zero : f32
  %3 = arith.maxnumf %2, %low : f32
  %4 = arith.minnumf %3, %high : f32
  return %4 : f32
}

// The same, clamped before it is rounded.
// CHECK-LABEL: func.func @stored
// CHECK-NOT: arith.divf
// CHECK: math.fma
// CHECK: %[[R:.*]] = math.roundeven
// CHECK: return %[[R]]
func.func @stored(%x: f32) -> f32 {
  %scale = arith.constant 0.0437 : f32
  %low = arith.constant -117.0 : f32
  %high = arith.constant 138.0 : f32
  %0 = arith.divf %x, %scale : f32
  %1 = arith.maxnumf %0, %low : f32
  %2 = arith.minnumf %1, %high : f32
  %3 = math.roundeven %2 : f32
  return %3 : f32
}

// Unclamped, by a value that is no constant, by one without a reciprocal.
// CHECK-LABEL: func.func @stays
// CHECK-COUNT-3: arith.divf
func.func @stays(%x: f32, %s: f32) -> (f32, f32, f32) {
  %scale = arith.constant 0.0437 : f32
  %tiny = arith.constant 1.0e-39 : f32
  %low = arith.constant -117.0 : f32
  %high = arith.constant 138.0 : f32
  %0 = arith.divf %x, %scale : f32
  %1 = math.roundeven %0 : f32
  %2 = arith.divf %x, %s : f32
  %3 = arith.maxnumf %2, %low : f32
  %4 = arith.minnumf %3, %high : f32
  %5 = math.roundeven %4 : f32
  %6 = arith.divf %x, %tiny : f32
  %7 = arith.maxnumf %6, %low : f32
  %8 = arith.minnumf %7, %high : f32
  %9 = math.roundeven %8 : f32
  return %1, %5, %9 : f32, f32, f32
}

// A sum of bytes in steps: each product is fused.
// CHECK-LABEL: func.func @sum
// CHECK: %[[A:.*]] = arith.sitofp
// CHECK: %[[B:.*]] = arith.sitofp
// CHECK: %[[I:.*]] = math.fma %[[B]], %{{.*}}, %{{.*}} : f32
// CHECK: %[[S:.*]] = math.fma %[[A]], %{{.*}}, %[[I]] : f32
// CHECK: math.roundeven %[[S]]
func.func @sum(%a: i8, %b: i8) -> f32 {
  %ra = arith.constant 0.7 : f32
  %rb = arith.constant 0.3 : f32
  %fixed = arith.constant 11.0 : f32
  %0 = arith.extui %a : i8 to i32
  %1 = arith.sitofp %0 : i32 to f32
  %2 = arith.mulf %1, %ra : f32
  %3 = arith.extui %b : i8 to i32
  %4 = arith.sitofp %3 : i32 to f32
  %5 = arith.mulf %4, %rb : f32
  %6 = arith.addf %5, %fixed : f32
  %7 = arith.addf %6, %2 : f32
  %8 = math.roundeven %7 : f32
  return %8 : f32
}

// Steps that stayed floats, and a product that another kernel has computed.
// CHECK-LABEL: func.func @computed
// CHECK: %[[R:.*]] = math.roundeven %arg0
// CHECK: %[[I:.*]] = math.fma %[[R]], %{{.*}}, %{{.*}} : f32
// CHECK: %[[S:.*]] = arith.addf %[[I]], %arg1 : f32
// CHECK: math.roundeven %[[S]]
func.func @computed(%x: f32, %product: f32) -> f32 {
  %r = arith.constant 0.7 : f32
  %fixed = arith.constant 11.0 : f32
  %0 = math.roundeven %x : f32
  %1 = arith.mulf %0, %r : f32
  %2 = arith.addf %1, %fixed : f32
  %3 = arith.addf %2, %product : f32
  %4 = math.roundeven %3 : f32
  return %4 : f32
}

// A product of two bytes rounds before the zero point is added.
// CHECK-LABEL: func.func @product
// CHECK-NOT: math.fma
func.func @product(%a: i8, %b: i8) -> f32 {
  %r = arith.constant 0.7 : f32
  %zero = arith.constant 11.0 : f32
  %0 = arith.extui %a : i8 to i32
  %1 = arith.sitofp %0 : i32 to f32
  %2 = arith.extui %b : i8 to i32
  %3 = arith.sitofp %2 : i32 to f32
  %4 = arith.mulf %1, %3 : f32
  %5 = arith.mulf %4, %r : f32
  %6 = arith.addf %5, %zero : f32
  %7 = math.roundeven %6 : f32
  return %7 : f32
}

// Layer normalization's scale and bias.
// CHECK-LABEL: func.func @normalized
// CHECK: %[[N:.*]] = arith.mulf %{{.*}}, %{{.*}} : f32
// CHECK: math.fma %[[N]], %arg3, %arg4 : f32
func.func @normalized(%x: f32, %mean: f32, %variance: f32, %scale: f32, %bias: f32) -> f32 {
  %one = arith.constant 1.0 : f32
  %0 = arith.subf %x, %mean : f32
  %1 = math.sqrt %variance : f32
  %2 = arith.divf %one, %1 : f32
  %3 = arith.mulf %0, %2 : f32
  %4 = arith.mulf %3, %scale : f32
  %5 = arith.addf %4, %bias : f32
  return %5 : f32
}
}

// -----

// A machine that fuses nothing divides, and takes f64 for what is rounded once.
module attributes {mopt.target = #mopt.target<name = "plain", triple = "x86_64-unknown-linux-gnu", cpu = "x86-64-v2", features = "+sse4.2", vectorBits = 128, vectorRegisters = 16, l1Bytes = 32768, l2Bytes = 524288>} {
// CHECK-LABEL: func.func @plain
// CHECK: arith.divf
// CHECK-NOT: math.fma
func.func @plain(%x: f32) -> f32 {
  %scale = arith.constant 0.0437 : f32
  %low = arith.constant -117.0 : f32
  %high = arith.constant 138.0 : f32
  %0 = arith.divf %x, %scale : f32
  %1 = arith.maxnumf %0, %low : f32
  %2 = arith.minnumf %1, %high : f32
  %3 = math.roundeven %2 : f32
  return %3 : f32
}

// CHECK-LABEL: func.func @wide
// CHECK: %[[A:.*]] = arith.sitofp
// CHECK: %[[X:.*]] = arith.extf %[[A]] : f32 to f64
// CHECK: %[[P:.*]] = arith.mulf %[[X]], %{{.*}} : f64
// CHECK: %[[C:.*]] = arith.extf %{{.*}} : f32 to f64
// CHECK: %[[Y:.*]] = arith.addf %[[P]], %[[C]] : f64
// CHECK: %[[S:.*]] = arith.truncf %[[Y]] : f64 to f32
// CHECK: math.roundeven %[[S]]
func.func @wide(%a: i8, %fixed: f32) -> f32 {
  %ra = arith.constant 0.7 : f32
  %0 = arith.extui %a : i8 to i32
  %1 = arith.sitofp %0 : i32 to f32
  %2 = arith.mulf %1, %ra : f32
  %3 = arith.addf %2, %fixed : f32
  %4 = math.roundeven %3 : f32
  return %4 : f32
}
}

// RUN: mopt-opt %s -mopt-simplify-rounding -canonicalize | FileCheck %s

// Quantized and dequantized: rounded and clamped, all in floats.
// CHECK-LABEL: func.func @back
// CHECK-DAG: %[[LOW:.*]] = arith.constant -1.280000e+02 : f32
// CHECK-DAG: %[[HIGH:.*]] = arith.constant 1.270000e+02 : f32
// CHECK: %[[R:.*]] = math.roundeven %arg0
// CHECK-NEXT: %[[M:.*]] = arith.maxnumf %[[R]], %[[LOW]]
// CHECK-NEXT: %[[N:.*]] = arith.minnumf %[[M]], %[[HIGH]]
// CHECK-NEXT: return %[[N]]
func.func @back(%x: f32) -> f32 {
  %z = arith.constant 1.280000e+02 : f32
  %low = arith.constant 0.0 : f32
  %high = arith.constant 255.0 : f32
  %zero = arith.constant 128 : i32
  %0 = math.roundeven %x : f32
  %1 = arith.addf %0, %z : f32
  %2 = arith.maxnumf %1, %low : f32
  %3 = arith.minnumf %2, %high : f32
  %4 = arith.fptosi %3 : f32 to i32
  %5 = arith.trunci %4 : i32 to i8
  %6 = arith.extui %5 : i8 to i32
  %7 = arith.subi %6, %zero : i32
  %8 = arith.sitofp %7 : i32 to f32
  return %8 : f32
}

// Stored: clamped, rounded, converted, shifted.
// CHECK-LABEL: func.func @stored
// CHECK: arith.maxnumf %arg0, %{{.*}} : f32
// CHECK-NEXT: arith.minnumf
// CHECK-NEXT: %[[R:.*]] = math.roundeven
// CHECK-NEXT: %[[I:.*]] = arith.fptosi %[[R]] : f32 to i32
// CHECK-NEXT: %[[S:.*]] = arith.addi %[[I]], %{{.*}} : i32
// CHECK-NEXT: arith.trunci %[[S]] : i32 to i8
func.func @stored(%x: f32) -> i8 {
  %z = arith.constant 1.280000e+02 : f32
  %low = arith.constant 0.0 : f32
  %high = arith.constant 255.0 : f32
  %0 = math.roundeven %x : f32
  %1 = arith.addf %0, %z : f32
  %2 = arith.maxnumf %1, %low : f32
  %3 = arith.minnumf %2, %high : f32
  %4 = arith.fptosi %3 : f32 to i32
  %5 = arith.trunci %4 : i32 to i8
  return %5 : i8
}

// Bytes that do not hold the range, fractions, and bounds between steps.
// CHECK-LABEL: func.func @wraps
// CHECK: arith.extsi
// CHECK: arith.sitofp
// CHECK: arith.extui
// CHECK: arith.sitofp
func.func @wraps(%x: f32) -> (f32, f32) {
  %low = arith.constant 0.0 : f32
  %high = arith.constant 255.0 : f32
  %half = arith.constant 7.5 : f32
  %0 = math.roundeven %x : f32
  %2 = arith.maxnumf %0, %low : f32
  %3 = arith.minnumf %2, %high : f32
  %4 = arith.fptosi %3 : f32 to i32
  %5 = arith.trunci %4 : i32 to i8
  %6 = arith.extsi %5 : i8 to i32
  %7 = arith.sitofp %6 : i32 to f32
  %8 = arith.minnumf %2, %half : f32
  %9 = arith.fptosi %8 : f32 to i32
  %10 = arith.trunci %9 : i32 to i8
  %11 = arith.extui %10 : i8 to i32
  %12 = arith.sitofp %11 : i32 to f32
  return %7, %12 : f32, f32
}

// RUN: mopt-opt %s --pass-pipeline="builtin.module(func.func(mopt-recognize-normalization,canonicalize))" | FileCheck %s

// CHECK-LABEL: @layer
// CHECK-SAME: (%[[X:.*]]: tensor<?x8xf32>)
// CHECK-NEXT: %[[Y:.*]] = mopt.normalize %[[X]] {axis = 1 : i64, epsilon = {{[0-9.E+-]+}} : f64} : tensor<?x8xf32> -> tensor<?x8xf32>
// CHECK-NEXT: return %[[Y]]
func.func @layer(%x: tensor<?x8xf32>) -> tensor<?x8xf32> {
  %n = arith.constant dense<8.0> : tensor<1x1xf32>
  %two = arith.constant dense<2.0> : tensor<1x1xf32>
  %eps = arith.constant dense<1.0e-5> : tensor<1x1xf32>
  %0 = mopt.reduce <sum> %x {axes = array<i64: 1>} : tensor<?x8xf32> -> tensor<?x1xf32>
  %1 = mopt.binary <div> %0, %n : tensor<?x1xf32>, tensor<1x1xf32> -> tensor<?x1xf32>
  %2 = mopt.binary <sub> %x, %1 : tensor<?x8xf32>, tensor<?x1xf32> -> tensor<?x8xf32>
  %3 = mopt.binary <pow> %2, %two : tensor<?x8xf32>, tensor<1x1xf32> -> tensor<?x8xf32>
  %4 = mopt.reduce <sum> %3 {axes = array<i64: 1>} : tensor<?x8xf32> -> tensor<?x1xf32>
  %5 = mopt.binary <div> %4, %n : tensor<?x1xf32>, tensor<1x1xf32> -> tensor<?x1xf32>
  %6 = mopt.binary <add> %5, %eps : tensor<?x1xf32>, tensor<1x1xf32> -> tensor<?x1xf32>
  %7 = mopt.unary <sqrt> %6 : tensor<?x1xf32> -> tensor<?x1xf32>
  %8 = mopt.binary <div> %2, %7 : tensor<?x8xf32>, tensor<?x1xf32> -> tensor<?x8xf32>
  return %8 : tensor<?x8xf32>
}

// Over two dimensions, times the reciprocal.
// CHECK-LABEL: @rms
// CHECK: mopt.normalize %arg0 {axis = 1 : i64, epsilon = {{.*}} : f64, rms}
func.func @rms(%x: tensor<3x2x4xf32>) -> tensor<3x2x4xf32> {
  %n = arith.constant dense<8.0> : tensor<1x1x1xf32>
  %eps = arith.constant dense<1.0e-6> : tensor<1x1x1xf32>
  %0 = mopt.binary <mul> %x, %x : tensor<3x2x4xf32>, tensor<3x2x4xf32> -> tensor<3x2x4xf32>
  %1 = mopt.reduce <sum> %0 {axes = array<i64: 1, 2>} : tensor<3x2x4xf32> -> tensor<3x1x1xf32>
  %2 = mopt.binary <div> %1, %n : tensor<3x1x1xf32>, tensor<1x1x1xf32> -> tensor<3x1x1xf32>
  %3 = mopt.binary <add> %eps, %2 : tensor<1x1x1xf32>, tensor<3x1x1xf32> -> tensor<3x1x1xf32>
  %4 = mopt.unary <sqrt> %3 : tensor<3x1x1xf32> -> tensor<3x1x1xf32>
  %5 = mopt.unary <reciprocal> %4 : tensor<3x1x1xf32> -> tensor<3x1x1xf32>
  %6 = mopt.binary <mul> %x, %5 : tensor<3x2x4xf32>, tensor<3x1x1xf32> -> tensor<3x2x4xf32>
  return %6 : tensor<3x2x4xf32>
}

// Divided by another number than the count, or not over the last dimensions.
// CHECK-LABEL: @other
// CHECK-NOT: mopt.normalize
// CHECK: return
func.func @other(%x: tensor<4x8xf32>) -> (tensor<4x8xf32>, tensor<4x8xf32>) {
  %n = arith.constant dense<7.0> : tensor<1x1xf32>
  %m = arith.constant dense<4.0> : tensor<1x1xf32>
  %eps = arith.constant dense<1.0e-5> : tensor<1x1xf32>
  %0 = mopt.binary <mul> %x, %x : tensor<4x8xf32>, tensor<4x8xf32> -> tensor<4x8xf32>
  %1 = mopt.reduce <sum> %0 {axes = array<i64: 1>} : tensor<4x8xf32> -> tensor<4x1xf32>
  %2 = mopt.binary <div> %1, %n : tensor<4x1xf32>, tensor<1x1xf32> -> tensor<4x1xf32>
  %3 = mopt.binary <add> %2, %eps : tensor<4x1xf32>, tensor<1x1xf32> -> tensor<4x1xf32>
  %4 = mopt.unary <sqrt> %3 : tensor<4x1xf32> -> tensor<4x1xf32>
  %5 = mopt.binary <div> %x, %4 : tensor<4x8xf32>, tensor<4x1xf32> -> tensor<4x8xf32>
  %6 = mopt.reduce <sum> %0 {axes = array<i64: 0>} : tensor<4x8xf32> -> tensor<1x8xf32>
  %7 = mopt.binary <div> %6, %m : tensor<1x8xf32>, tensor<1x1xf32> -> tensor<1x8xf32>
  %8 = mopt.binary <add> %7, %eps : tensor<1x8xf32>, tensor<1x1xf32> -> tensor<1x8xf32>
  %9 = mopt.unary <sqrt> %8 : tensor<1x8xf32> -> tensor<1x8xf32>
  %10 = mopt.binary <div> %x, %9 : tensor<4x8xf32>, tensor<1x8xf32> -> tensor<4x8xf32>
  return %5, %10 : tensor<4x8xf32>, tensor<4x8xf32>
}

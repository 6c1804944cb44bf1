// RUN: mopt-opt %s --convert-mopt-to-linalg | FileCheck %s

// CHECK-LABEL: @pow
// CHECK: scf.while
// CHECK: arith.cmpi sgt
// CHECK: arith.muli
// CHECK: arith.shrui
// CHECK: linalg.yield
func.func @pow(%x: tensor<3xi64>, %y: tensor<3xi64>) -> tensor<3xi64> {
  %z = mopt.binary <pow> %x, %y : tensor<3xi64>, tensor<3xi64> -> tensor<3xi64>
  return %z : tensor<3xi64>
}

// A shift by more than the width leaves the sign.
// CHECK-LABEL: @shift
// CHECK: %[[BY:.*]] = arith.minui %{{.*}}, %{{.*}} : i32
// CHECK: arith.shrsi %{{.*}}, %[[BY]]
func.func @shift(%x: tensor<3xi32>, %y: tensor<3xi32>) -> tensor<3xi32> {
  %z = mopt.binary <shr> %x, %y : tensor<3xi32>, tensor<3xi32> -> tensor<3xi32>
  return %z : tensor<3xi32>
}

// Integers of 4 bits have a byte each.
// CHECK-LABEL: @narrow
// CHECK-SAME: tensor<3xi8>
// CHECK: arith.constant dense<[7, -8, 1]> : tensor<3xi8>
// CHECK: arith.trunci %{{.*}} : i8 to i4
// CHECK: arith.addi %{{.*}} : i4
// CHECK: arith.extsi %{{.*}} : i4 to i8
func.func @narrow(%x: tensor<3xi4>) -> tensor<3xi4> {
  %c = arith.constant dense<[7, -8, 1]> : tensor<3xi4>
  %z = mopt.binary <add> %x, %c : tensor<3xi4>, tensor<3xi4> -> tensor<3xi4>
  return %z : tensor<3xi4>
}

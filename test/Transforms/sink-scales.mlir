// RUN: mopt-opt %s --pass-pipeline="builtin.module(func.func(mopt-sink-scales),cse)" | FileCheck %s

// Queries that are a part of a product are scaled after they were multiplied.
// CHECK-LABEL: @queries
// CHECK: %[[C:.*]] = arith.constant dense<1.250000e-01> : tensor<1x1x1xf32>
// CHECK: %[[S:.*]] = mopt.slice %arg0
// CHECK: %[[T:.*]] = mopt.transpose %[[S]] [1, 0, 2]
// CHECK: %[[P:.*]] = mopt.matmul %[[T]], %arg1
// CHECK: %[[Y:.*]] = mopt.binary <mul> %[[P]], %[[C]]
// CHECK: return %[[Y]]
func.func @queries(%x: tensor<7x12x8xf32>, %k: tensor<4x8x7xf32>) -> tensor<4x7x7xf32> {
  %c = arith.constant dense<0.125> : tensor<1x1x1xf32>
  %s = mopt.slice %x [0, 0, 0] [7, 4, 8] [1, 1, 1] : tensor<7x12x8xf32> -> tensor<7x4x8xf32>
  %q = mopt.binary <mul> %c, %s : tensor<1x1x1xf32>, tensor<7x4x8xf32> -> tensor<7x4x8xf32>
  %t = mopt.transpose %q [1, 0, 2] : tensor<7x4x8xf32> -> tensor<4x7x8xf32>
  %y = mopt.matmul %t, %k : tensor<4x7x8xf32>, tensor<4x8x7xf32> -> tensor<4x7x7xf32>
  return %y : tensor<4x7x7xf32>
}

// Both sides, one of them divided.
// CHECK-LABEL: @both
// CHECK: %[[P:.*]] = mopt.matmul
// CHECK: %[[D:.*]] = mopt.binary <div> %[[P]]
// CHECK: %[[Y:.*]] = mopt.binary <mul> %[[D]]
// CHECK: return %[[Y]]
func.func @both(%x: tensor<7x4x8xf32>, %z: tensor<4x7x8xf32>) -> tensor<4x7x7xf32> {
  %c = arith.constant dense<3.0> : tensor<1x1x1xf32>
  %a = mopt.transpose %x [1, 0, 2] : tensor<7x4x8xf32> -> tensor<4x7x8xf32>
  %l = mopt.binary <mul> %a, %c : tensor<4x7x8xf32>, tensor<1x1x1xf32> -> tensor<4x7x8xf32>
  %b = mopt.transpose %z [0, 2, 1] : tensor<4x7x8xf32> -> tensor<4x8x7xf32>
  %r = mopt.binary <div> %b, %c : tensor<4x8x7xf32>, tensor<1x1x1xf32> -> tensor<4x8x7xf32>
  %y = mopt.matmul %l, %r : tensor<4x7x8xf32>, tensor<4x8x7xf32> -> tensor<4x7x7xf32>
  return %y : tensor<4x7x7xf32>
}

// What computes the operand scales it, other readers want it scaled, and rows
// with numbers of their own are not one number.
// CHECK-LABEL: @kept
// CHECK-COUNT-3: mopt.binary <mul> %{{.*}} -> tensor<4x7x8xf32>
// CHECK-NOT: mopt.binary
func.func @kept(%x: tensor<7x4x8xf32>, %k: tensor<4x8x7xf32>, %r: tensor<4x1x1xf32>) -> (tensor<4x7x7xf32>, tensor<4x7x7xf32>, tensor<4x7x8xf32>, tensor<4x7x7xf32>) {
  %c = arith.constant dense<3.0> : tensor<1x1x1xf32>
  %t = mopt.transpose %x [1, 0, 2] : tensor<7x4x8xf32> -> tensor<4x7x8xf32>
  %e = mopt.unary <exp> %t : tensor<4x7x8xf32> -> tensor<4x7x8xf32>
  %0 = mopt.binary <mul> %e, %c : tensor<4x7x8xf32>, tensor<1x1x1xf32> -> tensor<4x7x8xf32>
  %1 = mopt.matmul %0, %k : tensor<4x7x8xf32>, tensor<4x8x7xf32> -> tensor<4x7x7xf32>
  %2 = mopt.binary <mul> %t, %c : tensor<4x7x8xf32>, tensor<1x1x1xf32> -> tensor<4x7x8xf32>
  %3 = mopt.matmul %2, %k : tensor<4x7x8xf32>, tensor<4x8x7xf32> -> tensor<4x7x7xf32>
  %4 = mopt.binary <mul> %t, %r : tensor<4x7x8xf32>, tensor<4x1x1xf32> -> tensor<4x7x8xf32>
  %5 = mopt.matmul %4, %k : tensor<4x7x8xf32>, tensor<4x8x7xf32> -> tensor<4x7x7xf32>
  return %1, %3, %2, %5 : tensor<4x7x7xf32>, tensor<4x7x7xf32>, tensor<4x7x8xf32>, tensor<4x7x7xf32>
}

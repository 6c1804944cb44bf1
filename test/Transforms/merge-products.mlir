// RUN: mopt-opt %s --pass-pipeline="builtin.module(func.func(mopt-merge-products))" | FileCheck %s

// Attention's three, with a bias each.
// CHECK-LABEL: @attention
// CHECK: %[[W:.*]] = mopt.concat {{.*}} {axis = 2 : i64} : tensor<1x8x4xf32>, tensor<1x8x4xf32>, tensor<1x8x6xf32> -> tensor<1x8x14xf32>
// CHECK: %[[P:.*]] = mopt.matmul %arg0, %[[W]] : tensor<1x5x8xf32>, tensor<1x8x14xf32> -> tensor<1x5x14xf32>
// CHECK: %[[B:.*]] = mopt.concat {{.*}} {axis = 2 : i64} : tensor<1x1x4xf32>, tensor<1x1x4xf32>, tensor<1x1x6xf32> -> tensor<1x1x14xf32>
// CHECK: %[[S:.*]] = mopt.binary <add> %[[P]], %[[B]]
// CHECK: %[[Q:.*]] = mopt.slice %[[S]] [0, 0, 0] [1, 5, 4] [1, 1, 1]
// CHECK: %[[K:.*]] = mopt.slice %[[S]] [0, 0, 4] [1, 5, 4] [1, 1, 1]
// CHECK: %[[V:.*]] = mopt.slice %[[S]] [0, 0, 8] [1, 5, 6] [1, 1, 1]
// CHECK-NOT: mopt.matmul
// CHECK: return %[[Q]], %[[K]], %[[V]]
func.func @attention(%x: tensor<1x5x8xf32>) -> (tensor<1x5x4xf32>, tensor<1x5x4xf32>, tensor<1x5x6xf32>) {
  %w0 = arith.constant dense<1.0> : tensor<1x8x4xf32>
  %b0 = arith.constant dense<1.0> : tensor<1x1x4xf32>
  %0 = mopt.matmul %x, %w0 : tensor<1x5x8xf32>, tensor<1x8x4xf32> -> tensor<1x5x4xf32>
  %q = mopt.binary <add> %0, %b0 : tensor<1x5x4xf32>, tensor<1x1x4xf32> -> tensor<1x5x4xf32>
  %w1 = arith.constant dense<2.0> : tensor<1x8x4xf32>
  %b1 = arith.constant dense<2.0> : tensor<1x1x4xf32>
  %1 = mopt.matmul %x, %w1 : tensor<1x5x8xf32>, tensor<1x8x4xf32> -> tensor<1x5x4xf32>
  %k = mopt.binary <add> %b1, %1 : tensor<1x1x4xf32>, tensor<1x5x4xf32> -> tensor<1x5x4xf32>
  %w2 = arith.constant dense<3.0> : tensor<1x8x6xf32>
  %b2 = arith.constant dense<3.0> : tensor<1x1x6xf32>
  %2 = mopt.matmul %x, %w2 : tensor<1x5x8xf32>, tensor<1x8x6xf32> -> tensor<1x5x6xf32>
  %v = mopt.binary <add> %2, %b2 : tensor<1x5x6xf32>, tensor<1x1x6xf32> -> tensor<1x5x6xf32>
  return %q, %k, %v : tensor<1x5x4xf32>, tensor<1x5x4xf32>, tensor<1x5x6xf32>
}

// Without a bias, with one that has another reader, of another left side, of a
// right side that is no constant.
// CHECK-LABEL: @others
// CHECK: %[[P:.*]] = mopt.matmul %arg0, %{{.*}} : tensor<5x8xf32>, tensor<8x8xf32> -> tensor<5x8xf32>
// CHECK: %[[A:.*]] = mopt.slice %[[P]] [0, 0] [5, 4] [1, 1]
// CHECK: %[[B:.*]] = mopt.slice %[[P]] [0, 4] [5, 4] [1, 1]
// CHECK: mopt.binary <add> %[[B]]
// CHECK: mopt.matmul %arg1
// CHECK: mopt.matmul %arg0, %arg2
func.func @others(%x: tensor<5x8xf32>, %y: tensor<5x8xf32>, %z: tensor<8x4xf32>) -> (tensor<5x4xf32>, tensor<5x4xf32>, tensor<5x4xf32>, tensor<5x4xf32>, tensor<5x4xf32>) {
  %w0 = arith.constant dense<1.0> : tensor<8x4xf32>
  %w1 = arith.constant dense<2.0> : tensor<8x4xf32>
  %b = arith.constant dense<2.0> : tensor<1x4xf32>
  %0 = mopt.matmul %x, %w0 : tensor<5x8xf32>, tensor<8x4xf32> -> tensor<5x4xf32>
  %1 = mopt.matmul %x, %w1 : tensor<5x8xf32>, tensor<8x4xf32> -> tensor<5x4xf32>
  %2 = mopt.binary <add> %1, %b : tensor<5x4xf32>, tensor<1x4xf32> -> tensor<5x4xf32>
  %3 = mopt.matmul %y, %w0 : tensor<5x8xf32>, tensor<8x4xf32> -> tensor<5x4xf32>
  %4 = mopt.matmul %x, %z : tensor<5x8xf32>, tensor<8x4xf32> -> tensor<5x4xf32>
  return %0, %1, %2, %3, %4 : tensor<5x4xf32>, tensor<5x4xf32>, tensor<5x4xf32>, tensor<5x4xf32>, tensor<5x4xf32>
}

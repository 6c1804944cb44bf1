// RUN: mopt-opt %s --pass-pipeline="builtin.module(func.func(mopt-hoist-slices),cse)" | FileCheck %s

// Queries and keys of one product, picked after it was transposed.
// CHECK-LABEL: @picked
// CHECK-DAG: %[[Q:.*]] = mopt.slice %arg0 [0, 0, 0, 0, 0] [2, 7, 1, 4, 8] [1, 1, 1, 1, 1]
// CHECK-DAG: %[[Q4:.*]] = mopt.reshape %[[Q]] to [2, 7, 4, 8]
// CHECK-DAG: %[[QT:.*]] = mopt.transpose %[[Q4]] [0, 2, 1, 3]
// CHECK-DAG: %[[V:.*]] = mopt.slice %arg0 [0, 0, 2, 0, 0] [2, 7, 1, 4, 8] [1, 1, 1, 1, 1]
// CHECK-DAG: %[[V4:.*]] = mopt.reshape %[[V]] to [2, 7, 4, 8]
// CHECK-DAG: %[[VT:.*]] = mopt.transpose %[[V4]] [0, 2, 1, 3]
// CHECK: return %[[QT]], %[[VT]]
func.func @picked(%x: tensor<2x7x3x4x8xf32>) -> (tensor<2x4x7x8xf32>, tensor<2x4x7x8xf32>) {
  %first = arith.constant dense<0> : tensor<i64>
  %last = arith.constant dense<-1> : tensor<i64>
  %t = mopt.transpose %x [2, 0, 3, 1, 4] : tensor<2x7x3x4x8xf32> -> tensor<3x2x4x7x8xf32>
  %q = mopt.gather %t, %first {axis = 0 : i64} : tensor<3x2x4x7x8xf32>, tensor<i64> -> tensor<2x4x7x8xf32>
  %v = mopt.gather %t, %last {axis = 0 : i64} : tensor<3x2x4x7x8xf32>, tensor<i64> -> tensor<2x4x7x8xf32>
  return %q, %v : tensor<2x4x7x8xf32>, tensor<2x4x7x8xf32>
}

// Sizes that are not known, and indices of any rank.
// CHECK-LABEL: @dynamic
// CHECK: %[[N:.*]] = tensor.dim %arg0
// CHECK: %[[S:.*]] = mopt.slice %arg0 [0, 1] [%[[N]], 1] [1, 1]
// CHECK: mopt.reshape %[[S]] to [%[[N]], 1, 1]
func.func @dynamic(%x: tensor<?x3xf32>) -> tensor<?x1x1xf32> {
  %i = arith.constant dense<1> : tensor<1x1xi64>
  %y = mopt.gather %x, %i {axis = 1 : i64} : tensor<?x3xf32>, tensor<1x1xi64> -> tensor<?x1x1xf32>
  return %y : tensor<?x1x1xf32>
}

// A position behind the end is an error of the run; more than one is no slice.
// CHECK-LABEL: @kept
// CHECK-COUNT-3: mopt.gather
// CHECK-NOT: mopt.slice
func.func @kept(%x: tensor<3x4xf32>, %u: tensor<?x4xf32>) -> (tensor<4xf32>, tensor<2x4xf32>, tensor<4xf32>) {
  %behind = arith.constant dense<3> : tensor<i64>
  %two = arith.constant dense<[0, 2]> : tensor<2xi64>
  %zero = arith.constant dense<0> : tensor<i64>
  %0 = mopt.gather %x, %behind {axis = 0 : i64} : tensor<3x4xf32>, tensor<i64> -> tensor<4xf32>
  %1 = mopt.gather %x, %two {axis = 0 : i64} : tensor<3x4xf32>, tensor<2xi64> -> tensor<2x4xf32>
  %2 = mopt.gather %u, %zero {axis = 0 : i64} : tensor<?x4xf32>, tensor<i64> -> tensor<4xf32>
  return %0, %1, %2 : tensor<4xf32>, tensor<2x4xf32>, tensor<4xf32>
}

// Heads of keys, the second third of a product.
// CHECK-LABEL: @split
// CHECK: %[[R:.*]] = mopt.reshape %arg0 to [2, 7, 12, 8]
// CHECK: %[[K:.*]] = mopt.slice %[[R]] [0, 0, 4, 0] [2, 7, 4, 8] [1, 1, 1, 1]
// CHECK: return %[[K]]
func.func @split(%x: tensor<2x7x96xf32>) -> tensor<2x7x4x8xf32> {
  %s = mopt.slice %x [0, 0, 32] [2, 7, 32] [1, 1, 1] : tensor<2x7x96xf32> -> tensor<2x7x32xf32>
  %k = mopt.reshape %s to [2, 7, 4, 8] : tensor<2x7x32xf32> -> tensor<2x7x4x8xf32>
  return %k : tensor<2x7x4x8xf32>
}

// 90 is no multiple of 8, and 30 starts within a head.
// CHECK-LABEL: @uneven
// CHECK-COUNT-2: mopt.slice %arg
func.func @uneven(%x: tensor<7x90xf32>, %z: tensor<7x96xf32>) -> (tensor<7x4x8xf32>, tensor<7x4x8xf32>) {
  %s = mopt.slice %x [0, 32] [7, 32] [1, 1] : tensor<7x90xf32> -> tensor<7x32xf32>
  %k = mopt.reshape %s to [7, 4, 8] : tensor<7x32xf32> -> tensor<7x4x8xf32>
  %t = mopt.slice %z [0, 30] [7, 32] [1, 1] : tensor<7x96xf32> -> tensor<7x32xf32>
  %l = mopt.reshape %t to [7, 4, 8] : tensor<7x32xf32> -> tensor<7x4x8xf32>
  return %k, %l : tensor<7x4x8xf32>, tensor<7x4x8xf32>
}

// Sizes are traced to where they come from, through a product that could name
// more of them.
// CHECK-LABEL: @traced
// CHECK: %[[N:.*]] = tensor.dim %arg0
// CHECK-NOT: tensor.dim
// CHECK: mopt.slice %{{.*}} [0, 0, 1, 0] [%[[N]], 7, 1, 4] [1, 1, 1, 1]
func.func @traced(%x: tensor<?x7x8xf32>, %w: tensor<1x8x12xf32>) -> tensor<?x7x4xf32> {
  %c0 = arith.constant 0 : index
  %i = arith.constant dense<1> : tensor<i64>
  %n = tensor.dim %x, %c0 : tensor<?x7x8xf32>
  %0 = mopt.matmul %x, %w : tensor<?x7x8xf32>, tensor<1x8x12xf32> -> tensor<?x7x12xf32>
  %1 = mopt.reshape %0 to [%n, 7, 3, 4] : tensor<?x7x12xf32> -> tensor<?x7x3x4xf32>
  %2 = mopt.gather %1, %i {axis = 2 : i64} : tensor<?x7x3x4xf32>, tensor<i64> -> tensor<?x7x4xf32>
  return %2 : tensor<?x7x4xf32>
}

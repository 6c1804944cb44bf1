// RUN: mopt-opt %s --pass-pipeline="builtin.module(func.func(mopt-fold-empty),canonicalize,cse)" | FileCheck %s

// Results without elements are made of nothing, in the sizes that they have.
// CHECK-LABEL: func.func @no_elements
// CHECK-NOT: mopt.unary
// CHECK-NOT: mopt.softmax
// CHECK: %[[Y:.*]] = mopt.broadcast %{{.*}} to [0, %{{.*}}] : tensor<1x1xf32> -> tensor<0x?xf32>
// CHECK: return
func.func @no_elements(%x: tensor<0x?xf32>) -> tensor<0x?xf32> {
  %0 = mopt.unary <exp> %x : tensor<0x?xf32> -> tensor<0x?xf32>
  %1 = mopt.softmax %0 {axis = 1 : i64} : tensor<0x?xf32> -> tensor<0x?xf32>
  return %1 : tensor<0x?xf32>
}

// Both results.
// CHECK-LABEL: func.func @none_of_many
// CHECK-NOT: mopt.topk
// CHECK: return
func.func @none_of_many(%x: tensor<3x4xf32>) -> (tensor<3x0xf32>, tensor<3x0xi64>) {
  %values, %indices = mopt.topk %x k [0] {axis = 1 : i64, largest} : tensor<3x4xf32> -> tensor<3x0xf32>, tensor<3x0xi64>
  return %values, %indices : tensor<3x0xf32>, tensor<3x0xi64>
}

// A sum of no products is 0; what follows stays.
// CHECK-LABEL: func.func @no_depth
// CHECK-NOT: mopt.matmul
// CHECK: %[[Z:.*]] = mopt.broadcast
// CHECK: mopt.binary <add> %[[Z]], %{{.*}} : tensor<?x5xf32>
func.func @no_depth(%a: tensor<?x0xf32>, %b: tensor<0x5xf32>, %bias: tensor<1x5xf32>) -> tensor<?x5xf32> {
  %0 = mopt.matmul %a, %b : tensor<?x0xf32>, tensor<0x5xf32> -> tensor<?x5xf32>
  %1 = mopt.binary <add> %0, %bias : tensor<?x5xf32>, tensor<1x5xf32> -> tensor<?x5xf32>
  return %1 : tensor<?x5xf32>
}

// CHECK-LABEL: func.func @no_channels
// CHECK-NOT: mopt.conv
// CHECK: mopt.broadcast %{{.*}} to [2, 4, 3] : tensor<1x1x1xi32> -> tensor<2x4x3xi32>
func.func @no_channels(%x: tensor<2x0x5xui8>, %w: tensor<4x0x3xi8>) -> tensor<2x4x3xi32> {
  %0 = mopt.conv %x, %w {strides = array<i64: 1>, dilations = array<i64: 1>, pads_begin = array<i64: 0>, pads_end = array<i64: 0>} : tensor<2x0x5xui8>, tensor<4x0x3xi8> -> tensor<2x4x3xi32>
  return %0 : tensor<2x4x3xi32>
}

// Windows over padding alone: of 0 there is nothing to add, of 7 there is.
// CHECK-LABEL: func.func @padding_alone
// CHECK: %[[P:.*]] = mopt.conv
// CHECK-NOT: mopt.conv
// CHECK: return %{{.*}}, %[[P]]
func.func @padding_alone(%x: tensor<2x3x0xui8>, %w: tensor<4x3x2xui8>) -> (tensor<2x4x3xi32>, tensor<2x4x3xi32>) {
  %0 = mopt.conv %x, %w {strides = array<i64: 1>, dilations = array<i64: 1>, pads_begin = array<i64: 2>, pads_end = array<i64: 2>} : tensor<2x3x0xui8>, tensor<4x3x2xui8> -> tensor<2x4x3xi32>
  %1 = mopt.conv %x, %w {strides = array<i64: 1>, dilations = array<i64: 1>, pads_begin = array<i64: 2>, pads_end = array<i64: 2>, pad_value = 7 : i64} : tensor<2x3x0xui8>, tensor<4x3x2xui8> -> tensor<2x4x3xi32>
  return %0, %1 : tensor<2x4x3xi32>, tensor<2x4x3xi32>
}

// CHECK-LABEL: func.func @movement
// CHECK-SAME: (%[[X:[^:]*]]: tensor<2x3xf32>, %{{.*}}: tensor<f32>, %[[V:[^:]*]]: tensor<f32>
// CHECK-DAG: %[[R:.*]] = mopt.reshape %[[V]] to [1, 1]
// CHECK-DAG: %[[P:.*]] = mopt.broadcast %[[R]] to [4, 3]
// CHECK: return %[[X]], %[[P]], %[[X]]
func.func @movement(%x: tensor<2x3xf32>, %u: tensor<f32>, %v: tensor<f32>, %e: tensor<0x3xf32>, %i: tensor<0x1xi64>) -> (tensor<2x3xf32>, tensor<4x3xf32>, tensor<2x3xf32>) {
  %0 = mopt.concat %e, %x, %e {axis = 0 : i64} : tensor<0x3xf32>, tensor<2x3xf32>, tensor<0x3xf32> -> tensor<2x3xf32>
  %1 = mopt.pad <constant> %e, %v low [4, 0] high [0, 0] : tensor<0x3xf32>, tensor<f32> -> tensor<4x3xf32>
  %2 = mopt.scatter_nd <none> %x, %i, %e : tensor<2x3xf32>, tensor<0x1xi64>, tensor<0x3xf32> -> tensor<2x3xf32>
  return %0, %1, %2 : tensor<2x3xf32>, tensor<4x3xf32>, tensor<2x3xf32>
}

// A maximum over nothing is a number, and other sizes are none of this pass.
// CHECK-LABEL: func.func @stays
// CHECK: mopt.reduce <max>
// CHECK: mopt.matmul
// CHECK: mopt.concat
func.func @stays(%x: tensor<3x0xf32>, %y: tensor<3x?xf32>) -> (tensor<3x1xf32>, tensor<3x3xf32>, tensor<6x?xf32>) {
  %0 = mopt.reduce <max> %x {axes = array<i64: 1>} : tensor<3x0xf32> -> tensor<3x1xf32>
  %1 = mopt.matmul %y, %y {transpose_rhs} : tensor<3x?xf32>, tensor<3x?xf32> -> tensor<3x3xf32>
  %2 = mopt.concat %y, %y {axis = 0 : i64} : tensor<3x?xf32>, tensor<3x?xf32> -> tensor<6x?xf32>
  return %0, %1, %2 : tensor<3x1xf32>, tensor<3x3xf32>, tensor<6x?xf32>
}

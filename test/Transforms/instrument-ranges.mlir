// RUN: mopt-opt %s --split-input-file --mopt-instrument-ranges -verify-diagnostics | FileCheck %s

// One set of statistics for a value that two products read; those inside of
// loops and without constant weights have none.

// CHECK: module attributes {mopt.instrumented = {inputs = {"a (MatMul)" = "a (MatMul)", "b (MatMul)" = "a (MatMul)", "c (Conv)" = "c (Conv)"}, model = "{{[0-9a-f]+}}", sums = {"a (MatMul)" = "a (MatMul)", "b (MatMul)" = "a (MatMul)", "c (Conv)" = "c (Conv)"}}}
// CHECK: func.func @main(%[[X:[^:]*]]: tensor<?x4xf32>, %[[I:[^:]*]]: tensor<1x2x5x5xf32>)
// CHECK-SAME: tensor<2xf32> {onnx.name = "mopt.extremes:a (MatMul)"}
// CHECK-SAME: tensor<8192xi32> {onnx.name = "mopt.histogram:a (MatMul)"}
// CHECK-SAME: tensor<4xf32> {onnx.name = "mopt.sums:a (MatMul)"}
// CHECK-SAME: tensor<2xf32> {onnx.name = "mopt.extremes:c (Conv)"}
// CHECK-SAME: tensor<8192xi32> {onnx.name = "mopt.histogram:c (Conv)"}
// CHECK-SAME: tensor<2xf32> {onnx.name = "mopt.sums:c (Conv)"}
// CHECK: %[[D:.*]] = tensor.dim %[[X]], %{{.*}}
// CHECK: %[[D1:.*]] = tensor.dim %[[X]], %{{.*}}
// CHECK: %[[N:.*]] = arith.muli %[[D]], %[[D1]]
// CHECK: %[[ROW:.*]] = mopt.reshape %[[X]] to [%[[N]]]
// CHECK: %[[LOW:.*]] = mopt.reduce <min> %[[ROW]]
// CHECK: %[[HIGH:.*]] = mopt.reduce <max> %[[ROW]]
// CHECK: mopt.concat %[[LOW]], %[[HIGH]]
// CHECK: mopt.bitcast %[[ROW]] : tensor<?xf32> -> tensor<?xui32>
// CHECK: mopt.scatter_elements <add>
// CHECK: mopt.reduce <sum> %[[X]] {axes = array<i64: 0>}
// CHECK: mopt.reshape %[[I]] to [50]
// CHECK: mopt.reduce <sum> %[[I]] {axes = array<i64: 0, 2, 3>}
func.func @main(%x: tensor<?x4xf32>, %i: tensor<1x2x5x5xf32>) -> (tensor<?x3xf32> {onnx.name = "y"}) attributes {mopt.entry} {
  %w = arith.constant dense<1.0> : tensor<4x3xf32>
  %v = arith.constant dense<2.0> : tensor<4x4xf32>
  %f = arith.constant dense<2.0> : tensor<2x2x3x3xf32>
  %y = mopt.matmul %x, %w : tensor<?x4xf32>, tensor<4x3xf32> -> tensor<?x3xf32> loc("node 'a' (MatMul, opset 17)")
  %z = mopt.matmul %x, %v : tensor<?x4xf32>, tensor<4x4xf32> -> tensor<?x4xf32> loc("node 'b' (MatMul, opset 17)")
  %c = mopt.conv %i, %f {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads_begin = array<i64: 0, 0>, pads_end = array<i64: 0, 0>} : tensor<1x2x5x5xf32>, tensor<2x2x3x3xf32> -> tensor<1x2x3x3xf32> loc("node 'c' (Conv, opset 17)")
  %p = mopt.matmul %y, %y {transpose_lhs} : tensor<?x3xf32>, tensor<?x3xf32> -> tensor<3x3xf32> loc("node 'd' (MatMul, opset 17)")
  return %y : tensor<?x3xf32>
}

// -----

// expected-error @+1 {{expected products of f32 with constant weights, found none whose ranges could be observed}}
module {
  func.func @main(%x: tensor<4x4xf32>) -> tensor<4x4xf32> attributes {mopt.entry} {
    return %x : tensor<4x4xf32>
  }
}

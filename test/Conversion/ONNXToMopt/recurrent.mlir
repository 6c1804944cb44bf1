// RUN: mopt-opt %s -split-input-file -convert-onnx-to-mopt -canonicalize -verify-diagnostics | FileCheck %s

module attributes {onnx.opsets = {"ai.onnx" = 14 : i64}} {
  // One product for the inputs of all steps, one in each step.
  // CHECK-LABEL: func.func @lstm
  // CHECK: mopt.matmul %{{.*}} {transpose_rhs} : tensor<10x4xf32>, tensor<12x4xf32> -> tensor<10x12xf32>
  // CHECK: scf.for %[[T:[^ ]*]] = %c0 to %c5 step %c1 iter_args(%[[H:[^ ]*]] = %{{.*}}, %[[C:[^ ]*]] = %{{.*}}) -> (tensor<2x3xf32>, tensor<2x3xf32>) {
  // CHECK:   mopt.slice %{{.*}} [%[[T]], 0, 0] [1, 2, 12] [1, 1, 1]
  // CHECK:   mopt.matmul %[[H]], %{{.*}} {transpose_rhs} : tensor<2x3xf32>, tensor<12x3xf32> -> tensor<2x12xf32>
  // CHECK:   mopt.unary <sigmoid>
  // CHECK:   mopt.unary <tanh>
  // CHECK:   scf.yield
  func.func @lstm(%x: tensor<5x2x4xf32>, %w: tensor<1x12x4xf32>, %r: tensor<1x12x3xf32>) -> !onnx.value {
    %y:3 = onnx.node "LSTM"(%x, %w, %r) {hidden_size = 3 : si64}
        : (tensor<5x2x4xf32>, tensor<1x12x4xf32>, tensor<1x12x3xf32>) -> (!onnx.value, !onnx.value, !onnx.value)
    return %y#1 : !onnx.value
  }

  // Both directions, of a dynamic batch and length, with lengths of their own.
  // CHECK-LABEL: func.func @gru
  // CHECK-SAME: -> tensor<?x2x?x3xf32>
  // CHECK: scf.for
  // CHECK: mopt.compare <lt>
  // CHECK: mopt.select
  // CHECK: tensor.insert_slice
  // CHECK: scf.for %[[T:[^ ]*]] =
  // CHECK: arith.subi %{{.*}}, %[[T]]
  // CHECK: tensor.insert_slice
  // CHECK: mopt.concat
  func.func @gru(%x: tensor<?x?x4xf32>, %w: tensor<2x9x4xf32>, %r: tensor<2x9x3xf32>, %b: tensor<2x18xf32>, %n: tensor<?xi32>) -> !onnx.value {
    %y = onnx.node "GRU"(%x, %w, %r, %b, %n) {direction = "bidirectional", linear_before_reset = 1 : si64}
        : (tensor<?x?x4xf32>, tensor<2x9x4xf32>, tensor<2x9x3xf32>, tensor<2x18xf32>, tensor<?xi32>) -> !onnx.value
    return %y : !onnx.value
  }

  // CHECK-LABEL: func.func @rnn
  // CHECK: mopt.transpose %{{.*}} [1, 0, 2] : tensor<2x5x4xf32> -> tensor<5x2x4xf32>
  // CHECK: mopt.binary <min>
  // CHECK: mopt.binary <max>
  func.func @rnn(%x: tensor<2x5x4xf32>, %w: tensor<1x3x4xf32>, %r: tensor<1x3x3xf32>) -> !onnx.value {
    %y = onnx.node "RNN"(%x, %w, %r) {layout = 1 : si64, clip = 1.0 : f32, activations = ["Affine"], activation_alpha = array<f32: 2.0>}
        : (tensor<2x5x4xf32>, tensor<1x3x4xf32>, tensor<1x3x3xf32>) -> !onnx.value
    return %y : !onnx.value
  }
}

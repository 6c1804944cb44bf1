// RUN: mopt-opt %s --split-input-file --convert-onnx-to-mopt --verify-diagnostics | FileCheck %s

module attributes {onnx.opsets = {"ai.onnx" = 27 : i64}} {
  // CHECK-LABEL: @first
  // CHECK: mopt.pad
  // CHECK: mopt.conv {{.*}}group = 4
  // CHECK: mopt.unary <sigmoid>
  // CHECK: mopt.slice
  func.func @first(%x: tensor<2x4x?xf32>, %w: tensor<4x1x3xf32>) -> (!onnx.value, !onnx.value) {
    %y:2 = onnx.node "CausalConvWithState"(%x, %w) {activation = "silu"} : (tensor<2x4x?xf32>, tensor<4x1x3xf32>) -> (!onnx.value, !onnx.value)
    return %y#0, %y#1 : !onnx.value, !onnx.value
  }
}

// -----

module attributes {onnx.opsets = {"ai.onnx" = 27 : i64}} {
  func.func @activation(%x: tensor<2x4x5xf32>, %w: tensor<4x1x3xf32>) -> !onnx.value {
    // expected-error @below {{expected activation 'none', 'silu' or 'swish', found 'relu'}}
    %y = onnx.node "CausalConvWithState"(%x, %w) {activation = "relu"} : (tensor<2x4x5xf32>, tensor<4x1x3xf32>) -> !onnx.value
    return %y : !onnx.value
  }
}

// RUN: mopt-opt %s -split-input-file -convert-onnx-to-mopt -verify-diagnostics

module attributes {onnx.opsets = {"ai.onnx" = 14 : i64}} {
  func.func @sizes(%x: tensor<5x2x4xf32>, %w: tensor<1x11x4xf32>, %r: tensor<1x12x3xf32>) -> !onnx.value {
    // expected-error @+1 {{expected size 12 in dimension 1, found 'tensor<1x11x4xf32>'}}
    %y = onnx.node "LSTM"(%x, %w, %r) : (tensor<5x2x4xf32>, tensor<1x11x4xf32>, tensor<1x12x3xf32>) -> !onnx.value
    return %y : !onnx.value
  }
}

// -----

module attributes {onnx.opsets = {"ai.onnx" = 14 : i64}} {
  func.func @function(%x: tensor<5x2x4xf32>, %w: tensor<1x3x4xf32>, %r: tensor<1x3x3xf32>) -> !onnx.value {
    // expected-error @+1 {{activation function "Sine" is not supported}}
    %y = onnx.node "RNN"(%x, %w, %r) {activations = ["Sine"]} : (tensor<5x2x4xf32>, tensor<1x3x4xf32>, tensor<1x3x3xf32>) -> !onnx.value
    return %y : !onnx.value
  }
}

// -----

module attributes {onnx.opsets = {"ai.onnx" = 14 : i64}} {
  func.func @direction(%x: tensor<5x2x4xf32>, %w: tensor<1x3x4xf32>, %r: tensor<1x3x3xf32>) -> !onnx.value {
    // expected-error @+1 {{expected direction 'forward', 'reverse' or 'bidirectional', found 'sideways'}}
    %y = onnx.node "RNN"(%x, %w, %r) {direction = "sideways"} : (tensor<5x2x4xf32>, tensor<1x3x4xf32>, tensor<1x3x3xf32>) -> !onnx.value
    return %y : !onnx.value
  }
}

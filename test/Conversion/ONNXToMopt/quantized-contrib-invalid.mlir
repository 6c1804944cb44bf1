// RUN: mopt-opt %s -split-input-file -convert-onnx-to-mopt -verify-diagnostics

module attributes {onnx.opsets = {"ai.onnx" = 17 : i64, "com.microsoft" = 1 : i64}} {
  func.func @scales(%a: tensor<1x8xf32>, %b: tensor<1x2x2xui8>, %s: tensor<3xf32>) -> !onnx.value {
    // expected-error @+1 {{expected 1 x 2 scales, found 'tensor<3xf32>'}}
    %y = onnx.node "MatMulNBits" domain "com.microsoft"(%a, %b, %s) {K = 8 : si64, N = 1 : si64, bits = 4 : si64, block_size = 4 : si64} : (tensor<1x8xf32>, tensor<1x2x2xui8>, tensor<3xf32>) -> !onnx.value
    return %y : !onnx.value
  }
}

// -----

module attributes {onnx.opsets = {"ai.onnx" = 17 : i64, "com.microsoft" = 1 : i64}} {
  func.func @weights(%a: tensor<1x8xf32>, %b: tensor<1x2x3xui8>, %s: tensor<2xf32>) -> !onnx.value {
    // expected-error @+1 {{expected 1 x 2 x 2 bytes of weights, found 'tensor<1x2x3xui8>'}}
    %y = onnx.node "MatMulNBits" domain "com.microsoft"(%a, %b, %s) {K = 8 : si64, N = 1 : si64, bits = 4 : si64, block_size = 4 : si64} : (tensor<1x8xf32>, tensor<1x2x3xui8>, tensor<2xf32>) -> !onnx.value
    return %y : !onnx.value
  }
}

// -----

module attributes {onnx.opsets = {"ai.onnx" = 17 : i64, "com.microsoft" = 1 : i64}} {
  func.func @layout(%x: tensor<1x2x4xui8>, %s: tensor<f32>, %z: tensor<ui8>) -> !onnx.value {
    // expected-error @+1 {{'channels_last' of 1 is not supported}}
    %y = onnx.node "QLinearGlobalAveragePool" domain "com.microsoft"(%x, %s, %z, %s, %z) {channels_last = 1 : si64} : (tensor<1x2x4xui8>, tensor<f32>, tensor<ui8>, tensor<f32>, tensor<ui8>) -> !onnx.value
    return %y : !onnx.value
  }
}

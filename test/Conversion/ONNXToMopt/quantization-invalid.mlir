// RUN: mopt-opt %s -split-input-file -convert-onnx-to-mopt -verify-diagnostics

module attributes {onnx.opsets = {"ai.onnx" = 21 : i64}} {
  func.func @zero_point(%x: tensor<2x3xf32>, %s: tensor<f32>, %z: tensor<i8>) -> !onnx.value {
    // expected-error @+1 {{expected a zero point of 'ui8', found 'i8'}}
    %y = onnx.node "QuantizeLinear"(%x, %s, %z) {output_dtype = 2 : si64} : (tensor<2x3xf32>, tensor<f32>, tensor<i8>) -> !onnx.value
    return %y : !onnx.value
  }
}

// -----

module attributes {onnx.opsets = {"ai.onnx" = 21 : i64}} {
  func.func @blocks(%x: tensor<5x4xi8>, %s: tensor<2x4xf32>) -> !onnx.value {
    // expected-error @+1 {{expected scales for 3 blocks of 2 along axis 0, found 2}}
    %y = onnx.node "DequantizeLinear"(%x, %s) {axis = 0 : si64, block_size = 2 : si64} : (tensor<5x4xi8>, tensor<2x4xf32>) -> !onnx.value
    return %y : !onnx.value
  }
}

// -----

module attributes {onnx.opsets = {"ai.onnx" = 21 : i64}} {
  func.func @floats(%a: tensor<2x4xf32>, %b: tensor<4x3xi8>) -> !onnx.value {
    // expected-error @+1 {{expected integers of 8 bits, found 'tensor<2x4xf32>' and 'tensor<4x3xi8>'}}
    %y = onnx.node "MatMulInteger"(%a, %b) : (tensor<2x4xf32>, tensor<4x3xi8>) -> !onnx.value
    return %y : !onnx.value
  }
}

// -----

module attributes {onnx.opsets = {"ai.onnx" = 21 : i64}} {
  func.func @infinite_scale(%x: tensor<2x3xf32>) -> !onnx.value {
    %s = onnx.node "Constant"() {value = dense<0x7F800000> : tensor<f32>} : () -> !onnx.value
    // expected-error @+1 {{expected a finite scale, found one that is infinite or not a number}}
    %y = onnx.node "QuantizeLinear"(%x, %s) : (tensor<2x3xf32>, !onnx.value) -> !onnx.value
    return %y : !onnx.value
  }
}

// -----

module attributes {onnx.opsets = {"ai.onnx" = 21 : i64}} {
  func.func @too_few_scales(%x: tensor<2x3xi8>, %s: tensor<2xf32>) -> !onnx.value {
    // expected-error @+1 {{expected a scale and zero point for each of 3 positions along axis 1, found 2}}
    %y = onnx.node "DequantizeLinear"(%x, %s) : (tensor<2x3xi8>, tensor<2xf32>) -> !onnx.value
    return %y : !onnx.value
  }
}

// -----

module attributes {onnx.opsets = {"ai.onnx" = 21 : i64}} {
  func.func @unlike_zero_points(%x: tensor<2x3xi8>, %s: tensor<3xf32>, %z: tensor<2xi8>) -> !onnx.value {
    // expected-error @+1 {{expected a zero point for each scale, found 'tensor<2xi8>' and 'tensor<3xf32>'}}
    %y = onnx.node "DequantizeLinear"(%x, %s, %z) : (tensor<2x3xi8>, tensor<3xf32>, tensor<2xi8>) -> !onnx.value
    return %y : !onnx.value
  }
}

// -----

module attributes {onnx.opsets = {"ai.onnx" = 21 : i64}} {
  func.func @integer_scale(%x: tensor<2x3xi8>, %s: tensor<i32>) -> !onnx.value {
    // expected-error @+1 {{expected floats as the scale, found 'tensor<i32>'}}
    %y = onnx.node "DequantizeLinear"(%x, %s) : (tensor<2x3xi8>, tensor<i32>) -> !onnx.value
    return %y : !onnx.value
  }
}

// RUN: mopt-opt %s -split-input-file -convert-onnx-to-mopt -canonicalize -verify-diagnostics | FileCheck %s

module attributes {onnx.opsets = {"ai.onnx" = 13 : i64}} {
  // CHECK-LABEL: func.func @cross_entropy
  // CHECK-SAME: -> (tensor<f32>, tensor<?x5xf32>)
  // CHECK: mopt.softmax %{{.*}} {axis = 1 : i64, log}
  // CHECK: mopt.gather_elements
  func.func @cross_entropy(%x: tensor<?x5xf32>, %t: tensor<?xi64>) -> (!onnx.value, !onnx.value) {
    %y:2 = onnx.node "SoftmaxCrossEntropyLoss"(%x, %t) {ignore_index = -1 : si64} : (tensor<?x5xf32>, tensor<?xi64>) -> (!onnx.value, !onnx.value)
    return %y#0, %y#1 : !onnx.value, !onnx.value
  }
}

// -----

module attributes {onnx.opsets = {"ai.onnx" = 13 : i64}} {
  func.func @ranks(%x: tensor<2x5xf32>, %t: tensor<2x5xi64>) -> !onnx.value {
    // expected-error @+1 {{expected class scores of at least 2 dimensions and targets of one less, found 'tensor<2x5xf32>' and 'tensor<2x5xi64>'}}
    %y = onnx.node "NegativeLogLikelihoodLoss"(%x, %t) : (tensor<2x5xf32>, tensor<2x5xi64>) -> !onnx.value
    return %y : !onnx.value
  }
}

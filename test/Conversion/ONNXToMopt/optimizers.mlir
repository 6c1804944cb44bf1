// RUN: mopt-opt %s --split-input-file --convert-onnx-to-mopt --verify-diagnostics | FileCheck %s

module attributes {onnx.opsets = {"ai.onnx.preview.training" = 1 : i64}} {
  // CHECK-LABEL: @adagrad
  // CHECK: mopt.unary <sqrt>
  // CHECK: mopt.binary <sub>
  func.func @adagrad(%r: tensor<f32>, %t: tensor<i64>, %x: tensor<2xf32>, %g: tensor<2xf32>, %h: tensor<2xf32>) -> (!onnx.value, !onnx.value) {
    %y:2 = onnx.node "Adagrad" domain "ai.onnx.preview.training"(%r, %t, %x, %g, %h) {} : (tensor<f32>, tensor<i64>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>) -> (!onnx.value, !onnx.value)
    return %y#0, %y#1 : !onnx.value, !onnx.value
  }

}

// -----

module attributes {onnx.opsets = {"ai.onnx.preview.training" = 1 : i64}} {
  func.func @mode(%r: tensor<f32>, %t: tensor<i64>, %x: tensor<2xf32>) -> !onnx.value {
    // expected-error @below {{expected mode 'standard' or 'nesterov', found 'other'}}
    %y:2 = onnx.node "Momentum" domain "ai.onnx.preview.training"(%r, %t, %x, %x, %x) {mode = "other"} : (tensor<f32>, tensor<i64>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>) -> (!onnx.value, !onnx.value)
    return %y#0 : !onnx.value
  }
}

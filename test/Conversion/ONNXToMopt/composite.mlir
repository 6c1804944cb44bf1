// RUN: mopt-opt %s -convert-onnx-to-mopt -canonicalize | FileCheck %s

// An operator without a handler becomes what ONNX defines it by.
module attributes {onnx.opsets = {"ai.onnx" = 17 : i64}} {
  // CHECK-LABEL: func.func @window
  // CHECK: mopt.unary <cos>
  func.func @window(%n: tensor<i32>) -> !onnx.value {
    %y = onnx.node "HammingWindow"(%n) : (tensor<i32>) -> !onnx.value
    return %y : !onnx.value
  }
}

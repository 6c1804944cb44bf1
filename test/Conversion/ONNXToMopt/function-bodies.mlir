// RUN: mopt-opt %s --split-input-file --convert-onnx-to-mopt --verify-diagnostics | FileCheck %s

// Without a handler of its own a composite is what ONNX defines it by.
module attributes {onnx.opsets = {"ai.onnx" = 17 : i64}} {
  // CHECK-LABEL: @window
  // CHECK: mopt.iota
  // CHECK: mopt.unary <cos>
  // CHECK: return
  func.func @window(%n: tensor<i32>) -> !onnx.value {
    %y = onnx.node "HannWindow"(%n) {} : (tensor<i32>) -> !onnx.value
    return %y : !onnx.value
  }
}

// -----

module attributes {onnx.opsets = {"ai.onnx" = 17 : i64}} {
  func.func @unknown(%x: tensor<2xf32>) -> !onnx.value {
    // expected-error @below {{operator 'NoSuchThing' is not supported}}
    %y = onnx.node "NoSuchThing"(%x) {} : (tensor<2xf32>) -> !onnx.value
    return %y : !onnx.value
  }
}

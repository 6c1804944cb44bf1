// RUN: mopt-opt %s --split-input-file --convert-onnx-to-mopt --verify-diagnostics | FileCheck %s

module attributes {onnx.opsets = {"ai.onnx" = 26 : i64}} {
  // CHECK-LABEL: @cast
  // CHECK: mopt.cast %{{.*}} : tensor<2xf32> -> tensor<2xui8>
  func.func @cast(%x: tensor<2xf32>) -> !onnx.value {
    %y = onnx.node "Cast"(%x) {to = 2 : i64} : (tensor<2xf32>) -> !onnx.value
    return %y : !onnx.value
  }

  // CHECK-LABEL: @same_type
  // CHECK-NEXT: return
  func.func @same_type(%x: tensor<2xi64>, %like: tensor<5xi64>) -> !onnx.value {
    %y = onnx.node "CastLike"(%x, %like) {} : (tensor<2xi64>, tensor<5xi64>) -> !onnx.value
    return %y : !onnx.value
  }

  // CHECK-LABEL: @bits
  // CHECK: mopt.bitcast %{{.*}} : tensor<2xf32> -> tensor<2xui32>
  func.func @bits(%x: tensor<2xf32>) -> !onnx.value {
    %y = onnx.node "BitCast"(%x) {to = 12 : i64} : (tensor<2xf32>) -> !onnx.value
    return %y : !onnx.value
  }

  // CHECK-LABEL: @dropout
  // CHECK: %[[MASK:.*]] = mopt.broadcast %{{.*}} to [3] : tensor<1xi1> -> tensor<3xi1>
  // CHECK: return %arg0, %[[MASK]]
  func.func @dropout(%x: tensor<3xf32>) -> (!onnx.value, !onnx.value) {
    %y:2 = onnx.node "Dropout"(%x) {} : (tensor<3xf32>) -> (!onnx.value, !onnx.value)
    return %y#0, %y#1 : !onnx.value, !onnx.value
  }
}

// -----

module attributes {onnx.opsets = {"ai.onnx" = 5 : i64}} {
  // CHECK-LABEL: @by_name
  // CHECK: mopt.cast %{{.*}} : tensor<2xf32> -> tensor<2xi64>
  func.func @by_name(%x: tensor<2xf32>) -> !onnx.value {
    %y = onnx.node "Cast"(%x) {to = "INT64"} : (tensor<2xf32>) -> !onnx.value
    return %y : !onnx.value
  }
}

// -----

module attributes {onnx.opsets = {"ai.onnx" = 13 : i64}} {
  func.func @string(%x: tensor<2xf32>) -> !onnx.value {
    // expected-error @+1 {{element type 8 is not supported}}
    %y = onnx.node "Cast"(%x) {to = 8 : i64} : (tensor<2xf32>) -> !onnx.value
    return %y : !onnx.value
  }
}

// -----

module attributes {onnx.opsets = {"ai.onnx" = 13 : i64}} {
  func.func @training(%x: tensor<2xf32>) -> !onnx.value {
    %ratio = arith.constant dense<0.5> : tensor<f32>
    %mode = arith.constant dense<true> : tensor<i1>
    // expected-error @+1 {{dropout for training is not supported}}
    %y = onnx.node "Dropout"(%x, %ratio, %mode) {} : (tensor<2xf32>, tensor<f32>, tensor<i1>) -> !onnx.value
    return %y : !onnx.value
  }
}

// RUN: mopt-opt %s --split-input-file --convert-onnx-to-mopt --canonicalize --verify-diagnostics | FileCheck %s

module attributes {onnx.opsets = {"ai.onnx" = 14 : i64}} {
  // CHECK-LABEL: @range_known
  // CHECK: mopt.iota along 0 [4] of f32
  func.func @range_known() -> !onnx.value {
    %start = arith.constant dense<1.0> : tensor<f32>
    %limit = arith.constant dense<2.75> : tensor<f32>
    %delta = arith.constant dense<0.5> : tensor<f32>
    %y = onnx.node "Range"(%start, %limit, %delta) {} : (tensor<f32>, tensor<f32>, tensor<f32>) -> !onnx.value
    return %y : !onnx.value
  }

  // CHECK-LABEL: @range_dynamic
  // CHECK: %[[N:.*]] = arith.maxsi
  // CHECK: mopt.iota along 0 [%[[N]]] of i64
  func.func @range_dynamic(%limit: tensor<i64>) -> !onnx.value {
    %start = arith.constant dense<0> : tensor<i64>
    %delta = arith.constant dense<1> : tensor<i64>
    %y = onnx.node "Range"(%start, %limit, %delta) {} : (tensor<i64>, tensor<i64>, tensor<i64>) -> !onnx.value
    return %y : !onnx.value
  }

  // CHECK-LABEL: @one_hot
  // CHECK: mopt.compare <eq> %{{.*}} -> tensor<2x5xi1>
  // CHECK: mopt.select %{{.*}} -> tensor<2x5xf32>
  func.func @one_hot(%i: tensor<2xi64>, %values: tensor<2xf32>) -> !onnx.value {
    %depth = arith.constant dense<5> : tensor<i64>
    %y = onnx.node "OneHot"(%i, %depth, %values) {} : (tensor<2xi64>, tensor<i64>, tensor<2xf32>) -> !onnx.value
    return %y : !onnx.value
  }

  // CHECK-LABEL: @trilu
  // CHECK: mopt.compare <le>
  // CHECK: mopt.select
  func.func @trilu(%x: tensor<2x?x3xf32>) -> !onnx.value {
    %y = onnx.node "Trilu"(%x) {upper = 0 : i64} : (tensor<2x?x3xf32>) -> !onnx.value
    return %y : !onnx.value
  }

  // CHECK-LABEL: @eye
  // CHECK: mopt.cast %{{.*}} : tensor<3x?xi1> -> tensor<3x?xf64>
  func.func @eye(%x: tensor<3x?xi32>) -> !onnx.value {
    %y = onnx.node "EyeLike"(%x) {dtype = 11 : i64, k = 1 : i64} : (tensor<3x?xi32>) -> !onnx.value
    return %y : !onnx.value
  }

  // CHECK-LABEL: @hardmax
  // CHECK: mopt.arg_reduce <max> %{{.*}} {axis = 1 : i64} : tensor<2x3xf32>
  func.func @hardmax(%x: tensor<2x3xf32>) -> !onnx.value {
    %y = onnx.node "Hardmax"(%x) {} : (tensor<2x3xf32>) -> !onnx.value
    return %y : !onnx.value
  }
}

// -----

module attributes {onnx.opsets = {"ai.onnx" = 14 : i64}} {
  func.func @values(%i: tensor<2xi64>, %values: tensor<3xf32>) -> !onnx.value {
    %depth = arith.constant dense<5> : tensor<i64>
    // expected-error @+1 {{expected two values, found 'tensor<3xf32>'}}
    %y = onnx.node "OneHot"(%i, %depth, %values) {} : (tensor<2xi64>, tensor<i64>, tensor<3xf32>) -> !onnx.value
    return %y : !onnx.value
  }
}

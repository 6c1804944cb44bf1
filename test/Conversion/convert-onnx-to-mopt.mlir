// RUN: mopt-opt %s -split-input-file --convert-onnx-to-mopt -canonicalize -verify-diagnostics | FileCheck %s

// Types are inferred on the way; the dimension of one name is one value.
// CHECK-LABEL: @typed
// CHECK-NOT: onnx.node
// CHECK: mopt.matmul %arg0, %arg1 : tensor<?x8xf32>, tensor<8x3xf32> -> tensor<?x3xf32>
// CHECK: mopt.softmax {{.*}} : tensor<?x3xf32> -> tensor<?x3xf32>
module attributes {onnx.opsets = {"ai.onnx" = 17 : i64}} {
  func.func @typed(%x: tensor<?x8xf32> {onnx.name = "x", onnx.dims = ["n", ""]}, %w: tensor<8x3xf32> {onnx.name = "w"}) -> (tensor<?x3xf32> {onnx.name = "y"}) {
    %0 = onnx.node "MatMul"(%x, %w) : (tensor<?x8xf32>, tensor<8x3xf32>) -> !onnx.value
    %1 = onnx.node "Softmax"(%0) {axis = -1 : si64} : (!onnx.value) -> tensor<?x3xf32>
    return %1 : tensor<?x3xf32>
  }
}

// -----

// The version decides: before 13 the axes of a Squeeze were an attribute.
// CHECK-LABEL: @version
// CHECK: mopt.reshape {{.*}} -> tensor<4xf32>
module attributes {onnx.opsets = {"ai.onnx" = 11 : i64}} {
  func.func @version(%x: tensor<4x1xf32> {onnx.name = "x"}) -> (tensor<4xf32> {onnx.name = "y"}) {
    %0 = onnx.node "Squeeze"(%x) {axes = [1 : si64]} : (tensor<4x1xf32>) -> tensor<4xf32>
    return %0 : tensor<4xf32>
  }
}

// -----

// All that is not supported is reported, and what depends on it is not.
module attributes {onnx.opsets = {"ai.onnx" = 17 : i64, "com.example" = 1 : i64}} {
  func.func @unsupported(%x: tensor<4xf32> {onnx.name = "x"}) -> (tensor<4xf32> {onnx.name = "y"}) {
    // expected-error @+1 {{operator 'NoSuchOperator' is not supported}}
    %0 = onnx.node "NoSuchOperator"(%x) : (tensor<4xf32>) -> !onnx.value
    %1 = onnx.node "Relu"(%0) : (!onnx.value) -> !onnx.value
    // expected-error @+1 {{operator 'com.example::Other' is not supported}}
    %2 = onnx.node "com.example::Other"(%1) : (!onnx.value) -> tensor<4xf32>
    return %2 : tensor<4xf32>
  }
}

// RUN: mopt-opt %s -split-input-file -convert-onnx-to-mopt -canonicalize -verify-diagnostics | FileCheck %s

module attributes {onnx.opsets = {"ai.onnx" = 12 : i64}} {
  // CHECK-LABEL: func.func @attention
  // CHECK-SAME: -> tensor<2x8x5x6xf32>
  // CHECK: mopt.transpose %{{.*}} [0, 2, 1, 3]
  // CHECK: mopt.transpose %{{.*}} [0, 2, 3, 1]
  // CHECK: mopt.matmul %{{.*}} : tensor<16x5x4xf32>, tensor<16x4x6xf32> -> tensor<16x5x6xf32>
  func.func @attention(%x: tensor<2x5x8x4xf32>, %y: tensor<2x6x8x4xf32>) -> !onnx.value {
    %z = onnx.node "Einsum"(%x, %y) {equation = "bqhd, bkhd -> bhqk"} : (tensor<2x5x8x4xf32>, tensor<2x6x8x4xf32>) -> !onnx.value
    return %z : !onnx.value
  }

  // CHECK-LABEL: func.func @trace
  // CHECK-SAME: -> tensor<?xf32>
  // CHECK: mopt.iota
  // CHECK: mopt.select
  // CHECK: mopt.reduce <sum>
  func.func @trace(%x: tensor<?x4x4xf32>) -> !onnx.value {
    %z = onnx.node "Einsum"(%x) {equation = "...ii"} : (tensor<?x4x4xf32>) -> !onnx.value
    return %z : !onnx.value
  }

  // CHECK-LABEL: func.func @outer
  // CHECK-SAME: -> tensor<2x3xi8>
  // CHECK: mopt.binary <mul> %{{.*}}, %{{.*}} : tensor<2x1xi32>, tensor<1x3xi32>
  func.func @outer(%x: tensor<2xi8>, %y: tensor<3xi8>) -> !onnx.value {
    %z = onnx.node "Einsum"(%x, %y) {equation = "i,j"} : (tensor<2xi8>, tensor<3xi8>) -> !onnx.value
    return %z : !onnx.value
  }
}

// -----

module attributes {onnx.opsets = {"ai.onnx" = 12 : i64}} {
  func.func @sizes(%x: tensor<2x3xf32>, %y: tensor<4x2xf32>) -> !onnx.value {
    // expected-error @+1 {{label 'j' has sizes 3 and 4}}
    %z = onnx.node "Einsum"(%x, %y) {equation = "ij,jk->ik"} : (tensor<2x3xf32>, tensor<4x2xf32>) -> !onnx.value
    return %z : !onnx.value
  }
}

// -----

module attributes {onnx.opsets = {"ai.onnx" = 12 : i64}} {
  func.func @unknown(%x: tensor<2x3xf32>) -> !onnx.value {
    // expected-error @+1 {{label 'k' of the result stands in no input}}
    %z = onnx.node "Einsum"(%x) {equation = "ij->ik"} : (tensor<2x3xf32>) -> !onnx.value
    return %z : !onnx.value
  }
}

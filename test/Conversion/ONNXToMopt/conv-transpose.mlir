// RUN: mopt-opt %s -split-input-file -convert-onnx-to-mopt -canonicalize -verify-diagnostics | FileCheck %s

module attributes {onnx.opsets = {"ai.onnx" = 11 : i64}} {
  // Zeros between the elements, and the filter mirrored.
  // CHECK-LABEL: func.func @general
  // CHECK-SAME: -> tensor<1x4x10x10xf32>
  // CHECK: mopt.pad <constant> %{{.*}} high [0, 0, 0, 1, 0, 1]
  // CHECK: mopt.slice %{{.*}} [0, 0, 2, 2] [4, 3, 3, 3] [1, 1, -1, -1]
  // CHECK: mopt.conv %{{.*}} strides = array<i64: 1, 1>}
  func.func @general(%x: tensor<1x3x5x5xf32>, %w: tensor<3x4x3x3xf32>) -> !onnx.value {
    %y = onnx.node "ConvTranspose"(%x, %w) {strides = array<i64: 2, 2>, pads = array<i64: 1, 1, 1, 1>, output_padding = array<i64: 1, 1>}
        : (tensor<1x3x5x5xf32>, tensor<3x4x3x3xf32>) -> !onnx.value
    return %y : !onnx.value
  }

  // Windows that do not overlap: a matrix product.
  // CHECK-LABEL: func.func @disjoint
  // CHECK-SAME: -> tensor<1x4x?x?xf32>
  // CHECK-NOT: mopt.conv
  // CHECK: mopt.matmul %{{.*}} {transpose_lhs}
  // CHECK-NOT: mopt.conv
  func.func @disjoint(%x: tensor<1x3x?x?xf32>, %w: tensor<3x4x2x2xf32>) -> !onnx.value {
    %y = onnx.node "ConvTranspose"(%x, %w) {strides = array<i64: 2, 2>} : (tensor<1x3x?x?xf32>, tensor<3x4x2x2xf32>) -> !onnx.value
    return %y : !onnx.value
  }

  // CHECK-LABEL: func.func @shape
  // CHECK-SAME: -> tensor<1x4x10xf32>
  func.func @shape(%x: tensor<1x3x4xf32>, %w: tensor<3x4x3xf32>) -> !onnx.value {
    %y = onnx.node "ConvTranspose"(%x, %w) {strides = array<i64: 3>, output_shape = array<i64: 10>} : (tensor<1x3x4xf32>, tensor<3x4x3xf32>) -> !onnx.value
    return %y : !onnx.value
  }
}

// -----

module attributes {onnx.opsets = {"ai.onnx" = 11 : i64}} {
  func.func @group(%x: tensor<1x3x4xf32>, %w: tensor<3x4x3xf32>) -> !onnx.value {
    // expected-error @+1 {{expected a group count that divides the 3 input channels, found 2}}
    %y = onnx.node "ConvTranspose"(%x, %w) {group = 2 : si64} : (tensor<1x3x4xf32>, tensor<3x4x3xf32>) -> !onnx.value
    return %y : !onnx.value
  }
}

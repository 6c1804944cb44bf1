// RUN: mopt-opt %s -split-input-file -convert-onnx-to-mopt -canonicalize -verify-diagnostics | FileCheck %s

module attributes {onnx.opsets = {"ai.onnx" = 21 : i64}} {
  // CHECK-LABEL: func.func @instance
  // CHECK: mopt.normalize %{{.*}} {axis = 2 : i64
  // CHECK: mopt.binary <mul> %{{.*}} : tensor<1x3x4x?xf32>, tensor<1x3x1x1xf32>
  func.func @instance(%x: tensor<1x3x4x?xf32>, %s: tensor<3xf32>, %b: tensor<3xf32>) -> !onnx.value {
    %y = onnx.node "InstanceNormalization"(%x, %s, %b) : (tensor<1x3x4x?xf32>, tensor<3xf32>, tensor<3xf32>) -> !onnx.value
    return %y : !onnx.value
  }

  // CHECK-LABEL: func.func @group
  // CHECK: mopt.reshape %{{.*}} to [1, 2, 3, 4]
  // CHECK: mopt.normalize %{{.*}} {axis = 2 : i64
  func.func @group(%x: tensor<1x6x4xf32>, %s: tensor<6xf32>, %b: tensor<6xf32>) -> !onnx.value {
    %y = onnx.node "GroupNormalization"(%x, %s, %b) {num_groups = 2 : si64} : (tensor<1x6x4xf32>, tensor<6xf32>, tensor<6xf32>) -> !onnx.value
    return %y : !onnx.value
  }

  // CHECK-LABEL: func.func @lrn
  // CHECK: mopt.pool <lp_sum> %{{.*}} {dilations = array<i64: 1, 1>, kernel = array<i64: 4, 1>, pads_begin = array<i64: 1, 0>, pads_end = array<i64: 2, 0>
  func.func @lrn(%x: tensor<1x6x4x4xf32>) -> !onnx.value {
    %y = onnx.node "LRN"(%x) {size = 4 : si64} : (tensor<1x6x4x4xf32>) -> !onnx.value
    return %y : !onnx.value
  }
}

// -----

module attributes {onnx.opsets = {"ai.onnx" = 21 : i64}} {
  func.func @groups(%x: tensor<1x6x4xf32>, %s: tensor<6xf32>, %b: tensor<6xf32>) -> !onnx.value {
    // expected-error @+1 {{expected 'num_groups' to divide the 6 channels, found 4}}
    %y = onnx.node "GroupNormalization"(%x, %s, %b) {num_groups = 4 : si64} : (tensor<1x6x4xf32>, tensor<6xf32>, tensor<6xf32>) -> !onnx.value
    return %y : !onnx.value
  }
}

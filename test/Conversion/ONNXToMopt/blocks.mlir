// RUN: mopt-opt %s --split-input-file --convert-onnx-to-mopt --canonicalize --verify-diagnostics | FileCheck %s

module attributes {onnx.opsets = {"ai.onnx" = 18 : i64}} {
  // CHECK-LABEL: @tile
  // CHECK: mopt.broadcast %{{.*}} to [2, %{{.*}}, 1, 3] : tensor<1x?x1x3xf32> -> tensor<2x?x1x3xf32>
  func.func @tile(%x: tensor<?x3xf32>) -> !onnx.value {
    %n = arith.constant dense<[2, 1]> : tensor<2xi64>
    %y = onnx.node "Tile"(%x, %n) {} : (tensor<?x3xf32>, tensor<2xi64>) -> !onnx.value
    return %y : !onnx.value
  }

  // CHECK-LABEL: @depth_to_space
  // CHECK: mopt.transpose %{{.*}} [0, 3, 4, 1, 5, 2] : tensor<1x2x2x3x4x5xf32>
  // CHECK: -> tensor<1x3x8x10xf32>
  func.func @depth_to_space(%x: tensor<1x12x4x5xf32>) -> !onnx.value {
    %y = onnx.node "DepthToSpace"(%x) {blocksize = 2 : i64} : (tensor<1x12x4x5xf32>) -> !onnx.value
    return %y : !onnx.value
  }

  // CHECK-LABEL: @space_to_depth
  // CHECK: mopt.transpose %{{.*}} [0, 3, 5, 1, 2, 4]
  // CHECK: -> tensor<1x12x?x2xf32>
  func.func @space_to_depth(%x: tensor<1x3x?x4xf32>) -> !onnx.value {
    %y = onnx.node "SpaceToDepth"(%x) {blocksize = 2 : i64} : (tensor<1x3x?x4xf32>) -> !onnx.value
    return %y : !onnx.value
  }

  // CHECK-LABEL: @col2im
  // CHECK: mopt.scatter_nd <add> %{{.*}} : tensor<25x1xf32>, tensor<25x1xi64>, tensor<25x1xf32>
  // CHECK: -> tensor<1x1x5x5xf32>
  func.func @col2im(%x: tensor<1x5x5xf32>) -> !onnx.value {
    %image = arith.constant dense<5> : tensor<2xi64>
    %block = arith.constant dense<[1, 5]> : tensor<2xi64>
    %y = onnx.node "Col2Im"(%x, %image, %block) {} : (tensor<1x5x5xf32>, tensor<2xi64>, tensor<2xi64>) -> !onnx.value
    return %y : !onnx.value
  }
}

// -----

module attributes {onnx.opsets = {"ai.onnx" = 13 : i64}} {
  func.func @indivisible(%x: tensor<1x3x5x4xf32>) -> !onnx.value {
    // expected-error @+1 {{cannot divide a size of 5 by 2}}
    %y = onnx.node "SpaceToDepth"(%x) {blocksize = 2 : i64} : (tensor<1x3x5x4xf32>) -> !onnx.value
    return %y : !onnx.value
  }
}

// RUN: mopt-opt %s --split-input-file --convert-onnx-to-mopt --verify-diagnostics | FileCheck %s

module attributes {onnx.opsets = {"ai.onnx" = 20 : i64}} {
  // CHECK-LABEL: @grid_sample
  // CHECK-COUNT-4: mopt.gather_nd %{{.*}} {batch_dims = 1 : i64}
  // CHECK: mopt.transpose %{{.*}} [0, 3, 1, 2] : tensor<1x?x6x2xf32> -> tensor<1x2x?x6xf32>
  func.func @grid_sample(%x: tensor<1x2x4x4xf32>, %g: tensor<1x?x6x2xf32>) -> !onnx.value {
    %y = onnx.node "GridSample"(%x, %g) {mode = "linear"} : (tensor<1x2x4x4xf32>, tensor<1x?x6x2xf32>) -> !onnx.value
    return %y : !onnx.value
  }

  // CHECK-LABEL: @affine_grid
  // CHECK: mopt.matmul %{{.*}}transpose_rhs
  // CHECK: -> tensor<2x5x6x2xf32>
  func.func @affine_grid(%theta: tensor<2x2x3xf32>) -> !onnx.value {
    %size = arith.constant dense<[2, 3, 5, 6]> : tensor<4xi64>
    %y = onnx.node "AffineGrid"(%theta, %size) {} : (tensor<2x2x3xf32>, tensor<4xi64>) -> !onnx.value
    return %y : !onnx.value
  }

  // CHECK-LABEL: @roi_align
  // CHECK: mopt.roi_align %arg0, %arg1, %arg2 {half_pixel, output_height = 5 : i64, output_width = 5 : i64
  func.func @roi_align(%x: tensor<1x3x8x8xf32>, %r: tensor<?x4xf32>, %b: tensor<?xi64>) -> !onnx.value {
    %y = onnx.node "RoiAlign"(%x, %r, %b) {output_height = 5 : i64, output_width = 5 : i64, spatial_scale = 1.0 : f32}
        : (tensor<1x3x8x8xf32>, tensor<?x4xf32>, tensor<?xi64>) -> !onnx.value
    return %y : !onnx.value
  }
}

// -----

module attributes {onnx.opsets = {"ai.onnx" = 20 : i64}} {
  func.func @grid(%x: tensor<1x2x4x4xf32>, %g: tensor<1x5x6x3xf32>) -> !onnx.value {
    // expected-error @+1 {{expected a grid of 4 dimensions, the last of size 2, found 'tensor<1x5x6x3xf32>'}}
    %y = onnx.node "GridSample"(%x, %g) {} : (tensor<1x2x4x4xf32>, tensor<1x5x6x3xf32>) -> !onnx.value
    return %y : !onnx.value
  }
}

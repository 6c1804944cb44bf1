// RUN: mopt-opt %s --split-input-file --convert-onnx-to-mopt --canonicalize --verify-diagnostics | FileCheck %s

module attributes {onnx.opsets = {"ai.onnx" = 19 : i64}} {
  // One dimension, two groups of offsets, a dynamic batch and output.
  // CHECK-LABEL: @line
  // CHECK-SAME: -> tensor<?x6x?xf32>
  // Both elements of each cell; a matrix for each group.
  // CHECK-COUNT-2: mopt.gather_nd {{.*}} {batch_dims = 2 : i64} : tensor<?x2x?x2xf32>, tensor<?x2x3x?x1xi64> -> tensor<?x2x3x?x2xf32>
  // CHECK: mopt.matmul {{.*}} : tensor<1x2x3x6xf32>, tensor<?x2x6x?xf32>
  func.func @line(%x: tensor<?x4x?xf32>, %w: tensor<6x2x3xf32>, %o: tensor<?x6x?xf32>) -> !onnx.value {
    %y = onnx.node "DeformConv"(%x, %w, %o) {group = 2 : si64, offset_group = 2 : si64} : (tensor<?x4x?xf32>, tensor<6x2x3xf32>, tensor<?x6x?xf32>) -> !onnx.value
    return %y : !onnx.value
  }
}

// -----

module attributes {onnx.opsets = {"ai.onnx" = 19 : i64}} {
  func.func @offsets(%x: tensor<1x4x5x5xf32>, %w: tensor<6x4x3x3xf32>, %o: tensor<1x9x3x3xf32>) -> !onnx.value {
    // expected-error @below {{expected 18 offsets for each output, found 9}}
    %y = onnx.node "DeformConv"(%x, %w, %o) : (tensor<1x4x5x5xf32>, tensor<6x4x3x3xf32>, tensor<1x9x3x3xf32>) -> !onnx.value
    return %y : !onnx.value
  }
}

// -----

module attributes {onnx.opsets = {"ai.onnx" = 19 : i64}} {
  func.func @groups(%x: tensor<1x4x5x5xf32>, %w: tensor<6x4x3x3xf32>, %o: tensor<1x18x3x3xf32>) -> !onnx.value {
    // expected-error @below {{expected channels that 3 groups of 'tensor<6x4x3x3xf32>' and 1 of offsets divide, found 4}}
    %y = onnx.node "DeformConv"(%x, %w, %o) {group = 3 : si64} : (tensor<1x4x5x5xf32>, tensor<6x4x3x3xf32>, tensor<1x18x3x3xf32>) -> !onnx.value
    return %y : !onnx.value
  }
}

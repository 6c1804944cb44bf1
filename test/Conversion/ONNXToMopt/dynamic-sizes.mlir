// RUN: mopt-opt %s --split-input-file --convert-onnx-to-mopt --canonicalize --verify-diagnostics | FileCheck %s

// Sizes that only one value of is allowed are checked where the model runs.
module attributes {onnx.opsets = {"ai.onnx" = 19 : i64}} {
  // CHECK-LABEL: @kernel
  // CHECK-COUNT-2: cf.assert {{.*}} "a dimension has not the only size that the operator allows"
  // CHECK: tensor.cast %{{.*}} : tensor<?x?x?x?xf32> to tensor<?x?x3x3xf32>
  // CHECK: mopt.conv
  func.func @kernel(%x: tensor<?x?x?x?xf32>, %w: tensor<?x?x?x?xf32>) -> !onnx.value {
    %y = onnx.node "Conv"(%x, %w) {kernel_shape = array<i64: 3, 3>} : (tensor<?x?x?x?xf32>, tensor<?x?x?x?xf32>) -> !onnx.value
    return %y : !onnx.value
  }

  // Padding that run time decides is no part of the mean.
  // CHECK-LABEL: @same
  // CHECK: %[[X:.*]] = mopt.pad
  // CHECK: %[[ONES:.*]] = mopt.pad
  // CHECK-DAG: mopt.pool <avg_include_pad> %[[X]]
  // CHECK-DAG: mopt.pool <avg_include_pad> %[[ONES]]
  // CHECK: mopt.binary <div>
  func.func @same(%x: tensor<1x1x?x?xf32>) -> !onnx.value {
    %y = onnx.node "AveragePool"(%x) {auto_pad = "SAME_UPPER", kernel_shape = array<i64: 3, 3>, strides = array<i64: 2, 2>} : (tensor<1x1x?x?xf32>) -> !onnx.value
    return %y : !onnx.value
  }

  // CHECK-LABEL: @boxes
  // CHECK: cf.assert
  // CHECK: mopt.roi_align
  func.func @boxes(%x: tensor<?x?x?x?xf32>, %r: tensor<?x?xf32>, %b: tensor<?xi64>) -> !onnx.value {
    %y = onnx.node "RoiAlign"(%x, %r, %b) : (tensor<?x?x?x?xf32>, tensor<?x?xf32>, tensor<?xi64>) -> !onnx.value
    return %y : !onnx.value
  }
}

// -----

module attributes {onnx.opsets = {"ai.onnx" = 19 : i64}} {
  func.func @filter(%x: tensor<?x?x?x?xf32>, %w: tensor<?x?x?x?xf32>) -> !onnx.value {
    // expected-error @below {{a filter of dynamic kernel sizes is not supported without 'kernel_shape', found 'tensor<?x?x?x?xf32>'}}
    %y = onnx.node "Conv"(%x, %w) : (tensor<?x?x?x?xf32>, tensor<?x?x?x?xf32>) -> !onnx.value
    return %y : !onnx.value
  }
}

// -----

module attributes {onnx.opsets = {"ai.onnx" = 19 : i64}} {
  func.func @tuples(%x: tensor<?x?xf32>, %i: tensor<?x?xi64>) -> !onnx.value {
    // expected-error @below {{a dynamic last dimension of the indices is not supported, found 'tensor<?x?xi64>'}}
    %y = onnx.node "GatherND"(%x, %i) : (tensor<?x?xf32>, tensor<?x?xi64>) -> !onnx.value
    return %y : !onnx.value
  }
}

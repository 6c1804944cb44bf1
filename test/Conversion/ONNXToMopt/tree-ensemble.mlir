// RUN: mopt-opt %s --split-input-file --convert-onnx-to-mopt --verify-diagnostics | FileCheck %s

module attributes {onnx.opsets = {"ai.onnx" = 20 : i64, "ai.onnx.ml" = 5 : i64}} {
  // Two levels; a NaN goes where the node says.
  // CHECK-LABEL: @tree
  // CHECK-SAME: -> tensor<?x2xf32>
  // CHECK-COUNT-2: mopt.unary <is_nan>
  // CHECK-NOT: mopt.unary <is_nan>
  // CHECK: mopt.scatter_elements <max>
  func.func @tree(%x: tensor<?x2xf32>) -> !onnx.value {
    %y = onnx.node "TreeEnsemble" domain "ai.onnx.ml"(%x) {aggregate_function = 3 : si64, leaf_targetids = array<i64: 0, 1, 1>, leaf_weights = dense<[1.0, 2.0, 3.0]> : tensor<3xf32>, n_targets = 2 : si64, nodes_falseleafs = array<i64: 0, 1>, nodes_falsenodeids = array<i64: 1, 2>, nodes_featureids = array<i64: 0, 1>, nodes_missing_value_tracks_true = array<i64: 0, 1>, nodes_modes = dense<[0, 1]> : tensor<2xui8>, nodes_splits = dense<[1.5, 2.5]> : tensor<2xf32>, nodes_trueleafs = array<i64: 1, 1>, nodes_truenodeids = array<i64: 0, 1>, tree_roots = array<i64: 0>} : (tensor<?x2xf32>) -> !onnx.value
    return %y : !onnx.value
  }

  // CHECK-LABEL: @scaler
  // CHECK: mopt.cast %arg0 : tensor<?x2xi64> -> tensor<?x2xf32>
  // CHECK: mopt.binary <sub> {{.*}} : tensor<?x2xf32>, tensor<1x2xf32>
  // CHECK: mopt.binary <mul> {{.*}} : tensor<?x2xf32>, tensor<1x1xf32>
  func.func @scaler(%x: tensor<?x2xi64>) -> !onnx.value {
    %y = onnx.node "Scaler" domain "ai.onnx.ml"(%x) {offset = array<f32: 1.0, 2.0>, scale = array<f32: 0.5>} : (tensor<?x2xi64>) -> !onnx.value
    return %y : !onnx.value
  }

  // CHECK-LABEL: @columns
  // CHECK: mopt.gather %{{.*}} {axis = 1 : i64} : tensor<1x4xf32>, tensor<?xi64> -> tensor<1x?xf32>
  func.func @columns(%x: tensor<4xf32>, %i: tensor<?xi64>) -> !onnx.value {
    %y = onnx.node "ArrayFeatureExtractor" domain "ai.onnx.ml"(%x, %i) : (tensor<4xf32>, tensor<?xi64>) -> !onnx.value
    return %y : !onnx.value
  }
}

// -----

module attributes {onnx.opsets = {"ai.onnx" = 20 : i64, "ai.onnx.ml" = 5 : i64}} {
  func.func @cycle(%x: tensor<?x2xf32>) -> !onnx.value {
    // expected-error @below {{expected trees, found a node that is behind itself}}
    %y = onnx.node "TreeEnsemble" domain "ai.onnx.ml"(%x) {leaf_targetids = array<i64: 0>, leaf_weights = dense<[1.0]> : tensor<1xf32>, nodes_falseleafs = array<i64: 0>, nodes_falsenodeids = array<i64: 0>, nodes_featureids = array<i64: 0>, nodes_modes = dense<[0]> : tensor<1xui8>, nodes_splits = dense<[1.5]> : tensor<1xf32>, nodes_trueleafs = array<i64: 1>, nodes_truenodeids = array<i64: 0>, tree_roots = array<i64: 0>} : (tensor<?x2xf32>) -> !onnx.value
    return %y : !onnx.value
  }
}

// -----

module attributes {onnx.opsets = {"ai.onnx" = 20 : i64, "ai.onnx.ml" = 5 : i64}} {
  func.func @behind(%x: tensor<?x2xf32>) -> !onnx.value {
    // expected-error @below {{expected a node or leaf that is there behind node 0, found 7}}
    %y = onnx.node "TreeEnsemble" domain "ai.onnx.ml"(%x) {leaf_targetids = array<i64: 0>, leaf_weights = dense<[1.0]> : tensor<1xf32>, nodes_falseleafs = array<i64: 1>, nodes_falsenodeids = array<i64: 7>, nodes_featureids = array<i64: 0>, nodes_modes = dense<[0]> : tensor<1xui8>, nodes_splits = dense<[1.5]> : tensor<1xf32>, nodes_trueleafs = array<i64: 1>, nodes_truenodeids = array<i64: 0>, tree_roots = array<i64: 0>} : (tensor<?x2xf32>) -> !onnx.value
    return %y : !onnx.value
  }
}

// -----

module attributes {onnx.opsets = {"ai.onnx" = 20 : i64, "ai.onnx.ml" = 1 : i64}} {
  func.func @scaler(%x: tensor<4x2xf32>) -> !onnx.value {
    // expected-error @below {{expected 1 number or one per feature in 'scale', found 3 for input 'tensor<4x2xf32>'}}
    %y = onnx.node "Scaler" domain "ai.onnx.ml"(%x) {scale = array<f32: 0.5, 1.0, 2.0>} : (tensor<4x2xf32>) -> !onnx.value
    return %y : !onnx.value
  }
}

// RUN: mopt-opt %s --split-input-file --convert-onnx-to-mopt --verify-diagnostics | FileCheck %s

module attributes {onnx.opsets = {"ai.onnx" = 24 : i64}} {
  // CHECK-LABEL: @gathers
  // CHECK: mopt.gather_elements %arg0, %arg1 {axis = 1 : i64}
  // CHECK: mopt.gather_nd %arg0, %arg1 {{.*}} -> tensor<2xf32>
  func.func @gathers(%x: tensor<2x3xf32>, %i: tensor<2x2xi64>) -> (!onnx.value, !onnx.value) {
    %y = onnx.node "GatherElements"(%x, %i) {axis = -1 : i64} : (tensor<2x3xf32>, tensor<2x2xi64>) -> !onnx.value
    %z = onnx.node "GatherND"(%x, %i) {} : (tensor<2x3xf32>, tensor<2x2xi64>) -> !onnx.value
    return %y, %z : !onnx.value, !onnx.value
  }

  // CHECK-LABEL: @scatters
  // CHECK: mopt.scatter_elements <max> %arg0, %arg1, %arg2 {axis = 0 : i64}
  // CHECK: mopt.scatter_nd <add>
  func.func @scatters(%x: tensor<2x3xf32>, %i: tensor<2x2xi64>, %u: tensor<2x2xf32>, %v: tensor<2xf32>) -> (!onnx.value, !onnx.value) {
    %y = onnx.node "ScatterElements"(%x, %i, %u) {reduction = "max"} : (tensor<2x3xf32>, tensor<2x2xi64>, tensor<2x2xf32>) -> !onnx.value
    %z = onnx.node "ScatterND"(%x, %i, %v) {reduction = "add"} : (tensor<2x3xf32>, tensor<2x2xi64>, tensor<2xf32>) -> !onnx.value
    return %y, %z : !onnx.value, !onnx.value
  }

  // Reads the update where it goes, so that nothing is written twice.
  // CHECK-LABEL: @cache
  // CHECK: mopt.binary <mod>
  // CHECK: %[[READ:.*]] = mopt.gather_elements %arg1
  // CHECK: mopt.select %{{.*}}, %[[READ]], %arg0
  func.func @cache(%past: tensor<2x?x4xf32>, %u: tensor<2x1x4xf32>, %at: tensor<2xi64>) -> !onnx.value {
    %y = onnx.node "TensorScatter"(%past, %u, %at) {mode = "circular"} : (tensor<2x?x4xf32>, tensor<2x1x4xf32>, tensor<2xi64>) -> !onnx.value
    return %y : !onnx.value
  }
}

// -----

module attributes {onnx.opsets = {"ai.onnx" = 18 : i64}} {
  func.func @indices(%x: tensor<2xf32>, %i: tensor<2xf32>) -> !onnx.value {
    // expected-error @+1 {{expected indices of 'i32' or 'i64' as input 1, found 'f32'}}
    %y = onnx.node "Gather"(%x, %i) {} : (tensor<2xf32>, tensor<2xf32>) -> !onnx.value
    return %y : !onnx.value
  }
}

// -----

module attributes {onnx.opsets = {"ai.onnx" = 18 : i64}} {
  func.func @depth(%x: tensor<2xf32>, %i: tensor<4x3xi64>) -> !onnx.value {
    // expected-error @+1 {{by tuples of 3 behind 0 batch dimensions}}
    %y = onnx.node "GatherND"(%x, %i) {} : (tensor<2xf32>, tensor<4x3xi64>) -> !onnx.value
    return %y : !onnx.value
  }
}

// -----

module attributes {onnx.opsets = {"ai.onnx" = 18 : i64}} {
  func.func @updates(%x: tensor<2xf32>, %i: tensor<2xi64>, %u: tensor<2xi32>) -> !onnx.value {
    // expected-error @+1 {{expected updates of type 'f32', found 'i32'}}
    %y = onnx.node "ScatterElements"(%x, %i, %u) {} : (tensor<2xf32>, tensor<2xi64>, tensor<2xi32>) -> !onnx.value
    return %y : !onnx.value
  }
}

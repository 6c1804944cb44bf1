// RUN: mopt-opt %s --split-input-file --convert-onnx-to-mopt --verify-diagnostics | FileCheck %s

module attributes {onnx.opsets = {"ai.onnx" = 13 : i64}} {
  // The count comes first.
  // CHECK-LABEL: @nonzero
  // CHECK: %[[SUM:.*]] = mopt.reduce <sum>
  // CHECK: %[[COUNT:.*]] = tensor.extract
  // CHECK: %[[N:.*]] = arith.index_cast %[[COUNT]]
  // CHECK: mopt.nonzero %{{.*}} count %[[N]] : tensor<2x3xi1> -> tensor<2x?xi64>
  func.func @nonzero(%x: tensor<2x3xf32>) -> !onnx.value {
    %y = onnx.node "NonZero"(%x) {} : (tensor<2x3xf32>) -> !onnx.value
    return %y : !onnx.value
  }

  // CHECK-LABEL: @compress
  // CHECK: %[[C:.*]] = mopt.slice %arg1 [0] [2] [1]
  // CHECK: mopt.nonzero
  // CHECK: mopt.gather %arg0, %{{.*}} {axis = 0 : i64} : tensor<2x3xf32>, tensor<?xi64> -> tensor<?x3xf32>
  func.func @compress(%x: tensor<2x3xf32>, %c: tensor<50xi1>) -> !onnx.value {
    %y = onnx.node "Compress"(%x, %c) {axis = 0 : i64} : (tensor<2x3xf32>, tensor<50xi1>) -> !onnx.value
    return %y : !onnx.value
  }

  // CHECK-LABEL: @topk
  // CHECK: mopt.topk %arg0 k [%{{.*}}] {axis = 1 : i64, largest} : tensor<2x?xf32> -> tensor<2x?xf32>, tensor<2x?xi64>
  func.func @topk(%x: tensor<2x?xf32>, %k: tensor<1xi64>) -> (!onnx.value, !onnx.value) {
    %y:2 = onnx.node "TopK"(%x, %k) {} : (tensor<2x?xf32>, tensor<1xi64>) -> (!onnx.value, !onnx.value)
    return %y#0, %y#1 : !onnx.value, !onnx.value
  }

  // CHECK-LABEL: @unique
  // CHECK: %[[IDS:.*]], %[[COUNT:.*]] = mopt.unique_ids %{{.*}} {sorted} : tensor<6x1xi32>
  // CHECK: tensor.extract %[[COUNT]]
  // CHECK: %[[FIRST:.*]] = mopt.scatter_elements <min>
  // CHECK: mopt.gather %{{.*}}, %[[FIRST]]
  func.func @unique(%x: tensor<2x3xi32>) -> !onnx.value {
    %y = onnx.node "Unique"(%x) {} : (tensor<2x3xi32>) -> !onnx.value
    return %y : !onnx.value
  }

  // CHECK-LABEL: @nms
  // CHECK: %[[ROWS:.*]], %[[COUNT:.*]] = mopt.nms
  // CHECK: tensor.extract %[[COUNT]]
  // CHECK: mopt.slice %[[ROWS]]{{.*}} -> tensor<?x3xi64>
  func.func @nms(%b: tensor<1x6x4xf32>, %s: tensor<1x1x6xf32>, %n: tensor<1xi64>) -> !onnx.value {
    %y = onnx.node "NonMaxSuppression"(%b, %s, %n) {} : (tensor<1x6x4xf32>, tensor<1x1x6xf32>, tensor<1xi64>) -> !onnx.value
    return %y : !onnx.value
  }
}

// -----

module attributes {onnx.opsets = {"ai.onnx" = 9 : i64}} {
  func.func @too_many(%x: tensor<2x3xf32>) -> !onnx.value {
    // expected-error @+1 {{expected a count from 0 to 3, found 4}}
    %y:2 = onnx.node "TopK"(%x) {k = 4 : i64} : (tensor<2x3xf32>) -> (!onnx.value, !onnx.value)
    return %y#0 : !onnx.value
  }
}

// RUN: mopt-opt %s --split-input-file --convert-onnx-to-mopt --verify-diagnostics | FileCheck %s

module attributes {onnx.opsets = {"ai.onnx" = 23 : i64}} {
  // CHECK-LABEL: @halves
  // CHECK-COUNT-2: mopt.gather
  // CHECK: mopt.slice %arg0 [0, 0, 0, 0] [2, 4, %{{.*}}, 4] [1, 1, 1, 1]
  // CHECK: mopt.slice %arg0 [0, 0, 0, 4]
  // CHECK: mopt.concat
  func.func @halves(%x: tensor<2x4x?x8xf32>, %c: tensor<50x4xf32>, %p: tensor<2x?xi64>) -> !onnx.value {
    %y = onnx.node "RotaryEmbedding"(%x, %c, %c, %p) {} : (tensor<2x4x?x8xf32>, tensor<50x4xf32>, tensor<50x4xf32>, tensor<2x?xi64>) -> !onnx.value
    return %y : !onnx.value
  }

  // CHECK-LABEL: @interleaved
  // CHECK: mopt.slice {{.*}} [1, 1, 1, 2]
  // CHECK: mopt.slice {{.*}} [1, 1, 1, 2]
  // CHECK: mopt.slice {{.*}}[0, 0, 0, 4] [2, 3, 2, 4] [1, 1, 1, 1]
  // CHECK: mopt.concat
  // CHECK: mopt.reshape {{.*}} -> tensor<2x3x16xf32>
  func.func @interleaved(%x: tensor<2x3x16xf32>, %c: tensor<2x3x2xf32>) -> !onnx.value {
    %y = onnx.node "RotaryEmbedding"(%x, %c, %c) {interleaved = 1 : i64, num_heads = 2 : i64, rotary_embedding_dim = 4 : i64} : (tensor<2x3x16xf32>, tensor<2x3x2xf32>, tensor<2x3x2xf32>) -> !onnx.value
    return %y : !onnx.value
  }
}

// -----

module attributes {onnx.opsets = {"ai.onnx" = 23 : i64}} {
  func.func @no_heads(%x: tensor<2x3x16xf32>, %c: tensor<2x3x2xf32>) -> !onnx.value {
    // expected-error @below {{expected an input of 4 dimensions, or of 3 and a positive 'num_heads', found 'tensor<2x3x16xf32>'}}
    %y = onnx.node "RotaryEmbedding"(%x, %c, %c) {} : (tensor<2x3x16xf32>, tensor<2x3x2xf32>, tensor<2x3x2xf32>) -> !onnx.value
    return %y : !onnx.value
  }
}

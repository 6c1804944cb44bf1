// RUN: mopt-opt %s -split-input-file -convert-onnx-to-mopt -canonicalize -verify-diagnostics | FileCheck %s

module attributes {onnx.opsets = {"ai.onnx" = 23 : i64}} {
  // Eight query heads on two key heads: four heads become rows of one product.
  // CHECK-LABEL: func.func @grouped
  // CHECK-SAME: -> tensor<2x8x5x16xf32>
  // CHECK: mopt.reshape %{{.*}} to [2, 2, 20, 16]
  // CHECK: mopt.matmul %{{.*}} {transpose_rhs} : tensor<2x2x20x16xf32>, tensor<2x2x6x16xf32> -> tensor<2x2x20x6xf32>
  // CHECK: mopt.softmax %{{.*}} {axis = 3 : i64}
  // CHECK: mopt.matmul %{{.*}} : tensor<2x2x20x6xf32>, tensor<2x2x6x16xf32> -> tensor<2x2x20x16xf32>
  func.func @grouped(%q: tensor<2x8x5x16xf32>, %k: tensor<2x2x6x16xf32>, %v: tensor<2x2x6x16xf32>) -> !onnx.value {
    %y = onnx.node "Attention"(%q, %k, %v) : (tensor<2x8x5x16xf32>, tensor<2x2x6x16xf32>, tensor<2x2x6x16xf32>) -> !onnx.value
    return %y : !onnx.value
  }

  // A causal mask behind a cache, heads side by side.
  // CHECK-LABEL: func.func @causal
  // CHECK-SAME: -> (tensor<1x?x8xf32>, tensor<1x2x?x4xf32>, tensor<1x2x?x4xf32>)
  // CHECK: mopt.transpose %{{.*}} [0, 2, 1, 3]
  // CHECK: mopt.concat %{{.*}} {axis = 2 : i64}
  // CHECK: mopt.compare <ge>
  // CHECK: mopt.softmax
  // CHECK: mopt.select
  func.func @causal(%q: tensor<1x?x8xf32>, %k: tensor<1x?x8xf32>, %v: tensor<1x?x8xf32>, %pk: tensor<1x2x?x4xf32>, %pv: tensor<1x2x?x4xf32>) -> (!onnx.value, !onnx.value, !onnx.value) {
    %none = onnx.none
    %y:3 = onnx.node "Attention"(%q, %k, %v, %none, %pk, %pv) {is_causal = 1 : si64, q_num_heads = 2 : si64, kv_num_heads = 2 : si64} : (tensor<1x?x8xf32>, tensor<1x?x8xf32>, tensor<1x?x8xf32>, !onnx.absent, tensor<1x2x?x4xf32>, tensor<1x2x?x4xf32>) -> (!onnx.value, !onnx.value, !onnx.value)
    return %y#0, %y#1, %y#2 : !onnx.value, !onnx.value, !onnx.value
  }

  // CHECK-LABEL: func.func @rotary
  // CHECK: mopt.gather
  // CHECK: mopt.slice %{{.*}} [0, 0, 0, 1] [1, 5, 2, 2] [1, 1, 1, 2]
  func.func @rotary(%x: tensor<1x2x5x8xf32>, %c: tensor<50x2xf32>, %s: tensor<50x2xf32>, %p: tensor<1x5xi64>) -> !onnx.value {
    %y = onnx.node "RotaryEmbedding"(%x, %c, %s, %p) {interleaved = 1 : si64, rotary_embedding_dim = 4 : si64} : (tensor<1x2x5x8xf32>, tensor<50x2xf32>, tensor<50x2xf32>, tensor<1x5xi64>) -> !onnx.value
    return %y : !onnx.value
  }
}

// -----

module attributes {onnx.opsets = {"ai.onnx" = 23 : i64}} {
  func.func @heads(%q: tensor<1x5x8xf32>) -> !onnx.value {
    // expected-error @+1 {{expected 'q_num_heads' to divide 8, found 3}}
    %y = onnx.node "Attention"(%q, %q, %q) {q_num_heads = 3 : si64, kv_num_heads = 2 : si64} : (tensor<1x5x8xf32>, tensor<1x5x8xf32>, tensor<1x5x8xf32>) -> !onnx.value
    return %y : !onnx.value
  }
}

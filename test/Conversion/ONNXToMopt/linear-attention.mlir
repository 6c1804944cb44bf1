// RUN: mopt-opt %s --split-input-file --convert-onnx-to-mopt --verify-diagnostics | FileCheck %s

module attributes {onnx.opsets = {"ai.onnx" = 27 : i64}} {
  // CHECK-LABEL: @linear
  // CHECK: scf.for {{.*}} -> (tensor<2x2x3x5xf32>, tensor<?x2x20xf32>)
  // CHECK-NOT: mopt.unary
  // CHECK: mopt.matmul {{.*}} -> tensor<2x2x2x5xf32>
  // CHECK: scf.yield
  // CHECK: mopt.transpose
  func.func @linear(%q: tensor<2x?x12xf32>, %k: tensor<2x?x6xf32>, %v: tensor<2x?x10xf32>) -> (!onnx.value, !onnx.value) {
    %y:2 = onnx.node "LinearAttention"(%q, %k, %v) {q_num_heads = 4 : i64, kv_num_heads = 2 : i64, update_rule = "linear"} : (tensor<2x?x12xf32>, tensor<2x?x6xf32>, tensor<2x?x10xf32>) -> (!onnx.value, !onnx.value)
    return %y#0, %y#1 : !onnx.value, !onnx.value
  }
}

// -----

module attributes {onnx.opsets = {"ai.onnx" = 27 : i64}} {
  func.func @rule(%q: tensor<2x4x12xf32>) -> !onnx.value {
    // expected-error @below {{expected the rule 'linear', 'gated', 'delta' or 'gated_delta', found 'other'}}
    %y = onnx.node "LinearAttention"(%q, %q, %q) {q_num_heads = 4 : i64, kv_num_heads = 4 : i64, update_rule = "other"} : (tensor<2x4x12xf32>, tensor<2x4x12xf32>, tensor<2x4x12xf32>) -> !onnx.value
    return %y : !onnx.value
  }
}

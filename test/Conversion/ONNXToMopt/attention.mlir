// RUN: mopt-opt %s --split-input-file --convert-onnx-to-mopt --verify-diagnostics | FileCheck %s

module attributes {onnx.opsets = {"ai.onnx" = 24 : i64}} {
  // Four heads of queries share two of keys: they are rows of one product.
  // CHECK-LABEL: @grouped
  // CHECK: mopt.reshape %{{.*}} to [2, 2, 6, 8] : tensor<2x4x3x8xf32> -> tensor<2x2x6x8xf32>
  // CHECK: mopt.matmul {{.*}} -> tensor<2x2x6x5xf32>
  // CHECK: mopt.reshape %{{.*}} to [2, 4, 3, 5]
  // CHECK-NOT: mopt.select
  // CHECK: mopt.softmax
  // CHECK: mopt.matmul {{.*}} -> tensor<2x2x6x7xf32>
  // CHECK: mopt.reshape %{{.*}} to [2, 4, 3, 7]
  func.func @grouped(%q: tensor<2x4x3x8xf32>, %k: tensor<2x2x5x8xf32>, %v: tensor<2x2x5x7xf32>) -> !onnx.value {
    %y = onnx.node "Attention"(%q, %k, %v) {} : (tensor<2x4x3x8xf32>, tensor<2x2x5x8xf32>, tensor<2x2x5x7xf32>) -> !onnx.value
    return %y : !onnx.value
  }

  // CHECK-LABEL: @flat
  // CHECK: mopt.transpose
  // CHECK: mopt.compare <le>
  // CHECK: mopt.softmax %{{.*}} {axis = 3 : i64} : tensor<2x2x?x?xf32>
  // CHECK: mopt.transpose
  // CHECK: mopt.reshape {{.*}} -> tensor<2x?x16xf16>
  func.func @flat(%q: tensor<2x?x16xf16>, %k: tensor<2x?x16xf16>, %v: tensor<2x?x16xf16>) -> !onnx.value {
    %y = onnx.node "Attention"(%q, %k, %v) {is_causal = 1 : i64, q_num_heads = 2 : i64, kv_num_heads = 2 : i64} : (tensor<2x?x16xf16>, tensor<2x?x16xf16>, tensor<2x?x16xf16>) -> !onnx.value
    return %y : !onnx.value
  }

  // A query that the mask lets see nothing gets zeros.
  // CHECK-LABEL: @masked
  // CHECK: mopt.concat
  // CHECK: mopt.concat
  // CHECK: mopt.select %{{.*}} : tensor<3x7xi1>
  // CHECK: mopt.reduce <max>
  // CHECK: mopt.compare <eq>
  // CHECK: mopt.select
  func.func @masked(%q: tensor<1x1x3x8xf32>, %k: tensor<1x1x5x8xf32>, %v: tensor<1x1x5x8xf32>, %m: tensor<3x7xi1>, %pk: tensor<1x1x2x8xf32>, %pv: tensor<1x1x2x8xf32>) -> (!onnx.value, !onnx.value) {
    %y:2 = onnx.node "Attention"(%q, %k, %v, %m, %pk, %pv) {} : (tensor<1x1x3x8xf32>, tensor<1x1x5x8xf32>, tensor<1x1x5x8xf32>, tensor<3x7xi1>, tensor<1x1x2x8xf32>, tensor<1x1x2x8xf32>) -> (!onnx.value, !onnx.value)
    return %y#0, %y#1 : !onnx.value, !onnx.value
  }
}

// -----

module attributes {onnx.opsets = {"ai.onnx" = 24 : i64}} {
  func.func @no_heads(%q: tensor<2x3x16xf32>) -> !onnx.value {
    // expected-error @below {{expected a positive 'q_num_heads' that divides the last dimension of 'tensor<2x3x16xf32>', found 3}}
    %y = onnx.node "Attention"(%q, %q, %q) {q_num_heads = 3 : i64, kv_num_heads = 4 : i64} : (tensor<2x3x16xf32>, tensor<2x3x16xf32>, tensor<2x3x16xf32>) -> !onnx.value
    return %y : !onnx.value
  }
}

// RUN: mopt-opt %s --split-input-file --convert-onnx-to-mopt --verify-diagnostics | FileCheck %s

module attributes {onnx.opsets = {"ai.onnx" = 17 : i64}} {
  // Pairs next to each other and one apart; numbers alone are not asked for.
  // CHECK-LABEL: @pairs
  // CHECK-SAME: -> tensor<?x4xf32>
  // CHECK-COUNT-2: mopt.reduce <sum>
  // CHECK-NOT: mopt.reduce <sum>
  // CHECK: mopt.scatter_elements <add>
  func.func @pairs(%x: tensor<?x?xi32>) -> !onnx.value {
    %y = onnx.node "TfIdfVectorizer"(%x) {max_gram_length = 2 : si64, max_skip_count = 1 : si64, min_gram_length = 2 : si64, mode = "IDF", ngram_counts = array<i64: 0, 2>, ngram_indexes = array<i64: 0, 1, 3, 2>, pool_int64s = array<i64: 2, 3, 5, 4, 5, 6>, weights = array<f32: 1.0, 2.0, 3.0, 4.0>} : (tensor<?x?xi32>) -> !onnx.value
    return %y : !onnx.value
  }
}

// -----

module attributes {onnx.opsets = {"ai.onnx" = 17 : i64}} {
  func.func @pool(%x: tensor<5xi32>) -> !onnx.value {
    // expected-error @below {{expected n-grams of 2 numbers in 'pool_int64s', found positions 2 to 5 of 5}}
    %y = onnx.node "TfIdfVectorizer"(%x) {max_gram_length = 2 : si64, max_skip_count = 1 : si64, min_gram_length = 1 : si64, mode = "TF", ngram_counts = array<i64: 0, 2>, ngram_indexes = array<i64: 0, 1, 2, 3>, pool_int64s = array<i64: 2, 3, 5, 4, 5>} : (tensor<5xi32>) -> !onnx.value
    return %y : !onnx.value
  }
}

// -----

module attributes {onnx.opsets = {"ai.onnx" = 17 : i64}} {
  func.func @words(%x: tensor<5xi32>) -> !onnx.value {
    // expected-error @below {{expected n-grams of integers in 'pool_int64s'}}
    %y = onnx.node "TfIdfVectorizer"(%x) {max_gram_length = 1 : si64, max_skip_count = 0 : si64, min_gram_length = 1 : si64, mode = "TF", ngram_counts = array<i64: 0>, ngram_indexes = array<i64: 0>} : (tensor<5xi32>) -> !onnx.value
    return %y : !onnx.value
  }
}

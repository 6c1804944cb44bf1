// RUN: mopt-opt %s -split-input-file -convert-onnx-to-mopt -canonicalize -verify-diagnostics | FileCheck %s

module attributes {onnx.opsets = {"ai.onnx" = 17 : i64}} {
  // Half of the frequencies of ten real points.
  // CHECK-LABEL: func.func @dft
  // CHECK-SAME: -> tensor<3x6x2xf32>
  // CHECK: mopt.unary <cos>
  // CHECK: mopt.matmul %{{.*}} : tensor<3x10xf32>, tensor<10x6xf32> -> tensor<3x6xf32>
  func.func @dft(%x: tensor<3x10x1xf32>) -> !onnx.value {
    %y = onnx.node "DFT"(%x) {onesided = 1 : si64} : (tensor<3x10x1xf32>) -> !onnx.value
    return %y : !onnx.value
  }

  // A pass of two points, one of three; no product of matrices.
  // CHECK-LABEL: func.func @passes
  // CHECK-SAME: -> tensor<?x6x2xf32>
  // CHECK-NOT: mopt.matmul
  // CHECK: mopt.concat %{{.*}} : tensor<?x1x1x3xf32>, tensor<?x1x1x3xf32>
  // CHECK: mopt.concat %{{.*}} : tensor<?x1x2x1xf32>, tensor<?x1x2x1xf32>, tensor<?x1x2x1xf32>
  func.func @passes(%x: tensor<?x6x2xf32>) -> !onnx.value {
    %y = onnx.node "DFT"(%x) {inverse = 1 : si64} : (tensor<?x6x2xf32>) -> !onnx.value
    return %y : !onnx.value
  }

  // A length with a large prime factor.
  // CHECK-LABEL: func.func @prime
  // CHECK-COUNT-4: mopt.matmul
  func.func @prime(%x: tensor<3x34x2xf32>) -> !onnx.value {
    %y = onnx.node "DFT"(%x) : (tensor<3x34x2xf32>) -> !onnx.value
    return %y : !onnx.value
  }

  // CHECK-LABEL: func.func @stft
  // CHECK-SAME: -> tensor<1x15x9x2xf32>
  // CHECK: mopt.gather
  func.func @stft(%x: tensor<1x128x1xf32>, %w: tensor<16xf32>) -> !onnx.value {
    %step = onnx.node "Constant"() {value_int = 8 : si64} : () -> !onnx.value
    %y = onnx.node "STFT"(%x, %step, %w) : (tensor<1x128x1xf32>, !onnx.value, tensor<16xf32>) -> !onnx.value
    return %y : !onnx.value
  }
}

// -----

module attributes {onnx.opsets = {"ai.onnx" = 17 : i64}} {
  func.func @parts(%x: tensor<3x10x3xf32>) -> !onnx.value {
    // expected-error @+1 {{expected floats with a last dimension of 1 or 2, found 'tensor<3x10x3xf32>'}}
    %y = onnx.node "DFT"(%x) : (tensor<3x10x3xf32>) -> !onnx.value
    return %y : !onnx.value
  }
}

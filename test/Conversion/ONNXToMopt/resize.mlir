// RUN: mopt-opt %s --split-input-file --convert-onnx-to-mopt --canonicalize --verify-diagnostics | FileCheck %s

module attributes {onnx.opsets = {"ai.onnx" = 13 : i64}} {
  // Whole factors repeat elements, in all dimensions at once.
  // CHECK-LABEL: @repeat
  // CHECK-NOT: mopt.gather
  // CHECK: mopt.broadcast %{{.*}} to [1, 2, %{{.*}}, 2, 4, 2]
  // CHECK: -> tensor<1x2x?x8xf32>
  func.func @repeat(%x: tensor<1x2x?x4xf32>) -> !onnx.value {
    %none = onnx.none
    %scales = arith.constant dense<[1.0, 1.0, 2.0, 2.0]> : tensor<4xf32>
    %y = onnx.node "Resize"(%x, %none, %scales) {mode = "nearest", nearest_mode = "floor", coordinate_transformation_mode = "asymmetric"}
        : (tensor<1x2x?x4xf32>, !onnx.absent, tensor<4xf32>) -> !onnx.value
    return %y : !onnx.value
  }

  // Two taps along each of two dimensions.
  // CHECK-LABEL: @linear
  // CHECK-COUNT-2: mopt.gather {{.*}} {axis = 2 : i64}
  // CHECK-COUNT-2: mopt.gather {{.*}} {axis = 3 : i64}
  // CHECK: -> tensor<1x2x7x?xf32>
  func.func @linear(%x: tensor<1x2x4x4xf32>, %n: tensor<1xi64>) -> !onnx.value {
    %none = onnx.none
    %sizes = arith.constant dense<[1, 2, 7]> : tensor<3xi64>
    %all = onnx.node "Concat"(%sizes, %n) {axis = 0 : i64} : (tensor<3xi64>, tensor<1xi64>) -> !onnx.value
    %y = onnx.node "Resize"(%x, %none, %none, %all) {mode = "linear"}
        : (tensor<1x2x4x4xf32>, !onnx.absent, !onnx.absent, !onnx.value) -> !onnx.value
    return %y : !onnx.value
  }
}

// -----

module attributes {onnx.opsets = {"ai.onnx" = 18 : i64}} {
  // CHECK-LABEL: @antialias
  // CHECK: mopt.pad <edge>
  // CHECK: mopt.matmul {{.*}}transpose_rhs
  func.func @antialias(%x: tensor<1x1x8x8xf32>) -> !onnx.value {
    %none = onnx.none
    %scales = arith.constant dense<[1.0, 1.0, 1.0, 0.5]> : tensor<4xf32>
    %y = onnx.node "Resize"(%x, %none, %scales) {mode = "cubic", antialias = 1 : i64}
        : (tensor<1x1x8x8xf32>, !onnx.absent, tensor<4xf32>) -> !onnx.value
    return %y : !onnx.value
  }
}

// -----

module attributes {onnx.opsets = {"ai.onnx" = 9 : i64}} {
  // CHECK-LABEL: @upsample
  // CHECK: mopt.broadcast %{{.*}} to [2, 3]
  func.func @upsample(%x: tensor<2xf32>) -> !onnx.value {
    %scales = arith.constant dense<3.0> : tensor<1xf32>
    %y = onnx.node "Upsample"(%x, %scales) {} : (tensor<2xf32>, tensor<1xf32>) -> !onnx.value
    return %y : !onnx.value
  }
}

// -----

module attributes {onnx.opsets = {"ai.onnx" = 13 : i64}} {
  func.func @scale(%x: tensor<2xf32>) -> !onnx.value {
    %none = onnx.none
    %scales = arith.constant dense<0.0> : tensor<1xf32>
    // expected-error @+1 {{expected positive scales, found 0}}
    %y = onnx.node "Resize"(%x, %none, %scales) {} : (tensor<2xf32>, !onnx.absent, tensor<1xf32>) -> !onnx.value
    return %y : !onnx.value
  }
}

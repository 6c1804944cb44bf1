// RUN: mopt-opt %s --split-input-file --convert-onnx-to-mopt --verify-diagnostics | FileCheck %s

module attributes {onnx.opsets = {"ai.onnx" = 18 : i64}} {
  // CHECK-LABEL: @lists
  // CHECK-SAME: (%[[X:.*]]: tensor<2xf32>, %[[Y:.*]]: tensor<3xf32>)
  // CHECK: %[[LENGTH:.*]] = arith.constant dense<2> : tensor<i64>
  // CHECK: return %[[Y]], %[[LENGTH]]
  func.func @lists(%x: tensor<2xf32>, %y: tensor<3xf32>) -> (!onnx.value, !onnx.value) {
    %first = arith.constant dense<0> : tensor<i64>
    %s = onnx.node "SequenceConstruct"(%x, %x) {} : (tensor<2xf32>, tensor<2xf32>) -> !onnx.value
    %t = onnx.node "SequenceInsert"(%s, %y, %first) {} : (!onnx.value, tensor<3xf32>, tensor<i64>) -> !onnx.value
    %u = onnx.node "SequenceErase"(%t) {} : (!onnx.value) -> !onnx.value
    %v = onnx.node "SequenceAt"(%u, %first) {} : (!onnx.value, tensor<i64>) -> !onnx.value
    %n = onnx.node "SequenceLength"(%u) {} : (!onnx.value) -> !onnx.value
    return %v, %n : !onnx.value, !onnx.value
  }

  // CHECK-LABEL: @split
  // CHECK: mopt.slice %arg0 [0, 0] [%{{.*}}, 2]
  // CHECK: mopt.slice %arg0 [0, 2] [%{{.*}}, 1]
  // CHECK: mopt.concat
  func.func @split(%x: tensor<?x3xf32>) -> !onnx.value {
    %two = arith.constant dense<2> : tensor<i64>
    %s = onnx.node "SplitToSequence"(%x, %two) {axis = 1 : i64} : (tensor<?x3xf32>, tensor<i64>) -> !onnx.value
    %y = onnx.node "ConcatFromSequence"(%s) {axis = -1 : i64} : (!onnx.value) -> !onnx.value
    return %y : !onnx.value
  }

  // CHECK-LABEL: @optional
  // CHECK: %[[NO:.*]] = arith.constant dense<false> : tensor<i1>
  // CHECK: return %arg0, %[[NO]]
  func.func @optional(%x: tensor<2xf32>) -> (!onnx.value, !onnx.value) {
    %o = onnx.node "Optional"(%x) {} : (tensor<2xf32>) -> !onnx.value
    %y = onnx.node "OptionalGetElement"(%o) {} : (!onnx.value) -> !onnx.value
    %n = onnx.node "OptionalHasElement"() {} : () -> !onnx.value
    return %y, %n : !onnx.value, !onnx.value
  }
}

// -----

module attributes {onnx.opsets = {"ai.onnx" = 18 : i64}} {
  func.func @output(%x: tensor<2xf32>) -> !onnx.value {
    %s = onnx.node "SequenceConstruct"(%x, %x) {} : (tensor<2xf32>, tensor<2xf32>) -> !onnx.value
    // expected-error @below {{a sequence as an output of a graph is not supported}}
    return %s : !onnx.value
  }
}

// -----

module attributes {onnx.opsets = {"ai.onnx" = 18 : i64}} {
  func.func @outside(%x: tensor<2xf32>) -> !onnx.value {
    %three = arith.constant dense<3> : tensor<i64>
    %s = onnx.node "SequenceConstruct"(%x, %x) {} : (tensor<2xf32>, tensor<2xf32>) -> !onnx.value
    // expected-error @below {{expected a position in [-2, 2), found 3}}
    %y = onnx.node "SequenceAt"(%s, %three) {} : (!onnx.value, tensor<i64>) -> !onnx.value
    return %y : !onnx.value
  }
}

// RUN: mopt-opt %s -split-input-file -convert-onnx-to-mopt -verify-diagnostics

module attributes {onnx.opsets = {"ai.onnx" = 16 : i64}} {
  func.func @ranks(%c: tensor<i1>, %x: tensor<2xf32>, %y: tensor<2x4xf32>) -> !onnx.value {
    // expected-error @+1 {{branches that differ in more than sizes are not supported; their results are 'tensor<2xf32>' or 'tensor<2x4xf32>'}}
    %r = onnx.node "If"(%c)
      "then_branch" () {
        %a = onnx.node "Exp"(%x) : (tensor<2xf32>) -> !onnx.value
        onnx.yield %a : !onnx.value
      }
      "else_branch" () {
        %b = onnx.node "Exp"(%y) : (tensor<2x4xf32>) -> !onnx.value
        onnx.yield %b : !onnx.value
      } : (tensor<i1>) -> !onnx.value
    return %r : !onnx.value
  }
}

// -----

module attributes {onnx.opsets = {"ai.onnx" = 16 : i64}} {
  func.func @both(%c: tensor<i1>, %x: tensor<2xf32>) -> !onnx.value {
    %r = onnx.node "If"(%c)
      "then_branch" () {
        // expected-error @+1 {{operator 'NoSuchOperator' is not supported}}
        %a = onnx.node "NoSuchOperator"(%x) : (tensor<2xf32>) -> !onnx.value
        onnx.yield %a : !onnx.value
      }
      "else_branch" () {
        // expected-error @+1 {{operator 'NorThisOne' is not supported}}
        %b = onnx.node "NorThisOne"(%x) : (tensor<2xf32>) -> !onnx.value
        onnx.yield %b : !onnx.value
      } : (tensor<i1>) -> !onnx.value
    return %r : !onnx.value
  }
}

// -----

module attributes {onnx.opsets = {"ai.onnx" = 16 : i64}} {
  func.func @element(%n: tensor<i64>, %x: tensor<2xf32>) -> !onnx.value {
    %none = onnx.none
    // expected-error @+1 {{carried value 0 changes from 'tensor<2xf32>' to 'tensor<2xi64>'; only sizes may change}}
    %r = onnx.node "Loop"(%n, %none, %x)
      "body" (%i: !onnx.value, %c: !onnx.value, %a: !onnx.value) {
        %b = onnx.node "Constant"() {value_ints = array<i64: 1, 2>} : () -> !onnx.value
        onnx.yield %c, %b : !onnx.value, !onnx.value
      } : (tensor<i64>, !onnx.absent, tensor<2xf32>) -> !onnx.value
    return %r : !onnx.value
  }
}

// -----

module attributes {onnx.opsets = {"ai.onnx" = 16 : i64}} {
  func.func @endless(%x: tensor<2xf32>) -> !onnx.value {
    %none = onnx.none
    // expected-error @+1 {{the loop has neither a trip count nor a condition that ends it}}
    %r = onnx.node "Loop"(%none, %none, %x)
      "body" (%i: !onnx.value, %c: !onnx.value, %a: !onnx.value) {
        onnx.yield %c, %a : !onnx.value, !onnx.value
      } : (!onnx.absent, !onnx.absent, tensor<2xf32>) -> !onnx.value
    return %r : !onnx.value
  }
}

// -----

module attributes {onnx.opsets = {"ai.onnx" = 16 : i64}} {
  func.func @scan_inputs(%x: tensor<2xf32>) -> !onnx.value {
    // expected-error @+1 {{expected 'num_scan_inputs' in [1, 1], found 2}}
    %r = onnx.node "Scan"(%x) {num_scan_inputs = 2 : si64}
      "body" (%a: !onnx.value) {
        onnx.yield %a : !onnx.value
      } : (tensor<2xf32>) -> !onnx.value
    return %r : !onnx.value
  }
}

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

// Outputs that are sequences are tensors with numbered names, those without a
// value are none.
module attributes {onnx.opsets = {"ai.onnx" = 18 : i64}} {
  // CHECK-LABEL: @output
  // CHECK-SAME: -> (tensor<2xf32> {onnx.name = "y.0"}, tensor<3xf32> {onnx.name = "y.1"}, tensor<2xf32> {onnx.dims = [2], onnx.name = "z"})
  // CHECK: return %arg0, %arg1, %arg0
  func.func @output(%x: tensor<2xf32>, %y: tensor<3xf32>) -> (!onnx.value {onnx.name = "y"}, !onnx.value {onnx.name = "o"}, !onnx.value {onnx.dims = [2], onnx.name = "z"}) {
    %s = onnx.node "SequenceConstruct"(%x, %y) {} : (tensor<2xf32>, tensor<3xf32>) -> !onnx.value
    %o = onnx.node "Optional"() {} : () -> !onnx.value
    %z = onnx.node "Identity"(%x) {} : (tensor<2xf32>) -> !onnx.value
    return %s, %o, %z : !onnx.value, !onnx.value, !onnx.value
  }

  // CHECK-LABEL: @map
  // CHECK: %[[A:.*]] = mopt.unary <neg> %arg0
  // CHECK: %[[B:.*]] = mopt.unary <neg> %arg1
  // CHECK: return %[[A]], %[[B]]
  func.func @map(%x: tensor<2xf32>, %y: tensor<?xf32>) -> !onnx.value {
    %s = onnx.node "SequenceConstruct"(%x, %y) {} : (tensor<2xf32>, tensor<?xf32>) -> !onnx.value
    %t = onnx.node "SequenceMap"(%s)
      "body" (%e: !onnx.value) {
        %n = onnx.node "Neg"(%e) : (!onnx.value) -> !onnx.value
        onnx.yield %n : !onnx.value
      } : (!onnx.value) -> !onnx.value
    return %t : !onnx.value
  }

  // Carries an optional that gets a value.
  // CHECK-LABEL: @loop
  // CHECK-NOT: scf
  // CHECK: %[[A:.*]] = mopt.unary <exp> %arg0
  // CHECK: %[[B:.*]] = mopt.unary <exp> %arg0
  // CHECK: %[[C:.*]] = mopt.concat
  // CHECK: return %[[A]], %[[B]], %[[C]]
  func.func @loop(%x: tensor<2xf32>) -> (!onnx.value, !onnx.value) {
    %n = arith.constant dense<2> : tensor<i64>
    %none = onnx.none
    %o = onnx.node "Optional"() {} : () -> !onnx.value
    %r:2 = onnx.node "Loop"(%n, %none, %o)
      "body" (%i: !onnx.value, %c: !onnx.value, %s: !onnx.value) {
        %has = onnx.node "OptionalHasElement"(%s) : (!onnx.value) -> !onnx.value
        %t = onnx.node "If"(%has)
          "then_branch" () {
            %get = onnx.node "OptionalGetElement"(%s) : (!onnx.value) -> !onnx.value
            onnx.yield %get : !onnx.value
          }
          "else_branch" () {
            %empty = onnx.node "SequenceEmpty"() : () -> !onnx.value
            onnx.yield %empty : !onnx.value
          } : (!onnx.value) -> !onnx.value
        %e = onnx.node "Exp"(%x) : (tensor<2xf32>) -> !onnx.value
        %u = onnx.node "SequenceInsert"(%t, %e) : (!onnx.value, !onnx.value) -> !onnx.value
        onnx.yield %c, %u, %e : !onnx.value, !onnx.value, !onnx.value
      } : (tensor<i64>, !onnx.absent, !onnx.value) -> (!onnx.value, !onnx.value)
    return %r#0, %r#1 : !onnx.value, !onnx.value
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

// -----

module attributes {onnx.opsets = {"ai.onnx" = 18 : i64}} {
  func.func @branches(%c: tensor<i1>, %x: tensor<2xf32>) -> !onnx.value {
    %r = onnx.node "If"(%c)
      "then_branch" () {
        %s = onnx.node "SequenceConstruct"(%x) : (tensor<2xf32>) -> !onnx.value
        // expected-error @below {{a sequence as an output of this graph is not supported}}
        onnx.yield %s : !onnx.value
      }
      "else_branch" () {
        %s = onnx.node "Optional"() : () -> !onnx.value
        // expected-error @below {{an optional without a value as an output of this graph is not supported}}
        onnx.yield %s : !onnx.value
      } : (tensor<i1>) -> !onnx.value
    return %r : !onnx.value
  }
}

// -----

module attributes {onnx.opsets = {"ai.onnx" = 18 : i64}} {
  func.func @condition(%c: tensor<i1>, %x: tensor<2xf32>) -> !onnx.value {
    %none = onnx.none
    %s = onnx.node "SequenceEmpty"() : () -> !onnx.value
    // expected-error @below {{a loop over sequences is not supported unless its condition is known when the model is compiled}}
    %r = onnx.node "Loop"(%none, %c, %s)
      "body" (%i: !onnx.value, %d: !onnx.value, %t: !onnx.value) {
        onnx.yield %d, %t : !onnx.value, !onnx.value
      } : (!onnx.absent, tensor<i1>, !onnx.value) -> !onnx.value
    return %r : !onnx.value
  }
}

// -----

// The condition holds for good.
module attributes {onnx.opsets = {"ai.onnx" = 18 : i64}} {
  func.func @endless(%x: tensor<2xf32>) -> !onnx.value {
    %none = onnx.none
    %s = onnx.node "SequenceEmpty"() : () -> !onnx.value
    // expected-error @below {{a loop over sequences of more than 1024 iterations is not supported}}
    %r = onnx.node "Loop"(%none, %none, %s)
      "body" (%i: !onnx.value, %d: !onnx.value, %t: !onnx.value) {
        onnx.yield %d, %t : !onnx.value, !onnx.value
      } : (!onnx.absent, !onnx.absent, !onnx.value) -> !onnx.value
    return %r : !onnx.value
  }
}

// RUN: mopt-opt %s -split-input-file -convert-onnx-to-mopt -canonicalize | FileCheck %s

module attributes {onnx.opsets = {"ai.onnx" = 16 : i64}} {
  // Sizes in which the branches differ become dynamic.
  // CHECK-LABEL: func.func @branches
  // CHECK-SAME: (%[[C:[^ ]*]]: tensor<i1>, %[[X:[^ ]*]]: tensor<2x3xf32>, %[[Y:[^ ]*]]: tensor<2x4xf32>) -> tensor<2x?xf32>
  // CHECK: %[[S:[^ ]*]] = tensor.extract %[[C]][] : tensor<i1>
  // CHECK: scf.if %[[S]] -> (tensor<2x?xf32>) {
  // CHECK:   mopt.unary <exp> %[[X]]
  // CHECK:   tensor.cast %{{.*}} : tensor<2x3xf32> to tensor<2x?xf32>
  // CHECK: } else {
  // CHECK:   tensor.cast %[[Y]] : tensor<2x4xf32> to tensor<2x?xf32>
  func.func @branches(%c: tensor<i1>, %x: tensor<2x3xf32>, %y: tensor<2x4xf32>) -> !onnx.value {
    %r = onnx.node "If"(%c)
      "then_branch" () {
        %a = onnx.node "Exp"(%x) : (tensor<2x3xf32>) -> !onnx.value
        onnx.yield %a : !onnx.value
      }
      "else_branch" () {
        %b = onnx.node "Identity"(%y) : (tensor<2x4xf32>) -> !onnx.value
        onnx.yield %b : !onnx.value
      } : (tensor<i1>) -> !onnx.value
    return %r : !onnx.value
  }

  // A condition that is known leaves one branch; the other need not convert.
  // CHECK-LABEL: func.func @known
  // CHECK-NOT: scf.if
  // CHECK: mopt.unary <exp>
  func.func @known(%x: tensor<2x3xf32>) -> !onnx.value {
    %shape = onnx.node "Shape"(%x) : (tensor<2x3xf32>) -> !onnx.value
    %size = onnx.node "Size"(%x) : (tensor<2x3xf32>) -> !onnx.value
    %six = onnx.node "Constant"() {value_int = 6 : si64} : () -> !onnx.value
    %c = onnx.node "Equal"(%size, %six) : (!onnx.value, !onnx.value) -> !onnx.value
    %r = onnx.node "If"(%c)
      "then_branch" () {
        %a = onnx.node "Exp"(%x) : (tensor<2x3xf32>) -> !onnx.value
        onnx.yield %a : !onnx.value
      }
      "else_branch" () {
        %b = onnx.node "NoSuchOperator"(%x) : (tensor<2x3xf32>) -> !onnx.value
        onnx.yield %b : !onnx.value
      } : (!onnx.value) -> !onnx.value
    return %r : !onnx.value
  }

  // Only one rank suits what follows.
  // CHECK-LABEL: func.func @ranks
  // CHECK-SAME: -> tensor<?x5xf32>
  // CHECK: cf.assert %{{.*}}, "the inputs ask for a branch whose results have ranks that the model does not take"
  // CHECK-NOT: scf.if
  // CHECK: mopt.matmul
  func.func @ranks(%x: tensor<?x4x?xf32>, %w: tensor<4x5xf32>) -> !onnx.value {
    %shape = onnx.node "Shape"(%x) : (tensor<?x4x?xf32>) -> !onnx.value
    %two = onnx.node "Constant"() {value_int = 2 : si64} : () -> !onnx.value
    %one = onnx.node "Constant"() {value_int = 1 : si64} : () -> !onnx.value
    %last = onnx.node "Gather"(%shape, %two) : (!onnx.value, !onnx.value) -> !onnx.value
    %c = onnx.node "Equal"(%last, %one) : (!onnx.value, !onnx.value) -> !onnx.value
    %r = onnx.node "If"(%c)
      "then_branch" () {
        %axes = onnx.node "Constant"() {value_ints = array<i64: 2>} : () -> !onnx.value
        %a = onnx.node "Squeeze"(%x, %axes) : (tensor<?x4x?xf32>, !onnx.value) -> !onnx.value
        onnx.yield %a : !onnx.value
      }
      "else_branch" () {
        %b = onnx.node "Identity"(%x) : (tensor<?x4x?xf32>) -> !onnx.value
        onnx.yield %b : !onnx.value
      } : (!onnx.value) -> !onnx.value
    %y = onnx.node "Gemm"(%r, %w) : (!onnx.value, tensor<4x5xf32>) -> !onnx.value
    return %y : !onnx.value
  }

  // The condition is always true: a loop that counts, with a buffer for what it
  // stacks.
  // CHECK-LABEL: func.func @counted
  // CHECK: %[[N:[^ ]*]] = arith.maxsi
  // CHECK: %[[BUFFER:[^ ]*]] = tensor.empty(%[[N]]) : tensor<?x2xf32>
  // CHECK: scf.for %[[I:[^ ]*]] = %c0 to %[[N]] step %c1 iter_args(%[[A:[^ ]*]] = %{{.*}}, %[[S:[^ ]*]] = %[[BUFFER]]) -> (tensor<2xf32>, tensor<?x2xf32>) {
  // CHECK:   %[[NEXT:[^ ]*]] = mopt.binary <add> %[[A]], %[[A]]
  // CHECK:   %[[SLOT:[^ ]*]] = tensor.insert_slice %[[A]] into %[[S]][%[[I]], 0] [1, 2] [1, 1]
  // CHECK:   scf.yield %[[NEXT]], %[[SLOT]]
  func.func @counted(%n: tensor<i64>, %x: tensor<2xf32>) -> (!onnx.value, !onnx.value) {
    %none = onnx.none
    %r:2 = onnx.node "Loop"(%n, %none, %x)
      "body" (%i: !onnx.value, %c: !onnx.value, %a: !onnx.value) {
        %b = onnx.node "Add"(%a, %a) : (!onnx.value, !onnx.value) -> !onnx.value
        onnx.yield %c, %b, %a : !onnx.value, !onnx.value, !onnx.value
      } : (tensor<i64>, !onnx.absent, tensor<2xf32>) -> (!onnx.value, !onnx.value)
    return %r#0, %r#1 : !onnx.value, !onnx.value
  }

  // A condition that the values decide, and a carried tensor that grows.
  // CHECK-LABEL: func.func @growing
  // CHECK: scf.while (%{{.*}} = %c0, %{{.*}} = %true, %{{.*}} = %{{.*}}) : (index, i1, tensor<?xf32>) -> (index, tensor<?xf32>)
  // CHECK:   arith.andi
  // CHECK:   scf.condition
  // CHECK: do {
  // CHECK:   mopt.concat
  // CHECK:   tensor.extract %{{.*}} : tensor<1xi1>
  // CHECK:   scf.yield
  func.func @growing(%n: tensor<i64>, %x: tensor<1xf32>, %limit: tensor<1xf32>) -> !onnx.value {
    %none = onnx.none
    %r = onnx.node "Loop"(%n, %none, %x)
      "body" (%i: !onnx.value, %c: !onnx.value, %a: !onnx.value) {
        %b = onnx.node "Concat"(%a, %x) {axis = 0 : si64} : (!onnx.value, tensor<1xf32>) -> !onnx.value
        %s = onnx.node "ReduceSum"(%b) {keepdims = 1 : si64} : (!onnx.value) -> !onnx.value
        %d = onnx.node "Less"(%s, %limit) : (!onnx.value, tensor<1xf32>) -> !onnx.value
        onnx.yield %d, %b : !onnx.value, !onnx.value
      } : (tensor<i64>, !onnx.absent, tensor<1xf32>) -> !onnx.value
    return %r : !onnx.value
  }

  // A size that is dynamic and stays the same is not asked for again.
  // CHECK-LABEL: func.func @kept
  // CHECK: scf.for
  // CHECK-NOT: mopt.broadcast
  // CHECK-NOT: tensor.dim
  // CHECK: scf.yield
  func.func @kept(%x: tensor<?xf32>) -> !onnx.value {
    %n = onnx.node "Constant"() {value_int = 3 : si64} : () -> !onnx.value
    %none = onnx.none
    %r = onnx.node "Loop"(%n, %none, %x)
      "body" (%i: !onnx.value, %c: !onnx.value, %a: !onnx.value) {
        %b = onnx.node "Add"(%a, %x) : (!onnx.value, tensor<?xf32>) -> !onnx.value
        onnx.yield %c, %b : !onnx.value, !onnx.value
      } : (!onnx.value, !onnx.absent, tensor<?xf32>) -> !onnx.value
    return %r : !onnx.value
  }

  // Sequences along dimension 1, the second output from its end.
  // CHECK-LABEL: func.func @scan
  // CHECK: scf.for %[[I:[^ ]*]] = %c0 to %c4 step %c1
  // CHECK:   mopt.slice %{{.*}} [0, %[[I]]] [2, 1] [1, 1]
  // CHECK:   %[[P:[^ ]*]] = arith.subi %c3, %[[I]]
  // CHECK:   tensor.insert_slice %{{.*}} into %{{.*}}[%[[P]], 0] [1, 2] [1, 1]
  // CHECK: mopt.transpose %{{.*}} [1, 0] : tensor<4x2xf32> -> tensor<2x4xf32>
  func.func @scan(%s: tensor<2xf32>, %x: tensor<2x4xf32>) -> (!onnx.value, !onnx.value) {
    %r:2 = onnx.node "Scan"(%s, %x) {num_scan_inputs = 1 : si64, scan_input_axes = array<i64: 1>, scan_output_axes = array<i64: -1>, scan_output_directions = array<i64: 1>}
      "body" (%a: !onnx.value, %e: !onnx.value) {
        %b = onnx.node "Add"(%a, %e) : (!onnx.value, !onnx.value) -> !onnx.value
        onnx.yield %b, %b : !onnx.value, !onnx.value
      } : (tensor<2xf32>, tensor<2x4xf32>) -> (!onnx.value, !onnx.value)
    return %r#0, %r#1 : !onnx.value, !onnx.value
  }
}

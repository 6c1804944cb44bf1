// RUN: mopt-opt %s | mopt-opt | FileCheck %s

// CHECK: module attributes {onnx.opsets = {ai.onnx = 17 : i64, com.acme = 2 : i64}}
module attributes {onnx.opsets = {ai.onnx = 17 : i64, com.acme = 2 : i64}} {
  // CHECK-LABEL: func.func @nodes
  func.func @nodes(%x: tensor<2x?xf32>) -> (!onnx.value, !onnx.value) {
    // CHECK: %[[NONE:.*]] = onnx.none
    %none = onnx.none
    // CHECK: onnx.node "Clip"(%{{.*}}, %[[NONE]]) : (tensor<2x?xf32>, !onnx.absent) -> !onnx.value
    %0 = onnx.node "Clip"(%x, %none) : (tensor<2x?xf32>, !onnx.absent) -> !onnx.value
    // CHECK: onnx.node "Fuse" domain "com.acme" opset 1(%{{.*}}) {axis = 1 : si64, names = ["a"]} : (!onnx.value) -> (!onnx.value, !onnx.absent)
    %1:2 = onnx.node "Fuse" domain "com.acme" opset 1(%0) {axis = 1 : si64, names = ["a"]} : (!onnx.value) -> (!onnx.value, !onnx.absent)
    return %0, %1#0 : !onnx.value, !onnx.value
  }

  // CHECK-LABEL: func.func @regions
  func.func @regions(%x: !onnx.value) -> !onnx.value {
    // CHECK: onnx.node "Loop"(%{{.*}}) "body"(%[[I:.*]]: tensor<i64>, %[[V:.*]]: !onnx.value) {
    // CHECK-NEXT: onnx.node "Add"(%[[V]], %{{.*}})
    // CHECK-NEXT: onnx.yield %{{.*}} : !onnx.value
    // CHECK-NEXT: } : (!onnx.value) -> !onnx.value
    %0 = onnx.node "Loop"(%x) "body"(%i: tensor<i64>, %v: !onnx.value) {
      %1 = onnx.node "Add"(%v, %x) : (!onnx.value, !onnx.value) -> !onnx.value
      onnx.yield %1 : !onnx.value
    } : (!onnx.value) -> !onnx.value
    // CHECK: onnx.node "If"(%{{.*}}) "then_branch"() {
    // CHECK: } "else_branch"() {
    %2 = onnx.node "If"(%0) "then_branch"() {
      onnx.yield %x : !onnx.value
    } "else_branch"() {
      onnx.yield %0 : !onnx.value
    } : (!onnx.value) -> !onnx.value
    return %2 : !onnx.value
  }

  // CHECK-LABEL: func.func private @types
  // CHECK-SAME: !onnx.optional<!onnx.sequence<tensor<2x?xf32>>>, !onnx.map<i64, tensor<*xf32>>, !onnx.sparse<tensor<3xf32>>, tensor<?x!onnx.string>
  func.func private @types(!onnx.optional<!onnx.sequence<tensor<2x?xf32>>>, !onnx.map<i64, tensor<*xf32>>,
                           !onnx.sparse<tensor<3xf32>>, tensor<?x!onnx.string>)
}

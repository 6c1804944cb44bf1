// RUN: mopt-opt %s --split-input-file --verify-diagnostics

func.func @no_yield(%x: !onnx.value) {
  // expected-error @+1 {{expected region "then_branch" to be one block that ends in 'onnx.yield'}}
  onnx.node "If"(%x) "then_branch"() {
    %0 = onnx.none
  } : (!onnx.value) -> ()
  return
}

// -----

func.func @empty_region(%x: !onnx.value) {
  // expected-error @+1 {{expected region "then_branch" to be one block that ends in 'onnx.yield'}}
  onnx.node "If"(%x) "then_branch"() {
  } : (!onnx.value) -> ()
  return
}

// -----

func.func @region_names(%x: !onnx.value) {
  // expected-error @+1 {{expected a name for each of its 1 regions, found 0}}
  "onnx.node"(%x) ({
    onnx.yield
  }) {op_type = "If", domain = "", node_attributes = {}, region_names = []} : (!onnx.value) -> ()
  return
}

// -----

func.func @opset(%x: !onnx.value) {
  // expected-error @+1 {{expected an opset version of at least 1, found 0}}
  onnx.node "Relu" opset 0(%x) : (!onnx.value) -> ()
  return
}

// -----

// expected-error @+1 {{'onnx.yield' op expects parent op 'onnx.node'}}
onnx.yield

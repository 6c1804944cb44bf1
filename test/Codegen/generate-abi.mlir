// RUN: mopt-opt %s -split-input-file --mopt-generate-abi -verify-diagnostics | FileCheck %s

// The descriptor, the entry's wrapper, and both names of the table.
// CHECK-LABEL: func.func {{.*}}@m(
// CHECK-DAG: llvm.mlir.global internal constant @mopt_desc
// CHECK-DAG: llvm.func @mopt_model() -> !llvm.ptr
// CHECK-DAG: llvm.func @mopt_model_m() -> !llvm.ptr
// CHECK-DAG: llvm.func internal @mopt_entry(
module attributes {mopt.build_info = "{}"} {
  func.func @m(%x: memref<?x4xf32>) -> memref<?x4xf32> attributes {mopt.entry, mopt.returned = array<i64: 0>,
      mopt.signature = {inputs = [{dims = ["batch", ""], name = "x", type = tensor<?x4xf32>}],
                        outputs = [{dims = ["batch", ""], name = "y", type = tensor<?x4xf32>}]}} {
    return %x : memref<?x4xf32>
  }
}

// -----

module {
  // expected-error @+1 {{expected the attribute 'mopt.signature'}}
  func.func @m() attributes {mopt.entry} {
    return
  }
}

//===- Passes.td - changes of dialect -----------------------*- tablegen -*-===//

#ifndef MOPT_CONVERSION_PASSES_TD
#define MOPT_CONVERSION_PASSES_TD

include "mlir/Pass/PassBase.td"

def ConvertONNXToMopt : Pass<"convert-onnx-to-mopt", "mlir::ModuleOp"> {
  let summary = "give ONNX nodes their meaning in mopt ops";
  let description = [{
    Walks each function once and calls the handler that is registered for each
    node's operator and version. Reports every node that has none.
  }];
  let dependentDialects = ["mlir::arith::ArithDialect",
    "mlir::math::MathDialect", "mlir::scf::SCFDialect",
    "mlir::tensor::TensorDialect", "mopt::MoptDialect"];
}


def ConvertMoptToLinalg : Pass<"convert-mopt-to-linalg", "mlir::ModuleOp"> {
  let summary = "lower mopt ops to linalg on tensors";
  let description = [{
    Unsigned integers become signless and booleans become `i8`; the signedness
    is in the scalar ops from here on. Anchors are left alone.
  }];
  let dependentDialects = ["mlir::affine::AffineDialect",
    "mlir::arith::ArithDialect", "mlir::bufferization::BufferizationDialect",
    "mlir::linalg::LinalgDialect", "mlir::math::MathDialect",
    "mlir::scf::SCFDialect", "mlir::tensor::TensorDialect"];
}

#endif // MOPT_CONVERSION_PASSES_TD

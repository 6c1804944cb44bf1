//===- Passes.td --------------------------------------------*- tablegen -*-===//

#ifndef MOPT_CODEGEN_PASSES_TD
#define MOPT_CODEGEN_PASSES_TD

include "mlir/Pass/PassBase.td"

def TileAnchors : Pass<"mopt-tile-anchors"> {
  let summary = "cut anchors on tensors into tiles that run in parallel";
  let description = [{
    Each anchor with enough work becomes an `scf.forall` over tiles of batches,
    rows and packed blocks. The grid depends on the shape alone, never on the
    number of threads, and reductions are not cut: results are the same bit for
    bit however many threads there are.
  }];
  let dependentDialects = ["::mlir::affine::AffineDialect",
    "::mlir::arith::ArithDialect", "::mlir::scf::SCFDialect",
    "::mlir::tensor::TensorDialect"];
  let options = [
    ListOption<"tileSizes", "tile-sizes", "int64_t",
      "tile sizes of every anchor's iteration domain, instead of the rule's">,
    Option<"maxTiles", "max-tiles", "int64_t", "64",
      "tiles that an anchor is cut into at most">,
    Option<"minWork", "min-work", "int64_t", "524288",
      "multiplications that a tile has at least">];
}

def ExpandMicrokernels : Pass<"mopt-expand-microkernels"> {
  let summary = "replace anchors on memrefs by their micro-kernels";
  let description = [{
    Emits, for each anchor's `config`, loops around a register tile of vectors,
    and the epilogue on those vectors before they are stored.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect",
    "::mlir::memref::MemRefDialect", "::mlir::scf::SCFDialect",
    "::mlir::vector::VectorDialect"];
}

#endif // MOPT_CODEGEN_PASSES_TD

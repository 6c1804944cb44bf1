//===- Passes.td --------------------------------------------*- tablegen -*-===//

#ifndef MOPT_CODEGEN_PASSES_TD
#define MOPT_CODEGEN_PASSES_TD

include "mlir/Pass/PassBase.td"

def SelectMicrokernels : Pass<"mopt-select-microkernels"> {
  let summary = "choose micro-kernels for contractions and convolutions";
  let description = [{
    Scores the micro-kernel rows that fit the module's `mopt.target` against the
    shape and sets the best as `mopt.config` on `mopt.matmul` and on `mopt.conv`
    with channels last, as `config` on anchors. Ops of other element types get
    none and are lowered the generic way. An op that has a configuration, from
    tuning say, keeps it.
  }];
  let options = [Option<"remarks", "remarks", "bool", "false",
    "say which micro-kernel computes each op">];
}

def ConvertAnchors : Pass<"mopt-convert-anchors"> {
  let summary = "turn ops that have a micro-kernel into anchors";
  let description = [{
    `mopt.matmul` and `mopt.conv` with a `mopt.config` become anchors, their
    right side packed by `mopt.pack_columns`. Batches that share the right side
    become rows, and so do the positions of a 1x1 convolution of stride 1.
  }];
  let dependentDialects = ["::mlir::affine::AffineDialect",
    "::mlir::arith::ArithDialect", "::mlir::linalg::LinalgDialect",
    "::mlir::tensor::TensorDialect"];
}

def FoldWeightPacking : Pass<"mopt-fold-weight-packing"> {
  let summary = "pack constant weights at compile time";
  let description = [{
    Computes `mopt.pack_columns` and `linalg.transpose` of constants, also
    through reshapes, over the bytes of the constant.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect",
    "::mlir::tensor::TensorDialect"];
}

def FuseEpilogue : Pass<"mopt-fuse-epilogue"> {
  let summary = "move elementwise consumers into the epilogues of anchors";
  let description = [{
    An elementwise linalg op that is the only user of an anchor becomes part of
    its epilogue, its other operands epilogue inputs; again and again. A
    transposition that keeps the last dimension becomes the order in which a
    contraction stores or reads. Reshapes between an anchor and its user are
    moved behind the user.
  }];
  let dependentDialects = ["::mlir::affine::AffineDialect",
    "::mlir::linalg::LinalgDialect", "::mlir::tensor::TensorDialect"];
}

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

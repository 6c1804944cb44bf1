// Level in and out: buffer. Copies and fills of whole buffers, which the change
// from tensors to buffers left, run as tiles of an scf.forall like all else.
#include "TileSizes.h"

#include "mopt/Codegen/Passes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/Transforms/TileUsingInterface.h"

using namespace mlir;

namespace mopt {
#define GEN_PASS_DEF_PARALLELIZECOPIES
#include "mopt/Codegen/Passes.h.inc"
} // namespace mopt

using namespace mopt;

namespace {
struct ParallelizeCopies
    : mopt::impl::ParallelizeCopiesBase<ParallelizeCopies> {
  void runOnOperation() override {
    SmallVector<linalg::LinalgOp> copies;
    getOperation().walk([&](linalg::LinalgOp op) {
      if (isa<linalg::CopyOp, linalg::FillOp, linalg::TransposeOp>(op) &&
          op.hasPureBufferSemantics() && !op->getParentOfType<scf::ForallOp>())
        copies.push_back(op);
    });
    IRRewriter rewriter(&getContext());
    for (linalg::LinalgOp op : copies) {
      SmallVector<int64_t> tiles =
          chooseTileSizes(op, kTileGrain, /*multiple=*/1, /*ragged=*/true);
      if (tiles.empty())
        continue;
      scf::SCFTilingOptions options;
      options.setTileSizes(getAsIndexOpFoldResult(&getContext(), tiles));
      options.setLoopType(scf::SCFTilingOptions::LoopType::ForallOp);
      rewriter.setInsertionPoint(op);
      if (failed(scf::tileUsingSCF(
              rewriter, cast<TilingInterface>(op.getOperation()), options))) {
        op.emitOpError("could not be tiled");
        return signalPassFailure();
      }
      rewriter.eraseOp(op);
    }
  }
};
} // namespace

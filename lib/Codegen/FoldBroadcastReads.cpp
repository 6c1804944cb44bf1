// Level in and out: structured. A linalg.generic that repeats a tensor of unit
// dimensions reads it as it was before those were added: fusion would else
// carry the unit dimensions through whole kernels.
#include "mopt/Codegen/Passes.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

using namespace mlir;

namespace mopt {
#define GEN_PASS_DEF_FOLDBROADCASTREADS
#include "mopt/Codegen/Passes.h.inc"
} // namespace mopt

using namespace mopt;

/// The map by which the source of `expand` is read where its result is read
/// through `map`; null if the source has another number of elements per group.
static AffineMap getSourceMap(tensor::ExpandShapeOp expand, AffineMap map) {
  SmallVector<AffineExpr> exprs;
  for (const ReassociationIndices &group : expand.getReassociationIndices()) {
    AffineExpr kept;
    for (int64_t dim : group) {
      // Whatever reads a dimension of size 1 reads its element 0.
      if (expand.getResultType().getDimSize(dim) == 1)
        continue;
      if (kept)
        return {};
      kept = map.getResult(dim);
    }
    exprs.push_back(kept ? kept : getAffineConstantExpr(0, map.getContext()));
  }
  return AffineMap::get(map.getNumDims(), 0, exprs, map.getContext());
}

namespace {
struct FoldRead : OpRewritePattern<linalg::GenericOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(linalg::GenericOp op,
                                PatternRewriter &rewriter) const override {
    SmallVector<AffineMap> maps = op.getIndexingMapsArray();
    bool changed = false;
    for (OpOperand *input : op.getDpsInputOperands()) {
      AffineMap &map = maps[input->getOperandNumber()];
      auto expand = input->get().getDefiningOp<tensor::ExpandShapeOp>();
      // Reads in full are the business of the reshape patterns.
      if (!expand || map.isPermutation())
        continue;
      AffineMap source = getSourceMap(expand, map);
      if (!source)
        continue;
      // Every loop must still find its extent at some operand.
      SmallVector<AffineMap> candidate = maps;
      candidate[input->getOperandNumber()] = source;
      if (!inversePermutation(concatAffineMaps(candidate, op.getContext())))
        continue;
      map = source;
      rewriter.modifyOpInPlace(op, [&] { input->set(expand.getSrc()); });
      changed = true;
    }
    if (!changed)
      return failure();
    rewriter.modifyOpInPlace(op, [&] {
      op.setIndexingMapsAttr(rewriter.getAffineMapArrayAttr(maps));
    });
    return success();
  }
};

struct FoldBroadcastReads
    : mopt::impl::FoldBroadcastReadsBase<FoldBroadcastReads> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    patterns.add<FoldRead>(&getContext());
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};
} // namespace

// Level in and out: graph. Slices are picked from a table before elementwise
// ops compute on it, not from what they made of all of it: an embedding that is
// stored in 8 bits is dequantized row by row.
#include "mopt/Dialect/Mopt/IR/Mopt.h"
#include "mopt/Transforms/Passes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/PatternMatch.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

using namespace mlir;

namespace mopt {
#define GEN_PASS_DEF_HOISTGATHER
#include "mopt/Transforms/Passes.h.inc"
} // namespace mopt

using namespace mopt;

/// A dimension this long is a table, of which an unknown number of indices
/// picks less than all.
static constexpr int64_t kTableSize = 1024;

/// Does picking leave less to compute?
static bool picksFewer(GatherOp op) {
  int64_t size = op.getInput().getType().getDimSize(op.getAxis());
  auto indices = op.getIndices().getType();
  if (ShapedType::isDynamic(size))
    return false;
  return indices.hasStaticShape() ? indices.getNumElements() < size
                                  : size >= kTableSize;
}

namespace {
struct HoistOverElementwise : OpRewritePattern<GatherOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(GatherOp op,
                                PatternRewriter &rewriter) const override {
    Operation *producer = op.getInput().getDefiningOp();
    if (!producer || !producer->hasTrait<Elementwise>() ||
        !producer->hasOneUse() || producer->getNumResults() != 1 ||
        !picksFewer(op))
      return failure();
    auto table = cast<RankedTensorType>(op.getInput().getType());
    auto result = cast<RankedTensorType>(op.getType());
    int64_t axis = op.getAxis();
    // Whether an operand has the axis, and at which of its dimensions.
    auto getAxis = [&](Value operand) {
      auto type = cast<RankedTensorType>(operand.getType());
      int64_t dim = axis - (table.getRank() - type.getRank());
      return dim >= 0 && type.getDimSize(dim) == table.getDimSize(axis) ? dim
                                                                        : -1;
    };
    ArrayRef<int64_t> picked = op.getIndices().getType().getShape();
    // What is repeated along the axis is repeated along each that replaces it.
    auto isRepeated = [&](Value operand) {
      auto type = cast<RankedTensorType>(operand.getType());
      return getAxis(operand) < 0 && picked.size() != 1 &&
             type.getRank() > table.getRank() - axis - 1;
    };
    for (Value operand : producer->getOperands()) {
      auto type = dyn_cast<RankedTensorType>(operand.getType());
      if (!type || (isRepeated(operand) && !type.hasStaticShape()))
        return failure();
    }
    IRMapping mapping;
    for (Value operand : producer->getOperands()) {
      auto type = cast<RankedTensorType>(operand.getType());
      int64_t dim = axis - (table.getRank() - type.getRank());
      bool hasAxis = getAxis(operand) >= 0;
      if (!hasAxis && !isRepeated(operand))
        continue;
      SmallVector<int64_t> shape(type.getShape().take_front(dim));
      if (hasAxis)
        llvm::append_range(shape, picked);
      else
        shape.append(picked.size(), 1);
      llvm::append_range(shape, type.getShape().drop_front(dim + 1));
      Value moved;
      if (hasAxis)
        moved = GatherOp::create(rewriter, op.getLoc(), type.clone(shape),
                                 operand, op.getIndices(), dim);
      else
        moved = ReshapeOp::create(
            rewriter, op.getLoc(), operand,
            getAsIndexOpFoldResult(rewriter.getContext(), shape));
      mapping.map(operand, moved);
    }
    Operation *moved = rewriter.clone(*producer, mapping);
    rewriter.modifyOpInPlace(moved,
                             [&] { moved->getResult(0).setType(result); });
    rewriter.replaceOp(op, moved->getResults());
    return success();
  }
};

struct HoistGather : mopt::impl::HoistGatherBase<HoistGather> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    patterns.add<HoistOverElementwise>(&getContext());
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};
} // namespace

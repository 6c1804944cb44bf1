// Level in and out: legal. Convolutions and poolings work with channels last,
// where the channels of one position are one contiguous vector; transposes go
// as far down as they can, and meet their inverses.
#include "mopt/Dialect/Mopt/IR/Mopt.h"
#include "mopt/Transforms/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/ReshapeOpsUtils.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/PatternMatch.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

using namespace mlir;

namespace mopt {
#define GEN_PASS_DEF_PROPAGATELAYOUT
#include "mopt/Transforms/Passes.h.inc"
} // namespace mopt

using namespace mopt;

static RankedTensorType getTensor(Value value) {
  return cast<RankedTensorType>(value.getType());
}

/// From `[n, c, spatial..]` to `[n, spatial.., c]`.
static SmallVector<int64_t> getToLast(int64_t rank) {
  SmallVector<int64_t> permutation{0};
  for (int64_t dim = 2; dim < rank; ++dim)
    permutation.push_back(dim);
  permutation.push_back(1);
  return permutation;
}

static SmallVector<int64_t> invert(ArrayRef<int64_t> permutation) {
  SmallVector<int64_t> inverse(permutation.size());
  for (auto [i, dim] : llvm::enumerate(permutation))
    inverse[dim] = i;
  return inverse;
}

static RankedTensorType permute(RankedTensorType type,
                                ArrayRef<int64_t> permutation) {
  return type.clone(llvm::map_to_vector(
      permutation, [&](int64_t dim) { return type.getDimSize(dim); }));
}

/// `x` with permuted dimensions. Without a transpose where it came from one.
static Value transposeValue(OpBuilder &b, Location loc, Value x,
                            ArrayRef<int64_t> permutation) {
  if (auto inner = x.getDefiningOp<TransposeOp>()) {
    SmallVector<int64_t> composed = llvm::map_to_vector(
        permutation, [&](int64_t dim) { return inner.getPermutation()[dim]; });
    if (llvm::equal(composed, llvm::seq<int64_t>(0, composed.size())))
      return inner.getInput();
  }
  return TransposeOp::create(b, loc, permute(getTensor(x), permutation), x,
                             permutation);
}

/// Does `permutation` of a tensor of type `type` move dimensions of size 1
/// only?
static bool keepsOrder(RankedTensorType type, ArrayRef<int64_t> permutation) {
  int64_t last = -1;
  for (int64_t dim : permutation) {
    if (type.getDimSize(dim) == 1)
      continue;
    if (dim < last)
      return false;
    last = dim;
  }
  return true;
}

/// What transposing a tensor costs at run time.
enum class Cost {
  none, ///< Folded at compile time, or no more than one size is not 1.
  view, ///< A change of shape, which may part what would be one kernel.
  move  ///< Elements are moved.
};

static Cost getCost(Value x, ArrayRef<int64_t> permutation) {
  if (matchPattern(x, m_Constant()) ||
      llvm::count_if(getTensor(x).getShape(),
                     [](int64_t size) { return size != 1; }) <= 1)
    return Cost::none;
  return keepsOrder(getTensor(x), permutation) ? Cost::view : Cost::move;
}

/// That of the transpose which `x` comes from.
static Cost getCost(Value x) {
  auto transpose = x.getDefiningOp<TransposeOp>();
  return transpose ? getCost(transpose.getInput(), transpose.getPermutation())
                   : Cost::none;
}

/// The transpose that `x` comes from, if it costs anything.
static TransposeOp getCostlyTranspose(Value x) {
  return getCost(x) == Cost::none ? TransposeOp()
                                  : x.getDefiningOp<TransposeOp>();
}

static constexpr int64_t kMostRewritesPerOp = 1000;

namespace {
/// A convolution or pooling with channels first becomes one with channels last
/// between transposes.
template <typename Op> struct MoveChannelsLast : OpRewritePattern<Op> {
  using OpRewritePattern<Op>::OpRewritePattern;

  LogicalResult matchAndRewrite(Op op,
                                PatternRewriter &rewriter) const override {
    if (op.getChannelsLast())
      return failure();
    RankedTensorType type = getTensor(op.getResult());
    SmallVector<int64_t> toLast = getToLast(type.getRank());
    Value input = transposeValue(rewriter, op.getLoc(), op.getInput(), toLast);
    Operation *moved = rewriter.clone(*op);
    rewriter.modifyOpInPlace(moved, [&] {
      moved->setOperand(0, input);
      cast<Op>(moved).setChannelsLast(true);
      moved->getResult(0).setType(permute(type, toLast));
    });
    rewriter.replaceOpWithNewOp<TransposeOp>(op, type, moved->getResult(0),
                                             invert(toLast));
    return success();
  }
};

// Why sinking ends: an operand's weight is how many of the transposes above it
// move elements, and, where that is equal, how many are views; that of an op is
// the sum over its operands. A sink makes an op's weight smaller, and otherwise
// changes weights of ops below it only; since no pattern changes the order of
// ops, the weights in that order get lexicographically smaller. Composing
// transposes, also through a change of shape, adds to no weight, and
// MoveChannelsLast applies once to each op.
// Transposes therefore have to be counted alike where they are taken and where
// they are put: two operands that are views either way would else send each
// other's down forever.

/// The one permutation with which operands of `op` were transposed, if it costs
/// more than transposing the others would.
static std::optional<SmallVector<int64_t>>
getOperandPermutation(Operation *op) {
  std::optional<SmallVector<int64_t>> permutation;
  for (Cost cost : {Cost::move, Cost::view}) {
    for (Value operand : op->getOperands()) {
      if (getCost(operand) != cost)
        continue;
      SmallVector<int64_t> own(
          operand.getDefiningOp<TransposeOp>().getPermutation());
      if (permutation && *permutation != own)
        return std::nullopt;
      permutation = own;
    }
    if (permutation)
      break;
  }
  if (!permutation)
    return std::nullopt;
  SmallVector<int64_t> back = invert(*permutation);
  int64_t moves = 0, views = 0;
  for (Value operand : op->getOperands()) {
    TransposeOp transpose = getCostlyTranspose(operand);
    bool isTaken =
        transpose && llvm::equal(transpose.getPermutation(), *permutation);
    Cost cost = isTaken ? getCost(operand) : getCost(operand, back);
    (cost == Cost::move ? moves : views) +=
        cost == Cost::none ? 0 : (isTaken ? -1 : 1);
  }
  if (moves > 0 || (moves == 0 && views >= 0))
    return std::nullopt;
  return permutation;
}

struct SinkThroughElementwise : RewritePattern {
  SinkThroughElementwise(MLIRContext *ctx)
      : RewritePattern(MatchAnyOpTypeTag(), /*benefit=*/1, ctx) {}

  LogicalResult matchAndRewrite(Operation *op,
                                PatternRewriter &rewriter) const override {
    if (!op->hasTrait<Elementwise>())
      return failure();
    std::optional<SmallVector<int64_t>> permutation = getOperandPermutation(op);
    if (!permutation)
      return failure();
    SmallVector<int64_t> back = invert(*permutation);
    SmallVector<Value> operands;
    for (Value operand : op->getOperands())
      operands.push_back(transposeValue(rewriter, op->getLoc(), operand, back));
    Operation *moved = rewriter.clone(*op);
    RankedTensorType type = getTensor(op->getResult(0));
    rewriter.modifyOpInPlace(moved, [&] {
      moved->setOperands(operands);
      moved->getResult(0).setType(permute(type, back));
    });
    rewriter.replaceOpWithNewOp<TransposeOp>(op, type, moved->getResult(0),
                                             *permutation);
    return success();
  }
};

/// The table stays as it is.
struct SinkThroughLookup : OpRewritePattern<LookupOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(LookupOp op,
                                PatternRewriter &rewriter) const override {
    TransposeOp transpose = getCostlyTranspose(op.getInput());
    if (!transpose)
      return failure();
    Value moved = LookupOp::create(rewriter, op.getLoc(), transpose.getInput(),
                                   op.getTable());
    rewriter.replaceOpWithNewOp<TransposeOp>(op, op.getType(), moved,
                                             transpose.getPermutation());
    return success();
  }
};

struct SinkThroughConcat : OpRewritePattern<ConcatOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(ConcatOp op,
                                PatternRewriter &rewriter) const override {
    std::optional<SmallVector<int64_t>> permutation = getOperandPermutation(op);
    if (!permutation)
      return failure();
    SmallVector<int64_t> back = invert(*permutation);
    SmallVector<Value> operands;
    for (Value operand : op.getInputs())
      operands.push_back(transposeValue(rewriter, op.getLoc(), operand, back));
    Value moved =
        ConcatOp::create(rewriter, op.getLoc(), permute(op.getType(), back),
                         operands, (*permutation)[op.getAxis()]);
    rewriter.replaceOpWithNewOp<TransposeOp>(op, op.getType(), moved,
                                             *permutation);
    return success();
  }
};

struct SinkThroughReduce : OpRewritePattern<ReduceOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(ReduceOp op,
                                PatternRewriter &rewriter) const override {
    TransposeOp transpose = getCostlyTranspose(op.getInput());
    if (!transpose)
      return failure();
    SmallVector<int64_t> permutation(transpose.getPermutation());
    SmallVector<int64_t> axes = llvm::map_to_vector(
        op.getAxes(), [&](int64_t axis) { return permutation[axis]; });
    llvm::sort(axes);
    RankedTensorType type = op.getType();
    Value moved = ReduceOp::create(rewriter, op.getLoc(),
                                   permute(type, invert(permutation)),
                                   op.getKind(), transpose.getInput(), axes);
    rewriter.replaceOpWithNewOp<TransposeOp>(op, type, moved, permutation);
    return success();
  }
};

struct SinkThroughPad : OpRewritePattern<PadOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(PadOp op,
                                PatternRewriter &rewriter) const override {
    TransposeOp transpose = getCostlyTranspose(op.getInput());
    if (!transpose)
      return failure();
    SmallVector<int64_t> permutation(transpose.getPermutation());
    SmallVector<int64_t> back = invert(permutation);
    SmallVector<OpFoldResult> low = op.getMixedLow(), high = op.getMixedHigh();
    SmallVector<OpFoldResult> movedLow, movedHigh;
    for (int64_t dim : back) {
      movedLow.push_back(low[dim]);
      movedHigh.push_back(high[dim]);
    }
    Value moved =
        PadOp::create(rewriter, op.getLoc(), op.getMode(), transpose.getInput(),
                      op.getValue(), movedLow, movedHigh);
    rewriter.replaceOpWithNewOp<TransposeOp>(op, op.getType(), moved,
                                             permutation);
    return success();
  }
};

/// Two transposes with a change of shape between them become one: where it
/// splits dimensions below it, where it merges them above. So channels that are
/// shuffled stay last.
struct MeetThroughReshape : OpRewritePattern<TransposeOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(TransposeOp op,
                                PatternRewriter &rewriter) const override {
    auto reshape = op.getInput().getDefiningOp<ReshapeOp>();
    if (!reshape || !reshape->hasOneUse())
      return failure();
    TransposeOp above = getCostlyTranspose(reshape.getInput());
    if (!above)
      return failure();
    RankedTensorType from = getTensor(reshape.getInput()),
                     to = reshape.getType();
    // One unknown size is the same on both sides; of several that is not sure.
    if (from.getRank() == to.getRank() || from.getNumDynamicDims() > 1 ||
        to.getNumDynamicDims() > 1 || llvm::is_contained(from.getShape(), 0))
      return failure();
    std::optional<SmallVector<ReassociationIndices>> groups =
        getReassociationIndicesForReshape(from, to);
    if (!groups)
      return failure();
    SmallVector<OpFoldResult> sizes = reshape.getMixedSizes(), movedSizes;
    SmallVector<int64_t> upper(above.getPermutation()), permutation;
    if (to.getRank() > from.getRank()) {
      SmallVector<int64_t> places(to.getRank());
      for (int64_t dim : invert(upper))
        for (int64_t part : (*groups)[dim]) {
          places[part] = movedSizes.size();
          movedSizes.push_back(sizes[part]);
        }
      for (int64_t dim : op.getPermutation())
        permutation.push_back(places[dim]);
      Value moved = ReshapeOp::create(rewriter, reshape.getLoc(),
                                      above.getInput(), movedSizes);
      rewriter.replaceOpWithNewOp<TransposeOp>(op, op.getType(), moved,
                                               permutation);
      return success();
    }
    for (int64_t dim : op.getPermutation()) {
      movedSizes.push_back(sizes[dim]);
      for (int64_t part : (*groups)[dim])
        permutation.push_back(upper[part]);
    }
    Value moved =
        transposeValue(rewriter, op.getLoc(), above.getInput(), permutation);
    rewriter.replaceOpWithNewOp<ReshapeOp>(op, moved, movedSizes);
    return success();
  }
};

/// A transpose that moves dimensions of size 1 only is a change of shape.
struct TransposeToReshape : OpRewritePattern<TransposeOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(TransposeOp op,
                                PatternRewriter &rewriter) const override {
    if (!keepsOrder(getTensor(op.getInput()), op.getPermutation()))
      return failure();
    SmallVector<OpFoldResult> sizes;
    for (int64_t dim : op.getPermutation())
      sizes.push_back(
          tensor::getMixedSize(rewriter, op.getLoc(), op.getInput(), dim));
    rewriter.replaceOpWithNewOp<ReshapeOp>(op, op.getInput(), sizes);
    return success();
  }
};

struct PropagateLayout : mopt::impl::PropagateLayoutBase<PropagateLayout> {
  void runOnOperation() override {
    MLIRContext *ctx = &getContext();
    RewritePatternSet sinks(ctx), views(ctx);
    sinks.add<MoveChannelsLast<ConvOp>, MoveChannelsLast<PoolOp>,
              SinkThroughElementwise, SinkThroughLookup, SinkThroughConcat,
              SinkThroughReduce, SinkThroughPad, MeetThroughReshape>(ctx);
    TransposeOp::getCanonicalizationPatterns(sinks, ctx);
    // Views first go down like others: they may cancel.
    views.add<TransposeToReshape>(ctx);
    settle(std::move(sinks));
    settle(std::move(views));
  }

  /// Applies `patterns` until nothing changes. The bound is far above what any
  /// model needs: it turns a mistake in the argument above, which would fill
  /// the memory, into a layout that is right but not the best.
  void settle(RewritePatternSet patterns) {
    int64_t ops = 0;
    getOperation()->walk([&](Operation *) { ++ops; });
    GreedyRewriteConfig config;
    config.setMaxNumRewrites(kMostRewritesPerOp * (ops + 1));
    if (failed(
            applyPatternsGreedily(getOperation(), std::move(patterns), config)))
      getOperation()->emitWarning(
          "layouts still change after as many rewrites as there should be");
  }
};
} // namespace

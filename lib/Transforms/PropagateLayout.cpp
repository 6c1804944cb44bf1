// Level in and out: legal. Convolutions and poolings work with channels last,
// where the channels of one position are one contiguous vector; transposes go
// as far down as they can, and meet their inverses.
#include "mopt/Dialect/Mopt/IR/Mopt.h"
#include "mopt/Transforms/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
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

/// Does transposing `x` move elements at run time? Otherwise it is a change of
/// shape, or folded at compile time.
static bool movesElements(Value x, ArrayRef<int64_t> permutation) {
  return !matchPattern(x, m_Constant()) &&
         !keepsOrder(getTensor(x), permutation);
}

/// The transpose that `x` comes from, if that moves elements.
static TransposeOp getMovingTranspose(Value x) {
  auto transpose = x.getDefiningOp<TransposeOp>();
  if (transpose &&
      movesElements(transpose.getInput(), transpose.getPermutation()))
    return transpose;
  return {};
}

namespace {
/// A convolution or pooling with channels first becomes one with channels last
/// between transposes.
template <typename Op>
struct MoveChannelsLast : OpRewritePattern<Op> {
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

// Why sinking ends: the transposes above an operand that move elements are its
// weight, that of an op is the sum over its operands. A sink takes one
// transpose from some operands, puts one on fewer others, and otherwise changes
// ops below this one only; they stand in an order that no pattern changes, so
// the weights in that order get lexicographically smaller. Composing transposes
// and making reshapes of them adds to no weight, and MoveChannelsLast applies
// once to each op. Transposes that move nothing must therefore not be sunk:
// each of two operands with one would send the other's down forever.

/// The one permutation with which operands of `op` were transposed, if more of
/// them were than would have to be now.
static std::optional<SmallVector<int64_t>> getOperandPermutation(Operation *op) {
  std::optional<SmallVector<int64_t>> permutation;
  int64_t transposed = 0;
  SmallVector<Value> others;
  for (Value operand : op->getOperands()) {
    TransposeOp transpose = getMovingTranspose(operand);
    if (!transpose) {
      others.push_back(operand);
      continue;
    }
    SmallVector<int64_t> own(transpose.getPermutation());
    if (permutation && *permutation != own)
      return std::nullopt;
    permutation = own;
    ++transposed;
  }
  if (!permutation)
    return std::nullopt;
  SmallVector<int64_t> back = invert(*permutation);
  int64_t moved = llvm::count_if(
      others, [&](Value operand) { return movesElements(operand, back); });
  if (moved >= transposed)
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
      operands.push_back(
          transposeValue(rewriter, op->getLoc(), operand, back));
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
    TransposeOp transpose = getMovingTranspose(op.getInput());
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
    Value moved = ConcatOp::create(rewriter, op.getLoc(),
                                   permute(op.getType(), back), operands,
                                   (*permutation)[op.getAxis()]);
    rewriter.replaceOpWithNewOp<TransposeOp>(op, op.getType(), moved,
                                             *permutation);
    return success();
  }
};

struct SinkThroughReduce : OpRewritePattern<ReduceOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(ReduceOp op,
                                PatternRewriter &rewriter) const override {
    TransposeOp transpose = getMovingTranspose(op.getInput());
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
    TransposeOp transpose = getMovingTranspose(op.getInput());
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
    RewritePatternSet patterns(ctx);
    patterns.add<MoveChannelsLast<ConvOp>, MoveChannelsLast<PoolOp>,
                 SinkThroughElementwise, SinkThroughLookup, SinkThroughConcat, SinkThroughReduce,
                 SinkThroughPad, TransposeToReshape>(ctx);
    TransposeOp::getCanonicalizationPatterns(patterns, ctx);
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};
} // namespace

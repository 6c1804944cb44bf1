// Level in and out: graph. What only moves elements moves quantized ones:
// dequantization goes down behind it, quantization up before it, until both
// meet and cancel, or meet what computes.
#include "mopt/Dialect/Mopt/IR/QuantizationParameters.h"
#include "mopt/Transforms/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/PatternMatch.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

using namespace mlir;

namespace mopt {
#define GEN_PASS_DEF_PROPAGATEQUANTIZATION
#include "mopt/Transforms/Passes.h.inc"
} // namespace mopt

using namespace mopt;

static RankedTensorType getTensor(Value value) {
  return cast<RankedTensorType>(value.getType());
}

static Type getElement(Value value) {
  return getTensor(value).getElementType();
}

/// `[1, .., 1]` of `rank` dimensions; null stays null.
static Value withRank(OpBuilder &b, Location loc, Value parameter,
                      int64_t rank) {
  if (!parameter || getTensor(parameter).getRank() == rank)
    return parameter;
  return ReshapeOp::create(b, loc, parameter,
                           SmallVector<OpFoldResult>(rank, b.getIndexAttr(1)));
}

/// A clone of `op`, which has one result, on other tensors: `operands` replace
/// the first ones, and the result gets their element type.
static Value moveTo(OpBuilder &b, Operation *op, ArrayRef<Value> operands) {
  Operation *moved = b.clone(*op);
  for (auto [i, operand] : llvm::enumerate(operands))
    moved->setOperand(i, operand);
  moved->getResult(0).setType(
      getTensor(op->getResult(0)).clone(getElement(operands.front())));
  return moved->getResult(0);
}

/// Does `op` give elements of its first operand only, in whatever order? The
/// largest of several is one of them, too, since scales are positive.
static bool movesElements(Operation *op) {
  if (auto pool = dyn_cast<PoolOp>(op))
    return pool.getKind() == PoolKind::max;
  return isa<ReshapeOp, TransposeOp, SliceOp, BroadcastOp, GatherOp>(op);
}

static bool isPositive(Value scale) {
  std::optional<ConstantTensor> constant = getConstantTensor(scale);
  if (!constant)
    return false;
  for (int64_t i = 0; i < constant->getNumElements(); ++i)
    if (!(constant->getFloat(i) > 0))
      return false;
  return true;
}

/// Quantized elements of up to a byte are less to move than what they stand
/// for.
static bool isNarrow(DequantizeOp op) {
  return getElement(op.getInput()).getIntOrFloatBitWidth() <= 16;
}

namespace {
struct SinkDequantize : RewritePattern {
  SinkDequantize(MLIRContext *ctx)
      : RewritePattern(MatchAnyOpTypeTag(), /*benefit=*/1, ctx) {}

  LogicalResult matchAndRewrite(Operation *op,
                                PatternRewriter &rewriter) const override {
    if (!movesElements(op))
      return failure();
    auto dequantize = op->getOperand(0).getDefiningOp<DequantizeOp>();
    if (!dequantize || !isNarrow(dequantize) ||
        (isa<PoolOp>(op) &&
         (!isPositive(dequantize.getScale()) ||
          !isa<IntegerType>(getElement(dequantize.getInput())))))
      return failure();
    Location loc = dequantize.getLoc();
    QuantizationParameters parameters(dequantize);
    RankedTensorType from = getTensor(op->getOperand(0)),
                     to = getTensor(op->getResult(0));
    if (parameters.isPerTensor()) {
      for (Value *parameter : {&parameters.scale, &parameters.zeroPoint})
        *parameter = withRank(rewriter, loc, *parameter, to.getRank());
    } else if (auto transpose = dyn_cast<TransposeOp>(op)) {
      for (Value *parameter : {&parameters.scale, &parameters.zeroPoint})
        if (*parameter)
          *parameter = TransposeOp::create(rewriter, loc, *parameter,
                                           transpose.getPermutation());
    } else if (isa<ReshapeOp>(op)) {
      for (Value *parameter : {&parameters.scale, &parameters.zeroPoint}) {
        std::optional<Value> moved =
            reshapeParameter(rewriter, loc, *parameter, from, to);
        if (!moved)
          return failure();
        *parameter = *moved;
      }
    } else {
      return failure();
    }
    Value moved = moveTo(rewriter, op, dequantize.getInput());
    rewriter.replaceOpWithNewOp<DequantizeOp>(op, to, moved, parameters.scale,
                                              parameters.zeroPoint);
    return success();
  }
};

/// Parts that were quantized alike are joined as they are.
struct SinkThroughConcat : OpRewritePattern<ConcatOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(ConcatOp op,
                                PatternRewriter &rewriter) const override {
    SmallVector<Value> parts;
    std::optional<QuantizationParameters> parameters;
    for (Value operand : op.getInputs()) {
      auto part = operand.getDefiningOp<DequantizeOp>();
      if (!part || !isNarrow(part))
        return failure();
      QuantizationParameters own(part);
      if (!own.isPerTensor() || (parameters && (!(own == *parameters) ||
                                                getElement(part.getInput()) !=
                                                    getElement(parts.front()))))
        return failure();
      parameters = own;
      parts.push_back(part.getInput());
    }
    if (!parameters)
      return failure();
    Value joined = ConcatOp::create(rewriter, op.getLoc(), parts, op.getAxis());
    rewriter.replaceOpWithNewOp<DequantizeOp>(
        op, op.getType(), joined, parameters->scale, parameters->zeroPoint);
    return success();
  }
};

/// Padding by 0 is padding by the zero point.
struct SinkThroughPad : OpRewritePattern<PadOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(PadOp op,
                                PatternRewriter &rewriter) const override {
    auto dequantize = op.getInput().getDefiningOp<DequantizeOp>();
    if (!dequantize || !isNarrow(dequantize) ||
        !QuantizationParameters(dequantize).isPerTensor() ||
        (op.getMode() == PadMode::constant &&
         getSplatNumber(op.getValue()) != 0.0))
      return failure();
    Type element = getElement(dequantize.getInput());
    if (!isa<IntegerType>(element))
      return failure();
    RankedTensorType one = getTensor(op.getValue()).clone(element);
    Value value = dequantize.getZeroPoint();
    if (value)
      value = ReshapeOp::create(
          rewriter, op.getLoc(), value,
          SmallVector<OpFoldResult>(one.getRank(), rewriter.getIndexAttr(1)));
    else
      value = arith::ConstantOp::create(
          rewriter, op.getLoc(),
          cast<TypedAttr>(DenseElementsAttr::get(
              one, rewriter.getIntegerAttr(element, 0))));
    Value padded = PadOp::create(rewriter, op.getLoc(), op.getMode(),
                                 dequantize.getInput(), value, op.getMixedLow(),
                                 op.getMixedHigh());
    rewriter.replaceOpWithNewOp<DequantizeOp>(op, op.getType(), padded,
                                              dequantize.getScale(),
                                              dequantize.getZeroPoint());
    return success();
  }
};

/// The largest of several quantized elements is the quantized largest one.
static bool isMaximumOfSteps(Operation *producer, QuantizeOp op) {
  auto pool = dyn_cast<PoolOp>(producer);
  return pool && pool.getKind() == PoolKind::max && isPositive(op.getScale()) &&
         isa<IntegerType>(getElement(op.getResult()));
}

/// Elements are quantized where they are made, and moved as bytes.
struct HoistQuantize : OpRewritePattern<QuantizeOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(QuantizeOp op,
                                PatternRewriter &rewriter) const override {
    Operation *producer = op.getInput().getDefiningOp();
    if (!producer || !producer->hasOneUse() ||
        !QuantizationParameters(op).isPerTensor() ||
        !(isa<ReshapeOp, TransposeOp, ConcatOp>(producer) ||
          isMaximumOfSteps(producer, op)))
      return failure();
    SmallVector<Value> parts;
    int64_t count = isa<ConcatOp>(producer) ? producer->getNumOperands() : 1;
    Type element = getElement(op.getResult());
    for (Value part : producer->getOperands().take_front(count)) {
      RankedTensorType type = getTensor(part);
      parts.push_back(QuantizeOp::create(
          rewriter, op.getLoc(), type.clone(element), part,
          withRank(rewriter, op.getLoc(), op.getScale(), type.getRank()),
          withRank(rewriter, op.getLoc(), op.getZeroPoint(), type.getRank()),
          op.getSaturate()));
    }
    rewriter.replaceOp(op, moveTo(rewriter, producer, parts));
    return success();
  }
};

/// Back to the steps it came from.
struct CancelQuantize : OpRewritePattern<QuantizeOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(QuantizeOp op,
                                PatternRewriter &rewriter) const override {
    auto dequantize = op.getInput().getDefiningOp<DequantizeOp>();
    if (!dequantize || dequantize.getInput().getType() != op.getType() ||
        !isa<IntegerType>(getElement(op.getResult())) ||
        !getElement(op.getInput()).isF32() ||
        !(QuantizationParameters(op) == QuantizationParameters(dequantize)) ||
        !isPositive(op.getScale()))
      return failure();
    rewriter.replaceOp(op, dequantize.getInput());
    return success();
  }
};

/// What lies below the lowest step saturates there: max(x, 0) says nothing
/// more.
struct DropRectifier : OpRewritePattern<QuantizeOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(QuantizeOp op,
                                PatternRewriter &rewriter) const override {
    auto max = op.getInput().getDefiningOp<BinaryOp>();
    auto element = dyn_cast<IntegerType>(getElement(op.getResult()));
    if (!max || max.getKind() != BinaryKind::max || !max->hasOneUse() ||
        !element || getSplatNumber(max.getRhs()) != 0.0 ||
        max.getLhs().getType() != max.getType() || !isPositive(op.getScale()))
      return failure();
    double lowest =
        element.isUnsigned() ? 0 : -std::exp2(element.getWidth() - 1);
    double zero = 0;
    if (op.getZeroPoint()) {
      std::optional<double> known = getSplatNumber(op.getZeroPoint());
      if (!known)
        return failure();
      zero = *known;
    }
    if (zero != lowest)
      return failure();
    rewriter.modifyOpInPlace(op,
                             [&] { op.getInputMutable().set(max.getLhs()); });
    return success();
  }
};

struct PropagateQuantization
    : mopt::impl::PropagateQuantizationBase<PropagateQuantization> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    patterns.add<SinkDequantize, SinkThroughConcat, SinkThroughPad,
                 HoistQuantize, CancelQuantize, DropRectifier>(&getContext());
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};
} // namespace

// Level in and out: graph. Layer normalization (Ba et al. 2016), and the one by
// the root mean square (Zhang and Sennrich 2019), as exporters write them out
// in single operators, become mopt.normalize. Leaves 16-bit floats alone, whose
// intermediate values were rounded.
#include "mopt/Dialect/Mopt/IR/Mopt.h"
#include "mopt/Transforms/Passes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/PatternMatch.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

using namespace mlir;

namespace mopt {
#define GEN_PASS_DEF_RECOGNIZENORMALIZATION
#include "mopt/Transforms/Passes.h.inc"
} // namespace mopt

using namespace mopt;

static std::optional<double> getNumber(Value value) {
  DenseFPElementsAttr elements;
  if (!matchPattern(value, m_Constant(&elements)) || !elements.isSplat())
    return std::nullopt;
  return elements.getSplatValue<APFloat>().convertToDouble();
}

static BinaryOp getBinary(Value value, BinaryKind kind) {
  auto op = value.getDefiningOp<BinaryOp>();
  return op && op.getKind() == kind ? op : BinaryOp();
}

static UnaryOp getUnary(Value value, UnaryKind kind) {
  auto op = value.getDefiningOp<UnaryOp>();
  return op && op.getKind() == kind ? op : UnaryOp();
}

/// x, if `value` is x * x.
static Value getSquared(Value value) {
  if (BinaryOp op = getBinary(value, BinaryKind::mul))
    return op.getLhs() == op.getRhs() ? op.getLhs() : Value();
  BinaryOp op = getBinary(value, BinaryKind::pow);
  return op && getNumber(op.getRhs()) == 2.0 ? op.getLhs() : Value();
}

namespace {
/// A mean over the dimensions from `axis` on.
struct Mean {
  Value of;
  int64_t axis;
};
} // namespace

static std::optional<Mean> getMean(Value value) {
  BinaryOp div = getBinary(value, BinaryKind::div);
  auto sum = div ? div.getLhs().getDefiningOp<ReduceOp>() : ReduceOp();
  if (!sum || sum.getKind() != ReduceKind::sum || sum.getAxes().empty())
    return std::nullopt;
  auto type = cast<RankedTensorType>(sum.getInput().getType());
  int64_t axis = sum.getAxes().front(), count = 1;
  for (auto [i, dim] : llvm::enumerate(sum.getAxes())) {
    if (dim != axis + int64_t(i) || type.isDynamicDim(dim))
      return std::nullopt;
    count *= type.getDimSize(dim);
  }
  if (sum.getAxes().back() != type.getRank() - 1 ||
      getNumber(div.getRhs()) != double(count))
    return std::nullopt;
  return Mean{sum.getInput(), axis};
}

namespace {
/// numerator / sqrt(mean(numerator^2) + epsilon), as a quotient or a product
/// with a reciprocal.
struct RecognizeQuotient : OpRewritePattern<BinaryOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(BinaryOp op,
                                PatternRewriter &rewriter) const override {
    if (!op.getType().getElementType().isF32() &&
        !op.getType().getElementType().isF64())
      return failure();
    if (op.getKind() == BinaryKind::div)
      return recognize(op, op.getLhs(), op.getRhs(), rewriter);
    if (op.getKind() != BinaryKind::mul)
      return failure();
    for (auto [numerator, factor] : {std::pair(op.getLhs(), op.getRhs()),
                                     std::pair(op.getRhs(), op.getLhs())}) {
      Value root;
      if (UnaryOp inverse = getUnary(factor, UnaryKind::reciprocal))
        root = inverse.getInput();
      else if (BinaryOp div = getBinary(factor, BinaryKind::div);
               div && getNumber(div.getLhs()) == 1.0)
        root = div.getRhs();
      if (root && succeeded(recognize(op, numerator, root, rewriter)))
        return success();
    }
    return failure();
  }

  static LogicalResult recognize(BinaryOp op, Value numerator, Value root,
                                 PatternRewriter &rewriter) {
    UnaryOp sqrt = getUnary(root, UnaryKind::sqrt);
    BinaryOp add =
        sqrt ? getBinary(sqrt.getInput(), BinaryKind::add) : BinaryOp();
    if (!add)
      return failure();
    std::optional<double> epsilon = getNumber(add.getRhs());
    std::optional<Mean> variance =
        getMean(epsilon ? add.getLhs() : add.getRhs());
    if (!epsilon)
      epsilon = getNumber(add.getLhs());
    if (!epsilon || !variance || getSquared(variance->of) != numerator ||
        numerator.getType() != op.getType())
      return failure();
    Value input = numerator;
    bool isRms = true;
    if (BinaryOp sub = getBinary(numerator, BinaryKind::sub)) {
      std::optional<Mean> mean = getMean(sub.getRhs());
      if (mean && mean->of == sub.getLhs() && mean->axis == variance->axis) {
        input = sub.getLhs();
        isRms = false;
      }
    }
    rewriter.replaceOpWithNewOp<NormalizeOp>(
        op, op.getType(), input, rewriter.getI64IntegerAttr(variance->axis),
        rewriter.getF64FloatAttr(*epsilon),
        isRms ? rewriter.getUnitAttr() : UnitAttr());
    return success();
  }
};

struct RecognizeNormalization
    : mopt::impl::RecognizeNormalizationBase<RecognizeNormalization> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    patterns.add<RecognizeQuotient>(&getContext());
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};
} // namespace

// Level in and out: graph. A constant factor per channel behind a convolution
// moves into the filter; what is added stays, and is fused later.
#include "mopt/Dialect/Mopt/IR/Mopt.h"
#include "mopt/Support/ConstantTensor.h"
#include "mopt/Transforms/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/PatternMatch.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

using namespace mlir;

namespace mopt {
#define GEN_PASS_DEF_FOLDBATCHNORM
#include "mopt/Transforms/Passes.h.inc"
} // namespace mopt

using namespace mopt;

/// Is `shape` all 1 but for the channels, dimension 1?
static bool isPerChannel(RankedTensorType type, int64_t channels) {
  for (auto [dim, size] : llvm::enumerate(type.getShape()))
    if (dim == 1 ? size != 1 && size != channels : size != 1)
      return false;
  return true;
}

static std::optional<ConstantTensor> getConstant(Value value) {
  ElementsAttr elements;
  if (!matchPattern(value, m_Constant(&elements)))
    return std::nullopt;
  return ConstantTensor::fromAttr(elements);
}

namespace {
struct ScaleFilter : OpRewritePattern<BinaryOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(BinaryOp op,
                                PatternRewriter &rewriter) const override {
    if (op.getKind() != BinaryKind::mul)
      return failure();
    auto conv = op.getLhs().getDefiningOp<ConvOp>();
    Value factor = op.getRhs();
    if (!conv) {
      conv = op.getRhs().getDefiningOp<ConvOp>();
      factor = op.getLhs();
    }
    if (!conv || conv.getChannelsLast() || !conv->hasOneUse() ||
        !isa<FloatType>(conv.getType().getElementType()) ||
        op.getType() != conv.getType())
      return failure();
    auto filterType = cast<RankedTensorType>(conv.getFilter().getType());
    auto factorType = cast<RankedTensorType>(factor.getType());
    if (!filterType.hasStaticShape() ||
        !isPerChannel(factorType, filterType.getDimSize(0)))
      return failure();
    std::optional<ConstantTensor> filter = getConstant(conv.getFilter()),
                                  scale = getConstant(factor),
                                  scaled = ConstantTensor::allocate(filterType);
    if (!filter || !scale || !scaled || filterType.getNumElements() == 0)
      return failure();
    int64_t outputs = filterType.getDimSize(0);
    int64_t perOutput = filterType.getNumElements() / outputs;
    for (int64_t o = 0; o < outputs; ++o) {
      double s = scale->getFloat(scale->getNumElements() == 1 ? 0 : o);
      for (int64_t i = o * perOutput; i < (o + 1) * perOutput; ++i)
        scaled->setFloat(i, filter->getFloat(i) * s);
    }
    Value constant = arith::ConstantOp::create(
        rewriter, conv.getFilter().getLoc(),
        cast<TypedAttr>(std::move(*scaled).toAttr("scaled")));
    rewriter.modifyOpInPlace(conv, [&] { conv.getFilterMutable().set(constant); });
    rewriter.replaceOp(op, conv);
    return success();
  }
};

/// (conv + a) * s, as some networks order it, becomes conv * s + a * s.
struct DistributeFactor : OpRewritePattern<BinaryOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(BinaryOp op,
                                PatternRewriter &rewriter) const override {
    auto sum = op.getLhs().getDefiningOp<BinaryOp>();
    if (op.getKind() != BinaryKind::mul || !sum ||
        sum.getKind() != BinaryKind::add || !sum->hasOneUse() ||
        !isa<FloatType>(op.getType().getElementType()))
      return failure();
    auto conv = sum.getLhs().getDefiningOp<ConvOp>();
    Attribute constant;
    if (!conv || !conv->hasOneUse() || conv.getChannelsLast() ||
        sum.getType() != conv.getType() || op.getType() != conv.getType() ||
        !matchPattern(sum.getRhs(), m_Constant(&constant)) ||
        !matchPattern(op.getRhs(), m_Constant(&constant)) ||
        !isPerChannel(cast<RankedTensorType>(op.getRhs().getType()),
                      conv.getType().getDimSize(1)))
      return failure();
    Value product = BinaryOp::create(rewriter, op.getLoc(), BinaryKind::mul,
                                     conv, op.getRhs());
    Value shift = BinaryOp::create(rewriter, op.getLoc(), BinaryKind::mul,
                                   sum.getRhs(), op.getRhs());
    rewriter.replaceOpWithNewOp<BinaryOp>(op, BinaryKind::add, product, shift);
    return success();
  }
};

struct FoldBatchNorm : mopt::impl::FoldBatchNormBase<FoldBatchNorm> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    patterns.add<ScaleFilter, DistributeFactor>(&getContext());
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};
} // namespace

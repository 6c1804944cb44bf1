// Level in and out: graph. A number that scales an operand of a product scales
// the product instead, where the operand is otherwise only moved: attention's
// queries are then read where the product before them wrote them, and the
// number is part of an epilogue. Not with strict numerics: roundings differ.
#include "mopt/Dialect/Mopt/IR/Mopt.h"
#include "mopt/Dialect/Mopt/IR/QuantizationParameters.h"
#include "mopt/Transforms/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/PatternMatch.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

using namespace mlir;

namespace mopt {
#define GEN_PASS_DEF_SINKSCALES
#include "mopt/Transforms/Passes.h.inc"
} // namespace mopt

using namespace mopt;

static bool moves(Operation *op) {
  return isa_and_present<ReshapeOp, TransposeOp, SliceOp>(op);
}

/// The one number that `value` is, if it is constant.
static std::optional<double> getNumber(Value value) {
  auto type = cast<RankedTensorType>(value.getType());
  if (!type.getElementType().isF32() || !type.hasStaticShape() ||
      type.getNumElements() != 1)
    return std::nullopt;
  std::optional<ConstantTensor> constant = getConstantTensor(value);
  return constant ? std::optional(constant->getFloat(0)) : std::nullopt;
}

/// What `op` multiplies or divides by a number, and the number.
static std::optional<std::pair<Value, double>> getScaled(BinaryOp op) {
  if (op.getKind() != BinaryKind::mul && op.getKind() != BinaryKind::div)
    return std::nullopt;
  if (std::optional<double> factor = getNumber(op.getRhs()))
    return std::pair(op.getLhs(), *factor);
  if (op.getKind() == BinaryKind::mul)
    if (std::optional<double> factor = getNumber(op.getLhs()))
      return std::pair(op.getRhs(), *factor);
  return std::nullopt;
}

namespace {
struct SinkThroughMatmul : OpRewritePattern<MatmulOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(MatmulOp op,
                                PatternRewriter &rewriter) const override {
    return success(succeeded(sink(op, op.getLhsMutable(), rewriter)) ||
                   succeeded(sink(op, op.getRhsMutable(), rewriter)));
  }

private:
  static LogicalResult sink(MatmulOp op, OpOperand &operand,
                            PatternRewriter &rewriter) {
    // From the product up to the scaling, all of it for the product alone.
    SmallVector<Operation *> path;
    Value value = operand.get();
    while (moves(value.getDefiningOp()) && value.hasOneUse()) {
      path.push_back(value.getDefiningOp());
      value = path.back()->getOperand(0);
    }
    auto scaling = value.getDefiningOp<BinaryOp>();
    if (!scaling || !value.hasOneUse())
      return failure();
    std::optional<std::pair<Value, double>> scaled = getScaled(scaling);
    if (!scaled || !moves(scaled->first.getDefiningOp()) ||
        scaled->first.getType() != scaling.getType())
      return failure();
    Value unscaled = scaled->first;
    double factor = scaled->second;
    for (Operation *moved : llvm::reverse(path)) {
      IRMapping mapping;
      mapping.map(moved->getOperand(0), unscaled);
      rewriter.setInsertionPoint(moved);
      unscaled = rewriter.clone(*moved, mapping)->getResult(0);
    }
    rewriter.modifyOpInPlace(op, [&] { operand.set(unscaled); });
    rewriter.setInsertionPointAfter(op);
    auto type = cast<RankedTensorType>(op.getType());
    auto one = RankedTensorType::get(SmallVector<int64_t>(type.getRank(), 1),
                                     type.getElementType());
    Value number = arith::ConstantOp::create(
        rewriter, scaling.getLoc(), DenseElementsAttr::get(one, float(factor)));
    auto product = BinaryOp::create(rewriter, scaling.getLoc(), type,
                                    scaling.getKind(), op.getResult(), number);
    rewriter.replaceAllUsesExcept(op.getResult(), product.getResult(), product);
    return success();
  }
};

struct SinkScales : mopt::impl::SinkScalesBase<SinkScales> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    patterns.add<SinkThroughMatmul>(&getContext());
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};
} // namespace

// Level in: graph. Level out: legal. Contractions of dequantized operands say
// that they can be computed in integers; whether they are is decided later.
// Leaves those alone whose scales vary along what is summed, or that have one
// quantized operand.
#include "mopt/Dialect/Mopt/IR/QuantizationParameters.h"
#include "mopt/Transforms/Passes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/PatternMatch.h"

using namespace mlir;

namespace mopt {
#define GEN_PASS_DEF_LEGALIZEQUANTIZATION
#include "mopt/Transforms/Passes.h.inc"
} // namespace mopt

using namespace mopt;

static RankedTensorType getTensor(Value value) {
  return cast<RankedTensorType>(value.getType());
}

/// The dequantization of integers of 8 bits that `value` is, with scales of its
/// element type.
static DequantizeOp getDequantize(Value value) {
  auto op = value.getDefiningOp<DequantizeOp>();
  if (!op || !getTensor(op.getInput()).getElementType().isInteger(8) ||
      getTensor(op.getScale()).getElementType() !=
          getTensor(value).getElementType())
    return {};
  return op;
}

/// Are scale and zero point the same along `dim`?
static bool isShared(DequantizeOp op, int64_t dim) {
  return getTensor(op.getScale()).getDimSize(dim) == 1 &&
         (!op.getZeroPoint() ||
          getTensor(op.getZeroPoint()).getDimSize(dim) == 1);
}

static Value legalize(OpBuilder &b, MatmulOp op, DequantizeOp lhs,
                      DequantizeOp rhs) {
  int64_t rank = getTensor(op.getResult()).getRank();
  if (!isShared(lhs, op.getTransposeLhs() ? rank - 2 : rank - 1) ||
      !isShared(rhs, op.getTransposeRhs() ? rank - 1 : rank - 2))
    return {};
  return QuantizedMatmulOp::create(
      b, op.getLoc(), op.getType(), lhs.getInput(), rhs.getInput(),
      lhs.getScale(), rhs.getScale(), lhs.getZeroPoint(), rhs.getZeroPoint(),
      op.getTransposeLhs(), op.getTransposeRhs());
}

static Value legalize(OpBuilder &b, ConvOp op, DequantizeOp input,
                      DequantizeOp filter) {
  if (op.getChannelsLast() || !QuantizationParameters(input).isPerTensor())
    return {};
  for (int64_t dim = 1; dim < getTensor(op.getFilter()).getRank(); ++dim)
    if (!isShared(filter, dim))
      return {};
  return QuantizedConvOp::create(
      b, op.getLoc(), op.getType(), input.getInput(), filter.getInput(),
      input.getScale(), filter.getScale(), input.getZeroPoint(),
      filter.getZeroPoint(), op.getStrides(), op.getDilations(),
      op.getPadsBegin(), op.getPadsEnd(), op.getGroup());
}

namespace {
struct LegalizeQuantization
    : mopt::impl::LegalizeQuantizationBase<LegalizeQuantization> {
  using LegalizeQuantizationBase::LegalizeQuantizationBase;

  void runOnOperation() override {
    IRRewriter rewriter(&getContext());
    getOperation()->walk([&](Operation *op) {
      if (auto matmul = dyn_cast<MatmulOp>(op))
        return tryToLegalize(rewriter, matmul);
      if (auto conv = dyn_cast<ConvOp>(op))
        return tryToLegalize(rewriter, conv);
    });
  }

  template <typename Op> void tryToLegalize(IRRewriter &rewriter, Op op) {
    DequantizeOp lhs = getDequantize(op->getOperand(0)),
                 rhs = getDequantize(op->getOperand(1));
    auto explain = [&](StringRef why) {
      if (remarks)
        op->emitRemark("computed in floats: ") << why;
    };
    if (!lhs || !rhs) {
      if (lhs || rhs)
        explain("one operand is not quantized in 8 bits");
      return;
    }
    rewriter.setInsertionPoint(op);
    Value legal = legalize(rewriter, op, lhs, rhs);
    if (!legal)
      return explain("scales differ along what is summed");
    rewriter.replaceOp(op, legal);
    for (DequantizeOp operand : {lhs, rhs})
      if (operand->use_empty())
        rewriter.eraseOp(operand);
  }
};
} // namespace

// Level in and out: graph. Products of 16-bit floats have results of f32, which
// a cast rounds once: micro-kernels sum in f32, and the cast becomes part of
// their epilogue. Where none multiplies such operands as they are, these are
// widened too, once and not in every tile that reads them.
#include "mopt/Dialect/Mopt/IR/QuantizationParameters.h"
#include "mopt/Target/MicroKernels.h"
#include "mopt/Target/TargetRegistry.h"
#include "mopt/Transforms/EvaluateOp.h"
#include "mopt/Transforms/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/PatternMatch.h"

using namespace mlir;

namespace mopt {
#define GEN_PASS_DEF_WIDENSUMS
#include "mopt/Transforms/Passes.h.inc"
} // namespace mopt

using namespace mopt;

namespace {
struct WidenSums : mopt::impl::WidenSumsBase<WidenSums> {
  using WidenSumsBase::WidenSumsBase;

  void runOnOperation() override {
    IRRewriter rewriter(&getContext());
    getOperation()->walk([&](Operation *op) {
      if (auto matmul = dyn_cast<MatmulOp>(op))
        widen(rewriter, matmul);
      else if (auto conv = dyn_cast<ConvOp>(op))
        widen(rewriter, conv);
    });
  }

  template <typename Product>
  static void widen(IRRewriter &rewriter, Product op) {
    auto type = cast<RankedTensorType>(op.getType());
    if (!type.getElementType().isF16() && !type.getElementType().isBF16())
      return;
    bool narrow = multipliesNarrow(op, type.getElementType());
    rewriter.modifyOpInPlace(op, [&] {
      op.setF32Result(narrow);
      op.getResult().setType(type.clone(rewriter.getF32Type()));
    });
    rewriter.setInsertionPointAfter(op);
    auto rounded = CastOp::create(rewriter, op.getLoc(), type, op.getResult());
    rewriter.replaceAllUsesExcept(op.getResult(), rounded, rounded);
    if (!narrow)
      widenOperands(rewriter, op);
  }

  /// Has the target micro-kernels that multiply elements of `type` as they are
  /// and sum them in f32? Those of short sums are for who asks for them: a sum
  /// may be beyond the range of f16 where the result is not.
  static bool multipliesNarrow(Operation *op, Type type) {
    TargetAttr target = TargetAttr::lookup(op);
    return !target || isDevice(TargetInfo(target)) ||
           multipliesInMatrices(target, type.isF16() ? "f16" : "bf16");
  }

  /// Constants are widened here, of any size: each run would pay for it else.
  static Value widenOperand(IRRewriter &rewriter, Value value) {
    auto type = cast<RankedTensorType>(value.getType());
    auto widened = CastOp::create(rewriter, value.getLoc(),
                                  type.clone(rewriter.getF32Type()), value);
    std::optional<ConstantTensor> constant = getConstantTensor(value), result;
    if (constant)
      result = evaluateOp(widened, std::move(*constant));
    if (!result)
      return widened;
    Value folded = arith::ConstantOp::create(
        rewriter, value.getLoc(),
        cast<TypedAttr>(std::move(*result).toAttr("widened")));
    rewriter.eraseOp(widened);
    return folded;
  }

  static void widenOperands(IRRewriter &rewriter, MatmulOp op) {
    rewriter.setInsertionPoint(op);
    Value lhs = widenOperand(rewriter, op.getLhs());
    // Vectors of the right side serve many rows, and are loaded at half the
    // cost; converting them is one instruction, where there is one.
    Type narrow = getElementTypeOrSelf(op.getRhs());
    bool isCheap = narrow.isBF16() || convertsHalves(TargetAttr::lookup(op));
    Value rhs = isCheap ? op.getRhs() : widenOperand(rewriter, op.getRhs());
    rewriter.modifyOpInPlace(op, [&] {
      op.getLhsMutable().set(lhs);
      op.getRhsMutable().set(rhs);
    });
  }

  static void widenOperands(IRRewriter &rewriter, ConvOp op) {
    rewriter.setInsertionPoint(op);
    Value input = widenOperand(rewriter, op.getInput()),
          filter = widenOperand(rewriter, op.getFilter());
    rewriter.modifyOpInPlace(op, [&] {
      op.getInputMutable().set(input);
      op.getFilterMutable().set(filter);
    });
  }
};
} // namespace

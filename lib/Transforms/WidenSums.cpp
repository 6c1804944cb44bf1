// Level in and out: graph. Products of 16-bit floats have results of f32, which
// a cast rounds once: micro-kernels sum in f32, and the cast becomes part of
// their epilogue.
#include "mopt/Dialect/Mopt/IR/Mopt.h"
#include "mopt/Transforms/Passes.h"

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
    rewriter.modifyOpInPlace(op, [&] {
      op.setF32Result(true);
      op.getResult().setType(type.clone(rewriter.getF32Type()));
    });
    rewriter.setInsertionPointAfter(op);
    auto rounded = CastOp::create(rewriter, op.getLoc(), type, op.getResult());
    rewriter.replaceAllUsesExcept(op.getResult(), rounded, rounded);
  }
};
} // namespace

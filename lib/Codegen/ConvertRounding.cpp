// Level in and out: buffer, anchors expanded. Rounding and conversion to an
// integer are one instruction on most machines; LLVM takes them for two.
#include "mopt/Codegen/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/PatternMatch.h"

using namespace mlir;

namespace mopt {
#define GEN_PASS_DEF_CONVERTROUNDING
#include "mopt/Codegen/Passes.h.inc"

namespace {
struct ConvertRounding : impl::ConvertRoundingBase<ConvertRounding> {
  void runOnOperation() override {
    IRRewriter rewriter(&getContext());
    getOperation()->walk([&](arith::FPToSIOp op) {
      auto round = op.getIn().getDefiningOp<math::RoundEvenOp>();
      if (!round || !getElementTypeOrSelf(round.getType()).isF32() ||
          !getElementTypeOrSelf(op.getType()).isInteger(32))
        return;
      rewriter.setInsertionPoint(op);
      rewriter.replaceOpWithNewOp<LLVM::LrintOp>(op, op.getType(),
                                                 round.getOperand());
      if (round->use_empty())
        rewriter.eraseOp(round);
    });
  }
};
} // namespace
} // namespace mopt

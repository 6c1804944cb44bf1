// Level in and out: buffer, without linalg. What converts between bf16 and f32
// works on the bits; only loads, stores and moves of bf16 are left. Where
// --precision=bf16 asks for them, one instruction rounds instead of nine.
#include "mopt/Codegen/Passes.h"
#include "mopt/Target/MicroKernels.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Transforms/Passes.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

using namespace mlir;

namespace mopt {
#define GEN_PASS_DEF_EXPANDBRAINFLOATS
#include "mopt/Codegen/Passes.h.inc"
} // namespace mopt

using namespace mopt;

namespace {
struct ExpandBrainFloats
    : mopt::impl::ExpandBrainFloatsBase<ExpandBrainFloats> {
  using ExpandBrainFloatsBase::ExpandBrainFloatsBase;

  void runOnOperation() override {
    TargetAttr target = TargetAttr::lookup(getOperation());
    if (instructions && target && roundsToBrainFloats(target))
      getOperation()->walk([](arith::TruncFOp op) {
        // Of loops over scalars LLVM makes vectors of four, where it takes the
        // instruction for a costly one.
        if (!isa<VectorType>(op.getType()) ||
            !getElementTypeOrSelf(op.getType()).isBF16() ||
            !getElementTypeOrSelf(op.getIn().getType()).isF32())
          return;
        OpBuilder b(op);
        op.replaceAllUsesWith(
            LLVM::FPTruncOp::create(b, op.getLoc(), op.getType(), op.getIn())
                .getResult());
        op.erase();
      });
    RewritePatternSet patterns(&getContext());
    arith::populateExpandBFloat16Patterns(patterns);
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};
} // namespace

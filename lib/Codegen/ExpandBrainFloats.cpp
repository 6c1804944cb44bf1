// Level in and out: buffer, without linalg. What converts between bf16 and f32
// works on the bits; only loads, stores and moves of bf16 are left.
#include "mopt/Codegen/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Transforms/Passes.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
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
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    arith::populateExpandBFloat16Patterns(patterns);
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};
} // namespace

// Level in and out: buffer, behind the conversion of linalg to loops. Loops of
// few iterations and little in them, such as over the window of a pooling, are
// written out, so that LLVM vectorizes the loop around them. LLVM's own
// unrolling is off: of long loops it makes code, not speed.
#include "mopt/Codegen/Passes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/SCF/Utils/Utils.h"

using namespace mlir;

namespace mopt {
#define GEN_PASS_DEF_UNROLLLOOPS
#include "mopt/Codegen/Passes.h.inc"
} // namespace mopt

using namespace mopt;

static constexpr int64_t kMaxIterations = 16;
static constexpr int64_t kMaxOperations = 512;

/// How many operations the body of an innermost loop has; none if there are
/// regions in it.
static std::optional<int64_t> countOperations(scf::ForOp loop) {
  int64_t count = 0;
  for (Operation &op : loop.getBody()->without_terminator()) {
    if (op.getNumRegions() != 0)
      return std::nullopt;
    count += !op.hasTrait<OpTrait::ConstantLike>();
  }
  return count;
}

namespace {
struct UnrollLoops : mopt::impl::UnrollLoopsBase<UnrollLoops> {
  void runOnOperation() override {
    // Inner ones first: what they leave may be innermost then.
    SmallVector<scf::ForOp> loops;
    getOperation()->walk<WalkOrder::PostOrder>(
        [&](scf::ForOp loop) { loops.push_back(loop); });
    for (scf::ForOp loop : loops) {
      // A loop around which there is none has nothing that it keeps from being
      // vectorized.
      if (!loop->getParentOfType<scf::ForOp>())
        continue;
      std::optional<llvm::APInt> iterations = loop.getStaticTripCount();
      if (!iterations || iterations->ugt(kMaxIterations))
        continue;
      std::optional<int64_t> operations = countOperations(loop);
      if (operations &&
          *operations * iterations->getSExtValue() <= kMaxOperations)
        (void)loopUnrollFull(loop);
    }
  }
};
} // namespace

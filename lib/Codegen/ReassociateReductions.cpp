// Level in and out: structured. Sums and products of floats over an axis may
// be taken in any order: LLVM then keeps a vector of partial ones. The order
// follows from the shape alone, so results stay the same from run to run.
// Of +0 and -0 any may be the extreme: telling them apart takes x86 as many
// instructions again.
#include "mopt/Codegen/Passes.h"
#include "mopt/Support/SumOrder.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"

using namespace mlir;

namespace mopt {
#define GEN_PASS_DEF_REASSOCIATEREDUCTIONS
#include "mopt/Codegen/Passes.h.inc"
} // namespace mopt

using namespace mopt;

namespace {
struct ReassociateReductions
    : mopt::impl::ReassociateReductionsBase<ReassociateReductions> {
  void runOnOperation() override {
    getOperation()->walk([](linalg::GenericOp op) {
      if (op.getNumReductionLoops() == 0 || op->hasAttr(kInOrderAttr))
        return;
      for (BlockArgument total : op.getRegionOutputArgs()) {
        if (!total.hasOneUse())
          continue;
        auto combiner =
            dyn_cast<arith::ArithFastMathInterface>(*total.user_begin());
        if (!combiner || !isa<linalg::YieldOp>(*combiner->user_begin()))
          continue;
        arith::FastMathFlags flags = combiner.getFastMathFlagsAttr().getValue();
        if (isa<arith::AddFOp, arith::MulFOp>(combiner))
          flags = flags | arith::FastMathFlags::reassoc;
        else if (isa<arith::MaximumFOp, arith::MinimumFOp>(combiner))
          flags = flags | arith::FastMathFlags::nsz;
        else
          continue;
        combiner->setAttr(
            combiner.getFastMathAttrName(),
            arith::FastMathFlagsAttr::get(op.getContext(), flags));
      }
    });
  }
};
} // namespace

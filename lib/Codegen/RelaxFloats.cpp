// Level in and out: buffer, before functions are approximated, whose algorithms
// do not allow it. Every operation on floats may ignore NaN and the sign of
// zero, and be fused with the one that uses its result.
#include "mopt/Codegen/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;

namespace mopt {
#define GEN_PASS_DEF_RELAXFLOATS
#include "mopt/Codegen/Passes.h.inc"
} // namespace mopt

using namespace mopt;

namespace {
struct RelaxFloats : mopt::impl::RelaxFloatsBase<RelaxFloats> {
  void runOnOperation() override {
    using arith::FastMathFlags;
    getOperation()->walk([](arith::ArithFastMathInterface op) {
      // Conversions may have none.
      arith::FastMathFlagsAttr given = op.getFastMathFlagsAttr();
      FastMathFlags flags = (given ? given.getValue() : FastMathFlags::none) |
                            FastMathFlags::nnan | FastMathFlags::nsz |
                            FastMathFlags::contract | FastMathFlags::arcp;
      op->setAttr(op.getFastMathAttrName(),
                  arith::FastMathFlagsAttr::get(op.getContext(), flags));
    });
  }
};
} // namespace

// Fused regions.
#include "mopt/Dialect/Mopt/IR/Mopt.h"

using namespace mlir;
using namespace mopt;

LogicalResult FusedOp::verify() {
  auto yield = dyn_cast<YieldOp>(getBody().front().getTerminator());
  if (!yield || yield.getOperandTypes() != getResultTypes())
    return emitOpError("expected a region that yields its result types");
  if (getBody().front().getNumArguments() != 0)
    return emitOpError("expected a region without arguments");
  return success();
}

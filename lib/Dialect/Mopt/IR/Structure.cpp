// Fused regions and parallel calls.
#include "mopt/Dialect/Mopt/IR/Mopt.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

using namespace mlir;
using namespace mopt;

LogicalResult FusedOp::verify() {
  auto yield = dyn_cast<YieldOp>(getBody().front().getTerminator());
  if (!yield || yield.getOperandTypes() != getResultTypes())
    return emitOpError("expected a region that yields its result types");
  if (getBody().front().getNumArguments() != 0)
    return emitOpError("expected a region without arguments");
  int64_t dynamic = 0;
  for (Type type : getResultTypes())
    dynamic += cast<RankedTensorType>(type).getNumDynamicDims();
  if (dynamic != static_cast<int64_t>(getSizes().size()))
    return emitOpError("expected ")
           << dynamic << " sizes, found " << getSizes().size();
  return success();
}

LogicalResult
ParallelCallOp::verifySymbolUses(SymbolTableCollection &symbolTable) {
  auto callee = symbolTable.lookupNearestSymbolFrom<func::FuncOp>(
      *this, getCalleeAttr());
  // Once lowered, the callee is a function of another dialect.
  if (!callee)
    return success();
  SmallVector<Type> expected(getArguments().getTypes());
  expected.append(2, IndexType::get(getContext()));
  if (callee.getArgumentTypes() != ArrayRef(expected))
    return emitOpError("expected the operands, begin and end as arguments of ")
           << getCalleeAttr() << ", found " << callee.getFunctionType();
  return success();
}

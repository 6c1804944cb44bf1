// The words that kernels are named with, for profiles, reports and people.
#include "mopt/Transforms/KernelNames.h"

#include "mopt/Dialect/Mopt/IR/Mopt.h"

using namespace mlir;
using namespace mopt;

bool mopt::isNamedInKernel(Operation *op) {
  return isa_and_nonnull<MoptDialect>(op->getDialect()) && !isa<YieldOp>(op);
}

std::string mopt::getKernelOpName(Operation *op) {
  if (auto unary = dyn_cast<UnaryOp>(op))
    return stringifyUnaryKind(unary.getKind()).str();
  if (auto binary = dyn_cast<BinaryOp>(op))
    return stringifyBinaryKind(binary.getKind()).str();
  if (auto reduce = dyn_cast<ReduceOp>(op))
    return ("reduce_" + stringifyReduceKind(reduce.getKind())).str();
  return op->getName().stripDialect().str();
}

// Handlers of transposes and concatenations.
#include "mopt/Conversion/ONNXToMopt/HandlerRegistry.h"
#include "mopt/Conversion/ONNXToMopt/OpBinder.h"

using namespace mlir;
using namespace mopt;

static LogicalResult convertTranspose(OpBinder &op) {
  Value x = op.getTensor(0);
  if (!x)
    return failure();
  int64_t rank = OpBinder::getRank(x);
  SmallVector<int64_t> reversed =
      llvm::to_vector(llvm::reverse(llvm::seq<int64_t>(0, rank)));
  FailureOr<SmallVector<int64_t>> permutation = op.normalizeAxes(
      op.getInts("perm").value_or(reversed), rank, /*sort=*/false);
  if (failed(permutation))
    return failure();
  if (static_cast<int64_t>(permutation->size()) != rank)
    return op.emitError() << "expected " << rank << " values in 'perm', found "
                          << permutation->size();
  return op.replace(op.transpose(x, *permutation));
}

static LogicalResult convertConcat(OpBinder &op) {
  FailureOr<SmallVector<Value>> inputs = op.getTensors();
  if (failed(inputs))
    return failure();
  if (inputs->empty())
    return op.emitError() << "expected at least one input";
  FailureOr<int64_t> axis = op.normalizeAxis(
      op.getInt("axis", 1), OpBinder::getRank(inputs->front()));
  if (failed(axis))
    return failure();
  return op.replace(op.concat(*inputs, *axis));
}

void mopt::populateDataMovementHandlers(HandlerRegistry &registry) {
  registry.add("Concat", 4, convertConcat);
  registry.add("Transpose", 1, convertTranspose);
}

// Handlers of NegativeLogLikelihoodLoss and SoftmaxCrossEntropyLoss.
#include "mopt/Conversion/ONNXToMopt/HandlerRegistry.h"
#include "mopt/Conversion/ONNXToMopt/OpBinder.h"

using namespace mlir;
using namespace mopt;

/// -weight[target] * logProbability[target], reduced. Null if an error was
/// emitted.
static Value buildLoss(OpBinder &op, Value logProbability, Value target,
                       Value weight) {
  int64_t rank = OpBinder::getRank(logProbability);
  if (rank < 2 || OpBinder::getRank(target) != rank - 1) {
    op.emitError()
        << "expected class scores of at least 2 dimensions and targets "
           "of one less, found "
        << logProbability.getType() << " and " << target.getType();
    return {};
  }
  Type element = OpBinder::getElementType(logProbability);
  Value isIgnored;
  if (op.hasAttr("ignore_index")) {
    Value ignored = op.scalar(OpBinder::getElementType(target),
                              op.getInt("ignore_index", 0));
    isIgnored = op.compare(CompareKind::eq, target, ignored);
    target = op.select(isIgnored,
                       op.scalar(OpBinder::getElementType(target), 0), target);
  }
  Value picked =
      op.squeeze(GatherElementsOp::create(op.b, op.loc, logProbability,
                                          op.unsqueeze(target, {1}), 1),
                 {1});
  Value loss = op.unary(UnaryKind::neg, picked);
  Value zero = op.scalar(element, 0), weights;
  if (weight)
    weights = GatherOp::create(op.b, op.loc, weight, target, 0);
  if (isIgnored) {
    if (!weights)
      weights = op.scalar(element, 1);
    weights = op.select(isIgnored, zero, weights);
    // What is ignored may be infinite.
    loss = op.select(isIgnored, zero, loss);
  }
  if (weights)
    loss = op.binary(BinaryKind::mul, loss, weights);
  StringRef reduction = op.getString("reduction", "mean");
  if (reduction == "none")
    return loss;
  if (reduction != "mean" && reduction != "sum") {
    op.emitError() << "expected reduction 'none', 'sum' or 'mean', found '"
                   << reduction << "'";
    return {};
  }
  SmallVector<int64_t> axes = llvm::to_vector(llvm::seq<int64_t>(0, rank - 1));
  if (reduction == "mean" && !weights)
    return op.squeeze(op.mean(loss, axes), axes);
  Value sum = op.reduce(ReduceKind::sum, loss, axes, /*keepDims=*/false);
  if (reduction == "mean")
    sum = op.binary(
        BinaryKind::div, sum,
        op.reduce(ReduceKind::sum, weights, axes, /*keepDims=*/false));
  return sum;
}

template <bool hasSoftmax> static LogicalResult convertLoss(OpBinder &op) {
  Value x = op.getTensor(0), target = op.getTensor(1), weight;
  if (!x || !target)
    return failure();
  if (op.getOperand(2)) {
    weight = op.getTensor(2);
    if (!weight)
      return failure();
  }
  if (!hasSoftmax)
    return op.replace(buildLoss(op, x, target, weight));
  if (OpBinder::getRank(x) < 2)
    return op.emitError() << "expected scores of at least 2 dimensions, found "
                          << x.getType();
  Value logProbability = SoftmaxOp::create(op.b, op.loc, x, 1, /*log=*/true);
  return op.replace(
      {buildLoss(op, logProbability, target, weight), logProbability});
}

void mopt::populateLossHandlers(HandlerRegistry &registry) {
  registry.add("NegativeLogLikelihoodLoss", 12, convertLoss<false>);
  registry.add("SoftmaxCrossEntropyLoss", 12, convertLoss<true>);
}

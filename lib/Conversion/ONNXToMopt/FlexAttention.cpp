// Handler of FlexAttention: attention whose scores and weights pass through
// subgraphs.
#include "mopt/Conversion/ONNXToMopt/HandlerRegistry.h"
#include "mopt/Conversion/ONNXToMopt/HeadGroups.h"
#include "mopt/Conversion/ONNXToMopt/OpBinder.h"

#include <cmath>

using namespace mlir;
using namespace mopt;

/// `x` through the subgraph `name`, if the node has one.
static FailureOr<Value> modify(OpBinder &op, StringRef name, Value x) {
  Region *region = op.getRegion(name);
  if (!region)
    return x;
  Block &body = region->front();
  if (body.getNumArguments() != 1 || body.getTerminator()->getNumOperands() != 1)
    return op.emitError() << "expected '" << name
                          << "' to have one input and one output";
  op.state.values.map(body.getArgument(0), x);
  FailureOr<SmallVector<Value>> results = op.state.convertBlock(body);
  if (failed(results))
    return failure();
  Value y = results->front();
  if (y.getType() != x.getType())
    return op.emitError() << "expected '" << name << "' to give "
                          << x.getType() << ", found " << y.getType();
  return y;
}

static LogicalResult convertFlexAttention(OpBinder &op) {
  Value query = op.getTensor(0), key = op.getTensor(1), value = op.getTensor(2);
  if (!query || !key || !value)
    return failure();
  Type element = OpBinder::getElementType(query);
  Type compute = op.getTypeAttr(
      "softmax_precision",
      element.isF64() ? element : Type(op.b.getF32Type()));
  if (!compute)
    return failure();
  FailureOr<HeadGroups> heads = HeadGroups::bind(op, query, key);
  if (failed(heads))
    return failure();
  int64_t size = OpBinder::getType(query).getDimSize(3);
  if (!op.hasAttr("scale") && ShapedType::isDynamic(size))
    return op.emitError() << "a dynamic head size is not supported without "
                             "'scale'";
  double scale = op.hasAttr("scale") ? op.getFloat("scale", 1)
                                     : 1 / std::sqrt(static_cast<double>(size));
  Value scores =
      heads->getScores(op.cast(query, compute), op.cast(key, compute));
  scores = op.binary(BinaryKind::mul, scores, scale);
  if (!scores)
    return failure();
  FailureOr<Value> modified = modify(op, "score_mod", scores);
  if (failed(modified))
    return failure();
  Value weights =
      SoftmaxOp::create(op.b, op.loc, *modified, 3, /*log=*/false);
  modified = modify(op, "prob_mod", weights);
  if (failed(modified))
    return failure();
  return op.replace(
      op.cast(heads->getSums(*modified, op.cast(value, compute)), element));
}

void mopt::populateFlexAttentionHandlers(HandlerRegistry &registry) {
  registry.add("ai.onnx.preview", "FlexAttention", 1, convertFlexAttention);
}

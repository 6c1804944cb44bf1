// Handlers of poolings.
#include "mopt/Conversion/ONNXToMopt/HandlerRegistry.h"
#include "mopt/Conversion/ONNXToMopt/OpBinder.h"
#include "mopt/Conversion/ONNXToMopt/Windows.h"

#include <limits>

using namespace mlir;
using namespace mopt;

static LogicalResult convertMaxPool(OpBinder &op) {
  Value x = op.getTensor(0);
  if (!x)
    return failure();
  Value input = x;
  FailureOr<Windows> windows = Windows::bind(
      op, x, {}, -std::numeric_limits<double>::infinity());
  if (failed(windows))
    return failure();
  Value indices;
  if (op.isResultUsed(1)) {
    if (x != input)
      return op.emitError() << "indices are not supported where run time "
                               "decides the padding";
    indices = PoolArgMaxOp::create(
        op.b, op.loc, x, windows->kernel, windows->strides, windows->dilations,
        windows->padsBegin, windows->padsEnd, windows->ceilMode,
        op.getInt("storage_order", 0) != 0);
  }
  return op.replace({windows->pool(op, PoolKind::max, x), indices});
}

static LogicalResult convertAveragePool(OpBinder &op) {
  Value x = op.getTensor(0);
  if (!x)
    return failure();
  Value input = x;
  FailureOr<Windows> windows = Windows::bind(op, x, {});
  if (failed(windows))
    return failure();
  bool includesPad = op.getInt("count_include_pad", 0) != 0;
  if (x != input && !includesPad) {
    // Padding that is an op of its own must not count: the mean of what is
    // there is the mean of all by the part that is there.
    Value ones = BroadcastOp::create(
        op.b, op.loc,
        op.scalar(OpBinder::getElementType(x), 1, OpBinder::getRank(x)),
        op.state.shapes.getDims(input));
    windows = Windows::bind(op, ones, {});
    if (failed(windows))
      return failure();
    return op.replace(op.binary(
        BinaryKind::div, windows->pool(op, PoolKind::avg_include_pad, x),
        windows->pool(op, PoolKind::avg_include_pad, ones)));
  }
  return op.replace(windows->pool(
      op, includesPad ? PoolKind::avg_include_pad : PoolKind::avg, x));
}

static SmallVector<int64_t> getSpatialAxes(Value x) {
  return llvm::to_vector(llvm::seq<int64_t>(2, OpBinder::getRank(x)));
}

static LogicalResult convertGlobalAveragePool(OpBinder &op) {
  Value x = op.getTensor(0);
  return x ? op.replace(op.mean(x, getSpatialAxes(x))) : failure();
}

static LogicalResult convertGlobalMaxPool(OpBinder &op) {
  Value x = op.getTensor(0);
  return x ? op.replace(op.reduce(ReduceKind::max, x, getSpatialAxes(x)))
           : failure();
}

void mopt::populatePoolingHandlers(HandlerRegistry &registry) {
  registry.add("AveragePool", 1, convertAveragePool);
  registry.add("GlobalAveragePool", 1, convertGlobalAveragePool);
  registry.add("GlobalMaxPool", 1, convertGlobalMaxPool);
  registry.add("MaxPool", 1, convertMaxPool);
}

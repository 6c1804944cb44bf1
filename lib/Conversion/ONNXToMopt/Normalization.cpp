// Handlers of normalizations and softmax.
#include "mopt/Conversion/ONNXToMopt/HandlerRegistry.h"
#include "mopt/Conversion/ONNXToMopt/OpBinder.h"

using namespace mlir;
using namespace mopt;

/// (x - mean) / sqrt(variance + epsilon) * scale + bias, in inference.
static LogicalResult convertBatchNormalization(OpBinder &op) {
  FailureOr<SmallVector<Value>> operands = op.getTensors();
  if (failed(operands))
    return failure();
  if (operands->size() != 5)
    return op.emitError() << "expected 5 inputs, found " << operands->size();
  if (op.getInt("training_mode", 0) != 0)
    return op.emitError() << "training mode is not supported";
  Value x = (*operands)[0];
  int64_t rank = OpBinder::getRank(x);
  Type type = OpBinder::getElementType(x);
  auto parameter = [&](unsigned i) { return op.cast((*operands)[i], type); };
  if (rank < 2)
    return op.emitError() << "expected an input of at least 2 dimensions, found "
                          << x.getType();
  Value deviation = op.unary(
      UnaryKind::sqrt,
      op.binary(BinaryKind::add, parameter(4), op.getFloat("epsilon", 1e-5f)));
  Value scale = op.binary(BinaryKind::div, parameter(1), deviation);
  Value shift = op.binary(BinaryKind::sub, parameter(2),
                          op.binary(BinaryKind::mul, parameter(3), scale));
  if (!scale || !shift)
    return failure();
  Value y = op.binary(BinaryKind::mul, x, op.alongAxis(scale, 1, rank));
  return op.replace(op.binary(BinaryKind::add, y, op.alongAxis(shift, 1, rank)));
}

template <bool isLog>
static LogicalResult convertSoftmax(OpBinder &op) {
  Value x = op.getTensor(0);
  if (!x)
    return failure();
  int64_t rank = OpBinder::getRank(x);
  bool isOld = op.getVersion() < 13;
  FailureOr<int64_t> axis = op.normalizeAxis(op.getInt("axis", isOld ? 1 : -1),
                                             std::max<int64_t>(rank, 1));
  if (failed(axis))
    return failure();
  auto softmax = [&](Value input, int64_t along) -> Value {
    return SoftmaxOp::create(op.b, op.loc, input, along, isLog);
  };
  if (rank == 0)
    return op.replace(op.squeeze(softmax(op.unsqueeze(x, {0}), 0), {0}));
  if (!isOld || *axis == rank - 1)
    return op.replace(softmax(x, *axis));
  // Before version 13 all dimensions from the axis on are taken together.
  SmallVector<OpFoldResult> sizes = op.state.shapes.getDims(x);
  SmallVector<OpFoldResult> flat(ArrayRef(sizes).take_front(*axis));
  flat.push_back(op.product(ArrayRef(sizes).drop_front(*axis)));
  return op.replace(op.reshape(softmax(op.reshape(x, flat), *axis), sizes));
}

static LogicalResult convertLayerNormalization(OpBinder &op) {
  Value x = op.getTensor(0), scale = op.getTensor(1);
  if (!x || !scale)
    return failure();
  FailureOr<int64_t> axis =
      op.normalizeAxis(op.getInt("axis", -1), OpBinder::getRank(x));
  if (failed(axis))
    return failure();
  Value y = NormalizeOp::create(op.b, op.loc, x, *axis,
                                llvm::APFloat(op.getFloat("epsilon", 1e-5f)),
                                /*rms=*/false);
  y = op.binary(BinaryKind::mul, y, scale);
  if (op.getOperand(2))
    y = op.binary(BinaryKind::add, y, op.getTensor(2));
  return op.replace(y);
}

void mopt::populateNormalizationHandlers(HandlerRegistry &registry) {
  registry.add("BatchNormalization", 7, convertBatchNormalization);
  registry.add("LayerNormalization", 17, convertLayerNormalization);
  registry.add("LogSoftmax", 1, convertSoftmax<true>);
  registry.add("Softmax", 1, convertSoftmax<false>);
}

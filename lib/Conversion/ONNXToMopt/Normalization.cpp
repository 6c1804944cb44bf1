// Handlers of normalizations and softmax.
#include "mopt/Conversion/ONNXToMopt/HandlerRegistry.h"
#include "mopt/Conversion/ONNXToMopt/OpBinder.h"

using namespace mlir;
using namespace mopt;

/// (x - mean) / sqrt(variance + epsilon) * scale + bias. In training mean and
/// variance are those of the batch, and move the running ones.
static LogicalResult convertBatchNormalization(OpBinder &op) {
  FailureOr<SmallVector<Value>> operands = op.getTensors();
  if (failed(operands))
    return failure();
  if (operands->size() != 5)
    return op.emitError() << "expected 5 inputs, found " << operands->size();
  Value x = (*operands)[0];
  int64_t rank = OpBinder::getRank(x);
  Type type = OpBinder::getElementType(x);
  auto parameter = [&](unsigned i) { return op.cast((*operands)[i], type); };
  if (rank < 1)
    return op.emitError() << "expected an input of at least 1 dimension";
  for (Value operand : ArrayRef(*operands).drop_front())
    if (OpBinder::getRank(operand) != 1)
      return op.emitError() << "expected parameters of 1 dimension, found "
                            << operand.getType();
  int64_t channel = rank > 1 ? 1 : 0;
  Value mean = parameter(3), variance = parameter(4);
  SmallVector<Value> results(1);
  if (op.getInt("training_mode", 0) != 0) {
    SmallVector<int64_t> axes;
    for (int64_t dim = 0; dim < rank; ++dim)
      if (dim != channel)
        axes.push_back(dim);
    Value ownMean = op.mean(x, axes);
    Value centered = op.binary(BinaryKind::sub, x, ownMean);
    Value ownVariance =
        op.mean(op.binary(BinaryKind::mul, centered, centered), axes);
    double momentum = op.getFloat("momentum", 0.9f);
    auto move = [&](Value running, Value own) {
      Value sum = op.binary(BinaryKind::add,
                            op.binary(BinaryKind::mul, running, momentum),
                            op.binary(BinaryKind::mul, own, 1 - momentum));
      return op.cast(sum, OpBinder::getElementType((*operands)[3]));
    };
    ownMean = op.squeeze(ownMean, axes);
    ownVariance = op.squeeze(ownVariance, axes);
    results.append({move(mean, ownMean), move(variance, ownVariance)});
    mean = ownMean;
    variance = ownVariance;
  }
  Value deviation =
      op.unary(UnaryKind::sqrt, op.binary(BinaryKind::add, variance,
                                          op.getFloat("epsilon", 1e-5f)));
  // ONNX Runtime's order, so that strict numerics have its bits: what is
  // quantized behind may lie between two steps.
  Value scale =
      op.binary(BinaryKind::mul, op.unary(UnaryKind::reciprocal, deviation),
                parameter(1));
  Value shift = op.binary(BinaryKind::sub, parameter(2),
                          op.binary(BinaryKind::mul, mean, scale));
  if (!scale || !shift)
    return failure();
  Value y = op.binary(BinaryKind::mul, x, op.alongAxis(scale, channel, rank));
  results[0] =
      op.binary(BinaryKind::add, y, op.alongAxis(shift, channel, rank));
  return op.replace(results);
}

template <bool isLog> static LogicalResult convertSoftmax(OpBinder &op) {
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

/// Layer and root mean square normalization from an axis on.
template <bool isRms>
static LogicalResult convertLayerNormalization(OpBinder &op) {
  Value x = op.getTensor(0), scale = op.getTensor(1);
  if (!x || !scale)
    return failure();
  FailureOr<int64_t> axis =
      op.normalizeAxis(op.getInt("axis", -1), OpBinder::getRank(x));
  if (failed(axis))
    return failure();
  double epsilon = op.getFloat("epsilon", 1e-5f);
  Value y = NormalizeOp::create(op.b, op.loc, x, *axis, llvm::APFloat(epsilon),
                                isRms);
  y = op.cast(y, OpBinder::getElementType(scale));
  SmallVector<Value> results{op.binary(BinaryKind::mul, y, scale)};
  if (!isRms && op.getOperand(2)) {
    Value bias = op.getTensor(2);
    if (!bias)
      return failure();
    results[0] = op.binary(BinaryKind::add, results[0], bias);
  }
  if (!isRms && (op.isResultUsed(1) || op.isResultUsed(2))) {
    Type stash = op.getTypeAttr("stash_type", op.b.getF32Type());
    if (!stash)
      return failure();
    SmallVector<int64_t> axes =
        llvm::to_vector(llvm::seq<int64_t>(*axis, OpBinder::getRank(x)));
    Value wide = op.cast(x, stash), mean = op.mean(wide, axes);
    Value centered = op.binary(BinaryKind::sub, wide, mean);
    Value variance =
        op.mean(op.binary(BinaryKind::mul, centered, centered), axes);
    results.push_back(mean);
    results.push_back(
        op.unary(UnaryKind::reciprocal,
                 op.unary(UnaryKind::sqrt,
                          op.binary(BinaryKind::add, variance, epsilon))));
  }
  return op.replace(results);
}

void mopt::populateNormalizationHandlers(HandlerRegistry &registry) {
  registry.add("BatchNormalization", 1, convertBatchNormalization);
  registry.add("LayerNormalization", 1, convertLayerNormalization<false>);
  registry.add("LogSoftmax", 1, convertSoftmax<true>);
  registry.add("RMSNormalization", 23, convertLayerNormalization<true>);
  // ONNX Runtime's names of the same, without and with its domain.
  registry.add("SimplifiedLayerNormalization", 1,
               convertLayerNormalization<true>);
  registry.add("com.microsoft", "SimplifiedLayerNormalization", 1,
               convertLayerNormalization<true>);
  registry.add("Softmax", 1, convertSoftmax<false>);
}

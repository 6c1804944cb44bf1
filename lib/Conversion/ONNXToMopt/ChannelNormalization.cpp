// Handlers of normalizations over channels and groups of them, and of Lp norms.
#include "mopt/Conversion/ONNXToMopt/HandlerRegistry.h"
#include "mopt/Conversion/ONNXToMopt/OpBinder.h"
#include "mopt/Conversion/ONNXToMopt/Windows.h"

using namespace mlir;
using namespace mopt;

static Value normalize(OpBinder &op, Value x, int64_t axis) {
  return NormalizeOp::create(op.b, op.loc, x, axis,
                             llvm::APFloat(op.getFloat("epsilon", 1e-5f)),
                             /*rms=*/false);
}

/// x * scale + bias, both along dimension 1.
static Value scaleChannels(OpBinder &op, Value x, Value scale, Value bias) {
  int64_t rank = OpBinder::getRank(x);
  Value y = op.binary(BinaryKind::mul, x, op.alongAxis(scale, 1, rank));
  return op.binary(BinaryKind::add, y, op.alongAxis(bias, 1, rank));
}

/// Operands x, scale and bias; x has at least `rank` dimensions.
static FailureOr<SmallVector<Value>> bindScaled(OpBinder &op, int64_t rank) {
  FailureOr<SmallVector<Value>> operands = op.getTensors();
  if (failed(operands))
    return failure();
  if (operands->size() != 3)
    return op.emitError() << "expected 3 inputs, found " << operands->size();
  if (OpBinder::getRank(operands->front()) < rank)
    return op.emitError() << "expected an input of at least " << rank
                          << " dimensions, found "
                          << operands->front().getType();
  for (Value parameter : ArrayRef(*operands).drop_front())
    if (OpBinder::getRank(parameter) != 1)
      return op.emitError()
             << "expected a scale and bias of 1 dimension, found "
             << parameter.getType();
  return operands;
}

static LogicalResult convertInstanceNormalization(OpBinder &op) {
  FailureOr<SmallVector<Value>> x = bindScaled(op, 3);
  if (failed(x))
    return failure();
  return op.replace(
      scaleChannels(op, normalize(op, (*x)[0], 2), (*x)[1], (*x)[2]));
}

/// Channels are taken in groups. Scale and bias are per group before version
/// 21, per channel since.
static LogicalResult convertGroupNormalization(OpBinder &op) {
  FailureOr<SmallVector<Value>> operands = bindScaled(op, 3);
  if (failed(operands))
    return failure();
  auto [x, scale, bias] =
      std::tuple((*operands)[0], (*operands)[1], (*operands)[2]);
  SmallVector<OpFoldResult> sizes = op.state.shapes.getDims(x), grouped = sizes;
  int64_t groups = op.getInt("num_groups", 0);
  std::optional<int64_t> channels = getConstantIntValue(sizes[1]);
  if (!channels)
    return op.emitError() << "groups of a dynamic number of channels are not "
                             "supported, found "
                          << x.getType();
  if (groups < 1 || *channels % groups != 0)
    return op.emitError() << "expected 'num_groups' to divide the " << *channels
                          << " channels, found " << groups;
  grouped[1] = op.b.getIndexAttr(groups);
  grouped.insert(grouped.begin() + 2, op.b.getIndexAttr(*channels / groups));
  // Computed in f32 up to the bias, as 'stash_type' tells by default.
  Type element = OpBinder::getElementType(x);
  Type wide =
      element.getIntOrFloatBitWidth() < 32 ? op.b.getF32Type() : element;
  Value y = normalize(op, op.cast(op.reshape(x, grouped), wide), 2);
  scale = op.cast(scale, wide);
  bias = op.cast(bias, wide);
  if (op.getVersion() < 21)
    y = op.reshape(scaleChannels(op, y, scale, bias), sizes);
  else
    y = scaleChannels(op, op.reshape(y, sizes), scale, bias);
  return op.replace(op.cast(y, element));
}

static LogicalResult convertMeanVarianceNormalization(OpBinder &op) {
  Value x = op.getTensor(0);
  if (!x)
    return failure();
  FailureOr<SmallVector<int64_t>> axes = op.normalizeAxes(
      op.getInts("axes").value_or(SmallVector<int64_t>{0, 2, 3}),
      OpBinder::getRank(x));
  if (failed(axes))
    return failure();
  Value centered = op.binary(BinaryKind::sub, x, op.mean(x, *axes));
  Value variance =
      op.mean(op.binary(BinaryKind::mul, centered, centered), *axes);
  Value deviation =
      op.binary(BinaryKind::add, op.unary(UnaryKind::sqrt, variance), 1e-9);
  return op.replace(op.binary(BinaryKind::div, centered, deviation));
}

/// |x|^p, or its sums' p-th root.
static Value power(OpBinder &op, Value x, double p, bool isRoot) {
  if (p == 1)
    return isRoot ? x : op.unary(UnaryKind::abs, x);
  if (p == 2)
    return isRoot ? op.unary(UnaryKind::sqrt, x)
                  : op.binary(BinaryKind::mul, x, x);
  return op.binary(BinaryKind::pow, isRoot ? x : op.unary(UnaryKind::abs, x),
                   isRoot ? 1 / p : p);
}

/// The order of a norm: a float in version 1 of some operators.
static FailureOr<double> getOrder(OpBinder &op) {
  double p = op.getFloat("p", static_cast<double>(op.getInt("p", 2)));
  if (p <= 0)
    return op.emitError() << "expected 'p' above 0, found " << p;
  return p;
}

static LogicalResult convertLpNormalization(OpBinder &op) {
  Value x = op.getTensor(0);
  FailureOr<double> p = getOrder(op);
  if (!x || failed(p))
    return failure();
  FailureOr<int64_t> axis =
      op.normalizeAxis(op.getInt("axis", -1), OpBinder::getRank(x));
  if (failed(axis))
    return failure();
  Value norm = power(
      op, op.reduce(ReduceKind::sum, power(op, x, *p, false), *axis), *p, true);
  // Zeros stay zeros.
  Value zero = op.scalar(OpBinder::getElementType(x), 0);
  Value isZero = op.compare(CompareKind::eq, norm, zero);
  return op.replace(
      op.select(isZero, zero, op.binary(BinaryKind::div, x, norm)));
}

static LogicalResult convertLpPool(OpBinder &op) {
  Value x = op.getTensor(0);
  FailureOr<double> p = getOrder(op);
  if (!x || failed(p))
    return failure();
  FailureOr<Windows> windows = Windows::bind(op, x, {});
  if (failed(windows))
    return failure();
  Value sums = windows->pool(op, PoolKind::lp_sum, power(op, x, *p, false));
  return op.replace(power(op, sums, *p, true));
}

static LogicalResult convertGlobalLpPool(OpBinder &op) {
  Value x = op.getTensor(0);
  FailureOr<double> p = getOrder(op);
  if (!x || failed(p))
    return failure();
  SmallVector<int64_t> axes =
      llvm::to_vector(llvm::seq<int64_t>(2, OpBinder::getRank(x)));
  return op.replace(power(
      op, op.reduce(ReduceKind::sum, power(op, x, *p, false), axes), *p, true));
}

/// x / (bias + alpha / size * sum of the squares of nearby channels) ^ beta.
static LogicalResult convertLRN(OpBinder &op) {
  Value x = op.getTensor(0);
  if (!x)
    return failure();
  int64_t size = op.getInt("size", 0);
  if (size < 1 || OpBinder::getRank(x) < 2)
    return op.emitError() << "expected 'size' of at least 1 and an input of at "
                             "least 2 dimensions, found "
                          << size << " and " << x.getType();
  SmallVector<OpFoldResult> sizes = op.state.shapes.getDims(x);
  SmallVector<OpFoldResult> image{sizes[0], op.b.getIndexAttr(1), sizes[1],
                                  op.product(ArrayRef(sizes).drop_front(2))};
  Value squares = op.reshape(op.binary(BinaryKind::mul, x, x), image);
  Windows windows;
  windows.kernel = {size, 1};
  windows.strides = windows.dilations = {1, 1};
  windows.padsBegin = {(size - 1) / 2, 0};
  windows.padsEnd = {size / 2, 0};
  Value sums = op.reshape(windows.pool(op, PoolKind::lp_sum, squares), sizes);
  Value base =
      op.binary(BinaryKind::mul, sums, op.getFloat("alpha", 1e-4f) / size);
  base = op.binary(BinaryKind::add, base, op.getFloat("bias", 1));
  return op.replace(
      op.binary(BinaryKind::div, x,
                op.binary(BinaryKind::pow, base, op.getFloat("beta", 0.75))));
}

void mopt::populateChannelNormalizationHandlers(HandlerRegistry &registry) {
  registry.add("GlobalLpPool", 1, convertGlobalLpPool);
  registry.add("GroupNormalization", 18, convertGroupNormalization);
  registry.add("InstanceNormalization", 1, convertInstanceNormalization);
  registry.add("LpNormalization", 1, convertLpNormalization);
  registry.add("LpPool", 1, convertLpPool);
  registry.add("LRN", 1, convertLRN);
  registry.add("MeanVarianceNormalization", 9,
               convertMeanVarianceNormalization);
}

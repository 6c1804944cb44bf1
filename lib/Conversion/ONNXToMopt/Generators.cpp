// Handlers of operators whose result follows from positions: Range, EyeLike,
// OneHot, Trilu, Hardmax.
#include "mopt/Conversion/ONNXToMopt/HandlerRegistry.h"
#include "mopt/Conversion/ONNXToMopt/IndexMath.h"
#include "mopt/Conversion/ONNXToMopt/OpBinder.h"

#include "mlir/IR/Matchers.h"
#include <cmath>

using namespace mlir;
using namespace mopt;
using Index = OpFoldResult;

/// Positions along `axis` as i64 of shape `[1, .., size, .., 1]`.
static Value positions(OpBinder &op, Index size, int64_t axis, int64_t rank) {
  SmallVector<Index> sizes(rank, op.b.getIndexAttr(1));
  sizes[axis] = size;
  return IotaOp::create(op.b, op.loc, sizes, axis, op.b.getI64Type());
}

static bool isConstant(Value value) {
  return matchPattern(value, m_Constant());
}

/// Number of elements from `start` by `delta` before `limit`.
static FailureOr<Index> getRangeSize(OpBinder &op, Value start, Value limit,
                                     Value delta) {
  IndexMath math(op.b, op.loc);
  if (isa<IntegerType>(OpBinder::getElementType(start))) {
    auto element = [&](Value x) { return op.state.shapes.getElement(x, 0); };
    Index count = math.ceilDiv(math.sub(element(limit), element(start)),
                               element(delta));
    return math.max(count, math.constant(0));
  }
  if (isConstant(start) && isConstant(limit) && isConstant(delta)) {
    FailureOr<double> from = op.getConstantScalar(0), to = op.getConstantScalar(1),
                      by = op.getConstantScalar(2);
    if (failed(from) || failed(to) || failed(by))
      return failure();
    double count = std::ceil((*to - *from) / *by);
    if (!(count >= 0))
      count = 0;
    if (count > 1e15)
      return op.emitError() << "a range of " << count << " elements is too long";
    return math.constant(static_cast<int64_t>(count));
  }
  Value count = op.unary(
      UnaryKind::ceil,
      op.binary(BinaryKind::div, op.binary(BinaryKind::sub, limit, start), delta));
  if (!count)
    return failure();
  count = op.cast(count, op.b.getI64Type());
  return math.max(op.state.shapes.getElement(count, 0), math.constant(0));
}

static LogicalResult convertRange(OpBinder &op) {
  FailureOr<SmallVector<Value>> inputs = op.getTensors();
  if (failed(inputs))
    return failure();
  if (inputs->size() != 3)
    return op.emitError() << "expected 3 inputs, found " << inputs->size();
  Type type = OpBinder::getElementType(inputs->front());
  for (Value input : *inputs)
    if (!OpBinder::getType(input).hasStaticShape() ||
        OpBinder::getType(input).getNumElements() != 1 ||
        OpBinder::getElementType(input) != type)
      return op.emitError() << "expected numbers of type " << type << ", found "
                            << input.getType();
  Value start = (*inputs)[0], delta = (*inputs)[2];
  FailureOr<Index> size = getRangeSize(op, start, (*inputs)[1], delta);
  if (failed(size))
    return failure();
  Value position = IotaOp::create(op.b, op.loc, ArrayRef<Index>{*size}, 0, type);
  auto flat = [&](Value x) { return op.reshape(x, Index(op.b.getIndexAttr(1))); };
  Value offset = op.binary(BinaryKind::mul, position, flat(delta));
  return op.replace(op.binary(BinaryKind::add, offset, flat(start)));
}

static LogicalResult convertEyeLike(OpBinder &op) {
  Value x = op.getTensor(0);
  if (!x)
    return failure();
  Type type = op.hasAttr("dtype") ? op.getDataType(op.getInt("dtype", 0))
                                  : OpBinder::getElementType(x);
  if (!type)
    return failure();
  if (OpBinder::getRank(x) != 2)
    return op.emitError() << "expected a matrix, found " << x.getType();
  SmallVector<Index> sizes = op.state.shapes.getDims(x);
  Value row = positions(op, sizes[0], 0, 2);
  Value column = positions(op, sizes[1], 1, 2);
  Value diagonal = op.binary(BinaryKind::add, row, op.getInt("k", 0));
  return op.replace(
      op.cast(op.compare(CompareKind::eq, diagonal, column), type));
}

static LogicalResult convertOneHot(OpBinder &op) {
  Value indices = op.getTensor(0), depth = op.getTensor(1),
        values = op.getTensor(2);
  if (!indices || !depth || !values)
    return failure();
  Type i64 = op.b.getI64Type();
  RankedTensorType depthType = OpBinder::getType(depth);
  if (!depthType.hasStaticShape() || depthType.getNumElements() != 1)
    return op.emitError() << "expected a depth of one element, found "
                          << depthType;
  RankedTensorType valuesType = OpBinder::getType(values);
  if (valuesType.getRank() != 1 ||
      (!valuesType.isDynamicDim(0) && valuesType.getDimSize(0) != 2))
    return op.emitError() << "expected two values, found " << valuesType;
  int64_t rank = OpBinder::getRank(indices) + 1;
  FailureOr<int64_t> axis = op.normalizeAxis(op.getInt("axis", -1), rank);
  if (failed(axis))
    return failure();
  Index size;
  if (isConstant(depth)) {
    FailureOr<double> known = op.getConstantScalar(1);
    if (failed(known))
      return failure();
    size = op.b.getIndexAttr(static_cast<int64_t>(*known));
  } else {
    size = op.state.shapes.getElement(op.cast(depth, i64), 0);
  }
  IndexMath math(op.b, op.loc);
  size = math.max(size, math.constant(0));
  Value at = op.unsqueeze(op.cast(indices, i64), *axis);
  Value fromEnd = op.binary(BinaryKind::add, at, op.fromIndices(size));
  at = op.select(op.compare(CompareKind::lt, at, op.scalar(i64, 0)), fromEnd, at);
  Index one = math.constant(1);
  auto value = [&](int64_t i) -> Value {
    return SliceOp::create(op.b, op.loc, values, math.constant(i), one, one);
  };
  Value isHot = op.compare(CompareKind::eq, at, positions(op, size, *axis, rank));
  return op.replace(op.select(isHot, value(1), value(0)));
}

static LogicalResult convertTrilu(OpBinder &op) {
  Value x = op.getTensor(0);
  if (!x)
    return failure();
  int64_t rank = OpBinder::getRank(x);
  if (rank < 2)
    return op.emitError() << "expected matrices, found " << x.getType();
  Value row = positions(op, op.state.shapes.getDim(x, rank - 2), rank - 2, rank);
  Value column =
      positions(op, op.state.shapes.getDim(x, rank - 1), rank - 1, rank);
  if (op.getOperand(1)) {
    Value k = op.getTensor(1);
    if (!k)
      return failure();
    if (!OpBinder::getType(k).hasStaticShape() ||
        OpBinder::getType(k).getNumElements() != 1)
      return op.emitError() << "expected one diagonal, found " << k.getType();
    SmallVector<Index> ones(rank, op.b.getIndexAttr(1));
    row = op.binary(BinaryKind::add, row, op.reshape(k, ones));
  }
  bool isUpper = op.getInt("upper", 1) != 0;
  Value isKept =
      op.compare(isUpper ? CompareKind::ge : CompareKind::le, column, row);
  return op.replace(
      op.select(isKept, x, op.scalar(OpBinder::getElementType(x), 0)));
}

/// Before version 13 all dimensions from `axis` on are one.
static LogicalResult convertHardmax(OpBinder &op) {
  Value x = op.getTensor(0);
  if (!x)
    return failure();
  int64_t rank = OpBinder::getRank(x);
  bool flattens = op.getVersion() < 13;
  FailureOr<int64_t> axis =
      op.normalizeAxis(op.getInt("axis", flattens ? 1 : -1), rank);
  if (failed(axis))
    return failure();
  SmallVector<Index> sizes = op.state.shapes.getDims(x);
  Value flat = x;
  int64_t along = *axis;
  if (flattens) {
    flat = op.reshape(x, {op.product(ArrayRef(sizes).take_front(*axis)),
                          op.product(ArrayRef(sizes).drop_front(*axis))});
    along = 1;
  }
  Value most = ArgReduceOp::create(op.b, op.loc, ReduceKind::max, flat, along,
                                   /*select_last=*/false);
  Value position = positions(op, op.state.shapes.getDim(flat, along), along,
                             OpBinder::getRank(flat));
  Value y = op.cast(op.compare(CompareKind::eq, position, most),
                    OpBinder::getElementType(x));
  return op.replace(flattens ? op.reshape(y, sizes) : y);
}

void mopt::populateGeneratorHandlers(HandlerRegistry &registry) {
  registry.add("EyeLike", 9, convertEyeLike);
  registry.add("Hardmax", 1, convertHardmax);
  registry.add("OneHot", 9, convertOneHot);
  registry.add("Range", 11, convertRange);
  registry.add("Trilu", 14, convertTrilu);
}

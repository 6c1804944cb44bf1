// Handlers of QuantizeLinear, DequantizeLinear and DynamicQuantizeLinear.
#include "mopt/Conversion/ONNXToMopt/HandlerRegistry.h"
#include "mopt/Conversion/ONNXToMopt/OpBinder.h"
#include "mopt/Conversion/ONNXToMopt/Quantize.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/Matchers.h"

#include <cmath>

using namespace mlir;
using namespace mopt;

bool mopt::isZeroConstant(Value tensor) {
  Attribute attr;
  if (!matchPattern(tensor, m_Constant(&attr)))
    return false;
  auto elements = dyn_cast<DenseElementsAttr>(attr);
  if (!elements)
    return false;
  if (isa<IntegerType>(elements.getElementType()))
    return llvm::all_of(elements.getValues<APInt>(),
                        [](const APInt &value) { return value.isZero(); });
  return llvm::all_of(elements.getValues<APFloat>(),
                      [](const APFloat &value) { return value.isZero(); });
}

Value mopt::roundToElement(OpBinder &op, Value x, Value zeroPoint, Type element,
                           bool saturate) {
  auto integer = dyn_cast<IntegerType>(element);
  if (!integer)
    return op.cast(x, element, saturate);
  // Narrow floats cannot hold the sum.
  Type wide = op.b.getF32Type();
  if (OpBinder::getElementType(x).isF64())
    wide = op.b.getF64Type();
  Value y = op.cast(op.unary(UnaryKind::round, x), wide);
  if (zeroPoint && !isZeroConstant(zeroPoint))
    y = op.binary(BinaryKind::add, y, op.cast(zeroPoint, wide));
  unsigned bits = integer.getWidth() - !integer.isUnsigned();
  double high = std::exp2(bits) - 1, low = integer.isUnsigned() ? 0 : -high - 1;
  y = op.binary(BinaryKind::max, y, low);
  return op.cast(op.binary(BinaryKind::min, y, high), element);
}

Value mopt::spreadParameter(OpBinder &op, Value parameter, Value x,
                            int64_t axis, int64_t blockSize) {
  if (!parameter)
    return {};
  RankedTensorType type = OpBinder::getType(parameter);
  int64_t rank = OpBinder::getRank(x);
  // There is no axis that several could lie along.
  if (type.getRank() == 1 && (axis < -rank || axis >= rank)) {
    parameter = op.withSize(parameter, 0, 1);
    type = OpBinder::getType(parameter);
  }
  if (type.hasStaticShape() && type.getNumElements() == 1)
    return op.reshape(parameter,
                      SmallVector<OpFoldResult>(rank, op.b.getIndexAttr(1)));
  FailureOr<int64_t> normal = op.normalizeAxis(axis, rank);
  if (failed(normal))
    return {};
  if (blockSize == 0) {
    if (type.getRank() != 1) {
      op.emitError() << "expected one scale and zero point, or one for each "
                        "position along an axis, found "
                     << type;
      return {};
    }
    return op.alongAxis(parameter, *normal, rank);
  }
  if (type.getRank() != rank) {
    op.emitError() << "expected scales of " << rank << " dimensions, found "
                   << type;
    return {};
  }
  // [.., blocks, ..] to [.., blocks, blockSize, ..] to [.., size, ..].
  SmallVector<OpFoldResult> sizes = op.state.shapes.getDims(parameter);
  OpFoldResult blocks = sizes[*normal],
               size = op.state.shapes.getDim(x, *normal);
  Value y = op.unsqueeze(parameter, {*normal + 1});
  SmallVector<OpFoldResult> spread(sizes);
  spread.insert(spread.begin() + *normal + 1, op.b.getIndexAttr(blockSize));
  y = BroadcastOp::create(op.b, op.loc, y, spread);
  sizes[*normal] = op.product({blocks, op.b.getIndexAttr(blockSize)});
  std::optional<int64_t> have = getConstantIntValue(sizes[*normal]),
                         want = getConstantIntValue(size);
  y = op.reshape(y, sizes);
  if (have && want && *have < *want) {
    op.emitError() << "expected blocks for " << *want << " positions, found "
                   << *have;
    return {};
  }
  if (have && want && *have == *want)
    return y;
  // The last block may be partial.
  SmallVector<OpFoldResult> offsets(rank, op.b.getIndexAttr(0)),
      strides(rank, op.b.getIndexAttr(1));
  sizes[*normal] = size;
  return SliceOp::create(op.b, op.loc, y, offsets, sizes, strides);
}

static LogicalResult convertQuantizeLinear(OpBinder &op) {
  Value x = op.getTensor(0), scale = op.getTensor(1), zeroPoint;
  if (!x || !scale)
    return failure();
  if (op.getOperand(2)) {
    zeroPoint = op.getTensor(2);
    if (!zeroPoint)
      return failure();
  }
  Type element = op.getTypeAttr(
      "output_dtype", zeroPoint ? OpBinder::getElementType(zeroPoint)
                                : Type(op.b.getIntegerType(8, false)));
  Type precision = op.getTypeAttr("precision", OpBinder::getElementType(scale));
  if (!element || !precision)
    return failure();
  if (zeroPoint && OpBinder::getElementType(zeroPoint) != element)
    return op.emitError() << "expected a zero point of " << element
                          << ", found " << zeroPoint.getType();
  if (!isa<FloatType>(precision))
    return op.emitError() << "expected a scale of floats, found "
                          << scale.getType();
  int64_t axis = op.getInt("axis", 1), block = op.getInt("block_size", 0);
  scale = spreadParameter(op, scale, x, axis, block);
  if (!scale)
    return failure();
  if (zeroPoint) {
    zeroPoint = spreadParameter(op, zeroPoint, x, axis, block);
    if (!zeroPoint)
      return failure();
  }
  Value y = op.binary(BinaryKind::div, op.cast(x, precision),
                      op.cast(scale, precision));
  if (!y)
    return failure();
  return op.replace(
      roundToElement(op, y, zeroPoint, element, op.getInt("saturate", 1) != 0));
}

static LogicalResult convertDequantizeLinear(OpBinder &op) {
  Value x = op.getTensor(0), scale = op.getTensor(1), zeroPoint;
  if (!x || !scale)
    return failure();
  int64_t axis = op.getInt("axis", 1), block = op.getInt("block_size", 0);
  Type element =
      op.getTypeAttr("output_dtype", OpBinder::getElementType(scale));
  if (!element)
    return failure();
  if (!isa<FloatType>(element))
    return op.emitError() << "expected a scale of floats, found "
                          << scale.getType();
  scale = spreadParameter(op, scale, x, axis, block);
  if (!scale)
    return failure();
  bool isInteger = isa<IntegerType>(OpBinder::getElementType(x));
  Type wide = isInteger ? Type(op.b.getI32Type()) : Type(op.b.getF32Type());
  Value difference = op.cast(x, wide);
  if (op.getOperand(2)) {
    zeroPoint = op.getTensor(2);
    if (!zeroPoint)
      return failure();
    if (!isZeroConstant(zeroPoint)) {
      zeroPoint = spreadParameter(op, zeroPoint, x, axis, block);
      difference =
          op.binary(BinaryKind::sub, difference, op.cast(zeroPoint, wide));
    }
  }
  Type compute =
      element.getIntOrFloatBitWidth() < 32 ? op.b.getF32Type() : element;
  Value y = op.binary(BinaryKind::mul, op.cast(difference, compute),
                      op.cast(scale, compute));
  return op.replace(op.cast(y, element));
}

/// To unsigned bytes, with a scale and zero point that fit the values.
static LogicalResult convertDynamicQuantizeLinear(OpBinder &op) {
  Value x = op.getTensor(0);
  if (!x)
    return failure();
  SmallVector<int64_t> axes =
      llvm::to_vector(llvm::seq<int64_t>(0, OpBinder::getRank(x)));
  Type element = OpBinder::getElementType(x);
  Type ui8 = op.b.getIntegerType(8, false);
  // The range holds 0, so that 0 is exact.
  auto limit = [&](ReduceKind reduce, BinaryKind kind) {
    return op.binary(kind, op.reduce(reduce, x, axes, /*keepDims=*/false), 0.0);
  };
  Value low = limit(ReduceKind::min, BinaryKind::min);
  Value high = limit(ReduceKind::max, BinaryKind::max);
  Value scale =
      op.binary(BinaryKind::div, op.binary(BinaryKind::sub, high, low), 255);
  // Of zeros only, any scale will do.
  Value isEmpty = op.compare(CompareKind::eq, scale, op.scalar(element, 0));
  Value divisor = op.select(isEmpty, op.scalar(element, 1), scale);
  Value zeroPoint = roundToElement(
      op, op.binary(BinaryKind::div, op.unary(UnaryKind::neg, low), divisor),
      {}, ui8);
  Value y = roundToElement(op, op.binary(BinaryKind::div, x, divisor),
                           zeroPoint, ui8);
  return op.replace({y, scale, zeroPoint});
}

void mopt::populateQuantizationHandlers(HandlerRegistry &registry) {
  registry.add("DequantizeLinear", 10, convertDequantizeLinear);
  registry.add("DynamicQuantizeLinear", 11, convertDynamicQuantizeLinear);
  registry.add("QuantizeLinear", 10, convertQuantizeLinear);
}

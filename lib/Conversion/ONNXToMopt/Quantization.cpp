// Handlers of QuantizeLinear, DequantizeLinear and DynamicQuantizeLinear.
#include "mopt/Conversion/ONNXToMopt/HandlerRegistry.h"
#include "mopt/Conversion/ONNXToMopt/OpBinder.h"
#include "mopt/Conversion/ONNXToMopt/Quantize.h"

#include "mopt/Dialect/Mopt/IR/QuantizationParameters.h"
#include "mopt/Dialect/Mopt/IR/ShapeInference.h"

#include "mlir/IR/Matchers.h"

#include <cmath>

using namespace mlir;
using namespace mopt;

bool mopt::isZeroConstant(Value tensor) {
  ElementsAttr elements;
  if (!matchPattern(tensor, m_Constant(&elements)))
    return false;
  if (auto splat = dyn_cast<SplatElementsAttr>(elements))
    return matchPattern(tensor, m_Zero()) ||
           matchPattern(tensor, m_AnyZeroFloat());
  std::optional<ConstantTensor> bytes = ConstantTensor::fromAttr(elements);
  if (!bytes)
    return false;
  // The bytes of zero, of whatever type; -0 is no zero point.
  return llvm::all_of(bytes->getBytes(), [](char byte) { return byte == 0; });
}

LogicalResult mopt::verifyScale(OpBinder &op, Value scale, StringRef name,
                                bool divides) {
  if (!isa<FloatType>(OpBinder::getElementType(scale)))
    return op.emitError() << "expected floats as the " << name << ", found "
                          << scale.getType();
  std::optional<ConstantTensor> constant = getConstantTensor(scale);
  if (!constant)
    return success();
  for (int64_t i = 0, count = constant->getNumElements(); i < count; ++i) {
    double number = constant->getFloat(i);
    if (!std::isfinite(number))
      return op.emitError() << "expected a finite " << name
                            << ", found one that is infinite or not a number";
    if (divides && number == 0)
      return op.emitError()
             << "expected a " << name << " to divide by, found 0";
  }
  return success();
}

LogicalResult mopt::verifyZeroPoint(OpBinder &op, Value zeroPoint,
                                    Type element) {
  if (!zeroPoint)
    return success();
  if (OpBinder::getElementType(zeroPoint) != element)
    return op.emitError() << "expected a zero point of " << element
                          << ", found " << OpBinder::getElementType(zeroPoint);
  // What ONNX has zero points of 0 for only; -0 is one.
  std::optional<ConstantTensor> constant = getConstantTensor(zeroPoint);
  if (isa<FloatType>(element) && constant)
    for (int64_t i = 0, count = constant->getNumElements(); i < count; ++i)
      if (constant->getFloat(i) != 0)
        return op.emitError() << "expected a zero point of 0 for elements of "
                              << element << ", found " << constant->getFloat(i);
  return success();
}

bool mopt::hasOneElement(Value tensor) {
  RankedTensorType type = OpBinder::getType(tensor);
  return type.hasStaticShape() && type.getNumElements() == 1;
}

Value mopt::getOneElement(OpBinder &op, unsigned i, StringRef name) {
  Value x = op.getTensor(i);
  if (x && OpBinder::getRank(x) == 1)
    x = op.withSize(x, 0, 1);
  if (!x || hasOneElement(x))
    return x;
  op.emitError() << "expected one " << name << ", found " << x.getType();
  return {};
}

Value mopt::getOneScale(OpBinder &op, unsigned i, StringRef name,
                        bool divides) {
  Value scale = getOneElement(op, i, name);
  return scale && succeeded(verifyScale(op, scale, name, divides)) ? scale
                                                                   : Value();
}

FailureOr<Value> mopt::getOneZeroPoint(OpBinder &op, unsigned i, Type element) {
  if (!op.getOperand(i))
    return Value();
  Value zero = getOneElement(op, i, "zero point");
  if (!zero || failed(verifyZeroPoint(op, zero, element)))
    return failure();
  return zero;
}

Value mopt::roundToElement(OpBinder &op, Value x, Value zeroPoint, Type element,
                           bool saturate) {
  if (!x || !isa<IntegerType>(element))
    return op.cast(x, element, saturate);
  int64_t rank = OpBinder::getRank(x);
  Value one = op.scalar(OpBinder::getElementType(x), 1, rank);
  if (zeroPoint)
    zeroPoint =
        op.unsqueeze(zeroPoint, llvm::to_vector(llvm::seq<int64_t>(
                                    0, rank - OpBinder::getRank(zeroPoint))));
  return quantize(op, x, one, zeroPoint, element, saturate);
}

Value mopt::quantize(OpBinder &op, Value x, Value scale, Value zeroPoint,
                     Type element, bool saturate) {
  if (!x || !scale)
    return {};
  if (zeroPoint && isZeroConstant(zeroPoint))
    zeroPoint = {};
  return QuantizeOp::create(op.b, op.loc, OpBinder::getType(x).clone(element),
                            x, scale, zeroPoint, saturate);
}

/// `parameter`, of one element or one for each position along an axis, with the
/// rank of `x`. Null with an error emitted if it does not fit.
static Value spreadAlongAxis(OpBinder &op, Value parameter, Value x,
                             int64_t axis) {
  RankedTensorType type = OpBinder::getType(parameter);
  int64_t rank = OpBinder::getRank(x);
  // There is no axis that several could lie along.
  if (type.getRank() == 1 && (axis < -rank || axis >= rank)) {
    parameter = op.withSize(parameter, 0, 1);
    type = OpBinder::getType(parameter);
  }
  if (hasOneElement(parameter))
    return op.reshape(parameter,
                      SmallVector<OpFoldResult>(rank, op.b.getIndexAttr(1)));
  FailureOr<int64_t> normal = op.normalizeAxis(axis, rank);
  if (failed(normal))
    return {};
  if (type.getRank() != 1) {
    op.emitError() << "expected one scale and zero point, or one for each "
                      "position along an axis, found "
                   << type;
    return {};
  }
  int64_t have = type.getDimSize(0),
          want = OpBinder::getType(x).getDimSize(*normal);
  if (ShapedType::isStatic(have) && ShapedType::isStatic(want) &&
      have != want) {
    op.emitError() << "expected a scale and zero point for each of " << want
                   << " positions along axis " << *normal << ", found " << have;
    return {};
  }
  op.requireSize(op.state.shapes.getDim(parameter, 0),
                 op.state.shapes.getDim(x, *normal), /*orOne=*/true);
  return op.alongAxis(parameter, *normal, rank);
}

/// Gives scale and zero point (or null) the rank of `x`; a run in which sizes
/// that are not known don't fit fails.
static LogicalResult spreadParameters(OpBinder &op, Value &x, Value &scale,
                                      Value &zeroPoint, int64_t axis) {
  SmallVector<Value> all{x};
  for (Value parameter : {scale, zeroPoint})
    if (parameter) {
      all.push_back(spreadAlongAxis(op, parameter, x, axis));
      if (!all.back())
        return failure();
    }
  if (failed(op.broadcast(all)))
    return failure();
  x = all[0], scale = all[1], zeroPoint = zeroPoint ? all[2] : Value();
  return success();
}

Value mopt::dequantize(OpBinder &op, Value x, Value scale, Value zeroPoint,
                       int64_t axis) {
  if (zeroPoint && isZeroConstant(zeroPoint))
    zeroPoint = {};
  if (failed(spreadParameters(op, x, scale, zeroPoint, axis)))
    return {};
  RankedTensorType type =
      OpBinder::getType(x).clone(OpBinder::getElementType(scale));
  return DequantizeOp::create(op.b, op.loc, type, x, scale, zeroPoint);
}

/// Scales of blocks, `[.., blocks, ..]`, with the sizes of `x`.
static Value spreadBlocks(OpBinder &op, Value parameter, Value x, int64_t axis,
                          int64_t blockSize) {
  // [.., blocks, ..] to [.., blocks, blockSize, ..] to [.., size, ..].
  SmallVector<OpFoldResult> sizes = op.state.shapes.getDims(parameter);
  OpFoldResult blocks = sizes[axis], size = op.state.shapes.getDim(x, axis);
  AffineExpr count = op.b.getAffineDimExpr(0).ceilDiv(blockSize);
  for (int64_t dim = 0, rank = sizes.size(); dim < rank; ++dim)
    op.requireSize(sizes[dim],
                   dim == axis ? applyAffine(op.b, op.loc, count, {size})
                               : op.state.shapes.getDim(x, dim),
                   /*orOne=*/dim != axis);
  Value y = op.unsqueeze(parameter, {axis + 1});
  SmallVector<OpFoldResult> spread(sizes);
  spread.insert(spread.begin() + axis + 1, op.b.getIndexAttr(blockSize));
  y = BroadcastOp::create(op.b, op.loc, y, spread);
  sizes[axis] = op.product({blocks, op.b.getIndexAttr(blockSize)});
  std::optional<int64_t> have = getConstantIntValue(sizes[axis]),
                         want = getConstantIntValue(size);
  y = op.reshape(y, sizes);
  if (have && want && *have == *want)
    return y;
  // The last block may be partial.
  SmallVector<OpFoldResult> offsets(sizes.size(), op.b.getIndexAttr(0)),
      strides(sizes.size(), op.b.getIndexAttr(1));
  sizes[axis] = size;
  return SliceOp::create(op.b, op.loc, y, offsets, sizes, strides);
}

namespace {
/// What QuantizeLinear and DequantizeLinear have in common: `x` with the scale
/// and zero point (or null) that stand for it.
struct Scaled {
  /// `divides` says what the scale is for.
  static FailureOr<Scaled> bind(OpBinder &op, bool divides);
  /// A result with the shape of the operator's input.
  Value restore(OpBinder &op, Value y) const {
    return y && !shape.empty() ? op.reshape(y, shape) : y;
  }

  Value x, scale;
  /// Null if it is 0.
  Value zeroPoint;
  /// What the zero point consists of, null if there is none.
  Type zeroElement;
  /// Of the input, where `x` has blocks as a dimension of their own.
  SmallVector<OpFoldResult> shape;
};
} // namespace

FailureOr<Scaled> Scaled::bind(OpBinder &op, bool divides) {
  Scaled s;
  s.x = op.getTensor(0);
  s.scale = op.getTensor(1);
  if (!s.x || !s.scale)
    return failure();
  if (op.getOperand(2)) {
    s.zeroPoint = op.getTensor(2);
    if (!s.zeroPoint)
      return failure();
    s.zeroElement = OpBinder::getElementType(s.zeroPoint);
  }
  if (failed(verifyScale(op, s.scale, "scale", divides)))
    return failure();
  int64_t axis = op.getInt("axis", 1), block = op.getInt("block_size", 0);
  bool hasBlocks = block != 0 && !hasOneElement(s.scale);
  if (s.zeroPoint && (hasBlocks || !hasOneElement(s.zeroPoint)) &&
      failed(verifyCompatibleShape(s.scale.getType(), s.zeroPoint.getType())))
    return op.emitError() << "expected a zero point for each scale, found "
                          << s.zeroPoint.getType() << " and "
                          << s.scale.getType();
  if (s.zeroPoint && isZeroConstant(s.zeroPoint))
    s.zeroPoint = {};
  int64_t rank = OpBinder::getRank(s.x);
  Value *parameters[] = {&s.scale, &s.zeroPoint};
  if (!hasBlocks) {
    if (failed(spreadParameters(op, s.x, s.scale, s.zeroPoint, axis)))
      return failure();
    return s;
  }
  FailureOr<int64_t> normal = op.normalizeAxis(axis, rank);
  if (failed(normal))
    return failure();
  if (block < 0 || OpBinder::getRank(s.scale) != rank)
    return op.emitError() << "expected scales of " << rank
                          << " dimensions for blocks, found "
                          << s.scale.getType() << " for blocks of " << block;
  std::optional<int64_t> size =
      getConstantIntValue(op.state.shapes.getDim(s.x, *normal));
  int64_t blocks = OpBinder::getType(s.scale).getDimSize(*normal);
  if (size && ShapedType::isStatic(blocks) &&
      blocks != static_cast<int64_t>(llvm::divideCeil(*size, block)))
    return op.emitError() << "expected scales for "
                          << llvm::divideCeil(*size, block) << " blocks of "
                          << block << " along axis " << *normal << ", found "
                          << blocks;
  if (!size || ShapedType::isDynamic(blocks) || *size != blocks * block) {
    for (Value *parameter : parameters)
      if (*parameter &&
          !(*parameter = spreadBlocks(op, *parameter, s.x, *normal, block)))
        return failure();
    return s;
  }
  // Whole blocks: [.., blocks, block, ..] with scales [.., blocks, 1, ..].
  s.shape = op.state.shapes.getDims(s.x);
  SmallVector<OpFoldResult> split(s.shape);
  split[*normal] = op.b.getIndexAttr(blocks);
  split.insert(split.begin() + *normal + 1, op.b.getIndexAttr(block));
  s.x = op.reshape(s.x, split);
  for (Value *parameter : parameters)
    if (*parameter)
      *parameter = op.unsqueeze(*parameter, {*normal + 1});
  return s;
}

static LogicalResult convertQuantizeLinear(OpBinder &op) {
  FailureOr<Scaled> scaled = Scaled::bind(op, /*divides=*/true);
  if (failed(scaled))
    return failure();
  Type zeroElement = scaled->zeroElement;
  Type element = op.getTypeAttr(
      "output_dtype",
      zeroElement ? zeroElement : Type(op.b.getIntegerType(8, false)));
  Type precision =
      op.getTypeAttr("precision", OpBinder::getElementType(scaled->scale));
  if (!element || !precision)
    return failure();
  if (failed(verifyZeroPoint(op, op.getOperand(2), element)))
    return failure();
  Value x = scaled->x;
  // The scale's type is the precision of the division.
  if (!isa<FloatType>(OpBinder::getElementType(x)))
    x = op.cast(x, precision);
  return op.replace(scaled->restore(
      op, quantize(op, x, op.cast(scaled->scale, precision), scaled->zeroPoint,
                   element, op.getInt("saturate", 1) != 0)));
}

static LogicalResult convertDequantizeLinear(OpBinder &op) {
  FailureOr<Scaled> scaled = Scaled::bind(op, /*divides=*/false);
  if (failed(scaled))
    return failure();
  Type element =
      op.getTypeAttr("output_dtype", OpBinder::getElementType(scaled->scale));
  if (!element)
    return failure();
  if (!isa<FloatType>(element))
    return op.emitError() << "expected floats as output, found " << element;
  if (failed(verifyZeroPoint(op, op.getOperand(2),
                             OpBinder::getElementType(scaled->x))))
    return failure();
  RankedTensorType type = OpBinder::getType(scaled->x).clone(element);
  return op.replace(scaled->restore(
      op, DequantizeOp::create(op.b, op.loc, type, scaled->x, scaled->scale,
                               scaled->zeroPoint)));
}

DynamicallyQuantized mopt::quantizeDynamically(OpBinder &op, Value x) {
  int64_t rank = OpBinder::getRank(x);
  Type element = OpBinder::getElementType(x);
  Type ui8 = op.b.getIntegerType(8, false);
  // The range holds 0, so that 0 is exact. Rows first, which threads share.
  auto limit = [&](ReduceKind reduce, BinaryKind kind) {
    Value most = x;
    if (rank > 1)
      most = op.reduce(reduce, most, {rank - 1}, /*keepDims=*/false);
    SmallVector<int64_t> axes =
        llvm::to_vector(llvm::seq<int64_t>(0, OpBinder::getRank(most)));
    most = op.reduce(reduce, most, axes, /*keepDims=*/false);
    return op.binary(kind, most, 0.0);
  };
  Value low = limit(ReduceKind::min, BinaryKind::min);
  Value high = limit(ReduceKind::max, BinaryKind::max);
  Value scale =
      op.binary(BinaryKind::div, op.binary(BinaryKind::sub, high, low), 255);
  // Of zeros only, any scale will do but 0; ONNX Runtime has this one.
  Value isEmpty = op.compare(CompareKind::eq, scale, op.scalar(element, 0));
  scale = op.select(isEmpty, op.scalar(element, 1), scale);
  Value zeroPoint = roundToElement(
      op, op.binary(BinaryKind::div, op.unary(UnaryKind::neg, low), scale), {},
      ui8);
  SmallVector<OpFoldResult> ones(OpBinder::getRank(x), op.b.getIndexAttr(1));
  Value y = quantize(op, x, op.reshape(scale, ones),
                     op.reshape(zeroPoint, ones), ui8);
  return {y, scale, zeroPoint};
}

static LogicalResult convertDynamicQuantizeLinear(OpBinder &op) {
  Value x = op.getTensor(0);
  if (!x)
    return failure();
  DynamicallyQuantized y = quantizeDynamically(op, x);
  return op.replace({y.values, y.scale, y.zeroPoint});
}

void mopt::populateQuantizationHandlers(HandlerRegistry &registry) {
  registry.add("DequantizeLinear", 10, convertDequantizeLinear);
  registry.add("DynamicQuantizeLinear", 11, convertDynamicQuantizeLinear);
  registry.add("QuantizeLinear", 10, convertQuantizeLinear);
  // As ONNX's, with 16 bits before opset 21 had them.
  StringRef domain = "com.microsoft";
  registry.add(domain, "DequantizeLinear", 1, convertDequantizeLinear);
  registry.add(domain, "QuantizeLinear", 1, convertQuantizeLinear);
}

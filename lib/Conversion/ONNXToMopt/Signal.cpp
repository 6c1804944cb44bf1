// Handlers of DFT, STFT and MelWeightMatrix.
#include "mopt/Conversion/ONNXToMopt/FourierTransform.h"
#include "mopt/Conversion/ONNXToMopt/HandlerRegistry.h"
#include "mopt/Conversion/ONNXToMopt/IndexMath.h"
#include "mopt/Conversion/ONNXToMopt/OpBinder.h"

#include <cmath>

using namespace mlir;
using namespace mopt;

/// Position `i` of the last dimension, which is dropped.
static Value takeLast(OpBinder &op, Value x, int64_t i) {
  SmallVector<OpFoldResult> sizes = op.state.shapes.getDims(x);
  SmallVector<OpFoldResult> offsets(sizes.size(), op.b.getIndexAttr(0)),
      strides(sizes.size(), op.b.getIndexAttr(1));
  int64_t last = sizes.size() - 1;
  offsets[last] = op.b.getIndexAttr(i);
  sizes[last] = op.b.getIndexAttr(1);
  return op.squeeze(SliceOp::create(op.b, op.loc, x, offsets, sizes, strides),
                    {last});
}

/// Real and imaginary parts, which lie along the last dimension.
static FailureOr<ComplexValue> splitComplex(OpBinder &op, Value x) {
  RankedTensorType type = OpBinder::getType(x);
  int64_t parts = type.getRank() > 0 ? type.getShape().back() : 0;
  if (ShapedType::isDynamic(parts))
    return op.emitError() << "numbers of an unknown count of parts are not "
                             "supported, found "
                          << type;
  if (!isa<FloatType>(type.getElementType()) || (parts != 1 && parts != 2))
    return op.emitError() << "expected floats with a last dimension of 1 or 2, "
                             "found "
                          << type;
  ComplexValue result{takeLast(op, x, 0), {}};
  if (parts == 2)
    result.imaginary = takeLast(op, x, 1);
  return result;
}

static Value joinComplex(OpBinder &op, ComplexValue x) {
  int64_t rank = OpBinder::getRank(x.real);
  Value real = op.unsqueeze(x.real, {rank});
  if (!x.imaginary)
    return real;
  return ConcatOp::create(
      op.b, op.loc, ValueRange{real, op.unsqueeze(x.imaginary, {rank})}, rank);
}

/// The only element of operand `i` as an index.
static FailureOr<OpFoldResult> getIndex(OpBinder &op, unsigned i) {
  FailureOr<SmallVector<OpFoldResult>> elements = op.getIndexOperand(i);
  if (failed(elements))
    return failure();
  if (elements->size() != 1)
    return op.emitError() << "expected one element as input " << i << ", found "
                          << elements->size();
  return elements->front();
}

static LogicalResult convertDFT(OpBinder &op) {
  Value x = op.getTensor(0);
  if (!x)
    return failure();
  int64_t rank = OpBinder::getRank(x), axis = op.getInt("axis", 1);
  if (op.getVersion() >= 20) {
    axis = -2;
    if (op.getOperand(2)) {
      FailureOr<SmallVector<int64_t>> stated = op.getConstantInts(2);
      if (failed(stated))
        return failure();
      if (stated->size() != 1)
        return op.emitError() << "expected one axis, found " << stated->size();
      axis = stated->front();
    }
  }
  FailureOr<int64_t> normal = op.normalizeAxis(axis, rank);
  FailureOr<ComplexValue> parts = splitComplex(op, x);
  if (failed(normal) || failed(parts))
    return failure();
  if (*normal == rank - 1)
    return op.emitError()
           << "expected an axis before the last dimension, found " << axis;
  FourierTransform t;
  t.isInverse = op.getInt("inverse", 0) != 0;
  t.isOneSided = op.getInt("onesided", 0) != 0;
  IndexMath math(op.b, op.loc);
  OpFoldResult size = op.state.shapes.getDim(x, *normal);
  t.length = t.isInverse && t.isOneSided
                 ? math.mul(math.sub(size, math.constant(1)), math.constant(2))
                 : size;
  if (op.getOperand(1)) {
    FailureOr<OpFoldResult> length = getIndex(op, 1);
    if (failed(length))
      return failure();
    t.length = *length;
  }
  // The axis goes last, all other dimensions become rows.
  SmallVector<int64_t> permutation, inverse(rank - 1);
  for (int64_t dim = 0; dim < rank - 1; ++dim)
    if (dim != *normal)
      permutation.push_back(dim);
  permutation.push_back(*normal);
  for (auto [i, dim] : llvm::enumerate(permutation))
    inverse[dim] = i;
  SmallVector<OpFoldResult> sizes;
  auto toRows = [&](Value value) -> Value {
    if (!value)
      return {};
    value = op.transpose(value, permutation);
    sizes = op.state.shapes.getDims(value);
    return op.reshape(value,
                      {op.product(ArrayRef(sizes).drop_back()), sizes.back()});
  };
  ComplexValue rows{toRows(parts->real), toRows(parts->imaginary)};
  ComplexValue y = transformRows(op, rows, t);
  auto fromRows = [&](Value value) -> Value {
    if (!value)
      return {};
    sizes.back() = op.state.shapes.getDim(value, 1);
    return op.transpose(op.reshape(value, sizes), inverse);
  };
  y.imaginary = fromRows(y.imaginary);
  y.real = fromRows(y.real);
  return op.replace(joinComplex(op, y));
}

/// Transforms of windows of the signal, `[batch, frames, frequencies, 2]`.
static LogicalResult convertSTFT(OpBinder &op) {
  Value x = op.getTensor(0), window;
  FailureOr<OpFoldResult> step = getIndex(op, 1);
  if (!x || failed(step))
    return failure();
  if (OpBinder::getRank(x) == 2)
    x = op.unsqueeze(x, {2});
  if (OpBinder::getRank(x) != 3)
    return op.emitError() << "expected a signal of 3 dimensions, found "
                          << x.getType();
  if (op.getOperand(2)) {
    window = op.getTensor(2);
    if (!window)
      return failure();
  }
  FourierTransform t;
  t.isOneSided = op.getInt("onesided", 1) != 0;
  if (op.getOperand(3)) {
    FailureOr<OpFoldResult> length = getIndex(op, 3);
    if (failed(length))
      return failure();
    t.length = *length;
  } else if (window) {
    t.length = op.state.shapes.getDim(window, 0);
  } else {
    return op.emitError() << "expected a window or a frame length";
  }
  FailureOr<ComplexValue> parts = splitComplex(op, x);
  if (failed(parts))
    return failure();
  IndexMath math(op.b, op.loc);
  OpFoldResult one = op.b.getIndexAttr(1), batch = op.state.shapes.getDim(x, 0);
  OpFoldResult frames = math.max(
      math.add(math.floorDiv(math.sub(op.state.shapes.getDim(x, 1), t.length),
                             *step),
               one),
      math.constant(0));
  // Positions of the elements of each frame.
  Type i64 = op.b.getI64Type();
  Value first =
      IotaOp::create(op.b, op.loc, ArrayRef<OpFoldResult>{frames, one}, 0, i64);
  first = op.binary(BinaryKind::mul, first,
                    op.unsqueeze(op.fromIndices(*step), {0}));
  Value tap = IotaOp::create(op.b, op.loc,
                             ArrayRef<OpFoldResult>{one, t.length}, 1, i64);
  Value positions = op.binary(BinaryKind::add, first, tap);
  auto toRows = [&](Value value) -> Value {
    if (!value)
      return {};
    Value rows = GatherOp::create(op.b, op.loc, value, positions, 1);
    if (window)
      rows = op.binary(BinaryKind::mul, rows, window);
    return op.reshape(rows, {math.mul(batch, frames), t.length});
  };
  ComplexValue y =
      transformRows(op, {toRows(parts->real), toRows(parts->imaginary)}, t);
  auto fromRows = [&](Value value) {
    return op.reshape(value, {batch, frames, op.state.shapes.getDim(value, 1)});
  };
  y.imaginary = fromRows(y.imaginary);
  y.real = fromRows(y.real);
  return op.replace(joinComplex(op, y));
}

/// Triangles over the frequencies, one for each of the mel bands.
static LogicalResult convertMelWeightMatrix(OpBinder &op) {
  FailureOr<OpFoldResult> bands = getIndex(op, 0), length = getIndex(op, 1);
  Value rate = op.getTensor(2), low = op.getTensor(3), high = op.getTensor(4);
  Type element = op.getTypeAttr("output_datatype", op.b.getF32Type());
  if (failed(bands) || failed(length) || !rate || !low || !high || !element)
    return failure();
  Type f64 = op.b.getF64Type();
  IndexMath math(op.b, op.loc);
  OpFoldResult one = op.b.getIndexAttr(1);
  auto number = [&](Value x) {
    return op.cast(op.reshape(x, {one, one}), f64);
  };
  auto count = [&](OpFoldResult x) {
    return op.cast(op.unsqueeze(op.fromIndices(x), {0}), f64);
  };
  auto toMel = [&](Value hertz) {
    Value y = op.binary(BinaryKind::div, hertz, 700.0);
    y = op.unary(UnaryKind::log, op.binary(BinaryKind::add, y, 1.0));
    return op.binary(BinaryKind::mul, y, 2595 / std::log(10.0));
  };
  Value lowest = toMel(number(low)), highest = toMel(number(high));
  OpFoldResult edges = math.add(*bands, math.constant(2));
  Value step =
      op.binary(BinaryKind::div, op.binary(BinaryKind::sub, highest, lowest),
                count(edges));
  // Edges of the triangles, as whole frequencies: `[1, bands + 2]`.
  Value edge =
      IotaOp::create(op.b, op.loc, ArrayRef<OpFoldResult>{one, edges}, 1, f64);
  edge = op.binary(BinaryKind::add, op.binary(BinaryKind::mul, edge, step),
                   lowest);
  edge = op.unary(UnaryKind::exp,
                  op.binary(BinaryKind::mul, edge, std::log(10.0) / 2595));
  edge =
      op.binary(BinaryKind::mul, op.binary(BinaryKind::sub, edge, 1.0), 700.0);
  edge = op.binary(BinaryKind::mul, edge, count(math.add(*length, one)));
  edge = op.unary(UnaryKind::floor,
                  op.binary(BinaryKind::div, edge, number(rate)));
  auto edgesFrom = [&](int64_t first) -> Value {
    return SliceOp::create(
        op.b, op.loc, edge,
        ArrayRef<OpFoldResult>{op.b.getIndexAttr(0), op.b.getIndexAttr(first)},
        ArrayRef<OpFoldResult>{one, *bands}, ArrayRef<OpFoldResult>{one, one});
  };
  Value lower = edgesFrom(0), center = edgesFrom(1), upper = edgesFrom(2);
  OpFoldResult bins = math.add(math.floorDiv(*length, math.constant(2)), one);
  Value bin =
      IotaOp::create(op.b, op.loc, ArrayRef<OpFoldResult>{bins, one}, 0, f64);
  Value zero = op.scalar(f64, 0), unit = op.scalar(f64, 1);
  auto both = [&](Value x, Value y) {
    return op.binary(BinaryKind::and_, x, y);
  };
  Value width = op.binary(BinaryKind::sub, center, lower);
  Value isRising = both(op.compare(CompareKind::ge, bin, lower),
                        op.compare(CompareKind::le, bin, center));
  // A triangle without a rising side begins with its top.
  Value rising =
      op.select(op.compare(CompareKind::eq, width, zero), unit,
                op.binary(BinaryKind::div,
                          op.binary(BinaryKind::sub, bin, lower), width));
  Value falling =
      op.binary(BinaryKind::div, op.binary(BinaryKind::sub, upper, bin),
                op.binary(BinaryKind::sub, upper, center));
  Value isFalling = both(op.compare(CompareKind::ge, bin, center),
                         op.compare(CompareKind::lt, bin, upper));
  Value y = op.select(isFalling, falling, op.select(isRising, rising, zero));
  return op.replace(op.cast(y, element));
}

void mopt::populateSignalHandlers(HandlerRegistry &registry) {
  registry.add("DFT", 17, convertDFT);
  registry.add("MelWeightMatrix", 17, convertMelWeightMatrix);
  registry.add("STFT", 17, convertSTFT);
}

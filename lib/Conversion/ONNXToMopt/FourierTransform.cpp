// Fourier transforms of rows as products with matrices of cosines and sines,
// computed where the model runs if their sizes are dynamic.
#include "mopt/Conversion/ONNXToMopt/FourierTransform.h"
#include "mopt/Conversion/ONNXToMopt/IndexMath.h"

#include <cmath>

using namespace mlir;
using namespace mopt;

/// Cosine and sine of 2 pi i k / length, `[rows, columns]`.
static std::pair<Value, Value> buildWaves(OpBinder &op, OpFoldResult rows,
                                          OpFoldResult columns,
                                          OpFoldResult length, Type element) {
  OpFoldResult one = op.b.getIndexAttr(1);
  Type i64 = op.b.getI64Type();
  Value row =
      IotaOp::create(op.b, op.loc, ArrayRef<OpFoldResult>{rows, one}, 0, i64);
  Value column = IotaOp::create(op.b, op.loc,
                                ArrayRef<OpFoldResult>{one, columns}, 1, i64);
  // Whole turns are taken off while the numbers are exact.
  Value count = op.unsqueeze(op.fromIndices(length), {0});
  Value turn = op.binary(BinaryKind::mod,
                         op.binary(BinaryKind::mul, row, column), count);
  Type wide = op.b.getF64Type();
  Value angle =
      op.binary(BinaryKind::div, op.cast(turn, wide), op.cast(count, wide));
  angle = op.binary(BinaryKind::mul, angle, 2 * M_PI);
  return {op.cast(op.unary(UnaryKind::cos, angle), element),
          op.cast(op.unary(UnaryKind::sin, angle), element)};
}

/// The first `count` columns of a matrix.
static Value takeColumns(OpBinder &op, Value x, OpFoldResult count) {
  if (!x || ShapeValues::areEqual(op.state.shapes.getDim(x, 1), count))
    return x;
  OpFoldResult zero = op.b.getIndexAttr(0), one = op.b.getIndexAttr(1);
  return SliceOp::create(
      op.b, op.loc, x, ArrayRef<OpFoldResult>{zero, zero},
      ArrayRef<OpFoldResult>{op.state.shapes.getDim(x, 0), count},
      ArrayRef<OpFoldResult>{one, one});
}

ComplexValue mopt::transformRows(OpBinder &op, ComplexValue x,
                                 const FourierTransform &t) {
  if (std::optional<ComplexValue> y = transformByPasses(op, x, t))
    return *y;
  IndexMath math(op.b, op.loc);
  Type element = OpBinder::getElementType(x.real);
  OpFoldResult half =
      math.add(math.floorDiv(t.length, math.constant(2)), math.constant(1));
  OpFoldResult inputs = t.isInverse && t.isOneSided ? half : t.length;
  OpFoldResult outputs = !t.isInverse && t.isOneSided ? half : t.length;
  // What lies beyond the length is cut, what is missing is 0.
  inputs = math.min(op.state.shapes.getDim(x.real, 1), inputs);
  x.real = takeColumns(op, x.real, inputs);
  x.imaginary = takeColumns(op, x.imaginary, inputs);
  auto [cosine, sine] = buildWaves(op, inputs, outputs, t.length, element);
  if (t.isInverse && t.isOneSided) {
    // Each frequency but the first and that of half the length occurs twice.
    OpFoldResult one = op.b.getIndexAttr(1);
    Type i64 = op.b.getI64Type();
    Value row = IotaOp::create(op.b, op.loc,
                               ArrayRef<OpFoldResult>{inputs, one}, 0, i64);
    Value twice = op.binary(BinaryKind::mul, row, 2.0);
    Value isSingle = op.compare(CompareKind::eq, row, op.scalar(i64, 0));
    Value isHalf = op.compare(CompareKind::eq, twice,
                              op.unsqueeze(op.fromIndices(t.length), {0}));
    Value weight = op.select(op.binary(BinaryKind::or_, isSingle, isHalf),
                             op.scalar(element, 1), op.scalar(element, 2));
    cosine = op.binary(BinaryKind::mul, cosine, weight);
    sine = op.binary(BinaryKind::mul, sine, weight);
  }
  // Forward (c - is)(a + ib), inverse (c + is)(a + ib).
  BinaryKind plus = t.isInverse ? BinaryKind::sub : BinaryKind::add;
  ComplexValue y{op.matmul(x.real, cosine), {}};
  if (x.imaginary)
    y.real = op.binary(plus, y.real, op.matmul(x.imaginary, sine));
  if (!(t.isInverse && t.isOneSided)) {
    y.imaginary = op.matmul(x.real, sine);
    if (!t.isInverse)
      y.imaginary = op.unary(UnaryKind::neg, y.imaginary);
    if (x.imaginary)
      y.imaginary = op.binary(BinaryKind::add, y.imaginary,
                              op.matmul(x.imaginary, cosine));
  }
  if (t.isInverse) {
    Value count = op.cast(op.unsqueeze(op.fromIndices(t.length), {0}), element);
    y.real = op.binary(BinaryKind::div, y.real, count);
    if (y.imaginary)
      y.imaginary = op.binary(BinaryKind::div, y.imaginary, count);
  }
  return y;
}

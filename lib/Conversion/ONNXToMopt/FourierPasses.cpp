// Fourier transforms of known length by mixed radix: a pass for each factor,
// which transforms that many points and turns the results for the next one.
// Errors grow with the number of passes, not with that of points.
#include "mopt/Conversion/ONNXToMopt/FourierTransform.h"

#include <cmath>

using namespace mlir;
using namespace mopt;

/// Beyond it the butterflies, which are unrolled, cost more than products.
static constexpr int64_t kLargestRadix = 13;

/// The radix of each pass; none if a factor is too large.
static SmallVector<int64_t> factorize(int64_t length) {
  SmallVector<int64_t> factors;
  for (; length > 0 && length % 4 == 0; length /= 4)
    factors.push_back(4);
  if (length % 2 == 0) {
    factors.insert(factors.begin(), 2);
    length /= 2;
  }
  for (int64_t radix = 3; radix <= kLargestRadix; radix += 2)
    for (; length > 0 && length % radix == 0; length /= radix)
      factors.push_back(radix);
  return length == 1 ? factors : SmallVector<int64_t>();
}

namespace {
class Passes {
public:
  Passes(OpBinder &op, int64_t length, bool isInverse)
      : op(op), length(length), isInverse(isInverse) {}

  /// One pass over `x`, which is `[rows, groups, radix, points]`; the result is
  /// `[rows, radix, groups, points]`.
  ComplexValue run(ComplexValue x, int64_t radix);

private:
  Value add(Value x, Value y) { return op.binary(BinaryKind::add, x, y); }
  Value sub(Value x, Value y) { return op.binary(BinaryKind::sub, x, y); }
  Value times(Value x, Value y) { return op.binary(BinaryKind::mul, x, y); }
  ComplexValue add(ComplexValue x, ComplexValue y) {
    return {add(x.real, y.real), add(x.imaginary, y.imaginary)};
  }
  ComplexValue sub(ComplexValue x, ComplexValue y) {
    return {sub(x.real, y.real), sub(x.imaginary, y.imaginary)};
  }
  ComplexValue times(ComplexValue x, ComplexValue y) {
    return {sub(times(x.real, y.real), times(x.imaginary, y.imaginary)),
            add(times(x.real, y.imaginary), times(x.imaginary, y.real))};
  }
  ComplexValue scale(ComplexValue x, double factor) {
    return {op.binary(BinaryKind::mul, x.real, factor),
            op.binary(BinaryKind::mul, x.imaginary, factor)};
  }
  /// Times i.
  ComplexValue turn(ComplexValue x) {
    return {op.unary(UnaryKind::neg, x.imaginary), x.real};
  }

  Value take(Value x, int64_t position);
  /// `points` roots of unity, every `step`-th, as a constant.
  ComplexValue getRoots(int64_t step, int64_t points, Type element);
  SmallVector<ComplexValue> transformOdd(ArrayRef<ComplexValue> x);
  SmallVector<ComplexValue> transformEven(ArrayRef<ComplexValue> x);

  OpBinder &op;
  int64_t length;
  bool isInverse;
};
} // namespace

Value Passes::take(Value x, int64_t position) {
  SmallVector<OpFoldResult> sizes = op.state.shapes.getDims(x);
  SmallVector<OpFoldResult> offsets(4, op.b.getIndexAttr(0)),
      strides(4, op.b.getIndexAttr(1));
  offsets[2] = op.b.getIndexAttr(position);
  sizes[2] = op.b.getIndexAttr(1);
  return SliceOp::create(op.b, op.loc, x, offsets, sizes, strides);
}

ComplexValue Passes::getRoots(int64_t step, int64_t points, Type element) {
  auto type = RankedTensorType::get({1, 1, 1, points}, element);
  const llvm::fltSemantics &semantics =
      cast<FloatType>(element).getFloatSemantics();
  SmallVector<APFloat> cosines, sines;
  for (int64_t i = 0; i < points; ++i) {
    int64_t at = i * step % length;
    double angle = 2 * M_PI * static_cast<double>(at) / length;
    for (auto [list, number] : {std::pair(&cosines, std::cos(angle)),
                                std::pair(&sines, std::sin(angle))}) {
      APFloat rounded(number);
      bool losesInfo;
      rounded.convert(semantics, APFloat::rmNearestTiesToEven, &losesInfo);
      list->push_back(rounded);
    }
  }
  Value sine = op.constant(DenseElementsAttr::get(type, sines));
  return {op.constant(DenseElementsAttr::get(type, cosines)),
          isInverse ? sine : op.unary(UnaryKind::neg, sine)};
}

/// Pairs of points from both ends share their products.
SmallVector<ComplexValue> Passes::transformOdd(ArrayRef<ComplexValue> x) {
  int64_t radix = x.size(), half = radix / 2;
  SmallVector<ComplexValue> sums, differences, y(radix);
  y[0] = x[0];
  for (int64_t j = 1; j <= half; ++j) {
    sums.push_back(add(x[j], x[radix - j]));
    differences.push_back(sub(x[j], x[radix - j]));
    y[0] = add(y[0], sums.back());
  }
  for (int64_t k = 1; k <= half; ++k) {
    ComplexValue even = x[0], odd;
    for (int64_t j = 1; j <= half; ++j) {
      double angle = 2 * M_PI * static_cast<double>(j * k % radix) / radix;
      even = add(even, scale(sums[j - 1], std::cos(angle)));
      ComplexValue part = scale(differences[j - 1],
                                isInverse ? std::sin(angle) : -std::sin(angle));
      odd = j == 1 ? part : add(odd, part);
    }
    odd = turn(odd);
    y[k] = add(even, odd);
    y[radix - k] = sub(even, odd);
  }
  return y;
}

/// Two or four points.
SmallVector<ComplexValue> Passes::transformEven(ArrayRef<ComplexValue> x) {
  if (x.size() == 2)
    return {add(x[0], x[1]), sub(x[0], x[1])};
  ComplexValue a = add(x[0], x[2]), b = sub(x[0], x[2]), c = add(x[1], x[3]),
               d = turn(sub(x[1], x[3]));
  ComplexValue plus = add(b, d), minus = sub(b, d);
  return {add(a, c), isInverse ? plus : minus, sub(a, c),
          isInverse ? minus : plus};
}

ComplexValue Passes::run(ComplexValue x, int64_t radix) {
  RankedTensorType type = OpBinder::getType(x.real);
  int64_t groups = type.getDimSize(1), points = type.getDimSize(3);
  SmallVector<ComplexValue> parts;
  for (int64_t i = 0; i < radix; ++i)
    parts.push_back({take(x.real, i), take(x.imaginary, i)});
  SmallVector<ComplexValue> y =
      radix % 2 == 0 ? transformEven(parts) : transformOdd(parts);
  SmallVector<Value> real, imaginary;
  for (auto [k, part] : llvm::enumerate(y)) {
    // The root of 0 is 1.
    if (k > 0 && points > 1)
      part = times(part, getRoots(k * groups, points, type.getElementType()));
    SmallVector<int64_t> order{0, 2, 1, 3};
    real.push_back(op.transpose(part.real, order));
    imaginary.push_back(op.transpose(part.imaginary, order));
  }
  return {op.concat(real, 1), op.concat(imaginary, 1)};
}

std::optional<ComplexValue>
mopt::transformByPasses(OpBinder &op, ComplexValue x,
                        const FourierTransform &transform) {
  std::optional<int64_t> length = getConstantIntValue(transform.length);
  // Products with one matrix less are good enough for half of the numbers.
  if (!length || transform.isOneSided || !x.imaginary ||
      OpBinder::getType(x.real).getDimSize(1) != *length)
    return std::nullopt;
  SmallVector<int64_t> factors = factorize(*length);
  if (factors.empty())
    return std::nullopt;
  OpFoldResult rows = op.state.shapes.getDim(x.real, 0);
  Passes passes(op, *length, transform.isInverse);
  auto shape = [&](Value value, ArrayRef<int64_t> inner) {
    SmallVector<OpFoldResult> sizes{rows};
    for (int64_t size : inner)
      sizes.push_back(op.b.getIndexAttr(size));
    return op.reshape(value, sizes);
  };
  int64_t groups = 1;
  for (int64_t radix : factors) {
    SmallVector<int64_t> sizes{groups, radix, *length / groups / radix};
    x = passes.run({shape(x.real, sizes), shape(x.imaginary, sizes)}, radix);
    groups *= radix;
  }
  x = {shape(x.real, *length), shape(x.imaginary, *length)};
  if (transform.isInverse)
    x = {op.binary(BinaryKind::div, x.real, *length),
         op.binary(BinaryKind::div, x.imaginary, *length)};
  return x;
}

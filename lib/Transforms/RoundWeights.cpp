// Constant weights rounded to integers with scales, for the passes that
// quantize a model of floats.
#include "RoundWeights.h"

#include "mopt/Dialect/Mopt/IR/Mopt.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "llvm/ADT/APFloat.h"

#include <cmath>

using namespace mlir;
using namespace mopt;

static Value createConstant(OpBuilder &b, Location loc, ConstantTensor tensor) {
  return arith::ConstantOp::create(
      b, loc, cast<TypedAttr>(std::move(tensor).toAttr("quantized")));
}

Value mopt::createNumber(OpBuilder &b, Location loc, Type element, int64_t rank,
                         double number) {
  auto type = RankedTensorType::get(SmallVector<int64_t>(rank, 1), element);
  Attribute value =
      isa<FloatType>(element)
          ? Attribute(b.getFloatAttr(element, number))
          : b.getIntegerAttr(element, static_cast<int64_t>(number));
  return arith::ConstantOp::create(
      b, loc, cast<TypedAttr>(DenseElementsAttr::get(type, value)));
}

bool mopt::isTooSmallToQuantize(int64_t depth, int64_t weights) {
  constexpr int64_t leastDepth = 32;
  return depth < leastDepth || weights < leastDepth * leastDepth;
}

/// `scale`, in 16 bits on demand, unless these would lose more than a weight's
/// own rounding does.
static float chooseScale(float scale, bool inHalf) {
  llvm::APFloat half(scale);
  bool inexact;
  half.convert(llvm::APFloat::IEEEhalf(), llvm::APFloat::rmNearestTiesToEven,
               &inexact);
  if (!inHalf || !half.isNormal())
    return scale;
  half.convert(llvm::APFloat::IEEEsingle(), llvm::APFloat::rmNearestTiesToEven,
               &inexact);
  return half.convertToFloat();
}

namespace {
/// Steps of a range of numbers.
struct Steps {
  float scale = 1;
  int64_t zero = 0;

  /// For `low` to `high`, which hold 0, in `levels` steps above the lowest one,
  /// 0. Symmetric ones have 0 in the middle. `inHalf` chooses a scale that 16
  /// bits hold.
  static Steps fit(float low, float high, int64_t levels, bool symmetric,
                   bool inHalf) {
    Steps steps;
    int64_t middle = (levels + 1) / 2;
    if (symmetric) {
      float largest = std::fmax(-low, high);
      steps.zero = middle;
      if (largest > 0)
        steps.scale =
            chooseScale(largest / static_cast<float>(middle - 1), inHalf);
    } else if (high > low) {
      steps.scale =
          chooseScale((high - low) / static_cast<float>(levels), inHalf);
      steps.zero = static_cast<int64_t>(std::nearbyint(-low / steps.scale));
    }
    return steps;
  }

  int64_t quantize(float x, int64_t levels) const {
    int64_t q = static_cast<int64_t>(std::nearbyint(x / scale)) + zero;
    return std::clamp<int64_t>(q, 0, levels);
  }
};
} // namespace

RoundedWeights mopt::roundWeights(const ConstantTensor &weights,
                                  ArrayRef<int64_t> axes, int64_t group,
                                  int64_t bits, bool symmetric) {
  RankedTensorType type = weights.getType();
  MLIRContext *ctx = type.getContext();
  // [.., size, ..] to [.., groups, group, ..], along the only axis there is.
  SmallVector<int64_t> shape(type.getShape());
  SmallVector<int64_t> reduced(axes);
  if (group > 0) {
    int64_t axis = axes.front();
    shape[axis] /= group;
    shape.insert(shape.begin() + axis + 1, group);
    reduced = {axis + 1};
  }
  SmallVector<int64_t> scaleShape(shape);
  for (int64_t dim : reduced)
    scaleShape[dim] = 1;
  int64_t levels = (int64_t(1) << bits) - 1;
  bool isSigned = symmetric && bits == 8;
  int64_t shift = isSigned ? 128 : 0;
  Type byte = isSigned ? IntegerType::get(ctx, 8)
                       : IntegerType::get(ctx, 8, IntegerType::Unsigned);
  auto scaleType = RankedTensorType::get(scaleShape, Float32Type::get(ctx));
  RoundedWeights rounded{
      type,
      *ConstantTensor::allocate(RankedTensorType::get(shape, byte)),
      *ConstantTensor::allocate(scaleType),
      *ConstantTensor::allocate(scaleType.clone(byte)),
      symmetric,
      bits};

  int64_t lines = scaleType.getNumElements(), count = weights.getNumElements();
  SmallVector<int64_t> own = ConstantTensor::getStrides(shape),
                       strides = ConstantTensor::getStrides(scaleShape);
  auto lineOf = [&](int64_t i) {
    int64_t line = 0;
    for (auto [dim, stride] : llvm::enumerate(strides))
      if (scaleShape[dim] != 1)
        line += i / own[dim] % shape[dim] * stride;
    return line;
  };
  SmallVector<float> low(lines, 0), high(lines, 0);
  for (int64_t i = 0; i < count; ++i) {
    float x = weights.getFloat(i);
    int64_t line = lineOf(i);
    low[line] = std::fmin(low[line], x);
    high[line] = std::fmax(high[line], x);
  }
  SmallVector<Steps> steps;
  for (int64_t line = 0; line < lines; ++line) {
    // Scales of groups are read with their weights: 16 bits are enough.
    steps.push_back(
        Steps::fit(low[line], high[line], levels, symmetric, group > 0));
    rounded.scales.setFloat(line, steps.back().scale);
    rounded.zeros.setInt(line, steps.back().zero - shift);
  }
  double signal = 0, noise = 0;
  for (int64_t i = 0; i < count; ++i) {
    double x = weights.getFloat(i);
    const Steps &line = steps[lineOf(i)];
    int64_t q = line.quantize(x, levels);
    rounded.values.setInt(i, q - shift);
    double error = double(q - line.zero) * line.scale - x;
    signal += x * x;
    noise += error * error;
  }
  rounded.relativeNoise = signal > 0 ? noise / signal : 0;
  return rounded;
}

double RoundedWeights::getReal(int64_t i) const {
  ArrayRef<int64_t> shape = values.getType().getShape(),
                    scaleShape = scales.getType().getShape();
  assert(shape == type.getShape() && "weights with groups");
  SmallVector<int64_t> own = ConstantTensor::getStrides(shape),
                       strides = ConstantTensor::getStrides(scaleShape);
  int64_t line = 0;
  for (auto [dim, stride] : llvm::enumerate(strides))
    if (scaleShape[dim] != 1)
      line += i / own[dim] % shape[dim] * stride;
  return static_cast<double>(values.getInt(i) - zeros.getInt(line)) *
         scales.getFloat(line);
}

Value RoundedWeights::materialize(OpBuilder &b, Location loc) && {
  RankedTensorType shape = values.getType();
  Type byte = shape.getElementType();
  Value zero;
  if (symmetric && byte.isUnsignedInteger())
    zero =
        createNumber(b, loc, byte, shape.getRank(), int64_t(1) << (bits - 1));
  else if (!symmetric)
    zero = createConstant(b, loc, std::move(zeros));
  Value real =
      DequantizeOp::create(b, loc, shape.clone(b.getF32Type()),
                           createConstant(b, loc, std::move(values)),
                           createConstant(b, loc, std::move(scales)), zero);
  if (shape.getShape() == type.getShape())
    return real;
  return ReshapeOp::create(
      b, loc, real, getAsIndexOpFoldResult(b.getContext(), type.getShape()));
}

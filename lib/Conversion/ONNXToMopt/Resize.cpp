// Handlers of Resize and Upsample. Interpolation is separable: each dimension is
// resized by itself, from gathered elements with weights, or by a matrix of
// weights where filters have the width of run-time scales.
#include "mopt/Conversion/ONNXToMopt/HandlerRegistry.h"
#include "mopt/Conversion/ONNXToMopt/IndexMath.h"
#include "mopt/Conversion/ONNXToMopt/Interpolation.h"
#include "mopt/Conversion/ONNXToMopt/OpBinder.h"

#include "mlir/IR/Matchers.h"
#include <cmath>

using namespace mlir;
using namespace mopt;
using Index = OpFoldResult;

namespace {
/// One dimension to resize. Numbers are tensors of one f32.
struct ResizedDim {
  int64_t dim = 0;
  Index in, out;
  /// The factor, and its value if known.
  Value scale;
  std::optional<float> knownScale;
  /// The size before rounding.
  Value exactOut;
  Value roiBegin, roiEnd;
};

class Resizer {
public:
  explicit Resizer(OpBinder &op)
      : op(op), math(op.b, op.loc), f32(op.b.getF32Type()) {}

  LogicalResult bind(Value x);
  FailureOr<Value> resize(Value x);

private:
  LogicalResult bindAxes(int64_t rank);
  LogicalResult bindScales(Value x, unsigned operand);
  LogicalResult bindSizes(Value x, unsigned operand);
  LogicalResult bindRoi(unsigned operand);
  LogicalResult fitSizes(ArrayRef<Index> wanted);

  Value number(double value) { return op.scalar(f32, value, 1); }
  Value number(Index value);
  Value binary(BinaryKind kind, Value x, Value y) {
    return op.binary(kind, x, y);
  }
  /// `floor(x)` of one number as an index.
  Index toIndex(Value x);

  bool isUnchanged(const ResizedDim &d) const;
  bool isRepetition(const ResizedDim &d) const;
  Value getCoordinates(const ResizedDim &d);
  Value getNearest(const ResizedDim &d, Value at);
  Value resizeDim(Value x, const ResizedDim &d);

  OpBinder &op;
  IndexMath math;
  Type f32;
  StringRef mode, transformation, rounding;
  bool excludesOutside = false, isAntialiased = false;
  SmallVector<ResizedDim> dims;
};
} // namespace

/// The elements of a constant of floats, or nothing.
static std::optional<SmallVector<float>> getKnownFloats(Value value) {
  DenseFPElementsAttr elements;
  if (!matchPattern(value, m_Constant(&elements)))
    return std::nullopt;
  SmallVector<float> result;
  for (APFloat x : elements.getValues<APFloat>()) {
    bool losesInfo;
    x.convert(APFloat::IEEEsingle(), APFloat::rmNearestTiesToEven, &losesInfo);
    result.push_back(x.convertToFloat());
  }
  return result;
}

Value Resizer::number(Index value) {
  if (std::optional<int64_t> known = getConstantIntValue(value))
    return number(static_cast<double>(*known));
  return op.cast(op.fromIndices(value), f32);
}

Index Resizer::toIndex(Value x) {
  Value whole = op.cast(op.unary(UnaryKind::floor, x), op.b.getI64Type());
  return math.max(op.state.shapes.getElement(whole, 0), math.constant(0));
}

//===----------------------------------------------------------------------===//
// What to resize
//===----------------------------------------------------------------------===//

LogicalResult Resizer::bind(Value x) {
  int64_t version = op.getVersion();
  bool isUpsample = op.node.getOpType() == "Upsample";
  mode = op.getString("mode", "nearest");
  // Upsample says bilinear, too.
  if (isUpsample && mode == "bilinear")
    mode = "linear";
  if (mode != "nearest" && mode != "linear" && mode != "cubic")
    return op.emitError() << "expected mode 'nearest', 'linear' or 'cubic', "
                             "found '" << mode << "'";
  bool isEarly = isUpsample || version < 11;
  transformation = op.getString("coordinate_transformation_mode",
                                isEarly ? "asymmetric" : "half_pixel");
  static constexpr StringRef known[] = {
      "half_pixel", "half_pixel_symmetric", "pytorch_half_pixel",
      "align_corners", "asymmetric", "tf_crop_and_resize",
      "tf_half_pixel_for_nn"};
  if (!llvm::is_contained(known, transformation))
    return op.emitError() << "coordinate transformation '" << transformation
                          << "' is not supported";
  rounding = op.getString("nearest_mode",
                          isEarly ? "simple" : "round_prefer_floor");
  static constexpr StringRef roundings[] = {
      "round_prefer_floor", "round_prefer_ceil", "floor", "ceil", "simple"};
  if (!llvm::is_contained(roundings, rounding))
    return op.emitError() << "nearest mode '" << rounding
                          << "' is not supported";
  excludesOutside = op.getInt("exclude_outside", 0) != 0;
  isAntialiased = op.getInt("antialias", 0) != 0 && mode != "nearest";
  if (failed(bindAxes(OpBinder::getRank(x))))
    return failure();
  for (ResizedDim &d : dims)
    d.in = op.state.shapes.getDim(x, d.dim);
  if (isEarly)
    return bindScales(x, 1);
  if (transformation == "tf_crop_and_resize" && failed(bindRoi(1)))
    return failure();
  auto isGiven = [&](unsigned i) {
    Value operand = op.getOperand(i);
    if (!operand)
      return false;
    auto type = dyn_cast<RankedTensorType>(operand.getType());
    return !type || !type.hasStaticShape() || type.getNumElements() != 0;
  };
  if (isGiven(3))
    return bindSizes(x, 3);
  return bindScales(x, 2);
}

LogicalResult Resizer::bindAxes(int64_t rank) {
  SmallVector<int64_t> axes = llvm::to_vector(llvm::seq<int64_t>(0, rank));
  if (std::optional<SmallVector<int64_t>> stated = op.getInts("axes")) {
    FailureOr<SmallVector<int64_t>> normal =
        op.normalizeAxes(*stated, rank, /*sort=*/false);
    if (failed(normal))
      return failure();
    axes = *normal;
  }
  for (int64_t axis : axes) {
    dims.emplace_back();
    dims.back().dim = axis;
  }
  return success();
}

LogicalResult Resizer::bindScales(Value x, unsigned operand) {
  std::optional<SmallVector<float>> known = op.getFloats("scales");
  Value scales;
  int64_t count;
  if (known) {
    count = known->size();
  } else {
    scales = op.getTensor(operand);
    if (!scales)
      return failure();
    RankedTensorType type = OpBinder::getType(scales);
    if (type.getRank() != 1 || !isa<FloatType>(type.getElementType()))
      return op.emitError() << "expected scales of floats, found " << type;
    // How many there are is known from the input.
    count = type.isDynamicDim(0) ? dims.size() : type.getDimSize(0);
    known = getKnownFloats(scales);
  }
  if (count != static_cast<int64_t>(dims.size()))
    return op.emitError() << "expected " << dims.size() << " scales, found "
                          << count;
  for (auto [i, d] : llvm::enumerate(dims)) {
    if (known) {
      float scale = (*known)[i];
      if (!(scale > 0) || !std::isfinite(scale))
        return op.emitError() << "expected positive scales, found " << scale;
      d.knownScale = scale;
      d.scale = number(scale);
    } else {
      Index one = math.constant(1);
      d.scale = op.cast(
          SliceOp::create(op.b, op.loc, scales, math.constant(i), one, one), f32);
    }
    d.exactOut = binary(BinaryKind::mul, d.scale, number(d.in));
    std::optional<int64_t> size = getConstantIntValue(d.in);
    if (d.knownScale && size)
      d.out = math.constant(static_cast<int64_t>(*d.knownScale * *size));
    else if (d.knownScale && *d.knownScale == std::trunc(*d.knownScale))
      d.out = math.mul(d.in, math.constant(*d.knownScale));
    else
      d.out = toIndex(d.exactOut);
  }
  return success();
}

LogicalResult Resizer::bindSizes(Value x, unsigned operand) {
  FailureOr<SmallVector<Index>> sizes = op.getIndexOperand(operand);
  if (failed(sizes))
    return failure();
  if (sizes->size() != dims.size())
    return op.emitError() << "expected " << dims.size() << " sizes, found "
                          << sizes->size();
  for (Index size : *sizes)
    if (getConstantIntValue(size).value_or(0) < 0)
      return op.emitError() << "expected sizes of at least 0";
  StringRef policy = op.getString("keep_aspect_ratio_policy", "stretch");
  if (policy == "not_larger" || policy == "not_smaller")
    return fitSizes(*sizes);
  if (policy != "stretch")
    return op.emitError() << "aspect ratio policy '" << policy
                          << "' is not supported";
  for (auto [d, size] : llvm::zip_equal(dims, *sizes)) {
    d.out = math.max(size, math.constant(0));
    d.exactOut = number(d.out);
    d.scale = binary(BinaryKind::div, d.exactOut, number(d.in));
    std::optional<int64_t> in = getConstantIntValue(d.in),
                           out = getConstantIntValue(d.out);
    if (in && out && *in != 0)
      d.knownScale = static_cast<float>(*out) / static_cast<float>(*in);
    else if (ShapeValues::areEqual(d.in, d.out))
      d.knownScale = 1;
  }
  return success();
}

/// One scale for all dimensions: the least or the largest that the sizes ask
/// for.
LogicalResult Resizer::fitSizes(ArrayRef<Index> wanted) {
  bool isLeast = op.getString("keep_aspect_ratio_policy", "") == "not_larger";
  Value scale;
  std::optional<double> known;
  bool isKnown = true;
  for (auto [d, size] : llvm::zip_equal(dims, wanted)) {
    Value ratio = binary(BinaryKind::div, number(size), number(d.in));
    scale = scale ? binary(isLeast ? BinaryKind::min : BinaryKind::max, scale,
                           ratio)
                  : ratio;
    std::optional<int64_t> in = getConstantIntValue(d.in),
                           out = getConstantIntValue(size);
    isKnown &= in && out && *in != 0;
    if (!isKnown)
      continue;
    double exact = static_cast<double>(*out) / *in;
    known = !known    ? exact
            : isLeast ? std::min(*known, exact)
                      : std::max(*known, exact);
  }
  for (ResizedDim &d : dims) {
    if (isKnown && known) {
      d.knownScale = static_cast<float>(*known);
      d.scale = number(*known);
      d.out = math.constant(
          static_cast<int64_t>(*known * *getConstantIntValue(d.in) + 0.5));
    } else {
      d.scale = scale;
      Value size = binary(BinaryKind::mul, scale, number(d.in));
      d.out = toIndex(op.binary(BinaryKind::add, size, 0.5));
    }
    d.exactOut = binary(BinaryKind::mul, d.scale, number(d.in));
  }
  return success();
}

LogicalResult Resizer::bindRoi(unsigned operand) {
  Value roi = op.getTensor(operand);
  if (!roi)
    return failure();
  RankedTensorType type = OpBinder::getType(roi);
  int64_t count = dims.size();
  if (type.getRank() != 1 || !isa<FloatType>(type.getElementType()) ||
      (!type.isDynamicDim(0) && type.getDimSize(0) != 2 * count))
    return op.emitError() << "expected a region of " << 2 * count
                          << " floats, found " << type;
  Index one = math.constant(1);
  auto part = [&](int64_t i) {
    return op.cast(
        SliceOp::create(op.b, op.loc, roi, math.constant(i), one, one), f32);
  };
  for (auto [i, d] : llvm::enumerate(dims)) {
    d.roiBegin = part(i);
    d.roiEnd = part(count + i);
  }
  return success();
}

//===----------------------------------------------------------------------===//
// How
//===----------------------------------------------------------------------===//

bool Resizer::isUnchanged(const ResizedDim &d) const {
  if (transformation == "tf_crop_and_resize") {
    auto begin = getKnownFloats(d.roiBegin), end = getKnownFloats(d.roiEnd);
    if (!begin || !end || begin->front() != 0 || end->front() != 1)
      return false;
  }
  return d.knownScale == 1.0f && ShapeValues::areEqual(d.in, d.out);
}

/// Is each element repeated `scale` times?
bool Resizer::isRepetition(const ResizedDim &d) const {
  if (mode != "nearest" || !d.knownScale ||
      *d.knownScale != std::trunc(*d.knownScale) || *d.knownScale > 1e6)
    return false;
  std::optional<int64_t> in = getConstantIntValue(d.in),
                         out = getConstantIntValue(d.out);
  if (in && out && *out != *in * static_cast<int64_t>(*d.knownScale))
    return false;
  bool rounds = rounding == "round_prefer_floor" || rounding == "round_prefer_ceil";
  if (transformation == "asymmetric")
    return rounding == "floor" || rounding == "simple" ||
           (*d.knownScale == 2 && rounding == "round_prefer_floor");
  if (transformation == "half_pixel" || transformation == "half_pixel_symmetric")
    return rounds;
  return transformation == "tf_half_pixel_for_nn" && rounding == "floor";
}

/// The position in the input of each element of the result, f32.
Value Resizer::getCoordinates(const ResizedDim &d) {
  using K = BinaryKind;
  Value y = IotaOp::create(op.b, op.loc, d.out, 0, f32);
  auto centers = [&] {
    return binary(K::div, op.binary(K::add, y, 0.5), d.scale);
  };
  auto last = [&] { return op.binary(K::sub, number(d.in), 1.0); };
  /// `ifOne` where the result has one element, which divides by 0.
  auto unlessOne = [&](Value ifOne, Value otherwise) {
    std::optional<int64_t> out = getConstantIntValue(d.out);
    if (out && *out > 1)
      return otherwise;
    Value isOne = op.compare(CompareKind::le, d.exactOut, number(1));
    return op.select(isOne, ifOne, otherwise);
  };
  if (transformation == "half_pixel")
    return op.binary(K::sub, centers(), 0.5);
  if (transformation == "half_pixel_symmetric") {
    Value adjustment = binary(K::div, number(d.out), d.exactOut);
    Value rest = binary(K::sub, number(1), adjustment);
    Value offset = binary(K::mul, op.binary(K::mul, number(d.in), 0.5), rest);
    return op.binary(K::sub, binary(K::add, offset, centers()), 0.5);
  }
  if (transformation == "pytorch_half_pixel")
    return unlessOne(number(0), op.binary(K::sub, centers(), 0.5));
  if (transformation == "asymmetric")
    return binary(K::div, y, d.scale);
  if (transformation == "tf_half_pixel_for_nn")
    return centers();
  Value steps = op.binary(K::sub, d.exactOut, 1.0);
  if (transformation == "align_corners")
    return unlessOne(number(0),
                     binary(K::div, binary(K::mul, y, last()), steps));
  Value extent =
      binary(K::mul, binary(K::sub, d.roiEnd, d.roiBegin), last());
  Value begin = binary(K::mul, d.roiBegin, last());
  Value step = binary(K::div, binary(K::mul, y, extent), steps);
  return binary(K::add, begin,
                unlessOne(op.binary(K::mul, extent, 0.5), step));
}

Value Resizer::getNearest(const ResizedDim &d, Value at) {
  if (rounding == "floor")
    return op.unary(UnaryKind::floor, at);
  if (rounding == "ceil")
    return op.unary(UnaryKind::ceil, at);
  if (rounding == "round_prefer_floor")
    return op.unary(UnaryKind::ceil, op.binary(BinaryKind::sub, at, 0.5));
  if (rounding == "round_prefer_ceil")
    return op.unary(UnaryKind::floor, op.binary(BinaryKind::add, at, 0.5));
  // Early versions round up when they shrink.
  return op.select(op.compare(CompareKind::lt, d.scale, number(1)),
                   op.unary(UnaryKind::ceil, at),
                   op.unary(UnaryKind::floor, at));
}

Value Resizer::resizeDim(Value x, const ResizedDim &d) {
  Value at = getCoordinates(d), result;
  Interpolation interpolation(op, x, d.dim);
  if (mode == "nearest") {
    result = interpolation.gather(getNearest(d, at));
  } else {
    double cubic = op.getFloat("cubic_coeff_a", -0.75);
    auto filter = mode == "cubic" ? Interpolation::Filter::cubic
                                  : Interpolation::Filter::linear;
    result = isAntialiased
                 ? interpolation.filterWide(filter, cubic, at, d.scale,
                                            excludesOutside)
                 : interpolation.filter(filter, cubic, at, excludesOutside);
  }
  if (transformation != "tf_crop_and_resize" || !result)
    return result;
  Value last = op.binary(BinaryKind::sub, number(d.in), 1.0);
  Value isOutside =
      op.binary(BinaryKind::or_, op.compare(CompareKind::lt, at, number(0)),
                op.compare(CompareKind::gt, at, last));
  isOutside = op.alongAxis(isOutside, d.dim, OpBinder::getRank(x));
  return op.select(isOutside,
                   op.scalar(OpBinder::getElementType(x),
                             op.getFloat("extrapolation_value", 0)),
                   result);
}

FailureOr<Value> Resizer::resize(Value x) {
  Type element = OpBinder::getElementType(x);
  // Repetitions of several dimensions are one.
  SmallVector<Index> sizes = op.state.shapes.getDims(x), split, repeated, target;
  SmallVector<Index> repeats(sizes.size(), math.constant(1));
  bool repeatsAny = false;
  SmallVector<const ResizedDim *> rest;
  for (const ResizedDim &d : dims) {
    if (isUnchanged(d))
      continue;
    if (!isRepetition(d)) {
      rest.push_back(&d);
      continue;
    }
    repeatsAny = true;
    repeats[d.dim] = math.constant(*d.knownScale);
  }
  if (repeatsAny) {
    for (auto [size, times] : llvm::zip_equal(sizes, repeats)) {
      split.push_back(size);
      repeated.push_back(size);
      target.push_back(math.mul(size, times));
      if (getConstantIntValue(times) == int64_t(1))
        continue;
      split.push_back(math.constant(1));
      repeated.push_back(times);
    }
    x = BroadcastOp::create(op.b, op.loc, op.reshape(x, split), repeated);
    x = op.reshape(x, target);
  }
  if (rest.empty())
    return x;
  if (mode == "nearest") {
    for (const ResizedDim *d : rest)
      x = resizeDim(x, *d);
    return x;
  }
  // Weighted sums are at least as exact as f32.
  x = op.cast(x, element.isF64() ? element : f32);
  for (const ResizedDim *d : rest)
    x = resizeDim(x, *d);
  if (!x)
    return failure();
  if (auto integer = dyn_cast<IntegerType>(element);
      integer && (mode == "cubic" || isAntialiased)) {
    bool isUnsigned = integer.isUnsigned();
    unsigned width = std::min(24u, integer.getWidth());
    double most = std::ldexp(1.0, isUnsigned ? width : width - 1) - 1;
    x = op.unary(UnaryKind::round, x);
    x = op.binary(BinaryKind::max, x, isUnsigned ? 0 : -most - 1);
    x = op.binary(BinaryKind::min, x, most);
  }
  return op.cast(x, element);
}

static LogicalResult convertResize(OpBinder &op) {
  Value x = op.getTensor(0);
  if (!x)
    return failure();
  Resizer resizer(op);
  if (failed(resizer.bind(x)))
    return failure();
  FailureOr<Value> y = resizer.resize(x);
  return failed(y) ? failure() : op.replace(*y);
}

void mopt::populateResizeHandlers(HandlerRegistry &registry) {
  registry.add("Resize", 10, convertResize);
  registry.add("Upsample", 7, convertResize);
}

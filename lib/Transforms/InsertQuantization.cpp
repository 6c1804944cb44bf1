// Level in and out: graph. A model of floats gets quantized weights, and
// activations that are quantized as they come: what --quantize asks for.
// Contractions without constant weights, of other types than f32, and those too
// small to gain stay as they are.
#include "mopt/Dialect/Mopt/IR/IntegerProduct.h"
#include "mopt/Dialect/Mopt/IR/QuantizationParameters.h"
#include "mopt/Target/MicroKernels.h"
#include "mopt/Transforms/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/PatternMatch.h"
#include "llvm/ADT/APFloat.h"

#include <cmath>

using namespace mlir;

namespace mopt {
#define GEN_PASS_DEF_INSERTQUANTIZATION
#include "mopt/Transforms/Passes.h.inc"
} // namespace mopt

using namespace mopt;

static RankedTensorType getTensor(Value value) {
  return cast<RankedTensorType>(value.getType());
}

static Value createConstant(OpBuilder &b, Location loc, ConstantTensor tensor) {
  return arith::ConstantOp::create(
      b, loc, cast<TypedAttr>(std::move(tensor).toAttr("quantized")));
}

/// A constant of `number` in `[1, .., 1]`.
static Value createNumber(OpBuilder &b, Location loc, Type element,
                          int64_t rank, double number) {
  auto type = RankedTensorType::get(SmallVector<int64_t>(rank, 1), element);
  Attribute value =
      isa<FloatType>(element)
          ? Attribute(b.getFloatAttr(element, number))
          : b.getIntegerAttr(element, static_cast<int64_t>(number));
  return arith::ConstantOp::create(
      b, loc, cast<TypedAttr>(DenseElementsAttr::get(type, value)));
}

//===----------------------------------------------------------------------===//
// Weights
//===----------------------------------------------------------------------===//

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
  /// 0. Symmetric ones have 0 in the middle.
  /// `inHalf` chooses a scale that 16 bits hold.
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

/// `weights`, a constant, rounded to steps that each line along `axis` has of
/// its own: one for the whole line, or one for every `group` positions of it.
/// Elements are signed bytes around 0 if `symmetric` and of 8 bits, else
/// unsigned with a zero point.
static Value quantizeWeights(OpBuilder &b, Location loc, Value weights,
                             const ConstantTensor &values,
                             ArrayRef<int64_t> axes, int64_t group,
                             int64_t bits, bool symmetric) {
  RankedTensorType type = getTensor(weights);
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
  Type byte = b.getIntegerType(8, isSigned);
  if (isSigned)
    byte = b.getIntegerType(8);

  auto scaleType = RankedTensorType::get(scaleShape, b.getF32Type());
  std::optional<ConstantTensor> quantized = ConstantTensor::allocate(
                                    RankedTensorType::get(shape, byte)),
                                scales = ConstantTensor::allocate(scaleType),
                                zeros = ConstantTensor::allocate(
                                    scaleType.clone(byte));
  int64_t lines = scaleType.getNumElements(), count = values.getNumElements();
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
    float x = values.getFloat(i);
    int64_t line = lineOf(i);
    low[line] = std::fmin(low[line], x);
    high[line] = std::fmax(high[line], x);
  }
  SmallVector<Steps> steps;
  for (int64_t line = 0; line < lines; ++line) {
    // Scales of groups are read with their weights: 16 bits are enough.
    steps.push_back(
        Steps::fit(low[line], high[line], levels, symmetric, group > 0));
    scales->setFloat(line, steps.back().scale);
    zeros->setInt(line, steps.back().zero - shift);
  }
  for (int64_t i = 0; i < count; ++i)
    quantized->setInt(i, steps[lineOf(i)].quantize(values.getFloat(i), levels) -
                             shift);

  Value zero;
  if (!isSigned && symmetric)
    zero = createNumber(b, loc, byte, shape.size(), (levels + 1) / 2);
  else if (!symmetric)
    zero = createConstant(b, loc, std::move(*zeros));
  Value real =
      DequantizeOp::create(b, loc, RankedTensorType::get(shape, b.getF32Type()),
                           createConstant(b, loc, std::move(*quantized)),
                           createConstant(b, loc, std::move(*scales)), zero);
  if (group == 0)
    return real;
  return ReshapeOp::create(
      b, loc, real, getAsIndexOpFoldResult(b.getContext(), type.getShape()));
}

//===----------------------------------------------------------------------===//
// Activations
//===----------------------------------------------------------------------===//

/// `x` through unsigned bytes around 128 whose scale fits the largest magnitude
/// along `axes`.
static Value quantizeActivations(OpBuilder &b, Location loc, Value x,
                                 ArrayRef<int64_t> axes) {
  RankedTensorType type = getTensor(x);
  int64_t rank = type.getRank();
  Type f32 = b.getF32Type(), byte = b.getIntegerType(8, /*isSigned=*/false);
  auto number = [&](double value) {
    return createNumber(b, loc, f32, rank, value);
  };
  Value largest =
      ReduceOp::create(b, loc, ReduceKind::max,
                       UnaryOp::create(b, loc, UnaryKind::abs, x), axes);
  // Of zeros only, any scale will do.
  Value isZero = CompareOp::create(b, loc, CompareKind::eq, largest, number(0));
  largest = SelectOp::create(b, loc, isZero, number(1), largest);
  Value factor =
      BinaryOp::create(b, loc, BinaryKind::div, number(127), largest);
  Value scale =
      BinaryOp::create(b, loc, BinaryKind::mul, largest, number(1.0 / 127));
  Value zero = createNumber(b, loc, byte, rank, 128);
  Value q = QuantizeOp::create(
      b, loc, type.clone(byte),
      BinaryOp::create(b, loc, BinaryKind::mul, x, factor), number(1), zero,
      /*saturate=*/true);
  return DequantizeOp::create(b, loc, type, q, scale, zero);
}

namespace {
struct InsertQuantization
    : mopt::impl::InsertQuantizationBase<InsertQuantization> {
  using InsertQuantizationBase::InsertQuantizationBase;

  void runOnOperation() override {
    if (mode == "none")
      return;
    IRRewriter rewriter(&getContext());
    SmallVector<Operation *> ops;
    getOperation()->walk([&](Operation *op) {
      if (isa<MatmulOp, ConvOp>(op))
        ops.push_back(op);
    });
    for (Operation *op : ops) {
      rewriter.setInsertionPoint(op);
      if (auto matmul = dyn_cast<MatmulOp>(op))
        quantize(rewriter, matmul);
      else
        quantize(rewriter, cast<ConvOp>(op));
    }
  }

  bool isDynamic() const { return mode == "dynamic-int8"; }
  int64_t getBits() const { return mode == "weight-int4" ? 4 : 8; }

  /// Rounds the right side of `op`, whose sums run along `axes` of it.
  bool quantizeRhs(OpBuilder &b, Operation *op, ArrayRef<int64_t> axes) {
    Value weights = op->getOperand(1);
    auto leave = [&](const Twine &why) {
      op->emitRemark("not quantized: ") << why;
      return false;
    };
    TargetAttr target = TargetAttr::lookup(op);
    if (isDynamic() && (!target || !multipliesBytes(target)))
      return leave("the target multiplies bytes no faster than floats");
    std::optional<ConstantTensor> values = getConstantTensor(weights);
    if (!values || !getTensor(weights).getElementType().isF32() ||
        !getTensor(op->getOperand(0)).getElementType().isF32())
      return leave("its weights are no f32 constant");
    int64_t depth = 1;
    for (int64_t axis : axes)
      depth *= getTensor(weights).getDimSize(axis);
    if (isDynamic() && depth > kMostProductsOfBytes)
      return leave("sums of " + Twine(depth) + " products may not fit 32 bits");
    if (depth < kLeastDepth ||
        values->getNumElements() < kLeastDepth * kLeastDepth)
      return leave("it is too small to gain");
    for (int64_t i = 0; i < values->getNumElements(); ++i)
      if (!std::isfinite(values->getFloat(i)))
        return leave("its weights are not all finite");
    // A convolution's depth has several dimensions: one step for each output.
    int64_t size = isDynamic() || axes.size() != 1 ? 0 : int64_t(group);
    if (size > 0 && depth % size != 0)
      return leave("its depth of " + Twine(depth) + " has no whole groups of " +
                   Twine(size));
    op->setOperand(1,
                   quantizeWeights(b, op->getLoc(), weights, *values, axes,
                                   size, getBits(), isDynamic() || symmetric));
    return true;
  }

  void quantize(IRRewriter &rewriter, MatmulOp op) {
    int64_t rank = getTensor(op.getResult()).getRank();
    int64_t depth = op.getTransposeRhs() ? rank - 1 : rank - 2;
    if (!quantizeRhs(rewriter, op, depth) || !isDynamic())
      return;
    // Each row has a scale of its own.
    int64_t along = op.getTransposeLhs() ? rank - 2 : rank - 1;
    op.getLhsMutable().set(
        quantizeActivations(rewriter, op.getLoc(), op.getLhs(), along));
  }

  void quantize(IRRewriter &rewriter, ConvOp op) {
    int64_t rank = getTensor(op.getFilter()).getRank();
    SmallVector<int64_t> axes = llvm::to_vector(llvm::seq<int64_t>(1, rank));
    if (!quantizeRhs(rewriter, op, axes) || !isDynamic())
      return;
    SmallVector<int64_t> all = llvm::to_vector(llvm::seq<int64_t>(0, rank));
    op.getInputMutable().set(
        quantizeActivations(rewriter, op.getLoc(), op.getInput(), all));
  }

  /// Below this depth, or with fewer weights than its square, quantizing costs
  /// more than it saves.
  static constexpr int64_t kLeastDepth = 32;
};
} // namespace

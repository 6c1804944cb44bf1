// Handlers of the quantized operators of the domain 'com.microsoft': what ONNX
// Runtime's quantizer writes beside ONNX's own. Each is dequantization, the
// operator on floats, and quantization; later passes find the integers. Sums
// and products of two have the order of operations of ONNX Runtime.
#include "mopt/Conversion/ONNXToMopt/HandlerRegistry.h"
#include "mopt/Conversion/ONNXToMopt/OpBinder.h"
#include "mopt/Conversion/ONNXToMopt/Quantize.h"
#include "mopt/Conversion/ONNXToMopt/Windows.h"
#include "mopt/Support/ByteSteps.h"
#include "mopt/Support/ConstantTensor.h"
#include "mopt/Support/SumOrder.h"

#include "mlir/IR/Matchers.h"

#include <cmath>
#include <limits>

using namespace mlir;
using namespace mopt;

/// Operands `i` (tensor), `i + 1` (scale) and `i + 2` (zero point, which may be
/// left out) as floats. Null with an error emitted if they are none.
static Value dequantizeOperand(OpBinder &op, unsigned i) {
  Value x = op.getTensor(i), scale = getOneScale(op, i + 1, "scale");
  if (!x || !scale)
    return {};
  FailureOr<Value> zero =
      getOneZeroPoint(op, i + 2, OpBinder::getElementType(x));
  if (failed(zero))
    return {};
  return dequantize(op, x, scale, *zero, /*axis=*/-1);
}

/// Operand `i` with the scale `scale`, one or one for each position along
/// `axis`, and operand `zero` as the zero point, which may be left out, as
/// floats. Null with an error emitted if they are none.
static Value dequantizeAlong(OpBinder &op, unsigned i, unsigned scale,
                             unsigned zero, int64_t axis) {
  Value x = op.getTensor(i), steps = op.getTensor(scale), zeroPoint;
  if (!x || !steps || failed(verifyScale(op, steps, "scale")) ||
      (op.getOperand(zero) && !(zeroPoint = op.getTensor(zero))) ||
      failed(verifyZeroPoint(op, zeroPoint, OpBinder::getElementType(x))))
    return {};
  return dequantize(op, x, steps, zeroPoint, axis);
}

/// `y` in steps of operand `i` (scale) and `i + 1` (zero point, which may be
/// left out), in the element type of `like`.
static Value quantizeResult(OpBinder &op, Value y, unsigned i, Value like) {
  if (!y || !like)
    return {};
  Type element = OpBinder::getElementType(like);
  Value scale = getOneScale(op, i, "scale of the result", /*divides=*/true);
  FailureOr<Value> zero = getOneZeroPoint(op, i + 1, element);
  if (!scale || failed(zero))
    return {};
  SmallVector<OpFoldResult> ones(OpBinder::getRank(y), op.b.getIndexAttr(1));
  return quantize(op, y, op.reshape(scale, ones),
                  *zero ? op.reshape(*zero, ones) : Value(), element);
}

//===----------------------------------------------------------------------===//
// Elementwise
//===----------------------------------------------------------------------===//

namespace {
/// A tensor of bytes and what one step of it and its zero stand for, each a
/// float without dimensions. Without values where an error was emitted.
struct Steps {
  Value values, scale, zero;

  static Steps bind(OpBinder &op, unsigned i) {
    Value x = op.getTensor(i);
    return x ? bind(op, x, OpBinder::getElementType(x), i + 1) : Steps();
  }

  /// Of a result in the element type of operand 0.
  static Steps bindResult(OpBinder &op, unsigned i) {
    Value like = op.getTensor(0);
    return like ? bind(op, like, OpBinder::getElementType(like), i,
                       /*divides=*/true)
                : Steps();
  }

  static Steps bind(OpBinder &op, Value values, Type element, unsigned i,
                    bool divides = false) {
    Value scale =
        getOneScale(op, i, divides ? "scale of the result" : "scale", divides);
    FailureOr<Value> zero = getOneZeroPoint(op, i + 1, element);
    if (!scale || failed(zero))
      return {};
    Type number = OpBinder::getElementType(scale);
    return {values, op.reshape(scale, {}),
            *zero ? op.cast(op.reshape(*zero, {}), number)
                  : op.scalar(number, 0)};
  }
};

/// Both sides of a QLinearAdd or QLinearMul, and its result.
struct BinarySteps {
  Steps a, b, c;

  /// Nothing after an error.
  static std::optional<BinarySteps> bind(OpBinder &op) {
    Steps a = Steps::bind(op, 0), b = Steps::bind(op, 3);
    if (!a.values || !b.values)
      return std::nullopt;
    Steps c = Steps::bindResult(op, 6);
    if (!c.values)
      return std::nullopt;
    return BinarySteps{a, b, c};
  }
};
} // namespace

/// Replaces the node by `y`, which is in steps and has the zero point in it,
/// rounded half to even.
static LogicalResult replaceBySteps(OpBinder &op, Value y) {
  Value one = op.scalar(OpBinder::getElementType(y), 1, OpBinder::getRank(y));
  return op.replace(quantize(op, y, one, /*zeroPoint=*/Value(),
                             OpBinder::getElementType(op.getTensor(0))));
}

/// More positions of a constant than that are not tried one by one.
static constexpr int64_t kMostPositions = 1 << 16;

/// Operand `i`, if it is a constant.
static std::optional<ConstantTensor> getConstant(OpBinder &op, unsigned i) {
  Value value = op.getOperand(i);
  ElementsAttr elements;
  if (!value || !matchPattern(value, m_Constant(&elements)))
    return std::nullopt;
  return ConstantTensor::fromAttr(elements);
}

/// The float in operand `i`, or the integer, which may be left out; nothing if
/// it is no constant of one element.
static std::optional<float> getConstantNumber(OpBinder &op, unsigned i,
                                              bool isOptional = false) {
  if (isOptional && !op.getOperand(i))
    return 0;
  std::optional<ConstantTensor> constant = getConstant(op, i);
  if (!constant || constant->getNumElements() != 1)
    return std::nullopt;
  return static_cast<float>(constant->getFloat(0));
}

namespace {
/// The numbers of a QLinearAdd a * left + (b * right + fixed), each product
/// fused with its sum.
struct StepSum {
  float left, right, fixed;

  /// Of the sum with its sides swapped, if asked for. Nothing where a scale or
  /// a zero point is not known.
  static std::optional<StepSum> bind(OpBinder &op, bool swaps = false) {
    unsigned a = swaps ? 3 : 0, b = 3 - a;
    std::optional<float> aScale = getConstantNumber(op, a + 1),
                         aZero = getConstantNumber(op, a + 2, true),
                         bScale = getConstantNumber(op, b + 1),
                         bZero = getConstantNumber(op, b + 2, true),
                         scale = getConstantNumber(op, 6),
                         zero = getConstantNumber(op, 7, true);
    if (!aScale || !aZero || !bScale || !bZero || !scale || !zero)
      return std::nullopt;
    StepSum sum;
    sum.left = *aScale / *scale;
    sum.right = *bScale / *scale;
    // Statements of their own, so that nothing else is fused.
    float second = sum.right * *bZero;
    float zeros = std::fma(sum.left, *aZero, second);
    sum.fixed = *zero - zeros;
    return sum;
  }
};
} // namespace

/// One side of a QLinearAdd being constant, the other one, in steps of the
/// result, plus one addend for each of the constant's elements: with it every
/// byte gives what ONNX Runtime's two fused sums give, if possible on machines
/// that fuse nothing as well. Null where there is none.
static Value addConstant(OpBinder &op, const BinarySteps &steps) {
  bool isLeft = getConstant(op, 0).has_value();
  unsigned constant = isLeft ? 0 : 3, other = 3 - constant;
  std::optional<ConstantTensor> values = getConstant(op, constant);
  Type element = OpBinder::getElementType(op.getTensor(other));
  if (!values || values->getNumElements() > kMostPositions ||
      !element.isInteger(8))
    return {};
  // One element counts as the right side wherever it stands.
  bool isLast = isLeft && values->getNumElements() != 1;
  std::optional<StepSum> sum = StepSum::bind(op, /*swaps=*/isLeft && !isLast);
  if (!sum)
    return {};
  float ratio = isLast ? sum->left : sum->right,
        factor = isLast ? sum->right : sum->left;
  auto type =
      RankedTensorType::get(values->getType().getShape(), op.b.getF32Type());
  std::optional<ConstantTensor> addends = ConstantTensor::allocate(type);
  ByteSteps form;
  std::tie(form.lowest, form.highest) =
      element.isUnsignedInteger() ? std::pair(0, 255) : std::pair(-128, 127);
  form.resultLowest = form.lowest, form.resultHighest = form.highest;
  for (int64_t i = 0; i < values->getNumElements(); ++i) {
    float c = static_cast<float>(values->getInt(i));
    float inner = std::fma(c, ratio, sum->fixed);
    form.values.clear();
    for (int byte = form.lowest; byte <= form.highest; ++byte) {
      float x = static_cast<float>(byte);
      float y = isLast ? std::fma(c, ratio, std::fma(x, factor, sum->fixed))
                       : std::fma(x, factor, inner);
      form.values.push_back({form.quantize(y)});
    }
    std::optional<float> addend =
        form.fitAddend(factor, static_cast<double>(c) * ratio +
                                   static_cast<double>(sum->fixed));
    // The inner sum is right at least where the outer one is fused.
    if (!addend && isLast)
      return {};
    addends->setFloat(i, addend ? *addend : inner);
  }
  const Steps &varying = isLeft ? steps.b : steps.a;
  Value factors = op.binary(BinaryKind::div, varying.scale, steps.c.scale);
  return op.binary(BinaryKind::add,
                   dequantize(op, varying.values, factors,
                              /*zeroPoint=*/Value(),
                              /*axis=*/-1),
                   op.constant(std::move(*addends).toAttr("addend")));
}

/// ONNX Runtime adds a * (sa / sc) to b * (sb / sc) + (what the zero points
/// make together), each fused, and rounds only then. Which of two steps is
/// nearer depends on that order, and no other has fewer operations.
/// mopt-fuse-steps fuses them.
static LogicalResult convertQLinearAdd(OpBinder &op) {
  std::optional<BinarySteps> bound = BinarySteps::bind(op);
  if (!bound)
    return failure();
  if (Value y = addConstant(op, *bound))
    return replaceBySteps(op, y);
  const auto &[a, b, c] = *bound;
  Value left = op.binary(BinaryKind::div, a.scale, c.scale),
        right = op.binary(BinaryKind::div, b.scale, c.scale), fixed;
  if (std::optional<StepSum> sum = StepSum::bind(op))
    fixed = op.scalar(OpBinder::getElementType(c.scale), sum->fixed);
  else
    fixed = op.binary(BinaryKind::sub, c.zero,
                      op.binary(BinaryKind::add,
                                op.binary(BinaryKind::mul, left, a.zero),
                                op.binary(BinaryKind::mul, right, b.zero)));
  Value x = dequantize(op, a.values, left, /*zeroPoint=*/Value(), /*axis=*/-1),
        y = dequantize(op, b.values, right, /*zeroPoint=*/Value(), /*axis=*/-1);
  return replaceBySteps(
      op, op.binary(BinaryKind::add, op.binary(BinaryKind::add, y, fixed), x));
}

/// The product of the integers times sa * sb / sc, and the zero point.
static LogicalResult convertQLinearMul(OpBinder &op) {
  std::optional<BinarySteps> bound = BinarySteps::bind(op);
  if (!bound)
    return failure();
  const auto &[a, b, c] = *bound;
  Type number = OpBinder::getElementType(c.scale);
  // Dequantized, in steps of 1: functions of bytes begin and end so.
  auto center = [&](const Steps &x, unsigned zero) {
    FailureOr<Value> zeroPoint =
        getOneZeroPoint(op, zero, OpBinder::getElementType(x.values));
    return dequantize(op, x.values, op.scalar(number, 1),
                      succeeded(zeroPoint) ? *zeroPoint : Value(),
                      /*axis=*/-1);
  };
  Value factor = op.binary(
      BinaryKind::div, op.binary(BinaryKind::mul, a.scale, b.scale), c.scale);
  Value product = op.binary(BinaryKind::mul, center(a, 2), center(b, 5));
  return replaceBySteps(
      op, op.binary(BinaryKind::add,
                    op.binary(BinaryKind::mul, product, factor), c.zero));
}

static LogicalResult convertQLinearSigmoid(OpBinder &op) {
  Value x = dequantizeOperand(op, 0);
  if (!x)
    return failure();
  return op.replace(
      quantizeResult(op, op.unary(UnaryKind::sigmoid, x), 3, op.getTensor(0)));
}

static LogicalResult convertQLinearLeakyRelu(OpBinder &op) {
  Value x = dequantizeOperand(op, 0);
  if (!x)
    return failure();
  Value scaled = op.binary(BinaryKind::mul, x, op.getFloat("alpha", 0.01f));
  Value isPositive =
      op.compare(CompareKind::ge, x, op.scalar(OpBinder::getElementType(x), 0));
  return op.replace(
      quantizeResult(op, op.select(isPositive, x, scaled), 3, op.getTensor(0)));
}

static LogicalResult convertQLinearWhere(OpBinder &op) {
  Value condition = op.getTensor(0), x = dequantizeOperand(op, 1),
        y = dequantizeOperand(op, 4);
  if (!condition || !x || !y)
    return failure();
  return op.replace(
      quantizeResult(op, op.select(condition, x, y), 7, op.getTensor(1)));
}

/// Has the softmax of operand 0 computed as ONNX Runtime does: exponentials
/// from a table, which are e^k times what they would be for some k, so that
/// none is a denormal number. Does nothing where the table is not known, or the
/// quotient is not exact in steps: ONNX Runtime multiplies by the whole part of
/// the reciprocal of the scale before it divides.
static void setExponentials(OpBinder &op, SoftmaxOp softmax) {
  std::optional<float> scale = getConstantNumber(op, 1),
                       resultScale = getConstantNumber(op, 3);
  int64_t size =
      OpBinder::getType(op.getTensor(0)).getDimSize(softmax.getAxis());
  int exponent;
  if (!scale || !resultScale || !(*scale > 0) || !(*resultScale <= 1) ||
      std::frexp(*resultScale, &exponent) != 0.5f ||
      ShapedType::isDynamic(size) || size == 0)
    return;
  // Of a float; the rest is of f64.
  float room =
      std::log(std::numeric_limits<float>::max() / static_cast<float>(size));
  double step = *scale,
         shift = std::max(0.0, static_cast<double>(room) - 5) / step;
  SmallVector<float> table;
  for (int below = 0; below < 256; ++below)
    table.push_back(static_cast<float>(std::exp((shift - below) * step)));
  Builder &b = op.b;
  softmax->setAttr(
      kExponentialsAttr,
      b.getDictionaryAttr(
          {b.getNamedAttr("result", b.getF32FloatAttr(*resultScale)),
           b.getNamedAttr("step", b.getF32FloatAttr(*scale)),
           b.getNamedAttr("table",
                          DenseElementsAttr::get(
                              RankedTensorType::get(256, b.getF32Type()),
                              ArrayRef<float>(table)))}));
}

static LogicalResult convertQLinearSoftmax(OpBinder &op) {
  Value x = dequantizeOperand(op, 0);
  if (!x)
    return failure();
  FailureOr<int64_t> axis =
      op.normalizeAxis(op.getInt("axis", -1), OpBinder::getRank(x));
  if (failed(axis))
    return failure();
  // Before opset 13 all dimensions from the axis on are one.
  if (op.getInt("opset", 13) < 13 && *axis + 1 != OpBinder::getRank(x))
    return op.emitError() << "a softmax of opset " << op.getInt("opset", 13)
                          << " over several dimensions is not supported";
  auto y = SoftmaxOp::create(op.b, op.loc, x, *axis, /*log=*/false);
  setExponentials(op, y);
  return op.replace(quantizeResult(op, y, 3, op.getTensor(0)));
}

//===----------------------------------------------------------------------===//
// Reductions and poolings
//===----------------------------------------------------------------------===//

static LogicalResult verifyChannelsFirst(OpBinder &op) {
  if (op.getInt("channels_last", 0) == 0)
    return success();
  return op.emitError() << "'channels_last' of 1 is not supported";
}

static LogicalResult convertQLinearGlobalAveragePool(OpBinder &op) {
  Value x = dequantizeOperand(op, 0);
  if (!x || failed(verifyChannelsFirst(op)))
    return failure();
  Value y =
      op.mean(x, llvm::to_vector(llvm::seq<int64_t>(2, OpBinder::getRank(x))));
  return op.replace(quantizeResult(op, y, 3, op.getTensor(0)));
}

static LogicalResult convertQLinearAveragePool(OpBinder &op) {
  Value x = dequantizeOperand(op, 0);
  if (!x || failed(verifyChannelsFirst(op)))
    return failure();
  Value input = x;
  FailureOr<Windows> windows = Windows::bind(op, x, {});
  if (failed(windows))
    return failure();
  if (x != input)
    return op.emitError() << "padding that run time decides is not supported";
  bool includesPad = op.getInt("count_include_pad", 0) != 0;
  Value y = windows->pool(
      op, includesPad ? PoolKind::avg_include_pad : PoolKind::avg, x);
  return op.replace(quantizeResult(op, y, 3, op.getTensor(0)));
}

static LogicalResult convertQLinearReduceMean(OpBinder &op) {
  Value x = dequantizeOperand(op, 0);
  if (!x)
    return failure();
  int64_t rank = OpBinder::getRank(x);
  SmallVector<int64_t> axes =
      op.getInts("axes").value_or(llvm::to_vector(llvm::seq<int64_t>(0, rank)));
  FailureOr<SmallVector<int64_t>> normal = op.normalizeAxes(axes, rank);
  if (failed(normal))
    return failure();
  Value y = op.mean(x, *normal);
  if (op.getInt("keepdims", 1) == 0)
    y = op.squeeze(y, *normal);
  return op.replace(quantizeResult(op, y, 3, op.getTensor(0)));
}

//===----------------------------------------------------------------------===//
// Movement
//===----------------------------------------------------------------------===//

/// The result's scale and zero point come first, then three operands a part.
static LogicalResult convertQLinearConcat(OpBinder &op) {
  SmallVector<Value> parts;
  for (unsigned i = 2; i < op.getNumOperands(); i += 3) {
    Value part = dequantizeOperand(op, i);
    if (!part)
      return failure();
    parts.push_back(part);
  }
  if (parts.empty())
    return op.emitError() << "expected at least one input";
  FailureOr<int64_t> axis =
      op.normalizeAxis(op.getInt("axis", 0), OpBinder::getRank(parts.front()));
  if (failed(axis))
    return failure();
  return op.replace(
      quantizeResult(op, op.concat(parts, *axis), 0, op.getTensor(2)));
}

//===----------------------------------------------------------------------===//
// Contractions
//===----------------------------------------------------------------------===//

static Value addOperand(OpBinder &op, Value y, unsigned i) {
  if (!y || !op.getOperand(i))
    return y;
  Value bias = op.getTensor(i);
  return bias ? op.binary(BinaryKind::add, y, bias) : Value();
}

/// Gemm with a bias in steps of both scales; without a scale of the result the
/// result is of floats.
static LogicalResult convertQGemm(OpBinder &op) {
  bool transposeRhs = op.getInt("transB", 0) != 0;
  Value a = dequantizeOperand(op, 0),
        weights = dequantizeAlong(op, 3, 4, 5, transposeRhs ? 0 : 1),
        aScale = op.getTensor(1), bScale = op.getTensor(4);
  if (!a || !weights)
    return failure();
  Value y = op.matmul(a, weights, op.getInt("transA", 0) != 0, transposeRhs);
  if (y && op.getOperand(6)) {
    Value bias = op.getTensor(6);
    if (!bias)
      return failure();
    // One factor for all, or one for each column, which is the last dimension.
    Value factor = op.binary(BinaryKind::mul, bScale, aScale);
    y = op.binary(BinaryKind::add, y,
                  op.binary(BinaryKind::mul,
                            op.cast(bias, OpBinder::getElementType(y)),
                            factor));
  }
  double alpha = op.getFloat("alpha", 1);
  if (alpha != 1)
    y = op.binary(BinaryKind::mul, y, alpha);
  if (!op.getOperand(7))
    return op.replace(y);
  return op.replace(quantizeResult(op, y, 7, op.getTensor(0)));
}

/// MatMulInteger, scaled.
static LogicalResult convertMatMulIntegerToFloat(OpBinder &op) {
  Value a = op.getTensor(0), b = op.getTensor(1);
  if (!a || !b)
    return failure();
  Value lhs = dequantizeAlong(op, 0, 2, 4, OpBinder::getRank(a) - 2),
        rhs = dequantizeAlong(op, 1, 3, 5, OpBinder::getRank(b) - 1);
  if (!lhs || !rhs)
    return failure();
  return op.replace(addOperand(op, op.matmul(lhs, rhs), 6));
}

/// The left side is quantized as DynamicQuantizeLinear does.
static LogicalResult convertDynamicQuantizeMatMul(OpBinder &op) {
  Value a = op.getTensor(0), b = op.getTensor(1);
  if (!a || !b)
    return failure();
  DynamicallyQuantized quantized = quantizeDynamically(op, a);
  Value lhs = dequantize(op, quantized.values, quantized.scale,
                         quantized.zeroPoint, /*axis=*/-1),
        rhs = dequantizeAlong(op, 1, 2, 3, OpBinder::getRank(b) - 1);
  if (!lhs || !rhs)
    return failure();
  return op.replace(addOperand(op, op.matmul(lhs, rhs), 4));
}

void mopt::populateQuantizedContribHandlers(HandlerRegistry &registry) {
  StringRef domain = "com.microsoft";
  registry.add(domain, "DynamicQuantizeMatMul", 1,
               convertDynamicQuantizeMatMul);
  registry.add(domain, "MatMulIntegerToFloat", 1, convertMatMulIntegerToFloat);
  registry.add(domain, "QGemm", 1, convertQGemm);
  registry.add(domain, "QLinearAdd", 1, convertQLinearAdd);
  registry.add(domain, "QLinearAveragePool", 1, convertQLinearAveragePool);
  registry.add(domain, "QLinearConcat", 1, convertQLinearConcat);
  registry.add(domain, "QLinearGlobalAveragePool", 1,
               convertQLinearGlobalAveragePool);
  registry.add(domain, "QLinearLeakyRelu", 1, convertQLinearLeakyRelu);
  registry.add(domain, "QLinearMul", 1, convertQLinearMul);
  registry.add(domain, "QLinearReduceMean", 1, convertQLinearReduceMean);
  registry.add(domain, "QLinearSigmoid", 1, convertQLinearSigmoid);
  registry.add(domain, "QLinearSoftmax", 1, convertQLinearSoftmax);
  registry.add(domain, "QLinearWhere", 1, convertQLinearWhere);
}

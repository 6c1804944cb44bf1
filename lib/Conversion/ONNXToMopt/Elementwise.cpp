// Handlers of ONNX's elementwise operators, casts and selections.
#include "mopt/Conversion/ONNXToMopt/HandlerRegistry.h"
#include "mopt/Conversion/ONNXToMopt/OpBinder.h"

#include <cmath>
#include <limits>

using namespace mlir;
using namespace mopt;

template <UnaryKind kind>
static LogicalResult convertUnary(OpBinder &op) {
  Value x = op.getTensor(0);
  return op.replace(op.unary(kind, x));
}

/// Before version 7 an axis said where the second operand is laid along.
static FailureOr<Value> alignLegacyOperand(OpBinder &op, Value x, Value y) {
  if (op.getVersion() >= 7 || op.getInt("broadcast", 0) == 0)
    return y;
  int64_t rank = OpBinder::getRank(x), width = OpBinder::getRank(y);
  FailureOr<int64_t> axis =
      op.normalizeAxis(op.getInt("axis", rank - width), rank + 1);
  if (failed(axis))
    return failure();
  if (*axis + width > rank)
    return op.emitError() << "expected an axis of at most " << rank - width
                          << ", found " << *axis;
  return op.unsqueeze(
      y, llvm::to_vector(llvm::seq<int64_t>(width, rank - *axis)));
}

template <BinaryKind kind>
static LogicalResult convertBinary(OpBinder &op) {
  Value x = op.getTensor(0), y = op.getTensor(1);
  if (!x || !y)
    return failure();
  FailureOr<Value> aligned = alignLegacyOperand(op, x, y);
  if (failed(aligned))
    return failure();
  return op.replace(op.binary(kind, x, *aligned));
}

template <CompareKind kind>
static LogicalResult convertCompare(OpBinder &op) {
  Value x = op.getTensor(0), y = op.getTensor(1);
  if (!x || !y)
    return failure();
  FailureOr<Value> aligned = alignLegacyOperand(op, x, y);
  if (failed(aligned))
    return failure();
  return op.replace(op.compare(kind, x, *aligned));
}

/// Sum, Mean, Max and Min of any number of operands.
template <BinaryKind kind, bool isMean>
static LogicalResult convertVariadic(OpBinder &op) {
  FailureOr<SmallVector<Value>> operands = op.getTensors();
  if (failed(operands))
    return failure();
  if (operands->empty())
    return op.emitError() << "expected at least one input";
  Value result = operands->front();
  for (Value operand : ArrayRef(*operands).drop_front())
    result = op.binary(kind, result, operand);
  if (isMean)
    result = op.binary(BinaryKind::div, result, operands->size());
  return op.replace(result);
}

static LogicalResult convertPow(OpBinder &op) {
  Value x = op.getTensor(0), y = op.getTensor(1);
  if (!x || !y)
    return failure();
  FailureOr<Value> aligned = alignLegacyOperand(op, x, y);
  if (failed(aligned))
    return failure();
  // The result has the base's type; the power is taken in the wider one.
  Type base = OpBinder::getElementType(x), exponent = OpBinder::getElementType(y);
  Type compute = base;
  if (base != exponent)
    compute = isa<FloatType>(base)       ? base
              : isa<FloatType>(exponent) ? exponent
                                         : base;
  Value result = op.binary(BinaryKind::pow, op.cast(x, compute),
                           op.cast(*aligned, compute));
  return op.replace(op.cast(result, base));
}

static LogicalResult convertMod(OpBinder &op) {
  Value x = op.getTensor(0), y = op.getTensor(1);
  if (!x || !y)
    return failure();
  bool isC = op.getInt("fmod", 0) != 0;
  return op.replace(op.binary(isC ? BinaryKind::fmod : BinaryKind::mod, x, y));
}

static LogicalResult convertBitShift(OpBinder &op) {
  Value x = op.getTensor(0), y = op.getTensor(1);
  if (!x || !y)
    return failure();
  StringRef direction = op.getString("direction", "");
  if (direction != "LEFT" && direction != "RIGHT")
    return op.emitError() << "expected direction 'LEFT' or 'RIGHT', found '"
                          << direction << "'";
  return op.replace(op.binary(
      direction == "LEFT" ? BinaryKind::shl : BinaryKind::shr, x, y));
}

static LogicalResult convertRelu(OpBinder &op) {
  Value x = op.getTensor(0);
  return op.replace(op.binary(BinaryKind::max, x, 0.0));
}

static LogicalResult convertLeakyRelu(OpBinder &op) {
  Value x = op.getTensor(0);
  if (!x)
    return failure();
  Value zero = op.scalar(OpBinder::getElementType(x), 0);
  Value scaled = op.binary(BinaryKind::mul, x, op.getFloat("alpha", 0.01f));
  return op.replace(op.select(op.compare(CompareKind::lt, x, zero), scaled, x));
}

static LogicalResult convertPRelu(OpBinder &op) {
  Value x = op.getTensor(0), slope = op.getTensor(1);
  if (!x || !slope)
    return failure();
  Value zero = op.scalar(OpBinder::getElementType(x), 0);
  // Before version 7 a vector of slopes went along the channels.
  int64_t rank = OpBinder::getRank(x);
  if (op.getVersion() < 7 && OpBinder::getRank(slope) == 1 && rank > 2)
    slope = op.alongAxis(slope, 1, rank);
  Value scaled = op.binary(BinaryKind::mul, x, slope);
  return op.replace(op.select(op.compare(CompareKind::lt, x, zero), scaled, x));
}

/// x where x > 0, else `negative`.
static Value selectPositive(OpBinder &op, Value x, Value negative) {
  Value zero = op.scalar(OpBinder::getElementType(x), 0);
  return op.select(op.compare(CompareKind::gt, x, zero), x, negative);
}

/// exp(x) - 1 without overflow where x is positive (the result is not used
/// there).
static Value expMinusOne(OpBinder &op, Value x) {
  Value clipped = op.binary(BinaryKind::min, x, 0.0);
  return op.binary(BinaryKind::sub, op.unary(UnaryKind::exp, clipped), 1.0);
}

static LogicalResult convertElu(OpBinder &op) {
  Value x = op.getTensor(0);
  if (!x)
    return failure();
  Value negative = op.binary(BinaryKind::mul, expMinusOne(op, x),
                             op.getFloat("alpha", 1.0));
  return op.replace(selectPositive(op, x, negative));
}

static LogicalResult convertSelu(OpBinder &op) {
  Value x = op.getTensor(0);
  if (!x)
    return failure();
  double alpha = op.getFloat("alpha", 1.67326319217681884765625f);
  double gamma = op.getFloat("gamma", 1.05070102214813232421875f);
  Value negative = op.binary(BinaryKind::mul, expMinusOne(op, x), alpha);
  return op.replace(
      op.binary(BinaryKind::mul, selectPositive(op, x, negative), gamma));
}

static LogicalResult convertCelu(OpBinder &op) {
  Value x = op.getTensor(0);
  if (!x)
    return failure();
  double alpha = op.getFloat("alpha", 1.0);
  Value negative = op.binary(
      BinaryKind::mul, expMinusOne(op, op.binary(BinaryKind::div, x, alpha)),
      alpha);
  return op.replace(selectPositive(op, x, negative));
}

static LogicalResult convertThresholdedRelu(OpBinder &op) {
  Value x = op.getTensor(0);
  if (!x)
    return failure();
  Type type = OpBinder::getElementType(x);
  Value alpha = op.scalar(type, op.getFloat("alpha", 1.0));
  return op.replace(op.select(op.compare(CompareKind::gt, x, alpha), x,
                              op.scalar(type, 0)));
}

static LogicalResult convertHardSigmoid(OpBinder &op) {
  Value x = op.getTensor(0);
  Value y = op.binary(BinaryKind::mul, x, op.getFloat("alpha", 0.2f));
  y = op.binary(BinaryKind::add, y, op.getFloat("beta", 0.5));
  y = op.binary(BinaryKind::max, y, 0.0);
  return op.replace(op.binary(BinaryKind::min, y, 1.0));
}

static LogicalResult convertHardSwish(OpBinder &op) {
  Value x = op.getTensor(0);
  Value y = op.binary(BinaryKind::mul, x, 1.0 / 6);
  y = op.binary(BinaryKind::add, y, 0.5);
  y = op.binary(BinaryKind::max, y, 0.0);
  y = op.binary(BinaryKind::min, y, 1.0);
  return op.replace(op.binary(BinaryKind::mul, x, y));
}

/// log(1 + exp(x)) = max(x, 0) + log(1 + exp(-|x|)).
static Value softplus(OpBinder &op, Value x) {
  Value small = op.unary(
      UnaryKind::exp, op.unary(UnaryKind::neg, op.unary(UnaryKind::abs, x)));
  Value rest = op.unary(UnaryKind::log, op.binary(BinaryKind::add, small, 1.0));
  return op.binary(BinaryKind::add, op.binary(BinaryKind::max, x, 0.0), rest);
}

static LogicalResult convertSoftplus(OpBinder &op) {
  Value x = op.getTensor(0);
  return x ? op.replace(softplus(op, x)) : failure();
}

static LogicalResult convertMish(OpBinder &op) {
  Value x = op.getTensor(0);
  if (!x)
    return failure();
  return op.replace(op.binary(BinaryKind::mul, x,
                              op.unary(UnaryKind::tanh, softplus(op, x))));
}

static LogicalResult convertSoftsign(OpBinder &op) {
  Value x = op.getTensor(0);
  Value divisor = op.binary(BinaryKind::add, op.unary(UnaryKind::abs, x), 1.0);
  return op.replace(op.binary(BinaryKind::div, x, divisor));
}

static LogicalResult convertSwish(OpBinder &op) {
  Value x = op.getTensor(0);
  Value gate = op.unary(UnaryKind::sigmoid, op.binary(BinaryKind::mul, x,
                                                      op.getFloat("alpha", 1)));
  return op.replace(op.binary(BinaryKind::mul, x, gate));
}

static LogicalResult convertGelu(OpBinder &op) {
  Value x = op.getTensor(0);
  if (!x)
    return failure();
  Value inner;
  if (op.getString("approximate", "none") == "tanh") {
    Value cube = op.binary(BinaryKind::mul, op.binary(BinaryKind::mul, x, x), x);
    Value sum = op.binary(BinaryKind::add, x,
                          op.binary(BinaryKind::mul, cube, 0.044715));
    inner = op.unary(UnaryKind::tanh,
                     op.binary(BinaryKind::mul, sum, std::sqrt(2 / M_PI)));
  } else {
    inner = op.unary(UnaryKind::erf, op.binary(BinaryKind::mul, x, M_SQRT1_2));
  }
  Value gate = op.binary(BinaryKind::add, inner, 1.0);
  Value half = op.binary(BinaryKind::mul, x, 0.5);
  return op.replace(op.binary(BinaryKind::mul, half, gate));
}

static LogicalResult convertShrink(OpBinder &op) {
  Value x = op.getTensor(0);
  if (!x)
    return failure();
  Type type = OpBinder::getElementType(x);
  double lambd = op.getFloat("lambd", 0.5), bias = op.getFloat("bias", 0);
  Value low = op.compare(CompareKind::lt, x, op.scalar(type, -lambd));
  Value high = op.compare(CompareKind::gt, x, op.scalar(type, lambd));
  Value inside = op.select(high, op.binary(BinaryKind::sub, x, bias),
                           op.scalar(type, 0));
  return op.replace(
      op.select(low, op.binary(BinaryKind::add, x, bias), inside));
}

/// Limits as attributes (before version 11) or operands.
static LogicalResult convertClip(OpBinder &op) {
  Value x = op.getTensor(0);
  if (!x)
    return failure();
  Type type = OpBinder::getElementType(x);
  for (unsigned i : {0u, 1u}) {
    Value limit;
    if (op.getVersion() < 11) {
      StringRef name = i == 0 ? "min" : "max";
      if (op.hasAttr(name))
        limit = op.scalar(type, op.getFloat(name, 0));
    } else if (op.getOperand(i + 1)) {
      limit = op.getTensor(i + 1);
      if (!limit)
        return failure();
    }
    if (limit)
      x = op.binary(i == 0 ? BinaryKind::max : BinaryKind::min, x, limit);
  }
  return op.replace(x);
}

static LogicalResult convertIsInf(OpBinder &op) {
  Value x = op.getTensor(0);
  bool positive = op.getInt("detect_positive", 1) != 0;
  bool negative = op.getInt("detect_negative", 1) != 0;
  if (!x)
    return failure();
  if (!positive && !negative)
    return op.replace(op.compare(
        CompareKind::lt, op.unary(UnaryKind::abs, x),
        op.scalar(OpBinder::getElementType(x),
                  -std::numeric_limits<double>::infinity())));
  return op.replace(op.unary(positive && negative ? UnaryKind::is_inf
                             : positive           ? UnaryKind::is_inf_pos
                                                  : UnaryKind::is_inf_neg,
                             x));
}

static LogicalResult convertWhere(OpBinder &op) {
  FailureOr<SmallVector<Value>> x = op.getTensors();
  if (failed(x))
    return failure();
  if (x->size() != 3)
    return op.emitError() << "expected 3 inputs, found " << x->size();
  return op.replace(op.select((*x)[0], (*x)[1], (*x)[2]));
}

void mopt::populateElementwiseHandlers(HandlerRegistry &registry) {
  registry.add("Abs", 1, convertUnary<UnaryKind::abs>);
  registry.add("Acos", 7, convertUnary<UnaryKind::acos>);
  registry.add("Acosh", 9, convertUnary<UnaryKind::acosh>);
  registry.add("Asin", 7, convertUnary<UnaryKind::asin>);
  registry.add("Asinh", 9, convertUnary<UnaryKind::asinh>);
  registry.add("Atan", 7, convertUnary<UnaryKind::atan>);
  registry.add("Atanh", 9, convertUnary<UnaryKind::atanh>);
  registry.add("BitwiseNot", 18, convertUnary<UnaryKind::not_>);
  registry.add("Ceil", 1, convertUnary<UnaryKind::ceil>);
  registry.add("Cos", 7, convertUnary<UnaryKind::cos>);
  registry.add("Cosh", 9, convertUnary<UnaryKind::cosh>);
  registry.add("Erf", 9, convertUnary<UnaryKind::erf>);
  registry.add("Exp", 1, convertUnary<UnaryKind::exp>);
  registry.add("Floor", 1, convertUnary<UnaryKind::floor>);
  registry.add("IsNaN", 9, convertUnary<UnaryKind::is_nan>);
  registry.add("Log", 1, convertUnary<UnaryKind::log>);
  registry.add("Neg", 1, convertUnary<UnaryKind::neg>);
  registry.add("Not", 1, convertUnary<UnaryKind::not_>);
  registry.add("Reciprocal", 1, convertUnary<UnaryKind::reciprocal>);
  registry.add("Round", 11, convertUnary<UnaryKind::round>);
  registry.add("Sigmoid", 1, convertUnary<UnaryKind::sigmoid>);
  registry.add("Sign", 9, convertUnary<UnaryKind::sign>);
  registry.add("Sin", 7, convertUnary<UnaryKind::sin>);
  registry.add("Sinh", 9, convertUnary<UnaryKind::sinh>);
  registry.add("Sqrt", 1, convertUnary<UnaryKind::sqrt>);
  registry.add("Tan", 7, convertUnary<UnaryKind::tan>);
  registry.add("Tanh", 1, convertUnary<UnaryKind::tanh>);

  registry.add("Add", 1, convertBinary<BinaryKind::add>);
  registry.add("And", 1, convertBinary<BinaryKind::and_>);
  registry.add("BitShift", 11, convertBitShift);
  registry.add("BitwiseAnd", 18, convertBinary<BinaryKind::and_>);
  registry.add("BitwiseOr", 18, convertBinary<BinaryKind::or_>);
  registry.add("BitwiseXor", 18, convertBinary<BinaryKind::xor_>);
  registry.add("Div", 1, convertBinary<BinaryKind::div>);
  registry.add("Mod", 10, convertMod);
  registry.add("Mul", 1, convertBinary<BinaryKind::mul>);
  registry.add("Or", 1, convertBinary<BinaryKind::or_>);
  registry.add("Pow", 1, convertPow);
  registry.add("Sub", 1, convertBinary<BinaryKind::sub>);
  registry.add("Xor", 1, convertBinary<BinaryKind::xor_>);

  registry.add("Equal", 1, convertCompare<CompareKind::eq>);
  registry.add("Greater", 1, convertCompare<CompareKind::gt>);
  registry.add("GreaterOrEqual", 12, convertCompare<CompareKind::ge>);
  registry.add("Less", 1, convertCompare<CompareKind::lt>);
  registry.add("LessOrEqual", 12, convertCompare<CompareKind::le>);

  registry.add("Max", 6, convertVariadic<BinaryKind::max, false>);
  registry.add("Mean", 6, convertVariadic<BinaryKind::add, true>);
  registry.add("Min", 6, convertVariadic<BinaryKind::min, false>);
  registry.add("Sum", 6, convertVariadic<BinaryKind::add, false>);

  registry.add("Celu", 12, convertCelu);
  registry.add("Clip", 1, convertClip);
  registry.add("Elu", 1, convertElu);
  registry.add("Gelu", 20, convertGelu);
  registry.add("HardSigmoid", 1, convertHardSigmoid);
  registry.add("HardSwish", 14, convertHardSwish);
  registry.add("IsInf", 10, convertIsInf);
  registry.add("LeakyRelu", 1, convertLeakyRelu);
  registry.add("Mish", 18, convertMish);
  registry.add("PRelu", 1, convertPRelu);
  registry.add("Relu", 1, convertRelu);
  registry.add("Selu", 1, convertSelu);
  registry.add("Shrink", 9, convertShrink);
  registry.add("Softplus", 1, convertSoftplus);
  registry.add("Softsign", 1, convertSoftsign);
  registry.add("Swish", 24, convertSwish);
  registry.add("ThresholdedRelu", 10, convertThresholdedRelu);
  registry.add("Where", 9, convertWhere);
}

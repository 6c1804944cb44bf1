// The one table from elementwise and reduction kinds to scalar code.
#include "mopt/Conversion/MoptToLinalg/Elements.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace mopt;

Value mopt::buildConstant(OpBuilder &b, Location loc, Type scalar,
                          double number) {
  if (isa<FloatType>(scalar))
    return arith::ConstantOp::create(b, loc, b.getFloatAttr(scalar, number));
  return arith::ConstantOp::create(
      b, loc, b.getIntegerAttr(scalar, static_cast<int64_t>(number)));
}

/// Narrow floats are computed in f32, as every runtime does.
static Type getComputeType(Type element) {
  auto floatType = dyn_cast<FloatType>(element);
  return floatType && floatType.getWidth() < 32
             ? Type(Float32Type::get(element.getContext()))
             : element;
}

static Value widen(OpBuilder &b, Location loc, Value x) {
  Type wide = getComputeType(x.getType());
  return wide == x.getType() ? x : arith::ExtFOp::create(b, loc, wide, x);
}

static Value narrow(OpBuilder &b, Location loc, Value x, Type type) {
  return x.getType() == type ? x : arith::TruncFOp::create(b, loc, type, x);
}

//===----------------------------------------------------------------------===//
// Unary
//===----------------------------------------------------------------------===//

static Value compareF(OpBuilder &b, Location loc, arith::CmpFPredicate p,
                      Value x, double y) {
  return arith::CmpFOp::create(b, loc, p, x,
                               buildConstant(b, loc, x.getType(), y));
}

/// -1, 0 or 1; NaN stays NaN.
static Value buildFloatSign(OpBuilder &b, Location loc, Value x) {
  Type type = x.getType();
  Value one = buildConstant(b, loc, type, 1);
  Value sign = math::CopySignOp::create(b, loc, one, x);
  Value keep = arith::CmpFOp::create(b, loc, arith::CmpFPredicate::UEQ, x,
                                     buildConstant(b, loc, type, 0));
  return arith::SelectOp::create(b, loc, keep, x, sign);
}

static Value buildFloatUnary(OpBuilder &b, Location loc, UnaryKind kind,
                             Value x) {
  double infinity = std::numeric_limits<double>::infinity();
  switch (kind) {
  case UnaryKind::abs:
    return math::AbsFOp::create(b, loc, x);
  case UnaryKind::neg:
    return arith::NegFOp::create(b, loc, x);
  case UnaryKind::sign:
    return buildFloatSign(b, loc, x);
  case UnaryKind::exp:
    return math::ExpOp::create(b, loc, x);
  case UnaryKind::log:
    return math::LogOp::create(b, loc, x);
  case UnaryKind::sqrt:
    return math::SqrtOp::create(b, loc, x);
  case UnaryKind::reciprocal:
    return arith::DivFOp::create(b, loc, buildConstant(b, loc, x.getType(), 1), x);
  case UnaryKind::floor:
    return math::FloorOp::create(b, loc, x);
  case UnaryKind::ceil:
    return math::CeilOp::create(b, loc, x);
  case UnaryKind::round:
    return math::RoundEvenOp::create(b, loc, x);
  case UnaryKind::sin:
    return math::SinOp::create(b, loc, x);
  case UnaryKind::cos:
    return math::CosOp::create(b, loc, x);
  case UnaryKind::tan:
    return math::TanOp::create(b, loc, x);
  case UnaryKind::asin:
    return math::AsinOp::create(b, loc, x);
  case UnaryKind::acos:
    return math::AcosOp::create(b, loc, x);
  case UnaryKind::atan:
    return math::AtanOp::create(b, loc, x);
  case UnaryKind::sinh:
    return math::SinhOp::create(b, loc, x);
  case UnaryKind::cosh:
    return math::CoshOp::create(b, loc, x);
  case UnaryKind::tanh:
    return math::TanhOp::create(b, loc, x);
  case UnaryKind::asinh:
    return math::AsinhOp::create(b, loc, x);
  case UnaryKind::acosh:
    return math::AcoshOp::create(b, loc, x);
  case UnaryKind::atanh:
    return math::AtanhOp::create(b, loc, x);
  case UnaryKind::erf:
    return math::ErfOp::create(b, loc, x);
  case UnaryKind::sigmoid: {
    // 1 / (1 + exp(-x)): exp overflows to infinity, the quotient to 0.
    Value e = math::ExpOp::create(b, loc, arith::NegFOp::create(b, loc, x));
    Value one = buildConstant(b, loc, x.getType(), 1);
    return arith::DivFOp::create(b, loc, one, arith::AddFOp::create(b, loc, one, e));
  }
  case UnaryKind::is_nan:
    return arith::CmpFOp::create(b, loc, arith::CmpFPredicate::UNO, x, x);
  case UnaryKind::is_inf:
    return compareF(b, loc, arith::CmpFPredicate::OEQ,
                    math::AbsFOp::create(b, loc, x), infinity);
  case UnaryKind::is_inf_pos:
    return compareF(b, loc, arith::CmpFPredicate::OEQ, x, infinity);
  case UnaryKind::is_inf_neg:
    return compareF(b, loc, arith::CmpFPredicate::OEQ, x, -infinity);
  case UnaryKind::not_:
    return {};
  }
  return {};
}

static Value buildIntUnary(OpBuilder &b, Location loc, UnaryKind kind,
                           Type element, Value x) {
  Type type = x.getType();
  auto constant = [&](int64_t value) -> Value {
    return arith::ConstantOp::create(b, loc, b.getIntegerAttr(type, value));
  };
  bool isUnsigned = isUnsignedElement(element);
  switch (kind) {
  case UnaryKind::abs:
    if (isUnsigned)
      return x;
    return arith::SelectOp::create(
        b, loc,
        arith::CmpIOp::create(b, loc, arith::CmpIPredicate::slt, x, constant(0)),
        arith::SubIOp::create(b, loc, constant(0), x), x);
  case UnaryKind::neg:
    return arith::SubIOp::create(b, loc, constant(0), x);
  case UnaryKind::sign: {
    Value isPositive = arith::CmpIOp::create(
        b, loc, isUnsigned ? arith::CmpIPredicate::ugt : arith::CmpIPredicate::sgt,
        x, constant(0));
    Value rest = constant(0);
    if (!isUnsigned)
      rest = arith::SelectOp::create(
          b, loc,
          arith::CmpIOp::create(b, loc, arith::CmpIPredicate::slt, x, constant(0)),
          constant(-1), rest);
    return arith::SelectOp::create(b, loc, isPositive, constant(1), rest);
  }
  case UnaryKind::not_:
    return arith::XOrIOp::create(b, loc, x, constant(-1));
  case UnaryKind::floor:
  case UnaryKind::ceil:
  case UnaryKind::round:
    return x;
  case UnaryKind::is_nan:
  case UnaryKind::is_inf:
  case UnaryKind::is_inf_pos:
  case UnaryKind::is_inf_neg:
    return arith::ConstantOp::create(b, loc, b.getBoolAttr(false));
  default:
    return {};
  }
}

Value mopt::buildUnary(OpBuilder &b, Location loc, UnaryKind kind, Type element,
                       Value x) {
  if (!isa<FloatType>(element))
    return buildIntUnary(b, loc, kind, element, x);
  Value y = buildFloatUnary(b, loc, kind, widen(b, loc, x));
  if (!y || y.getType().isInteger(1))
    return y;
  return narrow(b, loc, y, x.getType());
}

//===----------------------------------------------------------------------===//
// Binary
//===----------------------------------------------------------------------===//

/// floor(x / y) based remainder, with the sign of y; x if y is infinite.
static Value buildFloatMod(OpBuilder &b, Location loc, Value x, Value y) {
  Value rest = arith::RemFOp::create(b, loc, x, y);
  Value zero = buildConstant(b, loc, x.getType(), 0);
  Value isZero =
      arith::CmpFOp::create(b, loc, arith::CmpFPredicate::OEQ, rest, zero);
  auto isNegative = [&](Value v) {
    return arith::CmpFOp::create(b, loc, arith::CmpFPredicate::OLT, v, zero);
  };
  Value differs = arith::XOrIOp::create(b, loc, isNegative(rest), isNegative(y));
  Value moved = arith::SelectOp::create(
      b, loc, differs, arith::AddFOp::create(b, loc, rest, y), rest);
  return arith::SelectOp::create(b, loc, isZero, rest, moved);
}

static Value buildFloatBinary(OpBuilder &b, Location loc, BinaryKind kind,
                              Value x, Value y) {
  switch (kind) {
  case BinaryKind::add:
    return arith::AddFOp::create(b, loc, x, y);
  case BinaryKind::sub:
    return arith::SubFOp::create(b, loc, x, y);
  case BinaryKind::mul:
    return arith::MulFOp::create(b, loc, x, y);
  case BinaryKind::div:
    return arith::DivFOp::create(b, loc, x, y);
  case BinaryKind::pow:
    return math::PowFOp::create(b, loc, x, y);
  case BinaryKind::max:
    return arith::MaximumFOp::create(b, loc, x, y);
  case BinaryKind::min:
    return arith::MinimumFOp::create(b, loc, x, y);
  case BinaryKind::mod:
    return buildFloatMod(b, loc, x, y);
  case BinaryKind::fmod:
    return arith::RemFOp::create(b, loc, x, y);
  default:
    return {};
  }
}

/// x / y, x % y: 0 for a divisor of 0, and no trap for the lowest value by -1.
static Value buildIntDivision(OpBuilder &b, Location loc, BinaryKind kind,
                              bool isUnsigned, Value x, Value y) {
  Type type = x.getType();
  auto constant = [&](int64_t value) -> Value {
    return arith::ConstantOp::create(b, loc, b.getIntegerAttr(type, value));
  };
  auto equal = [&](Value v, int64_t value) -> Value {
    return arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq, v,
                                 constant(value));
  };
  Value isZero = equal(y, 0);
  Value divisor = arith::SelectOp::create(b, loc, isZero, constant(1), y);
  bool isQuotient = kind == BinaryKind::div;
  if (isUnsigned) {
    Value result = isQuotient
                       ? arith::DivUIOp::create(b, loc, x, divisor).getResult()
                       : arith::RemUIOp::create(b, loc, x, divisor).getResult();
    return arith::SelectOp::create(b, loc, isZero, constant(0), result);
  }
  Value isMinusOne = equal(y, -1);
  divisor = arith::SelectOp::create(b, loc, isMinusOne, constant(1), divisor);
  if (isQuotient) {
    Value result = arith::DivSIOp::create(b, loc, x, divisor);
    Value negated = arith::SubIOp::create(b, loc, constant(0), x);
    result = arith::SelectOp::create(b, loc, isMinusOne, negated, result);
    return arith::SelectOp::create(b, loc, isZero, constant(0), result);
  }
  // By 1 in place of -1 or 0 the remainder is 0.
  Value rest = arith::RemSIOp::create(b, loc, x, divisor);
  if (kind == BinaryKind::fmod)
    return rest;
  Value signs = arith::XOrIOp::create(b, loc, rest, divisor);
  Value differs =
      arith::CmpIOp::create(b, loc, arith::CmpIPredicate::slt, signs, constant(0));
  Value isExact = equal(rest, 0);
  Value moved = arith::SelectOp::create(
      b, loc, differs, arith::AddIOp::create(b, loc, rest, divisor), rest);
  return arith::SelectOp::create(b, loc, isExact, rest, moved);
}

static Value buildShift(OpBuilder &b, Location loc, bool isLeft, bool isUnsigned,
                        Value x, Value y) {
  Type type = x.getType();
  auto constant = [&](int64_t value) -> Value {
    return arith::ConstantOp::create(b, loc, b.getIntegerAttr(type, value));
  };
  Value fits = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::ult, y,
                                     constant(type.getIntOrFloatBitWidth()));
  Value amount = arith::SelectOp::create(b, loc, fits, y, constant(0));
  Value shifted;
  if (isLeft)
    shifted = arith::ShLIOp::create(b, loc, x, amount);
  else if (isUnsigned)
    shifted = arith::ShRUIOp::create(b, loc, x, amount);
  else
    shifted = arith::ShRSIOp::create(b, loc, x, amount);
  return arith::SelectOp::create(b, loc, fits, shifted, constant(0));
}

/// Integer powers through f64 would lose bits of i64.
static Value buildIntPow(OpBuilder &b, Location loc, Value x, Value y) {
  return math::IPowIOp::create(b, loc, x, y);
}

static Value buildIntBinary(OpBuilder &b, Location loc, BinaryKind kind,
                            Type element, Value x, Value y) {
  bool isUnsigned = isUnsignedElement(element);
  switch (kind) {
  case BinaryKind::add:
    return arith::AddIOp::create(b, loc, x, y);
  case BinaryKind::sub:
    return arith::SubIOp::create(b, loc, x, y);
  case BinaryKind::mul:
    return arith::MulIOp::create(b, loc, x, y);
  case BinaryKind::div:
  case BinaryKind::mod:
  case BinaryKind::fmod:
    return buildIntDivision(b, loc, kind, isUnsigned, x, y);
  case BinaryKind::pow:
    return buildIntPow(b, loc, x, y);
  case BinaryKind::max:
    return isUnsigned ? arith::MaxUIOp::create(b, loc, x, y).getResult()
                      : arith::MaxSIOp::create(b, loc, x, y).getResult();
  case BinaryKind::min:
    return isUnsigned ? arith::MinUIOp::create(b, loc, x, y).getResult()
                      : arith::MinSIOp::create(b, loc, x, y).getResult();
  case BinaryKind::and_:
    return arith::AndIOp::create(b, loc, x, y);
  case BinaryKind::or_:
    return arith::OrIOp::create(b, loc, x, y);
  case BinaryKind::xor_:
    return arith::XOrIOp::create(b, loc, x, y);
  case BinaryKind::shl:
  case BinaryKind::shr:
    return buildShift(b, loc, kind == BinaryKind::shl, isUnsigned, x, y);
  }
  return {};
}

Value mopt::buildBinary(OpBuilder &b, Location loc, BinaryKind kind,
                        Type element, Value x, Value y) {
  if (!isa<FloatType>(element))
    return buildIntBinary(b, loc, kind, element, x, y);
  Value z = buildFloatBinary(b, loc, kind, widen(b, loc, x), widen(b, loc, y));
  return z ? narrow(b, loc, z, x.getType()) : Value();
}

Value mopt::buildCompare(OpBuilder &b, Location loc, CompareKind kind,
                         Type element, Value x, Value y) {
  if (isa<FloatType>(element)) {
    static constexpr arith::CmpFPredicate predicates[] = {
        arith::CmpFPredicate::OEQ, arith::CmpFPredicate::UNE,
        arith::CmpFPredicate::OLT, arith::CmpFPredicate::OLE,
        arith::CmpFPredicate::OGT, arith::CmpFPredicate::OGE};
    return arith::CmpFOp::create(b, loc, predicates[static_cast<int>(kind)],
                                 widen(b, loc, x), widen(b, loc, y));
  }
  static constexpr arith::CmpIPredicate signedPredicates[] = {
      arith::CmpIPredicate::eq,  arith::CmpIPredicate::ne,
      arith::CmpIPredicate::slt, arith::CmpIPredicate::sle,
      arith::CmpIPredicate::sgt, arith::CmpIPredicate::sge};
  static constexpr arith::CmpIPredicate unsignedPredicates[] = {
      arith::CmpIPredicate::eq,  arith::CmpIPredicate::ne,
      arith::CmpIPredicate::ult, arith::CmpIPredicate::ule,
      arith::CmpIPredicate::ugt, arith::CmpIPredicate::uge};
  return arith::CmpIOp::create(b, loc,
                               (isUnsignedElement(element)
                                    ? unsignedPredicates
                                    : signedPredicates)[static_cast<int>(kind)],
                               x, y);
}

//===----------------------------------------------------------------------===//
// Cast
//===----------------------------------------------------------------------===//

static Value buildFloatCast(OpBuilder &b, Location loc, Type to, Value x) {
  auto from = cast<FloatType>(x.getType());
  auto target = cast<FloatType>(to);
  if (from == target)
    return x;
  if (from.getWidth() < target.getWidth())
    return arith::ExtFOp::create(b, loc, to, x);
  if (from.getWidth() > target.getWidth())
    return arith::TruncFOp::create(b, loc, to, x);
  // f16 and bf16: through f32, which holds both exactly.
  Value wide = arith::ExtFOp::create(b, loc, b.getF32Type(), x);
  return arith::TruncFOp::create(b, loc, to, wide);
}

Value mopt::buildCast(OpBuilder &b, Location loc, Type from, Type to, Value x,
                      bool saturate) {
  if (from == to)
    return x;
  if (isSmallFloat(to)) {
    // Storing rounds; what is too large would become infinite or NaN there.
    Value wide = buildCast(b, loc, from, b.getF32Type(), x, saturate);
    return saturate ? saturateSmallFloat(b, loc, wide, to) : wide;
  }
  bool isFloatFrom = isa<FloatType>(from), isFloatTo = isa<FloatType>(to);
  if (to.isInteger(1)) {
    if (isFloatFrom)
      return arith::CmpFOp::create(b, loc, arith::CmpFPredicate::UNE, x,
                                   buildConstant(b, loc, x.getType(), 0));
    return arith::CmpIOp::create(b, loc, arith::CmpIPredicate::ne, x,
                                 buildConstant(b, loc, x.getType(), 0));
  }
  Type target = getScalarType(to);
  if (isFloatFrom && isFloatTo)
    return buildFloatCast(b, loc, target, x);
  if (isFloatFrom) {
    // Through i64, so that values beyond a narrow type wrap as they do in
    // numpy on this machine; 64-bit unsigned values need their own.
    x = widen(b, loc, x);
    if (to.isUnsignedInteger(64))
      return arith::FPToUIOp::create(b, loc, target, x);
    Value wide = arith::FPToSIOp::create(b, loc, b.getI64Type(), x);
    return target == b.getI64Type()
               ? wide
               : arith::TruncIOp::create(b, loc, target, wide).getResult();
  }
  if (isFloatTo) {
    Type wide = cast<FloatType>(to).getWidth() < 32 ? b.getF32Type() : target;
    Value y = isUnsignedElement(from)
                  ? arith::UIToFPOp::create(b, loc, wide, x).getResult()
                  : arith::SIToFPOp::create(b, loc, wide, x).getResult();
    return narrow(b, loc, y, target);
  }
  unsigned fromWidth = x.getType().getIntOrFloatBitWidth();
  unsigned toWidth = target.getIntOrFloatBitWidth();
  if (fromWidth == toWidth)
    return x;
  if (fromWidth > toWidth)
    return arith::TruncIOp::create(b, loc, target, x);
  return isUnsignedElement(from)
             ? arith::ExtUIOp::create(b, loc, target, x).getResult()
             : arith::ExtSIOp::create(b, loc, target, x).getResult();
}

//===----------------------------------------------------------------------===//
// Reductions
//===----------------------------------------------------------------------===//

Value mopt::buildReduce(OpBuilder &b, Location loc, ReduceKind kind,
                        Type element, Value x, Value y) {
  switch (kind) {
  case ReduceKind::sum:
    return buildBinary(b, loc, BinaryKind::add, element, x, y);
  case ReduceKind::prod:
    return buildBinary(b, loc, BinaryKind::mul, element, x, y);
  case ReduceKind::max:
    return buildBinary(b, loc, BinaryKind::max, element, x, y);
  case ReduceKind::min:
    return buildBinary(b, loc, BinaryKind::min, element, x, y);
  case ReduceKind::and_:
    return buildBinary(b, loc, BinaryKind::and_, element, x, y);
  case ReduceKind::or_:
    return buildBinary(b, loc, BinaryKind::or_, element, x, y);
  }
  return {};
}

TypedAttr mopt::getReduceIdentity(ReduceKind kind, Type element) {
  Builder b(element.getContext());
  Type scalar = getScalarType(element);
  if (auto type = dyn_cast<FloatType>(scalar)) {
    switch (kind) {
    case ReduceKind::prod:
      return b.getFloatAttr(type, 1);
    case ReduceKind::max:
      return b.getFloatAttr(type, APFloat::getInf(type.getFloatSemantics(), true));
    case ReduceKind::min:
      return b.getFloatAttr(type, APFloat::getInf(type.getFloatSemantics()));
    default:
      return b.getFloatAttr(type, 0);
    }
  }
  unsigned width = scalar.getIntOrFloatBitWidth();
  bool isUnsigned = isUnsignedElement(element);
  APInt value = APInt::getZero(width);
  switch (kind) {
  case ReduceKind::prod:
    value = APInt(width, 1);
    break;
  case ReduceKind::and_:
    value = APInt::getAllOnes(width);
    break;
  case ReduceKind::max:
    value = isUnsigned ? APInt::getMinValue(width) : APInt::getSignedMinValue(width);
    break;
  case ReduceKind::min:
    value = isUnsigned ? APInt::getMaxValue(width) : APInt::getSignedMaxValue(width);
    break;
  default:
    break;
  }
  return b.getIntegerAttr(scalar, value);
}

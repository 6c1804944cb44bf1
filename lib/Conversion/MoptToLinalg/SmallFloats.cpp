// Floats of 4 and 8 bits: stored as bytes, computed with as f32. No machine that mopt
// compiles for converts them all, so the conversions are integer code.
#include "mopt/Conversion/MoptToLinalg/Elements.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace mopt;

namespace {
/// A format of a sign, an exponent and `mantissa` bits. What lies above
/// `largest` is infinite if it is `infinity`, else NaN; with `hasOneZero` NaN is
/// a zero with a sign.
struct Format {
  int mantissa, bias;
  int largest, infinity, nan;
  bool hasOneZero;
  int width = 8;

  int signBit() const { return 1 << (width - 1); }
};
} // namespace

static std::optional<Format> getFormat(Type element) {
  return llvm::TypeSwitch<Type, std::optional<Format>>(element)
      .Case<Float8E4M3FNType>([](Type) {
        return Format{3, 7, 0x7E, 0x7F, 0x7F, false};
      })
      .Case<Float8E4M3FNUZType>([](Type) {
        return Format{3, 8, 0x7F, 0x80, 0x80, true};
      })
      .Case<Float8E5M2Type>([](Type) {
        return Format{2, 15, 0x7B, 0x7C, 0x7F, false};
      })
      .Case<Float8E5M2FNUZType>([](Type) {
        return Format{2, 16, 0x7F, 0x80, 0x80, true};
      })
      // Has neither: what is too large is the largest, and NaN is 0.
      .Case<Float4E2M1FNType>([](Type) {
        return Format{1, 1, 0x7, 0x7, 0x0, false, 4};
      })
      .Default([](Type) { return std::nullopt; });
}

/// Powers of two without a sign, 2^-127 to 2^127, and NaN: an f32's exponent.
static bool isPowerOfTwo(Type element) {
  return isa<Float8E8M0FNUType>(element);
}

bool mopt::isSmallFloat(Type element) {
  return getFormat(element).has_value() || isPowerOfTwo(element);
}

namespace {
/// 32-bit integer code.
struct Bits : ArithBuilder {
  Bits(OpBuilder &b, Location loc) : ArithBuilder(b, loc), b(b), loc(loc) {}

  Value constant(int64_t value) {
    return arith::ConstantOp::create(
        b, loc, b.getI32IntegerAttr(static_cast<int32_t>(value)));
  }
  Value shl(Value x, int64_t by) {
    return arith::ShLIOp::create(b, loc, x, constant(by));
  }
  Value shr(Value x, int64_t by) {
    return arith::ShRUIOp::create(b, loc, x, constant(by));
  }
  Value mask(Value x, int64_t bits) { return _and(x, constant(bits)); }
  Value either(Value x, Value y) { return arith::OrIOp::create(b, loc, x, y); }
  Value above(Value x, int64_t limit) {
    return arith::CmpIOp::create(b, loc, arith::CmpIPredicate::ugt, x,
                                 constant(limit));
  }
  Value isValue(Value x, int64_t value) {
    return arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq, x,
                                 constant(value));
  }
  Value asFloat(Value x) {
    return arith::BitcastOp::create(b, loc, b.getF32Type(), x);
  }
  Value asBits(Value x) {
    return arith::BitcastOp::create(b, loc, b.getI32Type(), x);
  }

  OpBuilder &b;
  Location loc;
};
} // namespace

Value mopt::decodeSmallFloat(OpBuilder &b, Location loc, Value stored,
                             Type element) {
  Bits bits(b, loc);
  Value x = arith::ExtUIOp::create(b, loc, b.getI32Type(), stored);
  if (isPowerOfTwo(element)) {
    // 2^-127 is denormal in f32.
    Value result = bits.select(bits.isValue(x, 0), bits.constant(1 << 22),
                               bits.shl(x, 23));
    return bits.asFloat(
        bits.select(bits.isValue(x, 255), bits.constant(0x7FC00000), result));
  }
  Format f = *getFormat(element);
  Value magnitude = bits.mask(x, f.signBit() - 1);
  Value sign = bits.shl(bits.mask(x, f.signBit()), 32 - f.width);
  Value normal = bits.add(bits.shl(magnitude, 23 - f.mantissa),
                          bits.constant(int64_t(127 - f.bias) << 23));
  // Without an exponent a value is a multiple of the least one.
  Value multiple = arith::UIToFPOp::create(b, loc, b.getF32Type(), magnitude);
  Value least = buildConstant(b, loc, b.getF32Type(),
                              std::ldexp(1.0, 1 - f.bias - f.mantissa));
  Value subnormal =
      bits.asBits(arith::MulFOp::create(b, loc, multiple, least));
  Value hasExponent = bits.above(magnitude, (1 << f.mantissa) - 1);
  Value result = bits.select(hasExponent, normal, subnormal);
  if (f.nan == 0)
    return bits.asFloat(bits.either(result, sign));
  Value nan = bits.constant(0x7FC00000);
  if (f.hasOneZero)
    return bits.asFloat(bits.select(bits.isValue(x, f.nan), nan,
                                    bits.either(result, sign)));
  if (f.infinity != f.nan)
    result = bits.select(bits.isValue(magnitude, f.infinity),
                         bits.constant(0x7F800000), result);
  Value isNaN = bits.above(magnitude, f.infinity == f.nan ? f.largest : f.infinity);
  result = bits.select(isNaN, nan, result);
  return bits.asFloat(bits.either(result, sign));
}

/// The exponent of an f32 that the rounding has made a power of two.
static Value encodePowerOfTwo(OpBuilder &b, Location loc, Value x) {
  Bits bits(b, loc);
  Value exponent = bits.mask(bits.shr(bits.asBits(x), 23), 0xFF);
  return arith::TruncIOp::create(b, loc, b.getI8Type(), exponent);
}

Value mopt::encodeSmallFloat(OpBuilder &b, Location loc, Value x, Type element) {
  if (isPowerOfTwo(element))
    return encodePowerOfTwo(b, loc, x);
  Format f = *getFormat(element);
  Bits bits(b, loc);
  Type f32 = b.getF32Type();
  Value all = bits.asBits(x);
  Value magnitude = bits.mask(all, 0x7FFFFFFF);
  Value sign = bits.shr(bits.mask(all, int64_t(0x80000000)), 32 - f.width);
  // Half to even: half of the last kept bit less one, plus that bit.
  int dropped = 23 - f.mantissa;
  Value moved = bits.sub(magnitude, bits.constant(int64_t(127 - f.bias) << 23));
  Value odd = bits.mask(bits.shr(moved, dropped), 1);
  Value normal = bits.add(bits.add(moved, odd),
                          bits.constant((1 << (dropped - 1)) - 1));
  normal = bits.shr(normal, dropped);
  // Below the least normal number the result counts multiples of the least
  // one.
  Value scale =
      buildConstant(b, loc, f32, std::ldexp(1.0, f.bias + f.mantissa - 1));
  Value count = arith::MulFOp::create(b, loc, bits.asFloat(magnitude), scale);
  Value most = buildConstant(b, loc, f32, 256);
  count = arith::MinNumFOp::create(b, loc, count, most);
  count = math::RoundEvenOp::create(b, loc, count);
  Value subnormal = arith::FPToUIOp::create(b, loc, b.getI32Type(), count);
  Value isNormal = bits.above(magnitude, (int64_t(128 - f.bias) << 23) - 1);
  Value result = bits.select(isNormal, normal, subnormal);
  result = bits.select(bits.above(result, f.largest), bits.constant(f.infinity),
                       result);
  result = bits.select(bits.above(magnitude, 0x7F800000), bits.constant(f.nan),
                       result);
  if (f.hasOneZero)
    sign = bits.select(bits.isValue(result, 0), bits.constant(0), sign);
  return arith::TruncIOp::create(b, loc, b.getI8Type(),
                                 bits.either(result, sign));
}

Value mopt::saturateSmallFloat(OpBuilder &b, Location loc, Value x,
                               Type element) {
  auto type = cast<FloatType>(element);
  APFloat largest = APFloat::getLargest(type.getFloatSemantics());
  double limit = largest.convertToDouble();
  Type f32 = x.getType();
  x = arith::MinimumFOp::create(b, loc, x, buildConstant(b, loc, f32, limit));
  return arith::MaximumFOp::create(b, loc, x, buildConstant(b, loc, f32, -limit));
}

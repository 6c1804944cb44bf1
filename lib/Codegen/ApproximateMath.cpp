// Level in and out: buffer. exp, log, tanh and erf of f32, scalars and vectors,
// become arithmetic that LLVM vectorizes: within 4 units in the last place,
// denormals, infinities and NaN included. All else is left to libm.
#include "mopt/Codegen/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

#include "llvm/ADT/bit.h"

#include <limits>

using namespace mlir;

namespace mopt {
#define GEN_PASS_DEF_APPROXIMATEMATH
#include "mopt/Codegen/Passes.h.inc"
} // namespace mopt

using namespace mopt;

namespace {
/// Arithmetic on f32 and i32 of one shape. Products may be fused with sums: the
/// algorithms hold either way.
struct FloatBuilder {
  OpBuilder &b;
  Location loc;
  Type type, intType;
  /// The target has instructions for powers of 2, quotients and limits.
  bool instructions;

  FloatBuilder(OpBuilder &b, Location loc, Type type, bool instructions)
      : b(b), loc(loc), type(type), intType(b.getI32Type()),
        instructions(instructions) {
    if (auto vector = dyn_cast<VectorType>(type))
      intType = vector.clone(b.getI32Type());
  }

  Value splat(Type of, TypedAttr element) {
    if (auto vector = dyn_cast<VectorType>(of))
      element = DenseElementsAttr::get(vector, Attribute(element));
    return arith::ConstantOp::create(b, loc, element);
  }
  Value number(float value) { return splat(type, b.getF32FloatAttr(value)); }
  Value integer(int32_t value) {
    return splat(intType, b.getI32IntegerAttr(value));
  }
  Value add(Value x, Value y) {
    return arith::AddFOp::create(b, loc, x, y, arith::FastMathFlags::contract);
  }
  Value mul(Value x, Value y) {
    return arith::MulFOp::create(b, loc, x, y, arith::FastMathFlags::contract);
  }
  Value mulAdd(Value x, Value y, Value z) { return add(mul(x, y), z); }
  Value less(Value x, float y) {
    return arith::CmpFOp::create(b, loc, arith::CmpFPredicate::OLT, x,
                                 number(y));
  }
  Value more(Value x, float y) {
    return arith::CmpFOp::create(b, loc, arith::CmpFPredicate::OGT, x,
                                 number(y));
  }
  Value select(Value condition, Value x, Value y) {
    return arith::SelectOp::create(b, loc, condition, x, y);
  }
  Value bits(Value x) { return arith::BitcastOp::create(b, loc, intType, x); }
  Value fromBits(Value x) { return arith::BitcastOp::create(b, loc, type, x); }
  Value addI(Value x, Value y) { return arith::AddIOp::create(b, loc, x, y); }
  Value subI(Value x, Value y) { return arith::SubIOp::create(b, loc, x, y); }
  Value shl(Value x, int32_t by) {
    return arith::ShLIOp::create(b, loc, x, integer(by));
  }
  Value shr(Value x, int32_t by) {
    return arith::ShRSIOp::create(b, loc, x, integer(by));
  }
  /// The sum of coefficients times powers of `x`, from the power 0 on.
  Value polynomial(Value x, ArrayRef<float> coefficients) {
    Value sum = number(coefficients.back());
    for (float coefficient : llvm::reverse(coefficients.drop_back()))
      sum = mulAdd(sum, x, number(coefficient));
    return sum;
  }
  Value abs(Value x) { return math::AbsFOp::create(b, loc, x); }
  Value copySign(Value x, Value sign) {
    return math::CopySignOp::create(b, loc, x, sign);
  }

  /// 2^x and x / y within two units, by instructions.
  Value power(Value x) {
    return math::Exp2Op::create(b, loc, x, arith::FastMathFlags::afn);
  }
  Value quotient(Value x, Value y) {
    return arith::DivFOp::create(b, loc, x, y,
                                 instructions ? arith::FastMathFlags::afn
                                              : arith::FastMathFlags::none);
  }
  /// `x`, which may be NaN, between both.
  Value limit(Value x, float low, float high) {
    if (instructions)
      return arith::MaximumFOp::create(
          b, loc, arith::MinimumFOp::create(b, loc, x, number(high)),
          number(low));
    x = select(more(x, high), number(high), x);
    return select(less(x, low), number(low), x);
  }

  Value exp(Value x);
  Value expByPower(Value x);
  Value expOfNormal(Value x);
  Value log(Value x);
  Value tanh(Value x);
  Value erf(Value x);
};
} // namespace

// ln 2 in two parts; a multiple of the first by a small integer is exact.
static constexpr float kLn2High = 0.693145751953125f;
static constexpr float kLn2Low = 1.42860682030941723212e-6f;

/// At this size the last place of a float counts ones; no conversion, which
/// would be undefined for NaN.
static constexpr float kShift = 12582912;

/// x = n ln 2 + r with |r| <= ln 2 / 2. Returns e^r, and n + kShift.
static std::pair<Value, Value> reduceExp(FloatBuilder &f, Value x) {
  Value shifted = f.mulAdd(x, f.number(1.44269504088896f), f.number(kShift));
  Value n = arith::SubFOp::create(f.b, f.loc, shifted, f.number(kShift));
  Value r = f.mulAdd(n, f.number(-kLn2High), x);
  r = f.mulAdd(n, f.number(-kLn2Low), r);
  Value tail = f.polynomial(r, {0.5f, 0.1666651815f, 0.04166620597f,
                                0.008368954062f, 0.001395059982f});
  return {f.add(f.mulAdd(f.mul(tail, r), r, r), f.number(1)), shifted};
}

/// The least and the greatest number that `x` can be besides NaN, by what
/// limits it: x < c ? c : x, and x > c ? c : x.
static std::pair<float, float> getRange(Value x) {
  constexpr float infinity = std::numeric_limits<float>::infinity();
  auto select = x.getDefiningOp<arith::SelectOp>();
  auto compare = select ? select.getCondition().getDefiningOp<arith::CmpFOp>()
                        : arith::CmpFOp();
  FloatAttr constant;
  if (!compare || compare.getLhs() != select.getFalseValue() ||
      compare.getRhs() != select.getTrueValue() ||
      !matchPattern(select.getTrueValue(), m_Constant(&constant)))
    return {-infinity, infinity};
  float limit = constant.getValue().convertToFloat();
  auto [low, high] = getRange(select.getFalseValue());
  if (compare.getPredicate() == arith::CmpFPredicate::OLT)
    return {std::max(low, limit), std::max(high, limit)};
  if (compare.getPredicate() == arith::CmpFPredicate::OGT)
    return {std::min(low, limit), std::min(high, limit)};
  return {-infinity, infinity};
}

/// e^x = 2^y 2^z, y being x / ln 2 as far as a float holds it and z the rest,
/// for x from -104 to 89, or NaN.
Value FloatBuilder::expByPower(Value x) {
  constexpr float inverse = 1.44269502162933349609375f;
  constexpr float inverseLow = 1.925963033500011079e-8f, ln2 = 0.693147181f;
  Value y = arith::MulFOp::create(b, loc, x, number(inverse));
  Value minusY = arith::NegFOp::create(b, loc, y);
  Value z = math::FmaOp::create(b, loc, x, number(inverse), minusY);
  z = mulAdd(x, number(inverseLow), z);
  Value result = power(y);
  return mulAdd(mul(z, number(ln2)), result, result);
}

/// e^x = 2^n e^r.
Value FloatBuilder::exp(Value x) {
  auto [low, high] = getRange(x);
  bool isNormal = low >= -87 && high <= 88;
  if (instructions && isNormal)
    return expByPower(x);
  if (instructions) {
    // From here on the result is infinite: 89 has a rest above 0, which keeps
    // it so.
    x = select(more(x, 88.7228394f), number(89), x);
    return expByPower(select(less(x, -104), number(-104), x));
  }
  if (isNormal)
    return expOfNormal(x);
  // Beyond these the result is infinite, or 0. NaN is neither.
  x = select(more(x, 89), number(89), x);
  x = select(less(x, -104), number(-104), x);
  auto [y, shifted] = reduceExp(*this, x);
  // 2^n in two factors: one alone would not reach the denormal results.
  Value exponent = subI(bits(shifted), bits(number(kShift)));
  Value half = shr(exponent, 1), rest = subI(exponent, half);
  auto power = [&](Value e) {
    return fromBits(shl(addI(e, integer(127)), 23));
  };
  y = arith::MulFOp::create(b, loc, y, power(half));
  return arith::MulFOp::create(b, loc, y, power(rest));
}

/// e^x for x from -87 to 88, or NaN: 2^n is one normal number.
Value FloatBuilder::expOfNormal(Value x) {
  auto [y, shifted] = reduceExp(*this, x);
  Value exponent = addI(
      bits(shifted),
      integer(127 - static_cast<int32_t>(llvm::bit_cast<uint32_t>(kShift))));
  return arith::MulFOp::create(b, loc, y, fromBits(shl(exponent, 23)));
}

/// x = 2^e m with m around 1; log x = e ln 2 + log m.
Value FloatBuilder::log(Value x) {
  constexpr float infinity = std::numeric_limits<float>::infinity();
  Value isDenormal = less(x, std::numeric_limits<float>::min());
  Value scaled = select(isDenormal, mul(x, number(8388608)), x);
  Value pattern = bits(scaled);
  // Relative to sqrt(1/2), so that m is in [sqrt(1/2), sqrt(2)).
  Value e = shr(subI(pattern, integer(0x3f3504f3)), 23);
  Value m = fromBits(subI(pattern, shl(e, 23)));
  Value n = arith::SIToFPOp::create(b, loc, type, e);
  n = arith::AddFOp::create(b, loc, n,
                            select(isDenormal, number(-23), number(0)));
  Value f = arith::SubFOp::create(b, loc, m, number(1));
  Value square = mul(f, f);
  Value tail = polynomial(f, {0.3333331347f, -0.2500000894f, 0.2000211924f,
                              -0.1666799635f, 0.1421955079f, -0.1240559146f,
                              0.1188817471f, -0.1167564094f, 0.06746601313f});
  Value y = mul(mul(tail, f), square);
  y = mulAdd(n, number(kLn2Low), y);
  y = mulAdd(square, number(-0.5f), y);
  y = add(f, y);
  y = mulAdd(n, number(kLn2High), y);
  // Infinity and NaN as they are.
  y = select(less(x, infinity), y, x);
  y = select(less(x, 0), number(std::numeric_limits<float>::quiet_NaN()), y);
  Value isZero =
      arith::CmpFOp::create(b, loc, arith::CmpFPredicate::OEQ, x, number(0));
  return select(isZero, number(-infinity), y);
}

/// 1 - 2 / (e^2x + 1), which cancels where x is small; 1 from about 9 on.
Value FloatBuilder::tanh(Value x) {
  Value magnitude = abs(x), square = mul(x, x);
  Value tail =
      polynomial(square, {-0.3333328366f, 0.1333149076f, -0.05374349654f,
                          0.02065057866f, -0.005717036314f});
  Value small = mulAdd(mul(tail, square), x, x);
  Value t = select(more(magnitude, 10), number(10), magnitude);
  // An error of e^2x is a smaller one of the whole.
  Value e = instructions ? power(mul(t, number(2.88539008f)))
                         : expOfNormal(add(t, t));
  Value large = arith::SubFOp::create(b, loc, number(1),
                                      quotient(number(2), add(e, number(1))));
  // -0 too keeps its sign.
  return copySign(select(less(magnitude, 0.625f), small, large), x);
}

/// x times a polynomial of x^2, which goes from -1 to 1 in it while |x| goes to
/// 3.92; beyond that erf is 1 to the last bit. No exponential, no second
/// branch: 22 instructions for 34. Its relative error is 2.5e-8 (fitted to
/// equal deviations), with rounding 3.5 units in the last place.
Value FloatBuilder::erf(Value x) {
  constexpr float largest = 3.92f;
  x = limit(x, -largest, largest);
  Value t = mulAdd(mul(x, x), number(2 / (3.92 * 3.92)), number(-1));
  Value y =
      mul(x, polynomial(t, {0.36073681712150574f, -0.18010862171649933f,
                            0.134084552526474f, -0.10917922854423523f,
                            0.09059697389602661f, -0.07401981949806213f,
                            0.05839599296450615f, -0.04343686252832413f,
                            0.02969757281243801f, -0.019995028153061867f,
                            0.014209941029548645f, -0.007660526316612959f,
                            0.0019199794624000788f, -0.0013945418177172542f,
                            0.002098756143823266f, -0.0008439264493063092f}));
  // Rounding must not take it beyond.
  return limit(y, -1, 1);
}

namespace {
template <typename Op, Value (FloatBuilder::*build)(Value)>
struct Approximate : OpRewritePattern<Op> {
  Approximate(MLIRContext *context, bool instructions)
      : OpRewritePattern<Op>(context), instructions(instructions) {}

  LogicalResult matchAndRewrite(Op op,
                                PatternRewriter &rewriter) const override {
    if (!getElementTypeOrSelf(op.getType()).isF32())
      return failure();
    FloatBuilder builder(rewriter, op.getLoc(), op.getType(), instructions);
    rewriter.replaceOp(op, (builder.*build)(op.getOperand()));
    return success();
  }

  bool instructions;
};

struct ApproximateMath : mopt::impl::ApproximateMathBase<ApproximateMath> {
  using ApproximateMathBase::ApproximateMathBase;

  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    patterns.add<Approximate<math::ExpOp, &FloatBuilder::exp>,
                 Approximate<math::LogOp, &FloatBuilder::log>,
                 Approximate<math::TanhOp, &FloatBuilder::tanh>,
                 Approximate<math::ErfOp, &FloatBuilder::erf>>(&getContext(),
                                                               instructions);
    GreedyRewriteConfig config;
    config.enableFolding(false).enableConstantCSE(false);
    if (failed(
            applyPatternsGreedily(getOperation(), std::move(patterns), config)))
      signalPassFailure();
  }
};
} // namespace

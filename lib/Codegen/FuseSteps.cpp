// Level in and out: structured. What is rounded to steps: sums of products that
// ONNX Runtime fuses are fused, in strict numerics too, and in f64 where the
// machine does not fuse. Where it does, a division by one scale becomes two
// products, if trial shows the same steps. Other sums round one by one.
#include "ClampedSteps.h"
#include "FusedProduct.h"
#include "mopt/Codegen/Passes.h"
#include "mopt/Target/MicroKernels.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/PatternMatch.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

#include <cmath>

using namespace mlir;

namespace mopt {
#define GEN_PASS_DEF_FUSESTEPS
#include "mopt/Codegen/Passes.h.inc"
} // namespace mopt

using namespace mopt;

/// More steps than that are not tried one by one.
static constexpr double kMostSteps = 1 << 16;

namespace {
/// x / scale as x * high + x * low, the first product fused.
struct Quotient {
  float scale, high, low;

  static std::optional<Quotient> of(double scale) {
    Quotient quotient;
    quotient.scale = static_cast<float>(scale);
    quotient.high = static_cast<float>(1 / scale);
    quotient.low =
        static_cast<float>(1 / scale - static_cast<double>(quotient.high));
    if (!(scale > 0) || !std::isnormal(quotient.scale) ||
        !std::isnormal(quotient.high) || quotient.high < 1e-30 ||
        quotient.high > 1e30)
      return std::nullopt;
    return quotient;
  }

  float divide(float x) const { return std::nearbyint(x / scale); }
  float multiply(float x) const {
    float rest = x * low;
    return std::nearbyint(std::fma(x, high, rest));
  }

  /// Both round all floats to the same steps from `lowest` to `highest`: they
  /// rise with x, so it is enough that they do so at the same floats.
  bool isExact(int lowest, int highest) const {
    for (int step = lowest; step < highest; ++step) {
      float x = static_cast<float>((step + 0.5) * scale);
      auto isAbove = [&](float at) { return divide(at) > float(step); };
      while (isAbove(x))
        x = std::nextafter(x, -INFINITY);
      while (!isAbove(x))
        x = std::nextafter(x, INFINITY);
      if (!(multiply(x) > float(step)) ||
          multiply(std::nextafter(x, -INFINITY)) > float(step))
        return false;
    }
    return true;
  }
};
} // namespace

/// A clamp to few enough steps.
static std::optional<Clamp> matchSteps(Value result) {
  std::optional<Clamp> clamp = Clamp::match(result);
  if (!clamp || clamp->high - clamp->low > kMostSteps ||
      std::abs(clamp->low) > kMostSteps)
    return std::nullopt;
  return clamp;
}

/// round(x / scale), clamped to steps from `low` to `high`; null where the
/// divisor is no constant, or the steps would differ.
static Value buildSteps(PatternRewriter &rewriter, Location loc, Value quotient,
                        double low, double high) {
  auto div = quotient.getDefiningOp<arith::DivFOp>();
  std::optional<double> scale = div ? getF32(div.getRhs()) : std::nullopt;
  std::optional<Quotient> by = scale ? Quotient::of(*scale) : std::nullopt;
  if (!by || getF32(div.getLhs()) ||
      !by->isExact(static_cast<int>(low), static_cast<int>(high)))
    return {};
  auto number = [&](float x) -> Value {
    return arith::ConstantOp::create(rewriter, loc,
                                     rewriter.getF32FloatAttr(x));
  };
  // Clamped first: infinity would become the difference of two.
  Value x = arith::MaxNumFOp::create(rewriter, loc, div.getLhs(),
                                     number(static_cast<float>(low * *scale)));
  x = arith::MinNumFOp::create(rewriter, loc, x,
                               number(static_cast<float>(high * *scale)));
  Value steps;
  if (by->low == 0) {
    // A power of two.
    steps = arith::MulFOp::create(rewriter, loc, x, number(by->high));
  } else {
    Value rest = arith::MulFOp::create(rewriter, loc, x, number(by->low));
    steps = math::FmaOp::create(rewriter, loc, x, number(by->high), rest);
  }
  return math::RoundEvenOp::create(rewriter, loc, steps);
}

namespace {
/// Clamped behind rounding, and maybe a shift by the zero point.
struct DivideThenClamp : OpRewritePattern<arith::MinNumFOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(arith::MinNumFOp op,
                                PatternRewriter &rewriter) const override {
    std::optional<Clamp> clamp = matchSteps(op);
    if (!clamp)
      return failure();
    Value rounded = clamp->value, shift;
    double zero = 0;
    if (auto add = rounded.getDefiningOp<arith::AddFOp>()) {
      std::optional<double> known = getF32(add.getRhs());
      if (!known || *known != std::nearbyint(*known))
        return failure();
      zero = *known, shift = add.getRhs(), rounded = add.getLhs();
    }
    auto round = rounded.getDefiningOp<math::RoundEvenOp>();
    if (!round)
      return failure();
    Value steps = buildSteps(rewriter, op.getLoc(), round.getOperand(),
                             clamp->low - zero, clamp->high - zero);
    if (!steps)
      return failure();
    if (shift)
      steps = arith::AddFOp::create(rewriter, op.getLoc(), steps, shift);
    rewriter.replaceOp(op, steps);
    return success();
  }
};

/// Is `x` a byte as a float: converted from one, or rounded to steps that
/// stayed floats, maybe clamped or shifted by a constant?
bool isByte(Value x) {
  Operation *op = x.getDefiningOp();
  if (isa_and_present<math::RoundEvenOp>(op))
    return true;
  if (isa_and_present<arith::AddFOp, arith::SubFOp, arith::MaxNumFOp,
                      arith::MinNumFOp>(op))
    return getF32(op->getOperand(1)) && isByte(op->getOperand(0));
  auto converted = dyn_cast_or_null<arith::SIToFPOp>(op);
  Value source = converted ? converted.getIn() : Value();
  if (auto sub = source ? source.getDefiningOp<arith::SubIOp>() : nullptr)
    source = sub.getLhs();
  Operation *extended = source ? source.getDefiningOp() : nullptr;
  return isa_and_present<arith::ExtUIOp, arith::ExtSIOp>(extended) &&
         extended->getOperand(0).getType().isInteger(8);
}

/// A sum of a byte times a factor and something else: the product is fused,
/// with `fuses` by the machine. Null if `sum` is none.
Value fuse(PatternRewriter &rewriter, Value sum, bool fuses) {
  auto add = sum.getDefiningOp<arith::AddFOp>();
  if (!add || !sum.getType().isF32())
    return {};
  for (auto [product, other] : {std::pair(add.getRhs(), add.getLhs()),
                                std::pair(add.getLhs(), add.getRhs())}) {
    auto mul = product.getDefiningOp<arith::MulFOp>();
    if (!mul || !(isByte(mul.getLhs()) || isByte(mul.getRhs())))
      continue;
    Value inner = other.hasOneUse() ? fuse(rewriter, other, fuses) : Value();
    return createFusedProduct(rewriter, add.getLoc(), mul.getLhs(),
                              mul.getRhs(), inner ? inner : other, fuses);
  }
  // One of the products may have been computed before.
  Value inner =
      add.getLhs().hasOneUse() ? fuse(rewriter, add.getLhs(), fuses) : Value();
  if (!inner)
    return {};
  return arith::AddFOp::create(rewriter, add.getLoc(), inner, add.getRhs());
}

/// Rounding of a quotient between steps that it was clamped to, or of a sum.
struct RoundFused : OpRewritePattern<math::RoundEvenOp> {
  RoundFused(MLIRContext *context, bool fuses)
      : OpRewritePattern(context), fuses(fuses) {}

  LogicalResult matchAndRewrite(math::RoundEvenOp op,
                                PatternRewriter &rewriter) const override {
    if (!op.getType().isF32())
      return failure();
    std::optional<Clamp> clamp = matchSteps(op.getOperand());
    if (clamp && fuses)
      if (Value steps = buildSteps(rewriter, op.getLoc(), clamp->value,
                                   clamp->low, clamp->high)) {
        rewriter.replaceOp(op, steps);
        return success();
      }
    Value sum = clamp ? clamp->value : op.getOperand();
    if (!sum.hasOneUse())
      return failure();
    rewriter.setInsertionPointAfterValue(sum);
    Value fused = fuse(rewriter, sum, fuses);
    if (!fused)
      return failure();
    rewriter.replaceOp(sum.getDefiningOp(), fused);
    return success();
  }

  bool fuses;
};

/// Layer normalization: what was normalized times a scale, plus a bias.
struct FuseNormalized : OpRewritePattern<arith::AddFOp> {
  FuseNormalized(MLIRContext *context, bool fuses)
      : OpRewritePattern(context), fuses(fuses) {}

  LogicalResult matchAndRewrite(arith::AddFOp op,
                                PatternRewriter &rewriter) const override {
    auto scaled = op.getLhs().getDefiningOp<arith::MulFOp>();
    auto normalized =
        scaled ? scaled.getLhs().getDefiningOp<arith::MulFOp>() : nullptr;
    if (!normalized || !op.getType().isF32() ||
        !normalized.getLhs().getDefiningOp<arith::SubFOp>())
      return failure();
    auto inverse = normalized.getRhs().getDefiningOp<arith::DivFOp>();
    if (!inverse || getF32(inverse.getLhs()) != 1.0 ||
        !inverse.getRhs().getDefiningOp<math::SqrtOp>())
      return failure();
    rewriter.replaceOp(op, createFusedProduct(rewriter, op.getLoc(),
                                              scaled.getLhs(), scaled.getRhs(),
                                              op.getRhs(), fuses));
    return success();
  }

  bool fuses;
};

struct FuseSteps : mopt::impl::FuseStepsBase<FuseSteps> {
  void runOnOperation() override {
    TargetAttr target = TargetAttr::lookup(getOperation());
    bool fuses = target && fusesProducts(target);
    RewritePatternSet patterns(&getContext());
    patterns.add<RoundFused, FuseNormalized>(&getContext(), fuses);
    if (fuses)
      patterns.add<DivideThenClamp>(&getContext());
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};
} // namespace

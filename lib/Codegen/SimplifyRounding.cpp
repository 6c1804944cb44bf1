// Level in and out: structured. What rounds to bytes: where the bytes are read
// again at once, the steps stay floats; where they are stored, rounding comes
// last, beside the conversion, which mopt-convert-rounding makes one of. All of
// it is exact: the steps are integers that floats hold.
#include "ClampedSteps.h"
#include "mopt/Codegen/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/PatternMatch.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

#include <cmath>

using namespace mlir;

namespace mopt {
#define GEN_PASS_DEF_SIMPLIFYROUNDING
#include "mopt/Codegen/Passes.h.inc"
} // namespace mopt

using namespace mopt;

/// Is `value` an f32 without a fraction?
static bool isIntegral(Value value) {
  if (std::optional<double> number = getF32(value))
    return isStep(*number);
  Operation *op = value.getDefiningOp();
  if (isa_and_present<math::RoundEvenOp>(op))
    return true;
  if (isa_and_present<arith::AddFOp, arith::SubFOp, arith::MaxNumFOp,
                      arith::MinNumFOp>(op))
    return isIntegral(op->getOperand(0)) && isIntegral(op->getOperand(1));
  return false;
}

static Value build(OpBuilder &b, Location loc, const Clamp &clamp) {
  auto number = [&](double x) -> Value {
    return arith::ConstantOp::create(b, loc, b.getF32FloatAttr(x));
  };
  Value lower =
      arith::MaxNumFOp::create(b, loc, clamp.value, number(clamp.low));
  return arith::MinNumFOp::create(b, loc, lower, number(clamp.high));
}

namespace {
/// A clamped float to an integer, narrower and back: the float it was.
struct StayFloat : OpRewritePattern<arith::SIToFPOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(arith::SIToFPOp op,
                                PatternRewriter &rewriter) const override {
    if (!op.getType().isF32())
      return failure();
    Value source = op.getIn();
    int64_t subtracted = 0;
    IntegerAttr number;
    if (auto sub = source.getDefiningOp<arith::SubIOp>()) {
      if (!matchPattern(sub.getRhs(), m_Constant(&number)))
        return failure();
      subtracted = number.getValue().getSExtValue();
      source = sub.getLhs();
    }
    bool isUnsigned = bool(source.getDefiningOp<arith::ExtUIOp>());
    if (!isUnsigned && !source.getDefiningOp<arith::ExtSIOp>())
      return failure();
    auto narrowed =
        source.getDefiningOp()->getOperand(0).getDefiningOp<arith::TruncIOp>();
    auto converted =
        narrowed ? narrowed.getIn().getDefiningOp<arith::FPToSIOp>() : nullptr;
    if (!converted || !converted.getIn().getType().isF32() ||
        !isStep(double(subtracted)))
      return failure();
    std::optional<Clamp> clamp = Clamp::match(converted.getIn());
    unsigned bits = narrowed.getType().getIntOrFloatBitWidth();
    if (!clamp || bits > 16 || !isIntegral(clamp->value))
      return failure();
    double lowest = isUnsigned ? 0 : -std::ldexp(1, bits - 1),
           highest = std::ldexp(1, isUnsigned ? bits : bits - 1) - 1;
    if (clamp->low < lowest || clamp->high > highest)
      return failure();
    // What was added before is often what is subtracted now.
    Location loc = op.getLoc();
    auto add = clamp->value.getDefiningOp<arith::AddFOp>();
    std::optional<double> added =
        add ? getF32(add.getRhs()) : std::optional<double>();
    if (added && *added == subtracted && isIntegral(add.getLhs())) {
      Clamp moved{add.getLhs(), clamp->low - subtracted,
                  clamp->high - subtracted};
      rewriter.replaceOp(op, build(rewriter, loc, moved));
      return success();
    }
    Value result = converted.getIn();
    if (subtracted != 0)
      result = arith::SubFOp::create(
          rewriter, loc, result,
          arith::ConstantOp::create(rewriter, loc,
                                    rewriter.getF32FloatAttr(subtracted)));
    rewriter.replaceOp(op, result);
    return success();
  }
};

/// A rounded, shifted and clamped float to an integer: clamped, then rounded by
/// the conversion, then shifted.
struct RoundLast : OpRewritePattern<arith::FPToSIOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(arith::FPToSIOp op,
                                PatternRewriter &rewriter) const override {
    std::optional<Clamp> clamp = Clamp::match(op.getIn());
    if (!clamp || !op.getType().isInteger(32) || !op.getIn().hasOneUse())
      return failure();
    Value rounded = clamp->value;
    double shift = 0;
    if (auto add = rounded.getDefiningOp<arith::AddFOp>()) {
      std::optional<double> added = getF32(add.getRhs());
      if (!added || !isStep(*added))
        return failure();
      shift = *added;
      rounded = add.getLhs();
    }
    auto round = rounded.getDefiningOp<math::RoundEvenOp>();
    if (!round)
      return failure();
    Location loc = op.getLoc();
    Clamp moved{round.getOperand(), clamp->low - shift, clamp->high - shift};
    Value result = arith::FPToSIOp::create(
        rewriter, loc, op.getType(),
        math::RoundEvenOp::create(rewriter, loc, build(rewriter, loc, moved)));
    if (shift != 0)
      result = arith::AddIOp::create(
          rewriter, loc, result,
          arith::ConstantOp::create(
              rewriter, loc,
              rewriter.getI32IntegerAttr(static_cast<int32_t>(shift))));
    rewriter.replaceOp(op, result);
    return success();
  }
};

struct SimplifyRounding : mopt::impl::SimplifyRoundingBase<SimplifyRounding> {
  void runOnOperation() override {
    // Before anything rounds last, all that can stays floats.
    for (bool last : {false, true}) {
      RewritePatternSet patterns(&getContext());
      if (last)
        patterns.add<RoundLast>(&getContext());
      else
        patterns.add<StayFloat>(&getContext());
      if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
        return signalPassFailure();
    }
  }
};
} // namespace

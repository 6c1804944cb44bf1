// Level in and out: structured. Where a row of elements is divided by one
// number and then rounded to steps, the quotient comes from products: x r with
// r = 1 / s, once corrected by what it leaves of x, x - q s, which a fused
// product has exactly (Markstein, "Computation of elementary functions on the
// IBM RISC System/6000 processor", 1990). That is the rounded quotient but for
// one within 2^-45 of the middle between two floats, 2^-103 for f64; then it
// may be the other one. Dividing takes x86 up to 16 cycles a vector, 24 for
// f64, this takes 3.
#include "mopt/Codegen/Passes.h"
#include "mopt/Target/MicroKernels.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;

namespace mopt {
#define GEN_PASS_DEF_DIVIDEBYPRODUCTS
#include "mopt/Codegen/Passes.h.inc"
} // namespace mopt

using namespace mopt;

/// A loop of fewer iterations does not pay for what comes before it.
static constexpr int64_t kShortRow = 16;

/// Is `value` the same for all of the innermost loop of `op`?
static bool isOneNumber(Value value, linalg::GenericOp op) {
  if (auto wider = value.getDefiningOp<arith::ExtFOp>())
    value = wider.getIn();
  auto argument = dyn_cast<BlockArgument>(value);
  if (!argument || argument.getOwner() != op.getBody())
    return false;
  AffineMap map = op.getMatchingIndexingMap(op.getMatchingOpOperand(argument));
  SmallVector<int64_t> ranges = op.getStaticLoopRanges();
  int64_t last = ranges.size() - 1;
  while (last > 0 && ranges[last] == 1)
    --last;
  bool isRow = last >= 0 && (ShapedType::isDynamic(ranges[last]) ||
                             ranges[last] >= kShortRow);
  return llvm::all_of(map.getResults(), [&](AffineExpr index) {
    auto dim = dyn_cast<AffineDimExpr>(index);
    return dim ? ranges[dim.getPosition()] == 1 ||
                     (isRow && dim.getPosition() < last)
               : isa<AffineConstantExpr>(index);
  });
}

/// x / s. Powers of two keep s and its reciprocal normal: what leaves the range
/// of floats for them is beyond every step, or 0. Where an infinity or a
/// divisor of 0 makes NaN of the correction, the product is the quotient.
static Value buildQuotient(OpBuilder &b, Location loc, Value x, Value s) {
  Type type = x.getType();
  auto number = [&](double value) -> Value {
    return arith::ConstantOp::create(b, loc, b.getFloatAttr(type, value));
  };
  auto multiply = [&](Value y, Value z) -> Value {
    return arith::MulFOp::create(b, loc, y, z);
  };
  double large = type.isF64() ? 0x1p512 : 0x1p64, small = 1 / large;
  auto compare = [&](arith::CmpFPredicate predicate, double limit) -> Value {
    return arith::CmpFOp::create(
        b, loc, predicate, math::AbsFOp::create(b, loc, s), number(limit));
  };
  Value power =
      arith::SelectOp::create(b, loc, compare(arith::CmpFPredicate::OLT, small),
                              number(large), number(1));
  power = arith::SelectOp::create(
      b, loc, compare(arith::CmpFPredicate::OGT, large), number(small), power);
  s = multiply(s, power);
  x = multiply(x, power);
  Value reciprocal = arith::DivFOp::create(b, loc, number(1), s);
  Value q = multiply(x, reciprocal);
  Value rest =
      LLVM::FMAOp::create(b, loc, q, arith::NegFOp::create(b, loc, s), x);
  Value corrected = LLVM::FMAOp::create(b, loc, rest, reciprocal, q);
  Value isNaN = arith::CmpFOp::create(b, loc, arith::CmpFPredicate::UNO,
                                      corrected, corrected);
  return arith::SelectOp::create(b, loc, isNaN, q, corrected);
}

namespace {
struct DivideByProducts : mopt::impl::DivideByProductsBase<DivideByProducts> {
  void runOnOperation() override {
    TargetAttr target = TargetAttr::lookup(getOperation());
    // Without the instruction a fused product is a call.
    if (!target || !fusesProducts(target))
      return;
    getOperation()->walk([](math::RoundEvenOp round) {
      auto divide = round.getOperand().getDefiningOp<arith::DivFOp>();
      auto loop = dyn_cast<linalg::GenericOp>(round->getParentOp());
      if (!divide || !loop ||
          !isa<Float32Type, Float64Type>(divide.getType()) ||
          !isOneNumber(divide.getRhs(), loop))
        return;
      OpBuilder b(divide);
      divide.replaceAllUsesWith(
          buildQuotient(b, divide.getLoc(), divide.getLhs(), divide.getRhs()));
      divide.erase();
    });
  }
};
} // namespace

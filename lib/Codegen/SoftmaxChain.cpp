// What mopt.softmax becomes, and what models write for it, step by step back
// from its end.
#include "SoftmaxChain.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/Matchers.h"
#include <cmath>

using namespace mlir;
using namespace mopt;

/// Exponentials below this may be 0: they are less than half of a unit in the
/// last place of the largest, 1, in any type.
static constexpr double kSmallest = -80;

static Value skipCasts(Value value) {
  while (Operation *op = value.getDefiningOp()) {
    if (!isa<arith::ExtFOp, arith::TruncFOp>(op))
      break;
    value = op->getOperand(0);
  }
  return value;
}

static bool isConstant(Value value, function_ref<bool(double)> is) {
  APFloat constant(0.0);
  return matchPattern(value, m_ConstantFloat(&constant)) &&
         is(constant.convertToDouble());
}

static bool isZero(Value value) {
  return isConstant(value, [](double x) { return x == 0; });
}

/// The operand whose elements `argument`, of the body of `op`, is; null for
/// other values.
static OpOperand *getOperand(linalg::GenericOp op, Value argument) {
  auto of = dyn_cast<BlockArgument>(skipCasts(argument));
  return of && of.getOwner() == op.getBlock() ? op.getMatchingOpOperand(of)
                                              : nullptr;
}

/// Does `map` take `rank` loops to all dimensions in order, the last left out
/// if `isOfRows`? Of a dimension of size 1 it may take 0.
static bool isInOrder(linalg::GenericOp op, OpOperand *operand, bool isOfRows) {
  AffineMap map = op.getMatchingIndexingMap(operand);
  if (map.getNumResults() + isOfRows != map.getNumDims())
    return false;
  auto type = cast<ShapedType>(operand->get().getType());
  for (auto [dim, expr] : llvm::enumerate(map.getResults())) {
    if (expr == getAffineDimExpr(dim, map.getContext()))
      continue;
    auto zero = dyn_cast<AffineConstantExpr>(expr);
    if (!zero || zero.getValue() != 0 || type.getDimSize(dim) != 1)
      return false;
  }
  return true;
}

static Value getYielded(linalg::GenericOp op) {
  return op.getBlock()->getTerminator()->getOperand(0);
}

/// The tensor whose rows `op` combines by `Combiner`, beginning with what `is`
/// says; null if it does not.
template <typename... Combiner>
static Value getReduced(Value value, function_ref<bool(double)> is) {
  auto op = value.getDefiningOp<linalg::GenericOp>();
  if (!op || op.getNumDpsInputs() != 1 || op.getNumDpsInits() != 1 ||
      op.getNumReductionLoops() != 1 ||
      op.getIteratorTypesArray().back() != utils::IteratorType::reduction ||
      !isInOrder(op, op.getDpsInputOperand(0), /*isOfRows=*/false) ||
      !isInOrder(op, op.getDpsInitOperand(0), /*isOfRows=*/true))
    return Value();
  auto fill = op.getDpsInitOperand(0)->get().getDefiningOp<linalg::FillOp>();
  if (!fill || !isConstant(fill.getInputs().front(), is))
    return Value();
  Operation *combiner = getYielded(op).getDefiningOp();
  if (!isa_and_nonnull<Combiner...>(combiner))
    return Value();
  OpOperand *x = getOperand(op, combiner->getOperand(0)),
            *y = getOperand(op, combiner->getOperand(1));
  OpOperand *input = op.getDpsInputOperand(0), *init = op.getDpsInitOperand(0);
  bool isBoth = (x == input && y == init) || (x == init && y == input);
  return isBoth ? input->get() : Value();
}

static bool isElementwise(linalg::GenericOp op, unsigned inputs) {
  return op && op.getNumDpsInputs() == inputs && op.getNumDpsInits() == 1 &&
         op.getNumParallelLoops() == op.getNumLoops() &&
         op.getMatchingIndexingMap(op.getDpsInitOperand(0)).isIdentity();
}

/// `value`, or what it is where that is within limits which exponentials of
/// numbers up to 0 do not see.
static Value skipLimits(Value value) {
  while (auto select = value.getDefiningOp<arith::SelectOp>()) {
    auto compare = select.getCondition().getDefiningOp<arith::CmpFOp>();
    if (!compare || compare.getLhs() != select.getFalseValue())
      break;
    bool isBelow =
        compare.getPredicate() == arith::CmpFPredicate::OLT &&
        isConstant(compare.getRhs(), [](double x) { return x <= kSmallest; });
    bool isAbove = compare.getPredicate() == arith::CmpFPredicate::OGT &&
                   isZero(compare.getRhs());
    if (select.getTrueValue() != compare.getRhs() || (!isBelow && !isAbove))
      break;
    value = select.getFalseValue();
  }
  return value;
}

/// The exponentials' own input, less its rows' maxima: both operands.
static std::pair<Value, Value> matchExponentials(Value value) {
  auto op = value.getDefiningOp<linalg::GenericOp>();
  if (!isElementwise(op, 2))
    return {};
  Value result = skipCasts(getYielded(op));
  // Very small ones are 0.
  if (auto select = result.getDefiningOp<arith::SelectOp>()) {
    auto compare = select.getCondition().getDefiningOp<arith::CmpFOp>();
    if (!compare || compare.getPredicate() != arith::CmpFPredicate::OLT ||
        !isZero(select.getTrueValue()) ||
        !isConstant(compare.getRhs(), [](double x) { return x <= kSmallest; }))
      return {};
    result = select.getFalseValue();
  }
  auto exp = skipCasts(result).getDefiningOp<math::ExpOp>();
  if (!exp)
    return {};
  auto difference =
      skipLimits(skipCasts(exp.getOperand())).getDefiningOp<arith::SubFOp>();
  if (!difference)
    return {};
  OpOperand *x = getOperand(op, difference.getLhs()),
            *most = getOperand(op, difference.getRhs());
  if (!x || !most || !isInOrder(op, x, /*isOfRows=*/false) ||
      !isInOrder(op, most, /*isOfRows=*/true))
    return {};
  return {x->get(), most->get()};
}

/// Is `value` computed from inputs of `op` that are the same for a row?
static bool isOfRow(linalg::GenericOp op, Value value) {
  if (OpOperand *operand = getOperand(op, value)) {
    AffineMap map = op.getMatchingIndexingMap(operand);
    return op.isDpsInput(operand) && !map.isFunctionOfDim(map.getNumDims() - 1);
  }
  Operation *def = value.getDefiningOp();
  if (!def)
    return false;
  if (def->getBlock() != op.getBlock())
    return def->hasTrait<OpTrait::ConstantLike>();
  return OpTrait::hasElementwiseMappableTraits(def) &&
         llvm::all_of(def->getOperands(),
                      [&](Value operand) { return isOfRow(op, operand); });
}

SoftmaxChain mopt::matchSoftmax(Value value) {
  auto op = value.getDefiningOp<linalg::GenericOp>();
  SoftmaxChain chain;
  chain.last = op;
  if (!op || !isElementwise(op, op.getNumDpsInputs()))
    return {};
  Value quotient = skipCasts(getYielded(op));
  if (auto select = quotient.getDefiningOp<arith::SelectOp>()) {
    if (!isZero(select.getTrueValue()) || !isOfRow(op, select.getCondition()))
      return {};
    chain.blind = select.getCondition();
    quotient = skipCasts(select.getFalseValue());
  }
  Value dividend, divisor;
  if (auto product = quotient.getDefiningOp<arith::MulFOp>()) {
    auto inverse = product.getRhs().getDefiningOp<arith::DivFOp>();
    dividend = product.getLhs();
    if (!inverse) {
      inverse = product.getLhs().getDefiningOp<arith::DivFOp>();
      dividend = product.getRhs();
    }
    if (!inverse ||
        !isConstant(inverse.getLhs(), [](double x) { return x == 1; }))
      return {};
    divisor = inverse.getRhs();
  } else if (auto division = quotient.getDefiningOp<arith::DivFOp>()) {
    dividend = division.getLhs();
    divisor = division.getRhs();
  } else {
    return {};
  }
  OpOperand *x = getOperand(op, dividend), *sum = getOperand(op, divisor);
  if (!x || !sum || !isInOrder(op, x, /*isOfRows=*/false) ||
      !isInOrder(op, sum, /*isOfRows=*/true))
    return {};
  // What else it reads is for the rows.
  if (op.getNumDpsInputs() != 2 && !chain.blind)
    return {};
  Value exponentials = x->get();
  if (getReduced<arith::AddFOp>(sum->get(), [](double x) { return x == 0; }) !=
      exponentials)
    return {};
  auto [scores, most] = matchExponentials(exponentials);
  if (!scores ||
      getReduced<arith::MaximumFOp, arith::MaxNumFOp>(
          most, [](double x) { return std::isinf(x) && x < 0; }) != scores)
    return {};
  // Two readers each, all of them seen.
  if (llvm::range_size(scores.getUses()) != 2 ||
      llvm::range_size(exponentials.getUses()) != 2 || !value.hasOneUse())
    return {};
  chain.scores = scores;
  return chain;
}

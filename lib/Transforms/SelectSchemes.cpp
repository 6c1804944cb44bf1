// Level in and out: legal. Quantized contractions become products of integers
// where the target multiplies those faster, else of floats. Integer products
// have a left side with the signs that the target multiplies, unsigned if it
// has no preference, and a signed right side afterwards. Leaves products of
// floats alone.
#include "mopt/Dialect/Mopt/IR/IntegerProduct.h"
#include "mopt/Dialect/Mopt/IR/QuantizationParameters.h"
#include "mopt/Support/Attributes.h"
#include "mopt/Target/MicroKernels.h"
#include "mopt/Transforms/EvaluateOp.h"
#include "mopt/Transforms/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/PatternMatch.h"

using namespace mlir;

namespace mopt {
#define GEN_PASS_DEF_SELECTSCHEMES
#include "mopt/Transforms/Passes.h.inc"
} // namespace mopt

using namespace mopt;

static RankedTensorType getTensor(Value value) {
  return cast<RankedTensorType>(value.getType());
}

/// Evaluates `op` if all its operands are constants, however large.
static Value foldDequantize(OpBuilder &b, DequantizeOp op) {
  SmallVector<ConstantTensor> operands;
  for (Value operand : op->getOperands())
    if (std::optional<ConstantTensor> constant = getConstantTensor(operand))
      operands.push_back(std::move(*constant));
  if (operands.size() != op->getNumOperands())
    return op;
  std::optional<ConstantTensor> result = evaluateOp(op, operands);
  if (!result)
    return op;
  Value constant = arith::ConstantOp::create(
      b, op.getLoc(),
      cast<TypedAttr>(std::move(*result).toAttr("dequantized")));
  op->replaceAllUsesWith(ValueRange(constant));
  op->erase();
  return constant;
}

static Value dequantize(OpBuilder &b, Location loc, Value value, Value scale,
                        Value zeroPoint) {
  RankedTensorType type =
      getTensor(value).clone(getTensor(scale).getElementType());
  return foldDequantize(
      b, DequantizeOp::create(b, loc, type, value, scale, zeroPoint));
}

//===----------------------------------------------------------------------===//
// In floats
//===----------------------------------------------------------------------===//

static Value computeInFloats(OpBuilder &b, QuantizedMatmulOp op) {
  Location loc = op.getLoc();
  Value lhs =
      dequantize(b, loc, op.getLhs(), op.getLhsScale(), op.getLhsZeroPoint());
  Value rhs =
      dequantize(b, loc, op.getRhs(), op.getRhsScale(), op.getRhsZeroPoint());
  return MatmulOp::create(b, loc, op.getType(), lhs, rhs, op.getTransposeLhs(),
                          op.getTransposeRhs());
}

static Value computeInFloats(OpBuilder &b, QuantizedConvOp op) {
  Location loc = op.getLoc();
  Value input = dequantize(b, loc, op.getInput(), op.getInputScale(),
                           op.getInputZeroPoint());
  Value filter = dequantize(b, loc, op.getFilter(), op.getFilterScale(),
                            op.getFilterZeroPoint());
  return ConvOp::create(b, loc, op.getType(), input, filter, op.getStrides(),
                        op.getDilations(), op.getPadsBegin(), op.getPadsEnd(),
                        op.getGroup(), /*channels_last=*/false);
}

//===----------------------------------------------------------------------===//
// In integers
//===----------------------------------------------------------------------===//

/// `sums` of products by the scales of both sides, which are broadcast to it.
static Value scaleSums(OpBuilder &b, Location loc, Value sums, Type result,
                       Value lhsScale, Value rhsScale) {
  if (isOneElement(lhsScale) || isOneElement(rhsScale)) {
    Value scale = BinaryOp::create(b, loc, BinaryKind::mul, lhsScale, rhsScale);
    return DequantizeOp::create(b, loc, result, sums, scale, Value());
  }
  Value half = DequantizeOp::create(b, loc, result, sums, lhsScale, Value());
  return BinaryOp::create(b, loc, BinaryKind::mul, half, rhsScale);
}

/// Are left sides signed in the target's micro-kernels?
static bool wantsSignedLhs(Operation *op) {
  TargetAttr target = TargetAttr::lookup(op);
  return target && multipliesSignedBytes(target);
}

static Value computeInIntegers(OpBuilder &b, QuantizedMatmulOp op) {
  Location loc = op.getLoc();
  IntegerMatmul product(b, loc, op.getLhs(), op.getRhs(), op.getTransposeLhs(),
                        op.getTransposeRhs(), wantsSignedLhs(op));
  Value sums =
      product.build(op.getLhsZeroPoint(), op.getRhsZeroPoint(),
                    op->getAttrOfType<SparsityAttr>(SparsityAttr::kAttrName));
  return scaleSums(b, loc, sums, op.getType(),
                   product.orientLhs(op.getLhsScale()),
                   product.orientRhs(op.getRhsScale()));
}

static Value computeInIntegers(OpBuilder &b, QuantizedConvOp op) {
  Location loc = op.getLoc();
  IntegerConv product(b, loc, op.getInput(), op.getFilter(), op.getStrides(),
                      op.getDilations(), op.getPadsBegin(), op.getPadsEnd(),
                      op.getGroup(), wantsSignedLhs(op));
  Value sums = product.build(op.getInputZeroPoint(), op.getFilterZeroPoint());
  return scaleSums(b, loc, sums, op.getType(), op.getInputScale(),
                   product.orientFilter(op.getFilterScale()));
}

/// Do sums of `depth` products, maybe dynamic, fit 32 bits for sure?
static bool fitsSums(int64_t depth) {
  return ShapedType::isStatic(depth) && depth <= kMostProductsOfBytes;
}

static bool canBeIntegers(QuantizedConvOp op) {
  RankedTensorType filter = getTensor(op.getFilter());
  int64_t depth = 1;
  for (int64_t size : filter.getShape().drop_front())
    depth = ShapedType::isDynamic(size) || ShapedType::isDynamic(depth)
                ? ShapedType::kDynamic
                : depth * size;
  // Sums for each group need to know how many outputs it has.
  return fitsSums(depth) && (op.getGroup() == 1 || !filter.isDynamicDim(0));
}
static bool canBeIntegers(QuantizedMatmulOp op) {
  RankedTensorType lhs = getTensor(op.getLhs()), rhs = getTensor(op.getRhs());
  int64_t rank = lhs.getRank();
  int64_t depth = lhs.getDimSize(op.getTransposeLhs() ? rank - 2 : rank - 1);
  if (ShapedType::isDynamic(depth))
    depth = rhs.getDimSize(op.getTransposeRhs() ? rank - 1 : rank - 2);
  return fitsSums(depth);
}

/// Outputs from which on it does not matter that windows are summed.
static constexpr int64_t kOutputsForWindowSums = 96;

/// Has the filter one once its elements are signed?
static bool hasZeroPoint(QuantizedConvOp op) {
  double none =
      getTensor(op.getFilter()).getElementType().isUnsignedInteger() ? 128 : 0;
  double zero = 0;
  if (op.getFilterZeroPoint()) {
    std::optional<double> known = getSplatNumber(op.getFilterZeroPoint());
    if (!known)
      return true;
    zero = *known;
  }
  return zero != none;
}

/// Are integers faster where the target multiplies several bytes at once?
static bool gainsByIntegers(QuantizedConvOp op) {
  // Groups are read as they lie; those that instructions for several bytes
  // would cut through are multiplied one by one. One channel each is another
  // kernel, which reads bytes as well as floats.
  RankedTensorType filter = getTensor(op.getFilter());
  int64_t channels = filter.getDimSize(1);
  // Each window has to be summed besides, which is the work of a vector of
  // outputs.
  if (hasZeroPoint(op) &&
      (op.getGroup() > 1 || filter.getDimSize(0) < kOutputsForWindowSums))
    return false;
  return op.getGroup() == 1 || channels == 1 || channels % 4 == 0;
}
static bool gainsByIntegers(QuantizedMatmulOp op) {
  // Neighbours along the depth that lie apart are no bytes of one word.
  return !op.getTransposeLhs();
}

//===----------------------------------------------------------------------===//
// Weights alone
//===----------------------------------------------------------------------===//

/// Rows up to which a product waits for its weights, not for its arithmetic.
static constexpr int64_t kMemoryBoundRows = 4;

/// A product of few floats with constant weights of 8 bits reads them as they
/// are; the scale of each column multiplies the sums.
static Value multiplyByBytes(OpBuilder &b, MatmulOp op) {
  auto weights = op.getRhs().getDefiningOp<DequantizeOp>();
  if (!weights || !getConstantTensor(weights.getInput()) ||
      !getTensor(op.getLhs()).getElementType().isF32() ||
      !getTensor(weights.getInput()).getElementType().isInteger(8))
    return {};
  RankedTensorType scale = getTensor(weights.getScale());
  int64_t rank = scale.getRank(), rows = op.countRows();
  int64_t depth = op.getTransposeRhs() ? rank - 1 : rank - 2;
  for (int64_t dim = 0; dim < rank - 2; ++dim)
    if (scale.getDimSize(dim) != 1 ||
        getTensor(weights.getInput()).getDimSize(dim) != 1)
      return {};
  double none =
      getTensor(weights.getInput()).getElementType().isUnsignedInteger() ? 128
                                                                         : 0;
  if (op.getTransposeLhs() || ShapedType::isDynamic(rows) || rows < 1 ||
      rows > kMemoryBoundRows || scale.getDimSize(depth) != 1 ||
      (weights.getZeroPoint() ? getSplatNumber(weights.getZeroPoint()) != none
                              : none != 0))
    return {};
  IntegerMatmul product(b, op.getLoc(), op.getLhs(), weights.getInput(),
                        op.getTransposeLhs(), op.getTransposeRhs());
  Value sums = product.buildByWeights();
  return BinaryOp::create(b, op.getLoc(), op.getType(), BinaryKind::mul, sums,
                          product.orientRhs(weights.getScale()));
}

namespace {
struct SelectSchemes : mopt::impl::SelectSchemesBase<SelectSchemes> {
  using SelectSchemesBase::SelectSchemesBase;

  void runOnOperation() override {
    if (!llvm::is_contained({"auto", "always", "never"}, integers)) {
      emitError(getOperation().getLoc(), "expected 'integers' of auto, always "
                                         "or never, found '")
          << integers << "'";
      return signalPassFailure();
    }
    IRRewriter rewriter(&getContext());
    // Before what is left of dequantized weights becomes constants of floats.
    getOperation()->walk([&](MatmulOp op) {
      rewriter.setInsertionPoint(op);
      if (!narrowWeights)
        return;
      if (Value result = multiplyByBytes(rewriter, op))
        rewriter.replaceOp(op, result);
    });
    getOperation()->walk([&](Operation *op) {
      rewriter.setInsertionPoint(op);
      if (isOpTriviallyDead(op))
        return rewriter.eraseOp(op);
      if (auto matmul = dyn_cast<QuantizedMatmulOp>(op))
        decide(rewriter, matmul);
      else if (auto conv = dyn_cast<QuantizedConvOp>(op))
        decide(rewriter, conv);
      else if (auto matmul = dyn_cast<MatmulOp>(op))
        normalizeSigns(rewriter, matmul, wantsSignedLhs(op));
      else if (auto conv = dyn_cast<ConvOp>(op))
        normalizeSigns(rewriter, conv, wantsSignedLhs(op));
      else if (auto dequantize = dyn_cast<DequantizeOp>(op))
        foldDequantize(rewriter, dequantize);
    });
  }

  template <typename Op> void decide(IRRewriter &rewriter, Op op) {
    TargetAttr target = TargetAttr::lookup(op);
    auto chosen = op->template getAttrOfType<StringAttr>(kArithmeticAttr);
    bool gains = integers == "auto" && target && multipliesBytes(target) &&
                 gainsByIntegers(op);
    bool wanted = chosen ? chosen != "floats" : integers == "always" || gains;
    bool inIntegers = wanted && canBeIntegers(op);
    if (remarks)
      op->emitRemark("computed in ")
          << (inIntegers ? "integers" : "floats")
          << (chosen && inIntegers == wanted ? ", as was measured" : "");
    rewriter.replaceOp(op, inIntegers ? computeInIntegers(rewriter, op)
                                      : computeInFloats(rewriter, op));
  }
};
} // namespace

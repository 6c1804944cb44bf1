// Level in and out: legal. Multiplications by constants around quantized
// elements become one: the scale of what is dequantized, a bias and the
// reciprocal of the scale that the result is quantized with are all known when
// compiling. Results may differ in the last bit of the float that is rounded to
// a step. Leaves floats that are not quantized alone.
#include "mopt/Dialect/Mopt/IR/QuantizationParameters.h"
#include "mopt/Transforms/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Iterators.h"
#include "mlir/IR/PatternMatch.h"

#include <cmath>

using namespace mlir;

namespace mopt {
#define GEN_PASS_DEF_MERGESCALES
#include "mopt/Transforms/Passes.h.inc"
} // namespace mopt

using namespace mopt;

/// Larger constants are data, not scales.
static constexpr int64_t kMostElements = 1 << 16;

static RankedTensorType getTensor(Value value) {
  return cast<RankedTensorType>(value.getType());
}

static std::optional<ConstantTensor> getScale(Value value) {
  if (!getTensor(value).getElementType().isF32())
    return std::nullopt;
  std::optional<ConstantTensor> scale = getConstantTensor(value);
  if (scale && scale->getNumElements() > kMostElements)
    return std::nullopt;
  return scale;
}

/// The product of two constants of equal rank, broadcast; null where a factor
/// leaves the range of normal numbers.
static Value multiply(OpBuilder &b, Location loc, Value x, Value y) {
  std::optional<ConstantTensor> left = getScale(x), right = getScale(y);
  if (!left || !right ||
      left->getType().getRank() != right->getType().getRank())
    return {};
  SmallVector<int64_t> shape;
  for (auto [i, j] : llvm::zip_equal(left->getType().getShape(),
                                     right->getType().getShape())) {
    if (i != j && i != 1 && j != 1)
      return {};
    shape.push_back(i == 1 ? j : i);
  }
  auto type = RankedTensorType::get(shape, b.getF32Type());
  if (type.getNumElements() > kMostElements)
    return {};
  std::optional<ConstantTensor> product = ConstantTensor::allocate(type);
  SmallVector<int64_t> strides = ConstantTensor::getStrides(shape);
  auto getIndex = [&](int64_t i, const ConstantTensor &operand) {
    ArrayRef<int64_t> own = operand.getType().getShape();
    SmallVector<int64_t> ownStrides = ConstantTensor::getStrides(own);
    int64_t index = 0;
    for (size_t dim = 0; dim < shape.size(); ++dim)
      if (own[dim] != 1)
        index += i / strides[dim] % shape[dim] * ownStrides[dim];
    return index;
  };
  for (int64_t i = 0; i < type.getNumElements(); ++i) {
    float p = static_cast<float>(left->getFloat(getIndex(i, *left))),
          q = static_cast<float>(right->getFloat(getIndex(i, *right))),
          r = p * q;
    if (!std::isnormal(r) && p != 0 && q != 0)
      return {};
    product->setFloat(i, r);
  }
  return arith::ConstantOp::create(
      b, loc, cast<TypedAttr>(std::move(*product).toAttr("scale")));
}

/// Is `value` used once, so that it may change?
static bool mayChange(Value value, Block *block) {
  return value.getDefiningOp() && value.hasOneUse() &&
         value.getDefiningOp()->getBlock() == block;
}

/// `value` times `factor`, a constant above 0 of one element, where constants
/// in reach take it up; null, and nothing changed but for unused constants,
/// where they don't. New ops stand before `value`'s.
static Value absorb(OpBuilder &b, Value value, Value factor, Block *block) {
  if (!getTensor(value).getElementType().isF32())
    return {};
  Location loc = value.getLoc();
  if (getScale(value))
    return multiply(b, loc, value, factor);
  if (!mayChange(value, block))
    return {};
  Operation *op = value.getDefiningOp();
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPoint(op);
  if (auto dequantize = dyn_cast<DequantizeOp>(op)) {
    Value scale = multiply(b, loc, dequantize.getScale(), factor);
    if (!scale)
      return {};
    return DequantizeOp::create(b, loc, value.getType(), dequantize.getInput(),
                                scale, dequantize.getZeroPoint());
  }
  auto binary = dyn_cast<BinaryOp>(op);
  if (!binary)
    return {};
  auto rebuild = [&](Value lhs, Value rhs) -> Value {
    return BinaryOp::create(b, loc, value.getType(), binary.getKind(), lhs,
                            rhs);
  };
  switch (binary.getKind()) {
  case BinaryKind::mul:
    if (Value lhs = absorb(b, binary.getLhs(), factor, block))
      return rebuild(lhs, binary.getRhs());
    if (Value rhs = absorb(b, binary.getRhs(), factor, block))
      return rebuild(binary.getLhs(), rhs);
    return {};
  case BinaryKind::add:
  case BinaryKind::sub:
  case BinaryKind::max:
  case BinaryKind::min: {
    Value lhs = absorb(b, binary.getLhs(), factor, block);
    Value rhs = lhs ? absorb(b, binary.getRhs(), factor, block) : Value();
    return rhs ? rebuild(lhs, rhs) : Value();
  }
  default:
    return {};
  }
}

/// x * scale, x being dequantized by nobody else, as x dequantized otherwise.
static Value foldIntoScale(OpBuilder &b, BinaryOp op) {
  if (op.getKind() != BinaryKind::mul)
    return {};
  for (auto [x, factor] : {std::pair(op.getLhs(), op.getRhs()),
                           std::pair(op.getRhs(), op.getLhs())}) {
    auto dequantize = x.getDefiningOp<DequantizeOp>();
    if (!dequantize || !x.hasOneUse() || x.getType() != op.getType())
      continue;
    if (Value scale = multiply(b, op.getLoc(), dequantize.getScale(), factor))
      return DequantizeOp::create(b, op.getLoc(), op.getType(),
                                  dequantize.getInput(), scale,
                                  dequantize.getZeroPoint());
  }
  return {};
}

namespace {
struct MergeScales : mopt::impl::MergeScalesBase<MergeScales> {
  void runOnOperation() override {
    IRRewriter rewriter(&getContext());
    getOperation()->walk([&](BinaryOp op) {
      rewriter.setInsertionPoint(op);
      if (Value merged = foldIntoScale(rewriter, op))
        rewriter.replaceOp(op, merged);
    });
    getOperation()->walk([&](QuantizeOp op) {
      auto scaled = op.getInput().getDefiningOp<BinaryOp>();
      if (!scaled || scaled.getKind() != BinaryKind::mul ||
          !isOneElement(scaled.getRhs()) ||
          !mayChange(op.getInput(), op->getBlock()))
        return;
      std::optional<double> factor = getSplatNumber(scaled.getRhs());
      if (!factor || !(*factor > 0) || !std::isfinite(*factor) ||
          scaled.getType() != scaled.getLhs().getType())
        return;
      rewriter.setInsertionPoint(scaled);
      if (Value merged = absorb(rewriter, scaled.getLhs(), scaled.getRhs(),
                                op->getBlock()))
        rewriter.replaceOp(scaled, merged);
    });
    // What was rebuilt, users first.
    getOperation()->walk<WalkOrder::PostOrder, ReverseIterator>(
        [&](Operation *op) {
          if (isOpTriviallyDead(op))
            rewriter.eraseOp(op);
        });
  }
};
} // namespace

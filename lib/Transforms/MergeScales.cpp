// Level in and out: legal. Multiplications by constants around quantized
// elements become one: the scale of what is dequantized, a bias and the
// reciprocal of the scale that the result is quantized with are all known when
// compiling. Where bytes go in, the same steps come out, by trial of each byte;
// elsewhere the last bit of the float that is rounded may differ. A division by
// a constant that only smooth functions see becomes a multiplication.
#include "mopt/Dialect/Mopt/IR/QuantizationParameters.h"
#include "mopt/Support/SumOrder.h"
#include "mopt/Transforms/BroadcastIndex.h"
#include "mopt/Transforms/ByteChain.h"
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

/// The product (with `divides` the quotient) of two constants of equal rank,
/// broadcast; null where a factor leaves the range of normal numbers.
static Value multiply(OpBuilder &b, Location loc, Value x, Value y,
                      bool divides = false) {
  std::optional<ConstantTensor> left = getScale(x), right = getScale(y);
  if (!left || !right)
    return {};
  std::optional<SmallVector<int64_t>> shape =
      broadcastShapes(left->getType().getShape(), right->getType().getShape());
  if (!shape)
    return {};
  auto type = RankedTensorType::get(*shape, b.getF32Type());
  if (type.getNumElements() > kMostElements)
    return {};
  std::optional<ConstantTensor> product = ConstantTensor::allocate(type);
  BroadcastIndex getIndex(*shape);
  for (int64_t i = 0; i < type.getNumElements(); ++i) {
    float p = static_cast<float>(left->getFloat(getIndex(i, *left))),
          q = static_cast<float>(right->getFloat(getIndex(i, *right))),
          r = divides ? p / q : p * q;
    if (!std::isnormal(r) && p != 0 && q != 0)
      return {};
    product->setFloat(i, r);
  }
  return arith::ConstantOp::create(
      b, loc, cast<TypedAttr>(std::move(*product).toAttr("scale")));
}

static bool isOfBytes(DequantizeOp op) {
  return getTensor(op.getInput()).getElementType().isInteger(8);
}

/// Is `value` used once, so that it may change?
static bool mayChange(Value value, Block *block) {
  return value.getDefiningOp() && value.hasOneUse() &&
         value.getDefiningOp()->getBlock() == block;
}

/// Do only products and sums of constants and quantized elements make `value`?
static bool isLinear(Value value) {
  if (getScale(value) || value.getDefiningOp<DequantizeOp>())
    return true;
  auto op = value.getDefiningOp<BinaryOp>();
  return op &&
         llvm::is_contained({BinaryKind::mul, BinaryKind::add, BinaryKind::sub,
                             BinaryKind::max, BinaryKind::min},
                            op.getKind()) &&
         isLinear(op.getLhs()) && isLinear(op.getRhs());
}

/// `value` divided by `divisor`, a constant above 0 of one element, where
/// constants in reach take it up; null, and nothing changed but for unused ops,
/// where they don't. New ops stand before `value`'s. A sum of products of
/// integers is then multiplied by what ONNX's QLinear operators multiply it by.
static Value absorb(OpBuilder &b, Value value, Value divisor, Block *block) {
  if (!getTensor(value).getElementType().isF32())
    return {};
  Location loc = value.getLoc();
  if (getScale(value))
    return multiply(b, loc, value, divisor, /*divides=*/true);
  if (!mayChange(value, block))
    return {};
  Operation *op = value.getDefiningOp();
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPoint(op);
  if (auto dequantize = dyn_cast<DequantizeOp>(op)) {
    Value scale = multiply(b, loc, dequantize.getScale(), divisor,
                           /*divides=*/true);
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
    // Of a float, a weight of layer normalization say, each bit counts.
    if (!isLinear(value))
      return {};
    if (Value lhs = absorb(b, binary.getLhs(), divisor, block))
      return rebuild(lhs, binary.getRhs());
    if (Value rhs = absorb(b, binary.getRhs(), divisor, block))
      return rebuild(binary.getLhs(), rhs);
    return {};
  case BinaryKind::add:
  case BinaryKind::sub:
  case BinaryKind::max:
  case BinaryKind::min: {
    Value lhs = absorb(b, binary.getLhs(), divisor, block);
    Value rhs = lhs ? absorb(b, binary.getRhs(), divisor, block) : Value();
    return rhs ? rebuild(lhs, rhs) : Value();
  }
  default:
    return {};
  }
}

/// Is each byte times `merged` what it is, rounded twice, times the scale of
/// `op` times `factor`?
static bool keepsBytes(DequantizeOp op, Value factor, Value merged) {
  std::optional<ConstantTensor> scale = getScale(op.getScale()),
                                times = getScale(factor),
                                product = getScale(merged), zero;
  if (op.getZeroPoint()) {
    zero = getConstantTensor(op.getZeroPoint());
    if (!zero || zero->getType().getRank() != product->getType().getRank())
      return false;
  }
  bool isUnsigned =
      getTensor(op.getInput()).getElementType().isUnsignedInteger();
  BroadcastIndex at(product->getType().getShape());
  for (int64_t i = 0; i < product->getNumElements(); ++i) {
    float s = static_cast<float>(scale->getFloat(at(i, *scale))),
          t = static_cast<float>(times->getFloat(at(i, *times))),
          p = static_cast<float>(product->getFloat(i));
    // Every zero point, where it is not one for all positions of the factor.
    bool isKnown = !zero || zero->getNumElements() == 1;
    int origin = zero && isKnown ? static_cast<int>(zero->getInt(0)) : 0;
    int lowest = isUnsigned ? 0 : -128;
    int from = lowest - origin, to = from + 255;
    if (!isKnown)
      from = -255, to = 255;
    for (int steps = from; steps <= to; ++steps) {
      float once = static_cast<float>(steps) * s;
      float twice = once * t;
      float direct = static_cast<float>(steps) * p;
      if (twice != direct)
        return false;
    }
  }
  return true;
}

/// x * scale, x being dequantized by nobody else, as x dequantized otherwise;
/// of bytes only if no bit changes.
static Value foldIntoScale(OpBuilder &b, BinaryOp op) {
  if (op.getKind() != BinaryKind::mul)
    return {};
  for (auto [x, factor] : {std::pair(op.getLhs(), op.getRhs()),
                           std::pair(op.getRhs(), op.getLhs())}) {
    auto dequantize = x.getDefiningOp<DequantizeOp>();
    if (!dequantize || !x.hasOneUse() || x.getType() != op.getType())
      continue;
    Value scale = multiply(b, op.getLoc(), dequantize.getScale(), factor);
    if (scale &&
        (!isOfBytes(dequantize) || keepsBytes(dequantize, factor, scale)))
      return DequantizeOp::create(b, op.getLoc(), op.getType(),
                                  dequantize.getInput(), scale,
                                  dequantize.getZeroPoint());
  }
  return {};
}

/// A constant scale divides as well as its reciprocal multiplies, but for the
/// last bit, which decides only where a value lies between two steps. One scale
/// for all still divides: exactly, by products where mopt-fuse-steps can.
static void multiplyByReciprocal(IRRewriter &rewriter, QuantizeOp op) {
  std::optional<ConstantTensor> scale = getConstantTensor(op.getScale());
  if (isOneElement(op.getScale()))
    return;
  if (!scale || !getTensor(op.getInput()).getElementType().isF32() ||
      !scale->getType().getElementType().isF32() ||
      getSplatNumber(op.getScale()) == 1.0 ||
      !isa<IntegerType>(getTensor(op.getResult()).getElementType()))
    return;
  rewriter.setInsertionPoint(op);
  std::optional<ConstantTensor> reciprocal =
      ConstantTensor::allocate(scale->getType());
  for (int64_t i = 0; i < scale->getNumElements(); ++i) {
    float r = 1 / static_cast<float>(scale->getFloat(i));
    // That of a scale near the ends of the range has fewer bits, or none.
    if (!std::isnormal(r))
      return;
    reciprocal->setFloat(i, r);
  }
  Value factor = arith::ConstantOp::create(
      rewriter, op.getLoc(),
      cast<TypedAttr>(std::move(*reciprocal).toAttr("reciprocal")));
  Value one = arith::ConstantOp::create(
      rewriter, op.getLoc(),
      cast<TypedAttr>(DenseElementsAttr::get(
          getTensor(op.getScale())
              .clone(SmallVector<int64_t>(scale->getType().getRank(), 1)),
          rewriter.getF32FloatAttr(1))));
  Value x = BinaryOp::create(rewriter, op.getLoc(), BinaryKind::mul,
                             op.getInput(), factor);
  rewriter.modifyOpInPlace(op, [&] {
    op.getInputMutable().set(x);
    op.getScaleMutable().set(one);
  });
}

/// 1, of the type of `like`.
static Value buildOne(OpBuilder &b, Value like) {
  return arith::ConstantOp::create(b, like.getLoc(),
                                   cast<TypedAttr>(DenseElementsAttr::get(
                                       getTensor(like), b.getF32FloatAttr(1))));
}

/// Quantizes one product and one sum instead of all that `chain` computes, if
/// that gives the same steps.
static bool mergeChain(IRRewriter &rewriter, ByteChain &chain) {
  std::optional<ByteChain::Merged> merged = chain.merge();
  if (!merged)
    return false;
  QuantizeOp last = chain.last;
  DequantizeOp first = chain.first;
  Location loc = last.getLoc();
  rewriter.setInsertionPoint(last);
  SmallVector<std::pair<BinaryOp, Value>> bounds;
  for (BinaryOp op : chain.ops)
    if (ByteChain::isBound(op)) {
      bounds.push_back({op, multiply(rewriter, loc, ByteChain::getConstant(op),
                                     last.getScale(), /*divides=*/true)});
      if (!bounds.back().second)
        return false;
    }
  auto constant = [&](ConstantTensor &&tensor, StringRef name) -> Value {
    return arith::ConstantOp::create(
        rewriter, loc, cast<TypedAttr>(std::move(tensor).toAttr(name)));
  };
  Value y = DequantizeOp::create(
      rewriter, loc, last.getInput().getType(), first.getInput(),
      constant(std::move(merged->factor), "scale"), first.getZeroPoint());
  if (!merged->hasNoAddend)
    y = BinaryOp::create(rewriter, loc, y.getType(), BinaryKind::add, y,
                         constant(std::move(merged->addend), "addend"));
  for (auto [op, limit] : bounds)
    y = BinaryOp::create(rewriter, op.getLoc(), y.getType(), op.getKind(), y,
                         limit);
  Value one = buildOne(rewriter, last.getScale());
  rewriter.modifyOpInPlace(last, [&] {
    last.getInputMutable().set(y);
    last.getScaleMutable().set(one);
  });
  return true;
}

/// Makes the scale part of what is quantized, if constants take it up.
static bool mergeScale(IRRewriter &rewriter, QuantizeOp op) {
  std::optional<double> scale = getSplatNumber(op.getScale());
  if (!scale || !isOneElement(op.getScale()) || !(*scale > 0) ||
      !std::isfinite(*scale) || *scale == 1 || !getScale(op.getScale()) ||
      !isa<IntegerType>(getTensor(op.getResult()).getElementType()) ||
      getConstantTensor(op.getInput()))
    return false;
  rewriter.setInsertionPoint(op);
  Value merged = absorb(rewriter, op.getInput(), op.getScale(), op->getBlock());
  if (!merged)
    return false;
  Value one = buildOne(rewriter, op.getScale());
  rewriter.modifyOpInPlace(op, [&] {
    op.getInputMutable().set(merged);
    op.getScaleMutable().set(one);
  });
  return true;
}

/// Is `op` continuous, so that the last bit of its operand moves its result by
/// as little?
static bool isSmooth(Operation *op) {
  if (auto unary = dyn_cast<UnaryOp>(op))
    return llvm::is_contained(
        {UnaryKind::erf, UnaryKind::exp, UnaryKind::tanh, UnaryKind::sigmoid},
        unary.getKind());
  return isa<SoftmaxOp>(op);
}

/// Multiplies by the reciprocal of a constant divisor, where all users are
/// smooth: GELU's x / sqrt(2). Division takes as long as half of its erf.
static void multiplyByReciprocal(IRRewriter &rewriter, BinaryOp op) {
  if (op.getKind() != BinaryKind::div || op->use_empty() ||
      !llvm::all_of(op->getUsers(), isSmooth))
    return;
  Value divisor = op->getOperand(1);
  std::optional<ConstantTensor> known = getScale(divisor);
  if (!known || getConstantTensor(op->getOperand(0)))
    return;
  RankedTensorType type = getTensor(divisor);
  Value one = arith::ConstantOp::create(
      rewriter, op.getLoc(),
      DenseElementsAttr::get(
          type.clone(SmallVector<int64_t>(type.getRank(), 1)), 1.0f));
  if (Value reciprocal = multiply(rewriter, op.getLoc(), one, divisor,
                                  /*divides=*/true))
    rewriter.replaceOpWithNewOp<BinaryOp>(op, op.getType(), BinaryKind::mul,
                                          op->getOperand(0), reciprocal);
}

namespace {
struct MergeScales : mopt::impl::MergeScalesBase<MergeScales> {
  void runOnOperation() override {
    IRRewriter rewriter(&getContext());
    llvm::SmallPtrSet<Operation *, 8> apart;
    getOperation()->walk([&](QuantizeOp op) {
      // In steps already: what ends so has its order from the file.
      if (getSplatNumber(op.getScale()) == 1.0)
        return;
      std::optional<ByteChain> chain = ByteChain::find(op);
      if (chain && !mergeChain(rewriter, *chain))
        apart.insert(op);
    });
    getOperation()->walk([&](BinaryOp op) {
      rewriter.setInsertionPoint(op);
      if (Value merged = foldIntoScale(rewriter, op))
        rewriter.replaceOp(op, merged);
    });
    getOperation()->walk([&](BinaryOp op) {
      rewriter.setInsertionPoint(op);
      multiplyByReciprocal(rewriter, op);
    });
    getOperation()->walk([&](QuantizeOp op) {
      if (apart.contains(op) || !mergeScale(rewriter, op))
        multiplyByReciprocal(rewriter, op);
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

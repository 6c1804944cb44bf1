// Functions of a byte between dequantization and quantization, and one factor
// and one addend that give the same steps.
#include "mopt/Transforms/ByteChain.h"

#include "mopt/Support/ByteSteps.h"
#include "mopt/Transforms/BroadcastIndex.h"

#include <cmath>

using namespace mlir;
using namespace mopt;

/// Larger constants are data, not parameters.
static constexpr int64_t kMostPositions = 1 << 16;

static RankedTensorType getTensor(Value value) {
  return cast<RankedTensorType>(value.getType());
}

static bool isFloat(Value value) {
  return getTensor(value).getElementType().isF32();
}

Value ByteChain::getConstant(BinaryOp op) {
  return getConstantTensor(op.getRhs()) ? op.getRhs() : op.getLhs();
}

/// The operand of a chain's op that is no constant, or null.
static Value getChained(BinaryOp op) {
  bool isLeft = getConstantTensor(op.getRhs()).has_value();
  Value chained = isLeft ? op.getLhs() : op.getRhs(),
        constant = ByteChain::getConstant(op);
  if (!getConstantTensor(constant) || !isFloat(constant) ||
      chained.getType() != op.getType())
    return {};
  switch (op.getKind()) {
  case BinaryKind::mul:
  case BinaryKind::add:
  case BinaryKind::max:
  case BinaryKind::min:
    return chained;
  case BinaryKind::sub:
  case BinaryKind::div:
    return isLeft ? chained : Value();
  default:
    return {};
  }
}

std::optional<ByteChain> ByteChain::find(QuantizeOp last) {
  auto result =
      dyn_cast<IntegerType>(getTensor(last.getResult()).getElementType());
  if (!result || result.getWidth() > 8 || !isFloat(last.getInput()) ||
      !isFloat(last.getScale()))
    return std::nullopt;
  ByteChain chain;
  chain.last = last;
  bool hasArithmetic = false;
  Value value = last.getInput();
  while (auto op = value.getDefiningOp<BinaryOp>()) {
    Value before = op->hasOneUse() && isFloat(value) ? getChained(op) : Value();
    if (!before || (isBound(op) && hasArithmetic))
      return std::nullopt;
    hasArithmetic |= !isBound(op);
    chain.ops.push_back(op);
    value = before;
  }
  std::reverse(chain.ops.begin(), chain.ops.end());
  chain.first = value.getDefiningOp<DequantizeOp>();
  if (!chain.first || !isFloat(value) || !isFloat(chain.first.getScale()) ||
      !getTensor(chain.first.getInput()).getElementType().isInteger(8))
    return std::nullopt;
  SmallVector<Value> constants{chain.first.getScale(), last.getScale()};
  for (Value zero : {chain.first.getZeroPoint(), last.getZeroPoint()})
    if (zero)
      constants.push_back(zero);
  for (BinaryOp op : chain.ops)
    constants.push_back(getConstant(op));
  SmallVector<int64_t> shape(getTensor(value).getRank(), 1);
  for (Value constant : constants) {
    if (!getConstantTensor(constant))
      return std::nullopt;
    std::optional<SmallVector<int64_t>> wider =
        broadcastShapes(shape, getTensor(constant).getShape());
    if (!wider)
      return std::nullopt;
    shape = *wider;
  }
  chain.positions =
      RankedTensorType::get(shape, Float32Type::get(last.getContext()));
  if (chain.positions.getNumElements() > kMostPositions)
    return std::nullopt;
  return chain;
}

namespace {
/// A chain at one position of its constants.
struct Line {
  struct Op {
    BinaryKind kind;
    float constant;

    bool isBound() const {
      return kind == BinaryKind::max || kind == BinaryKind::min;
    }
    /// A statement for each, so that none are fused.
    float apply(float x) const {
      switch (kind) {
      case BinaryKind::mul:
        return x * constant;
      case BinaryKind::add:
        return x + constant;
      case BinaryKind::sub:
        return x - constant;
      case BinaryKind::div:
        return x / constant;
      case BinaryKind::max:
        return std::fmax(x, constant);
      default:
        return std::fmin(x, constant);
      }
    }
  };
  float scale, step;
  SmallVector<Op> ops;

  /// What the chain makes of a byte, given in steps from its zero point.
  ByteSteps::Value evaluate(int steps, const ByteSteps &form) const {
    float x = static_cast<float>(steps);
    x = x * scale;
    ByteSteps::Value value;
    for (const Op &op : ops) {
      float y = op.apply(x);
      value.isRaised |= op.kind == BinaryKind::max && y > x;
      value.isLowered |= op.kind == BinaryKind::min && y < x;
      x = y;
    }
    x = x / step;
    value.number = form.quantize(x);
    return value;
  }

  /// A factor and an addend, or nothing.
  std::optional<std::pair<float, float>> merge(ByteSteps &form) const {
    form.values.clear();
    for (int byte = form.lowest; byte <= form.highest; ++byte)
      form.values.push_back(evaluate(byte - form.zero, form));
    double slope = scale, offset = 0;
    for (const Op &op : ops) {
      double c = op.constant;
      switch (op.kind) {
      case BinaryKind::mul:
        slope *= c, offset *= c;
        break;
      case BinaryKind::div:
        slope /= c, offset /= c;
        break;
      case BinaryKind::add:
        offset += c;
        break;
      case BinaryKind::sub:
        offset -= c;
        break;
      default:
        break;
      }
    }
    auto bound = [&](float x) {
      for (const Op &op : ops)
        if (op.isBound())
          x = Op{op.kind, op.constant / step}.apply(x);
      return x;
    };
    form.bound = bound;
    return form.fit(slope / step, offset / step);
  }
};
} // namespace

std::optional<ByteChain::Merged> ByteChain::merge() {
  BroadcastIndex at(positions.getShape());
  std::optional<ConstantTensor> scale = getConstantTensor(first.getScale()),
                                step = getConstantTensor(last.getScale()),
                                factors = ConstantTensor::allocate(positions),
                                addends = ConstantTensor::allocate(positions);
  std::optional<ConstantTensor> zero, resultZero;
  if (first.getZeroPoint())
    zero = getConstantTensor(first.getZeroPoint());
  if (last.getZeroPoint())
    resultZero = getConstantTensor(last.getZeroPoint());
  SmallVector<ConstantTensor> constants;
  for (BinaryOp op : ops)
    constants.push_back(std::move(*getConstantTensor(getConstant(op))));
  auto getRange = [](Type type) {
    bool isUnsigned = type.isUnsignedInteger();
    int bits = type.getIntOrFloatBitWidth();
    return isUnsigned ? std::pair(0, (1 << bits) - 1)
                      : std::pair(-(1 << (bits - 1)), (1 << (bits - 1)) - 1);
  };
  Line line;
  ByteSteps form;
  std::tie(form.lowest, form.highest) =
      getRange(getTensor(first.getInput()).getElementType());
  std::tie(form.resultLowest, form.resultHighest) =
      getRange(getTensor(last.getResult()).getElementType());
  bool hasNoAddend = true;
  for (int64_t i = 0; i < positions.getNumElements(); ++i) {
    line.scale = static_cast<float>(scale->getFloat(at(i, *scale)));
    line.step = static_cast<float>(step->getFloat(at(i, *step)));
    form.zero = zero ? static_cast<int>(zero->getInt(at(i, *zero))) : 0;
    form.resultZero =
        resultZero ? static_cast<int>(resultZero->getInt(at(i, *resultZero)))
                   : 0;
    line.ops.clear();
    for (auto [op, constant] : llvm::zip_equal(ops, constants))
      line.ops.push_back(
          {BinaryOp(op).getKind(),
           static_cast<float>(constant.getFloat(at(i, constant)))});
    // Where steps are negative, maxima would be minima.
    if (!(line.step > 0) || !std::isfinite(line.step))
      return std::nullopt;
    std::optional<std::pair<float, float>> found = line.merge(form);
    if (!found)
      return std::nullopt;
    factors->setFloat(i, found->first);
    addends->setFloat(i, found->second);
    hasNoAddend &= found->second == 0;
  }
  return Merged{std::move(*factors), std::move(*addends), hasNoAddend};
}

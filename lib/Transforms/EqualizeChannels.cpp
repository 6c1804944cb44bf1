// Level in and out: graph. Weights of layers that follow each other are scaled
// against each other, channel by channel, by powers of two, so that both have
// like ranges for each channel: what --equalize asks for. The values between
// them change by those factors, what the model computes does not.
#include "CalibratedLayers.h"

#include "mopt/Dialect/Mopt/IR/Mopt.h"
#include "mopt/Dialect/Mopt/IR/QuantizationParameters.h"
#include "mopt/Support/Attributes.h"
#include "mopt/Transforms/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

#include <cmath>

using namespace mlir;

namespace mopt {
#define GEN_PASS_DEF_EQUALIZECHANNELS
#include "mopt/Transforms/Passes.h.inc"
} // namespace mopt

using namespace mopt;

/// A pair is done at once; in a chain each layer moves its neighbours.
static constexpr int kMostRounds = 8;

static ConstantTensor copy(const ConstantTensor &from) {
  ConstantTensor result = std::move(*ConstantTensor::allocate(from.getType()));
  llvm::copy(from.getBytes(), result.getMutableBytes().begin());
  return result;
}

namespace {
/// What is added on the way from one layer to the next: operand `number` of
/// `op`, a constant with all channels along `axis`.
struct Addend {
  Operation *op;
  unsigned number;
  ConstantTensor values;
  int64_t axis;
};

struct Weights {
  CalibratedLayer *layer;
  ConstantTensor values;
  SmallVector<int64_t> strides;

  /// The output that element `i` adds to, or the channel of the input that it
  /// multiplies.
  int64_t getOutput(int64_t i) const {
    ArrayRef<int64_t> shape = values.getType().getShape();
    int64_t axis = 0, rank = shape.size();
    if (isa<MatmulOp>(layer->op))
      axis = layer->depthAxes.front() == rank - 1 ? rank - 2 : rank - 1;
    return i / strides[axis] % shape[axis];
  }
  int64_t getInput(int64_t i) const {
    ArrayRef<int64_t> shape = values.getType().getShape();
    int64_t axis = layer->depthAxes.front();
    int64_t channel = i / strides[axis] % shape[axis];
    if (auto conv = dyn_cast<ConvOp>(layer->op))
      channel += getOutput(i) / getOutputsOfGroup(conv) * shape[1];
    return channel;
  }
  int64_t getOutputsOfGroup(ConvOp conv) const {
    return values.getType().getDimSize(0) /
           static_cast<int64_t>(conv.getGroup());
  }
};

struct LayerPair {
  Weights *first, *second;
  std::vector<Addend> addends;
  int64_t channels;
  /// Which of them changed.
  std::vector<bool> scaled;
};

/// Follows a value to the only layer that reads it, through functions with
/// f(s x) = s f(x) for each channel and s > 0, and what is added.
class Path {
public:
  Path(Value start, int64_t axis, int64_t channels)
      : value(start), axis(axis), channels(channels) {}

  /// The use by something else; null if there are several.
  OpOperand *follow() {
    while (passLeaky() || (value.hasOneUse() && passOp()))
      continue;
    return value.hasOneUse() ? &*value.use_begin() : nullptr;
  }

  std::vector<Addend> takeAddends() { return std::move(addends); }

private:
  bool moveTo(Operation *op) {
    Value result = op->getResult(0);
    // Not one that repeats the value.
    if (!isa<PoolOp>(op) && result.getType() != value.getType())
      return false;
    value = result;
    return true;
  }

  bool passOp() {
    OpOperand &use = *value.use_begin();
    Operation *op = use.getOwner();
    if (isa<PoolOp>(op))
      return moveTo(op);
    auto binary = dyn_cast<BinaryOp>(op);
    if (!binary || binary.getType() != value.getType())
      return false;
    unsigned other = 1 - use.getOperandNumber();
    switch (binary.getKind()) {
    case BinaryKind::mul:
      return moveTo(op);
    case BinaryKind::div:
      return other == 1 && moveTo(op);
    case BinaryKind::max:
    case BinaryKind::min:
      return getSplatNumber(op->getOperand(other)) == 0.0 && moveTo(op);
    case BinaryKind::add:
    case BinaryKind::sub:
      return addConstant(op, other) && moveTo(op);
    default:
      return false;
    }
  }

  /// Keeps the constant operand of a sum, repeated for all channels.
  bool addConstant(Operation *op, unsigned number) {
    std::optional<ConstantTensor> given =
        getConstantTensor(op->getOperand(number));
    if (!given || given->getNumElements() == 0)
      return false;
    RankedTensorType type = given->getType();
    if (type.getRank() != cast<RankedTensorType>(value.getType()).getRank())
      return false;
    if (type.getDimSize(axis) == channels) {
      addends.push_back({op, number, copy(*given), axis});
      return true;
    }
    SmallVector<int64_t> shape(type.getShape());
    shape[axis] = channels;
    ConstantTensor all =
        std::move(*ConstantTensor::allocate(type.clone(shape)));
    int64_t inner = ConstantTensor::getStrides(shape)[axis];
    for (int64_t i = 0, e = all.getNumElements(); i < e; ++i)
      all.setFloat(i,
                   given->getFloat(i / (inner * channels) * inner + i % inner));
    addends.push_back({op, number, std::move(all), axis});
    return true;
  }

  /// x where it is on one side of 0, else x times something that does not
  /// depend on it: LeakyRelu and PRelu.
  bool passLeaky() {
    CompareOp compare;
    BinaryOp product;
    SelectOp select;
    for (OpOperand &use : value.getUses()) {
      Operation *op = use.getOwner();
      if (auto found = dyn_cast<CompareOp>(op); found && !compare)
        compare = found;
      else if (auto found = dyn_cast<BinaryOp>(op); found && !product)
        product = found;
      else if (auto found = dyn_cast<SelectOp>(op); found && !select)
        select = found;
      else
        return false;
    }
    if (!compare || !product || !select ||
        product.getKind() != BinaryKind::mul ||
        product.getType() != value.getType() || !compare->hasOneUse() ||
        !product->hasOneUse() || select.getCondition() != compare.getResult())
      return false;
    Value bound = compare.getOperand(compare.getOperand(0) == value ? 1 : 0);
    auto isBranch = [&](Value branch) {
      return branch == value || branch == product.getResult();
    };
    return getSplatNumber(bound) == 0.0 && isBranch(select.getOnTrue()) &&
           isBranch(select.getOnFalse()) && moveTo(select);
  }

  Value value;
  int64_t axis, channels;
  std::vector<Addend> addends;
};

/// The exponent for which r1 / 2^e and r2 * 2^e are within a factor of two:
/// the square root of r1 / r2, rounded to a power of two. Without a logarithm,
/// so the same on every machine.
int64_t chooseExponent(double r1, double r2) {
  if (!(r1 > 0) || !(r2 > 0))
    return 0;
  return llvm::divideFloorSigned(std::ilogb(r1 / r2) + 1, 2);
}

bool scalesExactly(double x, int64_t exponent) {
  double scaled = std::ldexp(x, static_cast<int>(exponent));
  return static_cast<float>(scaled) == scaled;
}

/// Calls `visit(values, element, channel, sign)` for all that is scaled, by
/// 2^(sign * exponent of the channel).
template <typename Visit> void forEachElement(LayerPair &pair, Visit visit) {
  ConstantTensor &one = pair.first->values, &two = pair.second->values;
  for (int64_t i = 0, e = one.getNumElements(); i < e; ++i)
    visit(one, i, pair.first->getOutput(i), -1);
  for (Addend &addend : pair.addends) {
    ConstantTensor &values = addend.values;
    int64_t stride =
        ConstantTensor::getStrides(values.getType().getShape())[addend.axis];
    for (int64_t i = 0, e = values.getNumElements(); i < e; ++i)
      visit(values, i, i / stride % pair.channels, -1);
  }
  for (int64_t i = 0, e = two.getNumElements(); i < e; ++i)
    visit(two, i, pair.second->getInput(i), 1);
}

/// Did any channel change?
bool equalize(LayerPair &pair) {
  std::vector<double> one(pair.channels), two(pair.channels);
  auto widen = [](std::vector<double> &ranges, int64_t channel, double x) {
    ranges[channel] = std::max(ranges[channel], std::fabs(x));
  };
  for (int64_t i = 0, e = pair.first->values.getNumElements(); i < e; ++i)
    widen(one, pair.first->getOutput(i), pair.first->values.getFloat(i));
  for (int64_t i = 0, e = pair.second->values.getNumElements(); i < e; ++i)
    widen(two, pair.second->getInput(i), pair.second->values.getFloat(i));
  std::vector<int64_t> exponents;
  for (int64_t c = 0; c < pair.channels; ++c)
    exponents.push_back(chooseExponent(one[c], two[c]));
  if (llvm::all_of(exponents, [](int64_t exponent) { return exponent == 0; }))
    return false;
  // A channel with a number that would be rounded stays as it is.
  forEachElement(pair, [&](ConstantTensor &values, int64_t i, int64_t channel,
                           int64_t sign) {
    if (!scalesExactly(values.getFloat(i), sign * exponents[channel]))
      exponents[channel] = 0;
  });
  forEachElement(pair, [&](ConstantTensor &values, int64_t i, int64_t channel,
                           int64_t sign) {
    if (exponents[channel] != 0)
      values.setFloat(i,
                      std::ldexp(values.getFloat(i),
                                 static_cast<int>(sign * exponents[channel])));
  });
  bool changed = false;
  for (int64_t c = 0; c < pair.channels; ++c)
    if (exponents[c] != 0)
      pair.scaled[c] = changed = true;
  return changed;
}

struct EqualizeChannels : mopt::impl::EqualizeChannelsBase<EqualizeChannels> {
  void runOnOperation() override {
    ModuleOp module = getOperation();
    Builder b(&getContext());
    func::FuncOp entry = findEntry(module);
    std::vector<CalibratedLayer> layers;
    if (entry)
      layers = findCalibratedLayers(entry);
    llvm::MapVector<Operation *, Weights> weights;
    for (CalibratedLayer &layer : layers) {
      ArrayRef<int64_t> shape = layer.weights.getType().getShape();
      weights.try_emplace(layer.op, Weights{&layer, copy(layer.weights),
                                            ConstantTensor::getStrides(shape)});
    }
    std::vector<LayerPair> pairs = findPairs(weights);
    bool changed = true;
    for (int round = 0; round < kMostRounds && changed; ++round) {
      changed = false;
      for (LayerPair &pair : pairs)
        changed |= equalize(pair);
    }
    SmallVector<Attribute> noted;
    llvm::SmallDenseSet<Weights *> touched;
    for (LayerPair &pair : pairs) {
      if (!llvm::is_contained(pair.scaled, true))
        continue;
      touched.insert(pair.first);
      touched.insert(pair.second);
      for (Addend &addend : pair.addends)
        replace(addend.op, addend.number, std::move(addend.values));
      noted.push_back(b.getDictionaryAttr(
          {b.getNamedAttr("first", b.getStringAttr(pair.first->layer->key)),
           b.getNamedAttr("second", b.getStringAttr(pair.second->layer->key)),
           b.getNamedAttr("channels", b.getI64IntegerAttr(
                                          llvm::count(pair.scaled, true)))}));
    }
    for (auto &entry : weights)
      if (touched.contains(&entry.second))
        replace(entry.first, 1, std::move(entry.second.values));
    module->setAttr(kEqualizedLayersAttr, b.getArrayAttr(noted));
  }

  std::vector<LayerPair>
  findPairs(llvm::MapVector<Operation *, Weights> &weights) {
    std::vector<LayerPair> pairs;
    for (auto &[op, first] : weights) {
      auto type = cast<RankedTensorType>(op->getResult(0).getType());
      int64_t axis = type.getRank() - 1;
      if (auto conv = dyn_cast<ConvOp>(op); conv && !conv.getChannelsLast())
        axis = 1;
      int64_t channels = type.getDimSize(axis);
      if (ShapedType::isDynamic(channels) || channels == 0)
        continue;
      Path path(op->getResult(0), axis, channels);
      OpOperand *use = path.follow();
      auto *found = use && use->getOperandNumber() == 0
                        ? weights.find(use->getOwner())
                        : weights.end();
      if (found == weights.end() || found->second.layer->channelAxis != axis)
        continue;
      pairs.push_back({&first, &found->second, path.takeAddends(), channels,
                       std::vector<bool>(channels)});
    }
    return pairs;
  }

  void replace(Operation *op, unsigned number, ConstantTensor values) {
    OpBuilder b(op);
    op->setOperand(number,
                   arith::ConstantOp::create(
                       b, op->getOperand(number).getLoc(),
                       cast<TypedAttr>(std::move(values).toAttr("equalized"))));
  }
};
} // namespace

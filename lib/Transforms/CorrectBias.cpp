// The mean error of a product with rounded weights, taken back by a constant
// behind it, for the pass that quantizes statically.
#include "CorrectBias.h"

#include "mopt/Dialect/Mopt/IR/Mopt.h"
#include "mopt/Dialect/Mopt/IR/QuantizationParameters.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace mopt;

int64_t mopt::countInputChannels(const CalibratedLayer &layer) {
  ArrayRef<int64_t> shape = layer.weights.getType().getShape();
  if (auto conv = dyn_cast<ConvOp>(layer.op))
    return shape[1] * static_cast<int64_t>(conv.getGroup());
  return shape[layer.depthAxes.front()];
}

/// Where in the means, and of which output, element `i` of the weights is.
/// Borders of convolutions aside, each position of a filter sees the same
/// channels.
static std::pair<int64_t, int64_t> locate(const CalibratedLayer &layer,
                                          ArrayRef<int64_t> strides,
                                          int64_t outputAxis, int64_t i) {
  ArrayRef<int64_t> shape = layer.weights.getType().getShape();
  int64_t depthAxis = layer.depthAxes.front();
  int64_t output = i / strides[outputAxis] % shape[outputAxis];
  int64_t channel = i / strides[depthAxis] % shape[depthAxis];
  if (auto conv = dyn_cast<ConvOp>(layer.op)) {
    int64_t outputsOfGroup = shape[0] / static_cast<int64_t>(conv.getGroup());
    channel += output / outputsOfGroup * shape[1];
  }
  return {channel, output};
}

void mopt::correctBias(OpBuilder &b, const CalibratedLayer &layer,
                       const RoundedWeights &rounded, ArrayRef<double> means) {
  Operation *op = layer.op;
  RankedTensorType type = layer.weights.getType();
  int64_t rank = type.getRank(), outputAxis = 0, resultAxis = rank - 1;
  if (auto conv = dyn_cast<ConvOp>(op)) {
    resultAxis = conv.getChannelsLast() ? rank - 1 : 1;
  } else {
    for (int64_t size : type.getShape().drop_back(2))
      if (size != 1)
        return;
    outputAxis = layer.depthAxes.front() == rank - 1 ? rank - 2 : rank - 1;
  }
  SmallVector<int64_t> strides = ConstantTensor::getStrides(type.getShape());
  SmallVector<double> shifts(type.getDimSize(outputAxis));
  for (int64_t i = 0, count = type.getNumElements(); i < count; ++i) {
    auto [channel, output] = locate(layer, strides, outputAxis, i);
    shifts[output] +=
        (rounded.getReal(i) - layer.weights.getFloat(i)) * means[channel];
  }
  SmallVector<int64_t> shape(rank, 1);
  shape[resultAxis] = static_cast<int64_t>(shifts.size());
  std::optional<ConstantTensor> constant =
      ConstantTensor::allocate(RankedTensorType::get(shape, b.getF32Type()));
  for (auto [i, shift] : llvm::enumerate(shifts))
    constant->setFloat(i, -shift);
  Location loc = op->getLoc();
  Value correction = arith::ConstantOp::create(
      b, loc, cast<TypedAttr>(std::move(*constant).toAttr("correction")));
  Value result = op->getResult(0);
  // Into the bias that there is: constants are added up when the model is
  // compiled.
  if (result.hasOneUse()) {
    OpOperand &use = *result.use_begin();
    auto sum = dyn_cast<BinaryOp>(use.getOwner());
    Value bias = sum ? sum->getOperand(1 - use.getOperandNumber()) : Value();
    if (bias && sum.getKind() == BinaryKind::add && getConstantTensor(bias) &&
        cast<RankedTensorType>(bias.getType()).getRank() == rank) {
      b.setInsertionPoint(sum);
      sum->setOperand(
          1 - use.getOperandNumber(),
          BinaryOp::create(b, loc, BinaryKind::add, bias, correction));
      return;
    }
  }
  b.setInsertionPointAfter(op);
  auto corrected =
      BinaryOp::create(b, loc, BinaryKind::add, result, correction);
  result.replaceAllUsesExcept(corrected, corrected);
}

// Scales and zero points as the passes on quantized ops see them.
#include "mopt/Dialect/Mopt/IR/QuantizationParameters.h"

#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace mopt;

static RankedTensorType getTensor(Value value) {
  return cast<RankedTensorType>(value.getType());
}

bool mopt::isOneElement(Value parameter) {
  return !parameter || llvm::all_of(getTensor(parameter).getShape(),
                                    [](int64_t size) { return size == 1; });
}

std::optional<ConstantTensor> mopt::getConstantTensor(Value value) {
  ElementsAttr elements;
  if (!value || !matchPattern(value, m_Constant(&elements)))
    return std::nullopt;
  return ConstantTensor::fromAttr(elements);
}

std::optional<double> mopt::getSplatNumber(Value value) {
  std::optional<ConstantTensor> constant = getConstantTensor(value);
  if (!constant || constant->getNumElements() == 0)
    return std::nullopt;
  auto get = [&](int64_t i) {
    return constant->isFloat() ? constant->getFloat(i)
                               : static_cast<double>(constant->getInt(i));
  };
  for (int64_t i = 1; i < constant->getNumElements(); ++i)
    if (get(i) != get(0))
      return std::nullopt;
  return get(0);
}

bool QuantizationParameters::isPerTensor() const {
  return isOneElement(scale) && isOneElement(zeroPoint);
}

/// The value in front of reshapes, which keep a parameter's elements.
static Value skipReshapes(Value value) {
  while (auto reshape = value ? value.getDefiningOp<ReshapeOp>() : ReshapeOp())
    value = reshape.getInput();
  return value;
}

static bool areEqual(Value a, Value b) {
  a = skipReshapes(a), b = skipReshapes(b);
  if (!a || !b || a == b)
    return a == b;
  std::optional<ConstantTensor> x = getConstantTensor(a),
                                y = getConstantTensor(b);
  return x && y &&
         x->getType().getElementType() == y->getType().getElementType() &&
         x->getBytes() == y->getBytes();
}

bool QuantizationParameters::operator==(
    const QuantizationParameters &other) const {
  return areEqual(scale, other.scale) && areEqual(zeroPoint, other.zeroPoint);
}

std::optional<Value> mopt::reshapeParameter(OpBuilder &b, Location loc,
                                            Value parameter,
                                            RankedTensorType from,
                                            RankedTensorType to) {
  if (!parameter)
    return Value();
  RankedTensorType type = getTensor(parameter);
  SmallVector<int64_t> shape(to.getRank(), 1);
  if (!isOneElement(parameter)) {
    // One dimension of several positions, which the reshape must keep.
    int64_t axis = -1;
    for (auto [dim, size] : llvm::enumerate(type.getShape()))
      if (size != 1) {
        if (axis >= 0)
          return std::nullopt;
        axis = dim;
      }
    if (!from.hasStaticShape() || !to.hasStaticShape() ||
        type.getDimSize(axis) != from.getDimSize(axis))
      return std::nullopt;
    int64_t before = llvm::product_of(from.getShape().take_front(axis));
    int64_t dim = 0, reached = 1;
    for (; dim < to.getRank(); ++dim) {
      if (reached == before && to.getDimSize(dim) == type.getDimSize(axis))
        break;
      reached *= to.getDimSize(dim);
    }
    if (dim == to.getRank())
      return std::nullopt;
    shape[dim] = type.getDimSize(axis);
  }
  if (ArrayRef(shape) == type.getShape())
    return parameter;
  return ReshapeOp::create(b, loc, parameter,
                           getAsIndexOpFoldResult(b.getContext(), shape))
      .getResult();
}

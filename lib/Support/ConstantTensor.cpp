// Constants as bytes, and as numbers.
#include "mopt/Support/ConstantTensor.h"

#include "mlir/IR/DialectResourceBlobManager.h"
#include "llvm/ADT/APFloat.h"

#include <cstring>

using namespace mlir;
using namespace mopt;

/// Constants up to this size are easier to read in the IR.
static constexpr int64_t kInlineElements = 16;

static size_t countElementBytes(Type element) {
  if (element.isInteger(1))
    return 1;
  if (!element.isIntOrFloat() || element.getIntOrFloatBitWidth() % 8 != 0 ||
      element.getIntOrFloatBitWidth() > 64)
    return 0;
  return element.getIntOrFloatBitWidth() / 8;
}

std::optional<ConstantTensor> ConstantTensor::allocate(RankedTensorType type) {
  ConstantTensor tensor;
  tensor.type = type;
  tensor.elementBytes = countElementBytes(type.getElementType());
  if (tensor.elementBytes == 0 || !type.hasStaticShape())
    return std::nullopt;
  tensor.owned.resize(type.getNumElements() * tensor.elementBytes);
  return tensor;
}

std::optional<ConstantTensor> ConstantTensor::fromAttr(ElementsAttr elements) {
  auto type = dyn_cast<RankedTensorType>(elements.getType());
  if (!type)
    return std::nullopt;
  if (auto resource = dyn_cast<DenseResourceElementsAttr>(elements)) {
    ConstantTensor tensor;
    tensor.type = type;
    tensor.elementBytes = countElementBytes(type.getElementType());
    AsmResourceBlob *blob = resource.getRawHandle().getBlob();
    if (!blob || tensor.elementBytes == 0 ||
        blob->getData().size() != type.getNumElements() * tensor.elementBytes)
      return std::nullopt;
    tensor.shared = blob->getData();
    return tensor;
  }
  auto dense = dyn_cast<DenseElementsAttr>(elements);
  std::optional<ConstantTensor> tensor = allocate(type);
  if (!dense || !tensor)
    return std::nullopt;
  if (type.getElementType().isInteger(1)) {
    for (auto [i, bit] : llvm::enumerate(dense.getValues<bool>()))
      tensor->owned[i] = bit;
    return tensor;
  }
  ArrayRef<char> raw = dense.getRawData();
  if (!dense.isSplat()) {
    std::memcpy(tensor->owned.data(), raw.data(), raw.size());
    return tensor;
  }
  for (int64_t i = 0; i < tensor->getNumElements(); ++i)
    std::memcpy(tensor->owned.data() + i * raw.size(), raw.data(), raw.size());
  return tensor;
}

int64_t ConstantTensor::getInt(int64_t i) const {
  const char *at = getBytes().data() + i * elementBytes;
  uint64_t bits = 0;
  std::memcpy(&bits, at, elementBytes);
  auto integer = dyn_cast<IntegerType>(type.getElementType());
  if (!integer || integer.isUnsigned() || integer.getWidth() == 1 ||
      elementBytes == 8)
    return static_cast<int64_t>(bits);
  unsigned shift = 64 - 8 * elementBytes;
  return static_cast<int64_t>(bits << shift) >> shift;
}

double ConstantTensor::getFloat(int64_t i) const {
  Type element = type.getElementType();
  const char *at = getBytes().data() + i * elementBytes;
  if (element.isF32()) {
    float value;
    std::memcpy(&value, at, 4);
    return value;
  }
  if (element.isF64()) {
    double value;
    std::memcpy(&value, at, 8);
    return value;
  }
  if (auto floatType = dyn_cast<FloatType>(element)) {
    uint64_t bits = 0;
    std::memcpy(&bits, at, elementBytes);
    APFloat value(floatType.getFloatSemantics(), APInt(8 * elementBytes, bits));
    bool losesInfo;
    value.convert(APFloat::IEEEdouble(), APFloat::rmNearestTiesToEven,
                  &losesInfo);
    return value.convertToDouble();
  }
  int64_t value = getInt(i);
  return element.isUnsignedInteger() ? double(uint64_t(value)) : double(value);
}

void ConstantTensor::setInt(int64_t i, int64_t value) {
  std::memcpy(owned.data() + i * elementBytes, &value, elementBytes);
}

void ConstantTensor::setFloat(int64_t i, double value) {
  char *at = owned.data() + i * elementBytes;
  auto floatType = cast<FloatType>(type.getElementType());
  if (floatType.isF64()) {
    std::memcpy(at, &value, 8);
  } else if (floatType.isF32()) {
    float narrow = value;
    std::memcpy(at, &narrow, 4);
  } else {
    APFloat narrow(value);
    bool losesInfo;
    narrow.convert(floatType.getFloatSemantics(), APFloat::rmNearestTiesToEven,
                   &losesInfo);
    uint64_t bits = narrow.bitcastToAPInt().getZExtValue();
    std::memcpy(at, &bits, elementBytes);
  }
}

ElementsAttr ConstantTensor::toAttr(StringRef name) && {
  ArrayRef<char> bytes = getBytes();
  bool isSplat = getNumElements() > 0;
  for (int64_t i = 1; isSplat && i < getNumElements(); ++i)
    isSplat = std::memcmp(bytes.data(), bytes.data() + i * elementBytes,
                          elementBytes) == 0;
  if (isSplat || getNumElements() <= kInlineElements) {
    if (type.getElementType().isInteger(1)) {
      SmallVector<bool> bits;
      for (char byte : bytes)
        bits.push_back(byte != 0);
      return DenseElementsAttr::get(type, ArrayRef<bool>(bits));
    }
    return DenseElementsAttr::getFromRawBuffer(
        type, isSplat ? bytes.take_front(elementBytes) : bytes);
  }
  AsmResourceBlob blob = HeapAsmResourceBlob::allocateAndCopyWithAlign(
      bytes, /*align=*/64, /*dataIsMutable=*/false);
  return DenseResourceElementsAttr::get(type, name, std::move(blob));
}

SmallVector<int64_t> ConstantTensor::getStrides(ArrayRef<int64_t> shape) {
  SmallVector<int64_t> strides(shape.size(), 1);
  for (int64_t i = static_cast<int64_t>(shape.size()) - 2; i >= 0; --i)
    strides[i] = strides[i + 1] * shape[i + 1];
  return strides;
}

std::optional<ConstantTensor>
ConstantTensor::sumIntegers(llvm::ArrayRef<int64_t> axes,
                            IntegerType sumType) const {
  llvm::SmallVector<int64_t> shape(type.getShape());
  for (int64_t axis : axes)
    shape[axis] = 1;
  std::optional<ConstantTensor> result =
      allocate(RankedTensorType::get(shape, sumType));
  if (!result)
    return std::nullopt;
  llvm::SmallVector<int64_t> strides = getStrides(shape),
                             own = getStrides(type.getShape());
  llvm::SmallVector<int64_t> sums(result->getNumElements(), 0);
  for (int64_t i = 0, e = getNumElements(); i < e; ++i) {
    int64_t at = 0;
    for (auto [dim, stride] : llvm::enumerate(strides))
      if (shape[dim] != 1)
        at += i / own[dim] % shape[dim] * stride;
    sums[at] += getInt(i);
  }
  for (auto [i, value] : llvm::enumerate(sums))
    result->setInt(i, value);
  return result;
}

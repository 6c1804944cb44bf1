// The proof that products of bytes, summed in pairs of words, do not saturate.
#include "SafePairs.h"

#include "mopt/Support/ConstantTensor.h"

#include "mlir/IR/Matchers.h"

#include <limits>

using namespace mlir;
using namespace mopt;

/// The sum is largest where both factors of the positive weights are 255 and
/// those of the negative ones 0, and smallest the other way round.
bool mopt::isSafePair(int64_t a, int64_t b) {
  constexpr int64_t kLargestFactor = std::numeric_limits<uint8_t>::max();
  int64_t positive = std::max<int64_t>(a, 0) + std::max<int64_t>(b, 0);
  int64_t negative = std::min<int64_t>(a, 0) + std::min<int64_t>(b, 0);
  return kLargestFactor * positive <= std::numeric_limits<int16_t>::max() &&
         kLargestFactor * negative >= std::numeric_limits<int16_t>::min();
}

std::optional<double> mopt::getUnsafeShare(Value weights, int64_t dim) {
  ElementsAttr elements;
  if (!getElementTypeOrSelf(weights.getType()).isSignlessInteger(8) ||
      !matchPattern(weights, m_Constant(&elements)))
    return std::nullopt;
  std::optional<ConstantTensor> tensor = ConstantTensor::fromAttr(elements);
  if (!tensor)
    return std::nullopt;
  ArrayRef<int64_t> shape = tensor->getType().getShape();
  int64_t depth = shape[dim], inner = 1, count = tensor->getNumElements();
  for (int64_t size : shape.drop_front(dim + 1))
    inner *= size;
  ArrayRef<char> bytes = tensor->getBytes();
  auto at = [&](int64_t i) { return static_cast<int8_t>(bytes[i]); };
  int64_t pairs = count / std::max<int64_t>(1, depth) * (depth / 2), unsafe = 0;
  for (int64_t outer = 0; outer < count; outer += depth * inner)
    for (int64_t d = 0; d + 1 < depth; d += 2)
      for (int64_t i = outer + d * inner, e = i + inner; i < e; ++i)
        unsafe += !isSafePair(at(i), at(i + inner));
  return pairs == 0 ? 0 : static_cast<double>(unsafe) / pairs;
}

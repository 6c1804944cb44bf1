// The proof that products of bytes, summed in pairs of words, do not saturate.
#include "SafePairs.h"

#include "mopt/Support/ConstantTensor.h"

#include "mlir/IR/Matchers.h"

#include <limits>

using namespace mlir;
using namespace mopt;

static_assert(kLargestSafeSum * 255 <= std::numeric_limits<int16_t>::max() &&
              (kLargestSafeSum + 1) * 255 >
                  std::numeric_limits<int16_t>::max());
static_assert(kSmallestSafeSum * 255 >= std::numeric_limits<int16_t>::min() &&
              (kSmallestSafeSum - 1) * 255 <
                  std::numeric_limits<int16_t>::min());

/// The sum is largest where the factors of the positive weights are 255 and
/// those of the negative ones 0, and smallest the other way round.
bool mopt::areSafe(ArrayRef<int8_t> weights) {
  int64_t positive = 0, negative = 0;
  for (int64_t weight : weights)
    (weight > 0 ? positive : negative) += weight;
  return positive <= kLargestSafeSum && negative >= kSmallestSafeSum;
}

std::optional<double> mopt::getUnsafeShare(Value weights, int64_t dim,
                                           int64_t groups) {
  constexpr int64_t kGroup = 4;
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
  int64_t sums = 0, unsafe = 0;
  SmallVector<int8_t> sum;
  for (int64_t outer = 0; outer < count; outer += depth * inner)
    for (int64_t first = 0; first < depth; first += groups * kGroup)
      for (int64_t pair = first, last = std::min(first + kGroup, depth);
           pair < last; pair += 2)
        for (int64_t i = 0; i < inner; ++i, ++sums) {
          sum.clear();
          for (int64_t group = 0; group < groups; ++group)
            for (int64_t d : {pair + group * kGroup, pair + group * kGroup + 1})
              if (d < depth)
                sum.push_back(bytes[outer + d * inner + i]);
          unsafe += !areSafe(sum);
        }
  return sums == 0 ? 0 : static_cast<double>(unsafe) / sums;
}

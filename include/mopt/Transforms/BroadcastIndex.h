//===- BroadcastIndex.h - elements of broadcast constants -------*- C++ -*-===//

#ifndef MOPT_TRANSFORMS_BROADCASTINDEX_H
#define MOPT_TRANSFORMS_BROADCASTINDEX_H

#include "mopt/Support/ConstantTensor.h"

namespace mopt {
/// Where the elements of a shape stand in constants of the same rank that are
/// broadcast to it.
class BroadcastIndex {
public:
  explicit BroadcastIndex(llvm::ArrayRef<int64_t> shape)
      : shape(shape), strides(ConstantTensor::getStrides(shape)) {}

  /// The position in `operand` of the row-major position `i` of the shape.
  int64_t operator()(int64_t i, const ConstantTensor &operand) const {
    llvm::ArrayRef<int64_t> own = operand.getType().getShape();
    llvm::SmallVector<int64_t> ownStrides = ConstantTensor::getStrides(own);
    int64_t index = 0;
    for (size_t dim = 0; dim < shape.size(); ++dim)
      if (own[dim] != 1)
        index += i / strides[dim] % shape[dim] * ownStrides[dim];
    return index;
  }

private:
  llvm::SmallVector<int64_t> shape, strides;
};

/// The shape that two shapes broadcast to; nothing if their ranks differ or
/// they do not fit.
inline std::optional<llvm::SmallVector<int64_t>>
broadcastShapes(llvm::ArrayRef<int64_t> x, llvm::ArrayRef<int64_t> y) {
  if (x.size() != y.size())
    return std::nullopt;
  llvm::SmallVector<int64_t> shape;
  for (size_t dim = 0; dim < x.size(); ++dim) {
    if (x[dim] != y[dim] && x[dim] != 1 && y[dim] != 1)
      return std::nullopt;
    shape.push_back(x[dim] == 1 ? y[dim] : x[dim]);
  }
  return shape;
}
} // namespace mopt

#endif // MOPT_TRANSFORMS_BROADCASTINDEX_H

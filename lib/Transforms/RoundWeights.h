//===- RoundWeights.h - constants as integers with scales -------*- C++ -*-===//

#ifndef MOPT_TRANSFORMS_ROUNDWEIGHTS_H
#define MOPT_TRANSFORMS_ROUNDWEIGHTS_H

#include "mopt/Support/ConstantTensor.h"

#include "mlir/IR/Builders.h"

namespace mopt {
/// A constant of `number` in `[1, .., 1]`.
mlir::Value createNumber(mlir::OpBuilder &b, mlir::Location loc,
                         mlir::Type element, int64_t rank, double number);

/// Weights in integers: `values` of the shape `shape`, `[.., groups, group,
/// ..]` with groups, and scales and zero points that are broadcast to it.
struct RoundedWeights {
  mlir::RankedTensorType type;
  ConstantTensor values, scales, zeros;
  bool symmetric = true;
  int64_t bits = 8;
  /// The sum of squared errors over that of squared weights.
  double relativeNoise = 0;

  /// What element `i` of the weights has become, without groups.
  double getReal(int64_t i) const;
  /// What they stand for, in the shape of the weights.
  mlir::Value materialize(mlir::OpBuilder &b, mlir::Location loc) &&;
};

/// Rounds f32 `weights`, all finite, to steps that each line along `axes` has
/// of its own: one for the whole line, or, where `group` is not 0, one for
/// every `group` positions of the only axis, which they divide. Elements are
/// signed bytes around 0 if `symmetric` and of 8 bits, else unsigned with a
/// zero point.
RoundedWeights roundWeights(const ConstantTensor &weights,
                            mlir::ArrayRef<int64_t> axes, int64_t group,
                            int64_t bits, bool symmetric);

/// Does quantizing a product with sums of `depth` elements and so many weights
/// cost more than it saves?
bool isTooSmallToQuantize(int64_t depth, int64_t weights);
} // namespace mopt

#endif // MOPT_TRANSFORMS_ROUNDWEIGHTS_H

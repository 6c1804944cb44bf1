//===- Interpolation.h - weighted sums along one dimension ------*- C++ -*-===//

#ifndef MOPT_CONVERSION_ONNXTOMOPT_INTERPOLATION_H
#define MOPT_CONVERSION_ONNXTOMOPT_INTERPOLATION_H

#include "mopt/Conversion/ONNXToMopt/OpBinder.h"

namespace mopt {
/// Reads a tensor at positions between the elements of one dimension. Behind
/// the ends the first and last elements continue. Positions are floats of one
/// dimension; results have as many elements along the dimension.
class Interpolation {
public:
  enum class Filter { linear, cubic };

  Interpolation(OpBinder &op, mlir::Value x, int64_t dim)
      : op(op), x(x), dim(dim) {}

  /// The elements at positions `at`, which are whole.
  mlir::Value gather(mlir::Value at);

  /// Weighted sums of 2 or 4 elements around each position. Those outside have
  /// no weight with `excludesOutside`; `a` is the parameter of cubics.
  mlir::Value filter(Filter kind, double a, mlir::Value at,
                     bool excludesOutside);

  /// The same with filters that are wider by 1 / `scale` if that is less than
  /// 1, a tensor of one f32.
  mlir::Value filterWide(Filter kind, double a, mlir::Value at,
                         mlir::Value scale, bool excludesOutside);

  /// The weights of the elements from floor(at) (linear), or the one before
  /// (cubic), on; `fraction` is at - floor(at).
  static llvm::SmallVector<mlir::Value> getWeights(OpBinder &op, Filter kind,
                                                   double a,
                                                   mlir::Value fraction);

private:
  mlir::Value isInside(mlir::Value at, mlir::Value last);
  mlir::Value getLast();

  OpBinder &op;
  mlir::Value x;
  int64_t dim;
};
} // namespace mopt

#endif // MOPT_CONVERSION_ONNXTOMOPT_INTERPOLATION_H

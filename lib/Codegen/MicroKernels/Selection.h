//===- Selection.h - which micro-kernel computes an op ----------*- C++ -*-===//

#ifndef MOPT_LIB_CODEGEN_MICROKERNELS_SELECTION_H
#define MOPT_LIB_CODEGEN_MICROKERNELS_SELECTION_H

#include "mopt/Dialect/Mopt/IR/Mopt.h"

namespace mopt {
/// The elements of both sides of a product and of its sums. Signless integers
/// are signed unless the flags say otherwise.
struct ProductTypes {
  mlir::Type lhs, rhs, accumulator;
  bool unsignedLhs = false, unsignedRhs = false;
  /// Of the sums in words of one group of neighbours, and of two, the share
  /// that a constant right side makes too large; see `getUnsafeShare`.
  std::optional<double> unsafeInOne = std::nullopt, unsafeInTwo = std::nullopt;
  /// May f32 be multiplied with 10 bits of mantissa?
  bool shortened = false;
};

/// A product of `rows` x `depth` and `depth` x `width` elements; sizes may be
/// dynamic. `columns` is the size of a packed block if that is fixed, else 0,
/// and `interleave` the neighbours along the depth that it has side by side.
struct ProductShape {
  ProductTypes types;
  int64_t rows, width, depth;
  int64_t columns = 0;
  int64_t interleave = 0;
  /// Parts of equal size that the depth consists of, none of which shares a
  /// group of neighbours with another: the positions of a filter.
  int64_t parts = 1;
  /// Can groups of neighbours be multiplied twice?
  bool canSplit = false;
  /// Runs of neighbours along the depth that can be read at once are multiples
  /// of this: 1 if none can, 0 if all are neighbours.
  int64_t depthUnit = 0;
  /// Neighbours along the depth that stand side by side in the left side, and
  /// rows that are evenly spaced there; 0 for all.
  int64_t depthRun = 0, rowRun = 0;
};

/// The configuration that wastes least; null if no row fits.
ConfigAttr selectProduct(TargetAttr target, const ProductShape &shape);

/// The configuration of a depthwise convolution along whose last spatial
/// dimension `width` results stand, `stride` apart in the input.
ConfigAttr selectDepthwise(TargetAttr target, const ProductTypes &types,
                           int64_t width, int64_t stride);
} // namespace mopt

#endif // MOPT_LIB_CODEGEN_MICROKERNELS_SELECTION_H

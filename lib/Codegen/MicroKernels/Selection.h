//===- Selection.h - which micro-kernel computes an op ----------*- C++ -*-===//

#ifndef MOPT_LIB_CODEGEN_MICROKERNELS_SELECTION_H
#define MOPT_LIB_CODEGEN_MICROKERNELS_SELECTION_H

#include "mopt/Dialect/Mopt/IR/Mopt.h"

namespace mopt {
/// A product of `rows` x `depth` and `depth` x `width` elements; sizes may be
/// dynamic. `columns` is the size of a packed block if that is fixed, else 0.
struct ProductShape {
  mlir::Type element;
  int64_t rows, width, depth;
  int64_t columns = 0;
};

/// The configuration that wastes least; null if no row fits.
ConfigAttr selectProduct(TargetAttr target, const ProductShape &shape);

/// The configuration of a depthwise convolution along whose last spatial
/// dimension `width` results stand, `stride` apart in the input.
ConfigAttr selectDepthwise(TargetAttr target, mlir::Type element, int64_t width,
                           int64_t stride);
} // namespace mopt

#endif // MOPT_LIB_CODEGEN_MICROKERNELS_SELECTION_H

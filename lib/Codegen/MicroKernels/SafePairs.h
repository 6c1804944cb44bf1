//===- SafePairs.h - weights that cannot saturate words ---------*- C++ -*-===//

#ifndef MOPT_LIB_CODEGEN_MICROKERNELS_SAFEPAIRS_H
#define MOPT_LIB_CODEGEN_MICROKERNELS_SAFEPAIRS_H

#include "mlir/IR/Value.h"
#include <optional>

namespace mopt {
/// Has the sum of the products of `a` and `b` with any two unsigned bytes 16
/// signed bits?
bool isSafePair(int64_t a, int64_t b);

/// Of the pairs of neighbours along dimension `dim` of `weights`, the first of
/// them at an even index, the share that is not safe: from 0 to 1. Nothing if
/// `weights` is no constant of signed bytes.
std::optional<double> getUnsafeShare(mlir::Value weights, int64_t dim);
} // namespace mopt

#endif // MOPT_LIB_CODEGEN_MICROKERNELS_SAFEPAIRS_H

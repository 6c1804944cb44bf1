//===- SafePairs.h - weights that cannot saturate words ---------*- C++ -*-===//

#ifndef MOPT_LIB_CODEGEN_MICROKERNELS_SAFEPAIRS_H
#define MOPT_LIB_CODEGEN_MICROKERNELS_SAFEPAIRS_H

#include "mlir/IR/Value.h"
#include "llvm/ADT/ArrayRef.h"
#include <optional>

namespace mopt {
/// The largest sum of positive weights, and the smallest of negative ones, of
/// which the sum of products with any unsigned bytes has 16 signed bits.
inline constexpr int64_t kLargestSafeSum = 128, kSmallestSafeSum = -128;

/// Is the sum of products with any unsigned bytes safe?
bool areSafe(llvm::ArrayRef<int8_t> weights);

/// Of the sums in words that weights go into, along dimension `dim`, the share
/// that is not safe: from 0 to 1. Each sum takes the same pair of neighbours,
/// the first of them at an even index, of `groups` groups of four. Nothing if
/// `weights` is no constant of signed bytes.
std::optional<double> getUnsafeShare(mlir::Value weights, int64_t dim,
                                     int64_t groups);
} // namespace mopt

#endif // MOPT_LIB_CODEGEN_MICROKERNELS_SAFEPAIRS_H

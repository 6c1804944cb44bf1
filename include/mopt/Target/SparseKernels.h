//===- SparseKernels.h - rows for sparse right sides ------------*- C++ -*-===//

#ifndef MOPT_TARGET_SPARSEKERNELS_H
#define MOPT_TARGET_SPARSEKERNELS_H

#include "mopt/Dialect/Mopt/IR/Sparsity.h"
#include "mopt/Target/MicroKernels.h"

namespace mopt {
/// A micro-kernel row that multiplies by sparse weights, and the form in
/// which it takes them.
struct SparseKernel {
  SparseForm form;
  const MicroKernelRow *row;
};

/// Rows of the weights that meet a block of the left side's rows at a time
/// where there are many of those: 64 of 64 floats fit half of a first-level
/// cache.
inline constexpr int64_t kSparseDepthPart = 64;
// So that each column has one number of values in each part.
static_assert(kUnstructuredGroup == kSparseDepthPart);

/// Columns of weights that meet a block of `rowBlock` rows together: as many
/// accumulators as hide the latency of a multiply-add.
int64_t countColumnsTogether(int64_t rowBlock, int64_t lanes);

/// The one for `rows` rows and weights of f32, or `ofBytes` of i8; nothing if
/// `target` has none, or if they are dynamic: the kernels of few and of many
/// rows take other weights.
std::optional<SparseKernel> findSparseKernel(TargetAttr target,
                                             SparsityAttr sparsity,
                                             int64_t rows, bool ofBytes);

/// Rows of a block of a kernel of many: as many as the row has, or fewer where
/// that leaves fewer rows of the last block empty.
int64_t chooseRowBlock(const SparseKernel &kernel, int64_t rows);

/// The pattern that all weights of `sparsity` have and whose groups a row of
/// form lanes can permute, those of 4, 8 and up to a vector: 2:4 for 1:2, 4:8
/// for 4:16. Null if there is none.
SparsityAttr getLanePattern(SparsityAttr sparsity, const MicroKernelRow &row);
} // namespace mopt

#endif // MOPT_TARGET_SPARSEKERNELS_H

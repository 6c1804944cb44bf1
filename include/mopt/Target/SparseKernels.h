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

/// Rows of the weights that meet a block of `rowBlock` rows of the left side
/// at a time in form scalars: a multiple of 64, as many as fit half of a
/// first-level cache.
int64_t getSparseDepthPart(int64_t rowBlock);

/// Columns of weights that meet a block of `rowBlock` rows together: as many
/// accumulators as hide the latency of a multiply-add, or a vector of columns
/// for one row.
int64_t countColumnsTogether(int64_t rowBlock, int64_t lanes);

/// The one for `rows` rows and weights of `depth` f32, or `ofBytes` of i8, of
/// which a share of `kept` is not zero; nothing if `target` has none, or if
/// rows are dynamic: how weights are packed depends on their number.
std::optional<SparseKernel> findSparseKernel(TargetAttr target,
                                             SparsityAttr sparsity,
                                             int64_t rows, int64_t depth,
                                             bool ofBytes, double kept);

/// The row for warps of a device, or groups of them, that multiply weights of
/// `element` which keep two of four neighbours, and of bytes a left side that
/// `isUnsigned`; that of the highest rank, or with `matrixUnit` if that is not
/// empty. Null if `target` has none.
const MicroKernelRow *findDeviceSparseRow(TargetAttr target, mlir::Type element,
                                          bool isUnsigned = true,
                                          llvm::StringRef matrixUnit = "");

/// Rows of a block of form scalars: as many as the row has, or fewer where that
/// leaves fewer rows of the last block empty. 1, 4 or a number of whole
/// vectors.
int64_t chooseRowBlock(const SparseKernel &kernel, int64_t rows);

/// Lanes of the vectors of form scalars: rows of a block, or columns if that is
/// 1.
int64_t getRowLanes(const SparseKernel &kernel, int64_t rowBlock);

/// The pattern that all weights of `sparsity` have and whose groups a row of
/// form lanes can permute, those of 4, 8 and up to a vector: 2:4 for 1:2, 4:8
/// for 4:16. Null if there is none.
SparsityAttr getLanePattern(SparsityAttr sparsity, const MicroKernelRow &row);

/// The same for form byte_lanes: 2:4 for 1:2, 4:16 for 2:16.
SparsityAttr getByteLanePattern(SparsityAttr sparsity);
} // namespace mopt

#endif // MOPT_TARGET_SPARSEKERNELS_H

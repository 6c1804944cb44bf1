//===- SparseKernels.h - rows for sparse right sides ------------*- C++ -*-===//

#ifndef MOPT_TARGET_SPARSEKERNELS_H
#define MOPT_TARGET_SPARSEKERNELS_H

#include "mopt/Target/MicroKernels.h"

namespace mopt {
/// A micro-kernel row that multiplies by sparse weights of f32, and the form in
/// which it takes them.
struct SparseKernel {
  SparseForm form;
  const MicroKernelRow *row;
};

/// The one for `rows` rows, maybe dynamic; nothing if `target` has none.
std::optional<SparseKernel>
findSparseKernel(TargetAttr target, SparsityAttr sparsity, int64_t rows);

/// The pattern of which lanes of 2, 4 or 8 positions can be made: 2:4 for 1:2.
/// Null if there is none.
SparsityAttr getLanePattern(SparsityAttr sparsity);
} // namespace mopt

#endif // MOPT_TARGET_SPARSEKERNELS_H

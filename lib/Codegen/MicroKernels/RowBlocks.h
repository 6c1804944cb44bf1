//===- RowBlocks.h - rows cut into register tiles ---------------*- C++ -*-===//

#ifndef MOPT_LIB_CODEGEN_MICROKERNELS_ROWBLOCKS_H
#define MOPT_LIB_CODEGEN_MICROKERNELS_ROWBLOCKS_H

#include "IndexBuilder.h"

namespace mopt {
/// Called for a block of `count` rows from `first` on, the `index`-th block.
using RowBlockFn = llvm::function_ref<void(
    int64_t count, mlir::OpFoldResult first, mlir::OpFoldResult index)>;

/// Cuts `rows` into blocks of nearly equal size, at most `maxRows`: 128 rows of
/// at most 6 are 18 blocks of 6 and 4 of 5. A number that only run time knows
/// becomes blocks of `maxRows` and of one less where that works out, else
/// blocks of `maxRows` and one rest.
void forEachRowBlock(IndexBuilder &ib, mlir::OpFoldResult rows, int64_t maxRows,
                     RowBlockFn body);

/// How many blocks that makes.
mlir::OpFoldResult countRowBlocks(IndexBuilder &ib, mlir::OpFoldResult rows,
                                  int64_t maxRows);
} // namespace mopt

#endif // MOPT_LIB_CODEGEN_MICROKERNELS_ROWBLOCKS_H

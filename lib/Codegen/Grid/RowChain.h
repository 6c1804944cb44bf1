//===- RowChain.h - ops that a block computes for its row -------*- C++ -*-===//

#ifndef MOPT_LIB_CODEGEN_GRID_ROWCHAIN_H
#define MOPT_LIB_CODEGEN_GRID_ROWCHAIN_H

#include "mlir/Dialect/Linalg/IR/Linalg.h"

namespace mopt {
/// Consecutive ops of which each reads only its own row of what the others
/// write, such as those of a softmax.
struct RowChain {
  struct Member {
    mlir::linalg::LinalgOp op;
    /// What a sum starts from, if a fill says so, and that fill.
    mlir::Value initial;
    mlir::linalg::FillOp fill;
  };
  llvm::SmallVector<Member> members;
  /// The outermost loops, which all members have: their points are the rows.
  llvm::SmallVector<int64_t> rowSizes;
};

/// The longest chain of at least two ops, one of them a sum, that begins with
/// `ops`; empty if there is none that is worth a block for each row.
RowChain findRowChain(llvm::ArrayRef<mlir::Operation *> ops);

/// The sum that starts from what `fill` wrote, if it is the next that reads.
mlir::linalg::LinalgOp findSumOf(mlir::linalg::FillOp fill,
                                 llvm::ArrayRef<mlir::Operation *> next);

/// The op that combines two partial sums of `op`, which has one result, if it
/// is an op that has a neutral element and lanes can exchange its type.
mlir::Operation *findCombiner(mlir::linalg::LinalgOp op);
} // namespace mopt

#endif // MOPT_LIB_CODEGEN_GRID_ROWCHAIN_H

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
    /// Does anyone but the chain read what it writes?
    bool isStored = true;
  };
  llvm::SmallVector<Member> members;
  /// The outermost loops, which all members have: their points are the rows.
  llvm::SmallVector<int64_t> rowSizes;
};

/// The longest chain of at least two ops, one of them a sum, that begins with
/// `ops`; empty if there is none that is worth a block for each row.
RowChain findRowChain(llvm::ArrayRef<mlir::Operation *> ops);

/// Sets `isStored` of the members of `chain`, which stand in a kernel's
/// function: nobody else reads that function's scratch.
void findStored(RowChain &chain);

/// The first op of `next` if it reads each result of `sum` at the same point of
/// its loops, which has no other readers; `fill` is what the sum starts from,
/// if anything.
mlir::linalg::LinalgOp findReader(mlir::linalg::LinalgOp sum,
                                  mlir::linalg::FillOp fill,
                                  llvm::ArrayRef<mlir::Operation *> next);

/// The sum that starts from what `fill` wrote, if it is the next that reads.
mlir::linalg::LinalgOp findSumOf(mlir::linalg::FillOp fill,
                                 llvm::ArrayRef<mlir::Operation *> next);

/// Should threads of a warp or a block share `sum`? Not if each of them would
/// read a line of memory of its own, where there are results enough for all of
/// a device's threads.
bool isWorthSharing(mlir::linalg::LinalgOp sum);

/// The op that combines two partial sums of `op`, which has one result, if it
/// is an op that has a neutral element and lanes can exchange its type.
mlir::Operation *findCombiner(mlir::linalg::LinalgOp op);
} // namespace mopt

#endif // MOPT_LIB_CODEGEN_GRID_ROWCHAIN_H

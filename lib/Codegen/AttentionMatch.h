//===- AttentionMatch.h - attention in kernels of its steps -----*- C++ -*-===//

#ifndef MOPT_LIB_CODEGEN_ATTENTIONMATCH_H
#define MOPT_LIB_CODEGEN_ATTENTIONMATCH_H

#include "SoftmaxChain.h"
#include "mopt/Dialect/Mopt/IR/Mopt.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace mopt {
/// The kernel that a call calls, which returns one tensor; else null.
mlir::func::FuncOp getKernel(mlir::func::CallOp call);
mlir::Value getReturned(mlir::func::FuncOp kernel);
/// What `value`, an argument of the kernel that `call` calls, is there; null for
/// other values.
mlir::Value getPassed(mlir::Value value, mlir::func::CallOp call);
/// What `value` has at its begin, if all else is zeros written behind that; else
/// `value`.
mlir::Value skipPadding(mlir::Value value);

/// A product, the softmax of its rows, and the product of that and a third
/// matrix: three kernels and their calls.
struct AttentionMatch {
  /// A right side where it lies.
  struct Side {
    mlir::Value source;
    /// From the batches, keys, and elements of these.
    mlir::AffineMap map;
  };
  mlir::func::CallOp scoresCall, softmaxCall, resultsCall;
  ContractAnchorOp scores, results;
  SoftmaxChain softmax;
  Side key, value;
  /// Batches, rows, keys, depth, columns.
  llvm::SmallVector<int64_t> sizes;
};

/// The attention whose last product `call` calls for; nothing if it is none, or
/// anyone else reads what is on the way.
std::optional<AttentionMatch> matchAttention(mlir::func::CallOp call);
} // namespace mopt

#endif // MOPT_LIB_CODEGEN_ATTENTIONMATCH_H

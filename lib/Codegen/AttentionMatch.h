//===- AttentionMatch.h - attention in kernels of its steps -----*- C++ -*-===//

#ifndef MOPT_LIB_CODEGEN_ATTENTIONMATCH_H
#define MOPT_LIB_CODEGEN_ATTENTIONMATCH_H

#include "RowSpace.h"
#include "SoftmaxChain.h"
#include "mopt/Dialect/Mopt/IR/Mopt.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace mopt {
/// The kernel that a call calls, which returns one tensor; else null.
mlir::func::FuncOp getKernel(mlir::func::CallOp call);
mlir::Value getReturned(mlir::func::FuncOp kernel);
/// What `value`, an argument of the kernel that `call` calls, is there; null
/// for other values.
mlir::Value getPassed(mlir::Value value, mlir::func::CallOp call);
/// Is `value` an argument of a kernel, a tensor of numbers?
bool isPassedTensor(mlir::Value value);
/// What `value` has at its begin, if all else is zeros written behind that;
/// else `value`.
mlir::Value skipPadding(mlir::Value value);

/// A product, the softmax of its rows, and the product of that and a third
/// matrix: three kernels and their calls, and kernels between the first two.
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
  /// Kernels that compute scores from scores and other operands, element by
  /// element, the first one first.
  struct Step {
    mlir::func::CallOp call;
    mlir::linalg::GenericOp op;
    /// The scores that it reads.
    mlir::OpOperand *scores;
  };
  llvm::SmallVector<Step> steps;
  /// A kernel that alone reads the result, behind reshapes, and only rounds it:
  /// to elements of this type. Null if there is none.
  mlir::func::CallOp roundingCall;
  mlir::Type rounded;
  llvm::SmallVector<mlir::Operation *> reshapes;
  /// Batches and rows, those of the products first, of the softmax second.
  RowSpace rows;
  int64_t keys, depth, columns;
};

/// The attention whose last product `call` calls for; nothing if it is none, or
/// anyone else reads what is on the way.
std::optional<AttentionMatch> matchAttention(mlir::func::CallOp call);

/// What can be read in a value's place.
struct Direct {
  mlir::Value value;
  /// The value is that times this number.
  double factor = 1;
  /// The value has zeros behind that.
  bool isPadded = false;
};

/// What a kernel that only multiplies each element by a number, and pads, reads
/// to give `value`.
std::optional<Direct> findDirect(mlir::Value value);
} // namespace mopt

#endif // MOPT_LIB_CODEGEN_ATTENTIONMATCH_H

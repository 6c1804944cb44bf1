//===- SoftmaxChain.h - a softmax as linalg ops -----------------*- C++ -*-===//

#ifndef MOPT_LIB_CODEGEN_SOFTMAXCHAIN_H
#define MOPT_LIB_CODEGEN_SOFTMAXCHAIN_H

#include "mlir/Dialect/Linalg/IR/Linalg.h"

namespace mopt {
/// exp(x - max x) / sum exp(x - max x) along the last dimension, whatever its
/// steps are rounded to.
struct SoftmaxChain {
  mlir::Value scores;
  /// Computes the quotients.
  mlir::linalg::GenericOp last;
  /// The quotient is 0 where this value of `last`, the same for a row, is true;
  /// may be null.
  mlir::Value blind;

  explicit operator bool() const { return scores != nullptr; }
};

/// The chain that ends with `value`, a tensor; empty if it is none, or anyone
/// else reads what is on its way.
SoftmaxChain matchSoftmax(mlir::Value value);
} // namespace mopt

#endif // MOPT_LIB_CODEGEN_SOFTMAXCHAIN_H

//===- SubgraphLoop.h - a subgraph that runs again and again ----*- C++ -*-===//

#ifndef MOPT_CONVERSION_ONNXTOMOPT_SUBGRAPHLOOP_H
#define MOPT_CONVERSION_ONNXTOMOPT_SUBGRAPHLOOP_H

#include "mopt/Conversion/ONNXToMopt/OpBinder.h"

#include <functional>

namespace mopt {
/// The most static type that values of both types can be cast to; null if their
/// ranks or element types differ.
mlir::RankedTensorType joinTypes(mlir::RankedTensorType a,
                                 mlir::RankedTensorType b);

/// `x` as a value of `type`, which knows fewer or more sizes.
mlir::Value castShape(OpBinder &op, mlir::Value x, mlir::RankedTensorType type);

/// The only element of a tensor as a scalar.
mlir::Value extractScalar(OpBinder &op, mlir::Value tensor);

/// A tensor in which slot `position` along dimension 0 is replaced by `x`,
/// which lacks that dimension and has the given sizes.
mlir::Value insertSlot(OpBinder &op, mlir::Value x,
                       llvm::ArrayRef<mlir::OpFoldResult> sizes,
                       mlir::Value into, mlir::OpFoldResult position);

/// Makes a loop out of a subgraph. Values are carried from one iteration to the
/// next; other outputs of the subgraph are stacked along a new dimension 0.
struct SubgraphLoop {
  SubgraphLoop(OpBinder &op, mlir::Block &body) : op(op), body(body) {}

  OpBinder &op;
  mlir::Block &body;
  /// Values before the first iteration. Sizes that an iteration changes become
  /// dynamic; element types and ranks stay.
  llvm::SmallVector<mlir::Value> initial;
  /// The number of iterations, or the most of them if the subgraph's first
  /// output is a condition to go on. Null: no limit.
  mlir::OpFoldResult tripCount;
  bool hasCondition = false;
  /// A tensor that says whether to begin; null if true.
  mlir::Value startCondition;
  /// The subgraph's arguments in the iteration with the given number (an
  /// index), for the given carried values.
  std::function<llvm::SmallVector<mlir::Value>(
      OpBinder &inner, mlir::Value iteration, mlir::ValueRange carried)>
      makeArguments;
  /// Which of the stacked outputs are filled from the end; all others are
  /// filled from the beginning.
  llvm::SmallVector<bool> isReversed;

  /// The carried values after the last iteration, then the stacked outputs.
  mlir::FailureOr<llvm::SmallVector<mlir::Value>> convert();
};

/// A Loop that carries a sequence or an optional: the nodes of every iteration,
/// one after the other. How many there are must be known.
llvm::LogicalResult unrollLoop(OpBinder &op, mlir::Block &body);
} // namespace mopt

#endif // MOPT_CONVERSION_ONNXTOMOPT_SUBGRAPHLOOP_H

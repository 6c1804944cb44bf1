//===- HeadGroups.h - heads of queries that share keys ----------*- C++ -*-===//

#ifndef MOPT_CONVERSION_ONNXTOMOPT_HEADGROUPS_H
#define MOPT_CONVERSION_ONNXTOMOPT_HEADGROUPS_H

#include "mopt/Conversion/ONNXToMopt/OpBinder.h"

namespace mopt {
/// The products of attention on `[batch, heads, length, size]`. Several heads of
/// queries may share one of keys: they are rows of one product.
class HeadGroups {
public:
  static mlir::FailureOr<HeadGroups> bind(OpBinder &op, mlir::Value query,
                                          mlir::Value key);

  /// Queries by keys: `[batch, heads, queries, keys]`. Null with an error
  /// emitted if the shapes do not fit.
  mlir::Value getScores(mlir::Value query, mlir::Value key) const;
  /// Weights by values: `[batch, heads, queries, size]`.
  mlir::Value getSums(mlir::Value weights, mlir::Value value) const;

private:
  explicit HeadGroups(OpBinder &op) : op(op) {}

  mlir::Value multiply(mlir::Value lhs, mlir::Value rhs, mlir::OpFoldResult inner,
                       mlir::OpFoldResult width, bool transposeRhs) const;

  OpBinder &op;
  mlir::OpFoldResult batch, heads, groups, queries, rows;
};
} // namespace mopt

#endif // MOPT_CONVERSION_ONNXTOMOPT_HEADGROUPS_H

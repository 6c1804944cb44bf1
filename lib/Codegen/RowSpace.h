//===- RowSpace.h - rows that two shapes count differently ------*- C++ -*-===//

#ifndef MOPT_LIB_CODEGEN_ROWSPACE_H
#define MOPT_LIB_CODEGEN_ROWSPACE_H

#include "mlir/IR/AffineMap.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/Value.h"
#include <optional>

namespace mopt {
/// The dimensions of a space that those of another become, for each of these.
using DimGroups = llvm::SmallVector<llvm::SmallVector<unsigned, 2>>;

/// Dimensions by which both of two shapes of the same rows, in row-major order,
/// count them: those of either are some of them each, one after the other.
struct RowSpace {
  /// The space of two shapes; nothing where one splits what the other does not
  /// at a whole number.
  static std::optional<RowSpace> find(llvm::ArrayRef<int64_t> first,
                                      llvm::ArrayRef<int64_t> second);
  /// That of one.
  static RowSpace get(llvm::ArrayRef<int64_t> shape);

  llvm::SmallVector<int64_t> sizes;
  DimGroups first, second;
};

/// A tensor read at points of a space.
struct SpaceView {
  mlir::Value tensor;
  mlir::AffineMap map;
  /// How `tensor` was expanded; empty if it was not.
  llvm::SmallVector<llvm::SmallVector<int64_t, 2>> reassociation;
};

/// `tensor` (or a scalar), which `map` reads at points whose dimensions become
/// `groups` in a space of `sizes`, as it is read there.
SpaceView viewInSpace(mlir::OpBuilder &b, mlir::Value tensor,
                      mlir::AffineMap map, const DimGroups &groups,
                      llvm::ArrayRef<int64_t> sizes);
} // namespace mopt

#endif // MOPT_LIB_CODEGEN_ROWSPACE_H

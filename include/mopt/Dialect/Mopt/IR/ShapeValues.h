//===- ShapeValues.h - sizes and small integers as values -------*- C++ -*-===//
//
// ONNX computes shapes with tensors; mopt ops take them as index values. This
// looks through the tensor ops that computed a shape.
//
//===----------------------------------------------------------------------===//

#ifndef MOPT_DIALECT_MOPT_IR_SHAPEVALUES_H
#define MOPT_DIALECT_MOPT_IR_SHAPEVALUES_H

#include "mlir/IR/Builders.h"
#include "mlir/IR/OpDefinition.h"
#include "llvm/ADT/DenseMap.h"
#include <optional>

namespace mopt {
class ShapeValues {
public:
  explicit ShapeValues(mlir::OpBuilder &builder) : builder(builder) {}

  /// Says that dimension `dim` of `tensor` is known to be `size`: how function
  /// arguments that name the same symbol share one value.
  void bind(mlir::Value tensor, int64_t dim, mlir::OpFoldResult size);

  /// Size of a dimension, traced to where it comes from. Values are emitted
  /// right behind the op that defines `tensor`, so they dominate its uses.
  mlir::OpFoldResult getDim(mlir::Value tensor, int64_t dim);
  llvm::SmallVector<mlir::OpFoldResult> getDims(mlir::Value tensor);

  /// Element `position`, in row-major order, of a tensor of integers or
  /// booleans, as an index.
  mlir::OpFoldResult getElement(mlir::Value tensor, int64_t position);

  /// All elements of a tensor of static shape.
  llvm::SmallVector<mlir::OpFoldResult> getElements(mlir::Value tensor);

  /// Are the two known to be equal at run time?
  static bool areEqual(mlir::OpFoldResult a, mlir::OpFoldResult b);

private:
  mlir::OpFoldResult computeDim(mlir::Value tensor, int64_t dim);
  mlir::OpFoldResult computeElement(mlir::Value tensor, int64_t position);

  mlir::OpBuilder &builder;
  llvm::DenseMap<std::pair<mlir::Value, int64_t>, mlir::OpFoldResult> dims;
  llvm::DenseMap<std::pair<mlir::Value, int64_t>, mlir::OpFoldResult> elements;
};

class ReshapeOp;

/// The dimensions of static size 1 that a reshape of a slice, or of a
/// transposed slice, lacks, if it differs in nothing else.
std::optional<llvm::SmallVector<int64_t>> getDroppedDims(ReshapeOp op);
} // namespace mopt

#endif // MOPT_DIALECT_MOPT_IR_SHAPEVALUES_H

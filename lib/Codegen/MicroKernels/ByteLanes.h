//===- ByteLanes.h - bytes of the left side picked for values ---*- C++ -*-===//

#ifndef MOPT_LIB_CODEGEN_MICROKERNELS_BYTELANES_H
#define MOPT_LIB_CODEGEN_MICROKERNELS_BYTELANES_H

#include "LinearView.h"
#include "RegisterTile.h"
#include "mopt/Dialect/Mopt/IR/Mopt.h"

namespace mopt {
/// Rows of the left side times some packed blocks of form byte_lanes.
class ByteLanes {
public:
  /// `valueStarts` and `positionStarts` are where each block begins, `vectors`
  /// those of each block that hold columns. `firstRow` is where the first row
  /// of `lhs` begins.
  ByteLanes(IndexBuilder &ib, SparseAnchorOp op, const LinearView &lhs,
            const LinearView &values, const LinearView &positions,
            mlir::OpFoldResult firstRow, int64_t rows, int64_t vectors,
            llvm::ArrayRef<mlir::OpFoldResult> valueStarts,
            llvm::ArrayRef<mlir::OpFoldResult> positionStarts);

  /// Adds to `sums`, of 32 bits: one accumulator per row, block and vector,
  /// rows first.
  llvm::SmallVector<mlir::Value> emit(llvm::SmallVector<mlir::Value> sums);

private:
  /// `count` vectors of values from `step` on, whose positions share vectors;
  /// the last one meets `lastSize` elements of each row.
  void emitWord(mlir::OpFoldResult word, int64_t count, int64_t lastSize,
                mlir::MutableArrayRef<mlir::Value> sums);
  /// Elements that a vector of values meets, repeated all over a vector.
  mlir::Value loadLhs(int64_t row, mlir::OpFoldResult k, int64_t size);
  /// The next positions of `word`, which loses them.
  mlir::Value takePicks(mlir::Value &word);
  mlir::Value load(const LinearView &view, mlir::OpFoldResult position);
  mlir::Value createConstant(llvm::function_ref<int64_t(int64_t)> getByte);
  mlir::Value multiplyAdd(mlir::Value x, mlir::Value weights, mlir::Value sum);

  IndexBuilder &ib;
  SparseAnchorOp op;
  const LinearView &lhs, &values, &positions;
  mlir::OpFoldResult firstRow;
  int64_t rows, vectors;
  llvm::ArrayRef<mlir::OpFoldResult> valueStarts, positionStarts;
  RegisterTile tile;
  /// A vector of bytes.
  mlir::VectorType type;
  /// Neighbours along the depth that four values of a column stand for, and
  /// vectors of values whose positions share a vector.
  int64_t depthOfStep, stepsOfWord;
};
} // namespace mopt

#endif // MOPT_LIB_CODEGEN_MICROKERNELS_BYTELANES_H

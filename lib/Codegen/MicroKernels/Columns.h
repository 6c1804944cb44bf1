//===- Columns.h - packed blocks of columns ---------------------*- C++ -*-===//

#ifndef MOPT_LIB_CODEGEN_MICROKERNELS_COLUMNS_H
#define MOPT_LIB_CODEGEN_MICROKERNELS_COLUMNS_H

#include "Epilogue.h"

namespace mopt {
/// Packed blocks that one register tile computes.
struct Panels {
  mlir::OpFoldResult firstBlock;
  int64_t count;
  /// Vectors of each block that hold columns.
  int64_t vectors;
  /// Columns of the last vectors that exist; null if all of them.
  mlir::OpFoldResult partial;

  /// The vectors of the output that the panels make, `firstColumn` being where
  /// block 0 starts.
  llvm::SmallVector<OutputVector>
  getOutputVectors(IndexBuilder &ib, int64_t columns, int64_t lanes,
                   mlir::OpFoldResult firstColumn) const;
};

/// Calls `body` for blocks of `columns` columns that make up `width`: `streams`
/// at once while there are as many, then one by one, then a partial one.
void forEachPanel(IndexBuilder &ib, mlir::OpFoldResult width, int64_t columns,
                  int64_t lanes, int64_t streams,
                  llvm::function_ref<void(const Panels &)> body);
} // namespace mopt

#endif // MOPT_LIB_CODEGEN_MICROKERNELS_COLUMNS_H

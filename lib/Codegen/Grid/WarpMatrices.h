//===- WarpMatrices.h - operands of products of a warp ----------*- C++ -*-===//

#ifndef MOPT_LIB_CODEGEN_GRID_WARPMATRICES_H
#define MOPT_LIB_CODEGEN_GRID_WARPMATRICES_H

#include "SharedBuilder.h"

namespace mopt {
/// Matrices in shared memory of elements of type `element`, as instructions
/// that a warp multiplies them by take them: words of two or four elements.
struct WarpMatrices {
  GridBuilder &g;
  SharedBuilder &s;
  mlir::Type element;

  /// Four matrices of eight rows of 16 bytes; each lane gives the place of one
  /// row. Elements of 16 bits are transposed if they are `turned`.
  llvm::SmallVector<mlir::Value> load(mlir::Value place, int64_t offset,
                                      bool turned = false);
  /// The first `count` members of `structure`.
  llvm::SmallVector<mlir::Value> split(mlir::Value structure, int64_t count);
  /// What `instruction`, an LLVM intrinsic, makes of `operands`: `count` sums
  /// of type `sum`.
  llvm::SmallVector<mlir::Value> multiply(llvm::StringRef instruction,
                                          mlir::Type sum, int64_t count,
                                          mlir::ValueRange operands);
  /// A literal structure of `count` members of `type`.
  mlir::Type getStructure(mlir::Type type, int64_t count);
};
} // namespace mopt

#endif // MOPT_LIB_CODEGEN_GRID_WARPMATRICES_H

//===- Epilogue.h - elements, sums and results of products ------*- C++ -*-===//

#ifndef MOPT_LIB_CODEGEN_GRID_EPILOGUE_H
#define MOPT_LIB_CODEGEN_GRID_EPILOGUE_H

#include "GridBuilder.h"
#include "mopt/Dialect/Mopt/IR/Mopt.h"

namespace mopt {
/// What the epilogue of `op` makes of `sums`, at `point` of the output space
/// and as many neighbours along its last dimension as there are sums. Buffers
/// in which these are neighbours too are read in vectors: their number must be
/// a power of two that divides the last of `point`.
llvm::SmallVector<mlir::Value> finishResults(GridBuilder &g,
                                             AnchorOpInterface op,
                                             llvm::ArrayRef<mlir::Value> point,
                                             llvm::ArrayRef<mlir::Value> sums);

/// What `inputs` hold at `maps` of `point` and its neighbours, `count` points
/// in all, of each point one value for each input; in vectors where that can
/// be, as above.
llvm::SmallVector<llvm::SmallVector<mlir::Value>>
loadNeighbours(GridBuilder &g, mlir::ValueRange inputs,
               llvm::ArrayRef<mlir::AffineMap> maps,
               llvm::ArrayRef<mlir::Value> point, int64_t count);

/// What `block` makes of `sums`, and for each of `loaded`. Its arguments
/// between these are the coordinates of `point` and its neighbours, if it has
/// so many.
llvm::SmallVector<mlir::Value>
computeScalars(GridBuilder &g, mlir::Block &block,
               llvm::ArrayRef<mlir::Value> point,
               llvm::ArrayRef<mlir::Value> sums,
               llvm::ArrayRef<llvm::SmallVector<mlir::Value>> loaded);

/// Stores neighbours along the last dimension of the space of `point` at `map`
/// of it, in a vector where that can be.
void storeNeighbours(GridBuilder &g, mlir::Value init, mlir::AffineMap map,
                     llvm::ArrayRef<mlir::Value> point,
                     llvm::ArrayRef<mlir::Value> results);

/// The same, and stores it, in vectors too where that can be.
void storeResults(GridBuilder &g, AnchorOpInterface op,
                  llvm::ArrayRef<mlir::Value> point,
                  llvm::ArrayRef<mlir::Value> sums);

/// Bytes that a thread reads or writes at once.
inline constexpr int64_t kVectorBytes = 16;
/// With fewer threads a device is not busy: 256 for each multiprocessor.
inline constexpr int64_t kBusyThreads = 132 * 256;

/// Does `map` take `count` neighbours along the last dimension to neighbours of
/// `type`, the first of them at a multiple of `count`?
bool keepsNeighbours(mlir::MemRefType type, mlir::AffineMap map, int64_t count);

/// An element of a side in the type of its sums; integers have a sign unless
/// `isUnsigned`.
mlir::Value widenElement(GridBuilder &g, mlir::Value value, mlir::Type type,
                         bool isUnsigned);
/// x * y + sum, rounded once.
mlir::Value multiplyAdd(GridBuilder &g, mlir::Value x, mlir::Value y,
                        mlir::Value sum);

/// A vector of `elements`, of one type.
mlir::Value joinElements(GridBuilder &g, llvm::ArrayRef<mlir::Value> elements);
/// The elements of a vector.
llvm::SmallVector<mlir::Value> splitElements(GridBuilder &g,
                                             mlir::Value vector);
} // namespace mopt

#endif // MOPT_LIB_CODEGEN_GRID_EPILOGUE_H

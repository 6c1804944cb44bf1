//===- SharedSums.h - sums of warps become results --------------*- C++ -*-===//
//
// The sums of a block's tile pass through its shared memory, so that threads
// store neighbours, and so that warps which share the tile's depth are added.
// Where they do not fit at once, some of each warp's rows follow the others.
//
//===----------------------------------------------------------------------===//

#ifndef MOPT_LIB_CODEGEN_GRID_SHAREDSUMS_H
#define MOPT_LIB_CODEGEN_GRID_SHAREDSUMS_H

#include "WarpPlace.h"

namespace mopt {
class SharedSums {
public:
  /// Rows of the tile of the product `op` begin in shared memory every `pitch`
  /// sums, a multiple of four.
  SharedSums(GridBuilder &g, AnchorOpInterface op, PackedAccess &access,
             const WarpTile &tile, int64_t pitch);

  /// What all parts take in shared memory.
  int64_t getBytes() const { return getPartBytes() * tile.parts; }
  /// In how many turns, and the rows of a warp in each.
  int64_t getPasses() const { return passes; }
  int64_t getWarpRows() const { return tile.warpRows / passes; }

  /// The address, less that of the sums of the warp's part, of the sum in
  /// row `row` of a pass, column `column` of the tile; both are words.
  mlir::Value getPlace(SharedBuilder &s, const WarpPlace &place,
                       mlir::Value row, mlir::Value column) const;
  /// What is between sums that are so far from each other, in bytes.
  int64_t getOffset(int64_t rows, int64_t columns) const {
    return 4 * (rows * pitch + columns);
  }

  /// Calls `store` for each pass, which stores the sums of some of a warp's
  /// rows, and then stores what becomes of them. The shared memory may be in
  /// use before.
  void finish(SharedBuilder &s, const WarpPlace &place,
              llvm::function_ref<void(int64_t)> store);

private:
  int64_t getRows() const { return tile.rows / passes; }
  int64_t getPartBytes() const { return getRows() * pitch * 4; }
  llvm::SmallVector<mlir::Value> load(SharedBuilder &s, mlir::Value row,
                                      mlir::Value column);
  void finishRows(SharedBuilder &s, const WarpPlace &place, int64_t pass);
  void storeRun(mlir::Value batch, mlir::Value row, mlir::Value column,
                llvm::ArrayRef<mlir::Value> sums);

  GridBuilder &g;
  AnchorOpInterface op;
  PackedAccess &access;
  const WarpTile &tile;
  int64_t pitch, passes = 1;
};
} // namespace mopt

#endif // MOPT_LIB_CODEGEN_GRID_SHAREDSUMS_H

//===- WarpPlace.h - what a warp computes of a product ----------*- C++ -*-===//

#ifndef MOPT_LIB_CODEGEN_GRID_WARPPLACE_H
#define MOPT_LIB_CODEGEN_GRID_WARPPLACE_H

#include "SharedBuilder.h"
#include "WarpTile.h"

namespace mopt {
/// The tile of this thread's block, and the place of its warp in there.
struct WarpPlace {
  /// Of a grid of one dimension with a block for each tile of each batch.
  WarpPlace(GridBuilder &g, SharedBuilder &s, const PackedAccess &access,
            const WarpTile &tile);

  /// Blocks of all tiles.
  static int64_t countBlocks(const PackedAccess &access, const WarpTile &tile);

  /// Indices: the thread in its block, and where the tile begins.
  mlir::Value thread, batch, rowStart, columnStart;
  /// Words: the lane in its warp, the warp's part of the depth, and its place
  /// among those of the part, in warps.
  mlir::Value lane, part, warpRow, warpColumn;
};
} // namespace mopt

#endif // MOPT_LIB_CODEGEN_GRID_WARPPLACE_H

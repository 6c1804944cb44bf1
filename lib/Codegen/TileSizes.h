//===- TileSizes.h - how linalg ops are cut into tiles ----------*- C++ -*-===//

#ifndef MOPT_LIB_CODEGEN_TILESIZES_H
#define MOPT_LIB_CODEGEN_TILESIZES_H

#include "mlir/Dialect/Linalg/IR/Linalg.h"

namespace mopt {
/// Scalar operations that a tile should have at least: some ten microseconds,
/// against less than one for handing it to a thread.
inline constexpr int64_t kTileGrain = 16 << 10;

/// Tile sizes of the loops of `op`, whose tiles have about `grain` elements: 1
/// for the outer parallel ones, 0 (all) for the inner ones. Empty if the work
/// is too small to be split. Follows from the shape alone. Of the innermost loop
/// that is cut a tile has a multiple of `multiple`. With `ragged` the last tile
/// may be smaller where no divisor is near: copies do not mind.
llvm::SmallVector<int64_t> chooseTileSizes(mlir::linalg::LinalgOp op,
                                           int64_t grain,
                                           int64_t multiple = 1,
                                           bool ragged = false);
} // namespace mopt

#endif // MOPT_LIB_CODEGEN_TILESIZES_H

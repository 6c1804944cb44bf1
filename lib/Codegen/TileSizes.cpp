// The sizes of the tiles into which linalg ops are cut.
#include "TileSizes.h"

#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace mopt;

/// Fewer would not pay for a tile's own bookkeeping.
static constexpr int64_t kSmallestTile = 128;
/// Stands for a size that is not known.
static constexpr int64_t kTypicalSize = 64;

/// How many of `range` iterations of `work` elements each make a tile of about
/// `grain`, a multiple of `multiple`: a divisor where one is near, so that all
/// tiles have one static size.
static int64_t chooseTileSize(int64_t range, int64_t work, int64_t grain,
                              int64_t multiple, bool ragged) {
  int64_t tile = llvm::divideCeil(grain, std::max<int64_t>(work, 1));
  tile = std::max(tile / multiple, int64_t{1}) * multiple;
  if (ShapedType::isDynamic(range))
    return tile;
  int64_t least = ragged ? std::max(multiple, tile / 2) : multiple;
  for (int64_t divisor = std::min(tile, range); divisor >= least; --divisor)
    if (range % divisor == 0 && divisor % multiple == 0)
      return divisor * work >= kSmallestTile ? divisor : tile;
  return tile;
}

SmallVector<int64_t> mopt::chooseTileSizes(linalg::LinalgOp op, int64_t grain,
                                           int64_t multiple, bool ragged) {
  SmallVector<int64_t> ranges = op.getStaticLoopRanges();
  SmallVector<utils::IteratorType> iterators = op.getIteratorTypesArray();
  // Upstream's tiling drops loops that never run, and what it has begun in
  // them.
  if (llvm::is_contained(ranges, 0))
    return {};
  int64_t work = 1;
  bool isKnown = true;
  for (auto [range, iterator] : llvm::zip_equal(ranges, iterators)) {
    isKnown &= ShapedType::isStatic(range);
    if (iterator != utils::IteratorType::parallel)
      work *= ShapedType::isStatic(range) ? std::max<int64_t>(range, 1)
                                          : kTypicalSize;
  }
  SmallVector<int64_t> tiles(ranges.size(), 0);
  bool isTiled = false;
  for (int64_t loop = ranges.size() - 1; loop >= 0; --loop) {
    if (iterators[loop] != utils::IteratorType::parallel)
      continue;
    int64_t size =
        ShapedType::isStatic(ranges[loop]) ? ranges[loop] : kTypicalSize;
    if (work >= grain && (multiple == 1 || ranges[loop] == 1)) {
      tiles[loop] = 1;
    } else if (work * size > grain || ShapedType::isDynamic(ranges[loop])) {
      int64_t tile =
          chooseTileSize(ranges[loop], work, grain, multiple, ragged);
      multiple = 1;
      // One tile that holds all is no tile.
      if (ShapedType::isStatic(ranges[loop]) && tile >= ranges[loop])
        tile = 0;
      tiles[loop] = tile;
    }
    work *= std::max<int64_t>(size, 1);
    isTiled |= tiles[loop] != 0 && ranges[loop] != 1;
  }
  if (!isTiled || (isKnown && work < 2 * kTileGrain))
    return {};
  return tiles;
}

// Which tile of a product a block computes, and what each of its warps.
#include "WarpPlace.h"

#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace mopt;

/// Rows of tiles that use the same columns one after the other: as many blocks
/// as run at a time then share both sides.
static constexpr int64_t kRowsOfTiles = 8;

static int64_t countRowTiles(const PackedAccess &access, const WarpTile &tile) {
  return llvm::divideCeil(access.rows, tile.rows);
}
static int64_t countColumnTiles(const PackedAccess &access,
                                const WarpTile &tile) {
  return llvm::divideCeil(access.columns, tile.columns);
}

int64_t WarpPlace::countBlocks(const PackedAccess &access,
                               const WarpTile &tile) {
  return countRowTiles(access, tile) * countColumnTiles(access, tile) *
         access.batches;
}

WarpPlace::WarpPlace(GridBuilder &g, SharedBuilder &s,
                     const PackedAccess &access, const WarpTile &tile) {
  int64_t rowTiles = countRowTiles(access, tile),
          columnTiles = countColumnTiles(access, tile);
  thread = g.thread();
  lane = s.toWord(g.rem(thread, WarpTile::kWarp));
  Value warp = s.toWord(g.div(thread, WarpTile::kWarp));
  int64_t across = tile.columns / tile.warpColumns;
  int64_t count = tile.rows / tile.warpRows * across;
  part = s.div(warp, count);
  Value inPart = s.rem(warp, count);
  warpRow = s.div(inPart, across);
  warpColumn = s.rem(inPart, across);

  Value number = g.block(), row, column;
  batch = g.div(number, rowTiles * columnTiles);
  number = g.rem(number, rowTiles * columnTiles);
  if (rowTiles <= kRowsOfTiles) {
    row = g.rem(number, rowTiles);
    column = g.div(number, rowTiles);
  } else {
    Value group = g.div(number, kRowsOfTiles * columnTiles);
    Value inGroup = s.toWord(g.rem(number, kRowsOfTiles * columnTiles));
    Value first = g.mul(group, kRowsOfTiles);
    // The last group may have fewer rows.
    Value left = arith::SubIOp::create(g.b, g.loc, g.index(rowTiles), first);
    Value size = s.toWord(g.clamp(left, kRowsOfTiles));
    row = g.add(first,
                s.toIndex(arith::RemUIOp::create(g.b, g.loc, inGroup, size)));
    column = s.toIndex(arith::DivUIOp::create(g.b, g.loc, inGroup, size));
  }
  rowStart = g.mul(row, tile.rows);
  columnStart = g.mul(column, tile.columns);
}

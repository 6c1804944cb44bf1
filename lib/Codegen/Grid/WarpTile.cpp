// The tiles that warps can compute, and which of them a product takes.
#include "WarpTile.h"

#include "llvm/Support/MathExtras.h"

using namespace mopt;

/// Blocks that a device computes at a time, one on each of its processors.
static constexpr int64_t kProcessors = 132;

// Times are 10 ns for 2 KiB of the depth, f16, as measured on an H200
// (2026-11-30, products of 128 x 768 x 768 to 4096 x 4096 x 4096). A block by
// itself waits for memory, several hide that from each other.
static constexpr WarpTile kTiles[] = {{128, 128, 64, 32, 1, 64, 3, 1900, 1350},
                                      {128, 64, 64, 32, 1, 64, 4, 1180, 730},
                                      {64, 64, 32, 32, 1, 128, 3, 480, 420},
                                      {32, 64, 32, 32, 2, 128, 4, 340, 260},
                                      {32, 32, 32, 32, 4, 128, 6, 260, 210},
                                      {16, 32, 16, 32, 4, 128, 7, 215, 140}};

const WarpTile &mopt::chooseWarpTile(const PackedAccess &access) {
  const WarpTile *best = nullptr;
  int64_t least = 0;
  for (const WarpTile &tile : kTiles) {
    int64_t blocks = llvm::divideCeil(access.rows, tile.rows) *
                     llvm::divideCeil(access.columns, tile.columns) *
                     access.batches;
    int64_t perProcessor = llvm::divideCeil(blocks, kProcessors);
    int64_t time = std::max(tile.alone, perProcessor * tile.crowded);
    if (!best || time < least)
      best = &tile, least = time;
  }
  return *best;
}

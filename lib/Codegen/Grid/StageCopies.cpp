// Copies of both sides of a product, several stages ahead of their use.
#include "StageCopies.h"

#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace mopt;

StageCopies::StageCopies(GridBuilder &g, SharedBuilder &s, PackedAccess &access,
                         const WarpTile &tile, int64_t bytes)
    : g(g), s(s), access(access), tile(tile), bytes(bytes),
      left(g, s, access,
           {tile.rows, tile.stageBytes, bytes, tile.getThreads()}) {}

void StageCopies::plan(Value batch, Value rowStart, Value columnStart) {
  left.plan(batch, rowStart);
  planRight(batch, columnStart);
}

Value StageCopies::placeRight(Value row, Value chunk) {
  Value start = s.mul(row, getRightBytes());
  if (access.interleave == 1)
    return s.add(start, RowCopies::placeChunk(s, row, getRightBytes(), chunk));
  // Of eight columns with a chunk each all words are loaded together.
  if (access.interleave * bytes == kChunk)
    return s.add(start, s.mul(chunk, kChunk));
  // Words of four rows and eight columns, which are two chunks, are loaded
  // together.
  Value swizzle = s.mul(s.rem(row, 4), 2);
  return s.add(
      start, s.mul(arith::XOrIOp::create(g.b, g.loc, chunk, swizzle), kChunk));
}

/// Chunks are copied by consecutive threads in turns. Each has the same place
/// among columns in all turns.
void StageCopies::planRight(Value batch, Value columnStart) {
  int64_t across = getRightBytes() / kChunk, threads = tile.getThreads();
  constexpr int64_t columns = WarpTile::kBlockColumns;
  Value thread = g.thread();
  rightStart = s.getStart(access.rhs);
  Value block = g.div(columnStart, columns);
  Value chunk = g.rem(thread, across);
  // Elements of a row that stand before the tile's columns, and the chunk's.
  Value before = g.add(g.mul(g.rem(columnStart, columns), access.interleave),
                       g.mul(chunk, kChunk / bytes));
  int64_t chunks = tile.columns * tile.stageBytes / kChunk;
  for (int64_t i = 0, e = llvm::divideCeil(chunks, threads); i < e; ++i) {
    Value line = g.add(g.div(thread, across), i * (threads / across));
    Value panel = g.div(line, getRightRows());
    Value row = g.rem(line, getRightRows());
    // Behind the last block that one again.
    Value from = g.clamp(g.add(block, panel), access.blocks - 1);
    Value place = g.add(g.add(access.getBlockPlace(g, batch, from), before),
                        g.mul(row, columns * access.interleave));
    Value target = s.add(s.mul(s.toWord(panel), getPanelSize()),
                         placeRight(s.toWord(row), s.toWord(chunk)));
    right.push_back(
        {place, g.mul(row, access.interleave), s.add(target, getRightStart())});
  }
}

void StageCopies::copy(Value k, Value slot) {
  Value moved = g.mul(k, WarpTile::kBlockColumns);
  for (const RightRow &row : right) {
    Value valid;
    if (left.isRagged())
      valid = arith::SelectOp::create(g.b, g.loc,
                                      g.below(g.add(k, row.step), access.depth),
                                      s.word(kChunk), s.word(0));
    RowCopies::copyChunk(
        g, s.getShared(s.add(slot, row.target)),
        s.getGlobal(rightStart, g.add(row.place, moved), bytes), kChunk, valid);
  }
  left.copy(k, slot);
}

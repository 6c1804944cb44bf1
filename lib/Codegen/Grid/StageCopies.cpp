// Copies of both sides of a product, several stages ahead of their use.
#include "StageCopies.h"

#include "Epilogue.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace mopt;

/// What is copied without registers has at least so many bytes.
static constexpr int64_t kLeastCopy = 4;
/// Rows that are loaded together.
static constexpr int64_t kMatrixRows = 8;
/// Bytes that all banks of shared memory have in a row.
static constexpr int64_t kBanks = 128;

StageCopies::StageCopies(GridBuilder &g, SharedBuilder &s, PackedAccess &access,
                         const WarpTile &tile, int64_t bytes)
    : g(g), s(s), access(access), tile(tile), bytes(bytes),
      steps(tile.stageBytes / bytes), isRagged(access.depth % steps != 0),
      copied(std::min(kChunk, access.run * bytes)),
      copiesLeft(copied >= kLeastCopy) {}

void StageCopies::plan(Value batch, Value rowStart, Value columnStart) {
  thread = g.thread();
  planLeft(batch, rowStart);
  planRight(batch, columnStart);
}

void StageCopies::copy(Value k, Value slot) {
  copyRight(k, slot);
  if (copiesLeft)
    copyLeft(k, slot);
}

//===----------------------------------------------------------------------===//
// Places
//===----------------------------------------------------------------------===//

Value StageCopies::placeChunk(Value row, int64_t rowBytes, Value chunk) {
  int64_t rowsOfBanks = std::max<int64_t>(1, kBanks / rowBytes);
  Value swizzle =
      s.rem(s.div(row, rowsOfBanks), std::min(rowBytes / kChunk, kMatrixRows));
  return s.mul(arith::XOrIOp::create(g.b, g.loc, chunk, swizzle), kChunk);
}

Value StageCopies::placeLeft(Value row, Value chunk) {
  return s.add(s.mul(row, tile.stageBytes),
               placeChunk(row, tile.stageBytes, chunk));
}

Value StageCopies::placeRight(Value row, Value chunk) {
  Value start = s.mul(row, getRightBytes());
  if (access.interleave == 1)
    return s.add(start, placeChunk(row, getRightBytes(), chunk));
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
/// along the depth, or among columns, in all turns.
int64_t StageCopies::countTurns(int64_t chunks) const {
  return llvm::divideCeil(chunks, tile.getThreads());
}

void StageCopies::planLeft(Value batch, Value rowStart) {
  int64_t across = tile.stageBytes / kChunk, threads = tile.getThreads();
  leftStart = s.getStart(access.lhs);
  Value chunk = g.rem(thread, across);
  leftStep = g.mul(chunk, kChunk / bytes);
  for (int64_t i = 0; i < countTurns(tile.rows * across); ++i) {
    Value row = g.add(g.div(thread, across), i * (threads / across));
    Value from = g.add(rowStart, row);
    // Behind the last row that one again.
    if (access.rows % tile.rows != 0)
      from = g.clamp(from, access.rows - 1);
    left.push_back({access.getRowPlace(g, batch, from),
                    access.getRowCoordinates(g, from),
                    placeLeft(s.toWord(row), s.toWord(chunk))});
  }
}

void StageCopies::planRight(Value batch, Value columnStart) {
  int64_t across = getRightBytes() / kChunk, threads = tile.getThreads();
  constexpr int64_t columns = WarpTile::kBlockColumns;
  rightStart = s.getStart(access.rhs);
  Value block = g.div(columnStart, columns);
  Value chunk = g.rem(thread, across);
  // Elements of a row that stand before the tile's columns, and the chunk's.
  Value before = g.add(g.mul(g.rem(columnStart, columns), access.interleave),
                       g.mul(chunk, kChunk / bytes));
  int64_t chunks = tile.columns * tile.stageBytes / kChunk;
  for (int64_t i = 0; i < countTurns(chunks); ++i) {
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

//===----------------------------------------------------------------------===//
// Copies
//===----------------------------------------------------------------------===//

/// `count` bytes, of which only the first `valid` are read, the others being 0;
/// null for all.
void StageCopies::copyChunk(Value target, Value source, int64_t count,
                            Value valid) {
  auto modifier = count == kChunk ? NVVM::LoadCacheModifierKind::CG
                                  : NVVM::LoadCacheModifierKind::CA;
  NVVM::CpAsyncOp::create(g.b, g.loc, target, source, count, modifier, valid);
}

/// The bytes of the elements from step `k` on, up to `count`, that are not
/// behind the depth; null if all are always.
Value StageCopies::countValid(Value k, int64_t count) {
  if (!isRagged)
    return {};
  int64_t elements = count / bytes;
  if (access.depth % elements == 0)
    return arith::SelectOp::create(g.b, g.loc, g.below(k, access.depth),
                                   s.word(count), s.word(0));
  Value rest =
      arith::SubIOp::create(g.b, g.loc, s.word(access.depth), s.toWord(k));
  rest = arith::MaxSIOp::create(g.b, g.loc, rest, s.word(0));
  return s.mul(arith::MinSIOp::create(g.b, g.loc, rest, s.word(elements)),
               bytes);
}

void StageCopies::copyLeft(Value k, Value slot) {
  for (int64_t offset = 0; offset < kChunk; offset += copied) {
    Value step = g.add(g.add(k, leftStep), offset / bytes);
    Value inDepth = countValid(step, copied);
    Value place = access.getStepPlace(g, step);
    SmallVector<Value> coordinates = access.getStepCoordinates(g, step);
    for (const Row &row : left) {
      Value valid = inDepth;
      if (Value isInside = access.isInside(g, row.coordinates, coordinates))
        valid = arith::SelectOp::create(
            g.b, g.loc, isInside, valid ? valid : s.word(copied), s.word(0));
      copyChunk(s.getShared(s.add(slot, row.target), offset),
                s.getGlobal(leftStart, g.add(row.place, place), bytes), copied,
                valid);
    }
  }
}

void StageCopies::copyRight(Value k, Value slot) {
  Value moved = g.mul(k, WarpTile::kBlockColumns);
  for (const RightRow &row : right) {
    Value valid;
    if (isRagged)
      valid = arith::SelectOp::create(g.b, g.loc,
                                      g.below(g.add(k, row.step), access.depth),
                                      s.word(kChunk), s.word(0));
    copyChunk(s.getShared(s.add(slot, row.target)),
              s.getGlobal(rightStart, g.add(row.place, moved), bytes), kChunk,
              valid);
  }
}

SmallVector<Value> StageCopies::load(Value k) {
  if (copiesLeft)
    return {};
  Type element = g.b.getIntegerType(8 * bytes);
  Value none = arith::ConstantOp::create(g.b, g.loc, g.b.getZeroAttr(element));
  SmallVector<SmallVector<Value>> chunks(left.size());
  for (int64_t i = 0; i < kChunk / bytes; ++i) {
    Value step = g.add(g.add(k, leftStep), i), from = step, inDepth;
    if (isRagged) {
      inDepth = g.below(step, access.depth);
      from = g.clamp(step, access.depth - 1);
    }
    Value place = access.getStepPlace(g, from);
    SmallVector<Value> coordinates = access.getStepCoordinates(g, from);
    for (auto [row, chunk] : llvm::zip_equal(left, chunks)) {
      Value at = g.add(row.place, place), isThere = inDepth;
      if (Value isInside = access.isInside(g, row.coordinates, coordinates)) {
        // What is outside has no place.
        at = arith::SelectOp::create(g.b, g.loc, isInside, at, g.index(0));
        isThere = isThere ? arith::AndIOp::create(g.b, g.loc, isThere, isInside)
                                .getResult()
                          : isInside;
      }
      Value value = LLVM::LoadOp::create(
          g.b, g.loc, element, s.getGlobal(leftStart, at, bytes), bytes);
      if (isThere)
        value = arith::SelectOp::create(g.b, g.loc, isThere, value, none);
      chunk.push_back(value);
    }
  }
  SmallVector<Value> joined;
  for (ArrayRef<Value> chunk : chunks)
    joined.push_back(joinElements(g, chunk));
  return joined;
}

void StageCopies::store(ValueRange loaded, Value slot) {
  for (auto [chunk, row] : llvm::zip(loaded, left))
    LLVM::StoreOp::create(g.b, g.loc, chunk,
                          s.getShared(s.add(slot, row.target)), kChunk);
}

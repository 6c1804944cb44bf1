// Copies of rows of the left side, several stages ahead of their use.
#include "RowCopies.h"

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

RowCopies::RowCopies(GridBuilder &g, SharedBuilder &s, PackedAccess &access,
                     Shape shape)
    : g(g), s(s), access(access), shape(shape),
      copied(std::min(kChunk, access.run * shape.bytes)),
      copiesRows(copied >= kLeastCopy) {}

Value RowCopies::placeChunk(SharedBuilder &s, Value row, int64_t rowBytes,
                            Value chunk) {
  int64_t rowsOfBanks = std::max<int64_t>(1, kBanks / rowBytes);
  Value swizzle =
      s.rem(s.div(row, rowsOfBanks), std::min(rowBytes / kChunk, kMatrixRows));
  return s.mul(arith::XOrIOp::create(s.b, s.loc, chunk, swizzle), kChunk);
}

Value RowCopies::place(Value row, Value chunk) {
  return s.add(s.mul(row, shape.rowBytes),
               placeChunk(s, row, shape.rowBytes, chunk));
}

/// Chunks are copied by consecutive threads in turns. Each has the same place
/// along the depth in all turns.
void RowCopies::plan(Value batch, Value rowStart) {
  int64_t across = shape.rowBytes / kChunk;
  Value thread = g.thread();
  start = s.getStart(access.lhs);
  Value chunk = g.rem(thread, across);
  ownStep = g.mul(chunk, kChunk / shape.bytes);
  int64_t turns = llvm::divideCeil(shape.rows * across, shape.threads);
  for (int64_t i = 0; i < turns; ++i) {
    Value row = g.add(g.div(thread, across), i * (shape.threads / across));
    Value from = g.add(rowStart, row);
    // Behind the last row that one again.
    if (access.rows % shape.rows != 0)
      from = g.clamp(from, access.rows - 1);
    own.push_back({access.getRowPlace(g, batch, from),
                   access.getRowCoordinates(g, from),
                   place(s.toWord(row), s.toWord(chunk))});
  }
}

void RowCopies::copyChunk(GridBuilder &g, Value target, Value source,
                          int64_t count, Value valid) {
  auto modifier = count == kChunk ? NVVM::LoadCacheModifierKind::CG
                                  : NVVM::LoadCacheModifierKind::CA;
  NVVM::CpAsyncOp::create(g.b, g.loc, target, source, count, modifier, valid);
}

/// The bytes of the elements from step `k` on, up to `count`, that are not
/// behind the depth; null if all are always.
Value RowCopies::countValid(Value k, int64_t count) {
  if (!isRagged())
    return {};
  int64_t elements = count / shape.bytes;
  if (access.depth % elements == 0)
    return arith::SelectOp::create(g.b, g.loc, g.below(k, access.depth),
                                   s.word(count), s.word(0));
  Value rest =
      arith::SubIOp::create(g.b, g.loc, s.word(access.depth), s.toWord(k));
  rest = arith::MaxSIOp::create(g.b, g.loc, rest, s.word(0));
  return s.mul(arith::MinSIOp::create(g.b, g.loc, rest, s.word(elements)),
               shape.bytes);
}

void RowCopies::copy(Value k, Value slot) {
  if (!copiesRows)
    return;
  for (int64_t offset = 0; offset < kChunk; offset += copied) {
    Value step = g.add(g.add(k, ownStep), offset / shape.bytes);
    Value inDepth = countValid(step, copied);
    Value place = access.getStepPlace(g, step);
    SmallVector<Value> coordinates = access.getStepCoordinates(g, step);
    for (const Row &row : own) {
      Value valid = inDepth;
      if (Value isInside = access.isInside(g, row.coordinates, coordinates))
        valid = arith::SelectOp::create(
            g.b, g.loc, isInside, valid ? valid : s.word(copied), s.word(0));
      copyChunk(g, s.getShared(s.add(slot, row.target), offset),
                s.getGlobal(start, g.add(row.place, place), shape.bytes),
                copied, valid);
    }
  }
}

SmallVector<Value> RowCopies::load(Value k) {
  if (copiesRows)
    return {};
  Type element = g.b.getIntegerType(8 * shape.bytes);
  Value none = arith::ConstantOp::create(g.b, g.loc, g.b.getZeroAttr(element));
  SmallVector<SmallVector<Value>> chunks(own.size());
  for (int64_t i = 0; i < kChunk / shape.bytes; ++i) {
    Value step = g.add(g.add(k, ownStep), i), from = step, inDepth;
    if (isRagged()) {
      inDepth = g.below(step, access.depth);
      from = g.clamp(step, access.depth - 1);
    }
    Value place = access.getStepPlace(g, from);
    SmallVector<Value> coordinates = access.getStepCoordinates(g, from);
    for (auto [row, chunk] : llvm::zip_equal(own, chunks)) {
      Value at = g.add(row.place, place), isThere = inDepth;
      if (Value isInside = access.isInside(g, row.coordinates, coordinates)) {
        // What is outside has no place.
        at = arith::SelectOp::create(g.b, g.loc, isInside, at, g.index(0));
        isThere = isThere ? arith::AndIOp::create(g.b, g.loc, isThere, isInside)
                                .getResult()
                          : isInside;
      }
      Value value = LLVM::LoadOp::create(g.b, g.loc, element,
                                         s.getGlobal(start, at, shape.bytes),
                                         shape.bytes);
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

void RowCopies::store(ValueRange loaded, Value slot) {
  for (auto [chunk, row] : llvm::zip(loaded, own))
    LLVM::StoreOp::create(g.b, g.loc, chunk,
                          s.getShared(s.add(slot, row.target)), kChunk);
}

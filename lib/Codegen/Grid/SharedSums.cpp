// Sums in shared memory, see the header.
#include "SharedSums.h"

#include "Epilogue.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"

using namespace mlir;
using namespace mopt;

/// Neighbouring results that a thread stores.
static constexpr int64_t kStored = 4;

SharedSums::SharedSums(GridBuilder &g, AnchorOpInterface op,
                       PackedAccess &access, const WarpTile &tile,
                       int64_t pitch)
    : g(g), op(op), access(access), tile(tile), pitch(pitch) {
  while (getBytes() > WarpTile::kSharedBytes)
    passes *= 2;
}

Value SharedSums::getPlace(SharedBuilder &s, const WarpPlace &place, Value row,
                           Value column) const {
  return s.add(s.mul(s.add(s.mul(row, pitch), column), 4),
               s.mul(place.part, getPartBytes()));
}

void SharedSums::finish(SharedBuilder &s, const WarpPlace &place,
                        function_ref<void(int64_t)> store) {
  for (int64_t pass = 0; pass < passes; ++pass) {
    // Stages, or the sums of the pass before, are in use until here.
    g.barrier();
    store(pass);
    g.barrier();
    finishRows(s, place, pass);
  }
}

/// What all parts have summed, in their order, of four neighbours.
SmallVector<Value> SharedSums::load(SharedBuilder &s, Value row, Value column) {
  Type type = op.getAccumulatorType();
  Value place = s.mul(s.add(s.mul(s.toWord(row), pitch), s.toWord(column)), 4);
  Value total;
  for (int64_t i = 0; i < tile.parts; ++i) {
    Value sums = LLVM::LoadOp::create(
        g.b, g.loc, VectorType::get(kStored, type),
        s.getShared(place, i * getPartBytes()), 4 * kStored);
    if (!total)
      total = sums;
    else if (isa<FloatType>(type))
      total = arith::AddFOp::create(g.b, g.loc, total, sums);
    else
      total = arith::AddIOp::create(g.b, g.loc, total, sums);
  }
  return splitElements(g, total);
}

void SharedSums::finishRows(SharedBuilder &s, const WarpPlace &place,
                            int64_t pass) {
  int64_t across = tile.columns / kStored;
  int64_t runs = getRows() * across;
  g.loop(runs, tile.getThreads(), {}, [&](Value first, ValueRange) {
    Value run = g.add(first, place.thread);
    Value row = g.div(run, across);
    Value inColumns = g.mul(g.rem(run, across), kStored);
    // The rows of a pass are some of each warp's.
    int64_t ofWarp = getWarpRows();
    Value inRows = g.add(
        g.add(g.mul(g.div(row, ofWarp), tile.warpRows), g.rem(row, ofWarp)),
        pass * ofWarp);
    Value at = g.add(place.rowStart, inRows),
          column = g.add(place.columnStart, inColumns);
    Value isInside;
    auto require = [&](Value value, int64_t size, int64_t tileSize) {
      if (size % tileSize == 0)
        return;
      Value is = g.below(value, size);
      isInside =
          isInside ? arith::AndIOp::create(g.b, g.loc, isInside, is) : is;
    };
    require(at, access.rows, tile.rows);
    require(column, access.columns, tile.columns);
    g.guard(isInside, [&] {
      storeRun(place.batch, at, column, load(s, row, inColumns));
    });
    return SmallVector<Value>();
  });
}

void SharedSums::storeRun(Value batch, Value row, Value column,
                          ArrayRef<Value> sums) {
  if (access.columns % kStored == 0)
    return storeResults(g, op, access.getPoint(g, batch, row, column), sums);
  for (auto [i, sum] : llvm::enumerate(sums)) {
    Value at = g.add(column, i);
    g.guard(g.below(at, access.columns), [&, sum = sum] {
      storeResults(g, op, access.getPoint(g, batch, row, at), sum);
    });
  }
}

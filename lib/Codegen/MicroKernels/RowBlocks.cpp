// The balanced split of rows: a short last block would waste most of its
// register tile, so all blocks are made nearly equal.
#include "RowBlocks.h"

#include "mlir/Dialect/SCF/IR/SCF.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace mopt;

OpFoldResult mopt::countRowBlocks(IndexBuilder &ib, OpFoldResult rows,
                                  int64_t maxRows) {
  return ib.ceilDiv(rows, ib.constant(maxRows));
}

/// `blocks` blocks of `size` rows from row `start`, the first being number
/// `firstIndex`.
static void emitBlocks(IndexBuilder &ib, OpFoldResult blocks, int64_t size,
                       OpFoldResult start, OpFoldResult firstIndex,
                       RowBlockFn body) {
  ib.loop(ib.constant(0), blocks, 1, [&](OpFoldResult i) {
    body(size, ib.add(start, ib.mul(i, ib.constant(size))),
         ib.add(firstIndex, i));
  });
}

static void emitStaticBlocks(IndexBuilder &ib, int64_t rows, int64_t maxRows,
                             RowBlockFn body) {
  if (rows == 0)
    return;
  int64_t blocks = llvm::divideCeil(rows, maxRows);
  int64_t size = rows / blocks, larger = rows % blocks;
  emitBlocks(ib, ib.constant(larger), size + 1, ib.constant(0), ib.constant(0),
             body);
  emitBlocks(ib, ib.constant(blocks - larger), size,
             ib.constant(larger * (size + 1)), ib.constant(larger), body);
}

static void emitDynamicBlocks(IndexBuilder &ib, OpFoldResult rows,
                              int64_t maxRows, RowBlockFn body) {
  OpBuilder &b = ib.b;
  Location loc = ib.loc;
  OpFoldResult zero = ib.constant(0), size = ib.constant(maxRows);
  if (maxRows == 1)
    return emitBlocks(ib, rows, 1, zero, zero, body);

  // With `missing` blocks one row shorter, the rest is a multiple.
  OpFoldResult blocks = ib.ceilDiv(rows, size);
  OpFoldResult missing = ib.sub(ib.mul(blocks, size), rows);
  Value balanced = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::ule,
                                         ib.value(missing), ib.value(blocks));
  auto select = [&](OpFoldResult yes, OpFoldResult no) -> OpFoldResult {
    return arith::SelectOp::create(b, loc, balanced, ib.value(yes),
                                   ib.value(no))
        .getResult();
  };
  OpFoldResult full = select(ib.sub(blocks, missing), ib.div(rows, size));
  OpFoldResult shorter = select(missing, zero);
  emitBlocks(ib, full, maxRows, zero, zero, body);
  emitBlocks(ib, shorter, maxRows - 1, ib.mul(full, size), full, body);
  if (maxRows <= 2)
    return;

  // At least two rows are missing where it does not work out. Few rows are made
  // of powers of two: a block for each count would make most of the code.
  OpFoldResult rest = select(zero, ib.rem(rows, size));
  for (int64_t count = llvm::bit_floor<uint64_t>(maxRows - 2); count > 0;
       count /= 2) {
    OpFoldResult below = ib.rem(rest, ib.constant(2 * count));
    OpFoldResult start = ib.add(ib.mul(full, size), ib.sub(rest, below));
    emitBlocks(ib, ib.div(below, ib.constant(count)), count, start, full, body);
  }
}

void mopt::forEachRowBlock(IndexBuilder &ib, OpFoldResult rows, int64_t maxRows,
                           RowBlockFn body) {
  if (std::optional<int64_t> count = getConstantIntValue(rows))
    return emitStaticBlocks(ib, *count, maxRows, body);
  emitDynamicBlocks(ib, rows, maxRows, body);
}

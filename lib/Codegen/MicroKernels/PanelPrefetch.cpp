// While the blocks of rows use one panel, together they fetch the next one.
// Running over the end of a share is harmless; a clamp in the loop is not.
#include "PanelPrefetch.h"

#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace mopt;

/// Bytes that one prefetch brings.
constexpr int64_t kLineBytes = 64;

/// Blocks of rows that share a panel if their number is not known.
constexpr int64_t kAssumedRowBlocks = 8;

PanelPrefetch mopt::getPanelPrefetch(IndexBuilder &ib, OpFoldResult panel,
                                     OpFoldResult steps, int64_t columns,
                                     OpFoldResult index, OpFoldResult blocks) {
  int64_t sharers = std::max<int64_t>(
      1, getConstantIntValue(blocks).value_or(kAssumedRowBlocks));
  int64_t perStep = llvm::PowerOf2Ceil(
      std::max<int64_t>(1, llvm::divideCeil(columns, sharers)));
  OpFoldResult share = ib.mul(steps, ib.constant(columns));
  if (std::optional<int64_t> size = getConstantIntValue(share))
    share = ib.constant(llvm::divideCeil(*size, sharers));
  else
    share = ib.ceilDiv(share, ib.constant(sharers));
  // Later blocks than assumed fetch the last share again.
  OpFoldResult position = ib.min(index, ib.constant(sharers - 1));
  return {ib.add(panel, ib.mul(position, share)), perStep};
}

static int64_t getLineElements(const LinearView &view) {
  return std::max<int64_t>(
      1, kLineBytes * 8 / view.getElementType().getIntOrFloatBitWidth());
}

void mopt::emitPrefetch(IndexBuilder &ib, const LinearView &view,
                        OpFoldResult position, int64_t elements,
                        int64_t locality) {
  for (int64_t done = 0; done < elements; done += getLineElements(view))
    memref::PrefetchOp::create(
        ib.b, ib.loc, view.buffer,
        ValueRange{ib.value(ib.add(position, ib.constant(done)))},
        /*isWrite=*/false, locality, /*isDataCache=*/true);
}

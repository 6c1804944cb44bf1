// While the blocks of rows use one panel, together they fetch the next one.
// Running over the end of a share is harmless; a clamp in the loop is not.
#include "PanelPrefetch.h"

#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace mopt;

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

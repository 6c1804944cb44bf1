// Tiles of attention, and what the copy engine sees of it.
#include "AttentionPlan.h"

#include "GridBuilder.h"

#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace mopt;

AttentionPlan::AttentionPlan(AttentionOp op, bool isCausal)
    : op(op), rows(op.getRows()), keys(op.getKeys()), depth(op.getDepth()),
      columns(op.getColumns()), batches(countElements(op.getBatchSizes())),
      batchSizes(op.getBatchSizes()), isCausal(isCausal) {}

int64_t AttentionPlan::countRowTiles() const {
  return llvm::divideCeil(rows, getRowsOfTile());
}

int64_t AttentionPlan::countKeyTiles() const {
  return llvm::divideCeil(keys, tileKeys);
}

int64_t AttentionPlan::countDepthBoxes() const {
  return llvm::divideCeil(depth, kBoxColumns);
}

int64_t AttentionPlan::countColumnBoxes() const {
  return llvm::divideCeil(columns, kBoxColumns);
}

int64_t AttentionPlan::getQueryBytes() const {
  // Results take their place.
  return std::max(countDepthBoxes(), storesBoxes ? countColumnBoxes() : 0) *
         kGroupRows * kRowBytes;
}

int64_t AttentionPlan::getKeyBytes() const {
  return countDepthBoxes() * tileKeys * kRowBytes;
}

int64_t AttentionPlan::getValueBytes() const {
  return countColumnBoxes() * tileKeys * kRowBytes;
}

bool AttentionPlan::matchSide(Side &side, Value buffer, AffineMap map,
                              int64_t rows, int64_t columns,
                              int64_t boxRows) const {
  static constexpr int64_t bytes = 2, multiple = 16;
  std::optional<LinearPlace> place = findLinearPlace(buffer, map);
  unsigned rowDim = batchSizes.size();
  if (!place || place->strides[rowDim + 1] != 1 ||
      place->offset * bytes % multiple != 0)
    return false;
  side.map.buffer = place->root.getArgNumber();
  side.map.elementBytes = bytes;
  side.map.offset = place->offset * bytes;
  side.map.dims = {{columns, bytes, kBoxColumns},
                   {rows, place->strides[rowDim] * bytes, boxRows}};
  for (auto [dim, size] : llvm::enumerate(batchSizes)) {
    if (size == 1 || place->strides[dim] == 0)
      continue;
    side.map.dims.push_back({size, place->strides[dim] * bytes, 1});
    side.batchDims.push_back(dim);
  }
  return side.map.dims.size() <= TensorMap::kMostDims &&
         llvm::all_of(llvm::drop_begin(side.map.dims),
                      [](const TensorMap::Dim &dim) {
                        return dim.stride > 0 && dim.stride % multiple == 0;
                      });
}

/// As many as take least time. Blocks of one group need so few registers and so
/// little shared memory that two run at once, if columns are few.
int64_t AttentionPlan::chooseGroups() const {
  static constexpr int64_t fewColumns = 64;
  bool hasFew = std::max(depth, columns) <= fewColumns;
  // Fewer rows see fewer keys in vain.
  if (countKeyTiles() == 1 || (hasFew && isCausal))
    return 1;
  // Blocks at once, and the time of as many (H200, 4096 queries and keys).
  struct Choice {
    int64_t groups, blocks, time;
  };
  static constexpr Choice few[] = {{1, 2 * kMultiprocessors, 220},
                                   {2, kMultiprocessors, 234},
                                   {3, kMultiprocessors, 300}};
  static constexpr Choice many[] = {{1, kMultiprocessors, 140},
                                    {2, kMultiprocessors, 200}};
  int64_t best = 1, least = 0;
  for (auto [count, atOnce, time] :
       hasFew ? ArrayRef<Choice>(few) : ArrayRef<Choice>(many)) {
    int64_t blocks = llvm::divideCeil(rows, count * kGroupRows) * batches;
    int64_t all = llvm::divideCeil(blocks, atOnce) * time;
    if (least == 0 || all < least)
      best = count, least = all;
  }
  return best;
}

bool AttentionPlan::match() {
  // Sums of more columns leave registers for half of the keys.
  static constexpr int64_t narrow = 128;
  // Columns of an instruction.
  static constexpr int64_t multiple = 8;
  if (columns % multiple != 0)
    return false;
  tileKeys = std::max(depth, columns) <= narrow ? 128 : 64;
  groups = chooseGroups();
  stages = std::min(stages, countKeyTiles());
  if (!matchSide(query, op.getQuery(), op.getQueryMap(), rows, depth,
                 kGroupRows) ||
      !matchSide(key, op.getKey(), op.getKeyMap(), keys, depth, tileKeys) ||
      !matchSide(value, op.getValue(), op.getValueMap(), keys, columns,
                 tileKeys))
    return false;
  storesBoxes =
      getElementTypeOrSelf(op.getInit().getType()).getIntOrFloatBitWidth() ==
          16 &&
      matchSide(result, op.getInit(), op.getInitMap(), rows, columns,
                kGroupRows);
  return true;
}

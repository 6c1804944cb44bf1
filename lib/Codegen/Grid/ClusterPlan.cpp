// How clusters of blocks divide a product, see the header.
#include "ClusterPlan.h"

#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace mopt;

/// With fewer rows than that a strip of columns is read by threads; with more
/// results of a contraction tiles of one block each fill the device, except
/// where they are of 32 bits, which clusters store in larger pieces (H200:
/// 50176 x 64 x 256 in 19 us for 43).
static constexpr int64_t kLeastRows = 9, kMostResults = 1 << 19,
                         kSmallDepth = 256;
static constexpr int64_t kLeastColumns = 33, kLeastDepth = 64;
/// Two blocks, maybe of different kernels, are on a multiprocessor at a time,
/// so that one can bring its weights while the other computes.
static constexpr int64_t kMostShared = 113 * 1024 - 2048;
static constexpr int64_t kMostStages = 7, kMostBlocks = 8;
/// What as many results more than those of the smallest tile take.
static constexpr int64_t kLeastResults = 64 * 64, kResultsTime = 150;
/// A block that has a multiprocessor for itself.
static constexpr int64_t kMostSharedAlone = 227 * 1024 - 2048;
/// What such a block takes besides its stages: nobody else computes meanwhile.
static constexpr int64_t kTimeAlone = 100;
/// Distances of windows along a dimension that the copy engine takes.
static constexpr int64_t kMostStride = 8;

ClusterPlan::ClusterPlan(AnchorOpInterface anchor, const ProductAccess &access)
    : anchor(anchor), rows(access.rows), columns(access.columns),
      depth(access.depth), batches(access.batches) {}

int64_t ClusterPlan::countTiles(const WarpgroupTile &tile) const {
  return llvm::divideCeil(rows, tile.getRows()) *
         llvm::divideCeil(columns, tile.columns) * batches;
}

int64_t ClusterPlan::countStages() const {
  return llvm::divideCeil(depth, kStageDepth);
}

int64_t ClusterPlan::countOwnStages() const {
  return llvm::divideCeil(countStages(), blocks);
}

int64_t ClusterPlan::getStagesBytes() const {
  return std::max(tile.stages * tile.getStageBytes(),
                  static_cast<int64_t>(llvm::alignTo(
                      tile.getRows() * getPitch() * 4, kPatternBytes)));
}

bool ClusterPlan::match() {
  if (rows < kLeastRows || columns < kLeastColumns || depth < kLeastDepth ||
      !anchor.getAccumulatorType().isF32())
    return false;
  if (auto contract = dyn_cast<ContractAnchorOp>(anchor.getOperation()))
    return matchContraction(contract);
  auto conv = dyn_cast<ConvAnchorOp>(anchor.getOperation());
  return conv && matchConvolution(conv);
}

/// Have both sides 16-bit floats of one type?
static bool areHalves(Value lhs, Value rhs) {
  Type type = getElementTypeOrSelf(lhs.getType());
  return (type.isF16() || type.isBF16()) &&
         getElementTypeOrSelf(rhs.getType()) == type;
}

/// Begins the map of what lies at `place`, without dimensions yet.
static bool startMap(TensorMap &map, const LinearPlace &place) {
  map.buffer = place.root.getArgNumber();
  map.offset = place.offset * map.elementBytes;
  return map.offset % 16 == 0;
}

/// Are the distances in `map` what the copy engine takes?
static bool isValid(const TensorMap &map) {
  return map.dims.size() <= TensorMap::kMostDims &&
         llvm::all_of(llvm::drop_begin(map.dims),
                      [](const TensorMap::Dim &dim) {
                        return dim.stride > 0 && dim.stride % 16 == 0;
                      });
}

bool ClusterPlan::matchContraction(ContractAnchorOp op) {
  if (!areHalves(op.getLhs(), op.getRhs()) ||
      op.getBlockColumns() != kBoxColumns || op.getInterleave() != 1)
    return false;
  // What takes the time of many results with a small depth is to store them.
  bool isShallow =
      depth <= kSmallDepth &&
      getElementTypeOrSelf(op.getInit().getType()).getIntOrFloatBitWidth() > 16;
  if (batches * rows * columns >= kMostResults && !isShallow)
    return false;
  type = getElementTypeOrSelf(op.getLhs().getType());
  for (int64_t dim = 0; dim < anchor.getOutputRank() - 2; ++dim)
    batchSizes.push_back(anchor.getOutputDimSize(dim));
  unsigned rowDim = batchSizes.size();
  std::optional<LinearPlace> left =
      findLinearPlace(op.getLhs(), op.getLhsIndexingMap());
  std::optional<LinearPlace> right =
      findLinearPlace(op.getRhs(), op.getRhsIndexingMap());
  if (!left || !right || left->strides[rowDim + 1] != 1 ||
      !startMap(lhs.map, *left) || !startMap(rhs.map, *right))
    return false;
  choose();
  auto addBatches = [&](Side &side, const LinearPlace &place) {
    for (auto [dim, size] : llvm::enumerate(batchSizes)) {
      if (size == 1 || place.strides[dim] == 0)
        continue;
      side.map.dims.push_back({size, place.strides[dim] * 2, 1});
      side.batchDims.push_back(dim);
    }
    return isValid(side.map);
  };
  lhs.map.dims = {{depth, 2, kStageDepth},
                  {rows, left->strides[rowDim] * 2, tile.getRows()}};
  int64_t step = right->strides[rowDim + 1], block = right->strides[rowDim];
  int64_t column = cast<MemRefType>(op.getRhs().getType())
                       .getStridesAndOffset()
                       .first.back();
  if (column != 1)
    return false;
  rhs.map.dims = {{kBoxColumns, 2, kBoxColumns},
                  {depth, step * 2, kStageDepth},
                  {static_cast<int64_t>(llvm::divideCeil(columns, kBoxColumns)),
                   block * 2, tile.columns / kBoxColumns}};
  return addBatches(lhs, *left) && addBatches(rhs, *right);
}

/// Rows of the input are those of all places of a window, one after the other:
/// the copy engine brings them, and zeros for what is outside.
bool ClusterPlan::matchConvolution(ConvAnchorOp op) {
  auto input = cast<MemRefType>(op.getInput().getType());
  auto filter = cast<MemRefType>(op.getFilter().getType());
  auto init = cast<MemRefType>(op.getInit().getType());
  int64_t rank = input.getRank();
  if (!areHalves(op.getInput(), op.getFilter()) || op.getInterleave() != 1 ||
      op.getBlockColumns() != kBoxColumns || rank < 3 ||
      rank > static_cast<int64_t>(TensorMap::kMostDims))
    return false;
  type = input.getElementType();
  WindowPlan plan;
  plan.channels = filter.getDimSize(filter.getRank() - 2);
  if (plan.channels % kStageDepth != 0)
    return false;
  // What the copy engine's fields hold: offsets within a window, and how far
  // one is in front of the first element or behind the last one.
  bool hasDepth = rank == TensorMap::kMostDims;
  int64_t mostOffset = hasDepth ? 31 : 255, mostFront = hasDepth ? 15 : 127;
  MLIRContext *context = op.getContext();
  std::optional<LinearPlace> left = findLinearPlace(
      op.getInput(), AffineMap::getMultiDimIdentityMap(rank, context));
  std::optional<LinearPlace> right = findLinearPlace(
      op.getFilter(),
      AffineMap::getMultiDimIdentityMap(filter.getRank(), context));
  if (!left || !right || left->strides[rank - 1] != 1 ||
      right->strides[filter.getRank() - 1] != 1 || !startMap(lhs.map, *left) ||
      !startMap(rhs.map, *right))
    return false;
  auto pads = op->getAttrOfType<DenseI64ArrayAttr>(kPadsAttr);
  // Of dimension `dim` of the input what there is of it.
  auto getSize = [&](int64_t dim) {
    return pads ? pads[rank + dim] : input.getDimSize(dim);
  };
  choose();
  lhs.map.dims.push_back({getSize(rank - 1), 2, kStageDepth});
  for (int64_t dim = rank - 2; dim > 0; --dim) {
    WindowPlan::Dim window{filter.getDimSize(dim + 1), init.getDimSize(dim),
                           op.getStrides()[dim - 1], op.getDilations()[dim - 1],
                           pads ? pads[dim] : 0};
    int64_t reach = (window.size - 1) * window.dilation;
    // Where the last window begins, from the last element on.
    int64_t last = (window.positions - 1) * window.stride - window.front -
                   (getSize(dim) - 1);
    if (reach > mostOffset || window.front > mostFront || last < -mostFront ||
        last > mostFront || window.stride > kMostStride)
      return false;
    lhs.map.dims.push_back({getSize(dim), left->strides[dim] * 2, 1});
    lhs.map.windows.push_back({-window.front, last, window.stride});
    plan.dims.push_back(window);
  }
  lhs.map.dims.push_back({getSize(0), left->strides[0] * 2, tile.getRows()});
  int64_t step = right->strides[filter.getRank() - 2];
  rhs.map.dims = {{kBoxColumns, 2, kBoxColumns},
                  {depth, step * 2, kStageDepth},
                  {filter.getDimSize(1), right->strides[1] * 2,
                   tile.columns / kBoxColumns}};
  batchSizes = {batches};
  if (batches > 1) {
    // A tile ends where the next group begins.
    rhs.map.dims.push_back({batches, right->strides[0] * 2, 1});
    rhs.batchDims = {0};
  }
  windows = plan;
  return isValid(lhs.map) && isValid(rhs.map);
}

/// Blocks of a cluster meet, and read each other's sums.
static int64_t getMeetingTime(int64_t blocks) {
  return blocks == 1 ? 0 : blocks == 2 ? 100 : 200 + 20 * (blocks - 3);
}

/// Times are 10 ns, fitted to an H200 (2026-11-30; BERT's products of 128 rows,
/// whose weights come from memory: for 768 x 2304, 768 x 768, 768 x 3072 and
/// 3072 x 768 one to eight blocks for tiles of 64 x 64, and ResNet-50's
/// convolutions). A block has its stages one after the other, at a rate that
/// what is under way decides; all of them share the second-level cache.
int64_t ClusterPlan::estimate() const {
  int64_t stage = tile.getStageBytes(), own = countOwnStages();
  int64_t all = countTiles(tile) * blocks;
  bool isShared = getStagesBytes() <= kMostShared;
  int64_t ofBlock = own * stage * (isShared ? 25 : 16) / 16384;
  int64_t time = isShared ? ofBlock * std::max(all, kMultiprocessors)
                          : (ofBlock + kTimeAlone) * kMultiprocessors *
                                llvm::divideCeil(all, kMultiprocessors);
  int64_t results = tile.getRows() * tile.columns;
  return time / kMultiprocessors + all * own * stage / 120000 +
         getMeetingTime(blocks) + (results / kLeastResults - 1) * kResultsTime;
}

/// The tile and cluster of the least estimated time.
void ClusterPlan::choose() {
  static constexpr WarpgroupTile tiles[] = {
      {1, 64, 0}, {2, 64, 0}, {1, 128, 0}, {2, 128, 0}};
  std::optional<int64_t> least;
  WarpgroupTile best;
  int64_t bestBlocks = 1;
  for (WarpgroupTile candidate : tiles)
    for (int64_t shared : {kMostShared, kMostSharedAlone}) {
      // Only large tiles are worth a multiprocessor.
      int64_t results = candidate.getRows() * candidate.columns;
      if (shared > kMostShared && results < 4 * kLeastResults)
        continue;
      for (int64_t count = 1; count <= std::min(kMostBlocks, countStages());
           ++count) {
        tile = candidate;
        blocks = count;
        tile.stages = std::min(
            {kMostStages, countOwnStages(), shared / tile.getStageBytes()});
        int64_t time = estimate();
        if (least && time >= *least)
          continue;
        least = time;
        best = tile;
        bestBlocks = count;
      }
    }
  tile = best;
  blocks = bestBlocks;
}

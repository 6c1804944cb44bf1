// What the copy engine and warpgroups do of a product, see the header.
#include "WarpgroupPlan.h"
#include "mopt/Dialect/Mopt/IR/SmallFloats.h"

#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace mopt;

/// Shared memory that a block may ask for, with room for the barriers.
static constexpr int64_t kMostShared = 227 * 1024 - 2048;
static constexpr int64_t kMostStages = 8;
static constexpr int64_t kMostTurnedColumns = 128;
/// A tile with fewer rows or columns is mostly empty.
static constexpr int64_t kLeastRows = 33, kLeastColumns = 33, kLeastDepth = 64;
/// With fewer results, tiles of warps are faster: there are more of them, and
/// they begin sooner (H200: 128 x 768 x 768 3.6 and 4.9 us, 1024 x 1024 x 1024
/// 9.8 and 7.5). Half as many are enough of a large depth, and any where a right
/// side need not be packed by a kernel of its own.
static constexpr int64_t kLeastResults = 1 << 19, kLargeDepth = 2048;

WarpgroupPlan::WarpgroupPlan(ContractAnchorOp op, const ProductAccess &access)
    : op(op), anchor(cast<AnchorOpInterface>(op.getOperation())),
      rows(access.rows), columns(access.columns), depth(access.depth),
      batches(access.batches) {
  for (int64_t dim = 0; dim < anchor.getOutputRank() - 2; ++dim)
    batchSizes.push_back(anchor.getOutputDimSize(dim));
  rowDim = batchSizes.size();
}

WarpgroupPlan::WarpgroupPlan(SparseAnchorOp op)
    : sparse(op), anchor(cast<AnchorOpInterface>(op.getOperation())),
      rows(anchor.getOutputDimSize(1)), columns(anchor.getOutputDimSize(0)),
      depth(op.getDepth()), batches(1), rowDim(0) {}

static bool isLargeEnough(int64_t rows, int64_t columns, int64_t depth) {
  return rows >= kLeastRows && columns >= kLeastColumns && depth >= kLeastDepth;
}

bool mopt::suitsWarpgroups(int64_t batches, int64_t rows, int64_t columns,
                           int64_t depth) {
  return isLargeEnough(rows, columns, depth) &&
         batches * rows * columns >=
             (depth < kLargeDepth ? kLeastResults : kLeastResults / 2);
}

/// Floats of 16 bits, f32 with a short mantissa, or bytes, with sums of 32
/// bits.
bool WarpgroupPlan::hasTypes() {
  Type lhs = getElementTypeOrSelf(op.getLhs().getType()),
       rhs = getElementTypeOrSelf(op.getRhs().getType()),
       sums = anchor.getAccumulatorType();
  if (lhs.isInteger(8))
    return rhs.isInteger(8) &&
           (getSmallFloat(op) ? sums.isF32() : sums.isInteger(32));
  ConfigAttr config = op.getConfigAttr();
  bool isShortened = lhs.isF32() && config && config.getMatrixUnit() == "warp";
  return (lhs.isF16() || lhs.isBF16() || isShortened) && rhs == lhs &&
         sums.isF32();
}

bool WarpgroupPlan::match(bool sparesPacking) {
  if (sparse)
    return matchSparse();
  if (op.getWeightsAttr() || op.getExcess() || !hasTypes() ||
      !isLargeEnough(rows, columns, depth) ||
      op.getBlockColumns() != kBlockColumns)
    return false;
  if (!sparesPacking && !suitsWarpgroups(batches, rows, columns, depth))
    return false;
  elementBytes =
      getElementTypeOrSelf(op.getLhs().getType()).getIntOrFloatBitWidth() / 8;
  tile = chooseTile();
  if (!matchLhs() || !matchRhs())
    return false;
  storesBoxes = matchResult();
  divideShared();
  return true;
}

void WarpgroupPlan::divideShared() {
  if (storesBoxes) {
    passes = tile.columns % (2 * getBoxColumns()) == 0 ? 2 : 1;
    resultBytes =
        tile.getRows() * tile.columns / passes * result.map.elementBytes;
  }
  tile.stages =
      std::min(kMostStages, (kMostShared - resultBytes) / tile.getStageBytes());
}

int64_t WarpgroupPlan::countTiles(const WarpgroupTile &tile) const {
  return llvm::divideCeil(rows, tile.getRows()) *
         llvm::divideCeil(columns, tile.columns) * batches;
}

/// The map of what lies at `place`, without dimensions yet.
static std::optional<TensorMap> start(const LinearPlace &place, Value buffer) {
  TensorMap map;
  map.elementBytes = getElementTypeOrSelf(buffer.getType())
                         .getIntOrFloatBitWidth() /
                     8;
  map.buffer = place.root.getArgNumber();
  map.offset = place.offset * map.elementBytes;
  if (map.offset % 16 != 0)
    return std::nullopt;
  return map;
}

bool WarpgroupPlan::addBatches(Side &side, const LinearPlace &place,
                               int64_t bytes) const {
  for (auto [dim, size] : llvm::enumerate(batchSizes)) {
    if (size == 1 || place.strides[dim] == 0)
      continue;
    side.map.dims.push_back({size, place.strides[dim] * bytes, 1});
    side.batchDims.push_back(dim);
  }
  return side.map.dims.size() <= TensorMap::kMostDims &&
         llvm::all_of(llvm::drop_begin(side.map.dims),
                      [](const TensorMap::Dim &dim) {
                        return dim.stride > 0 && dim.stride % 16 == 0;
                      });
}

bool WarpgroupPlan::matchLhs() {
  std::optional<LinearPlace> place =
      findLinearPlace(op.getLhs(), op.getLhsIndexingMap());
  if (!place || place->strides[rowDim + 1] != 1)
    return false;
  std::optional<TensorMap> map = start(*place, op.getLhs());
  if (!map)
    return false;
  lhs.map = *map;
  int64_t bytes = map->elementBytes;
  lhs.map.dims = {{depth, bytes, getStageDepth()},
                  {rows, place->strides[rowDim] * bytes, tile.getRows()}};
  return addBatches(lhs, *place, bytes);
}

bool WarpgroupPlan::matchRhs() {
  std::optional<LinearPlace> place =
      findLinearPlace(op.getRhs(), op.getRhsIndexingMap());
  if (!place)
    return false;
  std::optional<TensorMap> map = start(*place, op.getRhs());
  if (!map)
    return false;
  rhs.map = *map;
  int64_t bytes = map->elementBytes;
  int64_t step = place->strides[rowDim + 1], block = place->strides[rowDim];
  int64_t column =
      cast<MemRefType>(op.getRhs().getType()).getStridesAndOffset().first.back();
  int64_t blocks = llvm::divideCeil(columns, kBlockColumns);
  if (int64_t interleave = op.getInterleave(); interleave != 1) {
    // In words, of which a row of a box can have as many as a block's groups.
    constexpr int64_t word = 4;
    int64_t words = kBlockColumns * kGroupBytes / word;
    if (interleave * bytes != kGroupBytes || column != 1)
      return false;
    form = RhsForm::Groups;
    rhs.map.elementBytes = word;
    rhs.map.dims = {{words, word, words},
                    {blocks, block * bytes, tile.columns / kBlockColumns},
                    {static_cast<int64_t>(llvm::divideCeil(depth, interleave)),
                     step * bytes, kRowBytes / kGroupBytes}};
  } else if (step == 1 && block == kBlockColumns * column) {
    form = RhsForm::Columns;
    rhs.map.dims = {{depth, bytes, getStageDepth()},
                    {columns, column * bytes, tile.columns}};
  } else if (bytes != 2 || column != 1) {
    // Only elements of 16 bits are transposed by what multiplies them.
    return false;
  } else if (block == kBlockColumns && columns % kBlockColumns != 0) {
    // Rows that do not end with a block.
    form = RhsForm::Rows;
    rhs.map.dims = {{columns, bytes, kBlockColumns},
                    {depth, step * bytes, getStageDepth()}};
  } else if (column == 1) {
    form = RhsForm::Blocks;
    rhs.map.dims = {{kBlockColumns, bytes, kBlockColumns},
                    {depth, step * bytes, getStageDepth()},
                    {blocks, block * bytes, tile.columns / kBlockColumns}};
  } else {
    return false;
  }
  return addBatches(rhs, *place, bytes);
}

/// Rows of bytes or of elements of 16 bits go through shared memory; other
/// results are stored by the threads that have them.
bool WarpgroupPlan::matchResult() {
  Value init = op.getInit();
  Type type = getElementTypeOrSelf(init.getType());
  std::optional<LinearPlace> place =
      findLinearPlace(init, anchor.getInitIndexingMap());
  int64_t bits = type.getIntOrFloatBitWidth();
  if (!place || (bits != 16 && bits != 8) ||
      tile.columns % (kRowBytes * 8 / bits) != 0 ||
      place->strides[rowDim + 1] != 1 || columns % 2 != 0)
    return false;
  std::optional<TensorMap> map = start(*place, init);
  if (!map)
    return false;
  result.map = *map;
  int64_t bytes = map->elementBytes;
  result.map.dims = {{columns, bytes, getBoxColumns()},
                     {rows, place->strides[rowDim] * bytes, kGroupRows}};
  return addBatches(result, *place, bytes);
}

/// Cycles of a multiprocessor, by its rates: 2048 multiplications of 16 bits in
/// each, twice as many of bytes, and 64 bytes of the sides; the begin and end
/// of a tile take as long as some stages. A tile's begin overlaps with the last
/// one's end.
WarpgroupTile WarpgroupPlan::chooseTile() {
  static constexpr WarpgroupTile tiles[] = {
      {2, 256, 0}, {2, 192, 0}, {2, 128, 0}, {1, 256, 0},
      {1, 192, 0}, {1, 128, 0}, {2, 64, 0},  {1, 64, 0}};
  int64_t steps = llvm::divideCeil(depth, getStageDepth());
  std::optional<WarpgroupTile> best;
  int64_t leastCycles = 0;
  // A result takes so many instructions of the 128 that run at once: to convert
  // and store it, and the epilogue's.
  int64_t perResult =
      7 + llvm::range_size(anchor.getEpilogue().front().without_terminator());
  // Bytes leave in boxes that are whole.
  int64_t resultBits =
      getElementTypeOrSelf(anchor->getOperands().back().getType())
          .getIntOrFloatBitWidth();
  for (WarpgroupTile candidate : tiles) {
    if (resultBits == 8 && candidate.columns % kRowBytes != 0)
      continue;
    // Turned results of 32 bits leave one by one, whose addresses take
    // registers besides the sums.
    if (sparse && resultBits == 32 && candidate.columns > kMostTurnedColumns)
      continue;
    if (sparse)
      candidate.lhsRowBytes = kRowBytes / 2;
    int64_t rounds = llvm::divideCeil(countTiles(candidate), kMultiprocessors);
    int64_t products =
        candidate.getRows() * candidate.columns * candidate.lhsRowBytes / 4096;
    int64_t loads = candidate.getStageBytes() / 64;
    int64_t ends =
        1000 + candidate.getRows() * candidate.columns * perResult / 128;
    int64_t cycles =
        1500 + rounds * (steps * std::max(products, loads) + ends);
    if (best && cycles >= leastCycles)
      continue;
    best = candidate;
    leastCycles = cycles;
  }
  return *best;
}

/// The values are rows of half the depth, in blocks that follow each other; the
/// left side and the result are matrices.
bool WarpgroupPlan::matchSparse() {
  if (columns < kLeastColumns)
    return false;
  elementBytes =
      getElementTypeOrSelf(sparse.getLhs().getType()).getIntOrFloatBitWidth() /
      8;
  tile = chooseTile();
  auto find = [&](Value matrix) {
    return findLinearPlace(
        matrix, AffineMap::getMultiDimIdentityMap(2, matrix.getContext()));
  };
  std::optional<LinearPlace> values = find(sparse.getValues()),
                             left = find(sparse.getLhs()),
                             init = find(sparse.getInit());
  if (!values || !left || left->strides[1] != 1)
    return false;
  std::optional<TensorMap> valueMap = start(*values, sparse.getValues()),
                           leftMap = start(*left, sparse.getLhs());
  int64_t pitch = left->strides[0] * elementBytes;
  if (!valueMap || !leftMap || pitch % 16 != 0)
    return false;
  auto type = cast<MemRefType>(sparse.getValues().getType());
  int64_t padded = type.getDimSize(0) * sparse.getConfig().getColumns();
  int64_t kept = type.getNumElements() / padded;
  lhs.map = *valueMap;
  lhs.map.dims = {{kept, elementBytes, tile.lhsRowBytes / elementBytes},
                  {padded, kept * elementBytes, tile.getRows()}};
  form = RhsForm::Columns;
  rhs.map = *leftMap;
  rhs.map.dims = {{depth, elementBytes, getStageDepth()},
                  {columns, pitch, tile.columns}};
  std::optional<TensorMap> initMap;
  if (init && init->strides[1] == 1)
    initMap = start(*init, sparse.getInit());
  storesBoxes = initMap && initMap->elementBytes == 2 &&
                init->strides[0] * initMap->elementBytes % 16 == 0;
  if (storesBoxes) {
    result.map = *initMap;
    result.map.dims = {{rows, 2, kGroupRows},
                       {columns, init->strides[0] * 2, kGroupRows}};
  }
  divideShared();
  return true;
}

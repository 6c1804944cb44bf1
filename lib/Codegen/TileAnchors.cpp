// In: anchors on tensors (L4). Out: each in an scf.forall over tiles of its
// batches, rows and packed blocks (L5); small ones stay as they are. The grid
// is fixed here, and no tile splits a reduction, so results do not depend on
// the number of threads. Padding of what a tile reads moves into the tile where
// tiles don't share it. Leaves everything else alone.
#include "mopt/Codegen/Passes.h"
#include "mopt/Dialect/Mopt/IR/Mopt.h"

#include "mlir/Dialect/SCF/Transforms/TileUsingInterface.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Tensor/IR/TensorTilingInterfaceImpl.h"
#include "llvm/ADT/TypeSwitch.h"
#include <limits>
#include <optional>

using namespace mlir;

namespace mopt {
#define GEN_PASS_DEF_TILEANCHORS
#include "mopt/Codegen/Passes.h.inc"

namespace {
/// Rows that a dimension of unknown size is assumed to have, and two such
/// dimensions of a picture together.
constexpr int64_t kAssumedSize = 128, kAssumedPlane = 4096;

/// Tiles that keep all threads busy. Up to that many, both rows and columns are
/// cut; beyond it only what comes first.
constexpr int64_t kEnoughTiles = 16;
/// An anchor of fewer tiles stays whole: what tiles repeat would cost a small
/// model more than threads gain.
constexpr int64_t kLeastTiles = 4;
/// Rows of a tile at least: every tile reads all of its packed blocks, and
/// fewer rows would not make up for that.
constexpr int64_t kLeastRows = 32;

/// How long a multiplication of a depthwise convolution takes in units of one
/// of a product: each reads an input of its own.
constexpr double kDepthwiseWork = 3;
/// Copying a row of its input between borders, in units of computing a row.
constexpr double kPaddedRow = 0.3;

/// The iteration domain of an anchor as the tiling rule sees it.
struct Domain {
  SmallVector<int64_t> sizes;
  /// Dimensions to cut, in this order, and what a tile size must be a multiple
  /// of for that to be worth it, unless another one leaves no smaller last
  /// tile.
  SmallVector<std::pair<int64_t, int64_t>> order;
  /// Multiplications of a product, in time, per element of the domain.
  double work = 1;
  /// Tiles of packed blocks are multiples of that.
  int64_t streams = 1;
  /// Is the first dimension the batch of a convolution?
  bool hasBatch = false;
  /// What each tile of rows of a depthwise convolution does besides its rows,
  /// in their time.
  std::optional<double> overhead;
  /// A dimension of which more is assumed than of others, and what.
  int64_t rowDim = -1, rows = 0;

  /// The size of dimension `dim`, or what it is assumed to be.
  int64_t assume(int64_t dim) const {
    if (!ShapedType::isDynamic(sizes[dim]))
      return sizes[dim];
    return dim == rowDim ? rows : kAssumedSize;
  }
};

int64_t known(int64_t size) {
  return ShapedType::isDynamic(size) ? kAssumedSize : size;
}

/// What dimension `dim` of unknown size is assumed to have: where several are
/// one, as in a convolution that is a product, the positions of one picture.
int64_t assumeSize(Value value, int64_t dim) {
  auto collapse = value.getDefiningOp<tensor::CollapseShapeOp>();
  if (!collapse)
    return kAssumedSize;
  SmallVector<int64_t, 2> group = collapse.getReassociationIndices()[dim];
  int64_t positions = 1, unknown = 0;
  for (int64_t part : group) {
    int64_t size = collapse.getSrcType().getDimSize(part);
    if (!ShapedType::isDynamic(size))
      positions *= size;
    else if (part != group.front())
      ++unknown;
  }
  if (unknown == 0)
    return std::max(positions, kAssumedSize);
  return positions * (unknown == 1 ? kAssumedSize : kAssumedPlane);
}

int64_t getConfigRows(AnchorOpInterface op) {
  return op.getConfigAttr() ? op.getConfigAttr().getRows() : 1;
}

/// Rows or columns first, whichever are more: the other operand is then the
/// smaller one, and it is what every tile reads.
void orderRowsAndBlocks(Domain &domain, int64_t rowDim, int64_t rows,
                        int64_t rowMultiple, int64_t blockDim, int64_t width) {
  std::pair<int64_t, int64_t> row(rowDim, rowMultiple), block(blockDim, 1);
  if (width >= rows)
    domain.order.append({block, row});
  else
    domain.order.append({row, block});
}

Domain getDomain(ContractAnchorOp op) {
  auto anchor = cast<AnchorOpInterface>(op.getOperation());
  Domain domain;
  int64_t rank = op.getOutputRank();
  auto rhs = cast<ShapedType>(op.getRhs().getType());
  auto sizeInRhs = [&](int64_t dim) {
    return rhs.getDimSize(*op.getRhsIndexingMap().getResultPosition(
        getAffineDimExpr(dim, op.getContext())));
  };
  for (int64_t i = 0; i < rank - 1; ++i)
    domain.sizes.push_back(anchor.getOutputDimSize(i));
  domain.sizes.push_back(sizeInRhs(rank - 2));
  for (int64_t i = 0; i < rank - 2; ++i)
    domain.order.push_back({i, 1});
  domain.rowDim = rank - 2;
  domain.rows =
      assumeSize(op.getLhs(), *op.getLhsIndexingMap().getResultPosition(
                                  getAffineDimExpr(rank - 2, op.getContext())));
  orderRowsAndBlocks(domain, rank - 2, domain.assume(rank - 2),
                     llvm::alignTo(kLeastRows, getConfigRows(anchor)), rank - 1,
                     known(domain.sizes[rank - 1]) * op.getBlockColumns());
  // The depth is in groups there.
  BlockWeightsAttr weights = op.getWeightsAttr();
  domain.work = known(sizeInRhs(rank - 1)) * op.getBlockColumns() *
                int64_t(weights ? weights.getGroup() : op.getInterleave());
  // What few rows wait for is the right side: in the time in which a byte comes
  // from the second-level cache, a vector unit multiplies about one float.
  if (!weights)
    domain.work *=
        std::max(1.0, rhs.getElementTypeBitWidth() / 8.0 /
                          std::max<int64_t>(1, domain.assume(rank - 2)));
  // Those that a row reads together are a tile's.
  if (domain.sizes[rank - 2] == 1 && op.getConfigAttr())
    domain.streams = op.getConfigAttr().getStreams();
  return domain;
}

Domain getDomain(SparseAnchorOp op) {
  auto anchor = cast<AnchorOpInterface>(op.getOperation());
  auto values = cast<ShapedType>(op.getValues().getType());
  Domain domain;
  domain.sizes = {cast<ShapedType>(op.getLhs().getType()).getDimSize(0),
                  values.getDimSize(0)};
  // Rows of the lanes or masks of one block are expanded together.
  if (op.getRowBlock() > 1)
    orderRowsAndBlocks(domain, 0, known(anchor.getOutputDimSize(0)), 1, 1,
                       known(anchor.getOutputDimSize(1)));
  else
    domain.order.push_back({1, 1});
  domain.work = known(values.getDimSize(1)) * op.getRowBlock();
  return domain;
}

Domain getDomain(ConvAnchorOp op) {
  auto anchor = cast<AnchorOpInterface>(op.getOperation());
  Domain domain;
  int64_t rank = op.getOutputRank(), rows = 1;
  auto filter = cast<ShapedType>(op.getFilter().getType());
  for (int64_t i = 0; i < rank - 1; ++i)
    domain.sizes.push_back(anchor.getOutputDimSize(i));
  domain.sizes.append({filter.getDimSize(0), filter.getDimSize(1)});
  for (int64_t size : ArrayRef(domain.sizes).slice(1, rank - 2))
    rows *= known(size);
  domain.order.push_back({0, 1});
  domain.hasBatch = true;
  int64_t plane =
      std::max<int64_t>(1, rows / std::max<int64_t>(1, known(domain.sizes[1])));
  orderRowsAndBlocks(domain, 1, rows, llvm::divideCeil(kLeastRows, plane), rank,
                     known(filter.getDimSize(1)) * op.getBlockColumns());
  // Groups before their blocks, but behind rows that come first: what the next
  // convolution reads is then written by the thread that reads it.
  auto *blocks = llvm::find_if(
      domain.order, [&](const auto &entry) { return entry.first == rank; });
  domain.order.insert(blocks, {rank - 1, 1});
  for (int64_t size : filter.getShape().drop_front(2))
    domain.work *= known(size);
  return domain;
}

Domain getDomain(DepthwiseAnchorOp op) {
  auto anchor = cast<AnchorOpInterface>(op.getOperation());
  Domain domain;
  for (int64_t i = 0; i < op.getOutputRank(); ++i)
    domain.sizes.push_back(anchor.getOutputDimSize(i));
  domain.order.append({{0, 1}, {1, getConfigRows(anchor)}});
  domain.hasBatch = true;
  domain.work = kDepthwiseWork;
  auto filter = cast<ShapedType>(op.getFilter().getType());
  int64_t reach = (filter.getDimSize(0) - 1) * op.getDilations()[0] + 1;
  domain.overhead =
      kPaddedRow * std::max<int64_t>(0, reach - op.getStrides()[0]);
  for (int64_t size : filter.getShape().drop_back())
    domain.work *= known(size);
  return domain;
}

/// Bytes of padded input that a tile should have at most: they are written and
/// read once more, in the second-level cache.
constexpr int64_t kPaddedTileBytes = 256 << 10;

/// The padding whose only reader is `op`, if no window lies in it as a whole.
tensor::PadOp getPadding(AnchorOpInterface op) {
  Operation *anchor = op.getOperation();
  if (!isa<ConvAnchorOp, DepthwiseAnchorOp>(anchor))
    return {};
  auto pad = anchor->getOperand(0).getDefiningOp<tensor::PadOp>();
  if (!pad || !pad->hasOneUse() || !pad.getConstantPaddingValue() ||
      pad.getStaticLow()[0] != 0 || pad.getStaticHigh()[0] != 0)
    return {};
  // Each tile has pictures of its own, as many as there may be.
  RankedTensorType source = pad.getSourceType();
  if (source.getDimSize(0) == 0 ||
      llvm::any_of(source.getShape().drop_front(),
                   [](int64_t size) { return size <= 0; }))
    return {};
  auto conv = dyn_cast<ConvAnchorOp>(anchor);
  auto filter = cast<ShapedType>(anchor->getOperand(1).getType());
  ArrayRef<int64_t> kernel = conv ? filter.getShape().drop_front(2).drop_back(2)
                                  : filter.getShape().drop_back();
  ArrayRef<int64_t> dilations =
      conv ? conv.getDilations()
           : cast<DepthwiseAnchorOp>(anchor).getDilations();
  for (auto [i, size] : llvm::enumerate(kernel)) {
    int64_t reach = (size - 1) * dilations[i] + 1;
    int64_t low = pad.getStaticLow()[i + 1], high = pad.getStaticHigh()[i + 1];
    if (ShapedType::isDynamic(low) || ShapedType::isDynamic(high) ||
        low >= reach || high >= reach)
      return {};
  }
  return pad;
}

/// Output positions along the first spatial dimension of which a tile's padded
/// input stays in the cache.
int64_t getPaddedTile(AnchorOpInterface op, tensor::PadOp pad) {
  auto conv = dyn_cast<ConvAnchorOp>(op.getOperation());
  int64_t stride =
      conv ? conv.getStrides()[0]
           : cast<DepthwiseAnchorOp>(op.getOperation()).getStrides()[0];
  RankedTensorType type = pad.getResultType();
  int64_t bytes = llvm::divideCeil(type.getElementTypeBitWidth(), 8);
  for (int64_t size : type.getShape().drop_front(2))
    bytes *= size;
  // Fewer than four would mostly pad what the next tile pads again.
  return std::max<int64_t>(4, kPaddedTileBytes / std::max<int64_t>(1, bytes) /
                                  stride);
}

/// A tile size that gives about `count` tiles of `size`: one without a smaller
/// last tile if there is one at least half as large, `step` apart.
int64_t chooseTile(int64_t size, int64_t count, int64_t multiple,
                   int64_t step = 1) {
  int64_t tile = llvm::alignTo(llvm::divideCeil(size, count), multiple);
  if (tile >= size)
    return size;
  for (int64_t smaller = tile; smaller * 2 >= tile && smaller > 0;
       smaller -= step)
    if (size % smaller == 0)
      return smaller;
  return tile;
}

/// Rows of a tile of `rows`, at most `longest`, for about `count` tiles at
/// most: those with which the slowest of 1, 2 or 4 threads is done soonest, if
/// each tile takes as long as `overhead` rows more than it has. Few rows leave
/// little choice, and one tile more or less counts: 14 in tiles of 5 keep one
/// of two threads busy with 10.
int64_t chooseRows(int64_t rows, int64_t count, int64_t longest,
                   double overhead) {
  int64_t first = std::min(rows, longest), best = first;
  double least = std::numeric_limits<double>::infinity();
  for (int64_t tile = first; tile > 0; --tile) {
    int64_t tiles = llvm::divideCeil(rows, tile);
    if (tiles > count && tile < first)
      break;
    double time = 0;
    for (int64_t threads : {1, 2, 4})
      time += threads * llvm::divideCeil(tiles, threads) * (tile + overhead);
    if (time < least) {
      least = time;
      best = tile;
    }
  }
  return best;
}

struct TileAnchors : impl::TileAnchorsBase<TileAnchors> {
  using TileAnchorsBase::TileAnchorsBase;

  /// Zero for a dimension that is not cut.
  SmallVector<int64_t> chooseTiles(AnchorOpInterface op) {
    if (!tileSizes.empty())
      return SmallVector<int64_t>(tileSizes.begin(), tileSizes.end());
    Domain domain = llvm::TypeSwitch<Operation *, Domain>(op)
                        .Case<ContractAnchorOp, SparseAnchorOp, ConvAnchorOp,
                              DepthwiseAnchorOp>(
                            [](auto anchor) { return getDomain(anchor); });
    SmallVector<int64_t> tiles(domain.sizes.size(), 0);
    // A batch that only run time knows is one picture most of the time: each is
    // a tile, and is cut like a batch of one, else one thread computes it.
    if (domain.hasBatch && ShapedType::isDynamic(domain.sizes[0]))
      domain.sizes[0] = tiles[0] = 1;
    double work = domain.work;
    for (size_t dim = 0; dim < domain.sizes.size(); ++dim)
      work *= domain.assume(dim);
    int64_t most = std::min<double>(maxTiles, work / minWork);
    if (most < kLeastTiles)
      most = 1;
    int64_t wanted = most, have = 1;
    for (auto [dim, multiple] : domain.order) {
      if (wanted <= 1)
        break;
      int64_t size = domain.sizes[dim];
      if (size == 0 || size == 1)
        continue;
      if (ShapedType::isDynamic(size)) {
        // As many as there are at run time.
        int64_t assumed = domain.assume(dim);
        tiles[dim] = llvm::alignTo(
            llvm::divideCeil(assumed, std::min(wanted, assumed)), multiple);
        have *= llvm::divideCeil(assumed, tiles[dim]);
        wanted = std::min(most, kEnoughTiles) / have;
        continue;
      }
      bool isBlocks = dim + 1 == static_cast<int64_t>(domain.sizes.size());
      int64_t step = isBlocks ? domain.streams : 1;
      int64_t tile =
          domain.overhead && dim == 1
              ? chooseRows(size, wanted, size, *domain.overhead)
              : chooseTile(size, wanted, std::max(multiple, step), step);
      if (tile == size)
        continue;
      tiles[dim] = tile;
      have *= llvm::divideCeil(size, tile);
      wanted = std::min(most, kEnoughTiles) / have;
    }
    return tiles;
  }

  /// Moves the padding that the tile `op` reads a part of into the tile.
  static LogicalResult fusePadding(IRRewriter &rewriter, Operation *op) {
    auto slice = op->getOperand(0).getDefiningOp<tensor::ExtractSliceOp>();
    auto pad =
        slice ? slice.getSource().getDefiningOp<tensor::PadOp>() : nullptr;
    if (!pad)
      return success();
    rewriter.setInsertionPoint(slice);
    FailureOr<TilingResult> padded = tensor::bubbleUpPadSlice(
        rewriter, pad, slice.getMixedOffsets(), slice.getMixedSizes(),
        /*generateZeroSliceGuard=*/false);
    if (failed(padded))
      return failure();
    Value value = padded->tiledValues.front();
    if (value.getType() != slice.getType())
      value = tensor::CastOp::create(rewriter, slice.getLoc(), slice.getType(),
                                     value);
    rewriter.replaceOp(slice, value);
    if (pad->use_empty())
      rewriter.eraseOp(pad);
    return success();
  }

  void runOnOperation() override {
    SmallVector<AnchorOpInterface> anchors;
    getOperation()->walk([&](AnchorOpInterface op) {
      if (isa<RankedTensorType>(op.getInit().getType()))
        anchors.push_back(op);
    });
    IRRewriter rewriter(&getContext());
    for (AnchorOpInterface op : anchors) {
      SmallVector<int64_t> tiles = chooseTiles(op);
      if (llvm::all_of(tiles, [](int64_t tile) { return tile == 0; }))
        continue;
      // Tiles of other channels would each pad the same positions.
      tensor::PadOp pad = getPadding(op);
      int64_t spatial = pad ? pad.getResultType().getRank() - 1 : 0;
      bool padsInTiles =
          pad && llvm::all_of(ArrayRef(tiles).drop_front(spatial),
                              [](int64_t tile) { return tile == 0; });
      if (padsInTiles && tileSizes.empty() &&
          !ShapedType::isDynamic(op.getOutputDimSize(1))) {
        int64_t rows = op.getOutputDimSize(1),
                most = std::min(getPaddedTile(op, pad), rows);
        if (tiles[1] == 0 || tiles[1] > most)
          tiles[1] = chooseRows(rows, 2 * llvm::divideCeil(rows, most), most,
                                2 * kPaddedRow);
      }
      scf::SCFTilingOptions options;
      options.setTileSizes(getAsIndexOpFoldResult(&getContext(), tiles));
      options.setLoopType(scf::SCFTilingOptions::LoopType::ForallOp);
      rewriter.setInsertionPoint(op);
      FailureOr<scf::SCFTilingResult> tiled = scf::tileUsingSCF(
          rewriter, cast<TilingInterface>(op.getOperation()), options);
      if (failed(tiled)) {
        op->emitOpError("could not be tiled");
        return signalPassFailure();
      }
      rewriter.replaceOp(op, tiled->replacements);
      if (padsInTiles && llvm::any_of(tiled->tiledOps, [&](Operation *tile) {
            return failed(fusePadding(rewriter, tile));
          }))
        return signalPassFailure();
    }
  }
};
} // namespace
} // namespace mopt

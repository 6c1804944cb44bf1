// Level in: structured. Level out: vector, as far as linalg ops go: the op that
// makes a kernel's result runs as tiles of an scf.forall, its producers inside.
// Tile sizes follow from shapes alone, so results do not depend on threads.
#include "mopt/Codegen/Passes.h"
#include "mopt/Support/Attributes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/SCF/Transforms/TileUsingInterface.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Tensor/Transforms/Transforms.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

using namespace mlir;

namespace mopt {
#define GEN_PASS_DEF_TILEKERNELS
#include "mopt/Codegen/Passes.h.inc"
} // namespace mopt

using namespace mopt;

/// Scalar operations that a tile should have at least: some ten microseconds,
/// against less than one for handing it to a thread.
static constexpr int64_t kGrain = 16 << 10;
/// Elements that a tile should have where its ops hand values to each other:
/// they stay in the first-level cache.
static constexpr int64_t kLocalGrain = 2 << 10;
/// Fewer would not pay for a tile's own bookkeeping.
static constexpr int64_t kSmallestTile = 128;
/// Stands for a size that is not known.
static constexpr int64_t kTypicalSize = 64;

/// How many of `range` iterations of `work` elements each make a tile of about
/// `grain`: a divisor where one is near, so that all tiles have one static
/// size.
static int64_t chooseTileSize(int64_t range, int64_t work, int64_t grain) {
  int64_t tile = llvm::divideCeil(grain, std::max<int64_t>(work, 1));
  if (ShapedType::isDynamic(range))
    return tile;
  for (int64_t divisor = std::min(tile, range); divisor > 0; --divisor)
    if (range % divisor == 0)
      return divisor * work >= kSmallestTile ? divisor : tile;
  return tile;
}

/// Tile sizes of the loops of `op`: 1 for the outer parallel ones, 0 (all) for
/// the inner ones. Empty if the work is too small to be split.
static SmallVector<int64_t> chooseTileSizes(linalg::LinalgOp op,
                                            int64_t grain) {
  SmallVector<int64_t> ranges = op.getStaticLoopRanges();
  SmallVector<utils::IteratorType> iterators = op.getIteratorTypesArray();
  int64_t work = 1;
  bool isKnown = true;
  for (auto [range, iterator] : llvm::zip_equal(ranges, iterators)) {
    isKnown &= ShapedType::isStatic(range);
    if (iterator != utils::IteratorType::parallel)
      work *= ShapedType::isStatic(range) ? std::max<int64_t>(range, 1)
                                          : kTypicalSize;
  }
  SmallVector<int64_t> tiles(ranges.size(), 0);
  bool isTiled = false;
  for (int64_t loop = ranges.size() - 1; loop >= 0; --loop) {
    if (iterators[loop] != utils::IteratorType::parallel)
      continue;
    int64_t size =
        ShapedType::isStatic(ranges[loop]) ? ranges[loop] : kTypicalSize;
    if (work >= grain) {
      tiles[loop] = 1;
    } else if (work * size > grain || ShapedType::isDynamic(ranges[loop])) {
      int64_t tile = chooseTileSize(ranges[loop], work, grain);
      // One tile that holds all is no tile.
      if (ShapedType::isStatic(ranges[loop]) && tile >= ranges[loop])
        tile = 0;
      tiles[loop] = tile;
    }
    work *= std::max<int64_t>(size, 1);
    isTiled |= tiles[loop] != 0 && ranges[loop] != 1;
  }
  if (!isTiled || (isKnown && work < 2 * kGrain))
    return {};
  return tiles;
}

/// The linalg op that computes `value`, seen through changes of shape.
static linalg::LinalgOp getRoot(Value value) {
  while (Operation *def = value.getDefiningOp()) {
    if (auto root = dyn_cast<linalg::LinalgOp>(def))
      return root;
    if (!isa<tensor::ExpandShapeOp, tensor::CollapseShapeOp, tensor::CastOp>(
            def))
      break;
    value = def->getOperand(0);
  }
  return {};
}

namespace {
struct TileKernels : mopt::impl::TileKernelsBase<TileKernels> {
  void runOnOperation() override {
    func::FuncOp kernel = getOperation();
    if (!kernel->hasAttr(kKernelAttr) || kernel.isDeclaration())
      return;
    auto ret = cast<func::ReturnOp>(kernel.getBody().front().getTerminator());
    if (ret.getNumOperands() != 1)
      return;
    linalg::LinalgOp root = getRoot(ret.getOperand(0));
    if (!root || root->getNumResults() != 1)
      return;
    int64_t steps = llvm::count_if(kernel.getBody().front(), [](Operation &op) {
      return isa<linalg::LinalgOp>(op) && !isa<linalg::FillOp>(op);
    });
    SmallVector<int64_t> tiles =
        chooseTileSizes(root, steps > 1 ? kLocalGrain : kGrain);
    if (tiles.empty())
      return;

    scf::SCFTilingOptions tiling;
    tiling.setTileSizes(getAsIndexOpFoldResult(&getContext(), tiles));
    tiling.setLoopType(scf::SCFTilingOptions::LoopType::ForallOp);
    scf::SCFTileAndFuseOptions options;
    options.setTilingOptions(tiling);
    options.setFusionControlFn(
        [](tensor::ExtractSliceOp, OpResult producer, bool isDestination)
            -> std::optional<scf::SCFTileAndFuseOptions::ControlFnResult> {
          if (!isa<linalg::LinalgOp>(producer.getOwner()))
            return std::nullopt;
          return scf::SCFTileAndFuseOptions::ControlFnResult{};
        });
    IRRewriter rewriter(&getContext());
    rewriter.setInsertionPoint(root);
    FailureOr<scf::SCFTileAndFuseResult> tiled =
        scf::tileConsumerAndFuseProducersUsingSCF(
            rewriter, cast<TilingInterface>(root.getOperation()), options);
    if (failed(tiled)) {
      root.emitOpError("could not be tiled");
      return signalPassFailure();
    }
    for (OpResult result : root->getResults())
      if (Value replacement = tiled->replacements.lookup(result))
        rewriter.replaceAllUsesWith(result, replacement);
    // What a tile keeps for itself is a buffer of its own.
    RewritePatternSet patterns(&getContext());
    tensor::populateFoldTensorEmptyPatterns(patterns);
    if (failed(applyPatternsGreedily(kernel, std::move(patterns))))
      signalPassFailure();
  }
};
} // namespace

// Level in: structured. Level out: vector, as far as linalg ops go: the op that
// makes a kernel's result runs as tiles of an scf.forall, its producers inside.
// Tile sizes follow from shapes alone, so results do not depend on threads.
#include "TileSizes.h"

#include "mopt/Codegen/Passes.h"
#include "mopt/Support/Attributes.h"
#include "mopt/Support/SumOrder.h"

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

/// Elements that a tile should have where its ops hand values to each other:
/// they stay in the first-level cache.
static constexpr int64_t kLocalGrain = 2 << 10;

/// The linalg op that computes `value`, seen through changes of shape, or what
/// it has between borders.
static linalg::LinalgOp getRoot(Value value) {
  while (Operation *def = value.getDefiningOp()) {
    if (auto root = dyn_cast<linalg::LinalgOp>(def))
      return root;
    if (auto insert = dyn_cast<tensor::InsertSliceOp>(def)) {
      bool isBorder = insert.getSource().getDefiningOp<linalg::FillOp>();
      value = isBorder ? insert.getDest() : insert.getSource();
      continue;
    }
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
    bool isOrdered = llvm::any_of(kernel.getBody().front(), [](Operation &op) {
      return op.hasAttr(kInOrderAttr);
    });
    SmallVector<int64_t> tiles = chooseTileSizes(
        root, steps > 1 ? kLocalGrain : kTileGrain,
        isOrdered ? kRowsInOrder : 1,
        /*ragged=*/steps == 1 && isa<linalg::TransposeOp>(root));
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
          auto op = dyn_cast<linalg::LinalgOp>(producer.getOwner());
          // Upstream's tiling drops loops that never run.
          if (!op || llvm::is_contained(op.getStaticLoopRanges(), 0))
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

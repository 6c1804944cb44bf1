// In: anchors and linalg ops on tensors (L4). Out: elementwise users of an
// anchor are part of its epilogue, transpositions part of its maps. Leaves
// users alone that reduce, that other ops share the anchor with, or whose
// operands an epilogue cannot address.
#include "mopt/Codegen/Passes.h"
#include "mopt/Dialect/Mopt/IR/Mopt.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Linalg/Transforms/Transforms.h"
#include "mlir/Dialect/MemRef/Transforms/Transforms.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

using namespace mlir;

namespace mopt {
#define GEN_PASS_DEF_FUSEEPILOGUE
#include "mopt/Codegen/Passes.h.inc"

namespace {
/// Can an epilogue load through `map` from the output space?
bool isEpilogueMap(AffineMap map) {
  llvm::SmallBitVector seen(map.getNumDims());
  for (auto [i, expr] : llvm::enumerate(map.getResults())) {
    if (auto constant = dyn_cast<AffineConstantExpr>(expr)) {
      if (constant.getValue() != 0)
        return false;
      continue;
    }
    auto dim = dyn_cast<AffineDimExpr>(expr);
    if (!dim || seen.test(dim.getPosition()) ||
        (dim.getPosition() + 1 == map.getNumDims() &&
         i + 1 != map.getNumResults()))
      return false;
    seen.set(dim.getPosition());
  }
  return true;
}

bool keepsLastDim(AffineMap map) {
  return map.getNumResults() > 0 &&
         map.getResults().back() ==
             getAffineDimExpr(map.getNumDims() - 1, map.getContext());
}

/// Only elementwise ops and constants, none of which reads the destination.
bool hasEpilogueBody(linalg::LinalgOp op) {
  for (OpOperand &init : op.getDpsInitsMutable())
    if (op.payloadUsesValueFromOperand(&init))
      return false;
  return llvm::all_of(op.getBlock()->without_terminator(), [](Operation &o) {
    return o.hasTrait<OpTrait::ConstantLike>() ||
           OpTrait::hasElementwiseMappableTraits(&o);
  });
}

struct FuseConsumer : OpInterfaceRewritePattern<linalg::LinalgOp> {
  using OpInterfaceRewritePattern::OpInterfaceRewritePattern;

  LogicalResult matchAndRewrite(linalg::LinalgOp op,
                                PatternRewriter &rewriter) const override {
    if (op.getNumLoops() != op.getNumParallelLoops() ||
        op->getNumResults() != 1)
      return failure();
    AnchorOpInterface anchor;
    OpOperand *use = nullptr;
    for (OpOperand *operand : op.getDpsInputOperands()) {
      auto producer = operand->get().getDefiningOp<AnchorOpInterface>();
      if (producer && llvm::all_of(producer->getUsers(), [&](Operation *user) {
            return user == op;
          })) {
        anchor = producer;
        use = operand;
        break;
      }
    }
    if (!anchor)
      return failure();
    if (!hasEpilogueBody(op))
      return rewriter.notifyMatchFailure(op, "is not elementwise");

    // From the output space of the anchor to the loops of the user.
    AffineMap read = op.getMatchingIndexingMap(use);
    if (!read.isPermutation())
      return rewriter.notifyMatchFailure(op, "does not read each element once");
    AffineMap loops =
        inversePermutation(read).compose(anchor.getInitIndexingMap());
    OpOperand *init = op.getDpsInitOperand(0);
    AffineMap written = op.getMatchingIndexingMap(init);
    if (!written.isPermutation())
      return rewriter.notifyMatchFailure(op,
                                         "does not write each element once");
    AffineMap initMap = written.compose(loops);
    if (!initMap.isIdentity() &&
        !(isa<ContractAnchorOp>(anchor.getOperation()) &&
          keepsLastDim(initMap)))
      return rewriter.notifyMatchFailure(op, "stores in another order");
    for (OpOperand *operand : op.getDpsInputOperands()) {
      AffineMap map = op.getMatchingIndexingMap(operand).compose(loops);
      if (operand->get() == use->get()
              ? op.getMatchingIndexingMap(operand) != read
              : !isEpilogueMap(map))
        return rewriter.notifyMatchFailure(op, "reads an operand in an order "
                                               "that epilogues do not have");
    }
    fuse(op, anchor, use->get(), loops, initMap, rewriter);
    return success();
  }

private:
  static void fuse(linalg::LinalgOp op, AnchorOpInterface anchor, Value result,
                   AffineMap loops, AffineMap initMap,
                   PatternRewriter &rewriter) {
    SmallVector<Value> operands = anchor.getReductionInputs();
    llvm::append_range(operands, anchor.getEpilogueInputs());
    SmallVector<AffineMap> maps = anchor.getEpilogueIndexingMaps();
    SmallVector<OpOperand *> added;
    for (OpOperand *operand : op.getDpsInputOperands())
      if (operand->get() != result) {
        added.push_back(operand);
        operands.push_back(operand->get());
        maps.push_back(op.getMatchingIndexingMap(operand).compose(loops));
      }
    operands.push_back(op.getDpsInitOperand(0)->get());

    OperationState state(rewriter.getFusedLoc({anchor.getLoc(), op.getLoc()}),
                         anchor->getName(), operands, op->getResultTypes(),
                         anchor->getAttrs());
    state.attributes.set("epilogue_maps", rewriter.getAffineMapArrayAttr(maps));
    if (isa<ContractAnchorOp>(anchor.getOperation())) {
      state.attributes.erase("init_map");
      if (!initMap.isIdentity())
        state.attributes.set("init_map", AffineMapAttr::get(initMap));
    }
    // The inputs of the epilogue are the last operands but one.
    constexpr StringLiteral kSegments = "operandSegmentSizes";
    if (auto sizes = dyn_cast_or_null<DenseI32ArrayAttr>(
            state.attributes.get(kSegments))) {
      SmallVector<int32_t> segments(sizes.asArrayRef());
      segments[segments.size() - 2] += added.size();
      state.attributes.set(kSegments, rewriter.getDenseI32ArrayAttr(segments));
    }
    state.addRegion();
    auto fused = cast<AnchorOpInterface>(rewriter.create(state));

    // The anchor's epilogue, then the user's body on what it yields.
    Region &region = fused.getEpilogue();
    IRMapping mapping;
    anchor.getEpilogue().cloneInto(&region, mapping);
    Block &body = region.front();
    Operation *yield = body.getTerminator();
    IRMapping values;
    for (OpOperand *operand : op.getDpsInputOperands())
      if (operand->get() == result)
        values.map(op.getMatchingBlockArgument(operand), yield->getOperand(0));
    for (OpOperand *operand : added) {
      BlockArgument inner = op.getMatchingBlockArgument(operand);
      values.map(inner, body.addArgument(inner.getType(), inner.getLoc()));
    }
    OpBuilder::InsertionGuard guard(rewriter);
    rewriter.setInsertionPoint(yield);
    for (Operation &nested : op.getBlock()->without_terminator())
      rewriter.clone(nested, values);
    Value last = op.getBlock()->getTerminator()->getOperand(0);
    rewriter.modifyOpInPlace(
        yield, [&] { yield->setOperand(0, values.lookupOrDefault(last)); });
    rewriter.replaceOp(op, fused->getResults());
    rewriter.eraseOp(anchor);
  }
};

/// An anchor that reads a transposed left side reads the original instead.
struct FuseLhsTranspose : OpRewritePattern<ContractAnchorOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(ContractAnchorOp op,
                                PatternRewriter &rewriter) const override {
    auto producer = op.getLhs().getDefiningOp<linalg::LinalgOp>();
    if (!producer || producer.getNumDpsInputs() != 1 ||
        producer.getNumLoops() != producer.getNumParallelLoops() ||
        !llvm::hasSingleElement(*producer.getBlock()) ||
        producer.getBlock()->getTerminator()->getOperand(0) !=
            producer.getBlock()->getArgument(0))
      return failure();
    OpOperand *input = producer.getDpsInputOperand(0);
    AffineMap read = producer.getMatchingIndexingMap(input);
    AffineMap written =
        producer.getMatchingIndexingMap(producer.getDpsInitOperand(0));
    if (!isa<RankedTensorType>(input->get().getType()) ||
        !read.isPermutation() || !written.isPermutation())
      return failure();
    AffineMap map = read.compose(inversePermutation(written))
                        .compose(op.getLhsIndexingMap());
    // The innermost loop walks the depth, or one line serves many rows.
    if (!keepsLastDim(map))
      return failure();
    rewriter.modifyOpInPlace(op, [&] {
      op.getLhsMutable().assign(input->get());
      op.setLhsMap(map);
    });
    return success();
  }
};

/// The user of a reshaped anchor is collapsed instead, so that it can fuse.
bool isReshapedAnchor(OpOperand *operand) {
  auto expand = operand->get().getDefiningOp<tensor::ExpandShapeOp>();
  return expand && expand->hasOneUse() &&
         expand.getSrc().getDefiningOp<AnchorOpInterface>();
}

/// Does a map read several elements of the loops' space in one place?
bool isBroadcast(AffineMap map, ArrayRef<int64_t> loops) {
  llvm::SmallBitVector read(map.getNumDims());
  for (AffineExpr expr : map.getResults())
    if (auto dim = dyn_cast<AffineDimExpr>(expr))
      read.set(dim.getPosition());
  return llvm::any_of(
      llvm::seq<unsigned>(0, map.getNumDims()),
      [&](unsigned dim) { return !read.test(dim) && loops[dim] != 1; });
}

/// Operands of such a user lose the sizes of 1 that are broadcast, which would
/// stop the collapse.
struct DropBroadcastDims : OpRewritePattern<linalg::GenericOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(linalg::GenericOp op,
                                PatternRewriter &rewriter) const override {
    SmallVector<OpOperand *> inputs = op.getDpsInputOperands();
    if (llvm::none_of(inputs, isReshapedAnchor))
      return failure();
    SmallVector<AffineMap> maps = op.getIndexingMapsArray();
    SmallVector<int64_t> loops = op.getStaticLoopRanges();
    bool changed = false;
    for (OpOperand *input : inputs) {
      AffineMap &map = maps[input->getOperandNumber()];
      // A loop that runs once reads position 0, too.
      auto isZero = [&](AffineExpr expr) {
        auto dim = dyn_cast<AffineDimExpr>(expr);
        return dim ? loops[dim.getPosition()] == 1
                   : isa<AffineConstantExpr>(expr);
      };
      if (!isa<RankedTensorType>(input->get().getType()) ||
          isReshapedAnchor(input) || !isBroadcast(map, loops) ||
          llvm::none_of(map.getResults(), isZero))
        continue;
      // A dropped dimension joins the kept one before it, leading ones the
      // first.
      SmallVector<ReassociationIndices> groups;
      SmallVector<AffineExpr> kept;
      ReassociationIndices leading;
      for (auto [i, expr] : llvm::enumerate(map.getResults())) {
        if (!isZero(expr)) {
          kept.push_back(expr);
          groups.push_back(std::exchange(leading, {}));
        }
        (groups.empty() ? leading : groups.back()).push_back(i);
      }
      Value collapsed = tensor::CollapseShapeOp::create(rewriter, op.getLoc(),
                                                        input->get(), groups);
      rewriter.modifyOpInPlace(op, [&] { input->set(collapsed); });
      map = AffineMap::get(map.getNumDims(), 0, kept, op.getContext());
      changed = true;
    }
    if (!changed)
      return failure();
    rewriter.modifyOpInPlace(op, [&] {
      op.setIndexingMapsAttr(rewriter.getAffineMapArrayAttr(maps));
    });
    return success();
  }
};

struct FuseEpilogue : impl::FuseEpilogueBase<FuseEpilogue> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    patterns.add<DropBroadcastDims, FuseConsumer, FuseLhsTranspose>(
        &getContext());
    linalg::populateFoldReshapeOpsByCollapsingPatterns(patterns,
                                                       isReshapedAnchor);
    linalg::populateElementwiseOpsFusionPatterns(
        patterns,
        [](OpOperand *operand) { return operand->get().hasOneUse(); });
    // Sizes taken from a result would count as users of it.
    memref::populateResolveRankedShapedTypeResultDimsPatterns(patterns);
    tensor::DimOp::getCanonicalizationPatterns(patterns, &getContext());
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};
} // namespace
} // namespace mopt

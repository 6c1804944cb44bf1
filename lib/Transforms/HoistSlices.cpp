// Level in and out: graph. What takes a part of a tensor takes it before the
// tensor is transposed, so that a transposition has one reader, which can read
// in that order instead: queries, keys and values of one product.
#include "mopt/Dialect/Mopt/IR/Mopt.h"
#include "mopt/Dialect/Mopt/IR/QuantizationParameters.h"
#include "mopt/Transforms/Passes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/PatternMatch.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

using namespace mlir;

namespace mopt {
#define GEN_PASS_DEF_HOISTSLICES
#include "mopt/Transforms/Passes.h.inc"
} // namespace mopt

using namespace mopt;

namespace {
/// A gather of one known position is a slice.
struct GatherToSlice : OpRewritePattern<GatherOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(GatherOp op,
                                PatternRewriter &rewriter) const override {
    auto input = cast<RankedTensorType>(op.getInput().getType());
    int64_t axis = op.getAxis(), size = input.getDimSize(axis);
    std::optional<ConstantTensor> indices = getConstantTensor(op.getIndices());
    if (!indices || indices->getNumElements() != 1 ||
        ShapedType::isDynamic(size))
      return failure();
    int64_t position = indices->getInt(0);
    position += position < 0 ? size : 0;
    if (position < 0 || position >= size)
      return rewriter.notifyMatchFailure(op, "reads behind the end");
    Location loc = op.getLoc();
    int64_t rank = input.getRank();
    SmallVector<OpFoldResult> offsets(rank, rewriter.getIndexAttr(0)),
        strides(rank, rewriter.getIndexAttr(1)),
        sizes = tensor::getMixedSizes(rewriter, loc, op.getInput());
    offsets[axis] = rewriter.getIndexAttr(position);
    sizes[axis] = rewriter.getIndexAttr(1);
    Value slice = SliceOp::create(rewriter, loc, op.getInput(), offsets, sizes,
                                  strides);
    int64_t added = indices->getType().getRank();
    sizes.erase(sizes.begin() + axis);
    sizes.insert(sizes.begin() + axis, added, rewriter.getIndexAttr(1));
    rewriter.replaceOpWithNewOp<ReshapeOp>(op, slice, sizes);
    return success();
  }
};

/// Slices of a transposed tensor are transposed slices.
struct HoistOverTranspose : OpRewritePattern<SliceOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(SliceOp op,
                                PatternRewriter &rewriter) const override {
    auto transpose = op.getInput().getDefiningOp<TransposeOp>();
    if (!transpose || !llvm::all_of(transpose->getUsers(), [](Operation *user) {
          return isa<SliceOp>(user);
        }))
      return failure();
    SmallVector<OpFoldResult> offsets = op.getMixedOffsets(),
                              sizes = op.getMixedSizes(),
                              strides = op.getMixedStrides();
    SmallVector<OpFoldResult> from(offsets), count(sizes), by(strides);
    for (auto [i, dim] : llvm::enumerate(transpose.getPermutation())) {
      from[dim] = offsets[i];
      count[dim] = sizes[i];
      by[dim] = strides[i];
    }
    Value slice = SliceOp::create(rewriter, op.getLoc(), transpose.getInput(),
                                  from, count, by);
    rewriter.replaceOpWithNewOp<TransposeOp>(op, op.getType(), slice,
                                             transpose.getPermutation());
    return success();
  }
};

/// Where a reshape of a transposed slice only drops dimensions of size 1, they
/// are dropped before.
struct HoistDroppedDims : OpRewritePattern<ReshapeOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(ReshapeOp op,
                                PatternRewriter &rewriter) const override {
    auto transpose = op.getInput().getDefiningOp<TransposeOp>();
    if (!transpose || !transpose->hasOneUse() ||
        !transpose.getInput().getDefiningOp<SliceOp>())
      return failure();
    auto type = cast<RankedTensorType>(op.getType());
    auto from = cast<RankedTensorType>(transpose.getType());
    if (!type.hasStaticShape() || !from.hasStaticShape())
      return failure();
    std::optional<llvm::SmallDenseSet<unsigned>> dropped =
        computeRankReductionMask(from.getShape(), type.getShape());
    if (!dropped || dropped->empty())
      return failure();
    llvm::SmallDenseSet<int64_t> droppedBefore;
    for (unsigned dim : *dropped)
      droppedBefore.insert(transpose.getPermutation()[dim]);
    auto source = cast<RankedTensorType>(transpose.getInput().getType());
    SmallVector<int64_t> shape, number(source.getRank());
    for (int64_t dim = 0; dim < source.getRank(); ++dim)
      if (!droppedBefore.contains(dim)) {
        number[dim] = shape.size();
        shape.push_back(source.getDimSize(dim));
      }
    SmallVector<int64_t> permutation;
    for (auto [i, dim] : llvm::enumerate(transpose.getPermutation()))
      if (!dropped->contains(i))
        permutation.push_back(number[dim]);
    Value kept = ReshapeOp::create(
        rewriter, op.getLoc(), transpose.getInput(),
        getAsIndexOpFoldResult(rewriter.getContext(), shape));
    rewriter.replaceOpWithNewOp<TransposeOp>(op, type, kept, permutation);
    return success();
  }
};

/// A reshape that splits the dimension of a slice splits that of the whole
/// tensor before, if that comes out even: the slice is then of heads, and who
/// transposes them can read them where they are.
struct HoistSplitDim : OpRewritePattern<ReshapeOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(ReshapeOp op,
                                PatternRewriter &rewriter) const override {
    auto slice = op.getInput().getDefiningOp<SliceOp>();
    if (!slice || !slice->hasOneUse())
      return failure();
    auto whole = cast<RankedTensorType>(slice.getInput().getType());
    auto part = cast<RankedTensorType>(slice.getType());
    auto type = cast<RankedTensorType>(op.getType());
    int64_t added = type.getRank() - part.getRank();
    if (!whole.hasStaticShape() || !part.hasStaticShape() ||
        !type.hasStaticShape() || added < 1 || part.getNumElements() == 0)
      return failure();
    // The one dimension that is cut.
    int64_t cut = -1;
    for (int64_t dim = 0; dim < whole.getRank(); ++dim) {
      if (part.getDimSize(dim) == whole.getDimSize(dim) &&
          slice.getStaticStrides()[dim] == 1)
        continue;
      if (cut >= 0 || slice.getStaticStrides()[dim] != 1)
        return failure();
      cut = dim;
    }
    if (cut < 0 || ShapedType::isDynamic(slice.getStaticOffsets()[cut]))
      return failure();
    ArrayRef<int64_t> shape = type.getShape();
    if (shape.take_front(cut) != part.getShape().take_front(cut) ||
        shape.drop_front(cut + added + 1) !=
            part.getShape().drop_front(cut + 1))
      return failure();
    int64_t inner = ShapedType::getNumElements(shape.slice(cut + 1, added));
    int64_t offset = slice.getStaticOffsets()[cut];
    if (whole.getDimSize(cut) % inner != 0 || offset % inner != 0)
      return failure();
    SmallVector<int64_t> split(shape);
    split[cut] = whole.getDimSize(cut) / inner;
    MLIRContext *ctx = rewriter.getContext();
    Value all = ReshapeOp::create(rewriter, op.getLoc(), slice.getInput(),
                                  getAsIndexOpFoldResult(ctx, split));
    SmallVector<OpFoldResult> offsets(type.getRank(), rewriter.getIndexAttr(0)),
        strides(type.getRank(), rewriter.getIndexAttr(1));
    offsets[cut] = rewriter.getIndexAttr(offset / inner);
    rewriter.replaceOpWithNewOp<SliceOp>(
        op, all, offsets, getAsIndexOpFoldResult(ctx, shape), strides);
    return success();
  }
};

struct HoistSlices : mopt::impl::HoistSlicesBase<HoistSlices> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    patterns.add<GatherToSlice, HoistDroppedDims, HoistOverTranspose,
                 HoistSplitDim>(&getContext());
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};
} // namespace

// Level in and out: graph. What takes a part of a tensor takes it before the
// tensor is transposed, so that a transposition has one reader, which can read
// in that order instead: queries, keys and values of one product.
#include "mopt/Dialect/Mopt/IR/Mopt.h"
#include "mopt/Dialect/Mopt/IR/QuantizationParameters.h"
#include "mopt/Dialect/Mopt/IR/ShapeValues.h"
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

/// Sizes of an operand of `op`. With a builder of its own: the driver of
/// patterns must not hear of ops that are erased at once, as sizes nobody asked
/// for are.
static SmallVector<OpFoldResult> getSizes(Operation *op, Value value) {
  OpBuilder b(op);
  return ShapeValues(b).getDims(value);
}

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
        sizes = getSizes(op, op.getInput());
    offsets[axis] = rewriter.getIndexAttr(position);
    sizes[axis] = rewriter.getIndexAttr(1);
    Value slice =
        SliceOp::create(rewriter, loc, op.getInput(), offsets, sizes, strides);
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
    std::optional<SmallVector<int64_t>> dropped = getDroppedDims(op);
    if (!dropped || dropped->empty())
      return failure();
    auto slice = transpose.getInput().getDefiningOp<SliceOp>();
    ArrayRef<int64_t> before = transpose.getPermutation();
    SmallVector<OpFoldResult> sizes;
    SmallVector<int64_t> number(before.size());
    SmallVector<OpFoldResult> all = slice.getMixedSizes();
    for (size_t dim = 0; dim < all.size(); ++dim) {
      number[dim] = sizes.size();
      if (llvm::none_of(*dropped,
                        [&](int64_t i) { return before[i] == int64_t(dim); }))
        sizes.push_back(all[dim]);
    }
    SmallVector<int64_t> permutation;
    for (auto [i, dim] : llvm::enumerate(before))
      if (!llvm::is_contained(*dropped, i))
        permutation.push_back(number[dim]);
    Value kept =
        ReshapeOp::create(rewriter, op.getLoc(), transpose.getInput(), sizes);
    rewriter.replaceOpWithNewOp<TransposeOp>(op, op.getType(), kept,
                                             permutation);
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
    int64_t rank = whole.getRank(),
            added = cast<RankedTensorType>(op.getType()).getRank() - rank;
    if (added < 1)
      return failure();
    SmallVector<OpFoldResult> sizes = slice.getMixedSizes(),
                              shape = op.getMixedSizes();
    // The dimension that is split, between those that are not.
    int64_t cut = 0;
    while (cut < rank && ShapeValues::areEqual(sizes[cut], shape[cut]))
      ++cut;
    for (int64_t dim = cut + 1; dim < rank; ++dim)
      if (!ShapeValues::areEqual(sizes[dim], shape[dim + added]))
        return failure();
    if (cut == rank || whole.isDynamicDim(cut) ||
        ShapedType::isDynamic(slice.getStaticOffsets()[cut]) ||
        slice.getStaticStrides()[cut] != 1 ||
        getConstantIntValue(sizes[cut]) == whole.getDimSize(cut))
      return failure();
    int64_t inner = 1;
    for (OpFoldResult factor : ArrayRef(shape).slice(cut + 1, added)) {
      std::optional<int64_t> known = getConstantIntValue(factor);
      if (!known)
        return failure();
      inner *= *known;
    }
    int64_t offset = slice.getStaticOffsets()[cut];
    if (inner <= 1 || whole.getDimSize(cut) % inner != 0 || offset % inner != 0)
      return failure();
    SmallVector<OpFoldResult> split = getSizes(op, slice.getInput());
    SmallVector<OpFoldResult> offsets = slice.getMixedOffsets(),
                              strides = slice.getMixedStrides();
    split[cut] = rewriter.getIndexAttr(whole.getDimSize(cut) / inner);
    offsets[cut] = rewriter.getIndexAttr(offset / inner);
    split.insert(split.begin() + cut + 1, shape.begin() + cut + 1,
                 shape.begin() + cut + 1 + added);
    offsets.insert(offsets.begin() + cut + 1, added, rewriter.getIndexAttr(0));
    strides.insert(strides.begin() + cut + 1, added, rewriter.getIndexAttr(1));
    Value all =
        ReshapeOp::create(rewriter, op.getLoc(), slice.getInput(), split);
    rewriter.replaceOpWithNewOp<SliceOp>(op, all, offsets, shape, strides);
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

// Level in and out: vector. A tensor.pad becomes fills of its borders and a
// copy of its middle, where bufferization would fill all of it first.
#include "mopt/Codegen/Passes.h"

#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;

namespace mopt {
#define GEN_PASS_DEF_EXPANDPADS
#include "mopt/Codegen/Passes.h.inc"
} // namespace mopt

using namespace mopt;

/// `destination` with `value` in the `size` positions from `offset` along
/// `dim`.
static Value fillBorder(OpBuilder &b, Location loc, Value value,
                        Value destination, int64_t dim, OpFoldResult offset,
                        OpFoldResult size) {
  if (getConstantIntValue(size) == 0)
    return destination;
  SmallVector<OpFoldResult> sizes = tensor::getMixedSizes(b, loc, destination);
  SmallVector<OpFoldResult> offsets(sizes.size(), b.getIndexAttr(0));
  SmallVector<OpFoldResult> strides(sizes.size(), b.getIndexAttr(1));
  offsets[dim] = offset;
  sizes[dim] = size;
  Value border = tensor::ExtractSliceOp::create(b, loc, destination, offsets,
                                                sizes, strides);
  Value filled = linalg::FillOp::create(b, loc, value, border).getResult(0);
  return tensor::InsertSliceOp::create(b, loc, filled, destination, offsets,
                                       sizes, strides);
}

static void expandPad(IRRewriter &rewriter, tensor::PadOp pad, Value value) {
  rewriter.setInsertionPoint(pad);
  Location loc = pad.getLoc();
  int64_t rank = pad.getResultType().getRank();
  SmallVector<OpFoldResult> source =
      tensor::getMixedSizes(rewriter, loc, pad.getSource());
  SmallVector<OpFoldResult> low = pad.getMixedLowPad(),
                            high = pad.getMixedHighPad();
  AffineExpr a = rewriter.getAffineDimExpr(0), c = rewriter.getAffineDimExpr(1);
  auto add = [&](OpFoldResult x, OpFoldResult y) {
    return affine::makeComposedFoldedAffineApply(rewriter, loc, a + c, {x, y});
  };
  SmallVector<OpFoldResult> sizes, ends;
  for (int64_t i = 0; i < rank; ++i) {
    ends.push_back(add(low[i], source[i]));
    sizes.push_back(pad.getResultType().isDynamicDim(i)
                        ? add(ends[i], high[i])
                        : OpFoldResult(rewriter.getIndexAttr(
                              pad.getResultType().getDimSize(i))));
  }
  Value result = tensor::EmptyOp::create(rewriter, loc, sizes,
                                         pad.getResultType().getElementType());
  for (int64_t i = 0; i < rank; ++i) {
    result = fillBorder(rewriter, loc, value, result, i,
                        rewriter.getIndexAttr(0), low[i]);
    result = fillBorder(rewriter, loc, value, result, i, ends[i], high[i]);
  }
  result = tensor::InsertSliceOp::create(
      rewriter, loc, pad.getSource(), result, low, source,
      SmallVector<OpFoldResult>(rank, rewriter.getIndexAttr(1)));
  if (result.getType() != pad.getType())
    result = tensor::CastOp::create(rewriter, loc, pad.getType(), result);
  rewriter.replaceOp(pad, result);
}

namespace {
struct ExpandPads : mopt::impl::ExpandPadsBase<ExpandPads> {
  void runOnOperation() override {
    SmallVector<tensor::PadOp> pads;
    getOperation().walk([&](tensor::PadOp pad) { pads.push_back(pad); });
    IRRewriter rewriter(&getContext());
    for (tensor::PadOp pad : pads)
      if (Value value = pad.getConstantPaddingValue())
        expandPad(rewriter, pad, value);
  }
};
} // namespace

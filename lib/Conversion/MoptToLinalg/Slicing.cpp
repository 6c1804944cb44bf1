// mopt concat, slice and pad to insertions of slices and computed indices.
#include "mopt/Conversion/MoptToLinalg/Elements.h"
#include "mopt/Conversion/MoptToLinalg/Patterns.h"
#include "mopt/Dialect/Mopt/IR/ShapeInference.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Transforms/DialectConversion.h"

using namespace mlir;
using namespace mopt;

/// Is there no element? Such slices may start behind the end, which verifiers
/// refuse.
static bool isEmpty(ArrayRef<OpFoldResult> sizes) {
  return llvm::any_of(sizes, [](OpFoldResult size) {
    return getConstantIntValue(size) == int64_t(0);
  });
}

static Value toIndex(OpBuilder &b, Location loc, OpFoldResult value) {
  return getValueOrCreateConstantIndexOp(b, loc, value);
}

namespace {
struct LowerConcat : OpConversionPattern<ConcatOp> {
  using OpConversionPattern::OpConversionPattern;

  LogicalResult
  matchAndRewrite(ConcatOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    int64_t axis = op.getAxis();
    SmallVector<OpFoldResult> sizes = getResultSizes(rewriter, op);
    Value result =
        createEmpty(rewriter, loc, sizes, getElement(op->getResult(0)));
    SmallVector<OpFoldResult> offsets(sizes.size(), rewriter.getIndexAttr(0)),
        strides(sizes.size(), rewriter.getIndexAttr(1));
    AffineExpr sum =
        rewriter.getAffineSymbolExpr(0) + rewriter.getAffineSymbolExpr(1);
    for (Value input : adaptor.getInputs()) {
      SmallVector<OpFoldResult> part =
          tensor::getMixedSizes(rewriter, loc, input);
      if (isEmpty(part))
        continue;
      result = tensor::InsertSliceOp::create(rewriter, loc, input, result,
                                             offsets, part, strides);
      offsets[axis] =
          applyAffine(rewriter, loc, sum, {offsets[axis], part[axis]});
    }
    rewriter.replaceOp(op, result);
    return success();
  }
};

struct LowerSlice : OpConversionPattern<SliceOp> {
  using OpConversionPattern::OpConversionPattern;

  LogicalResult
  matchAndRewrite(SliceOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    Type element = getElement(op.getInput());
    SmallVector<OpFoldResult> offsets = op.getMixedOffsets(),
                              strides = op.getMixedStrides();
    SmallVector<OpFoldResult> sizes = getResultSizes(rewriter, op);
    SmallVector<OpFoldResult> inputSizes =
        tensor::getMixedSizes(rewriter, loc, adaptor.getInput());
    if (isEmpty(sizes) || isEmpty(inputSizes)) {
      rewriter.replaceOp(op, createEmpty(rewriter, loc, sizes, element));
      return success();
    }
    bool isForward = llvm::all_of(strides, [](OpFoldResult stride) {
      return getConstantIntValue(stride).value_or(-1) > 0;
    });
    if (isForward) {
      Value part = tensor::ExtractSliceOp::create(
          rewriter, loc, adaptor.getInput(), offsets, sizes, strides);
      rewriter.replaceOp(op, createParallelGeneric(
                                 rewriter, loc, sizes, element, part,
                                 rewriter.getMultiDimIdentityMap(sizes.size()),
                                 [&](OpBuilder &b, Location loc, ValueRange x) {
                                   return loadElement(b, loc, x[0], element);
                                 }));
      return success();
    }
    rewriter.replaceOp(
        op, createParallelGeneric(
                rewriter, loc, sizes, element, {}, {},
                [&](OpBuilder &b, Location loc, ValueRange) {
                  SmallVector<Value> position;
                  for (size_t dim = 0; dim < sizes.size(); ++dim) {
                    Value index = linalg::IndexOp::create(b, loc, dim);
                    index = arith::MulIOp::create(
                        b, loc, index, toIndex(b, loc, strides[dim]));
                    position.push_back(arith::AddIOp::create(
                        b, loc, index, toIndex(b, loc, offsets[dim])));
                  }
                  Value x = tensor::ExtractOp::create(
                      b, loc, adaptor.getInput(), position);
                  return loadElement(b, loc, x, element);
                }));
    return success();
  }
};

struct LowerPad : OpConversionPattern<PadOp> {
  using OpConversionPattern::OpConversionPattern;

  LogicalResult
  matchAndRewrite(PadOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    Value input = adaptor.getInput();
    SmallVector<OpFoldResult> sizes = getResultSizes(rewriter, op);
    // Negative amounts are cut off first.
    SmallVector<OpFoldResult> from, kept, to,
        ones(sizes.size(), rewriter.getIndexAttr(1));
    SmallVector<OpFoldResult> inputSizes =
        tensor::getMixedSizes(rewriter, loc, input);
    for (auto [size, low, high] :
         llvm::zip_equal(inputSizes, op.getMixedLow(), op.getMixedHigh())) {
      from.push_back(cutAtZero(rewriter, loc, low, -1));
      OpFoldResult cut = cutAtZero(rewriter, loc, high, -1);
      AffineExpr rest = rewriter.getAffineSymbolExpr(0) -
                        rewriter.getAffineSymbolExpr(1) -
                        rewriter.getAffineSymbolExpr(2);
      kept.push_back(cutAtZero(
          rewriter, loc,
          applyAffine(rewriter, loc, rest, {size, from.back(), cut}), 1));
      to.push_back(cutAtZero(rewriter, loc, low, 1));
    }
    if (op.getMode() == PadMode::constant) {
      SmallVector<Value> origin(
          cast<RankedTensorType>(adaptor.getValue().getType()).getRank(),
          arith::ConstantIndexOp::create(rewriter, loc, 0));
      Value fill =
          tensor::ExtractOp::create(rewriter, loc, adaptor.getValue(), origin);
      if (isEmpty(kept) || isEmpty(inputSizes)) {
        rewriter.replaceOp(op, createFilled(rewriter, loc, sizes, fill));
        return success();
      }
      Value part = tensor::ExtractSliceOp::create(rewriter, loc, input, from,
                                                  kept, ones);
      Value result = tensor::EmptyOp::create(
          rewriter, loc, sizes,
          cast<RankedTensorType>(part.getType()).getElementType());
      result = tensor::InsertSliceOp::create(rewriter, loc, part, result, to,
                                             kept, ones);
      rewriter.replaceOp(
          op, fillBorders(rewriter, loc, fill, result, sizes, to, kept));
      return success();
    }
    Type element = getElement(op.getInput());
    rewriter.replaceOp(
        op, createParallelGeneric(
                rewriter, loc, sizes, element, {}, {},
                [&](OpBuilder &b, Location loc, ValueRange) {
                  SmallVector<Value> position;
                  for (size_t dim = 0; dim < sizes.size(); ++dim) {
                    Value index = linalg::IndexOp::create(b, loc, dim);
                    if (!isZero(to[dim]) || !isZero(op.getMixedHigh()[dim])) {
                      index = arith::SubIOp::create(b, loc, index,
                                                    toIndex(b, loc, to[dim]));
                      index = mapIndex(b, loc, op.getMode(), index,
                                       toIndex(b, loc, kept[dim]));
                    }
                    if (!isZero(from[dim]))
                      index = arith::AddIOp::create(b, loc, index,
                                                    toIndex(b, loc, from[dim]));
                    position.push_back(index);
                  }
                  Value x = tensor::ExtractOp::create(b, loc, input, position);
                  return loadElement(b, loc, x, element);
                }));
    return success();
  }

  static bool isZero(OpFoldResult value) {
    return getConstantIntValue(value).value_or(1) == 0;
  }

  /// max(0, sign * value).
  /// `result`, of `sizes`, with `value` around the `kept` elements from `to`
  /// on.
  static Value fillBorders(OpBuilder &b, Location loc, Value value,
                           Value result, ArrayRef<OpFoldResult> sizes,
                           ArrayRef<OpFoldResult> to,
                           ArrayRef<OpFoldResult> kept) {
    SmallVector<OpFoldResult> ones(sizes.size(), b.getIndexAttr(1));
    auto fill = [&](size_t dim, OpFoldResult offset, OpFoldResult size) {
      if (getConstantIntValue(size) == 0)
        return;
      SmallVector<OpFoldResult> from(sizes.size(), b.getIndexAttr(0)),
          count(sizes);
      from[dim] = offset;
      count[dim] = size;
      Value border =
          tensor::ExtractSliceOp::create(b, loc, result, from, count, ones);
      border = linalg::FillOp::create(b, loc, value, border).getResult(0);
      result = tensor::InsertSliceOp::create(b, loc, border, result, from,
                                             count, ones);
    };
    AffineExpr x = b.getAffineSymbolExpr(0), y = b.getAffineSymbolExpr(1);
    for (size_t dim = 0; dim < sizes.size(); ++dim) {
      OpFoldResult end = applyAffine(b, loc, x + y, {to[dim], kept[dim]});
      fill(dim, b.getIndexAttr(0), to[dim]);
      fill(dim, end, applyAffine(b, loc, x - y, {sizes[dim], end}));
    }
    return result;
  }

  static OpFoldResult cutAtZero(OpBuilder &b, Location loc, OpFoldResult value,
                                int64_t sign) {
    if (std::optional<int64_t> known = getConstantIntValue(value))
      return b.getIndexAttr(std::max<int64_t>(0, sign * *known));
    Value zero = arith::ConstantIndexOp::create(b, loc, 0);
    Value v = toIndex(b, loc, value);
    if (sign < 0)
      v = arith::SubIOp::create(b, loc, zero, v);
    return arith::MaxSIOp::create(b, loc, v, zero).getResult();
  }

  /// The element of `size` (taken to be at least 1) that stands at position
  /// `index`, which may lie outside on either side.
  static Value mapIndex(OpBuilder &b, Location loc, PadMode mode, Value index,
                        Value size) {
    Value zero = arith::ConstantIndexOp::create(b, loc, 0);
    Value one = arith::ConstantIndexOp::create(b, loc, 1);
    size = arith::MaxSIOp::create(b, loc, size, one);
    Value last = arith::SubIOp::create(b, loc, size, one);
    if (mode == PadMode::edge) {
      index = arith::MinSIOp::create(b, loc, index, last);
      return arith::MaxSIOp::create(b, loc, index, zero);
    }
    // Reflection repeats with twice the distance between the ends.
    Value period = size;
    if (mode == PadMode::reflect) {
      period = arith::AddIOp::create(b, loc, last, last);
      period = arith::MaxSIOp::create(b, loc, period, one);
    }
    Value rest = arith::RemSIOp::create(b, loc, index, period);
    Value isNegative =
        arith::CmpIOp::create(b, loc, arith::CmpIPredicate::slt, rest, zero);
    rest = arith::SelectOp::create(
        b, loc, isNegative, arith::AddIOp::create(b, loc, rest, period), rest);
    if (mode == PadMode::wrap)
      return rest;
    return arith::MinSIOp::create(b, loc, rest,
                                  arith::SubIOp::create(b, loc, period, rest));
  }
};
} // namespace

void mopt::populateSlicingToLinalg(TypeConverter &types,
                                   RewritePatternSet &patterns) {
  patterns.add<LowerConcat, LowerSlice, LowerPad>(types, patterns.getContext());
}

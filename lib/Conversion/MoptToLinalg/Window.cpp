// mopt.conv and mopt.pool to linalg.generic on padded inputs.
#include "mopt/Conversion/MoptToLinalg/Contract.h"
#include "mopt/Conversion/MoptToLinalg/Patterns.h"
#include "mopt/Dialect/Mopt/IR/Indexing.h"
#include "mopt/Dialect/Mopt/IR/ShapeInference.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Transforms/DialectConversion.h"

using namespace mlir;
using namespace mopt;

/// Pads the spatial dimensions of `input` so that each holds all its windows.
template <typename WindowOp>
static Value padInput(OpBuilder &b, WindowOp op, Value input,
                      ArrayRef<int64_t> kernel, const SpatialLayout &layout,
                      ArrayRef<OpFoldResult> resultSizes, TypedAttr value) {
  Location loc = op.getLoc();
  auto type = cast<RankedTensorType>(input.getType());
  SmallVector<OpFoldResult> low(type.getRank(), b.getIndexAttr(0)), high = low;
  bool isPadded = false;
  for (auto [i, dim] : llvm::enumerate(layout.spatial)) {
    int64_t begin = op.getPadsBegin()[i];
    int64_t extent = (kernel[i] - 1) * op.getDilations()[i] + 1;
    AffineExpr size = b.getAffineSymbolExpr(0), count = b.getAffineSymbolExpr(1);
    OpFoldResult missing =
        applyAffine(b, loc,
                    (count - 1) * op.getStrides()[i] + extent - size - begin,
                    {tensor::getMixedSize(b, loc, input, dim), resultSizes[dim]});
    std::optional<int64_t> known = getConstantIntValue(missing);
    if (known)
      missing = b.getIndexAttr(std::max<int64_t>(*known, 0));
    else
      missing = arith::MaxSIOp::create(
                    b, loc, getValueOrCreateConstantIndexOp(b, loc, missing),
                    arith::ConstantIndexOp::create(b, loc, 0))
                    .getResult();
    low[dim] = b.getIndexAttr(begin);
    high[dim] = missing;
    isPadded |= begin != 0 || !known || *known > 0;
  }
  if (!isPadded)
    return input;
  Value scalar = arith::ConstantOp::create(b, loc, value);
  return tensor::PadOp::create(b, loc, Type(), input, low, high, scalar);
}

namespace {
struct LowerConv : OpConversionPattern<ConvOp> {
  using OpConversionPattern::OpConversionPattern;

  LogicalResult
  matchAndRewrite(ConvOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    MLIRContext *ctx = op.getContext();
    auto filterType = cast<RankedTensorType>(op.getFilter().getType());
    auto resultType = cast<RankedTensorType>(op.getType());
    int64_t rank = filterType.getRank(), spatial = rank - 2;
    int64_t group = op.getGroup();
    SpatialLayout layout(spatial, op.getChannelsLast());
    SmallVector<OpFoldResult> sizes = getResultSizes(rewriter, op);
    ArrayRef<int64_t> kernel = filterType.getShape().drop_front(2);

    Type stored = getElement(adaptor.getInput());
    TypedAttr padding = rewriter.getZeroAttr(stored);
    if (auto integer = dyn_cast<IntegerType>(stored))
      padding = IntegerAttr::get(
          integer, APInt(64, op.getPadValue()).trunc(integer.getWidth()));
    Value input = padInput(rewriter, op, adaptor.getInput(), kernel, layout,
                           sizes, padding);
    Value filter = adaptor.getFilter();

    // Loops: n, group, output channel of the group, output positions, input
    // channel of the group, kernel positions.
    int64_t loops = 4 + 2 * spatial;
    auto dim = [&](int64_t i) { return getAffineDimExpr(i, ctx); };
    AffineExpr g = dim(1), o = dim(2), c = dim(3 + spatial);
    auto split = [&](Value tensor, int64_t axis) {
      return splitDim(rewriter, loc, tensor, axis, group);
    };
    SmallVector<AffineExpr> in(rank + 1), f{g, o, c}, out(rank + 1);
    in[0] = out[0] = dim(0);
    int64_t channel = layout.channel;
    in[channel] = out[channel] = g;
    in[channel + 1] = c;
    out[channel + 1] = o;
    for (int64_t i = 0; i < spatial; ++i) {
      int64_t at = layout.spatial[i] + (layout.spatial[i] > channel ? 1 : 0);
      AffineExpr position = dim(3 + i), tap = dim(4 + spatial + i);
      in[at] = position * op.getStrides()[i] + tap * op.getDilations()[i];
      out[at] = position;
      f.push_back(tap);
    }
    SmallVector<AffineMap> maps{AffineMap::get(loops, 0, in, ctx),
                                AffineMap::get(loops, 0, f, ctx),
                                AffineMap::get(loops, 0, out, ctx)};
    SmallVector<utils::IteratorType> iterators(3 + spatial,
                                               utils::IteratorType::parallel);
    iterators.append(1 + spatial, utils::IteratorType::reduction);
    SmallVector<OpFoldResult> splitSizes(sizes);
    OpFoldResult perGroup =
        applyAffine(rewriter, loc,
                    rewriter.getAffineSymbolExpr(0).floorDiv(group),
                    sizes[channel]);
    splitSizes[channel] = perGroup;
    splitSizes.insert(splitSizes.begin() + channel, rewriter.getIndexAttr(group));
    Value result = createContraction(
        rewriter, loc, split(input, channel), getElement(op.getInput()),
        split(filter, 0), filterType.getElementType(), splitSizes,
        resultType.getElementType(), maps, iterators);
    SmallVector<ReassociationIndices> groups;
    for (int64_t i = 0, at = 0; i < rank; ++i) {
      groups.push_back({at++});
      if (i == channel)
        groups.back().push_back(at++);
    }
    Value merged = tensor::CollapseShapeOp::create(rewriter, loc, result, groups);
    Type type = getTypeConverter()->convertType(resultType);
    if (merged.getType() != type)
      merged = tensor::CastOp::create(rewriter, loc, type, merged);
    rewriter.replaceOp(op, merged);
    return success();
  }

  /// `[.., group * n, ..]` as `[.., group, n, ..]`.
  static Value splitDim(OpBuilder &b, Location loc, Value tensor, int64_t axis,
                        int64_t group) {
    SmallVector<OpFoldResult> sizes = tensor::getMixedSizes(b, loc, tensor);
    OpFoldResult rest = applyAffine(
        b, loc, b.getAffineSymbolExpr(0).floorDiv(group), sizes[axis]);
    sizes[axis] = rest;
    sizes.insert(sizes.begin() + axis, b.getIndexAttr(group));
    SmallVector<ReassociationIndices> groups;
    for (int64_t i = 0, at = 0; at < static_cast<int64_t>(sizes.size()); ++i) {
      groups.push_back({at++});
      if (i == axis)
        groups.back().push_back(at++);
    }
    SmallVector<int64_t> shape;
    SmallVector<Value> dynamic;
    dispatchIndexOpFoldResults(sizes, dynamic, shape);
    return tensor::ExpandShapeOp::create(
        b, loc, RankedTensorType::get(shape, getElement(tensor)), tensor, groups,
        sizes);
  }
};

struct LowerPool : OpConversionPattern<PoolOp> {
  using OpConversionPattern::OpConversionPattern;

  LogicalResult
  matchAndRewrite(PoolOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    MLIRContext *ctx = op.getContext();
    auto type = cast<RankedTensorType>(op.getInput().getType());
    Type element = type.getElementType();
    int64_t rank = type.getRank(), spatial = rank - 2;
    SpatialLayout layout(spatial, op.getChannelsLast());
    SmallVector<OpFoldResult> sizes = getResultSizes(rewriter, op);
    ReduceKind kind =
        op.getKind() == PoolKind::max ? ReduceKind::max : ReduceKind::sum;
    TypedAttr identity = getReduceIdentity(kind, element);
    Value input = padInput(rewriter, op, adaptor.getInput(), op.getKernel(),
                           layout, sizes, identity);

    SmallVector<AffineExpr> in, out, taps;
    for (int64_t dim = 0; dim < rank; ++dim) {
      in.push_back(getAffineDimExpr(dim, ctx));
      out.push_back(getAffineDimExpr(dim, ctx));
    }
    SmallVector<OpFoldResult> kernel;
    for (int64_t i = 0; i < spatial; ++i) {
      AffineExpr tap = getAffineDimExpr(rank + i, ctx);
      taps.push_back(tap);
      in[layout.spatial[i]] =
          in[layout.spatial[i]] * op.getStrides()[i] + tap * op.getDilations()[i];
      kernel.push_back(rewriter.getIndexAttr(op.getKernel()[i]));
    }
    SmallVector<AffineMap> maps{AffineMap::get(rank + spatial, 0, in, ctx),
                                AffineMap::get(rank + spatial, 0, taps, ctx),
                                AffineMap::get(rank + spatial, 0, out, ctx)};
    SmallVector<utils::IteratorType> iterators(rank,
                                               utils::IteratorType::parallel);
    iterators.append(spatial, utils::IteratorType::reduction);
    // The window's extent has no operand of its own.
    Value window =
        tensor::EmptyOp::create(rewriter, loc, kernel, getElement(input));
    Type acc = getAccumulatorType(element);
    Value start = arith::ConstantOp::create(rewriter, loc,
                                            getReduceIdentity(kind, acc));
    if (isa<IntegerType>(acc))
      start = arith::ConstantOp::create(rewriter, loc, identity);
    Value init = createFilled(rewriter, loc, sizes, start);
    Value result =
        linalg::GenericOp::create(
            rewriter, loc, init.getType(), ValueRange{input, window}, init, maps,
            iterators,
            [&](OpBuilder &b, Location loc, ValueRange args) {
              Value x = isa<FloatType>(acc) ? convertFloat(b, loc, args[0], acc)
                                            : args[0];
              Type logical = isa<FloatType>(acc) ? acc : element;
              linalg::YieldOp::create(
                  b, loc, buildReduce(b, loc, kind, logical, args[2], x));
            })
            .getResult(0);
    if (op.getKind() == PoolKind::avg || op.getKind() == PoolKind::avg_include_pad)
      result = divideByCount(rewriter, op, adaptor.getInput(), layout, sizes,
                             result, element);
    else if (acc != getScalarType(element))
      result = createParallelGeneric(
          rewriter, loc, sizes, element, result,
          rewriter.getMultiDimIdentityMap(rank),
          [&](OpBuilder &b, Location loc, ValueRange x) {
            return convertFloat(b, loc, x[0], element);
          });
    Type converted = getTypeConverter()->convertType(op.getType());
    if (result.getType() != converted)
      result = tensor::CastOp::create(rewriter, loc, converted, result);
    rewriter.replaceOp(op, result);
    return success();
  }

  /// Divides each sum by the number of elements that its window holds.
  static Value divideByCount(OpBuilder &b, PoolOp op, Value input,
                             const SpatialLayout &layout,
                             ArrayRef<OpFoldResult> sizes, Value sum,
                             Type element) {
    bool includesPad = op.getKind() == PoolKind::avg_include_pad;
    SmallVector<Value> inputSizes;
    for (int64_t dim : layout.spatial)
      inputSizes.push_back(getValueOrCreateConstantIndexOp(
          b, op.getLoc(), tensor::getMixedSize(b, op.getLoc(), input, dim)));
    return createParallelGeneric(
        b, op.getLoc(), sizes, element, sum,
        b.getMultiDimIdentityMap(sizes.size()),
        [&](OpBuilder &b, Location loc, ValueRange x) -> Value {
          auto index = [&](int64_t value) -> Value {
            return arith::ConstantIndexOp::create(b, loc, value);
          };
          Value count = index(1);
          for (auto [i, dim] : llvm::enumerate(layout.spatial)) {
            int64_t dilation = op.getDilations()[i], width = op.getKernel()[i];
            int64_t begin = op.getPadsBegin()[i], end = op.getPadsEnd()[i];
            // Taps t with lower <= position * stride - begin + t * dilation
            // < upper.
            Value position = linalg::IndexOp::create(b, loc, dim);
            Value first = arith::SubIOp::create(
                b, loc,
                arith::MulIOp::create(b, loc, position,
                                      index(op.getStrides()[i])),
                index(begin));
            Value lower = index(includesPad ? -begin : 0);
            Value upper = inputSizes[i];
            if (includesPad)
              upper = arith::AddIOp::create(b, loc, upper, index(end));
            auto tapsBefore = [&](Value limit) -> Value {
              Value room = arith::SubIOp::create(b, loc, limit, first);
              Value taps =
                  arith::CeilDivSIOp::create(b, loc, room, index(dilation));
              taps = arith::MaxSIOp::create(b, loc, taps, index(0));
              return arith::MinSIOp::create(b, loc, taps, index(width));
            };
            Value taps = arith::SubIOp::create(b, loc, tapsBefore(upper),
                                               tapsBefore(lower));
            count = arith::MulIOp::create(b, loc, count, taps);
          }
          Value integer =
              arith::IndexCastOp::create(b, loc, b.getI64Type(), count);
          Value divisor = arith::SIToFPOp::create(b, loc, x[0].getType(), integer);
          Value mean = arith::DivFOp::create(b, loc, x[0], divisor);
          return convertFloat(b, loc, mean, element);
        });
  }
};
} // namespace

void mopt::populateWindowToLinalg(TypeConverter &types,
                                  RewritePatternSet &patterns) {
  patterns.add<LowerConv, LowerPool>(types, patterns.getContext());
}

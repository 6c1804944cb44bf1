// mopt gather ops to linalg.generic with computed indices.
#include "mopt/Conversion/MoptToLinalg/Elements.h"
#include "mopt/Conversion/MoptToLinalg/Patterns.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Transforms/DialectConversion.h"

using namespace mlir;
using namespace mopt;

/// Position `loop` of a parallel loop, brought into dimension `dim` of `input`
/// where it is not known to lie inside.
static Value getInnerPosition(OpBuilder &b, Location loc, int64_t loop,
                              RankedTensorType looped, Value input,
                              int64_t dim) {
  Value index = linalg::IndexOp::create(b, loc, loop);
  int64_t size = cast<RankedTensorType>(input.getType()).getDimSize(dim);
  if (ShapedType::isStatic(size) && ShapedType::isStatic(looped.getDimSize(loop)) &&
      looped.getDimSize(loop) <= size)
    return index;
  Value one = arith::ConstantIndexOp::create(b, loc, 1);
  Value zero = arith::ConstantIndexOp::create(b, loc, 0);
  Value last = arith::SubIOp::create(
      b, loc, tensor::DimOp::create(b, loc, input, dim), one);
  return arith::MaxSIOp::create(
      b, loc, arith::MinSIOp::create(b, loc, index, last), zero);
}

namespace {
struct LowerGather : OpConversionPattern<GatherOp> {
  using OpConversionPattern::OpConversionPattern;

  LogicalResult
  matchAndRewrite(GatherOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    MLIRContext *ctx = op.getContext();
    auto input = cast<RankedTensorType>(op.getInput().getType());
    auto indices = cast<RankedTensorType>(op.getIndices().getType());
    auto result = cast<RankedTensorType>(op.getType());
    int64_t axis = op.getAxis(), rank = result.getRank();
    SmallVector<AffineExpr> exprs;
    for (int64_t i = 0; i < indices.getRank(); ++i)
      exprs.push_back(getAffineDimExpr(axis + i, ctx));
    Value size = tensor::DimOp::create(rewriter, loc, adaptor.getInput(), axis);
    rewriter.replaceOp(
        op, createParallelGeneric(
                rewriter, loc, getResultSizes(rewriter, op),
                result.getElementType(), adaptor.getIndices(),
                AffineMap::get(rank, 0, exprs, ctx),
                [&](OpBuilder &b, Location loc, ValueRange stored) {
                  SmallVector<Value> position;
                  for (int64_t dim = 0; dim < input.getRank(); ++dim) {
                    int64_t loop = dim < axis ? dim
                                              : dim - 1 + indices.getRank();
                    position.push_back(
                        dim == axis
                            ? normalizeIndex(b, loc, stored[0], size)
                            : Value(linalg::IndexOp::create(b, loc, loop)));
                  }
                  Value x = tensor::ExtractOp::create(b, loc, adaptor.getInput(),
                                                      position);
                  return loadElement(b, loc, x, result.getElementType());
                }));
    return success();
  }
};

struct LowerLookup : OpConversionPattern<LookupOp> {
  using OpConversionPattern::OpConversionPattern;

  LogicalResult
  matchAndRewrite(LookupOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    auto result = cast<RankedTensorType>(op.getType());
    rewriter.replaceOp(
        op, createParallelGeneric(
                rewriter, loc, getResultSizes(rewriter, op),
                result.getElementType(), adaptor.getInput(),
                rewriter.getMultiDimIdentityMap(result.getRank()),
                [&](OpBuilder &b, Location loc, ValueRange stored) {
                  Value position = arith::IndexCastUIOp::create(
                      b, loc, b.getIndexType(), stored[0]);
                  Value x = tensor::ExtractOp::create(
                      b, loc, adaptor.getTable(), position);
                  return loadElement(b, loc, x, result.getElementType());
                }));
    return success();
  }
};

struct LowerGatherElements : OpConversionPattern<GatherElementsOp> {
  using OpConversionPattern::OpConversionPattern;

  LogicalResult
  matchAndRewrite(GatherElementsOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    auto result = cast<RankedTensorType>(op.getType());
    int64_t axis = op.getAxis(), rank = result.getRank();
    Value size = tensor::DimOp::create(rewriter, loc, adaptor.getInput(), axis);
    rewriter.replaceOp(
        op, createParallelGeneric(
                rewriter, loc, getResultSizes(rewriter, op),
                result.getElementType(), adaptor.getIndices(),
                rewriter.getMultiDimIdentityMap(rank),
                [&](OpBuilder &b, Location loc, ValueRange stored) {
                  SmallVector<Value> position;
                  for (int64_t dim = 0; dim < rank; ++dim)
                    position.push_back(
                        dim == axis ? normalizeIndex(b, loc, stored[0], size)
                                    : getInnerPosition(b, loc, dim, result,
                                                       adaptor.getInput(), dim));
                  Value x = tensor::ExtractOp::create(b, loc, adaptor.getInput(),
                                                      position);
                  return loadElement(b, loc, x, result.getElementType());
                }));
    return success();
  }
};

struct LowerGatherND : OpConversionPattern<GatherNDOp> {
  using OpConversionPattern::OpConversionPattern;

  LogicalResult
  matchAndRewrite(GatherNDOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    auto input = cast<RankedTensorType>(op.getInput().getType());
    auto indices = cast<RankedTensorType>(op.getIndices().getType());
    auto result = cast<RankedTensorType>(op.getType());
    int64_t batch = op.getBatchDims(), depth = indices.getShape().back();
    int64_t outer = indices.getRank() - 1;
    SmallVector<Value> sizes;
    for (int64_t i = 0; i < depth; ++i)
      sizes.push_back(tensor::DimOp::create(rewriter, loc, adaptor.getInput(),
                                            batch + i));
    rewriter.replaceOp(
        op, createParallelGeneric(
                rewriter, loc, getResultSizes(rewriter, op),
                result.getElementType(), {}, {},
                [&](OpBuilder &b, Location loc, ValueRange) {
                  SmallVector<Value> tuple(outer + 1), position;
                  for (int64_t dim = 0; dim < outer; ++dim)
                    tuple[dim] = linalg::IndexOp::create(b, loc, dim);
                  for (int64_t dim = 0; dim < input.getRank(); ++dim) {
                    int64_t i = dim - batch;
                    if (i < 0) {
                      position.push_back(getInnerPosition(
                          b, loc, dim, result, adaptor.getInput(), dim));
                    } else if (i < depth) {
                      tuple[outer] = arith::ConstantIndexOp::create(b, loc, i);
                      Value stored = tensor::ExtractOp::create(
                          b, loc, adaptor.getIndices(), tuple);
                      position.push_back(normalizeIndex(b, loc, stored, sizes[i]));
                    } else {
                      position.push_back(
                          linalg::IndexOp::create(b, loc, outer + i - depth));
                    }
                  }
                  Value x = tensor::ExtractOp::create(b, loc, adaptor.getInput(),
                                                      position);
                  return loadElement(b, loc, x, result.getElementType());
                }));
    return success();
  }
};
} // namespace

void mopt::populateGatherToLinalg(TypeConverter &types,
                                         RewritePatternSet &patterns) {
  patterns.add<LowerGather, LowerLookup, LowerGatherElements, LowerGatherND>(
      types, patterns.getContext());
}

// mopt reshape, broadcast, iota and transpose to linalg and tensor.
#include "mopt/Conversion/MoptToLinalg/Elements.h"
#include "mopt/Conversion/MoptToLinalg/Patterns.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Transforms/DialectConversion.h"

using namespace mlir;
using namespace mopt;

namespace {
struct LowerReshape : OpConversionPattern<ReshapeOp> {
  using OpConversionPattern::OpConversionPattern;

  LogicalResult
  matchAndRewrite(ReshapeOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    auto type =
        cast<RankedTensorType>(getTypeConverter()->convertType(op.getType()));
    if (type.hasStaticShape()) {
      rewriter.replaceOp(op, reshapeStatic(rewriter, loc, adaptor.getInput(), type));
      return success();
    }
    SmallVector<Value> sizes;
    for (OpFoldResult size : op.getMixedSizes())
      sizes.push_back(getValueOrCreateConstantIndexOp(rewriter, loc, size));
    Value shape = tensor::FromElementsOp::create(
        rewriter, loc,
        RankedTensorType::get(sizes.size(), rewriter.getIndexType()), sizes);
    rewriter.replaceOpWithNewOp<tensor::ReshapeOp>(op, type, adaptor.getInput(),
                                                   shape);
    return success();
  }

  /// By way of one dimension, so that no shape tensor is needed.
  static Value reshapeStatic(OpBuilder &b, Location loc, Value x,
                             RankedTensorType type) {
    auto from = cast<RankedTensorType>(x.getType());
    auto all = [](int64_t rank) {
      return rank == 0 ? SmallVector<ReassociationIndices>()
                       : SmallVector<ReassociationIndices>{llvm::to_vector(
                             llvm::seq<int64_t>(0, rank))};
    };
    RankedTensorType flat = type.clone({type.getNumElements()});
    if (from.getRank() > 1)
      x = tensor::CollapseShapeOp::create(b, loc, x, all(from.getRank()));
    else if (from.getRank() == 0 && type.getRank() > 0)
      return tensor::ExpandShapeOp::create(b, loc, type, x, all(0));
    if (from.getRank() > 0 && x.getType() != flat)
      x = tensor::CastOp::create(b, loc, flat, x);
    if (type.getRank() > 1)
      x = tensor::ExpandShapeOp::create(b, loc, type, x, all(type.getRank()));
    else if (type.getRank() == 0 && from.getRank() > 0)
      x = tensor::CollapseShapeOp::create(b, loc, type, x, all(0));
    return x;
  }
};

struct LowerBroadcast : OpConversionPattern<BroadcastOp> {
  using OpConversionPattern::OpConversionPattern;

  LogicalResult
  matchAndRewrite(BroadcastOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    auto from = cast<RankedTensorType>(op.getInput().getType());
    auto to = cast<RankedTensorType>(op.getType());
    Type element = to.getElementType();
    SmallVector<OpFoldResult> sizes = op.getMixedSizes();
    bool isKnown = llvm::all_of(
        llvm::zip_equal(from.getShape(), to.getShape()), [](auto pair) {
          auto [own, target] = pair;
          return own == 1 ||
                 (own == target && ShapedType::isStatic(own));
        });
    if (isKnown) {
      rewriter.replaceOp(
          op, createParallelGeneric(rewriter, loc, sizes, element,
                                    adaptor.getInput(), getBroadcastMap(from, to),
                                    [&](OpBuilder &b, Location loc, ValueRange x) {
                                      return loadElement(b, loc, x[0], element);
                                    }));
      return success();
    }
    // Whether a dynamic dimension is repeated is known at run time.
    Value zero = arith::ConstantIndexOp::create(rewriter, loc, 0);
    Value one = arith::ConstantIndexOp::create(rewriter, loc, 1);
    SmallVector<Value> repeated(from.getRank());
    for (int64_t dim = 0; dim < from.getRank(); ++dim)
      if (from.isDynamicDim(dim))
        repeated[dim] = arith::CmpIOp::create(
            rewriter, loc, arith::CmpIPredicate::eq,
            tensor::DimOp::create(rewriter, loc, adaptor.getInput(), dim), one);
    rewriter.replaceOp(
        op, createParallelGeneric(
                rewriter, loc, sizes, element, {}, {},
                [&](OpBuilder &b, Location loc, ValueRange) {
                  SmallVector<Value> indices;
                  for (int64_t dim = 0; dim < from.getRank(); ++dim) {
                    Value index = linalg::IndexOp::create(b, loc, dim);
                    if (from.getDimSize(dim) == 1)
                      index = zero;
                    else if (repeated[dim])
                      index = arith::SelectOp::create(b, loc, repeated[dim], zero,
                                                      index);
                    indices.push_back(index);
                  }
                  Value x = tensor::ExtractOp::create(b, loc, adaptor.getInput(),
                                                      indices);
                  return loadElement(b, loc, x, element);
                }));
    return success();
  }
};

struct LowerIota : OpConversionPattern<IotaOp> {
  using OpConversionPattern::OpConversionPattern;

  LogicalResult
  matchAndRewrite(IotaOp op, OpAdaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Type element = op.getElementType(), i64 = rewriter.getI64Type();
    rewriter.replaceOp(
        op, createParallelGeneric(
                rewriter, op.getLoc(), op.getMixedSizes(), element, {}, {},
                [&](OpBuilder &b, Location loc, ValueRange) {
                  Value index = linalg::IndexOp::create(b, loc, op.getAxis());
                  Value integer = arith::IndexCastOp::create(b, loc, i64, index);
                  return buildCast(b, loc, i64, element, integer, true);
                }));
    return success();
  }
};

struct LowerTranspose : OpConversionPattern<TransposeOp> {
  using OpConversionPattern::OpConversionPattern;

  LogicalResult
  matchAndRewrite(TransposeOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Value init = createEmpty(rewriter, op.getLoc(), getResultSizes(rewriter, op),
                             getElement(op.getInput()));
    Value result = linalg::TransposeOp::create(rewriter, op.getLoc(),
                                               adaptor.getInput(), init,
                                               op.getPermutation())
                       ->getResult(0);
    rewriter.replaceOp(op, result);
    return success();
  }
};
} // namespace

void mopt::populateDataMovementToLinalg(TypeConverter &types,
                                        RewritePatternSet &patterns) {
  patterns.add<LowerReshape, LowerBroadcast, LowerIota, LowerTranspose>(
      types, patterns.getContext());
}

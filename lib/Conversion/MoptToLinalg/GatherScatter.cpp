// mopt gather and scatter ops to linalg.generic with computed indices.
#include "mopt/Conversion/MoptToLinalg/Elements.h"
#include "mopt/Conversion/MoptToLinalg/Patterns.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Transforms/DialectConversion.h"

using namespace mlir;
using namespace mopt;

/// A stored index as a position in a dimension of `size`: negative ones count
/// from the end, and any other is brought inside, so that no access leaves the
/// tensor.
static Value normalizeIndex(OpBuilder &b, Location loc, Value stored,
                            Value size) {
  Value index = arith::IndexCastOp::create(b, loc, b.getIndexType(), stored);
  Value zero = arith::ConstantIndexOp::create(b, loc, 0);
  Value one = arith::ConstantIndexOp::create(b, loc, 1);
  Value isNegative =
      arith::CmpIOp::create(b, loc, arith::CmpIPredicate::slt, index, zero);
  index = arith::SelectOp::create(
      b, loc, isNegative, arith::AddIOp::create(b, loc, index, size), index);
  index = arith::MinSIOp::create(b, loc, index,
                                 arith::SubIOp::create(b, loc, size, one));
  return arith::MaxSIOp::create(b, loc, index, zero);
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
} // namespace

void mopt::populateGatherScatterToLinalg(TypeConverter &types,
                                         RewritePatternSet &patterns) {
  patterns.add<LowerGather>(types, patterns.getContext());
}

// mopt.matmul to linalg.generic, with f32 accumulators for narrower floats.
#include "mopt/Conversion/MoptToLinalg/Contract.h"
#include "mopt/Conversion/MoptToLinalg/Patterns.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Transforms/DialectConversion.h"

using namespace mlir;
using namespace mopt;

Value mopt::createContraction(OpBuilder &b, Location loc, Value lhs,
                              Type lhsElement, Value rhs, Type rhsElement,
                              ArrayRef<OpFoldResult> sizes, Type result,
                              ArrayRef<AffineMap> maps,
                              ArrayRef<utils::IteratorType> iterators) {
  Type acc = getAccumulatorType(result);
  Value init = createFilled(b, loc, sizes, buildConstant(b, loc, acc, 0));
  Value sum =
      linalg::GenericOp::create(
          b, loc, init.getType(), ValueRange{lhs, rhs}, init, maps, iterators,
          [&](OpBuilder &b, Location loc, ValueRange args) {
            auto widen = [&](Value stored, Type element) {
              return buildCast(b, loc, element, acc,
                               loadElement(b, loc, stored, element), true);
            };
            Value x = widen(args[0], lhsElement),
                  y = widen(args[1], rhsElement);
            Value product = buildBinary(b, loc, BinaryKind::mul, acc, x, y);
            linalg::YieldOp::create(
                b, loc,
                buildBinary(b, loc, BinaryKind::add, acc, args[2], product));
          })
          .getResult(0);
  if (acc == getScalarType(result))
    return sum;
  return createParallelGeneric(
      b, loc, sizes, result, sum, b.getMultiDimIdentityMap(sizes.size()),
      [&](OpBuilder &b, Location loc, ValueRange x) {
        return convertFloat(b, loc, x[0], result);
      });
}

namespace {
struct LowerMatmul : OpConversionPattern<MatmulOp> {
  using OpConversionPattern::OpConversionPattern;

  LogicalResult
  matchAndRewrite(MatmulOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    auto lhs = cast<RankedTensorType>(op.getLhs().getType());
    auto rhs = cast<RankedTensorType>(op.getRhs().getType());
    auto result = cast<RankedTensorType>(op.getType());
    int64_t rank = result.getRank();
    MLIRContext *ctx = op.getContext();
    AffineExpr m = getAffineDimExpr(rank - 2, ctx),
               n = getAffineDimExpr(rank - 1, ctx),
               k = getAffineDimExpr(rank, ctx);
    auto getMap = [&](RankedTensorType type, AffineExpr row, AffineExpr column,
                      bool isTransposed) {
      SmallVector<AffineExpr> exprs;
      for (int64_t dim = 0; dim < rank - 2; ++dim)
        exprs.push_back(type.getDimSize(dim) == 1 && result.getDimSize(dim) != 1
                            ? getAffineConstantExpr(0, ctx)
                            : getAffineDimExpr(dim, ctx));
      exprs.push_back(isTransposed ? column : row);
      exprs.push_back(isTransposed ? row : column);
      return AffineMap::get(rank + 1, 0, exprs, ctx);
    };
    SmallVector<AffineExpr> out;
    for (int64_t dim = 0; dim < rank; ++dim)
      out.push_back(getAffineDimExpr(dim, ctx));
    SmallVector<AffineMap> maps{getMap(lhs, m, k, op.getTransposeLhs()),
                                getMap(rhs, k, n, op.getTransposeRhs()),
                                AffineMap::get(rank + 1, 0, out, ctx)};
    SmallVector<utils::IteratorType> iterators(rank,
                                               utils::IteratorType::parallel);
    iterators.push_back(utils::IteratorType::reduction);
    rewriter.replaceOp(
        op, createContraction(rewriter, op.getLoc(), adaptor.getLhs(),
                              lhs.getElementType(), adaptor.getRhs(),
                              rhs.getElementType(), getResultSizes(rewriter, op),
                              result.getElementType(), maps, iterators));
    return success();
  }
};
} // namespace

void mopt::populateContractionToLinalg(TypeConverter &types,
                                       RewritePatternSet &patterns) {
  patterns.add<LowerMatmul>(types, patterns.getContext());
}

// mopt arg_reduce and cumulative, whose results depend on the order of elements.
#include "mopt/Conversion/MoptToLinalg/Elements.h"
#include "mopt/Conversion/MoptToLinalg/Patterns.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Transforms/DialectConversion.h"

using namespace mlir;
using namespace mopt;

namespace {
struct LowerArgReduce : OpConversionPattern<ArgReduceOp> {
  using OpConversionPattern::OpConversionPattern;

  LogicalResult
  matchAndRewrite(ArgReduceOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    Type element = getElement(op.getInput());
    int64_t axis = op.getAxis();
    SmallVector<OpFoldResult> sizes =
        tensor::getMixedSizes(rewriter, loc, adaptor.getInput());
    int64_t rank = sizes.size();
    SmallVector<OpFoldResult> kept(sizes);
    kept.erase(kept.begin() + axis);
    SmallVector<AffineExpr> keptDims;
    SmallVector<utils::IteratorType> iterators(rank,
                                               utils::IteratorType::parallel);
    iterators[axis] = utils::IteratorType::reduction;
    for (int64_t dim = 0; dim < rank; ++dim)
      if (dim != axis)
        keptDims.push_back(rewriter.getAffineDimExpr(dim));
    AffineMap keptMap =
        AffineMap::get(rank, 0, keptDims, rewriter.getContext());
    Value start = storeElement(
        rewriter, loc,
        arith::ConstantOp::create(rewriter, loc,
                                  getReduceIdentity(op.getKind(), element)),
        element);
    Value best = createFilled(rewriter, loc, kept, start);
    Value zero = arith::ConstantOp::create(rewriter, loc,
                                           rewriter.getI64IntegerAttr(0));
    Value positions = createFilled(rewriter, loc, kept, zero);
    auto generic = linalg::GenericOp::create(
        rewriter, loc, TypeRange{best.getType(), positions.getType()},
        adaptor.getInput(), ValueRange{best, positions},
        ArrayRef{rewriter.getMultiDimIdentityMap(rank), keptMap, keptMap},
        iterators, [&](OpBuilder &b, Location loc, ValueRange args) {
          Value isBetter =
              buildIsBetter(b, loc, op, element, loadElement(b, loc, args[0], element),
                            loadElement(b, loc, args[1], element));
          Value index = arith::IndexCastOp::create(
              b, loc, b.getI64Type(), linalg::IndexOp::create(b, loc, axis));
          Value value =
              arith::SelectOp::create(b, loc, isBetter, args[0], args[1]);
          index = arith::SelectOp::create(b, loc, isBetter, index, args[2]);
          linalg::YieldOp::create(b, loc, {value, index});
        });
    Value result = restoreReducedDims(rewriter, loc, generic.getResult(1), sizes,
                                      axis);
    Type type = getTypeConverter()->convertType(op.getType());
    if (result.getType() != type)
      result = tensor::CastOp::create(rewriter, loc, type, result);
    rewriter.replaceOp(op, result);
    return success();
  }

  /// Does `x` take the place of `best`, which came before it?
  static Value buildIsBetter(OpBuilder &b, Location loc, ArgReduceOp op,
                             Type element, Value x, Value best) {
    bool isMax = op.getKind() == ReduceKind::max, isLast = op.getSelectLast();
    CompareKind kind = isMax ? (isLast ? CompareKind::ge : CompareKind::gt)
                             : (isLast ? CompareKind::le : CompareKind::lt);
    Value isBetter = buildCompare(b, loc, kind, element, x, best);
    if (!isa<FloatType>(element))
      return isBetter;
    // NaN wins over numbers and stays.
    auto isNaN = [&](Value v) {
      return buildUnary(b, loc, UnaryKind::is_nan, element, v);
    };
    Value isNewNaN = isNaN(x);
    if (!isLast) {
      Value yes = arith::ConstantOp::create(b, loc, b.getBoolAttr(true));
      isNewNaN = arith::AndIOp::create(
          b, loc, isNewNaN, arith::XOrIOp::create(b, loc, isNaN(best), yes));
    }
    return arith::OrIOp::create(b, loc, isBetter, isNewNaN);
  }
};

/// One loop nest with the running value as a scalar of the innermost loop.
struct LowerCumulative : OpConversionPattern<CumulativeOp> {
  using OpConversionPattern::OpConversionPattern;

  LogicalResult
  matchAndRewrite(CumulativeOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    Type element = getElement(op.getInput());
    int64_t axis = op.getAxis();
    SmallVector<OpFoldResult> sizes = getResultSizes(rewriter, op);
    Value empty = createEmpty(rewriter, loc, sizes, element);
    Value zero = arith::ConstantIndexOp::create(rewriter, loc, 0);
    Value one = arith::ConstantIndexOp::create(rewriter, loc, 1);
    SmallVector<Value> bounds;
    for (OpFoldResult size : sizes)
      bounds.push_back(getValueOrCreateConstantIndexOp(rewriter, loc, size));
    Value count = bounds[axis];
    bounds.erase(bounds.begin() + axis);
    SmallVector<Value> lower(bounds.size(), zero), steps(bounds.size(), one);
    Value identity = arith::ConstantOp::create(
        rewriter, loc, getReduceIdentity(op.getKind(), element));

    auto scan = [&](OpBuilder &b, Location loc, ValueRange ivs,
                    ValueRange args) -> scf::ValueVector {
      auto loop = scf::ForOp::create(
          b, loc, zero, count, one, ValueRange{args[0], identity},
          [&](OpBuilder &b, Location loc, Value i, ValueRange state) {
            Value at = i;
            if (op.getReverse())
              at = arith::SubIOp::create(
                  b, loc, arith::SubIOp::create(b, loc, count, one), i);
            SmallVector<Value> position(ivs);
            position.insert(position.begin() + axis, at);
            Value x = tensor::ExtractOp::create(b, loc, adaptor.getInput(),
                                                position);
            Value total =
                buildReduce(b, loc, op.getKind(), element, state[1], x);
            Value result = tensor::InsertOp::create(
                b, loc, op.getExclusive() ? state[1] : total, state[0], position);
            scf::YieldOp::create(b, loc, ValueRange{result, total});
          });
      return {loop.getResult(0)};
    };
    if (bounds.empty()) {
      rewriter.replaceOp(op, scan(rewriter, loc, {}, empty).front());
      return success();
    }
    rewriter.replaceOp(op, scf::buildLoopNest(rewriter, loc, lower, bounds, steps,
                                              empty, scan)
                               .results);
    return success();
  }
};
} // namespace

void mopt::populateOrderedReductionToLinalg(TypeConverter &types,
                                            RewritePatternSet &patterns) {
  patterns.add<LowerArgReduce, LowerCumulative>(types, patterns.getContext());
}

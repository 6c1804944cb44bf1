// The transforms of Winograd convolutions to linalg.generic. Which rows,
// columns and signs a position takes depends on outer loops, so that channels
// are vectors.
#include "mopt/Conversion/MoptToLinalg/Elements.h"
#include "mopt/Conversion/MoptToLinalg/Patterns.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Transforms/DialectConversion.h"

using namespace mlir;
using namespace mopt;

namespace {
/// One of the four rows of B^T: two elements, and whether the second is added;
/// it is subtracted otherwise.
struct Combination {
  Value first, second, isSum;
};

/// d0 - d2, d1 + d2, d2 - d1, d1 - d3.
Combination getCombination(OpBuilder &b, Location loc, Value row) {
  auto index = [&](int64_t i) -> Value {
    return arith::ConstantIndexOp::create(b, loc, i);
  };
  auto is = [&](int64_t i) -> Value {
    return arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq, row,
                                 index(i));
  };
  auto choose = [&](Value condition, Value x, Value y) -> Value {
    return arith::SelectOp::create(b, loc, condition, x, y);
  };
  Combination result;
  result.isSum = is(1);
  result.first = choose(is(0), index(0), choose(is(2), index(2), index(1)));
  result.second = choose(is(2), index(1), choose(is(3), index(3), index(2)));
  return result;
}

Value combine(OpBuilder &b, Location loc, Value isSum, Value x, Value y) {
  if (isa<FloatType>(x.getType())) {
    Value difference = arith::SubFOp::create(b, loc, x, y);
    return arith::SelectOp::create(
        b, loc, isSum, arith::AddFOp::create(b, loc, x, y), difference);
  }
  Value sum = arith::AddIOp::create(b, loc, x, y);
  Value difference = arith::SubIOp::create(b, loc, x, y);
  return arith::SelectOp::create(b, loc, isSum, sum, difference);
}

struct LowerWinogradInput : OpConversionPattern<WinogradInputOp> {
  using OpConversionPattern::OpConversionPattern;

  LogicalResult
  matchAndRewrite(WinogradInputOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    auto type = cast<RankedTensorType>(op.getType());
    Type element = getElement(op.getInput()), word = type.getElementType();
    SmallVector<int64_t> sizes{4, 4};
    llvm::append_range(sizes, type.getShape().drop_front());
    Value all = createParallelGeneric(
        rewriter, loc, getAsIndexOpFoldResult(op.getContext(), sizes), word, {},
        {}, [&](OpBuilder &b, Location loc, ValueRange) {
          SmallVector<Value> at;
          for (int64_t dim = 0; dim < 6; ++dim)
            at.push_back(linalg::IndexOp::create(b, loc, dim));
          Value two = arith::ConstantIndexOp::create(b, loc, 2);
          Value row = arith::MulIOp::create(b, loc, at[3], two),
                column = arith::MulIOp::create(b, loc, at[4], two);
          Combination i = getCombination(b, loc, at[0]),
                      j = getCombination(b, loc, at[1]);
          auto load = [&](Value r, Value c) -> Value {
            Value x = tensor::ExtractOp::create(
                b, loc, adaptor.getInput(),
                ValueRange{at[2], arith::AddIOp::create(b, loc, row, r),
                           arith::AddIOp::create(b, loc, column, c), at[5]});
            return element == word ? x
                                   : buildCast(b, loc, element, word, x, true);
          };
          Value first = combine(b, loc, j.isSum, load(i.first, j.first),
                                load(i.first, j.second));
          Value second = combine(b, loc, j.isSum, load(i.second, j.first),
                                 load(i.second, j.second));
          return combine(b, loc, i.isSum, first, second);
        });
    rewriter.replaceOpWithNewOp<tensor::CollapseShapeOp>(
        op, type, all,
        SmallVector<ReassociationIndices>{{0, 1}, {2}, {3}, {4}, {5}});
    return success();
  }
};

struct LowerWinogradOutput : OpConversionPattern<WinogradOutputOp> {
  using OpConversionPattern::OpConversionPattern;

  LogicalResult
  matchAndRewrite(WinogradOutputOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    MLIRContext *ctx = op.getContext();
    auto from = cast<RankedTensorType>(op.getInput().getType());
    ArrayRef<int64_t> shape = from.getShape();
    RankedTensorType part = from.clone(shape.drop_front());
    SmallVector<Value> parts;
    for (int64_t p = 0; p < 16; ++p) {
      SmallVector<OpFoldResult> offsets(5, rewriter.getIndexAttr(0)),
          strides(5, rewriter.getIndexAttr(1)),
          sizes = getAsIndexOpFoldResult(ctx, shape);
      offsets[0] = rewriter.getIndexAttr(p);
      sizes[0] = rewriter.getIndexAttr(1);
      parts.push_back(tensor::ExtractSliceOp::create(
          rewriter, loc, part, adaptor.getInput(), offsets, sizes, strides));
    }
    // n, t, a, u, b, k.
    SmallVector<int64_t> loops{shape[1], shape[2], 2, shape[3], 2, shape[4]};
    auto dim = [&](int64_t i) { return getAffineDimExpr(i, ctx); };
    AffineMap map = AffineMap::get(6, 0, {dim(0), dim(1), dim(3), dim(5)}, ctx);
    Value all = createParallelGeneric(
        rewriter, loc, getAsIndexOpFoldResult(ctx, loops),
        from.getElementType(), parts, SmallVector<AffineMap>(16, map),
        [&](OpBuilder &b, Location loc, ValueRange m) {
          Value zero = arith::ConstantIndexOp::create(b, loc, 0);
          auto isFirst = [&](int64_t loop) -> Value {
            return arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq,
                                         linalg::IndexOp::create(b, loc, loop),
                                         zero);
          };
          bool isFloat = isa<FloatType>(from.getElementType());
          auto add = [&](Value x, Value y) -> Value {
            return isFloat ? Value(arith::AddFOp::create(b, loc, x, y))
                           : Value(arith::AddIOp::create(b, loc, x, y));
          };
          auto subtract = [&](Value x, Value y) -> Value {
            return isFloat ? Value(arith::SubFOp::create(b, loc, x, y))
                           : Value(arith::SubIOp::create(b, loc, x, y));
          };
          // m0 + m1 + m2, or m1 - m2 - m3.
          auto reduce = [&](Value first, ArrayRef<Value> x) -> Value {
            return arith::SelectOp::create(
                b, loc, first, add(add(x[0], x[1]), x[2]),
                subtract(subtract(x[1], x[2]), x[3]));
          };
          Value a = isFirst(2), c = isFirst(4);
          SmallVector<Value> columns;
          for (int64_t j = 0; j < 4; ++j)
            columns.push_back(reduce(a, {m[j], m[4 + j], m[8 + j], m[12 + j]}));
          if (isFloat)
            return reduce(c, columns);
          Value shift =
              arith::ConstantOp::create(b, loc, b.getI32IntegerAttr(2));
          return Value(
              arith::ShRSIOp::create(b, loc, reduce(c, columns), shift));
        });
    rewriter.replaceOpWithNewOp<tensor::CollapseShapeOp>(
        op, cast<RankedTensorType>(op.getType()), all,
        SmallVector<ReassociationIndices>{{0}, {1, 2}, {3, 4}, {5}});
    return success();
  }
};
} // namespace

void mopt::populateWinogradToLinalg(TypeConverter &types,
                                    RewritePatternSet &patterns) {
  patterns.add<LowerWinogradInput, LowerWinogradOutput>(types,
                                                        patterns.getContext());
}

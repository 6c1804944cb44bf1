// mopt nonzero and unique_ids: elements numbered by what they are.
#include "mopt/Conversion/MoptToLinalg/Elements.h"
#include "mopt/Conversion/MoptToLinalg/Patterns.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Transforms/DialectConversion.h"

using namespace mlir;
using namespace mopt;

static Value getSize(OpBuilder &b, Location loc, Value tensor, int64_t dim) {
  return getValueOrCreateConstantIndexOp(
      b, loc, tensor::getMixedSize(b, loc, tensor, dim));
}

namespace {
struct LowerNonZero : OpConversionPattern<NonZeroOp> {
  using OpConversionPattern::OpConversionPattern;

  LogicalResult
  matchAndRewrite(NonZeroOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    Value input = adaptor.getInput();
    Type element = getElement(op.getInput());
    int64_t rank = cast<RankedTensorType>(input.getType()).getRank();
    Value zero = arith::ConstantIndexOp::create(rewriter, loc, 0);
    Value one = arith::ConstantIndexOp::create(rewriter, loc, 1);
    Value none = arith::ConstantOp::create(rewriter, loc,
                                           rewriter.getI64IntegerAttr(0));
    SmallVector<OpFoldResult> sizes = getResultSizes(rewriter, op);
    Value result = createFilled(rewriter, loc, sizes, none);
    Value limit = getValueOrCreateConstantIndexOp(rewriter, loc, sizes[1]);
    SmallVector<Value> upper, lower(rank, zero), steps(rank, one);
    for (int64_t dim = 0; dim < rank; ++dim)
      upper.push_back(getSize(rewriter, loc, input, dim));
    scf::LoopNest nest = scf::buildLoopNest(
        rewriter, loc, lower, upper, steps, {result, zero},
        [&](OpBuilder &b, Location loc, ValueRange ivs, ValueRange args) {
          Value stored = tensor::ExtractOp::create(b, loc, input, ivs);
          Value x = loadElement(b, loc, stored, element);
          Value isFound = buildCast(b, loc, element, b.getI1Type(), x, true);
          Value fits = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::slt,
                                             args[1], limit);
          isFound = arith::AndIOp::create(b, loc, isFound, fits);
          auto branch = scf::IfOp::create(
              b, loc, isFound,
              [&](OpBuilder &b, Location loc) {
                Value rows = args[0];
                for (int64_t dim = 0; dim < rank; ++dim) {
                  Value row = arith::ConstantIndexOp::create(b, loc, dim);
                  Value position = arith::IndexCastOp::create(
                      b, loc, b.getI64Type(), ivs[dim]);
                  rows = tensor::InsertOp::create(b, loc, position, rows,
                                                  ValueRange{row, args[1]});
                }
                Value next = arith::AddIOp::create(b, loc, args[1], one);
                scf::YieldOp::create(b, loc, ValueRange{rows, next});
              },
              [&](OpBuilder &b, Location loc) {
                scf::YieldOp::create(b, loc, args);
              });
          return scf::ValueVector(branch.getResults());
        });
    rewriter.replaceOp(op, nest.results.front());
    return success();
  }
};

/// Compares all pairs of rows: a row's number is how many first occurrences of
/// other rows stand before it.
struct LowerUniqueIds : OpConversionPattern<UniqueIdsOp> {
  using OpConversionPattern::OpConversionPattern;

  LogicalResult
  matchAndRewrite(UniqueIdsOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    MLIRContext *ctx = op.getContext();
    Value input = adaptor.getInput();
    Type element = getElement(op.getInput()), i64 = rewriter.getI64Type();
    OpFoldResult rows = tensor::getMixedSize(rewriter, loc, input, 0);
    Value width = getSize(rewriter, loc, input, 1);
    AffineMap other = AffineMap::get(2, 0, getAffineDimExpr(1, ctx));
    AffineMap own = AffineMap::get(2, 0, getAffineDimExpr(0, ctx));
    // The number of rows has no operand of its own.
    Value extent = tensor::EmptyOp::create(rewriter, loc, rows,
                                           rewriter.getI8Type());
    auto constant = [&](int64_t value) -> Value {
      return arith::ConstantOp::create(rewriter, loc,
                                       rewriter.getI64IntegerAttr(value));
    };
    auto index = [&](OpBuilder &b, Location loc, int64_t dim) -> Value {
      return arith::IndexCastOp::create(b, loc, i64,
                                        linalg::IndexOp::create(b, loc, dim));
    };
    auto compare = [&](OpBuilder &b, Location loc) {
      return compareRows(b, loc, input, element, width,
                         linalg::IndexOp::create(b, loc, 0),
                         linalg::IndexOp::create(b, loc, 1));
    };
    auto test = [](OpBuilder &b, Location loc, arith::CmpIPredicate p, Value x,
                   Value y) -> Value {
      return arith::CmpIOp::create(b, loc, p, x, y);
    };
    Value zero = constant(0), one = constant(1);
    Value most = constant(std::numeric_limits<int64_t>::max());
    auto reduceRows = [&](ValueRange inputs, ArrayRef<AffineMap> maps,
                          Value identity, auto body) {
      Value init = createFilled(rewriter, loc, rows, identity);
      SmallVector<AffineMap> allMaps(maps);
      allMaps.push_back(own);
      SmallVector<utils::IteratorType> iterators{
          utils::IteratorType::parallel, utils::IteratorType::reduction};
      return linalg::GenericOp::create(
                 rewriter, loc, init.getType(), inputs, init, allMaps, iterators,
                 [&](OpBuilder &b, Location loc, ValueRange args) {
                   linalg::YieldOp::create(b, loc, body(b, loc, args));
                 })
          .getResult(0);
    };
    Value first = reduceRows(
        extent, other, most,
        [&](OpBuilder &b, Location loc, ValueRange args) -> Value {
          Value isEqual = test(b, loc, arith::CmpIPredicate::eq, compare(b, loc),
                               zero);
          Value least = arith::MinSIOp::create(b, loc, args[1], index(b, loc, 1));
          return arith::SelectOp::create(b, loc, isEqual, least, args[1]);
        });
    Value ids = reduceRows(
        {first, first}, {own, other}, zero,
        [&](OpBuilder &b, Location loc, ValueRange args) -> Value {
          Value isFirst = test(b, loc, arith::CmpIPredicate::eq, args[1],
                               index(b, loc, 1));
          Value isBefore =
              op.getSorted()
                  ? test(b, loc, arith::CmpIPredicate::sgt, compare(b, loc), zero)
                  : test(b, loc, arith::CmpIPredicate::slt, args[1], args[0]);
          Value counts = arith::AndIOp::create(b, loc, isFirst, isBefore);
          Value step = arith::ExtUIOp::create(b, loc, i64, counts);
          return arith::AddIOp::create(b, loc, args[2], step);
        });
    Value count = createReduction(
        rewriter, loc, first, rewriter.getMultiDimIdentityMap(1), rows, {0}, zero,
        [&](OpBuilder &b, Location loc, ValueRange args, Value sum) -> Value {
          Value isFirst = test(b, loc, arith::CmpIPredicate::eq, args[0],
                               index(b, loc, 0));
          Value step = arith::SelectOp::create(b, loc, isFirst, one, zero);
          return arith::AddIOp::create(b, loc, sum, step);
        });
    rewriter.replaceOp(op, {castTo(rewriter, op->getResult(0), ids), count});
    return success();
  }

  Value castTo(OpBuilder &b, Value result, Value value) const {
    Type type = getTypeConverter()->convertType(result.getType());
    return value.getType() == type
               ? value
               : tensor::CastOp::create(b, value.getLoc(), type, value)
                     .getResult();
  }

  /// -1, 0 or 1 as row `i` is less than, equal to or greater than row `j`.
  static Value compareRows(OpBuilder &b, Location loc, Value input, Type element,
                           Value width, Value i, Value j) {
    Value zero = arith::ConstantIndexOp::create(b, loc, 0);
    Value one = arith::ConstantIndexOp::create(b, loc, 1);
    auto constant = [&](int64_t value) -> Value {
      return arith::ConstantOp::create(b, loc, b.getI64IntegerAttr(value));
    };
    Value equal = constant(0), less = constant(-1), greater = constant(1);
    auto loop = scf::ForOp::create(
        b, loc, zero, width, one, equal,
        [&](OpBuilder &b, Location loc, Value column, ValueRange state) {
          auto load = [&](Value row) {
            Value stored = tensor::ExtractOp::create(b, loc, input,
                                                     ValueRange{row, column});
            return loadElement(b, loc, stored, element);
          };
          Value x = load(i), y = load(j);
          Value isLess = buildIsLarger(b, loc, element, y, x);
          Value isGreater = buildIsLarger(b, loc, element, x, y);
          Value order = arith::SelectOp::create(b, loc, isGreater, greater, equal);
          order = arith::SelectOp::create(b, loc, isLess, less, order);
          Value isOpen = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq,
                                               state[0], equal);
          Value next =
              arith::SelectOp::create(b, loc, isOpen, order, state[0]);
          scf::YieldOp::create(b, loc, next);
        });
    return loop.getResult(0);
  }
};
} // namespace

void mopt::populateSelectionToLinalg(TypeConverter &types,
                                     RewritePatternSet &patterns) {
  patterns.add<LowerNonZero, LowerUniqueIds>(types, patterns.getContext());
}

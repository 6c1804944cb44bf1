// mopt.determinant to loops: elimination with partial pivoting in one scratch
// matrix.
#include "mopt/Conversion/MoptToLinalg/Elements.h"
#include "mopt/Conversion/MoptToLinalg/Patterns.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Transforms/DialectConversion.h"

using namespace mlir;
using namespace mopt;

namespace {
struct LowerDeterminant : OpConversionPattern<DeterminantOp> {
  using OpConversionPattern::OpConversionPattern;

  LogicalResult
  matchAndRewrite(DeterminantOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    Value input = adaptor.getInput();
    Type element = getElement(op.getInput()), acc = getAccumulatorType(element);
    SmallVector<OpFoldResult> sizes =
        tensor::getMixedSizes(rewriter, loc, input);
    int64_t batchRank = sizes.size() - 2;
    Value n = arith::MinSIOp::create(
        rewriter, loc,
        getValueOrCreateConstantIndexOp(rewriter, loc, sizes[batchRank]),
        getValueOrCreateConstantIndexOp(rewriter, loc, sizes[batchRank + 1]));
    Value zero = arith::ConstantIndexOp::create(rewriter, loc, 0);
    Value one = arith::ConstantIndexOp::create(rewriter, loc, 1);
    Value result =
        createEmpty(rewriter, loc, getResultSizes(rewriter, op), element);
    Value scratch = tensor::EmptyOp::create(
        rewriter, loc, ArrayRef(sizes).take_back(2), acc);
    SmallVector<Value> upper, lower(batchRank, zero), steps(batchRank, one);
    for (int64_t dim = 0; dim < batchRank; ++dim)
      upper.push_back(getValueOrCreateConstantIndexOp(rewriter, loc, sizes[dim]));
    scf::LoopNest nest = scf::buildLoopNest(
        rewriter, loc, lower, upper, steps, {result, scratch},
        [&](OpBuilder &b, Location loc, ValueRange ivs, ValueRange args) {
          Value matrix = copyMatrix(b, loc, input, ivs, n, args[1]);
          auto loop = scf::ForOp::create(
              b, loc, zero, n, one,
              ValueRange{matrix, buildConstant(b, loc, acc, 1)},
              [&](OpBuilder &b, Location loc, Value step, ValueRange state) {
                scf::YieldOp::create(
                    b, loc, eliminate(b, loc, state[0], state[1], step, n));
              });
          Value value = convertFloat(b, loc, loop.getResult(1), element);
          Value next = tensor::InsertOp::create(b, loc, value, args[0], ivs);
          return scf::ValueVector{next, loop.getResult(0)};
        });
    rewriter.replaceOp(op, nest.results.front());
    return success();
  }

  static Value copyMatrix(OpBuilder &b, Location loc, Value input,
                          ValueRange batch, Value n, Value scratch) {
    Value zero = arith::ConstantIndexOp::create(b, loc, 0);
    Value one = arith::ConstantIndexOp::create(b, loc, 1);
    Type acc = getElement(scratch);
    return scf::buildLoopNest(
               b, loc, {zero, zero}, {n, n}, {one, one}, scratch,
               [&](OpBuilder &b, Location loc, ValueRange ivs, ValueRange args) {
                 SmallVector<Value> position(batch);
                 llvm::append_range(position, ivs);
                 Value x = tensor::ExtractOp::create(b, loc, input, position);
                 return scf::ValueVector{tensor::InsertOp::create(
                     b, loc, convertFloat(b, loc, x, acc), args[0], ivs)};
               })
        .results.front();
  }

  /// Step `k`: the row with the largest element of column k comes to row k, and
  /// is subtracted from those below. Returns the matrix and the product so far.
  static SmallVector<Value> eliminate(OpBuilder &b, Location loc, Value matrix,
                                      Value product, Value k, Value n) {
    Value one = arith::ConstantIndexOp::create(b, loc, 1);
    Value zero = arith::ConstantIndexOp::create(b, loc, 0);
    auto load = [](OpBuilder &b, Location loc, Value m, Value i, Value j) -> Value {
      return tensor::ExtractOp::create(b, loc, m, ValueRange{i, j});
    };
    Value first = math::AbsFOp::create(b, loc, load(b, loc, matrix, k, k));
    auto search = scf::ForOp::create(
        b, loc, arith::AddIOp::create(b, loc, k, one), n, one,
        ValueRange{k, first},
        [&](OpBuilder &b, Location loc, Value i, ValueRange args) {
          Value x = math::AbsFOp::create(b, loc, load(b, loc, matrix, i, k));
          Value isLarger = arith::CmpFOp::create(
              b, loc, arith::CmpFPredicate::OGT, x, args[1]);
          Value row = arith::SelectOp::create(b, loc, isLarger, i, args[0]);
          Value most = arith::SelectOp::create(b, loc, isLarger, x, args[1]);
          scf::YieldOp::create(b, loc, ValueRange{row, most});
        });
    Value pivotRow = search.getResult(0);
    auto swap = scf::ForOp::create(
        b, loc, zero, n, one, matrix,
        [&](OpBuilder &b, Location loc, Value j, ValueRange args) {
          Value x = load(b, loc, args[0], k, j);
          Value y = load(b, loc, args[0], pivotRow, j);
          Value m = tensor::InsertOp::create(b, loc, y, args[0], ValueRange{k, j});
          m = tensor::InsertOp::create(b, loc, x, m, ValueRange{pivotRow, j});
          scf::YieldOp::create(b, loc, m);
        });
    matrix = swap.getResult(0);
    Value pivot = load(b, loc, matrix, k, k);
    Value isMoved = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::ne, k,
                                          pivotRow);
    product = arith::MulFOp::create(b, loc, product, pivot);
    product = arith::SelectOp::create(
        b, loc, isMoved, arith::NegFOp::create(b, loc, product), product);
    // Below a pivot of 0 there are only zeros.
    Value none = buildConstant(b, loc, pivot.getType(), 0);
    Value isZero = arith::CmpFOp::create(b, loc, arith::CmpFPredicate::OEQ, pivot,
                                         none);
    Value next = arith::AddIOp::create(b, loc, k, one);
    auto rows = scf::ForOp::create(
        b, loc, next, n, one, matrix,
        [&](OpBuilder &b, Location loc, Value i, ValueRange args) {
          Value factor = arith::DivFOp::create(
              b, loc, load(b, loc, args[0], i, k), pivot);
          factor = arith::SelectOp::create(b, loc, isZero, none, factor);
          auto columns = scf::ForOp::create(
              b, loc, next, n, one, args,
              [&](OpBuilder &b, Location loc, Value j, ValueRange args) {
                Value x = load(b, loc, args[0], i, j);
                Value y = load(b, loc, args[0], k, j);
                x = arith::SubFOp::create(b, loc, x,
                                          arith::MulFOp::create(b, loc, factor, y));
                Value m = tensor::InsertOp::create(b, loc, x, args[0],
                                                   ValueRange{i, j});
                scf::YieldOp::create(b, loc, m);
              });
          scf::YieldOp::create(b, loc, columns.getResults());
        });
    return {rows.getResult(0), product};
  }
};
} // namespace

void mopt::populateDeterminantToLinalg(TypeConverter &types,
                                       RewritePatternSet &patterns) {
  patterns.add<LowerDeterminant>(types, patterns.getContext());
}

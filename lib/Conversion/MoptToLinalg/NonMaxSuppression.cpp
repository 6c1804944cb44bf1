// mopt.nms to loops: per class the best box that is left is taken, and all that
// overlap it too much are struck off.
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
/// A box by its lower and upper corner.
struct Corners {
  Value low[2], high[2];
};

struct LowerNonMaxSuppression : OpConversionPattern<NonMaxSuppressionOp> {
  using OpConversionPattern::OpConversionPattern;

  LogicalResult
  matchAndRewrite(NonMaxSuppressionOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    Value boxes = adaptor.getBoxes(), scores = adaptor.getScores();
    auto getSize = [&](Value tensor, int64_t dim) -> Value {
      return getValueOrCreateConstantIndexOp(
          rewriter, loc, tensor::getMixedSize(rewriter, loc, tensor, dim));
    };
    auto least = [&](Value x, Value y) -> Value {
      return arith::MinSIOp::create(rewriter, loc, x, y);
    };
    Value zero = arith::ConstantIndexOp::create(rewriter, loc, 0);
    Value one = arith::ConstantIndexOp::create(rewriter, loc, 1);
    Value batches = least(getSize(boxes, 0), getSize(scores, 0));
    Value classes = getSize(scores, 1);
    Value candidates = least(getSize(boxes, 1), getSize(scores, 2));
    Value none = arith::ConstantOp::create(rewriter, loc,
                                           rewriter.getI64IntegerAttr(0));
    Value iouLimit = tensor::ExtractOp::create(
        rewriter, loc, adaptor.getIouThreshold(), ValueRange());
    Value scoreLimit = tensor::ExtractOp::create(
        rewriter, loc, adaptor.getScoreThreshold(), ValueRange());
    Value rows = createFilled(rewriter, loc, getResultSizes(rewriter, op), none);
    Value isLeft = tensor::EmptyOp::create(
        rewriter, loc, ArrayRef<OpFoldResult>{candidates}, rewriter.getI8Type());

    scf::LoopNest nest = scf::buildLoopNest(
        rewriter, loc, {zero, zero}, {batches, classes}, {one, one},
        {rows, zero, isLeft},
        [&](OpBuilder &b, Location loc, ValueRange ivs, ValueRange args) {
          Value left = markCandidates(b, loc, scores, ivs, candidates, scoreLimit,
                                      args[2]);
          auto picks = scf::WhileOp::create(
              b, loc,
              TypeRange{args[0].getType(), args[1].getType(), left.getType(),
                        b.getIndexType(), b.getIndexType()},
              ValueRange{args[0], args[1], left, zero},
              [&](OpBuilder &b, Location loc, ValueRange state) {
                Value best =
                    findBest(b, loc, scores, ivs, candidates, state[2]);
                Value isThere = arith::CmpIOp::create(
                    b, loc, arith::CmpIPredicate::slt, best, candidates);
                Value mayPick = arith::CmpIOp::create(
                    b, loc, arith::CmpIPredicate::slt, state[3], op.getLimit());
                SmallVector<Value> passed(state);
                passed.push_back(best);
                scf::ConditionOp::create(
                    b, loc, arith::AndIOp::create(b, loc, isThere, mayPick),
                    passed);
              },
              [&](OpBuilder &b, Location loc, ValueRange state) {
                Value best = state[4], rows = state[0];
                for (auto [column, value] :
                     llvm::enumerate(ArrayRef{ivs[0], ivs[1], best})) {
                  Value stored = arith::IndexCastOp::create(
                      b, loc, b.getI64Type(), value);
                  Value at = arith::ConstantIndexOp::create(b, loc, column);
                  rows = tensor::InsertOp::create(b, loc, stored, rows,
                                                  ValueRange{state[1], at});
                }
                Value left = strikeOff(b, loc, boxes, ivs[0], candidates, best,
                                       iouLimit, op.getCenterPointBox(),
                                       state[2]);
                Value count = arith::AddIOp::create(b, loc, state[1], one);
                Value picked = arith::AddIOp::create(b, loc, state[3], one);
                scf::YieldOp::create(b, loc,
                                     ValueRange{rows, count, left, picked});
              });
          return scf::ValueVector(picks.getResults().take_front(3));
        });
    Value found = arith::IndexCastOp::create(
        rewriter, loc, rewriter.getI64Type(), nest.results[1]);
    Value count = createFilled(
        rewriter, loc, OpFoldResult(rewriter.getIndexAttr(1)), found);
    rewriter.replaceOp(op, {nest.results[0], count});
    return success();
  }

  static Value getScore(OpBuilder &b, Location loc, Value scores, ValueRange ivs,
                        Value i) {
    return tensor::ExtractOp::create(b, loc, scores,
                                     ValueRange{ivs[0], ivs[1], i});
  }

  /// 1 for each box whose score exceeds the limit, else 0.
  static Value markCandidates(OpBuilder &b, Location loc, Value scores,
                              ValueRange ivs, Value count, Value limit,
                              Value marks) {
    Value zero = arith::ConstantIndexOp::create(b, loc, 0);
    Value one = arith::ConstantIndexOp::create(b, loc, 1);
    return scf::ForOp::create(
               b, loc, zero, count, one, marks,
               [&](OpBuilder &b, Location loc, Value i, ValueRange args) {
                 Value isAbove = arith::CmpFOp::create(
                     b, loc, arith::CmpFPredicate::OGT,
                     getScore(b, loc, scores, ivs, i), limit);
                 Value mark =
                     arith::ExtUIOp::create(b, loc, b.getI8Type(), isAbove);
                 Value next =
                     tensor::InsertOp::create(b, loc, mark, args[0], i);
                 scf::YieldOp::create(b, loc, next);
               })
        .getResult(0);
  }

  /// The first marked box of the largest score, or `count`.
  static Value findBest(OpBuilder &b, Location loc, Value scores, ValueRange ivs,
                        Value count, Value marks) {
    Value zero = arith::ConstantIndexOp::create(b, loc, 0);
    Value one = arith::ConstantIndexOp::create(b, loc, 1);
    Value lowest = buildConstant(b, loc, b.getF32Type(),
                                 -std::numeric_limits<double>::infinity());
    return scf::ForOp::create(
               b, loc, zero, count, one, ValueRange{count, lowest},
               [&](OpBuilder &b, Location loc, Value i, ValueRange args) {
                 Value score = getScore(b, loc, scores, ivs, i);
                 Value isMarked = loadElement(
                     b, loc, tensor::ExtractOp::create(b, loc, marks, i),
                     b.getI1Type());
                 Value isBetter = arith::CmpFOp::create(
                     b, loc, arith::CmpFPredicate::OGT, score, args[1]);
                 Value isTaken =
                     arith::AndIOp::create(b, loc, isMarked, isBetter);
                 Value best =
                     arith::SelectOp::create(b, loc, isTaken, i, args[0]);
                 Value most =
                     arith::SelectOp::create(b, loc, isTaken, score, args[1]);
                 scf::YieldOp::create(b, loc, ValueRange{best, most});
               })
        .getResult(0);
  }

  static Corners getCorners(OpBuilder &b, Location loc, Value boxes, Value batch,
                            Value i, bool isCenter) {
    Value v[4];
    for (int64_t k = 0; k < 4; ++k)
      v[k] = tensor::ExtractOp::create(
          b, loc, boxes,
          ValueRange{batch, i, arith::ConstantIndexOp::create(b, loc, k)});
    Corners corners;
    ArithBuilder a(b, loc);
    Value half = buildConstant(b, loc, v[0].getType(), 0.5);
    for (int64_t k : {0, 1}) {
      if (isCenter) {
        Value reach = a.mul(v[k + 2], half);
        corners.low[k] = a.sub(v[k], reach);
        corners.high[k] = a.add(v[k], reach);
      } else {
        corners.low[k] = arith::MinimumFOp::create(b, loc, v[k], v[k + 2]);
        corners.high[k] = arith::MaximumFOp::create(b, loc, v[k], v[k + 2]);
      }
    }
    return corners;
  }

  static Value getArea(OpBuilder &b, Location loc, const Corners &box) {
    ArithBuilder a(b, loc);
    return a.mul(a.sub(box.high[0], box.low[0]), a.sub(box.high[1], box.low[1]));
  }

  /// Clears the marks of `best` and of all boxes that overlap it by more than
  /// the limit.
  static Value strikeOff(OpBuilder &b, Location loc, Value boxes, Value batch,
                         Value count, Value best, Value limit, bool isCenter,
                         Value marks) {
    Value zero = arith::ConstantIndexOp::create(b, loc, 0);
    Value one = arith::ConstantIndexOp::create(b, loc, 1);
    Value none = buildConstant(b, loc, b.getI8Type(), 0);
    Corners own = getCorners(b, loc, boxes, batch, best, isCenter);
    Value ownArea = getArea(b, loc, own);
    auto loop = scf::ForOp::create(
        b, loc, zero, count, one, marks,
        [&](OpBuilder &b, Location loc, Value i, ValueRange args) {
          ArithBuilder a(b, loc);
          Corners other = getCorners(b, loc, boxes, batch, i, isCenter);
          Value otherArea = getArea(b, loc, other);
          Corners common;
          Value overlaps;
          Value nothing = buildConstant(b, loc, b.getF32Type(), 0);
          for (int64_t k : {0, 1}) {
            common.low[k] = arith::MaximumFOp::create(b, loc, own.low[k],
                                                      other.low[k]);
            common.high[k] = arith::MinimumFOp::create(b, loc, own.high[k],
                                                       other.high[k]);
            Value isWide = a.sgt(common.high[k], common.low[k]);
            overlaps = overlaps ? a._and(overlaps, isWide) : isWide;
          }
          Value shared = getArea(b, loc, common);
          Value total = a.sub(a.add(ownArea, otherArea), shared);
          Value ratio = arith::DivFOp::create(b, loc, shared, total);
          overlaps = a._and(overlaps, a.sgt(total, nothing));
          overlaps = a._and(overlaps, a.sgt(ratio, limit));
          Value mark = tensor::ExtractOp::create(b, loc, args[0], i);
          mark = arith::SelectOp::create(b, loc, overlaps, none, mark);
          Value next = tensor::InsertOp::create(b, loc, mark, args[0], i);
          scf::YieldOp::create(b, loc, next);
        });
    return tensor::InsertOp::create(b, loc, none, loop.getResult(0), best);
  }
};
} // namespace

void mopt::populateNonMaxSuppressionToLinalg(TypeConverter &types,
                                             RewritePatternSet &patterns) {
  patterns.add<LowerNonMaxSuppression>(types, patterns.getContext());
}

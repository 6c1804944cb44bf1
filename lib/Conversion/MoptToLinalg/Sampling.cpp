// mopt.roi_align and mopt.pool_argmax to parallel loops over the result, each
// with a loop over its samples.
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

static Value getSize(OpBuilder &b, Location loc, Value tensor, int64_t dim) {
  return getValueOrCreateConstantIndexOp(
      b, loc, tensor::getMixedSize(b, loc, tensor, dim));
}

static Value toFloat(OpBuilder &b, Location loc, Value index, Type type) {
  Value integer = arith::IndexCastOp::create(b, loc, b.getI64Type(), index);
  return arith::SIToFPOp::create(b, loc, type, integer);
}

static Value toIndex(OpBuilder &b, Location loc, Value x) {
  Value integer = arith::FPToSIOp::create(b, loc, b.getI64Type(), x);
  return arith::IndexCastOp::create(b, loc, b.getIndexType(), integer);
}

namespace {
/// Where the samples of one bin lie along one dimension.
struct BinSamples {
  Value first, step, count;
};

/// The two elements around a sample, with their weights.
struct Tap {
  Value position[2], weight[2];
};

struct LowerRoiAlign : OpConversionPattern<RoiAlignOp> {
  using OpConversionPattern::OpConversionPattern;

  LogicalResult
  matchAndRewrite(RoiAlignOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    Value input = adaptor.getInput();
    Type element = getElement(input), acc = getAccumulatorType(element);
    Value batches = getSize(rewriter, loc, input, 0);
    Value extents[2] = {getSize(rewriter, loc, input, 2),
                        getSize(rewriter, loc, input, 3)};
    rewriter.replaceOp(
        op,
        createParallelGeneric(
            rewriter, loc, getResultSizes(rewriter, op), element, {}, {},
            [&](OpBuilder &b, Location loc, ValueRange) {
              Value roi = linalg::IndexOp::create(b, loc, 0);
              Value stored = tensor::ExtractOp::create(
                  b, loc, adaptor.getBatchIndices(), roi);
              Value batch = normalizeIndex(b, loc, stored, batches);
              Value channel = linalg::IndexOp::create(b, loc, 1);
              BinSamples y = getSamples(b, loc, op, adaptor.getRois(), acc, 0);
              BinSamples x = getSamples(b, loc, op, adaptor.getRois(), acc, 1);
              Value zero = arith::ConstantIndexOp::create(b, loc, 0);
              Value one = arith::ConstantIndexOp::create(b, loc, 1);
              Value init = arith::ConstantOp::create(
                  b, loc,
                  getReduceIdentity(
                      op.getMax() ? ReduceKind::max : ReduceKind::sum, acc));
              Value total =
                  scf::buildLoopNest(
                      b, loc, {zero, zero}, {y.count, x.count}, {one, one}, init,
                      [&](OpBuilder &b, Location loc, ValueRange ivs,
                          ValueRange args) {
                        Tap row = getTap(b, loc, y, ivs[0], extents[0]);
                        Tap column = getTap(b, loc, x, ivs[1], extents[1]);
                        return scf::ValueVector{
                            addSample(b, loc, op.getMax(), input, batch, channel,
                                      row, column, args[0])};
                      })
                      .results.front();
              return convertFloat(b, loc, finish(b, loc, op, total, y, x),
                                  element);
            }));
    return success();
  }

  /// Along the height (0) or width (1).
  static BinSamples getSamples(OpBuilder &b, Location loc, RoiAlignOp op,
                               Value rois, Type acc, int64_t side) {
    ArithBuilder a(b, loc);
    auto constant = [&](double v) { return buildConstant(b, loc, acc, v); };
    Value roi = linalg::IndexOp::create(b, loc, 0);
    Value bin = linalg::IndexOp::create(b, loc, side + 2);
    // Boxes are x1, y1, x2, y2.
    auto edge = [&](int64_t column) {
      Value at = arith::ConstantIndexOp::create(b, loc, column);
      Value x = convertFloat(
          b, loc, tensor::ExtractOp::create(b, loc, rois, ValueRange{roi, at}),
          acc);
      x = a.mul(x, constant(op.getSpatialScale().convertToDouble()));
      return op.getHalfPixel() ? a.sub(x, constant(0.5)) : x;
    };
    Value begin = edge(1 - side), length = a.sub(edge(3 - side), begin);
    if (!op.getHalfPixel())
      length = arith::MaximumFOp::create(b, loc, length, constant(1));
    int64_t bins = side == 0 ? op.getOutputHeight() : op.getOutputWidth();
    Value size = arith::DivFOp::create(b, loc, length, constant(bins));
    BinSamples samples;
    Value parts;
    if (op.getSamplingRatio() > 0) {
      samples.count =
          arith::ConstantIndexOp::create(b, loc, op.getSamplingRatio());
      parts = constant(op.getSamplingRatio());
    } else {
      parts = math::CeilOp::create(b, loc, size);
      samples.count = toIndex(b, loc, parts);
    }
    samples.first = a.add(begin, a.mul(toFloat(b, loc, bin, acc), size));
    samples.step = arith::DivFOp::create(b, loc, size, parts);
    return samples;
  }

  static Tap getTap(OpBuilder &b, Location loc, const BinSamples &samples,
                    Value i, Value extent) {
    ArithBuilder a(b, loc);
    Type acc = samples.first.getType();
    auto constant = [&](double v) { return buildConstant(b, loc, acc, v); };
    Value zero = arith::ConstantIndexOp::create(b, loc, 0);
    Value one = arith::ConstantIndexOp::create(b, loc, 1);
    Value offset = a.add(toFloat(b, loc, i, acc), constant(0.5));
    Value at = a.add(samples.first, a.mul(offset, samples.step));
    auto compare = [&](arith::CmpFPredicate p, Value x, Value y) -> Value {
      return arith::CmpFOp::create(b, loc, p, x, y);
    };
    // Farther than one element outside nothing is read. NaN is outside.
    Value isInside =
        a._and(compare(arith::CmpFPredicate::OGE, at, constant(-1)),
               compare(arith::CmpFPredicate::OLE, at,
                       toFloat(b, loc, extent, acc)));
    at = a.select(isInside, arith::MaximumFOp::create(b, loc, at, constant(0)),
                  constant(0));
    Value last = arith::MaxSIOp::create(b, loc, a.sub(extent, one), zero);
    Value low = arith::MinSIOp::create(b, loc, toIndex(b, loc, at), last);
    Value high = arith::MinSIOp::create(b, loc, a.add(low, one), last);
    Value isLast =
        arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq, low, last);
    Value rest = a.select(isLast, constant(0),
                          a.sub(at, toFloat(b, loc, low, acc)));
    Tap tap;
    tap.position[0] = low;
    tap.position[1] = high;
    tap.weight[0] = a.select(isInside, a.sub(constant(1), rest), constant(0));
    tap.weight[1] = a.select(isInside, rest, constant(0));
    return tap;
  }

  static Value addSample(OpBuilder &b, Location loc, bool isMax, Value input,
                         Value batch, Value channel, const Tap &row,
                         const Tap &column, Value total) {
    Type acc = total.getType();
    Value sample;
    for (int64_t i : {0, 1})
      for (int64_t j : {0, 1}) {
        Value x = tensor::ExtractOp::create(
            b, loc, input,
            ValueRange{batch, channel, row.position[i], column.position[j]});
        Value weight =
            arith::MulFOp::create(b, loc, row.weight[i], column.weight[j]);
        Value term =
            arith::MulFOp::create(b, loc, convertFloat(b, loc, x, acc), weight);
        // The maximum is over the weighted elements, as ONNX Runtime has it.
        if (!sample)
          sample = term;
        else if (isMax)
          sample = arith::MaximumFOp::create(b, loc, sample, term);
        else
          sample = arith::AddFOp::create(b, loc, sample, term);
      }
    return isMax ? arith::MaximumFOp::create(b, loc, total, sample).getResult()
                 : arith::AddFOp::create(b, loc, total, sample).getResult();
  }

  /// The mean, or the maximum with 0 where there is no sample.
  static Value finish(OpBuilder &b, Location loc, RoiAlignOp op, Value total,
                      const BinSamples &y, const BinSamples &x) {
    Value count = arith::MulIOp::create(b, loc, y.count, x.count);
    Value one = arith::ConstantIndexOp::create(b, loc, 1);
    if (op.getMax()) {
      Value isEmpty =
          arith::CmpIOp::create(b, loc, arith::CmpIPredicate::slt, count, one);
      return arith::SelectOp::create(
          b, loc, isEmpty, buildConstant(b, loc, total.getType(), 0), total);
    }
    count = arith::MaxSIOp::create(b, loc, count, one);
    return arith::DivFOp::create(b, loc, total,
                                 toFloat(b, loc, count, total.getType()));
  }
};

struct LowerPoolArgMax : OpConversionPattern<PoolArgMaxOp> {
  using OpConversionPattern::OpConversionPattern;

  LogicalResult
  matchAndRewrite(PoolArgMaxOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    Value input = adaptor.getInput();
    int64_t rank = cast<RankedTensorType>(input.getType()).getRank();
    SmallVector<Value> extents;
    for (int64_t dim = 0; dim < rank; ++dim)
      extents.push_back(getSize(rewriter, loc, input, dim));
    rewriter.replaceOp(
        op, createParallelGeneric(
                rewriter, loc, getResultSizes(rewriter, op),
                rewriter.getI64Type(), {}, {},
                [&](OpBuilder &b, Location loc, ValueRange) -> Value {
                  Value best = searchWindow(b, loc, op, input, extents);
                  return arith::IndexCastOp::create(b, loc, b.getI64Type(), best);
                }));
    return success();
  }

  /// The flat position of the largest element; -1 if the window has none.
  static Value searchWindow(OpBuilder &b, Location loc, PoolArgMaxOp op,
                            Value input, ArrayRef<Value> extents) {
    Type element = getElement(op.getInput());
    int64_t rank = extents.size(), spatial = rank - 2;
    Value zero = arith::ConstantIndexOp::create(b, loc, 0);
    Value one = arith::ConstantIndexOp::create(b, loc, 1);
    Value lowest = arith::ConstantOp::create(
        b, loc, getReduceIdentity(ReduceKind::max, element));
    Value none = arith::ConstantIndexOp::create(b, loc, -1);
    SmallVector<Value> lower(spatial, zero), steps(spatial, one), upper, starts;
    for (int64_t i = 0; i < spatial; ++i) {
      upper.push_back(arith::ConstantIndexOp::create(b, loc, op.getKernel()[i]));
      starts.push_back(linalg::IndexOp::create(b, loc, i + 2));
    }
    Value image = linalg::IndexOp::create(b, loc, 0);
    Value channel = linalg::IndexOp::create(b, loc, 1);
    auto nest = scf::buildLoopNest(
        b, loc, lower, upper, steps, {lowest, none},
        [&](OpBuilder &b, Location loc, ValueRange taps, ValueRange args) {
          ArithBuilder a(b, loc);
          auto constant = [&](int64_t v) -> Value {
            return arith::ConstantIndexOp::create(b, loc, v);
          };
          SmallVector<Value> position{image, channel};
          Value isInside;
          for (int64_t i = 0; i < spatial; ++i) {
            Value at = a.add(a.mul(starts[i], constant(op.getStrides()[i])),
                             a.mul(taps[i], constant(op.getDilations()[i])));
            at = a.sub(at, constant(op.getPadsBegin()[i]));
            // Negative positions are huge without sign.
            Value fits = arith::CmpIOp::create(
                b, loc, arith::CmpIPredicate::ult, at, extents[i + 2]);
            isInside = isInside ? a._and(isInside, fits) : fits;
            position.push_back(a.select(fits, at, zero));
          }
          Value stored = tensor::ExtractOp::create(b, loc, input, position);
          Value x = loadElement(b, loc, stored, element);
          Value isFirst = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq,
                                                args[1], none);
          Value isLarger = buildIsLarger(b, loc, element, x, args[0]);
          Value isTaken =
              a._and(isInside, arith::OrIOp::create(b, loc, isFirst, isLarger));
          Value flat = getFlatPosition(b, loc, position, extents,
                                       op.getColumnMajor());
          return scf::ValueVector{a.select(isTaken, x, args[0]),
                                  a.select(isTaken, flat, args[1])};
        });
    return nest.results[1];
  }

  static Value getFlatPosition(OpBuilder &b, Location loc,
                               ArrayRef<Value> position, ArrayRef<Value> extents,
                               bool columnMajor) {
    SmallVector<int64_t> order =
        llvm::to_vector(llvm::seq<int64_t>(0, position.size()));
    if (columnMajor)
      std::reverse(order.begin() + 2, order.end());
    ArithBuilder a(b, loc);
    Value flat = position[0];
    for (int64_t dim : ArrayRef(order).drop_front())
      flat = a.add(a.mul(flat, extents[dim]), position[dim]);
    return flat;
  }
};
} // namespace

void mopt::populateSamplingToLinalg(TypeConverter &types,
                                    RewritePatternSet &patterns) {
  patterns.add<LowerRoiAlign, LowerPoolArgMax>(types, patterns.getContext());
}

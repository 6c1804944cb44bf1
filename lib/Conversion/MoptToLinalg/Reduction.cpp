// mopt reductions, softmax and normalization to linalg.generic.
#include "mopt/Conversion/MoptToLinalg/Elements.h"
#include "mopt/Conversion/MoptToLinalg/Patterns.h"
#include "mopt/Support/SumOrder.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Transforms/DialectConversion.h"

using namespace mlir;
using namespace mopt;

static Value toAccumulator(OpBuilder &b, Location loc, Value x, Type acc) {
  return isa<FloatType>(acc) ? convertFloat(b, loc, x, acc) : x;
}

/// e^x of an f32 that is 0 at most, or NaN; 0 where it would be below 1.7e-38.
/// A processor takes a hundred cycles for a result that is no normal number,
/// and those of masked elements would be.
static Value buildNormalExp(OpBuilder &b, Location loc, Value x) {
  Value least = buildConstant(b, loc, b.getF32Type(), -87);
  Value zero = buildConstant(b, loc, b.getF32Type(), 0);
  // Limits as mopt-approximate-math knows them.
  Value isLarge =
      arith::CmpFOp::create(b, loc, arith::CmpFPredicate::OGT, x, zero);
  x = arith::SelectOp::create(b, loc, isLarge, zero, x);
  Value isSmall =
      arith::CmpFOp::create(b, loc, arith::CmpFPredicate::OLT, x, least);
  x = arith::SelectOp::create(b, loc, isSmall, least, x);
  return arith::SelectOp::create(b, loc, isSmall, zero,
                                 math::ExpOp::create(b, loc, x));
}

/// A tensor of accumulators as one of `element`, if they differ.
static Value fromAccumulators(OpBuilder &b, Location loc, Value x,
                              ArrayRef<OpFoldResult> sizes, Type element) {
  if (getElement(x) == getStoredElementType(element))
    return x;
  return createParallelGeneric(b, loc, sizes, element, x,
                               b.getMultiDimIdentityMap(sizes.size()),
                               [&](OpBuilder &b, Location loc, ValueRange v) {
                                 return convertFloat(b, loc, v[0], element);
                               });
}

/// The map of a tensor whose dimensions `axes` have size 1.
static AffineMap getReducedMap(int64_t rank, ArrayRef<int64_t> axes,
                               MLIRContext *ctx) {
  SmallVector<AffineExpr> exprs;
  for (int64_t dim = 0; dim < rank; ++dim)
    exprs.push_back(llvm::is_contained(axes, dim)
                        ? getAffineConstantExpr(0, ctx)
                        : getAffineDimExpr(dim, ctx));
  return AffineMap::get(rank, 0, exprs, ctx);
}

/// Marks the reduction that `result` comes from, maybe reshaped.
static void keepOrder(Value result) {
  Operation *op = result.getDefiningOp();
  while (op && !isa<linalg::GenericOp>(op))
    op = op->getOperand(0).getDefiningOp();
  if (op)
    op->setAttr(kInOrderAttr, UnitAttr::get(op->getContext()));
}

namespace {
struct LowerReduce : OpConversionPattern<ReduceOp> {
  using OpConversionPattern::OpConversionPattern;

  LogicalResult
  matchAndRewrite(ReduceOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    Type element = getElement(op.getInput());
    // Maximum and minimum need no wider type.
    bool isSum =
        op.getKind() == ReduceKind::sum || op.getKind() == ReduceKind::prod;
    Type acc = isSum ? getAccumulatorType(element) : getScalarType(element);
    Type logical = isa<FloatType>(acc) ? acc : element;
    SmallVector<OpFoldResult> sizes =
        tensor::getMixedSizes(rewriter, loc, adaptor.getInput());
    Value identity = storeElement(
        rewriter, loc,
        arith::ConstantOp::create(rewriter, loc,
                                  getReduceIdentity(op.getKind(), logical)),
        element);
    Value result = createReduction(
        rewriter, loc, adaptor.getInput(),
        rewriter.getMultiDimIdentityMap(sizes.size()), sizes, op.getAxes(),
        identity, [&](OpBuilder &b, Location loc, ValueRange x, Value sum) {
          Value term =
              toAccumulator(b, loc, loadElement(b, loc, x[0], element), acc);
          Value total = buildReduce(b, loc, op.getKind(), logical,
                                    loadElement(b, loc, sum, element), term);
          return storeElement(b, loc, total, element);
        });
    result = fromAccumulators(rewriter, loc, result,
                              getResultSizes(rewriter, op), element);
    rewriter.replaceOp(op, castTo(rewriter, op, result));
    return success();
  }

  Value castTo(OpBuilder &b, Operation *op, Value value) const {
    Type type = getTypeConverter()->convertType(op->getResult(0).getType());
    return value.getType() == type
               ? value
               : tensor::CastOp::create(b, op->getLoc(), type, value)
                     .getResult();
  }
};

struct LowerSoftmax : OpConversionPattern<SoftmaxOp> {
  using OpConversionPattern::OpConversionPattern;

  /// x / sum as a whole number of steps, rounded once, times `step`.
  static Value roundQuotient(OpBuilder &b, Location loc, Value x, Value sum,
                             double step) {
    Type f64 = b.getF64Type();
    Value y =
        arith::MulFOp::create(b, loc, arith::ExtFOp::create(b, loc, f64, x),
                              buildConstant(b, loc, f64, 1 / step));
    y = arith::DivFOp::create(b, loc, y,
                              arith::ExtFOp::create(b, loc, f64, sum));
    y = arith::TruncFOp::create(b, loc, b.getF32Type(),
                                math::RoundEvenOp::create(b, loc, y));
    return arith::MulFOp::create(b, loc, y,
                                 buildConstant(b, loc, b.getF32Type(), step));
  }

  /// What `table` has for the steps that `x` is below `most`.
  static Value lookUp(OpBuilder &b, Location loc, Value table, Value most,
                      Value x, double perStep) {
    Value below = arith::SubFOp::create(b, loc, most, x);
    Value steps = arith::MulFOp::create(
        b, loc, below, buildConstant(b, loc, below.getType(), perStep));
    Value whole = arith::FPToSIOp::create(
        b, loc, b.getI32Type(), math::RoundEvenOp::create(b, loc, steps));
    return tensor::ExtractOp::create(b, loc, table,
                                     ValueRange{arith::IndexCastOp::create(
                                         b, loc, b.getIndexType(), whole)});
  }

  LogicalResult
  matchAndRewrite(SoftmaxOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    Type element = getElement(op.getInput()), acc = getAccumulatorType(element);
    Value x = adaptor.getInput();
    SmallVector<OpFoldResult> sizes = tensor::getMixedSizes(rewriter, loc, x);
    int64_t rank = sizes.size(), axis = op.getAxis();
    MLIRContext *ctx = op.getContext();
    AffineMap identity = rewriter.getMultiDimIdentityMap(rank);
    AffineMap reduced = getReducedMap(rank, axis, ctx);
    // Telling +0 and -0 apart would take half of the instructions.
    Value most = createReduction(
        rewriter, loc, x, identity, sizes, axis,
        arith::ConstantOp::create(rewriter, loc,
                                  getReduceIdentity(ReduceKind::max, acc)),
        [&](OpBuilder &b, Location loc, ValueRange v, Value m) -> Value {
          return arith::MaximumFOp::create(b, loc, m,
                                           toAccumulator(b, loc, v[0], acc),
                                           arith::FastMathFlags::nsz);
        });
    auto exponent = [&](OpBuilder &b, Location loc, ValueRange v) -> Value {
      return arith::SubFOp::create(b, loc, toAccumulator(b, loc, v[0], acc),
                                   v[1]);
    };
    auto exponential = [&](OpBuilder &b, Location loc, ValueRange v) -> Value {
      Value x = exponent(b, loc, v);
      return acc.isF32() ? buildNormalExp(b, loc, x)
                         : math::ExpOp::create(b, loc, x).getResult();
    };
    Value zero = buildConstant(rewriter, loc, acc, 0);
    if (op.getLog()) {
      Value sum = createReduction(
          rewriter, loc, {x, most}, {identity, reduced}, sizes, axis, zero,
          [&](OpBuilder &b, Location loc, ValueRange v, Value s) -> Value {
            return arith::AddFOp::create(b, loc, s, exponential(b, loc, v));
          });
      rewriter.replaceOp(
          op,
          createParallelGeneric(rewriter, loc, sizes, element, {x, most, sum},
                                {identity, reduced, reduced},
                                [&](OpBuilder &b, Location loc, ValueRange v) {
                                  Value y = arith::SubFOp::create(
                                      b, loc, exponent(b, loc, v.take_front(2)),
                                      math::LogOp::create(b, loc, v[2]));
                                  return convertFloat(b, loc, y, element);
                                }));
      return success();
    }
    auto known = op->getAttrOfType<DictionaryAttr>(kExponentialsAttr);
    Value table;
    double perStep = 0;
    if (known) {
      table = arith::ConstantOp::create(
          rewriter, loc, cast<TypedAttr>(known.getAs<ElementsAttr>("table")));
      perStep = 1 / known.getAs<FloatAttr>("step").getValueAsDouble();
    }
    // In a narrow type the exponentials and their sum are rounded, as in ONNX's
    // definition by operators.
    Value e = createParallelGeneric(
        rewriter, loc, sizes, element, {x, most}, {identity, reduced},
        [&](OpBuilder &b, Location loc, ValueRange v) -> Value {
          if (known)
            return lookUp(b, loc, table, v[1], v[0], perStep);
          return convertFloat(b, loc, exponential(b, loc, v), element);
        });
    Value sum = createReduction(
        rewriter, loc, e, identity, sizes, axis, zero,
        [&](OpBuilder &b, Location loc, ValueRange v, Value s) -> Value {
          return arith::AddFOp::create(b, loc, s,
                                       toAccumulator(b, loc, v[0], acc));
        });
    if (known)
      keepOrder(sum);
    rewriter.replaceOp(
        op, createParallelGeneric(
                rewriter, loc, sizes, element, {e, sum}, {identity, reduced},
                [&](OpBuilder &b, Location loc, ValueRange v) -> Value {
                  if (known)
                    return roundQuotient(
                        b, loc, v[0], v[1],
                        known.getAs<FloatAttr>("result").getValueAsDouble());
                  // One division for a row, which is 1 at least. Rounded to a
                  // narrow type, the product would differ from the quotient.
                  if (element == acc) {
                    Value one = buildConstant(b, loc, acc, 1);
                    return arith::MulFOp::create(
                        b, loc, v[0], arith::DivFOp::create(b, loc, one, v[1]));
                  }
                  Value total = convertFloat(b, loc, v[1], element);
                  Value y = arith::DivFOp::create(
                      b, loc, toAccumulator(b, loc, v[0], acc),
                      toAccumulator(b, loc, total, acc));
                  return convertFloat(b, loc, y, element);
                }));
    return success();
  }
};

struct LowerNormalize : OpConversionPattern<NormalizeOp> {
  using OpConversionPattern::OpConversionPattern;

  /// Along rows of f32 as ONNX Runtime does: the mean is rounded from a sum in
  /// f64, and the last step is a product with a reciprocal. mopt-order-sums
  /// gives the sums their order.
  static Value normalizeRows(OpBuilder &b, NormalizeOp op, Value x,
                             ArrayRef<OpFoldResult> sizes) {
    Location loc = op.getLoc();
    int64_t rank = sizes.size(), axis = rank - 1;
    double count = cast<RankedTensorType>(x.getType()).getDimSize(axis);
    Type f32 = b.getF32Type(), f64 = b.getF64Type();
    AffineMap identity = b.getMultiDimIdentityMap(rank),
              reduced = getReducedMap(rank, axis, op.getContext());
    Value sum = createReduction(
        b, loc, x, identity, sizes, axis, buildConstant(b, loc, f64, 0),
        [&](OpBuilder &b, Location loc, ValueRange v, Value s) -> Value {
          return arith::AddFOp::create(
              b, loc, s, arith::ExtFOp::create(b, loc, f64, v[0]));
        });
    auto center = [&](OpBuilder &b, Location loc, Value v, Value s) -> Value {
      Value mean =
          arith::DivFOp::create(b, loc, s, buildConstant(b, loc, f64, count));
      return arith::SubFOp::create(b, loc, v,
                                   arith::TruncFOp::create(b, loc, f32, mean));
    };
    Value squares = createReduction(
        b, loc, {x, sum}, {identity, reduced}, sizes, axis,
        buildConstant(b, loc, f32, 0),
        [&](OpBuilder &b, Location loc, ValueRange v, Value s) -> Value {
          Value d = center(b, loc, v[0], v[1]);
          return arith::AddFOp::create(b, loc, s,
                                       arith::MulFOp::create(b, loc, d, d));
        });
    double epsilon = op.getEpsilon().convertToDouble();
    return createParallelGeneric(
        b, loc, sizes, f32, {x, sum, squares}, {identity, reduced, reduced},
        [&](OpBuilder &b, Location loc, ValueRange v) -> Value {
          Value variance = arith::DivFOp::create(
              b, loc, v[2], buildConstant(b, loc, f32, count));
          variance = arith::AddFOp::create(b, loc, variance,
                                           buildConstant(b, loc, f32, epsilon));
          Value inverse =
              arith::DivFOp::create(b, loc, buildConstant(b, loc, f32, 1),
                                    math::SqrtOp::create(b, loc, variance));
          return arith::MulFOp::create(b, loc, center(b, loc, v[0], v[1]),
                                       inverse);
        });
  }

  LogicalResult
  matchAndRewrite(NormalizeOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    Type element = getElement(op.getInput()), acc = getAccumulatorType(element);
    Value x = adaptor.getInput();
    SmallVector<OpFoldResult> sizes = tensor::getMixedSizes(rewriter, loc, x);
    int64_t rank = sizes.size();
    SmallVector<int64_t> axes =
        llvm::to_vector(llvm::seq<int64_t>(op.getAxis(), rank));
    MLIRContext *ctx = op.getContext();
    AffineMap identity = rewriter.getMultiDimIdentityMap(rank);
    AffineMap reduced = getReducedMap(rank, axes, ctx);
    auto type = cast<RankedTensorType>(x.getType());
    if (!op.getRms() && acc == element && element.isF32() && axes.size() == 1 &&
        type.getDimSize(rank - 1) > 0 && type.getDimSize(rank - 1) % 8 == 0) {
      rewriter.replaceOp(op, normalizeRows(rewriter, op, x, sizes));
      return success();
    }
    Value zero = buildConstant(rewriter, loc, acc, 0);
    Value count = arith::ConstantIndexOp::create(rewriter, loc, 1);
    for (int64_t axis : axes)
      count = arith::MulIOp::create(
          rewriter, loc, count,
          getValueOrCreateConstantIndexOp(rewriter, loc, sizes[axis]));
    Value divisor = arith::SIToFPOp::create(
        rewriter, loc, acc,
        arith::IndexCastOp::create(rewriter, loc, rewriter.getI64Type(),
                                   count));

    // Over the sum of terms: its mean is taken where it is used.
    Value sum;
    if (!op.getRms())
      sum = createReduction(
          rewriter, loc, x, identity, sizes, axes, zero,
          [&](OpBuilder &b, Location loc, ValueRange v, Value s) -> Value {
            return arith::AddFOp::create(b, loc, s,
                                         toAccumulator(b, loc, v[0], acc));
          });
    auto center = [&](OpBuilder &b, Location loc, Value v, Value s) -> Value {
      v = toAccumulator(b, loc, v, acc);
      if (!s)
        return v;
      return arith::SubFOp::create(b, loc, v,
                                   arith::DivFOp::create(b, loc, s, divisor));
    };
    SmallVector<Value> inputs{x};
    SmallVector<AffineMap> maps{identity};
    if (sum) {
      inputs.push_back(sum);
      maps.push_back(reduced);
    }
    auto centered = [&](OpBuilder &b, Location loc, ValueRange v) {
      return center(b, loc, v[0], sum ? v[1] : Value());
    };
    Value squares = createReduction(
        rewriter, loc, inputs, maps, sizes, axes, zero,
        [&](OpBuilder &b, Location loc, ValueRange v, Value s) -> Value {
          Value d = centered(b, loc, v);
          return arith::AddFOp::create(b, loc, s,
                                       arith::MulFOp::create(b, loc, d, d));
        });
    inputs.push_back(squares);
    maps.push_back(reduced);
    double epsilon = op.getEpsilon().convertToDouble();
    rewriter.replaceOp(
        op,
        createParallelGeneric(
            rewriter, loc, sizes, element, inputs, maps,
            [&](OpBuilder &b, Location loc, ValueRange v) {
              Value variance = arith::DivFOp::create(b, loc, v.back(), divisor);
              variance = arith::AddFOp::create(
                  b, loc, variance, buildConstant(b, loc, acc, epsilon));
              Value y =
                  arith::DivFOp::create(b, loc, centered(b, loc, v),
                                        math::SqrtOp::create(b, loc, variance));
              return convertFloat(b, loc, y, element);
            }));
    return success();
  }
};
} // namespace

void mopt::populateReductionToLinalg(TypeConverter &types,
                                     RewritePatternSet &patterns) {
  patterns.add<LowerReduce, LowerSoftmax, LowerNormalize>(
      types, patterns.getContext());
}

// mopt elementwise ops to linalg.generic.
#include "mopt/Conversion/MoptToLinalg/Elements.h"
#include "mopt/Conversion/MoptToLinalg/Patterns.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Transforms/DialectConversion.h"

#include <cmath>

using namespace mlir;
using namespace mopt;

/// Scalar code of each op, from loaded scalars of the operands.
static Value buildBody(OpBuilder &b, UnaryOp op, ValueRange x) {
  return buildUnary(b, op.getLoc(), op.getKind(), getElement(op.getInput()), x[0]);
}
static Value buildBody(OpBuilder &b, BinaryOp op, ValueRange x) {
  return buildBinary(b, op.getLoc(), op.getKind(), getElement(op.getLhs()), x[0],
                     x[1]);
}
static Value buildBody(OpBuilder &b, CompareOp op, ValueRange x) {
  return buildCompare(b, op.getLoc(), op.getKind(), getElement(op.getLhs()), x[0],
                      x[1]);
}
static Value buildBody(OpBuilder &b, SelectOp op, ValueRange x) {
  return arith::SelectOp::create(b, op.getLoc(), x[0], x[1], x[2]);
}
static Value buildBody(OpBuilder &b, CastOp op, ValueRange x) {
  return buildCast(b, op.getLoc(), getElement(op.getInput()),
                   getElement(op.getResult()), x[0], op.getSaturate());
}
/// Floats of 4 and 8 bits round and saturate when they are stored.
static Value buildBody(OpBuilder &b, QuantizeOp op, ValueRange x) {
  Location loc = op.getLoc();
  Type element = getElement(op.getResult()),
       precision = getElement(op.getScale());
  Value y = buildCast(b, loc, getElement(op.getInput()), precision, x[0], true);
  // A scale of 1 only rounds.
  if (!matchPattern(op.getScale(), m_OneFloat()))
    y = buildBinary(b, loc, BinaryKind::div, precision, y, x[1]);
  if (isa<FloatType>(element))
    return buildCast(b, loc, precision, element, y, op.getSaturate());
  y = buildUnary(b, loc, UnaryKind::round, precision, y);
  // Narrow floats cannot hold the sum.
  Type wide = precision.isF64() ? precision : b.getF32Type();
  y = convertFloat(b, loc, y, wide);
  if (op.getZeroPoint())
    y = arith::AddFOp::create(b, loc, y,
                              buildCast(b, loc, element, wide, x[2], true));
  bool isUnsigned = isUnsignedElement(element);
  unsigned bits = element.getIntOrFloatBitWidth() - !isUnsigned;
  double high = std::exp2(bits) - 1, low = isUnsigned ? 0 : -high - 1;
  y = arith::MaxNumFOp::create(b, loc, y, buildConstant(b, loc, wide, low));
  y = arith::MinNumFOp::create(b, loc, y, buildConstant(b, loc, wide, high));
  y = arith::FPToSIOp::create(b, loc, b.getI32Type(), y);
  return arith::TruncIOp::create(b, loc, getScalarType(element), y);
}
static Value buildBody(OpBuilder &b, DequantizeOp op, ValueRange x) {
  Location loc = op.getLoc();
  Type element = getElement(op.getInput()), result = getElement(op.getResult());
  Type compute = result.isF64() ? result : b.getF32Type();
  Value y = x[0];
  if (isa<IntegerType>(element)) {
    Type i32 = b.getI32Type();
    y = buildCast(b, loc, element, i32, y, true);
    if (op.getZeroPoint())
      y = arith::SubIOp::create(b, loc, y,
                                buildCast(b, loc, element, i32, x[2], true));
    y = arith::SIToFPOp::create(b, loc, compute, y);
  } else {
    y = convertFloat(b, loc, y, compute);
  }
  y = arith::MulFOp::create(b, loc, y, convertFloat(b, loc, x[1], compute));
  return convertFloat(b, loc, y, getScalarType(result));
}

namespace {
template <typename Op>
struct LowerElementwise : OpConversionPattern<Op> {
  using OpConversionPattern<Op>::OpConversionPattern;

  LogicalResult
  matchAndRewrite(Op op, typename Op::Adaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Operation *base = op;
    auto type = cast<RankedTensorType>(base->getResult(0).getType());
    SmallVector<AffineMap> maps;
    for (Value operand : base->getOperands())
      maps.push_back(
          getBroadcastMap(cast<RankedTensorType>(operand.getType()), type));
    bool hasFailed = false;
    Value result = createParallelGeneric(
        rewriter, op.getLoc(), getResultSizes(rewriter, op),
        type.getElementType(), adaptor.getOperands(), maps,
        [&](OpBuilder &b, Location loc, ValueRange stored) -> Value {
          SmallVector<Value> scalars;
          for (auto [value, operand] :
               llvm::zip_equal(stored, base->getOperands()))
            scalars.push_back(loadElement(b, loc, value, getElement(operand)));
          Value scalar = buildBody(b, op, scalars);
          if (scalar)
            return scalar;
          hasFailed = true;
          return buildConstant(b, loc, getScalarType(type.getElementType()), 0);
        });
    if (hasFailed)
      return op.emitError("elements of type ")
             << getElement(base->getOperand(0))
             << " are not supported by this operator";
    rewriter.replaceOp(op, result);
    return success();
  }
};

/// Works on stored elements, whatever they stand for.
struct LowerBitcast : OpConversionPattern<BitcastOp> {
  using OpConversionPattern::OpConversionPattern;

  LogicalResult
  matchAndRewrite(BitcastOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    auto type =
        cast<RankedTensorType>(getTypeConverter()->convertType(op.getType()));
    if (adaptor.getInput().getType() == type) {
      rewriter.replaceOp(op, adaptor.getInput());
      return success();
    }
    rewriter.replaceOp(
        op, createParallelGeneric(
                rewriter, op.getLoc(), getResultSizes(rewriter, op),
                type.getElementType(), adaptor.getInput(),
                rewriter.getMultiDimIdentityMap(type.getRank()),
                [&](OpBuilder &b, Location loc, ValueRange x) -> Value {
                  return arith::BitcastOp::create(b, loc, type.getElementType(),
                                                  x[0]);
                }));
    return success();
  }
};
} // namespace

void mopt::populateElementwiseToLinalg(TypeConverter &types,
                                       RewritePatternSet &patterns) {
  patterns.add<LowerElementwise<UnaryOp>, LowerElementwise<BinaryOp>,
               LowerElementwise<CompareOp>, LowerElementwise<SelectOp>,
               LowerElementwise<CastOp>, LowerElementwise<QuantizeOp>,
               LowerElementwise<DequantizeOp>, LowerBitcast>(
      types, patterns.getContext());
}

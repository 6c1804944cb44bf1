// mopt elementwise ops to linalg.generic.
#include "mopt/Conversion/MoptToLinalg/Elements.h"
#include "mopt/Conversion/MoptToLinalg/Patterns.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Transforms/DialectConversion.h"

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
               LowerElementwise<CastOp>, LowerBitcast>(types,
                                                       patterns.getContext());
}

// Quantization ops: sizes and verifiers.
#include "mopt/Dialect/Mopt/IR/Mopt.h"
#include "mopt/Dialect/Mopt/IR/ShapeInference.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace mopt;

static Type getElement(Value value) {
  return cast<RankedTensorType>(value.getType()).getElementType();
}

static bool isQuantizedElement(Type type) {
  if (auto integer = dyn_cast<IntegerType>(type))
    return integer.getWidth() > 1 && integer.getWidth() <= 32;
  return isa<FloatType>(type) && type.getIntOrFloatBitWidth() <= 8;
}

/// A scale or zero point of `scaled`: equal ranks, each size 1 or that of
/// `scaled`.
static LogicalResult verifyParameter(Operation *op, StringRef name,
                                     Value parameter, Value scaled) {
  auto type = cast<RankedTensorType>(parameter.getType());
  auto of = cast<RankedTensorType>(scaled.getType());
  bool fits = type.getRank() == of.getRank() &&
              llvm::all_of(llvm::zip_equal(type.getShape(), of.getShape()),
                           [](auto sizes) {
                             auto [own, other] = sizes;
                             return own == 1 || own == other ||
                                    ShapedType::isDynamic(own) ||
                                    ShapedType::isDynamic(other);
                           });
  if (!fits)
    return op->emitOpError("expected a ")
           << name << " with the rank of " << of
           << " and sizes that are 1 or its own, found " << type;
  return success();
}

static LogicalResult verifyParameters(Operation *op, Value quantized,
                                      Value scale, Value zeroPoint) {
  if (!isQuantizedElement(getElement(quantized)))
    return op->emitOpError("expected integers of at most 32 bits or floats of "
                           "at most 8 as quantized elements, found ")
           << getElement(quantized);
  if (!isa<FloatType>(getElement(scale)) ||
      getElement(scale).getIntOrFloatBitWidth() < 16)
    return op->emitOpError("expected a scale of floats of at least 16 bits, "
                           "found ")
           << scale.getType();
  if (failed(verifyParameter(op, "scale", scale, quantized)))
    return failure();
  if (!zeroPoint)
    return success();
  if (getElement(zeroPoint) != getElement(quantized))
    return op->emitOpError("expected a zero point of ")
           << getElement(quantized) << ", found " << zeroPoint.getType();
  return verifyParameter(op, "zero point", zeroPoint, quantized);
}

//===----------------------------------------------------------------------===//
// QuantizeOp, DequantizeOp
//===----------------------------------------------------------------------===//

template <typename Op>
static LogicalResult verifyElementwise(Op op, Value quantized, Value real) {
  if (!isa<FloatType>(getElement(real)))
    return op.emitOpError("expected floats, found ") << real.getType();
  if (failed(verifyCompatibleShape(op.getInput().getType(), op.getType())))
    return op.emitOpError("expected equal shapes, found ")
           << op.getInput().getType() << " and " << op.getType();
  return verifyParameters(op, quantized, op.getScale(), op.getZeroPoint());
}

LogicalResult QuantizeOp::verify() {
  if (getElement(getResult()).isInteger() &&
      getElement(getResult()).getIntOrFloatBitWidth() > 16)
    return emitOpError("expected integers of at most 16 bits, found ")
           << getType();
  return verifyElementwise(*this, getResult(), getInput());
}

LogicalResult DequantizeOp::verify() {
  return verifyElementwise(*this, getInput(), getResult());
}

LogicalResult
QuantizeOp::reifyResultShapes(OpBuilder &b,
                              ReifiedRankedShapedTypeDims &shapes) {
  shapes.push_back(tensor::getMixedSizes(b, getLoc(), getInput()));
  return success();
}

LogicalResult
DequantizeOp::reifyResultShapes(OpBuilder &b,
                                ReifiedRankedShapedTypeDims &shapes) {
  shapes.push_back(tensor::getMixedSizes(b, getLoc(), getInput()));
  return success();
}

//===----------------------------------------------------------------------===//
// LookupOp
//===----------------------------------------------------------------------===//

bool LookupOp::isCompatibleReturnTypes(TypeRange l, TypeRange r) {
  return areCompatibleTypes(l, r);
}

LogicalResult LookupOp::inferReturnTypes(MLIRContext *,
                                         std::optional<Location> location,
                                         Adaptor adaptor,
                                         SmallVectorImpl<Type> &types) {
  auto input = dyn_cast<RankedTensorType>(adaptor.getInput().getType());
  auto table = dyn_cast<RankedTensorType>(adaptor.getTable().getType());
  if (!input || !table)
    return inferError(location, "expected ranked tensors");
  types.push_back(input.clone(table.getElementType()));
  return success();
}

LogicalResult LookupOp::verify() {
  auto table = cast<RankedTensorType>(getTable().getType());
  if (!getElement(getInput()).isInteger(8))
    return emitOpError("expected bytes, found ") << getInput().getType();
  if (table.getShape() != ArrayRef<int64_t>{256})
    return emitOpError("expected a table of 256 elements, found ") << table;
  return success();
}

LogicalResult LookupOp::reifyResultShapes(OpBuilder &b,
                                          ReifiedRankedShapedTypeDims &shapes) {
  shapes.push_back(tensor::getMixedSizes(b, getLoc(), getInput()));
  return success();
}

//===----------------------------------------------------------------------===//
// Quantized contractions
//===----------------------------------------------------------------------===//

/// Does `parameter` (null for none) have size 1 in `dim`?
static bool isSharedAlong(Value parameter, int64_t dim) {
  return !parameter ||
         cast<RankedTensorType>(parameter.getType()).getDimSize(dim) == 1;
}

static LogicalResult verifyOperands(Operation *op, Value lhs, Value rhs,
                                    Value lhsScale, Value rhsScale,
                                    Value lhsZero, Value rhsZero) {
  if (!getElement(lhs).isInteger(8) || !getElement(rhs).isInteger(8))
    return op->emitOpError("expected operands of 8-bit integers, found ")
           << lhs.getType() << " and " << rhs.getType();
  Type result = getElement(op->getResult(0));
  for (Value scale : {lhsScale, rhsScale})
    if (getElement(scale) != result)
      return op->emitOpError("expected scales of ")
             << result << ", found " << scale.getType();
  if (failed(verifyParameters(op, lhs, lhsScale, lhsZero)))
    return failure();
  return verifyParameters(op, rhs, rhsScale, rhsZero);
}

LogicalResult QuantizedMatmulOp::verify() {
  if (failed(verifyOperands(*this, getLhs(), getRhs(), getLhsScale(),
                            getRhsScale(), getLhsZeroPoint(),
                            getRhsZeroPoint())))
    return failure();
  int64_t rank = cast<RankedTensorType>(getType()).getRank();
  int64_t lhsDepth = getTransposeLhs() ? rank - 2 : rank - 1;
  int64_t rhsDepth = getTransposeRhs() ? rank - 1 : rank - 2;
  if (!isSharedAlong(getLhsScale(), lhsDepth) ||
      !isSharedAlong(getLhsZeroPoint(), lhsDepth) ||
      !isSharedAlong(getRhsScale(), rhsDepth) ||
      !isSharedAlong(getRhsZeroPoint(), rhsDepth))
    return emitOpError("expected scales and zero points that are the same "
                       "along the contracted dimension");
  return success();
}

LogicalResult QuantizedConvOp::verify() {
  if (failed(verifyOperands(*this, getInput(), getFilter(), getInputScale(),
                            getFilterScale(), getInputZeroPoint(),
                            getFilterZeroPoint())))
    return failure();
  int64_t rank = cast<RankedTensorType>(getType()).getRank();
  for (int64_t dim = 0; dim < rank; ++dim)
    if (!isSharedAlong(getInputScale(), dim) ||
        !isSharedAlong(getInputZeroPoint(), dim) ||
        (dim > 0 && (!isSharedAlong(getFilterScale(), dim) ||
                     !isSharedAlong(getFilterZeroPoint(), dim))))
      return emitOpError("expected one scale and zero point of the input, and "
                         "one of the filter or one for each output channel");
  return success();
}

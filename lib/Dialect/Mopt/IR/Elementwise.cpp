// Elementwise ops: types, sizes, verifiers, folders.
#include "mopt/Dialect/Mopt/IR/Mopt.h"
#include "mopt/Dialect/Mopt/IR/ShapeInference.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace mopt;

static Type getElement(Value value) {
  return cast<RankedTensorType>(value.getType()).getElementType();
}

static LogicalResult inferElementwise(std::optional<Location> location,
                                      ValueRange operands, Type element,
                                      SmallVectorImpl<Type> &types) {
  for (Value operand : operands)
    if (!isa<RankedTensorType>(operand.getType()))
      return inferError(location, "expected ranked tensors, found ",
                        operand.getType());
  FailureOr<SmallVector<int64_t>> shape =
      inferElementwiseShape(operands.getTypes());
  if (failed(shape)) {
    std::string list;
    llvm::raw_string_ostream os(list);
    llvm::interleaveComma(operands.getTypes(), os);
    return inferError(location, "expected shapes that are equal up to static "
                                "sizes of 1, found ", list);
  }
  types.push_back(RankedTensorType::get(*shape, element));
  return success();
}

#define MOPT_ELEMENTWISE(Op)                                                   \
  bool Op::isCompatibleReturnTypes(TypeRange l, TypeRange r) {                 \
    return areCompatibleTypes(l, r);                                           \
  }                                                                            \
  LogicalResult Op::reifyResultShapes(                                         \
      OpBuilder &b, ReifiedRankedShapedTypeDims &shapes) {                     \
    shapes.push_back(reifyElementwiseShape(b, getLoc(), this->getOperation()->getOperands()));       \
    return success();                                                          \
  }
MOPT_ELEMENTWISE(UnaryOp)
MOPT_ELEMENTWISE(BinaryOp)
MOPT_ELEMENTWISE(CompareOp)
MOPT_ELEMENTWISE(SelectOp)
#undef MOPT_ELEMENTWISE

//===----------------------------------------------------------------------===//
// UnaryOp
//===----------------------------------------------------------------------===//

LogicalResult UnaryOp::inferReturnTypes(MLIRContext *ctx,
                                        std::optional<Location> location,
                                        Adaptor adaptor,
                                        SmallVectorImpl<Type> &types) {
  Type element = getElement(adaptor.getInput());
  switch (adaptor.getKind()) {
  case UnaryKind::is_nan:
  case UnaryKind::is_inf:
  case UnaryKind::is_inf_pos:
  case UnaryKind::is_inf_neg:
    element = IntegerType::get(ctx, 1);
    break;
  default:
    break;
  }
  return inferElementwise(location, adaptor.getOperands(), element, types);
}

OpFoldResult UnaryOp::fold(FoldAdaptor) {
  // not(not(x)) and neg(neg(x)).
  auto inner = getInput().getDefiningOp<UnaryOp>();
  if (inner && inner.getKind() == getKind() &&
      (getKind() == UnaryKind::not_ || getKind() == UnaryKind::neg) &&
      inner.getInput().getType() == getType())
    return inner.getInput();
  return {};
}

//===----------------------------------------------------------------------===//
// BinaryOp
//===----------------------------------------------------------------------===//

LogicalResult BinaryOp::inferReturnTypes(MLIRContext *,
                                         std::optional<Location> location,
                                         Adaptor adaptor,
                                         SmallVectorImpl<Type> &types) {
  return inferElementwise(location, adaptor.getOperands(),
                          getElement(adaptor.getLhs()), types);
}

LogicalResult BinaryOp::verify() {
  if (getElement(getLhs()) != getElement(getRhs()))
    return emitOpError("expected equal element types, found ")
           << getElement(getLhs()) << " and " << getElement(getRhs());
  return success();
}

/// Is every element of `attr` equal to `number`?
static bool isSplatOf(Attribute attr, double number) {
  auto splat = dyn_cast_or_null<SplatElementsAttr>(attr);
  if (!splat)
    return false;
  if (isa<FloatType>(splat.getElementType()))
    return splat.getSplatValue<APFloat>().isExactlyValue(number);
  if (isa<IntegerType>(splat.getElementType()))
    return splat.getSplatValue<APInt>() ==
           static_cast<uint64_t>(static_cast<int64_t>(number));
  return false;
}

OpFoldResult BinaryOp::fold(FoldAdaptor adaptor) {
  // x + 0 is not folded for floats: -0 + 0 is +0.
  bool isInteger = isa<IntegerType>(getElement(getLhs()));
  bool keepsShape = getLhs().getType() == getType();
  if (keepsShape && (getKind() == BinaryKind::mul || getKind() == BinaryKind::div) &&
      isSplatOf(adaptor.getRhs(), 1))
    return getLhs();
  if (keepsShape && (getKind() == BinaryKind::sub ||
                     (getKind() == BinaryKind::add && isInteger)) &&
      isSplatOf(adaptor.getRhs(), 0))
    return getLhs();
  return {};
}

//===----------------------------------------------------------------------===//
// CompareOp, SelectOp
//===----------------------------------------------------------------------===//

LogicalResult CompareOp::inferReturnTypes(MLIRContext *ctx,
                                          std::optional<Location> location,
                                          Adaptor adaptor,
                                          SmallVectorImpl<Type> &types) {
  return inferElementwise(location, adaptor.getOperands(),
                          IntegerType::get(ctx, 1), types);
}

LogicalResult CompareOp::verify() {
  if (getElement(getLhs()) != getElement(getRhs()))
    return emitOpError("expected equal element types, found ")
           << getElement(getLhs()) << " and " << getElement(getRhs());
  return success();
}

LogicalResult SelectOp::inferReturnTypes(MLIRContext *,
                                         std::optional<Location> location,
                                         Adaptor adaptor,
                                         SmallVectorImpl<Type> &types) {
  return inferElementwise(location, adaptor.getOperands(),
                          getElement(adaptor.getOnTrue()), types);
}

LogicalResult SelectOp::verify() {
  if (!getElement(getCondition()).isInteger(1))
    return emitOpError("expected a condition of 'i1', found ")
           << getElement(getCondition());
  if (getElement(getOnTrue()) != getElement(getOnFalse()))
    return emitOpError("expected equal element types, found ")
           << getElement(getOnTrue()) << " and " << getElement(getOnFalse());
  return success();
}

//===----------------------------------------------------------------------===//
// CastOp
//===----------------------------------------------------------------------===//

LogicalResult CastOp::verify() {
  auto from = cast<RankedTensorType>(getInput().getType());
  auto to = cast<RankedTensorType>(getType());
  if (failed(verifyCompatibleShape(from, to)))
    return emitOpError("expected equal shapes, found ") << from << " and " << to;
  return success();
}

OpFoldResult CastOp::fold(FoldAdaptor) {
  return getInput().getType() == getType() ? OpFoldResult(getInput())
                                           : OpFoldResult();
}

LogicalResult CastOp::reifyResultShapes(OpBuilder &b,
                                        ReifiedRankedShapedTypeDims &shapes) {
  shapes.push_back(tensor::getMixedSizes(b, getLoc(), getInput()));
  return success();
}

//===----------------------------------------------------------------------===//
// BitcastOp
//===----------------------------------------------------------------------===//

LogicalResult BitcastOp::verify() {
  auto from = cast<RankedTensorType>(getInput().getType());
  auto to = cast<RankedTensorType>(getType());
  // A boolean is stored as a byte.
  auto width = [](RankedTensorType type) {
    return type.getElementType().isInteger(1) ? 8 : type.getElementTypeBitWidth();
  };
  if (failed(verifyCompatibleShape(from, to)) || width(from) != width(to))
    return emitOpError("expected equal shapes and element widths, found ")
           << from << " and " << to;
  return success();
}

OpFoldResult BitcastOp::fold(FoldAdaptor) {
  return getInput().getType() == getType() ? OpFoldResult(getInput())
                                           : OpFoldResult();
}

LogicalResult
BitcastOp::reifyResultShapes(OpBuilder &b,
                             ReifiedRankedShapedTypeDims &shapes) {
  shapes.push_back(tensor::getMixedSizes(b, getLoc(), getInput()));
  return success();
}

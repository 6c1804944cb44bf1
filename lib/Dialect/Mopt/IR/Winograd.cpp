// The transforms of Winograd convolutions: types and sizes.
#include "mopt/Dialect/Mopt/IR/Mopt.h"
#include "mopt/Dialect/Mopt/IR/ShapeInference.h"

#include "mlir/IR/Builders.h"

using namespace mlir;
using namespace mopt;

bool WinogradInputOp::isCompatibleReturnTypes(TypeRange l, TypeRange r) {
  return areCompatibleTypes(l, r);
}

LogicalResult WinogradInputOp::inferReturnTypes(
    MLIRContext *ctx, std::optional<Location> location, Adaptor adaptor,
    SmallVectorImpl<Type> &types) {
  auto type = dyn_cast<RankedTensorType>(adaptor.getInput().getType());
  auto isGood = [](int64_t size) { return size >= 4 && size % 2 == 0; };
  if (!type || type.getRank() != 4 || !type.hasStaticShape() ||
      !(type.getElementType().isInteger(8) || type.getElementType().isF32()) ||
      !isGood(type.getDimSize(1)) || !isGood(type.getDimSize(2)))
    return inferError(
        location,
        "expected bytes or f32 of static sizes, rows and columns even "
        "and at least 4, found ",
        adaptor.getInput().getType());
  Type element = type.getElementType();
  if (!element.isF32())
    element = IntegerType::get(ctx, 16);
  types.push_back(
      RankedTensorType::get({16, type.getDimSize(0), type.getDimSize(1) / 2 - 1,
                             type.getDimSize(2) / 2 - 1, type.getDimSize(3)},
                            element));
  return success();
}

LogicalResult
WinogradInputOp::reifyResultShapes(OpBuilder &b,
                                   ReifiedRankedShapedTypeDims &shapes) {
  shapes.push_back(getAsIndexOpFoldResult(
      b.getContext(), cast<RankedTensorType>(getType()).getShape()));
  return success();
}

bool WinogradOutputOp::isCompatibleReturnTypes(TypeRange l, TypeRange r) {
  return areCompatibleTypes(l, r);
}

LogicalResult WinogradOutputOp::inferReturnTypes(
    MLIRContext *, std::optional<Location> location, Adaptor adaptor,
    SmallVectorImpl<Type> &types) {
  auto type = dyn_cast<RankedTensorType>(adaptor.getInput().getType());
  if (!type || type.getRank() != 5 || !type.hasStaticShape() ||
      type.getDimSize(0) != 16 ||
      !(type.getElementType().isSignlessInteger(32) ||
        type.getElementType().isF32()))
    return inferError(
        location,
        "expected i32 or f32 of static sizes, the first one 16, found ",
        adaptor.getInput().getType());
  types.push_back(type.clone({type.getDimSize(1), type.getDimSize(2) * 2,
                              type.getDimSize(3) * 2, type.getDimSize(4)}));
  return success();
}

LogicalResult
WinogradOutputOp::reifyResultShapes(OpBuilder &b,
                                    ReifiedRankedShapedTypeDims &shapes) {
  shapes.push_back(getAsIndexOpFoldResult(
      b.getContext(), cast<RankedTensorType>(getType()).getShape()));
  return success();
}

// Gather and scatter ops: types, sizes, verifiers.
#include "mopt/Dialect/Mopt/IR/Mopt.h"
#include "mopt/Dialect/Mopt/IR/ShapeInference.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace mopt;

static RankedTensorType getTensor(Value value) {
  return cast<RankedTensorType>(value.getType());
}

#define MOPT_COMPATIBLE(Op)                                                    \
  bool Op::isCompatibleReturnTypes(TypeRange l, TypeRange r) {                 \
    return areCompatibleTypes(l, r);                                           \
  }
MOPT_COMPATIBLE(GatherOp)
MOPT_COMPATIBLE(GatherElementsOp)
MOPT_COMPATIBLE(GatherNDOp)
MOPT_COMPATIBLE(ScatterElementsOp)
MOPT_COMPATIBLE(ScatterNDOp)
#undef MOPT_COMPATIBLE

static LogicalResult verifyIndices(Operation *op, Value indices) {
  Type element = getTensor(indices).getElementType();
  if (!element.isSignlessInteger(64) && !element.isSignlessInteger(32))
    return op->emitOpError("expected indices of 'i32' or 'i64', found ")
           << element;
  return success();
}

static LogicalResult checkAxis(std::optional<Location> location, int64_t axis,
                               RankedTensorType type) {
  if (axis < 0 || axis >= type.getRank())
    return inferError(location, "expected an axis in [0, ", type.getRank(),
                      "), found ", axis);
  return success();
}

//===----------------------------------------------------------------------===//
// GatherOp
//===----------------------------------------------------------------------===//

LogicalResult GatherOp::inferReturnTypes(MLIRContext *,
                                         std::optional<Location> location,
                                         Adaptor adaptor,
                                         SmallVectorImpl<Type> &types) {
  RankedTensorType input = getTensor(adaptor.getInput());
  if (failed(checkAxis(location, adaptor.getAxis(), input)))
    return failure();
  SmallVector<int64_t> shape(input.getShape().take_front(adaptor.getAxis()));
  llvm::append_range(shape, getTensor(adaptor.getIndices()).getShape());
  llvm::append_range(shape, input.getShape().drop_front(adaptor.getAxis() + 1));
  types.push_back(input.clone(shape));
  return success();
}

LogicalResult GatherOp::verify() { return verifyIndices(*this, getIndices()); }

LogicalResult GatherOp::reifyResultShapes(OpBuilder &b,
                                          ReifiedRankedShapedTypeDims &shapes) {
  SmallVector<OpFoldResult> input = tensor::getMixedSizes(b, getLoc(), getInput());
  SmallVector<OpFoldResult> sizes(ArrayRef(input).take_front(getAxis()));
  llvm::append_range(sizes, tensor::getMixedSizes(b, getLoc(), getIndices()));
  llvm::append_range(sizes, ArrayRef(input).drop_front(getAxis() + 1));
  shapes.push_back(std::move(sizes));
  return success();
}

//===----------------------------------------------------------------------===//
// GatherElementsOp
//===----------------------------------------------------------------------===//

LogicalResult
GatherElementsOp::inferReturnTypes(MLIRContext *,
                                   std::optional<Location> location,
                                   Adaptor adaptor,
                                   SmallVectorImpl<Type> &types) {
  RankedTensorType input = getTensor(adaptor.getInput());
  if (failed(checkAxis(location, adaptor.getAxis(), input)))
    return failure();
  RankedTensorType indices = getTensor(adaptor.getIndices());
  if (indices.getRank() != input.getRank())
    return inferError(location, "expected indices of rank ", input.getRank(),
                      ", found ", indices);
  types.push_back(input.clone(indices.getShape()));
  return success();
}

LogicalResult GatherElementsOp::verify() {
  return verifyIndices(*this, getIndices());
}

LogicalResult
GatherElementsOp::reifyResultShapes(OpBuilder &b,
                                    ReifiedRankedShapedTypeDims &shapes) {
  shapes.push_back(tensor::getMixedSizes(b, getLoc(), getIndices()));
  return success();
}

//===----------------------------------------------------------------------===//
// GatherNDOp
//===----------------------------------------------------------------------===//

LogicalResult GatherNDOp::inferReturnTypes(MLIRContext *,
                                           std::optional<Location> location,
                                           Adaptor adaptor,
                                           SmallVectorImpl<Type> &types) {
  RankedTensorType input = getTensor(adaptor.getInput());
  RankedTensorType indices = getTensor(adaptor.getIndices());
  int64_t batch = adaptor.getBatchDims();
  if (indices.getRank() < 1)
    return inferError(location, "expected indices of at least one dimension, "
                                "found ", indices);
  if (ShapedType::isDynamic(indices.getShape().back()))
    return inferError(location, "a dynamic last dimension of the indices is not "
                                "supported, found ", indices);
  int64_t depth = indices.getShape().back();
  if (batch < 0 || batch >= indices.getRank() ||
      batch + depth > input.getRank())
    return inferError(location, "cannot index ", input, " by tuples of ", depth,
                      " behind ", batch, " batch dimensions");
  SmallVector<int64_t> shape(indices.getShape().drop_back());
  llvm::append_range(shape, input.getShape().drop_front(batch + depth));
  types.push_back(input.clone(shape));
  return success();
}

LogicalResult GatherNDOp::verify() { return verifyIndices(*this, getIndices()); }

LogicalResult
GatherNDOp::reifyResultShapes(OpBuilder &b,
                              ReifiedRankedShapedTypeDims &shapes) {
  SmallVector<OpFoldResult> sizes =
      tensor::getMixedSizes(b, getLoc(), getIndices());
  int64_t depth = getTensor(getIndices()).getShape().back();
  sizes.pop_back();
  SmallVector<OpFoldResult> input = tensor::getMixedSizes(b, getLoc(), getInput());
  llvm::append_range(sizes, ArrayRef(input).drop_front(getBatchDims() + depth));
  shapes.push_back(std::move(sizes));
  return success();
}

//===----------------------------------------------------------------------===//
// ScatterElementsOp, ScatterNDOp
//===----------------------------------------------------------------------===//

static LogicalResult verifyUpdates(Operation *op, Value input, Value updates) {
  if (getTensor(input).getElementType() != getTensor(updates).getElementType())
    return op->emitOpError("expected updates of type ")
           << getTensor(input).getElementType() << ", found "
           << getTensor(updates).getElementType();
  return success();
}

LogicalResult
ScatterElementsOp::inferReturnTypes(MLIRContext *,
                                    std::optional<Location> location,
                                    Adaptor adaptor,
                                    SmallVectorImpl<Type> &types) {
  RankedTensorType input = getTensor(adaptor.getInput());
  if (failed(checkAxis(location, adaptor.getAxis(), input)))
    return failure();
  types.push_back(input);
  return success();
}

LogicalResult ScatterElementsOp::verify() {
  if (getTensor(getIndices()).getRank() != getTensor(getInput()).getRank() ||
      getTensor(getUpdates()).getRank() != getTensor(getInput()).getRank())
    return emitOpError("expected equal ranks");
  if (failed(verifyUpdates(*this, getInput(), getUpdates())))
    return failure();
  return verifyIndices(*this, getIndices());
}

LogicalResult
ScatterElementsOp::reifyResultShapes(OpBuilder &b,
                                     ReifiedRankedShapedTypeDims &shapes) {
  shapes.push_back(tensor::getMixedSizes(b, getLoc(), getInput()));
  return success();
}

LogicalResult ScatterNDOp::inferReturnTypes(MLIRContext *,
                                            std::optional<Location> location,
                                            Adaptor adaptor,
                                            SmallVectorImpl<Type> &types) {
  types.push_back(getTensor(adaptor.getInput()));
  return success();
}

LogicalResult ScatterNDOp::verify() {
  RankedTensorType input = getTensor(getInput());
  RankedTensorType indices = getTensor(getIndices());
  RankedTensorType updates = getTensor(getUpdates());
  if (indices.getRank() < 1 || ShapedType::isDynamic(indices.getShape().back()))
    return emitOpError("expected a static last dimension of the indices, found ")
           << indices;
  int64_t depth = indices.getShape().back();
  int64_t rank = indices.getRank() - 1 + input.getRank() - depth;
  if (depth > input.getRank() || updates.getRank() != rank)
    return emitOpError("expected updates of rank ") << rank << ", found "
                                                    << updates;
  if (failed(verifyUpdates(*this, getInput(), getUpdates())))
    return failure();
  return verifyIndices(*this, getIndices());
}

LogicalResult
ScatterNDOp::reifyResultShapes(OpBuilder &b,
                               ReifiedRankedShapedTypeDims &shapes) {
  shapes.push_back(tensor::getMixedSizes(b, getLoc(), getInput()));
  return success();
}

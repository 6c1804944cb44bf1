// Reductions, softmax, normalization and pooling: types, sizes, verifiers.
#include "mopt/Dialect/Mopt/IR/Indexing.h"
#include "mopt/Dialect/Mopt/IR/Mopt.h"
#include "mopt/Dialect/Mopt/IR/ShapeInference.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace mopt;

#define MOPT_COMPATIBLE(Op)                                                    \
  bool Op::isCompatibleReturnTypes(TypeRange l, TypeRange r) {                 \
    return areCompatibleTypes(l, r);                                           \
  }
MOPT_COMPATIBLE(ReduceOp)
MOPT_COMPATIBLE(ArgReduceOp)
MOPT_COMPATIBLE(CumulativeOp)
MOPT_COMPATIBLE(SoftmaxOp)
MOPT_COMPATIBLE(NormalizeOp)
MOPT_COMPATIBLE(PoolOp)
#undef MOPT_COMPATIBLE

static RankedTensorType getTensor(Value value) {
  return cast<RankedTensorType>(value.getType());
}

static LogicalResult checkAxis(std::optional<Location> location, int64_t axis,
                               int64_t rank) {
  if (axis < 0 || axis >= rank)
    return inferError(location, "expected an axis in [0, ", rank, "), found ",
                      axis);
  return success();
}

/// Sizes of `input` with 1 at `axes`.
static SmallVector<OpFoldResult> reifyReduced(OpBuilder &b, Location loc,
                                              Value input,
                                              ArrayRef<int64_t> axes) {
  SmallVector<OpFoldResult> sizes = tensor::getMixedSizes(b, loc, input);
  for (int64_t axis : axes)
    sizes[axis] = b.getIndexAttr(1);
  return sizes;
}

//===----------------------------------------------------------------------===//
// ReduceOp, ArgReduceOp
//===----------------------------------------------------------------------===//

LogicalResult ReduceOp::inferReturnTypes(MLIRContext *,
                                         std::optional<Location> location,
                                         Adaptor adaptor,
                                         SmallVectorImpl<Type> &types) {
  RankedTensorType input = getTensor(adaptor.getInput());
  SmallVector<int64_t> shape(input.getShape());
  for (int64_t axis : adaptor.getAxes()) {
    if (failed(checkAxis(location, axis, input.getRank())))
      return failure();
    shape[axis] = 1;
  }
  types.push_back(input.clone(shape));
  return success();
}

LogicalResult ReduceOp::verify() {
  for (size_t i = 1; i < getAxes().size(); ++i)
    if (getAxes()[i] <= getAxes()[i - 1])
      return emitOpError("expected axes in increasing order");
  bool isLogical =
      getKind() == ReduceKind::and_ || getKind() == ReduceKind::or_;
  if (isLogical && !isa<IntegerType>(getTensor(getInput()).getElementType()))
    return emitOpError("expected integers, found ") << getInput().getType();
  return success();
}

LogicalResult ReduceOp::reifyResultShapes(OpBuilder &b,
                                          ReifiedRankedShapedTypeDims &shapes) {
  shapes.push_back(reifyReduced(b, getLoc(), getInput(), getAxes()));
  return success();
}

static LogicalResult verifyKind(Operation *op, ReduceKind kind, ReduceKind a,
                                ReduceKind b) {
  if (kind == a || kind == b)
    return success();
  return op->emitOpError("expected kind '")
         << stringifyReduceKind(a) << "' or '" << stringifyReduceKind(b)
         << "', found '" << stringifyReduceKind(kind) << "'";
}

LogicalResult ArgReduceOp::inferReturnTypes(MLIRContext *ctx,
                                            std::optional<Location> location,
                                            Adaptor adaptor,
                                            SmallVectorImpl<Type> &types) {
  RankedTensorType input = getTensor(adaptor.getInput());
  if (failed(checkAxis(location, adaptor.getAxis(), input.getRank())))
    return failure();
  SmallVector<int64_t> shape(input.getShape());
  shape[adaptor.getAxis()] = 1;
  types.push_back(RankedTensorType::get(shape, IntegerType::get(ctx, 64)));
  return success();
}

LogicalResult ArgReduceOp::verify() {
  return verifyKind(*this, getKind(), ReduceKind::max, ReduceKind::min);
}

LogicalResult
ArgReduceOp::reifyResultShapes(OpBuilder &b,
                               ReifiedRankedShapedTypeDims &shapes) {
  shapes.push_back(
      reifyReduced(b, getLoc(), getInput(), {static_cast<int64_t>(getAxis())}));
  return success();
}

//===----------------------------------------------------------------------===//
// CumulativeOp, SoftmaxOp, NormalizeOp: the result has the input's shape
//===----------------------------------------------------------------------===//

template <typename Adaptor>
static LogicalResult inferSameShape(std::optional<Location> location,
                                    Adaptor adaptor,
                                    SmallVectorImpl<Type> &types) {
  RankedTensorType input = getTensor(adaptor.getInput());
  if (failed(checkAxis(location, adaptor.getAxis(), input.getRank())))
    return failure();
  types.push_back(RankedTensorType::get(input.getShape(),
                                        input.getElementType()));
  return success();
}

template <typename Op>
static LogicalResult reifySameShape(Op op, OpBuilder &b,
                                    ReifiedRankedShapedTypeDims &shapes) {
  shapes.push_back(tensor::getMixedSizes(b, op.getLoc(), op.getInput()));
  return success();
}

static LogicalResult verifyFloats(Operation *op, Value input) {
  if (isa<FloatType>(getTensor(input).getElementType()))
    return success();
  return op->emitOpError("expected floats, found ") << input.getType();
}

LogicalResult CumulativeOp::inferReturnTypes(MLIRContext *,
                                             std::optional<Location> location,
                                             Adaptor adaptor,
                                             SmallVectorImpl<Type> &types) {
  return inferSameShape(location, adaptor, types);
}
LogicalResult CumulativeOp::verify() {
  return verifyKind(*this, getKind(), ReduceKind::sum, ReduceKind::prod);
}
LogicalResult
CumulativeOp::reifyResultShapes(OpBuilder &b,
                                ReifiedRankedShapedTypeDims &shapes) {
  return reifySameShape(*this, b, shapes);
}

LogicalResult SoftmaxOp::inferReturnTypes(MLIRContext *,
                                          std::optional<Location> location,
                                          Adaptor adaptor,
                                          SmallVectorImpl<Type> &types) {
  return inferSameShape(location, adaptor, types);
}
LogicalResult SoftmaxOp::verify() { return verifyFloats(*this, getInput()); }
LogicalResult SoftmaxOp::reifyResultShapes(OpBuilder &b,
                                           ReifiedRankedShapedTypeDims &shapes) {
  return reifySameShape(*this, b, shapes);
}

LogicalResult NormalizeOp::inferReturnTypes(MLIRContext *,
                                            std::optional<Location> location,
                                            Adaptor adaptor,
                                            SmallVectorImpl<Type> &types) {
  return inferSameShape(location, adaptor, types);
}
LogicalResult NormalizeOp::verify() { return verifyFloats(*this, getInput()); }
LogicalResult
NormalizeOp::reifyResultShapes(OpBuilder &b,
                               ReifiedRankedShapedTypeDims &shapes) {
  return reifySameShape(*this, b, shapes);
}

//===----------------------------------------------------------------------===//
// PoolOp
//===----------------------------------------------------------------------===//

template <typename PoolLike>
static WindowDim getWindow(PoolLike op, int64_t i) {
  return {op.getKernel()[i],    op.getStrides()[i], op.getDilations()[i],
          op.getPadsBegin()[i], op.getPadsEnd()[i], op.getCeilMode()};
}

LogicalResult PoolOp::inferReturnTypes(MLIRContext *,
                                       std::optional<Location> location,
                                       Adaptor adaptor,
                                       SmallVectorImpl<Type> &types) {
  RankedTensorType input = getTensor(adaptor.getInput());
  int64_t spatial = input.getRank() - 2;
  if (spatial < 1)
    return inferError(location, "expected a rank of at least 3, found ", input);
  if (failed(verifyWindowLists(location, spatial, adaptor.getStrides(),
                               adaptor.getDilations(), adaptor.getPadsBegin(),
                               adaptor.getPadsEnd())))
    return failure();
  if (static_cast<int64_t>(adaptor.getKernel().size()) != spatial)
    return inferError(location, "expected ", spatial,
                      " values in 'kernel', found ", adaptor.getKernel().size());
  SpatialLayout layout(spatial, adaptor.getChannelsLast());
  SmallVector<int64_t> shape(input.getShape());
  for (int64_t i = 0; i < spatial; ++i) {
    if (adaptor.getKernel()[i] < 1)
      return inferError(location, "expected kernel sizes of at least 1, found ",
                        adaptor.getKernel()[i]);
    shape[layout.spatial[i]] =
        inferWindowCount(shape[layout.spatial[i]], getWindow(adaptor, i));
  }
  types.push_back(input.clone(shape));
  return success();
}

LogicalResult PoolOp::verify() { return success(); }

LogicalResult PoolOp::reifyResultShapes(OpBuilder &b,
                                        ReifiedRankedShapedTypeDims &shapes) {
  int64_t spatial = getTensor(getInput()).getRank() - 2;
  SpatialLayout layout(spatial, getChannelsLast());
  SmallVector<OpFoldResult> sizes =
      tensor::getMixedSizes(b, getLoc(), getInput());
  for (int64_t i = 0; i < spatial; ++i)
    sizes[layout.spatial[i]] = reifyWindowCount(
        b, getLoc(), sizes[layout.spatial[i]], getWindow(*this, i));
  shapes.push_back(std::move(sizes));
  return success();
}

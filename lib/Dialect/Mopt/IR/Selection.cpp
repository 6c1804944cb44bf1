// Ops that pick elements by their values: types, sizes, verifiers.
#include "mopt/Dialect/Mopt/IR/Indexing.h"
#include "mopt/Dialect/Mopt/IR/Mopt.h"
#include "mopt/Dialect/Mopt/IR/ShapeInference.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
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
MOPT_COMPATIBLE(NonZeroOp)
MOPT_COMPATIBLE(TopKOp)
MOPT_COMPATIBLE(UniqueIdsOp)
MOPT_COMPATIBLE(NonMaxSuppressionOp)
MOPT_COMPATIBLE(PoolArgMaxOp)
MOPT_COMPATIBLE(RoiAlignOp)
MOPT_COMPATIBLE(DeterminantOp)
#undef MOPT_COMPATIBLE

static RankedTensorType getPositions(MLIRContext *ctx, ArrayRef<int64_t> shape) {
  return RankedTensorType::get(shape, IntegerType::get(ctx, 64));
}

//===----------------------------------------------------------------------===//
// NonZeroOp
//===----------------------------------------------------------------------===//

LogicalResult NonZeroOp::inferReturnTypes(MLIRContext *ctx,
                                          std::optional<Location>,
                                          Adaptor adaptor,
                                          SmallVectorImpl<Type> &types) {
  int64_t count =
      getConstantIntValue(adaptor.getCount()).value_or(ShapedType::kDynamic);
  types.push_back(
      getPositions(ctx, {getTensor(adaptor.getInput()).getRank(),
                       count < 0 ? ShapedType::kDynamic : count}));
  return success();
}

LogicalResult NonZeroOp::reifyResultShapes(OpBuilder &b,
                                           ReifiedRankedShapedTypeDims &shapes) {
  shapes.push_back({b.getIndexAttr(getTensor(getInput()).getRank()),
                    getAsOpFoldResult(getCount())});
  return success();
}

//===----------------------------------------------------------------------===//
// TopKOp
//===----------------------------------------------------------------------===//

void TopKOp::build(OpBuilder &b, OperationState &state, Value input,
                   OpFoldResult k, int64_t axis, bool largest) {
  SmallVector<Value> dynamic;
  SmallVector<int64_t> fixed;
  dispatchIndexOpFoldResults(k, dynamic, fixed);
  build(b, state, input, dynamic, fixed, axis, largest);
}

LogicalResult TopKOp::inferReturnTypes(MLIRContext *ctx,
                                       std::optional<Location> location,
                                       Adaptor adaptor,
                                       SmallVectorImpl<Type> &types) {
  RankedTensorType input = getTensor(adaptor.getInput());
  int64_t axis = adaptor.getAxis();
  if (axis < 0 || axis >= input.getRank())
    return inferError(location, "expected an axis in [0, ", input.getRank(),
                      "), found ", axis);
  if (adaptor.getStaticK().size() != 1)
    return inferError(location, "expected one value for 'k'");
  SmallVector<int64_t> shape(input.getShape());
  int64_t k = adaptor.getStaticK().front();
  bool isKnown = ShapedType::isStatic(k) && ShapedType::isStatic(shape[axis]);
  shape[axis] = isKnown ? std::clamp<int64_t>(k, 0, shape[axis])
                        : ShapedType::kDynamic;
  types.push_back(input.clone(shape));
  types.push_back(getPositions(ctx, shape));
  return success();
}

LogicalResult TopKOp::verify() {
  int64_t k = getStaticK().front();
  int64_t size = getTensor(getInput()).getDimSize(getAxis());
  if (ShapedType::isStatic(k) &&
      (k < 0 || (ShapedType::isStatic(size) && k > size)))
    return emitOpError("expected at most ")
           << size << " and at least 0 elements, found " << k;
  return success();
}

LogicalResult TopKOp::reifyResultShapes(OpBuilder &b,
                                        ReifiedRankedShapedTypeDims &shapes) {
  Location loc = getLoc();
  SmallVector<OpFoldResult> sizes = tensor::getMixedSizes(b, loc, getInput());
  OpFoldResult &size = sizes[getAxis()], k = getMixedK();
  std::optional<int64_t> known = getConstantIntValue(size),
                         wanted = getConstantIntValue(k);
  if (known && wanted) {
    size = b.getIndexAttr(std::clamp<int64_t>(*wanted, 0, *known));
  } else {
    Value zero = arith::ConstantIndexOp::create(b, loc, 0);
    Value least = arith::MinSIOp::create(
        b, loc, getValueOrCreateConstantIndexOp(b, loc, k),
        getValueOrCreateConstantIndexOp(b, loc, size));
    size = arith::MaxSIOp::create(b, loc, least, zero).getResult();
  }
  shapes.assign(2, sizes);
  return success();
}

//===----------------------------------------------------------------------===//
// UniqueIdsOp
//===----------------------------------------------------------------------===//

LogicalResult UniqueIdsOp::inferReturnTypes(MLIRContext *ctx,
                                            std::optional<Location> location,
                                            Adaptor adaptor,
                                            SmallVectorImpl<Type> &types) {
  RankedTensorType input = getTensor(adaptor.getInput());
  if (input.getRank() != 2)
    return inferError(location, "expected a matrix, found ", input);
  types.push_back(getPositions(ctx, input.getDimSize(0)));
  types.push_back(getPositions(ctx, 1));
  return success();
}

LogicalResult
UniqueIdsOp::reifyResultShapes(OpBuilder &b,
                               ReifiedRankedShapedTypeDims &shapes) {
  shapes.push_back({tensor::getMixedSize(b, getLoc(), getInput(), 0)});
  shapes.push_back({b.getIndexAttr(1)});
  return success();
}

//===----------------------------------------------------------------------===//
// NonMaxSuppressionOp
//===----------------------------------------------------------------------===//

LogicalResult
NonMaxSuppressionOp::inferReturnTypes(MLIRContext *ctx,
                                      std::optional<Location> location,
                                      Adaptor adaptor,
                                      SmallVectorImpl<Type> &types) {
  RankedTensorType boxes = getTensor(adaptor.getBoxes());
  RankedTensorType scores = getTensor(adaptor.getScores());
  if (boxes.getRank() != 3 || scores.getRank() != 3 ||
      !boxes.getElementType().isF32() || !scores.getElementType().isF32())
    return inferError(location, "expected boxes and scores of 3 dimensions and "
                                "'f32', found ", boxes, " and ", scores);
  if (boxes.getDimSize(2) != 4)
    return inferError(location, "expected 4 coordinates per box, found ", boxes);
  for (Value value :
       {adaptor.getIouThreshold(), adaptor.getScoreThreshold()}) {
    RankedTensorType type = getTensor(value);
    if (type.getRank() != 0 || !type.getElementType().isF32())
      return inferError(location, "expected thresholds of type 'tensor<f32>', "
                                  "found ", type);
  }
  types.push_back(getPositions(ctx, {ShapedType::kDynamic, 3}));
  types.push_back(getPositions(ctx, 1));
  return success();
}

LogicalResult
NonMaxSuppressionOp::reifyResultShapes(OpBuilder &b,
                                       ReifiedRankedShapedTypeDims &shapes) {
  Location loc = getLoc();
  auto size = [&](int64_t dim) -> Value {
    return getValueOrCreateConstantIndexOp(
        b, loc, tensor::getMixedSize(b, loc, getScores(), dim));
  };
  Value zero = arith::ConstantIndexOp::create(b, loc, 0);
  Value rows = arith::MaxSIOp::create(b, loc, getLimit(), zero);
  rows = arith::MinSIOp::create(b, loc, rows, size(2));
  for (int64_t dim : {0, 1})
    rows = arith::MulIOp::create(b, loc, rows, size(dim));
  shapes.push_back({rows, b.getIndexAttr(3)});
  shapes.push_back({b.getIndexAttr(1)});
  return success();
}

//===----------------------------------------------------------------------===//
// PoolArgMaxOp
//===----------------------------------------------------------------------===//

template <typename PoolLike>
static WindowDim getWindow(PoolLike op, int64_t i) {
  return {op.getKernel()[i],    op.getStrides()[i], op.getDilations()[i],
          op.getPadsBegin()[i], op.getPadsEnd()[i], op.getCeilMode()};
}

LogicalResult PoolArgMaxOp::inferReturnTypes(MLIRContext *ctx,
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
  SmallVector<int64_t> shape(input.getShape());
  for (int64_t i = 0; i < spatial; ++i)
    shape[i + 2] = inferWindowCount(shape[i + 2], getWindow(adaptor, i));
  types.push_back(getPositions(ctx, shape));
  return success();
}

LogicalResult
PoolArgMaxOp::reifyResultShapes(OpBuilder &b,
                                ReifiedRankedShapedTypeDims &shapes) {
  SmallVector<OpFoldResult> sizes =
      tensor::getMixedSizes(b, getLoc(), getInput());
  for (int64_t i = 0, spatial = sizes.size() - 2; i < spatial; ++i)
    sizes[i + 2] =
        reifyWindowCount(b, getLoc(), sizes[i + 2], getWindow(*this, i));
  shapes.push_back(std::move(sizes));
  return success();
}

//===----------------------------------------------------------------------===//
// RoiAlignOp
//===----------------------------------------------------------------------===//

LogicalResult RoiAlignOp::inferReturnTypes(MLIRContext *,
                                           std::optional<Location> location,
                                           Adaptor adaptor,
                                           SmallVectorImpl<Type> &types) {
  RankedTensorType input = getTensor(adaptor.getInput());
  RankedTensorType rois = getTensor(adaptor.getRois());
  RankedTensorType batches = getTensor(adaptor.getBatchIndices());
  if (input.getRank() != 4 || !isa<FloatType>(input.getElementType()))
    return inferError(location, "expected floats of 4 dimensions, found ", input);
  if (rois.getRank() != 2 || rois.getDimSize(1) != 4 ||
      rois.getElementType() != input.getElementType())
    return inferError(location, "expected boxes of 4 coordinates of type ",
                      input.getElementType(), ", found ", rois);
  if (batches.getRank() != 1 || !batches.getElementType().isInteger(64))
    return inferError(location, "expected one batch index of 'i64' per box, "
                                "found ", batches);
  if (adaptor.getOutputHeight() < 1 || adaptor.getOutputWidth() < 1 ||
      adaptor.getSamplingRatio() < 0)
    return inferError(location, "expected positive output sizes and a sampling "
                                "ratio of at least 0");
  types.push_back(input.clone({rois.getDimSize(0), input.getDimSize(1),
                               static_cast<int64_t>(adaptor.getOutputHeight()),
                               static_cast<int64_t>(adaptor.getOutputWidth())}));
  return success();
}

LogicalResult
RoiAlignOp::reifyResultShapes(OpBuilder &b,
                              ReifiedRankedShapedTypeDims &shapes) {
  shapes.push_back({tensor::getMixedSize(b, getLoc(), getRois(), 0),
                    tensor::getMixedSize(b, getLoc(), getInput(), 1),
                    b.getIndexAttr(getOutputHeight()),
                    b.getIndexAttr(getOutputWidth())});
  return success();
}

//===----------------------------------------------------------------------===//
// DeterminantOp
//===----------------------------------------------------------------------===//

LogicalResult DeterminantOp::inferReturnTypes(MLIRContext *,
                                              std::optional<Location> location,
                                              Adaptor adaptor,
                                              SmallVectorImpl<Type> &types) {
  RankedTensorType input = getTensor(adaptor.getInput());
  int64_t rank = input.getRank();
  if (rank < 2 || !isa<FloatType>(input.getElementType()))
    return inferError(location, "expected matrices of floats, found ", input);
  int64_t rows = input.getDimSize(rank - 2), columns = input.getDimSize(rank - 1);
  if (ShapedType::isStatic(rows) && ShapedType::isStatic(columns) &&
      rows != columns)
    return inferError(location, "expected square matrices, found ", input);
  types.push_back(input.clone(input.getShape().drop_back(2)));
  return success();
}

LogicalResult
DeterminantOp::reifyResultShapes(OpBuilder &b,
                                 ReifiedRankedShapedTypeDims &shapes) {
  SmallVector<OpFoldResult> sizes =
      tensor::getMixedSizes(b, getLoc(), getInput());
  sizes.resize(sizes.size() - 2);
  shapes.push_back(std::move(sizes));
  return success();
}

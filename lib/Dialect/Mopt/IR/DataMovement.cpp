// Reshape, broadcast, iota, transpose, concat, slice and pad: types, sizes,
// verifiers, folders.
#include "mopt/Dialect/Mopt/IR/Mopt.h"
#include "mopt/Dialect/Mopt/IR/ShapeInference.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/PatternMatch.h"

using namespace mlir;
using namespace mopt;

static RankedTensorType getTensor(Value value) {
  return cast<RankedTensorType>(value.getType());
}

#define MOPT_COMPATIBLE(Op)                                                    \
  bool Op::isCompatibleReturnTypes(TypeRange l, TypeRange r) {                 \
    return areCompatibleTypes(l, r);                                           \
  }
MOPT_COMPATIBLE(ReshapeOp)
MOPT_COMPATIBLE(BroadcastOp)
MOPT_COMPATIBLE(IotaOp)
MOPT_COMPATIBLE(TransposeOp)
MOPT_COMPATIBLE(ConcatOp)
MOPT_COMPATIBLE(SliceOp)
MOPT_COMPATIBLE(PadOp)
#undef MOPT_COMPATIBLE

/// Splits mixed sizes into the operands and the static list of an op.
static std::pair<SmallVector<Value>, SmallVector<int64_t>>
split(ArrayRef<OpFoldResult> mixed) {
  std::pair<SmallVector<Value>, SmallVector<int64_t>> parts;
  dispatchIndexOpFoldResults(mixed, parts.first, parts.second);
  return parts;
}

template <typename Op>
static LogicalResult reifyMixedSizes(Op op,
                                     ReifiedRankedShapedTypeDims &shapes) {
  shapes.push_back(op.getMixedSizes());
  return success();
}

//===----------------------------------------------------------------------===//
// ReshapeOp
//===----------------------------------------------------------------------===//

void ReshapeOp::build(OpBuilder &b, OperationState &state, Value input,
                      ArrayRef<OpFoldResult> sizes) {
  auto [dynamic, fixed] = split(sizes);
  build(b, state, input, dynamic, fixed);
}

LogicalResult ReshapeOp::inferReturnTypes(MLIRContext *,
                                          std::optional<Location> location,
                                          Adaptor adaptor,
                                          SmallVectorImpl<Type> &types) {
  types.push_back(
      RankedTensorType::get(adaptor.getStaticSizes(),
                            getTensor(adaptor.getInput()).getElementType()));
  return success();
}

LogicalResult ReshapeOp::verify() {
  RankedTensorType input = getTensor(getInput()), result = getTensor(getResult());
  if (input.hasStaticShape() && result.hasStaticShape() &&
      input.getNumElements() != result.getNumElements())
    return emitOpError("expected as many elements as in ")
           << input << ", found " << result;
  return success();
}

OpFoldResult ReshapeOp::fold(FoldAdaptor adaptor) {
  if (getInput().getType() == getType() && getTensor(getInput()).hasStaticShape())
    return getInput();
  if (auto elements = dyn_cast_or_null<DenseElementsAttr>(adaptor.getInput()))
    if (getTensor(getResult()).hasStaticShape())
      return elements.reshape(getTensor(getResult()));
  if (auto inner = getInput().getDefiningOp<ReshapeOp>()) {
    getInputMutable().assign(inner.getInput());
    return getResult();
  }
  return {};
}

LogicalResult ReshapeOp::reifyResultShapes(OpBuilder &,
                                           ReifiedRankedShapedTypeDims &shapes) {
  return reifyMixedSizes(*this, shapes);
}

//===----------------------------------------------------------------------===//
// BroadcastOp
//===----------------------------------------------------------------------===//

void BroadcastOp::build(OpBuilder &b, OperationState &state, Value input,
                        ArrayRef<OpFoldResult> sizes) {
  auto [dynamic, fixed] = split(sizes);
  build(b, state, input, dynamic, fixed);
}

LogicalResult BroadcastOp::inferReturnTypes(MLIRContext *,
                                            std::optional<Location> location,
                                            Adaptor adaptor,
                                            SmallVectorImpl<Type> &types) {
  RankedTensorType input = getTensor(adaptor.getInput());
  if (input.getRank() != static_cast<int64_t>(adaptor.getStaticSizes().size()))
    return inferError(location, "expected ", input.getRank(), " sizes, found ",
                      adaptor.getStaticSizes().size());
  for (auto [from, to] :
       llvm::zip_equal(input.getShape(), adaptor.getStaticSizes()))
    if (ShapedType::isStatic(from) && ShapedType::isStatic(to) && from != 1 &&
        from != to)
      return inferError(location, "cannot repeat ", from, " elements to ", to);
  types.push_back(RankedTensorType::get(adaptor.getStaticSizes(),
                                        input.getElementType()));
  return success();
}

LogicalResult BroadcastOp::verify() { return success(); }

OpFoldResult BroadcastOp::fold(FoldAdaptor adaptor) {
  if (getInput().getType() == getType() && getTensor(getInput()).hasStaticShape())
    return getInput();
  if (auto splat = dyn_cast_or_null<SplatElementsAttr>(adaptor.getInput()))
    if (getTensor(getResult()).hasStaticShape())
      return splat.resizeSplat(getTensor(getResult()));
  return {};
}

LogicalResult
BroadcastOp::reifyResultShapes(OpBuilder &,
                               ReifiedRankedShapedTypeDims &shapes) {
  return reifyMixedSizes(*this, shapes);
}

//===----------------------------------------------------------------------===//
// IotaOp
//===----------------------------------------------------------------------===//

void IotaOp::build(OpBuilder &b, OperationState &state,
                   ArrayRef<OpFoldResult> sizes, int64_t axis,
                   Type elementType) {
  auto [dynamic, fixed] = split(sizes);
  build(b, state, dynamic, fixed, axis, elementType);
}

LogicalResult IotaOp::inferReturnTypes(MLIRContext *,
                                       std::optional<Location> location,
                                       Adaptor adaptor,
                                       SmallVectorImpl<Type> &types) {
  int64_t rank = adaptor.getStaticSizes().size(), axis = adaptor.getAxis();
  if (axis < 0 || axis >= rank)
    return inferError(location, "expected an axis in [0, ", rank, "), found ",
                      axis);
  types.push_back(RankedTensorType::get(adaptor.getStaticSizes(),
                                        adaptor.getElementType()));
  return success();
}

LogicalResult IotaOp::verify() { return success(); }

LogicalResult IotaOp::reifyResultShapes(OpBuilder &,
                                        ReifiedRankedShapedTypeDims &shapes) {
  return reifyMixedSizes(*this, shapes);
}

//===----------------------------------------------------------------------===//
// TransposeOp
//===----------------------------------------------------------------------===//

LogicalResult TransposeOp::inferReturnTypes(MLIRContext *,
                                            std::optional<Location> location,
                                            Adaptor adaptor,
                                            SmallVectorImpl<Type> &types) {
  RankedTensorType input = getTensor(adaptor.getInput());
  ArrayRef<int64_t> permutation = adaptor.getPermutation();
  SmallVector<int64_t> sorted(permutation);
  llvm::sort(sorted);
  if (!llvm::equal(sorted, llvm::seq<int64_t>(0, input.getRank())))
    return inferError(location, "expected a permutation of ", input.getRank(),
                      " dimensions");
  types.push_back(input.clone(llvm::map_to_vector(
      permutation, [&](int64_t dim) { return input.getDimSize(dim); })));
  return success();
}

LogicalResult TransposeOp::verify() { return success(); }

OpFoldResult TransposeOp::fold(FoldAdaptor adaptor) {
  if (getInput().getType() == getType() &&
      llvm::equal(getPermutation(),
                  llvm::seq<int64_t>(0, getPermutation().size())))
    return getInput();
  if (auto splat = dyn_cast_or_null<SplatElementsAttr>(adaptor.getInput()))
    if (getTensor(getResult()).hasStaticShape())
      return splat.resizeSplat(getTensor(getResult()));
  return {};
}

void TransposeOp::getCanonicalizationPatterns(RewritePatternSet &patterns,
                                              MLIRContext *) {
  patterns.add(+[](TransposeOp op, PatternRewriter &rewriter) {
    auto inner = op.getInput().getDefiningOp<TransposeOp>();
    if (!inner)
      return failure();
    SmallVector<int64_t> permutation = llvm::map_to_vector(
        op.getPermutation(),
        [&](int64_t dim) { return inner.getPermutation()[dim]; });
    rewriter.replaceOpWithNewOp<TransposeOp>(op, op.getType(), inner.getInput(),
                                             permutation);
    return success();
  });
}

LogicalResult
TransposeOp::reifyResultShapes(OpBuilder &b,
                               ReifiedRankedShapedTypeDims &shapes) {
  shapes.push_back(llvm::map_to_vector(getPermutation(), [&](int64_t dim) {
    return tensor::getMixedSize(b, getLoc(), getInput(), dim);
  }));
  return success();
}

//===----------------------------------------------------------------------===//
// ConcatOp
//===----------------------------------------------------------------------===//

LogicalResult ConcatOp::inferReturnTypes(MLIRContext *,
                                         std::optional<Location> location,
                                         Adaptor adaptor,
                                         SmallVectorImpl<Type> &types) {
  if (adaptor.getInputs().empty())
    return inferError(location, "expected at least one input");
  RankedTensorType first = getTensor(adaptor.getInputs().front());
  int64_t axis = adaptor.getAxis();
  if (axis < 0 || axis >= first.getRank())
    return inferError(location, "expected an axis in [0, ", first.getRank(),
                      "), found ", axis);
  SmallVector<int64_t> shape(first.getShape());
  for (Value input : adaptor.getInputs().drop_front()) {
    RankedTensorType type = getTensor(input);
    if (type.getRank() != first.getRank() ||
        type.getElementType() != first.getElementType())
      return inferError(location, "expected inputs like ", first, ", found ",
                        type);
    for (int64_t dim = 0; dim < first.getRank(); ++dim) {
      int64_t size = type.getDimSize(dim);
      if (dim == axis)
        shape[dim] = ShapedType::isDynamic(shape[dim]) ||
                             ShapedType::isDynamic(size)
                         ? ShapedType::kDynamic
                         : shape[dim] + size;
      else if (ShapedType::isDynamic(shape[dim]))
        shape[dim] = size;
      else if (ShapedType::isStatic(size) && size != shape[dim])
        return inferError(location, "expected size ", shape[dim],
                          " in dimension ", dim, ", found ", size);
    }
  }
  types.push_back(first.clone(shape));
  return success();
}

LogicalResult ConcatOp::verify() { return success(); }

OpFoldResult ConcatOp::fold(FoldAdaptor) {
  return getInputs().size() == 1 && getInputs().front().getType() == getType()
             ? OpFoldResult(getInputs().front())
             : OpFoldResult();
}

LogicalResult ConcatOp::reifyResultShapes(OpBuilder &b,
                                          ReifiedRankedShapedTypeDims &shapes) {
  int64_t axis = getAxis();
  SmallVector<OpFoldResult> sizes =
      tensor::getMixedSizes(b, getLoc(), getInputs().front());
  AffineExpr sum = b.getAffineConstantExpr(0);
  SmallVector<OpFoldResult> parts;
  for (auto [i, input] : llvm::enumerate(getInputs())) {
    sum = sum + b.getAffineSymbolExpr(i);
    parts.push_back(tensor::getMixedSize(b, getLoc(), input, axis));
    // The most static of equal sizes.
    for (int64_t dim = 0, rank = sizes.size(); dim < rank; ++dim)
      if (!getTensor(input).isDynamicDim(dim))
        sizes[dim] = tensor::getMixedSize(b, getLoc(), input, dim);
  }
  sizes[axis] = applyAffine(b, getLoc(), sum, parts);
  shapes.push_back(std::move(sizes));
  return success();
}

//===----------------------------------------------------------------------===//
// SliceOp
//===----------------------------------------------------------------------===//

void SliceOp::build(OpBuilder &b, OperationState &state, Value input,
                    ArrayRef<OpFoldResult> offsets, ArrayRef<OpFoldResult> sizes,
                    ArrayRef<OpFoldResult> strides) {
  auto [dynamicOffsets, staticOffsets] = split(offsets);
  auto [dynamicSizes, staticSizes] = split(sizes);
  auto [dynamicStrides, staticStrides] = split(strides);
  build(b, state, input, dynamicOffsets, dynamicSizes, dynamicStrides,
        staticOffsets, staticSizes, staticStrides);
}

LogicalResult SliceOp::inferReturnTypes(MLIRContext *,
                                        std::optional<Location> location,
                                        Adaptor adaptor,
                                        SmallVectorImpl<Type> &types) {
  RankedTensorType input = getTensor(adaptor.getInput());
  size_t rank = input.getRank();
  if (adaptor.getStaticOffsets().size() != rank ||
      adaptor.getStaticSizes().size() != rank ||
      adaptor.getStaticStrides().size() != rank)
    return inferError(location, "expected ", rank,
                      " offsets, sizes and strides");
  types.push_back(input.clone(adaptor.getStaticSizes()));
  return success();
}

LogicalResult SliceOp::verify() {
  RankedTensorType input = getTensor(getInput());
  for (int64_t dim = 0; dim < input.getRank(); ++dim) {
    int64_t from = getStaticOffsets()[dim], count = getStaticSizes()[dim],
            stride = getStaticStrides()[dim], size = input.getDimSize(dim);
    if (ShapedType::isDynamic(from) || ShapedType::isDynamic(count) ||
        ShapedType::isDynamic(stride) || ShapedType::isDynamic(size) ||
        count == 0)
      continue;
    int64_t last = from + (count - 1) * stride;
    if (from < 0 || from >= size || last < 0 || last >= size)
      return emitOpError("reads elements ")
             << from << " to " << last << " of " << size << " in dimension "
             << dim;
  }
  return success();
}

OpFoldResult SliceOp::fold(FoldAdaptor) {
  auto isAll = [](ArrayRef<int64_t> list, int64_t value) {
    return llvm::all_of(list, [=](int64_t v) { return v == value; });
  };
  if (getInput().getType() == getType() && getTensor(getInput()).hasStaticShape() &&
      isAll(getStaticOffsets(), 0) && isAll(getStaticStrides(), 1))
    return getInput();
  return {};
}

LogicalResult SliceOp::reifyResultShapes(OpBuilder &,
                                         ReifiedRankedShapedTypeDims &shapes) {
  return reifyMixedSizes(*this, shapes);
}

//===----------------------------------------------------------------------===//
// PadOp
//===----------------------------------------------------------------------===//

void PadOp::build(OpBuilder &b, OperationState &state, PadMode mode,
                  Value input, Value value, ArrayRef<OpFoldResult> low,
                  ArrayRef<OpFoldResult> high) {
  auto [dynamicLow, staticLow] = split(low);
  auto [dynamicHigh, staticHigh] = split(high);
  build(b, state, PadModeAttr::get(b.getContext(), mode), input, value,
        dynamicLow, dynamicHigh, b.getDenseI64ArrayAttr(staticLow),
        b.getDenseI64ArrayAttr(staticHigh));
}

LogicalResult PadOp::inferReturnTypes(MLIRContext *,
                                      std::optional<Location> location,
                                      Adaptor adaptor,
                                      SmallVectorImpl<Type> &types) {
  RankedTensorType input = getTensor(adaptor.getInput());
  size_t rank = input.getRank();
  if (adaptor.getStaticLow().size() != rank ||
      adaptor.getStaticHigh().size() != rank)
    return inferError(location, "expected ", rank, " amounts on either side");
  SmallVector<int64_t> shape;
  for (auto [size, low, high] : llvm::zip_equal(
           input.getShape(), adaptor.getStaticLow(), adaptor.getStaticHigh())) {
    bool isDynamic = ShapedType::isDynamic(size) || ShapedType::isDynamic(low) ||
                     ShapedType::isDynamic(high);
    shape.push_back(isDynamic ? ShapedType::kDynamic : size + low + high);
    if (!isDynamic && shape.back() < 0)
      return inferError(location, "cannot remove ", -(low + high), " of ", size,
                        " elements");
  }
  types.push_back(input.clone(shape));
  return success();
}

LogicalResult PadOp::verify() {
  RankedTensorType value = getTensor(getValue());
  if (!value.hasStaticShape() || value.getNumElements() != 1 ||
      value.getElementType() != getTensor(getInput()).getElementType())
    return emitOpError("expected a value of one element like the input's, "
                       "found ")
           << value;
  return success();
}

LogicalResult PadOp::reifyResultShapes(OpBuilder &b,
                                       ReifiedRankedShapedTypeDims &shapes) {
  AffineExpr sum = b.getAffineSymbolExpr(0) + b.getAffineSymbolExpr(1) +
                   b.getAffineSymbolExpr(2);
  SmallVector<OpFoldResult> sizes;
  for (auto [dim, low, high] : llvm::enumerate(getMixedLow(), getMixedHigh()))
    sizes.push_back(applyAffine(
        b, getLoc(), sum,
        {tensor::getMixedSize(b, getLoc(), getInput(), dim), low, high}));
  shapes.push_back(std::move(sizes));
  return success();
}

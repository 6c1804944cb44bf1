// Matrix products and convolutions: types, sizes, verifiers.
#include "mopt/Dialect/Mopt/IR/Indexing.h"
#include "mopt/Dialect/Mopt/IR/Mopt.h"
#include "mopt/Dialect/Mopt/IR/ShapeInference.h"
#include "mopt/Dialect/Mopt/IR/SmallFloats.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace mopt;

static bool isHalf(Type type) { return type.isF16() || type.isBF16(); }

/// The accumulator type is the result type: bytes and words sum in 32 bits.
static Type getResultElement(Type operand, bool f32Result) {
  if (operand.isInteger(8) || operand.isSignlessInteger(16))
    return IntegerType::get(operand.getContext(), 32);
  return f32Result ? Float32Type::get(operand.getContext()) : operand;
}

/// Checks `f32_result`.
static LogicalResult verifyF32Result(Operation *op, bool f32Result,
                                     Type operand) {
  bool isSmall = isa<MatmulOp>(op) && isMultiplied(operand);
  if (f32Result && !isHalf(operand) && !isSmall)
    return op->emitOpError("expected 'f32_result' with operands of f16, bf16 "
                           "or, of a matrix product, 8 bits, found ")
           << operand;
  return success();
}

static bool haveEqualElements(RankedTensorType a, RankedTensorType b) {
  Type x = a.getElementType(), y = b.getElementType();
  return x == y || (x.isInteger(8) && y.isInteger(8));
}

static bool differ(int64_t a, int64_t b) {
  return ShapedType::isStatic(a) && ShapedType::isStatic(b) && a != b;
}

//===----------------------------------------------------------------------===//
// MatmulOp
//===----------------------------------------------------------------------===//

bool MatmulOp::isCompatibleReturnTypes(TypeRange l, TypeRange r) {
  return areCompatibleTypes(l, r);
}

LogicalResult MatmulOp::inferReturnTypes(MLIRContext *,
                                         std::optional<Location> location,
                                         Adaptor adaptor,
                                         SmallVectorImpl<Type> &types) {
  auto lhs = dyn_cast<RankedTensorType>(adaptor.getLhs().getType());
  auto rhs = dyn_cast<RankedTensorType>(adaptor.getRhs().getType());
  if (!lhs || !rhs || lhs.getRank() < 2 || lhs.getRank() != rhs.getRank())
    return inferError(location,
                      "expected operands of equal rank of at least 2, "
                      "found ",
                      adaptor.getLhs().getType(), " and ",
                      adaptor.getRhs().getType());
  bool areWeights = lhs.getElementType().isF32() &&
                    (rhs.getElementType().isSignlessInteger(8) ||
                     isHalf(rhs.getElementType()));
  if (!haveEqualElements(lhs, rhs) && !areWeights)
    return inferError(location, "expected equal element types, found ",
                      lhs.getElementType(), " and ", rhs.getElementType());
  int64_t rank = lhs.getRank();
  int64_t m = lhs.getDimSize(adaptor.getTransposeLhs() ? rank - 1 : rank - 2);
  int64_t kLhs =
      lhs.getDimSize(adaptor.getTransposeLhs() ? rank - 2 : rank - 1);
  int64_t kRhs =
      rhs.getDimSize(adaptor.getTransposeRhs() ? rank - 1 : rank - 2);
  int64_t n = rhs.getDimSize(adaptor.getTransposeRhs() ? rank - 2 : rank - 1);
  if (differ(kLhs, kRhs))
    return inferError(location, "expected equal contracted sizes, found ", kLhs,
                      " and ", kRhs);
  FailureOr<SmallVector<int64_t>> shape = inferElementwiseShape(
      {RankedTensorType::get(lhs.getShape().drop_back(2), lhs.getElementType()),
       RankedTensorType::get(rhs.getShape().drop_back(2),
                             rhs.getElementType())});
  if (failed(shape))
    return inferError(location,
                      "expected batch dimensions that are equal up to "
                      "static sizes of 1, found ",
                      lhs, " and ", rhs);
  shape->append({m, n});
  types.push_back(RankedTensorType::get(
      *shape, getResultElement(lhs.getElementType(), adaptor.getF32Result())));
  return success();
}

LogicalResult MatmulOp::verify() {
  return verifyF32Result(*this, getF32Result(),
                         getElementTypeOrSelf(getLhs().getType()));
}

int64_t MatmulOp::countRows() {
  auto rhs = cast<RankedTensorType>(getRhs().getType());
  bool shared = llvm::all_of(rhs.getShape().drop_back(2),
                             [](int64_t size) { return size == 1; });
  ArrayRef<int64_t> shape =
      cast<RankedTensorType>(getType()).getShape().drop_back();
  int64_t rows = 1;
  for (int64_t size : shared ? shape : shape.take_back()) {
    if (ShapedType::isDynamic(size))
      return size;
    rows *= size;
  }
  return rows;
}

/// Sizes of the result of a matrix product, of quantized operands or not.
template <typename MatmulLike>
static SmallVector<OpFoldResult> reifyProduct(OpBuilder &b, MatmulLike op) {
  int64_t rank = cast<RankedTensorType>(op.getType()).getRank();
  SmallVector<OpFoldResult> sizes =
      reifyElementwiseShape(b, op.getLoc(), {op.getLhs(), op.getRhs()});
  sizes[rank - 2] = tensor::getMixedSize(
      b, op.getLoc(), op.getLhs(), op.getTransposeLhs() ? rank - 1 : rank - 2);
  sizes[rank - 1] = tensor::getMixedSize(
      b, op.getLoc(), op.getRhs(), op.getTransposeRhs() ? rank - 2 : rank - 1);
  return sizes;
}

LogicalResult MatmulOp::reifyResultShapes(OpBuilder &b,
                                          ReifiedRankedShapedTypeDims &shapes) {
  shapes.push_back(reifyProduct(b, *this));
  return success();
}

LogicalResult
QuantizedMatmulOp::reifyResultShapes(OpBuilder &b,
                                     ReifiedRankedShapedTypeDims &shapes) {
  shapes.push_back(reifyProduct(b, *this));
  return success();
}

//===----------------------------------------------------------------------===//
// ConvOp
//===----------------------------------------------------------------------===//

bool ConvOp::isCompatibleReturnTypes(TypeRange l, TypeRange r) {
  return areCompatibleTypes(l, r);
}

/// The geometry of spatial dimension `i`; the kernel size is dynamic if the
/// filter's is.
template <typename ConvLike>
static WindowDim getWindow(ConvLike op, RankedTensorType filter, int64_t i) {
  return {filter.getDimSize(i + 2), op.getStrides()[i], op.getDilations()[i],
          op.getPadsBegin()[i], op.getPadsEnd()[i]};
}

LogicalResult ConvOp::inferReturnTypes(MLIRContext *,
                                       std::optional<Location> location,
                                       Adaptor adaptor,
                                       SmallVectorImpl<Type> &types) {
  auto input = dyn_cast<RankedTensorType>(adaptor.getInput().getType());
  auto filter = dyn_cast<RankedTensorType>(adaptor.getFilter().getType());
  if (!input || !filter || input.getRank() < 3 ||
      input.getRank() != filter.getRank())
    return inferError(location,
                      "expected operands of equal rank of at least 3, "
                      "found ",
                      adaptor.getInput().getType(), " and ",
                      adaptor.getFilter().getType());
  if (!haveEqualElements(input, filter))
    return inferError(location, "expected equal element types, found ",
                      input.getElementType(), " and ", filter.getElementType());
  int64_t spatial = input.getRank() - 2, group = adaptor.getGroup();
  if (failed(verifyWindowLists(location, spatial, adaptor.getStrides(),
                               adaptor.getDilations(), adaptor.getPadsBegin(),
                               adaptor.getPadsEnd())))
    return failure();
  for (int64_t i = 0; i < spatial; ++i)
    if (ShapedType::isDynamic(filter.getDimSize(i + 2)))
      return inferError(location, "expected static kernel sizes, found ",
                        filter);
  SpatialLayout layout(spatial, adaptor.getChannelsLast());
  int64_t channels = input.getDimSize(layout.channel);
  int64_t perGroup = filter.getDimSize(1), outputs = filter.getDimSize(0);
  if (group < 1 || (ShapedType::isStatic(outputs) && outputs % group != 0))
    return inferError(location, "expected a group count that divides the ",
                      outputs, " output channels, found ", group);
  if (ShapedType::isStatic(perGroup) && differ(channels, perGroup * group))
    return inferError(location, "expected ", perGroup * group,
                      " input channels, found ", channels);
  SmallVector<int64_t> shape(input.getShape());
  shape[layout.channel] = outputs;
  for (int64_t i = 0; i < spatial; ++i)
    shape[layout.spatial[i]] = inferWindowCount(
        input.getDimSize(layout.spatial[i]), getWindow(adaptor, filter, i));
  types.push_back(RankedTensorType::get(
      shape, getResultElement(input.getElementType(), adaptor.getF32Result())));
  return success();
}

LogicalResult ConvOp::verify() {
  return verifyF32Result(*this, getF32Result(),
                         getElementTypeOrSelf(getInput().getType()));
}

bool ConvOp::isProductOfRows() {
  auto isZero = [](int64_t pad) { return pad == 0; };
  auto isOne = [](int64_t size) { return size == 1; };
  return getGroup() == 1 && llvm::all_of(getPadsBegin(), isZero) &&
         llvm::all_of(getPadsEnd(), isZero) &&
         llvm::all_of(getStrides(), isOne) &&
         llvm::all_of(cast<RankedTensorType>(getFilter().getType())
                          .getShape()
                          .drop_front(2),
                      isOne);
}

/// Sizes of the result of a convolution, of quantized operands or not.
template <typename ConvLike>
static SmallVector<OpFoldResult> reifyWindows(OpBuilder &b, ConvLike op,
                                              bool channelsLast) {
  auto filter = cast<RankedTensorType>(op.getFilter().getType());
  int64_t spatial = filter.getRank() - 2;
  SpatialLayout layout(spatial, channelsLast);
  SmallVector<OpFoldResult> sizes =
      tensor::getMixedSizes(b, op.getLoc(), op.getInput());
  sizes[layout.channel] =
      tensor::getMixedSize(b, op.getLoc(), op.getFilter(), 0);
  for (int64_t i = 0; i < spatial; ++i)
    sizes[layout.spatial[i]] = reifyWindowCount(
        b, op.getLoc(), sizes[layout.spatial[i]], getWindow(op, filter, i));
  return sizes;
}

LogicalResult ConvOp::reifyResultShapes(OpBuilder &b,
                                        ReifiedRankedShapedTypeDims &shapes) {
  shapes.push_back(reifyWindows(b, *this, getChannelsLast()));
  return success();
}

LogicalResult
QuantizedConvOp::reifyResultShapes(OpBuilder &b,
                                   ReifiedRankedShapedTypeDims &shapes) {
  shapes.push_back(reifyWindows(b, *this, /*channelsLast=*/false));
  return success();
}

// Sizes of results, statically and as values.
#include "mopt/Dialect/Mopt/IR/ShapeInference.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/TypeUtilities.h"

using namespace mlir;
using namespace mopt;

bool mopt::areCompatibleTypes(TypeRange inferred, TypeRange stated) {
  return llvm::equal(inferred, stated, [](Type a, Type b) {
    auto tensorA = dyn_cast<RankedTensorType>(a);
    auto tensorB = dyn_cast<RankedTensorType>(b);
    return tensorA && tensorB &&
           tensorA.getElementType() == tensorB.getElementType() &&
           succeeded(verifyCompatibleShape(tensorA, tensorB));
  });
}

FailureOr<SmallVector<int64_t>> mopt::inferElementwiseShape(TypeRange operands) {
  auto first = cast<RankedTensorType>(operands.front());
  SmallVector<int64_t> shape(first.getShape());
  for (Type operand : operands.drop_front()) {
    auto type = cast<RankedTensorType>(operand);
    if (type.getRank() != first.getRank())
      return failure();
    for (auto [size, other] : llvm::zip_equal(shape, type.getShape())) {
      if (other == 1)
        continue;
      // A dynamic size next to a static one (not 1) must equal it.
      if (size == 1 || ShapedType::isDynamic(size))
        size = ShapedType::isDynamic(other) && size != 1 ? size : other;
      else if (ShapedType::isStatic(other) && other != size)
        return failure();
    }
  }
  return shape;
}

SmallVector<OpFoldResult>
mopt::reifyElementwiseShape(OpBuilder &b, Location loc, ValueRange operands) {
  SmallVector<OpFoldResult> sizes;
  int64_t rank = cast<RankedTensorType>(operands.front().getType()).getRank();
  for (int64_t dim = 0; dim < rank; ++dim) {
    Value source = operands.front();
    for (Value operand : operands) {
      int64_t size = cast<RankedTensorType>(operand.getType()).getDimSize(dim);
      if (size == 1)
        continue;
      source = operand;
      if (ShapedType::isStatic(size))
        break;
    }
    sizes.push_back(tensor::getMixedSize(b, loc, source, dim));
  }
  return sizes;
}

SmallVector<int64_t> mopt::getStaticShape(ArrayRef<OpFoldResult> sizes) {
  return llvm::map_to_vector(sizes, [](OpFoldResult size) {
    return getConstantIntValue(size).value_or(ShapedType::kDynamic);
  });
}

OpFoldResult mopt::applyAffine(OpBuilder &b, Location loc, AffineExpr expr,
                               ArrayRef<OpFoldResult> operands) {
  return affine::makeComposedFoldedAffineApply(b, loc, expr, operands);
}

/// The number of windows as an expression of the size.
static AffineExpr getWindowCount(AffineExpr size, const WindowDim &dim) {
  int64_t extent = (dim.kernel - 1) * dim.dilation + 1;
  AffineExpr room = size + (dim.padBegin + dim.padEnd - extent);
  return (dim.ceilMode ? room.ceilDiv(dim.stride) : room.floorDiv(dim.stride)) +
         1;
}

int64_t mopt::inferWindowCount(int64_t size, const WindowDim &dim) {
  if (ShapedType::isDynamic(size))
    return size;
  int64_t extent = (dim.kernel - 1) * dim.dilation + 1;
  int64_t room = size + dim.padBegin + dim.padEnd - extent;
  if (room < 0)
    return 0;
  int64_t count =
      (dim.ceilMode ? llvm::divideCeil(room, dim.stride) : room / dim.stride) +
      1;
  if (dim.ceilMode && (count - 1) * dim.stride >= size + dim.padBegin)
    --count;
  return count;
}

OpFoldResult mopt::reifyWindowCount(OpBuilder &b, Location loc,
                                    OpFoldResult size, const WindowDim &dim) {
  if (std::optional<int64_t> known = getConstantIntValue(size))
    return b.getIndexAttr(inferWindowCount(*known, dim));
  AffineExpr symbol = b.getAffineSymbolExpr(0);
  OpFoldResult count = applyAffine(b, loc, getWindowCount(symbol, dim), size);
  MLIRContext *ctx = b.getContext();
  if (dim.ceilMode) {
    // The last window starts before the end of input and leading padding.
    AffineExpr limit = (symbol + dim.padBegin).ceilDiv(dim.stride);
    count = affine::makeComposedFoldedAffineMin(
        b, loc,
        AffineMap::get(0, 1, {getWindowCount(symbol, dim), limit}, ctx), size);
  }
  return affine::makeComposedFoldedAffineMax(
      b, loc,
      AffineMap::get(0, 1, {symbol, getAffineConstantExpr(0, ctx)}, ctx),
      count);
}

// Products with packed weights that share scales in groups: layout, types,
// verifiers.
#include "mopt/Dialect/Mopt/IR/Mopt.h"
#include "mopt/Dialect/Mopt/IR/ShapeInference.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace mopt;

LogicalResult
BlockWeightsAttr::verify(function_ref<InFlightDiagnostic()> emitError,
                         int64_t bits, int64_t group, int64_t columns,
                         int64_t width, int64_t depth, int64_t scaleBits,
                         int64_t zeroPoint) {
  if (bits != 2 && bits != 4 && bits != 8)
    return emitError() << "expected 2, 4 or 8 bits, found " << bits;
  if (group < 1 || group % (32 / bits) != 0)
    return emitError() << "expected groups of whole words of 32 bits, found "
                       << group << " weights of " << bits << " bits";
  if (columns < 1 || width < 1 || depth < 1)
    return emitError()
           << "expected columns, width and depth of at least 1, found "
           << columns << ", " << width << " and " << depth;
  if (scaleBits != 16 && scaleBits != 32)
    return emitError() << "expected scales of 16 or 32 bits, found "
                       << scaleBits;
  if (zeroPoint < -1 || zeroPoint >= int64_t(1) << bits)
    return emitError() << "expected a zero point of " << bits
                       << " bits, or -1, found " << zeroPoint;
  return success();
}

bool BlockMatmulOp::isCompatibleReturnTypes(TypeRange l, TypeRange r) {
  return areCompatibleTypes(l, r);
}

LogicalResult BlockMatmulOp::inferReturnTypes(MLIRContext *,
                                              std::optional<Location> location,
                                              Adaptor adaptor,
                                              SmallVectorImpl<Type> &types) {
  auto lhs = dyn_cast<RankedTensorType>(adaptor.getLhs().getType());
  if (!lhs || lhs.getRank() < 2 || !lhs.getElementType().isF32())
    return inferError(location,
                      "expected a left side of f32 and rank at least 2, found ",
                      adaptor.getLhs().getType());
  BlockWeightsAttr layout = adaptor.getLayout();
  int64_t depth = lhs.getShape().back();
  if (ShapedType::isStatic(depth) && depth != layout.getDepth())
    return inferError(location, "expected a depth of ", layout.getDepth(),
                      ", found ", lhs);
  SmallVector<int64_t> shape(lhs.getShape());
  shape.back() = layout.getWidth();
  types.push_back(lhs.clone(shape));
  return success();
}

LogicalResult BlockMatmulOp::verify() {
  auto weights = cast<RankedTensorType>(getWeights().getType());
  BlockWeightsAttr layout = getLayout();
  SmallVector<int64_t> shape{layout.getBlocks(), layout.getGroups(),
                             layout.getGroupBytes()};
  if (weights.getShape() != ArrayRef(shape) ||
      !weights.getElementType().isSignlessInteger(8))
    return emitOpError("expected weights of ")
           << weights.clone(shape, IntegerType::get(getContext(), 8))
           << ", found " << weights;
  return success();
}

LogicalResult
BlockMatmulOp::reifyResultShapes(OpBuilder &b,
                                 ReifiedRankedShapedTypeDims &shapes) {
  shapes.push_back(tensor::getMixedSizes(b, getLoc(), getLhs()));
  shapes.back().back() = b.getIndexAttr(getLayout().getWidth());
  return success();
}

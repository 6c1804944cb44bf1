// Affine maps into strided buffers as sums of multiples of coordinates.
#include "LinearPlace.h"

#include "mlir/Dialect/Affine/Analysis/AffineStructures.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/Interfaces/ViewLikeInterface.h"

using namespace mlir;
using namespace mopt;

std::optional<LinearPlace> mopt::findLinearPlace(Value buffer, AffineMap map) {
  auto type = cast<MemRefType>(buffer.getType());
  SmallVector<int64_t> strides;
  int64_t offset;
  if (failed(type.getStridesAndOffset(strides, offset)) ||
      ShapedType::isDynamic(offset) ||
      llvm::any_of(strides, ShapedType::isDynamic))
    return std::nullopt;
  // Views do not move the begin of a buffer.
  while (auto view = buffer.getDefiningOp<ViewLikeOpInterface>())
    buffer = view.getViewSource();
  LinearPlace place;
  place.root = dyn_cast<BlockArgument>(buffer);
  if (!place.root ||
      !cast<MemRefType>(buffer.getType()).getLayout().isIdentity() ||
      cast<MemRefType>(buffer.getType()).getElementType() !=
          type.getElementType())
    return std::nullopt;
  place.offset = offset;
  place.strides.assign(map.getNumDims(), 0);
  for (auto [expr, stride] : llvm::zip_first(map.getResults(), strides)) {
    SmallVector<int64_t> terms;
    if (failed(getFlattenedAffineExpr(expr, map.getNumDims(),
                                      map.getNumSymbols(), &terms)) ||
        // What is no sum becomes more terms.
        terms.size() != map.getNumDims() + map.getNumSymbols() + 1)
      return std::nullopt;
    for (unsigned dim = 0; dim < map.getNumDims(); ++dim)
      place.strides[dim] += terms[dim] * stride;
    place.offset += terms.back() * stride;
  }
  return place;
}

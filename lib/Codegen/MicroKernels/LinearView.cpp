// One-dimensional views of strided memrefs.
#include "LinearView.h"

#include "mlir/Dialect/MemRef/IR/MemRef.h"

using namespace mlir;
using namespace mopt;

LinearView LinearView::create(IndexBuilder &ib, Value memref) {
  auto type = cast<MemRefType>(memref.getType());
  auto metadata =
      memref::ExtractStridedMetadataOp::create(ib.b, ib.loc, memref);
  LinearView view;
  view.sizes = metadata.getConstifiedMixedSizes();
  view.strides = metadata.getConstifiedMixedStrides();
  OpFoldResult offset = metadata.getConstifiedMixedOffset();
  OpFoldResult extent = ib.constant(1);
  for (auto [size, stride] : llvm::zip_equal(view.sizes, view.strides))
    extent = ib.add(extent, ib.mul(ib.sub(size, ib.constant(1)), stride));
  std::optional<int64_t> staticOffset = getConstantIntValue(offset);
  std::optional<int64_t> staticExtent = getConstantIntValue(extent);
  // A memref without elements has no last one.
  if (staticExtent && *staticExtent < 0)
    extent = ib.constant(0), staticExtent = 0;
  auto linear = MemRefType::get(
      {staticExtent.value_or(ShapedType::kDynamic)}, type.getElementType(),
      StridedLayoutAttr::get(type.getContext(),
                             staticOffset.value_or(ShapedType::kDynamic), {1}),
      type.getMemorySpace());
  view.buffer = memref::ReinterpretCastOp::create(
      ib.b, ib.loc, linear, metadata.getBaseBuffer(), offset,
      ArrayRef<OpFoldResult>{extent}, ArrayRef<OpFoldResult>{ib.constant(1)});
  return view;
}

OpFoldResult LinearView::at(IndexBuilder &ib,
                            ArrayRef<OpFoldResult> indices) const {
  OpFoldResult position = ib.constant(0);
  for (auto [index, stride] : llvm::zip_first(indices, ArrayRef(strides)))
    position = ib.add(position, ib.mul(index, stride));
  return position;
}

Type LinearView::getElementType() const {
  return cast<MemRefType>(buffer.getType()).getElementType();
}

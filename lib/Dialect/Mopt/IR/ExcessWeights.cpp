// The operand of anchors that holds what of the weights is multiplied twice.
#include "mopt/Dialect/Mopt/IR/ExcessWeights.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace mopt;

ExcessRow mopt::getExcessRow(ConfigAttr config) {
  return {config.getColumns() * config.getInterleave(),
          config.getLanes() * ExcessRow::kWordBytes};
}

AnchorTile mopt::detail::getExcessTile(OpBuilder &b, Location loc, Value excess,
                                       ArrayRef<OpFoldResult> offsets,
                                       ArrayRef<OpFoldResult> sizes) {
  AnchorTile tile{SmallVector<OpFoldResult>(offsets),
                  SmallVector<OpFoldResult>(sizes)};
  int64_t rank = cast<ShapedType>(excess.getType()).getRank();
  for (int64_t i = offsets.size(); i < rank; ++i) {
    tile.offsets.push_back(b.getIndexAttr(0));
    tile.sizes.push_back(tensor::getMixedSize(b, loc, excess, i));
  }
  return tile;
}

LogicalResult mopt::detail::verifyExcess(AnchorOpInterface op, Value excess,
                                         ShapedType weights, int64_t leading) {
  auto type = cast<ShapedType>(excess.getType());
  ConfigAttr config = op.getConfigAttr();
  if (!config || config.getInterleave() == 1)
    return op->emitOpError("expected a configuration that takes neighbours "
                           "along the depth at once beside 'excess'");
  ExcessRow row = getExcessRow(config);
  bool fits = type.getElementType().isInteger(8) &&
              type.getRank() == leading + 2 &&
              type.getShape().back() == row.getBytes() &&
              row.holdsIndices(weights.getRank() - leading - 1);
  for (int64_t i = 0; fits && i < leading; ++i)
    fits = ShapedType::isDynamic(type.getDimSize(i)) ||
           ShapedType::isDynamic(weights.getDimSize(i)) ||
           type.getDimSize(i) == weights.getDimSize(i);
  if (!fits)
    return op->emitOpError("expected 'excess' to have the ")
           << leading << " leading dimensions of " << weights << " and rows of "
           << row.getBytes() << " bytes, found " << type;
  return success();
}

// The anchor of products with packed sparse weights: its verifier and tiles.
#include "mopt/Dialect/Mopt/IR/Mopt.h"
#include "mopt/Dialect/Mopt/IR/ShapeInference.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace mopt;

static ShapedType getShaped(Value value) {
  return cast<ShapedType>(value.getType());
}

int64_t SparseAnchorOp::getRowBlock() {
  return getForm() == SparseForm::scalars
             ? getShaped(getLhs()).getShape().back()
             : 1;
}

int64_t SparseAnchorOp::getDepth() { return getShaped(getLhs()).getDimSize(1); }

AffineMap SparseAnchorOp::getInitIndexingMap() {
  return AffineMap::getMultiDimIdentityMap(2, getContext());
}

LogicalResult SparseAnchorOp::verify() {
  ShapedType lhs = getShaped(getLhs()), values = getShaped(getValues()),
             positions = getShaped(getPositions()), init = getShaped(getInit());
  bool packed = getForm() == SparseForm::scalars;
  if (lhs.getRank() != (packed ? 3 : 2) || values.getRank() != 2 ||
      positions.getRank() != 2 || init.getRank() != 2)
    return emitOpError("expected operands of rank ")
           << (packed ? 3 : 2) << ", 2, 2 and 2, found " << lhs << ", "
           << values << ", " << positions << " and " << init;
  bool areBytes =
      getForm() == SparseForm::bytes || getForm() == SparseForm::byte_lanes;
  bool isOfDevice =
      llvm::is_contained({"warp", "warpgroup"}, getConfig().getMatrixUnit());
  Type element = areBytes ? Type(IntegerType::get(getContext(), 8))
                          : Type(Float32Type::get(getContext()));
  if (isOfDevice)
    element = lhs.getElementType();
  if (isOfDevice &&
      (getForm() != SparseForm::lanes ||
       !(element.isF16() || element.isBF16() || element.isSignlessInteger(8))))
    return emitOpError("expected lanes of f16, bf16 or i8 for warps, found ")
           << stringifySparseForm(getForm()) << " and " << element;
  if (lhs.getElementType() != element || values.getElementType() != element ||
      !positions.getElementType().isSignlessInteger())
    return emitOpError("expected ")
           << element << " and positions of integers, found " << lhs << ", "
           << values << " and " << positions;
  if (ShapedType::isDynamic(getDepth()) ||
      ShapedType::isDynamic(getRowBlock()) ||
      (!packed && ShapedType::isDynamic(init.getDimSize(0))) ||
      ShapedType::isDynamic(values.getDimSize(1)) ||
      ShapedType::isDynamic(positions.getDimSize(1)))
    return emitOpError("expected static sizes but for blocks and columns, and "
                       "for rows of "
                       "scalars, found ")
           << lhs << ", " << values << ", " << positions << " and " << init;
  if (((getForm() == SparseForm::lanes && !isOfDevice) || areBytes) !=
      getPermutation().has_value())
    return emitOpError("expected a 'permutation' for lanes and bytes only");
  if (!getConfig().getMatrixUnit().empty() && !isOfDevice) {
    auto memref = dyn_cast<MemRefType>(lhs);
    if (getForm() != SparseForm::bytes ||
        getDepth() % getConfig().getInterleave() != 0 ||
        (memref && !memref.isLastDimUnitStride()))
      return emitOpError("expected bytes and rows of whole groups of ")
             << getConfig().getInterleave() << " for the matrix unit '"
             << getConfig().getMatrixUnit() << "', found "
             << stringifySparseForm(getForm()) << " and " << lhs;
  }
  if (packed != (getDepthPart() > 0))
    return emitOpError("expected 'depth_part' of more than 0 for scalars only, "
                       "found ")
           << getDepthPart();
  return success();
}

SmallVector<Value> SparseAnchorOp::getReductionInputs() {
  return {getLhs(), getValues(), getPositions()};
}

SmallVector<Range> SparseAnchorOp::getIterationDomain(OpBuilder &b) {
  OpFoldResult zero = b.getIndexAttr(0), one = b.getIndexAttr(1);
  return {{zero, tensor::getMixedSize(b, getLoc(), getLhs(), 0), one},
          {zero, tensor::getMixedSize(b, getLoc(), getValues(), 0), one}};
}

LogicalResult SparseAnchorOp::getOutputTile(OpBuilder &b,
                                            ArrayRef<OpFoldResult> offsets,
                                            ArrayRef<OpFoldResult> sizes,
                                            AnchorTile &tile) {
  AffineExpr d0 = b.getAffineDimExpr(0);
  for (int64_t dim : {0, 1}) {
    int64_t block = dim == 0 ? getRowBlock() : getConfig().getColumns();
    OpFoldResult size = tensor::getMixedSize(b, getLoc(), getInit(), dim);
    tile.offsets.push_back(
        applyAffine(b, getLoc(), d0 * block, {offsets[dim]}));
    tile.sizes.push_back(
        block == 1 ? sizes[dim]
                   : mopt::detail::countColumns(b, getLoc(), sizes[dim],
                                                offsets[dim], size, block));
  }
  return success();
}

LogicalResult SparseAnchorOp::getReductionInputTiles(
    OpBuilder &b, ArrayRef<OpFoldResult> offsets, ArrayRef<OpFoldResult> sizes,
    SmallVectorImpl<AnchorTile> &tiles) {
  for (auto [i, operand] : llvm::enumerate(getReductionInputs())) {
    int64_t dim = i == 0 ? 0 : 1;
    SmallVector<OpFoldResult> all = tensor::getMixedSizes(b, getLoc(), operand);
    AnchorTile tile;
    tile.offsets.assign(all.size(), b.getIndexAttr(0));
    tile.sizes = all;
    tile.offsets[0] = offsets[dim];
    tile.sizes[0] = sizes[dim];
    tiles.push_back(std::move(tile));
  }
  return success();
}

LogicalResult SparseAnchorOp::getDomainTile(OpBuilder &b,
                                            const AnchorTile &output,
                                            AnchorTile &domain) {
  AffineExpr d0 = b.getAffineDimExpr(0);
  domain = output;
  for (int64_t dim : {0, 1}) {
    int64_t block = dim == 0 ? getRowBlock() : getConfig().getColumns();
    auto isMultiple = [&](OpFoldResult value) {
      return getConstantIntValue(
                 applyAffine(b, getLoc(), d0 % block, {value})) == 0;
    };
    OpFoldResult size = tensor::getMixedSize(b, getLoc(), getInit(), dim);
    bool all = getConstantIntValue(output.offsets[dim]) == 0 &&
               isEqualConstantIntOrValue(output.sizes[dim], size);
    if (block != 1 && !all &&
        (!isMultiple(output.offsets[dim]) || !isMultiple(output.sizes[dim])))
      return failure();
    domain.offsets[dim] =
        applyAffine(b, getLoc(), d0.floorDiv(block), {output.offsets[dim]});
    domain.sizes[dim] =
        applyAffine(b, getLoc(), d0.ceilDiv(block), {output.sizes[dim]});
  }
  return success();
}

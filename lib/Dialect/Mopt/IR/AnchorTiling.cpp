// Tiling of anchors. A domain tile becomes a tile of the output space, and that
// a slice of the destination and of each epilogue input; what the reduction
// reads is up to the op. A tile never splits the reduction.
#include "mopt/Dialect/Mopt/IR/Mopt.h"
#include "mopt/Dialect/Mopt/IR/ShapeInference.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/StructuredOpsUtils.h"

using namespace mlir;
using namespace mopt;

/// The slice of an operand with `map` that a tile of the output space touches.
static AnchorTile mapTile(OpBuilder &b, AffineMap map, const AnchorTile &tile) {
  AnchorTile slice;
  for (AffineExpr expr : map.getResults()) {
    auto dim = dyn_cast<AffineDimExpr>(expr);
    slice.offsets.push_back(dim ? tile.offsets[dim.getPosition()]
                                : b.getIndexAttr(0));
    slice.sizes.push_back(dim ? tile.sizes[dim.getPosition()]
                              : b.getIndexAttr(1));
  }
  return slice;
}

FailureOr<TilingResult> mopt::detail::tileAnchor(AnchorOpInterface op,
                                                 OpBuilder &b,
                                                 ArrayRef<OpFoldResult> offsets,
                                                 ArrayRef<OpFoldResult> sizes) {
  if (!isa<RankedTensorType>(op.getInit().getType()))
    return op->emitOpError("is tiled on tensors only");
  SmallVector<AnchorTile> inputTiles;
  AnchorTile output;
  if (failed(op.getReductionInputTiles(b, offsets, sizes, inputTiles)) ||
      failed(op.getOutputTile(b, offsets, sizes, output)))
    return failure();

  SmallVector<Operation *> slices;
  auto slice = [&](Value source, const AnchorTile &tile) -> Value {
    if (!isa<RankedTensorType>(source.getType()))
      return source;
    SmallVector<OpFoldResult> strides(tile.sizes.size(), b.getIndexAttr(1));
    slices.push_back(tensor::ExtractSliceOp::create(
        b, op->getLoc(), source, tile.offsets, tile.sizes, strides));
    return slices.back()->getResult(0);
  };
  SmallVector<Value> operands;
  for (auto [input, tile] :
       llvm::zip_equal(op.getReductionInputs(), inputTiles))
    operands.push_back(slice(input, tile));
  for (auto [input, map] :
       llvm::zip_equal(op.getEpilogueInputs(), op.getEpilogueIndexingMaps()))
    operands.push_back(slice(input, mapTile(b, map, output)));
  operands.push_back(
      slice(op.getInit(), mapTile(b, op.getInitIndexingMap(), output)));
  Operation *tiled = mlir::clone(b, op, operands.back().getType(), operands);
  return TilingResult{{tiled}, SmallVector<Value>(tiled->getResults()), slices};
}

LogicalResult mopt::detail::getAnchorResultTile(
    AnchorOpInterface op, OpBuilder &b, ArrayRef<OpFoldResult> offsets,
    ArrayRef<OpFoldResult> sizes, SmallVectorImpl<OpFoldResult> &resultOffsets,
    SmallVectorImpl<OpFoldResult> &resultSizes) {
  AnchorTile output;
  if (failed(op.getOutputTile(b, offsets, sizes, output)))
    return failure();
  AnchorTile slice = mapTile(b, op.getInitIndexingMap(), output);
  resultOffsets.assign(slice.offsets);
  resultSizes.assign(slice.sizes);
  return success();
}

LogicalResult mopt::detail::getAnchorDomainTile(
    AnchorOpInterface op, OpBuilder &b, ArrayRef<OpFoldResult> offsets,
    ArrayRef<OpFoldResult> sizes, SmallVectorImpl<OpFoldResult> &domainOffsets,
    SmallVectorImpl<OpFoldResult> &domainSizes) {
  AnchorTile result{SmallVector<OpFoldResult>(offsets),
                    SmallVector<OpFoldResult>(sizes)};
  AnchorTile output =
      mapTile(b, inversePermutation(op.getInitIndexingMap()), result);
  AnchorTile domain;
  if (failed(op.getDomainTile(b, output, domain)))
    return failure();
  domainOffsets.assign(domain.offsets);
  domainSizes.assign(domain.sizes);
  return success();
}

FailureOr<TilingResult>
mopt::detail::generateAnchorResultTile(AnchorOpInterface op, OpBuilder &b,
                                       ArrayRef<OpFoldResult> offsets,
                                       ArrayRef<OpFoldResult> sizes) {
  SmallVector<OpFoldResult> domainOffsets, domainSizes;
  if (failed(getAnchorDomainTile(op, b, offsets, sizes, domainOffsets,
                                 domainSizes)))
    return failure();
  return tileAnchor(op, b, domainOffsets, domainSizes);
}

OpFoldResult mopt::detail::countColumns(OpBuilder &b, Location loc,
                                        OpFoldResult count, OpFoldResult first,
                                        OpFoldResult width, int64_t columns) {
  AffineExpr d0 = b.getAffineDimExpr(0), d1 = b.getAffineDimExpr(1);
  OpFoldResult whole = applyAffine(b, loc, d0 * columns, {count});
  std::optional<int64_t> knownWidth = getConstantIntValue(width);
  if (knownWidth && *knownWidth % columns == 0)
    return whole;
  // The last block may be partly used.
  OpFoldResult left = applyAffine(b, loc, d0 - d1 * columns, {width, first});
  std::optional<int64_t> x = getConstantIntValue(whole);
  std::optional<int64_t> y = getConstantIntValue(left);
  if (x && y)
    return b.getIndexAttr(std::min(*x, *y));
  return arith::MinSIOp::create(b, loc,
                                getValueOrCreateConstantIndexOp(b, loc, whole),
                                getValueOrCreateConstantIndexOp(b, loc, left))
      .getResult();
}

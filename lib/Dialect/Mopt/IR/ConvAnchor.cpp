// The convolution anchors, dense and depthwise: verifiers and tiles.
#include "mopt/Dialect/Mopt/IR/ExcessWeights.h"
#include "mopt/Dialect/Mopt/IR/Mopt.h"
#include "mopt/Dialect/Mopt/IR/ShapeInference.h"

#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace mopt;

//===----------------------------------------------------------------------===//
// What both have in common
//===----------------------------------------------------------------------===//

static bool differ(int64_t a, int64_t b) {
  return ShapedType::isStatic(a) && ShapedType::isStatic(b) && a != b;
}

/// `firstKernelDim` is the filter's first kernel dimension.
template <typename OpT>
static LogicalResult verifyWindows(OpT op, int64_t firstKernelDim) {
  auto input = cast<ShapedType>(op.getInput().getType());
  auto filter = cast<ShapedType>(op.getFilter().getType());
  auto init = cast<ShapedType>(op.getInit().getType());
  int64_t spatial = op.getSpatialRank();
  Type element = input.getElementType();
  bool areFloats = isa<FloatType>(element) &&
                   element == filter.getElementType() &&
                   isa<FloatType>(op.getAccumulatorType());
  // Words are bytes that were widened.
  bool areIntegers = (element.isInteger(8) || element.isInteger(16)) &&
                     filter.getElementType().isInteger(8) &&
                     op.getAccumulatorType().isInteger(32);
  if (!areFloats && !areIntegers)
    return op.emitOpError("cannot sum products of ")
           << input.getElementType() << " and " << filter.getElementType()
           << " in an accumulator of type " << op.getAccumulatorType();
  if (int64_t(op.getStrides().size()) != spatial ||
      int64_t(op.getDilations().size()) != spatial)
    return op.emitOpError("expected ")
           << spatial << " strides and dilations, found "
           << op.getStrides().size() << " and " << op.getDilations().size();
  for (int64_t value :
       llvm::concat<const int64_t>(op.getStrides(), op.getDilations()))
    if (value < 1)
      return op.emitOpError("expected strides and dilations of at least 1, "
                            "found ")
             << value;
  if (differ(input.getDimSize(0), init.getDimSize(0)))
    return op.emitOpError("expected a batch of ")
           << input.getDimSize(0) << ", found " << init.getDimSize(0);
  for (int64_t i = 0; i < spatial; ++i) {
    int64_t size = input.getDimSize(i + 1), count = init.getDimSize(i + 1);
    int64_t kernel = filter.getDimSize(firstKernelDim + i);
    if (ShapedType::isDynamic(kernel))
      return op.emitOpError("expected a static kernel size, found ") << filter;
    if (ShapedType::isDynamic(size) || ShapedType::isDynamic(count) ||
        count == 0)
      continue;
    int64_t reach = (count - 1) * op.getStrides()[i] +
                    (kernel - 1) * op.getDilations()[i] + 1;
    if (size < reach)
      return op.emitOpError("expected an input of size at least ")
             << reach << " in spatial dimension " << i << ", found " << size;
  }
  for (Type type : {Type(input), Type(filter)})
    if (auto memref = dyn_cast<MemRefType>(type))
      if (!memref.isLastDimUnitStride())
        return op.emitOpError("expected a unit innermost stride, found ")
               << type;
  return success();
}

/// The part of the input that the windows of a tile of output positions see,
/// without its channels. A dimension that is not tiled is taken whole.
template <typename OpT>
static AnchorTile
getInputTile(OpT op, OpBuilder &b, ArrayRef<OpFoldResult> offsets,
             ArrayRef<OpFoldResult> sizes, int64_t firstKernelDim) {
  Location loc = op.getLoc();
  auto filter = cast<ShapedType>(op.getFilter().getType());
  AnchorTile tile{{offsets[0]}, {sizes[0]}};
  for (int64_t i = 0; i < op.getSpatialRank(); ++i) {
    int64_t stride = op.getStrides()[i];
    int64_t window =
        (filter.getDimSize(firstKernelDim + i) - 1) * op.getDilations()[i] + 1;
    OpFoldResult count = tensor::getMixedSize(b, loc, op.getInit(), i + 1);
    AffineExpr d0 = b.getAffineDimExpr(0);
    bool whole = getConstantIntValue(offsets[i + 1]) == 0 &&
                 isEqualConstantIntOrValue(sizes[i + 1], count);
    tile.offsets.push_back(
        whole ? b.getIndexAttr(0)
              : applyAffine(b, loc, d0 * stride, {offsets[i + 1]}));
    tile.sizes.push_back(
        whole
            ? tensor::getMixedSize(b, loc, op.getInput(), i + 1)
            : applyAffine(b, loc, (d0 - 1) * stride + window, {sizes[i + 1]}));
  }
  return tile;
}

/// Adds the body that yields the accumulator.
static void buildEpilogue(OpBuilder &b, OperationState &state,
                          ShapedType type) {
  OpBuilder::InsertionGuard guard(b);
  Block *body = b.createBlock(state.regions.front().get(), {},
                              type.getElementType(), state.location);
  mopt::YieldOp::create(b, state.location, body->getArguments());
}

//===----------------------------------------------------------------------===//
// ConvAnchorOp
//===----------------------------------------------------------------------===//

void ConvAnchorOp::build(OpBuilder &b, OperationState &state, Value input,
                         Value filter, Value init, ArrayRef<int64_t> strides,
                         ArrayRef<int64_t> dilations, ConfigAttr config,
                         bool unsignedLhs, bool unsignedRhs) {
  auto type = cast<ShapedType>(init.getType());
  build(b, state,
        isa<TensorType>(type) ? TypeRange{init.getType()} : TypeRange{}, input,
        filter, Value(), ValueRange{}, init, b.getDenseI64ArrayAttr(strides),
        b.getDenseI64ArrayAttr(dilations), b.getAffineMapArrayAttr({}), config,
        b.getI64IntegerAttr(config ? config.getInterleave() : 1),
        unsignedLhs ? b.getUnitAttr() : UnitAttr(),
        unsignedRhs ? b.getUnitAttr() : UnitAttr());
  buildEpilogue(b, state, type);
}

AffineMap ConvAnchorOp::getInitIndexingMap() {
  return AffineMap::getMultiDimIdentityMap(getOutputRank(), getContext());
}

SmallVector<Value> ConvAnchorOp::getReductionInputs() {
  SmallVector<Value> inputs{getInput(), getFilter()};
  if (getExcess())
    inputs.push_back(getExcess());
  return inputs;
}

LogicalResult ConvAnchorOp::verify() {
  auto input = cast<ShapedType>(getInput().getType());
  auto filter = cast<ShapedType>(getFilter().getType());
  auto init = cast<ShapedType>(getInit().getType());
  int64_t rank = init.getRank();
  if (rank < 3 || rank > 5 || input.getRank() != rank ||
      filter.getRank() != rank + 2)
    return emitOpError(
               "expected 'input' and 'outs' of equal rank of 3 to 5 and "
               "a filter of two more dimensions, found ranks ")
           << input.getRank() << ", " << rank << " and " << filter.getRank();
  int64_t groups = getGroups(), interleave = getInterleave();
  if (interleave < 1 || filter.getShape().back() % interleave != 0)
    return emitOpError("expected blocks of a multiple of 'interleave', found ")
           << filter << " and " << interleave;
  int64_t columns = getBlockColumns();
  if (ShapedType::isDynamic(groups) || groups == 0 ||
      ShapedType::isDynamic(filter.getShape().back()) || columns == 0)
    return emitOpError("expected a static number of groups and a static block "
                       "size, found ")
           << filter;
  if (failed(verifyWindows(*this, 2)))
    return failure();
  int64_t perGroup = filter.getDimSize(rank);
  if (ShapedType::isStatic(perGroup))
    perGroup *= interleave;
  if (ShapedType::isStatic(perGroup) &&
      differ(input.getDimSize(rank - 1), perGroup * groups))
    return emitOpError("expected ")
           << perGroup * groups << " input channels, found "
           << input.getDimSize(rank - 1);
  int64_t outputs = init.getDimSize(rank - 1), blocks = filter.getDimSize(1);
  if (ShapedType::isStatic(outputs)) {
    if (outputs % groups != 0)
      return emitOpError("expected a multiple of ")
             << groups << " output channels, found " << outputs;
    int64_t expected = llvm::divideCeil(outputs / groups, columns);
    if (differ(blocks, expected))
      return emitOpError("expected ")
             << expected << " blocks of " << columns << " columns for "
             << outputs / groups << " output channels, found " << blocks;
  }
  if (getExcess() &&
      failed(mopt::detail::verifyExcess(*this, getExcess(), filter, 2)))
    return failure();
  if (ConfigAttr config = getConfigAttr())
    if (config.getColumns() != columns || columns % config.getLanes() != 0 ||
        config.getInterleave() != interleave)
      return emitOpError("expected a configuration for blocks of ")
             << columns << " columns, found " << config;
  return success();
}

SmallVector<Range> ConvAnchorOp::getIterationDomain(OpBuilder &b) {
  OpFoldResult zero = b.getIndexAttr(0), one = b.getIndexAttr(1);
  SmallVector<Range> domain;
  for (int64_t i = 0; i < getOutputRank() - 1; ++i)
    domain.push_back(
        {zero, tensor::getMixedSize(b, getLoc(), getInit(), i), one});
  for (int64_t i : {0, 1})
    domain.push_back(
        {zero, tensor::getMixedSize(b, getLoc(), getFilter(), i), one});
  return domain;
}

LogicalResult ConvAnchorOp::getOutputTile(OpBuilder &b,
                                          ArrayRef<OpFoldResult> offsets,
                                          ArrayRef<OpFoldResult> sizes,
                                          AnchorTile &tile) {
  int64_t last = getOutputRank() - 1, columns = getBlockColumns();
  int64_t groups = getGroups();
  tile.offsets.assign(offsets.begin(), offsets.begin() + last);
  tile.sizes.assign(sizes.begin(), sizes.begin() + last);
  AffineExpr d0 = b.getAffineDimExpr(0), d1 = b.getAffineDimExpr(1);
  OpFoldResult outputs = tensor::getMixedSize(b, getLoc(), getInit(), last);
  OpFoldResult perGroup =
      applyAffine(b, getLoc(), d0.floorDiv(groups), {outputs});
  OpFoldResult group = offsets[last], block = offsets[last + 1];
  OpFoldResult groupCount = sizes[last], blockCount = sizes[last + 1];
  // Products of two values that are not constant are not affine.
  auto groupStart = [&](OpFoldResult index) -> OpFoldResult {
    if (getConstantIntValue(index) == 0)
      return b.getIndexAttr(0);
    if (std::optional<int64_t> size = getConstantIntValue(perGroup))
      return applyAffine(b, getLoc(), d0 * *size, {index});
    return arith::MulIOp::create(
               b, getLoc(), getValueOrCreateConstantIndexOp(b, getLoc(), index),
               getValueOrCreateConstantIndexOp(b, getLoc(), perGroup))
        .getResult();
  };
  tile.offsets.push_back(
      applyAffine(b, getLoc(), d0 + d1 * columns, {groupStart(group), block}));
  if (getConstantIntValue(groupCount) == 1) {
    tile.sizes.push_back(mopt::detail::countColumns(b, getLoc(), blockCount,
                                                    block, perGroup, columns));
    return success();
  }
  OpFoldResult blocks = tensor::getMixedSize(b, getLoc(), getFilter(), 1);
  if (getConstantIntValue(block) != 0 ||
      !isEqualConstantIntOrValue(blockCount, blocks))
    return emitOpError("expected a tile of one group, or of all blocks of "
                       "several groups");
  tile.sizes.push_back(groupStart(groupCount));
  return success();
}

LogicalResult ConvAnchorOp::getReductionInputTiles(
    OpBuilder &b, ArrayRef<OpFoldResult> offsets, ArrayRef<OpFoldResult> sizes,
    SmallVectorImpl<AnchorTile> &tiles) {
  int64_t last = getOutputRank() - 1;
  tiles.push_back(getInputTile(*this, b, offsets, sizes, 2));
  OpFoldResult perGroup = applyAffine(
      b, getLoc(), b.getAffineDimExpr(0) * getInterleave(),
      {tensor::getMixedSize(b, getLoc(), getFilter(), getOutputRank())});
  auto channelsOf = [&](OpFoldResult groups) -> OpFoldResult {
    std::optional<int64_t> size = getConstantIntValue(perGroup);
    if (size)
      return applyAffine(b, getLoc(), b.getAffineDimExpr(0) * *size, {groups});
    return arith::MulIOp::create(
               b, getLoc(),
               getValueOrCreateConstantIndexOp(b, getLoc(), groups),
               getValueOrCreateConstantIndexOp(b, getLoc(), perGroup))
        .getResult();
  };
  tiles.back().offsets.push_back(channelsOf(offsets[last]));
  tiles.back().sizes.push_back(channelsOf(sizes[last]));

  AnchorTile filter{{offsets[last], offsets[last + 1]},
                    {sizes[last], sizes[last + 1]}};
  SmallVector<OpFoldResult> filterSizes =
      tensor::getMixedSizes(b, getLoc(), getFilter());
  for (OpFoldResult size : ArrayRef(filterSizes).drop_front(2)) {
    filter.offsets.push_back(b.getIndexAttr(0));
    filter.sizes.push_back(size);
  }
  tiles.push_back(std::move(filter));
  if (getExcess())
    tiles.push_back(mopt::detail::getExcessTile(
        b, getLoc(), getExcess(), offsets.take_back(2), sizes.take_back(2)));
  return success();
}

LogicalResult ConvAnchorOp::getDomainTile(OpBuilder &b,
                                          const AnchorTile &output,
                                          AnchorTile &domain) {
  int64_t last = getOutputRank() - 1, columns = getBlockColumns();
  AffineExpr d0 = b.getAffineDimExpr(0);
  domain = output;
  OpFoldResult outputs = tensor::getMixedSize(b, getLoc(), getInit(), last);
  if (getConstantIntValue(output.offsets[last]) == 0 &&
      isEqualConstantIntOrValue(output.sizes[last], outputs)) {
    domain.offsets[last] = b.getIndexAttr(0);
    domain.sizes[last] = b.getIndexAttr(getGroups());
    domain.offsets.push_back(b.getIndexAttr(0));
    domain.sizes.push_back(tensor::getMixedSize(b, getLoc(), getFilter(), 1));
    return success();
  }
  auto isMultiple = [&](OpFoldResult value) {
    return getConstantIntValue(
               applyAffine(b, getLoc(), d0 % columns, {value})) == 0;
  };
  if (getGroups() != 1 || !isMultiple(output.offsets[last]) ||
      !isMultiple(output.sizes[last]))
    return failure();
  domain.offsets[last] = b.getIndexAttr(0);
  domain.sizes[last] = b.getIndexAttr(1);
  domain.offsets.push_back(
      applyAffine(b, getLoc(), d0.floorDiv(columns), {output.offsets[last]}));
  domain.sizes.push_back(
      applyAffine(b, getLoc(), d0.floorDiv(columns), {output.sizes[last]}));
  return success();
}

//===----------------------------------------------------------------------===//
// DepthwiseAnchorOp
//===----------------------------------------------------------------------===//

void DepthwiseAnchorOp::build(OpBuilder &b, OperationState &state, Value input,
                              Value filter, Value init,
                              ArrayRef<int64_t> strides,
                              ArrayRef<int64_t> dilations, ConfigAttr config,
                              bool unsignedLhs, bool unsignedRhs) {
  auto type = cast<ShapedType>(init.getType());
  build(b, state,
        isa<TensorType>(type) ? TypeRange{init.getType()} : TypeRange{}, input,
        filter, ValueRange{}, init, b.getDenseI64ArrayAttr(strides),
        b.getDenseI64ArrayAttr(dilations), b.getAffineMapArrayAttr({}), config,
        unsignedLhs ? b.getUnitAttr() : UnitAttr(),
        unsignedRhs ? b.getUnitAttr() : UnitAttr());
  buildEpilogue(b, state, type);
}

AffineMap DepthwiseAnchorOp::getInitIndexingMap() {
  return AffineMap::getMultiDimIdentityMap(getOutputRank(), getContext());
}

SmallVector<Value> DepthwiseAnchorOp::getReductionInputs() {
  return {getInput(), getFilter()};
}

LogicalResult DepthwiseAnchorOp::verify() {
  auto input = cast<ShapedType>(getInput().getType());
  auto filter = cast<ShapedType>(getFilter().getType());
  auto init = cast<ShapedType>(getInit().getType());
  int64_t rank = init.getRank();
  if (rank < 3 || rank > 5 || input.getRank() != rank ||
      filter.getRank() != rank - 1)
    return emitOpError(
               "expected 'input' and 'outs' of equal rank of 3 to 5 and "
               "a filter of one dimension less, found ranks ")
           << input.getRank() << ", " << rank << " and " << filter.getRank();
  if (failed(verifyWindows(*this, 0)))
    return failure();
  int64_t channels = init.getDimSize(rank - 1);
  for (int64_t size : {input.getDimSize(rank - 1), filter.getDimSize(rank - 2)})
    if (differ(size, channels))
      return emitOpError("expected ")
             << channels << " channels, found " << size;
  return success();
}

SmallVector<Range> DepthwiseAnchorOp::getIterationDomain(OpBuilder &b) {
  OpFoldResult zero = b.getIndexAttr(0), one = b.getIndexAttr(1);
  SmallVector<Range> domain;
  for (OpFoldResult size : tensor::getMixedSizes(b, getLoc(), getInit()))
    domain.push_back({zero, size, one});
  return domain;
}

LogicalResult DepthwiseAnchorOp::getOutputTile(OpBuilder &b,
                                               ArrayRef<OpFoldResult> offsets,
                                               ArrayRef<OpFoldResult> sizes,
                                               AnchorTile &tile) {
  tile.offsets.assign(offsets.begin(), offsets.end());
  tile.sizes.assign(sizes.begin(), sizes.end());
  return success();
}

LogicalResult DepthwiseAnchorOp::getReductionInputTiles(
    OpBuilder &b, ArrayRef<OpFoldResult> offsets, ArrayRef<OpFoldResult> sizes,
    SmallVectorImpl<AnchorTile> &tiles) {
  tiles.push_back(getInputTile(*this, b, offsets, sizes, 0));
  tiles.back().offsets.push_back(offsets.back());
  tiles.back().sizes.push_back(sizes.back());
  AnchorTile filter;
  for (int64_t i = 0; i < getSpatialRank(); ++i) {
    filter.offsets.push_back(b.getIndexAttr(0));
    filter.sizes.push_back(
        b.getIndexAttr(cast<ShapedType>(getFilter().getType()).getDimSize(i)));
  }
  filter.offsets.push_back(offsets.back());
  filter.sizes.push_back(sizes.back());
  tiles.push_back(std::move(filter));
  return success();
}

LogicalResult DepthwiseAnchorOp::getDomainTile(OpBuilder &b,
                                               const AnchorTile &output,
                                               AnchorTile &domain) {
  domain = output;
  return success();
}

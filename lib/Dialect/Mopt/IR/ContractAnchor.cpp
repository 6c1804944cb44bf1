// The contraction anchor: its maps, verifier and tiles.
#include "mopt/Dialect/Mopt/IR/ExcessWeights.h"
#include "mopt/Dialect/Mopt/IR/Mopt.h"
#include "mopt/Dialect/Mopt/IR/ShapeInference.h"
#include "mopt/Dialect/Mopt/IR/SmallFloats.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace mopt;

//===----------------------------------------------------------------------===//
// Maps
//===----------------------------------------------------------------------===//

AffineMap ContractAnchorOp::getLhsIndexingMap() {
  if (std::optional<AffineMap> map = getLhsMap())
    return *map;
  return AffineMap::getMultiDimIdentityMap(getOutputRank(), getContext());
}

AffineMap ContractAnchorOp::getRhsIndexingMap() {
  if (std::optional<AffineMap> map = getRhsMap())
    return *map;
  int64_t rank = getOutputRank();
  AffineMap map = AffineMap::getMultiDimIdentityMap(rank + 1, getContext());
  // Domain (b.., m, n / L, k) without m.
  map = map.dropResult(rank - 2);
  if (cast<ShapedType>(getRhs().getType()).getRank() == 3)
    map = map.getMinorSubMap(2);
  SmallVector<AffineExpr> dims;
  for (int64_t i = 0; i <= rank; ++i)
    dims.push_back(getAffineDimExpr(i < rank - 1 ? i : i - 1, getContext()));
  return map.replaceDimsAndSymbols(dims, {}, rank, 0);
}

AffineMap ContractAnchorOp::getInitIndexingMap() {
  if (std::optional<AffineMap> map = getInitMap())
    return *map;
  return AffineMap::getMultiDimIdentityMap(getOutputRank(), getContext());
}

void ContractAnchorOp::build(OpBuilder &b, OperationState &state, Value lhs,
                             Value rhs, Value init, AffineMap lhsMap,
                             AffineMap rhsMap, AffineMap initMap,
                             ConfigAttr config, bool unsignedLhs,
                             bool unsignedRhs) {
  auto attr = [](AffineMap map) {
    return map ? AffineMapAttr::get(map) : AffineMapAttr();
  };
  auto type = cast<ShapedType>(init.getType());
  build(b, state,
        isa<TensorType>(type) ? TypeRange{init.getType()} : TypeRange{}, lhs,
        rhs, Value(), ValueRange{}, init, attr(lhsMap), attr(rhsMap),
        attr(initMap), b.getAffineMapArrayAttr({}), config,
        b.getI64IntegerAttr(config ? config.getInterleave() : 1),
        unsignedLhs ? b.getUnitAttr() : UnitAttr(),
        unsignedRhs ? b.getUnitAttr() : UnitAttr(), BlockWeightsAttr());
  OpBuilder::InsertionGuard guard(b);
  Block *body = b.createBlock(state.regions.front().get(), {},
                              type.getElementType(), state.location);
  mopt::YieldOp::create(b, state.location, body->getArguments());
}

//===----------------------------------------------------------------------===//
// Verifier
//===----------------------------------------------------------------------===//

/// Checks that `map` has `dims` dimensions and, as results, distinct ones of
/// them or 0; records in `seen` which.
static LogicalResult verifyMap(Operation *op, StringRef name, AffineMap map,
                               int64_t dims, int64_t results,
                               llvm::SmallBitVector &seen) {
  seen.resize(dims);
  bool good = map.getNumDims() == dims && map.getNumSymbols() == 0 &&
              map.getNumResults() == results;
  for (AffineExpr expr : map.getResults()) {
    if (!good)
      break;
    if (auto dim = dyn_cast<AffineDimExpr>(expr)) {
      good = !seen.test(dim.getPosition());
      seen.set(dim.getPosition());
    } else {
      auto constant = dyn_cast<AffineConstantExpr>(expr);
      good = constant && constant.getValue() == 0;
    }
  }
  if (!good)
    return op->emitOpError("expected '")
           << name << "' to take " << dims << " dimensions to " << results
           << " distinct ones or 0, found " << AffineMapAttr::get(map);
  return success();
}

static bool areContractable(Type lhs, Type rhs, Type accumulator,
                            bool areSmallFloats) {
  if (areSmallFloats)
    return lhs.isInteger(8) && rhs.isInteger(8) && accumulator.isF32();
  if (isa<FloatType>(lhs))
    return (lhs == rhs || (lhs.isF32() && (rhs.isInteger(8) || rhs.isBF16() ||
                                           rhs.isF16()))) &&
           isa<FloatType>(accumulator) &&
           accumulator.getIntOrFloatBitWidth() >= lhs.getIntOrFloatBitWidth();
  // Words are bytes that were widened.
  return (lhs.isInteger(8) || lhs.isInteger(16)) &&
         (rhs.isInteger(8) || rhs == lhs) && accumulator.isInteger(32);
}

LogicalResult ContractAnchorOp::verify() {
  auto lhs = cast<ShapedType>(getLhs().getType());
  auto rhs = cast<ShapedType>(getRhs().getType());
  auto init = cast<ShapedType>(getInit().getType());
  int64_t rank = init.getRank();
  if (lhs.getRank() < 2 || rhs.getRank() < 3 || rank < 2)
    return emitOpError("expected operands of rank at least 2, 3 and 2, found ")
           << lhs.getRank() << ", " << rhs.getRank() << " and " << rank;
  if (!areContractable(lhs.getElementType(), rhs.getElementType(),
                       getAccumulatorType(), bool(getSmallFloat(*this))))
    return emitOpError("cannot contract ")
           << lhs.getElementType() << " with " << rhs.getElementType()
           << " in an accumulator of type " << getAccumulatorType();
  BlockWeightsAttr weights = getWeightsAttr();
  // Packed weights say by themselves how neighbours lie.
  int64_t interleave = weights ? 1 : getInterleave();
  if (weights && (rhs.getShape().back() != weights.getGroupBytes() ||
                  !lhs.getElementType().isF32()))
    return emitOpError("expected a left side of f32 and groups of ")
           << weights.getGroupBytes() << " bytes, found " << lhs << " and "
           << rhs;
  if (interleave < 1 || rhs.getShape().back() % interleave != 0)
    return emitOpError("expected blocks of a multiple of 'interleave', found ")
           << rhs << " and " << interleave;
  int64_t columns = getBlockColumns();
  if (ShapedType::isDynamic(rhs.getShape().back()) || columns == 0)
    return emitOpError("expected packed blocks of a static size, found ")
           << rhs;
  if (auto memref = dyn_cast<MemRefType>(rhs))
    if (!memref.isLastDimUnitStride())
      return emitOpError("expected a unit innermost stride, found ") << rhs;

  llvm::SmallBitVector lhsDims, rhsDims, initDims;
  AffineMap lhsMap = getLhsIndexingMap(), rhsMap = getRhsIndexingMap();
  AffineMap initMap = getInitIndexingMap();
  if (failed(
          verifyMap(*this, "lhs_map", lhsMap, rank, lhs.getRank(), lhsDims)) ||
      failed(verifyMap(*this, "rhs_map", rhsMap, rank, rhs.getRank() - 1,
                       rhsDims)) ||
      failed(verifyMap(*this, "init_map", initMap, rank, rank, initDims)))
    return failure();
  if (!lhsDims.test(rank - 2) || !lhsDims.test(rank - 1))
    return emitOpError("expected 'lhs_map' to have rows and depth as results, "
                       "found ")
           << AffineMapAttr::get(lhsMap);
  auto lhsMemRef = dyn_cast<MemRefType>(lhs);
  if (interleave > 1 &&
      (lhsMap.getResults().back() != getAffineDimExpr(rank - 1, getContext()) ||
       (lhsMemRef && !lhsMemRef.isLastDimUnitStride())))
    return emitOpError("expected neighbours along the depth side by side in "
                       "'lhs', found ")
           << AffineMapAttr::get(lhsMap) << " and " << lhs;
  if (!rhsDims.test(rank - 2) || !rhsDims.test(rank - 1))
    return emitOpError("expected 'rhs_map' to have blocks and depth as "
                       "results, found ")
           << AffineMapAttr::get(rhsMap);
  if (!initDims.all() ||
      initMap.getResults().back() != getAffineDimExpr(rank - 1, getContext()))
    return emitOpError("expected 'init_map' to be a permutation that keeps the "
                       "last dimension, found ")
           << AffineMapAttr::get(initMap);

  // The size that an operand gives to a dimension of its map.
  auto sizeOf = [&](ShapedType type, AffineMap map, int64_t dim) {
    std::optional<unsigned> position =
        map.getResultPosition(getAffineDimExpr(dim, getContext()));
    return position ? type.getDimSize(*position) : ShapedType::kDynamic;
  };
  auto differ = [](int64_t a, int64_t b) {
    return ShapedType::isStatic(a) && ShapedType::isStatic(b) && a != b;
  };
  auto op = cast<AnchorOpInterface>(getOperation());
  for (int64_t i = 0; i < rank - 1; ++i) {
    int64_t size = op.getOutputDimSize(i);
    if (differ(sizeOf(lhs, lhsMap, i), size))
      return emitOpError("expected size ")
             << size << " for " << (i < rank - 2 ? "a batch" : "the rows")
             << " of 'lhs', found " << sizeOf(lhs, lhsMap, i);
    if (i < rank - 2 && differ(sizeOf(rhs, rhsMap, i), size))
      return emitOpError("expected size ")
             << size << " for a batch of 'rhs', found "
             << sizeOf(rhs, rhsMap, i);
  }
  for (auto [map, type] : {std::pair(lhsMap, lhs), std::pair(rhsMap, rhs)})
    for (auto [i, expr] : llvm::enumerate(map.getResults()))
      if (isa<AffineConstantExpr>(expr) && differ(type.getDimSize(i), 1))
        return emitOpError("expected a broadcast dimension of size 1, found ")
               << type;
  int64_t steps = sizeOf(lhs, lhsMap, rank - 1);
  if (ShapedType::isStatic(steps))
    steps = llvm::divideCeil(steps, weights ? weights.getGroup() : interleave);
  if (differ(steps, sizeOf(rhs, rhsMap, rank - 1)))
    return emitOpError("expected equal contracted sizes, found ")
           << sizeOf(lhs, lhsMap, rank - 1) << " and "
           << sizeOf(rhs, rhsMap, rank - 1);
  int64_t blocks = sizeOf(rhs, rhsMap, rank - 2);
  int64_t width = op.getOutputDimSize(rank - 1);
  if (ShapedType::isStatic(blocks) && ShapedType::isStatic(width) &&
      llvm::divideCeil(width, columns) != uint64_t(blocks))
    return emitOpError("expected ")
           << llvm::divideCeil(width, columns) << " blocks of " << columns
           << " columns for " << width << " columns, found " << blocks;
  if (getExcess() &&
      failed(mopt::detail::verifyExcess(*this, getExcess(), rhs, 1)))
    return failure();
  if (ConfigAttr config = getConfigAttr())
    if (config.getColumns() != columns || columns % config.getLanes() != 0 ||
        (!weights && config.getInterleave() != interleave))
      return emitOpError("expected a configuration for blocks of ")
             << columns << " columns, found " << config;
  return success();
}

//===----------------------------------------------------------------------===//
// Tiles
//===----------------------------------------------------------------------===//

SmallVector<Value> ContractAnchorOp::getReductionInputs() {
  SmallVector<Value> inputs{getLhs(), getRhs()};
  if (getExcess())
    inputs.push_back(getExcess());
  return inputs;
}

/// Position in an operand of dimension `dim` of its map.
static int64_t getPosition(AffineMap map, int64_t dim) {
  return *map.getResultPosition(getAffineDimExpr(dim, map.getContext()));
}

SmallVector<Range> ContractAnchorOp::getIterationDomain(OpBuilder &b) {
  OpFoldResult zero = b.getIndexAttr(0), one = b.getIndexAttr(1);
  SmallVector<Range> domain;
  int64_t rank = getOutputRank();
  AffineMap initMap = getInitIndexingMap();
  for (int64_t i = 0; i < rank - 1; ++i)
    domain.push_back(
        {zero,
         tensor::getMixedSize(b, getLoc(), getInit(), getPosition(initMap, i)),
         one});
  domain.push_back(
      {zero,
       tensor::getMixedSize(b, getLoc(), getRhs(),
                            getPosition(getRhsIndexingMap(), rank - 2)),
       one});
  return domain;
}

LogicalResult ContractAnchorOp::getOutputTile(OpBuilder &b,
                                              ArrayRef<OpFoldResult> offsets,
                                              ArrayRef<OpFoldResult> sizes,
                                              AnchorTile &tile) {
  tile.offsets.assign(offsets.begin(), offsets.end());
  tile.sizes.assign(sizes.begin(), sizes.end());
  int64_t last = getOutputRank() - 1, columns = getBlockColumns();
  AffineExpr d0 = b.getAffineDimExpr(0);
  OpFoldResult width = tensor::getMixedSize(
      b, getLoc(), getInit(), getPosition(getInitIndexingMap(), last));
  tile.offsets[last] = applyAffine(b, getLoc(), d0 * columns, {offsets[last]});
  tile.sizes[last] = mopt::detail::countColumns(b, getLoc(), sizes[last],
                                                offsets[last], width, columns);
  return success();
}

LogicalResult ContractAnchorOp::getReductionInputTiles(
    OpBuilder &b, ArrayRef<OpFoldResult> offsets, ArrayRef<OpFoldResult> sizes,
    SmallVectorImpl<AnchorTile> &tiles) {
  int64_t rank = getOutputRank();
  OpFoldResult zero = b.getIndexAttr(0), one = b.getIndexAttr(1);
  auto take = [&](Value operand, AffineMap map, int64_t blockOrRow) {
    AnchorTile tile;
    OpFoldResult depth =
        tensor::getMixedSize(b, getLoc(), operand, getPosition(map, rank - 1));
    for (AffineExpr expr : map.getResults()) {
      auto dim = dyn_cast<AffineDimExpr>(expr);
      int64_t position = dim ? dim.getPosition() : -1;
      // Dimension rank - 2 is the row of lhs, the block of rhs.
      int64_t source = position == rank - 2 ? blockOrRow : position;
      bool whole = position == rank - 1;
      tile.offsets.push_back(!dim || whole ? zero : offsets[source]);
      tile.sizes.push_back(!dim ? one : whole ? depth : sizes[source]);
    }
    return tile;
  };
  tiles.push_back(take(getLhs(), getLhsIndexingMap(), rank - 2));
  tiles.push_back(take(getRhs(), getRhsIndexingMap(), rank - 1));
  tiles.back().offsets.push_back(zero);
  tiles.back().sizes.push_back(
      b.getIndexAttr(cast<ShapedType>(getRhs().getType()).getShape().back()));
  if (getExcess())
    tiles.push_back(mopt::detail::getExcessTile(
        b, getLoc(), getExcess(), {offsets[rank - 1]}, {sizes[rank - 1]}));
  return success();
}

LogicalResult ContractAnchorOp::getDomainTile(OpBuilder &b,
                                              const AnchorTile &output,
                                              AnchorTile &domain) {
  domain = output;
  int64_t last = getOutputRank() - 1, columns = getBlockColumns();
  AffineExpr d0 = b.getAffineDimExpr(0);
  auto isMultiple = [&](OpFoldResult value) {
    return getConstantIntValue(
               applyAffine(b, getLoc(), d0 % columns, {value})) == 0;
  };
  // Only tiles of whole blocks, or of all columns, are known not to split one.
  OpFoldResult width = tensor::getMixedSize(
      b, getLoc(), getInit(), getPosition(getInitIndexingMap(), last));
  bool all = getConstantIntValue(output.offsets[last]) == 0 &&
             isEqualConstantIntOrValue(output.sizes[last], width);
  if (!all &&
      (!isMultiple(output.offsets[last]) || !isMultiple(output.sizes[last])))
    return failure();
  domain.offsets[last] =
      applyAffine(b, getLoc(), d0.floorDiv(columns), {output.offsets[last]});
  domain.sizes[last] =
      applyAffine(b, getLoc(), d0.ceilDiv(columns), {output.sizes[last]});
  return success();
}

// Stored and computed forms of elements, and the generic ops made of them.
#include "mopt/Conversion/MoptToLinalg/Elements.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Interfaces/InferTypeOpInterface.h"

using namespace mlir;
using namespace mopt;

/// Integers of 2 or 4 bits have a byte each, which holds their value.
static bool isNarrowInteger(Type element) {
  auto integer = dyn_cast<IntegerType>(element);
  return integer && integer.getWidth() > 1 && integer.getWidth() < 8;
}

Type mopt::getStoredElementType(Type element) {
  if (auto integer = dyn_cast<IntegerType>(element)) {
    unsigned width = std::max(8u, integer.getWidth());
    return IntegerType::get(element.getContext(), width);
  }
  if (isSmallFloat(element))
    return IntegerType::get(element.getContext(), 8);
  return element;
}

Type mopt::getScalarType(Type element) {
  if (auto integer = dyn_cast<IntegerType>(element))
    return IntegerType::get(element.getContext(), integer.getWidth());
  if (isSmallFloat(element))
    return Float32Type::get(element.getContext());
  return element;
}

bool mopt::isUnsignedElement(Type element) {
  return element.isUnsignedInteger() || element.isInteger(1);
}

Value mopt::loadElement(OpBuilder &b, Location loc, Value stored, Type element) {
  if (isSmallFloat(element))
    return decodeSmallFloat(b, loc, stored, element);
  if (isNarrowInteger(element))
    return arith::TruncIOp::create(b, loc, getScalarType(element), stored);
  if (!element.isInteger(1))
    return stored;
  Value zero = arith::ConstantOp::create(b, loc, b.getI8IntegerAttr(0));
  return arith::CmpIOp::create(b, loc, arith::CmpIPredicate::ne, stored, zero);
}

Value mopt::storeElement(OpBuilder &b, Location loc, Value scalar, Type element) {
  if (isSmallFloat(element))
    return encodeSmallFloat(b, loc, scalar, element);
  if (isNarrowInteger(element) && !element.isUnsignedInteger())
    return arith::ExtSIOp::create(b, loc, b.getI8Type(), scalar);
  if (!element.isInteger(1) && !isNarrowInteger(element))
    return scalar;
  return arith::ExtUIOp::create(b, loc, b.getI8Type(), scalar);
}

Value mopt::buildIsLarger(OpBuilder &b, Location loc, Type element, Value x,
                          Value y) {
  Value isLarger = buildCompare(b, loc, CompareKind::gt, element, x, y);
  if (!isa<FloatType>(element))
    return isLarger;
  auto isNaN = [&](Value v) {
    return buildUnary(b, loc, UnaryKind::is_nan, element, v);
  };
  Value yes = arith::ConstantOp::create(b, loc, b.getBoolAttr(true));
  Value isNumber = arith::XOrIOp::create(b, loc, isNaN(y), yes);
  Value isAbove = arith::AndIOp::create(b, loc, isNaN(x), isNumber);
  return arith::OrIOp::create(b, loc, isLarger, isAbove);
}

Value mopt::createEmpty(OpBuilder &b, Location loc, ArrayRef<OpFoldResult> sizes,
                        Type element) {
  return tensor::EmptyOp::create(b, loc, sizes, getStoredElementType(element));
}

SmallVector<OpFoldResult> mopt::getResultSizes(OpBuilder &b, Operation *op) {
  ReifiedRankedShapedTypeDims shapes;
  // Every mopt op implements this without failing.
  (void)cast<ReifyRankedShapedTypeOpInterface>(op).reifyResultShapes(b, shapes);
  // The result type may know more than the operands tell, or less.
  auto type = cast<RankedTensorType>(op->getResult(0).getType());
  for (auto [size, known] : llvm::zip_equal(shapes.front(), type.getShape()))
    if (ShapedType::isStatic(known))
      size = b.getIndexAttr(known);
    else
      size = getValueOrCreateConstantIndexOp(b, op->getLoc(), size);
  return shapes.front();
}

Value mopt::createParallelGeneric(
    OpBuilder &b, Location loc, ArrayRef<OpFoldResult> sizes, Type element,
    ValueRange inputs, ArrayRef<AffineMap> maps,
    function_ref<Value(OpBuilder &, Location, ValueRange)> body) {
  Value init = createEmpty(b, loc, sizes, element);
  SmallVector<AffineMap> allMaps(maps);
  allMaps.push_back(b.getMultiDimIdentityMap(sizes.size()));
  SmallVector<utils::IteratorType> iterators(sizes.size(),
                                             utils::IteratorType::parallel);
  auto generic = linalg::GenericOp::create(
      b, loc, init.getType(), inputs, init, allMaps, iterators,
      [&](OpBuilder &b, Location loc, ValueRange args) {
        Value scalar = body(b, loc, args.drop_back());
        linalg::YieldOp::create(b, loc, storeElement(b, loc, scalar, element));
      });
  return generic.getResult(0);
}

AffineMap mopt::getBroadcastMap(RankedTensorType operand,
                                RankedTensorType result) {
  MLIRContext *ctx = operand.getContext();
  SmallVector<AffineExpr> exprs;
  for (auto [dim, own, to] :
       llvm::enumerate(operand.getShape(), result.getShape()))
    exprs.push_back(own == 1 && to != 1 ? getAffineConstantExpr(0, ctx)
                                        : getAffineDimExpr(dim, ctx));
  return AffineMap::get(result.getRank(), 0, exprs, ctx);
}

Type mopt::getAccumulatorType(Type element) {
  auto type = dyn_cast<FloatType>(element);
  return type && type.getWidth() < 32
             ? Type(Float32Type::get(element.getContext()))
             : getScalarType(element);
}

Value mopt::convertFloat(OpBuilder &b, Location loc, Value x, Type type) {
  return buildCast(b, loc, x.getType(), type, x, /*saturate=*/true);
}

Value mopt::createFilled(OpBuilder &b, Location loc,
                         ArrayRef<OpFoldResult> sizes, Value value) {
  Value empty = tensor::EmptyOp::create(b, loc, sizes, value.getType());
  return linalg::FillOp::create(b, loc, value, empty).getResult(0);
}

Value mopt::createReduction(
    OpBuilder &b, Location loc, ValueRange inputs, ArrayRef<AffineMap> maps,
    ArrayRef<OpFoldResult> sizes, ArrayRef<int64_t> axes, Value identity,
    function_ref<Value(OpBuilder &, Location, ValueRange, Value)> body) {
  // Into a tensor without the reduced dimensions, as tiling wants it.
  SmallVector<OpFoldResult> kept;
  SmallVector<AffineExpr> keptDims;
  SmallVector<utils::IteratorType> iterators;
  int64_t rank = sizes.size();
  for (int64_t dim = 0; dim < rank; ++dim) {
    bool isReduced = llvm::is_contained(axes, dim);
    iterators.push_back(isReduced ? utils::IteratorType::reduction
                                  : utils::IteratorType::parallel);
    if (!isReduced) {
      kept.push_back(sizes[dim]);
      keptDims.push_back(b.getAffineDimExpr(dim));
    }
  }
  Value init = createFilled(b, loc, kept, identity);
  SmallVector<AffineMap> allMaps(maps);
  allMaps.push_back(AffineMap::get(rank, 0, keptDims, b.getContext()));
  Value reduced =
      linalg::GenericOp::create(
          b, loc, init.getType(), inputs, init, allMaps, iterators,
          [&](OpBuilder &b, Location loc, ValueRange args) {
            linalg::YieldOp::create(
                b, loc, body(b, loc, args.drop_back(), args.back()));
          })
          .getResult(0);
  return restoreReducedDims(b, loc, reduced, sizes, axes);
}

Value mopt::restoreReducedDims(OpBuilder &b, Location loc, Value reduced,
                               ArrayRef<OpFoldResult> sizes,
                               ArrayRef<int64_t> axes) {
  if (axes.empty())
    return reduced;
  SmallVector<OpFoldResult> result;
  SmallVector<ReassociationIndices> groups;
  int64_t rank = sizes.size();
  for (int64_t dim = 0; dim < rank; ++dim) {
    bool isReduced = llvm::is_contained(axes, dim);
    result.push_back(isReduced ? OpFoldResult(b.getIndexAttr(1)) : sizes[dim]);
    // Leading reduced dimensions join the first kept one.
    if (!isReduced && groups.empty())
      groups.push_back(llvm::to_vector(llvm::seq<int64_t>(0, dim + 1)));
    else if (!isReduced)
      groups.push_back({dim});
    else if (!groups.empty())
      groups.back().push_back(dim);
  }
  SmallVector<int64_t> shape;
  SmallVector<Value> dynamic;
  dispatchIndexOpFoldResults(result, dynamic, shape);
  return tensor::ExpandShapeOp::create(
      b, loc, RankedTensorType::get(shape, getElement(reduced)), reduced, groups,
      result);
}

Value mopt::normalizeIndex(OpBuilder &b, Location loc, Value stored,
                           Value size) {
  Value index = arith::IndexCastOp::create(b, loc, b.getIndexType(), stored);
  Value zero = arith::ConstantIndexOp::create(b, loc, 0);
  Value one = arith::ConstantIndexOp::create(b, loc, 1);
  Value isNegative =
      arith::CmpIOp::create(b, loc, arith::CmpIPredicate::slt, index, zero);
  index = arith::SelectOp::create(
      b, loc, isNegative, arith::AddIOp::create(b, loc, index, size), index);
  index = arith::MinSIOp::create(b, loc, index,
                                 arith::SubIOp::create(b, loc, size, one));
  return arith::MaxSIOp::create(b, loc, index, zero);
}

// What a register tile multiplies: elements of the left side in all lanes and
// vectors of the right one, as wide as the product takes them.
#include "RegisterTile.h"

#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace mopt;

/// A scalar or vector in the element type `element`.
static Value widen(IndexBuilder &ib, Value value, Type element,
                   bool isUnsigned) {
  Type from = getElementTypeOrSelf(value.getType());
  if (from == element)
    return value;
  Type to = element;
  if (auto vector = dyn_cast<VectorType>(value.getType()))
    to = vector.clone(element);
  if (isa<FloatType>(element) && isa<FloatType>(from))
    return arith::ExtFOp::create(ib.b, ib.loc, to, value);
  if (isa<FloatType>(element)) {
    Value number = widen(ib, value, ib.b.getI32Type(), isUnsigned);
    return arith::SIToFPOp::create(ib.b, ib.loc, to, number);
  }
  if (isUnsigned)
    return arith::ExtUIOp::create(ib.b, ib.loc, to, value);
  return arith::ExtSIOp::create(ib.b, ib.loc, to, value);
}

/// What groups of neighbours are multiplied as.
static Type getMultiplied(IndexBuilder &ib, Type element, int64_t bits) {
  return isa<FloatType>(element) ? element : ib.b.getIntegerType(bits);
}

Value RegisterTile::loadLhs(IndexBuilder &ib, OpFoldResult position,
                            OpFoldResult group) const {
  if (dot.interleave == 1) {
    Value scalar =
        memref::LoadOp::create(ib.b, ib.loc, lhs->buffer, ib.value(position));
    return vector::BroadcastOp::create(
        ib.b, ib.loc, accumulatorType,
        widen(ib, scalar, accumulatorType.getElementType(), dot.unsignedLhs));
  }
  auto type = VectorType::get(dot.interleave, lhs->getElementType());
  Value elements;
  std::optional<int64_t> count = getConstantIntValue(group);
  if (count == dot.interleave) {
    elements = vector::LoadOp::create(ib.b, ib.loc, type, lhs->buffer,
                                      ib.value(position));
  } else {
    // Nothing behind the last element may be read. Where only run time knows
    // which one that is, it is read again: the right side is 0 there.
    elements = arith::ConstantOp::create(ib.b, ib.loc, ib.b.getZeroAttr(type));
    for (int64_t i = 0; i < count.value_or(dot.interleave - 1); ++i) {
      OpFoldResult offset = ib.constant(i);
      if (!count && i > 0)
        offset = ib.min(offset, ib.sub(group, ib.constant(1)));
      Value scalar = memref::LoadOp::create(ib.b, ib.loc, lhs->buffer,
                                            ib.value(ib.add(position, offset)));
      elements = vector::InsertOp::create(ib.b, ib.loc, scalar, elements, i);
    }
  }
  Type element = getMultiplied(ib, lhs->getElementType(), dot.lhsBits);
  elements = widen(ib, elements, element, dot.unsignedLhs);
  if (dot.getBlockRows() > 1)
    return elements;
  // The group as one word, which is cheap to put into all lanes.
  int64_t lanes = getWordLanes();
  Type word = ib.b.getIntegerType(dot.interleave * dot.lhsBits);
  Value bits = vector::BitCastOp::create(ib.b, ib.loc, VectorType::get(1, word),
                                         elements);
  Value splat = vector::BroadcastOp::create(
      ib.b, ib.loc, VectorType::get(lanes, word),
      vector::ExtractOp::create(ib.b, ib.loc, bits, 0));
  return vector::BitCastOp::create(
      ib.b, ib.loc, VectorType::get(lanes * dot.interleave, element), splat);
}

SmallVector<Value> RegisterTile::loadLhsGroups(IndexBuilder &ib,
                                               OpFoldResult position,
                                               int64_t count) const {
  Value elements = vector::LoadOp::create(
      ib.b, ib.loc,
      VectorType::get(count * dot.interleave, lhs->getElementType()),
      lhs->buffer, ib.value(position));
  Type element = dot.interleave == 1
                     ? accumulatorType.getElementType()
                     : getMultiplied(ib, lhs->getElementType(), dot.lhsBits);
  elements = widen(ib, elements, element, dot.unsignedLhs);
  int64_t lanes =
      dot.interleave == 1 ? accumulatorType.getNumElements() : getWordLanes();
  if (dot.interleave > 1)
    elements = vector::BitCastOp::create(
        ib.b, ib.loc,
        VectorType::get(count,
                        ib.b.getIntegerType(dot.interleave * dot.lhsBits)),
        elements);
  SmallVector<Value> groups;
  for (int64_t i = 0; i < count; ++i) {
    // As one operation: of loads that only give elements LLVM makes several.
    Value splat = vector::ShuffleOp::create(ib.b, ib.loc, elements, elements,
                                            SmallVector<int64_t>(lanes, i));
    if (dot.interleave > 1)
      splat = vector::BitCastOp::create(
          ib.b, ib.loc, VectorType::get(lanes * dot.interleave, element),
          splat);
    groups.push_back(splat);
  }
  return groups;
}

Value RegisterTile::loadLhsRow(IndexBuilder &ib, int64_t r, OpFoldResult offset,
                               OpFoldResult group) const {
  int64_t count = dot.getBlockRows();
  if (count == 1)
    return loadLhs(ib, ib.add(lhsRows[r], offset), group);
  // A block that is not full has its last row again.
  auto load = [&](int64_t i) {
    int64_t row = std::min<int64_t>(r * count + i, lhsRows.size() - 1);
    return loadLhs(ib, ib.add(lhsRows[row], offset), group);
  };
  return vector::ShuffleOp::create(
      ib.b, ib.loc, load(0), load(1),
      llvm::to_vector(llvm::seq<int64_t>(0, count * dot.interleave)));
}

Value RegisterTile::loadRhs(IndexBuilder &ib, OpFoldResult position) const {
  Value vector = vector::LoadOp::create(
      ib.b, ib.loc, VectorType::get(getRhsElements(), rhs->getElementType()),
      rhs->buffer, ib.value(position));
  Type element = dot.interleave == 1
                     ? accumulatorType.getElementType()
                     : getMultiplied(ib, rhs->getElementType(), dot.rhsBits);
  return widen(ib, vector, element, dot.unsignedRhs);
}

// Sizes of results, statically and as values.
#include "mopt/Dialect/Mopt/IR/ShapeInference.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Affine/Utils.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/TypeUtilities.h"

using namespace mlir;
using namespace mopt;

bool mopt::areCompatibleTypes(TypeRange inferred, TypeRange stated) {
  return llvm::equal(inferred, stated, [](Type a, Type b) {
    auto tensorA = dyn_cast<RankedTensorType>(a);
    auto tensorB = dyn_cast<RankedTensorType>(b);
    return tensorA && tensorB &&
           tensorA.getElementType() == tensorB.getElementType() &&
           succeeded(verifyCompatibleShape(tensorA, tensorB));
  });
}

FailureOr<SmallVector<int64_t>> mopt::inferElementwiseShape(TypeRange operands) {
  auto first = cast<RankedTensorType>(operands.front());
  SmallVector<int64_t> shape(first.getShape());
  for (Type operand : operands.drop_front()) {
    auto type = cast<RankedTensorType>(operand);
    if (type.getRank() != first.getRank())
      return failure();
    for (auto [size, other] : llvm::zip_equal(shape, type.getShape())) {
      if (other == 1)
        continue;
      // A dynamic size next to a static one (not 1) must equal it.
      if (size == 1 || ShapedType::isDynamic(size))
        size = ShapedType::isDynamic(other) && size != 1 ? size : other;
      else if (ShapedType::isStatic(other) && other != size)
        return failure();
    }
  }
  return shape;
}

SmallVector<OpFoldResult>
mopt::reifyElementwiseShape(OpBuilder &b, Location loc, ValueRange operands) {
  SmallVector<OpFoldResult> sizes;
  int64_t rank = cast<RankedTensorType>(operands.front().getType()).getRank();
  for (int64_t dim = 0; dim < rank; ++dim) {
    Value source = operands.front();
    for (Value operand : operands) {
      int64_t size = cast<RankedTensorType>(operand.getType()).getDimSize(dim);
      if (size == 1)
        continue;
      source = operand;
      if (ShapedType::isStatic(size))
        break;
    }
    sizes.push_back(tensor::getMixedSize(b, loc, source, dim));
  }
  return sizes;
}

SmallVector<int64_t> mopt::getStaticShape(ArrayRef<OpFoldResult> sizes) {
  return llvm::map_to_vector(sizes, [](OpFoldResult size) {
    return getConstantIntValue(size).value_or(ShapedType::kDynamic);
  });
}

OpFoldResult mopt::applyAffine(OpBuilder &b, Location loc, AffineExpr expr,
                               ArrayRef<OpFoldResult> operands) {
  // Plain arithmetic: an affine.apply inside a loop or branch refuses operands
  // that are not symbols of the function.
  SmallVector<AffineExpr> symbols;
  for (size_t i = 0; i < operands.size(); ++i)
    symbols.push_back(b.getAffineSymbolExpr(i));
  expr = expr.replaceDims(symbols);
  SmallVector<Attribute> constants;
  SmallVector<Value> values;
  for (OpFoldResult operand : operands) {
    std::optional<int64_t> known = getConstantIntValue(operand);
    constants.push_back(known ? b.getIndexAttr(*known) : Attribute());
  }
  SmallVector<Attribute> folded;
  AffineMap map = AffineMap::get(0, operands.size(), expr);
  if (succeeded(map.constantFold(constants, folded)))
    return b.getIndexAttr(cast<IntegerAttr>(folded.front()).getInt());
  SmallVector<AffineExpr> known;
  for (auto [i, constant] : llvm::enumerate(constants))
    known.push_back(constant ? b.getAffineConstantExpr(
                                   cast<IntegerAttr>(constant).getInt())
                             : b.getAffineSymbolExpr(i));
  expr = simplifyAffineExpr(expr.replaceSymbols(known), 0, operands.size());
  for (OpFoldResult operand : operands)
    values.push_back(isa<Value>(operand) ? cast<Value>(operand) : Value());
  if (auto symbol = dyn_cast<AffineSymbolExpr>(expr))
    return values[symbol.getPosition()];
  return affine::expandAffineExpr(b, loc, expr, /*dimValues=*/{}, values);
}

/// The number of windows as an expression of the size.
static AffineExpr getWindowCount(AffineExpr size, const WindowDim &dim) {
  int64_t extent = (dim.kernel - 1) * dim.dilation + 1;
  AffineExpr room = size + (dim.padBegin + dim.padEnd - extent);
  return (dim.ceilMode ? room.ceilDiv(dim.stride) : room.floorDiv(dim.stride)) +
         1;
}

int64_t mopt::inferWindowCount(int64_t size, const WindowDim &dim) {
  if (ShapedType::isDynamic(size))
    return size;
  int64_t extent = (dim.kernel - 1) * dim.dilation + 1;
  int64_t room = size + dim.padBegin + dim.padEnd - extent;
  if (room < 0)
    return 0;
  int64_t count =
      (dim.ceilMode ? llvm::divideCeil(room, dim.stride) : room / dim.stride) +
      1;
  if (dim.ceilMode && (count - 1) * dim.stride >= size + dim.padBegin)
    --count;
  return count;
}

OpFoldResult mopt::reifyWindowCount(OpBuilder &b, Location loc,
                                    OpFoldResult size, const WindowDim &dim) {
  if (std::optional<int64_t> known = getConstantIntValue(size))
    return b.getIndexAttr(inferWindowCount(*known, dim));
  AffineExpr symbol = b.getAffineSymbolExpr(0);
  OpFoldResult count = applyAffine(b, loc, getWindowCount(symbol, dim), size);
  auto value = [&](OpFoldResult v) {
    return getValueOrCreateConstantIndexOp(b, loc, v);
  };
  if (dim.ceilMode) {
    // The last window starts before the end of input and leading padding.
    OpFoldResult limit = applyAffine(
        b, loc, (symbol + dim.padBegin).ceilDiv(dim.stride), size);
    count = arith::MinSIOp::create(b, loc, value(count), value(limit))
                .getResult();
  }
  return arith::MaxSIOp::create(b, loc, value(count),
                                value(b.getIndexAttr(0)))
      .getResult();
}

// Traces sizes and small integers through the ops that computed them.
#include "mopt/Dialect/Mopt/IR/ShapeValues.h"

#include "mopt/Dialect/Mopt/IR/Mopt.h"
#include "mopt/Dialect/Mopt/IR/ShapeInference.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/IndexingUtils.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace mopt;

void ShapeValues::bind(Value tensor, int64_t dim, OpFoldResult size) {
  dims[{tensor, dim}] = size;
}

OpFoldResult ShapeValues::getDim(Value tensor, int64_t dim) {
  auto type = cast<RankedTensorType>(tensor.getType());
  if (!type.isDynamicDim(dim))
    return builder.getIndexAttr(type.getDimSize(dim));
  auto known = dims.find({tensor, dim});
  if (known != dims.end())
    return known->second;
  OpFoldResult size = computeDim(tensor, dim);
  dims[{tensor, dim}] = size;
  return size;
}

SmallVector<OpFoldResult> ShapeValues::getDims(Value tensor) {
  SmallVector<OpFoldResult> sizes;
  for (int64_t dim : llvm::seq(cast<RankedTensorType>(tensor.getType()).getRank()))
    sizes.push_back(getDim(tensor, dim));
  return sizes;
}

OpFoldResult ShapeValues::computeDim(Value tensor, int64_t dim) {
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPointAfterValue(tensor);
  auto reify = tensor.getDefiningOp<ReifyRankedShapedTypeOpInterface>();
  ReifiedRankedShapedTypeDims shapes;
  // What reification emits is expressed by sizes of its operands; those are
  // traced on in turn.
  if (reify && isa<MoptDialect>(reify->getDialect())) {
    Operation *before = reify;
    if (succeeded(reify.reifyResultShapes(builder, shapes))) {
      SmallVector<tensor::DimOp> emitted;
      for (Operation *op = before->getNextNode();
           op && op != (builder.getInsertionPoint() == builder.getBlock()->end()
                            ? nullptr
                            : &*builder.getInsertionPoint());
           op = op->getNextNode())
        if (auto dimOp = dyn_cast<tensor::DimOp>(op))
          emitted.push_back(dimOp);
      auto results = llvm::enumerate(
          shapes[cast<OpResult>(tensor).getResultNumber()]);
      SmallVector<OpFoldResult> sizes;
      DenseMap<Value, Value> traced;
      for (tensor::DimOp dimOp : emitted) {
        std::optional<int64_t> position = dimOp.getConstantIndex();
        OpFoldResult source = getDim(dimOp.getSource(), *position);
        Value value = getValueOrCreateConstantIndexOp(builder, dimOp.getLoc(),
                                                      source);
        if (auto constant = value.getDefiningOp<arith::ConstantOp>())
          if (constant->getBlock() == dimOp->getBlock())
            constant->moveBefore(dimOp);
        traced[dimOp] = value;
        dimOp.getResult().replaceAllUsesWith(value);
      }
      for (auto [i, size] : results) {
        OpFoldResult result = size;
        if (auto value = dyn_cast<Value>(result))
          if (auto it = traced.find(value); it != traced.end())
            result = it->second;
        if (std::optional<int64_t> constant = getConstantIntValue(result))
          result = builder.getIndexAttr(*constant);
        sizes.push_back(result);
      }
      for (tensor::DimOp dimOp : emitted)
        dimOp.erase();
      for (auto [i, size] : llvm::enumerate(sizes))
        dims.try_emplace({tensor, static_cast<int64_t>(i)}, size);
      return sizes[dim];
    }
  }
  return tensor::DimOp::create(builder, tensor.getLoc(), tensor, dim)
      .getResult();
}

//===----------------------------------------------------------------------===//
// Elements
//===----------------------------------------------------------------------===//

OpFoldResult ShapeValues::getElement(Value tensor, int64_t position) {
  auto known = elements.find({tensor, position});
  if (known != elements.end())
    return known->second;
  OpFoldResult element;
  {
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPointAfterValue(tensor);
    element = computeElement(tensor, position);
  }
  elements[{tensor, position}] = element;
  return element;
}

SmallVector<OpFoldResult> ShapeValues::getElements(Value tensor) {
  SmallVector<OpFoldResult> values;
  int64_t count = cast<RankedTensorType>(tensor.getType()).getNumElements();
  for (int64_t position = 0; position < count; ++position)
    values.push_back(getElement(tensor, position));
  return values;
}

/// Folds or emits `kind` of two index values; null if it is not one that shape
/// arithmetic uses.
static OpFoldResult combine(OpBuilder &b, Location loc, BinaryKind kind,
                            OpFoldResult lhs, OpFoldResult rhs) {
  std::optional<int64_t> x = getConstantIntValue(lhs),
                         y = getConstantIntValue(rhs);
  auto affine = [&](AffineExpr expr) -> OpFoldResult {
    return applyAffine(b, loc, expr, {lhs, rhs});
  };
  auto value = [&](OpFoldResult v) {
    return getValueOrCreateConstantIndexOp(b, loc, v);
  };
  AffineExpr s0 = b.getAffineSymbolExpr(0), s1 = b.getAffineSymbolExpr(1);
  switch (kind) {
  case BinaryKind::add:
    return affine(s0 + s1);
  case BinaryKind::sub:
    return affine(s0 - s1);
  case BinaryKind::mul:
    if (x || y)
      return affine(s0 * s1);
    return arith::MulIOp::create(b, loc, value(lhs), value(rhs)).getResult();
  case BinaryKind::div:
    if (x && y)
      return b.getIndexAttr(*y == 0 ? 0 : *x / *y);
    if (y && *y > 0)
      return arith::DivSIOp::create(b, loc, value(lhs), value(rhs)).getResult();
    return {};
  case BinaryKind::mod:
    if (x && y)
      return b.getIndexAttr(*y == 0 ? 0 : ((*x % *y) + *y) % *y);
    return {};
  case BinaryKind::max:
    if (x && y)
      return b.getIndexAttr(std::max(*x, *y));
    return arith::MaxSIOp::create(b, loc, value(lhs), value(rhs)).getResult();
  case BinaryKind::min:
    if (x && y)
      return b.getIndexAttr(std::min(*x, *y));
    return arith::MinSIOp::create(b, loc, value(lhs), value(rhs)).getResult();
  case BinaryKind::and_:
    if (x && y)
      return b.getIndexAttr(*x & *y);
    return {};
  case BinaryKind::or_:
    if (x && y)
      return b.getIndexAttr(*x | *y);
    return {};
  default:
    return {};
  }
}

static std::optional<bool> decide(CompareKind kind, OpFoldResult lhs,
                                  OpFoldResult rhs) {
  std::optional<int64_t> x = getConstantIntValue(lhs),
                         y = getConstantIntValue(rhs);
  if (!x || !y)
    return std::nullopt;
  switch (kind) {
  case CompareKind::eq:
    return *x == *y;
  case CompareKind::ne:
    return *x != *y;
  case CompareKind::lt:
    return *x < *y;
  case CompareKind::le:
    return *x <= *y;
  case CompareKind::gt:
    return *x > *y;
  case CompareKind::ge:
    return *x >= *y;
  }
  return std::nullopt;
}

/// Position in `operand` of the element that an elementwise op combines into
/// element `position` of `result`.
static std::optional<int64_t> broadcastPosition(Value result, Value operand,
                                                int64_t position) {
  auto to = cast<RankedTensorType>(result.getType());
  auto from = cast<RankedTensorType>(operand.getType());
  if (!to.hasStaticShape() || !from.hasStaticShape())
    return std::nullopt;
  int64_t source = 0, stride = 1;
  for (int64_t dim = to.getRank() - 1; dim >= 0; --dim) {
    int64_t i = position % to.getDimSize(dim);
    position /= to.getDimSize(dim);
    if (from.getDimSize(dim) != 1)
      source += i * stride;
    stride *= from.getDimSize(dim);
  }
  return source;
}

/// Element of a constant of integers, booleans or floats that are whole.
static std::optional<int64_t> getConstantElement(Attribute attr,
                                                 int64_t position) {
  if (auto dense = dyn_cast<DenseElementsAttr>(attr)) {
    if (auto type = dyn_cast<IntegerType>(dense.getElementType())) {
      APInt value = dense.getValues<APInt>()[position];
      return type.isUnsigned() || type.getWidth() == 1 ? value.getZExtValue()
                                                       : value.getSExtValue();
    }
    return std::nullopt;
  }
  auto resource = dyn_cast<DenseResourceElementsAttr>(attr);
  if (!resource || !resource.getRawHandle().getBlob())
    return std::nullopt;
  ArrayRef<char> bytes = resource.getRawHandle().getBlob()->getData();
  Type element = resource.getShapedType().getElementType();
  int64_t width = element.getIntOrFloatBitWidth() / 8;
  if (!isa<IntegerType>(element) || (width != 4 && width != 8))
    return std::nullopt;
  if (static_cast<int64_t>(bytes.size()) < (position + 1) * width)
    return std::nullopt;
  int64_t wide = 0;
  int32_t narrow = 0;
  if (width == 8)
    memcpy(&wide, bytes.data() + position * 8, 8);
  else {
    memcpy(&narrow, bytes.data() + position * 4, 4);
    wide = narrow;
  }
  return wide;
}

OpFoldResult ShapeValues::computeElement(Value tensor, int64_t position) {
  Location loc = tensor.getLoc();
  OpBuilder &b = builder;
  Attribute constant;
  if (matchPattern(tensor, m_Constant(&constant)))
    if (std::optional<int64_t> value = getConstantElement(constant, position))
      return b.getIndexAttr(*value);

  Operation *def = tensor.getDefiningOp();
  auto at = [&](Value operand) -> OpFoldResult {
    std::optional<int64_t> source = broadcastPosition(tensor, operand, position);
    return source ? getElement(operand, *source) : OpFoldResult();
  };
  OpFoldResult found = !def ? OpFoldResult()
                            : llvm::TypeSwitch<Operation *, OpFoldResult>(def)
      .Case<tensor::FromElementsOp>([&](auto op) -> OpFoldResult {
        Value element = op.getElements()[position];
        if (auto cast = element.getDefiningOp<arith::IndexCastOp>())
          return getAsOpFoldResult(cast.getIn());
        if (element.getType().isInteger(1))
          return arith::IndexCastUIOp::create(b, loc, b.getIndexType(), element)
              .getResult();
        return arith::IndexCastOp::create(b, loc, b.getIndexType(), element)
            .getResult();
      })
      .Case<ReshapeOp>([&](auto op) -> OpFoldResult {
        return getElement(op.getInput(), position);
      })
      .Case<BroadcastOp>([&](auto op) { return at(op.getInput()); })
      .Case<CastOp>([&](auto op) -> OpFoldResult {
        auto from = dyn_cast<IntegerType>(
            cast<RankedTensorType>(op.getInput().getType()).getElementType());
        auto to = dyn_cast<IntegerType>(
            cast<RankedTensorType>(op.getType()).getElementType());
        if (!from || !to || (to.getWidth() < from.getWidth() && to.getWidth() < 32))
          return {};
        return getElement(op.getInput(), position);
      })
      .Case<IotaOp>([&](auto op) -> OpFoldResult {
        if (!isa<IntegerType>(op.getElementType()) ||
            cast<RankedTensorType>(op.getType()).getRank() != 1)
          return {};
        return b.getIndexAttr(position);
      })
      .Case<UnaryOp>([&](auto op) -> OpFoldResult {
        auto type = dyn_cast<IntegerType>(
            cast<RankedTensorType>(op.getType()).getElementType());
        // Minus x, and not x of a boolean.
        bool isNot = op.getKind() == UnaryKind::not_ && type && type.getWidth() == 1;
        if (!isNot &&
            (!type || type.isUnsigned() || op.getKind() != UnaryKind::neg))
          return {};
        return combine(b, loc, BinaryKind::sub, b.getIndexAttr(isNot ? 1 : 0),
                       getElement(op.getInput(), position));
      })
      .Case<BinaryOp>([&](auto op) -> OpFoldResult {
        if (!isa<IntegerType>(
                cast<RankedTensorType>(op.getType()).getElementType()))
          return {};
        OpFoldResult lhs = at(op.getLhs()), rhs = at(op.getRhs());
        return lhs && rhs ? combine(b, loc, op.getKind(), lhs, rhs)
                          : OpFoldResult();
      })
      .Case<CompareOp>([&](auto op) -> OpFoldResult {
        if (!isa<IntegerType>(
                cast<RankedTensorType>(op.getLhs().getType()).getElementType()))
          return {};
        OpFoldResult lhs = at(op.getLhs()), rhs = at(op.getRhs());
        std::optional<bool> answer =
            lhs && rhs ? decide(op.getKind(), lhs, rhs) : std::nullopt;
        return answer ? OpFoldResult(b.getIndexAttr(*answer)) : OpFoldResult();
      })
      .Case<SelectOp>([&](auto op) -> OpFoldResult {
        OpFoldResult condition = at(op.getCondition());
        std::optional<int64_t> known =
            condition ? getConstantIntValue(condition) : std::nullopt;
        if (!known)
          return {};
        return at(*known ? op.getOnTrue() : op.getOnFalse());
      })
      .Case<ConcatOp>([&](auto op) -> OpFoldResult {
        if (cast<RankedTensorType>(op.getType()).getRank() != 1)
          return {};
        int64_t rest = position;
        for (Value input : op.getInputs()) {
          int64_t size = cast<RankedTensorType>(input.getType()).getDimSize(0);
          if (ShapedType::isDynamic(size))
            return {};
          if (rest < size)
            return getElement(input, rest);
          rest -= size;
        }
        return {};
      })
      .Case<SliceOp>([&](auto op) -> OpFoldResult {
        if (cast<RankedTensorType>(op.getType()).getRank() != 1 ||
            ShapedType::isDynamic(op.getStaticOffsets()[0]) ||
            ShapedType::isDynamic(op.getStaticStrides()[0]))
          return {};
        return getElement(op.getInput(), op.getStaticOffsets()[0] +
                                             position * op.getStaticStrides()[0]);
      })
      .Case<GatherOp>([&](auto op) -> OpFoldResult {
        auto input = cast<RankedTensorType>(op.getInput().getType());
        if (input.getRank() != 1 || !input.hasStaticShape())
          return {};
        std::optional<int64_t> picked =
            getConstantIntValue(getElement(op.getIndices(), position));
        if (!picked || *picked < -input.getDimSize(0) ||
            *picked >= input.getDimSize(0))
          return {};
        return getElement(op.getInput(),
                          *picked < 0 ? *picked + input.getDimSize(0) : *picked);
      })
      .Case<ReduceOp>([&](auto op) -> OpFoldResult {
        auto input = cast<RankedTensorType>(op.getInput().getType());
        // More than a shape has is left to run time.
        if (!input.hasStaticShape() || input.getRank() != 1 ||
            input.getNumElements() > 16 ||
            !isa<IntegerType>(input.getElementType()))
          return {};
        BinaryKind kind;
        switch (op.getKind()) {
        case ReduceKind::sum:
          kind = BinaryKind::add;
          break;
        case ReduceKind::prod:
          kind = BinaryKind::mul;
          break;
        case ReduceKind::max:
          kind = BinaryKind::max;
          break;
        case ReduceKind::min:
          kind = BinaryKind::min;
          break;
        default:
          return {};
        }
        if (input.getNumElements() == 0)
          return {};
        OpFoldResult sum = getElement(op.getInput(), 0);
        for (int64_t i = 1; i < input.getNumElements(); ++i)
          sum = combine(b, loc, kind, sum, getElement(op.getInput(), i));
        return sum;
      })
      .Default([](Operation *) { return OpFoldResult(); });
  if (found)
    return found;

  // Read it at run time. Scalars are signless.
  auto type = cast<RankedTensorType>(tensor.getType());
  if (type.getElementType().isUnsignedInteger()) {
    type = cast<RankedTensorType>(type.clone(b.getI64Type()));
    tensor = CastOp::create(b, loc, type, tensor, /*saturate=*/true);
  }
  SmallVector<Value> indices(type.getRank());
  for (int64_t dim = type.getRank() - 1; dim >= 0; --dim) {
    indices[dim] = arith::ConstantIndexOp::create(
        b, loc, position % type.getDimSize(dim));
    position /= type.getDimSize(dim);
  }
  Value element = tensor::ExtractOp::create(b, loc, tensor, indices);
  if (element.getType().isSignlessInteger(1))
    return arith::IndexCastUIOp::create(b, loc, b.getIndexType(), element)
        .getResult();
  return arith::IndexCastOp::create(b, loc, b.getIndexType(), element)
      .getResult();
}

bool ShapeValues::areEqual(OpFoldResult a, OpFoldResult b) {
  std::optional<int64_t> x = getConstantIntValue(a), y = getConstantIntValue(b);
  if (x || y)
    return x == y;
  Value v = cast<Value>(a), w = cast<Value>(b);
  if (v == w)
    return true;
  Operation *p = v.getDefiningOp(), *q = w.getDefiningOp();
  if (!p || !q || p->getName() != q->getName() || !isPure(p) ||
      p->getNumRegions() != 0 || p->getAttrDictionary() != q->getAttrDictionary() ||
      p->getNumOperands() != q->getNumOperands() ||
      cast<OpResult>(v).getResultNumber() != cast<OpResult>(w).getResultNumber())
    return false;
  for (auto [i, j] : llvm::zip_equal(p->getOperands(), q->getOperands()))
    if (i != j && (!i.getType().isIndex() ||
                   !areEqual(getAsOpFoldResult(i), getAsOpFoldResult(j))))
      return false;
  return true;
}

std::optional<SmallVector<int64_t>> mopt::getDroppedDims(ReshapeOp op) {
  auto transpose = op.getInput().getDefiningOp<TransposeOp>();
  auto slice = (transpose ? transpose.getInput() : op.getInput())
                   .getDefiningOp<SliceOp>();
  if (!slice)
    return std::nullopt;
  SmallVector<OpFoldResult> from = slice.getMixedSizes(),
                            to = op.getMixedSizes();
  if (transpose)
    from = applyPermutation(from, transpose.getPermutation());
  SmallVector<int64_t> dropped;
  size_t kept = 0;
  for (auto [dim, size] : llvm::enumerate(from)) {
    if (kept < to.size() && ShapeValues::areEqual(size, to[kept]))
      ++kept;
    else if (getConstantIntValue(size) == 1)
      dropped.push_back(dim);
    else
      return std::nullopt;
  }
  if (kept != to.size())
    return std::nullopt;
  return dropped;
}

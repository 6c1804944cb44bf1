// The ops that handlers of ONNX nodes build most, with ONNX's broadcasting.
#include "mopt/Conversion/ONNXToMopt/OpBinder.h"
#include "mopt/Dialect/Mopt/IR/ShapeInference.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace mopt;

Value OpBinder::constant(ElementsAttr elements) {
  return arith::ConstantOp::create(b, loc, mlir::cast<TypedAttr>(elements));
}

Value OpBinder::constantInts(ArrayRef<int64_t> values) {
  auto type = RankedTensorType::get(values.size(), b.getI64Type());
  return constant(DenseElementsAttr::get(type, values));
}

Value OpBinder::scalar(Type element, double number, int64_t rank) {
  auto type = RankedTensorType::get(SmallVector<int64_t>(rank, 1), element);
  Attribute value;
  if (auto floatType = dyn_cast<FloatType>(element)) {
    APFloat exact(number);
    bool losesInfo;
    exact.convert(floatType.getFloatSemantics(), APFloat::rmNearestTiesToEven,
                  &losesInfo);
    value = FloatAttr::get(floatType, exact);
  } else {
    auto integer = mlir::cast<IntegerType>(element);
    // Booleans are signless, but true is 1.
    APSInt exact(integer.getWidth(),
                 integer.isUnsigned() || integer.getWidth() == 1);
    bool isExact;
    (void)APFloat(number).convertToInteger(exact, APFloat::rmTowardZero, &isExact);
    value = IntegerAttr::get(integer, exact);
  }
  return constant(DenseElementsAttr::get(type, value));
}

Value OpBinder::unary(UnaryKind kind, Value x) {
  return x ? UnaryOp::create(b, loc, kind, x).getResult() : Value();
}

Value OpBinder::binary(BinaryKind kind, Value x, Value y) {
  SmallVector<Value> operands{x, y};
  if (!x || !y || failed(broadcast(operands)))
    return {};
  return BinaryOp::create(b, loc, kind, operands[0], operands[1]);
}

Value OpBinder::binary(BinaryKind kind, Value x, double number) {
  if (!x)
    return {};
  return BinaryOp::create(b, loc, kind, x,
                          scalar(getElementType(x), number, getRank(x)));
}

Value OpBinder::compare(CompareKind kind, Value x, Value y) {
  SmallVector<Value> operands{x, y};
  if (!x || !y || failed(broadcast(operands)))
    return {};
  return CompareOp::create(b, loc, kind, operands[0], operands[1]);
}

Value OpBinder::select(Value condition, Value x, Value y) {
  SmallVector<Value> operands{condition, x, y};
  if (!condition || !x || !y || failed(broadcast(operands)))
    return {};
  return SelectOp::create(b, loc, operands[0], operands[1], operands[2]);
}

Value OpBinder::cast(Value x, Type element, bool saturate) {
  if (!x || getElementType(x) == element)
    return x;
  return CastOp::create(b, loc, getType(x).clone(element), x, saturate);
}

Value OpBinder::reduce(ReduceKind kind, Value x, ArrayRef<int64_t> axes,
                       bool keepDims) {
  if (!x)
    return {};
  Value y = axes.empty() ? x : ReduceOp::create(b, loc, kind, x, axes).getResult();
  return keepDims ? y : squeeze(y, axes);
}

Value OpBinder::mean(Value x, ArrayRef<int64_t> axes) {
  Value sum = reduce(ReduceKind::sum, x, axes);
  if (!sum)
    return {};
  SmallVector<OpFoldResult> sizes;
  for (int64_t axis : axes)
    sizes.push_back(state.shapes.getDim(x, axis));
  OpFoldResult count = product(sizes);
  if (std::optional<int64_t> known = getConstantIntValue(count))
    return binary(BinaryKind::div, sum, static_cast<double>(*known));
  Value divisor = cast(fromIndices(count), getElementType(x));
  return binary(BinaryKind::div, sum, divisor);
}

Value OpBinder::reshape(Value x, ArrayRef<OpFoldResult> sizes) {
  return x ? ReshapeOp::create(b, loc, x, sizes).getResult() : Value();
}

Value OpBinder::squeeze(Value x, ArrayRef<int64_t> axes) {
  if (!x || axes.empty())
    return x;
  SmallVector<OpFoldResult> sizes;
  for (int64_t dim = 0; dim < getRank(x); ++dim)
    if (!llvm::is_contained(axes, dim))
      sizes.push_back(state.shapes.getDim(x, dim));
  return reshape(x, sizes);
}

Value OpBinder::unsqueeze(Value x, ArrayRef<int64_t> axes) {
  if (!x || axes.empty())
    return x;
  SmallVector<OpFoldResult> sizes;
  int64_t source = 0, rank = getRank(x) + axes.size();
  for (int64_t dim = 0; dim < rank; ++dim)
    sizes.push_back(llvm::is_contained(axes, dim)
                        ? OpFoldResult(b.getIndexAttr(1))
                        : state.shapes.getDim(x, source++));
  return reshape(x, sizes);
}

Value OpBinder::alongAxis(Value x, int64_t axis, int64_t rank) {
  SmallVector<OpFoldResult> sizes(rank, b.getIndexAttr(1));
  sizes[axis] = state.shapes.getDim(x, 0);
  return reshape(x, sizes);
}

Value OpBinder::concat(ValueRange parts, int64_t axis) {
  // The inferring builder aborts on misfits; ask first.
  SmallVector<Type> types;
  ConcatOp::Properties properties;
  properties.axis = b.getI64IntegerAttr(axis);
  if (llvm::is_contained(parts, Value()) ||
      failed(ConcatOp::inferReturnTypes(b.getContext(), loc, parts, {},
                                        &properties, {}, types)))
    return {};
  return ConcatOp::create(b, loc, types.front(), parts, axis);
}

Value OpBinder::transpose(Value x, ArrayRef<int64_t> permutation) {
  if (!x || llvm::equal(permutation, llvm::seq<int64_t>(0, permutation.size())))
    return x;
  return TransposeOp::create(b, loc, x, permutation);
}

Value OpBinder::matmul(Value lhs, Value rhs, bool transposeLhs,
                       bool transposeRhs) {
  SmallVector<Value> operands{lhs, rhs};
  if (!lhs || !rhs || failed(broadcast(operands, /*inner=*/2)))
    return {};
  // The inferring builder aborts on misfits; ask first.
  MatmulOp::Properties properties;
  properties.transpose_lhs = transposeLhs ? b.getUnitAttr() : UnitAttr();
  properties.transpose_rhs = transposeRhs ? b.getUnitAttr() : UnitAttr();
  SmallVector<Type> types;
  if (failed(MatmulOp::inferReturnTypes(b.getContext(), loc, operands, {},
                                        &properties, {}, types)))
    return {};
  int64_t rank = getRank(operands[0]);
  requireSize(state.shapes.getDim(operands[0], rank - (transposeLhs ? 2 : 1)),
              state.shapes.getDim(operands[1], rank - (transposeRhs ? 1 : 2)));
  return MatmulOp::create(b, loc, types.front(), operands[0], operands[1],
                          transposeLhs, transposeRhs);
}

Value OpBinder::expand(Value x, ArrayRef<OpFoldResult> sizes) {
  if (!x)
    return {};
  int64_t rank = std::max<int64_t>(getRank(x), sizes.size());
  x = unsqueeze(x, llvm::to_vector(llvm::seq<int64_t>(0, rank - getRank(x))));
  SmallVector<OpFoldResult> own = state.shapes.getDims(x), target = own;
  int64_t missing = rank - sizes.size();
  for (auto [i, size] : llvm::enumerate(sizes)) {
    OpFoldResult &result = target[missing + i];
    std::optional<int64_t> have = getConstantIntValue(result),
                           want = getConstantIntValue(size);
    if ((want && *want == 1) || ShapeValues::areEqual(result, size))
      continue;
    if (have && *have == 1) {
      result = size;
    } else if (have && want) {
      emitError() << "cannot broadcast sizes " << *have << " and " << *want;
      return {};
    } else if (want) {
      result = size;
    } else if (!have) {
      // Either may be 1.
      Value isOne = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq,
                                          index(result),
                                          index(b.getIndexAttr(1)));
      result = arith::SelectOp::create(b, loc, isOne, index(size), index(result))
                   .getResult();
    }
  }
  return BroadcastOp::create(b, loc, x, target);
}

Value OpBinder::index(OpFoldResult value) {
  return getValueOrCreateConstantIndexOp(b, loc, value);
}

Value OpBinder::fromIndices(ArrayRef<OpFoldResult> values) {
  if (std::optional<SmallVector<int64_t>> known = getConstantIntValues(values))
    return constantInts(*known);
  SmallVector<Value> elements;
  for (OpFoldResult value : values)
    elements.push_back(
        arith::IndexCastOp::create(b, loc, b.getI64Type(), index(value)));
  return tensor::FromElementsOp::create(
      b, loc, RankedTensorType::get(values.size(), b.getI64Type()), elements);
}

OpFoldResult OpBinder::product(ArrayRef<OpFoldResult> sizes) {
  int64_t fixed = 1;
  Value dynamic;
  for (OpFoldResult size : sizes) {
    if (std::optional<int64_t> known = getConstantIntValue(size))
      fixed *= *known;
    else if (!dynamic)
      dynamic = mlir::cast<Value>(size);
    else
      dynamic = arith::MulIOp::create(b, loc, dynamic, mlir::cast<Value>(size));
  }
  if (!dynamic || fixed == 0)
    return b.getIndexAttr(fixed);
  if (fixed == 1)
    return dynamic;
  return arith::MulIOp::create(b, loc, dynamic, index(b.getIndexAttr(fixed)))
      .getResult();
}

Value OpBinder::withSize(Value x, int64_t dim, int64_t size) {
  if (!x || dim >= getRank(x) || !getType(x).isDynamicDim(dim))
    return x;
  Value isEqual = arith::CmpIOp::create(
      b, loc, arith::CmpIPredicate::eq, index(state.shapes.getDim(x, dim)),
      index(b.getIndexAttr(size)));
  cf::AssertOp::create(b, loc, isEqual,
                       "a dimension has not the only size that the operator "
                       "allows");
  SmallVector<int64_t> shape(getType(x).getShape());
  shape[dim] = size;
  return tensor::CastOp::create(b, loc, getType(x).clone(shape), x);
}

void OpBinder::requireSize(OpFoldResult size, OpFoldResult wanted, bool orOne) {
  if (ShapeValues::areEqual(size, wanted) ||
      (orOne && getConstantIntValue(size) == 1))
    return;
  auto isEqualTo = [&](OpFoldResult other) -> Value {
    return arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq, index(size),
                                 index(other));
  };
  Value fits = isEqualTo(wanted);
  if (orOne)
    fits = arith::OrIOp::create(b, loc, fits, isEqualTo(b.getIndexAttr(1)));
  cf::AssertOp::create(
      b, loc, fits, "a dimension has not the size that another one asks for");
}

LogicalResult OpBinder::broadcast(MutableArrayRef<Value> tensors,
                                  int64_t inner) {
  int64_t rank = 0;
  for (Value tensor : tensors)
    rank = std::max(rank, getRank(tensor));
  for (Value &tensor : tensors)
    tensor = unsqueeze(tensor,
                       llvm::to_vector(llvm::seq<int64_t>(0, rank - getRank(tensor))));

  SmallVector<SmallVector<OpFoldResult>> sizes;
  for (Value tensor : tensors)
    sizes.push_back(state.shapes.getDims(tensor));
  SmallVector<bool> needsBroadcast(tensors.size(), false);
  SmallVector<OpFoldResult> result;
  for (int64_t dim = 0; dim < rank - inner; ++dim) {
    // A static size other than 1 decides; else the dynamic ones together.
    OpFoldResult size = b.getIndexAttr(1);
    bool isStatic = false, isMixed = false;
    for (auto &shape : sizes) {
      std::optional<int64_t> known = getConstantIntValue(shape[dim]);
      if (known && *known == 1)
        continue;
      std::optional<int64_t> other = getConstantIntValue(size);
      if (other && *other == 1 && !isStatic) {
        size = shape[dim];
        isStatic = known.has_value();
        continue;
      }
      if (ShapeValues::areEqual(size, shape[dim]))
        continue;
      if (known && isStatic)
        return emitError() << "cannot broadcast sizes " << *other << " and "
                           << *known << " in dimension " << dim - rank;
      isMixed = true;
      if (isStatic)
        continue;
      if (known) {
        size = shape[dim];
        isStatic = true;
        continue;
      }
      Value one = index(b.getIndexAttr(1)), current = mlir::cast<Value>(size);
      Value isOne = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq,
                                          current, one);
      size = arith::SelectOp::create(b, loc, isOne,
                                     mlir::cast<Value>(shape[dim]), current)
                 .getResult();
    }
    result.push_back(size);
    if (!isMixed)
      continue;
    for (auto [i, shape] : llvm::enumerate(sizes)) {
      requireSize(shape[dim], size, /*orOne=*/true);
      std::optional<int64_t> known = getConstantIntValue(shape[dim]);
      if (!(known && *known == 1) && !ShapeValues::areEqual(shape[dim], size))
        needsBroadcast[i] = true;
    }
  }
  for (auto [tensor, needs, shape] :
       llvm::zip_equal(tensors, needsBroadcast, sizes)) {
    if (!needs)
      continue;
    SmallVector<OpFoldResult> target;
    for (auto [own, to] :
         llvm::zip_equal(ArrayRef(shape).drop_back(inner), result)) {
      std::optional<int64_t> known = getConstantIntValue(own);
      target.push_back(known && *known == 1 ? own : to);
    }
    llvm::append_range(target, ArrayRef(shape).take_back(inner));
    tensor = BroadcastOp::create(b, loc, tensor, target);
  }
  return success();
}

// Handlers of operators that make or change shapes, and of constants.
#include "mopt/Conversion/ONNXToMopt/HandlerRegistry.h"
#include "mopt/Conversion/ONNXToMopt/OpBinder.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace mopt;

static LogicalResult convertConstant(OpBinder &op) {
  if (ElementsAttr value = op.getElements("value"))
    return op.replace(op.constant(value));
  Type f32 = op.b.getF32Type();
  if (op.hasAttr("value_float"))
    return op.replace(op.scalar(f32, op.getFloat("value_float", 0)));
  if (op.hasAttr("value_int")) {
    auto type = RankedTensorType::get({}, op.b.getI64Type());
    return op.replace(op.constant(
        DenseElementsAttr::get(type, op.getInt("value_int", 0))));
  }
  if (auto values = op.getInts("value_ints"))
    return op.replace(op.constantInts(*values));
  if (auto values = op.getFloats("value_floats"))
    return op.replace(op.constant(DenseElementsAttr::get(
        RankedTensorType::get(values->size(), f32), ArrayRef<float>(*values))));
  return op.emitError() << "constants of this kind are not supported";
}

static LogicalResult convertIdentity(OpBinder &op) {
  return op.forward(0);
}

static LogicalResult convertShape(OpBinder &op) {
  Value x = op.getTensor(0);
  if (!x)
    return failure();
  int64_t rank = OpBinder::getRank(x);
  auto clamp = [&](int64_t axis) {
    return std::clamp<int64_t>(axis < 0 ? axis + rank : axis, 0, rank);
  };
  int64_t start = clamp(op.getInt("start", 0));
  int64_t end = std::max(start, clamp(op.getInt("end", rank)));
  SmallVector<OpFoldResult> sizes = op.state.shapes.getDims(x);
  return op.replace(
      op.fromIndices(ArrayRef(sizes).slice(start, end - start)));
}

static LogicalResult convertSize(OpBinder &op) {
  Value x = op.getTensor(0);
  if (!x)
    return failure();
  OpFoldResult count = op.product(op.state.shapes.getDims(x));
  return op.replace(op.squeeze(op.fromIndices(count), {0}));
}

/// 0 keeps the input's size (unless `allowzero`), -1 takes what is left.
/// The product of `sizes` by `divisor`, which is not 0, if the sizes that are
/// known are a multiple of it.
static std::optional<OpFoldResult>
divide(OpBinder &op, ArrayRef<OpFoldResult> sizes, int64_t divisor) {
  int64_t known = 1;
  SmallVector<OpFoldResult> factors;
  for (OpFoldResult size : sizes)
    if (std::optional<int64_t> fixed = getConstantIntValue(size))
      known *= *fixed;
    else
      factors.push_back(size);
  if (known % divisor != 0)
    return std::nullopt;
  factors.push_back(op.b.getIndexAttr(known / divisor));
  return op.product(factors);
}

static LogicalResult convertReshape(OpBinder &op) {
  Value x = op.getTensor(0);
  if (!x)
    return failure();
  SmallVector<OpFoldResult> sizes;
  if (std::optional<SmallVector<int64_t>> fixed = op.getInts("shape")) {
    sizes = getAsIndexOpFoldResult(op.b.getContext(), *fixed);
  } else {
    FailureOr<SmallVector<OpFoldResult>> elements = op.getIndexOperand(1);
    if (failed(elements))
      return failure();
    sizes = *elements;
  }
  bool allowsZero = op.getInt("allowzero", 0) != 0;
  SmallVector<OpFoldResult> input = op.state.shapes.getDims(x);
  int64_t open = -1, unknown = 0;
  for (auto [i, size] : llvm::enumerate(sizes)) {
    std::optional<int64_t> known = getConstantIntValue(size);
    if (known && *known == 0 && !allowsZero) {
      if (i >= input.size())
        return op.emitError() << "size 0 at position " << i
                              << " stands for no dimension of " << x.getType();
      size = input[i];
    } else if (known && *known == -1) {
      if (open >= 0)
        return op.emitError() << "expected at most one size of -1";
      open = i;
    } else if (known && *known < -1) {
      return op.emitError() << "expected sizes of at least -1, found " << *known;
    } else if (!known) {
      ++unknown;
    }
  }
  auto countWithout = [&](int64_t skipped) {
    SmallVector<OpFoldResult> rest;
    for (auto [i, size] : llvm::enumerate(sizes))
      if (static_cast<int64_t>(i) != skipped)
        rest.push_back(size);
    return rest;
  };
  if (open >= 0) {
    // Sizes that stand on both sides cancel.
    SmallVector<OpFoldResult> divisors = countWithout(open), dividends = input;
    for (OpFoldResult &divisor : divisors) {
      std::optional<int64_t> known = getConstantIntValue(divisor);
      if (known && *known == 0)
        continue;
      auto same = llvm::find_if(dividends, [&](OpFoldResult size) {
        return ShapeValues::areEqual(size, divisor);
      });
      if (same == dividends.end() || known == 0)
        continue;
      *same = op.b.getIndexAttr(1);
      divisor = op.b.getIndexAttr(1);
    }
    OpFoldResult count = op.product(dividends), rest = op.product(divisors);
    std::optional<int64_t> total = getConstantIntValue(count),
                           part = getConstantIntValue(rest);
    if (part && *part == 0)
      sizes[open] = op.b.getIndexAttr(0);
    else if (total && part) {
      if (*total % *part != 0)
        return op.emitError() << "cannot divide " << *total
                              << " elements into rows of " << *part;
      sizes[open] = op.b.getIndexAttr(*total / *part);
    } else if (std::optional<OpFoldResult> quotient =
                   part ? divide(op, dividends, *part) : std::nullopt) {
      sizes[open] = *quotient;
    } else {
      // A product of 0 leaves nothing to divide by.
      Value divisor = op.index(rest);
      if (!part)
        divisor = arith::MaxSIOp::create(op.b, op.loc, divisor,
                                         op.index(op.b.getIndexAttr(1)));
      sizes[open] =
          arith::DivSIOp::create(op.b, op.loc, op.index(count), divisor)
              .getResult();
    }
  } else if (unknown > 0 && !allowsZero) {
    // A size that is only known at run time may be 0 or -1, too.
    for (auto [i, size] : llvm::enumerate(sizes)) {
      auto value = dyn_cast<Value>(size);
      if (!value || llvm::any_of(input, [value = value](OpFoldResult own) {
            return ShapeValues::areEqual(own, value);
          }))
        continue;
      SmallVector<OpFoldResult> rest = countWithout(i);
      Value divisor = arith::MaxSIOp::create(
          op.b, op.loc, op.index(op.product(rest)), op.index(op.b.getIndexAttr(1)));
      Value left = arith::DivSIOp::create(op.b, op.loc,
                                          op.index(op.product(input)), divisor);
      Value isOpen = arith::CmpIOp::create(
          op.b, op.loc, arith::CmpIPredicate::slt, value,
          op.index(op.b.getIndexAttr(0)));
      Value own = value;
      if (i < input.size()) {
        Value isZero = arith::CmpIOp::create(
            op.b, op.loc, arith::CmpIPredicate::eq, value,
            op.index(op.b.getIndexAttr(0)));
        own = arith::SelectOp::create(op.b, op.loc, isZero, op.index(input[i]),
                                      value);
      }
      size = arith::SelectOp::create(op.b, op.loc, isOpen, left, own).getResult();
    }
  }
  std::optional<int64_t> before = getConstantIntValue(op.product(input)),
                         after = getConstantIntValue(op.product(sizes));
  if (before && after && *before != *after)
    return op.emitError() << "cannot reshape " << *before << " elements to "
                          << *after;
  return op.replace(op.reshape(x, sizes));
}

static LogicalResult convertFlatten(OpBinder &op) {
  Value x = op.getTensor(0);
  if (!x)
    return failure();
  FailureOr<int64_t> axis =
      op.normalizeAxis(op.getInt("axis", 1), OpBinder::getRank(x) + 1);
  if (failed(axis))
    return failure();
  if (op.getInt("axis", 1) < 0)
    --*axis;
  SmallVector<OpFoldResult> sizes = op.state.shapes.getDims(x);
  return op.replace(
      op.reshape(x, {op.product(ArrayRef(sizes).take_front(*axis)),
                     op.product(ArrayRef(sizes).drop_front(*axis))}));
}

static LogicalResult convertSqueeze(OpBinder &op) {
  Value x = op.getTensor(0);
  if (!x)
    return failure();
  FailureOr<std::optional<SmallVector<int64_t>>> stated =
      op.getIntsAttrOrOperand("axes", 1);
  if (failed(stated))
    return failure();
  RankedTensorType type = OpBinder::getType(x);
  SmallVector<int64_t> axes;
  if (*stated) {
    FailureOr<SmallVector<int64_t>> normal =
        op.normalizeAxes(**stated, type.getRank());
    if (failed(normal))
      return failure();
    axes = *normal;
    for (int64_t axis : axes)
      if (!type.isDynamicDim(axis) && type.getDimSize(axis) != 1)
        return op.emitError() << "expected size 1 in dimension " << axis
                              << ", found " << type.getDimSize(axis);
  } else {
    for (auto [dim, size] : llvm::enumerate(type.getShape())) {
      if (ShapedType::isDynamic(size))
        return op.emitError() << "dynamic sizes are not supported without axes: "
                                 "the rank of the result depends on them";
      if (size == 1)
        axes.push_back(dim);
    }
  }
  return op.replace(op.squeeze(x, axes));
}

static LogicalResult convertUnsqueeze(OpBinder &op) {
  Value x = op.getTensor(0);
  if (!x)
    return failure();
  FailureOr<std::optional<SmallVector<int64_t>>> stated =
      op.getIntsAttrOrOperand("axes", 1);
  if (failed(stated))
    return failure();
  if (!*stated)
    return op.emitError() << "expected axes";
  FailureOr<SmallVector<int64_t>> axes =
      op.normalizeAxes(**stated, OpBinder::getRank(x) + (*stated)->size());
  if (failed(axes))
    return failure();
  return op.replace(op.unsqueeze(x, *axes));
}

static LogicalResult convertExpand(OpBinder &op) {
  Value x = op.getTensor(0);
  FailureOr<SmallVector<OpFoldResult>> sizes = op.getIndexOperand(1);
  if (!x || failed(sizes))
    return failure();
  return op.replace(op.expand(x, *sizes));
}

static LogicalResult convertConstantOfShape(OpBinder &op) {
  FailureOr<SmallVector<OpFoldResult>> sizes = op.getIndexOperand(0);
  if (failed(sizes))
    return failure();
  Value value = op.scalar(op.b.getF32Type(), 0, 1);
  if (ElementsAttr elements = op.getElements("value"))
    value = op.constant(elements);
  SmallVector<OpFoldResult> ones(sizes->size(), op.b.getIndexAttr(1));
  value = op.reshape(value, ones);
  return op.replace(
      BroadcastOp::create(op.b, op.loc, value, *sizes).getResult());
}

void mopt::populateShapeHandlers(HandlerRegistry &registry) {
  registry.add("Constant", 1, convertConstant);
  registry.add("ConstantOfShape", 9, convertConstantOfShape);
  registry.add("Expand", 8, convertExpand);
  registry.add("Flatten", 1, convertFlatten);
  registry.add("Identity", 1, convertIdentity);
  registry.add("Reshape", 1, convertReshape);
  registry.add("Shape", 1, convertShape);
  registry.add("Size", 1, convertSize);
  registry.add("Squeeze", 1, convertSqueeze);
  registry.add("Unsqueeze", 1, convertUnsqueeze);
}

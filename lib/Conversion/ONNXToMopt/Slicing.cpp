// Handlers of operators that cut boxes out of tensors or put them into larger
// ones: Slice, Split, Pad, CenterCropPad.
#include "mopt/Conversion/ONNXToMopt/HandlerRegistry.h"
#include "mopt/Conversion/ONNXToMopt/IndexMath.h"
#include "mopt/Conversion/ONNXToMopt/OpBinder.h"

using namespace mlir;
using namespace mopt;
using Index = OpFoldResult;

namespace {
/// A list with one entry for each of some axes, spread over all dimensions.
class PerDimension {
public:
  /// The axes are attribute `axes` or operand `operand`; the first `count`
  /// dimensions if both are left out.
  static FailureOr<PerDimension> bind(OpBinder &op, int64_t rank, int64_t count,
                                      int operand) {
    PerDimension result{op, rank, {}};
    if (std::optional<SmallVector<int64_t>> stated = op.getInts("axes")) {
      result.axes = getAsIndexOpFoldResult(op.b.getContext(), *stated);
    } else if (operand >= 0 && op.getOperand(operand)) {
      FailureOr<SmallVector<Index>> axes = op.getIndexOperand(operand);
      if (failed(axes))
        return failure();
      result.axes = *axes;
    } else {
      for (int64_t dim = 0; dim < count; ++dim)
        result.axes.push_back(op.b.getIndexAttr(dim));
    }
    if (static_cast<int64_t>(result.axes.size()) != count)
      return op.emitError() << "expected " << count << " axes, found "
                            << result.axes.size();
    for (Index axis : result.axes)
      if (std::optional<int64_t> known = getConstantIntValue(axis))
        if (failed(op.normalizeAxis(*known, rank)))
          return failure();
    return result;
  }

  /// `values`, one per axis, as one per dimension; `otherwise` elsewhere. Run
  /// time may decide which axis is meant.
  SmallVector<Index> spread(ArrayRef<Index> values,
                            ArrayRef<Index> otherwise) const {
    IndexMath math(op.b, op.loc);
    SmallVector<Index> result(otherwise);
    for (auto [axis, value] : llvm::zip_equal(axes, values)) {
      Index normal = math.wrap(axis, math.constant(rank));
      for (auto [dim, entry] : llvm::enumerate(result))
        entry = math.select(arith::CmpIPredicate::eq, normal, math.constant(dim),
                            value, entry);
    }
    return result;
  }

  OpBinder &op;
  int64_t rank;
  SmallVector<Index> axes;
};
} // namespace

/// A list that is an attribute in older and an operand in newer versions.
static FailureOr<SmallVector<Index>> getIndices(OpBinder &op, StringRef name,
                                                unsigned operand) {
  if (std::optional<SmallVector<int64_t>> stated = op.getInts(name))
    return getAsIndexOpFoldResult(op.b.getContext(), *stated);
  return op.getIndexOperand(operand);
}

//===----------------------------------------------------------------------===//
// Slice
//===----------------------------------------------------------------------===//

/// Where a slice of one dimension begins and how many elements it has. Both
/// ends are brought into the dimension.
static std::pair<Index, Index> getRange(const IndexMath &math, Index start,
                                        Index end, Index step, Index size) {
  Index zero = math.constant(0), one = math.constant(1);
  Index last = math.sub(size, one), none = math.constant(-1);
  std::optional<int64_t> knownStep = getConstantIntValue(step);
  start = math.wrap(start, size);
  // "To the end" is written as a huge number.
  std::optional<int64_t> knownEnd = getConstantIntValue(end);
  bool isOpen = knownEnd && *knownEnd > std::numeric_limits<int64_t>::max() / 2;
  end = isOpen ? size : math.wrap(end, size);
  auto forward = [&] {
    bool isFirst = getConstantIntValue(start) == int64_t(0);
    Index first = isFirst ? zero : math.clamp(start, zero, size);
    Index behind = isOpen ? size : math.clamp(end, zero, size);
    Index count = math.ceilDiv(math.sub(behind, first), step);
    return std::pair(first, math.max(count, zero));
  };
  auto backward = [&] {
    Index first = math.clamp(start, zero, last);
    Index behind = math.clamp(end, none, last);
    Index count = math.ceilDiv(math.sub(first, behind), math.sub(zero, step));
    return std::pair(first, math.max(count, zero));
  };
  if (knownStep)
    return *knownStep > 0 ? forward() : backward();
  auto up = forward(), down = backward();
  auto choose = [&](Index x, Index y) {
    return math.select(arith::CmpIPredicate::sgt, step, zero, x, y);
  };
  return {choose(up.first, down.first), choose(up.second, down.second)};
}

/// The whole of a dimension has a size that is known to be the input's.
static Index simplifyCount(const IndexMath &math, Index first, Index count,
                           Index step, Index size) {
  bool isWhole = getConstantIntValue(first) == int64_t(0) &&
                 getConstantIntValue(step) == int64_t(1) &&
                 ShapeValues::areEqual(count, size);
  return isWhole ? size : count;
}

static LogicalResult convertSlice(OpBinder &op) {
  Value x = op.getTensor(0);
  if (!x)
    return failure();
  FailureOr<SmallVector<Index>> starts = getIndices(op, "starts", 1);
  FailureOr<SmallVector<Index>> ends = getIndices(op, "ends", 2);
  if (failed(starts) || failed(ends))
    return failure();
  int64_t rank = OpBinder::getRank(x), count = starts->size();
  if (ends->size() != starts->size())
    return op.emitError() << "expected as many ends as starts, found "
                          << ends->size() << " and " << starts->size();
  FailureOr<PerDimension> dims = PerDimension::bind(op, rank, count, 3);
  if (failed(dims))
    return failure();
  SmallVector<Index> steps(count, op.b.getIndexAttr(1));
  if (op.getOperand(4)) {
    FailureOr<SmallVector<Index>> stated = op.getIndexOperand(4);
    if (failed(stated))
      return failure();
    if (stated->size() != steps.size())
      return op.emitError() << "expected " << count << " steps, found "
                            << stated->size();
    steps = *stated;
  }
  for (Index step : steps)
    if (getConstantIntValue(step) == int64_t(0))
      return op.emitError() << "expected steps other than 0";

  IndexMath math(op.b, op.loc);
  SmallVector<Index> sizes = op.state.shapes.getDims(x), offsets, counts;
  SmallVector<Index> zeros(rank, math.constant(0)), ones(rank, math.constant(1));
  SmallVector<Index> from = dims->spread(*starts, zeros);
  SmallVector<Index> to = dims->spread(*ends, sizes);
  SmallVector<Index> by = dims->spread(steps, ones);
  for (int64_t dim = 0; dim < rank; ++dim) {
    if (to[dim] == sizes[dim] && getConstantIntValue(from[dim]) == int64_t(0) &&
        getConstantIntValue(by[dim]) == int64_t(1)) {
      offsets.push_back(zeros[dim]);
      counts.push_back(sizes[dim]);
      continue;
    }
    auto [first, number] =
        getRange(math, from[dim], to[dim], by[dim], sizes[dim]);
    offsets.push_back(first);
    counts.push_back(simplifyCount(math, first, number, by[dim], sizes[dim]));
  }
  return op.replace(
      SliceOp::create(op.b, op.loc, x, offsets, counts, by).getResult());
}

//===----------------------------------------------------------------------===//
// Split
//===----------------------------------------------------------------------===//

/// Sizes of the parts, as stated or equal; where the size does not divide
/// evenly the last one is smaller.
static FailureOr<SmallVector<Index>> getParts(OpBinder &op, Index size) {
  IndexMath math(op.b, op.loc);
  int64_t count = op.getNumResults();
  if (op.hasAttr("split") || op.getOperand(1)) {
    FailureOr<SmallVector<Index>> stated = getIndices(op, "split", 1);
    if (failed(stated))
      return failure();
    if (static_cast<int64_t>(stated->size()) != count)
      return op.emitError() << "expected " << count << " sizes, found "
                            << stated->size();
    Index sum = math.constant(0);
    for (Index part : *stated) {
      if (getConstantIntValue(part).value_or(0) < 0)
        return op.emitError() << "expected sizes of at least 0";
      sum = math.add(sum, part);
    }
    std::optional<int64_t> have = getConstantIntValue(size),
                           want = getConstantIntValue(sum);
    if (have && want && *have != *want)
      return op.emitError() << "cannot split " << *have << " elements into "
                            << *want;
    return *stated;
  }
  int64_t stated = op.getInt("num_outputs", count);
  if (stated != count)
    return op.emitError() << "expected " << stated << " outputs, found "
                          << count;
  Index part = math.ceilDiv(size, math.constant(count)), offset = math.constant(0);
  SmallVector<Index> parts;
  for (int64_t i = 0; i < count; ++i) {
    parts.push_back(math.max(math.min(part, math.sub(size, offset)),
                             math.constant(0)));
    offset = math.add(offset, part);
  }
  return parts;
}

static LogicalResult convertSplit(OpBinder &op) {
  Value x = op.getTensor(0);
  if (!x)
    return failure();
  int64_t rank = OpBinder::getRank(x);
  FailureOr<int64_t> axis = op.normalizeAxis(op.getInt("axis", 0), rank);
  if (failed(axis))
    return failure();
  SmallVector<Index> sizes = op.state.shapes.getDims(x);
  FailureOr<SmallVector<Index>> parts = getParts(op, sizes[*axis]);
  if (failed(parts))
    return failure();
  IndexMath math(op.b, op.loc);
  SmallVector<Index> offsets(rank, math.constant(0)),
      strides(rank, math.constant(1));
  Index size = sizes[*axis], zero = math.constant(0);
  SmallVector<Value> results;
  for (Index part : *parts) {
    sizes[*axis] = part;
    // Sizes that run time states are trusted no further than the input goes.
    if (!getConstantIntValue(part) || !getConstantIntValue(size))
      sizes[*axis] =
          math.clamp(part, zero, math.max(math.sub(size, offsets[*axis]), zero));
    results.push_back(
        SliceOp::create(op.b, op.loc, x, offsets, sizes, strides));
    offsets[*axis] = math.add(offsets[*axis], sizes[*axis]);
  }
  return op.replace(results);
}

//===----------------------------------------------------------------------===//
// Pad, CenterCropPad
//===----------------------------------------------------------------------===//

static FailureOr<PadMode> getPadMode(OpBinder &op) {
  StringRef name = op.getString("mode", "constant");
  std::optional<PadMode> mode = symbolizePadMode(name);
  if (!mode)
    return op.emitError() << "expected mode 'constant', 'reflect', 'edge' or "
                             "'wrap', found '" << name << "'";
  return *mode;
}

static LogicalResult convertPad(OpBinder &op) {
  Value x = op.getTensor(0);
  FailureOr<PadMode> mode = getPadMode(op);
  if (!x || failed(mode))
    return failure();
  int64_t rank = OpBinder::getRank(x);
  FailureOr<SmallVector<Index>> pads =
      getIndices(op, op.getVersion() < 2 ? "paddings" : "pads", 1);
  if (failed(pads))
    return failure();
  int64_t count = pads->size() / 2;
  if (pads->size() % 2 != 0)
    return op.emitError() << "expected an even number of paddings, found "
                          << pads->size();
  FailureOr<PerDimension> dims = PerDimension::bind(op, rank, count, 3);
  if (failed(dims))
    return failure();
  if (dims->axes.size() != static_cast<size_t>(rank) && !op.getOperand(3))
    return op.emitError() << "expected " << 2 * rank << " paddings, found "
                          << pads->size();
  IndexMath math(op.b, op.loc);
  SmallVector<Index> zeros(rank, math.constant(0));
  SmallVector<Index> low = dims->spread(ArrayRef(*pads).take_front(count), zeros);
  SmallVector<Index> high = dims->spread(ArrayRef(*pads).drop_front(count), zeros);
  Value value = op.scalar(OpBinder::getElementType(x), op.getFloat("value", 0));
  if (op.getOperand(2)) {
    value = op.getTensor(2);
    if (!value)
      return failure();
    if (!OpBinder::getType(value).hasStaticShape() ||
        OpBinder::getType(value).getNumElements() != 1 ||
        OpBinder::getElementType(value) != OpBinder::getElementType(x))
      return op.emitError() << "expected a value of one element of type "
                            << OpBinder::getElementType(x) << ", found "
                            << value.getType();
  }
  for (auto [dim, size] : llvm::enumerate(OpBinder::getType(x).getShape())) {
    std::optional<int64_t> first = getConstantIntValue(low[dim]),
                           last = getConstantIntValue(high[dim]);
    if (ShapedType::isDynamic(size) || !first || !last)
      continue;
    if (size + *first + *last < 0)
      return op.emitError() << "cannot remove " << -(*first + *last) << " of "
                            << size << " elements";
    bool isEmpty = size + std::min<int64_t>(*first, 0) +
                       std::min<int64_t>(*last, 0) <= 0;
    if (*mode != PadMode::constant && isEmpty && size + *first + *last > 0)
      return op.emitError() << "cannot pad dimension " << dim
                            << " without an element by mode '"
                            << stringifyPadMode(*mode) << "'";
  }
  return op.replace(
      PadOp::create(op.b, op.loc, *mode, x, value, low, high).getResult());
}

/// The middle of what is larger, zeros around what is smaller.
static LogicalResult convertCenterCropPad(OpBinder &op) {
  Value x = op.getTensor(0);
  FailureOr<SmallVector<Index>> shape = op.getIndexOperand(1);
  if (!x || failed(shape))
    return failure();
  int64_t rank = OpBinder::getRank(x);
  FailureOr<PerDimension> dims =
      PerDimension::bind(op, rank, shape->size(), -1);
  if (failed(dims))
    return failure();
  IndexMath math(op.b, op.loc);
  SmallVector<Index> sizes = op.state.shapes.getDims(x), low, high;
  for (auto [size, target] :
       llvm::zip_equal(sizes, dims->spread(*shape, sizes))) {
    Index zero = math.constant(0), two = math.constant(2);
    Index missing = math.sub(target, size);
    // Halves are rounded toward 0.
    Index added = math.floorDiv(missing, two), cut = math.ceilDiv(missing, two);
    low.push_back(
        math.select(arith::CmpIPredicate::sge, missing, zero, added, cut));
    high.push_back(math.sub(missing, low.back()));
  }
  Value value = op.scalar(OpBinder::getElementType(x), 0);
  return op.replace(
      PadOp::create(op.b, op.loc, PadMode::constant, x, value, low, high)
          .getResult());
}

void mopt::populateSlicingHandlers(HandlerRegistry &registry) {
  registry.add("CenterCropPad", 18, convertCenterCropPad);
  registry.add("Pad", 1, convertPad);
  registry.add("Slice", 1, convertSlice);
  registry.add("Split", 1, convertSplit);
}

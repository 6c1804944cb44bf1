// Handlers of operators that read or write at positions given by indices.
#include "mopt/Conversion/ONNXToMopt/HandlerRegistry.h"
#include "mopt/Conversion/ONNXToMopt/IndexMath.h"
#include "mopt/Conversion/ONNXToMopt/OpBinder.h"

using namespace mlir;
using namespace mopt;

/// Checks that operand `i` holds indices.
static Value getIndices(OpBinder &op, unsigned i) {
  Value indices = op.getTensor(i);
  if (!indices)
    return {};
  Type element = OpBinder::getElementType(indices);
  if (element.isSignlessInteger(32) || element.isSignlessInteger(64))
    return indices;
  op.emitError() << "expected indices of 'i32' or 'i64' as input " << i
                 << ", found " << element;
  return {};
}

static LogicalResult convertGather(OpBinder &op) {
  Value x = op.getTensor(0), indices = getIndices(op, 1);
  if (!x || !indices)
    return failure();
  FailureOr<int64_t> axis =
      op.normalizeAxis(op.getInt("axis", 0), OpBinder::getRank(x));
  if (failed(axis))
    return failure();
  return op.replace(
      GatherOp::create(op.b, op.loc, x, indices, *axis).getResult());
}

/// Do ranks fit, and sizes other than that of `axis`?
static LogicalResult checkElementIndices(OpBinder &op, Value x, Value indices,
                                         int64_t axis) {
  RankedTensorType type = OpBinder::getType(x), at = OpBinder::getType(indices);
  if (type.getRank() != at.getRank())
    return op.emitError() << "expected indices of " << type.getRank()
                          << " dimensions, found " << at;
  for (int64_t dim = 0; dim < type.getRank(); ++dim)
    if (dim != axis && ShapedType::isStatic(type.getDimSize(dim)) &&
        at.getDimSize(dim) > type.getDimSize(dim))
      return op.emitError() << "expected indices of a size of at most "
                            << type.getDimSize(dim) << " in dimension " << dim
                            << ", found " << at.getDimSize(dim);
  return success();
}

static LogicalResult convertGatherElements(OpBinder &op) {
  Value x = op.getTensor(0), indices = getIndices(op, 1);
  if (!x || !indices)
    return failure();
  FailureOr<int64_t> axis =
      op.normalizeAxis(op.getInt("axis", 0), OpBinder::getRank(x));
  if (failed(axis) || failed(checkElementIndices(op, x, indices, *axis)))
    return failure();
  return op.replace(
      GatherElementsOp::create(op.b, op.loc, x, indices, *axis).getResult());
}

static LogicalResult convertGatherND(OpBinder &op) {
  Value x = op.getTensor(0), indices = getIndices(op, 1);
  if (!x || !indices)
    return failure();
  int64_t batch = op.getInt("batch_dims", 0);
  // The inferring builder aborts on misfits; ask first.
  GatherNDOp::Properties properties;
  properties.batch_dims = op.b.getI64IntegerAttr(batch);
  SmallVector<Type> types;
  if (failed(GatherNDOp::inferReturnTypes(op.b.getContext(), op.loc, {x, indices},
                                          {}, &properties, {}, types)))
    return failure();
  return op.replace(
      GatherNDOp::create(op.b, op.loc, types.front(), x, indices, batch)
          .getResult());
}

static FailureOr<ScatterKind> getScatterKind(OpBinder &op) {
  StringRef name = op.getString("reduction", "none");
  std::optional<ScatterKind> kind = symbolizeScatterKind(name);
  if (!kind)
    return op.emitError() << "expected reduction 'none', 'add', 'mul', 'max' or "
                             "'min', found '" << name << "'";
  return *kind;
}

static LogicalResult checkUpdates(OpBinder &op, Value x, Value updates) {
  if (OpBinder::getElementType(x) != OpBinder::getElementType(updates))
    return op.emitError() << "expected updates of type "
                          << OpBinder::getElementType(x) << ", found "
                          << OpBinder::getElementType(updates);
  return success();
}

static LogicalResult convertScatterElements(OpBinder &op) {
  Value x = op.getTensor(0), indices = getIndices(op, 1), updates = op.getTensor(2);
  FailureOr<ScatterKind> kind = getScatterKind(op);
  if (!x || !indices || !updates || failed(kind))
    return failure();
  FailureOr<int64_t> axis =
      op.normalizeAxis(op.getInt("axis", 0), OpBinder::getRank(x));
  if (failed(axis) || failed(checkUpdates(op, x, updates)) ||
      failed(checkElementIndices(op, x, indices, *axis)))
    return failure();
  if (OpBinder::getRank(updates) != OpBinder::getRank(indices))
    return op.emitError() << "expected updates like the indices, "
                          << indices.getType() << ", found "
                          << updates.getType();
  return op.replace(ScatterElementsOp::create(op.b, op.loc, *kind, x, indices,
                                              updates, *axis)
                        .getResult());
}

static LogicalResult convertScatterND(OpBinder &op) {
  Value x = op.getTensor(0), indices = getIndices(op, 1), updates = op.getTensor(2);
  FailureOr<ScatterKind> kind = getScatterKind(op);
  if (!x || !indices || !updates || failed(kind) ||
      failed(checkUpdates(op, x, updates)))
    return failure();
  RankedTensorType type = OpBinder::getType(indices);
  if (type.getRank() < 1)
    return op.emitError()
           << "expected indices of at least one dimension, found " << type;
  if (ShapedType::isDynamic(type.getShape().back()))
    return op.emitError() << "a dynamic last dimension of the indices is not "
                             "supported, found "
                          << type;
  int64_t depth = type.getShape().back();
  int64_t rank = type.getRank() - 1 + OpBinder::getRank(x) - depth;
  if (depth > OpBinder::getRank(x) || OpBinder::getRank(updates) != rank)
    return op.emitError() << "expected updates of " << rank
                          << " dimensions, found " << updates.getType();
  return op.replace(
      ScatterNDOp::create(op.b, op.loc, *kind, x, indices, updates).getResult());
}

//===----------------------------------------------------------------------===//
// Made of gathers and scatters
//===----------------------------------------------------------------------===//

/// Positions along `axis` as i64 of shape `[.., n, ..]` with sizes of 1.
static Value positions(OpBinder &op, Value x, int64_t axis) {
  SmallVector<OpFoldResult> sizes(OpBinder::getRank(x), op.b.getIndexAttr(1));
  sizes[axis] = op.state.shapes.getDim(x, axis);
  return IotaOp::create(op.b, op.loc, sizes, axis, op.b.getI64Type());
}

static LogicalResult convertReverseSequence(OpBinder &op) {
  Value x = op.getTensor(0), lengths = op.getTensor(1);
  if (!x || !lengths)
    return failure();
  int64_t rank = OpBinder::getRank(x);
  FailureOr<SmallVector<int64_t>> axes = op.normalizeAxes(
      {op.getInt("batch_axis", 1), op.getInt("time_axis", 0)}, rank,
      /*sort=*/false);
  if (failed(axes))
    return failure();
  if (OpBinder::getRank(lengths) != 1)
    return op.emitError() << "expected lengths of one dimension, found "
                          << lengths.getType();
  int64_t batch = (*axes)[0], time = (*axes)[1];
  Value step = positions(op, x, time);
  Value length =
      op.alongAxis(op.cast(lengths, op.b.getI64Type()), batch, rank);
  Value mirrored = op.binary(BinaryKind::sub,
                             op.binary(BinaryKind::sub, length, 1.0), step);
  Value index =
      op.select(op.compare(CompareKind::lt, step, length), mirrored, step);
  if (!index)
    return failure();
  index = BroadcastOp::create(op.b, op.loc, index, op.state.shapes.getDims(x));
  return op.replace(
      GatherElementsOp::create(op.b, op.loc, x, index, time).getResult());
}

/// Reads the update wherever it is written, instead of writing it.
static LogicalResult convertTensorScatter(OpBinder &op) {
  Value past = op.getTensor(0), update = op.getTensor(1);
  if (!past || !update || failed(checkUpdates(op, past, update)))
    return failure();
  int64_t rank = OpBinder::getRank(past);
  FailureOr<int64_t> axis = op.normalizeAxis(op.getInt("axis", -2), rank);
  if (failed(axis))
    return failure();
  if (OpBinder::getRank(update) != rank || *axis == 0)
    return op.emitError() << "expected an update of " << rank
                          << " dimensions and an axis other than 0, found "
                          << update.getType() << " and axis " << *axis;
  StringRef mode = op.getString("mode", "linear");
  if (mode != "linear" && mode != "circular")
    return op.emitError() << "expected mode 'linear' or 'circular', found '"
                          << mode << "'";
  Value offset = positions(op, past, *axis);
  if (op.getOperand(2)) {
    Value start = op.getTensor(2);
    if (!start)
      return failure();
    if (OpBinder::getRank(start) != 1)
      return op.emitError() << "expected write indices of one dimension, found "
                            << start.getType();
    offset = op.binary(BinaryKind::sub, offset, op.alongAxis(start, 0, rank));
  }
  Value length = op.fromIndices(op.state.shapes.getDim(past, *axis));
  if (mode == "circular")
    offset = op.binary(BinaryKind::mod, offset, length);
  Value count = op.fromIndices(op.state.shapes.getDim(update, *axis));
  Value isBehind =
      op.compare(CompareKind::ge, offset, op.scalar(op.b.getI64Type(), 0));
  Value isBefore = op.compare(CompareKind::lt, offset, count);
  Value isWritten = op.binary(BinaryKind::and_, isBehind, isBefore);
  if (!isWritten)
    return failure();
  // Where nothing is written any element will do.
  Value source = op.binary(BinaryKind::max, offset, 0.0);
  source =
      BroadcastOp::create(op.b, op.loc, source, op.state.shapes.getDims(past));
  Value written =
      GatherElementsOp::create(op.b, op.loc, update, source, *axis);
  return op.replace(op.select(isWritten, written, past));
}

/// The inverse of MaxPool: elements return to the positions that it gave out.
static LogicalResult convertMaxUnpool(OpBinder &op) {
  Value x = op.getTensor(0), indices = getIndices(op, 1);
  if (!x || !indices)
    return failure();
  int64_t rank = OpBinder::getRank(x), spatial = rank - 2;
  std::optional<SmallVector<int64_t>> kernel = op.getInts("kernel_shape");
  if (spatial < 1 || !kernel || static_cast<int64_t>(kernel->size()) != spatial)
    return op.emitError() << "expected a 'kernel_shape' with a size for each "
                             "spatial dimension of " << x.getType();
  SmallVector<int64_t> strides =
      op.getInts("strides").value_or(SmallVector<int64_t>(spatial, 1));
  SmallVector<int64_t> pads =
      op.getInts("pads").value_or(SmallVector<int64_t>(2 * spatial, 0));
  if (static_cast<int64_t>(strides.size()) != spatial ||
      static_cast<int64_t>(pads.size()) != 2 * spatial)
    return op.emitError() << "expected " << spatial << " strides and "
                          << 2 * spatial << " pads";
  SmallVector<OpFoldResult> sizes = op.state.shapes.getDims(x);
  IndexMath math(op.b, op.loc);
  for (int64_t i = 0; i < spatial; ++i) {
    OpFoldResult size =
        math.mul(math.sub(sizes[i + 2], math.constant(1)),
                 math.constant(strides[i]));
    size = math.add(size, math.constant((*kernel)[i] - pads[i] -
                                        pads[spatial + i]));
    sizes[i + 2] = math.max(size, math.constant(0));
  }
  SmallVector<OpFoldResult> target = sizes;
  if (op.getOperand(2)) {
    FailureOr<SmallVector<OpFoldResult>> stated = op.getIndexOperand(2);
    if (failed(stated))
      return failure();
    if (static_cast<int64_t>(stated->size()) != rank)
      return op.emitError() << "expected " << rank << " output sizes, found "
                            << stated->size();
    target = *stated;
  }
  auto flatten = [&](Value v) {
    return op.reshape(v, op.product(op.state.shapes.getDims(v)));
  };
  Value zeros = BroadcastOp::create(
      op.b, op.loc, op.scalar(OpBinder::getElementType(x), 0, 1),
      ArrayRef<OpFoldResult>{op.product(sizes)});
  Value y = ScatterElementsOp::create(op.b, op.loc, ScatterKind::none, zeros,
                                      flatten(indices), flatten(x), 0);
  y = op.reshape(y, sizes);
  SmallVector<OpFoldResult> low(rank, math.constant(0)), high;
  bool isPadded = false;
  for (auto [size, wanted] : llvm::zip_equal(sizes, target)) {
    high.push_back(math.sub(wanted, size));
    isPadded |= getConstantIntValue(high.back()) != int64_t(0);
  }
  if (isPadded)
    y = PadOp::create(op.b, op.loc, PadMode::constant, y,
                      op.scalar(OpBinder::getElementType(x), 0), low, high);
  return op.replace(y);
}

void mopt::populateGatherScatterHandlers(HandlerRegistry &registry) {
  registry.add("Gather", 1, convertGather);
  registry.add("GatherElements", 11, convertGatherElements);
  registry.add("GatherND", 11, convertGatherND);
  registry.add("MaxUnpool", 9, convertMaxUnpool);
  registry.add("ReverseSequence", 10, convertReverseSequence);
  registry.add("Scatter", 9, convertScatterElements);
  registry.add("ScatterElements", 11, convertScatterElements);
  registry.add("ScatterND", 11, convertScatterND);
  registry.add("TensorScatter", 24, convertTensorScatter);
}

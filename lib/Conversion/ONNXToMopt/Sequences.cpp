// Handlers of operators on sequences and optionals. A sequence is a list of
// values that only the compiler knows: its length, and every position in it,
// must be known.
#include "mopt/Conversion/ONNXToMopt/HandlerRegistry.h"
#include "mopt/Conversion/ONNXToMopt/IndexMath.h"
#include "mopt/Conversion/ONNXToMopt/OpBinder.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"

using namespace mlir;
using namespace mopt;

/// A position in a list of `size` entries; the operand's is `otherwise` if left
/// out.
static FailureOr<int64_t> getPosition(OpBinder &op, unsigned operand,
                                      int64_t size, int64_t otherwise) {
  if (!op.getOperand(operand))
    return otherwise;
  FailureOr<SmallVector<int64_t>> stated = op.getConstantInts(operand);
  if (failed(stated))
    return failure();
  int64_t position = stated->size() == 1 ? stated->front() : size;
  if (position < 0)
    position += size;
  if (position < 0 || position >= size)
    return op.emitError() << "expected a position in [" << -size << ", " << size
                          << "), found "
                          << (stated->empty() ? 0 : stated->front());
  return position;
}

static LogicalResult convertSequenceConstruct(OpBinder &op) {
  FailureOr<SmallVector<Value>> tensors = op.getTensors();
  return failed(tensors) ? failure() : op.replaceBySequence(*tensors);
}

static LogicalResult convertSequenceEmpty(OpBinder &op) {
  return op.replaceBySequence({});
}

static LogicalResult convertSequenceInsert(OpBinder &op) {
  FailureOr<SmallVector<Value>> list = op.getSequence(0);
  Value x = op.getTensor(1);
  if (failed(list) || !x)
    return failure();
  int64_t size = list->size(), position = size;
  if (op.getOperand(2)) {
    FailureOr<SmallVector<int64_t>> stated = op.getConstantInts(2);
    if (failed(stated))
      return failure();
    // Behind the last one is a position, too; negative ones stay in front.
    position = stated->size() == 1 ? stated->front() : size + 1;
    if (position < -size || position > size)
      return op.emitError() << "expected a position in [" << -size << ", "
                            << size << "], found " << position;
    if (position < 0)
      position += size;
  }
  list->insert(list->begin() + position, x);
  return op.replaceBySequence(*list);
}

static LogicalResult convertSequenceErase(OpBinder &op) {
  FailureOr<SmallVector<Value>> list = op.getSequence(0);
  if (failed(list))
    return failure();
  int64_t size = list->size();
  FailureOr<int64_t> position = getPosition(op, 1, size, size - 1);
  if (failed(position))
    return failure();
  if (size == 0)
    return op.emitError() << "expected a sequence that is not empty";
  list->erase(list->begin() + *position);
  return op.replaceBySequence(*list);
}

static LogicalResult convertSequenceAt(OpBinder &op) {
  FailureOr<SmallVector<Value>> list = op.getSequence(0);
  if (failed(list))
    return failure();
  FailureOr<int64_t> position = getPosition(op, 1, list->size(), -1);
  if (failed(position))
    return failure();
  if (*position < 0)
    return op.emitError() << "expected a position";
  return op.replace((*list)[*position]);
}

static LogicalResult convertSequenceLength(OpBinder &op) {
  FailureOr<SmallVector<Value>> list = op.getSequence(0);
  if (failed(list))
    return failure();
  auto type = RankedTensorType::get({}, op.b.getI64Type());
  return op.replace(op.constant(
      DenseElementsAttr::get(type, static_cast<int64_t>(list->size()))));
}

/// The subgraph once for each position; other inputs are the same every time.
static LogicalResult convertSequenceMap(OpBinder &op) {
  Region *region = op.getRegion("body");
  FailureOr<SmallVector<Value>> first = op.getSequence(0);
  if (failed(first))
    return failure();
  if (!region || region->getNumArguments() != op.getNumOperands())
    return op.emitError() << "expected a graph attribute 'body' of "
                          << op.getNumOperands() << " inputs";
  SmallVector<ConvertedValue> inputs, results(op.getNumResults());
  for (Value input : op.node.getInputs())
    inputs.push_back(op.state.lookup(input));
  for (ConvertedValue &result : results)
    result.entries.emplace();
  for (size_t position = 0; position < first->size(); ++position) {
    for (auto [argument, input] :
         llvm::zip_equal(region->getArguments(), inputs)) {
      ConvertedValue value = input;
      if (input.entries) {
        if (input.entries->size() != first->size())
          return op.emitError()
                 << "expected sequences of the same length, found "
                 << first->size() << " and " << input.entries->size();
        value = {(*input.entries)[position], std::nullopt};
      }
      op.state.bind(argument, value);
    }
    FailureOr<SmallVector<Value>> outputs =
        op.state.convertBlock(region->front());
    if (failed(outputs))
      return failure();
    if (outputs->size() != results.size())
      return op.emitError() << "expected a graph of " << results.size()
                            << " outputs, found " << outputs->size();
    for (auto [result, output] : llvm::zip_equal(results, *outputs))
      result.entries->push_back(output);
  }
  return op.replaceByAny(results);
}

static LogicalResult convertConcatFromSequence(OpBinder &op) {
  FailureOr<SmallVector<Value>> list = op.getSequence(0);
  if (failed(list))
    return failure();
  if (list->empty())
    return op.emitError() << "expected a sequence that is not empty";
  bool isNew = op.getInt("new_axis", 0) != 0;
  FailureOr<int64_t> axis = op.normalizeAxis(
      op.getInt("axis", 0), OpBinder::getRank(list->front()) + (isNew ? 1 : 0));
  if (failed(axis))
    return failure();
  if (isNew)
    for (Value &x : *list)
      x = op.unsqueeze(x, *axis);
  return op.replace(op.concat(*list, *axis));
}

static LogicalResult convertSplitToSequence(OpBinder &op) {
  Value x = op.getTensor(0);
  if (!x)
    return failure();
  RankedTensorType type = OpBinder::getType(x);
  FailureOr<int64_t> axis =
      op.normalizeAxis(op.getInt("axis", 0), type.getRank());
  if (failed(axis))
    return failure();
  int64_t size = type.getDimSize(*axis);
  bool isListed = op.getOperand(1) && OpBinder::getRank(op.getOperand(1)) == 1;
  if (ShapedType::isDynamic(size) && !isListed)
    return op.emitError()
           << "a split of dimension " << *axis << " of " << type
           << " is not supported: the number of parts is unknown";
  SmallVector<int64_t> parts(isListed ? 0 : size, 1);
  bool isSqueezed = false;
  if (op.getOperand(1)) {
    FailureOr<SmallVector<int64_t>> split = op.getConstantInts(1);
    if (failed(split))
      return failure();
    parts = *split;
    if (!isListed) {
      int64_t step = parts.front();
      if (step < 1)
        return op.emitError()
               << "expected parts of sizes from 1 on, found " << step;
      parts.assign(size / step, step);
      if (size % step != 0)
        parts.push_back(size % step);
    }
  } else {
    isSqueezed = op.getInt("keepdims", 1) == 0;
  }
  int64_t total = 0;
  for (int64_t part : parts) {
    if (part < 0)
      return op.emitError()
             << "expected parts of sizes from 0 on, found " << part;
    total += part;
  }
  if (ShapedType::isDynamic(size)) {
    Value isWhole =
        arith::CmpIOp::create(op.b, op.loc, arith::CmpIPredicate::eq,
                              op.index(op.state.shapes.getDim(x, *axis)),
                              op.index(op.b.getIndexAttr(total)));
    cf::AssertOp::create(op.b, op.loc, isWhole,
                         "the parts of a split are not as large as the "
                         "dimension");
  } else if (total != size)
    return op.emitError() << "expected parts of " << size
                          << " elements together, found " << total;
  SmallVector<Value> list;
  SmallVector<OpFoldResult> offsets(type.getRank(), op.b.getIndexAttr(0)),
      sizes = op.state.shapes.getDims(x),
      strides(type.getRank(), op.b.getIndexAttr(1));
  int64_t first = 0;
  for (int64_t part : parts) {
    offsets[*axis] = op.b.getIndexAttr(first);
    sizes[*axis] = op.b.getIndexAttr(part);
    first += part;
    Value slice =
        SliceOp::create(op.b, op.loc, x, offsets, sizes, strides).getResult();
    list.push_back(isSqueezed ? op.squeeze(slice, *axis) : slice);
  }
  return op.replaceBySequence(list);
}

//===----------------------------------------------------------------------===//
// Optionals
//===----------------------------------------------------------------------===//

/// What is there is a value like any other.
static LogicalResult convertOptional(OpBinder &op) {
  if (op.getNumOperands() == 0 || !op.hasOperand(0))
    return op.replaceByAny(ConvertedValue());
  return op.forward(0);
}

static LogicalResult convertOptionalGetElement(OpBinder &op) {
  return op.forward(0);
}

static LogicalResult convertOptionalHasElement(OpBinder &op) {
  bool isThere = op.getNumOperands() > 0 && op.hasOperand(0);
  return op.replace(op.scalar(op.b.getI1Type(), isThere));
}

void mopt::populateSequenceHandlers(HandlerRegistry &registry) {
  registry.add("ConcatFromSequence", 11, convertConcatFromSequence);
  registry.add("Optional", 15, convertOptional);
  registry.add("OptionalGetElement", 15, convertOptionalGetElement);
  registry.add("OptionalHasElement", 15, convertOptionalHasElement);
  registry.add("SequenceAt", 11, convertSequenceAt);
  registry.add("SequenceConstruct", 11, convertSequenceConstruct);
  registry.add("SequenceEmpty", 11, convertSequenceEmpty);
  registry.add("SequenceErase", 11, convertSequenceErase);
  registry.add("SequenceInsert", 11, convertSequenceInsert);
  registry.add("SequenceLength", 11, convertSequenceLength);
  registry.add("SequenceMap", 17, convertSequenceMap);
  registry.add("SplitToSequence", 11, convertSplitToSequence);
}

// Loops that carry sequences or optionals, which only the compiler knows: every
// iteration becomes nodes of its own.
#include "mopt/Conversion/ONNXToMopt/SubgraphLoop.h"

using namespace mlir;
using namespace mopt;

/// More would take long to compile.
static constexpr int64_t kMostIterations = 1024;

/// A condition that is left out holds.
static FailureOr<bool> getCondition(OpBinder &op, Value condition) {
  if (!condition)
    return true;
  if (std::optional<int64_t> known =
          getConstantIntValue(op.state.shapes.getElement(condition, 0)))
    return *known != 0;
  return op.emitError() << "a loop over sequences is not supported unless its "
                           "condition is known when the model is compiled";
}

/// The slots of every iteration in a new first dimension.
static Value stack(OpBinder &op, ArrayRef<Value> slots) {
  if (slots.empty()) {
    op.emitError() << "a loop over sequences that stacks outputs of no "
                      "iteration is not supported";
    return {};
  }
  SmallVector<Value> rows;
  for (Value slot : slots)
    rows.push_back(op.unsqueeze(slot, {0}));
  return op.concat(rows, 0);
}

LogicalResult mopt::unrollLoop(OpBinder &op, Block &body) {
  int64_t numCarried = static_cast<int64_t>(op.getNumOperands()) - 2;
  int64_t numStacked = static_cast<int64_t>(op.getNumResults()) - numCarried;
  int64_t numOutputs = body.getTerminator()->getNumOperands();
  if (static_cast<int64_t>(body.getNumArguments()) != numCarried + 2 ||
      numStacked < 0 || numOutputs != numCarried + numStacked + 1)
    return op.emitError() << "expected a subgraph of " << numCarried + 2
                          << " inputs and " << op.getNumResults() + 1
                          << " outputs, found " << body.getNumArguments()
                          << " and " << numOutputs;
  std::optional<int64_t> count;
  if (op.hasOperand(0)) {
    FailureOr<SmallVector<int64_t>> stated = op.getConstantInts(0);
    if (failed(stated))
      return failure();
    if (stated->size() != 1)
      return op.emitError()
             << "expected one trip count, found " << stated->size();
    count = stated->front();
  }
  FailureOr<bool> goesOn = getCondition(op, op.getOperand(1));
  SmallVector<ConvertedValue> carried;
  for (Value input : op.node.getInputs().drop_front(2))
    carried.push_back(op.state.lookup(input));
  SmallVector<SmallVector<Value>> stacks(numStacked);
  Type i64 = op.b.getI64Type(), i1 = op.b.getI1Type();
  for (int64_t i = 0; succeeded(goesOn) && *goesOn && (!count || i < *count);
       ++i) {
    if (i == kMostIterations)
      return op.emitError()
             << "a loop over sequences of more than " << kMostIterations
             << " iterations is not supported";
    op.state.bind(body.getArgument(0), {op.scalar(i64, i), std::nullopt});
    op.state.bind(body.getArgument(1), {op.scalar(i1, 1), std::nullopt});
    for (auto [argument, value] :
         llvm::zip_equal(body.getArguments().drop_front(2), carried))
      op.state.bind(argument, value);
    FailureOr<SmallVector<ConvertedValue>> outputs =
        op.state.convertBlockOfAny(body);
    if (failed(outputs))
      return failure();
    goesOn = getCondition(op, outputs->front().tensor);
    carried.assign(outputs->begin() + 1, outputs->begin() + 1 + numCarried);
    for (auto [slots, slot] :
         llvm::zip_equal(stacks, ArrayRef(*outputs).take_back(numStacked))) {
      if (!slot.tensor)
        return op.emitError() << "expected a tensor as an output that is "
                                 "stacked";
      slots.push_back(slot.tensor);
    }
  }
  if (failed(goesOn))
    return failure();
  for (ArrayRef<Value> slots : stacks) {
    carried.push_back({stack(op, slots), std::nullopt});
    if (!carried.back().tensor)
      return failure();
  }
  return op.replaceByAny(carried);
}

// Handlers of branches and loops: scf ops on ranked tensors.
#include "mopt/Conversion/ONNXToMopt/HandlerRegistry.h"
#include "mopt/Conversion/ONNXToMopt/OpBinder.h"
#include "mopt/Conversion/ONNXToMopt/SubgraphLoop.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Diagnostics.h"

using namespace mlir;
using namespace mopt;

/// A subgraph as an attribute of the node; null with an error if it lacks.
static Block *getBody(OpBinder &op, StringRef name) {
  if (Region *region = op.getRegion(name))
    return &region->front();
  op.emitError() << "expected the graph attribute '" << name << "'";
  return nullptr;
}

//===----------------------------------------------------------------------===//
// If
//===----------------------------------------------------------------------===//

/// Could the nodes behind this one be converted if it had these results? What
/// this emits is thrown away.
static bool canFollow(OpBinder &op, ValueRange results) {
  OpBuilder::InsertionGuard guard(op.b);
  ScopedDiagnosticHandler silence(op.b.getContext(),
                                  [](Diagnostic &) { return success(); });
  ConversionState trial(op.state);
  Region region;
  op.b.setInsertionPointToEnd(&region.emplaceBlock());
  for (auto [output, result] : llvm::zip(op.node.getOutputs(), results))
    trial.values.map(output, result);
  Block *block = op.node->getBlock();
  for (Operation &next : llvm::make_range(std::next(op.node->getIterator()),
                                          std::prev(block->end())))
    if (failed(trial.convertOp(next)))
      return false;
  return true;
}

/// Of branches whose results have different ranks, takes the one that the nodes
/// behind allow; a run in which the condition asks for the other fails.
/// Exporters write such branches for what they cannot know: whether a size is 1.
static LogicalResult convertOneBranch(OpBinder &op, Value condition,
                                      ArrayRef<Block *> branches,
                                      ArrayRef<SmallVector<Value>> results) {
  SmallVector<unsigned> allowed;
  for (unsigned i : {0u, 1u}) {
    OpBuilder::InsertionGuard guard(op.b);
    ConversionState trial(op.state);
    Region region;
    op.b.setInsertionPointToEnd(&region.emplaceBlock());
    OpBinder inner(trial, op.node);
    FailureOr<SmallVector<Value>> values = trial.convertBlock(*branches[i]);
    if (failed(values))
      return failure();
    if (canFollow(inner, *values))
      allowed.push_back(i);
  }
  if (allowed.size() != 1) {
    InFlightDiagnostic diagnostic =
        op.emitError() << "branches that differ in more than sizes are not "
                          "supported; their results are ";
    llvm::interleaveComma(ValueRange(results[0]).getTypes(), diagnostic);
    diagnostic << " or ";
    llvm::interleaveComma(ValueRange(results[1]).getTypes(), diagnostic);
    return diagnostic;
  }
  if (allowed.front() == 1)
    condition = arith::XOrIOp::create(
        op.b, op.loc, condition,
        arith::ConstantOp::create(op.b, op.loc, op.b.getBoolAttr(true)));
  cf::AssertOp::create(op.b, op.loc, condition,
                       "the inputs ask for a branch whose results have ranks "
                       "that the model does not take");
  FailureOr<SmallVector<Value>> values =
      op.state.convertBlock(*branches[allowed.front()]);
  return failed(values) ? failure() : op.replace(*values);
}

/// Converts both branches; the sizes in which they differ become dynamic.
static LogicalResult convertBothBranches(OpBinder &op, Value condition,
                                         Block &onTrue, Block &onFalse) {
  auto ifOp = scf::IfOp::create(op.b, op.loc, TypeRange(), condition,
                                /*addThenBlock=*/true, /*addElseBlock=*/true);
  // Copies: what they remember of values must not outlive these.
  std::optional<ConversionState> states[2];
  SmallVector<Value> results[2];
  bool hasFailed = false;
  for (unsigned i : {0u, 1u}) {
    OpBuilder::InsertionGuard guard(op.b);
    op.b.setInsertionPointToEnd(&ifOp->getRegion(i).front());
    states[i].emplace(op.state);
    FailureOr<SmallVector<Value>> values =
        states[i]->convertBlock(i == 0 ? onTrue : onFalse);
    if (failed(values))
      hasFailed = true;
    else
      results[i] = *values;
  }
  if (hasFailed)
    return failure();
  if (results[0].size() != results[1].size())
    return op.emitError() << "expected branches of equally many outputs, found "
                          << results[0].size() << " and " << results[1].size();
  SmallVector<Type> types;
  for (auto [i, x, y] : llvm::enumerate(results[0], results[1])) {
    auto a = dyn_cast<RankedTensorType>(x.getType());
    auto b = dyn_cast<RankedTensorType>(y.getType());
    if (!a || !b || a.getElementType() != b.getElementType())
      return op.emitError()
             << "expected branches that give tensors of the same "
                "element type, found "
             << x.getType() << " and " << y.getType();
    types.push_back(joinTypes(a, b));
  }
  if (llvm::is_contained(types, Type())) {
    LogicalResult converted =
        convertOneBranch(op, condition, {&onTrue, &onFalse}, results);
    ifOp.erase();
    return converted;
  }

  auto typed = scf::IfOp::create(op.b, op.loc, types, condition,
                                 /*addThenBlock=*/false,
                                 /*addElseBlock=*/false);
  for (unsigned i : {0u, 1u}) {
    OpBuilder::InsertionGuard guard(op.b);
    typed->getRegion(i).takeBody(ifOp->getRegion(i));
    op.b.setInsertionPointToEnd(&typed->getRegion(i).front());
    SmallVector<Value> yielded;
    for (auto [value, type] : llvm::zip_equal(results[i], types))
      yielded.push_back(castShape(op, value, cast<RankedTensorType>(type)));
    scf::YieldOp::create(op.b, op.loc, yielded);
  }
  ifOp.erase();
  // Sizes that both branches take from the same value outside.
  for (auto [i, result] : llvm::enumerate(typed.getResults())) {
    auto type = cast<RankedTensorType>(result.getType());
    for (int64_t dim = 0; dim < type.getRank(); ++dim) {
      if (!type.isDynamicDim(dim))
        continue;
      OpFoldResult size = states[0]->shapes.getDim(results[0][i], dim);
      auto value = dyn_cast<Value>(size);
      // A value that both have is outside of both.
      if (value && size == states[1]->shapes.getDim(results[1][i], dim))
        op.state.shapes.bind(result, dim, size);
    }
  }
  return op.replace(typed.getResults());
}

static LogicalResult convertIf(OpBinder &op) {
  Value condition = op.getTensor(0);
  Block *onTrue = getBody(op, "then_branch"),
        *onFalse = getBody(op, "else_branch");
  if (!condition || !onTrue || !onFalse)
    return failure();
  if (!OpBinder::getElementType(condition).isInteger(1))
    return op.emitError() << "expected a condition of booleans, found "
                          << condition.getType();
  // A condition that is known leaves one branch, and the other unconverted.
  if (std::optional<int64_t> known =
          getConstantIntValue(op.state.shapes.getElement(condition, 0))) {
    FailureOr<SmallVector<ConvertedValue>> results =
        op.state.convertBlockOfAny(*known ? *onTrue : *onFalse);
    return failed(results) ? failure() : op.replaceByAny(*results);
  }
  return convertBothBranches(op, extractScalar(op, condition), *onTrue,
                             *onFalse);
}

//===----------------------------------------------------------------------===//
// Loop
//===----------------------------------------------------------------------===//

static LogicalResult convertLoop(OpBinder &op) {
  Block *body = getBody(op, "body");
  if (!body)
    return failure();
  SubgraphLoop loop(op, *body);
  loop.hasCondition = true;
  if (op.getOperand(0)) {
    Value count = op.getTensor(0);
    if (!count)
      return failure();
    loop.tripCount = op.state.shapes.getElement(count, 0);
    std::optional<int64_t> known = getConstantIntValue(loop.tripCount);
    loop.tripCount =
        known ? OpFoldResult(op.b.getIndexAttr(std::max<int64_t>(*known, 0)))
              : arith::MaxSIOp::create(op.b, op.loc, op.index(loop.tripCount),
                                       op.index(op.b.getIndexAttr(0)))
                    .getResult();
  }
  if (op.getOperand(1)) {
    Value start = op.getTensor(1);
    if (!start)
      return failure();
    if (getConstantIntValue(op.state.shapes.getElement(start, 0)) != 1)
      loop.startCondition = start;
  }
  for (unsigned i = 2; i < op.getNumOperands(); ++i)
    if (!op.getOperand(i))
      return unrollLoop(op, *body);
  for (unsigned i = 2; i < op.getNumOperands(); ++i) {
    loop.initial.push_back(op.getTensor(i));
    if (!loop.initial.back())
      return failure();
  }
  loop.makeArguments = [](OpBinder &inner, Value iteration,
                          ValueRange carried) {
    Value number =
        inner.squeeze(inner.fromIndices(OpFoldResult(iteration)), {0});
    // An iteration only begins where the condition holds.
    auto type = RankedTensorType::get({}, inner.b.getI1Type());
    SmallVector<Value> arguments{
        number, inner.constant(DenseElementsAttr::get(type, true))};
    llvm::append_range(arguments, carried);
    return arguments;
  };
  FailureOr<SmallVector<Value>> results = loop.convert();
  return failed(results) ? failure() : op.replace(*results);
}

//===----------------------------------------------------------------------===//
// Scan
//===----------------------------------------------------------------------===//

/// Slot `position` of `x` along `axis`, without that dimension.
static Value takeSlot(OpBinder &op, Value x, int64_t axis,
                      OpFoldResult position) {
  SmallVector<OpFoldResult> sizes = op.state.shapes.getDims(x);
  SmallVector<OpFoldResult> offsets(sizes.size(), op.b.getIndexAttr(0)),
      strides(sizes.size(), op.b.getIndexAttr(1));
  offsets[axis] = position;
  sizes[axis] = op.b.getIndexAttr(1);
  return op.squeeze(SliceOp::create(op.b, op.loc, x, offsets, sizes, strides),
                    {axis});
}

/// The loop of a Scan over `inputs`, whose sequences run along `axes`.
static FailureOr<SmallVector<Value>>
scan(OpBinder &op, Block &body, ArrayRef<Value> states, ArrayRef<Value> inputs,
     ArrayRef<int64_t> axes, ArrayRef<int64_t> inputDirections,
     ArrayRef<int64_t> outputDirections) {
  SubgraphLoop loop(op, body);
  loop.initial.assign(states.begin(), states.end());
  loop.tripCount = op.state.shapes.getDim(inputs.front(), axes.front());
  for (int64_t direction : outputDirections)
    loop.isReversed.push_back(direction != 0);
  loop.makeArguments = [&](OpBinder &inner, Value iteration,
                           ValueRange carried) {
    SmallVector<Value> arguments(carried);
    for (auto [input, axis, direction] :
         llvm::zip_equal(inputs, axes, inputDirections)) {
      Value position = iteration;
      if (direction != 0) {
        Value last = arith::SubIOp::create(
            inner.b, inner.loc, inner.index(loop.tripCount),
            inner.index(inner.b.getIndexAttr(1)));
        position = arith::SubIOp::create(inner.b, inner.loc, last, iteration);
      }
      arguments.push_back(takeSlot(inner, input, axis, position));
    }
    return arguments;
  };
  return loop.convert();
}

/// A list attribute with one entry an input or output, all 0 if left out.
static FailureOr<SmallVector<int64_t>> getList(OpBinder &op, StringRef name,
                                               int64_t count) {
  SmallVector<int64_t> list =
      op.getInts(name).value_or(SmallVector<int64_t>(count, 0));
  if (static_cast<int64_t>(list.size()) != count)
    return op.emitError() << "expected " << count << " values in '" << name
                          << "', found " << list.size();
  return list;
}

/// Operands from `first` on, split into initial states and scanned inputs.
static LogicalResult getScanOperands(OpBinder &op, unsigned first,
                                     SmallVectorImpl<Value> &states,
                                     SmallVectorImpl<Value> &inputs) {
  int64_t numInputs = op.getInt("num_scan_inputs", 0);
  int64_t numOperands = op.getNumOperands() - first;
  if (numInputs < 1 || numInputs > numOperands)
    return op.emitError() << "expected 'num_scan_inputs' in [1, " << numOperands
                          << "], found " << numInputs;
  for (int64_t i = 0; i < numOperands; ++i) {
    Value value = op.getTensor(first + i);
    if (!value)
      return failure();
    (i < numOperands - numInputs ? states : inputs).push_back(value);
  }
  return success();
}

static LogicalResult convertScan(OpBinder &op) {
  Block *body = getBody(op, "body");
  SmallVector<Value> states, inputs;
  if (!body || failed(getScanOperands(op, 0, states, inputs)))
    return failure();
  int64_t numOutputs = static_cast<int64_t>(op.getNumResults()) -
                       static_cast<int64_t>(states.size());
  auto axes = getList(op, "scan_input_axes", inputs.size());
  auto outputAxes = getList(op, "scan_output_axes", numOutputs);
  auto inputDirections = getList(op, "scan_input_directions", inputs.size());
  auto outputDirections = getList(op, "scan_output_directions", numOutputs);
  if (failed(axes) || failed(outputAxes) || failed(inputDirections) ||
      failed(outputDirections))
    return failure();
  for (auto [axis, input] : llvm::zip_equal(*axes, inputs)) {
    FailureOr<int64_t> normal =
        op.normalizeAxis(axis, OpBinder::getRank(input));
    if (failed(normal))
      return failure();
    axis = *normal;
  }
  FailureOr<SmallVector<Value>> results = scan(
      op, *body, states, inputs, *axes, *inputDirections, *outputDirections);
  if (failed(results))
    return failure();
  for (auto [value, axis] : llvm::zip(
           MutableArrayRef(*results).drop_front(states.size()), *outputAxes)) {
    int64_t rank = OpBinder::getRank(value);
    FailureOr<int64_t> normal = op.normalizeAxis(axis, rank);
    if (failed(normal))
      return failure();
    SmallVector<int64_t> permutation;
    for (int64_t dim = 1; dim < rank; ++dim)
      permutation.push_back(dim);
    permutation.insert(permutation.begin() + *normal, 0);
    value = op.transpose(value, permutation);
  }
  return op.replace(*results);
}

/// Version 8: every tensor has a leading batch dimension, and the sequences run
/// along the next one.
static LogicalResult convertBatchedScan(OpBinder &op) {
  Block *body = getBody(op, "body");
  SmallVector<Value> states, inputs;
  if (!body || failed(getScanOperands(op, 1, states, inputs)))
    return failure();
  if (op.getOperand(0))
    return op.emitError() << "sequence lengths are not supported";
  FailureOr<SmallVector<int64_t>> directions =
      getList(op, "directions", inputs.size());
  if (failed(directions))
    return failure();
  // The batch is a loop around; its body is the scan of one sequence.
  OpFoldResult batch = op.state.shapes.getDim(inputs.front(), 0);
  SmallVector<Value> collected;
  std::optional<int64_t> known = getConstantIntValue(batch);
  if (!known)
    return op.emitError()
           << "a batch size that is not known when the model is compiled is "
              "not supported";
  SmallVector<int64_t> axes(inputs.size(), 0);
  SmallVector<SmallVector<Value>> parts(op.getNumResults());
  for (int64_t i = 0; i < *known; ++i) {
    OpFoldResult position = op.b.getIndexAttr(i);
    SmallVector<Value> ownStates, ownInputs;
    for (Value state : states)
      ownStates.push_back(takeSlot(op, state, 0, position));
    for (Value input : inputs)
      ownInputs.push_back(takeSlot(op, input, 0, position));
    FailureOr<SmallVector<Value>> results =
        scan(op, *body, ownStates, ownInputs, axes, *directions, {});
    if (failed(results))
      return failure();
    for (auto [part, result] : llvm::zip(parts, *results))
      part.push_back(op.unsqueeze(result, {0}));
  }
  for (SmallVector<Value> &part : parts) {
    if (part.empty())
      return op.emitError() << "expected a batch of at least one sequence";
    SmallVector<Type> types;
    ConcatOp::Properties properties;
    properties.axis = op.b.getI64IntegerAttr(0);
    if (failed(ConcatOp::inferReturnTypes(op.b.getContext(), op.loc, part, {},
                                          &properties, {}, types)))
      return failure();
    collected.push_back(ConcatOp::create(op.b, op.loc, types.front(), part, 0));
  }
  return op.replace(collected);
}

void mopt::populateControlFlowHandlers(HandlerRegistry &registry) {
  registry.add("If", 1, convertIf);
  registry.add("Loop", 1, convertLoop);
  registry.add("Scan", 8, convertBatchedScan);
  registry.add("Scan", 9, convertScan);
}

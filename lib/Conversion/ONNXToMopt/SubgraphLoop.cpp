// Loops over ONNX subgraphs: which sizes stay the same from one iteration to
// the next is found by trying, from the most static assumption on.
#include "mopt/Conversion/ONNXToMopt/SubgraphLoop.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace mopt;

RankedTensorType mopt::joinTypes(RankedTensorType a, RankedTensorType b) {
  if (a.getRank() != b.getRank() || a.getElementType() != b.getElementType())
    return {};
  SmallVector<int64_t> shape(a.getShape());
  for (auto [size, other] : llvm::zip_equal(shape, b.getShape()))
    if (size != other)
      size = ShapedType::kDynamic;
  return a.clone(shape);
}

Value mopt::castShape(OpBinder &op, Value x, RankedTensorType type) {
  return x.getType() == type
             ? x
             : tensor::CastOp::create(op.b, op.loc, type, x).getResult();
}

Value mopt::extractScalar(OpBinder &op, Value tensor) {
  SmallVector<Value> zeros(OpBinder::getRank(tensor));
  for (Value &zero : zeros)
    zero = op.index(op.b.getIndexAttr(0));
  return tensor::ExtractOp::create(op.b, op.loc, tensor, zeros);
}

Value mopt::insertSlot(OpBinder &op, Value x, ArrayRef<OpFoldResult> sizes,
                       Value into, OpFoldResult position) {
  // Where nothing fits, no slice lies in bounds.
  if (llvm::is_contained(OpBinder::getType(into).getShape(), 0))
    return into;
  SmallVector<OpFoldResult> slot{op.b.getIndexAttr(1)};
  llvm::append_range(slot, sizes);
  SmallVector<OpFoldResult> offsets(slot.size(), op.b.getIndexAttr(0)),
      strides(slot.size(), op.b.getIndexAttr(1));
  offsets.front() = position;
  return tensor::InsertSliceOp::create(op.b, op.loc, x, into, offsets, slot,
                                       strides);
}

namespace {
/// What is assumed of the carried values while the subgraph is converted.
struct Carried {
  SmallVector<RankedTensorType> types;
  /// Which sizes never change: those of the initial value.
  SmallVector<SmallVector<bool>> keeps;
};

/// How an output of every iteration is collected.
struct Stack {
  Value slot;
  bool isReversed;
  SmallVector<OpFoldResult> sizes;
  /// Which sizes are known before the loop.
  SmallVector<bool> isFixed;
  /// Loop values: one buffer if everything is known before the loop; else a
  /// growing row of elements, and the sizes of a slot.
  bool isSized;
  unsigned getNumValues() const { return isSized ? 1 : 1 + sizes.size(); }
};

/// One conversion of the subgraph under assumptions, into a block of its own:
/// the iteration number and the carried values are the block's arguments.
class Attempt {
public:
  Attempt(SubgraphLoop &loop, const Carried &carried)
      : loop(loop), op(loop.op), carried(carried), state(op.state) {
    region.emplaceBlock();
  }

  LogicalResult convert();
  /// Weakens `assumed` by what was found; true if nothing had to be.
  FailureOr<bool> check(Carried &assumed);
  /// Does the subgraph ever say stop?
  bool alwaysContinues();
  FailureOr<SmallVector<Value>> finish();

private:
  bool isOutside(OpFoldResult size) {
    auto value = dyn_cast<Value>(size);
    return !value || !region.isAncestor(value.getParentRegion());
  }
  ArrayRef<Value> getCarriedResults() {
    return ArrayRef(results).slice(loop.hasCondition, loop.initial.size());
  }
  void planStacks(bool isCounted);
  /// The values of the loop before the first iteration, after the given ones.
  void appendInitial(SmallVectorImpl<Value> &values);
  /// Moves the converted ops to the insertion point, with these values for the
  /// block's arguments, and returns the values for the next iteration.
  SmallVector<Value> inlineBody(Value iteration, ValueRange loopValues);
  SmallVector<Value> finishResults(ValueRange loopValues, OpFoldResult count);

  SubgraphLoop &loop;
  OpBinder &op;
  const Carried &carried;
  /// A copy: what is remembered about the values of this attempt must not
  /// outlive it.
  ConversionState state;
  Region region;
  SmallVector<Value> results;
  SmallVector<Stack> stacks;
};
} // namespace

LogicalResult Attempt::convert() {
  OpBuilder::InsertionGuard guard(op.b);
  Block &block = region.front();
  Value iteration = block.addArgument(op.b.getIndexType(), op.loc);
  SmallVector<Value> values;
  for (auto [i, type] : llvm::enumerate(carried.types)) {
    values.push_back(block.addArgument(type, op.loc));
    for (int64_t dim = 0; dim < type.getRank(); ++dim)
      if (type.isDynamicDim(dim) && carried.keeps[i][dim])
        state.shapes.bind(values.back(), dim,
                          op.state.shapes.getDim(loop.initial[i], dim));
  }
  op.b.setInsertionPointToEnd(&block);
  OpBinder inner(state, op.node);
  SmallVector<Value> arguments = loop.makeArguments(inner, iteration, values);
  if (arguments.size() != loop.body.getNumArguments())
    return op.emitError() << "expected a subgraph of " << arguments.size()
                          << " inputs, found " << loop.body.getNumArguments();
  state.values.map(loop.body.getArguments(), arguments);
  FailureOr<SmallVector<Value>> outputs = state.convertBlock(loop.body);
  if (failed(outputs))
    return failure();
  results = *outputs;
  if (results.size() < loop.initial.size() + loop.hasCondition)
    return op.emitError() << "expected a subgraph of at least "
                          << loop.initial.size() + loop.hasCondition
                          << " outputs, found " << results.size();
  for (Value result : results)
    if (!isa<RankedTensorType>(result.getType()))
      return op.emitError() << "expected a subgraph whose outputs are tensors, "
                               "found "
                            << result.getType();
  if (loop.hasCondition &&
      !OpBinder::getElementType(results.front()).isInteger(1))
    return op.emitError() << "expected a condition of booleans, found "
                          << results.front().getType();
  return success();
}

FailureOr<bool> Attempt::check(Carried &assumed) {
  bool holds = true;
  for (auto [i, result] : llvm::enumerate(getCarriedResults())) {
    RankedTensorType type = assumed.types[i];
    RankedTensorType joined = joinTypes(type, OpBinder::getType(result));
    if (!joined)
      return op.emitError()
             << "carried value " << i << " changes from " << type << " to "
             << result.getType() << "; only sizes may change";
    // A result that knows more than the assumption is no reason to try again.
    for (int64_t dim = 0; dim < type.getRank(); ++dim) {
      if (!type.isDynamicDim(dim)) {
        holds &= !joined.isDynamicDim(dim);
        continue;
      }
      if (assumed.keeps[i][dim] &&
          !ShapeValues::areEqual(op.state.shapes.getDim(loop.initial[i], dim),
                                 state.shapes.getDim(result, dim))) {
        assumed.keeps[i][dim] = false;
        holds = false;
      }
    }
    for (int64_t dim = 0; dim < type.getRank(); ++dim)
      if (joined.isDynamicDim(dim) && !type.isDynamicDim(dim))
        assumed.keeps[i][dim] = false;
    assumed.types[i] = joined;
  }
  return holds;
}

bool Attempt::alwaysContinues() {
  return !loop.hasCondition ||
         getConstantIntValue(state.shapes.getElement(results.front(), 0)) == 1;
}

void Attempt::planStacks(bool isCounted) {
  unsigned first = loop.hasCondition + loop.initial.size();
  for (auto [i, slot] : llvm::enumerate(ArrayRef(results).drop_front(first))) {
    Stack stack;
    stack.slot = slot;
    stack.isReversed = i < loop.isReversed.size() && loop.isReversed[i];
    stack.sizes = state.shapes.getDims(slot);
    for (OpFoldResult size : stack.sizes)
      stack.isFixed.push_back(isOutside(size));
    stack.isSized = isCounted && !llvm::is_contained(stack.isFixed, false);
    stacks.push_back(stack);
  }
}

void Attempt::appendInitial(SmallVectorImpl<Value> &values) {
  for (const Stack &stack : stacks) {
    Type element = OpBinder::getElementType(stack.slot);
    SmallVector<OpFoldResult> sizes{op.b.getIndexAttr(0)};
    if (stack.isSized) {
      sizes = stack.sizes;
      sizes.insert(sizes.begin(), loop.tripCount);
    }
    Value buffer = tensor::EmptyOp::create(op.b, op.loc, sizes, element);
    if (!stack.isSized)
      buffer = castShape(op, buffer,
                         RankedTensorType::get(ShapedType::kDynamic, element));
    values.push_back(buffer);
    if (!stack.isSized)
      for (auto [size, isFixed] : llvm::zip_equal(stack.sizes, stack.isFixed))
        values.push_back(op.index(isFixed ? size : op.b.getIndexAttr(0)));
  }
}

SmallVector<Value> Attempt::inlineBody(Value iteration, ValueRange loopValues) {
  Block &block = region.front();
  block.getArgument(0).replaceAllUsesWith(iteration);
  for (auto [i, argument] : llvm::enumerate(block.getArguments().drop_front()))
    argument.replaceAllUsesWith(loopValues[i]);
  auto replaced = [&](Value value) -> Value {
    auto argument = dyn_cast<BlockArgument>(value);
    if (!argument || argument.getOwner() != &block)
      return value;
    unsigned number = argument.getArgNumber();
    return number == 0 ? iteration : loopValues[number - 1];
  };
  op.b.getBlock()->getOperations().splice(op.b.getInsertionPoint(),
                                          block.getOperations());
  for (Value &result : results)
    result = replaced(result);

  SmallVector<Value> next;
  for (auto [i, result] : llvm::enumerate(getCarriedResults()))
    next.push_back(castShape(op, result, carried.types[i]));
  unsigned at = loop.initial.size();
  for (const Stack &stack : stacks) {
    Value buffer = loopValues[at], slot = replaced(stack.slot);
    at += stack.getNumValues();
    if (stack.isSized) {
      OpFoldResult position = iteration;
      if (stack.isReversed) {
        Value last =
            arith::SubIOp::create(op.b, op.loc, op.index(loop.tripCount),
                                  op.index(op.b.getIndexAttr(1)));
        position =
            arith::SubIOp::create(op.b, op.loc, last, iteration).getResult();
      }
      next.push_back(insertSlot(op, slot, stack.sizes, buffer, position));
      continue;
    }
    SmallVector<OpFoldResult> sizes;
    for (OpFoldResult size : stack.sizes)
      sizes.push_back(
          isa<Value>(size) ? OpFoldResult(replaced(cast<Value>(size))) : size);
    Value row = op.reshape(slot, op.product(sizes));
    SmallVector<Value> parts{buffer, row};
    if (stack.isReversed)
      std::swap(parts[0], parts[1]);
    next.push_back(ConcatOp::create(op.b, op.loc, buffer.getType(), parts, 0));
    for (OpFoldResult size : sizes)
      next.push_back(op.index(size));
  }
  return next;
}

SmallVector<Value> Attempt::finishResults(ValueRange loopValues,
                                          OpFoldResult count) {
  SmallVector<Value> final;
  unsigned at = loop.initial.size();
  for (auto [i, value] : llvm::enumerate(loopValues.take_front(at))) {
    final.push_back(value);
    for (int64_t dim = 0; dim < OpBinder::getRank(value); ++dim)
      if (carried.types[i].isDynamicDim(dim) && carried.keeps[i][dim])
        op.state.shapes.bind(value, dim,
                             op.state.shapes.getDim(loop.initial[i], dim));
  }
  for (const Stack &stack : stacks) {
    Value buffer = loopValues[at];
    if (stack.isSized) {
      final.push_back(buffer);
      ++at;
      continue;
    }
    SmallVector<OpFoldResult> sizes{count};
    for (auto [i, size] : llvm::enumerate(stack.sizes))
      sizes.push_back(stack.isFixed[i] ? size
                                       : OpFoldResult(loopValues[at + 1 + i]));
    final.push_back(op.reshape(buffer, sizes));
    at += stack.getNumValues();
  }
  return final;
}

FailureOr<SmallVector<Value>> Attempt::finish() {
  bool isCounted = alwaysContinues() && !loop.startCondition;
  if (isCounted && !loop.tripCount)
    return op.emitError()
           << "the loop has neither a trip count nor a condition "
              "that ends it";
  planStacks(isCounted);
  Value zero = op.index(op.b.getIndexAttr(0));
  Value one = op.index(op.b.getIndexAttr(1));
  SmallVector<Value> initial;
  for (auto [value, type] : llvm::zip_equal(loop.initial, carried.types))
    initial.push_back(castShape(op, value, type));
  appendInitial(initial);
  if (isCounted) {
    auto forOp = scf::ForOp::create(
        op.b, op.loc, zero, op.index(loop.tripCount), one, initial,
        [&](OpBuilder &b, Location loc, Value iteration, ValueRange values) {
          OpBuilder::InsertionGuard guard(op.b);
          op.b.setInsertionPoint(b.getBlock(), b.getInsertionPoint());
          SmallVector<Value> next = inlineBody(iteration, values);
          scf::YieldOp::create(op.b, loc, next);
        });
    return finishResults(forOp.getResults(), loop.tripCount);
  }

  // The iteration number and the condition go before the other values.
  Value start = loop.startCondition
                    ? extractScalar(op, loop.startCondition)
                    : Value(arith::ConstantOp::create(op.b, op.loc,
                                                      op.b.getBoolAttr(true)));
  SmallVector<Value> values{zero, start};
  llvm::append_range(values, initial);
  auto whileOp = scf::WhileOp::create(
      op.b, op.loc, ValueRange(values).getTypes(), values,
      [&](OpBuilder &b, Location loc, ValueRange args) {
        Value goesOn = args[1];
        if (loop.tripCount) {
          Value limit = getValueOrCreateConstantIndexOp(b, loc, loop.tripCount);
          Value isBefore = arith::CmpIOp::create(
              b, loc, arith::CmpIPredicate::slt, args[0], limit);
          goesOn = arith::AndIOp::create(b, loc, goesOn, isBefore);
        }
        scf::ConditionOp::create(b, loc, goesOn, args);
      },
      [&](OpBuilder &b, Location loc, ValueRange args) {
        OpBuilder::InsertionGuard guard(op.b);
        op.b.setInsertionPoint(b.getBlock(), b.getInsertionPoint());
        SmallVector<Value> next = inlineBody(args[0], args.drop_front(2));
        Value count = arith::AddIOp::create(op.b, loc, args[0], one);
        Value goesOn =
            loop.hasCondition ? extractScalar(op, results.front()) : args[1];
        SmallVector<Value> yielded{count, goesOn};
        llvm::append_range(yielded, next);
        scf::YieldOp::create(op.b, loc, yielded);
      });
  return finishResults(whileOp.getResults().drop_front(2),
                       whileOp.getResult(0));
}

FailureOr<SmallVector<Value>> SubgraphLoop::convert() {
  Carried carried;
  for (Value value : initial) {
    carried.types.push_back(OpBinder::getType(value));
    carried.keeps.emplace_back(OpBinder::getRank(value), true);
  }
  // Every failed attempt weakens an assumption, so this ends.
  while (true) {
    Carried assumed = carried;
    Attempt attempt(*this, assumed);
    if (failed(attempt.convert()))
      return failure();
    FailureOr<bool> holds = attempt.check(carried);
    if (failed(holds))
      return failure();
    if (*holds)
      return attempt.finish();
  }
}

// Handlers of RNN, GRU and LSTM: one matrix product for the inputs of all time
// steps, then a loop over time that carries the state.
#include "mopt/Conversion/ONNXToMopt/Activation.h"
#include "mopt/Conversion/ONNXToMopt/HandlerRegistry.h"
#include "mopt/Conversion/ONNXToMopt/SubgraphLoop.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace mopt;

namespace {
enum class CellKind { rnn, gru, lstm };

/// A recurrent operator: X, W, R, B, sequence_lens, initial_h, initial_c, P.
/// Sequences are `[time, batch, ..]` while it is converted.
class RecurrentConverter {
public:
  RecurrentConverter(OpBinder &op, CellKind kind) : op(op), kind(kind) {}
  LogicalResult convert();

private:
  /// The parameters of one direction.
  struct Direction {
    Value w, r, wBias, rBias;
    /// The last gate's rows of `r` where it has a product of its own, and its
    /// `[1, hidden]` bias where that is inside of a product.
    Value rLast, biasLast;
    /// `[1, hidden]` for the gates i, o and f, if there are any.
    SmallVector<Value> peepholes;
    SmallVector<Value> state;
    ArrayRef<Activation> activations;
    bool isReversed;
  };
  struct Outputs {
    Value sequence;
    SmallVector<Value> state;
  };

  LogicalResult bind();
  FailureOr<Direction> getDirection(int64_t i);
  FailureOr<Outputs> runDirection(const Direction &direction);
  /// The state after a step, from the products of its input with all gates.
  SmallVector<Value> step(const Direction &direction, Value x,
                          ValueRange state);
  SmallVector<Value> stepRNN(const Direction &d, Value x, ValueRange state);
  SmallVector<Value> stepGRU(const Direction &d, Value x, ValueRange state);
  SmallVector<Value> stepLSTM(const Direction &d, Value x, ValueRange state);

  int64_t getNumGates() const {
    return kind == CellKind::rnn ? 1 : kind == CellKind::gru ? 3 : 4;
  }
  bool isLinearBeforeReset() {
    return op.getInt("linear_before_reset", 0) != 0;
  }
  /// Columns `[first, first + count) * hidden` of `x`, whose last dimension
  /// holds gates.
  Value gates(Value x, int64_t first, int64_t count = 1);
  /// Part `i` of a tensor whose first dimension holds directions.
  Value takeDirection(Value x, int64_t i);
  Value activate(const Activation &activation, Value x);
  Value add(Value x, Value y) { return op.binary(BinaryKind::add, x, y); }
  Value mul(Value x, Value y) { return op.binary(BinaryKind::mul, x, y); }

  OpBinder &op;
  CellKind kind;
  Value x, w, r, bias, lengths, initialH, initialC, peepholes;
  OpFoldResult time, batch;
  int64_t hidden = 0, numDirections = 1;
  bool isBatchFirst = false;
  SmallVector<Activation> activations;
};
} // namespace

LogicalResult RecurrentConverter::bind() {
  x = op.getTensor(0);
  w = op.getTensor(1);
  r = op.getTensor(2);
  if (!x || !w || !r)
    return failure();
  for (Value tensor : {x, w, r})
    if (OpBinder::getRank(tensor) != 3)
      return op.emitError()
             << "expected tensors of 3 dimensions, found " << tensor.getType();
  Value *optional[] = {&bias, &lengths, &initialH, &initialC, &peepholes};
  for (unsigned i = 0; i < 5; ++i)
    if (op.getOperand(3 + i)) {
      *optional[i] = op.getTensor(3 + i);
      if (!*optional[i])
        return failure();
    }
  isBatchFirst = op.getInt("layout", 0) != 0;
  if (isBatchFirst) {
    x = op.transpose(x, {1, 0, 2});
    if (initialH)
      initialH = op.transpose(initialH, {1, 0, 2});
    if (initialC)
      initialC = op.transpose(initialC, {1, 0, 2});
  }
  time = op.state.shapes.getDim(x, 0);
  batch = op.state.shapes.getDim(x, 1);
  StringRef direction = op.getString("direction", "forward");
  if (direction != "forward" && direction != "reverse" &&
      direction != "bidirectional")
    return op.emitError() << "expected direction 'forward', 'reverse' or "
                             "'bidirectional', found '"
                          << direction << "'";
  numDirections = direction == "bidirectional" ? 2 : 1;
  RankedTensorType type = OpBinder::getType(r);
  hidden =
      type.isDynamicDim(2) ? op.getInt("hidden_size", 0) : type.getDimSize(2);
  if (hidden < 1)
    return op.emitError() << "expected a hidden size that is known when the "
                             "model is compiled";
  auto expectSize = [&](Value tensor, int64_t dim,
                        int64_t size) -> LogicalResult {
    int64_t found = OpBinder::getType(tensor).getDimSize(dim);
    if (ShapedType::isStatic(found) && found != size)
      return op.emitError() << "expected size " << size << " in dimension "
                            << dim << ", found " << tensor.getType();
    return success();
  };
  int64_t rows = getNumGates() * hidden;
  for (Value tensor : {w, r})
    if (failed(expectSize(tensor, 0, numDirections)) ||
        failed(expectSize(tensor, 1, rows)))
      return failure();
  for (auto [tensor, columns] :
       {std::pair(bias, 2 * rows), std::pair(peepholes, 3 * hidden)}) {
    if (!tensor)
      continue;
    if (OpBinder::getRank(tensor) != 2)
      return op.emitError()
             << "expected 2 dimensions, found " << tensor.getType();
    if (failed(expectSize(tensor, 0, numDirections)) ||
        failed(expectSize(tensor, 1, columns)))
      return failure();
  }
  for (Value tensor : {initialH, initialC}) {
    if (!tensor)
      continue;
    if (OpBinder::getRank(tensor) != 3)
      return op.emitError()
             << "expected 3 dimensions, found " << tensor.getType();
    if (failed(expectSize(tensor, 0, numDirections)) ||
        failed(expectSize(tensor, 2, hidden)))
      return failure();
  }
  if (lengths && OpBinder::getRank(lengths) != 1)
    return op.emitError() << "expected sequence lengths of 1 dimension, found "
                          << lengths.getType();

  using Kind = Activation::Kind;
  SmallVector<Kind> defaults{Kind::tanh};
  if (kind == CellKind::gru)
    defaults = {Kind::sigmoid, Kind::tanh};
  if (kind == CellKind::lstm)
    defaults = {Kind::sigmoid, Kind::tanh, Kind::tanh};
  FailureOr<SmallVector<Activation>> functions =
      getActivations(op, numDirections, defaults);
  if (failed(functions))
    return failure();
  activations = *functions;
  return success();
}

Value RecurrentConverter::takeDirection(Value tensor, int64_t i) {
  if (numDirections > 1) {
    SmallVector<OpFoldResult> sizes = op.state.shapes.getDims(tensor);
    SmallVector<OpFoldResult> offsets(sizes.size(), op.b.getIndexAttr(0)),
        strides(sizes.size(), op.b.getIndexAttr(1));
    offsets[0] = op.b.getIndexAttr(i);
    sizes[0] = op.b.getIndexAttr(1);
    tensor = SliceOp::create(op.b, op.loc, tensor, offsets, sizes, strides);
  }
  return op.squeeze(tensor, {0});
}

Value RecurrentConverter::gates(Value tensor, int64_t first, int64_t count) {
  SmallVector<OpFoldResult> sizes = op.state.shapes.getDims(tensor);
  int64_t last = sizes.size() - 1;
  if (getConstantIntValue(sizes[last]) == count * hidden)
    return tensor;
  SmallVector<OpFoldResult> offsets(sizes.size(), op.b.getIndexAttr(0)),
      strides(sizes.size(), op.b.getIndexAttr(1));
  offsets[last] = op.b.getIndexAttr(first * hidden);
  sizes[last] = op.b.getIndexAttr(count * hidden);
  return SliceOp::create(op.b, op.loc, tensor, offsets, sizes, strides);
}

FailureOr<RecurrentConverter::Direction>
RecurrentConverter::getDirection(int64_t i) {
  Direction d;
  d.w = takeDirection(w, i);
  d.r = takeDirection(r, i);
  if (bias) {
    Value both = takeDirection(bias, i);
    d.wBias = gates(both, 0, getNumGates());
    d.rBias = gates(both, getNumGates(), getNumGates());
  }
  if (peepholes) {
    Value all = takeDirection(peepholes, i);
    for (int64_t gate = 0; gate < 3; ++gate)
      d.peepholes.push_back(op.unsqueeze(gates(all, gate), {0}));
  }
  if (kind == CellKind::gru && isLinearBeforeReset()) {
    if (d.rBias)
      d.biasLast = op.unsqueeze(gates(d.rBias, 2), {0});
  } else if (kind == CellKind::gru) {
    OpFoldResult zero = op.b.getIndexAttr(0), one = op.b.getIndexAttr(1);
    auto rows = [&](int64_t first, int64_t count) -> Value {
      return SliceOp::create(
          op.b, op.loc, d.r,
          ArrayRef<OpFoldResult>{op.b.getIndexAttr(first * hidden), zero},
          ArrayRef<OpFoldResult>{op.b.getIndexAttr(count * hidden),
                                 op.b.getIndexAttr(hidden)},
          ArrayRef<OpFoldResult>{one, one});
    };
    d.rLast = rows(2, 1);
    d.r = rows(0, 2);
  }
  SmallVector<Value> initials{initialH};
  if (kind == CellKind::lstm)
    initials.push_back(initialC);
  for (Value initial : initials) {
    Value state = initial ? takeDirection(initial, i) : Value();
    if (!state)
      state = BroadcastOp::create(
          op.b, op.loc, op.scalar(OpBinder::getElementType(x), 0, 2),
          ArrayRef<OpFoldResult>{batch, op.b.getIndexAttr(hidden)});
    d.state.push_back(state);
  }
  d.isReversed = i == 1 || op.getString("direction", "forward") == "reverse";
  size_t perDirection = activations.size() / numDirections;
  d.activations = ArrayRef(activations).slice(i * perDirection, perDirection);
  return d;
}

Value RecurrentConverter::activate(const Activation &activation, Value value) {
  if (op.hasAttr("clip")) {
    double limit = op.getFloat("clip", 0);
    value = op.binary(BinaryKind::max, op.binary(BinaryKind::min, value, limit),
                      -limit);
  }
  return activation.build(op, value);
}

SmallVector<Value> RecurrentConverter::stepRNN(const Direction &d, Value input,
                                               ValueRange state) {
  Value sum = add(input, op.matmul(state[0], d.r, false, true));
  return {activate(d.activations[0], sum)};
}

// Gates stand in the order z, r, h.
SmallVector<Value> RecurrentConverter::stepGRU(const Direction &d, Value input,
                                               ValueRange state) {
  Value h = state[0], product = op.matmul(h, d.r, false, true);
  const Activation &f = d.activations[0], &g = d.activations[1];
  Value update = activate(f, add(gates(input, 0), gates(product, 0)));
  Value reset = activate(f, add(gates(input, 1), gates(product, 1)));
  Value hiddenPart;
  if (isLinearBeforeReset()) {
    hiddenPart = gates(product, 2);
    if (d.biasLast)
      hiddenPart = add(hiddenPart, d.biasLast);
    hiddenPart = mul(reset, hiddenPart);
  } else {
    hiddenPart = op.matmul(mul(reset, h), d.rLast, false, true);
  }
  Value candidate = activate(g, add(gates(input, 2), hiddenPart));
  // (1 - z) * candidate + z * h
  Value rest =
      op.binary(BinaryKind::add, op.unary(UnaryKind::neg, update), 1.0);
  return {add(mul(rest, candidate), mul(update, h))};
}

// Gates stand in the order i, o, f, c.
SmallVector<Value> RecurrentConverter::stepLSTM(const Direction &d, Value input,
                                                ValueRange state) {
  Value cell = state[1];
  Value sum = add(input, op.matmul(state[0], d.r, false, true));
  auto peep = [&](int64_t gate, Value value, Value from) {
    return d.peepholes.empty() ? value
                               : add(value, mul(d.peepholes[gate], from));
  };
  const Activation &f = d.activations[0], &g = d.activations[1],
                   &h = d.activations[2];
  Value in = activate(f, peep(0, gates(sum, 0), cell));
  Value forget =
      op.getInt("input_forget", 0) != 0
          ? op.binary(BinaryKind::add, op.unary(UnaryKind::neg, in), 1.0)
          : activate(f, peep(2, gates(sum, 2), cell));
  Value candidate = activate(g, gates(sum, 3));
  Value next = add(mul(forget, cell), mul(in, candidate));
  Value out = activate(f, peep(1, gates(sum, 1), next));
  return {mul(out, h.build(op, next)), next};
}

SmallVector<Value> RecurrentConverter::step(const Direction &d, Value input,
                                            ValueRange state) {
  switch (kind) {
  case CellKind::rnn:
    return stepRNN(d, input, state);
  case CellKind::gru:
    return stepGRU(d, input, state);
  case CellKind::lstm:
    return stepLSTM(d, input, state);
  }
  return {};
}

FailureOr<RecurrentConverter::Outputs>
RecurrentConverter::runDirection(const Direction &d) {
  Type element = OpBinder::getElementType(x);
  OpFoldResult zero = op.b.getIndexAttr(0), one = op.b.getIndexAttr(1);
  OpFoldResult width = op.b.getIndexAttr(hidden);
  OpFoldResult allGates = op.b.getIndexAttr(getNumGates() * hidden);

  // All steps at once: [time * batch, input] by [input, gates * hidden].
  Value flat =
      op.reshape(x, {op.product({time, batch}), op.state.shapes.getDim(x, 2)});
  Value inputs = op.matmul(flat, d.w, false, true);
  if (!inputs)
    return failure();
  if (d.wBias) {
    Value sum = d.wBias;
    if (kind == CellKind::gru && isLinearBeforeReset()) {
      // The recurrent bias of the last gate is inside its product.
      Value firstTwo = add(gates(d.wBias, 0, 2), gates(d.rBias, 0, 2));
      auto type = OpBinder::getType(d.wBias);
      sum = ConcatOp::create(op.b, op.loc, type,
                             ValueRange{firstTwo, gates(d.wBias, 2)}, 0);
    } else {
      sum = add(d.wBias, d.rBias);
    }
    inputs = add(inputs, op.unsqueeze(sum, {0}));
  }
  inputs = op.reshape(inputs, {time, batch, allGates});

  SmallVector<OpFoldResult> stateSizes{batch, width};
  auto stateType = RankedTensorType::get(
      {getConstantIntValue(batch).value_or(ShapedType::kDynamic), hidden},
      element);
  SmallVector<Value> initial;
  for (Value state : d.state)
    initial.push_back(castShape(op, state, stateType));
  bool hasSequence = op.isResultUsed(0);
  if (hasSequence)
    initial.push_back(tensor::EmptyOp::create(
        op.b, op.loc, ArrayRef<OpFoldResult>{time, batch, width}, element));

  bool hasFailed = false;
  auto loop = scf::ForOp::create(
      op.b, op.loc, op.index(zero), op.index(time), op.index(one), initial,
      [&](OpBuilder &b, Location loc, Value iteration, ValueRange values) {
        OpBuilder::InsertionGuard guard(op.b);
        op.b.setInsertionPoint(b.getBlock(), b.getInsertionPoint());
        Value position = iteration;
        if (d.isReversed)
          position = arith::SubIOp::create(
              op.b, loc,
              arith::SubIOp::create(op.b, loc, op.index(time), op.index(one)),
              iteration);
        ValueRange state = values.take_front(d.state.size());
        for (Value value : state)
          op.state.shapes.bind(value, 0, batch);
        Value input = SliceOp::create(
            op.b, loc, inputs, ArrayRef<OpFoldResult>{position, zero, zero},
            ArrayRef<OpFoldResult>{one, batch, allGates},
            ArrayRef<OpFoldResult>{one, one, one});
        input = op.reshape(input, {batch, allGates});
        SmallVector<Value> next = step(d, input, state);
        Value slot = next.front();
        if (lengths && slot) {
          // Behind a sequence's end its state stays and its output is 0.
          Value isInside = op.compare(
              CompareKind::lt,
              op.cast(op.unsqueeze(op.fromIndices(OpFoldResult(position)), {0}),
                      OpBinder::getElementType(lengths)),
              op.reshape(lengths, {batch, one}));
          slot = op.select(isInside, slot, op.scalar(element, 0));
          for (auto [after, before] : llvm::zip_equal(next, state))
            after = op.select(isInside, after, before);
        }
        hasFailed = llvm::is_contained(next, Value()) || !slot;
        SmallVector<Value> yielded(values);
        if (!hasFailed) {
          for (auto [i, value] : llvm::enumerate(next))
            yielded[i] = castShape(op, value, stateType);
          if (hasSequence)
            yielded.back() =
                insertSlot(op, slot, stateSizes, values.back(), position);
        }
        scf::YieldOp::create(op.b, loc, yielded);
      });
  if (hasFailed)
    return failure();
  Outputs outputs;
  if (hasSequence)
    outputs.sequence = loop.getResults().back();
  for (Value value : loop.getResults().take_front(d.state.size())) {
    op.state.shapes.bind(value, 0, batch);
    outputs.state.push_back(value);
  }
  return outputs;
}

LogicalResult RecurrentConverter::convert() {
  if (failed(bind()))
    return failure();
  SmallVector<Value> sequences;
  SmallVector<SmallVector<Value>> states(kind == CellKind::lstm ? 2 : 1);
  for (int64_t i = 0; i < numDirections; ++i) {
    FailureOr<Direction> direction = getDirection(i);
    if (failed(direction))
      return failure();
    FailureOr<Outputs> outputs = runDirection(*direction);
    if (failed(outputs))
      return failure();
    if (outputs->sequence)
      sequences.push_back(op.unsqueeze(outputs->sequence, {1}));
    for (auto [list, value] : llvm::zip_equal(states, outputs->state))
      list.push_back(op.unsqueeze(value, {0}));
  }
  auto join = [&](ArrayRef<Value> parts, int64_t axis) -> Value {
    return parts.size() == 1
               ? parts.front()
               : ConcatOp::create(op.b, op.loc, parts, axis).getResult();
  };
  SmallVector<Value> results;
  Value sequence = sequences.empty() ? Value() : join(sequences, 1);
  results.push_back(sequence && isBatchFirst
                        ? op.transpose(sequence, {2, 0, 1, 3})
                        : sequence);
  for (ArrayRef<Value> list : states) {
    Value state = join(list, 0);
    results.push_back(isBatchFirst ? op.transpose(state, {1, 0, 2}) : state);
  }
  return op.replace(results);
}

template <CellKind kind> static LogicalResult convertRecurrent(OpBinder &op) {
  return RecurrentConverter(op, kind).convert();
}

void mopt::populateRecurrentHandlers(HandlerRegistry &registry) {
  registry.add("GRU", 1, convertRecurrent<CellKind::gru>);
  registry.add("LSTM", 1, convertRecurrent<CellKind::lstm>);
  registry.add("RNN", 1, convertRecurrent<CellKind::rnn>);
}

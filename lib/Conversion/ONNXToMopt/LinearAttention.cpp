// Handler of LinearAttention: a loop over time that carries a matrix per head.
#include "mopt/Conversion/ONNXToMopt/HandlerRegistry.h"
#include "mopt/Conversion/ONNXToMopt/IndexMath.h"
#include "mopt/Conversion/ONNXToMopt/OpBinder.h"
#include "mopt/Conversion/ONNXToMopt/SubgraphLoop.h"

#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

#include <cmath>

using namespace mlir;
using namespace mopt;

using Index = OpFoldResult;

namespace {
class LinearAttention {
public:
  explicit LinearAttention(OpBinder &op) : op(op), math(op.b, op.loc) {}
  LogicalResult convert();

private:
  FailureOr<Value> bindInput(unsigned operand, StringRef name);
  LogicalResult bindHeads();
  Value initialState(RankedTensorType type);
  /// Operand at time `t` as `[batch, ..]` with the rest of its sizes given.
  Value at(Value x, Value t, ArrayRef<Index> rest);
  /// The next state and the output of one step.
  std::pair<Value, Value> step(Value t, Value state);
  Value mul(Value x, Value y) { return op.binary(BinaryKind::mul, x, y); }

  OpBinder &op;
  IndexMath math;
  Type wide;
  /// Null if the rule has none.
  Value query, key, value, decay, beta;
  int64_t keyHeads = 0, group = 0;
  Index batch, time, keySize, valueSize;
  double scale = 1;
};
} // namespace

FailureOr<Value> LinearAttention::bindInput(unsigned operand, StringRef name) {
  TypedValue<RankedTensorType> x = op.getTensor(operand);
  if (!x)
    return failure();
  if (x.getType().getRank() != 3)
    return op.emitError() << "expected '" << name << "' of 3 dimensions, found "
                          << x.getType();
  if (x.getType().isDynamicDim(2))
    return op.emitError() << "a dynamic last dimension of '" << name
                          << "' is not supported, found " << x.getType();
  return op.cast(x, wide);
}

LogicalResult LinearAttention::bindHeads() {
  int64_t queryHeads = op.getInt("q_num_heads", 0);
  keyHeads = op.getInt("kv_num_heads", 0);
  if (keyHeads <= 0 || queryHeads <= 0 || queryHeads % keyHeads != 0)
    return op.emitError() << "expected 'q_num_heads' to be a multiple of "
                             "'kv_num_heads', found "
                          << queryHeads << " and " << keyHeads;
  group = queryHeads / keyHeads;
  auto width = [](Value x) { return OpBinder::getType(x).getDimSize(2); };
  if (width(query) % queryHeads != 0 || width(value) % keyHeads != 0 ||
      width(key) != width(query) / group)
    return op.emitError() << "expected heads of equal sizes, found "
                          << query.getType() << ", " << key.getType() << " and "
                          << value.getType();
  int64_t size = width(query) / queryHeads;
  keySize = math.constant(size);
  valueSize = math.constant(width(value) / keyHeads);
  if (decay && width(decay) != keyHeads && width(decay) != keyHeads * size)
    return op.emitError() << "expected a decay per head or per key, found "
                          << decay.getType();
  if (beta && width(beta) != keyHeads && width(beta) != 1)
    return op.emitError() << "expected a rate per head or one, found "
                          << beta.getType();
  scale = op.getFloat("scale", 0);
  if (scale == 0)
    scale = 1 / std::sqrt(static_cast<double>(size));
  return success();
}

Value LinearAttention::initialState(RankedTensorType type) {
  if (!op.getOperand(3))
    return castShape(
        op,
        BroadcastOp::create(op.b, op.loc, op.scalar(wide, 0, 4),
                            ArrayRef<Index>{batch, math.constant(keyHeads),
                                            keySize, valueSize}),
        type);
  Value past = op.getTensor(3);
  if (!past)
    return {};
  if (OpBinder::getRank(past) == 4)
    return castShape(op, op.cast(past, wide), type);
  op.emitError() << "expected a state of 4 dimensions, found " << past.getType();
  return {};
}

Value LinearAttention::at(Value x, Value t, ArrayRef<Index> rest) {
  Index zero = math.constant(0), one = math.constant(1);
  Value row = SliceOp::create(
      op.b, op.loc, x, ArrayRef<Index>{zero, t, zero},
      ArrayRef<Index>{batch, one, op.state.shapes.getDim(x, 2)},
      ArrayRef<Index>{one, one, one});
  SmallVector<Index> sizes{batch};
  llvm::append_range(sizes, rest);
  return op.reshape(row, sizes);
}

std::pair<Value, Value> LinearAttention::step(Value t, Value state) {
  Index one = math.constant(1), heads = math.constant(keyHeads);
  Value k = at(key, t, {heads, keySize, one});
  Value v = at(value, t, {heads, one, valueSize});
  if (decay) {
    bool isPerHead = OpBinder::getType(decay).getDimSize(2) == keyHeads;
    Value g = at(decay, t, {heads, isPerHead ? one : keySize, one});
    state = mul(state, op.unary(UnaryKind::exp, g));
  }
  if (beta) {
    bool isShared = OpBinder::getType(beta).getDimSize(2) == 1;
    Value rate = at(beta, t, {isShared ? one : heads, one, one});
    Value known = op.matmul(k, state, /*transposeLhs=*/true);
    v = mul(rate, op.binary(BinaryKind::sub, v, known));
  }
  state = op.binary(BinaryKind::add, state, mul(k, v));
  Value q = at(query, t, {heads, math.constant(group), keySize});
  Value y = op.binary(BinaryKind::mul, op.matmul(q, state), scale);
  return {state, y};
}

LogicalResult LinearAttention::convert() {
  TypedValue<RankedTensorType> input = op.getTensor(0);
  if (!input)
    return failure();
  Type element = input.getType().getElementType();
  wide = element.isF64() ? element : Type(op.b.getF32Type());
  FailureOr<Value> q = bindInput(0, "query"), k = bindInput(1, "key"),
                   v = bindInput(2, "value");
  if (failed(q) || failed(k) || failed(v))
    return failure();
  query = *q, key = *k, value = *v;
  StringRef rule = op.getString("update_rule", "gated_delta");
  bool isGated = rule == "gated" || rule == "gated_delta";
  bool isDelta = rule == "delta" || rule == "gated_delta";
  if (!isGated && !isDelta && rule != "linear")
    return op.emitError() << "expected the rule 'linear', 'gated', 'delta' or "
                             "'gated_delta', found '"
                          << rule << "'";
  if (isGated) {
    FailureOr<Value> bound = bindInput(4, "decay");
    if (failed(bound))
      return failure();
    decay = *bound;
  }
  if (isDelta) {
    FailureOr<Value> bound = bindInput(5, "beta");
    if (failed(bound))
      return failure();
    beta = *bound;
  }
  if (failed(bindHeads()))
    return failure();

  batch = op.state.shapes.getDim(query, 0);
  time = op.state.shapes.getDim(query, 1);
  Index width = math.mul(math.constant(keyHeads * group), valueSize);
  auto stateType = RankedTensorType::get(
      {getConstantIntValue(batch).value_or(ShapedType::kDynamic), keyHeads,
       *getConstantIntValue(keySize), *getConstantIntValue(valueSize)},
      wide);
  Value state = initialState(stateType);
  if (!state)
    return failure();
  Value outputs = tensor::EmptyOp::create(
      op.b, op.loc, ArrayRef<Index>{time, batch, width}, wide);
  bool hasFailed = false;
  auto loop = scf::ForOp::create(
      op.b, op.loc, math.value(math.constant(0)), math.value(time),
      math.value(math.constant(1)), ValueRange{state, outputs},
      [&](OpBuilder &b, Location loc, Value t, ValueRange carried) {
        OpBuilder::InsertionGuard guard(op.b);
        op.b.setInsertionPoint(b.getBlock(), b.getInsertionPoint());
        op.state.shapes.bind(carried[0], 0, batch);
        auto [next, y] = step(t, carried[0]);
        SmallVector<Value> yielded(carried);
        hasFailed = !next || !y;
        if (!hasFailed)
          yielded = {castShape(op, next, stateType),
                     insertSlot(op, op.reshape(y, {batch, width}),
                                {batch, width}, carried[1], t)};
        scf::YieldOp::create(op.b, loc, yielded);
      });
  if (hasFailed)
    return failure();
  op.state.shapes.bind(loop.getResult(0), 0, batch);
  op.state.shapes.bind(loop.getResult(1), 0, time);
  op.state.shapes.bind(loop.getResult(1), 1, batch);
  Value y = op.transpose(loop.getResult(1), {1, 0, 2});
  Value past = op.getOperand(3) ? Value(op.getTensor(3)) : Value(input);
  return op.replace({op.cast(y, element),
                     op.cast(loop.getResult(0), OpBinder::getElementType(past))});
}

static LogicalResult convertLinearAttention(OpBinder &op) {
  return LinearAttention(op).convert();
}

void mopt::populateLinearAttentionHandlers(HandlerRegistry &registry) {
  registry.add("LinearAttention", 27, convertLinearAttention);
}

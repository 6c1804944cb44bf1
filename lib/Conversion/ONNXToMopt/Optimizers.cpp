// Handlers of the training operators Adagrad, Adam and Momentum: one step of an
// optimizer on any number of tensors.
#include "mopt/Conversion/ONNXToMopt/HandlerRegistry.h"
#include "mopt/Conversion/ONNXToMopt/OpBinder.h"

using namespace mlir;
using namespace mopt;

namespace {
/// One tensor's step. Any value may be null: its builder has emitted an error.
class Step {
public:
  explicit Step(OpBinder &op) : op(op) {}

  Value add(Value x, Value y) { return op.binary(BinaryKind::add, x, y); }
  Value sub(Value x, Value y) { return op.binary(BinaryKind::sub, x, y); }
  Value mul(Value x, Value y) { return op.binary(BinaryKind::mul, x, y); }
  Value div(Value x, Value y) { return op.binary(BinaryKind::div, x, y); }
  Value add(Value x, double y) { return op.binary(BinaryKind::add, x, y); }
  Value mul(Value x, double y) { return op.binary(BinaryKind::mul, x, y); }
  Value sqrt(Value x) { return op.unary(UnaryKind::sqrt, x); }
  double attr(StringRef name, double otherwise) {
    return op.getFloat(name, otherwise);
  }
  /// The gradient with the derivative of the regularization.
  Value regularize(Value x, Value gradient) {
    return add(mul(x, attr("norm_coefficient", 0)), gradient);
  }
  /// `rate` from the second step on, `first` in the first one.
  Value afterFirst(Value count, Value rate, Value first) {
    Value isLater =
        op.compare(CompareKind::gt, count, op.scalar(op.b.getI64Type(), 0));
    return op.select(isLater, rate, first);
  }

  OpBinder &op;
  /// The learning rate and the number of steps made.
  Value rate, count;
};
} // namespace

/// Operands are the rate, the count, then `lists` lists of equally many
/// tensors: values, gradients, states. Results are new values and new states.
template <unsigned lists>
static LogicalResult
convertSteps(OpBinder &op,
             function_ref<SmallVector<Value>(Step &, ArrayRef<Value>)> make) {
  FailureOr<SmallVector<Value>> operands = op.getTensors();
  if (failed(operands))
    return failure();
  if (operands->size() < 2 || (operands->size() - 2) % lists != 0)
    return op.emitError() << "expected 2 inputs and a multiple of " << lists
                          << ", found " << operands->size();
  size_t width = (operands->size() - 2) / lists;
  Step step(op);
  step.rate = (*operands)[0], step.count = (*operands)[1];
  SmallVector<Value> results(width * (lists - 1));
  for (size_t i = 0; i < width; ++i) {
    SmallVector<Value> own;
    for (size_t list = 0; list < lists; ++list)
      own.push_back((*operands)[2 + list * width + i]);
    for (auto [list, value] : llvm::enumerate(make(step, own)))
      results[list * width + i] = value;
  }
  return op.replace(results);
}

static LogicalResult convertAdagrad(OpBinder &op) {
  return convertSteps<3>(op, [](Step &s, ArrayRef<Value> own) {
    Type type = OpBinder::getElementType(s.rate);
    Value decay = s.add(s.mul(s.op.cast(s.count, type), s.attr("decay_factor", 0)), 1);
    Value rate = s.div(s.rate, decay);
    Value gradient = s.regularize(own[0], own[1]);
    Value squares = s.add(own[2], s.mul(gradient, gradient));
    Value scale = s.add(s.sqrt(squares), s.attr("epsilon", 1e-6f));
    return SmallVector<Value>{
        s.sub(own[0], s.div(s.mul(gradient, rate), scale)), squares};
  });
}

static LogicalResult convertMomentum(OpBinder &op) {
  StringRef mode = op.getString("mode", "");
  if (mode != "standard" && mode != "nesterov")
    return op.emitError() << "expected mode 'standard' or 'nesterov', found '"
                          << mode << "'";
  bool isNesterov = mode == "nesterov";
  return convertSteps<3>(op, [&](Step &s, ArrayRef<Value> own) {
    Type type = OpBinder::getElementType(own[0]);
    double alpha = s.attr("alpha", 0);
    Value gradient = s.regularize(own[0], own[1]);
    Value weight = s.afterFirst(s.count, s.op.scalar(type, s.attr("beta", 0)),
                                s.op.scalar(type, 1));
    Value velocity = s.add(s.mul(own[2], alpha), s.mul(gradient, weight));
    Value change =
        isNesterov ? s.add(gradient, s.mul(velocity, alpha)) : velocity;
    return SmallVector<Value>{s.sub(own[0], s.mul(change, s.rate)), velocity};
  });
}

static LogicalResult convertAdam(OpBinder &op) {
  return convertSteps<4>(op, [](Step &s, ArrayRef<Value> own) {
    Type type = OpBinder::getElementType(s.rate);
    double alpha = s.attr("alpha", 0.9f), beta = s.attr("beta", 0.999f);
    Value gradient = s.regularize(own[0], own[1]);
    Value mean = s.add(s.mul(own[2], alpha), s.mul(gradient, 1 - alpha));
    Value squares = s.add(s.mul(own[3], beta),
                          s.mul(s.mul(gradient, gradient), 1 - beta));
    Value scale = s.add(s.sqrt(squares), s.attr("epsilon", 1e-6f));
    // 1 - x^count: what the averages lack in the first steps.
    Value count = s.op.cast(s.count, type);
    auto missing = [&](double x) {
      Value power = s.op.binary(BinaryKind::pow, s.op.scalar(type, x), count);
      return s.sub(s.op.scalar(type, 1), power);
    };
    Value later =
        s.div(s.mul(s.rate, s.sqrt(missing(beta))), missing(alpha));
    Value rate = s.afterFirst(s.count, later, s.rate);
    Value next = s.sub(own[0], s.div(s.mul(mean, rate), scale));
    return SmallVector<Value>{
        s.mul(next, 1 - s.attr("norm_coefficient_post", 0)), mean, squares};
  });
}

void mopt::populateOptimizerHandlers(HandlerRegistry &registry) {
  constexpr llvm::StringLiteral domain = "ai.onnx.preview.training";
  registry.add(domain, "Adagrad", 1, convertAdagrad);
  registry.add(domain, "Adam", 1, convertAdam);
  registry.add(domain, "Momentum", 1, convertMomentum);
}

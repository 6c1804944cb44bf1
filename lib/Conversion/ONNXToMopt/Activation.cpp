// Activation functions of recurrent operators.
#include "mopt/Conversion/ONNXToMopt/Activation.h"

using namespace mlir;
using namespace mopt;

namespace {
/// A name (compared without case), and the parameters with their defaults.
struct ActivationRow {
  StringLiteral name;
  Activation::Kind kind;
  bool hasAlpha, hasBeta;
  double alpha, beta;
};
} // namespace

static constexpr ActivationRow rows[] = {
    {"Relu", Activation::Kind::relu, false, false, 0, 0},
    {"Tanh", Activation::Kind::tanh, false, false, 0, 0},
    {"Sigmoid", Activation::Kind::sigmoid, false, false, 0, 0},
    {"Affine", Activation::Kind::affine, true, true, 1, 0},
    {"LeakyRelu", Activation::Kind::leakyRelu, true, false, 0.01f, 0},
    {"ThresholdedRelu", Activation::Kind::thresholdedRelu, true, false, 1, 0},
    {"ScaledTanh", Activation::Kind::scaledTanh, true, true, 1, 1},
    {"HardSigmoid", Activation::Kind::hardSigmoid, true, true, 0.2f, 0.5},
    {"Elu", Activation::Kind::elu, true, false, 1, 0},
    {"Softsign", Activation::Kind::softsign, false, false, 0, 0},
    {"Softplus", Activation::Kind::softplus, false, false, 0, 0}};

static const ActivationRow *findRow(StringRef name) {
  for (const ActivationRow &row : rows)
    if (row.name.equals_insensitive(name))
      return &row;
  return nullptr;
}

FailureOr<SmallVector<Activation>>
mopt::getActivations(OpBinder &op, int64_t numDirections,
                     ArrayRef<Activation::Kind> defaults) {
  SmallVector<Activation> functions;
  auto names = op.node.getNodeAttributes().getAs<ArrayAttr>("activations");
  if (!names || names.empty()) {
    for (int64_t i = 0; i < numDirections; ++i)
      for (Activation::Kind kind : defaults)
        functions.push_back({kind, 0, 0});
    return functions;
  }
  size_t expected = numDirections * defaults.size();
  if (names.size() != expected)
    return op.emitError() << "expected " << expected
                          << " values in 'activations', found " << names.size();
  // The lists hold values only for the functions that take them.
  SmallVector<float> alphas =
      op.getFloats("activation_alpha").value_or(SmallVector<float>());
  SmallVector<float> betas =
      op.getFloats("activation_beta").value_or(SmallVector<float>());
  size_t nextAlpha = 0, nextBeta = 0;
  for (Attribute attr : names) {
    auto name = dyn_cast<StringAttr>(attr);
    const ActivationRow *row = name ? findRow(name.getValue()) : nullptr;
    if (!row)
      return op.emitError()
             << "activation function " << attr << " is not supported";
    Activation function{row->kind, row->alpha, row->beta};
    if (row->hasAlpha && nextAlpha < alphas.size())
      function.alpha = alphas[nextAlpha++];
    if (row->hasBeta && nextBeta < betas.size())
      function.beta = betas[nextBeta++];
    functions.push_back(function);
  }
  return functions;
}

Value Activation::build(OpBinder &op, Value x) const {
  if (!x)
    return {};
  auto binary = [&](BinaryKind k, Value v, double number) {
    return op.binary(k, v, number);
  };
  auto selectAbove = [&](double limit, Value otherwise) {
    Value isAbove = op.compare(CompareKind::gt, x,
                               op.scalar(OpBinder::getElementType(x), limit));
    return op.select(isAbove, x, otherwise);
  };
  switch (kind) {
  case Kind::relu:
    return binary(BinaryKind::max, x, 0);
  case Kind::tanh:
    return op.unary(UnaryKind::tanh, x);
  case Kind::sigmoid:
    return op.unary(UnaryKind::sigmoid, x);
  case Kind::affine:
    return binary(BinaryKind::add, binary(BinaryKind::mul, x, alpha), beta);
  case Kind::leakyRelu:
    return selectAbove(0, binary(BinaryKind::mul, x, alpha));
  case Kind::thresholdedRelu:
    return selectAbove(alpha, op.scalar(OpBinder::getElementType(x), 0));
  case Kind::scaledTanh:
    return binary(BinaryKind::mul,
                  op.unary(UnaryKind::tanh, binary(BinaryKind::mul, x, beta)),
                  alpha);
  case Kind::hardSigmoid: {
    Value y = binary(BinaryKind::add, binary(BinaryKind::mul, x, alpha), beta);
    return binary(BinaryKind::min, binary(BinaryKind::max, y, 0), 1);
  }
  case Kind::elu: {
    Value power = op.unary(UnaryKind::exp, binary(BinaryKind::min, x, 0));
    return selectAbove(
        0, binary(BinaryKind::mul, binary(BinaryKind::sub, power, 1), alpha));
  }
  case Kind::softsign:
    return op.binary(BinaryKind::div, x,
                     binary(BinaryKind::add, op.unary(UnaryKind::abs, x), 1));
  case Kind::softplus: {
    // log(1 + exp(x)) without overflow.
    Value small = op.unary(
        UnaryKind::exp, op.unary(UnaryKind::neg, op.unary(UnaryKind::abs, x)));
    return op.binary(
        BinaryKind::add, binary(BinaryKind::max, x, 0),
        op.unary(UnaryKind::log, binary(BinaryKind::add, small, 1)));
  }
  }
  return {};
}

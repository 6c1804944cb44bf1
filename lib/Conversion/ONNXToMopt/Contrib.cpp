// Handlers of operators of the domain 'com.microsoft' that exporters and
// optimizers of models write.
#include "mopt/Conversion/ONNXToMopt/HandlerRegistry.h"
#include "mopt/Conversion/ONNXToMopt/OpBinder.h"

#include <cmath>

using namespace mlir;
using namespace mopt;

/// Operand `i` as a tensor, null if it is left out.
static FailureOr<Value> getOptional(OpBinder &op, unsigned i) {
  if (!op.getOperand(i))
    return Value();
  Value tensor = op.getTensor(i);
  if (!tensor)
    return failure();
  return tensor;
}

static Value gate(OpBinder &op, Value x, Value inner) {
  Value sum = op.binary(BinaryKind::add, inner, 1.0);
  return op.binary(BinaryKind::mul, op.binary(BinaryKind::mul, x, 0.5), sum);
}

/// x / 2 * (1 + erf(x / sqrt 2)), or its approximation by tanh.
template <bool isTanh> static LogicalResult convertBiasGelu(OpBinder &op) {
  Value x = op.getTensor(0);
  FailureOr<Value> bias = getOptional(op, 1);
  if (!x || failed(bias))
    return failure();
  if (*bias)
    x = op.binary(BinaryKind::add, x, *bias);
  if (!isTanh)
    return op.replace(gate(
        op, x,
        op.unary(UnaryKind::erf, op.binary(BinaryKind::mul, x, M_SQRT1_2))));
  Value cube = op.binary(BinaryKind::mul, op.binary(BinaryKind::mul, x, x), x);
  Value sum =
      op.binary(BinaryKind::add, x, op.binary(BinaryKind::mul, cube, 0.044715));
  return op.replace(
      gate(op, x,
           op.unary(UnaryKind::tanh,
                    op.binary(BinaryKind::mul, sum, std::sqrt(2 / M_PI)))));
}

static LogicalResult convertQuickGelu(OpBinder &op) {
  Value x = op.getTensor(0);
  Value inner = op.binary(BinaryKind::mul, x, op.getFloat("alpha", 1.702f));
  return op.replace(
      op.binary(BinaryKind::mul, x, op.unary(UnaryKind::sigmoid, inner)));
}

static LogicalResult convertFusedMatMul(OpBinder &op) {
  Value a = op.getTensor(0), b = op.getTensor(1);
  if (!a || !b)
    return failure();
  if (op.getInt("transBatchA", 0) != 0 || op.getInt("transBatchB", 0) != 0)
    return op.emitError() << "transposed batch dimensions are not supported";
  if (OpBinder::getRank(a) < 2 || OpBinder::getRank(b) < 2)
    return op.emitError() << "expected inputs of at least 2 dimensions, found "
                          << a.getType() << " and " << b.getType();
  Value y =
      op.matmul(a, b, op.getInt("transA", 0) != 0, op.getInt("transB", 0) != 0);
  double alpha = op.getFloat("alpha", 1);
  return op.replace(alpha == 1 ? y : op.binary(BinaryKind::mul, y, alpha));
}

/// Normalization of the last dimension, times `scale` plus `bias`.
static Value normalizeLast(OpBinder &op, Value x, Value scale, Value bias,
                           bool isRms, double epsilon) {
  Value y = NormalizeOp::create(op.b, op.loc, x, OpBinder::getRank(x) - 1,
                                llvm::APFloat(epsilon), isRms);
  y = op.binary(BinaryKind::mul, y, scale);
  return bias ? op.binary(BinaryKind::add, y, bias) : y;
}

/// Of input + skip + bias; output 3 is that sum.
template <bool isRms>
static LogicalResult convertSkipNormalization(OpBinder &op) {
  Value x = op.getTensor(0), skip = op.getTensor(1), scale = op.getTensor(2);
  FailureOr<Value> shift =
      isRms ? FailureOr<Value>(Value()) : getOptional(op, 3);
  FailureOr<Value> bias = getOptional(op, isRms ? 3 : 4);
  if (!x || !skip || !scale || failed(shift) || failed(bias))
    return failure();
  Value sum = op.binary(BinaryKind::add, x, skip);
  if (*bias)
    sum = op.binary(BinaryKind::add, sum, *bias);
  if (!sum)
    return failure();
  Value y = normalizeLast(op, sum, scale, *shift, isRms,
                          op.getFloat("epsilon", 1e-12f));
  return op.replace({y, Value(), Value(), sum});
}

/// The sum of word, position and segment embeddings, normalized. The second
/// output counts the positions that a mask keeps.
static LogicalResult convertEmbedLayerNormalization(OpBinder &op) {
  Value ids = op.getTensor(0), words = op.getTensor(2),
        places = op.getTensor(3), scale = op.getTensor(5),
        shift = op.getTensor(6);
  FailureOr<Value> segmentIds = getOptional(op, 1),
                   segments = getOptional(op, 4), mask = getOptional(op, 7),
                   positionIds = getOptional(op, 8);
  if (!ids || !words || !places || !scale || !shift || failed(segmentIds) ||
      failed(segments) || failed(mask) || failed(positionIds))
    return failure();
  if (OpBinder::getRank(ids) != 2)
    return op.emitError() << "expected ids of 2 dimensions, found "
                          << ids.getType();
  auto gather = [&](Value table, Value rows) -> Value {
    return GatherOp::create(op.b, op.loc, table, rows, 0);
  };
  Value positions = *positionIds;
  if (!positions)
    positions =
        IotaOp::create(op.b, op.loc,
                       ArrayRef<OpFoldResult>{op.b.getIndexAttr(1),
                                              op.state.shapes.getDim(ids, 1)},
                       1, op.b.getI64Type());
  Value sum =
      op.binary(BinaryKind::add, gather(words, ids), gather(places, positions));
  if (*segmentIds && *segments)
    sum = op.binary(BinaryKind::add, sum, gather(*segments, *segmentIds));
  if (!sum)
    return failure();
  Type i32 = op.b.getI32Type();
  Value count;
  if (*mask) {
    count = op.reduce(ReduceKind::sum, op.cast(*mask, i32), int64_t(1),
                      /*keepDims=*/false);
  } else {
    Value zero = op.scalar(i32, 0, 1);
    count =
        BroadcastOp::create(op.b, op.loc, zero, op.state.shapes.getDim(ids, 0));
  }
  Value y = normalizeLast(op, sum, scale, shift, /*isRms=*/false,
                          op.getFloat("epsilon", 1e-12f));
  return op.replace({y, count, sum});
}

void mopt::populateContribHandlers(HandlerRegistry &registry) {
  // Written without a domain, though ONNX has no such operator.
  StringRef domain = "com.microsoft";
  registry.add(domain, "BiasGelu", 1, convertBiasGelu<false>);
  registry.add(domain, "EmbedLayerNormalization", 1,
               convertEmbedLayerNormalization);
  registry.add(domain, "FastGelu", 1, convertBiasGelu<true>);
  registry.add(domain, "FusedMatMul", 1, convertFusedMatMul);
  registry.add(domain, "Gelu", 1, convertBiasGelu<false>);
  registry.add(domain, "QuickGelu", 1, convertQuickGelu);
  registry.add(domain, "SkipLayerNormalization", 1,
               convertSkipNormalization<false>);
  registry.add(domain, "SkipSimplifiedLayerNormalization", 1,
               convertSkipNormalization<true>);
}

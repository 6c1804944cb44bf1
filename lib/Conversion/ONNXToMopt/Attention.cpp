// Handler of Attention: products, an additive mask and a softmax, which later
// passes may recognize and fuse.
#include "mopt/Conversion/ONNXToMopt/HandlerRegistry.h"
#include "mopt/Conversion/ONNXToMopt/HeadGroups.h"
#include "mopt/Conversion/ONNXToMopt/IndexMath.h"
#include "mopt/Conversion/ONNXToMopt/OpBinder.h"

#include <cmath>
#include <limits>

using namespace mlir;
using namespace mopt;

static constexpr double kInfinity = std::numeric_limits<double>::infinity();

namespace {
class Attention {
public:
  explicit Attention(OpBinder &op) : op(op), math(op.b, op.loc) {}
  LogicalResult convert();

private:
  using Index = OpFoldResult;

  Index getDim(Value x, int64_t dim) { return op.state.shapes.getDim(x, dim); }
  FailureOr<Value> bindHeads(unsigned operand, StringRef attribute);
  FailureOr<Value> buildMask(Type element);
  Value buildAllowed();
  Value buildOffset();
  Value positions(int64_t axis, Index size);
  Value both(Value x, Value y);

  OpBinder &op;
  IndexMath math;
  bool isFlat = false;
  /// Of queries, of past keys, of all keys.
  Index queries, pastLength, total;
};
} // namespace

/// Operand 0, 1 or 2 as `[batch, heads, length, size]`.
FailureOr<Value> Attention::bindHeads(unsigned operand, StringRef attribute) {
  TypedValue<RankedTensorType> x = op.getTensor(operand);
  if (!x)
    return failure();
  if (x.getType().getRank() == 4)
    return Value(x);
  if (x.getType().getRank() != 3)
    return op.emitError() << "expected an input of 3 or 4 dimensions, found "
                          << x.getType();
  isFlat |= operand == 0;
  int64_t heads = op.getInt(attribute, 0), hidden = x.getType().getDimSize(2);
  if (heads <= 0 || (ShapedType::isStatic(hidden) && hidden % heads != 0))
    return op.emitError() << "expected a positive '" << attribute
                          << "' that divides the last dimension of "
                          << x.getType() << ", found " << heads;
  Index count = math.constant(heads);
  Value split = op.reshape(x, {getDim(x, 0), getDim(x, 1), count,
                               math.floorDiv(getDim(x, 2), count)});
  return op.transpose(split, {0, 2, 1, 3});
}

//===----------------------------------------------------------------------===//
// Masks
//===----------------------------------------------------------------------===//

/// `[1, .., size, .., 1]`: the position along `axis`.
Value Attention::positions(int64_t axis, Index size) {
  SmallVector<Index> sizes(4, math.constant(1));
  sizes[axis] = size;
  return IotaOp::create(op.b, op.loc, sizes, axis, op.b.getI64Type());
}

Value Attention::both(Value x, Value y) {
  return x && y ? op.binary(BinaryKind::and_, x, y) : x ? x : y;
}

/// Keys in front of the first query: a tensor that broadcasts along the batch.
Value Attention::buildOffset() {
  if (op.getOperand(4) || !op.getOperand(6))
    return op.reshape(op.fromIndices(pastLength),
                      SmallVector<Index>(4, math.constant(1)));
  Value valid = op.alongAxis(op.getTensor(6), 0, 4);
  return op.binary(BinaryKind::sub, valid,
                   op.reshape(op.fromIndices(queries),
                              SmallVector<Index>(4, math.constant(1))));
}

/// Which keys a query sees by its position; null if all.
Value Attention::buildAllowed() {
  bool isCausal = op.getInt("is_causal", 0) != 0;
  int64_t left = op.getInt("left_window_size", -1),
          right = op.getInt("right_window_size", -1);
  Value allowed;
  if (isCausal || left >= 0 || right >= 0) {
    Value key = positions(3, total);
    Value query =
        op.binary(BinaryKind::add, positions(2, queries), buildOffset());
    if (isCausal)
      allowed = op.compare(CompareKind::le, key, query);
    if (left >= 0)
      allowed = both(allowed,
                     op.compare(CompareKind::ge, key,
                                op.binary(BinaryKind::sub, query, left)));
    if (right >= 0)
      allowed = both(allowed,
                     op.compare(CompareKind::le, key,
                                op.binary(BinaryKind::add, query, right)));
  }
  if (op.getOperand(6))
    allowed = both(allowed,
                   op.compare(CompareKind::lt, positions(3, total),
                              op.alongAxis(op.getTensor(6), 0, 4)));
  return allowed;
}

/// What is added to the products: 0 or the mask, and -inf where a query does
/// not see a key. Null if there is nothing to add.
FailureOr<Value> Attention::buildMask(Type element) {
  Value mask;
  Value lowest = op.scalar(element, -kInfinity), zero = op.scalar(element, 0);
  if (op.getOperand(3)) {
    mask = op.getTensor(3);
    if (!mask)
      return failure();
    int64_t rank = OpBinder::getRank(mask);
    if (rank < 1 || rank > 4)
      return op.emitError() << "expected a mask of 1 to 4 dimensions, found "
                            << mask.getType();
    bool isBool = OpBinder::getElementType(mask).isInteger(1);
    // Keys that a short mask leaves out are not seen.
    Index length = getDim(mask, rank - 1);
    if (!ShapeValues::areEqual(length, total)) {
      SmallVector<Index> low(rank, math.constant(0)), high = low;
      high[rank - 1] = math.max(math.sub(total, length), math.constant(0));
      Value outside = isBool ? op.scalar(op.b.getI1Type(), 0)
                             : op.scalar(OpBinder::getElementType(mask),
                                         -kInfinity);
      mask = PadOp::create(op.b, op.loc, PadMode::constant, mask, outside, low,
                           high);
    }
    mask = isBool ? op.select(mask, zero, lowest) : op.cast(mask, element);
  }
  if (Value allowed = buildAllowed())
    mask = op.select(allowed, mask ? mask : zero, lowest);
  return mask;
}

//===----------------------------------------------------------------------===//
// The operator
//===----------------------------------------------------------------------===//

LogicalResult Attention::convert() {
  FailureOr<Value> q = bindHeads(0, "q_num_heads"),
                   k = bindHeads(1, "kv_num_heads"),
                   v = bindHeads(2, "kv_num_heads");
  if (failed(q) || failed(k) || failed(v))
    return failure();
  Type element = OpBinder::getElementType(*q);
  if (!isa<FloatType>(element))
    return op.emitError() << "elements of type " << element
                          << " are not supported, only floats";
  // Narrow types are rounded to once, in the end.
  Type compute = cast<FloatType>(element).getWidth() < 32
                     ? Type(op.b.getF32Type())
                     : element;
  pastLength = math.constant(0);
  if (op.getOperand(4) && op.getOperand(5)) {
    Value pastKey = op.getTensor(4), pastValue = op.getTensor(5);
    if (!pastKey || !pastValue)
      return failure();
    if (OpBinder::getRank(pastKey) != 4 || OpBinder::getRank(pastValue) != 4)
      return op.emitError() << "expected past keys and values of 4 dimensions, "
                               "found "
                            << pastKey.getType() << " and "
                            << pastValue.getType();
    pastLength = getDim(pastKey, 2);
    k = op.concat({pastKey, *k}, 2), v = op.concat({pastValue, *v}, 2);
    if (!*k || !*v)
      return failure();
  }
  if (op.getOperand(6) && (!op.getTensor(6) ||
                           OpBinder::getRank(op.getTensor(6)) != 1))
    return op.emitError() << "expected input 6 of one dimension";
  queries = getDim(*q, 2), total = getDim(*k, 2);

  FailureOr<HeadGroups> heads = HeadGroups::bind(op, *q, *k);
  if (failed(heads))
    return failure();
  Index size = getDim(*q, 3);
  Value wideQ = op.cast(*q, compute), wideK = op.cast(*k, compute);
  Value scaledQ, scaledK;
  if (op.hasAttr("scale") || getConstantIntValue(size)) {
    double scale =
        op.hasAttr("scale")
            ? op.getFloat("scale", 1)
            : 1 / std::sqrt(static_cast<double>(*getConstantIntValue(size)));
    // Each side by the root: the products might overflow.
    scaledQ = op.binary(BinaryKind::mul, wideQ, std::sqrt(scale));
    scaledK = op.binary(BinaryKind::mul, wideK, std::sqrt(scale));
  } else {
    Value width = op.cast(op.fromIndices(size), compute);
    Value root = op.unary(UnaryKind::sqrt, op.unary(UnaryKind::sqrt, width));
    scaledQ = op.binary(BinaryKind::div, wideQ, root);
    scaledK = op.binary(BinaryKind::div, wideK, root);
  }
  Value scores = heads->getScores(scaledQ, scaledK);
  if (!scores)
    return failure();
  int64_t mode = op.getInt("qk_matmul_output_mode", 0);
  Value shown = scores;
  double cap = op.getFloat("softcap", 0);
  if (cap != 0)
    scores = op.binary(
        BinaryKind::mul,
        op.unary(UnaryKind::tanh, op.binary(BinaryKind::div, scores, cap)), cap);
  if (mode == 1)
    shown = scores;
  FailureOr<Value> mask = buildMask(compute);
  if (failed(mask))
    return failure();
  if (*mask)
    scores = op.binary(BinaryKind::add, scores, *mask);
  if (!scores)
    return failure();
  if (mode == 2)
    shown = scores;
  // A narrower precision that is asked for is no reason to lose any.
  Type precision = op.getTypeAttr("softmax_precision", compute);
  if (!precision)
    return failure();
  if (precision.getIntOrFloatBitWidth() < compute.getIntOrFloatBitWidth())
    precision = compute;
  Value weights = SoftmaxOp::create(op.b, op.loc, op.cast(scores, precision), 3,
                                    /*log=*/false);
  weights = op.cast(weights, compute);
  // A query that sees no key has weights of 0. Without a mask there is none.
  bool mayBeBlind = op.getOperand(3) || op.getOperand(6) ||
                    op.getInt("left_window_size", -1) >= 0;
  if (*mask && mayBeBlind) {
    Value most = op.reduce(ReduceKind::max, *mask, OpBinder::getRank(*mask) - 1);
    Value isBlind =
        op.compare(CompareKind::eq, most, op.scalar(compute, -kInfinity));
    weights = op.select(isBlind, op.scalar(compute, 0), weights);
  }
  if (!weights)
    return failure();
  if (mode == 3)
    shown = weights;
  Value y = heads->getSums(weights, op.cast(*v, compute));
  y = op.cast(y, element);
  if (!y)
    return failure();
  if (isFlat)
    y = op.reshape(op.transpose(y, {0, 2, 1, 3}),
                   {getDim(*q, 0), queries,
                    math.mul(getDim(*q, 1), getDim(*v, 3))});
  return op.replace({y, *k, *v, op.cast(shown, element)});
}

static LogicalResult convertAttention(OpBinder &op) {
  return Attention(op).convert();
}

void mopt::populateAttentionHandlers(HandlerRegistry &registry) {
  registry.add("Attention", 23, convertAttention);
}

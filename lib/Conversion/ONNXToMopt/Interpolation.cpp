// Linear and cubic filters along one dimension.
#include "mopt/Conversion/ONNXToMopt/Interpolation.h"
#include "mopt/Conversion/ONNXToMopt/IndexMath.h"

using namespace mlir;
using namespace mopt;
using K = BinaryKind;
using Index = OpFoldResult;

/// The last position, as a tensor of one f32.
Value Interpolation::getLast() {
  IndexMath math(op.b, op.loc);
  Index last = math.sub(op.state.shapes.getDim(x, dim), math.constant(1));
  if (std::optional<int64_t> known = getConstantIntValue(last))
    return op.scalar(op.b.getF32Type(), *known, 1);
  return op.cast(op.fromIndices(last), op.b.getF32Type());
}

Value Interpolation::gather(Value at) {
  Value clamped = op.binary(K::max, op.binary(K::min, at, getLast()), 0.0);
  Value index = op.cast(clamped, op.b.getI64Type());
  return index ? GatherOp::create(op.b, op.loc, x, index, dim).getResult()
               : Value();
}

Value Interpolation::isInside(Value at, Value last) {
  Value zero = op.scalar(OpBinder::getElementType(at), 0);
  return op.binary(K::and_, op.compare(CompareKind::ge, at, zero),
                   op.compare(CompareKind::le, at, last));
}

/// Keys' cubic at a distance from 0 to 1, and from 1 to 2.
static Value nearCubic(OpBinder &op, double a, Value t) {
  Value y = op.binary(K::sub, op.binary(K::mul, t, a + 2), a + 3);
  return op.binary(K::add, op.binary(K::mul, op.binary(K::mul, y, t), t), 1.0);
}

static Value farCubic(OpBinder &op, double a, Value t) {
  Value y = op.binary(K::sub, op.binary(K::mul, t, a), 5 * a);
  y = op.binary(K::add, op.binary(K::mul, y, t), 8 * a);
  return op.binary(K::sub, op.binary(K::mul, y, t), 4 * a);
}

SmallVector<Value> Interpolation::getWeights(OpBinder &op, Filter kind, double a,
                                             Value fraction) {
  Value one = op.scalar(OpBinder::getElementType(fraction), 1);
  Value rest = op.binary(K::sub, one, fraction);
  if (kind == Filter::linear)
    return {rest, fraction};
  return {farCubic(op, a, op.binary(K::add, fraction, 1.0)),
          nearCubic(op, a, fraction), nearCubic(op, a, rest),
          farCubic(op, a, op.binary(K::add, rest, 1.0))};
}

Value Interpolation::filter(Filter kind, double a, Value at,
                            bool excludesOutside) {
  Value base = op.unary(UnaryKind::floor, at);
  SmallVector<Value> weights =
      getWeights(op, kind, a, op.binary(K::sub, at, base));
  double first = kind == Filter::cubic ? -1 : 0;
  SmallVector<Value> taps;
  for (size_t i = 0; i < weights.size(); ++i)
    taps.push_back(op.binary(K::add, base, first + i));
  if (excludesOutside) {
    Value sum;
    for (auto [tap, weight] : llvm::zip_equal(taps, weights)) {
      weight = op.select(isInside(tap, getLast()), weight,
                         op.scalar(OpBinder::getElementType(weight), 0));
      sum = sum ? op.binary(K::add, sum, weight) : weight;
    }
    for (Value &weight : weights)
      weight = op.binary(K::div, weight, sum);
  }
  Value result;
  for (auto [tap, weight] : llvm::zip_equal(taps, weights)) {
    weight = op.cast(weight, OpBinder::getElementType(x));
    if (!weight)
      return {};
    weight = op.alongAxis(weight, dim, OpBinder::getRank(x));
    Value term = op.binary(K::mul, gather(tap), weight);
    result = result ? op.binary(K::add, result, term) : term;
  }
  return result;
}

/// The filter at distances `t` of any sign; 0 beyond its reach.
static Value evaluate(OpBinder &op, Interpolation::Filter kind, double a,
                      Value t) {
  Type type = OpBinder::getElementType(t);
  t = op.unary(UnaryKind::abs, t);
  Value zero = op.scalar(type, 0);
  if (kind == Interpolation::Filter::linear)
    return op.binary(K::max, op.binary(K::sub, op.scalar(type, 1), t), zero);
  Value far = op.select(op.compare(CompareKind::lt, t, op.scalar(type, 2)),
                        farCubic(op, a, t), zero);
  return op.select(op.compare(CompareKind::le, t, op.scalar(type, 1)),
                   nearCubic(op, a, t), far);
}

Value Interpolation::filterWide(Filter kind, double a, Value at, Value scale,
                                bool excludesOutside) {
  IndexMath math(op.b, op.loc);
  Type f32 = op.b.getF32Type(), i64 = op.b.getI64Type();
  Value width = op.binary(K::min, scale, 1.0);
  int64_t rank = OpBinder::getRank(x);
  Index size = op.state.shapes.getDim(x, dim), reach = math.constant(0);
  Value padded = x;
  if (!excludesOutside) {
    // The ends continue as far as the filter reaches.
    Value support =
        op.scalar(f32, kind == Filter::cubic ? 2 : 1, 1);
    Value taps = op.unary(UnaryKind::ceil, op.binary(K::div, support, width));
    if (!taps)
      return {};
    taps = op.binary(K::add, op.cast(taps, i64), 1.0);
    reach = math.max(op.state.shapes.getElement(taps, 0), math.constant(0));
    SmallVector<Index> amounts(rank, math.constant(0));
    amounts[dim] = reach;
    padded = PadOp::create(op.b, op.loc, PadMode::edge, x,
                           op.scalar(OpBinder::getElementType(x), 0), amounts,
                           amounts);
  }
  // Weights [result, padded input], each row with the sum 1.
  Index all = math.add(size, math.add(reach, reach));
  SmallVector<Index> rowSizes{math.constant(1), all};
  Value tap = IotaOp::create(op.b, op.loc, rowSizes, 1, f32);
  tap = op.binary(K::sub, tap, op.cast(op.fromIndices(reach), f32));
  Value distance =
      op.binary(K::sub, tap, op.alongAxis(at, 0, 2));
  Value weights = evaluate(op, kind, a, op.binary(K::mul, distance, width));
  Value sum = op.reduce(ReduceKind::sum, weights, {1});
  weights = op.binary(K::div, weights, sum);
  weights = op.cast(weights, OpBinder::getElementType(x));
  SmallVector<int64_t> order;
  for (int64_t i = 0; i < rank; ++i)
    if (i != dim)
      order.push_back(i);
  order.push_back(dim);
  Value rows = op.transpose(padded, order);
  SmallVector<Index> sizes = op.state.shapes.getDims(rows);
  rows = op.reshape(rows, {op.product(ArrayRef(sizes).drop_back()), sizes.back()});
  Value y = op.matmul(rows, weights, /*transposeLhs=*/false,
                      /*transposeRhs=*/true);
  if (!y)
    return {};
  sizes.back() = op.state.shapes.getDim(at, 0);
  SmallVector<int64_t> back(rank);
  for (auto [i, from] : llvm::enumerate(order))
    back[from] = i;
  return op.transpose(op.reshape(y, sizes), back);
}

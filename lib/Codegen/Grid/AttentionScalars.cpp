// Scores, exponentials and results of attention, see the header. The intrinsics
// are those of the devices that multiply in warps.
#include "AttentionScalars.h"

#include "Epilogue.h"
#include "WordBuilder.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/Matchers.h"
#include "llvm/ADT/SmallVectorExtras.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace mopt;

/// Lanes that have scores of the same row.
static constexpr int64_t kLanesOfRow = 4;

/// What `sum` is multiplied by to give `value`, if that is all.
static std::optional<double> findFactor(Value value, Value sum) {
  double factor = 1;
  while (value != sum) {
    Operation *op = value.getDefiningOp();
    APFloat number(0.0);
    if (!isa_and_nonnull<arith::MulFOp, arith::DivFOp>(op) ||
        !matchPattern(op->getOperand(1), m_ConstantFloat(&number)))
      return std::nullopt;
    double by = number.convertToDouble();
    factor = isa<arith::MulFOp>(op) ? factor * by : factor / by;
    value = op->getOperand(0);
  }
  return factor;
}

/// `value` as `index` plus a number.
static std::optional<int64_t> findDistance(Value value, Value index) {
  int64_t distance = 0;
  while (value != index) {
    Operation *op = value.getDefiningOp();
    APInt number;
    if (isa_and_nonnull<arith::IndexCastOp>(op)) {
      value = op->getOperand(0);
      continue;
    }
    if (!isa_and_nonnull<arith::AddIOp>(op) ||
        !matchPattern(op->getOperand(1), m_ConstantInt(&number)))
      return std::nullopt;
    distance += number.getSExtValue();
    value = op->getOperand(0);
  }
  return distance;
}

/// How far behind its own number a row sees keys, if `condition` holds for
/// these.
static std::optional<int64_t> findLimit(Value condition, Value row, Value key) {
  auto compare = condition.getDefiningOp<arith::CmpIOp>();
  if (!compare)
    return std::nullopt;
  std::optional<int64_t> ofKey = findDistance(compare.getLhs(), key),
                         ofRow = findDistance(compare.getRhs(), row);
  bool isLess = compare.getPredicate() == arith::CmpIPredicate::slt,
       isAtMost = compare.getPredicate() == arith::CmpIPredicate::sle;
  if (!ofKey || !ofRow) {
    ofKey = findDistance(compare.getRhs(), key);
    ofRow = findDistance(compare.getLhs(), row);
    isLess = compare.getPredicate() == arith::CmpIPredicate::sgt;
    isAtMost = compare.getPredicate() == arith::CmpIPredicate::sge;
  }
  if (!ofKey || !ofRow || !(isLess || isAtMost))
    return std::nullopt;
  int64_t distance = *ofRow - *ofKey - isLess;
  return distance >= 0 ? std::optional(distance) : std::nullopt;
}

static bool isLowest(Value value) {
  return matchPattern(value, m_NegInfFloat());
}

/// What scores are for keys that rows see, and how far these see, of `value`.
static std::pair<Value, std::optional<int64_t>>
splitLimit(Value value, Value row, Value key) {
  if (auto select = value.getDefiningOp<arith::SelectOp>())
    if (isLowest(select.getFalseValue()))
      if (auto limit = findLimit(select.getCondition(), row, key))
        return {select.getTrueValue(), limit};
  if (auto sum = value.getDefiningOp<arith::AddFOp>())
    for (unsigned number : {0, 1}) {
      auto select = sum->getOperand(number).getDefiningOp<arith::SelectOp>();
      if (select && isLowest(select.getFalseValue()) &&
          matchPattern(select.getTrueValue(), m_AnyZeroFloat()))
        if (auto limit = findLimit(select.getCondition(), row, key))
          return {sum->getOperand(1 - number), limit};
    }
  return {value, std::nullopt};
}

AttentionScalars::AttentionScalars(GridBuilder &g, AttentionOp op)
    : g(g), op(op), factor(llvm::numbers::log2e) {
  Block &block = op.getScores().front();
  Value row = block.getArgument(1 + op.getBatchRank()),
        key = block.getArgument(2 + op.getBatchRank());
  auto [seen, limit] =
      splitLimit(block.getTerminator()->getOperand(0), row, key);
  causal = limit;
  std::optional<double> scale = findFactor(seen, block.getArgument(0));
  onlyScales = scale && *scale > 0 && std::isfinite(*scale);
  if (onlyScales)
    factor *= *scale;
}

Value AttentionScalars::number(double value) {
  return arith::ConstantOp::create(g.b, g.loc, g.b.getF32FloatAttr(value));
}

Value AttentionScalars::multiply(Value x, Value y) {
  return arith::MulFOp::create(g.b, g.loc, x, y);
}

Value AttentionScalars::call(StringRef intrinsic, Type type,
                             ValueRange operands) {
  return LLVM::CallIntrinsicOp::create(g.b, g.loc, type,
                                       g.b.getStringAttr(intrinsic), operands)
      .getResult(0);
}

Value AttentionScalars::power(Value exponent) {
  return call("llvm.nvvm.ex2.approx.ftz.f32", g.b.getF32Type(), exponent);
}

Value AttentionScalars::exchange(Value value, int64_t distance) {
  auto word = [&](int64_t value) {
    return arith::ConstantOp::create(g.b, g.loc, g.b.getI32IntegerAttr(value));
  };
  return NVVM::ShflOp::create(g.b, g.loc, value.getType(), word(-1), value,
                              word(distance), word(31), NVVM::ShflKind::bfly,
                              UnitAttr());
}

AttentionScalars::Row AttentionScalars::getEmptyRow() {
  return {number(-std::numeric_limits<double>::infinity()), number(0)};
}

AttentionScalars::Inputs AttentionScalars::loadInputs(ArrayRef<Value> point,
                                                      int64_t count) {
  if (onlyScales)
    return Inputs(count);
  return loadNeighbours(g, op.getScoreInputs(), getMaps(op.getScoreMaps()),
                        point, count);
}

bool AttentionScalars::readsForKeys() const {
  AttentionOp read = op;
  return !onlyScales && !read.getScoreInputs().empty() &&
         llvm::none_of(getMaps(read.getScoreMaps()), [&](AffineMap map) {
           return map.isFunctionOfDim(read.getBatchRank());
         });
}

SmallVector<Value> AttentionScalars::getScores(ArrayRef<Value> point,
                                               ArrayRef<Value> sums,
                                               const Inputs &inputs,
                                               bool ignoresLimit) {
  if (onlyScales) {
    SmallVector<Value> scores(sums);
    if (!causal || ignoresLimit)
      return scores;
    WordBuilder w(g.b, g.loc);
    auto toWord = [&](Value index) {
      return g.b.createOrFold<arith::IndexCastUIOp>(g.loc, g.b.getI32Type(),
                                                    index);
    };
    Value last = w.add(toWord(point[op.getBatchRank()]), *causal);
    for (auto [i, score] : llvm::enumerate(scores)) {
      Value isSeen =
          arith::CmpIOp::create(g.b, g.loc, arith::CmpIPredicate::ule,
                                w.add(toWord(point.back()), i), last);
      score = arith::SelectOp::create(
          g.b, g.loc, isSeen, score,
          number(-std::numeric_limits<double>::infinity()));
    }
    return scores;
  }
  return computeScalars(g, op.getScores().front(), point, sums, inputs);
}

Value AttentionScalars::limit(Value score, Value key) {
  Value count = arith::ConstantOp::create(g.b, g.loc,
                                          g.b.getI32IntegerAttr(op.getKeys()));
  Value isKey =
      arith::CmpIOp::create(g.b, g.loc, arith::CmpIPredicate::ult, key, count);
  return arith::SelectOp::create(
      g.b, g.loc, isKey, score,
      number(-std::numeric_limits<double>::infinity()));
}

Value AttentionScalars::add(Row &row, MutableArrayRef<Value> scores) {
  SmallVector<Value> tree(scores);
  auto reduce = [&](auto combine) {
    while (tree.size() > 1) {
      SmallVector<Value> next;
      for (size_t i = 0; i + 1 < tree.size(); i += 2)
        next.push_back(combine(tree[i], tree[i + 1]));
      if (tree.size() % 2 != 0)
        next.push_back(tree.back());
      tree = std::move(next);
    }
    return tree.front();
  };
  // NaN is none of the largest, and is one in the sum.
  auto larger = [&](Value x, Value y) -> Value {
    return arith::MaxNumFOp::create(g.b, g.loc, x, y);
  };
  Value most = reduce(larger);
  for (int64_t distance = 1; distance < kLanesOfRow; distance *= 2)
    most = larger(most, exchange(most, distance));
  most = larger(most, row.most);
  // Without a score yet there is nothing to subtract: -inf less -inf is none.
  Value isNone =
      arith::CmpFOp::create(g.b, g.loc, arith::CmpFPredicate::OEQ, most,
                            number(-std::numeric_limits<double>::infinity()));
  Value base = arith::SelectOp::create(g.b, g.loc, isNone, number(0), most);
  auto subtract = [&](Value x) -> Value {
    // Sums of products stay far from the largest floats, masks do not.
    if (!onlyScales)
      return multiply(arith::SubFOp::create(g.b, g.loc, x, base),
                      number(factor));
    Value shift =
        arith::NegFOp::create(g.b, g.loc, multiply(base, number(factor)));
    return math::FmaOp::create(g.b, g.loc, x, number(factor), shift);
  };
  Value shrink = power(subtract(row.most));
  for (Value &score : scores)
    score = power(subtract(score));
  tree.assign(scores.begin(), scores.end());
  Value sum = reduce([&](Value x, Value y) -> Value {
    return arith::AddFOp::create(g.b, g.loc, x, y);
  });
  row.sum = math::FmaOp::create(g.b, g.loc, row.sum, shrink, sum);
  row.most = most;
  return shrink;
}

Value AttentionScalars::getInverse(const Row &row) {
  Value sum = row.sum;
  for (int64_t distance = 1; distance < kLanesOfRow; distance *= 2)
    sum = arith::AddFOp::create(g.b, g.loc, sum, exchange(sum, distance));
  return arith::DivFOp::create(g.b, g.loc, number(1), sum);
}

Value AttentionScalars::pack(Value low, Value high) {
  Type type = getElementTypeOrSelf(op.getQuery().getType());
  Value both =
      call(type.isF16() ? "llvm.nvvm.ff2f16x2.rn" : "llvm.nvvm.ff2bf16x2.rn",
           VectorType::get(2, type), {high, low});
  return LLVM::BitcastOp::create(g.b, g.loc, g.b.getI32Type(), both);
}

SmallVector<Value> AttentionScalars::getResults(ArrayRef<Value> point,
                                                ArrayRef<Value> sums) {
  return computeScalars(g, op.getResults().front(), point, sums,
                        loadNeighbours(g, op.getResultInputs(),
                                       getMaps(op.getResultMaps()), point,
                                       sums.size()));
}

void AttentionScalars::storeResults(ArrayRef<Value> point,
                                    ArrayRef<Value> sums) {
  storeNeighbours(g, op.getInit(), op.getInitMap(), point,
                  getResults(point, sums));
}

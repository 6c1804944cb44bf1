// Products of attention whose heads of queries share keys.
#include "mopt/Conversion/ONNXToMopt/HeadGroups.h"

#include "mopt/Conversion/ONNXToMopt/IndexMath.h"

using namespace mlir;
using namespace mopt;

FailureOr<HeadGroups> HeadGroups::bind(OpBinder &op, Value query, Value key) {
  for (Value x : {query, key})
    if (OpBinder::getRank(x) != 4)
      return op.emitError() << "expected heads of 4 dimensions, found "
                            << x.getType();
  IndexMath math(op.b, op.loc);
  HeadGroups result(op);
  result.batch = op.state.shapes.getDim(query, 0);
  result.heads = op.state.shapes.getDim(query, 1);
  result.groups = op.state.shapes.getDim(key, 1);
  result.queries = op.state.shapes.getDim(query, 2);
  std::optional<int64_t> own = getConstantIntValue(result.heads),
                         shared = getConstantIntValue(result.groups);
  if (own && shared && (*shared == 0 || *own % *shared != 0))
    return op.emitError() << "expected a multiple of " << *shared
                          << " heads of queries, found " << *own;
  if (!ShapeValues::areEqual(result.heads, result.groups))
    result.rows = math.mul(math.floorDiv(result.heads, result.groups),
                           result.queries);
  return result;
}

Value HeadGroups::multiply(Value lhs, Value rhs, OpFoldResult inner,
                           OpFoldResult width, bool transposeRhs) const {
  if (!rows)
    return op.matmul(lhs, rhs, /*transposeLhs=*/false, transposeRhs);
  lhs = op.reshape(lhs, {batch, groups, rows, inner});
  Value product = op.matmul(lhs, rhs, /*transposeLhs=*/false, transposeRhs);
  return op.reshape(product, {batch, heads, queries, width});
}

Value HeadGroups::getScores(Value query, Value key) const {
  return multiply(query, key, op.state.shapes.getDim(query, 3),
                  op.state.shapes.getDim(key, 2), /*transposeRhs=*/true);
}

Value HeadGroups::getSums(Value weights, Value value) const {
  return multiply(weights, value, op.state.shapes.getDim(value, 2),
                  op.state.shapes.getDim(value, 3), /*transposeRhs=*/false);
}

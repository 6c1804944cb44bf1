// Handlers of reductions along axes.
#include "mopt/Conversion/ONNXToMopt/HandlerRegistry.h"
#include "mopt/Conversion/ONNXToMopt/OpBinder.h"

using namespace mlir;
using namespace mopt;

namespace {
enum class Reduction { sum, mean, max, min, prod, l1, l2, sumSquare, logSum, logSumExp };
} // namespace

/// Axes as an attribute or operand; all if left out, none with
/// `noop_with_empty_axes`.
static FailureOr<SmallVector<int64_t>> getAxes(OpBinder &op, int64_t rank) {
  FailureOr<std::optional<SmallVector<int64_t>>> stated =
      op.getIntsAttrOrOperand("axes", 1);
  if (failed(stated))
    return failure();
  if (*stated && !(*stated)->empty())
    return op.normalizeAxes(**stated, rank);
  if (op.getInt("noop_with_empty_axes", 0) != 0)
    return SmallVector<int64_t>();
  return llvm::to_vector(llvm::seq<int64_t>(0, rank));
}

template <Reduction kind>
static LogicalResult convertReduction(OpBinder &op) {
  Value x = op.getTensor(0);
  if (!x)
    return failure();
  FailureOr<SmallVector<int64_t>> axes = getAxes(op, OpBinder::getRank(x));
  if (failed(axes))
    return failure();
  Value y;
  switch (kind) {
  case Reduction::sum:
    y = op.reduce(ReduceKind::sum, x, *axes);
    break;
  case Reduction::mean:
    y = op.mean(x, *axes);
    break;
  case Reduction::max:
    y = op.reduce(ReduceKind::max, x, *axes);
    break;
  case Reduction::min:
    y = op.reduce(ReduceKind::min, x, *axes);
    break;
  case Reduction::prod:
    y = op.reduce(ReduceKind::prod, x, *axes);
    break;
  case Reduction::l1:
    y = op.reduce(ReduceKind::sum, op.unary(UnaryKind::abs, x), *axes);
    break;
  case Reduction::l2:
  case Reduction::sumSquare:
    y = op.reduce(ReduceKind::sum, op.binary(BinaryKind::mul, x, x), *axes);
    if (kind == Reduction::l2)
      y = op.unary(UnaryKind::sqrt, y);
    break;
  case Reduction::logSum:
    y = op.unary(UnaryKind::log, op.reduce(ReduceKind::sum, x, *axes));
    break;
  case Reduction::logSumExp: {
    // Shifted by the maximum, unless that is infinite.
    Value most = op.reduce(ReduceKind::max, x, *axes);
    Value shift = op.select(op.unary(UnaryKind::is_inf, most),
                            op.scalar(OpBinder::getElementType(x), 0), most);
    Value terms =
        op.unary(UnaryKind::exp, op.binary(BinaryKind::sub, x, shift));
    y = op.binary(
        BinaryKind::add,
        op.unary(UnaryKind::log, op.reduce(ReduceKind::sum, terms, *axes)),
        shift);
    break;
  }
  }
  if (op.getInt("keepdims", 1) == 0)
    y = op.squeeze(y, *axes);
  return op.replace(y);
}

template <ReduceKind kind>
static LogicalResult convertArg(OpBinder &op) {
  Value x = op.getTensor(0);
  if (!x)
    return failure();
  FailureOr<int64_t> axis =
      op.normalizeAxis(op.getInt("axis", 0), OpBinder::getRank(x));
  if (failed(axis))
    return failure();
  Value y = ArgReduceOp::create(op.b, op.loc, kind, x, *axis,
                                op.getInt("select_last_index", 0) != 0);
  if (op.getInt("keepdims", 1) == 0)
    y = op.squeeze(y, *axis);
  return op.replace(y);
}

/// The axis is an operand. If only run time knows it, all are computed.
template <ReduceKind kind>
static LogicalResult convertCumulative(OpBinder &op) {
  Value x = op.getTensor(0);
  FailureOr<SmallVector<OpFoldResult>> axes = op.getIndexOperand(1);
  if (!x || failed(axes))
    return failure();
  int64_t rank = OpBinder::getRank(x);
  if (axes->size() != 1 || rank == 0)
    return op.emitError() << "expected one axis of an input with dimensions, "
                             "found " << axes->size() << " of " << x.getType();
  bool isExclusive = op.getInt("exclusive", 0) != 0;
  bool isReverse = op.getInt("reverse", 0) != 0;
  auto scan = [&](int64_t axis) -> Value {
    return CumulativeOp::create(op.b, op.loc, kind, x, axis, isExclusive,
                                isReverse);
  };
  if (std::optional<int64_t> known = getConstantIntValue(axes->front())) {
    FailureOr<int64_t> axis = op.normalizeAxis(*known, rank);
    return failed(axis) ? failure() : op.replace(scan(*axis));
  }
  Value stated = op.fromIndices(axes->front()), result = scan(rank - 1);
  stated = op.reshape(stated, SmallVector<OpFoldResult>(rank, op.b.getIndexAttr(1)));
  stated = op.binary(BinaryKind::mod, stated, rank);
  for (int64_t axis = 0; axis < rank - 1; ++axis) {
    Value number = op.scalar(op.b.getI64Type(), axis, rank);
    result = op.select(op.compare(CompareKind::eq, stated, number), scan(axis),
                       result);
  }
  return op.replace(result);
}

static LogicalResult convertDet(OpBinder &op) {
  Value x = op.getTensor(0);
  if (!x)
    return failure();
  SmallVector<Type> types;
  if (failed(DeterminantOp::inferReturnTypes(op.b.getContext(), op.loc, x, {},
                                             OpaqueProperties(nullptr), {},
                                             types)))
    return failure();
  return op.replace(DeterminantOp::create(op.b, op.loc, x).getResult());
}

void mopt::populateReductionHandlers(HandlerRegistry &registry) {
  registry.add("ArgMax", 1, convertArg<ReduceKind::max>);
  registry.add("ArgMin", 1, convertArg<ReduceKind::min>);
  registry.add("CumProd", 26, convertCumulative<ReduceKind::prod>);
  registry.add("CumSum", 11, convertCumulative<ReduceKind::sum>);
  registry.add("Det", 11, convertDet);
  registry.add("ReduceL1", 1, convertReduction<Reduction::l1>);
  registry.add("ReduceL2", 1, convertReduction<Reduction::l2>);
  registry.add("ReduceLogSum", 1, convertReduction<Reduction::logSum>);
  registry.add("ReduceLogSumExp", 1, convertReduction<Reduction::logSumExp>);
  registry.add("ReduceMax", 1, convertReduction<Reduction::max>);
  registry.add("ReduceMean", 1, convertReduction<Reduction::mean>);
  registry.add("ReduceMin", 1, convertReduction<Reduction::min>);
  registry.add("ReduceProd", 1, convertReduction<Reduction::prod>);
  registry.add("ReduceSum", 1, convertReduction<Reduction::sum>);
  registry.add("ReduceSumSquare", 1, convertReduction<Reduction::sumSquare>);
}

// Handlers of operators that pick elements by their values. Where the size of a
// result depends on values, a count is computed first and read as an index.
#include "mopt/Conversion/ONNXToMopt/HandlerRegistry.h"
#include "mopt/Conversion/ONNXToMopt/IndexMath.h"
#include "mopt/Conversion/ONNXToMopt/OpBinder.h"

#include <limits>

using namespace mlir;
using namespace mopt;
using Index = OpFoldResult;

/// Positions `[rank, count]` of the elements that are not zero.
static Value findNonZero(OpBinder &op, Value x) {
  Type i64 = op.b.getI64Type();
  Value mask = op.cast(x, op.b.getI1Type());
  Value total = op.reduce(
      ReduceKind::sum, op.cast(mask, i64),
      llvm::to_vector(llvm::seq<int64_t>(0, OpBinder::getRank(x))));
  Value count = op.index(op.state.shapes.getElement(total, 0));
  return NonZeroOp::create(op.b, op.loc, mask, count);
}

static LogicalResult convertNonZero(OpBinder &op) {
  Value x = op.getTensor(0);
  if (!x)
    return failure();
  // A scalar counts as one element along one dimension.
  if (OpBinder::getRank(x) == 0)
    x = op.unsqueeze(x, {0});
  return op.replace(findNonZero(op, x));
}

static LogicalResult convertCompress(OpBinder &op) {
  Value x = op.getTensor(0), condition = op.getTensor(1);
  if (!x || !condition)
    return failure();
  if (OpBinder::getRank(condition) != 1)
    return op.emitError() << "expected a condition of one dimension, found "
                          << condition.getType();
  int64_t axis = 0;
  if (op.hasAttr("axis")) {
    FailureOr<int64_t> stated =
        op.normalizeAxis(op.getInt("axis", 0), OpBinder::getRank(x));
    if (failed(stated))
      return failure();
    axis = *stated;
  } else {
    x = op.reshape(x, op.product(op.state.shapes.getDims(x)));
  }
  // Conditions behind the end of the input pick nothing.
  IndexMath math(op.b, op.loc);
  Index length = math.min(op.state.shapes.getDim(condition, 0),
                          op.state.shapes.getDim(x, axis));
  condition = SliceOp::create(
      op.b, op.loc, condition, ArrayRef<Index>{math.constant(0)},
      ArrayRef<Index>{length}, ArrayRef<Index>{math.constant(1)});
  Value picked = op.squeeze(findNonZero(op, condition), {0});
  return op.replace(GatherOp::create(op.b, op.loc, x, picked, axis).getResult());
}

static LogicalResult convertTopK(OpBinder &op) {
  Value x = op.getTensor(0);
  if (!x)
    return failure();
  FailureOr<int64_t> axis =
      op.normalizeAxis(op.getInt("axis", -1), OpBinder::getRank(x));
  if (failed(axis))
    return failure();
  Index k = op.b.getIndexAttr(op.getInt("k", 0));
  if (!op.hasAttr("k")) {
    FailureOr<SmallVector<Index>> operand = op.getIndexOperand(1);
    if (failed(operand))
      return failure();
    if (operand->size() != 1)
      return op.emitError() << "expected one count, found " << operand->size();
    k = operand->front();
  }
  int64_t size = OpBinder::getType(x).getDimSize(*axis);
  if (std::optional<int64_t> known = getConstantIntValue(k))
    if (*known < 0 || (ShapedType::isStatic(size) && *known > size))
      return op.emitError() << "expected a count from 0 to " << size
                            << ", found " << *known;
  auto topK = TopKOp::create(op.b, op.loc, x, k, *axis,
                             op.getInt("largest", 1) != 0);
  return op.replace(topK.getResults());
}

/// Items are the elements, or the slices along `axis`, each as a row.
static LogicalResult convertUnique(OpBinder &op) {
  Value x = op.getTensor(0);
  if (!x)
    return failure();
  int64_t axis = 0;
  if (op.hasAttr("axis")) {
    FailureOr<int64_t> stated =
        op.normalizeAxis(op.getInt("axis", 0), OpBinder::getRank(x));
    if (failed(stated))
      return failure();
    axis = *stated;
  } else {
    x = op.reshape(x, op.product(op.state.shapes.getDims(x)));
  }
  SmallVector<int64_t> order{axis};
  for (int64_t dim = 0; dim < OpBinder::getRank(x); ++dim)
    if (dim != axis)
      order.push_back(dim);
  Value items = op.transpose(x, order);
  SmallVector<Index> sizes = op.state.shapes.getDims(items);
  items = op.reshape(items, {sizes[0], op.product(ArrayRef(sizes).drop_front())});
  bool isSorted = op.getInt("sorted", 1) != 0;
  auto unique = UniqueIdsOp::create(op.b, op.loc, items, isSorted);
  Value ids = unique.getIds();
  IndexMath math(op.b, op.loc);
  Index count = math.min(op.state.shapes.getElement(unique.getCount(), 0),
                         sizes[0]);
  Type i64 = op.b.getI64Type();
  auto filled = [&](double number, Index size) -> Value {
    return BroadcastOp::create(op.b, op.loc, op.scalar(i64, number, 1),
                               ArrayRef<Index>{size});
  };
  Value position =
      IotaOp::create(op.b, op.loc, ArrayRef<Index>{sizes[0]}, 0, i64);
  Value length = op.fromIndices(sizes[0]);
  Value first = BroadcastOp::create(op.b, op.loc, length, ArrayRef<Index>{count});
  first = ScatterElementsOp::create(op.b, op.loc, ScatterKind::min, first, ids,
                                    position, 0);
  Value y = GatherOp::create(op.b, op.loc, x, first, axis);
  Value counts;
  if (op.isResultUsed(3))
    counts = ScatterElementsOp::create(op.b, op.loc, ScatterKind::add,
                                       filled(0, count), ids,
                                       filled(1, sizes[0]), 0);
  return op.replace({y, first, ids, counts});
}

static LogicalResult convertNonMaxSuppression(OpBinder &op) {
  Value boxes = op.withSize(op.getTensor(0), 2, 4), scores = op.getTensor(1);
  if (!boxes || !scores)
    return failure();
  // Without a limit no box is selected.
  Index limit = op.b.getIndexAttr(0);
  if (op.getOperand(2)) {
    FailureOr<SmallVector<Index>> stated = op.getIndexOperand(2);
    if (failed(stated))
      return failure();
    if (stated->size() != 1)
      return op.emitError() << "expected one limit, found " << stated->size();
    limit = stated->front();
  }
  auto threshold = [&](unsigned i, double otherwise) -> Value {
    if (!op.getOperand(i))
      return op.scalar(op.b.getF32Type(), otherwise);
    Value x = op.withSize(op.getTensor(i), 0, 1);
    if (x && (!OpBinder::getType(x).hasStaticShape() ||
              OpBinder::getType(x).getNumElements() != 1)) {
      op.emitError() << "expected a threshold of one element, found "
                     << x.getType();
      return {};
    }
    return op.reshape(x, {});
  };
  Value iou = threshold(3, 0);
  Value score = threshold(4, -std::numeric_limits<double>::infinity());
  if (!iou || !score)
    return failure();
  SmallVector<Type> types;
  NonMaxSuppressionOp::Properties properties;
  if (failed(NonMaxSuppressionOp::inferReturnTypes(
          op.b.getContext(), op.loc,
          {boxes, scores, iou, score, op.index(limit)}, {}, &properties, {},
          types)))
    return failure();
  auto nms = NonMaxSuppressionOp::create(op.b, op.loc, boxes, scores, iou, score,
                                         op.index(limit),
                                         op.getInt("center_point_box", 0) != 0);
  IndexMath math(op.b, op.loc);
  Index rows = op.state.shapes.getDim(nms.getSelected(), 0);
  Index count = math.clamp(op.state.shapes.getElement(nms.getCount(), 0),
                           math.constant(0), rows);
  SmallVector<Index> zeros(2, math.constant(0)), ones(2, math.constant(1));
  return op.replace(SliceOp::create(op.b, op.loc, nms.getSelected(), zeros,
                                    {count, math.constant(3)}, ones)
                        .getResult());
}

void mopt::populateSelectionHandlers(HandlerRegistry &registry) {
  registry.add("Compress", 9, convertCompress);
  registry.add("NonMaxSuppression", 10, convertNonMaxSuppression);
  registry.add("NonZero", 9, convertNonZero);
  registry.add("TopK", 1, convertTopK);
  registry.add("Unique", 11, convertUnique);
}

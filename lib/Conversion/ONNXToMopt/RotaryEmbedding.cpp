// Handler of RotaryEmbedding: pairs of elements turned by an angle that depends
// on the position.
#include "mopt/Conversion/ONNXToMopt/HandlerRegistry.h"
#include "mopt/Conversion/ONNXToMopt/IndexMath.h"
#include "mopt/Conversion/ONNXToMopt/OpBinder.h"

using namespace mlir;
using namespace mopt;

using Index = OpFoldResult;

/// `count` elements of the last dimension from `first` on, each `step`-th.
static Value sliceLast(OpBinder &op, Value x, Index first, Index count,
                       int64_t step) {
  SmallVector<Index> sizes = op.state.shapes.getDims(x);
  SmallVector<Index> offsets(sizes.size(), op.b.getIndexAttr(0)),
      strides(sizes.size(), op.b.getIndexAttr(1));
  offsets.back() = first, sizes.back() = count;
  strides.back() = op.b.getIndexAttr(step);
  return SliceOp::create(op.b, op.loc, x, offsets, sizes, strides);
}

/// Operand 1 or 2, by positions if there are any, with a dimension for the
/// heads.
static Value bindCache(OpBinder &op, unsigned operand, int64_t headAxis) {
  Value cache = op.getTensor(operand);
  if (!cache)
    return {};
  if (op.getOperand(3)) {
    Value ids = op.getTensor(3);
    if (!ids)
      return {};
    if (OpBinder::getRank(cache) == 2 && OpBinder::getRank(ids) == 2)
      cache = GatherOp::create(op.b, op.loc, cache, ids, 0);
  }
  if (OpBinder::getRank(cache) == 3)
    return op.unsqueeze(cache, headAxis);
  op.emitError() << "expected a cache of 3 dimensions, or of 2 and positions of "
                    "2, found "
                 << cache.getType();
  return {};
}

static LogicalResult convertRotaryEmbedding(OpBinder &op) {
  Value x = op.getTensor(0);
  if (!x)
    return failure();
  IndexMath math(op.b, op.loc);
  SmallVector<Index> shape = op.state.shapes.getDims(x);
  int64_t rank = shape.size(), heads = op.getInt("num_heads", 0);
  if (rank != 4 && (rank != 3 || heads <= 0))
    return op.emitError() << "expected an input of 4 dimensions, or of 3 and a "
                             "positive 'num_heads', found "
                          << x.getType();
  // Heads come before positions, or after them.
  int64_t headAxis = rank == 4 ? 1 : 2;
  if (rank == 3)
    x = op.reshape(x, {shape[0], shape[1], math.constant(heads),
                       math.floorDiv(shape[2], math.constant(heads))});
  Value cos = bindCache(op, 1, headAxis), sin = bindCache(op, 2, headAxis);
  if (!cos || !sin)
    return failure();

  Index size = op.state.shapes.getDim(x, 3), zero = math.constant(0);
  int64_t stated = op.getInt("rotary_embedding_dim", 0);
  Index turned = stated > 0 ? math.constant(stated) : size;
  Index half = math.floorDiv(turned, math.constant(2));
  bool isInterleaved = op.getInt("interleaved", 0) != 0;
  Value re = sliceLast(op, x, zero, half, isInterleaved ? 2 : 1);
  Value im = sliceLast(op, x, isInterleaved ? math.constant(1) : half, half,
                       isInterleaved ? 2 : 1);
  auto times = [&](Value a, Value b) { return op.binary(BinaryKind::mul, a, b); };
  Value newRe = op.binary(BinaryKind::sub, times(re, cos), times(im, sin));
  Value newIm = op.binary(BinaryKind::add, times(re, sin), times(im, cos));
  if (!newRe || !newIm)
    return failure();
  Value result;
  if (isInterleaved) {
    result = op.concat({op.unsqueeze(newRe, 4), op.unsqueeze(newIm, 4)}, 4);
    SmallVector<Index> sizes = op.state.shapes.getDims(x);
    sizes.back() = turned;
    result = op.reshape(result, sizes);
  } else {
    result = op.concat({newRe, newIm}, 3);
  }
  if (!ShapeValues::areEqual(turned, size) && result)
    result = op.concat(
        {result, sliceLast(op, x, turned, math.sub(size, turned), 1)}, 3);
  return op.replace(rank == 3 ? op.reshape(result, shape) : result);
}

void mopt::populateRotaryEmbeddingHandlers(HandlerRegistry &registry) {
  registry.add("RotaryEmbedding", 23, convertRotaryEmbedding);
}

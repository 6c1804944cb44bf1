// Handlers of operators that repeat or rearrange blocks of elements.
#include "mopt/Conversion/ONNXToMopt/HandlerRegistry.h"
#include "mopt/Conversion/ONNXToMopt/IndexMath.h"
#include "mopt/Conversion/ONNXToMopt/OpBinder.h"

using namespace mlir;
using namespace mopt;
using Index = OpFoldResult;

/// Each dimension behind one of the number of its repetitions.
static LogicalResult convertTile(OpBinder &op) {
  Value x = op.getTensor(0);
  if (!x)
    return failure();
  int64_t rank = OpBinder::getRank(x);
  IndexMath math(op.b, op.loc);
  SmallVector<Index> repeats;
  if (op.getVersion() < 6) {
    FailureOr<SmallVector<Index>> count = op.getIndexOperand(1);
    FailureOr<SmallVector<int64_t>> axis = op.getConstantInts(2);
    if (failed(count) || failed(axis))
      return failure();
    if (count->size() != 1 || axis->size() != 1)
      return op.emitError() << "expected one count and one axis, found "
                            << count->size() << " and " << axis->size();
    FailureOr<int64_t> normal = op.normalizeAxis(axis->front(), rank);
    if (failed(normal))
      return failure();
    repeats.assign(rank, math.constant(1));
    repeats[*normal] = count->front();
  } else {
    FailureOr<SmallVector<Index>> stated = op.getIndexOperand(1);
    if (failed(stated))
      return failure();
    if (static_cast<int64_t>(stated->size()) != rank)
      return op.emitError() << "expected " << rank << " repetitions, found "
                            << stated->size();
    repeats = *stated;
  }
  SmallVector<Index> sizes = op.state.shapes.getDims(x), split, repeated, result;
  for (auto [size, count] : llvm::zip_equal(sizes, repeats)) {
    Index times = math.max(count, math.constant(0));
    split.append({math.constant(1), size});
    repeated.append({times, size});
    result.push_back(math.mul(times, size));
  }
  Value y = BroadcastOp::create(op.b, op.loc, op.reshape(x, split), repeated);
  return op.replace(op.reshape(y, result));
}

/// Checked operand and block size of DepthToSpace and SpaceToDepth.
static FailureOr<std::pair<Value, int64_t>> getBlocks(OpBinder &op) {
  Value x = op.getTensor(0);
  if (!x)
    return failure();
  int64_t block = op.getInt("blocksize", 0);
  if (OpBinder::getRank(x) != 4 || block < 1)
    return op.emitError() << "expected an input of 4 dimensions and a positive "
                             "block size, found " << x.getType() << " and "
                          << block;
  return std::pair(x, block);
}

static LogicalResult checkDivides(OpBinder &op, Index size, int64_t divisor) {
  std::optional<int64_t> known = getConstantIntValue(size);
  if (known && *known % divisor != 0)
    return op.emitError() << "cannot divide a size of " << *known << " by "
                          << divisor;
  return success();
}

/// Does the position in a block come before the channel?
static FailureOr<bool> getOrder(OpBinder &op) {
  StringRef mode = op.getString("mode", "DCR");
  if (mode != "DCR" && mode != "CRD")
    return op.emitError() << "expected mode 'DCR' or 'CRD', found '" << mode
                          << "'";
  return mode == "DCR";
}

static LogicalResult convertDepthToSpace(OpBinder &op) {
  auto blocks = getBlocks(op);
  if (failed(blocks))
    return failure();
  auto [x, block] = *blocks;
  FailureOr<bool> isBlockFirst = getOrder(op);
  if (failed(isBlockFirst))
    return failure();
  IndexMath math(op.b, op.loc);
  SmallVector<Index> sizes = op.state.shapes.getDims(x);
  if (failed(checkDivides(op, sizes[1], block * block)))
    return failure();
  Index b = math.constant(block);
  Index depth = math.floorDiv(sizes[1], math.constant(block * block));
  Value y = *isBlockFirst
                ? op.reshape(x, {sizes[0], b, b, depth, sizes[2], sizes[3]})
                : op.reshape(x, {sizes[0], depth, b, b, sizes[2], sizes[3]});
  y = *isBlockFirst ? op.transpose(y, {0, 3, 4, 1, 5, 2})
                   : op.transpose(y, {0, 1, 4, 2, 5, 3});
  return op.replace(op.reshape(
      y, {sizes[0], depth, math.mul(sizes[2], b), math.mul(sizes[3], b)}));
}

static LogicalResult convertSpaceToDepth(OpBinder &op) {
  auto blocks = getBlocks(op);
  FailureOr<bool> isBlockFirst = getOrder(op);
  if (failed(blocks) || failed(isBlockFirst))
    return failure();
  auto [x, block] = *blocks;
  IndexMath math(op.b, op.loc);
  SmallVector<Index> sizes = op.state.shapes.getDims(x);
  if (failed(checkDivides(op, sizes[2], block)) ||
      failed(checkDivides(op, sizes[3], block)))
    return failure();
  Index b = math.constant(block);
  Index height = math.floorDiv(sizes[2], b), width = math.floorDiv(sizes[3], b);
  Value y = op.reshape(x, {sizes[0], sizes[1], height, b, width, b});
  y = *isBlockFirst ? op.transpose(y, {0, 3, 5, 1, 2, 4})
                    : op.transpose(y, {0, 1, 3, 5, 2, 4});
  return op.replace(op.reshape(
      y, {sizes[0], math.mul(sizes[1], math.constant(block * block)), height,
          width}));
}

/// Adds all blocks up at their positions in the padded image, then cuts the
/// padding off.
static LogicalResult convertCol2Im(OpBinder &op) {
  Value x = op.getTensor(0);
  FailureOr<SmallVector<Index>> image = op.getIndexOperand(1);
  FailureOr<SmallVector<Index>> block = op.getIndexOperand(2);
  if (!x || failed(image) || failed(block))
    return failure();
  int64_t spatial = image->size();
  if (OpBinder::getRank(x) != 3 || spatial < 1 || block->size() != image->size())
    return op.emitError() << "expected an input of 3 dimensions and as many "
                             "block sizes as image sizes, found " << x.getType()
                          << ", " << block->size() << " and " << image->size();
  SmallVector<int64_t> ones(spatial, 1), zeros(2 * spatial, 0);
  SmallVector<int64_t> strides = op.getInts("strides").value_or(ones);
  SmallVector<int64_t> dilations = op.getInts("dilations").value_or(ones);
  SmallVector<int64_t> pads = op.getInts("pads").value_or(zeros);
  if (static_cast<int64_t>(strides.size()) != spatial ||
      static_cast<int64_t>(dilations.size()) != spatial ||
      static_cast<int64_t>(pads.size()) != 2 * spatial)
    return op.emitError() << "expected " << spatial
                          << " strides and dilations and " << 2 * spatial
                          << " pads";
  for (int64_t i = 0; i < spatial; ++i)
    if (strides[i] < 1 || dilations[i] < 1 || pads[i] < 0 || pads[spatial + i] < 0)
      return op.emitError() << "expected positive strides and dilations and "
                               "pads of at least 0";

  IndexMath math(op.b, op.loc);
  Index one = math.constant(1), zero = math.constant(0);
  SmallVector<Index> input = op.state.shapes.getDims(x);
  Index channels = math.floorDiv(input[1], op.product(*block));
  SmallVector<Index> padded, counts;
  for (int64_t i = 0; i < spatial; ++i) {
    padded.push_back(math.add((*image)[i],
                              math.constant(pads[i] + pads[spatial + i])));
    Index extent = math.add(
        math.mul(math.sub((*block)[i], one), math.constant(dilations[i])), one);
    Index steps = math.floorDiv(math.sub(padded[i], extent),
                                math.constant(strides[i]));
    counts.push_back(math.max(math.add(steps, one), zero));
  }
  // Dimensions: block positions, then block counts.
  SmallVector<Index> grid(*block);
  grid.append(counts);
  Type i64 = op.b.getI64Type();
  auto along = [&](int64_t dim) -> Value {
    SmallVector<Index> sizes(2 * spatial, one);
    sizes[dim] = grid[dim];
    return IotaOp::create(op.b, op.loc, sizes, dim, i64);
  };
  Value flat = op.scalar(i64, 0, 2 * spatial);
  for (int64_t i = 0; i < spatial; ++i) {
    Value at = op.binary(
        BinaryKind::add, op.binary(BinaryKind::mul, along(i), dilations[i]),
        op.binary(BinaryKind::mul, along(spatial + i), strides[i]));
    SmallVector<int64_t> all =
        llvm::to_vector(llvm::seq<int64_t>(1, 2 * spatial));
    Value extent = op.unsqueeze(op.fromIndices(padded[i]), all);
    flat = op.binary(BinaryKind::add, op.binary(BinaryKind::mul, flat, extent), at);
  }
  if (!flat)
    return failure();
  flat = BroadcastOp::create(op.b, op.loc, flat, grid);
  Index cells = op.product(grid), area = op.product(padded);
  flat = op.reshape(flat, {cells, one});
  // Positions first: each is a row of images and channels.
  Index rows = math.mul(input[0], channels);
  Value updates = op.reshape(x, {rows, cells});
  updates = op.transpose(updates, {1, 0});
  Type element = OpBinder::getElementType(x);
  Value blank = BroadcastOp::create(op.b, op.loc, op.scalar(element, 0, 2),
                                    ArrayRef<Index>{area, rows});
  Value sum = ScatterNDOp::create(op.b, op.loc, ScatterKind::add, blank, flat,
                                  updates);
  sum = op.transpose(sum, {1, 0});
  SmallVector<Index> sizes{input[0], channels}, offsets{zero, zero};
  sizes.append(padded);
  sum = op.reshape(sum, sizes);
  for (int64_t i = 0; i < spatial; ++i) {
    offsets.push_back(math.constant(pads[i]));
    sizes[i + 2] = (*image)[i];
  }
  SmallVector<Index> steps(sizes.size(), one);
  return op.replace(
      SliceOp::create(op.b, op.loc, sum, offsets, sizes, steps).getResult());
}

void mopt::populateBlockHandlers(HandlerRegistry &registry) {
  registry.add("Col2Im", 18, convertCol2Im);
  registry.add("DepthToSpace", 1, convertDepthToSpace);
  registry.add("SpaceToDepth", 1, convertSpaceToDepth);
  registry.add("Tile", 1, convertTile);
}

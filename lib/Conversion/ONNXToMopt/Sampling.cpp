// Handlers of operators that read images at computed positions: GridSample,
// AffineGrid, RoiAlign.
#include "mopt/Conversion/ONNXToMopt/HandlerRegistry.h"
#include "mopt/Conversion/ONNXToMopt/IndexMath.h"
#include "mopt/Conversion/ONNXToMopt/Interpolation.h"
#include "mopt/Conversion/ONNXToMopt/OpBinder.h"

using namespace mlir;
using namespace mopt;
using K = BinaryKind;
using Index = OpFoldResult;

/// A size as a number of type `element`, of `rank` dimensions of 1.
static Value getNumber(OpBinder &op, Index size, Type element, int64_t rank) {
  if (std::optional<int64_t> known = getConstantIntValue(size))
    return op.scalar(element, *known, rank);
  SmallVector<Index> ones(rank, op.b.getIndexAttr(1));
  return op.reshape(op.cast(op.fromIndices(size), element), ones);
}

//===----------------------------------------------------------------------===//
// GridSample
//===----------------------------------------------------------------------===//

namespace {
/// Samples `x`, `[n, c, spatial..]`, at `grid`, `[n, positions.., spatial]`.
class GridSampler {
public:
  GridSampler(OpBinder &op, Value x, Value grid)
      : op(op), x(x), grid(grid), type(OpBinder::getElementType(grid)),
        spatial(OpBinder::getRank(x) - 2) {}

  LogicalResult bind();
  Value sample();

private:
  Value number(double value) {
    return op.scalar(type, value, OpBinder::getRank(grid));
  }
  Value getCoordinate(int64_t i);
  Value reflect(Value at, int64_t i);
  Value limit(Value at, int64_t i);
  Value read(ArrayRef<Value> positions);

  OpBinder &op;
  Value x, grid;
  Type type;
  int64_t spatial;
  bool isNearest = false, isCubic = false, alignsCorners = false;
  StringRef padding;
  /// `x` with the channels last.
  Value pixels;
  /// Sizes of the spatial dimensions as numbers.
  SmallVector<Value> sizes;
};
} // namespace

LogicalResult GridSampler::bind() {
  RankedTensorType gridType = OpBinder::getType(grid);
  if (spatial < 1 || gridType.getRank() != spatial + 2 ||
      (!gridType.isDynamicDim(spatial + 1) &&
       gridType.getDimSize(spatial + 1) != spatial) ||
      !isa<FloatType>(type))
    return op.emitError() << "expected a grid of " << spatial + 2
                          << " dimensions, the last of size " << spatial
                          << ", found " << gridType;
  if (!isa<FloatType>(OpBinder::getElementType(x)))
    return op.emitError() << "expected an input of floats, found "
                          << x.getType();
  StringRef mode = op.getString("mode", "bilinear");
  isNearest = mode == "nearest";
  isCubic = mode == "cubic" || mode == "bicubic";
  if (!isNearest && !isCubic && mode != "linear" && mode != "bilinear")
    return op.emitError() << "expected mode 'nearest', 'linear' or 'cubic', "
                             "found '" << mode << "'";
  padding = op.getString("padding_mode", "zeros");
  if (padding != "zeros" && padding != "border" && padding != "reflection")
    return op.emitError() << "expected padding mode 'zeros', 'border' or "
                             "'reflection', found '" << padding << "'";
  alignsCorners = op.getInt("align_corners", 0) != 0;
  return success();
}

/// Position along spatial dimension `i`, of shape `[n, positions.., 1]`.
Value GridSampler::getCoordinate(int64_t i) {
  IndexMath math(op.b, op.loc);
  SmallVector<Index> counts = op.state.shapes.getDims(grid);
  SmallVector<Index> offsets(counts.size(), math.constant(0)),
      steps(counts.size(), math.constant(1));
  // The last dimension comes first.
  offsets.back() = math.constant(spatial - 1 - i);
  counts.back() = math.constant(1);
  Value at = SliceOp::create(op.b, op.loc, grid, offsets, counts, steps);
  at = op.binary(K::add, at, 1.0);
  if (alignsCorners)
    return op.binary(K::mul, op.binary(K::mul, at, 0.5),
                     op.binary(K::sub, sizes[i], 1.0));
  at = op.binary(K::sub, op.binary(K::mul, at, sizes[i]), 1.0);
  return op.binary(K::mul, at, 0.5);
}

/// Reflects at the outer pixels' centers or borders.
Value GridSampler::reflect(Value at, int64_t i) {
  double low = alignsCorners ? 0 : -0.5;
  Value range = alignsCorners ? op.binary(K::sub, sizes[i], 1.0) : sizes[i];
  // Of a single element there is nothing to reflect.
  range = op.binary(K::max, range, alignsCorners ? 1e-20 : 1.0);
  Value period = op.binary(K::add, range, range);
  Value offset = op.binary(K::mod, op.binary(K::sub, at, low), period);
  offset = op.binary(K::min, offset, op.binary(K::sub, period, offset));
  return op.binary(K::add, offset, low);
}

Value GridSampler::limit(Value at, int64_t i) {
  Value last = op.binary(K::sub, sizes[i], 1.0);
  return op.binary(K::max, op.binary(K::min, at, last), 0.0);
}

/// The pixels, `[n, positions.., c]`, at whole positions.
Value GridSampler::read(ArrayRef<Value> positions) {
  SmallVector<Value> indices;
  Value isInside;
  for (auto [i, at] : llvm::enumerate(positions)) {
    Value inside = at;
    if (padding == "reflection")
      inside = reflect(at, i);
    inside = limit(inside, i);
    if (padding == "zeros") {
      Value isHere = op.compare(CompareKind::eq, inside, at);
      isInside = isInside ? op.binary(K::and_, isInside, isHere) : isHere;
    }
    indices.push_back(op.cast(inside, op.b.getI64Type()));
    if (!indices.back())
      return {};
  }
  Value tuples = ConcatOp::create(op.b, op.loc, indices,
                                  OpBinder::getRank(grid) - 1);
  Value read = GatherNDOp::create(op.b, op.loc, pixels, tuples,
                                  /*batch_dims=*/1);
  if (!isInside)
    return read;
  return op.select(isInside, read,
                   op.scalar(OpBinder::getElementType(read), 0));
}

Value GridSampler::sample() {
  for (int64_t i = 0; i < spatial; ++i)
    sizes.push_back(getNumber(op, op.state.shapes.getDim(x, i + 2), type,
                              OpBinder::getRank(grid)));
  SmallVector<int64_t> order{0}, back{0, spatial + 1};
  for (int64_t i = 0; i < spatial; ++i) {
    order.push_back(i + 2);
    back.push_back(i + 1);
  }
  order.push_back(1);
  pixels = op.transpose(x, order);
  SmallVector<Value> at;
  for (int64_t i = 0; i < spatial; ++i) {
    Value coordinate = getCoordinate(i);
    if (isNearest)
      coordinate = op.unary(UnaryKind::round, coordinate);
    if (padding == "border")
      coordinate = limit(coordinate, i);
    else if (padding == "reflection")
      coordinate = reflect(coordinate, i);
    at.push_back(coordinate);
  }
  if (isNearest)
    return op.transpose(read(at), back);

  // Products of one tap along each dimension.
  SmallVector<Value> bases;
  SmallVector<SmallVector<Value>> weights;
  for (Value coordinate : at) {
    bases.push_back(op.unary(UnaryKind::floor, coordinate));
    weights.push_back(Interpolation::getWeights(
        op,
        isCubic ? Interpolation::Filter::cubic : Interpolation::Filter::linear,
        -0.75, op.binary(K::sub, coordinate, bases.back())));
  }
  int64_t width = isCubic ? 4 : 2, first = isCubic ? -1 : 0, count = 1;
  for (int64_t i = 0; i < spatial; ++i)
    count *= width;
  Value result;
  for (int64_t tap = 0; tap < count; ++tap) {
    SmallVector<Value> positions;
    Value weight;
    for (int64_t i = 0, rest = tap; i < spatial; ++i, rest /= width) {
      int64_t step = rest % width;
      positions.push_back(op.binary(K::add, bases[i], first + step));
      weight = weight ? op.binary(K::mul, weight, weights[i][step])
                      : weights[i][step];
    }
    Value pixel = read(positions);
    if (!pixel)
      return {};
    Value term = op.binary(
        K::mul, pixel, op.cast(weight, OpBinder::getElementType(pixel)));
    result = result ? op.binary(K::add, result, term) : term;
  }
  return op.transpose(result, back);
}

static LogicalResult convertGridSample(OpBinder &op) {
  Value x = op.getTensor(0), grid = op.getTensor(1);
  if (!x || !grid)
    return failure();
  GridSampler sampler(op, x, grid);
  if (failed(sampler.bind()))
    return failure();
  return op.replace(sampler.sample());
}

//===----------------------------------------------------------------------===//
// AffineGrid, RoiAlign
//===----------------------------------------------------------------------===//

/// The centers of `size` elements between -1 and 1, or from -1 to 1.
static Value getCenters(OpBinder &op, Index size, Type type, bool alignsCorners) {
  Value position =
      IotaOp::create(op.b, op.loc, ArrayRef<Index>{size}, 0, type);
  Value count = getNumber(op, size, type, 1);
  if (alignsCorners) {
    Value steps =
        op.binary(K::max, op.binary(K::sub, count, 1.0), 1.0);
    Value unit = op.binary(K::div, op.binary(K::mul, position, 2.0), steps);
    return op.binary(K::sub, unit, 1.0);
  }
  Value doubled = op.binary(K::add, op.binary(K::mul, position, 2.0), 1.0);
  return op.binary(K::sub, op.binary(K::div, doubled, count), 1.0);
}

static LogicalResult convertAffineGrid(OpBinder &op) {
  Value theta = op.getTensor(0);
  FailureOr<SmallVector<Index>> size = op.getIndexOperand(1);
  if (!theta || failed(size))
    return failure();
  int64_t spatial = static_cast<int64_t>(size->size()) - 2;
  RankedTensorType type = OpBinder::getType(theta);
  if (spatial < 1 || type.getRank() != 3 || !isa<FloatType>(type.getElementType()))
    return op.emitError() << "expected matrices for each of n images of n, c and "
                             "spatial sizes, found " << type << " and "
                          << size->size() << " sizes";
  Type element = type.getElementType();
  bool alignsCorners = op.getInt("align_corners", 0) != 0;
  IndexMath math(op.b, op.loc);
  SmallVector<Index> space(ArrayRef(*size).drop_front(2));
  // Rows of x, y, .., 1: the last dimension comes first.
  SmallVector<Index> full(space);
  full.push_back(math.constant(1));
  SmallVector<Value> columns;
  for (int64_t i = spatial - 1; i >= 0; --i) {
    Value centers = getCenters(op, space[i], element, alignsCorners);
    centers = op.alongAxis(centers, i, spatial + 1);
    columns.push_back(BroadcastOp::create(op.b, op.loc, centers, full));
  }
  columns.push_back(BroadcastOp::create(op.b, op.loc,
                                        op.scalar(element, 1, spatial + 1), full));
  Value points = ConcatOp::create(op.b, op.loc, columns, spatial);
  Index count = op.product(space);
  points = op.reshape(points, {math.constant(1), count,
                               math.constant(spatial + 1)});
  Value grid = op.matmul(points, theta, /*transposeLhs=*/false,
                         /*transposeRhs=*/true);
  SmallVector<Index> sizes{op.state.shapes.getDim(theta, 0)};
  sizes.append(space);
  sizes.push_back(op.state.shapes.getDim(theta, 1));
  return op.replace(op.reshape(grid, sizes));
}

static LogicalResult convertRoiAlign(OpBinder &op) {
  Value x = op.getTensor(0), rois = op.withSize(op.getTensor(1), 1, 4),
        batches = op.getTensor(2);
  if (!x || !rois || !batches)
    return failure();
  bool isEarly = op.getVersion() < 16;
  StringRef transformation = op.getString("coordinate_transformation_mode",
                                          isEarly ? "output_half_pixel"
                                                  : "half_pixel");
  StringRef mode = op.getString("mode", "avg");
  if (transformation != "half_pixel" && transformation != "output_half_pixel")
    return op.emitError() << "expected coordinate transformation 'half_pixel' or "
                             "'output_half_pixel', found '" << transformation
                          << "'";
  if (mode != "avg" && mode != "max")
    return op.emitError() << "expected mode 'avg' or 'max', found '" << mode
                          << "'";
  RoiAlignOp::Properties properties;
  Builder &b = op.b;
  properties.output_height = b.getI64IntegerAttr(op.getInt("output_height", 1));
  properties.output_width = b.getI64IntegerAttr(op.getInt("output_width", 1));
  properties.sampling_ratio = b.getI64IntegerAttr(op.getInt("sampling_ratio", 0));
  properties.spatial_scale = b.getF64FloatAttr(op.getFloat("spatial_scale", 1));
  if (transformation == "half_pixel")
    properties.half_pixel = b.getUnitAttr();
  if (mode == "max")
    properties.max = b.getUnitAttr();
  // The inferring builder aborts on misfits; ask first.
  SmallVector<Type> types;
  if (failed(RoiAlignOp::inferReturnTypes(b.getContext(), op.loc,
                                          {x, rois, batches}, {}, &properties, {},
                                          types)))
    return failure();
  return op.replace(
      RoiAlignOp::create(op.b, op.loc, types, ValueRange{x, rois, batches},
                         properties)
          .getResult());
}

void mopt::populateSamplingHandlers(HandlerRegistry &registry) {
  registry.add("AffineGrid", 20, convertAffineGrid);
  registry.add("GridSample", 16, convertGridSample);
  registry.add("RoiAlign", 10, convertRoiAlign);
}

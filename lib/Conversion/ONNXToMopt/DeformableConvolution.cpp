// DeformConv: every tap of the kernel reads, for every output, the input at a
// position of its own, between the elements; then a product per group.
#include "mopt/Conversion/ONNXToMopt/HandlerRegistry.h"
#include "mopt/Conversion/ONNXToMopt/IndexMath.h"
#include "mopt/Conversion/ONNXToMopt/OpBinder.h"

using namespace mlir;
using namespace mopt;
using K = BinaryKind;
using Index = OpFoldResult;

namespace {
class DeformableConvolution {
public:
  explicit DeformableConvolution(OpBinder &op) : op(op), math(op.b, op.loc) {}

  LogicalResult bind();
  LogicalResult convert();

private:
  LogicalResult bindList(StringRef name, size_t count, int64_t otherwise,
                         SmallVectorImpl<int64_t> &list);
  Index fixed(int64_t size) { return math.constant(size); }
  Value getPosition(int64_t dim);
  Value read(ArrayRef<Value> floors, int64_t corner);
  Value sample();

  OpBinder &op;
  IndexMath math;
  Value x, weights, offsets, bias, mask;
  int64_t spatial = 0, taps = 1, groups = 1, offsetGroups = 1;
  SmallVector<int64_t> kernel, strides, dilations, pads;
  /// Of the offsets: batch, group, tap, the output's spatial sizes.
  SmallVector<Index> grid;
  /// The input as `[batch, group, spatial.., channel]`.
  Value pixels;
  /// Type of positions.
  Type number;
};
} // namespace

LogicalResult DeformableConvolution::bindList(StringRef name, size_t count,
                                              int64_t otherwise,
                                              SmallVectorImpl<int64_t> &list) {
  list = op.getInts(name).value_or(SmallVector<int64_t>(count, otherwise));
  if (list.size() != count)
    return op.emitError() << "expected " << count << " values in '" << name
                          << "', found " << list.size();
  return success();
}

LogicalResult DeformableConvolution::bind() {
  x = op.getTensor(0);
  weights = op.getTensor(1);
  offsets = op.getTensor(2);
  if (!x || !weights || !offsets)
    return failure();
  for (auto [i, value] : {std::pair(3u, &bias), std::pair(4u, &mask)})
    if (op.hasOperand(i) && !(*value = op.getTensor(i)))
      return failure();
  RankedTensorType type = OpBinder::getType(x),
                   weightType = OpBinder::getType(weights),
                   offsetType = OpBinder::getType(offsets);
  spatial = type.getRank() - 2;
  if (spatial < 1 || weightType.getRank() != spatial + 2 ||
      offsetType.getRank() != spatial + 2 ||
      (mask && OpBinder::getRank(mask) != spatial + 2) ||
      !isa<FloatType>(type.getElementType()))
    return op.emitError()
           << "expected an input of floats, weights, offsets and a mask of the "
              "same number of dimensions, at least 3, found "
           << type << ", " << weightType << " and " << offsetType;
  groups = op.getInt("group", 1);
  offsetGroups = op.getInt("offset_group", 1);
  kernel.assign(weightType.getShape().drop_front(2).begin(),
                weightType.getShape().end());
  if (failed(bindList("strides", spatial, 1, strides)) ||
      failed(bindList("dilations", spatial, 1, dilations)) ||
      failed(bindList("pads", 2 * spatial, 0, pads)))
    return failure();
  int64_t channels = type.getDimSize(1), filters = weightType.getDimSize(0);
  if (ShapedType::isDynamic(channels) || !weightType.hasStaticShape())
    return op.emitError() << "a dynamic number of channels and dynamic weights "
                             "are not supported, found "
                          << type << " and " << weightType;
  if (groups < 1 || offsetGroups < 1 || channels % offsetGroups != 0 ||
      filters % groups != 0 || weightType.getDimSize(1) * groups != channels)
    return op.emitError() << "expected channels that " << groups
                          << " groups of " << weightType << " and "
                          << offsetGroups << " of offsets divide, found "
                          << channels;
  for (int64_t size : kernel)
    taps *= size;
  int64_t found = offsetType.getDimSize(1);
  if (ShapedType::isStatic(found) && found != offsetGroups * taps * spatial)
    return op.emitError() << "expected " << offsetGroups * taps * spatial
                          << " offsets for each output, found " << found;
  // Halves are too coarse for positions.
  number = type.getElementType().isF64() ? type.getElementType()
                                         : Type(op.b.getF32Type());
  SmallVector<Index> sizes = op.state.shapes.getDims(offsets);
  grid = {sizes[0], fixed(offsetGroups), fixed(taps)};
  grid.append(sizes.begin() + 2, sizes.end());
  return success();
}

/// Where each tap reads along spatial dimension `dim`: that of the offsets
/// and 1.
Value DeformableConvolution::getPosition(int64_t dim) {
  // The dimensions of an offset come behind its tap.
  SmallVector<Index> sizes(grid);
  sizes.insert(sizes.begin() + 3, fixed(spatial));
  Value all = op.reshape(op.cast(offsets, number), sizes);
  SmallVector<Index> starts(sizes.size(), fixed(0)),
      steps(sizes.size(), fixed(1));
  starts[3] = fixed(dim);
  sizes[3] = fixed(1);
  Value own = SliceOp::create(op.b, op.loc, all, starts, sizes, steps);
  own = op.squeeze(own, {3});
  // Where the tap of an undeformed kernel is.
  int64_t rank = grid.size(), behind = 1;
  for (int64_t i = dim + 1; i < spatial; ++i)
    behind *= kernel[i];
  SmallVector<Attribute> taken;
  for (int64_t tap = 0; tap < taps; ++tap)
    taken.push_back(FloatAttr::get(
        number, tap / behind % kernel[dim] * dilations[dim] - pads[dim]));
  Value tap = op.constant(
      DenseElementsAttr::get(RankedTensorType::get(taps, number), taken));
  Value place =
      IotaOp::create(op.b, op.loc, ArrayRef<Index>{grid[3 + dim]}, 0, number);
  place = op.binary(K::mul, place, static_cast<double>(strides[dim]));
  auto along = [&](Value list, int64_t axis) {
    SmallVector<Index> shape(rank, fixed(1));
    shape[axis] = op.state.shapes.getDim(list, 0);
    return op.reshape(list, shape);
  };
  Value start = op.binary(K::add, along(place, 3 + dim), along(tap, 2));
  return op.unsqueeze(op.binary(K::add, own, start), {rank});
}

/// The elements at one corner of the cells that begin at `floors`; 0 outside.
Value DeformableConvolution::read(ArrayRef<Value> floors, int64_t corner) {
  SmallVector<Value> indices;
  Value isInside;
  Type i64 = op.b.getI64Type();
  for (auto [dim, floor] : llvm::enumerate(floors)) {
    Value at = op.binary(K::add, floor, corner >> dim & 1);
    Value last =
        op.reshape(op.cast(op.fromIndices(math.sub(
                               op.state.shapes.getDim(x, dim + 2), fixed(1))),
                           number),
                   SmallVector<Index>(grid.size() + 1, fixed(1)));
    Value inside = op.binary(K::max, op.binary(K::min, at, last), 0.0);
    Value isHere = op.compare(CompareKind::eq, inside, at);
    isInside = isInside ? op.binary(K::and_, isInside, isHere) : isHere;
    indices.push_back(op.cast(inside, i64));
  }
  Value tuples = op.concat(indices, grid.size());
  Value found =
      GatherNDOp::create(op.b, op.loc, pixels, tuples, /*batch_dims=*/2);
  return op.select(isInside, found,
                   op.scalar(OpBinder::getElementType(found), 0));
}

/// What the taps read, `[batch, group, tap, spatial.., channel]`.
Value DeformableConvolution::sample() {
  Type element = OpBinder::getElementType(x);
  SmallVector<Value> floors, fractions;
  for (int64_t dim = 0; dim < spatial; ++dim) {
    Value at = getPosition(dim);
    floors.push_back(op.unary(UnaryKind::floor, at));
    fractions.push_back(op.binary(K::sub, at, floors.back()));
  }
  Value sum;
  for (int64_t corner = 0; corner < int64_t(1) << spatial; ++corner) {
    Value weight;
    for (auto [dim, fraction] : llvm::enumerate(fractions)) {
      Value share = corner >> dim & 1
                        ? fraction
                        : op.binary(K::sub, op.scalar(number, 1), fraction);
      weight = weight ? op.binary(K::mul, weight, share) : share;
    }
    Value term =
        op.binary(K::mul, read(floors, corner), op.cast(weight, element));
    sum = sum ? op.binary(K::add, sum, term) : term;
  }
  if (!mask)
    return sum;
  SmallVector<Index> sizes(grid);
  sizes.push_back(fixed(1));
  return op.binary(K::mul, sum, op.reshape(mask, sizes));
}

LogicalResult DeformableConvolution::convert() {
  RankedTensorType weightType = OpBinder::getType(weights);
  int64_t channels = OpBinder::getType(x).getDimSize(1);
  int64_t filters = weightType.getDimSize(0), rank = spatial + 3;
  // Channels of a group of offsets go last, so that one read takes them all.
  SmallVector<Index> sizes = op.state.shapes.getDims(x);
  sizes[1] = fixed(channels / offsetGroups);
  sizes.insert(sizes.begin() + 1, fixed(offsetGroups));
  SmallVector<int64_t> order{0, 1};
  for (int64_t dim = 3; dim < rank; ++dim)
    order.push_back(dim);
  order.push_back(2);
  pixels = op.transpose(op.reshape(x, sizes), order);
  Value columns = sample();
  if (!columns)
    return failure();
  // Back in front of the taps; then the groups of the product.
  order = {0, 1, rank, 2};
  for (int64_t dim = 3; dim < rank; ++dim)
    order.push_back(dim);
  Index count = op.product(ArrayRef(grid).drop_front(3));
  columns = op.reshape(
      op.transpose(columns, order),
      {grid[0], fixed(groups), fixed(channels / groups * taps), count});
  Value rows =
      op.reshape(weights, {fixed(1), fixed(groups), fixed(filters / groups),
                           fixed(channels / groups * taps)});
  SmallVector<Index> result{grid[0], fixed(filters)};
  result.append(grid.begin() + 3, grid.end());
  Value y = op.reshape(op.matmul(rows, columns), result);
  if (bias)
    y = op.binary(K::add, y, op.alongAxis(bias, 1, spatial + 2));
  return op.replace(y);
}

static LogicalResult convertDeformConv(OpBinder &op) {
  DeformableConvolution convolution(op);
  return failed(convolution.bind()) ? failure() : convolution.convert();
}

void mopt::populateDeformableConvolutionHandlers(HandlerRegistry &registry) {
  registry.add("DeformConv", 19, convertDeformConv);
}

// The places of a product's elements in the buffers of each kind of anchor.
#include "ProductAccess.h"

#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "llvm/ADT/TypeSwitch.h"
#include <numeric>

using namespace mlir;
using namespace mopt;

ProductAccess::~ProductAccess() = default;

static Value loadAt(GridBuilder &g, Value buffer, ValueRange indices) {
  return memref::LoadOp::create(g.b, g.loc, buffer, indices);
}

static ArrayRef<int64_t> getShape(Value buffer) {
  return cast<MemRefType>(buffer.getType()).getShape();
}

namespace {
/// Where the elements of a buffer lie: as many elements from its start on.
struct Places {
  explicit Places(Value buffer) : buffer(buffer) {
    areStatic = succeeded(cast<MemRefType>(buffer.getType())
                              .getStridesAndOffset(strides, offset)) &&
                !ShapedType::isDynamicShape(strides);
  }

  Value get(GridBuilder &g, ValueRange indices) const {
    Value place = g.index(0);
    for (auto [index, stride] : llvm::zip_equal(indices, strides))
      place = g.add(place, g.mul(index, stride));
    return place;
  }
  /// Where the first element is.
  Value getFirst(GridBuilder &g) const {
    if (ShapedType::isStatic(offset))
      return g.index(offset);
    return memref::ExtractStridedMetadataOp::create(g.b, g.loc, buffer)
        .getOffset();
  }
  /// A number that divides the places of all elements whose index is 0 in
  /// dimension `along`.
  int64_t getDivisor(int64_t along) const {
    if (ShapedType::isDynamic(offset))
      return 1;
    int64_t divisor = offset;
    for (auto [dim, stride] : llvm::enumerate(strides))
      if (int64_t(dim) != along && getShape(buffer)[dim] > 1)
        divisor = std::gcd(divisor, stride);
    return divisor;
  }
  /// Are all elements behind dimension `from` one after the other?
  bool isDense(size_t from) const {
    int64_t expected = 1;
    for (size_t dim = strides.size(); dim-- > from;) {
      if (strides[dim] != expected && getShape(buffer)[dim] > 1)
        return false;
      expected *= getShape(buffer)[dim];
    }
    return true;
  }

  Value buffer;
  SmallVector<int64_t> strides;
  int64_t offset = 0;
  bool areStatic;
};

/// The largest run that `divisor` (0: any) allows.
int64_t getRun(int64_t divisor) {
  constexpr int64_t kLongest = 16;
  return std::gcd(divisor, kLongest);
}

struct ContractAccess final : PackedAccess {
  explicit ContractAccess(ContractAnchorOp op)
      : op(op), left(op.getLhs()), right(op.getRhs()) {
    auto anchor = cast<AnchorOpInterface>(op.getOperation());
    rank = anchor.getOutputRank();
    for (int64_t dim = 0; dim < rank - 2; ++dim)
      batchSizes.push_back(anchor.getOutputDimSize(dim));
    batches = countElements(batchSizes);
    rows = anchor.getOutputDimSize(rank - 2);
    columns = anchor.getOutputDimSize(rank - 1);
    width = op.getBlockColumns();
    interleave = op.getInterleave();
    lhs = op.getLhs();
    rhs = op.getRhs();
    ArrayRef<int64_t> packed = getShape(rhs);
    blocks = packed[packed.size() - 3];
    AffineMap map = op.getLhsIndexingMap();
    int64_t step =
        *map.getResultPosition(getAffineDimExpr(rank - 1, op.getContext()));
    // Groups may reach behind the last step.
    depth =
        std::min(packed[packed.size() - 2] * interleave, getShape(lhs)[step]);
    if (left.areStatic && left.strides[step] == 1)
      run = getRun(left.getDivisor(step));
  }

  PackedAccess *asPacked() override {
    // Blocks are the last but one dimension of the right side's map.
    AffineMap map = op.getRhsIndexingMap();
    unsigned last = map.getNumResults();
    bool inOrder =
        last >= 2 &&
        map.getResult(last - 1) ==
            getAffineDimExpr(rank - 1, op.getContext()) &&
        map.getResult(last - 2) == getAffineDimExpr(rank - 2, op.getContext());
    return left.areStatic && right.areStatic && inOrder &&
                   right.isDense(last - 1) && right.offset == 0
               ? this
               : nullptr;
  }

  SmallVector<Value> getDims(GridBuilder &g, Value batch, Value x, Value y) {
    SmallVector<Value> dims = g.split(batch, batchSizes);
    dims.append({x, y});
    return dims;
  }
  Value loadLhs(GridBuilder &g, Value batch, Value row, Value k) override {
    return loadAt(g, lhs,
                  g.apply(op.getLhsIndexingMap(), getDims(g, batch, row, k)));
  }
  Value loadRhs(GridBuilder &g, Value batch, Value column, Value k) override {
    SmallVector<Value> indices =
        g.apply(op.getRhsIndexingMap(),
                getDims(g, batch, g.div(column, width), g.div(k, interleave)));
    indices.push_back(
        g.add(g.mul(g.rem(column, width), interleave), g.rem(k, interleave)));
    return loadAt(g, rhs, indices);
  }
  SmallVector<Value> getPoint(GridBuilder &g, Value batch, Value row,
                              Value column) override {
    return getDims(g, batch, row, column);
  }

  Value getRowPlace(GridBuilder &g, Value batch, Value row) override {
    return g.add(left.getFirst(g),
                 left.get(g, g.apply(op.getLhsIndexingMap(),
                                     getDims(g, batch, row, g.index(0)))));
  }
  Value getStepPlace(GridBuilder &g, Value k) override {
    return left.get(g, g.apply(op.getLhsIndexingMap(),
                               getDims(g, g.index(0), g.index(0), k)));
  }
  Value getBlockPlace(GridBuilder &g, Value batch, Value block) override {
    SmallVector<Value> indices =
        g.apply(op.getRhsIndexingMap(), getDims(g, batch, block, g.index(0)));
    indices.push_back(g.index(0));
    return right.get(g, indices);
  }

  ContractAnchorOp op;
  Places left, right;
  int64_t rank;
  SmallVector<int64_t> batchSizes;
};

/// The left side of a product with sparse weights, and where the values of the
/// weights are: each column's kept ones along the depth.
struct SparseAccess final : PackedAccess {
  explicit SparseAccess(SparseAnchorOp op)
      : left(op.getLhs()), right(op.getValues()) {
    auto anchor = cast<AnchorOpInterface>(op.getOperation());
    rows = anchor.getOutputDimSize(0);
    columns = anchor.getOutputDimSize(1);
    depth = op.getDepth();
    lhs = op.getLhs();
    rhs = op.getValues();
    width = op.getConfig().getColumns();
    blocks = getShape(rhs).front();
    if (left.areStatic && left.strides.back() == 1)
      run = getRun(left.getDivisor(1));
  }

  PackedAccess *asPacked() override {
    return left.areStatic && right.areStatic && right.isDense(0) ? this
                                                                 : nullptr;
  }

  Value loadLhs(GridBuilder &g, Value, Value row, Value k) override {
    return loadAt(g, lhs, {row, k});
  }
  Value loadRhs(GridBuilder &, Value, Value, Value) override {
    llvm_unreachable("sparse weights are multiplied as whole tiles only");
  }
  SmallVector<Value> getPoint(GridBuilder &, Value, Value row,
                              Value column) override {
    return {row, column};
  }
  Value getRowPlace(GridBuilder &g, Value, Value row) override {
    return g.add(left.getFirst(g), left.get(g, {row, g.index(0)}));
  }
  Value getStepPlace(GridBuilder &g, Value k) override {
    return left.get(g, {g.index(0), k});
  }
  Value getBlockPlace(GridBuilder &g, Value, Value block) override {
    return g.add(right.getFirst(g), right.get(g, {block, g.index(0)}));
  }

  Places left, right;
};

/// The windows of a convolution, whose positions are its rows.
struct Windows {
  Windows(Operation *op, Value input, Value init, ArrayRef<int64_t> strides,
          ArrayRef<int64_t> dilations, ArrayRef<int64_t> kernel)
      : input(input), strides(strides), dilations(dilations), kernel(kernel),
        positions(getShape(init).drop_back()), front(kernel.size(), 0) {
    auto pads = op->getAttrOfType<DenseI64ArrayAttr>(kPadsAttr);
    if (!pads)
      return;
    int64_t rank = getShape(input).size();
    for (int64_t i = 0; i < int64_t(kernel.size()); ++i) {
      front[i] = pads[i + 1];
      int64_t size = pads[rank + i + 1];
      if (front[i] == 0 && size == getShape(input)[i + 1])
        continue;
      padded.push_back(i);
      limits.push_back(size);
    }
  }

  /// What a row adds to the coordinates of its window, and an offset in it.
  Value getFirst(GridBuilder &g, ValueRange position, int64_t dim) {
    Value first = g.mul(position[dim + 1], strides[dim]);
    return front[dim] == 0
               ? first
               : arith::SubIOp::create(g.b, g.loc, first, g.index(front[dim]))
                     .getResult();
  }
  Value getStep(GridBuilder &g, ValueRange offset, int64_t dim) {
    return g.mul(offset[dim], dilations[dim]);
  }

  /// Where the input has what position `row` multiplies at `offset` of its
  /// window.
  SmallVector<Value> getIndices(GridBuilder &g, Value row, ValueRange offset,
                                Value channel) {
    SmallVector<Value> position = g.split(row, positions);
    SmallVector<Value> indices{position.front()};
    for (size_t i = 0; i < kernel.size(); ++i)
      indices.push_back(g.add(getFirst(g, position, i), getStep(g, offset, i)));
    indices.push_back(channel);
    return indices;
  }

  SmallVector<Value> getRowCoordinates(GridBuilder &g, Value row) {
    SmallVector<Value> position = g.split(row, positions), coordinates;
    for (int64_t dim : padded)
      coordinates.push_back(toWord(g, getFirst(g, position, dim)));
    return coordinates;
  }
  SmallVector<Value> getStepCoordinates(GridBuilder &g, ValueRange offset) {
    SmallVector<Value> coordinates;
    for (int64_t dim : padded)
      coordinates.push_back(toWord(g, getStep(g, offset, dim)));
    return coordinates;
  }
  static Value toWord(GridBuilder &g, Value index) {
    return g.b.createOrFold<arith::IndexCastOp>(g.loc, g.b.getI32Type(), index);
  }

  Value load(GridBuilder &g, Value row, ValueRange offset, Value channel) {
    SmallVector<Value> indices = getIndices(g, row, offset, channel);
    Value isInside;
    for (auto [dim, limit] : llvm::zip_equal(padded, limits)) {
      Value &index = indices[dim + 1];
      Value is = g.below(index, limit);
      index = arith::SelectOp::create(g.b, g.loc, is, index, g.index(0));
      isInside =
          isInside ? arith::AndIOp::create(g.b, g.loc, isInside, is).getResult()
                   : is;
    }
    Value value = loadAt(g, input, indices);
    if (!isInside)
      return value;
    Value zero =
        arith::ConstantOp::create(g.b, g.loc, g.b.getZeroAttr(value.getType()));
    return arith::SelectOp::create(g.b, g.loc, isInside, value, zero);
  }

  Value input;
  SmallVector<int64_t> strides, dilations, kernel, positions;
  /// How far the first window begins in front of the input; dimensions of the
  /// window in which some of it may be outside, and how many elements these
  /// have.
  SmallVector<int64_t> front, padded, limits;
};

struct ConvAccess final : PackedAccess {
  explicit ConvAccess(ConvAnchorOp op)
      : op(op), windows(op, op.getInput(), op.getInit(), op.getStrides(),
                        op.getDilations(),
                        getShape(op.getFilter()).drop_front(2).drop_back(2)),
        left(op.getInput()), right(op.getFilter()) {
    lhs = op.getInput();
    rhs = op.getFilter();
    limits = windows.limits;
    ArrayRef<int64_t> filter = getShape(rhs);
    interleave = op.getInterleave();
    batches = filter[0];
    blocks = filter[1];
    rows = countElements(windows.positions);
    columns = getShape(op.getInit()).back() / batches;
    width = op.getBlockColumns();
    channels = filter[filter.size() - 2] * interleave;
    window = windows.kernel;
    window.push_back(channels);
    depth = countElements(window);
    if (left.areStatic && left.strides.back() == 1)
      run =
          getRun(std::gcd(left.getDivisor(left.strides.size() - 1), channels));
  }

  PackedAccess *asPacked() override {
    return left.areStatic && right.areStatic && right.isDense(2) &&
                   right.offset == 0
               ? this
               : nullptr;
  }

  Value loadLhs(GridBuilder &g, Value batch, Value row, Value k) override {
    SmallVector<Value> offset = g.split(k, window);
    Value channel = g.add(g.mul(batch, channels), offset.pop_back_val());
    return windows.load(g, row, offset, channel);
  }
  Value loadRhs(GridBuilder &g, Value batch, Value column, Value k) override {
    SmallVector<Value> indices{batch, g.div(column, width)};
    llvm::append_range(indices, g.split(k, window));
    Value channel = indices.pop_back_val();
    indices.push_back(g.div(channel, interleave));
    indices.push_back(g.add(g.mul(g.rem(column, width), interleave),
                            g.rem(channel, interleave)));
    return loadAt(g, rhs, indices);
  }
  SmallVector<Value> getPoint(GridBuilder &g, Value batch, Value row,
                              Value column) override {
    SmallVector<Value> point = g.split(row, windows.positions);
    point.push_back(g.add(g.mul(batch, columns), column));
    return point;
  }

  Value getRowPlace(GridBuilder &g, Value batch, Value row) override {
    SmallVector<Value> start(windows.kernel.size(), g.index(0));
    return g.add(
        left.getFirst(g),
        left.get(g, windows.getIndices(g, row, start, g.mul(batch, channels))));
  }
  Value getStepPlace(GridBuilder &g, Value k) override {
    SmallVector<Value> indices{g.index(0)}, offset = g.split(k, window);
    for (size_t i = 0; i < windows.kernel.size(); ++i)
      indices.push_back(windows.getStep(g, offset, i));
    indices.push_back(offset.back());
    return left.get(g, indices);
  }
  SmallVector<Value> getRowCoordinates(GridBuilder &g, Value row) override {
    return windows.getRowCoordinates(g, row);
  }
  SmallVector<Value> getStepCoordinates(GridBuilder &g, Value k) override {
    return windows.getStepCoordinates(g, g.split(k, window));
  }
  Value getBlockPlace(GridBuilder &g, Value batch, Value block) override {
    SmallVector<Value> indices(right.strides.size(), g.index(0));
    indices[0] = batch;
    indices[1] = block;
    return right.get(g, indices);
  }

  ConvAnchorOp op;
  Windows windows;
  Places left, right;
  int64_t channels;
  SmallVector<int64_t> window;
};

struct DepthwiseAccess final : ProductAccess {
  explicit DepthwiseAccess(DepthwiseAnchorOp op)
      : op(op),
        windows(op, op.getInput(), op.getInit(), op.getStrides(),
                op.getDilations(), getShape(op.getFilter()).drop_back()) {
    rows = countElements(windows.positions);
    batches = getShape(op.getInit()).back();
    depth = countElements(windows.kernel);
  }

  Value loadLhs(GridBuilder &g, Value batch, Value row, Value k) override {
    return windows.load(g, row, g.split(k, windows.kernel), batch);
  }
  Value loadRhs(GridBuilder &g, Value batch, Value column, Value k) override {
    SmallVector<Value> indices = g.split(k, windows.kernel);
    indices.push_back(batch);
    return loadAt(g, op.getFilter(), indices);
  }
  SmallVector<Value> getPoint(GridBuilder &g, Value batch, Value row,
                              Value column) override {
    SmallVector<Value> point = g.split(row, windows.positions);
    point.push_back(batch);
    return point;
  }

  DepthwiseAnchorOp op;
  Windows windows;
};
} // namespace

Value PackedAccess::isInside(GridBuilder &g, ValueRange ofRow,
                             ValueRange ofStep) const {
  Value all;
  for (auto [row, step, limit] : llvm::zip_equal(ofRow, ofStep, limits)) {
    Value sum = g.b.createOrFold<arith::AddIOp>(g.loc, row, step);
    Value size =
        arith::ConstantOp::create(g.b, g.loc, g.b.getI32IntegerAttr(limit));
    Value is =
        arith::CmpIOp::create(g.b, g.loc, arith::CmpIPredicate::ult, sum, size);
    all = all ? arith::AndIOp::create(g.b, g.loc, all, is).getResult() : is;
  }
  return all;
}

std::unique_ptr<ProductAccess>
mopt::createProductAccess(AnchorOpInterface anchor) {
  using Access = std::unique_ptr<ProductAccess>;
  return llvm::TypeSwitch<Operation *, Access>(anchor)
      .Case([](ContractAnchorOp op) -> Access {
        if (!op.getExcess() && !op.getWeightsAttr())
          return std::make_unique<ContractAccess>(op);
        op.emitError("has weights packed for processors, which is not "
                     "supported for devices");
        return nullptr;
      })
      .Case([](ConvAnchorOp op) -> Access {
        if (!op.getExcess())
          return std::make_unique<ConvAccess>(op);
        op.emitError("has weights packed for processors, which is not "
                     "supported for devices");
        return nullptr;
      })
      .Case([](SparseAnchorOp op) -> Access {
        return std::make_unique<SparseAccess>(op);
      })
      .Case([](DepthwiseAnchorOp op) -> Access {
        return std::make_unique<DepthwiseAccess>(op);
      })
      .Default([](Operation *op) -> Access {
        op->emitError("is a product that is not supported for devices");
        return nullptr;
      });
}

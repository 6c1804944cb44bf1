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

/// The windows of a convolution, whose positions are its rows.
struct Windows {
  Windows(Value input, Value init, ArrayRef<int64_t> strides,
          ArrayRef<int64_t> dilations, ArrayRef<int64_t> kernel)
      : input(input), strides(strides), dilations(dilations), kernel(kernel),
        positions(getShape(init).drop_back()) {}

  /// Where the input has what position `row` multiplies at `offset` of its
  /// window.
  SmallVector<Value> getIndices(GridBuilder &g, Value row, ValueRange offset,
                                Value channel) {
    SmallVector<Value> indices = g.split(row, positions);
    for (size_t i = 0; i < kernel.size(); ++i)
      indices[i + 1] = g.add(g.mul(indices[i + 1], strides[i]),
                             g.mul(offset[i], dilations[i]));
    indices.push_back(channel);
    return indices;
  }

  Value input;
  SmallVector<int64_t> strides, dilations, kernel, positions;
};

struct ConvAccess final : PackedAccess {
  explicit ConvAccess(ConvAnchorOp op)
      : op(op),
        windows(op.getInput(), op.getInit(), op.getStrides(), op.getDilations(),
                getShape(op.getFilter()).drop_front(2).drop_back(2)),
        left(op.getInput()), right(op.getFilter()) {
    lhs = op.getInput();
    rhs = op.getFilter();
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
    return loadAt(g, lhs, windows.getIndices(g, row, offset, channel));
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
    SmallVector<Value> offset = g.split(k, window);
    Value channel = offset.pop_back_val();
    return left.get(g, windows.getIndices(g, g.index(0), offset, channel));
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
        windows(op.getInput(), op.getInit(), op.getStrides(), op.getDilations(),
                getShape(op.getFilter()).drop_back()) {
    rows = countElements(windows.positions);
    batches = getShape(op.getInit()).back();
    depth = countElements(windows.kernel);
  }

  Value loadLhs(GridBuilder &g, Value batch, Value row, Value k) override {
    return loadAt(
        g, op.getInput(),
        windows.getIndices(g, row, g.split(k, windows.kernel), batch));
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
      .Case([](DepthwiseAnchorOp op) -> Access {
        return std::make_unique<DepthwiseAccess>(op);
      })
      .Default([](Operation *op) -> Access {
        op->emitError("is a product that is not supported for devices");
        return nullptr;
      });
}

// The places of a product's elements in the buffers of each kind of anchor.
#include "ProductAccess.h"

#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "llvm/ADT/TypeSwitch.h"

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
struct ContractAccess final : ProductAccess {
  explicit ContractAccess(ContractAnchorOp op) : op(op) {
    auto anchor = cast<AnchorOpInterface>(op.getOperation());
    rank = anchor.getOutputRank();
    for (int64_t dim = 0; dim < rank - 2; ++dim)
      batchSizes.push_back(anchor.getOutputDimSize(dim));
    batches = countElements(batchSizes);
    rows = anchor.getOutputDimSize(rank - 2);
    columns = anchor.getOutputDimSize(rank - 1);
    ArrayRef<int64_t> rhs = getShape(op.getRhs());
    depth = rhs[rhs.size() - 2];
    width = op.getBlockColumns();
  }

  SmallVector<Value> getDims(GridBuilder &g, Value batch, Value x, Value y) {
    SmallVector<Value> dims = g.split(batch, batchSizes);
    dims.append({x, y});
    return dims;
  }
  Value loadLhs(GridBuilder &g, Value batch, Value row, Value k) override {
    return loadAt(g, op.getLhs(),
                  g.apply(op.getLhsIndexingMap(), getDims(g, batch, row, k)));
  }
  Value loadRhs(GridBuilder &g, Value batch, Value column, Value k) override {
    SmallVector<Value> indices = g.apply(
        op.getRhsIndexingMap(), getDims(g, batch, g.div(column, width), k));
    indices.push_back(g.rem(column, width));
    return loadAt(g, op.getRhs(), indices);
  }
  SmallVector<Value> getPoint(GridBuilder &g, Value batch, Value row,
                              Value column) override {
    return getDims(g, batch, row, column);
  }

  ContractAnchorOp op;
  int64_t rank, width;
  SmallVector<int64_t> batchSizes;
};

/// The windows of convolutions.
struct WindowAccess : ProductAccess {
  WindowAccess(Value input, Value init, ArrayRef<int64_t> strides,
               ArrayRef<int64_t> dilations, ArrayRef<int64_t> kernel)
      : input(input), strides(strides), dilations(dilations), kernel(kernel) {
    ArrayRef<int64_t> output = getShape(init);
    positions.assign(output.begin(), output.end() - 1);
    rows = countElements(positions);
  }

  /// The element of the input that position `row` multiplies at `offset` of its
  /// window.
  Value loadInput(GridBuilder &g, Value row, ValueRange offset, Value channel) {
    SmallVector<Value> indices = g.split(row, positions);
    for (size_t i = 0; i < kernel.size(); ++i)
      indices[i + 1] = g.add(g.mul(indices[i + 1], strides[i]),
                             g.mul(offset[i], dilations[i]));
    indices.push_back(channel);
    return loadAt(g, input, indices);
  }

  Value input;
  SmallVector<int64_t> strides, dilations, kernel, positions;
};

struct ConvAccess final : WindowAccess {
  explicit ConvAccess(ConvAnchorOp op)
      : WindowAccess(op.getInput(), op.getInit(), op.getStrides(),
                     op.getDilations(),
                     getShape(op.getFilter()).drop_front(2).drop_back(2)),
        op(op) {
    ArrayRef<int64_t> filter = getShape(op.getFilter());
    batches = filter[0];
    columns = getShape(op.getInit()).back() / batches;
    width = filter.back();
    channels = filter[filter.size() - 2];
    window = kernel;
    window.push_back(channels);
    depth = countElements(window);
  }

  Value loadLhs(GridBuilder &g, Value batch, Value row, Value k) override {
    SmallVector<Value> offset = g.split(k, window);
    Value channel = g.add(g.mul(batch, channels), offset.pop_back_val());
    return loadInput(g, row, offset, channel);
  }
  Value loadRhs(GridBuilder &g, Value batch, Value column, Value k) override {
    SmallVector<Value> indices{batch, g.div(column, width)};
    llvm::append_range(indices, g.split(k, window));
    indices.push_back(g.rem(column, width));
    return loadAt(g, op.getFilter(), indices);
  }
  SmallVector<Value> getPoint(GridBuilder &g, Value batch, Value row,
                              Value column) override {
    SmallVector<Value> point = g.split(row, positions);
    point.push_back(g.add(g.mul(batch, columns), column));
    return point;
  }

  ConvAnchorOp op;
  int64_t width, channels;
  SmallVector<int64_t> window;
};

struct DepthwiseAccess final : WindowAccess {
  explicit DepthwiseAccess(DepthwiseAnchorOp op)
      : WindowAccess(op.getInput(), op.getInit(), op.getStrides(),
                     op.getDilations(), getShape(op.getFilter()).drop_back()),
        op(op) {
    batches = getShape(op.getInit()).back();
    depth = countElements(kernel);
  }

  Value loadLhs(GridBuilder &g, Value batch, Value row, Value k) override {
    return loadInput(g, row, g.split(k, kernel), batch);
  }
  Value loadRhs(GridBuilder &g, Value batch, Value column, Value k) override {
    SmallVector<Value> indices = g.split(k, kernel);
    indices.push_back(batch);
    return loadAt(g, op.getFilter(), indices);
  }
  SmallVector<Value> getPoint(GridBuilder &g, Value batch, Value row,
                              Value column) override {
    SmallVector<Value> point = g.split(row, positions);
    point.push_back(batch);
    return point;
  }

  DepthwiseAnchorOp op;
};
} // namespace

std::unique_ptr<ProductAccess>
mopt::createProductAccess(AnchorOpInterface anchor) {
  using Access = std::unique_ptr<ProductAccess>;
  return llvm::TypeSwitch<Operation *, Access>(anchor)
      .Case([](ContractAnchorOp op) -> Access {
        if (op.getInterleave() == 1 && !op.getExcess() && !op.getWeightsAttr())
          return std::make_unique<ContractAccess>(op);
        op.emitError("has weights packed for processors, which is not "
                     "supported for devices");
        return nullptr;
      })
      .Case([](ConvAnchorOp op) -> Access {
        if (op.getInterleave() == 1 && !op.getExcess())
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

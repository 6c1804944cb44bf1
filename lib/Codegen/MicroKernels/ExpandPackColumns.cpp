// Packing at run time. Rows of the source that hold columns side by side are
// copied in vectors; where a row holds the depth, squares of vectors are
// transposed in registers.
#include "Expansions.h"
#include "LinearView.h"

#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace mopt;

namespace {
class PackExpansion {
public:
  PackExpansion(OpBuilder &b, PackColumnsOp op)
      : ib(b, op.getLoc()), op(op),
        source(LinearView::create(ib, op.getSource())),
        init(LinearView::create(ib, op.getInit())),
        batchRank(source.sizes.size() - 2), columns(op.getBlockColumns()),
        lanes(op.getLanes()),
        type(VectorType::get(lanes, source.getElementType())) {
    int64_t widthDim = op.getTransposed() ? batchRank : batchRank + 1;
    int64_t depthDim = op.getTransposed() ? batchRank + 1 : batchRank;
    width = source.sizes[widthDim];
    depth = source.sizes[depthDim];
    columnStride = source.strides[widthDim];
    depthStride = source.strides[depthDim];
    blockStride = init.strides[batchRank];
    stepStride = init.strides[batchRank + 1];
  }

  void emit() { emitBatches({}); }

private:
  void emitBatches(SmallVector<OpFoldResult> batch) {
    if (int64_t(batch.size()) < batchRank)
      return ib.loop(ib.constant(0), source.sizes[batch.size()], 1,
                     [&](OpFoldResult i) {
                       SmallVector<OpFoldResult> inner(batch);
                       inner.push_back(i);
                       emitBatches(inner);
                     });
    from = source.at(ib, batch);
    to = init.at(ib, batch);
    OpFoldResult whole = ib.div(width, ib.constant(columns));
    OpFoldResult rest = ib.rem(width, ib.constant(columns));
    ib.loop(ib.constant(0), whole, 1, [&](OpFoldResult block) {
      if (op.getTransposed())
        emitTransposedBlock(block);
      else
        emitBlock(block);
    });
    if (std::optional<int64_t> count = getConstantIntValue(rest)) {
      if (*count > 0)
        emitPartialBlock(whole, rest);
      return;
    }
    Value any = arith::CmpIOp::create(ib.b, ib.loc, arith::CmpIPredicate::ne,
                                      ib.value(rest), ib.value(ib.constant(0)));
    auto branch = scf::IfOp::create(ib.b, ib.loc, any, false);
    OpBuilder::InsertionGuard guard(ib.b);
    ib.b.setInsertionPointToStart(branch.thenBlock());
    emitPartialBlock(whole, rest);
  }

  OpFoldResult getSourceStart(OpFoldResult block) {
    return ib.add(from,
                  ib.mul(ib.mul(block, ib.constant(columns)), columnStride));
  }
  OpFoldResult getBlockStart(OpFoldResult block) {
    return ib.add(to, ib.mul(block, blockStride));
  }
  Value load(OpFoldResult position) {
    return vector::LoadOp::create(ib.b, ib.loc, type, source.buffer,
                                  ib.value(position));
  }
  void store(Value vector, OpFoldResult position) {
    vector::StoreOp::create(ib.b, ib.loc, vector, init.buffer,
                            ib.value(position));
  }

  void emitBlock(OpFoldResult block) {
    OpFoldResult start = getSourceStart(block), out = getBlockStart(block);
    ib.loop(ib.constant(0), depth, 1, [&](OpFoldResult k) {
      OpFoldResult in = ib.add(start, ib.mul(k, depthStride));
      OpFoldResult row = ib.add(out, ib.mul(k, stepStride));
      for (int64_t c = 0; c < columns; c += lanes)
        store(load(ib.add(in, ib.constant(c))), ib.add(row, ib.constant(c)));
    });
  }

  /// Exchanges rows and lanes of `lanes` vectors, in log2(lanes) rounds that
  /// each swap the two off-diagonal quarters of every square.
  SmallVector<Value> transposeSquare(SmallVector<Value> rows) {
    for (int64_t d = 1; d < lanes; d *= 2)
      for (int64_t i = 0; i < lanes; ++i) {
        if (i & d)
          continue;
        SmallVector<int64_t> low, high;
        for (int64_t j = 0; j < lanes; ++j) {
          low.push_back(j & d ? lanes + (j ^ d) : j);
          high.push_back(j & d ? lanes + j : j ^ d);
        }
        Value a = rows[i], c = rows[i | d];
        rows[i] = vector::ShuffleOp::create(ib.b, ib.loc, a, c, low);
        rows[i | d] = vector::ShuffleOp::create(ib.b, ib.loc, a, c, high);
      }
    return rows;
  }

  void emitTransposedBlock(OpFoldResult block) {
    OpFoldResult start = getSourceStart(block), out = getBlockStart(block);
    OpFoldResult rest = ib.rem(depth, ib.constant(lanes));
    OpFoldResult whole = ib.sub(depth, rest);
    ib.loop(ib.constant(0), whole, lanes, [&](OpFoldResult k) {
      OpFoldResult in = ib.add(start, ib.mul(k, depthStride));
      OpFoldResult row = ib.add(out, ib.mul(k, stepStride));
      for (int64_t c = 0; c < columns; c += lanes) {
        SmallVector<Value> square;
        for (int64_t i = 0; i < lanes; ++i)
          square.push_back(
              load(ib.add(in, ib.mul(ib.constant(c + i), columnStride))));
        square = transposeSquare(std::move(square));
        for (int64_t i = 0; i < lanes; ++i)
          store(square[i], ib.add(ib.add(row, ib.constant(c)),
                                  ib.mul(ib.constant(i), stepStride)));
      }
    });
    ib.loop(whole, depth, 1, [&](OpFoldResult k) {
      ib.loop(ib.constant(0), ib.constant(columns), 1,
              [&](OpFoldResult c) { copyElement(start, out, k, c); });
    });
  }

  void copyElement(OpFoldResult start, OpFoldResult out, OpFoldResult k,
                   OpFoldResult c) {
    OpFoldResult in =
        ib.add(ib.add(start, ib.mul(k, depthStride)), ib.mul(c, columnStride));
    Value element =
        memref::LoadOp::create(ib.b, ib.loc, source.buffer, ib.value(in));
    storeElement(element, out, k, c);
  }
  void storeElement(Value element, OpFoldResult out, OpFoldResult k,
                    OpFoldResult c) {
    memref::StoreOp::create(
        ib.b, ib.loc, element, init.buffer,
        ib.value(ib.add(ib.add(out, ib.mul(k, stepStride)), c)));
  }

  /// `used` columns, then zeros.
  void emitPartialBlock(OpFoldResult block, OpFoldResult used) {
    OpFoldResult start = getSourceStart(block), out = getBlockStart(block);
    Value zero = arith::ConstantOp::create(
        ib.b, ib.loc, ib.b.getZeroAttr(source.getElementType()));
    ib.loop(ib.constant(0), depth, 1, [&](OpFoldResult k) {
      ib.loop(ib.constant(0), used, 1,
              [&](OpFoldResult c) { copyElement(start, out, k, c); });
      ib.loop(used, ib.constant(columns), 1,
              [&](OpFoldResult c) { storeElement(zero, out, k, c); });
    });
  }

  IndexBuilder ib;
  PackColumnsOp op;
  LinearView source, init;
  int64_t batchRank, columns, lanes;
  VectorType type;
  OpFoldResult width, depth, columnStride, depthStride, blockStride, stepStride;
  // Of the batch that is being emitted.
  OpFoldResult from, to;
};
} // namespace

void mopt::expandPackColumns(OpBuilder &b, PackColumnsOp op) {
  PackExpansion(b, op).emit();
}

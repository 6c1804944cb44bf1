// Packing at run time. Rows of the source that hold columns side by side are
// copied in vectors, several of them shuffled together where neighbours along
// the depth stand side by side; where a row holds the depth, squares of vectors
// are transposed in registers, whose elements are such neighbours then.
#include "Expansions.h"
#include "LinearView.h"
#include "TransposeSquare.h"

#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Utils/IndexingUtils.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace mopt;

/// Elements from which packing takes longer than a few microseconds.
static constexpr int64_t kSharedElements = 1 << 15;

namespace {
class PackExpansion {
public:
  PackExpansion(OpBuilder &b, PackColumnsOp op)
      : ib(b, op.getLoc()), op(op), source(viewSource(ib, op)),
        init(LinearView::create(ib, op.getInit())),
        batchRank(source.sizes.size() - 2), columns(op.getBlockColumns()),
        lanes(op.getLanes()), interleave(op.getInterleave()),
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

  /// What is packed: the source with its dimensions permuted.
  static LinearView viewSource(IndexBuilder &ib, PackColumnsOp op) {
    LinearView source = LinearView::create(ib, op.getSource());
    if (op.getPermutation()) {
      source.sizes = applyPermutation(source.sizes, *op.getPermutation());
      source.strides = applyPermutation(source.strides, *op.getPermutation());
    }
    return source;
  }

  void emit() {
    if (isShared())
      emitShared();
    else
      emitBatches({});
  }

private:
  /// Do threads share the work? Not below what waking them takes.
  bool isShared() {
    if (op->getParentOfType<scf::ForallOp>())
      return false;
    auto type = cast<MemRefType>(op.getInit().getType());
    return !type.hasStaticShape() || type.getNumElements() >= kSharedElements;
  }

  /// A tile for each block of columns of each matrix.
  void emitShared() {
    SmallVector<OpFoldResult> sizes(
        ArrayRef(source.sizes).take_front(batchRank));
    sizes.push_back(ib.ceilDiv(width, ib.constant(columns)));
    OpBuilder::InsertionGuard guard(ib.b);
    auto tiles =
        scf::ForallOp::create(ib.b, ib.loc, sizes, ValueRange(), std::nullopt);
    ib.b.setInsertionPointToStart(tiles.getBody());
    SmallVector<OpFoldResult> position =
        getAsOpFoldResult(tiles.getInductionVars());
    enterBatch(ArrayRef(position).take_front(batchRank));
    emitAnyBlock(position.back());
  }

  /// A block of which only run time knows whether it is the last, partial one.
  void emitAnyBlock(OpFoldResult block) {
    OpFoldResult rest = ib.rem(width, ib.constant(columns));
    if (getConstantIntValue(rest) == 0)
      return emitWholeBlock(block);
    OpFoldResult whole = ib.div(width, ib.constant(columns));
    Value isWhole =
        arith::CmpIOp::create(ib.b, ib.loc, arith::CmpIPredicate::slt,
                              ib.value(block), ib.value(whole));
    auto branch = scf::IfOp::create(ib.b, ib.loc, isWhole,
                                    /*withElseRegion=*/true);
    OpBuilder::InsertionGuard guard(ib.b);
    ib.b.setInsertionPointToStart(branch.thenBlock());
    emitWholeBlock(block);
    ib.b.setInsertionPointToStart(branch.elseBlock());
    emitPartialBlock(block, rest);
  }

  void emitBatches(SmallVector<OpFoldResult> batch) {
    if (int64_t(batch.size()) < batchRank)
      return ib.loop(ib.constant(0), source.sizes[batch.size()], 1,
                     [&](OpFoldResult i) {
                       SmallVector<OpFoldResult> inner(batch);
                       inner.push_back(i);
                       emitBatches(inner);
                     });
    enterBatch(batch);
    emitMatrix();
  }

  void enterBatch(ArrayRef<OpFoldResult> batch) {
    from = source.at(ib, batch);
    to = init.at(ib, batch);
  }

  void emitMatrix() {
    OpFoldResult whole = ib.div(width, ib.constant(columns));
    ib.loop(ib.constant(0), whole, 1,
            [&](OpFoldResult block) { emitWholeBlock(block); });
    emitRest(whole);
  }

  void emitWholeBlock(OpFoldResult block) {
    if (op.getTransposed())
      emitTransposedBlock(block);
    else
      emitBlock(block);
  }

  /// The block behind `whole` ones, if there is one.
  void emitRest(OpFoldResult whole) {
    OpFoldResult rest = ib.rem(width, ib.constant(columns));
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
  /// `interleave` neighbours along the depth, as one word.
  Value loadGroup(OpFoldResult position) {
    auto group = VectorType::get(lanes * interleave, source.getElementType());
    Value elements = vector::LoadOp::create(ib.b, ib.loc, group, source.buffer,
                                            ib.value(position));
    Type word = ib.b.getIntegerType(
        interleave * source.getElementType().getIntOrFloatBitWidth());
    return vector::BitCastOp::create(ib.b, ib.loc, VectorType::get(lanes, word),
                                     elements);
  }
  Value asElements(Value words) {
    return vector::BitCastOp::create(
        ib.b, ib.loc,
        VectorType::get(lanes * interleave, source.getElementType()), words);
  }
  /// Vectors of which the result takes one element after the other in turn.
  Value zip(ArrayRef<Value> vectors) {
    if (vectors.size() == 1)
      return vectors.front();
    // The halves are zipped first: even ones with odd ones.
    SmallVector<Value> even, odd;
    for (auto [i, vector] : llvm::enumerate(vectors))
      (i % 2 ? odd : even).push_back(vector);
    return vector::InterleaveOp::create(ib.b, ib.loc, zip(even), zip(odd));
  }
  void store(Value vector, OpFoldResult position) {
    vector::StoreOp::create(ib.b, ib.loc, vector, init.buffer,
                            ib.value(position));
  }

  void emitBlock(OpFoldResult block) {
    OpFoldResult start = getSourceStart(block), out = getBlockStart(block);
    OpFoldResult steps = ib.div(depth, ib.constant(interleave));
    ib.loop(ib.constant(0), steps, 1, [&](OpFoldResult step) {
      OpFoldResult in = ib.add(
          start, ib.mul(ib.mul(step, ib.constant(interleave)), depthStride));
      OpFoldResult row = ib.add(out, ib.mul(step, stepStride));
      for (int64_t c = 0; c < columns; c += lanes) {
        SmallVector<Value> group;
        for (int64_t i = 0; i < interleave; ++i)
          group.push_back(load(ib.add(ib.add(in, ib.constant(c)),
                                      ib.mul(ib.constant(i), depthStride))));
        store(zip(group), ib.add(row, ib.constant(c * interleave)));
      }
    });
    emitLastGroup(start, out, steps, ib.constant(columns));
  }

  /// What is left of the depth behind `steps` groups, if anything is.
  void emitLastGroup(OpFoldResult start, OpFoldResult out, OpFoldResult steps,
                     OpFoldResult used) {
    OpFoldResult total = ib.ceilDiv(depth, ib.constant(interleave));
    if (interleave > 1)
      ib.loop(steps, total, 1,
              [&](OpFoldResult step) { copyStep(start, out, step, used); });
  }

  void emitTransposedBlock(OpFoldResult block) {
    OpFoldResult start = getSourceStart(block), out = getBlockStart(block);
    OpFoldResult group = ib.constant(interleave);
    OpFoldResult steps = ib.div(depth, group);
    OpFoldResult whole = ib.sub(steps, ib.rem(steps, ib.constant(lanes)));
    ib.loop(ib.constant(0), whole, lanes, [&](OpFoldResult step) {
      OpFoldResult in = ib.add(start, ib.mul(ib.mul(step, group), depthStride));
      OpFoldResult row = ib.add(out, ib.mul(step, stepStride));
      for (int64_t c = 0; c < columns; c += lanes) {
        SmallVector<Value> square;
        for (int64_t i = 0; i < lanes; ++i) {
          OpFoldResult position =
              ib.add(in, ib.mul(ib.constant(c + i), columnStride));
          square.push_back(interleave == 1 ? load(position)
                                           : loadGroup(position));
        }
        square = transposeSquare(ib, std::move(square));
        for (int64_t i = 0; i < lanes; ++i)
          store(interleave == 1 ? square[i] : asElements(square[i]),
                ib.add(ib.add(row, ib.constant(c * interleave)),
                       ib.mul(ib.constant(i), stepStride)));
      }
    });
    OpFoldResult total = ib.ceilDiv(depth, group);
    ib.loop(whole, total, 1, [&](OpFoldResult step) {
      copyStep(start, out, step, ib.constant(columns));
    });
  }

  /// A step of `used` columns, element by element; zeros behind the depth and
  /// the columns.
  void copyStep(OpFoldResult start, OpFoldResult out, OpFoldResult step,
                OpFoldResult used) {
    Value zero = arith::ConstantOp::create(
        ib.b, ib.loc, ib.b.getZeroAttr(source.getElementType()));
    OpFoldResult group = ib.constant(interleave);
    OpFoldResult first = ib.mul(step, group);
    OpFoldResult count = ib.min(ib.sub(depth, first), group);
    auto at = [&](OpFoldResult c, OpFoldResult i) {
      return ib.add(ib.add(out, ib.mul(step, stepStride)),
                    ib.add(ib.mul(c, group), i));
    };
    auto storeAt = [&](Value element, OpFoldResult position) {
      memref::StoreOp::create(ib.b, ib.loc, element, init.buffer,
                              ib.value(position));
    };
    ib.loop(ib.constant(0), used, 1, [&](OpFoldResult c) {
      ib.loop(ib.constant(0), count, 1, [&](OpFoldResult i) {
        OpFoldResult in =
            ib.add(ib.add(start, ib.mul(ib.add(first, i), depthStride)),
                   ib.mul(c, columnStride));
        storeAt(
            memref::LoadOp::create(ib.b, ib.loc, source.buffer, ib.value(in)),
            at(c, i));
      });
      ib.loop(count, group, 1,
              [&](OpFoldResult i) { storeAt(zero, at(c, i)); });
    });
    ib.loop(ib.mul(used, group), ib.constant(columns * interleave), 1,
            [&](OpFoldResult i) { storeAt(zero, at(ib.constant(0), i)); });
  }

  /// `used` columns, then zeros.
  void emitPartialBlock(OpFoldResult block, OpFoldResult used) {
    OpFoldResult start = getSourceStart(block), out = getBlockStart(block);
    ib.loop(ib.constant(0), ib.ceilDiv(depth, ib.constant(interleave)), 1,
            [&](OpFoldResult step) { copyStep(start, out, step, used); });
  }

  IndexBuilder ib;
  PackColumnsOp op;
  LinearView source, init;
  int64_t batchRank, columns, lanes, interleave;
  VectorType type;
  OpFoldResult width, depth, columnStride, depthStride, blockStride, stepStride;
  // Of the batch that is being emitted.
  OpFoldResult from, to;
};
} // namespace

void mopt::expandPackColumns(OpBuilder &b, PackColumnsOp op) {
  PackExpansion(b, op).emit();
}

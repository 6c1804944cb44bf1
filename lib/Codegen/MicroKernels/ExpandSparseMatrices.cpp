// Sparse anchor of bytes to products in matrix registers, which know no zeros:
// a part of a panel is expanded to what a dense one would be, in the
// first-level cache, and all rows meet it there. Only packed bytes come from
// memory.
#include "Columns.h"
#include "Expansions.h"
#include "MatrixProduct.h"
#include "PanelPrefetch.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace mopt;

/// Of an expanded part, which shares a first-level cache with the left side.
constexpr int64_t kPartBytes = 16 << 10;
/// Packed bytes that are not read yet wait in the second-level cache.
constexpr int64_t kLocality = 2;

namespace {
class SparseMatrices {
public:
  SparseMatrices(OpBuilder &b, SparseAnchorOp op)
      : ib(b, op.getLoc()), op(op), config(op.getConfig()),
        lhs(LinearView::create(ib, op.getLhs())),
        values(LinearView::create(ib, op.getValues())),
        positions(LinearView::create(ib, op.getPositions())),
        epilogue(ib, cast<AnchorOpInterface>(op.getOperation())),
        init(LinearView::create(ib, op.getInit())),
        unit(*getMatrixUnit(config.getMatrixUnit())),
        pieces(ib, init.sizes[0], unit.getRows()),
        steps(op.getDepth() / config.getInterleave()),
        stepBytes(config.getColumns() * config.getInterleave()) {
    // A register takes as much of the depth as of a dense panel, and a part is
    // what several take.
    int64_t run = getMatrixDepth(steps, unit.getRowBytes());
    partSteps =
        std::min(steps, std::max(run, kPartBytes / stepBytes / run * run));
    Type byte = ib.b.getI8Type();
    part = LinearView::create(
        ib, allocateOnStack(ib.b, op,
                            MemRefType::get({partSteps * stepBytes}, byte)));
    if (!countFixed())
      cursor =
          allocateOnStack(ib.b, op, MemRefType::get({1}, ib.b.getIndexType()));
  }

  void emit() {
    MatrixProduct product(ib, cast<AnchorOpInterface>(op.getOperation()), lhs,
                          part, pieces.size, lhs.strides[0],
                          getLoop(ib.constant(steps)),
                          *getConstantIntValue(pieces.pieces));
    llvm::SmallBitVector varying(1, true);
    forEachPanel(
        ib, init.sizes[1], config.getColumns(), config.getLanes(),
        /*streams=*/1, [&](const Panels &panels) {
          product.clear(ib);
          OpFoldResult start = ib.mul(panels.firstBlock, values.strides[0]);
          if (cursor)
            memref::StoreOp::create(ib.b, ib.loc, ib.value(start), cursor,
                                    ib.value(ib.constant(0)));
          auto emitPart = [&](OpFoldResult first, int64_t count) {
            expandPart(panels, first, count);
            forEachPieces(first,
                          [&](ArrayRef<MatrixPiece> rows, OpFoldResult number) {
                            product.add(ib, rows, number, panels.vectors,
                                        getLoop(ib.constant(count)));
                          });
          };
          int64_t whole = steps / partSteps * partSteps;
          ib.loop(ib.constant(0), ib.constant(whole), partSteps,
                  [&](OpFoldResult first) { emitPart(first, partSteps); });
          if (steps > whole)
            emitPart(ib.constant(whole), steps - whole);
          SmallVector<OutputVector> columns = panels.getOutputVectors(
              ib, config.getColumns(), config.getLanes(), ib.constant(0));
          forEachPieces(ib.constant(0), [&](ArrayRef<MatrixPiece> rows,
                                            OpFoldResult number) {
            product.finish(ib, epilogue, varying, rows, number, columns);
          });
        });
    product.release(ib);
  }

private:
  ReductionLoop getLoop(OpFoldResult count) {
    return {count, ib.mul(lhs.strides[1], ib.constant(config.getInterleave())),
            ib.constant(stepBytes)};
  }

  /// Pieces of rows whose left sides start at step `first` of the depth, and
  /// how many come before them.
  void
  forEachPieces(OpFoldResult first,
                function_ref<void(ArrayRef<MatrixPiece>, OpFoldResult)> body) {
    OpFoldResult offset = ib.mul(
        ib.mul(first, ib.constant(config.getInterleave())), lhs.strides[1]);
    forEachMatrixPieces(
        ib, pieces.pieces,
        [&](int64_t count, OpFoldResult number, OpFoldResult) {
          SmallVector<MatrixPiece> rows;
          for (int64_t p = 0; p < count; ++p) {
            auto [start, skipped] =
                pieces.getStart(ib, ib.add(number, ib.constant(p)));
            rows.push_back({ib.add(offset, ib.mul(start, lhs.strides[0])),
                            skipped,
                            {start}});
          }
          body(rows, number);
        });
  }

  /// Values of a vector if all vectors have as many.
  std::optional<int64_t> countFixed() {
    int64_t interleave = config.getInterleave();
    if (interleave % op.getSparsity().getGroup() != 0)
      return std::nullopt;
    return config.getLanes() * op.getSparsity().countKept(interleave);
  }

  /// Writes `count` steps of the panel, from `first` on, as a dense panel has
  /// them.
  void expandPart(const Panels &panels, OpFoldResult first, int64_t count) {
    Value next;
    Value zero = ib.value(ib.constant(0));
    if (cursor)
      next = memref::LoadOp::create(ib.b, ib.loc, cursor, zero);
    int64_t unroll = config.getUnroll(), whole = count / unroll * unroll;
    next = expandSteps(panels, first, 0, whole, unroll, next);
    next = expandSteps(panels, first, whole, count, 1, next);
    if (cursor)
      memref::StoreOp::create(ib.b, ib.loc, next, cursor, zero);
  }

  /// Steps `from` to `to` of a part, some at a time. `next` is where the next
  /// value stands, null if that follows from the step.
  Value expandSteps(const Panels &panels, OpFoldResult first, int64_t from,
                    int64_t to, int64_t unroll, Value next) {
    if (from == to)
      return next;
    auto loop = scf::ForOp::create(
        ib.b, ib.loc, ib.value(ib.constant(from)), ib.value(ib.constant(to)),
        ib.value(ib.constant(unroll)), next ? ValueRange(next) : ValueRange());
    OpBuilder::InsertionGuard guard(ib.b);
    ib.b.setInsertionPointToStart(loop.getBody());
    Value inner = next ? Value(loop.getRegionIterArg(0)) : Value();
    for (int64_t u = 0; u < unroll; ++u)
      inner = expandStep(
          panels, first,
          ib.add(OpFoldResult(loop.getInductionVar()), ib.constant(u)), inner);
    // Without results the loop has its end already.
    if (next)
      scf::YieldOp::create(ib.b, ib.loc, inner);
    return next ? loop.getResult(0) : Value();
  }

  Value expandStep(const Panels &panels, OpFoldResult first, OpFoldResult step,
                   Value next) {
    int64_t lanes = config.getLanes(), bytes = lanes * config.getInterleave();
    int64_t vectors = config.getColumns() / lanes;
    std::optional<int64_t> fixed = countFixed();
    OpFoldResult inPanel = ib.add(first, step);
    OpFoldResult at = OpFoldResult(next);
    if (fixed)
      at = ib.add(ib.mul(panels.firstBlock, values.strides[0]),
                  ib.mul(inPanel, ib.constant(vectors * *fixed)));
    int64_t valuesOfStep = llvm::divideCeil(
        stepBytes * op.getSparsity().getKept(), op.getSparsity().getGroup());
    if (config.getPrefetchRows())
      emitPrefetch(
          ib, values,
          ib.add(at, ib.constant(config.getPrefetchRows() * valuesOfStep)),
          valuesOfStep, kLocality);
    auto type = VectorType::get(bytes, ib.b.getI8Type());
    Value zero =
        arith::ConstantOp::create(ib.b, ib.loc, ib.b.getZeroAttr(type));
    for (int64_t v = 0; v < panels.vectors; ++v) {
      OpFoldResult number =
          ib.add(ib.mul(panels.firstBlock, positions.strides[0]),
                 ib.add(ib.mul(inPanel, ib.constant(vectors)), ib.constant(v)));
      Value word = memref::LoadOp::create(ib.b, ib.loc, positions.buffer,
                                          ib.value(number));
      Value mask = vector::BitCastOp::create(
          ib.b, ib.loc, VectorType::get(bytes, ib.b.getI1Type()),
          vector::BroadcastOp::create(
              ib.b, ib.loc, VectorType::get(1, word.getType()), word));
      // There are as many bytes behind the last values of a block.
      Value kept = vector::LoadOp::create(ib.b, ib.loc, type, values.buffer,
                                          ib.value(at));
      Value expanded = LLVM::CallIntrinsicOp::create(
                           ib.b, ib.loc, type, op.getPermutationAttr(),
                           ValueRange{kept, zero, mask})
                           .getResult(0);
      vector::StoreOp::create(
          ib.b, ib.loc, expanded, part.buffer,
          ib.value(ib.add(ib.mul(step, ib.constant(stepBytes)),
                          ib.constant(v * bytes))));
      if (fixed) {
        at = ib.add(at, ib.constant(*fixed));
        continue;
      }
      Value used = arith::IndexCastUIOp::create(
          ib.b, ib.loc, ib.b.getIndexType(),
          math::CtPopOp::create(ib.b, ib.loc, word));
      at = ib.add(at, OpFoldResult(used));
    }
    return fixed ? Value() : ib.value(at);
  }

  IndexBuilder ib;
  SparseAnchorOp op;
  ConfigAttr config;
  LinearView lhs, values, positions;
  Epilogue epilogue;
  LinearView init;
  const MatrixUnit &unit;
  MatrixRows pieces;
  /// Groups along the depth, and how many of them a part has.
  int64_t steps, stepBytes, partSteps;
  LinearView part;
  /// Where the next value stands, from part to part; null if fixed.
  Value cursor;
};
} // namespace

void mopt::expandSparseMatrices(OpBuilder &b, SparseAnchorOp op) {
  SparseMatrices(b, op).emit();
}

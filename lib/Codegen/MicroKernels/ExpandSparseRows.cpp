// Sparse anchor to micro-kernels for many rows: each value of the weights times
// vectors of rows, which the left side has side by side. A part of the left
// side that fits the first-level cache meets a block of columns at a time;
// their sums lie in a scratch, transposed, until all parts are done. A single
// row has vectors of columns, whose elements of the left side are collected.
#include "Columns.h"
#include "Expansions.h"
#include "TransposeSquare.h"
#include "mopt/Target/SparseKernels.h"

#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace mopt;

namespace {
class SparseRowsExpansion {
public:
  SparseRowsExpansion(OpBuilder &b, SparseAnchorOp op)
      : ib(b, op.getLoc()), op(op), config(op.getConfig()),
        columns(config.getColumns()), lanes(config.getLanes()),
        rowBlock(op.getRowBlock()),
        together(countColumnsTogether(rowBlock, lanes)),
        lhs(LinearView::create(ib, op.getLhs())),
        values(LinearView::create(ib, op.getValues())),
        positions(LinearView::create(ib, op.getPositions())),
        epilogue(ib, cast<AnchorOpInterface>(op.getOperation())),
        init(LinearView::create(ib, op.getInit())),
        type(VectorType::get(lanes, b.getF32Type())),
        sums(allocate(columns * rowBlock)), square(allocate(lanes * lanes)) {}

  void emit() {
    ib.loop(ib.constant(0), lhs.sizes[0], 1, [&](OpFoldResult block) {
      lhsStart = ib.mul(block, lhs.strides[0]);
      firstRow = ib.mul(block, ib.constant(rowBlock));
      forEachPanel(ib, init.sizes[1], columns, lanes, /*streams=*/1,
                   [&](const Panels &panels) {
                     emitSums(panels.firstBlock);
                     emitResults(panels);
                   });
    });
  }

private:
  Value allocate(int64_t count) {
    auto memref = MemRefType::get(count, ib.b.getF32Type());
    return memref::AllocaOp::create(ib.b, ib.loc, memref,
                                    ib.b.getI64IntegerAttr(64));
  }
  Value load(Value buffer, OpFoldResult position) {
    return vector::LoadOp::create(ib.b, ib.loc, type, buffer,
                                  ib.value(position));
  }
  void store(Value vector, Value buffer, OpFoldResult position) {
    vector::StoreOp::create(ib.b, ib.loc, vector, buffer, ib.value(position));
  }

  //===--------------------------------------------------------------------===//
  // Sums
  //===--------------------------------------------------------------------===//

  void emitSums(OpFoldResult block) {
    Value zero =
        arith::ConstantOp::create(ib.b, ib.loc, ib.b.getZeroAttr(type));
    ib.loop(ib.constant(0), ib.constant(columns * rowBlock), lanes,
            [&](OpFoldResult i) { store(zero, sums, i); });
    int64_t depth = op.getDepth(), part = op.getDepthPart();
    if (isUnstructured(op.getSparsity()))
      return emitCountedSums(block, llvm::divideCeil(depth, part));
    int64_t perPart = op.getSparsity().countKept(part);
    auto emitPartAt = [&](OpFoldResult number, int64_t count) {
      emitPart(ib.add(lhsStart, ib.mul(number, ib.mul(ib.constant(part),
                                                      lhs.strides[1]))),
               ib.add(ib.mul(block, values.strides[0]),
                      ib.mul(number, ib.constant(perPart * columns))),
               ib.add(ib.mul(block, positions.strides[0]),
                      ib.mul(number, ib.constant(perPart * columns))),
               count);
    };
    int64_t whole = depth / part;
    ib.loop(ib.constant(0), ib.constant(whole), 1,
            [&](OpFoldResult number) { emitPartAt(number, perPart); });
    if (int64_t rest = op.getSparsity().countKept(depth % part))
      emitPartAt(ib.constant(whole), rest);
  }

  /// The same where columns keep different numbers of values, which stand
  /// before the positions of a block.
  void emitCountedSums(OpFoldResult block, int64_t parts) {
    int64_t perPart = columns / together;
    OpFoldResult counts = ib.mul(block, positions.strides[0]);
    OpFoldResult positionsStart = ib.add(counts, ib.constant(parts * perPart));
    OpFoldResult valuesStart = ib.mul(block, values.strides[0]);
    // Counts follow each other as parts and columns do; `used` values are done.
    auto loop = scf::ForOp::create(ib.b, ib.loc, ib.value(ib.constant(0)),
                                   ib.value(ib.constant(parts * perPart)),
                                   ib.value(ib.constant(1)),
                                   ValueRange{ib.value(ib.constant(0))});
    OpBuilder::InsertionGuard guard(ib.b);
    ib.b.setInsertionPointToStart(loop.getBody());
    OpFoldResult number = loop.getInductionVar();
    OpFoldResult used = loop.getRegionIterArg(0);
    OpFoldResult part = ib.div(number, ib.constant(perPart));
    OpFoldResult count = loadPosition(ib.add(counts, number));
    emitColumnsOfPart(
        ib.add(lhsStart, ib.mul(part, ib.mul(ib.constant(op.getDepthPart()),
                                             lhs.strides[1]))),
        ib.add(valuesStart, used), ib.add(positionsStart, used),
        ib.mul(ib.rem(number, ib.constant(perPart)), ib.constant(together)),
        count);
    OpFoldResult next = ib.add(used, ib.mul(count, ib.constant(together)));
    scf::YieldOp::create(ib.b, ib.loc, ib.value(next));
  }

  /// `count` values of each column of a block, times the part of the left side
  /// from `lhsPart` on.
  void emitPart(OpFoldResult lhsPart, OpFoldResult valuesPart,
                OpFoldResult positionsPart, int64_t count) {
    ib.loop(
        ib.constant(0), ib.constant(columns), together, [&](OpFoldResult n) {
          OpFoldResult at = ib.mul(n, ib.constant(count));
          emitColumnsOfPart(lhsPart, ib.add(valuesPart, at),
                            ib.add(positionsPart, at), n, ib.constant(count));
        });
  }

  /// The same for the columns from `n` on that meet the rows together, whose
  /// values are given.
  void emitColumnsOfPart(OpFoldResult lhsPart, OpFoldResult valuesStart,
                         OpFoldResult positionsStart, OpFoldResult n,
                         OpFoldResult count) {
    if (rowBlock == 1)
      return emitRowOfPart(lhsPart, valuesStart, positionsStart, n, count);
    int64_t vectors = rowBlock / lanes;
    SmallVector<Value> carried;
    SmallVector<OpFoldResult> starts;
    for (int64_t c = 0; c < together; ++c) {
      OpFoldResult column = ib.add(n, ib.constant(c));
      starts.push_back(ib.mul(column, ib.constant(rowBlock)));
      for (int64_t v = 0; v < vectors; ++v)
        carried.push_back(
            load(sums, ib.add(starts.back(), ib.constant(v * lanes))));
    }
    auto loop =
        scf::ForOp::create(ib.b, ib.loc, ib.value(ib.constant(0)),
                           ib.value(count), ib.value(ib.constant(1)), carried);
    {
      OpBuilder::InsertionGuard guard(ib.b);
      ib.b.setInsertionPointToStart(loop.getBody());
      SmallVector<Value> next(loop.getRegionIterArgs());
      OpFoldResult first =
          ib.mul(OpFoldResult(loop.getInductionVar()), ib.constant(together));
      for (int64_t c = 0; c < together; ++c) {
        OpFoldResult at = ib.add(first, ib.constant(c));
        multiplyAdd(lhsPart, ib.add(valuesStart, at),
                    ib.add(positionsStart, at),
                    MutableArrayRef(next).slice(c * vectors, vectors));
      }
      scf::YieldOp::create(ib.b, ib.loc, next);
    }
    for (int64_t c = 0; c < together; ++c)
      for (int64_t v = 0; v < vectors; ++v)
        store(loop.getResult(c * vectors + v), sums,
              ib.add(starts[c], ib.constant(v * lanes)));
  }

  /// The same where the left side has one row.
  void emitRowOfPart(OpFoldResult lhsPart, OpFoldResult valuesStart,
                     OpFoldResult positionsStart, OpFoldResult n,
                     OpFoldResult count) {
    auto loop = scf::ForOp::create(ib.b, ib.loc, ib.value(ib.constant(0)),
                                   ib.value(count), ib.value(ib.constant(1)),
                                   ValueRange{load(sums, n)});
    {
      OpBuilder::InsertionGuard guard(ib.b);
      ib.b.setInsertionPointToStart(loop.getBody());
      OpFoldResult first =
          ib.mul(OpFoldResult(loop.getInductionVar()), ib.constant(lanes));
      OpFoldResult positionsAt = ib.add(positionsStart, first);
      SmallVector<Value> elements;
      for (int64_t lane = 0; lane < lanes; ++lane) {
        OpFoldResult offset =
            loadPosition(ib.add(positionsAt, ib.constant(lane)));
        elements.push_back(memref::LoadOp::create(
            ib.b, ib.loc, lhs.buffer, ib.value(ib.add(lhsPart, offset))));
      }
      Value sum = vector::FMAOp::create(
          ib.b, ib.loc,
          vector::FromElementsOp::create(ib.b, ib.loc, type, elements),
          load(values.buffer, ib.add(valuesStart, first)),
          loop.getRegionIterArg(0));
      scf::YieldOp::create(ib.b, ib.loc, sum);
    }
    store(loop.getResult(0), sums, n);
  }

  OpFoldResult loadPosition(OpFoldResult at) {
    return OpFoldResult(arith::IndexCastUIOp::create(
                            ib.b, ib.loc, ib.b.getIndexType(),
                            memref::LoadOp::create(
                                ib.b, ib.loc, positions.buffer, ib.value(at)))
                            .getResult());
  }

  void multiplyAdd(OpFoldResult lhsPart, OpFoldResult valueAt,
                   OpFoldResult positionAt,
                   MutableArrayRef<Value> accumulators) {
    Value splat = vector::BroadcastOp::create(
        ib.b, ib.loc, type,
        memref::LoadOp::create(ib.b, ib.loc, values.buffer, ib.value(valueAt)));
    OpFoldResult row = ib.add(lhsPart, loadPosition(positionAt));
    for (auto [v, accumulator] : llvm::enumerate(accumulators))
      accumulator = vector::FMAOp::create(
          ib.b, ib.loc, splat,
          load(lhs.buffer, ib.add(row, ib.constant(v * lanes))), accumulator);
  }

  //===--------------------------------------------------------------------===//
  // Results
  //===--------------------------------------------------------------------===//

  void emitResults(const Panels &panels) {
    OpFoldResult rows =
        ib.min(ib.constant(rowBlock), ib.sub(init.sizes[0], firstRow));
    OpFoldResult first = ib.mul(panels.firstBlock, ib.constant(columns));
    if (!panels.partial)
      return ib.loop(ib.constant(0), ib.constant(panels.vectors * lanes), lanes,
                     [&](OpFoldResult column) {
                       emitColumns(rows, column,
                                   {ib.add(first, column), Value()});
                     });
    for (auto [v, vector] : llvm::enumerate(
             panels.getOutputVectors(ib, columns, lanes, ib.constant(0))))
      emitColumns(rows, ib.constant(v * lanes), vector);
  }

  /// As many columns of the scratch as there are lanes, from `column` on,
  /// become rows of the result.
  void emitColumns(OpFoldResult rows, OpFoldResult column,
                   const OutputVector &vector) {
    auto turn = [&](OpFoldResult row) {
      SmallVector<Value> vectors;
      for (int64_t i = 0; i < lanes; ++i)
        vectors.push_back(
            load(sums, ib.add(ib.mul(ib.add(column, ib.constant(i)),
                                     ib.constant(rowBlock)),
                              row)));
      return transposeSquare(ib, std::move(vectors));
    };
    llvm::SmallBitVector varying(1, true);
    if (rowBlock == 1)
      return epilogue.emit(ib, SmallVector<OpFoldResult>{firstRow}, varying,
                           vector, load(sums, column));
    OpFoldResult rest = ib.rem(rows, ib.constant(lanes));
    OpFoldResult whole = ib.sub(rows, rest);
    ib.loop(ib.constant(0), whole, lanes, [&](OpFoldResult row) {
      SmallVector<Value> turned = turn(row);
      SmallVector<SmallVector<OpFoldResult>> coordinates;
      for (int64_t i = 0; i < lanes; ++i)
        coordinates.push_back({ib.add(firstRow, ib.add(row, ib.constant(i)))});
      epilogue.emit(ib, coordinates, varying, vector, turned);
    });
    // Rows that do not exist must not be stored.
    ib.loop(ib.constant(0), ib.min(rest, ib.constant(1)), 1, [&](OpFoldResult) {
      for (auto [i, turned] : llvm::enumerate(turn(whole)))
        store(turned, square, ib.constant(i * lanes));
      ib.loop(ib.constant(0), rest, 1, [&](OpFoldResult i) {
        SmallVector<OpFoldResult> coordinates{
            ib.add(firstRow, ib.add(whole, i))};
        Value sum = load(square, ib.mul(i, ib.constant(lanes)));
        epilogue.emit(ib, coordinates, varying, vector, sum);
      });
    });
  }

  IndexBuilder ib;
  SparseAnchorOp op;
  ConfigAttr config;
  int64_t columns, lanes, rowBlock, together;
  LinearView lhs, values, positions;
  Epilogue epilogue;
  LinearView init;
  VectorType type;
  /// The results of a block of columns and rows, columns first; a square of
  /// vectors of them.
  Value sums, square;
  // Of the block of rows that is being emitted.
  OpFoldResult lhsStart, firstRow;
};
} // namespace

void mopt::expandSparseRows(OpBuilder &b, SparseAnchorOp op) {
  SparseRowsExpansion(b, op).emit();
}

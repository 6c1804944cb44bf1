// Level in and out: buffer, anchors expanded. Sums whose elements are added one
// by one wait for each addition; those of eight rows of a `linalg.generic` are
// taken side by side, a row to a lane. The order within each stays.
#include "MicroKernels/TransposeSquare.h"
#include "OperandIndices.h"

#include "mopt/Codegen/Passes.h"
#include "mopt/Support/SumOrder.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;

namespace mopt {
#define GEN_PASS_DEF_INTERLEAVESUMS
#include "mopt/Codegen/Passes.h.inc"
} // namespace mopt

using namespace mopt;

namespace {
/// A generic op that does nothing but add along its last loop, contiguous
/// memory, and the loop of its rows.
struct RowSums {
  linalg::GenericOp op;
  int64_t rowLoop;

  static std::optional<RowSums> match(linalg::GenericOp op) {
    if (!op->hasAttr(kInOrderAttr) || !op.hasPureBufferSemantics() ||
        op.getNumReductionLoops() != 1 || op.getNumDpsInputs() != 1 ||
        op.getNumDpsInits() != 1 ||
        op.getIteratorTypesArray().back() != utils::IteratorType::reduction)
      return std::nullopt;
    Block &body = *op.getBody();
    auto sum =
        body.getTerminator()->getOperand(0).getDefiningOp<arith::AddFOp>();
    if (!sum || !llvm::hasNItems(body, 2) ||
        sum.getLhs() != body.getArgument(1) ||
        sum.getRhs() != body.getArgument(0))
      return std::nullopt;
    AffineMap input = op.getIndexingMapsArray().front();
    AffineExpr last = getAffineDimExpr(op.getNumLoops() - 1, op.getContext());
    if (input.getNumResults() == 0 || input.getResults().back() != last ||
        llvm::is_contained(input.getResults().drop_back(), last) ||
        !cast<MemRefType>(op.getDpsInputs()[0].getType()).isLastDimUnitStride())
      return std::nullopt;
    for (AffineMap map : op.getIndexingMapsArray())
      if (!llvm::all_of(map.getResults(), [](AffineExpr expr) {
            return isa<AffineDimExpr, AffineConstantExpr>(expr);
          }))
        return std::nullopt;
    SmallVector<int64_t> sizes = op.getStaticLoopRanges();
    for (int64_t loop = op.getNumLoops() - 2; loop >= 0; --loop)
      if (sizes[loop] != 1)
        return RowSums{op, loop};
    return std::nullopt;
  }

  void expand() {
    OpBuilder b(op);
    Location loc = op.getLoc();
    auto index = [&](int64_t value) -> Value {
      return arith::ConstantIndexOp::create(b, loc, value);
    };
    Value zero = index(0), one = index(1), step = index(kRowsInOrder);
    SmallVector<Value> ends, indices;
    for (const Range &range :
         cast<linalg::LinalgOp>(op.getOperation()).createLoopRanges(b, loc))
      ends.push_back(getValueOrCreateConstantIndexOp(b, loc, range.size));
    Value last = arith::SubIOp::create(b, loc, ends[rowLoop], one),
          size = ends.pop_back_val(),
          rest = arith::RemUIOp::create(b, loc, size, step),
          whole = arith::SubIOp::create(b, loc, size, rest);
    for (auto [i, end] : llvm::enumerate(ends)) {
      auto loop = scf::ForOp::create(
          b, loc, zero, end, static_cast<int64_t>(i) == rowLoop ? step : one);
      b.setInsertionPointToStart(loop.getBody());
      indices.push_back(loop.getInductionVar());
    }
    // Behind the last row it is taken again: it gives the same sum.
    int64_t rowCount = op.getStaticLoopRanges()[rowLoop];
    bool divides =
        ShapedType::isStatic(rowCount) && rowCount % kRowsInOrder == 0;
    SmallVector<SmallVector<Value>> rows(kRowsInOrder, indices);
    for (int64_t r = 0; r < kRowsInOrder; ++r) {
      Value &row = rows[r][rowLoop];
      row = arith::AddIOp::create(b, loc, row, index(r));
      if (!divides)
        row = arith::MinUIOp::create(b, loc, row, last);
    }
    OpOperand *init = op.getDpsInitOperand(0);
    Value sums = collect(b, init, rows);
    auto along = [&](OpBuilder &inside, Value position) {
      SmallVector<SmallVector<Value>> elements = rows;
      for (SmallVector<Value> &element : elements)
        element.push_back(position);
      return elements;
    };
    auto blocks = scf::ForOp::create(b, loc, zero, whole, step, sums);
    {
      OpBuilder inside = OpBuilder::atBlockBegin(blocks.getBody());
      scf::YieldOp::create(inside, loc,
                           addSquare(inside,
                                     along(inside, blocks.getInductionVar()),
                                     blocks.getRegionIterArg(0)));
    }
    auto single =
        scf::ForOp::create(b, loc, whole, size, one, blocks.getResult(0));
    {
      OpBuilder inside = OpBuilder::atBlockBegin(single.getBody());
      Value column = collect(inside, op.getDpsInputOperand(0),
                             along(inside, single.getInductionVar()));
      scf::YieldOp::create(
          inside, loc,
          arith::AddFOp::create(inside, loc, single.getRegionIterArg(0), column)
              .getResult());
    }
    for (auto [r, row] : llvm::enumerate(rows))
      memref::StoreOp::create(
          b, loc, vector::ExtractOp::create(b, loc, single.getResult(0), r),
          init->get(), getOperandIndices(b, op, *init, row));
    op.erase();
  }

private:
  VectorType getVectorType() {
    return VectorType::get(
        kRowsInOrder,
        cast<MemRefType>(op.getDpsInits()[0].getType()).getElementType());
  }

  /// Adds a square of elements, whose first column is at `rows`, column by
  /// column.
  Value addSquare(OpBuilder &b, ArrayRef<SmallVector<Value>> rows, Value sums) {
    OpOperand *input = op.getDpsInputOperand(0);
    SmallVector<Value> square;
    for (ArrayRef<Value> row : rows)
      square.push_back(
          vector::LoadOp::create(b, op.getLoc(), getVectorType(), input->get(),
                                 getOperandIndices(b, op, *input, row)));
    IndexBuilder ib{b, op.getLoc()};
    for (Value column : transposeSquare(ib, std::move(square)))
      sums = arith::AddFOp::create(b, op.getLoc(), sums, column);
    return sums;
  }

  /// An element of each row.
  Value collect(OpBuilder &b, OpOperand *operand,
                ArrayRef<SmallVector<Value>> rows) {
    Location loc = op.getLoc();
    Value column =
        arith::ConstantOp::create(b, loc, b.getZeroAttr(getVectorType()));
    for (auto [r, row] : llvm::enumerate(rows))
      column = vector::InsertOp::create(
          b, loc,
          memref::LoadOp::create(b, loc, operand->get(),
                                 getOperandIndices(b, op, *operand, row)),
          column, r);
    return column;
  }
};

struct InterleaveSums : mopt::impl::InterleaveSumsBase<InterleaveSums> {
  void runOnOperation() override {
    SmallVector<RowSums> sums;
    getOperation()->walk([&](linalg::GenericOp op) {
      if (std::optional<RowSums> found = RowSums::match(op))
        sums.push_back(*found);
    });
    for (RowSums &rows : sums)
      rows.expand();
  }
};
} // namespace

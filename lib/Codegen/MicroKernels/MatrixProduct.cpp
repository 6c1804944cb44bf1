// Products in registers that hold matrices: two by two registers of sums, so
// that what is loaded is used twice.
#include "MatrixProduct.h"
#include "PanelPrefetch.h"
#include "mopt/Support/Attributes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/BuiltinOps.h"

using namespace mlir;
using namespace mopt;

constexpr int64_t kAtOnce = kMatricesAtOnce;
/// Bytes of a group along the depth.
constexpr int64_t kGroupBytes = 4;
/// Rows that the epilogue takes at once: they share what it loads.
constexpr int64_t kEpilogueRows = 4;

// The registers: sums, then left sides, then right sides.
static int64_t getSums(int64_t piece, int64_t vector) {
  return piece * kAtOnce + vector;
}
static int64_t getLhs(int64_t piece) { return kAtOnce * kAtOnce + piece; }
static int64_t getRhs(int64_t vector) { return getLhs(kAtOnce) + vector; }

MatrixRows::MatrixRows(IndexBuilder &ib, OpFoldResult count, int64_t most)
    : count(count), pieces(ib.ceilDiv(count, ib.constant(most))),
      size(ib.max(ib.ceilDiv(count, ib.max(pieces, ib.constant(1))),
                  ib.constant(1))) {}

std::pair<OpFoldResult, OpFoldResult>
MatrixRows::getStart(IndexBuilder &ib, OpFoldResult i) const {
  OpFoldResult start = ib.mul(i, size);
  std::optional<int64_t> all = getConstantIntValue(count),
                         one = getConstantIntValue(size);
  if (all && one && *all % *one == 0)
    return {start, ib.constant(0)};
  OpFoldResult early = ib.min(start, ib.sub(count, size));
  return {early, ib.sub(start, early)};
}

int64_t mopt::getMatrixDepth(int64_t groups, int64_t mostBytes) {
  int64_t depth = std::min(groups, mostBytes / kGroupBytes);
  while (depth > 1 && groups % depth != 0)
    --depth;
  return std::max<int64_t>(depth, 1);
}

void mopt::forEachMatrixPieces(IndexBuilder &ib, OpFoldResult pieces,
                               RowBlockFn body) {
  OpFoldResult whole = ib.div(pieces, ib.constant(kAtOnce));
  ib.loop(ib.constant(0), whole, 1, [&](OpFoldResult i) {
    body(kAtOnce, ib.mul(i, ib.constant(kAtOnce)), i);
  });
  ib.loop(ib.mul(whole, ib.constant(kAtOnce)), pieces, 1,
          [&](OpFoldResult i) { body(1, i, whole); });
}

OpFoldResult mopt::countMatrixCalls(IndexBuilder &ib, OpFoldResult pieces) {
  return ib.ceilDiv(pieces, ib.constant(kAtOnce));
}

Value mopt::allocateOnStack(OpBuilder &b, Operation *op, MemRefType type) {
  OpBuilder::InsertionGuard guard(b);
  if (auto loop = op->getParentOfType<scf::ForallOp>())
    b.setInsertionPointToStart(loop.getBody());
  else
    b.setInsertionPointToStart(
        &op->getParentOfType<FunctionOpInterface>().getFunctionBody().front());
  return memref::AllocaOp::create(b, op->getLoc(), type,
                                  b.getI64IntegerAttr(64));
}

static int64_t getBytes(Type element) {
  return element.getIntOrFloatBitWidth() / 8;
}

/// The address of a view's first element.
static Value getBase(IndexBuilder &ib, Value buffer) {
  Value base =
      memref::ExtractAlignedPointerAsIndexOp::create(ib.b, ib.loc, buffer);
  auto metadata =
      memref::ExtractStridedMetadataOp::create(ib.b, ib.loc, buffer);
  int64_t bytes = getBytes(cast<MemRefType>(buffer.getType()).getElementType());
  return ib.value(ib.add(
      base, ib.mul(metadata.getConstifiedMixedOffset(), ib.constant(bytes))));
}

MatrixProduct::MatrixProduct(IndexBuilder &ib, AnchorOpInterface op,
                             const LinearView &lhs, const LinearView &rhs,
                             OpFoldResult rows, OpFoldResult lhsRowStride,
                             ArrayRef<ReductionLoop> loops, int64_t pieces)
    : op(op), config(op.getConfigAttr()),
      unit(*getMatrixUnit(config.getMatrixUnit())), lhs(lhs), rhs(rhs),
      rows(rows), loops(loops),
      depth(getMatrixDepth(*getConstantIntValue(loops.back().count),
                           unit.getRowBytes())),
      accumulatorType(
          VectorType::get(config.getLanes(), op.getAccumulatorType())),
      pieces(pieces) {
  Operation *module = op->getParentOfType<ModuleOp>();
  module->setAttr(kProcessorStateAttr,
                  ib.b.getI64IntegerAttr(unit.getProcessorState()));
  sums = allocateOnStack(
      ib.b, op,
      MemRefType::get({pieces * unit.getRows() * config.getColumns()},
                      accumulatorType.getElementType()));
  Value slot = allocateOnStack(
      ib.b, op, MemRefType::get({unit.getShapeBytes()}, ib.b.getI8Type()));
  lhsBase = getBase(ib, lhs.buffer);
  rhsBase = getBase(ib, rhs.buffer);
  sumsBase = getBase(ib, sums);
  auto scale = [&](OpFoldResult elements, Type element) {
    return ib.value(ib.mul(elements, ib.constant(getBytes(element))));
  };
  lhsStrideBytes = scale(lhsRowStride, lhs.getElementType());
  rhsStrideBytes = scale(loops.back().rhsStep, rhs.getElementType());
  sumsStrideBytes =
      scale(ib.constant(config.getColumns()), accumulatorType.getElementType());

  MatrixShape ofSums{ib.value(rows),
                     getBytes(accumulatorType.getElementType()) *
                         config.getLanes()};
  MatrixShape ofLhs{ib.value(rows), depth * kGroupBytes};
  MatrixShape ofRhs{ib.value(ib.constant(depth)),
                    config.getLanes() * kGroupBytes};
  SmallVector<MatrixShape> shapes(kAtOnce * kAtOnce, ofSums);
  shapes.append(kAtOnce, ofLhs);
  shapes.append(kAtOnce, ofRhs);
  unit.configure(ib.b, ib.loc, slot, shapes);
}

void MatrixProduct::release(IndexBuilder &ib) { unit.release(ib.b, ib.loc); }

void MatrixProduct::emitStep(IndexBuilder &ib, ArrayRef<MatrixPiece> pieces,
                             int64_t vectors, OpFoldResult lhsOffset,
                             OpFoldResult rhsOffset) {
  auto address = [&](Value base, const LinearView &view, OpFoldResult offset) {
    int64_t bytes = getBytes(view.getElementType());
    return ib.value(ib.add(base, ib.mul(offset, ib.constant(bytes))));
  };
  int64_t elements = config.getLanes() * config.getInterleave();
  for (auto [p, piece] : llvm::enumerate(pieces)) {
    unit.load(ib.b, ib.loc, getLhs(p),
              address(lhsBase, lhs, ib.add(piece.lhsStart, lhsOffset)),
              lhsStrideBytes);
    for (int64_t v = 0; v < vectors; ++v) {
      if (p == 0)
        unit.load(
            ib.b, ib.loc, getRhs(v),
            address(rhsBase, rhs, ib.add(rhsOffset, ib.constant(v * elements))),
            rhsStrideBytes);
      unit.multiply(ib.b, ib.loc, config.getInstruction(), getSums(p, v),
                    getLhs(p), getRhs(v));
    }
  }
}

void MatrixProduct::emitLoops(IndexBuilder &ib, ArrayRef<ReductionLoop> rest,
                              ArrayRef<MatrixPiece> pieces, int64_t vectors,
                              OpFoldResult lhsOffset, OpFoldResult rhsOffset,
                              OpFoldResult step,
                              const std::optional<PanelPrefetch> &prefetch) {
  const ReductionLoop &loop = rest.front();
  bool isInnermost = rest.size() == 1;
  int64_t stride = isInnermost ? depth : 1;
  OpFoldResult stepsInside = ib.constant(1);
  for (const ReductionLoop &inner : rest.drop_front())
    stepsInside = ib.mul(stepsInside, inner.count);
  ib.loop(ib.constant(0), loop.count, stride, [&](OpFoldResult i) {
    OpFoldResult l = ib.add(lhsOffset, ib.mul(i, loop.lhsStep));
    OpFoldResult r = ib.add(rhsOffset, ib.mul(i, loop.rhsStep));
    OpFoldResult s = ib.add(step, ib.mul(i, stepsInside));
    if (!isInnermost)
      return emitLoops(ib, rest.drop_front(), pieces, vectors, l, r, s,
                       prefetch);
    if (prefetch)
      emitPrefetch(ib, rhs,
                   ib.add(prefetch->start,
                          ib.mul(s, ib.constant(prefetch->elementsPerStep))),
                   prefetch->elementsPerStep * depth, /*locality=*/2);
    emitStep(ib, pieces, vectors, l, r);
  });
}

void MatrixProduct::emitEpilogue(IndexBuilder &ib, Epilogue &epilogue,
                                 const llvm::SmallBitVector &varying,
                                 OpFoldResult number, const MatrixPiece &piece,
                                 ArrayRef<OutputVector> columns) {
  OpFoldResult firstRow = ib.mul(number, ib.constant(unit.getRows()));
  auto emitRows = [&](OpFoldResult first, int64_t count) {
    SmallVector<SmallVector<OpFoldResult>> coordinates;
    SmallVector<Value> accumulators;
    for (int64_t r = 0; r < count; ++r) {
      OpFoldResult row = ib.add(first, ib.constant(r));
      coordinates.push_back(piece.coordinates);
      coordinates.back().back() = ib.add(coordinates.back().back(), row);
      OpFoldResult start =
          ib.mul(ib.add(row, firstRow), ib.constant(config.getColumns()));
      for (size_t v = 0; v < columns.size(); ++v)
        accumulators.push_back(vector::LoadOp::create(
            ib.b, ib.loc, accumulatorType, sums,
            ib.value(ib.add(start, ib.constant(v * config.getLanes())))));
    }
    epilogue.emit(ib, coordinates, varying, columns, accumulators);
  };
  OpFoldResult count = ib.sub(rows, piece.skipped);
  OpFoldResult rest = ib.rem(count, ib.constant(kEpilogueRows));
  OpFoldResult whole = ib.sub(rows, rest);
  ib.loop(piece.skipped, whole, kEpilogueRows,
          [&](OpFoldResult first) { emitRows(first, kEpilogueRows); });
  ib.loop(whole, rows, 1, [&](OpFoldResult first) { emitRows(first, 1); });
}

void MatrixProduct::emit(IndexBuilder &ib, Epilogue &epilogue,
                         const llvm::SmallBitVector &varying,
                         ArrayRef<MatrixPiece> pieces, OpFoldResult rhsStart,
                         ArrayRef<OutputVector> columns,
                         const std::optional<PanelPrefetch> &prefetch) {
  for (size_t p = 0; p < pieces.size(); ++p)
    for (size_t v = 0; v < columns.size(); ++v)
      unit.zero(ib.b, ib.loc, getSums(p, v));
  emitLoops(ib, loops, pieces, columns.size(), ib.constant(0), rhsStart,
            ib.constant(0), prefetch);
  forEachSums(ib, pieces.size(), ib.constant(0), columns.size(),
              [&](int64_t number, Value address) {
                unit.store(ib.b, ib.loc, number, address, sumsStrideBytes);
              });
  finish(ib, epilogue, varying, pieces, ib.constant(0), columns);
}

void MatrixProduct::forEachSums(IndexBuilder &ib, int64_t pieces,
                                OpFoldResult first, int64_t vectors,
                                function_ref<void(int64_t, Value)> body) {
  int64_t bytes = getBytes(accumulatorType.getElementType());
  int64_t pieceBytes = unit.getRows() * config.getColumns() * bytes;
  OpFoldResult base = ib.add(sumsBase, ib.mul(first, ib.constant(pieceBytes)));
  for (int64_t p = 0; p < pieces; ++p)
    for (int64_t v = 0; v < vectors; ++v)
      body(getSums(p, v),
           ib.value(ib.add(base, ib.constant(p * pieceBytes +
                                             v * config.getLanes() * bytes))));
}

void MatrixProduct::clear(IndexBuilder &ib) {
  Value zero = arith::ConstantOp::create(ib.b, ib.loc,
                                         ib.b.getZeroAttr(accumulatorType));
  int64_t count = pieces * unit.getRows() * config.getColumns();
  ib.loop(ib.constant(0), ib.constant(count), config.getLanes(),
          [&](OpFoldResult i) {
            vector::StoreOp::create(ib.b, ib.loc, zero, sums, ib.value(i));
          });
}

void MatrixProduct::add(IndexBuilder &ib, ArrayRef<MatrixPiece> pieces,
                        OpFoldResult first, int64_t vectors,
                        const ReductionLoop &part) {
  forEachSums(ib, pieces.size(), first, vectors,
              [&](int64_t number, Value address) {
                unit.load(ib.b, ib.loc, number, address, sumsStrideBytes);
              });
  emitLoops(ib, part, pieces, vectors, ib.constant(0), ib.constant(0),
            ib.constant(0), std::nullopt);
  forEachSums(ib, pieces.size(), first, vectors,
              [&](int64_t number, Value address) {
                unit.store(ib.b, ib.loc, number, address, sumsStrideBytes);
              });
}

void MatrixProduct::finish(IndexBuilder &ib, Epilogue &epilogue,
                           const llvm::SmallBitVector &varying,
                           ArrayRef<MatrixPiece> pieces, OpFoldResult first,
                           ArrayRef<OutputVector> columns) {
  for (auto [p, piece] : llvm::enumerate(pieces))
    emitEpilogue(ib, epilogue, varying, ib.add(first, ib.constant(p)), piece,
                 columns);
}

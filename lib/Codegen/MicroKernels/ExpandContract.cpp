// Contraction anchor to micro-kernels: batches, blocks of columns, blocks of
// rows, register tile. A panel of the right side stays in the cache while all
// rows pass; with few rows several panels stream at once.
#include "Columns.h"
#include "Expansions.h"
#include "MatrixProduct.h"
#include "PanelPrefetch.h"
#include "RowBlocks.h"

#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;
using namespace mopt;

namespace {
class ContractExpansion {
public:
  ContractExpansion(OpBuilder &b, ContractAnchorOp op)
      : ib(b, op.getLoc()), op(op), config(op.getConfigAttr()),
        lhs(LinearView::create(ib, op.getLhs())),
        rhs(LinearView::create(ib, op.getRhs())),
        epilogue(ib, cast<AnchorOpInterface>(op.getOperation())),
        init(LinearView::create(ib, op.getInit())),
        batchRank(op.getBatchRank()) {
    rows = getSize(init, op.getInitIndexingMap(), batchRank);
    width = getSize(init, op.getInitIndexingMap(), batchRank + 1);
    depth = getSize(lhs, op.getLhsIndexingMap(), batchRank + 1);
    if (op.getExcess())
      excess = LinearView::create(ib, op.getExcess());
  }

  void emit() { emitBatches({}); }

private:
  /// Position of dimension `dim` of an operand's map in the operand.
  int64_t getPosition(AffineMap map, int64_t dim) {
    return *map.getResultPosition(getAffineDimExpr(dim, map.getContext()));
  }
  OpFoldResult getSize(const LinearView &view, AffineMap map, int64_t dim) {
    return view.sizes[getPosition(map, dim)];
  }
  OpFoldResult getStride(const LinearView &view, AffineMap map, int64_t dim) {
    return view.strides[getPosition(map, dim)];
  }

  void emitBatches(SmallVector<OpFoldResult> batch) {
    if (int64_t(batch.size()) < batchRank) {
      OpFoldResult count = getSize(init, op.getInitIndexingMap(), batch.size());
      return ib.loop(ib.constant(0), count, 1, [&](OpFoldResult i) {
        SmallVector<OpFoldResult> inner(batch);
        inner.push_back(i);
        emitBatches(inner);
      });
    }
    SmallVector<OpFoldResult> origin(batch);
    origin.append(2, ib.constant(0));
    batchIndices = batch;
    lhsStart = mapPosition(ib, lhs, op.getLhsIndexingMap(), origin);
    rhsStart = mapPosition(ib, rhs, op.getRhsIndexingMap(), origin);
    emitRows();
  }

  /// Panels that advance together when one block of `count` rows is all.
  int64_t getStreams(int64_t count) {
    int64_t accumulators = config.getRows() * config.getColumns();
    count = llvm::alignTo(
        count, getDotProduct(config, false, false).getBlockRows());
    int64_t streams = 1;
    while (streams * 2 <= config.getStreams() &&
           streams * 2 * count * config.getColumns() <= accumulators)
      streams *= 2;
    return streams;
  }

  /// All rows in the registers of a matrix unit.
  void emitMatrices() {
    MatrixRows pieces(ib, rows,
                      getMatrixUnit(config.getMatrixUnit())->getRows());
    AffineMap lhsMap = op.getLhsIndexingMap(), rhsMap = op.getRhsIndexingMap();
    OpFoldResult rowStride = getStride(lhs, lhsMap, batchRank);
    OpFoldResult blockStride = getStride(rhs, rhsMap, batchRank);
    int64_t interleave = config.getInterleave();
    OpFoldResult steps = ib.div(depth, ib.constant(interleave));
    ReductionLoop loop{
        steps,
        ib.mul(getStride(lhs, lhsMap, batchRank + 1), ib.constant(interleave)),
        getStride(rhs, rhsMap, batchRank + 1)};
    MatrixProduct product(ib, cast<AnchorOpInterface>(op.getOperation()), lhs,
                          rhs, pieces.size, rowStride, loop);
    llvm::SmallBitVector varying(batchRank + 1);
    varying.set(batchRank);
    forEachPanel(
        ib, width, config.getColumns(), config.getLanes(), /*streams=*/1,
        [&](const Panels &panels) {
          OpFoldResult panel =
              ib.add(rhsStart, ib.mul(panels.firstBlock, blockStride));
          SmallVector<OutputVector> columns = panels.getOutputVectors(
              ib, config.getColumns(), config.getLanes(), ib.constant(0));
          OpFoldResult calls = countMatrixCalls(ib, pieces.pieces);
          forEachMatrixPieces(
              ib, pieces.pieces,
              [&](int64_t count, OpFoldResult first, OpFoldResult index) {
                SmallVector<MatrixPiece> parts;
                for (int64_t p = 0; p < count; ++p) {
                  auto [start, skipped] =
                      pieces.getStart(ib, ib.add(first, ib.constant(p)));
                  parts.push_back({ib.add(lhsStart, ib.mul(start, rowStride)),
                                   skipped, batchIndices});
                  parts.back().coordinates.push_back(start);
                }
                std::optional<PanelPrefetch> prefetch;
                if (config.getPrefetchNext())
                  prefetch = getPanelPrefetch(
                      ib, ib.add(panel, blockStride), steps,
                      config.getColumns() * interleave, index, calls);
                product.emit(ib, epilogue, varying, parts, panel, columns,
                             prefetch);
              });
        });
    product.release(ib);
  }

  void emitRows() {
    if (!config.getMatrixUnit().empty())
      return emitMatrices();
    if (std::optional<int64_t> count = getConstantIntValue(rows))
      return emitColumns(*count <= config.getRows() ? getStreams(*count) : 1);
    // Few rows that only run time knows get kernels of their own.
    SmallVector<int64_t> cases;
    for (int64_t count = 1; count < config.getRows() && getStreams(count) > 1;
         ++count)
      cases.push_back(count);
    if (cases.empty())
      return emitColumns(1);
    auto choice = scf::IndexSwitchOp::create(
        ib.b, ib.loc, TypeRange{}, ib.value(rows), cases, cases.size());
    OpBuilder::InsertionGuard guard(ib.b);
    OpFoldResult dynamicRows = rows;
    for (auto [count, region] :
         llvm::zip_equal(cases, choice.getCaseRegions())) {
      ib.b.setInsertionPointToStart(&region.emplaceBlock());
      rows = ib.constant(count);
      emitColumns(getStreams(count));
      scf::YieldOp::create(ib.b, ib.loc);
    }
    rows = dynamicRows;
    ib.b.setInsertionPointToStart(&choice.getDefaultRegion().emplaceBlock());
    emitColumns(1);
    scf::YieldOp::create(ib.b, ib.loc);
  }

  void emitColumns(int64_t streams) {
    forEachPanel(
        ib, width, config.getColumns(), config.getLanes(), streams,
        [&](const Panels &panels) {
          OpFoldResult blocks = countRowBlocks(ib, rows, config.getRows());
          forEachRowBlock(
              ib, rows, config.getRows(),
              [&](int64_t count, OpFoldResult first, OpFoldResult index) {
                emitTile(panels, count, first, index, blocks);
              });
        });
  }

  void emitTile(const Panels &panels, int64_t count, OpFoldResult first,
                OpFoldResult index, OpFoldResult blocks) {
    AffineMap lhsMap = op.getLhsIndexingMap(), rhsMap = op.getRhsIndexingMap();
    RegisterTile tile;
    tile.lhs = &lhs;
    tile.rhs = &rhs;
    OpFoldResult rowStride = getStride(lhs, lhsMap, batchRank);
    OpFoldResult lhsTile = ib.add(lhsStart, ib.mul(first, rowStride));
    SmallVector<SmallVector<OpFoldResult>> coordinates;
    for (int64_t r = 0; r < count; ++r) {
      tile.lhsRows.push_back(
          ib.add(lhsTile, ib.mul(ib.constant(r), rowStride)));
      coordinates.push_back(batchIndices);
      coordinates.back().push_back(ib.add(first, ib.constant(r)));
    }
    OpFoldResult blockStride = getStride(rhs, rhsMap, batchRank);
    for (int64_t p = 0; p < panels.count; ++p)
      tile.rhsPanels.push_back(
          ib.add(rhsStart, ib.mul(ib.add(panels.firstBlock, ib.constant(p)),
                                  blockStride)));
    tile.vectors = panels.vectors;
    tile.accumulatorType = VectorType::get(
        config.getLanes(), op.getEpilogue().front().getArgument(0).getType());
    tile.dot = getDotProduct(config, op.getUnsignedLhs(), op.getUnsignedRhs());
    int64_t interleave = tile.dot.interleave;
    OpFoldResult steps = ib.div(depth, ib.constant(interleave));
    if (interleave > 1)
      tile.partialGroup = ib.rem(depth, ib.constant(interleave));
    tile.loops = {
        {steps,
         ib.mul(getStride(lhs, lhsMap, batchRank + 1), ib.constant(interleave)),
         getStride(rhs, rhsMap, batchRank + 1)}};
    if (excess) {
      tile.excess = {&*excess,
                     getExcessRow(config),
                     {},
                     excess->strides[1],
                     {tile.loops.front().lhsStep}};
      for (int64_t p = 0; p < panels.count; ++p)
        tile.excess->panels.push_back(ib.mul(
            ib.add(panels.firstBlock, ib.constant(p)), excess->strides[0]));
    }
    tile.unroll = config.getUnroll();
    tile.lhsSteps = config.getLhsSteps();
    tile.prefetchRows = config.getPrefetchRows();
    if (config.getPrefetchNext() && panels.count == 1)
      tile.prefetch = getPanelPrefetch(
          ib, ib.add(tile.rhsPanels.front(), blockStride), steps,
          config.getColumns() * interleave, index, blocks);
    SmallVector<Value> sums = tile.emit(ib);
    llvm::SmallBitVector varying(batchRank + 1);
    varying.set(batchRank);
    epilogue.emit(ib, coordinates, varying,
                  panels.getOutputVectors(ib, config.getColumns(),
                                          config.getLanes(), ib.constant(0)),
                  sums);
  }

  IndexBuilder ib;
  ContractAnchorOp op;
  ConfigAttr config;
  LinearView lhs, rhs;
  Epilogue epilogue;
  LinearView init;
  std::optional<LinearView> excess;
  int64_t batchRank;
  OpFoldResult rows, width, depth;
  // Of the batch that is being emitted.
  SmallVector<OpFoldResult> batchIndices;
  OpFoldResult lhsStart, rhsStart;
};
} // namespace

void mopt::expandContractAnchor(OpBuilder &b, ContractAnchorOp op) {
  ContractExpansion(b, op).emit();
}

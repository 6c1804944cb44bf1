// Convolution anchor to micro-kernels: batches, groups, blocks of output
// channels, blocks of output positions, register tile. The rows of a tile are
// consecutive positions of the output plane and may wrap to its next row.
#include "Columns.h"
#include "Expansions.h"
#include "MatrixProduct.h"
#include "PanelPrefetch.h"
#include "RowBlocks.h"

using namespace mlir;
using namespace mopt;

namespace {
class ConvExpansion {
public:
  ConvExpansion(OpBuilder &b, ConvAnchorOp op)
      : ib(b, op.getLoc()), op(op), config(op.getConfigAttr()),
        input(LinearView::create(ib, op.getInput())),
        filter(LinearView::create(ib, op.getFilter())),
        epilogue(ib, cast<AnchorOpInterface>(op.getOperation())),
        init(LinearView::create(ib, op.getInit())),
        spatial(op.getSpatialRank()) {
    if (op.getExcess())
      excess = LinearView::create(ib, op.getExcess());
  }

  void emit() {
    for (int64_t i = 0; i < spatial; ++i)
      positions =
          ib.mul(positions ? positions : ib.constant(1), init.sizes[i + 1]);
    int64_t groups = op.getGroups();
    OpFoldResult width = ib.div(init.sizes.back(), ib.constant(groups));
    OpFoldResult channels =
        ib.mul(filter.sizes[spatial + 2], ib.constant(config.getInterleave()));
    ib.loop(ib.constant(0), init.sizes[0], 1, [&](OpFoldResult n) {
      batch = n;
      ib.loop(ib.constant(0), ib.constant(groups), 1, [&](OpFoldResult g) {
        inputStart = ib.add(ib.mul(n, input.strides[0]), ib.mul(g, channels));
        filterStart = ib.mul(g, filter.strides[0]);
        if (excess)
          excessStart = ib.mul(g, excess->strides[0]);
        firstColumn = ib.mul(g, width);
        if (config.getMatrixUnit().empty())
          emitColumns(width);
        else
          emitMatrices(width);
      });
    });
  }

private:
  /// Where the window of an output point starts in the input.
  OpFoldResult getInputPosition(ArrayRef<OpFoldResult> point) {
    OpFoldResult position = inputStart;
    for (int64_t i = 0; i < spatial; ++i)
      position =
          ib.add(position,
                 ib.mul(point[i + 1], ib.mul(input.strides[i + 1],
                                             ib.constant(op.getStrides()[i]))));
    return position;
  }

  /// The loops over a window, in groups of `interleave` channels.
  SmallVector<ReductionLoop> getReductionLoops() {
    SmallVector<ReductionLoop> loops = getWindowLoops();
    mergeReductionLoops(ib, loops);
    return loops;
  }

  /// One for each spatial dimension and one for the channels.
  SmallVector<ReductionLoop> getWindowLoops() {
    SmallVector<ReductionLoop> loops;
    for (int64_t i = 0; i < spatial; ++i)
      loops.push_back(
          {filter.sizes[i + 2],
           ib.mul(input.strides[i + 1], ib.constant(op.getDilations()[i])),
           filter.strides[i + 2]});
    loops.push_back({filter.sizes[spatial + 2],
                     ib.mul(input.strides[spatial + 1],
                            ib.constant(config.getInterleave())),
                     filter.strides[spatial + 2]});
    return loops;
  }

  /// Groups in a window.
  OpFoldResult countSteps() {
    OpFoldResult steps = filter.sizes[spatial + 2];
    for (int64_t i = 0; i < spatial; ++i)
      steps = ib.mul(steps, filter.sizes[i + 2]);
    return steps;
  }

  /// All positions in the registers of a matrix unit: the rows of a register
  /// are neighbours along the last spatial dimension, evenly spaced in the
  /// input.
  void emitMatrices(OpFoldResult width) {
    MatrixRows pieces(ib, init.sizes[spatial],
                      getMatrixUnit(config.getMatrixUnit())->getRows());
    OpFoldResult all = pieces.pieces;
    for (int64_t i = 1; i < spatial; ++i)
      all = ib.mul(all, init.sizes[i]);
    MatrixProduct product(ib, cast<AnchorOpInterface>(op.getOperation()), input,
                          filter, pieces.size,
                          ib.mul(input.strides[spatial],
                                 ib.constant(op.getStrides()[spatial - 1])),
                          getReductionLoops());
    llvm::SmallBitVector varying(spatial + 1, true);
    varying.reset(0);
    forEachPanel(
        ib, width, config.getColumns(), config.getLanes(), /*streams=*/1,
        [&](const Panels &panels) {
          OpFoldResult panel =
              ib.add(filterStart, ib.mul(panels.firstBlock, filter.strides[1]));
          SmallVector<OutputVector> columns = panels.getOutputVectors(
              ib, config.getColumns(), config.getLanes(), firstColumn);
          OpFoldResult calls = countMatrixCalls(ib, all);
          forEachMatrixPieces(
              ib, all,
              [&](int64_t count, OpFoldResult first, OpFoldResult index) {
                SmallVector<MatrixPiece> parts;
                for (int64_t p = 0; p < count; ++p)
                  parts.push_back(
                      getPiece(pieces, ib.add(first, ib.constant(p))));
                std::optional<PanelPrefetch> prefetch;
                if (config.getPrefetchNext())
                  prefetch = getPanelPrefetch(
                      ib, ib.add(panel, filter.strides[1]), countSteps(),
                      config.getColumns() * config.getInterleave(), index,
                      calls);
                product.emit(ib, epilogue, varying, parts, panel, columns,
                             prefetch);
              });
        });
    product.release(ib);
  }

  /// Piece `number`, counted along the last spatial dimension first.
  MatrixPiece getPiece(const MatrixRows &pieces, OpFoldResult number) {
    SmallVector<OpFoldResult> point(spatial + 1, batch);
    auto [start, skipped] = pieces.getStart(ib, ib.rem(number, pieces.pieces));
    point[spatial] = start;
    OpFoldResult rest = ib.div(number, pieces.pieces);
    for (int64_t i = spatial - 1; i > 0; --i) {
      point[i] = i == 1 ? rest : ib.rem(rest, init.sizes[i]);
      rest = ib.div(rest, init.sizes[i]);
    }
    return {getInputPosition(point), skipped, point};
  }

  void emitColumns(OpFoldResult width) {
    forEachPanel(
        ib, width, config.getColumns(), config.getLanes(), /*streams=*/1,
        [&](const Panels &panels) {
          OpFoldResult blocks = countRowBlocks(ib, positions, config.getRows());
          forEachRowBlock(
              ib, positions, config.getRows(),
              [&](int64_t count, OpFoldResult first, OpFoldResult index) {
                emitTile(panels, count, first, index, blocks);
              });
        });
  }

  /// Batch and spatial coordinates of `count` positions from `first` on.
  SmallVector<SmallVector<OpFoldResult>> getCoordinates(int64_t count,
                                                        OpFoldResult first) {
    SmallVector<OpFoldResult> point(spatial + 1, batch);
    OpFoldResult rest = first;
    for (int64_t i = spatial; i > 1; --i) {
      point[i] = ib.rem(rest, init.sizes[i]);
      rest = ib.div(rest, init.sizes[i]);
    }
    point[1] = rest;
    SmallVector<SmallVector<OpFoldResult>> points;
    for (int64_t r = 0; r < count; ++r) {
      points.push_back(point);
      // One further, with carries into the outer dimensions.
      point[spatial] = ib.add(point[spatial], ib.constant(1));
      for (int64_t i = spatial; i > 1; --i) {
        Value over =
            arith::CmpIOp::create(ib.b, ib.loc, arith::CmpIPredicate::eq,
                                  ib.value(point[i]), ib.value(init.sizes[i]));
        Value carry = arith::SelectOp::create(ib.b, ib.loc, over,
                                              ib.value(ib.constant(1)),
                                              ib.value(ib.constant(0)));
        point[i] = arith::SelectOp::create(ib.b, ib.loc, over,
                                           ib.value(ib.constant(0)),
                                           ib.value(point[i]))
                       .getResult();
        point[i - 1] = ib.add(point[i - 1], carry);
      }
    }
    return points;
  }

  void emitTile(const Panels &panels, int64_t count, OpFoldResult first,
                OpFoldResult index, OpFoldResult blocks) {
    RegisterTile tile;
    tile.lhs = &input;
    tile.rhs = &filter;
    SmallVector<SmallVector<OpFoldResult>> points =
        getCoordinates(count, first);
    for (const SmallVector<OpFoldResult> &point : points)
      tile.lhsRows.push_back(getInputPosition(point));
    tile.rhsPanels = {
        ib.add(filterStart, ib.mul(panels.firstBlock, filter.strides[1]))};
    tile.vectors = panels.vectors;
    tile.accumulatorType = VectorType::get(
        config.getLanes(), op.getEpilogue().front().getArgument(0).getType());
    tile.dot = getDotProduct(config, op.getUnsignedLhs(), op.getUnsignedRhs());
    int64_t interleave = tile.dot.interleave;
    tile.loops = getReductionLoops();
    if (excess) {
      tile.excess = {
          &*excess,
          getExcessRow(config),
          {ib.add(excessStart, ib.mul(panels.firstBlock, excess->strides[1]))},
          excess->strides[2],
          {}};
      for (const ReductionLoop &loop : getWindowLoops())
        tile.excess->lhsSteps.push_back(loop.lhsStep);
    }
    tile.unroll = config.getUnroll();
    tile.lhsSteps = config.getLhsSteps();
    tile.prefetchRows = config.getPrefetchRows();
    if (config.getPrefetchNext())
      tile.prefetch = getPanelPrefetch(
          ib, ib.add(tile.rhsPanels.front(), filter.strides[1]), countSteps(),
          config.getColumns() * interleave, index, blocks);
    SmallVector<Value> sums = tile.emit(ib);
    llvm::SmallBitVector varying(spatial + 1, true);
    varying.reset(0);
    epilogue.emit(ib, points, varying,
                  panels.getOutputVectors(ib, config.getColumns(),
                                          config.getLanes(), firstColumn),
                  sums);
  }

  IndexBuilder ib;
  ConvAnchorOp op;
  ConfigAttr config;
  LinearView input, filter;
  Epilogue epilogue;
  LinearView init;
  std::optional<LinearView> excess;
  int64_t spatial;
  OpFoldResult positions;
  // Of the batch and group that are being emitted.
  OpFoldResult batch, inputStart, filterStart, excessStart, firstColumn;
};
} // namespace

void mopt::expandConvAnchor(OpBuilder &b, ConvAnchorOp op) {
  ConvExpansion(b, op).emit();
}

// Products with weights of which two of four neighbours along the depth are
// kept, by warps. Instructions take such a side as the left one only: a warp
// multiplies 16 columns of the result by 8 of its rows, and the tile is turned
// as its sums pass through shared memory. A block copies some of the depth of
// the left side, half as much of the weights, and their positions, several such
// stages ahead.
#include "Emit.h"
#include "RowCopies.h"
#include "SharedSums.h"
#include "StageLoop.h"
#include "WarpMatrices.h"
#include "WarpgroupBuilder.h"
#include "WarpgroupPlan.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace mopt;

/// What a warp multiplies at once: columns and rows of the result, and bytes of
/// the depth of the left side and of the weights.
static constexpr int64_t kColumns = 16, kRows = 8, kStepBytes = 64,
                         kKeptBytes = 32;
/// Bytes of the depth in a stage, of a row of the left side and of a column.
static constexpr int64_t kStageBytes = 2 * kStepBytes,
                         kStageKept = 2 * kKeptBytes;
/// Sums of a thread of that.
static constexpr int64_t kSums = 4;
static constexpr int64_t kChunk = RowCopies::kChunk, kWord = 4;
/// As positions are packed (PackSparse.h): for each 64 columns and so many
/// steps of the depth two words of each of 128 threads, 32 for 16 columns.
static constexpr int64_t kPackedDepth = 128, kPackedWords = 2,
                         kLanes = WarpTile::kWarp;

/// From the largest on. Of two parts each has one of a stage's two steps.
/// Nothing of their times was measured.
static constexpr WarpTile kTiles[] = {{128, 128, 64, 64, 1, kStageBytes, 3},
                                      {64, 128, 32, 64, 1, kStageBytes, 3},
                                      {64, 64, 32, 32, 1, kStageBytes, 3},
                                      {32, 64, 32, 32, 2, kStageBytes, 5},
                                      {16, 64, 16, 32, 2, kStageBytes, 6}};
/// Blocks that a device computes at a time, one on each of its processors.
static constexpr int64_t kProcessors = 132;

/// The largest tile that gives all processors something to do.
static const WarpTile &chooseTile(const PackedAccess &access) {
  for (const WarpTile &tile : kTiles)
    if (WarpPlace::countBlocks(access, tile) >= kProcessors &&
        access.rows > tile.rows / 2)
      return tile;
  return *std::prev(std::end(kTiles));
}

namespace {
/// The stages of a tile: rows of the left side, columns' values, and their
/// positions.
class SparseCopies final : public StageSource {
public:
  SparseCopies(GridBuilder &g, SharedBuilder &s, SparseAnchorOp op,
               PackedAccess &access, const WarpTile &tile, int64_t bytes)
      : g(g), s(s), op(op), access(access), tile(tile), bytes(bytes),
        left(g, s, access, {tile.rows, kStageBytes, bytes, tile.getThreads()}) {
    auto values = cast<MemRefType>(op.getValues().getType());
    padded = access.blocks * access.width;
    kept = values.getNumElements() / padded;
  }

  /// Of a stage.
  static int64_t getSize(const WarpTile &tile, int64_t bytes) {
    return tile.rows * kStageBytes +
           tile.columns * (kStageKept + getPositionBytes(bytes));
  }
  /// Those of a column in a stage: two bits for each kept element.
  static int64_t getPositionBytes(int64_t bytes) {
    return kStageKept / bytes / 4;
  }
  int64_t getSteps() const { return left.getSteps(); }
  int64_t getValuesStart() const { return tile.rows * kStageBytes; }
  int64_t getPositionsStart() const {
    return getValuesStart() + tile.columns * kStageKept;
  }
  Value placeRow(Value row, Value chunk) { return left.place(row, chunk); }
  Value placeColumn(Value column, Value chunk) {
    return s.add(s.add(s.mul(column, kStageKept),
                       RowCopies::placeChunk(s, column, kStageKept, chunk)),
                 getValuesStart());
  }

  /// What this thread copies of the tile at `at`.
  void plan(const WarpPlace &at) {
    left.plan(at.batch, at.rowStart);
    planValues(at);
    planPositions(at);
  }

  void copy(Value k, Value slot) override {
    Value moved = g.div(k, 2);
    for (const Piece &piece : values)
      g.guard(piece.exists, [&] {
        RowCopies::copyChunk(
            g, s.getShared(s.add(slot, piece.target)),
            s.getGlobal(valuesBegin, g.add(piece.place, moved), bytes), kChunk,
            Value());
      });
    // Of a stage with half of the packed depth every other word.
    Value word = g.mul(g.div(k, kPackedDepth),
                       kPackedWords * kLanes * kGroupRows / kColumns);
    if (getSteps() < kPackedDepth)
      word = g.add(word, g.rem(g.div(k, getSteps()), kPackedWords));
    for (const Piece &piece : positions)
      g.guard(piece.exists, [&] {
        RowCopies::copyChunk(
            g, s.getShared(s.add(slot, piece.target)),
            s.getGlobal(positionsBegin, g.add(piece.place, word), kWord),
            getPositionChunk(), Value());
      });
    left.copy(k, slot);
  }
  SmallVector<Value> load(Value k) override { return left.load(k); }
  void store(ValueRange loaded, Value slot) override {
    left.store(loaded, slot);
  }

private:
  /// What this thread copies at once: its place, and where it goes in a stage;
  /// null conditions hold.
  struct Piece {
    Value place, target, exists;
  };

  /// A word of a lane where the others of a stage are not its neighbours.
  int64_t getPositionChunk() const {
    return getSteps() < kPackedDepth ? kWord : kChunk;
  }

  /// Calls `add` with the numbers, below `count`, of what this thread copies,
  /// and whether there is such a one.
  void forTurns(int64_t count, function_ref<void(Value, Value)> add) {
    int64_t threads = tile.getThreads();
    for (int64_t first = 0; first < count; first += threads) {
      Value number = g.add(g.thread(), first);
      add(number, first + threads > count ? g.below(number, count) : Value());
    }
  }
  /// A column of the tile in the packed ones. Behind the last that again.
  Value limit(Value column) {
    return padded % tile.columns == 0 ? column : g.clamp(column, padded - 1);
  }

  void planValues(const WarpPlace &at) {
    valuesBegin = s.getStart(access.rhs);
    Value first = access.getBlockPlace(g, at.batch, g.index(0));
    int64_t across = kStageKept / kChunk;
    forTurns(tile.columns * across, [&](Value number, Value exists) {
      Value column = g.div(number, across), chunk = g.rem(number, across);
      Value place =
          g.add(g.add(first, g.mul(limit(g.add(at.columnStart, column)), kept)),
                g.mul(chunk, kChunk / bytes));
      values.push_back(
          {place, placeColumn(s.toWord(column), s.toWord(chunk)), exists});
    });
  }

  void planPositions(const WarpPlace &at) {
    positionsBegin = s.getStart(op.getPositions());
    // In words: a warp's, and all of a group of 64 columns.
    constexpr int64_t ofWarp = kLanes * kPackedWords;
    constexpr int64_t warps = kGroupRows / kColumns;
    int64_t ofGroup = 2 * kept / kPackedDepth * ofWarp * warps;
    int64_t chunk = getPositionChunk();
    int64_t across = getPositionBytes(bytes) * kColumns / chunk;
    forTurns(tile.columns / kColumns * across, [&](Value number, Value exists) {
      Value column =
          limit(g.add(at.columnStart, g.mul(g.div(number, across), kColumns)));
      Value warp = g.div(g.rem(column, kGroupRows), kColumns);
      Value place = g.add(
          g.add(g.mul(g.div(column, kGroupRows), ofGroup), g.mul(warp, ofWarp)),
          g.mul(g.rem(number, across), ofWarp / across));
      positions.push_back(
          {place, s.add(s.mul(s.toWord(number), chunk), getPositionsStart()),
           exists});
    });
  }

  GridBuilder &g;
  SharedBuilder &s;
  SparseAnchorOp op;
  PackedAccess &access;
  const WarpTile &tile;
  /// Of an element; packed columns, and the elements that each keeps.
  int64_t bytes, padded, kept;
  RowCopies left;

  Value valuesBegin, positionsBegin;
  SmallVector<Piece> values, positions;
};

class SparseWarpEmitter {
public:
  SparseWarpEmitter(OpBuilder &b, SparseAnchorOp op, PackedAccess &access,
                    StringRef instruction)
      : g(b, op.getLoc()), b(b), access(access), instruction(instruction),
        tile(chooseTile(access)),
        element(getElementTypeOrSelf(op.getLhs().getType())),
        bytes(element.getIntOrFloatBitWidth() / 8),
        anchor(cast<AnchorOpInterface>(op.getOperation())),
        sumType(anchor.getAccumulatorType()),
        // Neighbouring rows and columns that a warp stores lie in different
        // banks.
        results(g, anchor, access, tile, tile.columns + 4),
        s(createShared(op->getParentOfType<gpu::GPUFuncOp>())),
        copies(g, s, op, access, tile, bytes), at(g, s, access, tile),
        matrices{g, s, element} {}

  LaunchShape emit() {
    copies.plan(at);
    planLoads();
    Value zero = arith::ConstantOp::create(b, g.loc, b.getZeroAttr(sumType));
    StageLoop loop{access.depth, copies.getSteps(), tile.stages,
                   SparseCopies::getSize(tile, bytes)};
    SmallVector<Value> sums = loop.run(
        g, s, copies,
        SmallVector<Value>(countRowTiles() * countColumnTiles() * kSums, zero),
        [&](Value slot, SmallVectorImpl<Value> &sums) {
          for (int64_t step = 0; step < countSteps(); ++step)
            multiplyStep(slot, step, sums);
        });
    results.finish(s, at, [&](int64_t pass) { storeSums(sums, pass); });
    LaunchShape shape(WarpPlace::countBlocks(access, tile), 1,
                      tile.getThreads());
    if (asksForShared())
      shape.sharedBytes = kPatternBytes + getSharedBytes();
    return shape;
  }

private:
  int64_t getSharedBytes() const {
    return std::max(SparseCopies::getSize(tile, bytes) * tile.stages,
                    results.getBytes());
  }
  bool asksForShared() const {
    return getSharedBytes() > WarpTile::kSharedBytes;
  }
  SharedBuilder createShared(gpu::GPUFuncOp function) {
    if (!asksForShared())
      return SharedBuilder(g, function, getSharedBytes());
    return SharedBuilder(g, WarpgroupBuilder(b, g.loc, function).getShared());
  }

  /// Steps of a warp in a stage, and what it multiplies at once in each.
  int64_t countSteps() const { return kStageBytes / kStepBytes / tile.parts; }
  int64_t countRowTiles() const { return tile.warpRows / kRows; }
  int64_t countColumnTiles() const { return tile.warpColumns / kColumns; }

  /// Where this lane's rows of matrices, and its positions, are in a stage.
  void planLoads() {
    Value row = s.add(s.mul(at.warpRow, tile.warpRows), s.rem(at.lane, kRows));
    Value firstColumn = s.mul(at.warpColumn, tile.warpColumns);
    Value column = s.add(firstColumn, s.rem(at.lane, kColumns));
    for (int64_t i = 0; i < countSteps(); ++i) {
      Value step = s.add(s.mul(at.part, countSteps()), i);
      rowPlaces.push_back(copies.placeRow(
          row, s.add(s.mul(step, kStepBytes / kChunk), s.div(at.lane, kRows))));
      columnPlaces.push_back(
          copies.placeColumn(column, s.add(s.mul(step, kKeptBytes / kChunk),
                                           s.div(at.lane, kColumns))));
      // Instructions read the words of the first two of four lanes, or of all.
      Value word =
          bytes == 1 ? s.add(s.mul(at.lane, kPackedWords), step)
                     : s.add(s.add(s.mul(s.div(at.lane, 4), 4), s.mul(step, 2)),
                             s.rem(at.lane, 2));
      Value place =
          s.add(s.mul(firstColumn, SparseCopies::getPositionBytes(bytes)),
                s.mul(word, kWord));
      positionPlaces.push_back(s.add(place, copies.getPositionsStart()));
    }
  }

  void multiplyStep(Value slot, int64_t step, SmallVectorImpl<Value> &sums) {
    SmallVector<SmallVector<Value>> rows;
    Value rowPlace = s.add(slot, rowPlaces[step]);
    for (int64_t j = 0; j < countRowTiles(); ++j)
      rows.push_back(matrices.load(rowPlace, j * kRows * kStageBytes));
    Value columnPlace = s.add(slot, columnPlaces[step]),
          positionPlace = s.add(slot, positionPlaces[step]);
    for (int64_t i = 0; i < countColumnTiles(); ++i) {
      SmallVector<Value> weights =
          matrices.load(columnPlace, i * kColumns * kStageKept);
      int64_t offset = i * kColumns * SparseCopies::getPositionBytes(bytes);
      Value positions = LLVM::LoadOp::create(
          b, g.loc, b.getI32Type(), s.getShared(positionPlace, offset), kWord);
      for (int64_t j = 0; j < countRowTiles(); ++j) {
        auto tileSums = MutableArrayRef(sums).slice(
            (j * countColumnTiles() + i) * kSums, kSums);
        SmallVector<Value> operands = weights;
        llvm::append_range(operands, rows[j]);
        llvm::append_range(operands, tileSums);
        operands.append({positions, s.word(0)});
        llvm::copy(matrices.multiply(instruction, sumType, kSums, operands),
                   tileSums.begin());
      }
    }
  }

  /// Of this warp the rows of `pass`. A thread has two neighbouring rows of two
  /// columns eight apart.
  void storeSums(ArrayRef<Value> sums, int64_t pass) {
    int64_t tiles = results.getWarpRows() / kRows;
    int64_t perPass = tiles * countColumnTiles() * kSums;
    sums = sums.slice(pass * perPass, perPass);
    Value row = s.add(s.mul(at.warpRow, results.getWarpRows()),
                      s.mul(s.rem(at.lane, 4), 2));
    Value column =
        s.add(s.mul(at.warpColumn, tile.warpColumns), s.div(at.lane, 4));
    Value place = results.getPlace(s, at, row, column);
    for (auto [number, sum] : llvm::enumerate(sums)) {
      int64_t ofTile = number % kSums, i = number / kSums % countColumnTiles(),
              j = number / kSums / countColumnTiles();
      int64_t offset = results.getOffset(j * kRows + ofTile % 2,
                                         i * kColumns + ofTile / 2 * 8);
      LLVM::StoreOp::create(b, g.loc, sum, s.getShared(place, offset), kWord);
    }
  }

  GridBuilder g;
  OpBuilder &b;
  PackedAccess &access;
  StringRef instruction;
  const WarpTile &tile;
  Type element;
  /// Of an element.
  int64_t bytes;
  AnchorOpInterface anchor;
  Type sumType;
  SharedSums results;
  SharedBuilder s;
  SparseCopies copies;
  WarpPlace at;
  WarpMatrices matrices;

  /// What this lane loads of a stage for each step.
  SmallVector<Value> rowPlaces, columnPlaces, positionPlaces;
};
} // namespace

LaunchShape mopt::emitSparseWarpProduct(SparseAnchorOp op, PackedAccess &access,
                                        StringRef instruction) {
  OpBuilder b(op);
  return SparseWarpEmitter(b, op, access, instruction).emit();
}

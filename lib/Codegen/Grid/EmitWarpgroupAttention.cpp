// Attention by groups of four warps. One group has the device's copy engine
// bring queries, and keys and values tile by tile, to shared memory; the others
// have 64 queries each. While products of a tile's keys and of the values of
// the tile before run, a group computes exponentials: those stay in its
// registers, which are the left side of the product with the values. Tiles are
// taken from the last to the first, so that the one that keys do not fill comes
// before the loop.
#include "AttentionPlan.h"
#include "AttentionScalars.h"
#include "Emit.h"
#include "Epilogue.h"
#include "WarpgroupBuilder.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace mopt;

/// Steps of the depth of an instruction.
static constexpr int64_t kInstructionDepth = 16;
/// Rows that a thread has parts of, eight apart.
static constexpr int64_t kHalves = 2;
/// The number of the first barrier of a group.
static constexpr int64_t kFirstBarrier = 1;
static constexpr int64_t kWarp = 32;

namespace {
class AttentionEmitter : AttentionPlan {
public:
  AttentionEmitter(OpBuilder &b, const AttentionPlan &plan)
      : AttentionPlan(plan), b(b), loc(op.getLoc()), g(b, loc),
        w(b, loc, op->getParentOfType<gpu::GPUFuncOp>()), scalars(g, op),
        element(getElementTypeOrSelf(op.getQuery().getType())) {}

  LaunchShape emit();

private:
  struct Stage {
    Value number, parity;
  };
  Stage getNext(Stage stage);
  Value getBarrier(Value barriers, Value stage) {
    return w.add(barriers, w.mul(stage, 8));
  }
  void locate();
  /// Of the tile that is taken at this turn.
  Value getFirstKey(Value tile);
  SmallVector<Value> getCoordinates(const Side &side, Value column, Value row);

  void emitCopies();
  void copyTile(Value map, const Side &side, Value shared, int64_t bytes,
                int64_t boxes, Value full, Value empty, Stage stage,
                Value firstKey);

  using Rows = std::array<AttentionScalars::Row, kHalves>;
  struct Exponentials {
    SmallVector<Value> values;
    std::array<Value, kHalves> shrink;
  };
  void emitProducts();
  Value getZeros(int64_t count);
  Value multiplyKeys(Value stage);
  Value multiplyValues(ArrayRef<Value> weights, Value sums, Value stage);
  SmallVector<Value> getPoint(int64_t half, Value column);
  struct Reading {
    SmallVector<Value> point;
    int64_t count;
  };
  SmallVector<Reading> getReadings(int64_t half, Value key, bool isRagged);
  void loadAhead();
  SmallVector<Value> getScores(ArrayRef<Value> sums, Value firstKey,
                               bool isLast, bool ignoresLimit);
  SmallVector<Value> getScoresWithinLimit(ArrayRef<Value> sums, Value firstKey);
  Exponentials addTile(Value sums, Value firstKey, bool isLast, Rows &rows);
  SmallVector<Value> packAll(ArrayRef<Value> exponentials);
  Value scale(Value sums, const std::array<Value, kHalves> &factors);
  void release(Value barriers, Value stage);
  void waitForProducts(int64_t others) {
    NVVM::WgmmaWaitGroupSyncOp::create(b, loc, others);
  }
  void store(ArrayRef<Value> sums);
  void storeBoxes(ArrayRef<Value> sums);

  OpBuilder &b;
  Location loc;
  GridBuilder g;
  WarpgroupBuilder w;
  AttentionScalars scalars;
  Type element;
  LaunchShape shape;
  Value queryMap, keyMap, valueMap, resultMap;
  Value queryShared, keyShared, valueShared;
  Value queryFull, keyFull, keyEmpty, valueFull, valueEmpty;
  Value threadOfGroup, group;
  /// The block's first query, how many tiles of keys its queries see, and its
  /// place in each batch dimension.
  Value firstRow, tiles;
  SmallVector<Value> batch;
  /// Of a group that multiplies: its number, its own queries' place, the first
  /// of them, and the thread's first row and column.
  Value consumer, ownQueries, ownRow, row, column;
  SmallVector<AttentionScalars::Inputs> loaded;
};
} // namespace

AttentionEmitter::Stage AttentionEmitter::getNext(Stage stage) {
  auto [number, parity] = w.getNextStage(stage.number, stage.parity, stages);
  return {number, parity};
}

void AttentionEmitter::locate() {
  Value number = w.getBlock();
  int64_t rowTiles = countRowTiles();
  Value rowTile = w.rem(number, rowTiles);
  // Rows that see most keys begin first, so that others end together.
  if (scalars.getLimit())
    rowTile = b.createOrFold<arith::SubIOp>(loc, w.word(rowTiles - 1), rowTile);
  firstRow = w.mul(rowTile, getRowsOfTile());
  number = w.div(number, rowTiles);
  batch.resize(batchSizes.size());
  for (size_t dim = batchSizes.size(); dim-- > 0;) {
    batch[dim] = w.rem(number, batchSizes[dim]);
    number = w.div(number, batchSizes[dim]);
  }
  tiles = w.word(countKeyTiles());
  if (std::optional<int64_t> limit = scalars.getLimit()) {
    Value lastRow = w.least(w.add(firstRow, getRowsOfTile() - 1), rows - 1);
    tiles = w.least(w.add(w.div(w.add(lastRow, *limit), tileKeys), 1),
                    countKeyTiles());
  }
}

Value AttentionEmitter::getFirstKey(Value tile) {
  Value behind = b.createOrFold<arith::SubIOp>(loc, tiles, tile);
  return w.mul(b.createOrFold<arith::SubIOp>(loc, behind, w.word(1)), tileKeys);
}

SmallVector<Value> AttentionEmitter::getCoordinates(const Side &side,
                                                    Value column, Value row) {
  SmallVector<Value> coordinates{column, row};
  for (unsigned dim : side.batchDims)
    coordinates.push_back(batch[dim]);
  return coordinates;
}

//===----------------------------------------------------------------------===//
// The group that copies
//===----------------------------------------------------------------------===//

void AttentionEmitter::copyTile(Value map, const Side &side, Value shared,
                                int64_t bytes, int64_t boxes, Value full,
                                Value empty, Stage stage, Value firstKey) {
  w.wait(getBarrier(empty, stage.number),
         w.exclusiveOr(stage.parity, w.word(1)));
  Value barrier = getBarrier(full, stage.number);
  w.expect(barrier, bytes);
  Value to = w.add(shared, w.mul(stage.number, bytes));
  for (int64_t box = 0; box < boxes; ++box)
    w.load(map, w.add(to, box * tileKeys * kRowBytes), barrier,
           getCoordinates(side, w.word(box * kBoxColumns), firstKey));
}

void AttentionEmitter::emitCopies() {
  int64_t boxBytes = kGroupRows * kRowBytes;
  w.expect(queryFull, groups * countDepthBoxes() * boxBytes);
  for (int64_t i = 0; i < groups; ++i)
    for (int64_t box = 0; box < countDepthBoxes(); ++box)
      w.load(queryMap, w.add(queryShared, i * getQueryBytes() + box * boxBytes),
             queryFull,
             getCoordinates(query, w.word(box * kBoxColumns),
                            w.add(firstRow, i * kGroupRows)));
  Value zero = w.word(0);
  auto loop = scf::ForOp::create(b, loc, zero, tiles, w.word(1),
                                 ValueRange{zero, zero});
  OpBuilder::InsertionGuard restore(b);
  b.setInsertionPointToStart(loop.getBody());
  Stage stage{loop.getRegionIterArg(0), loop.getRegionIterArg(1)};
  Value firstKey = getFirstKey(loop.getInductionVar());
  copyTile(keyMap, key, keyShared, getKeyBytes(), countDepthBoxes(), keyFull,
           keyEmpty, stage, firstKey);
  copyTile(valueMap, value, valueShared, getValueBytes(), countColumnBoxes(),
           valueFull, valueEmpty, stage, firstKey);
  Stage next = getNext(stage);
  scf::YieldOp::create(b, loc, ValueRange{next.number, next.parity});
}

//===----------------------------------------------------------------------===//
// Groups that multiply
//===----------------------------------------------------------------------===//

Value AttentionEmitter::getZeros(int64_t count) {
  Value sums = LLVM::UndefOp::create(b, loc, w.getSums(count));
  Value zero = arith::ConstantOp::create(b, loc, b.getF32FloatAttr(0));
  for (int64_t i = 0; i < count; ++i)
    sums = LLVM::InsertValueOp::create(b, loc, sums, zero, i);
  return sums;
}

/// Starts the product of the group's queries and the keys of a stage.
Value AttentionEmitter::multiplyKeys(Value stage) {
  Value x = w.describe(ownQueries);
  Value y = w.describe(w.add(keyShared, w.mul(stage, getKeyBytes())));
  Value sums = LLVM::UndefOp::create(b, loc, w.getSums(tileKeys / 2));
  NVVM::WgmmaFenceAlignedOp::create(b, loc);
  for (int64_t k = 0; k < depth; k += kInstructionDepth) {
    int64_t box = k / kBoxColumns, inside = k % kBoxColumns * 2;
    sums = w.multiply(w.advance(x, box * kGroupRows * kRowBytes + inside),
                      w.advance(y, box * tileKeys * kRowBytes + inside), sums,
                      element, /*isFirst=*/k == 0);
  }
  NVVM::WgmmaGroupSyncAlignedOp::create(b, loc);
  return sums;
}

/// Starts adding the product of weights and the values of a stage.
Value AttentionEmitter::multiplyValues(ArrayRef<Value> weights, Value sums,
                                       Value stage) {
  // Rows have columns of values: groups of 64 are boxes.
  Value y = w.describe(w.add(valueShared, w.mul(stage, getValueBytes())),
                       tileKeys * kRowBytes);
  NVVM::WgmmaFenceAlignedOp::create(b, loc);
  for (int64_t k = 0; k < tileKeys / kInstructionDepth; ++k)
    sums = w.multiply(weights.slice(4 * k, 4),
                      w.advance(y, k * kInstructionDepth * kRowBytes), sums,
                      element);
  NVVM::WgmmaGroupSyncAlignedOp::create(b, loc);
  return sums;
}

SmallVector<Value> AttentionEmitter::getPoint(int64_t half, Value column) {
  SmallVector<Value> point =
      llvm::map_to_vector(batch, [&](Value x) { return w.index(x); });
  // Behind the last row nothing is stored, and the last is computed again.
  Value y = w.add(row, 8 * half);
  if (rows % getRowsOfTile() != 0)
    y = w.least(y, rows - 1);
  point.append({w.index(y), w.index(column)});
  return point;
}

/// Where neighbouring scores of a thread read: pairs of keys from `key` on, or
/// one after the other behind an odd last one. Behind the last key it is read
/// again.
SmallVector<AttentionEmitter::Reading>
AttentionEmitter::getReadings(int64_t half, Value key, bool isRagged) {
  if (!isRagged)
    return {{getPoint(half, key), 2}};
  if (keys % 2 == 0)
    return {{getPoint(half, w.least(key, keys - 2)), 2}};
  SmallVector<Reading> readings;
  for (int64_t i = 0; i < 2; ++i)
    readings.push_back({getPoint(half, w.least(w.add(key, i), keys - 1)), 1});
  return readings;
}

/// The scores of a tile: of every eight columns a thread has two neighbours of
/// two rows.
SmallVector<Value> AttentionEmitter::getScores(ArrayRef<Value> sums,
                                               Value firstKey, bool isLast,
                                               bool ignoresLimit) {
  SmallVector<Value> scores(sums.size());
  bool isRagged = isLast && keys % tileKeys != 0;
  Value first = w.add(firstKey, column);
  for (int64_t eight = 0; eight < tileKeys / 8; ++eight)
    for (int64_t half = 0; half < kHalves; ++half) {
      int64_t at = 4 * eight + 2 * half;
      Value x = w.add(first, 8 * eight);
      SmallVector<Reading> readings = getReadings(half, x, isRagged);
      SmallVector<Value> both;
      for (auto [i, reading] : llvm::enumerate(readings))
        both.append(scalars.getScores(
            reading.point, sums.slice(at + both.size(), reading.count),
            isLast && !loaded.empty()
                ? loaded[eight * readings.size() + i]
                : scalars.loadInputs(reading.point, reading.count),
            ignoresLimit));
      for (int64_t i = 0; i < 2; ++i)
        scores[at + i] =
            isRagged ? scalars.limit(both[i], w.add(x, i)) : both[i];
    }
  return scores;
}

/// What the scores of the last tile read, if it is the same for all rows.
void AttentionEmitter::loadAhead() {
  if (!scalars.readsForKeys())
    return;
  Value first = w.add(getFirstKey(w.word(0)), column);
  for (int64_t eight = 0; eight < tileKeys / 8; ++eight)
    for (const Reading &reading :
         getReadings(/*half=*/0, w.add(first, 8 * eight), keys % tileKeys != 0))
      loaded.push_back(scalars.loadInputs(reading.point, reading.count));
}

/// The same. Mostly all rows see all keys of a tile that is not the last: the
/// group then looks at no limit.
SmallVector<Value> AttentionEmitter::getScoresWithinLimit(ArrayRef<Value> sums,
                                                          Value firstKey) {
  int64_t limit = *scalars.getLimit();
  if (tileKeys % getRowsOfTile() == 0 && limit % tileKeys == 0)
    return getScores(sums, firstKey, /*isLast=*/false, /*ignoresLimit=*/true);
  Value seesAll = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::ule,
                                        w.add(firstKey, tileKeys - 1),
                                        w.add(ownRow, limit));
  auto branch = scf::IfOp::create(
      b, loc, SmallVector<Type>(sums.size(), b.getF32Type()), seesAll,
      /*withElseRegion=*/true);
  OpBuilder::InsertionGuard restore(b);
  for (bool ignores : {true, false}) {
    b.setInsertionPointToEnd(ignores ? branch.thenBlock() : branch.elseBlock());
    scf::YieldOp::create(b, loc,
                         getScores(sums, firstKey, /*isLast=*/false, ignores));
  }
  return SmallVector<Value>(branch.getResults());
}

AttentionEmitter::Exponentials AttentionEmitter::addTile(Value structure,
                                                         Value firstKey,
                                                         bool isLast,
                                                         Rows &rows) {
  SmallVector<Value> sums = w.split(structure);
  sums = !isLast && scalars.canIgnoreLimit()
             ? getScoresWithinLimit(sums, firstKey)
             : getScores(sums, firstKey, isLast, /*ignoresLimit=*/false);
  Exponentials result;
  for (int64_t half = 0; half < kHalves; ++half) {
    SmallVector<Value> scores;
    for (auto [i, score] : llvm::enumerate(sums))
      if (int64_t(i) % 4 / 2 == half)
        scores.push_back(score);
    result.shrink[half] = scalars.add(rows[half], scores);
    for (auto [i, score] : llvm::enumerate(scores))
      sums[i / 2 * 4 + 2 * half + i % 2] = score;
  }
  result.values = sums;
  return result;
}

SmallVector<Value> AttentionEmitter::packAll(ArrayRef<Value> exponentials) {
  SmallVector<Value> words;
  for (size_t i = 0; i < exponentials.size(); i += 2)
    words.push_back(scalars.pack(exponentials[i], exponentials[i + 1]));
  return words;
}

Value AttentionEmitter::scale(Value sums,
                              const std::array<Value, kHalves> &factors) {
  SmallVector<Value> elements = w.split(sums);
  Value scaled = LLVM::UndefOp::create(b, loc, sums.getType());
  for (auto [i, element] : llvm::enumerate(elements))
    scaled = LLVM::InsertValueOp::create(
        b, loc, scaled,
        arith::MulFOp::create(b, loc, element, factors[i % 4 / 2]), i);
  return scaled;
}

/// Tells the copying group, once for each group, that a stage was multiplied.
void AttentionEmitter::release(Value barriers, Value stage) {
  w.guard(w.equals(threadOfGroup, 0),
          [&] { w.arrive(getBarrier(barriers, stage)); });
}

void AttentionEmitter::emitProducts() {
  consumer =
      b.createOrFold<arith::SubIOp>(loc, group, w.word(groups == 1 ? 0 : 1));
  ownQueries = w.add(queryShared, w.mul(consumer, getQueryBytes()));
  ownRow = w.add(firstRow, w.mul(consumer, kGroupRows));
  Value lane = w.band(threadOfGroup, 31), warp = w.div(threadOfGroup, 32);
  row = w.add(ownRow, w.add(w.mul(warp, 16), w.div(lane, 4)));
  column = w.mul(w.band(lane, 3), 2);
  Value zero = w.word(0);
  Rows rows{scalars.getEmptyRow(), scalars.getEmptyRow()};

  // While keys are on their way.
  loadAhead();
  // The last tile's keys, without values before them.
  Stage stage{zero, zero};
  w.wait(queryFull, zero);
  w.wait(getBarrier(keyFull, zero), zero);
  Value scores = multiplyKeys(zero);
  waitForProducts(0);
  scores = w.tie(scores);
  release(keyEmpty, zero);
  Exponentials exponentials =
      addTile(scores, getFirstKey(zero), /*isLast=*/true, rows);
  SmallVector<Value> weights = packAll(exponentials.values);
  Value sums = getZeros(columns / 2);

  if (countKeyTiles() > 1) {
    Stage next = getNext(stage);
    SmallVector<Value> carried{next.number, next.parity, stage.number,
                               stage.parity, sums};
    for (const AttentionScalars::Row &row : rows)
      carried.append({row.most, row.sum});
    llvm::append_range(carried, weights);
    auto loop =
        scf::ForOp::create(b, loc, w.word(1), tiles, w.word(1), carried);
    {
      OpBuilder::InsertionGuard restore(b);
      b.setInsertionPointToStart(loop.getBody());
      ValueRange args = loop.getRegionIterArgs();
      Stage at{args[0], args[1]}, before{args[2], args[3]};
      sums = args[4];
      for (int64_t half = 0; half < kHalves; ++half)
        rows[half] = {args[5 + 2 * half], args[6 + 2 * half]};
      SmallVector<Value> last(args.drop_front(5 + 2 * kHalves));
      w.wait(getBarrier(keyFull, at.number), at.parity);
      scores = multiplyKeys(at.number);
      w.wait(getBarrier(valueFull, before.number), before.parity);
      sums = multiplyValues(last, sums, before.number);
      waitForProducts(1);
      scores = w.tie(scores);
      release(keyEmpty, at.number);
      Value firstKey = getFirstKey(loop.getInductionVar());
      exponentials = addTile(scores, firstKey, /*isLast=*/false, rows);
      waitForProducts(0);
      sums = w.tie(sums);
      release(valueEmpty, before.number);
      // Not before the product that reads the last ones has ended.
      weights = packAll(exponentials.values);
      sums = scale(sums, exponentials.shrink);
      Stage next = getNext(at);
      SmallVector<Value> results{next.number, next.parity, at.number, at.parity,
                                 sums};
      for (const AttentionScalars::Row &row : rows)
        results.append({row.most, row.sum});
      llvm::append_range(results, weights);
      scf::YieldOp::create(b, loc, results);
    }
    ValueRange results = loop.getResults();
    stage = {results[2], results[3]};
    sums = results[4];
    for (int64_t half = 0; half < kHalves; ++half)
      rows[half] = {results[5 + 2 * half], results[6 + 2 * half]};
    weights.assign(results.begin() + 5 + 2 * kHalves, results.end());
  }
  w.wait(getBarrier(valueFull, stage.number), stage.parity);
  sums = multiplyValues(weights, sums, stage.number);
  std::array<Value, kHalves> inverses;
  for (int64_t half = 0; half < kHalves; ++half)
    inverses[half] = scalars.getInverse(rows[half]);
  waitForProducts(0);
  sums = scale(w.tie(sums), inverses);
  if (storesBoxes)
    storeBoxes(w.split(sums));
  else
    store(w.split(sums));
}

void AttentionEmitter::store(ArrayRef<Value> sums) {
  for (int64_t half = 0; half < kHalves; ++half) {
    Value y = w.add(row, 8 * half);
    Value isRow;
    if (rows % getRowsOfTile() != 0)
      isRow = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::ult, y,
                                    w.word(rows));
    g.guard(isRow, [&] {
      for (int64_t eight = 0; eight < columns / 8; ++eight)
        scalars.storeResults(getPoint(half, w.add(column, 8 * eight)),
                             sums.slice(4 * eight + 2 * half, 2));
    });
  }
}

/// As boxes of 64 x 64 in the copy engine's pattern, where the group's queries
/// were.
void AttentionEmitter::storeBoxes(ArrayRef<Value> sums) {
  Value barrier = w.add(consumer, kFirstBarrier);
  Value lane = w.band(threadOfGroup, 31), warp = w.div(threadOfGroup, 32);
  // Where a thread's row of 16 bytes of a matrix of 8 x 8 goes: lanes 0 to 7
  // and 8 to 15 have the upper and lower rows of the left matrices, the others
  // those of the right ones.
  Value eighth = w.band(lane, 7);
  Value line = w.add(w.mul(warp, 16),
                     w.add(eighth, w.mul(w.band(w.div(lane, 8), 1), 8)));
  Value lineAddress = w.add(ownQueries, w.mul(line, kRowBytes));
  // All warps of the group have multiplied them.
  w.meet(barrier, kGroupThreads);
  for (int64_t first = 0; first < columns / 8; first += 2) {
    SmallVector<Value> words;
    int64_t matrices = std::min<int64_t>(4, (columns / 8 - first) * 2);
    for (int64_t matrix = 0; matrix < matrices; ++matrix) {
      int64_t eight = first + matrix / 2, half = matrix % 2;
      SmallVector<Value> both =
          scalars.getResults(getPoint(half, w.add(column, 8 * eight)),
                             sums.slice(4 * eight + 2 * half, 2));
      words.push_back(LLVM::BitcastOp::create(b, loc, b.getI32Type(),
                                              joinElements(g, both)));
    }
    Value piece = w.exclusiveOr(w.add(w.div(lane, 16), first % 8), eighth);
    Value address = w.add(w.add(lineAddress, w.mul(piece, 16)),
                          first / 8 * kGroupRows * kRowBytes);
    NVVM::StMatrixOp::create(
        b, loc, w.getPointer(address), words, NVVM::MMALayout::row,
        NVVM::LdStMatrixShapeAttr::get(b.getContext(), 8, 8),
        NVVM::LdStMatrixEltType::B16);
  }
  NVVM::FenceProxyOp::create(
      b, loc, NVVM::ProxyKind::async_shared,
      NVVM::SharedSpaceAttr::get(b.getContext(),
                                 NVVM::SharedSpace::shared_cta));
  w.meet(barrier, kGroupThreads);
  w.guard(w.equals(threadOfGroup, 0), [&] {
    for (int64_t box = 0; box < countColumnBoxes(); ++box)
      NVVM::CpAsyncBulkTensorSharedCTAToGlobalOp::create(
          b, loc, resultMap,
          w.getPointer(w.add(ownQueries, box * kGroupRows * kRowBytes)),
          getCoordinates(result, w.word(box * kBoxColumns), ownRow),
          /*l2CacheHint=*/Value(), NVVM::TMAStoreMode::TILE,
          /*predicate=*/Value());
    NVVM::CpAsyncBulkCommitGroupOp::create(b, loc);
    NVVM::CpAsyncBulkWaitGroupOp::create(b, loc, 0, UnitAttr());
  });
}

LaunchShape AttentionEmitter::emit() {
  shape.blocksX = countRowTiles() * batches;
  // One group has a warp behind it that copies, several a group in front of
  // them, which gives them its registers.
  bool isOne = groups == 1;
  shape.threads = isOne ? kGroupThreads + kWarp : (groups + 1) * kGroupThreads;
  int64_t queryBytes = groups * getQueryBytes(),
          keyBytes = stages * getKeyBytes(),
          valueBytes = stages * getValueBytes();
  shape.sharedBytes =
      kPatternBytes + queryBytes + keyBytes + valueBytes + 8 * (1 + 4 * stages);
  queryMap = w.addMap(query.map, shape.maps);
  keyMap = w.addMap(key.map, shape.maps);
  valueMap = w.addMap(value.map, shape.maps);
  if (storesBoxes)
    resultMap = w.addMap(result.map, shape.maps);
  queryShared = w.getShared();
  keyShared = w.add(queryShared, queryBytes);
  valueShared = w.add(keyShared, keyBytes);
  queryFull = w.add(valueShared, valueBytes);
  keyFull = w.add(queryFull, 8);
  keyEmpty = w.add(keyFull, 8 * stages);
  valueFull = w.add(keyEmpty, 8 * stages);
  valueEmpty = w.add(valueFull, 8 * stages);
  Value thread = w.getThread();
  threadOfGroup = w.band(thread, kGroupThreads - 1);
  group = w.toUniform(w.div(thread, kGroupThreads));
  locate();
  Value isFirst = w.equals(thread, 0);
  w.guard(isFirst, [&] {
    w.initialize(queryFull, 1);
    for (int64_t stage = 0; stage < stages; ++stage) {
      w.initialize(w.add(keyFull, 8 * stage), 1);
      w.initialize(w.add(valueFull, 8 * stage), 1);
      w.initialize(w.add(keyEmpty, 8 * stage), groups);
      w.initialize(w.add(valueEmpty, 8 * stage), groups);
    }
    NVVM::FenceMbarrierInitOp::create(b, loc);
  });
  NVVM::BarrierOp::create(b, loc);
  // Registers of threads that copy and that multiply.
  auto registers = groups == 3   ? std::pair(32, 160)
                   : groups == 2 ? std::pair(24, 240)
                                 : std::pair(0, 0);
  Value copier = w.word(isOne ? kGroupThreads : 0);
  Value isCopier =
      arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq, thread, copier);
  auto roles = scf::IfOp::create(b, loc, w.equals(group, isOne ? 1 : 0),
                                 /*withElse=*/true);
  OpBuilder::InsertionGuard restore(b);
  b.setInsertionPoint(roles.thenBlock()->getTerminator());
  if (registers.first > 0)
    NVVM::SetMaxRegisterOp::create(b, loc, registers.first,
                                   NVVM::SetMaxRegisterAction::decrease);
  w.guard(isCopier, [&] { emitCopies(); });
  b.setInsertionPoint(roles.elseBlock()->getTerminator());
  if (registers.second > 0)
    NVVM::SetMaxRegisterOp::create(b, loc, registers.second,
                                   NVVM::SetMaxRegisterAction::increase);
  emitProducts();
  return shape;
}

std::optional<LaunchShape> mopt::emitWarpgroupAttention(AttentionOp op) {
  OpBuilder b(op);
  GridBuilder g(b, op.getLoc());
  AttentionPlan plan(op, AttentionScalars(g, op).getLimit().has_value());
  if (!plan.match())
    return std::nullopt;
  return AttentionEmitter(b, plan).emit();
}

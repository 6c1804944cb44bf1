// Attention by warps, for devices without groups of them and for what the copy
// engine cannot bring: any strides, any numbers of columns up to the registers'
// limit. A warp has 16 queries; the warps of a block share tiles of keys and
// values in shared memory, the next of which is copied meanwhile. Tiles are
// taken from the last to the first, so that the one that keys do not fill comes
// before the loop.
#include "AttentionScalars.h"
#include "Emit.h"
#include "LinearPlace.h"
#include "WarpgroupBuilder.h"
#include "WarpgroupPlan.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace mopt;

/// Queries that a warp multiplies at once, and its threads.
static constexpr int64_t kWarpRows = 16, kWarp = 32;
/// What an instruction multiplies: columns, and steps of the depth.
static constexpr int64_t kColumns = 8, kSteps = 16;
/// Sums of a thread in a tile of 16 x 8: two neighbours of two rows, eight
/// apart.
static constexpr int64_t kSums = 4, kRowDistance = 8;
/// Elements of a piece of 16 bytes.
static constexpr int64_t kPiece = 8, kPieceBytes = 16;
/// Queries of so many steps of the depth stay in registers.
static constexpr int64_t kStepsInRegisters = 8;

namespace {
/// Rows of a side in shared memory. They are a piece longer than their columns,
/// so that pieces of eight rows lie in different banks.
struct Tile {
  Value buffer;
  AffineMap map;
  /// Rows and columns there are, and rows of the tile.
  int64_t rows, columns, tileRows;
  /// Where rows lie, if pieces of them can be copied.
  std::optional<LinearPlace> place;

  int64_t getPieces() const {
    return llvm::divideCeil(columns, kSteps) * (kSteps / kPiece);
  }
  int64_t getPitch() const { return (getPieces() + 1) * kPieceBytes; }
  int64_t getBytes() const { return tileRows * getPitch(); }
};

class WarpAttentionEmitter {
public:
  WarpAttentionEmitter(OpBuilder &b, AttentionOp op)
      : b(b), loc(op.getLoc()), op(op), g(b, loc),
        w(b, loc, op->getParentOfType<gpu::GPUFuncOp>()), scalars(g, op) {}

  LaunchShape emit();

private:
  using Rows = SmallVector<AttentionScalars::Row>;

  /// Rows that a thread has parts of.
  int64_t countRows() const { return 2 * warpTiles; }
  /// That of sum `i` of `count`.
  int64_t getRow(int64_t i, int64_t count) const {
    return i / (count / warpTiles) * 2 + i % kSums / 2;
  }

  Tile makeTile(Value buffer, AffineMap map, int64_t rows, int64_t columns,
                int64_t tileRows);
  void copy(const Tile &tile, Value to, Value firstRow);
  Value loadPiece(const Tile &tile, Value row, Value piece);
  Value isBelow(Value x, int64_t y) {
    return arith::CmpIOp::create(b, loc, arith::CmpIPredicate::ult, x,
                                 w.word(y));
  }
  SmallVector<Value> loadMatrices(Value address, bool isTurned);
  Value toOperand(Value word);
  void multiply(ArrayRef<Value> left, ArrayRef<Value> right,
                MutableArrayRef<Value> sums);
  SmallVector<Value> loadQueries(int64_t tile, int64_t step);
  SmallVector<Value> multiplyKeys(Value slot);
  void multiplyValues(ArrayRef<Value> weights, Value slot,
                      MutableArrayRef<Value> sums);
  SmallVector<Value> getPoint(int64_t row, Value column);
  void addTile(Value slot, Value firstKey, bool isLast, Rows &rows,
               MutableArrayRef<Value> sums);
  void waitForTile();
  void copyTile(Value slot, Value firstKey);
  void store(ArrayRef<Value> sums);

  OpBuilder &b;
  Location loc;
  AttentionOp op;
  GridBuilder g;
  WarpgroupBuilder w;
  AttentionScalars scalars;
  Tile query, key, value;
  /// Warps of a block, tiles of queries of each, and keys of a tile.
  int64_t warps = 4, warpTiles = 1, tileKeys = 64;
  /// Where in shared memory queries begin, and the two slots of tiles.
  Value queries, slots;
  Value thread, lane, firstRow;
  SmallVector<Value> batch;
  /// The thread's first row and column, and the queries that stay in registers.
  Value firstOwnRow, column, ownQueries;
  SmallVector<SmallVector<Value>> kept;
};
} // namespace

Tile WarpAttentionEmitter::makeTile(Value buffer, AffineMap map, int64_t rows,
                                    int64_t columns, int64_t tileRows) {
  Tile tile{buffer, map, rows, columns, tileRows, std::nullopt};
  std::optional<LinearPlace> place = findLinearPlace(buffer, map);
  bool hasPieces = place && place->strides.back() == 1 &&
                   place->offset % kPiece == 0 && columns % kPiece == 0;
  for (int64_t dim = 0; hasPieces && dim < op.getBatchRank() + 1; ++dim)
    hasPieces = place->strides[dim] % kPiece == 0;
  if (hasPieces)
    tile.place = place;
  return tile;
}

//===----------------------------------------------------------------------===//
// Copies
//===----------------------------------------------------------------------===//

/// A vector of eight elements of a row, zeros behind its end and behind the
/// last row.
Value WarpAttentionEmitter::loadPiece(const Tile &tile, Value row,
                                      Value piece) {
  Value isRow = isBelow(row, tile.rows);
  SmallVector<Value> point =
      llvm::map_to_vector(batch, [&](Value x) { return w.index(x); });
  point.append({w.index(w.least(row, tile.rows - 1)), Value()});
  Type type = getElementTypeOrSelf(tile.buffer.getType());
  Value zero = arith::ConstantOp::create(b, loc, b.getZeroAttr(type));
  Value result = LLVM::UndefOp::create(b, loc, VectorType::get(kPiece, type));
  for (int64_t i = 0; i < kPiece; ++i) {
    Value column = w.add(w.mul(piece, kPiece), i);
    Value is =
        arith::AndIOp::create(b, loc, isRow, isBelow(column, tile.columns));
    point.back() = w.index(w.least(column, tile.columns - 1));
    Value element = arith::SelectOp::create(
        b, loc, is, g.load(tile.buffer, tile.map, point), zero);
    result = LLVM::InsertElementOp::create(b, loc, result, element, w.word(i));
  }
  return result;
}

void WarpAttentionEmitter::copy(const Tile &tile, Value to, Value firstRow) {
  int64_t pieces = tile.getPieces(), count = tile.tileRows * pieces,
          threads = warps * kWarp;
  Value start;
  if (tile.place) {
    Value index = memref::ExtractAlignedPointerAsIndexOp::create(
        b, loc, tile.place->root);
    start = arith::IndexCastUIOp::create(b, loc, b.getI64Type(), index);
  }
  for (int64_t turn = 0; turn * threads < count; ++turn) {
    Value number = w.add(thread, turn * threads);
    auto body = [&] {
      Value inTile = w.div(number, pieces), piece = w.rem(number, pieces);
      Value row = w.add(firstRow, inTile);
      Value address = w.add(
          to, w.add(w.mul(inTile, tile.getPitch()), w.mul(piece, kPieceBytes)));
      if (!tile.place) {
        LLVM::StoreOp::create(b, loc, loadPiece(tile, row, piece),
                              w.getPointer(address), kPieceBytes);
        return;
      }
      Value isInside = isBelow(row, tile.rows);
      if (pieces * kPiece != tile.columns)
        isInside = arith::AndIOp::create(b, loc, isInside,
                                         isBelow(piece, tile.columns / kPiece));
      // In elements, 64 bits.
      auto wide = [&](Value x) -> Value {
        return arith::ExtUIOp::create(b, loc, b.getI64Type(), x);
      };
      auto times = [&](Value x, int64_t stride) -> Value {
        return arith::MulIOp::create(
            b, loc, wide(x),
            arith::ConstantOp::create(b, loc, b.getI64IntegerAttr(stride)));
      };
      ArrayRef<int64_t> strides = tile.place->strides;
      Value place = arith::AddIOp::create(
          b, loc, times(w.least(row, tile.rows - 1), strides[batch.size()]),
          times(w.least(piece, tile.columns / kPiece - 1), kPiece));
      for (auto [position, stride] : llvm::zip_first(batch, strides))
        place = arith::AddIOp::create(b, loc, place, times(position, stride));
      Value offset = arith::ConstantOp::create(
          b, loc, b.getI64IntegerAttr(tile.place->offset));
      place = arith::AddIOp::create(b, loc, place, offset);
      Value bytes = arith::ShLIOp::create(
          b, loc, place,
          arith::ConstantOp::create(b, loc, b.getI64IntegerAttr(1)));
      Value source = arith::AddIOp::create(b, loc, start, bytes);
      source = LLVM::IntToPtrOp::create(
          b, loc, LLVM::LLVMPointerType::get(b.getContext(), 1), source);
      NVVM::CpAsyncOp::create(
          b, loc, w.getPointer(address), source, kPieceBytes,
          NVVM::LoadCacheModifierKind::CG,
          w.select(isInside, w.word(kPieceBytes), w.word(0)));
    };
    if ((turn + 1) * threads <= count)
      body();
    else
      w.guard(isBelow(number, count), body);
  }
}

void WarpAttentionEmitter::copyTile(Value slot, Value firstKey) {
  copy(key, slot, firstKey);
  copy(value, w.add(slot, key.getBytes()), firstKey);
  NVVM::CpAsyncCommitGroupOp::create(b, loc);
}

/// The tile that was copied last is there, and nobody reads the one before it.
void WarpAttentionEmitter::waitForTile() {
  NVVM::CpAsyncWaitGroupOp::create(b, loc, 0);
  NVVM::BarrierOp::create(b, loc);
}

//===----------------------------------------------------------------------===//
// Products
//===----------------------------------------------------------------------===//

/// Four matrices of eight rows of 16 bytes; each lane gives the address of one
/// row.
SmallVector<Value> WarpAttentionEmitter::loadMatrices(Value address,
                                                      bool isTurned) {
  Type i32 = b.getI32Type();
  auto type =
      LLVM::LLVMStructType::getLiteral(b.getContext(), {i32, i32, i32, i32});
  Value loaded = NVVM::LdMatrixOp::create(
      b, loc, type, w.getPointer(address), 4,
      isTurned ? NVVM::MMALayout::col : NVVM::MMALayout::row,
      NVVM::LdStMatrixShapeAttr::get(b.getContext(), 8, 8),
      NVVM::LdStMatrixEltType::B16);
  SmallVector<Value> words;
  for (int64_t i = 0; i < 4; ++i)
    words.push_back(toOperand(LLVM::ExtractValueOp::create(b, loc, loaded, i)));
  return words;
}

/// What the instruction takes.
Value WarpAttentionEmitter::toOperand(Value word) {
  if (!getElementTypeOrSelf(op.getQuery().getType()).isF16())
    return word;
  return LLVM::BitcastOp::create(b, loc, VectorType::get(2, b.getF16Type()),
                                 word);
}

/// Adds a tile of 16 x 8.
void WarpAttentionEmitter::multiply(ArrayRef<Value> left, ArrayRef<Value> right,
                                    MutableArrayRef<Value> sums) {
  SmallVector<Value> operands(left);
  llvm::append_range(operands, right);
  llvm::append_range(operands, sums);
  auto type = LLVM::LLVMStructType::getLiteral(
      b.getContext(), SmallVector<Type>(kSums, b.getF32Type()));
  Value result = LLVM::CallIntrinsicOp::create(
                     b, loc, type, op.getInstructionAttr(), operands)
                     .getResult(0);
  for (int64_t i = 0; i < kSums; ++i)
    sums[i] = LLVM::ExtractValueOp::create(b, loc, result, i);
}

SmallVector<Value> WarpAttentionEmitter::loadQueries(int64_t tile,
                                                     int64_t step) {
  return loadMatrices(w.add(ownQueries, tile * kWarpRows * query.getPitch() +
                                            step * kSteps * 2),
                      /*isTurned=*/false);
}

SmallVector<Value> WarpAttentionEmitter::multiplyKeys(Value slot) {
  Value zero = arith::ConstantOp::create(b, loc, b.getF32FloatAttr(0));
  int64_t perTile = tileKeys / kColumns * kSums;
  SmallVector<Value> sums(warpTiles * perTile, zero);
  // Of 16 keys the upper and lower eight, both halves of a step of each.
  Value ofLane = w.add(w.mul(w.div(lane, 16), 8), w.band(lane, 7));
  Value start =
      w.add(slot, w.add(w.mul(ofLane, key.getPitch()),
                        w.mul(w.band(w.div(lane, 8), 1), kPieceBytes)));
  for (int64_t step = 0; step * kSteps < key.columns; ++step) {
    SmallVector<SmallVector<Value>> left;
    for (int64_t tile = 0; tile < warpTiles; ++tile)
      left.push_back(kept.empty() ? loadQueries(tile, step)
                                  : kept[step * warpTiles + tile]);
    for (int64_t first = 0; first < tileKeys; first += 2 * kColumns) {
      SmallVector<Value> right =
          loadMatrices(w.add(start, first * key.getPitch() + step * kSteps * 2),
                       /*isTurned=*/false);
      for (int64_t tile = 0; tile < warpTiles; ++tile)
        for (int64_t i = 0; i < 2; ++i)
          multiply(left[tile], ArrayRef(right).slice(2 * i, 2),
                   MutableArrayRef(sums).slice(
                       tile * perTile + (first / kColumns + i) * kSums, kSums));
    }
  }
  return sums;
}

void WarpAttentionEmitter::multiplyValues(ArrayRef<Value> weights, Value slot,
                                          MutableArrayRef<Value> sums) {
  // Of 16 keys the upper and lower eight, of 16 columns the left and right
  // ones.
  Value ofLane = w.band(lane, 15);
  Value start = w.add(w.add(slot, key.getBytes()),
                      w.add(w.mul(ofLane, value.getPitch()),
                            w.mul(w.div(lane, 16), kPieceBytes)));
  int64_t ofKeys = tileKeys / kSteps * 4, perTile = sums.size() / warpTiles;
  for (int64_t step = 0; step * kSteps < tileKeys; ++step)
    for (int64_t first = 0; first < value.columns; first += 2 * kColumns) {
      SmallVector<Value> right = loadMatrices(
          w.add(start, step * kSteps * value.getPitch() + first * 2),
          /*isTurned=*/true);
      for (int64_t tile = 0; tile < warpTiles; ++tile)
        for (int64_t i = 0; i < 2; ++i)
          multiply(weights.slice(tile * ofKeys + 4 * step, 4),
                   ArrayRef(right).slice(2 * i, 2),
                   sums.slice(tile * perTile + (first / kColumns + i) * kSums,
                              kSums));
    }
}

SmallVector<Value> WarpAttentionEmitter::getPoint(int64_t row, Value column) {
  SmallVector<Value> point =
      llvm::map_to_vector(batch, [&](Value x) { return w.index(x); });
  // Behind the last row nothing is stored, and the last is computed again.
  point.append(
      {w.index(w.least(w.add(firstOwnRow, kRowDistance * row), query.rows - 1)),
       w.index(column)});
  return point;
}

void WarpAttentionEmitter::addTile(Value slot, Value firstKey, bool isLast,
                                   Rows &rows, MutableArrayRef<Value> sums) {
  SmallVector<Value> products = multiplyKeys(slot);
  int64_t columnTiles = tileKeys / kColumns;
  SmallVector<Value> weights(products.size() / 2);
  bool isRagged = isLast && key.rows % tileKeys != 0;
  Value first = w.add(firstKey, column);
  for (int64_t row = 0; row < countRows(); ++row) {
    SmallVector<Value> scores;
    for (int64_t tile = 0; tile < columnTiles; ++tile) {
      ArrayRef<Value> pair = ArrayRef(products).slice(
          kSums * (row / 2 * columnTiles + tile) + row % 2 * 2, 2);
      Value x = w.add(first, kColumns * tile);
      if (!isRagged) {
        SmallVector<Value> point = getPoint(row, x);
        llvm::append_range(
            scores,
            scalars.getScores(point, pair, scalars.loadInputs(point, 2)));
        continue;
      }
      for (int64_t i = 0; i < 2; ++i) {
        Value at = w.add(x, i);
        SmallVector<Value> point = getPoint(row, w.least(at, key.rows - 1));
        Value score =
            scalars.getScores(point, pair[i], scalars.loadInputs(point, 1))
                .front();
        scores.push_back(scalars.limit(score, at));
      }
    }
    Value shrink = scalars.add(rows[row], scores);
    for (size_t i = 0; i < sums.size(); ++i)
      if (getRow(i, sums.size()) == row)
        sums[i] = arith::MulFOp::create(b, loc, sums[i], shrink);
    // Rows of 16 weights: both rows of the left eight, then of the right.
    for (int64_t tile = 0; tile < columnTiles; ++tile)
      weights[(row / 2 * columnTiles + tile) * 2 + row % 2] =
          toOperand(scalars.pack(scores[2 * tile], scores[2 * tile + 1]));
  }
  multiplyValues(weights, slot, sums);
}

void WarpAttentionEmitter::store(ArrayRef<Value> sums) {
  int64_t columns = value.columns, perTile = sums.size() / warpTiles;
  for (int64_t row = 0; row < countRows(); ++row)
    g.guard(isBelow(w.add(firstOwnRow, kRowDistance * row), query.rows), [&] {
      for (int64_t tile = 0; tile * kColumns < columns; ++tile) {
        ArrayRef<Value> pair =
            sums.slice(row / 2 * perTile + kSums * tile + row % 2 * 2, 2);
        Value x = w.add(column, kColumns * tile);
        if (columns % kColumns == 0) {
          scalars.storeResults(getPoint(row, x), pair);
          continue;
        }
        for (int64_t i = 0; i < 2; ++i)
          g.guard(isBelow(w.add(x, i), columns), [&] {
            scalars.storeResults(getPoint(row, w.add(x, i)), pair[i]);
          });
      }
    });
}

LaunchShape WarpAttentionEmitter::emit() {
  // Wide sums leave registers, and shared memory, for fewer keys and queries.
  static constexpr int64_t narrow = 128, wide = 192;
  // Blocks that keep a device busy: with more, warps have twice the rows, for
  // which they load keys and values once.
  static constexpr int64_t manyBlocks = 256;
  int64_t rows = op.getRows(), keys = op.getKeys(), depth = op.getDepth(),
          columns = op.getColumns();
  bool isWide = std::max(depth, columns) > narrow;
  warps = std::min<int64_t>(isWide ? 2 : 4, llvm::divideCeil(rows, kWarpRows));
  tileKeys = columns > wide ? 16 : isWide ? 32 : 64;
  int64_t batches = countElements(op.getBatchSizes());
  if (!isWide &&
      llvm::divideCeil(rows, 2 * warps * kWarpRows) * batches >= manyBlocks) {
    warpTiles = 2;
    tileKeys = std::max(depth, columns) > narrow / 2 ? 32 : 64;
  }
  query = makeTile(op.getQuery(), op.getQueryMap(), rows, depth,
                   warps * warpTiles * kWarpRows);
  key = makeTile(op.getKey(), op.getKeyMap(), keys, depth, tileKeys);
  value = makeTile(op.getValue(), op.getValueMap(), keys, columns, tileKeys);
  int64_t slotBytes = key.getBytes() + value.getBytes();
  int64_t rowTiles = llvm::divideCeil(rows, query.tileRows),
          mostTiles = llvm::divideCeil(keys, tileKeys);
  LaunchShape shape(rowTiles * batches, 1, warps * kWarp);
  shape.sharedBytes = kPatternBytes + query.getBytes() + 2 * slotBytes;

  Type i32 = b.getI32Type();
  thread = NVVM::ThreadIdXOp::create(b, loc, i32);
  lane = w.band(thread, kWarp - 1);
  Value number = NVVM::BlockIdXOp::create(b, loc, i32);
  Value rowTile = w.rem(number, rowTiles);
  // Rows that see most keys begin first, so that others end together.
  if (scalars.getLimit())
    rowTile = b.createOrFold<arith::SubIOp>(loc, w.word(rowTiles - 1), rowTile);
  firstRow = w.mul(rowTile, query.tileRows);
  number = w.div(number, rowTiles);
  batch.resize(op.getBatchRank());
  for (size_t dim = batch.size(); dim-- > 0;) {
    batch[dim] = w.rem(number, op.getBatchSizes()[dim]);
    number = w.div(number, op.getBatchSizes()[dim]);
  }
  queries = w.getShared();
  slots = w.add(queries, query.getBytes());
  Value ownRow = w.mul(w.div(thread, kWarp), warpTiles * kWarpRows);
  firstOwnRow = w.add(firstRow, w.add(ownRow, w.div(lane, 4)));
  column = w.mul(w.band(lane, 3), 2);
  ownQueries = w.add(
      queries, w.add(w.mul(w.add(ownRow, w.band(lane, 15)), query.getPitch()),
                     w.mul(w.div(lane, 16), kPieceBytes)));

  copy(query, queries, firstRow);
  // Of keys that rows of the block see.
  Value tiles = w.word(mostTiles);
  if (std::optional<int64_t> limit = scalars.getLimit()) {
    Value lastRow = w.least(w.add(firstRow, query.tileRows - 1), rows - 1);
    tiles =
        w.least(w.add(w.div(w.add(lastRow, *limit), tileKeys), 1), mostTiles);
  }
  auto getFirstKey = [&](Value tile) {
    Value behind = b.createOrFold<arith::SubIOp>(loc, tiles, tile);
    return w.mul(b.createOrFold<arith::SubIOp>(loc, behind, w.word(1)),
                 tileKeys);
  };
  Value lastKey = getFirstKey(w.word(0));
  copyTile(slots, lastKey);
  waitForTile();
  int64_t steps = llvm::divideCeil(depth, kSteps);
  if (steps * warpTiles <= kStepsInRegisters)
    for (int64_t step = 0; step < steps; ++step)
      for (int64_t tile = 0; tile < warpTiles; ++tile)
        kept.push_back(loadQueries(tile, step));
  Rows state(countRows(), scalars.getEmptyRow());
  Value zero = arith::ConstantOp::create(b, loc, b.getF32FloatAttr(0));
  SmallVector<Value> sums(
      warpTiles * llvm::divideCeil(columns, 2 * kColumns) * 2 * kSums, zero);
  Value other = w.add(slots, slotBytes);
  auto isBefore = [&](Value x) -> Value {
    return arith::CmpIOp::create(b, loc, arith::CmpIPredicate::ult, x, tiles);
  };
  if (mostTiles > 1)
    w.guard(isBefore(w.word(1)),
            [&] { copyTile(other, getFirstKey(w.word(1))); });
  addTile(slots, lastKey, /*isLast=*/true, state, sums);
  if (mostTiles > 1) {
    SmallVector<Value> carried{other, slots};
    for (const AttentionScalars::Row &row : state)
      carried.append({row.most, row.sum});
    llvm::append_range(carried, sums);
    auto loop =
        scf::ForOp::create(b, loc, w.word(1), tiles, w.word(1), carried);
    b.setInsertionPointToStart(loop.getBody());
    ValueRange args = loop.getRegionIterArgs();
    auto take = [&](ValueRange values) {
      values = values.drop_front(2);
      for (AttentionScalars::Row &row : state) {
        row = {values[0], values[1]};
        values = values.drop_front(2);
      }
      sums.assign(values.begin(), values.end());
    };
    take(args);
    waitForTile();
    Value firstKey = getFirstKey(loop.getInductionVar());
    Value next = w.add(loop.getInductionVar(), 1);
    w.guard(isBefore(next), [&] { copyTile(args[1], getFirstKey(next)); });
    addTile(args[0], firstKey, /*isLast=*/false, state, sums);
    SmallVector<Value> results{args[1], args[0]};
    for (const AttentionScalars::Row &row : state)
      results.append({row.most, row.sum});
    llvm::append_range(results, sums);
    scf::YieldOp::create(b, loc, results);
    b.setInsertionPointAfter(loop);
    take(loop.getResults());
  }
  SmallVector<Value> inverses;
  for (const AttentionScalars::Row &row : state)
    inverses.push_back(scalars.getInverse(row));
  for (auto [i, sum] : llvm::enumerate(sums))
    sum = arith::MulFOp::create(b, loc, sum, inverses[getRow(i, sums.size())]);
  store(sums);
  return shape;
}

FailureOr<LaunchShape> mopt::emitAttention(AttentionOp op,
                                           const EmitOptions &options) {
  std::optional<LaunchShape> shape;
  if (options.hasWarpgroupProducts)
    shape = emitWarpgroupAttention(op);
  OpBuilder b(op);
  if (!shape)
    shape = WarpAttentionEmitter(b, op).emit();
  op.erase();
  return *shape;
}

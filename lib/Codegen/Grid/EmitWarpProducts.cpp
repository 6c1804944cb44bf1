// Products of narrow elements by warps: each multiplies 16 rows by 8 columns at
// once and keeps the sums in its registers. A block copies some of the depth of
// both sides to shared memory, several such stages ahead, without registers
// where neighbours along the depth lie side by side. The sums pass through
// shared memory once more, so that threads store neighbours, and so that warps
// which share a tile's depth are added.
#include "Emit.h"
#include "Epilogue.h"
#include "ProductAccess.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace mopt;

static constexpr int64_t kWarp = 32;
/// What a warp multiplies at once: rows, columns, bytes of the depth.
static constexpr int64_t kRows = 16, kColumns = 8, kStepBytes = 32;
/// Sums of a thread then: of two rows, two neighbours each.
static constexpr int64_t kSums = 4;
/// What is copied together, and the rows of it that are loaded together.
static constexpr int64_t kChunk = 16, kMatrixRows = 8;
/// Columns of a packed block.
static constexpr int64_t kBlockColumns = 64;
/// Bytes that all banks of shared memory have in a row.
static constexpr int64_t kBanks = 128;
/// Shared memory that a block has without asking for more.
static constexpr int64_t kSharedBytes = 49152;
/// Blocks that a device computes at a time, one on each of its processors.
static constexpr int64_t kProcessors = 132;
/// Neighbouring results that a thread stores.
static constexpr int64_t kStored = 4;
/// Rows of tiles that use the same columns one after the other: as many blocks
/// as run at a time then share both sides.
static constexpr int64_t kRowsOfTiles = 8;

namespace {
/// Results of a block and of a warp; the warps that share the depth of a stage,
/// which is `stageBytes` of each row; and how many stages are under way.
struct WarpTile {
  int64_t rows, columns, warpRows, warpColumns, parts, stageBytes, stages;

  int64_t getThreads() const {
    return rows / warpRows * (columns / warpColumns) * parts * kWarp;
  }
  int64_t getStageSize() const { return (rows + columns) * stageBytes; }
};
} // namespace

static constexpr WarpTile kTiles[] = {
    {128, 128, 64, 32, 1, 64, 3}, {128, 64, 64, 32, 1, 64, 4},
    {64, 64, 32, 32, 1, 128, 3},  {32, 64, 32, 32, 2, 128, 4},
    {32, 32, 32, 32, 4, 128, 4},  {16, 32, 16, 32, 4, 128, 4}};

/// The tile of the least estimated time. Blocks of one processor share it, so
/// what counts is how many it gets, and what each of them multiplies and
/// copies.
static const WarpTile &chooseTile(const PackedAccess &access) {
  /// What a row or column of a tile costs beside its products: it is copied.
  constexpr int64_t copyCost = 64;
  const WarpTile *best = nullptr;
  int64_t least = 0;
  for (const WarpTile &tile : kTiles) {
    int64_t blocks = llvm::divideCeil(access.rows, tile.rows) *
                     llvm::divideCeil(access.columns, tile.columns) *
                     access.batches;
    int64_t cost =
        llvm::divideCeil(blocks, kProcessors) *
        (tile.rows * tile.columns + copyCost * (tile.rows + tile.columns));
    if (!best || cost < least)
      best = &tile, least = cost;
  }
  return *best;
}

namespace {
class WarpProductEmitter {
public:
  WarpProductEmitter(OpBuilder &b, AnchorOpInterface op, PackedAccess &access)
      : g(b, op.getLoc()), b(b), op(op), access(access),
        config(op.getConfigAttr()), tile(chooseTile(access)),
        bytes(config.getLhsBits() / 8), sumType(op.getAccumulatorType()),
        stageSteps(tile.stageBytes / bytes),
        isRagged(access.depth % stageSteps != 0),
        copied(std::min(kChunk, access.run * bytes)),
        copiesLeft(copied >= kLeastCopy) {}

  LaunchShape emit() {
    int64_t rowTiles = llvm::divideCeil(access.rows, tile.rows);
    int64_t columnTiles = llvm::divideCeil(access.columns, tile.columns);
    pointer = LLVM::LLVMPointerType::get(b.getContext(), kShared);
    allocate();
    findPlace(rowTiles, columnTiles);
    planLeft();
    planRight();
    planLoads();
    finish(multiply());
    return {rowTiles * columnTiles * access.batches, 1, tile.getThreads()};
  }

private:
  /// What is copied without registers has at least so many bytes.
  static constexpr int64_t kLeastCopy = 4;
  /// Address spaces.
  static constexpr unsigned kGlobal = 1, kShared = 3;

  //===--------------------------------------------------------------------===//
  // Numbers of 32 bits, of which places in shared memory are
  //===--------------------------------------------------------------------===//

  Value word(int64_t value) {
    return arith::ConstantOp::create(b, g.loc, b.getI32IntegerAttr(value));
  }
  Value toWord(Value index) {
    return b.createOrFold<arith::IndexCastUIOp>(g.loc, b.getI32Type(), index);
  }
  Value add(Value x, Value y) {
    return b.createOrFold<arith::AddIOp>(g.loc, x, y);
  }
  Value add(Value x, int64_t y) { return add(x, word(y)); }
  Value mul(Value x, int64_t y) {
    return b.createOrFold<arith::MulIOp>(g.loc, x, word(y));
  }
  Value div(Value x, int64_t y) {
    return b.createOrFold<arith::DivUIOp>(g.loc, x, word(y));
  }
  Value rem(Value x, int64_t y) {
    return b.createOrFold<arith::RemUIOp>(g.loc, x, word(y));
  }

  //===--------------------------------------------------------------------===//
  // Memory
  //===--------------------------------------------------------------------===//

  /// The bytes of the sums of one part, as they pass through shared memory, if
  /// they do so in `passes` turns.
  int64_t getPitch() const { return tile.columns + kColumns; }
  int64_t getSumRows() const { return tile.rows / passes; }
  int64_t getSumBytes() const { return getSumRows() * getPitch() * 4; }

  void allocate() {
    while (getSumBytes() * tile.parts > kSharedBytes)
      passes *= 2;
    int64_t size =
        std::max(tile.getStageSize() * tile.stages, getSumBytes() * tile.parts);
    auto function = op->getParentOfType<gpu::GPUFuncOp>();
    auto space = gpu::AddressSpaceAttr::get(b.getContext(),
                                            gpu::AddressSpace::Workgroup);
    unsigned number = function.getNumWorkgroupAttributions();
    Value buffer = function.addWorkgroupAttribution(
        MemRefType::get({size}, b.getI8Type(), MemRefLayoutAttrInterface(),
                        space),
        g.loc);
    function.setWorkgroupAttributionAttr(number, "llvm.align",
                                         b.getI64IntegerAttr(kBanks));
    shared = toPointer(getStart(buffer), kShared);
  }

  Value getStart(Value buffer) {
    return memref::ExtractAlignedPointerAsIndexOp::create(b, g.loc, buffer);
  }
  Value toPointer(Value address, unsigned space) {
    Value number =
        arith::IndexCastUIOp::create(b, g.loc, b.getI64Type(), address);
    return LLVM::IntToPtrOp::create(
        b, g.loc, LLVM::LLVMPointerType::get(b.getContext(), space), number);
  }
  /// Where element `place` of the buffer that begins at `start` is.
  Value getGlobal(Value start, Value place) {
    return toPointer(g.add(start, g.mul(place, bytes)), kGlobal);
  }
  Value getShared(Value place, int64_t offset = 0) {
    Value at = LLVM::GEPOp::create(b, g.loc, pointer, b.getI8Type(), shared,
                                   ArrayRef<LLVM::GEPArg>{place});
    if (offset == 0)
      return at;
    return LLVM::GEPOp::create(
        b, g.loc, pointer, b.getI8Type(), at,
        ArrayRef<LLVM::GEPArg>{static_cast<int32_t>(offset)});
  }

  /// What the number of a chunk in its row of `rowBytes` is combined with, so
  /// that as many rows as are loaded together are in different banks.
  Value getSwizzle(Value row, int64_t rowBytes) {
    int64_t chunks = rowBytes / kChunk, rowsOfBanks = kBanks / rowBytes;
    return rem(div(row, std::max<int64_t>(1, rowsOfBanks)),
               std::min(chunks, kMatrixRows));
  }
  /// The same in the right side, where neighbours along the depth are words:
  /// those of four groups are loaded together.
  Value getRightSwizzle(Value step) {
    if (access.interleave == 1)
      return getSwizzle(step, getRightBytes());
    return mul(rem(step, 4), 2);
  }
  Value placeChunk(Value chunk, Value swizzle) {
    return mul(arith::XOrIOp::create(b, g.loc, chunk, swizzle), kChunk);
  }

  //===--------------------------------------------------------------------===//
  // Who computes and copies what
  //===--------------------------------------------------------------------===//

  void findPlace(int64_t rowTiles, int64_t columnTiles) {
    thread = g.thread();
    lane = toWord(g.rem(thread, kWarp));
    Value warp = toWord(g.div(thread, kWarp));
    int64_t across = tile.columns / tile.warpColumns;
    int64_t count = tile.rows / tile.warpRows * across;
    part = div(warp, count);
    Value inPart = rem(warp, count);
    warpRow = div(inPart, across);
    warpColumn = rem(inPart, across);

    Value number = g.block(), row, column;
    batch = g.div(number, rowTiles * columnTiles);
    number = g.rem(number, rowTiles * columnTiles);
    if (rowTiles <= kRowsOfTiles) {
      row = g.rem(number, rowTiles);
      column = g.div(number, rowTiles);
    } else {
      Value group = g.div(number, kRowsOfTiles * columnTiles);
      Value inGroup = toWord(g.rem(number, kRowsOfTiles * columnTiles));
      Value first = g.mul(group, kRowsOfTiles);
      // The last group may have fewer rows.
      Value left = arith::SubIOp::create(b, g.loc, g.index(rowTiles), first);
      Value size = toWord(g.clamp(left, kRowsOfTiles));
      auto toIndex = [&](Value value) {
        return arith::IndexCastUIOp::create(b, g.loc, b.getIndexType(), value);
      };
      row = g.add(first,
                  toIndex(arith::RemUIOp::create(b, g.loc, inGroup, size)));
      column = toIndex(arith::DivUIOp::create(b, g.loc, inGroup, size));
    }
    rowStart = g.mul(row, tile.rows);
    columnStart = g.mul(column, tile.columns);
  }

  /// Chunks are copied by consecutive threads in turns. Each has the same place
  /// along the depth, or among columns, in all turns.
  int64_t countTurns(int64_t chunks) const {
    return llvm::divideCeil(chunks, tile.getThreads());
  }

  void planLeft() {
    int64_t across = tile.stageBytes / kChunk, threads = tile.getThreads();
    leftStart = getStart(access.lhs);
    Value chunk = g.rem(thread, across);
    leftStep = g.mul(chunk, kChunk / bytes);
    for (int64_t i = 0; i < countTurns(tile.rows * across); ++i) {
      Value row = g.add(g.div(thread, across), i * (threads / across));
      Value from = g.add(rowStart, row);
      if (access.rows % tile.rows != 0)
        from = g.clamp(from, access.rows - 1);
      leftPlaces.push_back(access.getRowPlace(g, batch, from));
      Value inTile = toWord(row);
      leftTargets.push_back(
          add(mul(inTile, tile.stageBytes),
              placeChunk(toWord(chunk), getSwizzle(inTile, tile.stageBytes))));
    }
  }

  /// The right side stands in shared memory in panels of up to 64 columns,
  /// whose rows are the steps of the depth, or groups of them.
  int64_t getPanelColumns() const {
    return std::min(tile.columns, kBlockColumns);
  }
  int64_t getRightBytes() const {
    return getPanelColumns() * access.interleave * bytes;
  }
  int64_t getRightSteps() const { return stageSteps / access.interleave; }
  int64_t getPanelSize() const { return getRightSteps() * getRightBytes(); }

  void planRight() {
    int64_t across = getRightBytes() / kChunk, threads = tile.getThreads();
    rightStart = getStart(access.rhs);
    Value block = g.div(columnStart, kBlockColumns);
    Value chunk = g.rem(thread, across);
    // Elements of a step that stand before the tile's columns, and the chunk's.
    Value before =
        g.add(g.mul(g.rem(columnStart, kBlockColumns), access.interleave),
              g.mul(chunk, kChunk / bytes));
    int64_t chunks = tile.columns * tile.stageBytes / kChunk;
    for (int64_t i = 0; i < countTurns(chunks); ++i) {
      Value line = g.add(g.div(thread, across), i * (threads / across));
      Value panel = g.div(line, getRightSteps());
      Value step = g.rem(line, getRightSteps());
      // Behind the last block that one again.
      Value from = g.clamp(g.add(block, panel), access.blocks - 1);
      rightPlaces.push_back(
          g.add(g.add(access.getBlockPlace(g, batch, from), before),
                g.mul(step, kBlockColumns * access.interleave)));
      rightSteps.push_back(g.mul(step, access.interleave));
      rightTargets.push_back(
          add(add(add(mul(toWord(panel), getPanelSize()),
                      mul(toWord(step), getRightBytes())),
                  placeChunk(toWord(chunk), getRightSwizzle(toWord(step)))),
              tile.rows * tile.stageBytes));
    }
  }

  /// Where this lane's rows of matrices are in a stage.
  void planLoads() {
    int64_t steps = countSteps();
    Value firstStep = mul(part, steps);
    Value row = add(mul(warpRow, tile.warpRows), rem(lane, kRows));
    leftLane = mul(row, tile.stageBytes);
    Value swizzle = getSwizzle(row, tile.stageBytes);
    for (int64_t i = 0; i < steps; ++i)
      leftChunks.push_back(placeChunk(
          add(mul(add(firstStep, i), kStepBytes / kChunk), div(lane, kRows)),
          swizzle));
    Value column = mul(warpColumn, tile.warpColumns);
    Value panel = div(column, getPanelColumns());
    Value inPanel = rem(column, getPanelColumns());
    int64_t stepRows = kStepBytes / bytes / access.interleave;
    Value line = add(mul(firstStep, stepRows),
                     access.interleave == 1 ? rem(lane, kRows) : rem(lane, 4));
    rightLane = add(add(mul(panel, getPanelSize()), mul(line, getRightBytes())),
                    tile.rows * tile.stageBytes);
    Value rightSwizzle = getRightSwizzle(line);
    int64_t perChunk = kChunk / bytes / access.interleave;
    Value firstChunk = div(inPanel, perChunk);
    if (access.interleave == 1) {
      for (int64_t i = 0; i < tile.warpColumns / (2 * kColumns); ++i)
        rightChunks.push_back(placeChunk(
            add(add(firstChunk, 2 * i), div(lane, kRows)), rightSwizzle));
      return;
    }
    // A word is what one column has of a group; eight columns are two chunks.
    Value ofLane = div(lane, 4);
    for (int64_t i = 0; i < tile.warpColumns / kColumns; ++i)
      rightChunks.push_back(
          add(placeChunk(add(add(firstChunk, 2 * i), div(ofLane, perChunk)),
                         rightSwizzle),
              mul(rem(ofLane, perChunk), kChunk / perChunk)));
  }

  //===--------------------------------------------------------------------===//
  // Copies
  //===--------------------------------------------------------------------===//

  /// `count` bytes, of which only the first `valid` are read; the others are 0.
  void copy(Value target, Value source, int64_t count, Value valid) {
    auto modifier = count == kChunk ? NVVM::LoadCacheModifierKind::CG
                                    : NVVM::LoadCacheModifierKind::CA;
    NVVM::CpAsyncOp::create(b, g.loc, target, source, count, modifier, valid);
  }

  /// The bytes of the elements from step `k` on, up to `count`, that are not
  /// behind the depth; null if all are always.
  Value countValid(Value k, int64_t count) {
    if (!isRagged)
      return {};
    int64_t elements = count / bytes;
    if (access.depth % elements == 0)
      return arith::SelectOp::create(b, g.loc, g.below(k, access.depth),
                                     word(count), word(0));
    Value rest = arith::SubIOp::create(b, g.loc, word(access.depth), toWord(k));
    rest = arith::MaxSIOp::create(b, g.loc, rest, word(0));
    return mul(arith::MinSIOp::create(b, g.loc, rest, word(elements)), bytes);
  }

  void copyLeft(Value k, Value slot) {
    for (int64_t offset = 0; offset < kChunk; offset += copied) {
      Value step = g.add(g.add(k, leftStep), offset / bytes);
      Value valid = countValid(step, copied);
      Value place = access.getStepPlace(g, step);
      for (auto [row, target] : llvm::zip_equal(leftPlaces, leftTargets))
        copy(getShared(add(slot, target), offset),
             getGlobal(leftStart, g.add(row, place)), copied, valid);
    }
  }

  void copyRight(Value k, Value slot) {
    Value moved = g.mul(k, kBlockColumns);
    for (auto [place, step, target] :
         llvm::zip_equal(rightPlaces, rightSteps, rightTargets)) {
      Value valid;
      if (isRagged)
        valid = arith::SelectOp::create(b, g.loc,
                                        g.below(g.add(k, step), access.depth),
                                        word(kChunk), word(0));
      copy(getShared(add(slot, target)),
           getGlobal(rightStart, g.add(place, moved)), kChunk, valid);
    }
  }

  /// The chunks of this thread in registers, for elements that do not lie side
  /// by side.
  SmallVector<Value> loadLeft(Value k) {
    Type element = b.getIntegerType(8 * bytes);
    Value none = arith::ConstantOp::create(b, g.loc, b.getZeroAttr(element));
    int64_t count = kChunk / bytes;
    SmallVector<SmallVector<Value>> chunks(leftPlaces.size());
    for (int64_t i = 0; i < count; ++i) {
      Value step = g.add(g.add(k, leftStep), i), from = step, isInside;
      if (isRagged) {
        isInside = g.below(step, access.depth);
        from = g.clamp(step, access.depth - 1);
      }
      Value place = access.getStepPlace(g, from);
      for (auto [row, chunk] : llvm::zip_equal(leftPlaces, chunks)) {
        Value value = LLVM::LoadOp::create(
            b, g.loc, element, getGlobal(leftStart, g.add(row, place)), bytes);
        if (isInside)
          value = arith::SelectOp::create(b, g.loc, isInside, value, none);
        chunk.push_back(value);
      }
    }
    SmallVector<Value> joined;
    for (ArrayRef<Value> chunk : chunks)
      joined.push_back(joinElements(g, chunk));
    return joined;
  }

  void storeLeft(ValueRange chunks, Value slot) {
    for (auto [chunk, target] : llvm::zip_equal(chunks, leftTargets))
      LLVM::StoreOp::create(b, g.loc, chunk, getShared(add(slot, target)),
                            kChunk);
  }

  //===--------------------------------------------------------------------===//
  // Products
  //===--------------------------------------------------------------------===//

  /// Steps of a warp in a stage.
  int64_t countSteps() const {
    return tile.stageBytes / kStepBytes / tile.parts;
  }
  int64_t countRowTiles() const { return tile.warpRows / kRows; }
  int64_t countColumnTiles() const { return tile.warpColumns / kColumns; }

  SmallVector<Value> split(Value structure, int64_t count) {
    SmallVector<Value> values;
    for (int64_t i = 0; i < count; ++i)
      values.push_back(LLVM::ExtractValueOp::create(b, g.loc, structure,
                                                    ArrayRef<int64_t>{i}));
    return values;
  }
  /// What the instruction takes.
  Value toOperand(Value word) {
    if (!cast<MemRefType>(access.lhs.getType()).getElementType().isF16())
      return word;
    return LLVM::BitcastOp::create(b, g.loc, VectorType::get(2, b.getF16Type()),
                                   word);
  }

  /// Four matrices of eight rows of 16 bytes; each lane gives the place of one
  /// row.
  SmallVector<Value> loadMatrices(Value place, int64_t offset, bool turned) {
    Type i32 = b.getI32Type();
    auto type =
        LLVM::LLVMStructType::getLiteral(b.getContext(), {i32, i32, i32, i32});
    auto shape = NVVM::LdStMatrixShapeAttr::get(b.getContext(), kMatrixRows, 8);
    Value loaded = NVVM::LdMatrixOp::create(
        b, g.loc, type, getShared(place, offset), 4,
        turned ? NVVM::MMALayout::col : NVVM::MMALayout::row, shape,
        NVVM::LdStMatrixEltType::B16);
    SmallVector<Value> words = split(loaded, 4);
    for (Value &word : words)
      word = toOperand(word);
    return words;
  }

  /// Of step `i` of this warp the operands of all its tiles of columns, two for
  /// each.
  SmallVector<Value> loadRight(Value slot, int64_t i) {
    int64_t stepRows = kStepBytes / bytes / access.interleave;
    int64_t offset = i * stepRows * getRightBytes();
    Value lanePlace = add(slot, rightLane);
    SmallVector<Value> operands;
    for (Value chunk : rightChunks) {
      Value place = add(lanePlace, chunk);
      if (access.interleave == 1) {
        llvm::append_range(operands,
                           loadMatrices(place, offset, /*turned=*/true));
        continue;
      }
      for (int64_t half : {int64_t(0), stepRows / 2})
        operands.push_back(LLVM::LoadOp::create(
            b, g.loc, b.getI32Type(),
            getShared(place, offset + half * getRightBytes()), 4));
    }
    return operands;
  }

  void multiplyStage(Value slot, SmallVectorImpl<Value> &sums) {
    Type types[] = {sumType, sumType, sumType, sumType};
    auto type = LLVM::LLVMStructType::getLiteral(b.getContext(), types);
    auto instruction = b.getStringAttr(config.getInstruction());
    for (int64_t step = 0; step < countSteps(); ++step) {
      SmallVector<SmallVector<Value>> left;
      Value place = add(add(slot, leftLane), leftChunks[step]);
      for (int64_t i = 0; i < countRowTiles(); ++i)
        left.push_back(loadMatrices(place, i * kRows * tile.stageBytes,
                                    /*turned=*/false));
      SmallVector<Value> right = loadRight(slot, step);
      for (int64_t i = 0; i < countRowTiles(); ++i)
        for (int64_t j = 0; j < countColumnTiles(); ++j) {
          auto tileSums = MutableArrayRef(sums).slice(
              (i * countColumnTiles() + j) * kSums, kSums);
          SmallVector<Value> operands = left[i];
          llvm::append_range(operands, ArrayRef(right).slice(2 * j, 2));
          llvm::append_range(operands, tileSums);
          Operation *next = LLVM::CallIntrinsicOp::create(
              b, g.loc, type, instruction, operands);
          llvm::copy(split(next->getResult(0), kSums), tileSums.begin());
        }
    }
  }

  SmallVector<Value> multiply() {
    Value zero = arith::ConstantOp::create(b, g.loc, b.getZeroAttr(sumType));
    int64_t count = countRowTiles() * countColumnTiles() * kSums;
    SmallVector<Value> carried(count, zero);
    int64_t size = tile.getStageSize();
    for (int64_t stage = 0; stage < tile.stages - 1; ++stage) {
      if (stage * stageSteps < access.depth) {
        Value k = g.index(stage * stageSteps), slot = word(stage * size);
        copyRight(k, slot);
        if (copiesLeft)
          copyLeft(k, slot);
        else
          storeLeft(loadLeft(k), slot);
      }
      NVVM::CpAsyncCommitGroupOp::create(b, g.loc);
    }
    carried.append({word(0), word((tile.stages - 1) * size)});
    int64_t last = llvm::alignTo(access.depth, stageSteps) - stageSteps;
    bool goesAhead = (tile.stages - 1) * stageSteps < access.depth;
    carried = g.loop(
        access.depth, stageSteps, carried, [&](Value k, ValueRange values) {
          Value from = values[count], to = values[count + 1];
          NVVM::CpAsyncWaitGroupOp::create(b, g.loc, tile.stages - 2);
          g.barrier();
          Value ahead = g.add(k, (tile.stages - 1) * stageSteps);
          g.guard(g.below(ahead, access.depth), [&] {
            copyRight(ahead, to);
            if (copiesLeft)
              copyLeft(ahead, to);
          });
          NVVM::CpAsyncCommitGroupOp::create(b, g.loc);
          // Behind the last stage that one again, which nobody reads.
          SmallVector<Value> loaded;
          if (!copiesLeft)
            loaded = loadLeft(g.clamp(ahead, last));
          SmallVector<Value> sums(values.take_front(count));
          multiplyStage(from, sums);
          if (!copiesLeft)
            storeLeft(loaded, to);
          sums.append({getNext(from), getNext(to)});
          return sums;
        });
    carried.truncate(count);
    return carried;
  }

  /// The slot behind `slot`, or the first.
  Value getNext(Value slot) {
    int64_t size = tile.getStageSize();
    Value next = add(slot, size);
    Value isLast = arith::CmpIOp::create(b, g.loc, arith::CmpIPredicate::eq,
                                         next, word(tile.stages * size));
    return arith::SelectOp::create(b, g.loc, isLast, word(0), next);
  }

  //===--------------------------------------------------------------------===//
  // Results
  //===--------------------------------------------------------------------===//

  void finish(ArrayRef<Value> sums) {
    int64_t tiles = countRowTiles() / passes;
    for (int64_t pass = 0; pass < passes; ++pass) {
      // Stages, or the sums of the pass before, are in use until here.
      g.barrier();
      int64_t perTile = countColumnTiles() * kSums;
      storeSums(sums.slice(pass * tiles * perTile, tiles * perTile), tiles);
      g.barrier();
      finishRows(pass, tiles);
    }
  }

  /// Of each warp `tiles` tiles of rows.
  void storeSums(ArrayRef<Value> sums, int64_t tiles) {
    Value row = add(mul(warpRow, tiles * kRows), div(lane, 4));
    Value column = add(mul(warpColumn, tile.warpColumns), mul(rem(lane, 4), 2));
    Value place = add(mul(add(mul(row, getPitch()), column), 4),
                      mul(part, getSumBytes()));
    for (int64_t i = 0; i < tiles; ++i)
      for (int64_t j = 0; j < countColumnTiles(); ++j)
        for (int64_t half = 0; half < 2; ++half) {
          ArrayRef<Value> pair =
              sums.slice((i * countColumnTiles() + j) * kSums + 2 * half, 2);
          int64_t offset =
              (i * kRows + half * kRows / 2) * getPitch() + j * kColumns;
          LLVM::StoreOp::create(b, g.loc, joinElements(g, pair),
                                getShared(place, 4 * offset), 8);
        }
  }

  /// What all parts have summed, in their order, of four neighbours.
  SmallVector<Value> loadSums(Value row, Value column) {
    Value place = mul(add(mul(toWord(row), getPitch()), toWord(column)), 4);
    Value total;
    for (int64_t i = 0; i < tile.parts; ++i) {
      Value sums =
          LLVM::LoadOp::create(b, g.loc, VectorType::get(kStored, sumType),
                               getShared(place, i * getSumBytes()), kChunk);
      if (!total)
        total = sums;
      else if (isa<FloatType>(sumType))
        total = arith::AddFOp::create(b, g.loc, total, sums);
      else
        total = arith::AddIOp::create(b, g.loc, total, sums);
    }
    return splitElements(g, total);
  }

  void finishRows(int64_t pass, int64_t tiles) {
    int64_t across = tile.columns / kStored;
    int64_t runs = getSumRows() * across;
    g.loop(runs, tile.getThreads(), {}, [&](Value first, ValueRange) {
      Value run = g.add(first, thread);
      Value row = g.div(run, across);
      Value inColumns = g.mul(g.rem(run, across), kStored);
      // The rows of a pass are some of each warp's.
      int64_t ofWarp = tiles * kRows;
      Value inRows = g.add(
          g.add(g.mul(g.div(row, ofWarp), tile.warpRows), g.rem(row, ofWarp)),
          pass * ofWarp);
      Value at = g.add(rowStart, inRows),
            column = g.add(columnStart, inColumns);
      Value isInside;
      auto require = [&](Value value, int64_t size, int64_t tileSize) {
        if (size % tileSize == 0)
          return;
        Value is = g.below(value, size);
        isInside =
            isInside ? arith::AndIOp::create(b, g.loc, isInside, is) : is;
      };
      require(at, access.rows, tile.rows);
      require(column, access.columns, tile.columns);
      g.guard(isInside,
              [&] { storeRun(at, column, loadSums(row, inColumns)); });
      return SmallVector<Value>();
    });
  }

  void storeRun(Value row, Value column, ArrayRef<Value> sums) {
    if (access.columns % kStored == 0)
      return storeResults(g, op, access.getPoint(g, batch, row, column), sums);
    for (auto [i, sum] : llvm::enumerate(sums)) {
      Value at = g.add(column, i);
      g.guard(g.below(at, access.columns), [&, sum = sum] {
        storeResults(g, op, access.getPoint(g, batch, row, at), sum);
      });
    }
  }

  GridBuilder g;
  OpBuilder &b;
  AnchorOpInterface op;
  PackedAccess &access;
  ConfigAttr config;
  const WarpTile &tile;
  /// Of an element.
  int64_t bytes;
  Type sumType, pointer;
  /// Steps of the depth in a stage; may the last stage have fewer?
  int64_t stageSteps;
  bool isRagged;
  /// Bytes of the left side that are copied together, if they are copied.
  int64_t copied;
  bool copiesLeft;
  /// Turns in which sums pass through shared memory.
  int64_t passes = 1;

  Value shared, thread, lane, part, warpRow, warpColumn;
  Value batch, rowStart, columnStart;
  /// Of each turn: where a row or block is in memory, and where its chunk goes
  /// in a stage. `leftStep` and `rightSteps` are where along the depth the
  /// chunk is.
  Value leftStart, rightStart, leftStep;
  SmallVector<Value> leftPlaces, leftTargets;
  SmallVector<Value> rightPlaces, rightTargets, rightSteps;
  /// Where this lane loads in a stage, and the chunks there of each step, or
  /// tile of columns.
  Value leftLane, rightLane;
  SmallVector<Value> leftChunks, rightChunks;
};
} // namespace

std::optional<LaunchShape> mopt::emitWarpProduct(AnchorOpInterface op,
                                                 PackedAccess &access,
                                                 const EmitOptions &options) {
  ConfigAttr config = op.getConfigAttr();
  if (!config || config.getMatrixUnit() != "warp" ||
      access.width != kBlockColumns ||
      access.interleave != config.getInterleave())
    return std::nullopt;
  if (isa<FloatType>(op.getAccumulatorType()) && !options.reassociate)
    return std::nullopt;
  OpBuilder b(op);
  return WarpProductEmitter(b, op, access).emit();
}

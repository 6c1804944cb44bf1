// Products of narrow elements by warps: each multiplies 16 rows by 8 columns at
// once and keeps the sums in its registers. A block copies some of the depth of
// both sides to shared memory, several such stages ahead, without registers
// where neighbours along the depth lie side by side. The sums pass through
// shared memory once more, so that threads store neighbours, and so that warps
// which share a tile's depth are added.
#include "Emit.h"
#include "Epilogue.h"
#include "StageCopies.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace mopt;

static constexpr int64_t kWarp = WarpTile::kWarp;
static constexpr int64_t kRows = WarpTile::kRows, kColumns = WarpTile::kColumns,
                         kStepBytes = WarpTile::kStepBytes;
/// Sums of a thread of what a warp multiplies at once: of two rows, two
/// neighbours each.
static constexpr int64_t kSums = 4;
static constexpr int64_t kChunk = StageCopies::kChunk, kWord = 4;
/// Neighbouring results that a thread stores.
static constexpr int64_t kStored = 4;
/// Rows of tiles that use the same columns one after the other: as many blocks
/// as run at a time then share both sides.
static constexpr int64_t kRowsOfTiles = 8;

namespace {
class WarpProductEmitter {
public:
  WarpProductEmitter(OpBuilder &b, AnchorOpInterface op, PackedAccess &access)
      : g(b, op.getLoc()), b(b), op(op), access(access),
        config(op.getConfigAttr()), tile(chooseWarpTile(access)),
        sumType(op.getAccumulatorType()), passes(countPasses(tile)),
        s(g, op->getParentOfType<gpu::GPUFuncOp>(),
          std::max(tile.getStageSize() * tile.stages,
                   getSumBytes() * tile.parts)),
        bytes(config.getLhsBits() / 8), copies(g, s, access, tile, bytes) {}

  LaunchShape emit() {
    int64_t rowTiles = llvm::divideCeil(access.rows, tile.rows);
    int64_t columnTiles = llvm::divideCeil(access.columns, tile.columns);
    findPlace(rowTiles, columnTiles);
    copies.plan(batch, rowStart, columnStart);
    planLoads();
    finish(multiply());
    return {rowTiles * columnTiles * access.batches, 1, tile.getThreads()};
  }

private:
  /// The bytes of the sums of one part, as they pass through shared memory in
  /// turns.
  static int64_t getPitch(const WarpTile &tile) {
    return tile.columns + kColumns;
  }
  static int64_t countPasses(const WarpTile &tile) {
    int64_t passes = 1;
    while (tile.rows / passes * getPitch(tile) * 4 * tile.parts >
           WarpTile::kSharedBytes)
      passes *= 2;
    return passes;
  }
  int64_t getSumRows() const { return tile.rows / passes; }
  int64_t getSumBytes() const { return getSumRows() * getPitch(tile) * 4; }

  //===--------------------------------------------------------------------===//
  // Who computes and copies what
  //===--------------------------------------------------------------------===//

  void findPlace(int64_t rowTiles, int64_t columnTiles) {
    thread = g.thread();
    lane = s.toWord(g.rem(thread, kWarp));
    Value warp = s.toWord(g.div(thread, kWarp));
    int64_t across = tile.columns / tile.warpColumns;
    int64_t count = tile.rows / tile.warpRows * across;
    part = s.div(warp, count);
    Value inPart = s.rem(warp, count);
    warpRow = s.div(inPart, across);
    warpColumn = s.rem(inPart, across);

    Value number = g.block(), row, column;
    batch = g.div(number, rowTiles * columnTiles);
    number = g.rem(number, rowTiles * columnTiles);
    if (rowTiles <= kRowsOfTiles) {
      row = g.rem(number, rowTiles);
      column = g.div(number, rowTiles);
    } else {
      Value group = g.div(number, kRowsOfTiles * columnTiles);
      Value inGroup = s.toWord(g.rem(number, kRowsOfTiles * columnTiles));
      Value first = g.mul(group, kRowsOfTiles);
      // The last group may have fewer rows.
      Value left = arith::SubIOp::create(b, g.loc, g.index(rowTiles), first);
      Value size = s.toWord(g.clamp(left, kRowsOfTiles));
      row = g.add(first,
                  s.toIndex(arith::RemUIOp::create(b, g.loc, inGroup, size)));
      column = s.toIndex(arith::DivUIOp::create(b, g.loc, inGroup, size));
    }
    rowStart = g.mul(row, tile.rows);
    columnStart = g.mul(column, tile.columns);
  }

  /// Where this lane's rows of matrices are in a stage.
  void planLoads() {
    int64_t steps = countSteps();
    Value firstStep = s.mul(part, steps);
    Value row = s.add(s.mul(warpRow, tile.warpRows), s.rem(lane, kRows));
    for (int64_t i = 0; i < steps; ++i) {
      Value chunk = s.add(s.mul(s.add(firstStep, i), kStepBytes / kChunk),
                          s.div(lane, kRows));
      leftPlaces.push_back(copies.placeLeft(row, chunk));
    }
    Value column = s.mul(warpColumn, tile.warpColumns);
    int64_t panelColumns = tile.getPanelColumns();
    Value panel =
        s.add(s.mul(s.div(column, panelColumns), copies.getPanelSize()),
              copies.getRightStart());
    bool inWords = access.interleave > 1;
    // What one column has of a group is a word or several.
    int64_t words = inWords ? access.interleave * bytes / kWord : 1;
    Value ofDepth = s.rem(lane, inWords ? 4 : kRows);
    Value line = s.add(s.mul(firstStep, getStepRows()), s.div(ofDepth, words));
    int64_t perChunk = kChunk / bytes / access.interleave;
    Value first = s.div(s.rem(column, panelColumns), perChunk);
    if (!inWords) {
      for (int64_t i = 0; i < tile.warpColumns / (2 * kColumns); ++i) {
        Value chunk = s.add(s.add(first, 2 * i), s.div(lane, kRows));
        rightPlaces.push_back(s.add(panel, copies.placeRight(line, chunk)));
      }
      return;
    }
    Value ofLane = s.div(lane, 4);
    Value inChunk = s.add(s.mul(s.rem(ofLane, perChunk), kChunk / perChunk),
                          s.mul(s.rem(ofDepth, words), kWord));
    for (int64_t i = 0; i < tile.warpColumns / kColumns; ++i) {
      Value chunk =
          s.add(s.add(first, kColumns / perChunk * i), s.div(ofLane, perChunk));
      Value place = s.add(copies.placeRight(line, chunk), inChunk);
      rightPlaces.push_back(s.add(panel, place));
    }
  }
  /// Rows of the right side that a warp multiplies at once.
  int64_t getStepRows() const { return kStepBytes / bytes / access.interleave; }

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
    auto shape = NVVM::LdStMatrixShapeAttr::get(b.getContext(), 8, 8);
    Value loaded = NVVM::LdMatrixOp::create(
        b, g.loc, type, s.getShared(place, offset), 4,
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
    int64_t offset = i * getStepRows() * copies.getRightBytes();
    SmallVector<Value> operands;
    for (Value ofLane : rightPlaces) {
      Value place = s.add(slot, ofLane);
      if (access.interleave == 1) {
        llvm::append_range(operands,
                           loadMatrices(place, offset, /*turned=*/true));
        continue;
      }
      for (int64_t half : {int64_t(0), getStepRows() / 2})
        operands.push_back(LLVM::LoadOp::create(
            b, g.loc, b.getI32Type(),
            s.getShared(place, offset + half * copies.getRightBytes()), 4));
    }
    return operands;
  }

  /// The sums behind those that are the last of `operands`, after four words of
  /// the left side and two of the right one.
  Value multiplyTile(Type type, ValueRange operands) {
    StringRef instruction = config.getInstruction();
    if (instruction.starts_with("llvm."))
      return LLVM::CallIntrinsicOp::create(
                 b, g.loc, type, b.getStringAttr(instruction), operands)
          ->getResult(0);
    // One that LLVM does not have.
    std::string text = instruction.str() +
                       " {$0, $1, $2, $3}, {$4, $5, $6, $7}, {$8, $9}, "
                       "{$10, $11, $12, $13};";
    return LLVM::InlineAsmOp::create(
               b, g.loc, type, operands, text,
               "=f,=f,=f,=f,r,r,r,r,r,r,f,f,f,f", /*has_side_effects=*/false,
               /*is_align_stack=*/false, LLVM::TailCallKind::None,
               LLVM::AsmDialectAttr(), ArrayAttr())
        .getResult(0);
  }

  void multiplyStage(Value slot, SmallVectorImpl<Value> &sums) {
    Type types[] = {sumType, sumType, sumType, sumType};
    auto type = LLVM::LLVMStructType::getLiteral(b.getContext(), types);
    for (int64_t step = 0; step < countSteps(); ++step) {
      SmallVector<SmallVector<Value>> left;
      Value place = s.add(slot, leftPlaces[step]);
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
          llvm::copy(split(multiplyTile(type, operands), kSums),
                     tileSums.begin());
        }
    }
  }

  SmallVector<Value> multiply() {
    Value zero = arith::ConstantOp::create(b, g.loc, b.getZeroAttr(sumType));
    int64_t count = countRowTiles() * countColumnTiles() * kSums;
    SmallVector<Value> carried(count, zero);
    int64_t size = tile.getStageSize(), steps = copies.getSteps();
    for (int64_t stage = 0; stage < tile.stages - 1; ++stage) {
      if (stage * steps < access.depth) {
        Value k = g.index(stage * steps), slot = s.word(stage * size);
        copies.copy(k, slot);
        copies.store(copies.load(k), slot);
      }
      NVVM::CpAsyncCommitGroupOp::create(b, g.loc);
    }
    carried.append({s.word(0), s.word((tile.stages - 1) * size)});
    int64_t last = llvm::alignTo(access.depth, steps) - steps;
    bool goesAhead = (tile.stages - 1) * steps < access.depth;
    carried =
        g.loop(access.depth, steps, carried, [&](Value k, ValueRange values) {
          Value from = values[count], to = values[count + 1];
          NVVM::CpAsyncWaitGroupOp::create(b, g.loc, tile.stages - 2);
          g.barrier();
          Value ahead = g.add(k, (tile.stages - 1) * steps);
          SmallVector<Value> loaded;
          if (goesAhead) {
            g.guard(g.below(ahead, access.depth),
                    [&] { copies.copy(ahead, to); });
            // Behind the last stage that one again, which nobody reads.
            loaded = copies.load(g.clamp(ahead, last));
          }
          NVVM::CpAsyncCommitGroupOp::create(b, g.loc);
          SmallVector<Value> sums(values.take_front(count));
          multiplyStage(from, sums);
          if (goesAhead)
            copies.store(loaded, to);
          sums.append({getNext(from), getNext(to)});
          return sums;
        });
    carried.truncate(count);
    return carried;
  }

  /// The slot behind `slot`, or the first.
  Value getNext(Value slot) {
    int64_t size = tile.getStageSize();
    Value next = s.add(slot, size);
    Value isLast = arith::CmpIOp::create(b, g.loc, arith::CmpIPredicate::eq,
                                         next, s.word(tile.stages * size));
    return arith::SelectOp::create(b, g.loc, isLast, s.word(0), next);
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
    Value row = s.add(s.mul(warpRow, tiles * kRows), s.div(lane, 4));
    Value column =
        s.add(s.mul(warpColumn, tile.warpColumns), s.mul(s.rem(lane, 4), 2));
    Value place = s.add(s.mul(s.add(s.mul(row, getPitch(tile)), column), 4),
                        s.mul(part, getSumBytes()));
    for (int64_t i = 0; i < tiles; ++i)
      for (int64_t j = 0; j < countColumnTiles(); ++j)
        for (int64_t half = 0; half < 2; ++half) {
          ArrayRef<Value> pair =
              sums.slice((i * countColumnTiles() + j) * kSums + 2 * half, 2);
          int64_t offset =
              (i * kRows + half * kRows / 2) * getPitch(tile) + j * kColumns;
          LLVM::StoreOp::create(b, g.loc, joinElements(g, pair),
                                s.getShared(place, 4 * offset), 8);
        }
  }

  /// What all parts have summed, in their order, of four neighbours.
  SmallVector<Value> loadSums(Value row, Value column) {
    Value place =
        s.mul(s.add(s.mul(s.toWord(row), getPitch(tile)), s.toWord(column)), 4);
    Value total;
    for (int64_t i = 0; i < tile.parts; ++i) {
      Value sums =
          LLVM::LoadOp::create(b, g.loc, VectorType::get(kStored, sumType),
                               s.getShared(place, i * getSumBytes()), kChunk);
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
  Type sumType;
  /// Turns in which sums pass through shared memory.
  int64_t passes;
  SharedBuilder s;
  /// Of an element.
  int64_t bytes;
  StageCopies copies;

  /// The lane in its warp, the part of the depth, and the warp's place in the
  /// tile.
  Value thread, lane, part, warpRow, warpColumn;
  Value batch, rowStart, columnStart;
  /// What this lane loads of a stage: of the left side for each step, of the
  /// right one for each tile of columns, or two of them.
  SmallVector<Value> leftPlaces, rightPlaces;
};
} // namespace

std::optional<LaunchShape> mopt::emitWarpProduct(AnchorOpInterface op,
                                                 PackedAccess &access,
                                                 const EmitOptions &options) {
  ConfigAttr config = op.getConfigAttr();
  if (!config || config.getMatrixUnit() != "warp" ||
      access.width != WarpTile::kBlockColumns ||
      access.interleave != config.getInterleave())
    return std::nullopt;
  if (isa<FloatType>(op.getAccumulatorType()) && !options.reassociate)
    return std::nullopt;
  OpBuilder b(op);
  return WarpProductEmitter(b, op, access).emit();
}

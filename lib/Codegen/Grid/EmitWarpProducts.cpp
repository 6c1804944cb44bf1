// Products of narrow elements by warps: each multiplies 16 rows by 8 columns at
// once and keeps the sums in its registers. A block copies some of the depth of
// both sides to shared memory, several such stages ahead, without registers
// where neighbours along the depth lie side by side. The sums pass through
// shared memory once more, so that threads store neighbours, and so that warps
// which share a tile's depth are added.
#include "Emit.h"
#include "Epilogue.h"
#include "SharedSums.h"
#include "StageCopies.h"
#include "WarpMatrices.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"

using namespace mlir;
using namespace mopt;

static constexpr int64_t kRows = WarpTile::kRows, kColumns = WarpTile::kColumns,
                         kStepBytes = WarpTile::kStepBytes;
/// Sums of a thread of what a warp multiplies at once: of two rows, two
/// neighbours each.
static constexpr int64_t kSums = 4;
static constexpr int64_t kChunk = StageCopies::kChunk, kWord = 4;

namespace {
class WarpProductEmitter {
public:
  WarpProductEmitter(OpBuilder &b, AnchorOpInterface op, PackedAccess &access)
      : g(b, op.getLoc()), b(b), access(access), config(op.getConfigAttr()),
        tile(chooseWarpTile(access)), sumType(op.getAccumulatorType()),
        results(g, op, access, tile, tile.columns + kColumns),
        s(g, op->getParentOfType<gpu::GPUFuncOp>(),
          std::max(tile.getStageSize() * tile.stages, results.getBytes())),
        bytes(config.getLhsBits() / 8), copies(g, s, access, tile, bytes),
        at(g, s, access, tile),
        matrices{g, s,
                 cast<MemRefType>(access.lhs.getType()).getElementType()} {}

  LaunchShape emit() {
    copies.plan(at.batch, at.rowStart, at.columnStart);
    planLoads();
    SmallVector<Value> sums = multiply();
    results.finish(s, at, [&](int64_t pass) { storeSums(sums, pass); });
    return {WarpPlace::countBlocks(access, tile), 1, tile.getThreads()};
  }

private:
  /// Where this lane's rows of matrices are in a stage.
  void planLoads() {
    int64_t steps = countSteps();
    Value firstStep = s.mul(at.part, steps);
    Value row = s.add(s.mul(at.warpRow, tile.warpRows), s.rem(at.lane, kRows));
    for (int64_t i = 0; i < steps; ++i) {
      Value chunk = s.add(s.mul(s.add(firstStep, i), kStepBytes / kChunk),
                          s.div(at.lane, kRows));
      leftPlaces.push_back(copies.placeLeft(row, chunk));
    }
    Value column = s.mul(at.warpColumn, tile.warpColumns);
    int64_t panelColumns = tile.getPanelColumns();
    Value panel =
        s.add(s.mul(s.div(column, panelColumns), copies.getPanelSize()),
              copies.getRightStart());
    bool inWords = access.interleave > 1;
    // What one column has of a group is a word or several.
    int64_t words = inWords ? access.interleave * bytes / kWord : 1;
    Value ofDepth = s.rem(at.lane, inWords ? 4 : kRows);
    Value line = s.add(s.mul(firstStep, getStepRows()), s.div(ofDepth, words));
    int64_t perChunk = kChunk / bytes / access.interleave;
    Value first = s.div(s.rem(column, panelColumns), perChunk);
    if (!inWords) {
      for (int64_t i = 0; i < tile.warpColumns / (2 * kColumns); ++i) {
        Value chunk = s.add(s.add(first, 2 * i), s.div(at.lane, kRows));
        rightPlaces.push_back(s.add(panel, copies.placeRight(line, chunk)));
      }
      return;
    }
    Value ofLane = s.div(at.lane, 4);
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

  /// Of step `i` of this warp the operands of all its tiles of columns, two for
  /// each.
  SmallVector<Value> loadRight(Value slot, int64_t i) {
    int64_t offset = i * getStepRows() * copies.getRightBytes();
    SmallVector<Value> operands;
    for (Value ofLane : rightPlaces) {
      Value place = s.add(slot, ofLane);
      if (access.interleave == 1) {
        llvm::append_range(operands,
                           matrices.load(place, offset, /*turned=*/true));
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
  SmallVector<Value> multiplyTile(ValueRange operands) {
    StringRef instruction = config.getInstruction();
    if (instruction.starts_with("llvm."))
      return matrices.multiply(instruction, sumType, kSums, operands);
    // One that LLVM does not have.
    std::string text = instruction.str() +
                       " {$0, $1, $2, $3}, {$4, $5, $6, $7}, {$8, $9}, "
                       "{$10, $11, $12, $13};";
    Value sums =
        LLVM::InlineAsmOp::create(
            b, g.loc, matrices.getStructure(sumType, kSums), operands, text,
            "=f,=f,=f,=f,r,r,r,r,r,r,f,f,f,f", /*has_side_effects=*/false,
            /*is_align_stack=*/false, LLVM::TailCallKind::None,
            LLVM::AsmDialectAttr(), ArrayAttr())
            .getResult(0);
    return matrices.split(sums, kSums);
  }

  void multiplyStage(Value slot, SmallVectorImpl<Value> &sums) {
    for (int64_t step = 0; step < countSteps(); ++step) {
      SmallVector<SmallVector<Value>> left;
      Value place = s.add(slot, leftPlaces[step]);
      for (int64_t i = 0; i < countRowTiles(); ++i)
        left.push_back(matrices.load(place, i * kRows * tile.stageBytes));
      SmallVector<Value> right = loadRight(slot, step);
      for (int64_t i = 0; i < countRowTiles(); ++i)
        for (int64_t j = 0; j < countColumnTiles(); ++j) {
          auto tileSums = MutableArrayRef(sums).slice(
              (i * countColumnTiles() + j) * kSums, kSums);
          SmallVector<Value> operands = left[i];
          llvm::append_range(operands, ArrayRef(right).slice(2 * j, 2));
          llvm::append_range(operands, tileSums);
          llvm::copy(multiplyTile(operands), tileSums.begin());
        }
    }
  }

  SmallVector<Value> multiply() {
    Value zero = arith::ConstantOp::create(b, g.loc, b.getZeroAttr(sumType));
    SmallVector<Value> sums(countRowTiles() * countColumnTiles() * kSums, zero);
    StageLoop loop{access.depth, copies.getSteps(), tile.stages,
                   tile.getStageSize()};
    return loop.run(g, s, copies, std::move(sums),
                    [&](Value slot, SmallVectorImpl<Value> &sums) {
                      multiplyStage(slot, sums);
                    });
  }

  /// Of this warp the rows of `pass`.
  void storeSums(ArrayRef<Value> sums, int64_t pass) {
    int64_t tiles = results.getWarpRows() / kRows;
    int64_t perPass = tiles * countColumnTiles() * kSums;
    sums = sums.slice(pass * perPass, perPass);
    Value row =
        s.add(s.mul(at.warpRow, results.getWarpRows()), s.div(at.lane, 4));
    Value column = s.add(s.mul(at.warpColumn, tile.warpColumns),
                         s.mul(s.rem(at.lane, 4), 2));
    Value place = results.getPlace(s, at, row, column);
    for (int64_t i = 0; i < tiles; ++i)
      for (int64_t j = 0; j < countColumnTiles(); ++j)
        for (int64_t half = 0; half < 2; ++half) {
          ArrayRef<Value> pair =
              sums.slice((i * countColumnTiles() + j) * kSums + 2 * half, 2);
          int64_t offset =
              results.getOffset(i * kRows + half * kRows / 2, j * kColumns);
          LLVM::StoreOp::create(b, g.loc, joinElements(g, pair),
                                s.getShared(place, offset), 8);
        }
  }

  GridBuilder g;
  OpBuilder &b;
  PackedAccess &access;
  ConfigAttr config;
  const WarpTile &tile;
  Type sumType;
  SharedSums results;
  SharedBuilder s;
  /// Of an element.
  int64_t bytes;
  StageCopies copies;
  WarpPlace at;
  WarpMatrices matrices;

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

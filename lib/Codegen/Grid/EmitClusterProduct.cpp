// Products of 16-bit floats with few results, and convolutions, by clusters of
// blocks. Each block multiplies a part of the depth of its cluster's tile: one
// warp has the copy engine bring both sides to shared memory, one or two groups
// of four warps multiply there. Then every block adds what all of them have of
// its share of the tile, in the blocks' order, and stores it. What no kernel
// writes is on its way before the kernel in front of this one ends.
#include "ClusterPlan.h"
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
static constexpr int64_t kWarp = 32;
/// Bytes of neighbouring results that a thread stores.
static constexpr int64_t kStoredBytes = 16;
/// The barrier of the threads that multiply.
static constexpr int64_t kProductBarrier = 1;

namespace {
class ClusterEmitter : ClusterPlan {
public:
  ClusterEmitter(OpBuilder &b, const ClusterPlan &plan, ProductAccess &access,
                 bool isConstant)
      : ClusterPlan(plan),
        w(b, anchor.getLoc(), anchor->getParentOfType<gpu::GPUFuncOp>()), b(b),
        loc(anchor.getLoc()), access(access), isConstant(isConstant) {}

  LaunchShape emit();

private:
  int64_t getProductThreads() const { return tile.groups * kGroupThreads; }
  bool refills() const { return countOwnStages() > tile.stages; }
  void locate();
  SmallVector<Value> getBatch(const Side &side) {
    return llvm::map_to_vector(side.batchDims,
                               [&](unsigned dim) { return batch[dim]; });
  }
  Value getFull(Value stage) { return w.add(full, w.mul(stage, 8)); }
  Value getEmpty(Value stage) { return w.add(empty, w.mul(stage, 8)); }
  void loadLhs(Value step, Value stage);
  void loadRhs(Value step, Value stage);
  void emitCopies();
  void emitProducts();
  Value multiplyStage(Value sums, Value stage);
  void keepSums(ArrayRef<Value> sums);
  void storeShare();
  SmallVector<Value> addSums(Value row, Value column, int64_t count);
  void storeRun(Value row, Value column, ArrayRef<Value> sums);
  scf::ForOp createLoop(Value from, Value to, ValueRange initial) {
    return scf::ForOp::create(b, loc, from, to, w.word(1), initial);
  }

  WarpgroupBuilder w;
  OpBuilder &b;
  Location loc;
  ProductAccess &access;
  /// No kernel writes the right side.
  bool isConstant;
  bool waits = false;
  LaunchShape shape;
  Value lhsMap, rhsMap;
  Value lhsShared, rhsShared, full, empty;
  /// Of the tile: its batch, and that in dimensions; its first row and column.
  Value thread, warp, rank, number, row, column;
  SmallVector<Value> batch;
  /// This block's first stage of the depth, and how many it has.
  Value firstStep, steps;
};
} // namespace

/// Clusters that share columns are neighbours.
void ClusterEmitter::locate() {
  Value block = w.getBlock();
  rank = w.rem(block, blocks);
  number = w.div(block, blocks);
  int64_t rowTiles = llvm::divideCeil(rows, tile.getRows());
  int64_t columnTiles = llvm::divideCeil(columns, tile.columns);
  row = w.mul(w.rem(number, rowTiles), tile.getRows());
  number = w.div(number, rowTiles);
  column = w.mul(w.rem(number, columnTiles), tile.columns);
  number = w.div(number, columnTiles);
  batch.resize(batchSizes.size());
  Value rest = number;
  for (size_t dim = batchSizes.size(); dim-- > 0;) {
    batch[dim] = w.rem(rest, batchSizes[dim]);
    rest = w.div(rest, batchSizes[dim]);
  }
  // Blocks have as many stages as each other, or one more.
  firstStep = w.div(w.mul(rank, countStages()), blocks);
  Value end = w.div(w.mul(w.add(rank, 1), countStages()), blocks);
  steps = countStages() % blocks == 0 ? w.word(countStages() / blocks)
                                      : w.sub(end, firstStep);
}

void ClusterEmitter::loadLhs(Value step, Value stage) {
  Value to = w.add(lhsShared, w.mul(stage, tile.getLhsBytes()));
  Value from = w.add(firstStep, step);
  if (!windows) {
    SmallVector<Value> coordinates{w.mul(from, kStageDepth), row};
    llvm::append_range(coordinates, getBatch(lhs));
    return w.load(lhsMap, to, getFull(stage), coordinates);
  }
  // Channels first, then places of the window.
  int64_t perPlace = windows->channels / kStageDepth;
  Value channel = w.mul(w.rem(from, perPlace), kStageDepth);
  Value place = w.div(from, perPlace), position = row;
  SmallVector<Value> coordinates{
      w.add(channel, w.mul(batch.front(), windows->channels))};
  SmallVector<Value> offsets;
  for (const WindowPlan::Dim &dim : windows->dims) {
    Value first = w.mul(w.rem(position, dim.positions), dim.stride);
    coordinates.push_back(w.add(first, -dim.front));
    position = w.div(position, dim.positions);
    Value offset = w.mul(w.rem(place, dim.size), dim.dilation);
    offsets.push_back(arith::TruncIOp::create(b, loc, b.getI16Type(), offset));
    place = w.div(place, dim.size);
  }
  coordinates.push_back(position);
  w.load(lhsMap, to, getFull(stage), coordinates, offsets);
}

void ClusterEmitter::loadRhs(Value step, Value stage) {
  Value to = w.add(rhsShared, w.mul(stage, tile.getRhsBytes()));
  Value k = w.mul(w.add(firstStep, step), kStageDepth);
  SmallVector<Value> coordinates{w.word(0), k, w.div(column, kBoxColumns)};
  llvm::append_range(coordinates, getBatch(rhs));
  w.load(rhsMap, to, getFull(stage), coordinates);
}

/// One thread does. The first stages' right sides are weights mostly, which
/// need not wait for the kernel before this one.
void ClusterEmitter::emitCopies() {
  bool isEven = countStages() % blocks == 0;
  auto forFirst = [&](function_ref<void(Value)> body) {
    for (int64_t stage = 0; stage < tile.stages; ++stage) {
      bool isSure = isEven || stage < countStages() / blocks;
      w.guard(isSure ? Value() : w.below(w.word(stage), steps),
              [&] { body(w.word(stage)); });
    }
  };
  if (waits && !isConstant)
    w.waitForKernel();
  forFirst([&](Value stage) {
    w.expect(getFull(stage), tile.getStageBytes());
    loadRhs(stage, stage);
  });
  if (waits && isConstant)
    w.waitForKernel();
  forFirst([&](Value stage) { loadLhs(stage, stage); });
  if (!refills())
    return;
  auto loop = createLoop(w.word(tile.stages), steps, {w.word(0), w.word(0)});
  OpBuilder::InsertionGuard restore(b);
  b.setInsertionPointToStart(loop.getBody());
  Value stage = loop.getRegionIterArg(0), parity = loop.getRegionIterArg(1);
  w.wait(getEmpty(stage), parity);
  w.expect(getFull(stage), tile.getStageBytes());
  loadRhs(loop.getInductionVar(), stage);
  loadLhs(loop.getInductionVar(), stage);
  auto [nextStage, nextParity] = w.getNextStage(stage, parity, tile.stages);
  scf::YieldOp::create(b, loc, ValueRange{nextStage, nextParity});
}

Value ClusterEmitter::multiplyStage(Value sums, Value stage) {
  MLIRContext *context = b.getContext();
  Value group = w.div(warp, kGroupThreads / kWarp);
  Value left = w.add(w.add(lhsShared, w.mul(stage, tile.getLhsBytes())),
                     w.mul(group, kGroupRows * kRowBytes));
  Value right = w.add(rhsShared, w.mul(stage, tile.getRhsBytes()));
  // Rows of the left side have the depth, those of the right one columns.
  Value x = w.describe(left, 0);
  Value y = w.describe(right, kStageDepth * kRowBytes);
  NVVM::WGMMATypes element =
      type.isF16() ? NVVM::WGMMATypes::f16 : NVVM::WGMMATypes::bf16;
  auto instruction = NVVM::MMAShapeAttr::get(context, kGroupRows, tile.columns,
                                             kInstructionDepth);
  NVVM::WgmmaFenceAlignedOp::create(b, loc);
  for (int64_t k = 0; k < kStageDepth; k += kInstructionDepth)
    sums = NVVM::WgmmaMmaAsyncOp::create(
        b, loc, sums.getType(), sums, w.advance(x, k * 2),
        w.advance(y, k * kRowBytes), instruction, element, element,
        NVVM::WGMMATypes::f32, NVVM::WGMMAScaleOut::one,
        NVVM::WGMMAScaleIn::one, NVVM::WGMMAScaleIn::one, NVVM::MMALayout::row,
        NVVM::MMALayout::row, NVVM::MMAIntOverflowAttr());
  NVVM::WgmmaGroupSyncAlignedOp::create(b, loc);
  return sums;
}

void ClusterEmitter::emitProducts() {
  int64_t count = tile.columns / 2;
  auto type = LLVM::LLVMStructType::getLiteral(
      b.getContext(), SmallVector<Type>(count, b.getF32Type()));
  Value none = LLVM::UndefOp::create(b, loc, type);
  Value nothing = arith::ConstantOp::create(b, loc, b.getF32FloatAttr(0));
  for (int64_t i = 0; i < count; ++i)
    none = LLVM::InsertValueOp::create(b, loc, none, nothing, i);
  Value zero = w.word(0);
  auto loop = createLoop(zero, steps, {zero, zero, zero, none});
  {
    OpBuilder::InsertionGuard restore(b);
    b.setInsertionPointToStart(loop.getBody());
    Value stage = loop.getRegionIterArg(0), parity = loop.getRegionIterArg(1);
    w.wait(getFull(stage), parity);
    Value sums = multiplyStage(loop.getRegionIterArg(3), stage);
    // The products of the stage before this one are done.
    NVVM::WgmmaWaitGroupSyncOp::create(b, loc, 1);
    if (refills()) {
      Value isLater = w.below(zero, loop.getInductionVar());
      Value isFirst = w.equals(w.rem(thread, kGroupThreads), 0);
      w.guard(arith::AndIOp::create(b, loc, isFirst, isLater),
              [&] { w.arrive(getEmpty(loop.getRegionIterArg(2))); });
    }
    auto [nextStage, nextParity] = w.getNextStage(stage, parity, tile.stages);
    scf::YieldOp::create(b, loc,
                         ValueRange{nextStage, nextParity, stage, sums});
  }
  NVVM::WgmmaWaitGroupSyncOp::create(b, loc, 0);
  // Nothing may use the sums before the wait, which does not name them.
  keepSums(w.split(w.tie(loop.getResult(3))));
}

/// In place of the stages, once all have multiplied them. Of the 64 rows of a
/// group each warp has 16, and a thread in every eight columns two neighbours
/// of two rows eight apart.
void ClusterEmitter::keepSums(ArrayRef<Value> sums) {
  GridBuilder g(b, loc);
  w.meet(w.word(kProductBarrier), getProductThreads());
  Value lane = w.rem(thread, kWarp);
  Value y = w.add(w.mul(warp, 16), w.div(lane, 4));
  Value x = w.mul(w.band(lane, 3), 2);
  Value place = w.add(lhsShared, w.mul(w.add(w.mul(y, getPitch()), x), 4));
  for (int64_t eight = 0; eight < tile.columns / 8; ++eight)
    for (int64_t half = 0; half < 2; ++half)
      LLVM::StoreOp::create(
          b, loc, joinElements(g, sums.slice(4 * eight + 2 * half, 2)),
          w.getPointer(w.add(place, (8 * half * getPitch() + 8 * eight) * 4)),
          8);
}

/// What all blocks have of `count` neighbours, in their order.
SmallVector<Value> ClusterEmitter::addSums(Value row, Value column,
                                           int64_t count) {
  GridBuilder g(b, loc);
  Value place =
      w.add(lhsShared, w.mul(w.add(w.mul(row, getPitch()), column), 4));
  auto type = VectorType::get(4, b.getF32Type());
  SmallVector<SmallVector<Value>> parts(count / 4);
  for (auto [i, ofBlocks] : llvm::enumerate(parts))
    for (int64_t block = 0; block < blocks; ++block) {
      Value from = w.add(place, 16 * i);
      ofBlocks.push_back(LLVM::LoadOp::create(
          b, loc, type,
          blocks == 1 ? w.getPointer(from) : w.getPointer(from, w.word(block)),
          16));
    }
  SmallVector<Value> sums;
  for (ArrayRef<Value> ofBlocks : parts) {
    Value total = ofBlocks.front();
    for (Value part : ofBlocks.drop_front())
      total = arith::AddFOp::create(b, loc, total, part);
    llvm::append_range(sums, splitElements(g, total));
  }
  return sums;
}

void ClusterEmitter::storeRun(Value y, Value x, ArrayRef<Value> sums) {
  GridBuilder g(b, loc);
  auto getPoint = [&](Value x) {
    return access.getPoint(g, w.index(number), w.index(y), w.index(x));
  };
  if (columns % sums.size() == 0)
    return storeResults(g, anchor, getPoint(x), sums);
  for (auto [i, sum] : llvm::enumerate(sums)) {
    Value at = w.add(x, i);
    w.guard(w.below(at, w.word(columns)),
            [&, sum = sum] { storeResults(g, anchor, getPoint(at), sum); });
  }
}

/// Each block has as many runs of neighbours of the tile as the others.
void ClusterEmitter::storeShare() {
  GridBuilder g(b, loc);
  int64_t bits =
      getElementTypeOrSelf(anchor.getInit().getType()).getIntOrFloatBitWidth();
  int64_t count = bits <= 16 ? kStoredBytes / 2 : kStoredBytes / 4;
  int64_t across = tile.columns / count, runs = tile.getRows() * across;
  int64_t share = llvm::divideCeil(runs, blocks);
  int64_t threads = getProductThreads();
  g.loop(share, threads, {}, [&](Value first, ValueRange) {
    Value inShare = w.add(
        arith::IndexCastUIOp::create(b, loc, b.getI32Type(), first), thread);
    Value number = w.add(w.mul(rank, share), inShare);
    Value inRow = w.div(number, across);
    Value inColumn = w.mul(w.rem(number, across), count);
    Value y = w.add(row, inRow), x = w.add(column, inColumn);
    Value isInside;
    auto require = [&](Value value, int64_t size, int64_t whole) {
      if (size % whole == 0)
        return;
      Value is = w.below(value, w.word(size));
      isInside = isInside ? arith::AndIOp::create(b, loc, isInside, is) : is;
    };
    require(inShare, share, threads);
    require(number, runs, blocks);
    require(y, rows, tile.getRows());
    require(x, columns, tile.columns);
    w.guard(isInside, [&] { storeRun(y, x, addSums(inRow, inColumn, count)); });
    return SmallVector<Value>();
  });
}

LaunchShape ClusterEmitter::emit() {
  shape.blocksX = countTiles(tile) * blocks;
  shape.clusterBlocks = blocks;
  shape.threads = getProductThreads() + kWarp;
  shape.sharedBytes = kPatternBytes + getStagesBytes() + tile.stages * 16;
  waits = w.takeWait();
  lhsMap = w.addMap(lhs.map, shape.maps);
  rhsMap = w.addMap(rhs.map, shape.maps);
  lhsShared = w.getShared();
  rhsShared = w.add(lhsShared, tile.stages * tile.getLhsBytes());
  full = w.add(lhsShared, getStagesBytes());
  empty = w.add(full, 8 * tile.stages);
  thread = w.getThread();
  warp = w.toUniform(w.div(thread, kWarp));
  locate();
  Value copies = w.equals(thread, getProductThreads());
  w.guard(copies, [&] {
    for (int64_t stage = 0; stage < tile.stages; ++stage) {
      w.initialize(w.add(full, 8 * stage), 1);
      w.initialize(w.add(empty, 8 * stage), tile.groups);
    }
    NVVM::FenceMbarrierInitOp::create(b, loc);
    w.prefetch(rhsMap);
    w.prefetch(lhsMap);
  });
  w.meetBlock();
  auto roles = scf::IfOp::create(
      b, loc, w.below(warp, w.word(getProductThreads() / kWarp)),
      /*withElse=*/true);
  {
    OpBuilder::InsertionGuard restore(b);
    b.setInsertionPoint(roles.thenBlock()->getTerminator());
    emitProducts();
    if (waits)
      w.waitForKernel();
    b.setInsertionPoint(roles.elseBlock()->getTerminator());
    w.guard(copies, [&] { emitCopies(); });
  }
  if (blocks > 1)
    w.meetCluster();
  else
    w.meetBlock();
  w.guard(w.below(thread, w.word(getProductThreads())), [&] { storeShare(); });
  // Nobody leaves while others read its sums.
  if (blocks > 1)
    w.meetCluster();
  return shape;
}

std::optional<LaunchShape> mopt::emitClusterProduct(AnchorOpInterface op,
                                                    ProductAccess &access,
                                                    bool hasConstantRhs) {
  OpBuilder b(op);
  ClusterPlan plan(op, access);
  if (!plan.match())
    return std::nullopt;
  return ClusterEmitter(b, plan, access, hasConstantRhs).emit();
}

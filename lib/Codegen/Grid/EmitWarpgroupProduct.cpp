// Products of floats and of bytes by groups of four warps. One group has the
// device's copy engine bring tiles of both sides to shared memory, some steps
// ahead; the others multiply them there, 64 rows each, and hold the sums. A
// block computes one tile after the other, so that the next one's sides are on
// their way while sums of the last one are stored.
#include "Emit.h"
#include "Epilogue.h"
#include "WarpgroupEmitter.h"
#include "mopt/Dialect/Mopt/IR/SmallFloats.h"

#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace mopt;

/// Tiles of so many rows of tiles are neighbours in time: they share columns
/// that lie in the cache.
static constexpr int64_t kRasterRows = 8;
/// Registers of threads that copy and that multiply.
static constexpr int64_t kCopyRegisters = 40, kProductRegisters = 232;

WarpgroupEmitter::Position WarpgroupEmitter::locate(Value number) {
  int64_t rowTiles = llvm::divideCeil(rows, tile.getRows());
  int64_t columnTiles = llvm::divideCeil(columns, tile.columns);
  Position at;
  Value batch = w.div(number, rowTiles * columnTiles);
  number = w.rem(number, rowTiles * columnTiles);
  at.batch.resize(batchSizes.size());
  for (size_t dim = batchSizes.size(); dim-- > 0;) {
    at.batch[dim] = w.rem(batch, batchSizes[dim]);
    batch = w.div(batch, batchSizes[dim]);
  }
  int64_t band = std::min(kRasterRows, rowTiles);
  Value first = w.mul(w.div(number, band * columnTiles), band);
  Value inside = w.rem(number, band * columnTiles);
  Value row, column;
  if (rowTiles % band == 0) {
    row = w.add(first, w.rem(inside, band));
    column = w.div(inside, band);
  } else {
    // The last band has fewer rows.
    Value count = b.createOrFold<arith::SubIOp>(loc, w.word(rowTiles), first);
    count = w.least(count, band);
    row = w.add(first, arith::RemUIOp::create(b, loc, inside, count));
    column = arith::DivUIOp::create(b, loc, inside, count);
  }
  at.row = w.mul(row, tile.getRows());
  at.column = w.mul(column, tile.columns);
  return at;
}

SmallVector<Value> WarpgroupEmitter::getBatch(const Side &side,
                                              const Position &at) {
  return llvm::map_to_vector(side.batchDims,
                             [&](unsigned dim) { return at.batch[dim]; });
}

/// Calls `body` for the numbers of this block's tiles, with values that it
/// passes on.
Value WarpgroupEmitter::forTiles(
    ValueRange initial,
    function_ref<SmallVector<Value>(Value, ValueRange)> body) {
  auto loop = scf::ForOp::create(b, loc, block, w.word(countTiles(tile)),
                                 blocks, initial);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(loop.getBody());
  SmallVector<Value> next =
      body(loop.getInductionVar(), loop.getRegionIterArgs());
  scf::YieldOp::create(b, loc, next);
  return loop.getResult(0);
}

void WarpgroupEmitter::emitCopies() {
  Value zero = w.word(0);
  forTiles({zero, zero}, [&](Value number, ValueRange carried) {
    Position at = locate(number);
    auto loop = scf::ForOp::create(b, loc, zero, w.word(countSteps()),
                                   w.word(1), carried);
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(loop.getBody());
    Value stage = loop.getRegionIterArg(0), parity = loop.getRegionIterArg(1);
    w.wait(getBarrier(empty, stage), w.exclusiveOr(parity, w.word(1)));
    Value barrier = getBarrier(full, stage);
    w.expect(barrier, tile.getStageBytes());
    Value step = w.mul(loop.getInductionVar(), getStageDepth());
    Value lhsStep = sparse ? w.div(step, 2) : step;
    SmallVector<Value> coordinates{lhsStep, at.row};
    llvm::append_range(coordinates, getBatch(lhs, at));
    w.load(lhsMap, w.add(lhsShared, w.mul(stage, tile.getLhsBytes())), barrier,
           coordinates);
    Value to = w.add(rhsShared, w.mul(stage, tile.getRhsBytes()));
    auto loadRhs = [&](Value to, std::initializer_list<Value> first) {
      SmallVector<Value> coordinates(first);
      llvm::append_range(coordinates, getBatch(rhs, at));
      w.load(rhsMap, to, barrier, coordinates);
    };
    switch (form) {
    case RhsForm::Columns:
      loadRhs(to, {step, at.column});
      break;
    case RhsForm::Blocks:
      loadRhs(to, {zero, step, w.div(at.column, kBlockColumns)});
      break;
    case RhsForm::Groups:
      loadRhs(to, {zero, w.div(at.column, kBlockColumns),
                   w.mul(loop.getInductionVar(), kRowBytes / kGroupBytes)});
      break;
    case RhsForm::Rows:
      for (int64_t i = 0; i < tile.columns / kBlockColumns; ++i)
        loadRhs(w.add(to, i * getStageDepth() * kRowBytes),
                {w.add(at.column, i * kBlockColumns), step});
    }
    auto [nextStage, nextParity] = w.getNextStage(stage, parity, tile.stages);
    scf::YieldOp::create(b, loc, ValueRange{nextStage, nextParity});
    return SmallVector<Value>(loop.getResults());
  });
}

/// Fields of descriptors of rows of 128 bytes in the copy engine's pattern: the
/// distance of neighbouring groups of 64 columns, that of eight rows, and the
/// pattern.
static int64_t getPattern(int64_t columnGroup) {
  int64_t eightRows = 8 * kRowBytes / kLine;
  return columnGroup << 16 | eightRows << 32 | int64_t(1) << 62;
}
/// The same of rows of 64 bytes.
static int64_t getHalfPattern() {
  int64_t eightRows = 8 * kRowBytes / 2 / kLine;
  return int64_t(1) << 16 | eightRows << 32 |
         static_cast<int64_t>(uint64_t(2) << 62);
}

/// The descriptor's fields of the right side, and the lines that an
/// instruction's depth is long there.
std::pair<int64_t, int64_t> WarpgroupEmitter::getRightPattern() const {
  int64_t depth = kInstructionBytes / elementBytes;
  switch (form) {
  case RhsForm::Columns:
    return {getPattern(1), kInstructionBytes / kLine};
  case RhsForm::Blocks:
  case RhsForm::Rows:
    return {getPattern(getStageDepth() * kRowBytes / kLine),
            depth * kRowBytes / kLine};
  case RhsForm::Groups:
    // Without the pattern eight columns lie one after the other: the distance
    // of neighbours along the depth, then that of eight columns.
    int64_t groups = tile.columns * kGroupBytes / kLine;
    int64_t eightColumns = 8 * kGroupBytes / kLine;
    return {groups << 16 | eightColumns << 32,
            kInstructionBytes / kGroupBytes * groups};
  }
  llvm_unreachable("all forms are listed");
}

/// What an instruction multiplies.
static NVVM::WGMMATypes getElements(Value side, bool isUnsigned,
                                    Type smallFloat) {
  if (smallFloat)
    return isa<Float8E4M3FNType>(smallFloat) ? NVVM::WGMMATypes::e4m3
                                             : NVVM::WGMMATypes::e5m2;
  Type type = getElementTypeOrSelf(side.getType());
  if (type.isInteger(8))
    return isUnsigned ? NVVM::WGMMATypes::u8 : NVVM::WGMMATypes::s8;
  if (type.isF32())
    return NVVM::WGMMATypes::tf32;
  return type.isF16() ? NVVM::WGMMATypes::f16 : NVVM::WGMMATypes::bf16;
}

Value WarpgroupEmitter::multiplyStage(Value sums, Value stage,
                                      ValueRange positions) {
  MLIRContext *context = b.getContext();
  Value wordOfGroup = b.createOrFold<arith::SubIOp>(loc, group, w.word(1));
  Value left = w.add(w.add(lhsShared, w.mul(stage, tile.getLhsBytes())),
                     w.mul(wordOfGroup, kGroupRows * tile.lhsRowBytes));
  Value right = w.add(rhsShared, w.mul(stage, tile.getRhsBytes()));
  auto [rightPattern, rightLines] = getRightPattern();
  Value x = w.getDescriptor(left, sparse ? getHalfPattern() : getPattern(1));
  Value y = w.getDescriptor(right, rightPattern);
  auto add = [&](Value descriptor, int64_t lines) -> Value {
    return lines == 0
               ? descriptor
               : arith::AddIOp::create(b, loc, descriptor,
                                       arith::ConstantOp::create(
                                           b, loc, b.getI64IntegerAttr(lines)));
  };
  // Rows of the left side have the depth, those of the right one may have
  // columns.
  bool hasColumns = form == RhsForm::Blocks || form == RhsForm::Rows;
  auto instruction = NVVM::MMAShapeAttr::get(context, kGroupRows, tile.columns,
                                             kInstructionBytes / elementBytes);
  NVVM::WgmmaFenceAlignedOp::create(b, loc);
  if (sparse) {
    // Of the weights an instruction takes as many bytes as of dense ones, and
    // twice as many of the other side. A word of two products has theirs in
    // different threads.
    constexpr int64_t lines = kInstructionBytes / kLine;
    bool isShared = positions.size() == 1;
    for (int64_t i = 0; i < tile.lhsRowBytes / kInstructionBytes; ++i)
      sums = multiplySparse(sums, add(x, i * lines), add(y, 2 * i * lines),
                            positions[isShared ? 0 : i], isShared ? i : 0);
    NVVM::WgmmaGroupSyncAlignedOp::create(b, loc);
    return sums;
  }
  for (int64_t i = 0; i < kRowBytes / kInstructionBytes; ++i)
    sums = NVVM::WgmmaMmaAsyncOp::create(
        b, loc, sums.getType(), sums, add(x, i * kInstructionBytes / kLine),
        add(y, i * rightLines), instruction,
        getElements(op.getLhs(), op.getUnsignedLhs(), getSmallFloat(op)),
        getElements(op.getRhs(), op.getUnsignedRhs(), getSmallFloat(op)),
        sumType.isF32() ? NVVM::WGMMATypes::f32 : NVVM::WGMMATypes::s32,
        NVVM::WGMMAScaleOut::one, NVVM::WGMMAScaleIn::one,
        NVVM::WGMMAScaleIn::one, NVVM::MMALayout::row,
        hasColumns ? NVVM::MMALayout::row : NVVM::MMALayout::col,
        NVVM::MMAIntOverflowAttr());
  NVVM::WgmmaGroupSyncAlignedOp::create(b, loc);
  return sums;
}

/// Tells the copying group, once for each group, that a stage was multiplied.
void WarpgroupEmitter::release(Value stage, Value condition) {
  Value first = w.equals(threadOfGroup, 0);
  if (condition)
    first = arith::AndIOp::create(b, loc, first, condition);
  w.guard(first, [&] { w.arrive(getBarrier(empty, stage)); });
}

void WarpgroupEmitter::emitProducts() {
  int64_t count = tile.columns / 2;
  auto type = LLVM::LLVMStructType::getLiteral(
      b.getContext(), SmallVector<Type>(count, sumType));
  Value none = LLVM::UndefOp::create(b, loc, type);
  Value nothing = arith::ConstantOp::create(b, loc, b.getZeroAttr(sumType));
  for (int64_t i = 0; i < count; ++i)
    none = LLVM::InsertValueOp::create(b, loc, none, nothing, i);
  Value zero = w.word(0);
  forTiles({zero, zero}, [&](Value number, ValueRange carried) {
    Position at = locate(number);
    at.row = w.add(at.row,
                   w.mul(b.createOrFold<arith::SubIOp>(loc, group, w.word(1)),
                         kGroupRows));
    SmallVector<Value> initial{carried[0], carried[1], zero, none};
    if (sparse)
      llvm::append_range(initial, loadPositions(at, zero));
    auto loop = scf::ForOp::create(b, loc, zero, w.word(countRounds()),
                                   w.word(1), initial);
    {
      OpBuilder::InsertionGuard guard(b);
      b.setInsertionPointToStart(loop.getBody());
      Value stage = loop.getRegionIterArg(0), parity = loop.getRegionIterArg(1),
            last = loop.getRegionIterArg(2);
      if (sparse) {
        SmallVector<Value> positions = loadPositions(
            at, w.least(w.add(loop.getInductionVar(), 1), countRounds() - 1));
        SmallVector<Value> next = multiplyRound(loop.getRegionIterArgs());
        llvm::append_range(next, positions);
        scf::YieldOp::create(b, loc, next);
      } else {
        w.wait(getBarrier(full, stage), parity);
        Value sums =
            multiplyStage(loop.getRegionIterArg(3), stage, ValueRange());
        // The products of the stage before this one are done.
        NVVM::WgmmaWaitGroupSyncOp::create(b, loc, 1);
        Value isFirst = w.equals(loop.getInductionVar(), 0);
        release(last, arith::XOrIOp::create(b, loc, isFirst,
                                            arith::ConstantOp::create(
                                                b, loc, b.getBoolAttr(true))));
        auto [nextStage, nextParity] =
            w.getNextStage(stage, parity, tile.stages);
        scf::YieldOp::create(b, loc,
                             ValueRange{nextStage, nextParity, stage, sums});
      }
    }
    NVVM::WgmmaWaitGroupSyncOp::create(b, loc, 0);
    if (!sparse)
      release(loop.getResult(2), Value());
    // Nothing may use the sums before the wait, which does not name them.
    storeTile(w.split(w.tie(loop.getResult(3))), at);
    return SmallVector<Value>{loop.getResult(0), loop.getResult(1)};
  });
}

SmallVector<Value> WarpgroupEmitter::getPoint(const Position &at, Value row,
                                              Value column) {
  SmallVector<Value> point =
      llvm::map_to_vector(at.batch, [&](Value x) { return w.index(x); });
  point.append({w.index(row), w.index(column)});
  return point;
}

void WarpgroupEmitter::storeTile(ArrayRef<Value> sums, const Position &at) {
  if (sparse)
    return storesBoxes ? storeTurnedBoxes(sums, at) : storeTurned(sums, at);
  if (storesBoxes)
    storeBoxes(sums, at);
  else
    storePairs(sums, at);
}

void WarpgroupEmitter::storePass(Value buffer, const Position &at, int64_t pass,
                                 int64_t boxColumns) {
  int64_t width = tile.columns / passes;
  NVVM::FenceProxyOp::create(
      b, loc, NVVM::ProxyKind::async_shared,
      NVVM::SharedSpaceAttr::get(b.getContext(),
                                 NVVM::SharedSpace::shared_cta));
  meet();
  w.guard(w.equals(threadOfGroup, 0), [&] {
    for (int64_t box = 0; box < width / boxColumns; ++box) {
      SmallVector<Value> coordinates{
          w.add(at.column, pass * width + box * boxColumns), at.row};
      if (sparse)
        std::swap(coordinates[0], coordinates[1]);
      llvm::append_range(coordinates, getBatch(result, at));
      NVVM::CpAsyncBulkTensorSharedCTAToGlobalOp::create(
          b, loc, resultMap,
          w.getPointer(w.add(buffer, box * kGroupRows * kRowBytes)),
          coordinates,
          /*l2CacheHint=*/Value(), NVVM::TMAStoreMode::TILE,
          /*predicate=*/Value());
    }
    NVVM::CpAsyncBulkCommitGroupOp::create(b, loc);
  });
}

/// Of the 64 rows of a group each warp has 16, and a thread in every eight
/// columns two neighbours of two rows eight apart.
void WarpgroupEmitter::storePairs(ArrayRef<Value> sums, const Position &at) {
  GridBuilder g(b, loc);
  Value lane = w.band(threadOfGroup, 31), warp = w.div(threadOfGroup, 32);
  Value row = w.add(at.row, w.add(w.mul(warp, 16), w.div(lane, 4)));
  Value column = w.add(at.column, w.mul(w.band(lane, 3), 2));
  for (int64_t half = 0; half < 2; ++half) {
    Value y = w.add(row, 8 * half);
    g.guard(isInside(y, rows, tile.getRows()), [&] {
      for (int64_t eight = 0; eight < tile.columns / 8; ++eight) {
        ArrayRef<Value> pair = sums.slice(4 * eight + 2 * half, 2);
        Value x = w.add(column, 8 * eight);
        g.guard(isInside(x, columns, tile.columns), [&] {
          if (columns % 2 == 0)
            return storeResults(g, anchor, getPoint(at, y, x), pair);
          storeResults(g, anchor, getPoint(at, y, x), pair.take_front());
          Value next = w.add(x, 1);
          g.guard(isInside(next, columns, tile.columns), [&] {
            storeResults(g, anchor, getPoint(at, y, next), pair.drop_front());
          });
        });
      }
    });
  }
}

/// As boxes of 64 rows in the copy engine's pattern.
void WarpgroupEmitter::storeBoxes(ArrayRef<Value> sums, const Position &at) {
  GridBuilder g(b, loc);
  int64_t width = tile.columns / passes, bytes = result.map.elementBytes;
  int64_t boxBytes = kGroupRows * kRowBytes;
  Value wordOfGroup = b.createOrFold<arith::SubIOp>(loc, group, w.word(1));
  Value buffer =
      w.add(resultShared, w.mul(wordOfGroup, kGroupRows * width * bytes));
  Value lane = w.band(threadOfGroup, 31), warp = w.div(threadOfGroup, 32);
  Value isFirst = w.equals(threadOfGroup, 0);
  // Where a thread's row of 16 bytes of a matrix of 8 x 8 goes: lanes 0 to 7
  // and 8 to 15 have the upper and lower rows of the left matrices, the others
  // those of the right ones.
  Value eighth = w.band(lane, 7);
  Value line = w.add(w.mul(warp, 16),
                     w.add(eighth, w.mul(w.band(w.div(lane, 8), 1), 8)));
  Value lineAddress = w.add(buffer, w.mul(line, kRowBytes));
  SmallVector<Value> pieces;
  for (int64_t pair = 0; pair < kRowBytes / 32; ++pair) {
    Value piece = w.exclusiveOr(w.add(w.div(lane, 16), 2 * pair), eighth);
    pieces.push_back(w.add(lineAddress, w.mul(piece, 16)));
  }
  // Bytes are stored two by two, by a thread in eight columns of its row.
  Value ofWarp = w.div(lane, 4);
  Value pairAddress =
      w.add(w.add(buffer, w.mul(w.add(w.mul(warp, 16), ofWarp), kRowBytes)),
            w.mul(w.band(lane, 3), 2));
  Value row = w.add(at.row, w.add(w.mul(warp, 16), ofWarp));
  Value column = w.add(at.column, w.mul(w.band(lane, 3), 2));
  for (int64_t pass = 0; pass < passes; ++pass) {
    w.guard(isFirst, [&] {
      NVVM::CpAsyncBulkWaitGroupOp::create(b, loc, 0, b.getUnitAttr());
    });
    meet();
    for (int64_t first = pass * width / 8; first < (pass + 1) * width / 8;
         first += 2) {
      SmallVector<Value> words;
      for (int64_t matrix = 0; matrix < 4; ++matrix) {
        int64_t eight = first + matrix / 2, half = matrix % 2;
        Value y = limit(w.add(row, 8 * half), rows, tile.getRows(), rows - 1);
        Value x =
            limit(w.add(column, 8 * eight), columns, tile.columns, columns - 2);
        Value both =
            joinElements(g, finishResults(g, anchor, getPoint(at, y, x),
                                          sums.slice(4 * eight + 2 * half, 2)));
        words.push_back(LLVM::BitcastOp::create(
            b, loc, b.getIntegerType(16 * bytes), both));
      }
      if (bytes == 1) {
        // Sixteen columns are a piece.
        int64_t piece = (first - pass * width / 8) / 2;
        Value line =
            w.add(w.add(pairAddress,
                        w.mul(w.exclusiveOr(w.word(piece % 8), ofWarp), 16)),
                  piece / 8 * boxBytes);
        for (int64_t matrix = 0; matrix < 4; ++matrix)
          LLVM::StoreOp::create(
              b, loc, words[matrix],
              w.getPointer(
                  w.add(line, matrix % 2 * 8 * kRowBytes + matrix / 2 * 8)),
              2);
        continue;
      }
      int64_t inPass = first - pass * width / 8;
      Value address = w.add(pieces[inPass % 8 / 2], inPass / 8 * boxBytes);
      NVVM::StMatrixOp::create(
          b, loc, w.getPointer(address), words, NVVM::MMALayout::row,
          NVVM::LdStMatrixShapeAttr::get(b.getContext(), 8, 8),
          NVVM::LdStMatrixEltType::B16);
    }
    storePass(buffer, at, pass, getBoxColumns());
  }
}

LaunchShape WarpgroupEmitter::emit() {
  int64_t total = countTiles(tile);
  shape.blocksX = std::min(total, kMultiprocessors);
  shape.isPersistent = total > kMultiprocessors;
  shape.threads = (tile.groups + 1) * kGroupThreads;
  shape.sharedBytes = kPatternBytes + tile.stages * tile.getStageBytes() +
                      resultBytes + tile.stages * 16;
  lhsMap = w.addMap(lhs.map, shape.maps);
  rhsMap = w.addMap(rhs.map, shape.maps);
  if (storesBoxes)
    resultMap = w.addMap(result.map, shape.maps);

  lhsShared = w.getShared();
  rhsShared = w.add(lhsShared, tile.stages * tile.getLhsBytes());
  resultShared = w.add(rhsShared, tile.stages * tile.getRhsBytes());
  full = w.add(resultShared, resultBytes);
  empty = w.add(full, 8 * tile.stages);
  thread = w.getThread();
  block = w.getBlock();
  blocks = NVVM::GridDimXOp::create(b, loc, b.getI32Type());
  threadOfGroup = w.band(thread, kGroupThreads - 1);
  group = w.toUniform(w.div(thread, kGroupThreads));
  Value isFirst = w.equals(thread, 0);
  w.guard(isFirst, [&] {
    for (int64_t stage = 0; stage < tile.stages; ++stage) {
      w.initialize(w.add(full, 8 * stage), 1);
      w.initialize(w.add(empty, 8 * stage), tile.groups);
    }
    NVVM::FenceMbarrierInitOp::create(b, loc);
  });
  w.meetBlock();
  // Of 256 threads each can have all it needs, and so can those with few sums.
  bool movesRegisters = tile.groups > 1 && tile.columns > kBlockColumns;
  auto roles = scf::IfOp::create(b, loc, w.equals(group, 0), /*withElse=*/true);
  {
    OpBuilder::InsertionGuard restore(b);
    b.setInsertionPoint(roles.thenBlock()->getTerminator());
    if (movesRegisters)
      NVVM::SetMaxRegisterOp::create(b, loc, kCopyRegisters,
                                     NVVM::SetMaxRegisterAction::decrease);
    w.guard(isFirst, [&] { emitCopies(); });
    b.setInsertionPoint(roles.elseBlock()->getTerminator());
    if (movesRegisters)
      NVVM::SetMaxRegisterOp::create(b, loc, kProductRegisters,
                                     NVVM::SetMaxRegisterAction::increase);
    emitProducts();
    if (storesBoxes)
      w.guard(w.equals(threadOfGroup, 0), [&] {
        NVVM::CpAsyncBulkWaitGroupOp::create(b, loc, 0, UnitAttr());
      });
  }
  return shape;
}

std::optional<LaunchShape> mopt::emitWarpgroupProduct(AnchorOpInterface op,
                                                      ProductAccess &access,
                                                      bool sparesPacking) {
  auto contract = dyn_cast<ContractAnchorOp>(op.getOperation());
  if (!contract)
    return std::nullopt;
  OpBuilder b(op);
  WarpgroupPlan plan(contract, access);
  if (!plan.match(sparesPacking))
    return std::nullopt;
  return WarpgroupEmitter(b, plan).emit();
}

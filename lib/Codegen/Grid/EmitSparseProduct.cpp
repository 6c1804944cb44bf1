// Products with weights of which two of four neighbours along the depth are
// kept: the weights are the left side, in half as many bytes, with the
// positions of what is kept in registers, and the tile that comes out is
// turned.
#include "Emit.h"
#include "Epilogue.h"
#include "WarpgroupEmitter.h"

#include "mlir/Dialect/MemRef/IR/MemRef.h"

using namespace mlir;
using namespace mopt;

/// The weights' positions in a round of stages, for every thread of a group two
/// words side by side: those of both stages, or of one after the other; rows of
/// 64 follow each other.
SmallVector<Value> WarpgroupEmitter::loadPositions(const Position &at,
                                                   Value round) {
  Value buffer = sparse.getPositions();
  constexpr int64_t together = 2;
  int64_t pairs = kSparseStages * countPositions() / together;
  Value rowGroup = w.div(at.row, kGroupRows);
  Value first = w.mul(w.add(w.mul(rowGroup, countRounds()), round), pairs);
  Value place =
      w.mul(w.add(w.mul(first, kGroupThreads), threadOfGroup), together);
  Value begin = memref::ExtractAlignedPointerAsIndexOp::create(b, loc, buffer);
  Value address = arith::AddIOp::create(
      b, loc, arith::IndexCastOp::create(b, loc, b.getI64Type(), begin),
      arith::ExtUIOp::create(b, loc, b.getI64Type(), w.mul(place, 4)));
  auto type = LLVM::LLVMPointerType::get(b.getContext(), 1);
  Value pointer = LLVM::IntToPtrOp::create(b, loc, type, address);
  GridBuilder g(b, loc);
  SmallVector<Value> words;
  for (int64_t i = 0; i < pairs; ++i) {
    Value at = LLVM::GEPOp::create(b, loc, type, b.getI32Type(), pointer,
                                   ArrayRef<LLVM::GEPArg>{static_cast<int32_t>(
                                       i * kGroupThreads * together)});
    llvm::append_range(
        words, splitElements(
                   g, LLVM::LoadOp::create(
                          b, loc, VectorType::get(together, b.getI32Type()), at,
                          /*alignment=*/4 * together, /*isVolatile=*/false,
                          /*isNonTemporal=*/false, /*isInvariant=*/true)));
  }
  return words;
}

/// LLVM has no such instruction; its name is the configuration's.
Value WarpgroupEmitter::multiplySparse(Value sums, Value x, Value y,
                                       Value positions, int64_t selector) {
  int64_t count = tile.columns / 2;
  bool isFloat = isa<FloatType>(sumType);
  SmallVector<Value> operands;
  std::string text = "{ .reg .pred p; setp.ne.b32 p, 1, 0; ", constraints,
              names, ties;
  for (int64_t i = 0; i < count; ++i) {
    operands.push_back(LLVM::ExtractValueOp::create(b, loc, sums, i));
    constraints += isFloat ? "=f," : "=r,";
    ties += std::to_string(i) + ",";
    names += (i ? ", $" : "$") + std::to_string(i);
  }
  operands.append({x, y, positions});
  auto [first, second] = sparse.getConfig().getInstruction().split('N');
  text += (first + Twine(tile.columns) + second + " {" + names + "}, $" +
           Twine(2 * count) + ", $" + Twine(2 * count + 1) + ", $" +
           Twine(2 * count + 2) + ", " + Twine(selector) +
           (isFloat ? ", p, 1, 1, 0, 0; }" : ", p; }"))
              .str();
  return LLVM::InlineAsmOp::create(
             b, loc, sums.getType(), operands, text,
             constraints + ties + "l,l,r", /*has_side_effects=*/true,
             /*is_align_stack=*/false, LLVM::TailCallKind::None,
             LLVM::AsmDialectAttr(), ArrayAttr())
      .getResult(0);
}

/// The stages of a round, one after the other. While products run, no register
/// may change that they read: positions of the next round come before them, and
/// are used behind them.
SmallVector<Value> WarpgroupEmitter::multiplyRound(ValueRange carried) {
  Value stage = carried[0], parity = carried[1], sums = carried[3];
  SmallVector<Value> stages;
  for (int64_t i = 0; i < kSparseStages; ++i) {
    w.wait(getBarrier(full, stage), parity);
    sums = multiplyStage(
        sums, stage, carried.slice(4 + i * countPositions(), countPositions()));
    stages.push_back(stage);
    std::tie(stage, parity) = w.getNextStage(stage, parity, tile.stages);
  }
  for (int64_t i = 0; i < kSparseStages; ++i) {
    NVVM::WgmmaWaitGroupSyncOp::create(b, loc, kSparseStages - 1 - i);
    release(stages[i], Value());
  }
  return {stage, parity, stages.back(), sums};
}

/// Of a turned tile a thread has two neighbouring rows of the result in every
/// eight, and two columns eight apart.
void WarpgroupEmitter::storeTurned(ArrayRef<Value> sums, const Position &at) {
  GridBuilder g(b, loc);
  Value lane = w.band(threadOfGroup, 31), warp = w.div(threadOfGroup, 32);
  Value column = w.add(at.row, w.add(w.mul(warp, 16), w.div(lane, 4)));
  Value row = w.add(at.column, w.mul(w.band(lane, 3), 2));
  for (int64_t half = 0; half < 2; ++half) {
    Value x = w.add(column, 8 * half);
    g.guard(isInside(x, rows, tile.getRows()), [&] {
      for (int64_t eight = 0; eight < tile.columns / 8; ++eight)
        for (int64_t i = 0; i < 2; ++i) {
          Value y = w.add(row, 8 * eight + i);
          g.guard(isInside(y, columns, tile.columns), [&] {
            storeResults(g, anchor, getPoint(at, y, x),
                         sums[4 * eight + 2 * half + i]);
          });
        }
    });
  }
}

/// The same as boxes: matrices of 8 x 8 are turned on their way to shared
/// memory, where 64 columns are a row.
void WarpgroupEmitter::storeTurnedBoxes(ArrayRef<Value> sums,
                                        const Position &at) {
  GridBuilder g(b, loc);
  int64_t width = tile.columns / passes;
  Value wordOfGroup = b.createOrFold<arith::SubIOp>(loc, group, w.word(1));
  Value buffer = w.add(resultShared, w.mul(wordOfGroup, width * kRowBytes));
  Value lane = w.band(threadOfGroup, 31), warp = w.div(threadOfGroup, 32);
  Value eighth = w.band(lane, 7);
  // Lanes 0 to 7 and 8 to 15 have the lines of the left and right matrices, the
  // others those eight rows further down.
  Value line = w.add(w.mul(w.div(lane, 16), 8), eighth);
  Value piece =
      w.exclusiveOr(w.add(w.mul(warp, 2), w.band(w.div(lane, 8), 1)), eighth);
  Value lineAddress =
      w.add(w.add(buffer, w.mul(line, kRowBytes)), w.mul(piece, kLine));
  Value column = w.add(at.row, w.add(w.mul(warp, 16), w.div(lane, 4)));
  Value row = w.add(at.column, w.mul(w.band(lane, 3), 2));
  for (int64_t pass = 0; pass < passes; ++pass) {
    w.guard(w.equals(threadOfGroup, 0), [&] {
      NVVM::CpAsyncBulkWaitGroupOp::create(b, loc, 0, b.getUnitAttr());
    });
    meet();
    for (int64_t first = pass * width / 8; first < (pass + 1) * width / 8;
         first += 2) {
      SmallVector<Value> words;
      for (int64_t matrix = 0; matrix < 4; ++matrix) {
        int64_t eight = first + matrix / 2, half = matrix % 2;
        Value x =
            limit(w.add(column, 8 * half), rows, tile.getRows(), rows - 1);
        SmallVector<Value> both;
        for (int64_t i = 0; i < 2; ++i) {
          Value y = limit(w.add(row, 8 * eight + i), columns, tile.columns,
                          columns - 1);
          llvm::append_range(both,
                             finishResults(g, anchor, getPoint(at, y, x),
                                           sums[4 * eight + 2 * half + i]));
        }
        words.push_back(LLVM::BitcastOp::create(b, loc, b.getI32Type(),
                                                joinElements(g, both)));
      }
      Value address =
          w.add(lineAddress, (first - pass * width / 8) * 8 * kRowBytes);
      NVVM::StMatrixOp::create(
          b, loc, w.getPointer(address), words, NVVM::MMALayout::col,
          NVVM::LdStMatrixShapeAttr::get(b.getContext(), 8, 8),
          NVVM::LdStMatrixEltType::B16);
    }
    storePass(buffer, at, pass, kGroupRows);
  }
}

std::optional<LaunchShape> mopt::emitSparseProduct(SparseAnchorOp op) {
  OpBuilder b(op);
  WarpgroupPlan plan(op);
  if (!plan.match(/*sparesPacking=*/false))
    return std::nullopt;
  return WarpgroupEmitter(b, plan).emit();
}

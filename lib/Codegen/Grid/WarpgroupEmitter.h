//===- WarpgroupEmitter.h - the kernel of groups of warps -------*- C++ -*-===//
//
// One group has the device's copy engine bring tiles of both sides to shared
// memory, some steps ahead; the others multiply them there, 64 rows each, and
// hold the sums. What sparse weights do otherwise is in EmitSparseProduct.cpp.
//
//===----------------------------------------------------------------------===//

#ifndef MOPT_LIB_CODEGEN_GRID_WARPGROUPEMITTER_H
#define MOPT_LIB_CODEGEN_GRID_WARPGROUPEMITTER_H

#include "WarpgroupBuilder.h"
#include "WarpgroupPlan.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "llvm/Support/MathExtras.h"

namespace mopt {
/// What descriptors of matrices say in units of 16 bytes (PTX ISA, "matrix
/// descriptor format").
inline constexpr int64_t kLine = 16;

/// The code of a kernel whose body is empty so far.
class WarpgroupEmitter : WarpgroupPlan {
public:
  WarpgroupEmitter(mlir::OpBuilder &b, const WarpgroupPlan &plan)
      : WarpgroupPlan(plan),
        w(b, anchor.getLoc(), anchor->getParentOfType<mlir::gpu::GPUFuncOp>()),
        b(b), loc(anchor.getLoc()), sumType(anchor.getAccumulatorType()) {}

  LaunchShape emit();

private:
  struct Position {
    mlir::Value row, column;
    llvm::SmallVector<mlir::Value> batch;
  };
  Position locate(mlir::Value number);
  llvm::SmallVector<mlir::Value> getBatch(const Side &side, const Position &at);
  mlir::Value getBarrier(mlir::Value barriers, mlir::Value stage) {
    return w.add(barriers, w.mul(stage, 8));
  }
  void emitCopies();
  void emitProducts();
  mlir::Value multiplyStage(mlir::Value sums, mlir::Value stage,
                            mlir::ValueRange positions);
  llvm::SmallVector<mlir::Value> multiplyRound(mlir::ValueRange carried);
  mlir::Value multiplySparse(mlir::Value sums, mlir::Value x, mlir::Value y,
                             mlir::Value positions, int64_t selector);
  llvm::SmallVector<mlir::Value> loadPositions(const Position &at,
                                               mlir::Value round);
  int64_t countSteps() const {
    return llvm::divideCeil(depth, getStageDepth() * getRound()) * getRound();
  }
  /// Stages that are multiplied without a wait between them.
  int64_t getRound() const { return sparse ? kSparseStages : 1; }
  int64_t countRounds() const { return countSteps() / getRound(); }
  /// Words of a thread with the positions of a stage: one for two products of
  /// elements of 16 bits, one for each of bytes.
  int64_t countPositions() const { return 2 / elementBytes; }
  std::pair<int64_t, int64_t> getRightPattern() const;
  void release(mlir::Value stage, mlir::Value condition);
  void storeTile(llvm::ArrayRef<mlir::Value> sums, const Position &at);
  void storeBoxes(llvm::ArrayRef<mlir::Value> sums, const Position &at);
  void storePairs(llvm::ArrayRef<mlir::Value> sums, const Position &at);
  void storeTurnedBoxes(llvm::ArrayRef<mlir::Value> sums, const Position &at);
  void storeTurned(llvm::ArrayRef<mlir::Value> sums, const Position &at);
  /// The results of `pass` that lie in shared memory at `buffer` go to memory,
  /// a box of as many bytes for every so many columns of the tile.
  void storePass(mlir::Value buffer, const Position &at, int64_t pass,
                 int64_t boxColumns);
  /// Nothing behind the last row or column is stored: they stand for it.
  mlir::Value limit(mlir::Value position, int64_t size, int64_t tileSize,
                    int64_t last) {
    return size % tileSize == 0 ? position : w.least(position, last);
  }
  mlir::Value isInside(mlir::Value position, int64_t size, int64_t tileSize) {
    return size % tileSize == 0
               ? mlir::Value()
               : mlir::arith::CmpIOp::create(b, loc,
                                             mlir::arith::CmpIPredicate::ult,
                                             position, w.word(size))
                     .getResult();
  }
  /// A point of the output space.
  llvm::SmallVector<mlir::Value> getPoint(const Position &at, mlir::Value row,
                                          mlir::Value column);
  mlir::Value
  forTiles(mlir::ValueRange initial,
           llvm::function_ref<llvm::SmallVector<mlir::Value>(mlir::Value,
                                                             mlir::ValueRange)>
               body);
  void meet() { w.meet(w.add(group, 0), kGroupThreads); }

  WarpgroupBuilder w;
  mlir::OpBuilder &b;
  mlir::Location loc;
  mlir::Type sumType;
  LaunchShape shape;
  mlir::Value lhsMap, rhsMap, resultMap;
  mlir::Value lhsShared, rhsShared, resultShared, full, empty;
  mlir::Value thread, threadOfGroup, group, block, blocks;
};
} // namespace mopt

#endif // MOPT_LIB_CODEGEN_GRID_WARPGROUPEMITTER_H

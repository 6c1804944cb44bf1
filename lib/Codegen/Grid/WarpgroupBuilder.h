//===- WarpgroupBuilder.h - groups of warps and the copy engine -*- C++ -*-===//
//
// Kernels in which groups of four warps have different tasks: shared memory of
// their own layout, barriers there that count arrivals and bytes, boxes that
// the copy engine moves, and descriptors of matrices.
//
//===----------------------------------------------------------------------===//

#ifndef MOPT_LIB_CODEGEN_GRID_WARPGROUPBUILDER_H
#define MOPT_LIB_CODEGEN_GRID_WARPGROUPBUILDER_H

#include "LaunchShape.h"
#include "WordBuilder.h"

#include "mlir/Dialect/GPU/IR/GPUDialect.h"

namespace mopt {
/// Addresses in shared memory are words, in bytes.
class WarpgroupBuilder : public WordBuilder {
public:
  WarpgroupBuilder(mlir::OpBuilder &b, mlir::Location loc,
                   mlir::gpu::GPUFuncOp function)
      : WordBuilder(b, loc), function(function) {}

  mlir::Value sub(mlir::Value x, mlir::Value y) {
    return b.createOrFold<mlir::arith::SubIOp>(loc, x, y);
  }
  mlir::Value below(mlir::Value x, mlir::Value y) {
    return b.createOrFold<mlir::arith::CmpIOp>(
        loc, mlir::arith::CmpIPredicate::ult, x, y);
  }
  mlir::Value getThread();
  mlir::Value getBlock();
  /// `x`, which all lanes of a warp have, as a value that the assembler sees to
  /// be the same.
  mlir::Value toUniform(mlir::Value x);
  /// `body` where `condition` holds; everywhere if it is null.
  void guard(mlir::Value condition, llvm::function_ref<void()> body);

  /// The address of `map`, which becomes one of `maps` and of the kernel's
  /// parameters.
  mlir::Value addMap(TensorMap map, llvm::SmallVectorImpl<TensorMap> &maps);
  /// Brings the map itself to the engine.
  void prefetch(mlir::Value map);
  /// Where the shared memory that the launch asks for begins, at a multiple of
  /// kPatternBytes: a block may have up to one byte less than that less.
  mlir::Value getShared();
  /// The pointer to `address` in shared memory, of this block or of block
  /// `rank` of its cluster.
  mlir::Value getPointer(mlir::Value address);
  mlir::Value getPointer(mlir::Value address, mlir::Value rank);

  /// A barrier of `count` arrivals for each of its phases.
  void initialize(mlir::Value barrier, int64_t count);
  /// Waits for the end of the phase of `parity`.
  void wait(mlir::Value barrier, mlir::Value parity);
  /// One arrival.
  void arrive(mlir::Value barrier);
  /// One arrival, and as many bytes of boxes on their way.
  void expect(mlir::Value barrier, int64_t bytes);
  /// Brings the box at `coordinates` of `map` to `address`, and reports it to
  /// `barrier`. From a map of windows what lies at `offsets`, of 16 bits, in
  /// each of those from there on.
  void load(mlir::Value map, mlir::Value address, mlir::Value barrier,
            mlir::ValueRange coordinates, mlir::ValueRange offsets = {});
  /// Threads of the block's barrier with this number, which is not 0, meet.
  void meet(mlir::Value number, int64_t threads);
  /// All threads of the block meet, or of the cluster, and see what the others
  /// wrote.
  void meetBlock();
  void meetCluster();

  /// The stage behind `stage` of `stages` that take turns, and its parity.
  std::pair<mlir::Value, mlir::Value>
  getNextStage(mlir::Value stage, mlir::Value parity, int64_t stages);

  /// The descriptor of the matrix at `address`, and all its fields but that.
  mlir::Value getDescriptor(mlir::Value address, int64_t fields);
  /// The descriptor of the matrix at `address`: rows of 128 bytes in the copy
  /// engine's pattern, and groups of 64 columns as many bytes apart; 0 where
  /// rows are along the depth.
  mlir::Value describe(mlir::Value address, int64_t groupBytes = 0);
  /// The descriptor of what lies `bytes` behind.
  mlir::Value advance(mlir::Value descriptor, int64_t bytes);
  /// A struct of `count` f32, and what one has.
  mlir::Type getSums(int64_t count);
  llvm::SmallVector<mlir::Value> split(mlir::Value sums);
  /// The same struct, of f32 or i32; no use of it may stand above this.
  mlir::Value tie(mlir::Value sums);
  /// Starts the product of 64 rows of 16 steps of the matrices that two
  /// descriptors give, elements of type `type`, both with rows of steps: a new
  /// struct of sums, or added to `sums` unless that `isFirst`.
  mlir::Value multiply(mlir::Value left, mlir::Value right, mlir::Value sums,
                       mlir::Type type, bool isFirst);
  /// Starts adding the product of a left side in registers, four words of two
  /// elements, and a right side with rows of columns.
  mlir::Value multiply(llvm::ArrayRef<mlir::Value> left, mlir::Value right,
                       mlir::Value sums, mlir::Type type);

  /// Takes away the wait for the kernel before this one at the kernel's begin,
  /// if there is one; says so. Whoever takes it waits in every thread before it
  /// reads what other kernels write.
  bool takeWait();
  void waitForKernel();

private:
  mlir::gpu::GPUFuncOp function;
};
} // namespace mopt

#endif // MOPT_LIB_CODEGEN_GRID_WARPGROUPBUILDER_H

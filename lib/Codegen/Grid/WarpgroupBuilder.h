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

  /// The address of `map`, which becomes one of `maps` and of the kernel's
  /// parameters.
  mlir::Value addMap(TensorMap map, llvm::SmallVectorImpl<TensorMap> &maps);
  /// Where the block's shared memory begins, at a multiple of kPatternBytes.
  mlir::Value getShared();
  /// The pointer to `address`.
  mlir::Value getPointer(mlir::Value address);

  /// A barrier of `count` arrivals for each of its phases.
  void initialize(mlir::Value barrier, int64_t count);
  /// Waits for the end of the phase of `parity`.
  void wait(mlir::Value barrier, mlir::Value parity);
  /// One arrival.
  void arrive(mlir::Value barrier);
  /// One arrival, and as many bytes of boxes on their way.
  void expect(mlir::Value barrier, int64_t bytes);
  /// Brings the box at `coordinates` of `map` to `address`, and reports it to
  /// `barrier`.
  void load(mlir::Value map, mlir::Value address, mlir::Value barrier,
            mlir::ValueRange coordinates);
  /// Threads of the barrier with this number meet.
  void meet(mlir::Value number, int64_t threads);

  /// The descriptor of the matrix at `address`: rows of 128 bytes in the copy
  /// engine's pattern, and groups of 64 columns as many bytes apart.
  mlir::Value describe(mlir::Value address, int64_t groupBytes = 16);
  /// The descriptor of what lies `bytes` behind.
  mlir::Value advance(mlir::Value descriptor, int64_t bytes);
  /// A struct of `count` f32, and what one has.
  mlir::Type getSums(int64_t count);
  llvm::SmallVector<mlir::Value> split(mlir::Value sums);
  /// The same struct; no use of it may stand above this.
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

  void guard(mlir::Value condition, llvm::function_ref<void()> body);

private:
  mlir::gpu::GPUFuncOp function;
};
} // namespace mopt

#endif // MOPT_LIB_CODEGEN_GRID_WARPGROUPBUILDER_H

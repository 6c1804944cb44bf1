//===- WarpgroupBuilder.h - groups of warps and the copy engine -*- C++ -*-===//
//
// Kernels in which groups of four warps have different tasks: shared memory of
// their own layout, barriers there that count arrivals and bytes, boxes that the
// copy engine moves, and descriptors of matrices.
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
  /// The same numbers, of type f32: what computes them stays above this, what
  /// uses the result below.
  llvm::SmallVector<mlir::Value> tie(llvm::ArrayRef<mlir::Value> numbers);
  /// The same struct of such numbers.
  mlir::Value tie(mlir::Value structure);

  void guard(mlir::Value condition, llvm::function_ref<void()> body);

private:
  mlir::gpu::GPUFuncOp function;
};
} // namespace mopt

#endif // MOPT_LIB_CODEGEN_GRID_WARPGROUPBUILDER_H

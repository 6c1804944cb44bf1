//===- WarpgroupBuilder.h - copies and products of a block ------*- C++ -*-===//
//
// What kernels for the device's copy engine and for groups of four warps have
// in common: maps of tensors, barriers in shared memory, and descriptors of
// matrices there. Addresses in shared memory are words of 32 bits.
//
//===----------------------------------------------------------------------===//

#ifndef MOPT_LIB_CODEGEN_GRID_WARPGROUPBUILDER_H
#define MOPT_LIB_CODEGEN_GRID_WARPGROUPBUILDER_H

#include "LaunchShape.h"
#include "WordBuilder.h"

#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"

namespace mopt {
class WarpgroupBuilder : public WordBuilder {
public:
  WarpgroupBuilder(mlir::OpBuilder &b, mlir::gpu::GPUFuncOp function)
      : WordBuilder(b, function.getLoc()), function(function) {}

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
  void guard(mlir::Value condition, llvm::function_ref<void()> body);

  /// Adds the parameter of a map of the copy engine, for the buffer that it
  /// names; its address.
  mlir::Value addMap(TensorMap &map, LaunchShape &shape);
  /// Brings the map itself to the engine.
  void prefetch(mlir::Value map);
  /// The address of the shared memory that the launch asks for, a multiple of
  /// 1024. A block may have up to 1023 bytes less than it asked for.
  mlir::Value getShared();
  /// In shared memory, of this block or of block `rank` of its cluster.
  mlir::Value getPointer(mlir::Value address);
  mlir::Value getPointer(mlir::Value address, mlir::Value rank);

  /// A barrier that `count` arrivals, and the bytes expected, complete.
  void initialize(mlir::Value barrier, int64_t count);
  /// Arrives, and lets the barrier wait for `bytes` bytes of copies.
  void expect(mlir::Value barrier, int64_t bytes);
  void arrive(mlir::Value barrier);
  void wait(mlir::Value barrier, mlir::Value parity);
  /// Copies the box at `coordinates` to `to`; its bytes count for `barrier`.
  /// From a map of windows what lies at `offsets`, of 16 bits, in each of those
  /// from there on.
  void load(mlir::Value map, mlir::Value to, mlir::Value barrier,
            mlir::ValueRange coordinates, mlir::ValueRange offsets = {});
  /// `threads` threads of the block meet at its barrier `number`, which is not
  /// 0; all at 0 threads.
  void meet(int64_t number, int64_t threads);
  /// All threads of the cluster meet, and see what the others wrote.
  void meetCluster();

  /// The descriptor of a matrix at `address` whose rows of 128 bytes lie in the
  /// copy engine's pattern; `distance` is that of neighbouring groups of 64
  /// columns in bytes, 0 where rows are along the depth.
  mlir::Value describe(mlir::Value address, int64_t distance);
  /// That of what lies `bytes` bytes behind.
  mlir::Value advance(mlir::Value descriptor, int64_t bytes);

  /// Takes away the wait for the kernel before this one at the kernel's begin,
  /// if there is one; says so. Whoever takes it waits in every thread before it
  /// reads what other kernels write.
  bool takeWait();
  void waitForKernel();

  mlir::gpu::GPUFuncOp function;
};
} // namespace mopt

#endif // MOPT_LIB_CODEGEN_GRID_WARPGROUPBUILDER_H

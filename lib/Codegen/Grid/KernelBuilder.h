//===- KernelBuilder.h - kernels and their launches -------------*- C++ -*-===//

#ifndef MOPT_LIB_CODEGEN_GRID_KERNELBUILDER_H
#define MOPT_LIB_CODEGEN_GRID_KERNELBUILDER_H

#include "LaunchShape.h"

#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/IRMapping.h"
#include "llvm/ADT/SetVector.h"

namespace mopt {
/// The values that a kernel gets, and the ops that it repeats to compute
/// others.
struct Captures {
  llvm::SetVector<mlir::Value> arguments;
  llvm::SetVector<mlir::Operation *> repeated;

  void add(mlir::Value value);
  /// What `op` uses from outside.
  void addAllOf(mlir::Operation *op);
};

class KernelBuilder {
public:
  /// Kernels are added to `device`. If it `overlaps`, they begin while the ones
  /// before them run.
  KernelBuilder(mlir::gpu::GPUModuleOp device, bool overlaps)
      : device(device), overlaps(overlaps) {}

  /// A kernel with `captures` as its arguments, empty. Those whose elements do
  /// not lie one after the other become what describes them, in front of `op`.
  llvm::FailureOr<mlir::gpu::GPUFuncOp> createKernel(mlir::Operation *op,
                                                     Captures &captures,
                                                     mlir::IRMapping &mapping);
  void createLaunch(mlir::OpBuilder &b, mlir::Location loc,
                    mlir::gpu::GPUFuncOp kernel, const Captures &captures,
                    const LaunchShape &shape);
  /// The device has constants of kernels of its own.
  void addConstant(mlir::memref::GetGlobalOp use);

private:
  /// What the runtime reads as MoptLaunchDesc.
  llvm::SmallVector<int64_t> describeLaunch(const LaunchShape &shape) const;

  mlir::gpu::GPUModuleOp device;
  bool overlaps;
  unsigned kernels = 0;
};
} // namespace mopt

#endif // MOPT_LIB_CODEGEN_GRID_KERNELBUILDER_H

//===- GridBuilder.h - the body of a kernel on a grid -----------*- C++ -*-===//
//
// Index arithmetic of threads whose sizes are all static. Quotients are taken
// in 32 bits: those of 64 are dozens of instructions on the machines that have
// grids.
//
//===----------------------------------------------------------------------===//

#ifndef MOPT_LIB_CODEGEN_GRID_GRIDBUILDER_H
#define MOPT_LIB_CODEGEN_GRID_GRIDBUILDER_H

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/AffineMap.h"
#include "mlir/IR/Builders.h"

namespace mopt {
class GridBuilder {
public:
  GridBuilder(mlir::OpBuilder &b, mlir::Location loc) : b(b), loc(loc) {}

  mlir::Value index(int64_t value);
  mlir::Value add(mlir::Value x, mlir::Value y);
  mlir::Value add(mlir::Value x, int64_t y) { return add(x, index(y)); }
  mlir::Value mul(mlir::Value x, int64_t y);
  /// Of numbers below 2^32.
  mlir::Value div(mlir::Value x, int64_t y);
  mlir::Value rem(mlir::Value x, int64_t y);
  /// x < y.
  mlir::Value below(mlir::Value x, int64_t y);
  /// The smaller of both.
  mlir::Value clamp(mlir::Value x, int64_t y);

  mlir::Value thread();
  mlir::Value block(mlir::gpu::Dimension dimension = mlir::gpu::Dimension::x);
  /// The number of this thread in the grid of one dimension.
  mlir::Value globalThread(int64_t threadsPerBlock);

  /// The coordinates of element `number` of row-major `sizes`.
  llvm::SmallVector<mlir::Value> split(mlir::Value number,
                                       llvm::ArrayRef<int64_t> sizes);
  /// The results of `map` at `dims`.
  llvm::SmallVector<mlir::Value> apply(mlir::AffineMap map,
                                       mlir::ValueRange dims);
  /// What `value`, a memref, holds at `map` of `dims`; another value as it is.
  mlir::Value load(mlir::Value value, mlir::AffineMap map,
                   mlir::ValueRange dims);

  /// Calls `body` for the numbers below `count`, with values that it passes on.
  llvm::SmallVector<mlir::Value>
  loop(int64_t count, int64_t step, mlir::ValueRange initial,
       llvm::function_ref<llvm::SmallVector<mlir::Value>(mlir::Value,
                                                         mlir::ValueRange)>
           body);
  /// The same, through all points of `sizes` in row-major order.
  llvm::SmallVector<mlir::Value>
  nest(llvm::ArrayRef<int64_t> sizes, mlir::ValueRange initial,
       llvm::function_ref<llvm::SmallVector<mlir::Value>(mlir::ValueRange,
                                                         mlir::ValueRange)>
           body);
  /// Emits `body` where `condition` holds; a null condition always does.
  void guard(mlir::Value condition, llvm::function_ref<void()> body);

  /// All threads of a block meet here.
  void barrier();

  mlir::OpBuilder &b;
  mlir::Location loc;
};

/// The product of `sizes`.
int64_t countElements(llvm::ArrayRef<int64_t> sizes);
} // namespace mopt

#endif // MOPT_LIB_CODEGEN_GRID_GRIDBUILDER_H

//===- LaneSums.h - sums of the threads of a block --------------*- C++ -*-===//

#ifndef MOPT_LIB_CODEGEN_GRID_LANESUMS_H
#define MOPT_LIB_CODEGEN_GRID_LANESUMS_H

#include "GridBuilder.h"

namespace mopt {
/// Combines partial sums of threads, in an order that does not change.
class LaneSums {
public:
  /// `combiner` has two operands, of 32 or 64 bits (see findCombiner).
  LaneSums(GridBuilder &g, mlir::Operation *combiner)
      : g(g), combiner(combiner) {}

  mlir::Value combine(mlir::Value x, mlir::Value y);
  /// The sum of all lanes of the warp.
  mlir::Value addLanes(mlir::Value sum);
  /// That of `warps` warps, which are the block and of which each has `sum`.
  mlir::Value addWarps(mlir::Value sum, mlir::Value thread, int64_t warps,
                       mlir::gpu::GPUFuncOp function);

private:
  /// The value of the lane whose number differs in the bit `distance`.
  mlir::Value exchange(mlir::Value value, int64_t distance);

  GridBuilder &g;
  mlir::Operation *combiner;
};
} // namespace mopt

#endif // MOPT_LIB_CODEGEN_GRID_LANESUMS_H

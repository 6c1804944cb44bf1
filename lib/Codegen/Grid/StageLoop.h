//===- StageLoop.h - a product while its sides are copied -------*- C++ -*-===//

#ifndef MOPT_LIB_CODEGEN_GRID_STAGELOOP_H
#define MOPT_LIB_CODEGEN_GRID_STAGELOOP_H

#include "SharedBuilder.h"

namespace mopt {
/// What a block copies to shared memory for some steps of the depth, a stage.
class StageSource {
public:
  virtual ~StageSource();
  /// Begins to copy from step `k` on, an index, to the stage at `slot`, a word.
  virtual void copy(mlir::Value k, mlir::Value slot) = 0;
  /// What has to pass through registers; and to the stage.
  virtual llvm::SmallVector<mlir::Value> load(mlir::Value k) = 0;
  virtual void store(mlir::ValueRange loaded, mlir::Value slot) = 0;
};

/// So many stages of `steps` steps of a depth are in shared memory, each of
/// `size` bytes.
struct StageLoop {
  int64_t depth, steps, stages, size;

  /// Calls `multiply` for all stages one after the other, each the word where
  /// it begins, with sums that it passes on, from `sums` on; the next ones are
  /// copied meanwhile.
  llvm::SmallVector<mlir::Value>
  run(GridBuilder &g, SharedBuilder &s, StageSource &source,
      llvm::SmallVector<mlir::Value> sums,
      llvm::function_ref<void(mlir::Value,
                              llvm::SmallVectorImpl<mlir::Value> &)>
          multiply) const;
};
} // namespace mopt

#endif // MOPT_LIB_CODEGEN_GRID_STAGELOOP_H

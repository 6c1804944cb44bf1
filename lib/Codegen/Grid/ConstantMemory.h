//===- ConstantMemory.h - what no kernel writes -----------------*- C++ -*-===//

#ifndef MOPT_LIB_CODEGEN_GRID_CONSTANTMEMORY_H
#define MOPT_LIB_CODEGEN_GRID_CONSTANTMEMORY_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/ADT/DenseSet.h"

namespace mopt {
/// Buffers of a module on level buffer that are weights, in every call of the
/// function that has them.
class ConstantMemory {
public:
  explicit ConstantMemory(mlir::ModuleOp module);

  bool holds(mlir::Value buffer) const;

private:
  /// Arguments of functions that may be something else.
  llvm::DenseSet<mlir::Value> others;
};
} // namespace mopt

#endif // MOPT_LIB_CODEGEN_GRID_CONSTANTMEMORY_H

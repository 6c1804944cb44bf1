//===- Packing.h - how a constant was packed --------------------*- C++ -*-===//

#ifndef MOPT_CODEGEN_PACKING_H
#define MOPT_CODEGEN_PACKING_H

#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/BuiltinOps.h"
#include <optional>

namespace mopt {

/// A packed matrix: see MoptRepack.
struct Packing {
  int64_t batches = 1, depth = 0, width = 0, columns = 0, interleave = 1;
  /// Of weights of few bits.
  int64_t wordRows = 0, scaleBytes = 0, zeroBytes = 0;
  /// What the constant was before values of it were moved elsewhere; null if it
  /// is the matrix itself.
  mlir::ElementsAttr origin;
};

/// Notes how the constant `packed` came about, if `module` keeps that
/// (kPackingsAttr); small constants, which are no resources, are not noted.
void notePacking(mlir::ModuleOp module, mlir::ElementsAttr packed,
                 const Packing &packing);

/// What was noted of `packed`.
std::optional<Packing> getPacking(mlir::ModuleOp module,
                                  mlir::ElementsAttr packed);

} // namespace mopt

#endif // MOPT_CODEGEN_PACKING_H

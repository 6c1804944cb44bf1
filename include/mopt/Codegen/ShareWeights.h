//===- ShareWeights.h - one copy of weights for all variants ----*- C++ -*-===//

#ifndef MOPT_CODEGEN_SHAREWEIGHTS_H
#define MOPT_CODEGEN_SHAREWEIGHTS_H

#include "mlir/IR/BuiltinOps.h"

namespace mopt {

/// Gives modules of level buffer, variants of one model with the preferred ones
/// first, weights that they have in common: equal bytes once, and of a matrix
/// that variants pack differently one form, out of which the others are made
/// when a model is (MoptRepack). How a matrix is packed is in kPackingsAttr,
/// which goes. Fails with a diagnostic where the weights are not those of
/// mopt-plan-memory.
mlir::LogicalResult shareWeights(llvm::ArrayRef<mlir::ModuleOp> variants);

} // namespace mopt

#endif // MOPT_CODEGEN_SHAREWEIGHTS_H

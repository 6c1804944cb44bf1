//===- Passes.h -------------------------------------------------*- C++ -*-===//

#ifndef MOPT_CODEGEN_PASSES_H
#define MOPT_CODEGEN_PASSES_H

#include "mlir/Pass/Pass.h"

namespace mopt {
#define GEN_PASS_DECL
#include "mopt/Codegen/Passes.h.inc"

#define GEN_PASS_REGISTRATION
#include "mopt/Codegen/Passes.h.inc"
} // namespace mopt

#endif // MOPT_CODEGEN_PASSES_H

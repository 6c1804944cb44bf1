//===- Passes.h -------------------------------------------------*- C++ -*-===//

#ifndef MOPT_CONVERSION_PASSES_H
#define MOPT_CONVERSION_PASSES_H

#include "mlir/Pass/Pass.h"

namespace mopt {
#define GEN_PASS_DECL
#include "mopt/Conversion/Passes.h.inc"

#define GEN_PASS_REGISTRATION
#include "mopt/Conversion/Passes.h.inc"
} // namespace mopt

#endif // MOPT_CONVERSION_PASSES_H

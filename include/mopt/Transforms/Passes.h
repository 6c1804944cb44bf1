//===- Passes.h -------------------------------------------------*- C++ -*-===//

#ifndef MOPT_TRANSFORMS_PASSES_H
#define MOPT_TRANSFORMS_PASSES_H

#include "mopt/Dialect/Mopt/IR/Mopt.h"

#include "mlir/Pass/Pass.h"

namespace mopt {
#define GEN_PASS_DECL
#include "mopt/Transforms/Passes.h.inc"

#define GEN_PASS_REGISTRATION
#include "mopt/Transforms/Passes.h.inc"
} // namespace mopt

#endif // MOPT_TRANSFORMS_PASSES_H

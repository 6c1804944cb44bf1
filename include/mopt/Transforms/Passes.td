//===- Passes.td --------------------------------------------*- tablegen -*-===//

#ifndef MOPT_TRANSFORMS_PASSES_TD
#define MOPT_TRANSFORMS_PASSES_TD

include "mlir/Pass/PassBase.td"

#endif // MOPT_TRANSFORMS_PASSES_TD

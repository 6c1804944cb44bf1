//===- Passes.td --------------------------------------------*- tablegen -*-===//

#ifndef MOPT_CONVERSION_PASSES_TD
#define MOPT_CONVERSION_PASSES_TD

include "mlir/Pass/PassBase.td"

#endif // MOPT_CONVERSION_PASSES_TD

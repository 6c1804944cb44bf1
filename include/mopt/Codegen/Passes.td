//===- Passes.td --------------------------------------------*- tablegen -*-===//

#ifndef MOPT_CODEGEN_PASSES_TD
#define MOPT_CODEGEN_PASSES_TD

include "mlir/Pass/PassBase.td"

#endif // MOPT_CODEGEN_PASSES_TD

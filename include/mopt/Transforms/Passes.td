//===- Passes.td --------------------------------------------*- tablegen -*-===//

#ifndef MOPT_TRANSFORMS_PASSES_TD
#define MOPT_TRANSFORMS_PASSES_TD

include "mlir/Pass/PassBase.td"

def AssignTarget : Pass<"mopt-assign-target", "::mlir::ModuleOp"> {
  let summary = "put the machine that code is made for on the module";
  let description = [{
    Turns a row of the target tables, or a triple, processor and features,
    into the module attribute `mopt.target`. With no option a target that the
    module has already stays, and a module without one gets `native`.
  }];
  let options = [
    Option<"target", "target", "std::string", "", "name of a target row, or native">,
    Option<"triple", "triple", "std::string", "", "triple of a machine without a row">,
    Option<"cpu", "cpu", "std::string", "", "its LLVM processor name">,
    Option<"features", "features", "std::string", "", "its features, +a,-b">];
  let dependentDialects = ["::mopt::MoptDialect"];
}

#endif // MOPT_TRANSFORMS_PASSES_TD

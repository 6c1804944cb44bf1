// Every dialect, pass and pipeline that the tools know, registered in one place.
#include "mopt/InitAll.h"

#include "mopt/Codegen/Passes.h"
#include "mopt/Conversion/Passes.h"
#include "mopt/Dialect/Mopt/IR/Mopt.h"
#include "mopt/Dialect/ONNX/IR/ONNX.h"
#include "mopt/Pipelines/Pipelines.h"
#include "mopt/Transforms/Passes.h"

#include "mlir/InitAllDialects.h"
#include "mlir/InitAllExtensions.h"
#include "mlir/InitAllPasses.h"
#include "mlir/Target/LLVMIR/Dialect/All.h"

void mopt::registerAllDialects(mlir::DialectRegistry &registry) {
  mlir::registerAllDialects(registry);
  mlir::registerAllExtensions(registry);
  mlir::registerAllToLLVMIRTranslations(registry);
  registry.insert<mopt::onnx::ONNXDialect, mopt::MoptDialect>();
}

void mopt::registerAllPasses() {
  mlir::registerAllPasses();
  registerMoptConversionPasses();
  registerMoptTransformsPasses();
  registerMoptCodegenPasses();
  registerPipelines();
}

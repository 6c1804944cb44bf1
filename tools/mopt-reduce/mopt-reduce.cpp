// mopt-reduce: makes IR that shows a defect smaller while a script says that it
// still does.
#include "mopt/Driver/CompileOptions.h"
#include "mopt/InitAll.h"

#include "mlir/IR/DialectRegistry.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/Tools/mlir-reduce/MlirReduceMain.h"
#include "llvm/Support/CommandLine.h"

int main(int argc, char **argv) {
  llvm::cl::SetVersionPrinter(mopt::printVersion);
  mopt::registerAllPasses();
  mlir::DialectRegistry registry;
  mopt::registerAllDialects(registry);
  mlir::MLIRContext context(registry);
  return failed(mlir::mlirReduceMain(argc, argv, context));
}

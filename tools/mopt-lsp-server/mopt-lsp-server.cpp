// mopt-lsp-server: what an editor asks about IR of any level, over the language
// server protocol on the standard streams.
#include "mopt/Driver/CompileOptions.h"
#include "mopt/InitAll.h"

#include "mlir/IR/DialectRegistry.h"
#include "mlir/Tools/mlir-lsp-server/MlirLspServerMain.h"
#include "llvm/Support/CommandLine.h"

int main(int argc, char **argv) {
  llvm::cl::SetVersionPrinter(mopt::printVersion);
  mlir::DialectRegistry registry;
  mopt::registerAllDialects(registry);
  return failed(mlir::MlirLspServerMain(argc, argv, registry));
}

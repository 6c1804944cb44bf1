// mopt-opt: runs passes and pipelines on any IR level.
#include "mopt/Conversion/ONNXToMopt/HandlerRegistry.h"
#include "mopt/Driver/CompileOptions.h"
#include "mopt/InitAll.h"
#include "mopt/Target/TargetRegistry.h"

#include "mlir/Tools/mlir-opt/MlirOptMain.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/CommandLine.h"

int main(int argc, char **argv) {
  llvm::cl::SetVersionPrinter(mopt::printVersion);
  if (argc == 2 && llvm::StringRef(argv[1]) == "--mopt-list-targets") {
    mopt::printTargets(llvm::outs());
    return 0;
  }
  if (argc == 2 && llvm::StringRef(argv[1]) == "--mopt-list-onnx-ops") {
    mopt::printOperators(llvm::outs());
    return 0;
  }
  mlir::DialectRegistry registry;
  mopt::registerAllDialects(registry);
  mopt::registerAllPasses();
  return mlir::asMainReturnCode(
      mlir::MlirOptMain(argc, argv, "mopt optimizer driver\n", registry));
}

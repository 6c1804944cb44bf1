// mopt-opt: runs passes and pipelines on any IR level.
#include "mopt/InitAll.h"

#include "mlir/Tools/mlir-opt/MlirOptMain.h"

int main(int argc, char **argv) {
  mlir::DialectRegistry registry;
  mopt::registerAllDialects(registry);
  mopt::registerAllPasses();
  return mlir::asMainReturnCode(
      mlir::MlirOptMain(argc, argv, "mopt optimizer driver\n", registry));
}

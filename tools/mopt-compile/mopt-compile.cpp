// mopt-compile: an ONNX model, or IR of any level, to artefacts.
#include "mopt/Driver/Compile.h"

int main(int argc, char **argv) {
  return mopt::runCompileTool(
      llvm::ArrayRef<const char *>(argv + 1, argc > 0 ? argc - 1 : 0));
}

// One level to the next: the pipeline between them, under the eyes of the
// crash handler.
#include "Compilation.h"

#include "CrashHandler.h"

#include "mlir/Pass/PassInstrumentation.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Pass/PassRegistry.h"

using namespace mlir;
using namespace mopt;

namespace {
/// Names the pass that a crash happened in.
struct CrashStepInstrumentation : PassInstrumentation {
  explicit CrashStepInstrumentation(StringRef level) : level(level) {}
  void runBeforePass(Pass *pass, Operation *op) override {
    StringRef name = pass->getArgument();
    if (!name.empty())
      noteCrashStep((level + ", pass " + name).str());
  }
  std::string level;
};
} // namespace

/// The registered pipeline that starts at a level.
static StringRef getPipelineName(Level from) {
  switch (from) {
  case Level::ONNX:
    return "mopt-graph-pipeline";
  case Level::Graph:
    return "mopt-legalize-pipeline";
  case Level::Legal:
    return "mopt-kernel-pipeline";
  case Level::Kernels:
    return "mopt-structured-pipeline";
  case Level::Structured:
    return "mopt-codegen-pipeline";
  case Level::Vector:
    return "mopt-buffer-pipeline";
  default:
    return "mopt-lower-pipeline";
  }
}

LogicalResult mopt::raiseLevel(ModuleOp module, Level from,
                               const CompileOptions &options) {
  PassManager passes(module.getContext(), ModuleOp::getOperationName());
  Level to = static_cast<Level>(static_cast<int>(from) + 1);
  passes.addInstrumentation(
      std::make_unique<CrashStepInstrumentation>(getLevelName(to)));
  if (failed(parsePassPipeline(getPipelineName(from), passes)))
    return module.emitError()
           << "no pipeline from level '" << getLevelName(from) << "' on";
  return passes.run(module);
}

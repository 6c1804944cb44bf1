// One level to the next: the pipeline between them, under the eyes of the
// crash handler.
#include "Compilation.h"

#include "CrashHandler.h"

#include "mopt/Pipelines/Pipelines.h"
#include "mopt/Target/TargetRegistry.h"

#include "mlir/Pass/PassInstrumentation.h"
#include "mlir/Pass/PassManager.h"

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

/// Adds the passes that start at a level.
static void buildPipeline(Level from, OpPassManager &passes,
                          const PipelineOptions &options) {
  switch (from) {
  case Level::ONNX:
    return buildGraphPipeline(passes, options);
  case Level::Graph:
    return buildLegalizePipeline(passes, options);
  case Level::Legal:
    return buildKernelPipeline(passes, options);
  case Level::Kernels:
    return buildStructuredPipeline(passes, options);
  case Level::Structured:
    return buildCodegenPipeline(passes, options);
  case Level::Vector:
    return buildBufferPipeline(passes, options);
  default:
    return buildLowerPipeline(passes, options);
  }
}

static PipelineOptions getPipelineOptions(ModuleOp module,
                                          const CompileOptions &options) {
  PipelineOptions pipeline;
  pipeline.optLevel = options.optLevel;
  pipeline.reference = options.referencePipeline;
  pipeline.numerics = options.numerics;
  pipeline.quantize = options.quantize;
  pipeline.precision = options.precision;
  pipeline.sparsity = options.sparsity;
  pipeline.prune = options.prune;
  if (!options.maxDrop.empty())
    (void)StringRef(options.maxDrop).getAsDouble(pipeline.maxDrop);
  pipeline.equalize = options.equalize;
  pipeline.instrumentRanges = options.instrument == "ranges";
  pipeline.remarks = options.verbose;
  pipeline.profile = options.profile;
  if (TargetAttr target = TargetAttr::lookup(module))
    pipeline.device = isDevice(TargetInfo(target));
  return pipeline;
}

LogicalResult mopt::raiseLevel(ModuleOp module, Level from,
                               const CompileOptions &options) {
  PassManager passes(module.getContext(), ModuleOp::getOperationName());
  Level to = static_cast<Level>(static_cast<int>(from) + 1);
  passes.addInstrumentation(
      std::make_unique<CrashStepInstrumentation>(getLevelName(to)));
  buildPipeline(from, passes, getPipelineOptions(module, options));
  return passes.run(module);
}

void mopt::loadDialects(ModuleOp module, Level from, Level to,
                        const CompileOptions &options) {
  DialectRegistry registry;
  for (Level level = from; level < to;
       level = static_cast<Level>(static_cast<int>(level) + 1)) {
    OpPassManager passes(ModuleOp::getOperationName());
    buildPipeline(level, passes, getPipelineOptions(module, options));
    passes.getDependentDialects(registry);
  }
  MLIRContext *context = module.getContext();
  context->appendDialectRegistry(registry);
  for (StringRef name : registry.getDialectNames())
    context->getOrLoadDialect(name);
}

// LLVM IR in and out: LLVM's own pipeline of the asked level, with a
// sanitizer's instrumentation at its end.
#include "mopt/Target/Emission.h"

#include "llvm/Analysis/CGSCCPassManager.h"
#include "llvm/Analysis/LoopAnalysisManager.h"
#include "llvm/IR/Module.h"
#include "llvm/Passes/PassBuilder.h"
#include "llvm/Target/TargetMachine.h"
#include "llvm/Transforms/IPO/GlobalDCE.h"
#include "llvm/Transforms/Instrumentation/AddressSanitizer.h"
#include "llvm/Transforms/Instrumentation/ThreadSanitizer.h"

using namespace mopt;

static void addSanitizer(llvm::Module &module, llvm::PassBuilder &builder,
                         Sanitizer sanitizer) {
  if (sanitizer == Sanitizer::None)
    return;
  bool address = sanitizer == Sanitizer::Address;
  for (llvm::Function &function : module)
    if (!function.isDeclaration())
      function.addFnAttr(address ? llvm::Attribute::SanitizeAddress
                                 : llvm::Attribute::SanitizeThread);
  builder.registerOptimizerLastEPCallback(
      [address](llvm::ModulePassManager &passes, llvm::OptimizationLevel,
                llvm::ThinOrFullLTOPhase) {
        if (address) {
          passes.addPass(
              llvm::AddressSanitizerPass(llvm::AddressSanitizerOptions()));
          return;
        }
        passes.addPass(llvm::ModuleThreadSanitizerPass());
        passes.addPass(
            createModuleToFunctionPassAdaptor(llvm::ThreadSanitizerPass()));
      });
}

void mopt::optimizeModule(llvm::Module &module, llvm::TargetMachine &machine,
                          const EmissionOptions &options) {
  llvm::PipelineTuningOptions tuning;
  tuning.LoopVectorization = tuning.SLPVectorization = options.optLevel > 1;
  // Micro-kernels come unrolled; what LLVM would unroll besides is mostly copies,
  // and made most of the code and of the time to compile it.
  tuning.LoopUnrolling = false;
  llvm::LoopAnalysisManager loops;
  llvm::FunctionAnalysisManager functions;
  llvm::CGSCCAnalysisManager sccs;
  llvm::ModuleAnalysisManager modules;
  llvm::PassBuilder builder(&machine, tuning);
  addSanitizer(module, builder, options.sanitizer);
  builder.registerModuleAnalyses(modules);
  builder.registerCGSCCAnalyses(sccs);
  builder.registerFunctionAnalyses(functions);
  builder.registerLoopAnalyses(loops);
  builder.crossRegisterProxies(loops, functions, sccs, modules);

  static const llvm::OptimizationLevel levels[] = {
      llvm::OptimizationLevel::O0, llvm::OptimizationLevel::O1,
      llvm::OptimizationLevel::O2, llvm::OptimizationLevel::O3};
  llvm::OptimizationLevel level = levels[options.optLevel];
  llvm::ModulePassManager passes =
      options.optLevel == 0 ? builder.buildO0DefaultPipeline(level)
                            : builder.buildPerModuleDefaultPipeline(level);
  passes.run(module, modules);
}

void mopt::removeUnused(llvm::Module &module) {
  llvm::ModuleAnalysisManager modules;
  llvm::PassBuilder().registerModuleAnalyses(modules);
  llvm::ModulePassManager passes;
  passes.addPass(llvm::GlobalDCEPass());
  passes.run(module, modules);
}

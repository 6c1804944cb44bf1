// A pass that says how many contractions each kernel has.
#include "mopt/Dialect/Mopt/IR/Mopt.h"
#include "mopt/Support/Attributes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Pass/Pass.h"
#include "mlir/Tools/Plugins/PassPlugin.h"

using namespace mlir;

namespace {
struct CountOps : PassWrapper<CountOps, OperationPass<ModuleOp>> {
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(CountOps)

  StringRef getArgument() const override { return "example-count-ops"; }
  StringRef getDescription() const override {
    return "remark on the contractions of kernels";
  }
  void runOnOperation() override {
    for (auto func : getOperation().getOps<func::FuncOp>()) {
      int count = 0;
      func.walk([&](mopt::MatmulOp) { ++count; });
      if (func->hasAttr(mopt::kKernelAttr))
        func.emitRemark() << count << " contractions";
    }
  }
};
} // namespace

extern "C" LLVM_ATTRIBUTE_WEAK PassPluginLibraryInfo mlirGetPassPluginInfo() {
  return {MLIR_PLUGIN_API_VERSION, "CountOps", LLVM_VERSION_STRING,
          [] { PassRegistration<CountOps>(); }};
}

// L0 in and out. Guarantees that the module carries #mopt.target, from a row
// or from a triple, processor and features; nothing else changes.
#include "mopt/Target/TargetRegistry.h"
#include "mopt/Transforms/Passes.h"

#include "mlir/IR/BuiltinOps.h"

namespace mopt {
#define GEN_PASS_DEF_ASSIGNTARGET
#include "mopt/Transforms/Passes.h.inc"
} // namespace mopt

using namespace mopt;

namespace {
struct AssignTarget : impl::AssignTargetBase<AssignTarget> {
  using AssignTargetBase::AssignTargetBase;

  void runOnOperation() override {
    mlir::ModuleOp module = getOperation();
    bool custom = !triple.empty() || !cpu.empty() || !features.empty();
    if (custom && !target.empty()) {
      module.emitError() << "a target name excludes a triple, processor and "
                            "features, found '"
                         << target << "' with both";
      return signalPassFailure();
    }
    if (!custom && target.empty() &&
        module->hasAttr(TargetAttr::kModuleAttr))
      return markAllAnalysesPreserved();
    llvm::Expected<TargetInfo> info =
        custom ? describeTarget(triple, cpu, features)
               : lookupTarget(target.empty() ? "native" : target.getValue());
    if (!info) {
      module.emitError() << llvm::toString(info.takeError());
      return signalPassFailure();
    }
    module->setAttr(TargetAttr::kModuleAttr, info->toAttr(&getContext()));
  }
};
} // namespace

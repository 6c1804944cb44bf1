// L7 in, optimized LLVM IR out: one module that holds the model and the
// runtime, in which only the models' entries are visible and every function is
// tuned for the module's machine.
#include "mopt/Target/Emission.h"
#include "mopt/Target/TargetRegistry.h"

#include "mlir/Target/LLVMIR/Dialect/All.h"
#include "mlir/Target/LLVMIR/Export.h"
#include "llvm/Bitcode/BitcodeReader.h"
#include "llvm/IR/DiagnosticInfo.h"
#include "llvm/IR/DiagnosticPrinter.h"
#include "llvm/IR/LLVMContext.h"
#include "llvm/IR/Module.h"
#include "llvm/IR/Verifier.h"
#include "llvm/Linker/Linker.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Target/TargetMachine.h"
#include "llvm/Transforms/IPO/Internalize.h"

using namespace mlir;
using namespace mopt;

static constexpr llvm::StringLiteral kEntryPrefix = "mopt_model_";

namespace {
/// Turns LLVM's errors into diagnostics at the module while it lives.
class DiagnosticBridge final : public llvm::DiagnosticHandler {
public:
  explicit DiagnosticBridge(Location loc) : loc(loc) {}
  bool handleDiagnostics(const llvm::DiagnosticInfo &info) override {
    if (info.getSeverity() == llvm::DS_Error) {
      std::string text;
      llvm::raw_string_ostream os(text);
      llvm::DiagnosticPrinterRawOStream printer(os);
      info.print(printer);
      mlir::emitError(loc) << "LLVM: " << text;
    }
    return true;
  }

private:
  Location loc;
};
} // namespace

/// The processor's attributes go on every function alike: the runtime was
/// compiled for the plainest one.
static void tuneFunctions(llvm::Module &module, const TargetInfo &target) {
  const TargetBackend *backend =
      getTargetBackend(llvm::Triple(target.triple));
  for (llvm::Function &function : module) {
    for (llvm::StringRef name : {"target-cpu", "target-features", "tune-cpu"})
      function.removeFnAttr(name);
    if (function.isDeclaration())
      continue;
    function.addFnAttr("target-cpu", target.cpu);
    function.addFnAttr("target-features", target.features);
    function.addFnAttr("tune-cpu", target.tune);
    // No language here has exceptions, and nothing unwinds.
    function.setDoesNotThrow();
    backend->tuneFunction(function, target);
  }
}

static LogicalResult linkRuntime(ModuleOp op, llvm::Module &module,
                                 StringRef bitcode) {
  if (bitcode.empty())
    return success();
  llvm::Expected<std::unique_ptr<llvm::Module>> runtime =
      llvm::parseBitcodeFile(llvm::MemoryBufferRef(bitcode, "runtime"),
                             module.getContext());
  if (!runtime)
    return op.emitError() << "cannot read the runtime: "
                          << llvm::toString(runtime.takeError());
  (*runtime)->setDataLayout(module.getDataLayout());
  (*runtime)->setTargetTriple(module.getTargetTriple());
  // The file it was compiled from is nobody's business.
  (*runtime)->setSourceFileName("mopt");
  if (llvm::Linker::linkModules(module, std::move(*runtime)))
    return op.emitError() << "cannot link the runtime";
  return success();
}

static SmallVector<llvm::Function *> findEntries(llvm::Module &module) {
  SmallVector<llvm::Function *> entries;
  for (llvm::Function &function : module)
    if (!function.isDeclaration() && !function.hasLocalLinkage() &&
        function.getName().starts_with(kEntryPrefix))
      entries.push_back(&function);
  return entries;
}

static void hideSymbols(llvm::Module &module,
                        ArrayRef<llvm::Function *> entries) {
  // The short name is for shared libraries only, and added to them in the end.
  if (llvm::Function *plain = module.getFunction("mopt_model"))
    plain->eraseFromParent();
  llvm::internalizeModule(module, [&](const llvm::GlobalValue &value) {
    return llvm::is_contained(entries, &value);
  });
  for (llvm::Function *entry : entries) {
    entry->setVisibility(llvm::GlobalValue::DefaultVisibility);
    entry->setDSOLocal(false);
  }
  // Defined by an assembler directive in this very object.
  if (llvm::GlobalVariable *weights =
          module.getGlobalVariable(WeightsBlob::kSymbol)) {
    weights->setVisibility(llvm::GlobalValue::DefaultVisibility);
    weights->setDSOLocal(true);
    weights->setAlignment(llvm::Align(WeightsBlob::kAlignment));
  }
}

FailureOr<std::unique_ptr<llvm::Module>>
mopt::generateLLVM(ModuleOp op, llvm::LLVMContext &context,
                   const TargetInfo &target, llvm::TargetMachine &machine,
                   const EmissionOptions &options) {
  DialectRegistry registry;
  registerAllToLLVMIRTranslations(registry);
  op.getContext()->appendDialectRegistry(registry);
  context.setDiagnosticHandler(std::make_unique<DiagnosticBridge>(op.getLoc()));

  std::unique_ptr<llvm::Module> module =
      translateModuleToLLVMIR(op, context, "mopt");
  if (!module)
    return op.emitError() << "cannot be translated to LLVM IR";
  module->setDataLayout(machine.createDataLayout());
  module->setTargetTriple(machine.getTargetTriple());
  module->setSourceFileName("mopt");
  module->setPICLevel(llvm::PICLevel::BigPIC);
  // Found before the runtime's own names come in.
  SmallVector<llvm::Function *> entries = findEntries(*module);
  if (entries.empty())
    return op.emitError() << "defines no model, expected a function '"
                          << kEntryPrefix << "<entry>'";
  auto addRuntime = [&] {
    return linkRuntime(op, *module, options.runtimeBitcode);
  };
  // The runtime was optimized when mopt was built, but must be there to be
  // instrumented.
  bool isInstrumented = options.sanitizer != Sanitizer::None;
  if (isInstrumented && failed(addRuntime()))
    return failure();
  hideSymbols(*module, entries);
  tuneFunctions(*module, target);

  std::string broken;
  llvm::raw_string_ostream os(broken);
  if (llvm::verifyModule(*module, &os))
    return op.emitError() << "broken LLVM IR: " << broken;
  optimizeModule(*module, machine, options);
  if (isInstrumented)
    return module;
  if (failed(addRuntime()))
    return failure();
  hideSymbols(*module, entries);
  tuneFunctions(*module, target);
  removeUnused(*module);
  return module;
}

// L7 modules of one model in, optimized LLVM IR out: one module that holds the
// model's variants and the runtime, in which only the models' entries are
// visible. Every function is tuned for its variant's machine; the runtime, and
// what runs before a variant is chosen, for any machine of the architecture.
#include "mopt/Support/Attributes.h"
#include "mopt/Target/Emission.h"
#include "mopt/Target/TargetRegistry.h"

#include "mlir/Target/LLVMIR/Dialect/All.h"
#include "mlir/Target/LLVMIR/Export.h"
#include "llvm/Bitcode/BitcodeReader.h"
#include "llvm/IR/Constants.h"
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

/// Puts the processor's attributes on every function of a variant, or of the
/// runtime.
static void tuneFunctions(llvm::Module &module, const TargetInfo &target) {
  const TargetBackend *backend =
      getTargetBackend(llvm::Triple(target.triple));
  TargetInfo baseline = getBaseline(target);
  for (llvm::Function &function : module) {
    for (llvm::StringRef name : {"target-cpu", "target-features", "tune-cpu"})
      function.removeFnAttr(name);
    if (function.isDeclaration())
      continue;
    bool runsAnywhere = function.hasFnAttribute(kBaselineAttr);
    function.removeFnAttr(kBaselineAttr);
    const TargetInfo &own = runsAnywhere ? baseline : target;
    function.addFnAttr("target-cpu", own.cpu);
    if (!own.features.empty())
      function.addFnAttr("target-features", own.features);
    function.addFnAttr("tune-cpu", own.tune);
    // No language here has exceptions, and nothing unwinds.
    function.setDoesNotThrow();
    backend->tuneFunction(function, own);
  }
}

static LogicalResult linkRuntime(ModuleOp op, llvm::Module &module,
                                 const TargetInfo &target, StringRef bitcode) {
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
  tuneFunctions(**runtime, getBaseline(target));
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

/// Of every variant but the first only the descriptor is reached, through that
/// of the variant before it.
static void keepDescriptorOnly(llvm::Module &module,
                               ArrayRef<llvm::Function *> entries) {
  for (llvm::Function *entry : entries)
    entry->eraseFromParent();
  hideSymbols(module, {});
}

/// The name of variant `index`'s descriptor while variants are linked.
static std::string getDescriptorName(size_t index) {
  return ("mopt_desc_of_variant_" + Twine(index)).str();
}

/// Makes a list of the descriptors: `next` is their last field.
static void chainDescriptors(llvm::Module &module, size_t count) {
  llvm::Constant *next = nullptr;
  for (size_t i = count; i-- > 0;) {
    llvm::GlobalVariable *global =
        module.getGlobalVariable(getDescriptorName(i), /*AllowInternal=*/true);
    auto *fields = cast<llvm::ConstantStruct>(global->getInitializer());
    SmallVector<llvm::Constant *> values;
    for (llvm::Use &use : fields->operands())
      values.push_back(cast<llvm::Constant>(use));
    if (next)
      values.back() = next;
    global->setInitializer(
        llvm::ConstantStruct::get(fields->getType(), values));
    global->setLinkage(llvm::GlobalValue::InternalLinkage);
    next = global;
  }
}

static FailureOr<std::unique_ptr<llvm::Module>>
translate(ModuleOp op, llvm::LLVMContext &context, const TargetInfo &target,
          llvm::TargetMachine &machine) {
  std::unique_ptr<llvm::Module> module =
      translateModuleToLLVMIR(op, context, "mopt");
  if (!module)
    return op.emitError() << "cannot be translated to LLVM IR";
  module->setDataLayout(machine.createDataLayout());
  module->setTargetTriple(machine.getTargetTriple());
  module->setSourceFileName("mopt");
  module->setPICLevel(llvm::PICLevel::BigPIC);
  tuneFunctions(*module, target);
  return module;
}

FailureOr<std::unique_ptr<llvm::Module>>
mopt::generateLLVM(ArrayRef<Variant> variants, llvm::LLVMContext &context,
                   llvm::TargetMachine &machine,
                   const EmissionOptions &options) {
  ModuleOp first = variants.front().module;
  DialectRegistry registry;
  registerAllToLLVMIRTranslations(registry);
  first.getContext()->appendDialectRegistry(registry);
  context.setDiagnosticHandler(
      std::make_unique<DiagnosticBridge>(first.getLoc()));

  std::unique_ptr<llvm::Module> module;
  SmallVector<llvm::Function *> entries;
  for (auto [index, variant] : llvm::enumerate(variants)) {
    ModuleOp op = variant.module;
    FailureOr<std::unique_ptr<llvm::Module>> translated =
        translate(op, context, variant.target, machine);
    if (failed(translated))
      return failure();
    // Found before the runtime's own names come in.
    SmallVector<llvm::Function *> found = findEntries(**translated);
    if (found.empty())
      return op.emitError() << "defines no model, expected a function '"
                            << kEntryPrefix << "<entry>'";
    if (variants.size() > 1) {
      llvm::GlobalVariable *descriptor =
          (*translated)
              ->getGlobalVariable(kDescriptorSymbol, /*AllowInternal=*/true);
      if (!descriptor)
        return op.emitError()
               << "cannot be one of several variants: expected a global '"
               << kDescriptorSymbol << "'";
      descriptor->setName(getDescriptorName(index));
    }
    if (index == 0) {
      module = std::move(*translated);
      entries = found;
      hideSymbols(*module, entries);
      continue;
    }
    keepDescriptorOnly(**translated, found);
    (*translated)
        ->getGlobalVariable(getDescriptorName(index), /*AllowInternal=*/true)
        ->setLinkage(llvm::GlobalValue::ExternalLinkage);
    if (llvm::Linker::linkModules(*module, std::move(*translated)))
      return op.emitError()
             << "cannot link variant '" << variant.target.name << "'";
  }
  if (variants.size() > 1)
    chainDescriptors(*module, variants.size());
  auto addRuntime = [&] {
    return linkRuntime(first, *module, variants.front().target,
                       options.runtimeBitcode);
  };
  // The runtime was optimized when mopt was built, but must be there to be
  // instrumented.
  bool isInstrumented = options.sanitizer != Sanitizer::None;
  if (isInstrumented && failed(addRuntime()))
    return failure();
  hideSymbols(*module, entries);

  std::string broken;
  llvm::raw_string_ostream os(broken);
  if (llvm::verifyModule(*module, &os))
    return first.emitError() << "broken LLVM IR: " << broken;
  optimizeModule(*module, machine, options);
  if (isInstrumented)
    return module;
  if (failed(addRuntime()))
    return failure();
  hideSymbols(*module, entries);
  removeUnused(*module);
  return module;
}

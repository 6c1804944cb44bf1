// L7 modules of one model in, optimized LLVM IR out: one module that holds the
// model's variants and the runtime, in which only the models' entries are
// visible. Every function is tuned for its variant's machine; the runtime, and
// what runs before a variant is chosen, for any machine of the architecture.
// Variants are optimized each by itself, at the same time if there are threads.
#include "mopt/Support/Attributes.h"
#include "mopt/Support/Concurrency.h"
#include "mopt/Target/Emission.h"
#include "mopt/Target/TargetRegistry.h"

#include "mlir/Target/LLVMIR/Dialect/All.h"
#include "mlir/Target/LLVMIR/Export.h"
#include "llvm/Bitcode/BitcodeReader.h"
#include "llvm/Bitcode/BitcodeWriter.h"
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

/// The name of variant `index`'s descriptor while variants are linked.
static std::string getDescriptorName(size_t index) {
  return ("mopt_desc_of_variant_" + Twine(index)).str();
}

/// Makes a module one of `count` that will be linked: their descriptors are a
/// list, whose `next` is the last field. Of every variant but the first only
/// the descriptor is reached, through that of the variant before it.
static LogicalResult joinList(llvm::Module &module, size_t index, size_t count,
                              ArrayRef<llvm::Function *> entries) {
  llvm::GlobalVariable *descriptor =
      module.getGlobalVariable(kDescriptorSymbol, /*AllowInternal=*/true);
  if (!descriptor)
    return failure();
  if (index > 0)
    for (llvm::Function *entry : entries)
      entry->eraseFromParent();
  hideSymbols(module, index > 0 ? ArrayRef<llvm::Function *>() : entries);
  auto list = [](llvm::GlobalVariable *global, size_t number) {
    global->setName(getDescriptorName(number));
    global->setLinkage(llvm::GlobalValue::ExternalLinkage);
    global->setVisibility(llvm::GlobalValue::HiddenVisibility);
  };
  list(descriptor, index);
  if (index + 1 == count)
    return success();
  auto *fields = cast<llvm::ConstantStruct>(descriptor->getInitializer());
  SmallVector<llvm::Constant *> values;
  for (llvm::Use &use : fields->operands())
    values.push_back(cast<llvm::Constant>(use));
  auto *next = new llvm::GlobalVariable(
      module, descriptor->getValueType(), descriptor->isConstant(),
      llvm::GlobalValue::ExternalLinkage, /*Initializer=*/nullptr);
  list(next, index + 1);
  values.back() = next;
  descriptor->setInitializer(
      llvm::ConstantStruct::get(fields->getType(), values));
  return success();
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

namespace {
/// Makes one LLVM module of the variants of a model.
class Generation {
public:
  Generation(ArrayRef<Variant> variants, llvm::LLVMContext &context,
             llvm::TargetMachine &machine, const EmissionOptions &options)
      : variants(variants), first(variants.front().module), context(context),
        machine(machine), options(options),
        isInstrumented(options.sanitizer != Sanitizer::None) {}

  FailureOr<std::unique_ptr<llvm::Module>> run() {
    setContraction(machine);
    FailureOr<std::unique_ptr<llvm::Module>> module =
        variants.size() == 1 ? generate(0, context, machine) : link();
    if (failed(module))
      return failure();
    // Found before the runtime's own names come in.
    SmallVector<llvm::Function *> entries = findEntries(**module);
    if (failed(linkRuntime(first, **module, variants.front().target,
                           options.runtimeBitcode)))
      return failure();
    hideSymbols(**module, entries);
    // The runtime was optimized when mopt was built, but must be there to be
    // instrumented.
    if (isInstrumented && failed(optimize(first, **module, machine)))
      return failure();
    removeUnused(**module);
    return module;
  }

private:
  /// A variant as LLVM IR, optimized but for what is to be instrumented.
  FailureOr<std::unique_ptr<llvm::Module>>
  generate(size_t index, llvm::LLVMContext &own,
           llvm::TargetMachine &ownMachine) {
    const Variant &variant = variants[index];
    ModuleOp op = variant.module;
    own.setDiagnosticHandler(std::make_unique<DiagnosticBridge>(op.getLoc()));
    FailureOr<std::unique_ptr<llvm::Module>> module =
        translate(op, own, variant.target, ownMachine);
    if (failed(module))
      return failure();
    SmallVector<llvm::Function *> entries = findEntries(**module);
    if (entries.empty())
      return op.emitError() << "defines no model, expected a function '"
                            << kEntryPrefix << "<entry>'";
    if (variants.size() == 1)
      hideSymbols(**module, entries);
    else if (failed(joinList(**module, index, variants.size(), entries)))
      return op.emitError()
             << "cannot be one of several variants: expected a global '"
             << kDescriptorSymbol << "'";
    if (!isInstrumented && failed(optimize(op, **module, ownMachine)))
      return failure();
    return module;
  }

  void setContraction(llvm::TargetMachine &own) {
    own.Options.AllowFPOpFusion = options.strictFloat
                                      ? llvm::FPOpFusion::Strict
                                      : llvm::FPOpFusion::Standard;
  }

  LogicalResult optimize(ModuleOp op, llvm::Module &module,
                         llvm::TargetMachine &ownMachine) {
    std::string broken;
    llvm::raw_string_ostream os(broken);
    if (llvm::verifyModule(module, &os))
      return op.emitError() << "broken LLVM IR: " << broken;
    optimizeModule(module, ownMachine, options);
    return success();
  }

  /// Several variants, each made in a context of its own.
  FailureOr<std::unique_ptr<llvm::Module>> link() {
    SmallVector<SmallString<0>> parts(variants.size());
    auto makePart = [&](size_t index) -> LogicalResult {
      llvm::LLVMContext own;
      llvm::Expected<std::unique_ptr<llvm::TargetMachine>> ownMachine =
          createTargetMachine(getBaseline(variants[index].target),
                              options.optLevel);
      if (!ownMachine)
        return ModuleOp(variants[index].module).emitError()
               << llvm::toString(ownMachine.takeError());
      setContraction(**ownMachine);
      FailureOr<std::unique_ptr<llvm::Module>> module =
          generate(index, own, **ownMachine);
      if (failed(module))
        return failure();
      llvm::raw_svector_ostream os(parts[index]);
      llvm::WriteBitcodeToFile(**module, os);
      return success();
    };
    if (failed(runConcurrently(first.getContext(), options.threads,
                               variants.size(), makePart)))
      return failure();
    context.setDiagnosticHandler(
        std::make_unique<DiagnosticBridge>(first.getLoc()));
    std::unique_ptr<llvm::Module> module;
    for (auto [index, part] : llvm::enumerate(parts)) {
      llvm::Expected<std::unique_ptr<llvm::Module>> read =
          llvm::parseBitcodeFile(llvm::MemoryBufferRef(part, "mopt"), context);
      if (!read)
        return first.emitError() << llvm::toString(read.takeError());
      if (!module)
        module = std::move(*read);
      else if (llvm::Linker::linkModules(*module, std::move(*read)))
        return first.emitError()
               << "cannot link variant '" << variants[index].target.name << "'";
    }
    return module;
  }

  ArrayRef<Variant> variants;
  ModuleOp first;
  llvm::LLVMContext &context;
  llvm::TargetMachine &machine;
  const EmissionOptions &options;
  bool isInstrumented;
};
} // namespace

FailureOr<std::unique_ptr<llvm::Module>>
mopt::generateLLVM(ArrayRef<Variant> variants, llvm::LLVMContext &context,
                   llvm::TargetMachine &machine,
                   const EmissionOptions &options) {
  DialectRegistry registry;
  registerAllToLLVMIRTranslations(registry);
  MLIRContext *mlir = ModuleOp(variants.front().module).getContext();
  mlir->appendDialectRegistry(registry);
  return Generation(variants, context, machine, options).run();
}

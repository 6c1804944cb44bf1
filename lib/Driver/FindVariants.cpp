// Which machines a library is for: those of the options, or the one that a
// module was written for, and what they exclude.
#include "Compilation.h"

#include "mopt/Codegen/DeviceCode.h"
#include "mopt/Target/RuntimeBitcode.h"
#include "mopt/Target/TargetRegistry.h"

using namespace mlir;
using namespace mopt;

namespace {
class VariantFinder {
public:
  VariantFinder(const CompileOptions &options, DiagnosticCollector &diagnostics,
                std::vector<CompiledVariant> &variants)
      : options(options), diagnostics(diagnostics), variants(variants) {}

  ExitCode findTargets();
  ExitCode chooseVariants(ModuleOp module, Level level);
  ExitCode checkSeveral();
  ExitCode checkRuntime();

private:
  ExitCode fail(ExitCode code, llvm::Error error) {
    return fail(code, llvm::toString(std::move(error)));
  }
  ExitCode fail(ExitCode code, const Twine &message) {
    diagnostics.error(message);
    return code;
  }
  bool isTargetAsked() const {
    return !options.targets.empty() || !options.triple.empty() ||
           !options.cpu.empty() || !options.features.empty();
  }
  ExitCode checkVariants(const TargetInfo *device);
  ExitCode addDevice(const TargetInfo &device);

  const CompileOptions &options;
  DiagnosticCollector &diagnostics;
  std::vector<CompiledVariant> &variants;
};
} // namespace

ExitCode VariantFinder::checkSeveral() {
  if (variants.size() <= 1)
    return ExitCode::Success;
  if (options.getFinalLevel() <= Level::LLVM)
    return fail(ExitCode::Usage,
                "several targets need a file of code, found --emit=" +
                    getLevelName(options.getFinalLevel()) +
                    ", which is for one machine");
  if (options.isTuned())
    return fail(ExitCode::Usage,
                "--tune and --tune-record are for one target, found several");
  return ExitCode::Success;
}

ExitCode VariantFinder::findTargets() {
  bool custom = !options.triple.empty() || !options.cpu.empty() ||
                !options.features.empty();
  if (custom && !options.targets.empty())
    return fail(ExitCode::Usage, "--target excludes --triple, --cpu and "
                                 "--features");
  std::vector<std::string> names = options.targets;
  if (names.empty())
    names.push_back("native");
  std::optional<TargetInfo> device;
  for (const std::string &name : names) {
    llvm::Expected<TargetInfo> found =
        custom ? describeTarget(options.triple, options.cpu, options.features)
               : lookupTarget(name);
    if (!found)
      return fail(ExitCode::Usage, found.takeError());
    if (isDevice(*found)) {
      if (device && device->name != found->name)
        return fail(ExitCode::Unsupported,
                    "several devices in one file are not supported");
      device = *found;
      continue;
    }
    if (llvm::any_of(variants, [&](const CompiledVariant &variant) {
          return variant.target.name == found->name;
        }))
      continue;
    if (!variants.empty() && variants[0].target.triple != found->triple)
      return fail(ExitCode::Usage,
                  "one file cannot hold code for the architectures of '" +
                      variants[0].target.name + "' and '" + found->name + "'");
    variants.emplace_back().target = *found;
  }
  // Loading takes the first that fits.
  llvm::sort(variants, [](const CompiledVariant &a, const CompiledVariant &b) {
    return std::tie(b.target.rank, a.target.name) <
           std::tie(a.target.rank, b.target.name);
  });
  // Without one the module may say.
  if (!isTargetAsked())
    return ExitCode::Success;
  return checkVariants(device ? &*device : nullptr);
}

/// `device`, if not null, runs the kernels of all variants.
ExitCode VariantFinder::checkVariants(const TargetInfo *device) {
  if (device)
    return addDevice(*device);
  if (options.getFinalLevel() > Level::SharedLibrary)
    return fail(ExitCode::Usage,
                "--emit=" + getLevelName(options.getFinalLevel()) +
                    " is the kernels of a device, found the target '" +
                    variants.front().target.name + "'");
  if (options.fallback != "none")
    return fail(ExitCode::Usage, "--fallback is for devices, found the target "
                                 "'" +
                                     variants.front().target.name + "'");
  return ExitCode::Success;
}

/// A device needs hosts, this machine unless others are asked for.
ExitCode VariantFinder::addDevice(const TargetInfo &device) {
  if (options.profile || options.isTuned())
    return fail(ExitCode::Unsupported,
                "--profile and --tune are not supported for '" + device.name +
                    "'");
  if (variants.empty()) {
    llvm::Expected<TargetInfo> host = lookupTarget("native");
    if (!host)
      return fail(ExitCode::Usage, host.takeError());
    variants.emplace_back().target = *host;
  }
  // The kernels are the same whatever launches them.
  if (options.getFinalLevel() > Level::SharedLibrary)
    variants.resize(1);
  std::vector<CompiledVariant> alone;
  if (options.fallback == "processor" &&
      options.getFinalLevel() <= Level::SharedLibrary)
    for (const CompiledVariant &variant : variants)
      alone.emplace_back().target = variant.target;
  for (CompiledVariant &variant : variants)
    variant.device = device;
  llvm::move(alone, std::back_inserter(variants));
  return ExitCode::Success;
}

/// Code can be made only for machines that mopt has a runtime for.
ExitCode VariantFinder::checkRuntime() {
  const std::string &triple = variants.front().target.triple;
  if (options.getFinalLevel() <= Level::LLVM ||
      !getRuntimeBitcode(llvm::Triple(triple)).empty())
    return ExitCode::Success;
  return fail(
      ExitCode::Unsupported,
      "the triple '" + triple +
          "' is not supported: mopt was built without a runtime for it");
}

/// A module that was written for a machine stays with it, unless another one is
/// asked for.
ExitCode VariantFinder::chooseVariants(ModuleOp module, Level level) {
  auto attr = module->getAttrOfType<TargetAttr>(TargetAttr::kModuleAttr);
  if (!isTargetAsked()) {
    std::optional<TargetInfo> device;
    if (attr && isDevice(TargetInfo(attr))) {
      device = TargetInfo(attr);
      // Its host is this machine where the module does not say.
      attr = module->getAttrOfType<TargetAttr>(kHostAttr);
    }
    if (attr)
      variants.front().target = TargetInfo(attr);
    if (ExitCode code = checkVariants(device ? &*device : nullptr);
        code != ExitCode::Success)
      return code;
    if (ExitCode code = checkSeveral(); code != ExitCode::Success)
      return code;
    if (ExitCode code = checkRuntime(); code != ExitCode::Success)
      return code;
  }
  if (variants.size() > 1 && level > Level::Graph)
    return fail(ExitCode::Usage,
                "several targets apply to levels onnx and graph, found a "
                "module of level " +
                    getLevelName(level));
  return ExitCode::Success;
}

ExitCode mopt::findVariants(const CompileOptions &options,
                            DiagnosticCollector &diagnostics,
                            std::vector<CompiledVariant> &variants) {
  VariantFinder finder(options, diagnostics, variants);
  ExitCode code = finder.findTargets();
  if (code == ExitCode::Success)
    code = finder.checkSeveral();
  return code == ExitCode::Success ? finder.checkRuntime() : code;
}

ExitCode mopt::chooseVariants(const CompileOptions &options,
                              DiagnosticCollector &diagnostics, ModuleOp module,
                              Level level,
                              std::vector<CompiledVariant> &variants) {
  return VariantFinder(options, diagnostics, variants)
      .chooseVariants(module, level);
}

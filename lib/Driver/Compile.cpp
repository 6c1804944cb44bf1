// From a model's file to an artefact: load, raise level by level, generate
// code, write. Decides the exit code.
#include "mopt/Driver/Compile.h"

#include "Compilation.h"
#include "CrashHandler.h"
#include "TuneLayers.h"

#include "mopt/Codegen/DeviceCode.h"
#include "mopt/Codegen/ShareWeights.h"
#include "mopt/InitAll.h"
#include "mopt/Support/Concurrency.h"
#include "mopt/Target/RuntimeBitcode.h"
#include "mopt/Target/TargetRegistry.h"
#include "mopt/Target/WriteFile.h"

#include "llvm/ADT/ScopeExit.h"
#include "llvm/IR/LLVMContext.h"
#include "llvm/IR/Module.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Process.h"
#include "llvm/Support/ThreadPool.h"
#include "llvm/Target/TargetMachine.h"

using namespace mlir;
using namespace mopt;

namespace {
class Compilation {
public:
  Compilation(const CompileOptions &options, const DiagnosticSink &sink)
      : options(options), diagnostics(options, sink),
        progress(countSteps(options),
                 options.progress && !options.quiet &&
                     (options.verbose ||
                      llvm::sys::Process::StandardErrIsDisplayed())) {}

  ExitCode run() {
    ExitCode code = compileModel();
    noteCrashModule(nullptr);
    if (options.report.empty())
      return code;
    if (llvm::Error error = writeReport(options, code, progress, diagnostics,
                                        variants, weightsBytes))
      return fail(ExitCode::Usage, std::move(error));
    return code;
  }

private:
  static unsigned countSteps(const CompileOptions &options) {
    unsigned level = static_cast<unsigned>(options.getFinalLevel());
    unsigned lastIR = static_cast<unsigned>(Level::LLVM);
    if (options.targets.size() > 1)
      return lastIR * options.targets.size() + 4;
    // Every level and its writing; after the last level, code and its writing.
    return (level <= lastIR ? level + 2 : lastIR + 3) + !options.tune.empty();
  }

  ExitCode fail(ExitCode code, llvm::Error error) {
    diagnostics.error(llvm::toString(std::move(error)));
    return code;
  }
  ExitCode fail(ExitCode code, const Twine &message) {
    diagnostics.error(message);
    return code;
  }

  /// A failure that the user's model did not cause.
  ExitCode failInternally(const std::string &step, const Twine &what) {
    if (diagnostics.hasUnsupported())
      return ExitCode::Unsupported;
    std::string path = writeReproducer();
    diagnostics.error(
        "internal error in step '" + step + "'" +
        (what.isTriviallyEmpty() ? "" : ": ") + what +
        (path.empty() ? Twine() : "; a reproducer is in '" + path + "'"));
    return ExitCode::Internal;
  }

  ExitCode checkOptions();
  ExitCode compileModel();
  std::optional<FailedStep> tryRaise(CompiledVariant &variant, Level from,
                                     Level to);
  ExitCode explain(const FailedStep &step);
  ExitCode raiseTo(CompiledVariant &variant, Level from, Level to);
  ExitCode raiseAll(Level from, Level to);
  ExitCode raiseVariants(ModuleOp module, Level from);
  ExitCode tune(ModuleOp module);
  ExitCode emit(Level level);
  void placeWeights();
  LogicalResult addBuildInfo();
  ExitCode emitDevice(Level level);

  const CompileOptions &options;
  DiagnosticCollector diagnostics;
  Progress progress;
  /// One for each machine, the preferred ones first.
  std::vector<CompiledVariant> variants;
  ModelInterface interface;
  int64_t weightsBytes = 0;
};
} // namespace

ExitCode Compilation::checkOptions() {
  if ((options.precision == "int8" || options.precision == "fp8") &&
      options.quantize.mode != "none")
    return fail(ExitCode::Usage,
                "--precision=" + options.precision + " excludes --quantize");
  bool isStatic = options.quantize.mode == "static-int8";
  if (isStatic && options.calibration.empty())
    return fail(ExitCode::Usage,
                "--quantize=static-int8 needs --calibration=FILE, which "
                "mopt.calibrate makes with a library of --instrument=ranges");
  if (!isStatic && !options.calibration.empty())
    return fail(ExitCode::Usage, "--calibration is for --quantize=static-int8");
  if (!isStatic && !options.maxDrop.empty())
    return fail(ExitCode::Usage, "--max-drop is for --quantize=static-int8");
  if (!options.instrument.empty() && options.quantize.mode != "none")
    return fail(ExitCode::Usage, "--instrument excludes --quantize");
  if (options.isTuned()) {
    if (options.getFinalLevel() <= Level::Legal)
      return fail(ExitCode::Usage,
                  "--tune and --tune-record decide between levels legal and "
                  "kernels, found --emit=" +
                      getLevelName(options.getFinalLevel()));
    if (options.referencePipeline || options.sanitizer != Sanitizer::None)
      return fail(ExitCode::Usage, "--tune and --tune-record exclude "
                                   "--pipeline=reference and --sanitize");
  }
  std::string output = options.getOutputPath();
  if (!options.emit && !getLevelOfFile(output))
    return fail(ExitCode::Usage,
                "expected an output that ends in .so, .a, .o, .s, .ll, .bc, "
                ".ptx, .cubin or .mlir, or --emit, found '" +
                    output + "'");
  StringRef folder = llvm::sys::path::parent_path(output);
  if (!folder.empty() && !llvm::sys::fs::is_directory(folder))
    return fail(ExitCode::Usage,
                "the output's folder '" + folder + "' does not exist");

  return findVariants(options, diagnostics, variants);
}

/// Decides where the weights go.
void Compilation::placeWeights() {
  // Code reaches its own data with 32-bit offsets, and files above it are
  // better mapped than linked.
  constexpr int64_t limit = int64_t(1) << 30;
  bool isFile = options.weights == WeightsPlace::File ||
                (options.weights == WeightsPlace::Automatic &&
                 countResourceBytes(variants.front().module) > limit);
  if (!isFile)
    return;
  std::string path = options.getOutputPath() + ".weights";
  for (CompiledVariant &variant : variants)
    variant.module->setAttr(kWeightsFileAttr,
                            StringAttr::get(variant.module.getContext(),
                                            llvm::sys::path::filename(path)));
}

ExitCode Compilation::tune(ModuleOp module) {
  const TargetInfo &target = variants.front().target;
  std::vector<TunedLayer> layers = findTunedLayers(module);
  llvm::Expected<TuningRecord> record = TuningRecord();
  if (options.tune.empty()) {
    record = readTuningRecord(options.tuneRecord, layers, target.name);
    if (!record)
      return fail(ExitCode::BadModel, record.takeError());
    applyTuning(module, layers, *record);
    return ExitCode::Success;
  }
  progress.begin("tune");
  double seconds = 0;
  (void)StringRef(options.tune).getAsDouble(seconds);
  record = measureLayers(module, layers, options, seconds);
  // The layers' compilations have noted their own.
  noteCrashModule(module);
  if (!record)
    return fail(ExitCode::Usage, "--tune cannot measure '" + target.name +
                                     "' code on this machine: " +
                                     llvm::toString(record.takeError()));
  record->target = target.name;
  if (layers.empty())
    module->emitWarning()
        << "nothing was measured: no layer of static shapes can be computed in "
           "more than one way";
  if (record->layers.size() < layers.size())
    module->emitWarning() << layers.size() - record->layers.size() << " of "
                          << layers.size() << " layers were not measured in "
                          << options.tune << " seconds; give --tune more";
  applyTuning(module, layers, *record);
  if (!options.tuneRecord.empty())
    if (llvm::Error error = writeTuningRecord(*record, options.tuneRecord))
      return fail(ExitCode::Usage, std::move(error));
  progress.end();
  return ExitCode::Success;
}

std::optional<FailedStep> Compilation::tryRaise(CompiledVariant &variant,
                                                Level from, Level to) {
  // Which machine a step is for, where there are several.
  bool isOne = variants.size() == 1;
  return raiseVariant(variant, from, to, options, progress,
                      isOne ? std::string() : variant.getName() + "-",
                      &variant == &variants.front() ? &interface : nullptr,
                      [&] { return isOne ? addBuildInfo() : success(); });
}

/// Says what went wrong in a step.
ExitCode Compilation::explain(const FailedStep &step) {
  if (!step.message.empty())
    diagnostics.error(step.message);
  if (step.code)
    return *step.code;
  if (diagnostics.hasUnsupported())
    return ExitCode::Unsupported;
  // What the model's own ops say is checked on the way to L1; what options ask
  // of its weights, and whether a calibration fits it, on the way to L2.
  if (step.level <= Level::Legal && diagnostics.hasErrors())
    return step.variant->module->hasAttr(kAccuracyGateAttr)
               ? ExitCode::AccuracyGate
               : ExitCode::BadModel;
  noteCrashModule(step.variant->module);
  noteCrashStep(step.crashStep);
  return failInternally(step.name, "");
}

ExitCode Compilation::raiseTo(CompiledVariant &variant, Level from, Level to) {
  if (options.isTuned() && from <= Level::Legal && Level::Legal < to) {
    if (std::optional<FailedStep> step = tryRaise(variant, from, Level::Legal))
      return explain(*step);
    if (ExitCode code = tune(variant.module); code != ExitCode::Success)
      return code;
    from = Level::Legal;
  }
  if (std::optional<FailedStep> step = tryRaise(variant, from, to))
    return explain(*step);
  return ExitCode::Success;
}

LogicalResult Compilation::addBuildInfo() {
  ModuleOp module = variants.front().module;
  placeWeights();
  FailureOr<WeightsBlob> weights = WeightsBlob::fromModule(module);
  if (failed(weights))
    return failure();
  module->setAttr(kBuildInfoAttr,
                  StringAttr::get(module.getContext(),
                                  makeBuildInfo(options, variants, *weights)));
  return success();
}

/// Raises every variant, as many at a time as there are threads.
ExitCode Compilation::raiseAll(Level from, Level to) {
  ModuleOp first = variants.front().module;
  loadDialects(first, from, to, options);
  SmallVector<std::optional<FailedStep>> failures(variants.size());
  (void)runConcurrently(first.getContext(), options.threads, variants.size(),
                        [&](size_t index) {
                          failures[index] = tryRaise(variants[index], from, to);
                          noteCrashModule(nullptr);
                          return failure(failures[index].has_value());
                        });
  for (const std::optional<FailedStep> &step : failures)
    if (step)
      return explain(*step);
  return ExitCode::Success;
}

/// Passes see the device, if there is one.
static void setTarget(const CompiledVariant &variant) {
  MLIRContext *context = variant.module->getContext();
  const TargetInfo &target = variant.device ? *variant.device : variant.target;
  ModuleOp module = variant.module;
  module->setAttr(TargetAttr::kModuleAttr, target.toAttr(context));
  if (variant.device)
    module->setAttr(kHostAttr, variant.target.toAttr(context));
}

/// Several machines: each goes through the levels for itself, up to where the
/// constants are known and can be shared.
ExitCode Compilation::raiseVariants(ModuleOp module, Level from) {
  MLIRContext *context = module.getContext();
  SmallVector<ModuleOp> modules;
  for (CompiledVariant &variant : variants) {
    variant.owned = module.clone();
    variant.module = *variant.owned;
    setTarget(variant);
    variant.module->setAttr(kPackingsAttr, DictionaryAttr::get(context));
    modules.push_back(variant.module);
  }
  if (ExitCode code = raiseAll(from, Level::Buffer); code != ExitCode::Success)
    return code;
  progress.begin("share-weights");
  if (failed(shareWeights(modules)))
    return failInternally(progress.current(), "");
  if (failed(addBuildInfo()))
    return ExitCode::BadModel;
  progress.end();
  return raiseAll(Level::Buffer, Level::LLVM);
}

/// The kernels alone, as they would be in the library.
ExitCode Compilation::emitDevice(Level level) {
  auto code = variants.front().module->getAttrOfType<StringAttr>(
      level == Level::DeviceText ? kDeviceCodeAttr : kDeviceImageAttr);
  if (!code)
    return fail(ExitCode::Unsupported,
                "'" + getLevelName(level) +
                    "' cannot be made: the device's assembler, ptxas, was not "
                    "found");
  progress.begin(getLevelName(level));
  if (llvm::Error error = writeFile(options.getOutputPath(), code.getValue()))
    return fail(ExitCode::Usage, std::move(error));
  progress.end();
  return ExitCode::Success;
}

ExitCode Compilation::emit(Level level) {
  if (level > Level::SharedLibrary)
    return emitDevice(level);
  ModuleOp module = variants.front().module;
  const TargetInfo &target = variants.front().target;
  static constexpr CodeFile kinds[] = {
      CodeFile::LLVMIR, CodeFile::Bitcode, CodeFile::Assembly,
      CodeFile::Object, CodeFile::Archive, CodeFile::SharedLibrary};
  CodeFile kind =
      kinds[static_cast<int>(level) - static_cast<int>(Level::LLVMIR)];
  std::string output = options.getOutputPath();

  progress.begin("code");
  FailureOr<WeightsBlob> weights = WeightsBlob::fromModule(module);
  if (failed(weights))
    return ExitCode::BadModel;
  weightsBytes = weights->sizeBytes();
  llvm::Expected<std::unique_ptr<llvm::TargetMachine>> machine =
      createTargetMachine(getBaseline(target), options.optLevel);
  if (!machine)
    return fail(ExitCode::Usage, machine.takeError());
  EmissionOptions emission;
  emission.optLevel = options.optLevel;
  emission.strictFloat = options.numerics == Numerics::Strict;
  emission.sanitizer = options.sanitizer;
  emission.threads = options.threads;
  emission.runtimeBitcode = getRuntimeBitcode(llvm::Triple(target.triple));
  llvm::LLVMContext context;
  SmallVector<Variant> parts;
  for (const CompiledVariant &variant : variants)
    parts.push_back({variant.module, variant.target});
  FailureOr<std::unique_ptr<llvm::Module>> code =
      generateLLVM(parts, context, **machine, emission);
  if (failed(code))
    return failInternally(progress.current(), "");
  progress.end();

  progress.begin(getLevelName(level));
  WeightsBlob embedded = *weights;
  if (module->hasAttr(kWeightsFileAttr) && !weights->empty()) {
    if (llvm::Error error = weights->writeFile(output + ".weights"))
      return fail(ExitCode::Usage, std::move(error));
    embedded = WeightsBlob();
  }
  if (llvm::Error error =
          emitCode(**code, **machine, emission, kind, embedded, output)) {
    bool isFileError = error.isA<llvm::FileError>();
    std::string text = llvm::toString(std::move(error));
    return isFileError ? fail(ExitCode::Usage, text)
                       : failInternally(progress.current(), text);
  }
  if (kind == CodeFile::Object || kind == CodeFile::Archive)
    if (llvm::Error error = writePackage(interface, output))
      return fail(ExitCode::Usage, std::move(error));
  progress.end();
  return ExitCode::Success;
}

ExitCode Compilation::compileModel() {
  if (ExitCode code = checkOptions(); code != ExitCode::Success)
    return code;
  if (!options.saveTemps.empty())
    if (std::error_code error =
            llvm::sys::fs::create_directories(options.saveTemps))
      return fail(ExitCode::Usage,
                  llvm::createFileError(options.saveTemps, error));

  DialectRegistry registry;
  registerAllDialects(registry);
  MLIRContext context(registry, MLIRContext::Threading::DISABLED);
  // The driver itself makes attributes of it.
  context.loadDialect<MoptDialect>();
  // Threads are for the functions of a module, or for several variants.
  std::unique_ptr<llvm::ThreadPoolInterface> threads;
  if (options.threads > 1) {
    if (variants.size() > 1)
      threads = std::make_unique<CallerThreadPool>();
    else
      threads = std::make_unique<llvm::DefaultThreadPool>(
          llvm::hardware_concurrency(options.threads));
    context.setThreadPool(*threads);
  }
  // The report outlives the modules.
  llvm::scope_exit eraseModules([&] {
    for (CompiledVariant &variant : variants)
      variant.owned = nullptr;
  });
  context.printOpOnDiagnostic(false);
  ScopedDiagnosticHandler handler(&context, [&](Diagnostic &diagnostic) {
    diagnostics.handle(diagnostic);
  });

  progress.begin("load");
  LoadedModule loaded = loadInput(options, &context, diagnostics);
  if (!loaded.module)
    return diagnostics.hasUnsupported() ? ExitCode::Unsupported
                                        : ExitCode::BadModel;
  ModuleOp module = *loaded.module;
  noteCrashModule(module);
  if (loaded.level == Level::ONNX) {
    if (failed(specializeShapes(module, options)))
      return ExitCode::Usage;
    nameEntry(module, options);
  } else if (!options.shapes.empty() || !options.dims.empty()) {
    return fail(ExitCode::Usage, "--shape and --dim apply to level onnx, found "
                                 "a module of level " +
                                     getLevelName(loaded.level));
  }
  if (ExitCode code =
          chooseVariants(options, diagnostics, module, loaded.level, variants);
      code != ExitCode::Success)
    return code;
  interface = readInterface(module);
  if (!options.calibration.empty() || !options.instrument.empty() ||
      options.equalize) {
    if (loaded.level > Level::Graph)
      return fail(ExitCode::Usage,
                  "--instrument, --calibration and --equalize apply to levels "
                  "onnx and graph, found a module of level " +
                      getLevelName(loaded.level));
    if (!options.calibration.empty())
      if (llvm::Error error =
              readCalibration(module, options.calibration, options.equalize))
        return fail(ExitCode::BadModel, std::move(error));
  }
  if (options.isTuned() && loaded.level > Level::Legal)
    return fail(ExitCode::Usage,
                "--tune and --tune-record apply to levels up to legal, found a "
                "module of level " +
                    getLevelName(loaded.level));
  progress.end();

  Level final = options.getFinalLevel();
  if (final < loaded.level)
    return fail(ExitCode::Usage,
                "expected a level from " + getLevelName(loaded.level) +
                    " on, found --emit=" + getLevelName(final));
  variants.front().module = module;
  if (variants.size() == 1)
    setTarget(variants.front());
  if (ExitCode code = variants.size() > 1
                          ? raiseVariants(module, loaded.level)
                          : raiseTo(variants.front(), loaded.level,
                                    std::min(final, Level::LLVM));
      code != ExitCode::Success)
    return code;
  if (final > Level::LLVM) {
    if (ExitCode code = emit(final); code != ExitCode::Success)
      return code;
  } else {
    progress.begin("write");
    if (llvm::Error error = writeIR(module, final, options.getOutputPath()))
      return fail(ExitCode::Usage, std::move(error));
    progress.end();
  }
  if (!options.header.empty())
    if (llvm::Error error = writeFile(options.header, makeHeader(interface)))
      return fail(ExitCode::Usage, std::move(error));
  if (!options.depfile.empty())
    if (llvm::Error error = writeDepfile(options, loaded.externalFiles))
      return fail(ExitCode::Usage, std::move(error));
  return ExitCode::Success;
}

/// `--precision=int8` is short for a quantization.
static CompileOptions resolvePrecision(CompileOptions options) {
  if (options.precision != "int8" || options.quantize.mode != "none")
    return options;
  options.precision = "f32";
  options.quantize.mode =
      options.calibration.empty() ? "dynamic-int8" : "static-int8";
  return options;
}

ExitCode mopt::compile(const CompileOptions &options,
                       const DiagnosticSink &sink) {
  CompileOptions resolved = resolvePrecision(options);
  return Compilation(resolved, sink).run();
}

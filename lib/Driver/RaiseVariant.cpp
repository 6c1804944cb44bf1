// One machine's module from level to level, with what is noted on the way: the
// model's interface, what the report and the certificate say, files to look at.
#include "Compilation.h"

#include "CrashHandler.h"

#include "mopt/Target/WriteFile.h"

#include "mlir/IR/AsmState.h"
#include "llvm/Support/Path.h"

using namespace mlir;
using namespace mopt;

/// Writes the module into the folder of --save-temps.
static llvm::Error saveLevel(ModuleOp module, Level level, StringRef prefix,
                             StringRef folder) {
  std::string text;
  llvm::raw_string_ostream os(text);
  module->print(
      os,
      OpPrintingFlags().elideLargeElementsAttrs(64).elideLargeResourceString(
          1024));
  SmallString<128> path(folder);
  llvm::sys::path::append(path, prefix + Twine(static_cast<int>(level)) + "-" +
                                    getLevelName(level) + ".mlir");
  return writeFile(path, text);
}

std::optional<FailedStep>
mopt::raiseVariant(CompiledVariant &variant, Level from, Level to,
                   const CompileOptions &options, Progress &progress,
                   StringRef prefix, ModelInterface *interface,
                   llvm::function_ref<LogicalResult()> beforeLLVM) {
  ModuleOp module = variant.module;
  noteCrashModule(module);
  for (Level level = from; level < to;) {
    Level next = static_cast<Level>(static_cast<int>(level) + 1);
    progress.begin((prefix + getLevelName(next)).str());
    auto fail = [&](std::optional<ExitCode> code, std::string message) {
      return FailedStep{&variant,       next, progress.current(),
                        getCrashStep(), code, std::move(message)};
    };
    if (next == Level::LLVM && failed(beforeLLVM()))
      return fail(ExitCode::BadModel, "");
    if (failed(raiseLevel(module, level, options)))
      return fail(std::nullopt, "");
    level = next;
    // The clearest view of the interface; lower down types lose their signs.
    // Statistics are outputs from level legal on.
    if (interface && (level == Level::Graph ||
                      (level == Level::Legal && !options.instrument.empty())))
      *interface = readInterface(module);
    noteQuantizedLayers(module, level);
    noteSparseLayers(module, level);
    if (!options.report.empty())
      variant.kernels.read(module, level);
    progress.end();
    if (options.saveTemps.empty())
      continue;
    if (llvm::Error error = saveLevel(module, level, prefix, options.saveTemps))
      return fail(ExitCode::Usage, llvm::toString(std::move(error)));
  }
  return std::nullopt;
}

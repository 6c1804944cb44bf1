// Files about a compilation: the report and the dependency file.
#include "Compilation.h"

#include "mopt/Support/Version.h"
#include "mopt/Target/WriteFile.h"

#include "llvm/Config/llvm-config.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/JSON.h"

using namespace mopt;

static llvm::json::Object describe(const TargetInfo &target) {
  return llvm::json::Object{{"name", target.name},
                            {"triple", target.triple},
                            {"cpu", target.cpu},
                            {"features", target.features}};
}

llvm::Error mopt::writeReport(const CompileOptions &options, ExitCode code,
                              const Progress &progress,
                              const DiagnosticCollector &diagnostics,
                              llvm::ArrayRef<CompiledVariant> variants,
                              int64_t weightsBytes) {
  llvm::json::Array steps, messages;
  double seconds = 0;
  for (const Progress::Step &step : progress.getSteps()) {
    seconds += step.seconds;
    steps.push_back(llvm::json::Object{{"name", step.name},
                                       {"seconds", step.seconds},
                                       {"peak_memory_bytes", step.peakBytes}});
  }
  static constexpr const char *severities[] = {"error", "warning", "remark",
                                               "note"};
  for (const CompileDiagnostic &diagnostic : diagnostics.getAll())
    messages.push_back(llvm::json::Object{
        {"severity", severities[static_cast<int>(diagnostic.severity)]},
        {"file", diagnostic.file},
        {"node", diagnostic.node},
        {"op", diagnostic.op},
        {"message", diagnostic.message}});
  llvm::json::Object report{
      {"mopt_version", MOPT_VERSION},
      {"llvm_version", LLVM_VERSION_STRING},
      {"input", options.input},
      {"output", options.getOutputPath()},
      {"level", getLevelName(options.getFinalLevel())},
      {"exit_code", static_cast<int>(code)},
      {"seconds", seconds},
      {"peak_memory_bytes", Progress::peakBytes()},
      {"weights_bytes", weightsBytes},
      {"steps", std::move(steps)},
      {"kernels", variants.empty() ? llvm::json::Array()
                                   : variants.front().kernels.toJSON()},
      {"diagnostics", std::move(messages)}};
  uint64_t size;
  if (code == ExitCode::Success &&
      !llvm::sys::fs::file_size(options.getOutputPath(), size))
    report["output_bytes"] = size;
  if (!variants.empty())
    report["target"] = describe(variants.front().target);
  llvm::json::Array all;
  for (const CompiledVariant &variant : variants)
    all.push_back(llvm::json::Object{{"target", describe(variant.target)},
                                     {"kernels", variant.kernels.toJSON()}});
  report["variants"] = std::move(all);
  return writeFile(
      options.report,
      llvm::formatv("{0:2}\n", llvm::json::Value(std::move(report))).str());
}

/// Escapes a path for make: blanks, '#' and '$'.
static std::string escape(llvm::StringRef path) {
  std::string result;
  for (char c : path) {
    if (c == ' ' || c == '#' || c == '\\')
      result += '\\';
    if (c == '$')
      result += '$';
    result += c;
  }
  return result;
}

llvm::Error mopt::writeDepfile(const CompileOptions &options,
                               llvm::ArrayRef<std::string> externalFiles) {
  std::string text =
      escape(options.getOutputPath()) + ": " + escape(options.input);
  for (const std::string &file : externalFiles)
    text += " " + escape(file);
  return writeFile(options.depfile, text + "\n");
}

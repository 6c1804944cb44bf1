//===- Compile.h - from a model's file to an artefact -----------*- C++ -*-===//

#ifndef MOPT_DRIVER_COMPILE_H
#define MOPT_DRIVER_COMPILE_H

#include "mopt/Driver/CompileOptions.h"

#include <functional>

namespace mopt {

/// One message about a compilation.
struct CompileDiagnostic {
  enum class Severity { Error, Warning, Remark, Note };
  Severity severity = Severity::Error;
  /// The file it is about, then the ONNX node and its operator where it is
  /// about one.
  std::string file;
  std::string node;
  std::string op;
  std::string message;
  /// The whole line, as mopt-compile prints it.
  std::string text;
};

using DiagnosticSink = std::function<void(const CompileDiagnostic &)>;

/// Compiles; every message goes to `sink`, progress to stderr where the options
/// or the terminal ask for it. Usable from several threads.
ExitCode compile(const CompileOptions &options, const DiagnosticSink &sink);

/// Makes a crash of this process end it with ExitCode::Internal and a message
/// that says where a reproducer lies. For programs, not libraries.
void installCrashHandler(llvm::ArrayRef<const char *> arguments);

/// mopt-compile without its main().
int runCompileTool(llvm::ArrayRef<const char *> arguments);

} // namespace mopt

#endif // MOPT_DRIVER_COMPILE_H

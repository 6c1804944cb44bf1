// mopt-compile: arguments in, messages on stderr, an exit code out.
#include "mopt/Driver/Compile.h"
#include "mopt/InitAll.h"
#include "mopt/Target/TargetRegistry.h"

#include "llvm/Support/raw_ostream.h"

using namespace mopt;

int mopt::runCompileTool(llvm::ArrayRef<const char *> arguments) {
  installCrashHandler(arguments);
  registerAllPasses();
  CompileOptions options;
  llvm::Expected<CommandLineRequest> request =
      parseCommandLine(arguments, options);
  if (!request) {
    std::string message = llvm::toString(request.takeError());
    llvm::errs() << "mopt-compile: " << message << "\n";
    bool isMissing = llvm::StringRef(message).contains("not supported");
    return static_cast<int>(isMissing ? ExitCode::Unsupported
                                      : ExitCode::Usage);
  }
  switch (*request) {
  case CommandLineRequest::Help:
    printHelp(llvm::outs());
    return 0;
  case CommandLineRequest::Version:
    printVersion(llvm::outs());
    return 0;
  case CommandLineRequest::ListTargets:
    printTargets(llvm::outs());
    return 0;
  case CommandLineRequest::Compile:
    break;
  }
  return static_cast<int>(
      compile(options, [](const CompileDiagnostic &diagnostic) {
        llvm::errs() << diagnostic.text << "\n";
      }));
}

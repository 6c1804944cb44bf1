// The compiler's C API: the driver's options and messages, behind plain types.
#include "mopt-c/Compiler.h"

#include "mopt/Driver/Compile.h"
#include "mopt/Support/Version.h"

using namespace mopt;

struct MoptCompiler {
  CompileOptions options;
  MoptDiagnosticCallback callback = nullptr;
  void *user = nullptr;

  void report(const CompileDiagnostic &diagnostic) const {
    if (!callback)
      return;
    MoptDiagnostic plain = {sizeof(MoptDiagnostic),
                            static_cast<int32_t>(diagnostic.severity),
                            diagnostic.file.c_str(),
                            diagnostic.node.c_str(),
                            diagnostic.op.c_str(),
                            diagnostic.message.c_str(),
                            diagnostic.text.c_str()};
    callback(user, &plain);
  }

  MoptCompileStatus run(CompileOptions asked) const {
    return static_cast<MoptCompileStatus>(
        compile(asked, [this](const CompileDiagnostic &diagnostic) {
          report(diagnostic);
        }));
  }
};

MoptCompiler *mopt_compiler_create(void) {
  auto *compiler = new MoptCompiler;
  // A library prints nothing of its own.
  compiler->options.progress = false;
  return compiler;
}

void mopt_compiler_destroy(MoptCompiler *compiler) { delete compiler; }

void mopt_compiler_on_diagnostic(MoptCompiler *compiler,
                                 MoptDiagnosticCallback callback, void *user) {
  compiler->callback = callback;
  compiler->user = user;
}

MoptCompileStatus mopt_compiler_set(MoptCompiler *compiler, const char *name,
                                    const char *value) {
  llvm::Error error = setOption(compiler->options, name, value ? value : "");
  if (!error)
    return MOPT_COMPILE_OK;
  CompileDiagnostic diagnostic;
  diagnostic.message = diagnostic.text = llvm::toString(std::move(error));
  compiler->report(diagnostic);
  return MOPT_COMPILE_USAGE;
}

MoptCompileStatus mopt_compiler_compile(MoptCompiler *compiler,
                                        const char *model, const char *output) {
  CompileOptions options = compiler->options;
  options.input = model;
  options.output = output;
  return compiler->run(std::move(options));
}

MoptCompileStatus mopt_compiler_compile_buffer(MoptCompiler *compiler,
                                               const void *model,
                                               size_t model_bytes,
                                               const char *name,
                                               const char *output) {
  CompileOptions options = compiler->options;
  options.input = name;
  options.output = output;
  options.model = llvm::ArrayRef<char>(static_cast<const char *>(model),
                                       model_bytes);
  return compiler->run(std::move(options));
}

const char *mopt_compiler_version(void) { return MOPT_VERSION; }

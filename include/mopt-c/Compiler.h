/* Compiler.h: the compiler as a library, libmopt-compiler.
 *
 * The options are those of mopt-compile, by their names without dashes; the
 * messages are its lines, taken apart. C99, and valid C++.
 *
 *   MoptCompiler *compiler = mopt_compiler_create();
 *   mopt_compiler_on_diagnostic(compiler, print, NULL);
 *   mopt_compiler_set(compiler, "target", "x86-64-v3");
 *   int failed = mopt_compiler_compile(compiler, "model.onnx", "model.so");
 *   mopt_compiler_destroy(compiler);
 */
#ifndef MOPT_C_COMPILER_H
#define MOPT_C_COMPILER_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/// How a compilation ended: the exit codes of mopt-compile.
typedef int32_t MoptCompileStatus;
enum {
  MOPT_COMPILE_OK = 0,
  /// The model or an input is broken.
  MOPT_COMPILE_BAD_MODEL = 1,
  /// An option does not exist, or has no such value, or does not fit the model.
  MOPT_COMPILE_USAGE = 2,
  /// The model or the options ask for something that mopt cannot do.
  MOPT_COMPILE_UNSUPPORTED = 3,
  MOPT_COMPILE_ACCURACY = 4,
  /// A defect of mopt.
  MOPT_COMPILE_INTERNAL = 5
};

enum {
  MOPT_SEVERITY_ERROR = 0,
  MOPT_SEVERITY_WARNING = 1,
  MOPT_SEVERITY_REMARK = 2,
  MOPT_SEVERITY_NOTE = 3
};

/// One message. Valid during the callback only; no pointer is null.
typedef struct MoptDiagnostic {
  uint32_t struct_bytes;
  int32_t severity;
  /// The file it is about.
  const char *file;
  /// The ONNX node and its operator, "" where it is about none.
  const char *node;
  const char *op;
  const char *message;
  /// The line that mopt-compile prints.
  const char *text;
} MoptDiagnostic;

typedef void (*MoptDiagnosticCallback)(void *user,
                                       const MoptDiagnostic *diagnostic);

/// A set of options. Different compilers may be used by different threads at
/// the same time.
typedef struct MoptCompiler MoptCompiler;

MoptCompiler *mopt_compiler_create(void);
/// Null is ignored.
void mopt_compiler_destroy(MoptCompiler *compiler);

/// Receives every message, on the thread that compiles.
void mopt_compiler_on_diagnostic(MoptCompiler *compiler,
                                 MoptDiagnosticCallback callback, void *user);

/// Sets an option as --name=value does; repeatable ones add up. `value` is ""
/// for a switch. On failure the callback gets the reason.
MoptCompileStatus mopt_compiler_set(MoptCompiler *compiler, const char *name,
                                    const char *value);

/// Compiles the file `model` to the file `output`.
MoptCompileStatus mopt_compiler_compile(MoptCompiler *compiler,
                                        const char *model, const char *output);

/// Compiles a model in memory, which messages call `name`. It cannot refer to
/// files with external data.
MoptCompileStatus mopt_compiler_compile_buffer(MoptCompiler *compiler,
                                               const void *model,
                                               size_t model_bytes,
                                               const char *name,
                                               const char *output);

/// The version of mopt, "1.2.3".
const char *mopt_compiler_version(void);

#ifdef __cplusplus
}
#endif

#endif /* MOPT_C_COMPILER_H */

//===- DiagnosticCollector.h - messages of one compilation ------*- C++ -*-===//

#ifndef MOPT_DRIVER_DIAGNOSTICCOLLECTOR_H
#define MOPT_DRIVER_DIAGNOSTICCOLLECTOR_H

#include "mopt/Driver/Compile.h"

#include "mlir/IR/Diagnostics.h"
#include "llvm/ADT/StringSet.h"

namespace mopt {

/// Turns MLIR's diagnostics into lines that name the model's file and node,
/// hands each line to the sink once, and remembers what kinds there were.
class DiagnosticCollector {
public:
  /// Remarks and warnings pass only if `options` ask for them.
  DiagnosticCollector(const CompileOptions &options, DiagnosticSink sink);

  void handle(mlir::Diagnostic &diagnostic);
  /// An error about the whole input.
  void error(llvm::Twine message);

  bool hasErrors() const { return errors > 0; }
  /// Did an error say that something is not supported?
  bool hasUnsupported() const { return unsupported; }
  llvm::ArrayRef<CompileDiagnostic> getAll() const { return all; }

private:
  void report(CompileDiagnostic diagnostic);

  const CompileOptions &options;
  DiagnosticSink sink;
  std::vector<CompileDiagnostic> all;
  llvm::StringSet<> seen;
  unsigned errors = 0;
  bool unsupported = false;
};

} // namespace mopt

#endif // MOPT_DRIVER_DIAGNOSTICCOLLECTOR_H

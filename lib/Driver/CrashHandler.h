//===- CrashHandler.h - what a crash leaves behind --------------*- C++ -*-===//

#ifndef MOPT_DRIVER_CRASHHANDLER_H
#define MOPT_DRIVER_CRASHHANDLER_H

#include "mlir/IR/BuiltinOps.h"

namespace mopt {

/// What the process is doing, for the message of a crash. Without effect where
/// no handler is installed.
void noteCrashStep(llvm::StringRef step);
/// What this thread noted last.
std::string getCrashStep();
/// The module that the reproducer is made from; null for none.
void noteCrashModule(mlir::Operation *module);

/// Writes a reproducer into the temporary directory: the command line, the
/// step, and the module with big weights left out. Returns its path, empty if
/// it cannot be written.
std::string writeReproducer();

} // namespace mopt

#endif // MOPT_DRIVER_CRASHHANDLER_H

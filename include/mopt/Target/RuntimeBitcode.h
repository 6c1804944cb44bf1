//===- RuntimeBitcode.h - The runtime of emitted libraries ------*- C++ -*-===//
#ifndef MOPT_TARGET_RUNTIMEBITCODE_H
#define MOPT_TARGET_RUNTIMEBITCODE_H

#include "llvm/ADT/StringRef.h"
#include "llvm/TargetParser/Triple.h"

namespace mopt {

/// The runtime (lib/Runtime/Runtime.h) as LLVM bitcode for `triple`'s
/// architecture on Linux, empty where mopt was built without one. Its functions
/// carry no processor: they take the one of the module's target machine. To be
/// linked into the model's module and internalized; the conversion builtins are
/// in llvm.compiler.used, since calls of them appear only in machine code.
llvm::StringRef getRuntimeBitcode(const llvm::Triple &triple);

} // namespace mopt

#endif // MOPT_TARGET_RUNTIMEBITCODE_H

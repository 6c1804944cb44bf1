//===- Toolkit.h - what NVIDIA's toolkit adds -------------------*- C++ -*-===//
//
// Used where it is installed; without it the driver compiles PTX, and math
// functions that are no instructions are not supported.
//
//===----------------------------------------------------------------------===//

#ifndef MOPT_LIB_TARGET_NVPTX_TOOLKIT_H
#define MOPT_LIB_TARGET_NVPTX_TOOLKIT_H

#include "llvm/ADT/StringRef.h"
#include "llvm/IR/Module.h"
#include "llvm/Support/Error.h"
#include <string>

namespace mopt {
/// What ptxas makes of `text` for the processor `cpu`; empty where no toolkit
/// is installed. The error has what ptxas said.
llvm::Expected<std::string> assemble(llvm::StringRef text, llvm::StringRef cpu);

/// Adds the math functions that `module` calls, from libdevice. The error names
/// the first that cannot be found.
llvm::Error linkMathFunctions(llvm::Module &module);
} // namespace mopt

#endif // MOPT_LIB_TARGET_NVPTX_TOOLKIT_H

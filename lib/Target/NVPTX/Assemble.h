//===- Assemble.h - PTX to machine code -------------------------*- C++ -*-===//

#ifndef MOPT_LIB_TARGET_NVPTX_ASSEMBLE_H
#define MOPT_LIB_TARGET_NVPTX_ASSEMBLE_H

#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"
#include <string>

namespace mopt {
/// What the toolkit's ptxas makes of `text` for the processor `cpu`; empty
/// where no toolkit is installed. The error has what ptxas said.
llvm::Expected<std::string> assemble(llvm::StringRef text, llvm::StringRef cpu);
} // namespace mopt

#endif // MOPT_LIB_TARGET_NVPTX_ASSEMBLE_H

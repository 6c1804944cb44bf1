//===- WriteFile.h - bytes to a file ----------------------------*- C++ -*-===//

#ifndef MOPT_TARGET_WRITEFILE_H
#define MOPT_TARGET_WRITEFILE_H

#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

namespace mopt {

/// Makes or replaces the file at `path`; the error names it. A full disk is an
/// error too.
llvm::Error writeFile(llvm::StringRef path, llvm::StringRef bytes);

} // namespace mopt

#endif // MOPT_TARGET_WRITEFILE_H

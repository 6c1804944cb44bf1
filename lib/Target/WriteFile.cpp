// Bytes to a file, with every error reported.
#include "mopt/Target/WriteFile.h"

#include "llvm/Support/FileSystem.h"
#include "llvm/Support/raw_ostream.h"

llvm::Error mopt::writeFile(llvm::StringRef path, llvm::StringRef bytes) {
  std::error_code error;
  llvm::raw_fd_ostream os(path, error, llvm::sys::fs::OF_None);
  if (error)
    return llvm::createFileError(path, error);
  os << bytes;
  os.close();
  if (!os.has_error())
    return llvm::Error::success();
  error = os.error();
  // The stream would end the process otherwise.
  os.clear_error();
  return llvm::createFileError(path, error);
}

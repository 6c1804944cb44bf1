//===- RuntimeBitcode.cpp - The embedded runtime --------------------------===//
//
// The bitcode files that this folder's C sources were compiled to, one per
// architecture for which a C library's headers were found.
//
//===----------------------------------------------------------------------===//
#include "mopt/Target/RuntimeBitcode.h"

namespace {
struct EmbeddedRuntime {
  llvm::StringRef arch;
  const unsigned char *bytes;
  size_t size;
};
} // namespace

#include "RuntimeBitcode.inc"

llvm::StringRef mopt::getRuntimeBitcode(const llvm::Triple &triple) {
  if (!triple.isOSLinux())
    return {};
  llvm::StringRef arch = llvm::Triple::getArchTypeName(triple.getArch());
  for (const EmbeddedRuntime &runtime : embeddedRuntimes)
    if (runtime.arch == arch)
      return {reinterpret_cast<const char *>(runtime.bytes), runtime.size};
  return {};
}

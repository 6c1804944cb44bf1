//===- Level.h - where a compilation starts and stops -----------*- C++ -*-===//

#ifndef MOPT_DRIVER_LEVEL_H
#define MOPT_DRIVER_LEVEL_H

#include "llvm/ADT/StringRef.h"
#include <optional>

namespace mopt {

/// What `--emit=` names, in the order in which they are made. Up to LLVM they
/// are levels of the IR; after it, kinds of files. The last two are the kernels
/// of a device alone.
enum class Level {
  ONNX,
  Graph,
  Legal,
  Kernels,
  Structured,
  Vector,
  Buffer,
  LLVM,
  LLVMIR,
  Bitcode,
  Assembly,
  Object,
  Library,
  SharedLibrary,
  DeviceText,
  DeviceImage
};

/// The level's name on the command line, "kernels".
llvm::StringRef getLevelName(Level level);
std::optional<Level> parseLevel(llvm::StringRef name);
/// The level that a file name's extension asks for; nothing if it has none
/// that is known.
std::optional<Level> getLevelOfFile(llvm::StringRef path);
/// The extension that files of the level have, ".so".
llvm::StringRef getLevelExtension(Level level);

} // namespace mopt

#endif // MOPT_DRIVER_LEVEL_H

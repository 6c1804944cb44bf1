// The names of levels and the extensions of their files.
#include "mopt/Driver/Level.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/Path.h"

using namespace mopt;

namespace {
struct LevelRow {
  Level level;
  llvm::StringLiteral name;
  llvm::StringLiteral extension;
};
} // namespace

static constexpr LevelRow rows[] = {
    {Level::ONNX, "onnx", ".mlir"},
    {Level::Graph, "graph", ".mlir"},
    {Level::Legal, "legal", ".mlir"},
    {Level::Kernels, "kernels", ".mlir"},
    {Level::Structured, "structured", ".mlir"},
    {Level::Vector, "vector", ".mlir"},
    {Level::Buffer, "buffer", ".mlir"},
    {Level::LLVM, "llvm", ".mlir"},
    {Level::LLVMIR, "llvm-ir", ".ll"},
    {Level::Bitcode, "bitcode", ".bc"},
    {Level::Assembly, "asm", ".s"},
    {Level::Object, "obj", ".o"},
    {Level::Library, "lib", ".a"},
    {Level::SharedLibrary, "so", ".so"},
    {Level::DeviceText, "ptx", ".ptx"},
    {Level::DeviceImage, "cubin", ".cubin"},
};

llvm::StringRef mopt::getLevelName(Level level) {
  return rows[static_cast<int>(level)].name;
}

llvm::StringRef mopt::getLevelExtension(Level level) {
  return rows[static_cast<int>(level)].extension;
}

std::optional<Level> mopt::parseLevel(llvm::StringRef name) {
  const LevelRow *row = llvm::find_if(
      rows, [&](const LevelRow &entry) { return entry.name == name; });
  return row == std::end(rows) ? std::nullopt : std::optional(row->level);
}

std::optional<Level> mopt::getLevelOfFile(llvm::StringRef path) {
  llvm::StringRef extension = llvm::sys::path::extension(path);
  // The last level before code: what IR is written for reading.
  if (extension == ".mlir" || extension == ".mlirbc")
    return Level::Buffer;
  const LevelRow *row = llvm::find_if(
      rows, [&](const LevelRow &entry) { return entry.extension == extension; });
  return row == std::end(rows) ? std::nullopt : std::optional(row->level);
}

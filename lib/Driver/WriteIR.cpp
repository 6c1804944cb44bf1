// A module to a file that compiling can go on from.
#include "Compilation.h"

#include "mopt/Target/WriteFile.h"

#include "mlir/Bytecode/BytecodeWriter.h"
#include "mlir/IR/AsmState.h"
#include "mlir/IR/DialectResourceBlobManager.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;
using namespace mopt;

llvm::Error mopt::writeIR(ModuleOp module, Level level, StringRef path) {
  module->setAttr(kLevelAttr,
                  StringAttr::get(module.getContext(), getLevelName(level)));
  std::error_code code;
  // "-" is stdout.
  llvm::raw_fd_ostream os(path, code, llvm::sys::fs::OF_None);
  if (code)
    return llvm::createFileError(path, code);
  if (llvm::sys::path::extension(path) == ".mlirbc") {
    if (failed(writeBytecodeToFile(module, os)))
      return llvm::createStringError("cannot write '" + path + "'");
  } else {
    // Locations name the nodes in later diagnostics.
    module->print(os, OpPrintingFlags().enableDebugInfo());
  }
  os.flush();
  if (!os.has_error())
    return llvm::Error::success();
  code = os.error();
  os.clear_error();
  return llvm::createFileError(path, code);
}

int64_t mopt::countResourceBytes(ModuleOp module) {
  int64_t bytes = 0;
  llvm::DenseSet<const void *> seen;
  module.walk([&](Operation *op) {
    op->getAttrDictionary().walk([&](DenseResourceElementsAttr attr) {
      AsmResourceBlob *blob = attr.getRawHandle().getBlob();
      if (blob && seen.insert(blob).second)
        bytes += blob->getData().size();
    });
  });
  return bytes;
}

//===- ImportONNX.h - an ONNX file to the onnx dialect ----------*- C++ -*-===//

#ifndef MOPT_IMPORT_IMPORTONNX_H
#define MOPT_IMPORT_IMPORTONNX_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"

#include <string>
#include <vector>

namespace mlir {
class DialectRegistry;
class MLIRContext;
} // namespace mlir

namespace mopt {

struct ImportOptions {
  /// The folder that external data is confined to. Empty: the model file's own
  /// folder; for a model in memory, no external data.
  std::string baseFolder;
  /// What locations and diagnostics call a model in memory.
  std::string bufferName = "<memory>";
  /// Refine values to the types that the file states for them (value_info).
  /// Inputs always have their stated type.
  bool useValueInfo = true;
  /// Receives the paths of the files with external data, in order of name.
  std::vector<std::string> *externalFiles = nullptr;
};

/// Registers the dialects that an imported module uses.
void registerImportDialects(mlir::DialectRegistry &registry);

/// Reads a serialized ONNX ModelProto and returns it as a module on level
/// 'onnx': one public function with the attribute 'mopt.entry', model-local
/// functions inlined, weights as resource blobs that own the bytes read or map
/// the external file. Returns null after exactly one error diagnostic, whose
/// location is the ONNX node at fault or the file. The module is verified.
mlir::OwningOpRef<mlir::ModuleOp> importONNX(llvm::StringRef path,
                                             mlir::MLIRContext *context,
                                             const ImportOptions &options = {});

/// The same from memory. The bytes are not needed after the call.
mlir::OwningOpRef<mlir::ModuleOp>
importONNXBuffer(llvm::ArrayRef<char> model, mlir::MLIRContext *context,
                 const ImportOptions &options = {});

} // namespace mopt

#endif // MOPT_IMPORT_IMPORTONNX_H

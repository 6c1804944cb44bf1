//===- SchemaLibrary.h - what ONNX says about its operators -----*- C++ -*-===//

#ifndef MOPT_LIB_IMPORT_ONNX_SCHEMALIBRARY_H
#define MOPT_LIB_IMPORT_ONNX_SCHEMALIBRARY_H

#include "ModelReader.h"

#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringMap.h"

namespace mopt::importer {

/// The operator sets and function bodies of the onnx package that mopt was
/// built with.
class SchemaLibrary {
public:
  static const SchemaLibrary &get();

  /// The newest version of an operator set; 0 if ONNX has no such domain.
  int64_t getNewestVersion(llvm::StringRef domain) const {
    return newestVersions.lookup(domain);
  }
  /// The body of an operator in a version of its operator set; null if it has
  /// none, or none that holds for all operand types.
  const pb::FunctionProto *
  findBody(llvm::StringRef domain, llvm::StringRef name, int64_t version) const;

private:
  SchemaLibrary();

  struct Version {
    int64_t since;
    const pb::FunctionProto *function;
  };
  std::unique_ptr<pb::ModelProto> model;
  OpsetVersions newestVersions;
  /// "domain.name" to its versions, oldest first.
  llvm::StringMap<llvm::SmallVector<Version>> operators;
};

} // namespace mopt::importer

#endif // MOPT_LIB_IMPORT_ONNX_SCHEMALIBRARY_H

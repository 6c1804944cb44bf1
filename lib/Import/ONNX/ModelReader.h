//===- ModelReader.h - a file to a checked ModelProto -----------*- C++ -*-===//

#ifndef MOPT_LIB_IMPORT_ONNX_MODELREADER_H
#define MOPT_LIB_IMPORT_ONNX_MODELREADER_H

#include "ONNXProto.h"

#include "mlir/IR/Location.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringRef.h"

#include <memory>

namespace mopt::importer {

/// Operator set domain to version; the default domain is "".
using OpsetVersions = llvm::StringMap<int64_t>;

/// Reads and parses a model, and checks that it has a graph and an IR version
/// that is known. Null after one error at `loc`.
std::unique_ptr<pb::ModelProto> readModelFile(llvm::StringRef path,
                                              mlir::Location loc);
std::unique_ptr<pb::ModelProto> readModelBytes(llvm::ArrayRef<char> bytes,
                                               mlir::Location loc);

/// The operator sets that a model or a function imports. `owner` names it in
/// errors.
mlir::FailureOr<OpsetVersions> readOpsets(
    const google::protobuf::RepeatedPtrField<pb::OperatorSetIdProto> &imports,
    llvm::StringRef owner, mlir::Location loc);

/// "ai.onnx" is the default domain's other spelling.
inline llvm::StringRef canonicalDomain(llvm::StringRef domain) {
  return domain == "ai.onnx" ? "" : domain;
}

} // namespace mopt::importer

#endif // MOPT_LIB_IMPORT_ONNX_MODELREADER_H

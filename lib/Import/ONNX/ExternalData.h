//===- ExternalData.h - tensors outside the model file ----------*- C++ -*-===//

#ifndef MOPT_LIB_IMPORT_ONNX_EXTERNALDATA_H
#define MOPT_LIB_IMPORT_ONNX_EXTERNALDATA_H

#include "ONNXProto.h"

#include "mlir/IR/AsmState.h"
#include "mlir/IR/Location.h"
#include "llvm/ADT/StringMap.h"

#include <memory>
#include <string>

namespace mopt::importer {

/// The files of external data, each mapped once and for as long as a blob
/// refers to it. They must lie in the folder, symbolic links resolved.
class ExternalData {
public:
  /// Without a folder every reference is an error.
  explicit ExternalData(std::string folder) : folder(std::move(folder)) {}

  /// `bytes` is the size that the tensor's type asks for, `alignment` that of
  /// its elements. Errors are at `loc`.
  mlir::FailureOr<mlir::AsmResourceBlob> load(const pb::TensorProto &tensor,
                                              size_t bytes, size_t alignment,
                                              mlir::Location loc);

  /// The paths of the files read so far, in order of name.
  std::vector<std::string> getPaths() const;

private:
  struct Mapping {
    const char *data = nullptr;
    size_t bytes = 0;
    ~Mapping();
  };
  mlir::FailureOr<std::shared_ptr<Mapping>> map(llvm::StringRef location,
                                                mlir::Location loc);

  std::string folder;
  llvm::StringMap<std::shared_ptr<Mapping>> files;
  /// What references that no blob can map may still copy.
  size_t copyBudgetBytes = 0;
};

} // namespace mopt::importer

#endif // MOPT_LIB_IMPORT_ONNX_EXTERNALDATA_H

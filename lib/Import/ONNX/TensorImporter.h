//===- TensorImporter.h - TensorProto to an attribute -----------*- C++ -*-===//

#ifndef MOPT_LIB_IMPORT_ONNX_TENSORIMPORTER_H
#define MOPT_LIB_IMPORT_ONNX_TENSORIMPORTER_H

#include "ExternalData.h"
#include "ONNXProto.h"

#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/Location.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/StringMap.h"

namespace mopt::importer {

/// Turns tensors into attributes: up to kDenseElements elements 'dense', more
/// 'dense_resource' with a blob that takes over the tensor's bytes, strings
/// 'dense' of '!onnx.string'. A tensor that is met again (in a function inlined
/// twice) gives the same attribute.
class TensorImporter {
public:
  TensorImporter(ExternalData &external) : external(external) {}

  mlir::FailureOr<mlir::ElementsAttr> import(pb::TensorProto &tensor,
                                             mlir::Location loc);
  /// The dense form.
  mlir::FailureOr<mlir::ElementsAttr> import(pb::SparseTensorProto &tensor,
                                             mlir::Location loc);

private:
  static constexpr int64_t kDenseElements = 16;

  mlir::FailureOr<mlir::ElementsAttr> convert(pb::TensorProto &tensor,
                                              mlir::Location loc);
  mlir::ElementsAttr makeAttr(mlir::RankedTensorType type, llvm::StringRef name,
                              mlir::AsmResourceBlob blob);

  ExternalData &external;
  llvm::DenseMap<const void *, mlir::ElementsAttr> imported;
  llvm::StringMap<unsigned> resourceNames;
  /// Dense bytes made from sparse tensors so far.
  int64_t densifiedBytes = 0;
};

} // namespace mopt::importer

#endif // MOPT_LIB_IMPORT_ONNX_TENSORIMPORTER_H

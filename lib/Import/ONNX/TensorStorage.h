//===- TensorStorage.h - the bytes of a TensorProto -------------*- C++ -*-===//

#ifndef MOPT_LIB_IMPORT_ONNX_TENSORSTORAGE_H
#define MOPT_LIB_IMPORT_ONNX_TENSORSTORAGE_H

#include "TypeImporter.h"

#include "mlir/IR/AsmState.h"

namespace mopt::importer {
class ExternalData;

/// Bytes that `count` elements take in a resource blob: little endian, 2-bit
/// and 4-bit ones packed from the low bits up, 6-bit ones a byte each.
size_t storageBytes(const ElementType &element, int64_t count);

/// Takes the elements of a tensor that holds no strings as a blob of
/// storageBytes. Raw, float, int64 and double fields are taken over and
/// external files mapped; only what is stored wider, or unaligned, is copied.
/// A field that was taken over is empty afterwards. Errors are at `loc`.
mlir::FailureOr<mlir::AsmResourceBlob>
takeStorage(pb::TensorProto &tensor, const ElementType &element, int64_t count,
            ExternalData &external, mlir::Location loc);

} // namespace mopt::importer

#endif // MOPT_LIB_IMPORT_ONNX_TENSORSTORAGE_H

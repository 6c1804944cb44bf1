//===- TypeImporter.h - ONNX types to MLIR types ----------------*- C++ -*-===//

#ifndef MOPT_LIB_IMPORT_ONNX_TYPEIMPORTER_H
#define MOPT_LIB_IMPORT_ONNX_TYPEIMPORTER_H

#include "ONNXProto.h"

#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Location.h"

#include <optional>

namespace mopt::importer {

/// The field of TensorProto that holds elements of a type when raw_data does
/// not.
enum class TypedField { Float, Double, Int32, Int64, UInt64, String };

/// One row for each TensorProto.DataType.
struct ElementType {
  int dataType;
  llvm::StringLiteral name;
  /// Bits of one element in raw_data; 0 for strings.
  unsigned bits;
  TypedField field;
};

/// The row of a TensorProto.DataType; null if the value is not one.
const ElementType *findElementType(int dataType);

/// Signed integers are signless, unsigned ones 'ui', bool is i1, a string
/// '!onnx.string'.
mlir::Type convertElementType(mlir::MLIRContext *context,
                              const ElementType &element);

/// The type for a TypeProto; '!onnx.value' where the file says nothing that a
/// type could hold. `name` names the value in errors, which are at `loc`.
mlir::FailureOr<mlir::Type> convertType(const pb::TypeProto &type,
                                        llvm::StringRef name,
                                        mlir::Location loc);

/// The attribute kDimsAttr for a value; null if its rank is not stated.
mlir::ArrayAttr describeDims(mlir::MLIRContext *context,
                             const pb::TypeProto &type);

/// Number of elements of a shape; nothing if a dimension is negative or the
/// product, zeros left out, times `elementBits` does not fit 62 bits.
/// Dynamic dimensions (ShapedType::kDynamic) count as one.
std::optional<int64_t> countElements(llvm::ArrayRef<int64_t> shape,
                                     unsigned elementBits);

} // namespace mopt::importer

#endif // MOPT_LIB_IMPORT_ONNX_TYPEIMPORTER_H

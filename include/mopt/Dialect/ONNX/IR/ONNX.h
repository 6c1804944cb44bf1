//===- ONNX.h - the import dialect ------------------------------*- C++ -*-===//

#ifndef MOPT_DIALECT_ONNX_IR_ONNX_H
#define MOPT_DIALECT_ONNX_IR_ONNX_H

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

#include "mopt/Dialect/ONNX/IR/ONNXDialect.h.inc"
#define GET_TYPEDEF_CLASSES
#include "mopt/Dialect/ONNX/IR/ONNXTypes.h.inc"
#define GET_OP_CLASSES
#include "mopt/Dialect/ONNX/IR/ONNXOps.h.inc"

namespace mopt::onnx {
/// Module attribute: a dictionary from operator set domain to version. The
/// default domain is spelled "ai.onnx".
inline constexpr llvm::StringLiteral kOpsetsAttr = "onnx.opsets";
/// Function argument and result attribute: the ONNX value name, a string.
inline constexpr llvm::StringLiteral kNameAttr = "onnx.name";
/// Function argument and result attribute: one entry per dimension, an integer
/// where it is fixed, a string where the file names it, a unit where the file
/// says nothing.
inline constexpr llvm::StringLiteral kDimsAttr = "onnx.dims";
/// Module attributes: the file's IR version, an integer; who wrote it, a
/// string; its metadata, a dictionary of strings.
inline constexpr llvm::StringLiteral kIRVersionAttr = "onnx.ir_version";
inline constexpr llvm::StringLiteral kProducerAttr = "onnx.producer";
inline constexpr llvm::StringLiteral kMetadataAttr = "onnx.metadata";

/// The element type of a TensorProto.DataType; null if it is not one of numbers
/// or booleans.
mlir::Type getElementType(mlir::MLIRContext *context, int64_t dataType);
} // namespace mopt::onnx

#endif // MOPT_DIALECT_ONNX_IR_ONNX_H

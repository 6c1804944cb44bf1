//===- FunctionBodies.h - composite operators, decomposed -------*- C++ -*-===//
//
// ONNX defines some operators by other ones. The bodies come from the onnx
// package that mopt was built with.
//
//===----------------------------------------------------------------------===//

#ifndef MOPT_IMPORT_FUNCTIONBODIES_H
#define MOPT_IMPORT_FUNCTIONBODIES_H

#include "mopt/Dialect/ONNX/IR/ONNX.h"

#include "mlir/IR/Builders.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringRef.h"

namespace mopt {

/// Whether ONNX defines the operator, in this version of its operator set, by a
/// body that holds for all operand types. `domain` is "" for the default one.
bool hasFunctionBody(llvm::StringRef domain, llvm::StringRef opType,
                     int64_t version);

/// Builds the body of a node's operator on the node's operands, at the
/// builder's insertion point, as 'onnx.node' ops at the node's location. An op
/// whose operator set is another version than the module's says so ('opset').
/// Returns a value for each result of the node; the node stays. Emits an error
/// and returns failure if there is no body.
mlir::FailureOr<llvm::SmallVector<mlir::Value>>
buildFunctionBody(mlir::OpBuilder &builder, onnx::NodeOp node);

/// Replaces a node by its operator's body.
mlir::LogicalResult expandFunctionBody(mlir::OpBuilder &builder,
                                       onnx::NodeOp node);

} // namespace mopt

#endif // MOPT_IMPORT_FUNCTIONBODIES_H

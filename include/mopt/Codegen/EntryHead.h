//===- EntryHead.h - what an entry knows before it computes -----*- C++ -*-===//
//
// The head of an entry (buffer level) are the scalar ops at its start that only
// depend on the sizes of its inputs. mopt-hoist-shapes moves there what can be.
//
//===----------------------------------------------------------------------===//
#ifndef MOPT_CODEGEN_ENTRYHEAD_H
#define MOPT_CODEGEN_ENTRYHEAD_H

#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace mopt {

/// Whether argument `i` of an entry is an input of the model. Others carry an
/// attribute that says what they are.
bool isModelInput(mlir::func::FuncOp entry, unsigned i);

/// Whether `op` may stand in a head if its operands do: arithmetic on scalars,
/// and the size of an input.
bool belongsToHead(mlir::Operation *op);

/// The first op of `entry` that is not in its head.
mlir::Operation *getHeadEnd(mlir::func::FuncOp entry);

/// Whether a value is known in the head of `entry`.
bool isKnownInHead(mlir::Value value, mlir::func::FuncOp entry);

/// An element of a list, such as the shape of a reshape: a constant, or what is
/// stored there once. Null if it cannot be told.
mlir::OpFoldResult getKnownElement(mlir::Value list, int64_t index);

/// The size of a dimension: a constant of the type, or a value that exists
/// before `memref` does (made at `b` where sizes multiply). Null if only the
/// memref knows.
mlir::OpFoldResult getKnownSize(mlir::OpBuilder &b, mlir::Value memref,
                                int64_t dim);

/// Adds the private function `name`: from the sizes of all inputs, one after
/// the other in its first argument, it writes `values`, which are known in the
/// head of `entry`, to its second.
mlir::func::FuncOp
createSizesFunction(mlir::func::FuncOp entry, llvm::StringRef name,
                    llvm::ArrayRef<mlir::OpFoldResult> values);

} // namespace mopt

#endif // MOPT_CODEGEN_ENTRYHEAD_H

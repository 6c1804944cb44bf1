//===- OperandIndices.h - where a linalg op reads and writes ----*- C++ -*-===//

#ifndef MOPT_LIB_CODEGEN_OPERANDINDICES_H
#define MOPT_LIB_CODEGEN_OPERANDINDICES_H

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"

namespace mopt {
/// The indices of `operand`, whose map has loops and constants only, at the
/// iteration `loops`.
inline llvm::SmallVector<mlir::Value>
getOperandIndices(mlir::OpBuilder &b, mlir::linalg::GenericOp op,
                  mlir::OpOperand &operand, mlir::ValueRange loops) {
  llvm::SmallVector<mlir::Value> result;
  for (mlir::AffineExpr expr :
       op.getMatchingIndexingMap(&operand).getResults()) {
    if (auto dim = mlir::dyn_cast<mlir::AffineDimExpr>(expr))
      result.push_back(loops[dim.getPosition()]);
    else
      result.push_back(mlir::arith::ConstantIndexOp::create(
          b, op.getLoc(),
          mlir::cast<mlir::AffineConstantExpr>(expr).getValue()));
  }
  return result;
}
} // namespace mopt

#endif // MOPT_LIB_CODEGEN_OPERANDINDICES_H

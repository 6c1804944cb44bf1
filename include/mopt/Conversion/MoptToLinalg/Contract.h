//===- Contract.h - sums of products ----------------------------*- C++ -*-===//

#ifndef MOPT_CONVERSION_MOPTTOLINALG_CONTRACT_H
#define MOPT_CONVERSION_MOPTTOLINALG_CONTRACT_H

#include "mopt/Conversion/MoptToLinalg/Elements.h"

namespace mopt {
/// `result = sum lhs * rhs` over the reduction iterators, as a linalg.generic.
/// `maps` index lhs, rhs and the result of `sizes`; element types are logical.
mlir::Value
createContraction(mlir::OpBuilder &b, mlir::Location loc, mlir::Value lhs,
                  mlir::Type lhsElement, mlir::Value rhs, mlir::Type rhsElement,
                  llvm::ArrayRef<mlir::OpFoldResult> sizes, mlir::Type result,
                  llvm::ArrayRef<mlir::AffineMap> maps,
                  llvm::ArrayRef<mlir::utils::IteratorType> iterators);
} // namespace mopt

#endif // MOPT_CONVERSION_MOPTTOLINALG_CONTRACT_H

//===- TransposeSquare.h - exchange rows and lanes --------------*- C++ -*-===//

#ifndef MOPT_LIB_CODEGEN_MICROKERNELS_TRANSPOSESQUARE_H
#define MOPT_LIB_CODEGEN_MICROKERNELS_TRANSPOSESQUARE_H

#include "IndexBuilder.h"

namespace mopt {
/// Exchanges rows and lanes of as many vectors as they have lanes, a power of
/// two, in log2(lanes) rounds that each swap the two off-diagonal quarters of
/// every square.
llvm::SmallVector<mlir::Value>
transposeSquare(IndexBuilder &ib, llvm::SmallVector<mlir::Value> rows);
} // namespace mopt

#endif // MOPT_LIB_CODEGEN_MICROKERNELS_TRANSPOSESQUARE_H

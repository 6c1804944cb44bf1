//===- UnpackedSide.h - right sides where they lie --------------*- C++ -*-===//

#ifndef MOPT_LIB_CODEGEN_GRID_UNPACKEDSIDE_H
#define MOPT_LIB_CODEGEN_GRID_UNPACKEDSIDE_H

#include "mopt/Dialect/Mopt/IR/Mopt.h"

namespace mopt {
/// The contraction that alone reads what `pack` writes, and follows it.
ContractAnchorOp findReader(PackColumnsOp pack);

/// What `pack` would write, as a view of what it reads, without neighbours
/// along the depth side by side: its last block may end behind the last column.
/// Null where there is none.
mlir::Value viewUnpacked(mlir::OpBuilder &b, PackColumnsOp pack);
} // namespace mopt

#endif // MOPT_LIB_CODEGEN_GRID_UNPACKEDSIDE_H

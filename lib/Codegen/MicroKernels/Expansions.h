//===- Expansions.h - from anchor to micro-kernel ---------------*- C++ -*-===//

#ifndef MOPT_LIB_CODEGEN_MICROKERNELS_EXPANSIONS_H
#define MOPT_LIB_CODEGEN_MICROKERNELS_EXPANSIONS_H

#include "mopt/Dialect/Mopt/IR/Mopt.h"

namespace mopt {
/// Emit loops and vectors for an anchor on memrefs that has a configuration.
/// The anchor itself stays.
void expandContractAnchor(mlir::OpBuilder &b, ContractAnchorOp op);
/// The same for one with packed weights.
void expandBlockContractAnchor(mlir::OpBuilder &b, ContractAnchorOp op);
void expandConvAnchor(mlir::OpBuilder &b, ConvAnchorOp op);
void expandDepthwiseAnchor(mlir::OpBuilder &b, DepthwiseAnchorOp op);
void expandSparseAnchor(mlir::OpBuilder &b, SparseAnchorOp op);
/// What `expandSparseAnchor` does for weights in form of scalars.
void expandSparseRows(mlir::OpBuilder &b, SparseAnchorOp op);
/// What it does for bytes and registers of matrices.
void expandSparseMatrices(mlir::OpBuilder &b, SparseAnchorOp op);
/// Likewise for packing, which needs no configuration.
void expandPackColumns(mlir::OpBuilder &b, PackColumnsOp op);
} // namespace mopt

#endif // MOPT_LIB_CODEGEN_MICROKERNELS_EXPANSIONS_H

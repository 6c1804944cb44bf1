//===- AnchorInterface.h - what all anchors share ---------------*- C++ -*-===//
//
// Part of Mopt.h, which defines the attributes that it names.
//
//===----------------------------------------------------------------------===//

#ifndef MOPT_DIALECT_MOPT_IR_ANCHORINTERFACE_H
#define MOPT_DIALECT_MOPT_IR_ANCHORINTERFACE_H

#include "mlir/Dialect/Bufferization/IR/BufferizableOpInterface.h"
#include "mlir/IR/AffineMap.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/Interfaces/DestinationStyleOpInterface.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "mlir/Interfaces/TilingInterface.h"

namespace mopt {
class AnchorOpInterface;
class ConfigAttr;

/// A box: offsets and sizes, one per dimension.
struct AnchorTile {
  llvm::SmallVector<mlir::OpFoldResult> offsets, sizes;
};

/// What the interface methods of every anchor do.
namespace detail {
llvm::LogicalResult verifyAnchor(mlir::Operation *op);

void getAnchorEffects(AnchorOpInterface op,
                      llvm::SmallVectorImpl<mlir::SideEffects::EffectInstance<
                          mlir::MemoryEffects::Effect>> &effects);

mlir::FailureOr<mlir::TilingResult>
tileAnchor(AnchorOpInterface op, mlir::OpBuilder &b,
           llvm::ArrayRef<mlir::OpFoldResult> offsets,
           llvm::ArrayRef<mlir::OpFoldResult> sizes);

llvm::LogicalResult
getAnchorResultTile(AnchorOpInterface op, mlir::OpBuilder &b,
                    llvm::ArrayRef<mlir::OpFoldResult> offsets,
                    llvm::ArrayRef<mlir::OpFoldResult> sizes,
                    llvm::SmallVectorImpl<mlir::OpFoldResult> &resultOffsets,
                    llvm::SmallVectorImpl<mlir::OpFoldResult> &resultSizes);

llvm::LogicalResult
getAnchorDomainTile(AnchorOpInterface op, mlir::OpBuilder &b,
                    llvm::ArrayRef<mlir::OpFoldResult> offsets,
                    llvm::ArrayRef<mlir::OpFoldResult> sizes,
                    llvm::SmallVectorImpl<mlir::OpFoldResult> &domainOffsets,
                    llvm::SmallVectorImpl<mlir::OpFoldResult> &domainSizes);

mlir::FailureOr<mlir::TilingResult>
generateAnchorResultTile(AnchorOpInterface op, mlir::OpBuilder &b,
                         llvm::ArrayRef<mlir::OpFoldResult> offsets,
                         llvm::ArrayRef<mlir::OpFoldResult> sizes);

/// Columns in `count` packed blocks of `columns` from block `first` on, when
/// there are `width` columns in all.
mlir::OpFoldResult countColumns(mlir::OpBuilder &b, mlir::Location loc,
                                mlir::OpFoldResult count,
                                mlir::OpFoldResult first,
                                mlir::OpFoldResult width, int64_t columns);

bool isAnchorElementwiseAccess(AnchorOpInterface op,
                               llvm::ArrayRef<mlir::OpOperand *> operands);

llvm::LogicalResult
bufferizeAnchor(AnchorOpInterface op, mlir::RewriterBase &rewriter,
                const mlir::bufferization::BufferizationOptions &options,
                mlir::bufferization::BufferizationState &state);
} // namespace detail
} // namespace mopt

#include "mopt/Dialect/Mopt/IR/MoptAnchorInterface.h.inc"

#endif // MOPT_DIALECT_MOPT_IR_ANCHORINTERFACE_H

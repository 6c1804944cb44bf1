//===- ExcessWeights.h - weights too large for sums in words ----*- C++ -*-===//

#ifndef MOPT_DIALECT_MOPT_IR_EXCESSWEIGHTS_H
#define MOPT_DIALECT_MOPT_IR_EXCESSWEIGHTS_H

#include "mopt/Dialect/Mopt/IR/Mopt.h"

namespace mopt {
/// A row of an anchor's operand `excess`: the weights of one group of
/// neighbours for all columns of a packed block, then little-endian words of 32
/// bits. The first word of a block's first row counts the rows that the block
/// uses; those after it say which group a row is, an index for each dimension
/// of the packed weights between the blocks and the columns.
struct ExcessRow {
  static constexpr int64_t kWordBytes = 4;

  /// Bytes of weights, and those of the words: one vector.
  int64_t weightBytes, wordBytes;

  int64_t getBytes() const { return weightBytes + wordBytes; }
  int64_t getCountOffset() const { return weightBytes; }
  int64_t getIndexOffset(int64_t dim) const {
    return weightBytes + (dim + 1) * kWordBytes;
  }
  /// Is there room for the indices of `dims` dimensions?
  bool holdsIndices(int64_t dims) const {
    return (dims + 1) * kWordBytes <= wordBytes;
  }
};

ExcessRow getExcessRow(ConfigAttr config);

namespace detail {
/// The part of `excess` that blocks read; `offsets` and `sizes` are those of
/// its leading dimensions.
AnchorTile getExcessTile(mlir::OpBuilder &b, mlir::Location loc,
                         mlir::Value excess,
                         llvm::ArrayRef<mlir::OpFoldResult> offsets,
                         llvm::ArrayRef<mlir::OpFoldResult> sizes);

/// `leading` dimensions of `weights` stand before those that `excess` indexes.
mlir::LogicalResult verifyExcess(AnchorOpInterface op, mlir::Value excess,
                                 mlir::ShapedType weights, int64_t leading);
} // namespace detail
} // namespace mopt

#endif // MOPT_DIALECT_MOPT_IR_EXCESSWEIGHTS_H

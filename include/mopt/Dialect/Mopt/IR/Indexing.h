//===- Indexing.h - where dimensions stand ----------------------*- C++ -*-===//

#ifndef MOPT_DIALECT_MOPT_IR_INDEXING_H
#define MOPT_DIALECT_MOPT_IR_INDEXING_H

#include "mlir/IR/Location.h"
#include "mlir/Support/LLVM.h"
#include <optional>

namespace mopt {
/// Positions of the dimensions of an image-like tensor: `[n, c, spatial..]`, or
/// `[n, spatial.., c]` with channels last.
struct SpatialLayout {
  SpatialLayout(int64_t spatialRank, bool channelsLast);

  int64_t channel;
  llvm::SmallVector<int64_t> spatial;
};

/// Checks the per-dimension lists of a convolution or pooling: lengths, strides
/// and dilations of at least 1, paddings of at least 0.
llvm::LogicalResult verifyWindowLists(std::optional<mlir::Location> location,
                                      int64_t spatialRank,
                                      llvm::ArrayRef<int64_t> strides,
                                      llvm::ArrayRef<int64_t> dilations,
                                      llvm::ArrayRef<int64_t> padsBegin,
                                      llvm::ArrayRef<int64_t> padsEnd);
} // namespace mopt

#endif // MOPT_DIALECT_MOPT_IR_INDEXING_H

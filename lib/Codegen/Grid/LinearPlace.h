//===- LinearPlace.h - elements at sums of multiples ------------*- C++ -*-===//

#ifndef MOPT_LIB_CODEGEN_GRID_LINEARPLACE_H
#define MOPT_LIB_CODEGEN_GRID_LINEARPLACE_H

#include "mlir/IR/AffineMap.h"
#include "mlir/IR/Value.h"
#include <optional>

namespace mopt {
/// The element of a buffer that belongs to a point: `offset` and the point's
/// coordinates times `strides`, in elements from the begin of `root`, which is
/// an argument of the kernel.
struct LinearPlace {
  mlir::BlockArgument root;
  int64_t offset = 0;
  llvm::SmallVector<int64_t> strides;
};

/// The place that `map` gives in `buffer`, a memref of static layout; nothing
/// where it is not such a sum, or the buffer is no view of an argument. The map
/// may leave out the last dimensions: their indices are then 0.
std::optional<LinearPlace> findLinearPlace(mlir::Value buffer,
                                           mlir::AffineMap map);
} // namespace mopt

#endif // MOPT_LIB_CODEGEN_GRID_LINEARPLACE_H

//===- Sparsity.h - products that can be sparse -----------------*- C++ -*-===//

#ifndef MOPT_DIALECT_MOPT_IR_SPARSITY_H
#define MOPT_DIALECT_MOPT_IR_SPARSITY_H

#include "mopt/Dialect/Mopt/IR/Mopt.h"

namespace mopt {
/// Is every output position of `op` a row that is multiplied by one matrix: a
/// kernel of size 1, stride 1, one group and no padding?
bool isPointwise(ConvOp op);

/// The dimension of the right side of `op`, a mopt.matmul,
/// mopt.quantized_matmul or a pointwise mopt.conv, that is summed; nothing for
/// another op.
std::optional<int64_t> getDepthAxis(mlir::Operation *op);
} // namespace mopt

#endif // MOPT_DIALECT_MOPT_IR_SPARSITY_H

//===- Sparsity.h - products that can be sparse -----------------*- C++ -*-===//

#ifndef MOPT_DIALECT_MOPT_IR_SPARSITY_H
#define MOPT_DIALECT_MOPT_IR_SPARSITY_H

#include "mopt/Dialect/Mopt/IR/Mopt.h"

#include <string>

namespace mopt {
/// Is the float of 16 or 32 bits, or the byte, at `element` none of 0 and -0?
bool isNonzero(const char *element, int64_t bytes);

/// Has every group of four neighbours two zeros in weights of this pattern?
bool keepsTwoOfFour(SparsityAttr sparsity);

/// Is every output position of `op` a row that is multiplied by one matrix: a
/// kernel of size 1, stride 1, one group and no padding?
bool isPointwise(ConvOp op);

/// The dimension of the right side of `op`, a mopt.matmul,
/// mopt.quantized_matmul or a pointwise mopt.conv, that is summed; nothing for
/// another op.
std::optional<int64_t> getDepthAxis(mlir::Operation *op);

/// Weights whose zeros follow no pattern have the largest number of values that
/// any group of this size keeps as their N:M.
inline constexpr int64_t kUnstructuredGroup = 64;

inline bool isUnstructured(SparsityAttr sparsity) {
  return sparsity.getGroup() == kUnstructuredGroup;
}

/// The share of elements of `op` that are not zero; -0.0 is. Values must be a
/// constant.
double getKeptShare(SparseAssembleOp op);

/// Of form byte_lanes: neighbours along the depth that four values of a column
/// stand for, and bits of a position.
int64_t getDepthOfByteLanes(SparsityAttr sparsity);
int64_t getBitsOfByteLanes(SparsityAttr sparsity);

/// N:M for messages and reports; the share of zeros as well where N, which the
/// fullest group decides, says little about it.
std::string describeSparsity(SparseAssembleOp op);
} // namespace mopt

#endif // MOPT_DIALECT_MOPT_IR_SPARSITY_H

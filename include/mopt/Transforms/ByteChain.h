//===- ByteChain.h - functions of a byte, and their merged form -*- C++ -*-===//

#ifndef MOPT_TRANSFORMS_BYTECHAIN_H
#define MOPT_TRANSFORMS_BYTECHAIN_H

#include "mopt/Dialect/Mopt/IR/QuantizationParameters.h"

#include "llvm/ADT/SmallVector.h"
#include <optional>

namespace mopt {
/// What lies between the dequantization of bytes and a quantization: products,
/// quotients, sums and differences with constants, then maxima and minima. A
/// function of 256 values for each position of the constants, so that another
/// form of it can be proven equal by trying all.
struct ByteChain {
  DequantizeOp first;
  /// From the first to the last. Each is read by the next one alone, and has
  /// the chain as one operand and a constant as the other.
  llvm::SmallVector<BinaryOp> ops;
  QuantizeOp last;
  /// What all constants broadcast to, f32, of the rank of the tensors.
  mlir::RankedTensorType positions;

  /// The chain that ends in `last`; nothing if something in it is not known
  /// when compiling.
  static std::optional<ByteChain> find(QuantizeOp last);

  /// (byte - zero point) * factor + addend, each of the type `positions`, is
  /// in steps of the result what the chain computes.
  struct Merged {
    ConstantTensor factor, addend;
    /// Is every addend 0?
    bool hasNoAddend;
  };

  /// Factors and addends with which each byte is quantized to the same step as
  /// by the chain, whose operations round one by one, whether product and sum
  /// are fused or not; nothing where none were found. Maxima and minima stay
  /// behind them, with their constants divided by the scale of the result.
  std::optional<Merged> merge();

  /// Is a maximum or minimum, of which the constants are bounds.
  static bool isBound(BinaryOp op) {
    return op.getKind() == BinaryKind::max || op.getKind() == BinaryKind::min;
  }
  /// The constant operand of one of `ops`.
  static mlir::Value getConstant(BinaryOp op);
};
} // namespace mopt

#endif // MOPT_TRANSFORMS_BYTECHAIN_H

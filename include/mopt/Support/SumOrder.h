//===- SumOrder.h - sums that are taken element by element ------*- C++ -*-===//

#ifndef MOPT_SUPPORT_SUMORDER_H
#define MOPT_SUPPORT_SUMORDER_H

#include "llvm/ADT/StringRef.h"

namespace mopt {
/// On a `linalg.generic` with a sum: its elements are added one by one in their
/// order, whatever the numerics allow.
inline constexpr llvm::StringLiteral kInOrderAttr = "mopt.in_order";

/// Rows of which such sums are taken side by side: an addition takes four cycles,
/// in each of which two can begin.
inline constexpr int64_t kRowsInOrder = 8;

/// On a `mopt.softmax` of dequantized bytes, how ONNX Runtime computes it where it
/// is quantized again: a dictionary of `table`, the exponentials of 0 to 255 steps
/// below the largest element times a number, `step`, the scale of the input, and
/// `result`, that of the result, a power of two. The sum is taken in order, the
/// quotient, a float, is rounded to steps. Without the attribute the result is the
/// same but for rounding.
inline constexpr llvm::StringLiteral kExponentialsAttr = "mopt.exponentials";
} // namespace mopt

#endif // MOPT_SUPPORT_SUMORDER_H

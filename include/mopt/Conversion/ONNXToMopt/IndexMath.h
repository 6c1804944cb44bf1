//===- IndexMath.h - arithmetic on sizes and offsets ------------*- C++ -*-===//

#ifndef MOPT_CONVERSION_ONNXTOMOPT_INDEXMATH_H
#define MOPT_CONVERSION_ONNXTOMOPT_INDEXMATH_H

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/Builders.h"

namespace mopt {
/// Operations on index values that are computed here if their operands are
/// known, and emitted otherwise.
class IndexMath {
public:
  IndexMath(mlir::OpBuilder &b, mlir::Location loc) : b(b), loc(loc) {}

  using Index = mlir::OpFoldResult;

  Index constant(int64_t value) const { return b.getIndexAttr(value); }
  mlir::Value value(Index x) const;

  Index add(Index x, Index y) const;
  Index sub(Index x, Index y) const;
  Index mul(Index x, Index y) const;
  Index min(Index x, Index y) const;
  Index max(Index x, Index y) const;
  /// Rounded down and up; 0 for a divisor of 0.
  Index floorDiv(Index x, Index y) const;
  Index ceilDiv(Index x, Index y) const;
  /// `x p y ? ifTrue : ifFalse`.
  Index select(mlir::arith::CmpIPredicate p, Index x, Index y, Index ifTrue,
               Index ifFalse) const;
  /// Between `low` and `high`; `high` if that is less than `low`.
  Index clamp(Index x, Index low, Index high) const {
    return min(max(x, low), high);
  }
  /// A position that counts from the end of `size` elements if negative.
  Index wrap(Index x, Index size) const;

private:
  mlir::OpBuilder &b;
  mlir::Location loc;
};
} // namespace mopt

#endif // MOPT_CONVERSION_ONNXTOMOPT_INDEXMATH_H

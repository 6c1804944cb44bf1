//===- IndexBuilder.h - folded index arithmetic -----------------*- C++ -*-===//

#ifndef MOPT_LIB_CODEGEN_MICROKERNELS_INDEXBUILDER_H
#define MOPT_LIB_CODEGEN_MICROKERNELS_INDEXBUILDER_H

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/IR/Builders.h"

namespace mopt {
/// Emits index arithmetic as `arith` ops where it is not constant. Addresses in
/// micro-kernels must stay affine in the loop counters: a division in the
/// innermost loop stops strength reduction.
class IndexBuilder {
public:
  IndexBuilder(mlir::OpBuilder &b, mlir::Location loc) : b(b), loc(loc) {}

  mlir::OpFoldResult constant(int64_t value) { return b.getIndexAttr(value); }
  mlir::Value value(mlir::OpFoldResult x);
  mlir::OpFoldResult add(mlir::OpFoldResult x, mlir::OpFoldResult y);
  mlir::OpFoldResult sub(mlir::OpFoldResult x, mlir::OpFoldResult y);
  mlir::OpFoldResult mul(mlir::OpFoldResult x, mlir::OpFoldResult y);
  /// Unsigned quotient, its ceiling and the remainder.
  mlir::OpFoldResult div(mlir::OpFoldResult x, mlir::OpFoldResult y);
  mlir::OpFoldResult ceilDiv(mlir::OpFoldResult x, mlir::OpFoldResult y);
  mlir::OpFoldResult rem(mlir::OpFoldResult x, mlir::OpFoldResult y);
  mlir::OpFoldResult min(mlir::OpFoldResult x, mlir::OpFoldResult y);
  mlir::OpFoldResult max(mlir::OpFoldResult x, mlir::OpFoldResult y);

  /// Calls `body(i)` in a loop from `from` to `to`; directly if the loop is
  /// known to run once, not at all if it is known not to run.
  void loop(mlir::OpFoldResult from, mlir::OpFoldResult to, int64_t step,
            llvm::function_ref<void(mlir::OpFoldResult)> body);

  mlir::OpBuilder &b;
  mlir::Location loc;
};
} // namespace mopt

#endif // MOPT_LIB_CODEGEN_MICROKERNELS_INDEXBUILDER_H

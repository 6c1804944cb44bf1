//===- ShapeInference.h - sizes of results ----------------------*- C++ -*-===//
//
// What the ops' type inference and their reification have in common.
//
//===----------------------------------------------------------------------===//

#ifndef MOPT_DIALECT_MOPT_IR_SHAPEINFERENCE_H
#define MOPT_DIALECT_MOPT_IR_SHAPEINFERENCE_H

#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/OpDefinition.h"
#include <optional>

namespace mopt {
/// Emits an error at `location` if there is one; for `inferReturnTypes`.
template <typename... Ts>
mlir::LogicalResult inferError(std::optional<mlir::Location> location,
                               Ts &&...parts) {
  if (!location)
    return mlir::failure();
  mlir::InFlightDiagnostic diagnostic = mlir::emitError(*location);
  (void)(diagnostic << ... << std::forward<Ts>(parts));
  return diagnostic;
}

/// Are the inferred and the stated types equal but for sizes that one of them
/// leaves open?
bool areCompatibleTypes(mlir::TypeRange inferred, mlir::TypeRange stated);

/// The shape of an elementwise result: static sizes of 1 are broadcast. Fails
/// if ranks or static sizes clash.
mlir::FailureOr<llvm::SmallVector<int64_t>>
inferElementwiseShape(mlir::TypeRange operands);

/// Sizes of the result of an elementwise op as values. Each is the size of an
/// operand whose dimension is not a static 1.
llvm::SmallVector<mlir::OpFoldResult>
reifyElementwiseShape(mlir::OpBuilder &b, mlir::Location loc,
                      mlir::ValueRange operands);

/// The static shape that mixed sizes tell.
llvm::SmallVector<int64_t>
getStaticShape(llvm::ArrayRef<mlir::OpFoldResult> sizes);

/// One spatial dimension of a convolution or pooling.
struct WindowDim {
  int64_t kernel, stride, dilation, padBegin, padEnd;
  /// Round the number of windows up, but let none start behind the input and
  /// its leading padding.
  bool ceilMode = false;
};

/// Number of windows along a dimension of `size` elements (dynamic in, dynamic
/// out), 0 if not even one fits.
int64_t inferWindowCount(int64_t size, const WindowDim &dim);
mlir::OpFoldResult reifyWindowCount(mlir::OpBuilder &b, mlir::Location loc,
                                    mlir::OpFoldResult size,
                                    const WindowDim &dim);

/// `expr` over `operands`, which its symbols or its dimensions stand for,
/// folded.
mlir::OpFoldResult applyAffine(mlir::OpBuilder &b, mlir::Location loc,
                               mlir::AffineExpr expr,
                               llvm::ArrayRef<mlir::OpFoldResult> operands);
} // namespace mopt

#endif // MOPT_DIALECT_MOPT_IR_SHAPEINFERENCE_H

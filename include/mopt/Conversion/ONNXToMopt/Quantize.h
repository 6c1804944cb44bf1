//===- Quantize.h - scales and zero points ----------------------*- C++ -*-===//

#ifndef MOPT_CONVERSION_ONNXTOMOPT_QUANTIZE_H
#define MOPT_CONVERSION_ONNXTOMOPT_QUANTIZE_H

#include "mopt/Conversion/ONNXToMopt/OpBinder.h"

namespace mopt {
/// Rounds `x` half to even, adds `zeroPoint` (of type `element` and the rank of
/// `x`, or null) and brings the sum into the range of `element`. For float8 and
/// float4 types it is a cast, saturating if asked for; zero points are 0 there.
mlir::Value roundToElement(OpBinder &op, mlir::Value x, mlir::Value zeroPoint,
                           mlir::Type element, bool saturate = true);

/// mopt.quantize; scale and zero point (or null) have the rank of `x`.
mlir::Value quantize(OpBinder &op, mlir::Value x, mlir::Value scale,
                     mlir::Value zeroPoint, mlir::Type element,
                     bool saturate = true);

/// mopt.dequantize; scale and zero point (or null) are of one element, or one for
/// each position along `axis`. Null with an error emitted if they do not fit.
mlir::Value dequantize(OpBinder &op, mlir::Value x, mlir::Value scale,
                       mlir::Value zeroPoint, int64_t axis);

/// Unsigned bytes with a scale and zero point, tensors of no dimensions, that fit
/// their values (ONNX DynamicQuantizeLinear 11).
struct DynamicallyQuantized {
  mlir::Value values, scale, zeroPoint;
};
DynamicallyQuantized quantizeDynamically(OpBinder &op, mlir::Value x);

/// Emits an error unless `scale`, called `name` there, is of floats. A constant
/// one has to be finite, and, if something is divided by it, not 0; ONNX says
/// nothing against negative ones.
llvm::LogicalResult verifyScale(OpBinder &op, mlir::Value scale,
                                llvm::StringRef name, bool divides = false);

/// Emits an error unless `zeroPoint` (or null) is of the type `element`; that
/// of floats has to be 0 where it is a constant.
llvm::LogicalResult verifyZeroPoint(OpBinder &op, mlir::Value zeroPoint,
                                    mlir::Type element);

/// Is `tensor` known to have one element?
bool hasOneElement(mlir::Value tensor);

/// Operand `i`, called `name` in errors, a tensor of one element. Null with an
/// error emitted if it is none.
mlir::Value getOneElement(OpBinder &op, unsigned i, llvm::StringRef name);
/// The same for what `verifyScale` takes.
mlir::Value getOneScale(OpBinder &op, unsigned i, llvm::StringRef name,
                        bool divides = false);
/// The same for what `verifyZeroPoint` takes; null if it is left out, failure
/// with an error emitted.
mlir::FailureOr<mlir::Value> getOneZeroPoint(OpBinder &op, unsigned i,
                                             mlir::Type element);

/// Is `tensor` a constant of zeros?
bool isZeroConstant(mlir::Value tensor);
} // namespace mopt

#endif // MOPT_CONVERSION_ONNXTOMOPT_QUANTIZE_H

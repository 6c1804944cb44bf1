//===- Quantize.h - scales and zero points ----------------------*- C++ -*-===//

#ifndef MOPT_CONVERSION_ONNXTOMOPT_QUANTIZE_H
#define MOPT_CONVERSION_ONNXTOMOPT_QUANTIZE_H

#include "mopt/Conversion/ONNXToMopt/OpBinder.h"

namespace mopt {
/// Rounds `x` half to even, adds `zeroPoint` (of type `element`, or null) and
/// brings the sum into the range of `element`. For float8 and float4 types it
/// is a cast, saturating if asked for; zero points are 0 there.
mlir::Value roundToElement(OpBinder &op, mlir::Value x, mlir::Value zeroPoint,
                           mlir::Type element, bool saturate = true);

/// A scale or zero point so that it is broadcast to `x`: of one element, one a
/// position along `axis`, or one for each `blockSize` positions. Null with an
/// error emitted if it does not fit.
mlir::Value spreadParameter(OpBinder &op, mlir::Value parameter, mlir::Value x,
                            int64_t axis, int64_t blockSize);

/// Is `tensor` a constant of zeros?
bool isZeroConstant(mlir::Value tensor);
} // namespace mopt

#endif // MOPT_CONVERSION_ONNXTOMOPT_QUANTIZE_H

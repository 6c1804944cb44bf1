//===- FourierTransform.h - discrete Fourier transforms ---------*- C++ -*-===//

#ifndef MOPT_CONVERSION_ONNXTOMOPT_FOURIERTRANSFORM_H
#define MOPT_CONVERSION_ONNXTOMOPT_FOURIERTRANSFORM_H

#include "mopt/Conversion/ONNXToMopt/OpBinder.h"

namespace mopt {
/// What a transform of rows does.
struct FourierTransform {
  /// Number of points.
  mlir::OpFoldResult length;
  bool isInverse = false;
  /// Half of the frequencies: of the result, or of the input of an inverse.
  bool isOneSided = false;
};

/// The parts of complex numbers; no imaginary part if they are real.
struct ComplexValue {
  mlir::Value real, imaginary;
};

/// Transforms each row of `x`, two matrices.
ComplexValue transformRows(OpBinder &op, ComplexValue x,
                           const FourierTransform &transform);

/// The same by passes of a few points each, n log n operations in all. None if
/// the length is unknown, has a large prime factor, or is not that of the rows,
/// and for real rows or results.
std::optional<ComplexValue>
transformByPasses(OpBinder &op, ComplexValue x,
                  const FourierTransform &transform);
} // namespace mopt

#endif // MOPT_CONVERSION_ONNXTOMOPT_FOURIERTRANSFORM_H

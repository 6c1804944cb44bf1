//===- ReferenceMath.h - functions with the reference's bits ----*- C++ -*-===//

#ifndef MOPT_TRANSFORMS_REFERENCEMATH_H
#define MOPT_TRANSFORMS_REFERENCEMATH_H

namespace mopt {
/// Functions of finite f32, rounded as ONNX Runtime's kernels for machines with
/// fused products round them. The coefficients of the first are N. Juffa's
/// (stackoverflow.com, question 35148198), those of the others Eigen's rational
/// functions; all were compared with ONNX Runtime 1.32 bit by bit.
float computeReferenceErf(float x);
float computeReferenceTanh(float x);
float computeReferenceSigmoid(float x);
} // namespace mopt

#endif // MOPT_TRANSFORMS_REFERENCEMATH_H

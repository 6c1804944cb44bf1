// The error function, the hyperbolic tangent and the logistic function of f32
// as ONNX Runtime's kernels for machines with fused products compute them.
#include "mopt/Transforms/ReferenceMath.h"

#include <algorithm>
#include <cmath>
#include <initializer_list>

/// The sum of coefficients times powers of `x`, from the highest power on, each
/// step fused.
static float evaluate(float x, std::initializer_list<float> coefficients) {
  float sum = 0;
  for (float coefficient : coefficients)
    sum = std::fma(sum, x, coefficient);
  return sum;
}

/// e^x for x from -88 to 0: x = n ln 2 + r.
static float exponential(float x) {
  constexpr float kShift = 12582912;
  float n = std::fma(1.44269504088896341f, x, kShift) - kShift;
  float r = std::fma(n, -6.93145752e-1f, x);
  r = std::fma(n, -1.42860677e-6f, r);
  float y = evaluate(r, {1.38319808e-3f, 8.37550033e-3f, 4.16689515e-2f,
                         1.66664466e-1f, 4.99999851e-1f, 1.0f, 1.0f});
  return std::ldexp(y, static_cast<int>(n));
}

float mopt::computeReferenceErf(float x) {
  float a = std::min(std::fabs(x), 3.925f), y;
  if (a < 0.921875f) {
    float square = a * a;
    y = evaluate(square, {-5.99104969e-4f, 4.99339588e-3f, -2.67667342e-2f,
                          1.12818025e-1f, -3.76124859e-1f, 1.28379151e-1f});
    y = std::fma(y, a, a);
  } else {
    y = evaluate(a, {1.72948930e-5f, -3.83208680e-4f, 3.88393435e-3f,
                     -2.42545605e-2f, 1.06777847e-1f, 6.34846687e-1f,
                     1.28717512e-1f});
    y = std::fma(y, a, a);
    y = 1 - exponential(-y);
  }
  return std::copysign(y, x);
}

float mopt::computeReferenceTanh(float x) {
  x = std::min(std::max(x, -9.0f), 9.0f);
  float square = x * x;
  float p = evaluate(square, {-2.76076847742355e-16f, 2.00018790482477e-13f,
                              -8.60467152213735e-11f, 5.12229709037114e-08f,
                              1.48572235717979e-05f, 6.37261928875436e-04f,
                              4.89352455891786e-03f});
  float q = evaluate(square, {1.19825839466702e-06f, 1.18534705686654e-04f,
                              2.26843463243900e-03f, 4.89352518554385e-03f});
  p = p * x;
  return p / q;
}

float mopt::computeReferenceSigmoid(float x) {
  x = std::min(std::max(x, -18.0f), 18.0f);
  float square = x * x;
  float p = evaluate(square, {4.37031012579801e-11f, 1.15627324459942e-07f,
                              6.08574864600143e-05f, 8.51377133304701e-03f,
                              2.48287947061529e-01f});
  float q = evaluate(square, {6.10247389755681e-13f, 5.76102136993427e-09f,
                              6.29106785017040e-06f, 1.70198817374094e-03f,
                              1.16817656904453e-01f, 9.93151921023180e-01f});
  p = p * x;
  float quotient = p / q;
  return std::min(std::max(quotient + 0.5f, 0.0f), 1.0f);
}

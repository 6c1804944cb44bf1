//===- ClampedSteps.h - floats between two integers --------------*- C++
//-*-===//
//
// What quantization leaves in kernels: a float that is held between two steps.
//
//===----------------------------------------------------------------------===//

#ifndef MOPT_CODEGEN_CLAMPEDSTEPS_H
#define MOPT_CODEGEN_CLAMPEDSTEPS_H

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/Matchers.h"
#include <cmath>
#include <optional>

namespace mopt {

/// The constant of type f32 that `value` is.
inline std::optional<double> getF32(mlir::Value value) {
  mlir::FloatAttr number;
  if (!value.getType().isF32() ||
      !mlir::matchPattern(value, mlir::m_Constant(&number)))
    return std::nullopt;
  return number.getValueAsDouble();
}

/// Is `number` an integer up to here? Floats hold all of these, and sums of two
/// of them.
inline bool isStep(double number) {
  constexpr double kMost = 1 << 20;
  return number == std::nearbyint(number) && std::abs(number) <= kMost;
}

/// `min(max(value, low), high)` in f32 with steps for bounds, which is never
/// NaN.
struct Clamp {
  mlir::Value value;
  double low, high;

  static std::optional<Clamp> match(mlir::Value result) {
    auto upper = result.getDefiningOp<mlir::arith::MinNumFOp>();
    auto lower = upper ? upper.getLhs().getDefiningOp<mlir::arith::MaxNumFOp>()
                       : nullptr;
    if (!lower)
      return std::nullopt;
    std::optional<double> low = getF32(lower.getRhs()),
                          high = getF32(upper.getRhs());
    if (!low || !high || !isStep(*low) || !isStep(*high) || *low > *high)
      return std::nullopt;
    return Clamp{lower.getLhs(), *low, *high};
  }
};

} // namespace mopt

#endif // MOPT_CODEGEN_CLAMPEDSTEPS_H

//===- Numerics.h - how freely floats are computed --------------*- C++ -*-===//

#ifndef MOPT_SUPPORT_NUMERICS_H
#define MOPT_SUPPORT_NUMERICS_H

namespace mopt {
/// What `--numerics` chooses.
enum class Numerics {
  /// In the order that the model states, no fusion of products and sums of
  /// different operators, functions from libm.
  Strict,
  /// Sums may be taken in another order, functions may be approximated.
  Default,
  /// NaN and signed zero may be ignored besides.
  Fast
};
} // namespace mopt

#endif // MOPT_SUPPORT_NUMERICS_H

//===- ByteSteps.h - one product and one sum for a function -----*- C++ -*-===//

#ifndef MOPT_SUPPORT_BYTESTEPS_H
#define MOPT_SUPPORT_BYTESTEPS_H

#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/ADT/SmallVector.h"
#include <optional>
#include <utility>

namespace mopt {
/// A function from bytes to quantized numbers, of which all values are known.
/// It is looked for as `round((byte - zero) * factor + addend) + resultZero`,
/// clamped to the range of the result, in f32.
struct ByteSteps {
  /// One of the values. Where a maximum raised it, what is below is as good;
  /// where a minimum lowered it, what is above.
  struct Value {
    int number;
    bool isRaised = false, isLowered = false;
  };

  /// The bytes, and what stands for 0 among them.
  int lowest = 0, highest = 255, zero = 0;
  int resultLowest = 0, resultHighest = 255, resultZero = 0;
  /// From the lowest byte to the highest.
  llvm::SmallVector<Value, 256> values;
  /// Bounds of the sum, if there are any, which it is put between.
  llvm::function_ref<float(float)> bound = nullptr;

  /// `steps` rounded half to even, shifted by the zero point and clamped.
  int quantize(float steps) const;

  /// Does the form give every value, whether product and sum are fused or not?
  bool agrees(float factor, float addend) const;

  /// An addend near `offset` with which the form agrees; nothing if there is
  /// none, or it was not found.
  std::optional<float> fitAddend(float factor, double offset) const;

  /// A factor a few units in the last place from `slope` at most, and an
  /// addend.
  std::optional<std::pair<float, float>> fit(double slope, double offset) const;
};
} // namespace mopt

#endif // MOPT_SUPPORT_BYTESTEPS_H

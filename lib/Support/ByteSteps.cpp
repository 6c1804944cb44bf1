// Each byte leaves an interval to the addend: their intersection is what there
// is to choose from.
#include "mopt/Support/ByteSteps.h"

#include <algorithm>
#include <cmath>

using namespace mopt;

/// How many floats on either side of a factor are tried.
static constexpr int kMostUnits = 8;

int ByteSteps::quantize(float steps) const {
  float y = std::nearbyint(steps) + static_cast<float>(resultZero);
  y = std::fmax(y, static_cast<float>(resultLowest));
  return static_cast<int>(std::fmin(y, static_cast<float>(resultHighest)));
}

bool ByteSteps::agrees(float factor, float addend) const {
  for (int byte = lowest; byte <= highest; ++byte) {
    float x = static_cast<float>(byte - zero);
    // A statement each: the compiler may fuse within one.
    float product = x * factor;
    float sum = product + addend;
    float fused = std::fma(x, factor, addend);
    if (bound) {
      sum = bound(sum);
      fused = bound(fused);
    }
    int wanted = values[byte - lowest].number;
    if (quantize(sum) != wanted || quantize(fused) != wanted)
      return false;
  }
  return true;
}

std::optional<float> ByteSteps::fitAddend(float factor, double offset) const {
  if (agrees(factor, static_cast<float>(offset)))
    return static_cast<float>(offset);
  double low = -INFINITY, high = INFINITY;
  for (int byte = lowest; byte <= highest; ++byte) {
    const Value &value = values[byte - lowest];
    double product = static_cast<double>(factor) * (byte - zero),
           steps = value.number - resultZero;
    if (value.number != resultLowest && !value.isRaised)
      low = std::max(low, steps - 0.5 - product);
    if (value.number != resultHighest && !value.isLowered)
      high = std::min(high, steps + 0.5 - product);
  }
  if (!(low < high))
    return std::nullopt;
  // Away from the ends, where the last bits of a sum decide.
  double margin = std::min((high - low) / 2, std::ldexp(1.0, -14));
  float addend = static_cast<float>(
      std::min(std::max(offset, low + margin), high - margin));
  if (agrees(factor, addend))
    return addend;
  return std::nullopt;
}

std::optional<std::pair<float, float>> ByteSteps::fit(double slope,
                                                      double offset) const {
  float factor = static_cast<float>(slope);
  if (!std::isfinite(factor) || !std::isfinite(static_cast<float>(offset)) ||
      (slope != 0 && !std::isnormal(factor)))
    return std::nullopt;
  float above = factor, below = factor;
  for (int units = 0; units <= kMostUnits; ++units) {
    for (float candidate : {above, below})
      if (std::optional<float> addend = fitAddend(candidate, offset))
        return std::pair(candidate, *addend);
    above = std::nextafter(above, INFINITY);
    below = std::nextafter(below, -INFINITY);
  }
  return std::nullopt;
}

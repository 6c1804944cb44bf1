//===- QuantizeOptions.h - what --quantize asks for -------------*- C++ -*-===//

#ifndef MOPT_SUPPORT_QUANTIZEOPTIONS_H
#define MOPT_SUPPORT_QUANTIZEOPTIONS_H

#include <cstdint>
#include <string>

namespace mopt {
/// How a model of floats is quantized.
struct QuantizeOptions {
  /// none, dynamic-int8, weight-int8 or weight-int4.
  std::string mode = "none";
  /// Positions along the depth of a product that share a scale; 0: all of them.
  int64_t group = 0;
  /// Steps around 0, without zero points.
  bool symmetric = true;
};
} // namespace mopt

#endif // MOPT_SUPPORT_QUANTIZEOPTIONS_H

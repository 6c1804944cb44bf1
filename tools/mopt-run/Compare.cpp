//===- Compare.cpp - Outputs against expected values ----------------------===//
#include "Report.h"
#include <cmath>
#include <cstring>

using namespace mopt_run;

/// In units of the largest expected value.
static double defaultTolerance(const ElementType &type) {
  if (!strstr(type.name, "float") && !strstr(type.name, "complex"))
    return 0;
  return type.bits >= 32 ? 1e-4 : type.bits == 16 ? 1e-2 : 0.1;
}

/// 64-bit integers do not fit a double, and equal bytes are equal numbers
/// anyway.
static bool sameBytes(const Array &a, const Array &b, int64_t index) {
  size_t bytes = a.bytes.size() / size_t(valueCount(a));
  return bytes > 0 && memcmp(&a.bytes[size_t(index) * bytes],
                             &b.bytes[size_t(index) * bytes], bytes) == 0;
}

/// The largest finite magnitude.
static double scaleOf(const Array &array) {
  double scale = 0;
  for (int64_t i = 0, n = valueCount(array); i < n; ++i) {
    double value = std::fabs(elementValue(array, i));
    if (std::isfinite(value) && value > scale)
      scale = value;
  }
  return scale;
}

Comparison mopt_run::compare(const std::string &name, const Array &found,
                             const Array &expected, double tolerance) {
  Comparison result;
  result.name = name;
  const ElementType *type = findElementType(found.dtype);
  if (!type || found.dtype != expected.dtype) {
    result.reason = "its element type cannot be compared";
    return result;
  }
  if (found.dims != expected.dims) {
    result.reason = "expected shape " + formatDims(expected.dims) + ", found " +
                    formatDims(found.dims);
    return result;
  }
  result.tolerance = tolerance >= 0 ? tolerance : defaultTolerance(*type);
  bool is64BitInteger = found.dtype == MOPT_INT64 || found.dtype == MOPT_UINT64;
  double scale = scaleOf(expected);
  double bound = result.tolerance * scale;
  for (int64_t i = 0, n = valueCount(found); i < n; ++i) {
    if (sameBytes(found, expected, i))
      continue;
    double a = elementValue(found, i), b = elementValue(expected, i);
    if (std::isnan(a) && std::isnan(b))
      continue;
    double error = a == b ? 0 : std::fabs(a - b);
    if (std::isfinite(error))
      result.maxError = std::max(result.maxError, error);
    // 64-bit integers may differ though their doubles do not.
    bool equal = a == b && !is64BitInteger;
    if (equal || (result.tolerance > 0 && error <= bound))
      continue;
    if (result.mismatches++ == 0)
      result.firstMismatch = i;
  }
  result.relativeError = scale > 0 ? result.maxError / scale : result.maxError;
  result.passed = result.mismatches == 0;
  return result;
}

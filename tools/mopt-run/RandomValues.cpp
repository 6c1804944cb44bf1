//===- RandomValues.cpp - Random tensors of every element type ------------===//
//
// SplitMix64, the same on every machine.
//
//===----------------------------------------------------------------------===//
#include "Inputs.h"
#include <cmath>
#include <cstring>
#include <new>

using namespace mopt_run;

namespace {
struct Random {
  uint64_t state;

  uint64_t next() {
    uint64_t z = state += 0x9e3779b97f4a7c15;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
  }
  double in(Range range) {
    return range.low + (range.high - range.low) * std::ldexp(next() >> 11, -53);
  }
};
} // namespace

template <typename T, typename Make> static void fill(Array &array, Make make) {
  for (size_t i = 0; i + sizeof(T) <= array.bytes.size(); i += sizeof(T)) {
    T value = make();
    memcpy(&array.bytes[i], &value, sizeof(T));
  }
}

template <typename T>
static void fillIntegers(Array &array, Random random, Range range) {
  fill<T>(array, [&] { return T(int64_t(std::floor(random.in(range)))); });
}

/// 16-bit floats by cutting a float's significand: within the range, and no
/// rounding to explain.
static uint16_t asBfloat(float value) {
  uint32_t bits;
  memcpy(&bits, &value, sizeof(bits));
  return uint16_t(bits >> 16);
}

static uint16_t asHalf(float value) {
  uint32_t bits;
  memcpy(&bits, &value, sizeof(bits));
  int exponent = int(bits >> 23 & 255) - 127 + 15;
  uint16_t sign = uint16_t(bits >> 16 & 0x8000);
  if (exponent <= 0)
    return sign;
  if (exponent >= 31)
    return sign | 0x7bff;
  return uint16_t(sign | exponent << 10 | (bits >> 13 & 1023));
}

/// The pattern of a small type whose value is nearest below a random one, by
/// search: these types have 256 values at most.
static void fillSearched(Array &array, Random random, Range range, int bits) {
  Array values;
  values.dtype = array.dtype;
  values.dims = {1 << bits};
  for (int i = 0; i < 1 << bits; ++i)
    values.bytes.push_back(char(i));
  if (bits < 8)
    values.bytes = packBits(values.bytes, bits);
  int64_t count = countElements(array.dims);
  std::vector<char> patterns;
  for (int64_t i = 0; i < count; ++i) {
    double target = random.in(range), best = INFINITY;
    int pattern = 0;
    for (int p = 0; p < 1 << bits; ++p) {
      double distance = std::fabs(elementValue(values, p) - target);
      if (distance < best) {
        best = distance;
        pattern = p;
      }
    }
    patterns.push_back(char(pattern));
  }
  array.bytes = bits < 8 ? packBits(patterns, bits) : patterns;
}

std::string mopt_run::fillRandom(Array &array, uint64_t seed, Range range) {
  const ElementType &type = *findElementType(array.dtype);
  int64_t count = countElements(array.dims);
  // Far above any machine's memory: a mistake in --shape.
  if (count < 0 || byteSize(type, count) > int64_t(1) << 40)
    return "expected at most 2^40 bytes, found the shape " +
           formatDims(array.dims);
  array.bytes.assign(size_t(byteSize(type, count)), 0);
  Random random = {seed};
  switch (array.dtype) {
  case MOPT_FLOAT32:
  case MOPT_COMPLEX64:
    fill<float>(array, [&] { return float(random.in(range)); });
    return "";
  case MOPT_FLOAT64:
  case MOPT_COMPLEX128:
    fill<double>(array, [&] { return random.in(range); });
    return "";
  case MOPT_FLOAT16:
    fill<uint16_t>(array, [&] { return asHalf(float(random.in(range))); });
    return "";
  case MOPT_BFLOAT16:
    fill<uint16_t>(array, [&] { return asBfloat(float(random.in(range))); });
    return "";
  case MOPT_INT8:
  case MOPT_UINT8:
  case MOPT_BOOL:
    fillIntegers<uint8_t>(array, random, range);
    return "";
  case MOPT_INT16:
  case MOPT_UINT16:
    fillIntegers<uint16_t>(array, random, range);
    return "";
  case MOPT_INT32:
  case MOPT_UINT32:
    fillIntegers<uint32_t>(array, random, range);
    return "";
  case MOPT_INT64:
  case MOPT_UINT64:
    fillIntegers<uint64_t>(array, random, range);
    return "";
  default:
    fillSearched(array, random, range, type.bits);
    return "";
  }
}

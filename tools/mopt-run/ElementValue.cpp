//===- ElementValue.cpp - Elements of every type as doubles ---------------===//
#include "Array.h"
#include <cmath>
#include <cstring>

using namespace mopt_run;

template <typename T> static double load(const char *bytes, int64_t index) {
  T value;
  memcpy(&value, bytes + index * int64_t(sizeof(T)), sizeof(T));
  return double(value);
}

namespace {
/// What a float format's largest exponent and its sign of zero mean.
enum class Special {
  /// Infinities and NaNs, as in IEEE 754.
  Ieee,
  /// All bits set is NaN, no infinities.
  AllOnesNaN,
  /// The negative zero is the only NaN, no infinities.
  NegativeZeroNaN,
  /// Every pattern is finite.
  None
};

struct FloatFormat {
  int exponentBits, significandBits, bias;
  Special special;
};
} // namespace

static double decode(unsigned bits, FloatFormat format) {
  unsigned significand = bits & ((1u << format.significandBits) - 1);
  unsigned maxExponent = (1u << format.exponentBits) - 1;
  unsigned exponent = bits >> format.significandBits & maxExponent;
  bool negative = bits >> (format.significandBits + format.exponentBits) & 1;
  unsigned maxSignificand = (1u << format.significandBits) - 1;
  if (format.special == Special::Ieee && exponent == maxExponent)
    return significand ? NAN : negative ? -INFINITY : INFINITY;
  if (format.special == Special::AllOnesNaN && exponent == maxExponent &&
      significand == maxSignificand)
    return NAN;
  if (format.special == Special::NegativeZeroNaN && negative && !exponent &&
      !significand)
    return NAN;
  double value =
      exponent
          ? std::ldexp(significand + maxSignificand + 1.0,
                       int(exponent) - format.bias - format.significandBits)
          : std::ldexp(double(significand),
                       1 - format.bias - format.significandBits);
  return negative ? -value : value;
}

/// Packed element `index` of `bits` each.
static unsigned packed(const char *bytes, int64_t index, int bits) {
  int perByte = 8 / bits;
  return unsigned(static_cast<unsigned char>(bytes[index / perByte])) >>
             (int(index % perByte) * bits) &
         ((1u << bits) - 1);
}

static double signExtend(unsigned value, int bits) {
  return value >> (bits - 1) ? double(value) - double(1u << bits)
                             : double(value);
}

double mopt_run::elementValue(const Array &array, int64_t index) {
  const char *bytes = array.bytes.data();
  auto raw8 = [&] { return unsigned(load<uint8_t>(bytes, index)); };
  auto raw16 = [&] { return unsigned(load<uint16_t>(bytes, index)); };
  switch (array.dtype) {
  case MOPT_FLOAT32:
  case MOPT_COMPLEX64:
    return load<float>(bytes, index);
  case MOPT_FLOAT64:
  case MOPT_COMPLEX128:
    return load<double>(bytes, index);
  case MOPT_UINT8:
  case MOPT_BOOL:
    return load<uint8_t>(bytes, index);
  case MOPT_INT8:
    return load<int8_t>(bytes, index);
  case MOPT_UINT16:
    return load<uint16_t>(bytes, index);
  case MOPT_INT16:
    return load<int16_t>(bytes, index);
  case MOPT_UINT32:
    return load<uint32_t>(bytes, index);
  case MOPT_INT32:
    return load<int32_t>(bytes, index);
  case MOPT_UINT64:
    return load<uint64_t>(bytes, index);
  case MOPT_INT64:
    return load<int64_t>(bytes, index);
  case MOPT_FLOAT16:
    return decode(raw16(), {5, 10, 15, Special::Ieee});
  case MOPT_BFLOAT16:
    return decode(raw16(), {8, 7, 127, Special::Ieee});
  case MOPT_FLOAT8E4M3FN:
    return decode(raw8(), {4, 3, 7, Special::AllOnesNaN});
  case MOPT_FLOAT8E4M3FNUZ:
    return decode(raw8(), {4, 3, 8, Special::NegativeZeroNaN});
  case MOPT_FLOAT8E5M2:
    return decode(raw8(), {5, 2, 15, Special::Ieee});
  case MOPT_FLOAT8E5M2FNUZ:
    return decode(raw8(), {5, 2, 16, Special::NegativeZeroNaN});
  case MOPT_FLOAT8E8M0:
    return raw8() == 255 ? NAN : std::ldexp(1.0, int(raw8()) - 127);
  case MOPT_FLOAT4E2M1:
    return decode(packed(bytes, index, 4), {2, 1, 1, Special::None});
  case MOPT_UINT4:
    return packed(bytes, index, 4);
  case MOPT_INT4:
    return signExtend(packed(bytes, index, 4), 4);
  case MOPT_UINT2:
    return packed(bytes, index, 2);
  case MOPT_INT2:
    return signExtend(packed(bytes, index, 2), 2);
  default:
    return NAN;
  }
}

int64_t mopt_run::valueCount(const Array &array) {
  bool complex =
      array.dtype == MOPT_COMPLEX64 || array.dtype == MOPT_COMPLEX128;
  return countElements(array.dims) * (complex ? 2 : 1);
}

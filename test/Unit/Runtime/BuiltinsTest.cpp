//===- BuiltinsTest.cpp - Conversions of 16-bit floats --------------------===//
//
// Against rounding by the mathematical definition, in double.
//
//===----------------------------------------------------------------------===//
#include "gtest/gtest.h"
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <random>

extern "C" {
_Float16 __truncsfhf2(float);
_Float16 __truncdfhf2(double);
__bf16 __truncsfbf2(float);
__bf16 __truncdfbf2(double);
float __extendhfsf2(_Float16);
double __extendhfdf2(_Float16);
float __extendbfsf2(__bf16);
uint16_t __gnu_f2h_ieee(float);
float __gnu_h2f_ieee(uint16_t);
}

namespace {

template <typename To, typename From> To bitCast(From from) {
  static_assert(sizeof(To) == sizeof(From), "sizes differ");
  To to;
  memcpy(&to, &from, sizeof(to));
  return to;
}

/// The value that a format with this many bits after the leading one, and this
/// smallest exponent, rounds to.
double rounded(double value, int bits, int minExponent, double largest) {
  if (value == 0 || !std::isfinite(value))
    return value;
  double quantum =
      std::ldexp(1.0, std::max(std::ilogb(value), minExponent) - bits);
  double result = std::nearbyint(value / quantum) * quantum;
  if (std::fabs(result) > largest)
    return std::copysign(std::numeric_limits<double>::infinity(), value);
  return std::copysign(result, value);
}

double asHalf(double value) { return rounded(value, 10, -14, 65504); }
double asBfloat(double value) {
  return rounded(value, 7, -126, std::ldexp(255.0, 120));
}

double halfValue(uint16_t bits) {
  int exponent = bits >> 10 & 31, significand = bits & 1023;
  double sign = bits & 0x8000 ? -1 : 1;
  if (exponent == 31)
    return significand ? std::nan("") : sign / 0.0;
  return sign * (exponent ? std::ldexp(1024 + significand, exponent - 25)
                          : std::ldexp(significand, -24));
}

double bfloatValue(uint16_t bits) {
  return bitCast<float>(uint32_t(bits) << 16);
}

void expectSame(double found, double expected, double value) {
  if (std::isnan(expected))
    EXPECT_TRUE(std::isnan(found)) << value;
  else
    EXPECT_EQ(bitCast<uint64_t>(found), bitCast<uint64_t>(expected)) << value;
}

void check(double value) {
  float single = float(value);
  uint16_t half = bitCast<uint16_t>(__truncsfhf2(single));
  expectSame(halfValue(half), asHalf(single), single);
  EXPECT_EQ(__gnu_f2h_ieee(single), half);
  expectSame(halfValue(bitCast<uint16_t>(__truncdfhf2(value))), asHalf(value),
             value);
  expectSame(bfloatValue(bitCast<uint16_t>(__truncsfbf2(single))),
             asBfloat(single), single);
  expectSame(bfloatValue(bitCast<uint16_t>(__truncdfbf2(value))),
             asBfloat(value), value);
}

TEST(Builtins, WidensEveryValue) {
  for (uint32_t i = 0; i < 65536; ++i) {
    uint16_t bits = uint16_t(i);
    _Float16 half = bitCast<_Float16>(bits);
    expectSame(__extendhfsf2(half), halfValue(bits), i);
    expectSame(__extendhfdf2(half), halfValue(bits), i);
    expectSame(__gnu_h2f_ieee(bits), halfValue(bits), i);
    expectSame(__extendbfsf2(bitCast<__bf16>(bits)), bfloatValue(bits), i);
  }
}

TEST(Builtins, RoundsAroundEveryValue) {
  for (uint32_t i = 0; i < 65536; ++i) {
    for (double value : {halfValue(uint16_t(i)), bfloatValue(uint16_t(i))}) {
      if (!std::isfinite(value))
        continue;
      double next = i & 0x7fff ? value * (1 + 1.0 / 2048) : 1e-8;
      for (double near : {value, next, std::nextafter(next, 0.0),
                          std::nextafter(next, INFINITY),
                          value * (1 + 1.0 / 256), value * (1 + 1.0 / 512)})
        check(near);
    }
  }
}

TEST(Builtins, RoundsRandomBits) {
  std::mt19937_64 random(1);
  for (int i = 0; i < 200000; ++i) {
    check(bitCast<double>(random()));
    check(double(bitCast<float>(uint32_t(random()))));
  }
}

TEST(Builtins, SpecialValues) {
  double infinity = std::numeric_limits<double>::infinity();
  for (double value :
       {0.0, 65504.0, 65519.99, 65520.0, 1e300, 1e-300, 5e-324,
        std::ldexp(1.0, -25), std::ldexp(1.0, -24), infinity, std::nan("")}) {
    check(value);
    check(-value);
  }
  // A NaN whose high bits would vanish stays a NaN.
  float nan = bitCast<float>(0x7f800001u);
  EXPECT_EQ(bitCast<uint16_t>(__truncsfhf2(nan)), 0x7e00);
  EXPECT_EQ(bitCast<uint16_t>(__truncsfbf2(nan)), 0x7fc0);
}

} // namespace

/* builtins.c: the conversions that compiled code calls where the processor has
 * no instruction: between float, double and the 16-bit formats. The compiler's
 * own support library is not on every machine (and older ones lack bfloat16).
 * Round to nearest even; a NaN stays a NaN and becomes quiet. Weak and hidden,
 * so that two models in one program share them or keep their own alike. */
#include <stdint.h>
#include <string.h>

#define BUILTIN __attribute__((weak, used, visibility("hidden")))

/* The types that the calling convention knows; all work is done on bits. */
#define BITS(to, from, result, value)                                          \
  to result;                                                                   \
  {                                                                            \
    from source = value;                                                       \
    memcpy(&result, &source, sizeof(result));                                  \
  }

/* Layout of a 16-bit format. */
typedef struct Format {
  int significand_bits;
  int exponent_bias;
  int exponent_max;
} Format;

static const Format half = {10, 15, 31};
static const Format bfloat = {7, 127, 255};

/* Rounds the finite or not finite double of `bits` to `format`. */
static inline uint16_t narrow(uint64_t bits, Format format) {
  uint16_t sign = (uint16_t)(bits >> 48 & 0x8000);
  int exponent = (int)(bits >> 52 & 0x7ff);
  uint64_t significand = bits & 0xfffffffffffffull;
  uint16_t infinity =
      (uint16_t)(sign | format.exponent_max << format.significand_bits);
  if (exponent == 0x7ff) {
    if (!significand)
      return infinity;
    uint16_t quiet = (uint16_t)(1u << (format.significand_bits - 1));
    return infinity | quiet |
           (uint16_t)(significand >> (52 - format.significand_bits));
  }
  /* Doubles below their normal range are zero in both formats. */
  if (exponent == 0)
    return sign;
  significand |= 1ull << 52;
  int target = exponent - 1023 + format.exponent_bias;
  int shift = 52 - format.significand_bits;
  if (target <= 0) {
    /* Subnormal: the exponent of 1, and a smaller significand. */
    shift += 1 - target;
    target = 0;
    if (shift > 54)
      return sign;
  } else {
    /* The leading one adds 1 to the exponent field below. */
    --target;
  }
  uint64_t kept = significand >> shift;
  uint64_t rest = significand & ((1ull << shift) - 1);
  uint64_t tie = 1ull << (shift - 1);
  kept += rest > tie || (rest == tie && (kept & 1));
  /* A carry out of the significand is the next exponent, as it should be. */
  uint64_t result = ((uint64_t)target << format.significand_bits) + kept;
  if (result >= (uint64_t)format.exponent_max << format.significand_bits)
    return infinity;
  return sign | (uint16_t)result;
}

/* The double of a half. */
static inline uint64_t widen_half(uint16_t bits) {
  uint64_t sign = (uint64_t)(bits & 0x8000) << 48;
  int exponent = bits >> 10 & 31;
  uint64_t significand = bits & 0x3ff;
  if (exponent == 31)
    return sign | 0x7ffull << 52 | significand << 42 |
           (significand ? 1ull << 51 : 0);
  if (exponent == 0) {
    if (!significand)
      return sign;
    int shift = __builtin_clz((unsigned)significand) - 21;
    significand = significand << shift & 0x3ff;
    exponent = 1 - shift;
  }
  return sign | (uint64_t)(exponent + 1023 - 15) << 52 | significand << 42;
}

static inline uint64_t double_bits(double value) {
  BITS(uint64_t, double, bits, value)
  return bits;
}

static inline double double_value(uint64_t bits) {
  BITS(double, uint64_t, value, bits)
  return value;
}

/* A float is a double exactly, but for signalling NaNs, which become quiet. */
BUILTIN _Float16 __truncsfhf2(float value) {
  BITS(_Float16, uint16_t, result, narrow(double_bits(value), half))
  return result;
}

BUILTIN _Float16 __truncdfhf2(double value) {
  BITS(_Float16, uint16_t, result, narrow(double_bits(value), half))
  return result;
}

BUILTIN __bf16 __truncsfbf2(float value) {
  BITS(__bf16, uint16_t, result, narrow(double_bits(value), bfloat))
  return result;
}

BUILTIN __bf16 __truncdfbf2(double value) {
  BITS(__bf16, uint16_t, result, narrow(double_bits(value), bfloat))
  return result;
}

BUILTIN float __extendhfsf2(_Float16 value) {
  BITS(uint16_t, _Float16, bits, value)
  return (float)double_value(widen_half(bits));
}

BUILTIN double __extendhfdf2(_Float16 value) {
  BITS(uint16_t, _Float16, bits, value)
  return double_value(widen_half(bits));
}

BUILTIN float __extendbfsf2(__bf16 value) {
  BITS(uint16_t, __bf16, half_bits, value)
  uint32_t bits = (uint32_t)half_bits << 16;
  BITS(float, uint32_t, result, bits)
  return result;
}

/* The names that some targets use for float and half. */
BUILTIN uint16_t __gnu_f2h_ieee(float value) {
  return narrow(double_bits(value), half);
}

BUILTIN float __gnu_h2f_ieee(uint16_t bits) {
  return (float)double_value(widen_half(bits));
}

#include "base/decimal.h"

#include "base/check.h"

__extension__ typedef __int128 wide;
__extension__ typedef unsigned __int128 unsigned_wide;

enum { PLACES = 8 };

static int64_t narrow(wide value) {
  check(value >= INT64_MIN && value <= INT64_MAX);
  return (int64_t)value;
}

/* Quotient of two integers, rounded once. The remainder decides, so nothing is lost to an intermediate step. */
static wide divide_wide(wide numerator, wide denominator, enum rounding rounding) {
  check(denominator != 0);
  if (denominator < 0) {
    numerator = -numerator;
    denominator = -denominator;
  }
  wide quotient = numerator / denominator;
  wide remainder = numerator % denominator; /* has the sign of the numerator */
  if (remainder == 0) return quotient;
  switch (rounding) {
    case ROUND_DOWN:
      return remainder < 0 ? quotient - 1 : quotient;
    case ROUND_UP:
      return remainder > 0 ? quotient + 1 : quotient;
    case ROUND_NEAREST:
      if (remainder < 0) return -remainder >= denominator + remainder ? quotient - 1 : quotient;
      return remainder >= denominator - remainder ? quotient + 1 : quotient;
  }
  check(rounding == ROUND_NEAREST);
  return quotient;
}

/* The same of integers of 64 bits, which divide several times as fast, and a denominator above 0; most values of an account fit. */
static inline int64_t divide_narrow(int64_t numerator, int64_t denominator, enum rounding rounding) {
  int64_t quotient = numerator / denominator;
  int64_t remainder = numerator % denominator;
  if (remainder == 0) return quotient;
  if (rounding == ROUND_DOWN) return remainder < 0 ? quotient - 1 : quotient;
  if (rounding == ROUND_UP) return remainder > 0 ? quotient + 1 : quotient;
  if (remainder < 0) return -remainder >= denominator + remainder ? quotient - 1 : quotient;
  return remainder >= denominator - remainder ? quotient + 1 : quotient;
}

/* a * b / c, rounded once. */
static inline int64_t multiply_divide(int64_t a, int64_t b, int64_t c, enum rounding rounding) {
  int64_t product;
  if (c > 0 && !__builtin_mul_overflow(a, b, &product)) return divide_narrow(product, c, rounding);
  return narrow(divide_wide((wide)a * b, c, rounding));
}

int64_t decimal_multiply_rounded(int64_t a, int64_t b, enum rounding rounding) {
  return multiply_divide(a, b, DECIMAL_ONE, rounding);
}

int64_t decimal_multiply(int64_t a, int64_t b) {
  return multiply_divide(a, b, DECIMAL_ONE, ROUND_NEAREST);
}

int64_t decimal_divide_rounded(int64_t a, int64_t b, enum rounding rounding) {
  return multiply_divide(a, DECIMAL_ONE, b, rounding);
}

int64_t decimal_divide(int64_t a, int64_t b) {
  return multiply_divide(a, DECIMAL_ONE, b, ROUND_NEAREST);
}

int64_t decimal_multiply_divide(int64_t a, int64_t b, int64_t c, enum rounding rounding) {
  return multiply_divide(a, b, c, rounding);
}

int64_t decimal_to_step(int64_t value, int64_t step, enum rounding rounding) {
  check(step > 0);
  int64_t result;
  if (__builtin_mul_overflow(divide_narrow(value, step, rounding), step, &result))
    check_failed(__FILE__, __LINE__, "multiple of a step out of range");
  return result;
}

/* value * 10^8 rounded half away from zero, in integers: the product of a double and 10^8 is not always a double, and a half must be seen exactly. */
static bool scale_double(double value, int64_t *out) {
  union {
    double number;
    uint64_t bits;
  } image = {.number = value};
  int exponent = (int)(image.bits >> 52 & 0x7ff);
  uint64_t mantissa = image.bits & ((UINT64_C(1) << 52) - 1);
  if (exponent == 0x7ff) return false;
  if (exponent != 0) mantissa |= UINT64_C(1) << 52;
  int shift = 1075 - (exponent != 0 ? exponent : 1); /* value = mantissa / 2^shift */
  unsigned_wide product = (unsigned_wide)mantissa * (uint64_t)DECIMAL_ONE;
  if (shift > 100) {
    product = 0; /* product is below 2^80 */
  } else if (shift > 0) {
    product = (product + ((unsigned_wide)1 << (shift - 1))) >> shift;
  } else if (shift < -11) {
    return false; /* 2^64 and more */
  } else {
    product <<= -shift;
  }
  if (product > (uint64_t)INT64_MAX) return false;
  *out = image.bits >> 63 != 0 ? -(int64_t)product : (int64_t)product;
  return true;
}

int64_t decimal_from_double_exactly(double value) {
  int64_t result = 0;
  bool fits = scale_double(value, &result);
  check(fits);
  return result;
}

bool decimal_fits_exactly(double value) {
  int64_t result;
  return scale_double(value, &result);
}

double decimal_to_double_large(int64_t value) {
  /* The whole part is exact and the rounding of the fraction lies 2^26 times below that of the sum. */
  int64_t whole = value / DECIMAL_ONE;
  return (double)whole + (double)(value - whole * DECIMAL_ONE) / (double)DECIMAL_ONE;
}

static bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

/* The fraction as units of 10^-8. Places beyond the eighth must be zeros. */
static bool parse_fraction(const char *text, size_t length, uint64_t *out) {
  uint64_t fraction = 0;
  for (size_t i = 0; i < length; i++) {
    if (!is_digit(text[i])) return false;
    if (i < PLACES) {
      fraction = fraction * 10 + (uint64_t)(text[i] - '0');
    } else if (text[i] != '0') {
      return false;
    }
  }
  for (size_t i = length; i < PLACES; i++) fraction *= 10;
  *out = fraction;
  return length > 0;
}

bool decimal_parse(const char *text, size_t length, int64_t *out) {
  size_t at = 0;
  bool is_negative = length > 0 && text[0] == '-';
  if (length > 0 && (text[0] == '-' || text[0] == '+')) at++;
  size_t first = at;
  uint64_t whole = 0;
  for (; at < length && is_digit(text[at]); at++) {
    whole = whole * 10 + (uint64_t)(text[at] - '0');
    if (whole > (uint64_t)(INT64_MAX / DECIMAL_ONE)) return false; /* long before the next step could overflow */
  }
  if (at == first) return false;
  uint64_t fraction = 0;
  if (at < length) {
    if (text[at] != '.') return false;
    if (!parse_fraction(text + at + 1, length - at - 1, &fraction)) return false;
  }
  uint64_t value = whole * (uint64_t)DECIMAL_ONE + fraction;
  if (value > (uint64_t)INT64_MAX) return false; /* INT64_MIN stands for null in records and is no number */
  *out = is_negative ? -(int64_t)value : (int64_t)value;
  return true;
}

size_t decimal_print(int64_t value, char *out) {
  char digits[DECIMAL_TEXT_MAX];
  size_t at = sizeof(digits);
  uint64_t magnitude = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
  uint64_t whole = magnitude / (uint64_t)DECIMAL_ONE;
  uint64_t fraction = magnitude % (uint64_t)DECIMAL_ONE;
  int places = fraction != 0 ? PLACES : 0;
  while (places > 0 && fraction % 10 == 0) {
    fraction /= 10;
    places--;
  }
  for (int i = 0; i < places; i++) {
    digits[--at] = (char)('0' + fraction % 10);
    fraction /= 10;
  }
  if (places > 0) digits[--at] = '.';
  do {
    digits[--at] = (char)('0' + whole % 10);
    whole /= 10;
  } while (whole != 0);
  if (value < 0) digits[--at] = '-';
  size_t length = sizeof(digits) - at;
  for (size_t i = 0; i < length; i++) out[i] = digits[at + i];
  out[length] = '\0';
  return length;
}

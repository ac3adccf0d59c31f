/* Doubles to text and back, in integers only: no locale, no libm, the same bytes on every machine. */
#include <string.h>

#include "base/check.h"
#include "base/text.h"

__extension__ typedef unsigned __int128 unsigned_wide;

enum {
  PLACES_MAX = 12,
  LIMBS_MAX = 200,  /* 6400 bits: 800 digits scaled as far as a double reaches, see parse_exact */
  DIGITS_MAX = 780, /* a halfway point between two doubles has at most 768 digits; beyond that only "not zero" matters */
};

static const uint64_t powers[PLACES_MAX + 1] = {
    UINT64_C(1),           UINT64_C(10),           UINT64_C(100),           UINT64_C(1000),      UINT64_C(10000),
    UINT64_C(100000),      UINT64_C(1000000),      UINT64_C(10000000),      UINT64_C(100000000), UINT64_C(1000000000),
    UINT64_C(10000000000), UINT64_C(100000000000), UINT64_C(1000000000000),
};

/* A natural number of many 32-bit limbs, least significant first. */
struct natural {
  uint32_t limbs[LIMBS_MAX];
  int count; /* limbs in use; the highest is not zero */
};

static void natural_multiply_add(struct natural *n, uint32_t factor, uint32_t addend) {
  uint64_t carry = addend;
  for (int i = 0; i < n->count; i++) {
    carry += (uint64_t)n->limbs[i] * factor;
    n->limbs[i] = (uint32_t)carry;
    carry >>= 32;
  }
  if (carry != 0) {
    check(n->count < LIMBS_MAX);
    n->limbs[n->count++] = (uint32_t)carry;
  }
}

/* Divides, returns the remainder. */
static uint32_t natural_divide(struct natural *n, uint32_t divisor) {
  uint64_t rest = 0;
  for (int i = n->count - 1; i >= 0; i--) {
    rest = rest << 32 | n->limbs[i];
    n->limbs[i] = (uint32_t)(rest / divisor);
    rest %= divisor;
  }
  while (n->count > 0 && n->limbs[n->count - 1] == 0) n->count--;
  return (uint32_t)rest;
}

static void natural_shift_limbs(struct natural *n, int limbs) {
  check(n->count + limbs <= LIMBS_MAX);
  memmove(n->limbs + limbs, n->limbs, (size_t)n->count * sizeof(n->limbs[0]));
  memset(n->limbs, 0, (size_t)limbs * sizeof(n->limbs[0]));
  n->count += limbs;
}

static uint64_t bits_of(double value) {
  uint64_t bits;
  memcpy(&bits, &value, sizeof(bits));
  return bits;
}

/* Integers of 2^63 and more: mantissa * 2^shift, shift > 0. */
static void add_huge(struct text *text, uint64_t mantissa, int shift) {
  struct natural n = {.limbs = {(uint32_t)mantissa, (uint32_t)(mantissa >> 32)}, .count = 2};
  for (; shift >= 31; shift -= 31) natural_multiply_add(&n, UINT32_C(1) << 31, 0);
  natural_multiply_add(&n, UINT32_C(1) << shift, 0);
  char digits[320];
  size_t at = sizeof(digits);
  while (n.count > 0) digits[--at] = (char)('0' + natural_divide(&n, 10));
  text_add_bytes(text, digits + at, sizeof(digits) - at);
}

static const char digit_pairs[201] =
    "0001020304050607080910111213141516171819202122232425262728293031323334353637383940414243444546474849"
    "5051525354555657585960616263646566676869707172737475767778798081828384858687888990919293949596979899";

/* whole and fraction (fraction < 10^places) as "whole.fraction" without trailing zeros. */
static void add_fixed(struct text *text, bool is_negative, uint64_t whole, uint64_t fraction, int places) {
  char memory[48];
  char *end = memory + sizeof(memory);
  char *start = end;
  if (fraction != 0) {
    while (fraction % 100 == 0) {
      fraction /= 100;
      places -= 2;
    }
    if (fraction % 10 == 0) {
      fraction /= 10;
      places--;
    }
    for (; places >= 2; places -= 2, fraction /= 100) {
      start -= 2;
      memcpy(start, digit_pairs + 2 * (fraction % 100), 2);
    }
    if (places > 0) *--start = (char)('0' + fraction);
    *--start = '.';
  }
  for (; whole >= 100; whole /= 100) {
    start -= 2;
    memcpy(start, digit_pairs + 2 * (whole % 100), 2);
  }
  if (whole >= 10) {
    start -= 2;
    memcpy(start, digit_pairs + 2 * whole, 2);
  } else {
    *--start = (char)('0' + whole);
  }
  if (is_negative) *--start = '-';
  text_add_bytes(text, start, (size_t)(end - start));
}

/* fraction / 2^shift scaled to places decimals, rounded half away; fraction < 2^shift. */
static uint64_t scale_fraction(uint64_t fraction, int shift, int places) {
  unsigned_wide product = (unsigned_wide)fraction * powers[places]; /* below 2^53 * 10^12 < 2^93 */
  if (shift > 96) return 0;
  return (uint64_t)((product + ((unsigned_wide)1 << (shift - 1))) >> shift);
}

void text_add_double(struct text *text, double value, int places) {
  check(places >= 0 && places <= PLACES_MAX);
  uint64_t bits = bits_of(value);
  int exponent = (int)(bits >> 52 & 0x7ff);
  uint64_t mantissa = bits & ((UINT64_C(1) << 52) - 1);
  bool is_negative = bits >> 63 != 0;
  if (exponent == 0x7ff) {
    text_add_bytes(text, "null", 4);
    return;
  }
  if (exponent != 0) mantissa |= UINT64_C(1) << 52;
  int shift = 1075 - (exponent != 0 ? exponent : 1); /* value = mantissa / 2^shift */
  if (shift <= 0) {
    if (is_negative) text_add_char(text, '-');
    add_huge(text, mantissa, -shift);
    return;
  }
  uint64_t whole = shift < 64 ? mantissa >> shift : 0;
  uint64_t fraction = shift < 64 ? mantissa & ((UINT64_C(1) << shift) - 1) : mantissa;
  uint64_t scaled = fraction == 0 ? 0 : scale_fraction(fraction, shift, places);
  if (scaled == powers[places]) {
    whole++;
    scaled = 0;
  }
  add_fixed(text, is_negative && (whole | scaled) != 0, whole, scaled, places);
}

/* The parts of a decimal number text. */
struct decimal_text {
  const char *digits; /* first significant digit; may contain the point */
  const char *end;    /* behind the last digit */
  int64_t exponent;   /* of the last digit: value = all digits as an integer * 10^exponent */
  bool is_negative;
  uint64_t leading; /* the first 19 significant digits */
  int leading_count;
  int digit_count; /* significant digits, leading zeros not counted */
};

static bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

static const char *scan_digits(const char *at, struct decimal_text *out) {
  for (; is_digit(*at); at++) {
    if (out->digit_count == 0 && *at == '0') continue;
    if (out->digit_count == 0) out->digits = at;
    if (out->digit_count < 19) {
      out->leading = out->leading * 10 + (uint64_t)(*at - '0');
      out->leading_count++;
    }
    out->digit_count++;
  }
  return at;
}

static bool scan_exponent(const char *at, int64_t *out) {
  bool is_negative = *at == '-';
  if (*at == '-' || *at == '+') at++;
  if (!is_digit(*at)) return false;
  int64_t value = 0;
  for (; is_digit(*at); at++) {
    if (value < 1000000000) value = value * 10 + (*at - '0');
  }
  *out = is_negative ? -value : value;
  return *at == '\0';
}

static bool scan_decimal(const char *at, struct decimal_text *out) {
  *out = (struct decimal_text){.is_negative = *at == '-'};
  if (*at == '-' || *at == '+') at++;
  if (!is_digit(*at)) return false;
  at = scan_digits(at, out);
  int64_t places = 0;
  if (*at == '.') {
    const char *point = at;
    at = scan_digits(at + 1, out);
    places = at - point - 1;
    if (places == 0) return false;
  }
  out->end = at;
  int64_t exponent = 0;
  if (*at == 'e' || *at == 'E') {
    if (!scan_exponent(at + 1, &exponent)) return false;
  } else if (*at != '\0') {
    return false;
  }
  out->exponent = exponent - places;
  return true;
}

/* top (highest bit set) * 2^exponent, with is_inexact for what lies below, to the nearest double, ties to even. False when too large. */
static bool assemble(uint64_t top, int64_t exponent, bool is_inexact, double *out) {
  int64_t biased = exponent + 63 + 1023;
  if (biased > 2046) return false;
  int64_t drop = 11;
  if (biased < 1) {
    drop += 1 - biased;
    biased = 0; /* subnormal: the hidden bit is not there */
  }
  if (drop > 64) {
    *out = 0.0;
    return true;
  }
  uint64_t kept = drop < 64 ? top >> drop : 0;
  uint64_t rest = drop < 64 ? top & ((UINT64_C(1) << drop) - 1) : top;
  uint64_t half = UINT64_C(1) << (drop - 1);
  if (rest > half || (rest == half && (is_inexact || (kept & 1) != 0))) kept++;
  /* A carry out of the mantissa raises the exponent by itself, because the fields touch; kept has the hidden bit, which counts as one. */
  uint64_t bits = biased > 0 ? ((uint64_t)(biased - 1) << 52) + kept : kept;
  if (bits >> 52 >= 0x7ff) return false;
  memcpy(out, &bits, sizeof(bits));
  return true;
}

static int leading_zeros(uint32_t limb) {
  return __builtin_clz(limb);
}

static bool natural_to_double(const struct natural *n, int64_t exponent, bool is_inexact, double *out) {
  int top = n->count - 1;
  int zeros = leading_zeros(n->limbs[top]);
  /* The highest 96 bits hold the highest 64 at any alignment. */
  unsigned_wide window = 0;
  for (int i = 0; i < 3; i++) window = window << 32 | (top - i >= 0 ? n->limbs[top - i] : 0);
  uint64_t high = (uint64_t)(window >> (32 - zeros));
  bool has_rest = is_inexact || (window & (((unsigned_wide)1 << (32 - zeros)) - 1)) != 0;
  for (int i = top - 3; i >= 0 && !has_rest; i--) has_rest = n->limbs[i] != 0;
  return assemble(high, exponent + (int64_t)top * 32 - zeros - 32, has_rest, out);
}

/* Digits that are left out make the value a little larger unless they are all zeros: one more digit, 1 or 0, says which. No halfway point has that
 * many. */
static void read_digits(const struct decimal_text *parts, struct natural *n) {
  int taken = 0;
  bool has_rest = false;
  for (const char *at = parts->digits; at < parts->end; at++) {
    if (*at == '.') continue;
    if (taken < DIGITS_MAX) {
      natural_multiply_add(n, 10, (uint32_t)(*at - '0'));
      taken++;
    } else if (*at != '0') {
      has_rest = true;
    }
  }
  if (taken < parts->digit_count) natural_multiply_add(n, 10, has_rest ? 1 : 0);
}

/* All digits as one integer, times 10^exponent as 5^exponent * 2^exponent. A negative exponent divides by fives after shifting up so far that at
 * least 64 bits stay; the remainders only matter as "not zero". */
static bool parse_exact(const struct decimal_text *parts, double *out) {
  const uint32_t five_13 = 1220703125;
  struct natural n = {.count = 0};
  read_digits(parts, &n);
  int64_t exponent = parts->exponent;
  if (parts->digit_count > DIGITS_MAX) exponent += parts->digit_count - DIGITS_MAX - 1;
  bool is_inexact = false;
  int64_t shifted = 0;
  if (exponent >= 0) {
    for (int64_t i = 0; i < exponent; i++) natural_multiply_add(&n, 5, 0);
  } else {
    int limbs = (int)(-exponent * 7 / 96) + 4; /* 5^k < 2^(7k/3) */
    natural_shift_limbs(&n, limbs);
    shifted = (int64_t)limbs * 32;
    int64_t left = -exponent;
    for (; left >= 13; left -= 13) is_inexact |= natural_divide(&n, five_13) != 0;
    for (; left > 0; left--) is_inexact |= natural_divide(&n, 5) != 0;
  }
  return natural_to_double(&n, exponent - shifted, is_inexact, out);
}

/* Both the digits and the power of ten are exact doubles: one operation rounds once (Clinger, "How to read floating point numbers accurately", 1990).
 */
static bool parse_fast(const struct decimal_text *parts, double *out) {
  static const double exact_powers[23] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                          1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
  if (parts->digit_count > parts->leading_count || parts->leading > UINT64_C(1) << 53) return false;
  if (parts->exponent < -22 || parts->exponent > 22) return false;
  double digits = (double)parts->leading;
  *out = parts->exponent < 0 ? digits / exact_powers[-parts->exponent] : digits * exact_powers[parts->exponent];
  return true;
}

bool text_parse_double(const char *string, double *out) {
  struct decimal_text parts;
  if (!scan_decimal(string, &parts)) return false;
  double value = 0.0;
  int64_t magnitude = parts.digit_count + parts.exponent; /* value < 10^magnitude */
  if (parts.digit_count == 0 || magnitude < -330) {
    value = 0.0;
  } else if (magnitude > 310) {
    return false;
  } else if (!parse_fast(&parts, &value) && !parse_exact(&parts, &value)) {
    return false;
  }
  *out = parts.is_negative ? -value : value;
  return true;
}

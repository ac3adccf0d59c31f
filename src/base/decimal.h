/* Exact numbers: signed 64-bit integers in units of 10^-8. Prices, quantities and money from the moment they become an order.
 * Products and quotients use 128 bits and round half away from zero unless a direction is stated. Overflow of the 64-bit result fails a check. */
#ifndef BASE_DECIMAL_H
#define BASE_DECIMAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DECIMAL_ONE INT64_C(100000000)
#define DECIMAL_MAX INT64_MAX

enum rounding { ROUND_DOWN, ROUND_UP, ROUND_NEAREST }; /* down: towards minus infinity; nearest: half away from zero */

int64_t decimal_multiply(int64_t a, int64_t b);
int64_t decimal_multiply_rounded(int64_t a, int64_t b, enum rounding rounding);
/* b must not be 0. */
int64_t decimal_divide(int64_t a, int64_t b);
int64_t decimal_divide_rounded(int64_t a, int64_t b, enum rounding rounding);
/* a * b / c with one rounding; c must not be 0. */
int64_t decimal_multiply_divide(int64_t a, int64_t b, int64_t c, enum rounding rounding);
/* Multiple of step (> 0) at or below, at or above, or nearest to value. */
int64_t decimal_to_step(int64_t value, int64_t step, enum rounding rounding);
/* The same for every value; the functions below ask for them where the short way does not do. */
int64_t decimal_from_double_exactly(double value);
bool decimal_fits_exactly(double value);
double decimal_to_double_large(int64_t value);

/* Nearest decimal of a finite double within range; checked. */
static inline int64_t decimal_from_double(double value) {
  /* Below 2^50 the product is off by at most 2^-4, so an integer that lies nearer than a quarter is the nearest of the true product too. */
  double product = value * (double)DECIMAL_ONE;
  if (product > -1125899906842624.0 && product < 1125899906842624.0) {
    const double shift = 6755399441055744.0; /* 1.5 * 2^52: beside it a double has no place for a fraction, so the sum is rounded to an integer */
    double nearest = (product + shift) - shift;
    double rest = product - nearest;
    if (rest > -0.25 && rest < 0.25) return (int64_t)nearest;
  }
  return decimal_from_double_exactly(value);
}

static inline bool decimal_fits(double value) {
  return (value > -68719476736.0 && value < 68719476736.0) || decimal_fits_exactly(value); /* 2^36 * 10^8 < 2^63 */
}

static inline double decimal_to_double(int64_t value) {
  /* Integers up to 2^53 and 10^8 are exact doubles, so the one division rounds once. */
  if (value >= -(INT64_C(1) << 53) && value <= INT64_C(1) << 53) return (double)value / (double)DECIMAL_ONE;
  return decimal_to_double_large(value);
}

/* Exact text to decimal: optional sign, digits, optional fraction of at most 8 significant places (further zeros allowed), no exponent.
 * Returns false when the text is anything else or out of range. */
bool decimal_parse(const char *text, size_t length, int64_t *out);
enum { DECIMAL_TEXT_MAX = 24 };
/* Shortest fixed-point text ("0.1", "-12", "100000"). Returns the length; out has room for DECIMAL_TEXT_MAX. */
size_t decimal_print(int64_t value, char *out);

#endif

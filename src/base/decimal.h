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
/* Nearest decimal of a finite double within range; checked. */
int64_t decimal_from_double(double value);
bool decimal_fits(double value);
double decimal_to_double(int64_t value);
/* Exact text to decimal: optional sign, digits, optional fraction of at most 8 significant places (further zeros allowed), no exponent.
 * Returns false when the text is anything else or out of range. */
bool decimal_parse(const char *text, size_t length, int64_t *out);
enum { DECIMAL_TEXT_MAX = 24 };
/* Shortest fixed-point text ("0.1", "-12", "100000"). Returns the length; out has room for DECIMAL_TEXT_MAX. */
size_t decimal_print(int64_t value, char *out);

#endif

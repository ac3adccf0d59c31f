/* Reading the fixed-point numbers of market data files at memory speed.
 *
 * A value of at most 2^53 - 1 as an integer, divided by an exactly representable power of ten (10^0 .. 10^22), is correctly rounded by one IEEE
 * division (Clinger, "How to read floating point numbers accurately", 1990). Everything else takes the slow road through text_parse_double.
 * All readers stop at the first byte that is no part of the number; the text must end in such a byte (the line readers guarantee one). */
#ifndef ADAPTERS_SOURCE_NUMBER_H
#define ADAPTERS_SOURCE_NUMBER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { NUMBER_PLACES_MAX = 22 };

extern const double number_powers_of_ten[NUMBER_PLACES_MAX + 1];

/* The slow road: any decimal notation, with sign and exponent. NULL when no finite number starts at p. */
const char *number_read_slow(const char *p, double *out);

/* Byte after the number, or NULL when there is none or it is not finite. */
static inline const char *number_read(const char *p, double *out) {
  const char *start = p;
  uint64_t mantissa = 0;
  unsigned digit;
  while ((digit = (unsigned)(unsigned char)*p - '0') < 10) {
    mantissa = mantissa * 10 + digit;
    p++;
  }
  ptrdiff_t places = 0;
  ptrdiff_t digits = p - start;
  if (*p == '.') {
    const char *fraction = ++p;
    while ((digit = (unsigned)(unsigned char)*p - '0') < 10) {
      mantissa = mantissa * 10 + digit;
      p++;
    }
    places = p - fraction;
    digits += places;
  }
  /* 18 digits can not wrap the 64 bits; a lone point, a sign or an exponent is for the slow road. */
  if (digits == 0 || digits > 18 || mantissa >> 53 || (*p | 0x20) == 'e') return number_read_slow(start, out);
  *out = (double)mantissa / number_powers_of_ten[places];
  return p;
}

/* Whole number without sign, at most 18 digits. NULL when there is none. */
static inline const char *number_read_integer(const char *p, int64_t *out) {
  const char *start = p;
  int64_t value = 0;
  unsigned digit;
  while ((digit = (unsigned)(unsigned char)*p - '0') < 10 && p - start < 18) {
    value = value * 10 + (int64_t)digit;
    p++;
  }
  *out = value;
  return p == start || (unsigned)(unsigned char)*p - '0' < 10 ? NULL : p;
}

/* Exact number in units of 10^-8 (base/decimal.h) without sign; NULL when there is none, it is too large, or it has more than 8 significant places.
 */
const char *number_read_decimal(const char *p, int64_t *out);

#endif

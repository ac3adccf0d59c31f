#include "adapters/source/number.h"

#include <string.h>

#include "base/decimal.h"
#include "base/text.h"

const double number_powers_of_ten[NUMBER_PLACES_MAX + 1] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                                            1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

static bool is_number_byte(char c) {
  return (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '+' || c == 'e' || c == 'E';
}

const char *number_read_slow(const char *p, double *out) {
  char copy[64];
  size_t length = 0;
  while (is_number_byte(p[length])) {
    if (length == sizeof copy - 1) return NULL;
    copy[length] = p[length];
    length++;
  }
  copy[length] = '\0';
  return length > 0 && text_parse_double(copy, out) ? p + length : NULL;
}

const char *number_read_decimal(const char *p, int64_t *out) {
  const char *start = p;
  uint64_t mantissa = 0;
  unsigned digit;
  while ((digit = (unsigned)(unsigned char)*p - '0') < 10) {
    mantissa = mantissa * 10 + digit;
    p++;
  }
  ptrdiff_t places = 0, digits = p - start;
  if (*p == '.') {
    const char *fraction = ++p;
    while ((digit = (unsigned)(unsigned char)*p - '0') < 10) {
      mantissa = mantissa * 10 + digit;
      p++;
    }
    places = p - fraction;
    digits += places;
  }
  if (digits == 0) return NULL;
  if (digits > 18 || places > 8) return decimal_parse(start, (size_t)(p - start), out) ? p : NULL;
  static const int64_t scales[] = {100000000, 10000000, 1000000, 100000, 10000, 1000, 100, 10, 1};
  return __builtin_mul_overflow((int64_t)mantissa, scales[places], out) ? NULL : p;
}

/* Logarithms are computed as an unevaluated sum of two doubles (hi + lo, about 2^-66 relative): their rounded result is then right but for rare ties,
 * exact powers come out exact, and maths_pow has the bits that multiplying by a large exponent uses up. Products of doubles are split by Dekker's
 * method ("A floating-point technique for extending the available precision", 1971), because fused multiply-add is not on every machine. */
#include "base/maths.h"

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/check.h"

/* hi + lo, |lo| at most half a unit in the last place of hi. */
struct pair {
  double hi, lo;
};

static uint64_t bits_of(double value) {
  uint64_t bits;
  memcpy(&bits, &value, sizeof(bits));
  return bits;
}

static double double_of(uint64_t bits) {
  double value;
  memcpy(&value, &bits, sizeof(value));
  return value;
}

/* |a| >= |b| */
static struct pair quick_sum(double a, double b) {
  double sum = a + b;
  return (struct pair){sum, b - (sum - a)};
}

static struct pair exact_product(double a, double b) {
  const double splitter = 134217729.0; /* 2^27 + 1 */
  double scaled_a = splitter * a;
  double scaled_b = splitter * b;
  double a_hi = scaled_a - (scaled_a - a);
  double b_hi = scaled_b - (scaled_b - b);
  double a_lo = a - a_hi;
  double b_lo = b - b_hi;
  double product = a * b;
  return (struct pair){product, ((a_hi * b_hi - product) + a_hi * b_lo + a_lo * b_hi) + a_lo * b_lo};
}

static struct pair pair_multiply(struct pair a, struct pair b) {
  struct pair product = exact_product(a.hi, b.hi);
  return quick_sum(product.hi, product.lo + (a.hi * b.lo + a.lo * b.hi));
}

/* |a| >= |b| */
static struct pair pair_add(struct pair a, struct pair b) {
  struct pair sum = quick_sum(a.hi, b.hi);
  return quick_sum(sum.hi, sum.lo + (a.lo + b.lo));
}

static const double ln2_hi = 0x1.62e42fefa3p-1; /* 41 bits: a product with an exponent is exact */
static const double ln2_lo = 0x1.3de6af278ece6p-42;
static const struct pair third = {0x1.5555555555555p-2, 0x1.5555555555555p-56};
static const struct pair inverse_ln2 = {0x1.71547652b82fep+0, 0x1.777d0ffda0d24p-56};
static const struct pair inverse_ln10 = {0x1.bcb7b1526e50ep-2, 0x1.95355baaafad3p-57};
static const double log10_2_hi = 0x1.34413509f6p-2;
static const double log10_2_lo = 0x1.9fef311f12b36p-42;

/* x = m * 2^exponent with m in [sqrt(1/2), sqrt(2)); x positive and finite. */
static double split_exponent(double x, int *exponent) {
  int adjust = 0;
  if (x < 0x1p-1022) {
    x *= 0x1p54;
    adjust = -54;
  }
  uint64_t bits = bits_of(x);
  /* Adding the distance from sqrt(1/2) to 1 carries into the exponent field exactly for mantissas of at least sqrt(2). */
  const uint64_t sqrt_half = UINT64_C(0x3fe6a09e667f3bcd);
  uint64_t shifted = bits + (UINT64_C(0x3ff0000000000000) - sqrt_half);
  *exponent = (int)(shifted >> 52) - 1023 + adjust;
  return double_of((shifted & ((UINT64_C(1) << 52) - 1)) + sqrt_half);
}

/* ln(m) for m in [sqrt(1/2), sqrt(2)). With s = (m - 1) / (m + 1), |s| < 0.172: ln(m) = 2 s (1 + s^2/3 + s^4/5 + ...). The first two terms need the
 * pair, the rest is below 2^-12 of the result and does not. Fifteen terms of the series leave less than 2^-70. */
static struct pair log_mantissa(double m) {
  double f = m - 1.0; /* exact */
  struct pair g = quick_sum(1.0 > m ? 1.0 : m, 1.0 > m ? m : 1.0);
  struct pair s = {f / g.hi, 0.0};
  struct pair back = exact_product(s.hi, g.hi);
  s.lo = (((f - back.hi) - back.lo) - s.hi * g.lo) / g.hi;
  struct pair square = pair_multiply(s, s);
  double q = square.hi;
  double tail = 1.0 / 23 + q * (1.0 / 25 + q * (1.0 / 27 + q * (1.0 / 29)));
  tail = 1.0 / 13 + q * (1.0 / 15 + q * (1.0 / 17 + q * (1.0 / 19 + q * (1.0 / 21 + q * tail))));
  tail = q * q * (1.0 / 5 + q * (1.0 / 7 + q * (1.0 / 9 + q * (1.0 / 11 + q * tail))));
  struct pair correction = pair_add(pair_multiply(square, third), (struct pair){tail, 0.0});
  struct pair product = pair_multiply(s, correction);
  struct pair half = pair_add(s, product);
  return (struct pair){2.0 * half.hi, 2.0 * half.lo};
}

/* exponent * unit + mantissa part; unit_hi * exponent is exact and larger than any mantissa part unless exponent is 0. */
static struct pair add_exponent(int exponent, double unit_hi, double unit_lo, struct pair part) {
  if (exponent == 0) return part;
  struct pair whole = quick_sum(exponent * unit_hi, exponent * unit_lo);
  return pair_add(whole, part);
}

static struct pair log_pair(double x) {
  int exponent;
  double m = split_exponent(x, &exponent);
  return add_exponent(exponent, ln2_hi, ln2_lo, log_mantissa(m));
}

/* What the three logarithms answer outside positive finite numbers. */
static bool log_is_special(double x, double *out) {
  if (x > 0.0 && x < INFINITY) return false;
  *out = x == 0.0 ? -INFINITY : x > 0.0 ? x : NAN;
  return true;
}

double maths_log(double x) {
  double special;
  if (log_is_special(x, &special)) return special;
  struct pair result = log_pair(x);
  return result.hi + result.lo;
}

double maths_log2(double x) {
  double special;
  if (log_is_special(x, &special)) return special;
  int exponent;
  double m = split_exponent(x, &exponent);
  struct pair result = add_exponent(exponent, 1.0, 0.0, pair_multiply(log_mantissa(m), inverse_ln2));
  return result.hi + result.lo;
}

double maths_log10(double x) {
  double special;
  if (log_is_special(x, &special)) return special;
  int exponent;
  double m = split_exponent(x, &exponent);
  struct pair result = add_exponent(exponent, log10_2_hi, log10_2_lo, pair_multiply(log_mantissa(m), inverse_ln10));
  return result.hi + result.lo;
}

/* value * 2^exponent; two steps where one power of two is not a double. */
static double scale(double value, int exponent) {
  if (exponent > 1023) return value * 0x1p1023 * double_of((uint64_t)exponent << 52);
  if (exponent < -1022) return value * 0x1p-1000 * double_of((uint64_t)(exponent + 1000 + 1023) << 52);
  return value * double_of((uint64_t)(exponent + 1023) << 52);
}

/* exp(x.hi + x.lo). With k the integer nearest to x / ln 2, the rest r has |r| < 0.35, where the series through r^14 is exact to 2^-57; what is below
 * the leading 1 + r is summed first and added last. */
static double exp_pair(struct pair x) {
  if (x.hi > 709.79) return INFINITY;
  if (x.hi < -745.14) return 0.0;
  double k = floor(x.hi * inverse_ln2.hi + 0.5);
  double high = x.hi - k * ln2_hi; /* exact */
  double low = x.lo - k * ln2_lo;
  struct pair rest = fabs(high) >= fabs(low) ? quick_sum(high, low) : quick_sum(low, high);
  double t = rest.hi;
  double q = 1.0 / 362880 + t * (1.0 / 3628800 + t * (1.0 / 39916800 + t * (1.0 / 479001600 + t * (1.0 / 6227020800 + t * (1.0 / 87178291200)))));
  q = 1.0 / 24 + t * (1.0 / 120 + t * (1.0 / 720 + t * (1.0 / 5040 + t * (1.0 / 40320 + t * q))));
  q = t * t * (0.5 + t * (1.0 / 6 + t * q));
  struct pair sum = quick_sum(1.0, t);
  double result = sum.hi + (sum.lo + (q + (rest.lo + rest.lo * t)));
  return scale(result, (int)k);
}

double maths_exp(double x) {
  if (isnan(x)) return x;
  return exp_pair((struct pair){x, 0.0});
}

double maths_pow(double x, double y) {
  check(!(x <= 0.0));
  if (y == 0.0 || x == 1.0) return 1.0;
  if (isnan(x) || isnan(y)) return NAN;
  if (isinf(x)) return y > 0.0 ? INFINITY : 0.0;
  struct pair log_x = log_pair(x);
  double size = log_x.hi * y;
  if (fabs(size) > 800.0) return size > 0.0 ? INFINITY : 0.0; /* before the exact product, whose splitting would overflow */
  struct pair product = exact_product(log_x.hi, y);
  return exp_pair(quick_sum(product.hi, product.lo + log_x.lo * y));
}

static const double inverse_sqrt_2pi = 0x1.9884533d43651p-2;

static double normal_density(double x) {
  /* x * x rounds, and exp multiplies that error by x * x / 2: far out the pair keeps the relative error small. */
  struct pair square = exact_product(x, x);
  return inverse_sqrt_2pi * exp_pair((struct pair){-0.5 * square.hi, -0.5 * square.lo});
}

/* P(X > x) for x >= 0, small relative error. */
static double normal_tail(double x) {
  enum { SERIES_TERMS_MAX = 200, FRACTION_TERMS = 120 };
  if (x > 38.6) return 0.0; /* below the smallest double */
  if (x < 2.5) {
    /* 1/2 minus density * (x + x^3/3 + x^5/(3*5) + ...) */
    double term = x;
    double sum = x;
    for (int i = 1; i < SERIES_TERMS_MAX && term > sum * 0x1p-60; i++) {
      term *= x * x / (2 * i + 1);
      sum += term;
    }
    return 0.5 - normal_density(x) * sum;
  }
  /* Laplace's continued fraction density / (x + 1/(x + 2/(x + 3/(x + ...)))), from the inside. */
  double value = x;
  for (int i = FRACTION_TERMS; i > 0; i--) value = x + i / value;
  return normal_density(x) / value;
}

double maths_normal_cdf(double x) {
  if (isnan(x)) return x;
  return x > 0.0 ? 1.0 - normal_tail(x) : normal_tail(-x);
}

/* z with P(X > z) = p for p <= 1/2: starts from Abramowitz and Stegun 26.2.23 (error below 4.5e-4), then Newton's method with the second derivative
 * (Halley), which triples the number of right digits each time. */
static double normal_tail_inverse(double p) {
  double t = sqrt(-2.0 * maths_log(p));
  double z = t - (2.515517 + t * (0.802853 + t * 0.010328)) / (1.0 + t * (1.432788 + t * (0.189269 + t * 0.001308)));
  for (int i = 0; i < 3; i++) {
    double density = normal_density(z);
    if (density == 0.0) break;
    double step = (normal_tail(fabs(z)) - p) / density;
    if (z < 0.0) step = ((1.0 - normal_tail(-z)) - p) / density;
    z += step / (1.0 - 0.5 * z * step);
  }
  return z;
}

double maths_normal_quantile(double p) {
  check(p > 0.0 && p < 1.0);
  return p < 0.5 ? -normal_tail_inverse(p) : normal_tail_inverse(1.0 - p);
}

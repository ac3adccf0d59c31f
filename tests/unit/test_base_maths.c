#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/maths.h"
#include "base/random.h"

enum { POINTS = 1000000 };

static double from_bits(uint64_t bits) {
  double value;
  memcpy(&value, &bits, sizeof(value));
  return value;
}

/* A positive finite double of any exponent. */
static double any_positive(struct random *random) {
  return from_bits(1 + random_below(random, UINT64_C(0x7fefffffffffffff)));
}

/* Distance in units in the last place of the wide (64-bit mantissa) reference value. */
static double ulps(double got, long double want) {
  if (isnan(want)) return isnan(got) ? 0.0 : INFINITY;
  if ((double)want == got) return 0.0;
  if (isinf((double)want) || isinf(got)) return INFINITY;
  int exponent;
  frexpl(want, &exponent);
  if (exponent < -1021) exponent = -1021;
  return (double)(fabsl((long double)got - want) / ldexpl(1.0L, exponent - 53));
}

typedef double function_of_one(double x);
typedef long double reference_of_one(long double x);

static double worst_over(function_of_one *function, reference_of_one *reference, double low, double high, struct random *random) {
  double worst = 0.0;
  for (int i = 0; i < POINTS; i++) {
    double x = high > low ? low + (high - low) * random_unit(random) : any_positive(random);
    double error = ulps(function(x), reference(x));
    if (error > worst) worst = error;
  }
  return worst;
}

/* The reference is the 80-bit long double of libm, good to about 2^-63. */
static void logarithms_are_within_one_ulp(void **unused) {
  (void)unused;
  struct random random;
  random_init(&random, 1);
  static function_of_one *const functions[] = {maths_log, maths_log2, maths_log10};
  static reference_of_one *const references[] = {logl, log2l, log10l};
  static const double ranges[][2] = {{0.0, 0.0}, {0.5, 2.0}, {0.999, 1.001}, {1.0, 1.0000001}, {1.0, 100000.0}};
  for (size_t f = 0; f < 3; f++) {
    for (size_t r = 0; r < 5; r++) {
      double worst = worst_over(functions[f], references[f], ranges[r][0], ranges[r][1], &random);
      print_message("log %zu range %zu: %.4f ulp\n", f, r, worst);
      assert_true(worst < 0.6);
    }
  }
}

static void exp_is_within_one_ulp(void **unused) {
  (void)unused;
  struct random random;
  random_init(&random, 2);
  static const double ranges[][2] = {{-745.2, 709.8}, {-1.0, 1.0}, {-0.001, 0.001}, {-745.2, -700.0}, {-40.0, 0.0}};
  for (size_t r = 0; r < 5; r++) {
    double worst = worst_over(maths_exp, expl, ranges[r][0], ranges[r][1], &random);
    print_message("exp range %zu: %.4f ulp\n", r, worst);
    assert_true(worst < 1.1);
  }
}

static void pow_is_within_two_ulp(void **unused) {
  (void)unused;
  struct random random;
  random_init(&random, 3);
  double worst = 0.0;
  for (int i = 0; i < 2 * POINTS; i++) {
    double x = i % 2 == 0 ? any_positive(&random) : 0.5 + random_unit(&random);
    double y = i % 4 < 2 ? 20.0 * random_unit(&random) - 10.0 : 2000.0 * random_unit(&random) - 1000.0;
    long double want = powl(x, y);
    if (want < 1e-300L || want > 1e300L) continue;
    double error = ulps(maths_pow(x, y), want);
    if (error > worst) worst = error;
  }
  print_message("pow: %.4f ulp\n", worst);
  assert_true(worst < 2.0);
}

static void exact_powers_come_out_exact(void **unused) {
  (void)unused;
  for (int i = -1074; i <= 1023; i++) assert_true(maths_log2(ldexp(1.0, i)) == i);
  double power = 1.0;
  for (int i = 0; i <= 22; i++, power *= 10.0) assert_true(maths_log10(power) == i);
  for (int i = -1022; i <= 1023; i++) assert_true(maths_pow(2.0, i) == ldexp(1.0, i));
  assert_true(maths_pow(10.0, 3.0) == 1000.0);
  assert_true(maths_pow(9.0, 0.5) == 3.0);
  assert_true(maths_exp(0.0) == 1.0);
  assert_true(maths_log(1.0) == 0.0);
}

static void edges(void **unused) {
  (void)unused;
  assert_true(maths_log(0.0) == -INFINITY);
  assert_true(isnan(maths_log(-1.0)));
  assert_true(isnan(maths_log(NAN)));
  assert_true(maths_log10(INFINITY) == INFINITY);
  assert_true(maths_exp(INFINITY) == INFINITY);
  assert_true(maths_exp(-INFINITY) == 0.0);
  assert_true(isnan(maths_exp(NAN)));
  assert_true(maths_exp(709.782712893384) < INFINITY);
  assert_true(maths_exp(709.782712893385) == INFINITY);
  assert_true(maths_exp(-745.13) == 0x1p-1074);
  assert_true(maths_exp(-745.14) == 0.0);
  assert_true(maths_pow(2.0, 1e300) == INFINITY);
  assert_true(maths_pow(2.0, -1e300) == 0.0);
  assert_true(maths_pow(INFINITY, -1.0) == 0.0);
  assert_true(isnan(maths_pow(2.0, NAN)));
}

static void normal_cdf_matches_erfc(void **unused) {
  (void)unused;
  struct random random;
  random_init(&random, 4);
  double worst = 0.0;
  double worst_relative = 0.0;
  for (int i = 0; i < 300000; i++) {
    double x = 78.0 * random_unit(&random) - 39.0;
    if (i % 2 == 0) x = 12.0 * random_unit(&random) - 6.0;
    long double want = 0.5L * erfcl(-(long double)x / sqrtl(2.0L));
    double got = maths_normal_cdf(x);
    double error = (double)fabsl(got - want);
    if (error > worst) worst = error;
    if (want > 1e-300L && error / (double)want > worst_relative) worst_relative = error / (double)want;
  }
  print_message("normal cdf: %.3g absolute, %.3g relative\n", worst, worst_relative);
  assert_true(worst < 1e-12);
  assert_true(worst_relative < 1e-12);
}

/* Roots of ncdf(z) = p found by mpmath with 200 bits. */
static void normal_quantile_matches_known_values(void **unused) {
  (void)unused;
  static const struct {
    double p, z;
  } rows[] = {{1e-300, -37.047096299361199}, {1e-20, -9.2623400897984076}, {1e-9, -5.9978070150076869}, {0.001, -3.0902323061678135},
              {0.025, -1.9599639845400542},  {0.1, -1.2815515655446004},   {0.3, -0.52440051270804082}, {0.5, -2.212526114962452e-68},
              {0.7, 0.52440051270804066},    {0.975, 1.9599639845400539},  {0.999, 3.0902323061678133}};
  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) assert_float_equal(maths_normal_quantile(rows[i].p), rows[i].z, 1e-9);
}

static void normal_quantile_inverts_cdf(void **unused) {
  (void)unused;
  struct random random;
  random_init(&random, 5);
  for (int i = 0; i < 100000; i++) {
    double p = random_unit(&random);
    if (i % 3 == 0) p = maths_exp(-700.0 * random_unit(&random)) * 0.5;
    if (p == 0.0) continue;
    double z = maths_normal_quantile(p);
    double back = maths_normal_cdf(z);
    /* near p = 1 the inverse is limited by how p itself is rounded: 1e-16 / density */
    assert_true(fabs(back - p) <= 1e-12 * p + 2e-16);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(logarithms_are_within_one_ulp),
      cmocka_unit_test(exp_is_within_one_ulp),
      cmocka_unit_test(pow_is_within_two_ulp),
      cmocka_unit_test(exact_powers_come_out_exact),
      cmocka_unit_test(edges),
      cmocka_unit_test(normal_cdf_matches_erfc),
      cmocka_unit_test(normal_quantile_matches_known_values),
      cmocka_unit_test(normal_quantile_inverts_cdf),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

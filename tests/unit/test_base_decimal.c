#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "base/decimal.h"
#include "base/random.h"

__extension__ typedef __int128 wide;

enum { ROUNDS = 1000000 };

/* Any magnitude is equally likely, and so are small and round numbers. */
static int64_t any_i64(struct random *random) {
  uint64_t bits = random_next(random) >> random_below(random, 64);
  if (random_below(random, 4) == 0) bits = bits / 100000000 * 100000000;
  int64_t value = (int64_t)(bits & INT64_MAX);
  return random_below(random, 2) == 0 ? value : -value;
}

static bool fits(wide value) {
  return value >= INT64_MIN && value <= INT64_MAX;
}

/* numerator / denominator by the definition of each direction, in a way the code under test does not use: floor first. */
static wide divide_ref(wide numerator, wide denominator, enum rounding rounding) {
  if (denominator < 0) {
    numerator = -numerator;
    denominator = -denominator;
  }
  wide floored = numerator / denominator;
  while (floored * denominator > numerator) floored--;
  wide rest = numerator - floored * denominator; /* 0 <= rest < denominator */
  if (rounding == ROUND_DOWN || rest == 0) return floored;
  if (rounding == ROUND_UP) return floored + 1;
  if (2 * rest == denominator) return numerator < 0 ? floored : floored + 1;
  return 2 * rest > denominator ? floored + 1 : floored;
}

static void products_and_quotients_match_the_definition(void **unused) {
  (void)unused;
  struct random random;
  random_init(&random, 11);
  int tried = 0;
  for (int i = 0; i < ROUNDS; i++) {
    int64_t a = any_i64(&random);
    int64_t b = any_i64(&random);
    int64_t c = any_i64(&random);
    if (b == 0 || c == 0) continue;
    for (int r = ROUND_DOWN; r <= ROUND_NEAREST; r++) {
      enum rounding rounding = (enum rounding)r;
      wide product = divide_ref((wide)a * b, DECIMAL_ONE, rounding);
      wide quotient = divide_ref((wide)a * DECIMAL_ONE, b, rounding);
      wide both = divide_ref((wide)a * b, c, rounding);
      if (fits(product)) assert_true(decimal_multiply_rounded(a, b, rounding) == product);
      if (fits(quotient)) assert_true(decimal_divide_rounded(a, b, rounding) == quotient);
      if (fits(both)) assert_true(decimal_multiply_divide(a, b, c, rounding) == both);
      tried += fits(product) + fits(quotient) + fits(both);
    }
  }
  assert_true(tried > ROUNDS);
}

static void halves_go_away_from_zero(void **unused) {
  (void)unused;
  assert_int_equal(decimal_multiply(1, DECIMAL_ONE / 2), 1);
  assert_int_equal(decimal_multiply(-1, DECIMAL_ONE / 2), -1);
  assert_int_equal(decimal_multiply(3, DECIMAL_ONE / 2), 2);
  assert_int_equal(decimal_divide(1, 3 * DECIMAL_ONE), 0);
  assert_int_equal(decimal_divide(-5 * DECIMAL_ONE, 2 * DECIMAL_ONE), -250000000);
  assert_int_equal(decimal_multiply_rounded(-1, 1, ROUND_DOWN), -1);
  assert_int_equal(decimal_multiply_rounded(-1, 1, ROUND_UP), 0);
}

static void steps(void **unused) {
  (void)unused;
  assert_int_equal(decimal_to_step(1234, 100, ROUND_DOWN), 1200);
  assert_int_equal(decimal_to_step(1234, 100, ROUND_UP), 1300);
  assert_int_equal(decimal_to_step(1250, 100, ROUND_NEAREST), 1300);
  assert_int_equal(decimal_to_step(-1250, 100, ROUND_NEAREST), -1300);
  assert_int_equal(decimal_to_step(-1234, 100, ROUND_DOWN), -1300);
  assert_int_equal(decimal_to_step(-1234, 100, ROUND_UP), -1200);
  assert_int_equal(decimal_to_step(1200, 100, ROUND_UP), 1200);
}

static void from_double_is_the_nearest(void **unused) {
  (void)unused;
  struct random random;
  random_init(&random, 12);
  for (int i = 0; i < ROUNDS; i++) {
    double value = (double)any_i64(&random) / (double)(1 + random_below(&random, 1000000000));
    if (!decimal_fits(value)) continue;
    int64_t got = decimal_from_double(value);
    /* 64 bits of mantissa hold the product of values below 2^37 with enough to spare to judge the distance. */
    long double exact = (long double)value * 1e8L;
    if (fabsl(exact) < 0x1p53L) assert_true(fabsl(exact - (long double)got) <= 0.5L + 0x1p-11L);
  }
  assert_int_equal(decimal_from_double(0.1), 10000000);
  assert_int_equal(decimal_from_double(-0.1), -10000000);
  assert_int_equal(decimal_from_double(0.5 * 0x1p-8), 195313);     /* 1/512 = 0.001953125: exact */
  assert_int_equal(decimal_from_double(0x1p-9 + 0x1p-10), 292969); /* 0.0029296875 = 292968.75 */
  assert_int_equal(decimal_from_double(-0x1p-9), -195313);         /* 195312.5: half away */
  assert_int_equal(decimal_from_double(5e-324), 0);
  assert_int_equal(decimal_from_double(-0.0), 0);
  assert_true(decimal_fits(92233720368.547));
  assert_false(decimal_fits(92233720369.0));
  assert_false(decimal_fits(1e300));
  assert_false(decimal_fits(INFINITY));
  assert_false(decimal_fits(NAN));
}

static void doubles_of_decimals_come_back(void **unused) {
  (void)unused;
  struct random random;
  random_init(&random, 13);
  for (int i = 0; i < ROUNDS; i++) {
    int64_t value = any_i64(&random);
    double number = decimal_to_double(value);
    assert_true(fabsl((long double)value / 1e8L - (long double)number) <= fabsl((long double)number) * 0x1p-53L * 1.01L);
    if (value > -(INT64_C(1) << 52) && value < INT64_C(1) << 52) assert_int_equal(decimal_from_double(number), value);
  }
}

static void text_comes_back(void **unused) {
  (void)unused;
  struct random random;
  random_init(&random, 14);
  char text[DECIMAL_TEXT_MAX];
  for (int i = 0; i < ROUNDS; i++) {
    int64_t value = any_i64(&random);
    int64_t back = 1;
    size_t length = decimal_print(value, text);
    assert_int_equal(length, strlen(text));
    assert_true(decimal_parse(text, length, &back));
    assert_int_equal(back, value);
    const char *point = strchr(text, '.');
    if (point != NULL) assert_true(text[length - 1] != '0' && text[length - 1] != '.');
  }
}

static void texts(void **unused) {
  (void)unused;
  static const struct {
    const char *in;
    int64_t value;
    const char *out;
  } rows[] = {
      {"0", 0, "0"},
      {"-0", 0, "0"},
      {"0.1", 10000000, "0.1"},
      {"-12", -12 * DECIMAL_ONE, "-12"},
      {"+1.50", 150000000, "1.5"},
      {"100000", 100000 * DECIMAL_ONE, "100000"},
      {"000.00000001", 1, "0.00000001"},
      {"0.000000010000000", 1, "0.00000001"},
      {"92233720368.54775807", INT64_MAX, "92233720368.54775807"},
      {"-92233720368.54775807", -INT64_MAX, "-92233720368.54775807"},
  };
  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    char text[DECIMAL_TEXT_MAX];
    int64_t value = 1;
    assert_true(decimal_parse(rows[i].in, strlen(rows[i].in), &value));
    assert_int_equal(value, rows[i].value);
    decimal_print(value, text);
    assert_string_equal(text, rows[i].out);
  }
}

static void bad_texts_are_refused(void **unused) {
  (void)unused;
  static const char *const rows[] = {"",
                                     "-",
                                     "+",
                                     ".",
                                     "1.",
                                     ".5",
                                     "1,5",
                                     " 1",
                                     "1 ",
                                     "1e3",
                                     "0x10",
                                     "NaN",
                                     "inf",
                                     "--1",
                                     "1-1",
                                     "1.2.3",
                                     "1.-2",
                                     "１",
                                     "1.000000001",
                                     "92233720368.54775808",
                                     "-92233720368.54775808",
                                     "1111111111111111111111111111111111111111"};
  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    int64_t value = 77;
    assert_false(decimal_parse(rows[i], strlen(rows[i]), &value));
    assert_int_equal(value, 77);
  }
}

/* The short ways of the header against the long ones: around every quarter of the last place, where they must hand over. */
static void short_ways_agree(void **state) {
  (void)state;
  struct random random;
  random_init(&random, 21);
  for (int i = 0; i < ROUNDS; i++) {
    int64_t units = any_i64(&random);
    double value = ((double)units + (double)random_below(&random, 5) * 0.25) / 1e8;
    double near[] = {nextafter(value, -INFINITY), value, nextafter(value, INFINITY)};
    for (int k = 0; k < 3; k++) {
      assert_true(decimal_fits(near[k]) == decimal_fits_exactly(near[k]));
      if (decimal_fits(near[k])) assert_true(decimal_from_double(near[k]) == decimal_from_double_exactly(near[k]));
    }
  }
  assert_false(decimal_fits(NAN));
  assert_false(decimal_fits(INFINITY));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(products_and_quotients_match_the_definition),
      cmocka_unit_test(halves_go_away_from_zero),
      cmocka_unit_test(steps),
      cmocka_unit_test(from_double_is_the_nearest),
      cmocka_unit_test(doubles_of_decimals_come_back),
      cmocka_unit_test(short_ways_agree),
      cmocka_unit_test(text_comes_back),
      cmocka_unit_test(texts),
      cmocka_unit_test(bad_texts_are_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

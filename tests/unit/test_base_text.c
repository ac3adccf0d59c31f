#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/decimal.h"
#include "base/random.h"
#include "base/text.h"

enum { ROUNDS = 300000 };

static void builder_cuts_and_terminates(void **unused) {
  (void)unused;
  char memory[8];
  struct text text;
  text_init(&text, memory, sizeof(memory));
  text_add(&text, "abc");
  assert_false(text.is_cut);
  text_add_i64(&text, -123456);
  assert_true(text.is_cut);
  assert_string_equal(memory, "abc-123");
  assert_int_equal(text.length, 7);
  text_add_char(&text, 'x');
  assert_string_equal(memory, "abc-123");
}

static void integers_ids_times(void **unused) {
  (void)unused;
  char memory[128];
  struct text text;
  text_init(&text, memory, sizeof(memory));
  text_add_i64(&text, INT64_MIN);
  text_add_char(&text, ' ');
  text_add_i64(&text, INT64_MAX);
  text_add_char(&text, ' ');
  text_add_i64(&text, 0);
  text_add_char(&text, ' ');
  text_add_decimal(&text, -150000000);
  text_add_char(&text, ' ');
  text_add_id(&text, 'S', 6, 123);
  text_add_char(&text, ' ');
  text_add_id(&text, 'F', 2, 12345);
  assert_string_equal(memory, "-9223372036854775808 9223372036854775807 0 -1.5 S000123 F12345");
  text_init(&text, memory, sizeof(memory));
  text_add_time(&text, INT64_C(1769903999123));
  assert_string_equal(memory, "2026-01-31T23:59:59.123Z");
}

/* Made with exact fractions in Python: round(|v| * 10^places) half up, sign put back. */
static void doubles_print_exactly(void **unused) {
  (void)unused;
  static const struct {
    double value;
    int places;
    const char *want;
  } rows[] = {
      {0x1.999999999999ap-4, 8, "0.1"},
      {0x1.0000000000000p-3, 2, "0.13"},
      {-0x1.0000000000000p-3, 2, "-0.13"},
      {0x1.4000000000000p+1, 0, "3"},
      {-0x1.0000000000000p-1, 0, "-1"},
      {0x1.fffffffffffffp-2, 0, "0"},
      {0x1.c6bf526340000p+49, 8, "1000000000000000"},
      {0x1.2d687e4189375p+20, 8, "1234567.891"},
      {0x1.0f0cf064dd592p+73, 8, "10000000000000000000000"},
      {0x1.fffffffffffffp+1023, 8,
       "179769313486231570814527423731704356798070567525844996598917476803157260780028538760589558632766878171540458953514382464234321326889464182768"
       "467546703537516986049910576551282076245490090389328944075868508455133942304583236903222948165808559332123348274797826204144723168738177180919"
       "299881250404026184124858368"},
      {0x0.0000000000001p-1022, 12, "0"},
      {0x1.869fffffffea8p+16, 8, "99999.99999999"},
      {0x1.ffffffffffff7p-1, 12, "1"},
      {0x1.0000000000000p+53, 3, "9007199254740992"},
      {-0x0.0p+0, 8, "0"},
      {0x1.fffffffffffffp+51, 0, "4503599627370496"},
      {0x1.e240c9fcb923ap+16, 6, "123456.789012"},
      {0x1.12e0be826d695p-30, 8, "0"},
      {0x1.5798ee2308c3ap-28, 8, "0.00000001"},
      {-0x1.a636641c4df1ap-39, 12, "-0.000000000003"},
      {0x1.4d8399f767c45p+23, 7, "10928588.9832136"},
      {-0x1.cae6fb0caf4b0p-1, 7, "-0.8962935"},
      {-0x1.d1ca153c8de4cp+17, 6, "-238484.16591"},
      {0x1.c82b1478c281dp-278, 2, "0"},
      {-0x1.15e4b9e30691cp-542, 3, "0"},
      {-0x1.5629ba9054f14p-1, 3, "-0.668"},
      {0x1.5b533d168c230p+18, 6, "355660.954501"},
      {0x1.5a01c4c7d6df0p-935, 5, "0"},
      {-0x1.fc8922b3b6f64p-1, 1, "-1"},
      {-0x1.4f1204fb7ea7ep+48, 7, "-368413788307111.875"},
      {0x1.e6807ff83189ep-1, 6, "0.950199"},
      {-0x1.f95ef04a012e8p-823, 7, "0"},
      {-0x1.379a20c568f7ep+19, 7, "-638161.0240979"},
      {-0x1.2f05a58296818p-972, 9, "0"},
      {-0x1.ec61bbf9703c0p+127, 3, "-327243819647299846655998698088977924096"},
      {-0x1.c1b69573ac59ap-971, 4, "0"},
      {0x1.31f1b60a02558p-1, 7, "0.5975472"},
      {0x1.e7efbed88c250p+45, 0, "67061482721669"},
      {-0x1.42942f03b0ba0p+46, 2, "-88669797018670.5"},
      {0x1.9651564cdfa2ep+19, 2, "832138.7"},
      {0x1.689c6c5921050p+49, 1, "792992037356042"},
      {-0x1.f01a5f4a30554p+17, 7, "-254004.7444516"},
      {0x1.42f8672478db0p+45, 11, "44388703309595.375"},
      {-0x1.4776330d263c0p+15, 1, "-41915.1"},
      {0x1.cde557f8815c0p+47, 5, "253929941909678"},
      {0x1.f1619c8326500p-6, 1, "0"},
      {0x1.8e88bd96655f0p-2, 5, "0.38919"},
      {0x1.57472f3e2aeeep-1, 5, "0.67046"},
      {-0x1.f42433434a030p-1, 5, "-0.97684"},
      {0x1.4447acc00b70ap-1, 5, "0.63336"},
      {-0x1.2d99151d3dca8p+18, 11, "-308836.32990975166"},
      {-0x1.0916a7f819b86p+18, 3, "-271450.625"},
      {0x1.5c337bf899f8cp+48, 2, "382851169688056.75"},
      {0x1.0d9a0d530f240p-5, 9, "0.032910372"},
      {0x1.668608dd7e154p+19, 2, "734256.28"},
      {0x1.e4a7d1a798a18p+17, 10, "248143.6379271306"},
      {0x1.db111929450c0p+19, 1, "972936.8"},
      {-0x1.a65126c188893p+49, 5, "-928684898980114.375"},
      {0x1.71503a68a2b18p-3, 0, "0"},
      {0x1.6c652e347c442p-1, 0, "1"},
      {-0x1.a3438a746c680p-2, 5, "-0.40944"},
      {0x1.408069482e88ep-1, 7, "0.6259797"},
      {0x1.76c1a46f834b8p+17, 9, "191875.284653103"},
      {0x1.4b13a0003e180p-2, 9, "0.323317051"},
      {0x1.566caaaee5328p+49, 6, "752999393512037"},
      {0x1.adb1ea4124e16p+49, 6, "944909255330242.75"},
      {0x1.88700b301a478p-3, 7, "0.19162"},
      {0x1.c7dc3bfdfcc5cp-1, 2, "0.89"},
      {0x1.f26dabebf2080p-3, 0, "0"},
      {-0x1.f27ad5c285a44p-1, 3, "-0.974"},
      {0x1.134ccf40f6d78p+19, 11, "563814.47668020334"},
      {-0x1.830fd157f5cb4p+6, 2, "-96.77"},
      {-0x1.c87d5e50605d0p+2, 5, "-7.13265"},
      {-0x1.c42afad53808ep+49, 10, "-994327705317393.75"},
      {-0x1.b9812ffaddc96p+49, 9, "-970878967200658.75"},
      {-0x1.07b1c141dc110p+45, 7, "-36241876204418.125"},
      {-0x1.d0f8064514f42p-277, 4, "0"},
      {-0x1.849b5fc82ed02p+48, 4, "-427277838462672.125"},
      {0x1.9230638e04c20p-4, 8, "0.09819068"},
      {0x1.4f5c3d55bbc70p+17, 4, "171704.4792"},
  };
  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    char memory[400];
    struct text text;
    text_init(&text, memory, sizeof(memory));
    text_add_double(&text, rows[i].value, rows[i].places);
    assert_string_equal(memory, rows[i].want);
  }
  char memory[8];
  struct text text;
  text_init(&text, memory, sizeof(memory));
  text_add_double(&text, NAN, 8);
  assert_string_equal(memory, "null");
}

/* glibc's printf rounds the exact value too, but halves to even: only ties differ, and they are left out. */
static void doubles_print_as_printf(void **unused) {
  (void)unused;
  struct random random;
  random_init(&random, 21);
  int compared = 0;
  for (int i = 0; i < ROUNDS; i++) {
    double value = (random_unit(&random) - 0.5) * pow(10.0, (double)random_below(&random, 20));
    int places = (int)random_below(&random, 13);
    double shifted = ldexp(fabs(value), 1) * pow(10.0, places);
    if (shifted == floor(shifted)) continue;
    char want[64];
    char memory[64];
    int length = snprintf(want, sizeof(want), "%.*f", places, value);
    while (places > 0 && want[length - 1] == '0') want[--length] = '\0';
    if (want[length - 1] == '.') want[--length] = '\0';
    struct text text;
    text_init(&text, memory, sizeof(memory));
    text_add_double(&text, value, places);
    assert_string_equal(memory, strcmp(want, "-0") == 0 ? "0" : want);
    compared++;
  }
  assert_true(compared > ROUNDS / 2);
}

static void assert_same_double(const char *text) {
  double got = 1.0;
  double want = strtod(text, NULL); /* glibc's is correctly rounded */
  assert_true(text_parse_double(text, &got) == !isinf(want));
  if (isinf(want)) return;
  if (memcmp(&got, &want, sizeof(got)) != 0) fail_msg("%s: %a instead of %a", text, got, want);
}

static void parsed_doubles_are_correctly_rounded(void **unused) {
  (void)unused;
  struct random random;
  random_init(&random, 22);
  char text[128];
  for (int i = 0; i < ROUNDS; i++) {
    uint64_t digits = random_next(&random) >> random_below(&random, 60);
    snprintf(text, sizeof(text), "%s%llu.%0*llue%d", i % 2 == 0 ? "-" : "", (unsigned long long)digits / 1000,
             (1 + (int)random_below(&random, 20)) & 31, (unsigned long long)digits % 1000, (int)random_below(&random, 660) - 340);
    assert_same_double(text);
    snprintf(text, sizeof(text), "%.8f", random_unit(&random) * 100000.0);
    assert_same_double(text);
  }
}

/* Points halfway between two doubles, and one digit to each side of them, far behind. */
static void halfway_points_are_correctly_rounded(void **unused) {
  (void)unused;
  struct random random;
  random_init(&random, 23);
  static char text[2400];
  for (int i = 0; i < 3000; i++) {
    uint64_t bits = random_below(&random, UINT64_C(0x43e0000000000000));
    if (i % 4 == 0) bits &= (UINT64_C(1) << 52) - 1; /* subnormal */
    double low, high;
    memcpy(&low, &bits, sizeof(low));
    bits++;
    memcpy(&high, &bits, sizeof(high));
    long double middle = ((long double)low + (long double)high) / 2.0L; /* 54 bits: exact */
    int length = snprintf(text, sizeof(text), "%.1080Lf", middle);
    assert_same_double(text);
    text[length] = '1';
    text[length + 1] = '\0';
    assert_same_double(text);
    text[length] = '\0';
    while (length > 0 && text[length - 1] == '0') length--;
    if (text[length - 1] < '1' || text[length - 1] > '9') continue;
    text[length - 1]--;
    text[length] = '9';
    text[length + 1] = '\0';
    assert_same_double(text);
  }
}

static void double_edges(void **unused) {
  (void)unused;
  static const char *const good[] = {"0",
                                     "-0",
                                     "0.0",
                                     "1e0",
                                     "1E+2",
                                     "1e-400",
                                     "-1e-400",
                                     "4.9406564584124654e-324",
                                     "2.4703282292062327e-324",
                                     "2.4703282292062328e-324",
                                     "1.7976931348623157e308",
                                     "1.7976931348623158e308",
                                     "1.7976931348623159e308",
                                     "1e400",
                                     "0e999999999999",
                                     "0.000000000000000000000000000000000000000000001e45",
                                     "9007199254740993",
                                     "2.2250738585072011e-308",
                                     "2.2250738585072014e-308",
                                     "100000000000000000000000000000000000000000",
                                     "1e99999999999999999999",
                                     "1e-99999999999999999999"};
  for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) assert_same_double(good[i]);
  static const char *const bad[] = {"",    "-",   "+",        ".",   "1.", ".5", "1e",    "1e+",  "e5",  "0x10",  "NaN",
                                    "nan", "inf", "Infinity", "1,5", " 1", "1 ", "1_000", "1..2", "--1", "1e5.0", "1f"};
  for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
    double value = 77.0;
    assert_false(text_parse_double(bad[i], &value));
    assert_true(value == 77.0);
  }
}

static void integers_parse_strictly(void **unused) {
  (void)unused;
  int64_t value;
  assert_true(text_parse_i64("-9223372036854775808", &value) && value == INT64_MIN);
  assert_true(text_parse_i64("9223372036854775807", &value) && value == INT64_MAX);
  assert_true(text_parse_i64("+007", &value) && value == 7);
  static const char *const bad[] = {"",   "-",    "+", "9223372036854775808", "-9223372036854775809", "99999999999999999999", "1.0", "1e3", " 1",
                                    "1 ", "0x10", "1-"};
  for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) assert_false(text_parse_i64(bad[i], &value));
}

static void comparisons(void **unused) {
  (void)unused;
  assert_true(text_equal("a", "a") && !text_equal("a", "A"));
  assert_true(text_equal_ignoring_case("BtcUsdt", "BTCUSDT") && !text_equal_ignoring_case("BTC", "BTCU") && !text_equal_ignoring_case("BTCU", "BTC"));
  assert_int_equal(text_distance("kitten", "sitting"), 3);
  assert_int_equal(text_distance("", "abc"), 3);
  assert_int_equal(text_distance("ABC", "abc"), 0);
  char long_text[201];
  memset(long_text, 'x', 200);
  long_text[200] = '\0';
  assert_int_equal(text_distance(long_text, ""), 64);
  static const char *const words[] = {"backtest", "serve", "scan", "replay"};
  assert_int_equal(text_nearest("bcktest", words, 4), 0);
  assert_int_equal(text_nearest("scam", words, 4), 2);
  assert_int_equal(text_nearest("zzzz", words, 4), -1);
  assert_int_equal(text_nearest("serve", words, 4), 1);
  char copy[4];
  text_copy(copy, sizeof(copy), "abcdef");
  assert_string_equal(copy, "abc");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(builder_cuts_and_terminates),
      cmocka_unit_test(integers_ids_times),
      cmocka_unit_test(doubles_print_exactly),
      cmocka_unit_test(doubles_print_as_printf),
      cmocka_unit_test(parsed_doubles_are_correctly_rounded),
      cmocka_unit_test(halfway_points_are_correctly_rounded),
      cmocka_unit_test(double_edges),
      cmocka_unit_test(integers_parse_strictly),
      cmocka_unit_test(comparisons),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

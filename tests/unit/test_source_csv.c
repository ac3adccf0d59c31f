/* Reading tables: numbers to the last bit, every layout, and one clear answer to each bad input. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "adapters/source/csv.h"
#include "adapters/source/number.h"
#include "base/calendar.h"
#include "base/random.h"

static struct problem problem;

static enum status read_text(const char *text, enum series_kind kind, int64_t interval_ms, struct csv_result *result) {
  struct input *input;
  problem_clear(&problem);
  *result = (struct csv_result){0};
  enum status status = input_open_bytes(&input, text, strlen(text), "file.csv", &problem);
  if (status) return status;
  status = csv_read(result, input, kind, interval_ms, &problem);
  input_close(input);
  return status;
}

static bool says(const char *words) {
  for (int i = 0; i < problem.count; i++) {
    const struct problem_item *item = &problem.items[i];
    if (strstr(item->message, words) || strstr(item->path, words) || strstr(item->value, words)) return true;
  }
  problem_print(&problem, stderr);
  return false;
}

static void assert_candle(const struct candle *candle, int64_t ts, double open, double high, double low, double close, double volume,
                          double turnover) {
  assert_int_equal(candle->open_ts, ts);
  assert_true(candle->open == open && candle->high == high && candle->low == low && candle->close == close);
  assert_true(candle->volume == volume && candle->turnover == turnover);
}

/* Against strtod of the C library, which rounds correctly. */
static void test_numbers_equal_strtod(void **state) {
  (void)state;
  struct random random;
  random_init(&random, 7);
  for (int i = 0; i < 200000; i++) {
    char text[64];
    const uint64_t digits = random_next(&random) >> random_below(&random, 60);
    const int places = (int)random_below(&random, 12);
    const int length = snprintf(text, sizeof text, "%llu", (unsigned long long)digits);
    if (places > 0 && places < length) {
      memmove(text + length - places + 1, text + length - places, (size_t)places + 1);
      text[length - places] = '.';
    }
    double value = -1;
    const char *end = number_read(text, &value);
    assert_non_null(end);
    assert_int_equal(*end, '\0');
    assert_true(value == strtod(text, NULL));
  }
}

static void test_numbers_refused(void **state) {
  (void)state;
  const char *const bad[] = {"", ".", "-", "x", "nan", "inf", "1e999", "--1", "e5"};
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
    double value;
    const char *end = number_read(bad[i], &value);
    assert_true(end == NULL || *end != '\0');
  }
  int64_t exact;
  assert_non_null(number_read_decimal("58710.20", &exact));
  assert_int_equal(exact, INT64_C(5871020000000));
  assert_non_null(number_read_decimal("0.000000010000", &exact));
  assert_int_equal(exact, 1);
  assert_null(number_read_decimal("0.000000001", &exact));
  assert_null(number_read_decimal("99999999999999999999", &exact));
}

/* By hand: the same three candles in every dress. */
static void test_layouts_give_the_same(void **state) {
  (void)state;
  const char *const texts[] = {
      "timestamp_ms,open,high,low,close,volume\n1704067200000,1,4,0.5,2,10\n1704067260000,2,3,1,3,20\n1704067320000,3,3,3,3,0\n",
      "1704067200,1,4,0.5,2,10\n1704067260,2,3,1,3,20\n1704067320,3,3,3,3,0",
      "1704067200000000,1,4,0.5,2,10\r\n1704067260000000,2,3,1,3,20\r\n1704067320000000,3,3,3,3,0\r\n",
      "\xef\xbb\xbfVolume;CLOSE;Low;High;Open;Date\n10;2;0.5;4;1;2024-01-01T00:00:00Z\n20;3;1;3;2;2024-01-01 "
      "00:01:00\n0;3;3;3;3;2024-01-01T01:02:00+01:00\n",
      "\"ts\"\t\"open\"\t\"high\"\t\"low\"\t\"close\"\t\"volume\"\n\"1704067200000\"\t\"1.0\"\t\"4\"\t\".5\"\t\"2\"\t\"1e1\"\n"
      "1704067260000\t 2 \t3\t1\t3\t20\n\n# a remark\n1704067320000\t3\t3\t3\t3\t0\n",
      "1704067320000,3,3,3,3,0\n1704067200000,1,4,0.5,2,10\n1704067260000,2,3,1,3,20\n1704067200000,1,4,0.5,2,10\n"};
  for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
    struct csv_result result;
    assert_int_equal(read_text(texts[i], SERIES_CANDLES, MINUTE_MS, &result), STATUS_OK);
    assert_int_equal(result.series.count, 3);
    assert_int_equal(result.interval_ms, MINUTE_MS);
    const struct candle *rows = result.series.rows;
    assert_candle(&rows[0], INT64_C(1704067200000), 1, 4, 0.5, 2, 10, 20);
    assert_candle(&rows[1], INT64_C(1704067260000), 2, 3, 1, 3, 20, 60);
    assert_candle(&rows[2], INT64_C(1704067320000), 3, 3, 3, 3, 0, 0);
    assert_true(result.series.is_turnover_estimated);
    assert_int_equal(result.series.duplicates, i == 5);
    assert_int_equal(result.series.out_of_order, i == 5 ? 2 : 0);
    series_deinit(&result.series);
  }
}

/* First two lines of a public Binance futures archive file. */
static void test_binance_klines(void **state) {
  (void)state;
  const char *text =
      "1704067200000,42314.00,42335.80,42289.60,42331.90,289.641,1704067259999,12256155.27320,3310,175.211,7414459.89570,0\n"
      "1704067260000,42331.80,42353.10,42331.80,42350.40,202.444,1704067319999,8572241.29450,2181,107.063,4533441.45150,0\n";
  struct csv_result result;
  assert_int_equal(read_text(text, SERIES_CANDLES, 0, &result), STATUS_OK);
  assert_int_equal(result.interval_ms, MINUTE_MS);
  assert_candle(result.series.rows, INT64_C(1704067200000), 42314.0, 42335.8, 42289.6, 42331.9, 289.641, 12256155.2732);
  assert_false(result.series.is_turnover_estimated);
  series_deinit(&result.series);
}

static void test_bybit_trades(void **state) {
  (void)state;
  const char *text =
      "timestamp,symbol,side,size,price,tickDirection,trdMatchID,grossValue,homeNotional,foreignNotional\n"
      "1704067200.1234,BTCUSDT,Buy,0.002,42324.90,ZeroPlusTick,1b9cc9ac-0c6e-53f4-9a63-8e7c4b6b8d11,8.46498e+09,0.002,84.6498\n"
      "1704067200.5,BTCUSDT,Sell,0.1,42324.80,MinusTick,2b9cc9ac-0c6e-53f4-9a63-8e7c4b6b8d12,4.23248e+11,0.1,4232.48\n"
      "1704067200.5,BTCUSDT,Sell,0.1,42324.80,MinusTick,2b9cc9ac-0c6e-53f4-9a63-8e7c4b6b8d12,4.23248e+11,0.1,4232.48\n";
  struct csv_result result;
  assert_int_equal(read_text(text, SERIES_CANDLES, 0, &result), STATUS_OK);
  assert_int_equal(result.series.kind, SERIES_TRADES);
  assert_string_equal(result.symbol, "BTCUSDT");
  assert_int_equal(result.series.count, 2);
  assert_int_equal(result.series.duplicates, 1);
  const struct source_trade *rows = result.series.rows;
  assert_int_equal(rows[0].ts, INT64_C(1704067200123));
  assert_int_equal(rows[0].price, INT64_C(4232490000000));
  assert_int_equal(rows[0].qty, 200000);
  assert_true(rows[0].is_buy && !rows[1].is_buy);
  assert_int_equal(rows[1].ts, INT64_C(1704067200500));
  series_deinit(&result.series);
}

static void test_ohlcv_json(void **state) {
  (void)state;
  const char *text = "[[1704067200000, 1, 4, 0.5, 2, 10],\n [1704067260000, 2.0, 3, 1, 3, \"20\"]]\n";
  struct input *input;
  struct csv_result result;
  problem_clear(&problem);
  assert_int_equal(input_open_bytes(&input, text, strlen(text), "file.json", &problem), STATUS_OK);
  assert_int_equal(csv_read_ohlcv_json(&result, input, 0, &problem), STATUS_OK);
  input_close(input);
  assert_int_equal(result.series.count, 2);
  assert_candle((const struct candle *)result.series.rows + 1, INT64_C(1704067260000), 2, 3, 1, 3, 20, 60);
  series_deinit(&result.series);
}

static void test_funding_and_mark(void **state) {
  (void)state;
  struct csv_result result;
  assert_int_equal(read_text("timestamp_ms,rate\n1704067200003,0.0001\n1704096000000,-0.00004758\n", SERIES_FUNDING, 0, &result), STATUS_OK);
  const struct source_point *points = result.series.rows;
  assert_int_equal(points[0].ts, INT64_C(1704067200003));
  assert_true(points[1].value == -0.00004758);
  series_deinit(&result.series);
  /* A mark price is known when its bar ends. */
  assert_int_equal(read_text("timestamp_ms,open,high,low,close\n1704067200000,1,2,1,2\n1704070800000,2,3,2,3\n", SERIES_MARK, HOUR_MS, &result),
                   STATUS_OK);
  points = result.series.rows;
  assert_int_equal(points[0].ts, INT64_C(1704070800000));
  assert_true(points[0].value == 2);
  series_deinit(&result.series);
}

/* A table of bad inputs: what is refused, with which status, and which words the message must hold. */
static void test_bad_files(void **state) {
  (void)state;
  static const struct {
    const char *text;
    enum status status;
    const char *words;
  } cases[] = {
      {"", STATUS_NO_DATA, "empty"},
      {"\n\n", STATUS_NO_DATA, "no rows"},
      {"ts,open,high,low,close,volume\n", STATUS_NO_DATA, "no rows"},
      {"ts,open,high,low,close\n1704067200000,1,1,1,1\n", STATUS_BAD_FORMAT, "volume"},
      {"ts,open,open,high,low,close,volume\n1704067200000,1,1,1,1,1,1\n", STATUS_BAD_FORMAT, "twice"},
      {"ts,open,high,low,close,volume\r1704067200000,1,1,1,1,1\r", STATUS_BAD_FORMAT, "line feeds"},
      {"hello world\n", STATUS_BAD_FORMAT, "time"},
      {"1704067200000,1,2,3\n", STATUS_BAD_FORMAT, "number of columns"},
      {"ts,open,low,high,close,volume\n1704067200000,2,3,1,2,1\n1704067260000,2,3,1,2,1\n", STATUS_BAD_FORMAT, "swapped"},
      {"1704067200000,NaN,2,1,2,1\n", STATUS_BAD_INPUT, "file.csv:1"},
      {"1704067200000,1,inf,1,2,1\n", STATUS_BAD_INPUT, "infinite"},
      {"1704067200000,1,,1,2,1\n", STATUS_BAD_INPUT, "is empty"},
      {"1704067200000,1,2,-1,2,1\n", STATUS_BAD_INPUT, "not above 0"},
      {"1704067200000,0,2,0,2,1\n", STATUS_BAD_INPUT, "not above 0"},
      {"1704067200000,1,2,1,2,-1\n", STATUS_BAD_INPUT, "volume is negative"},
      {"1704067200000,3,2,1,2,1\n", STATUS_BAD_INPUT, "not the highest"},
      {"1704067200000;1,5;2,0;1,0;2,0;3\n", STATUS_BAD_INPUT, "comma"},
      {"1704067200000,1,2,1,2,1e308\n1704067260000,1e308,1e308,1e308,1e308,1e308\n", STATUS_BAD_INPUT, "too large"},
      {"1704067200000,1,2,1,2,1\n1704067260000,\"1,2,1,2,1\n", STATUS_BAD_INPUT, "quotes"},
      {"1704067200000,1,2,1,2,1\n1704067260000,1,2,1,2\n", STATUS_BAD_INPUT, "5 columns"},
      {"1704067200000,1,2,1,2,1\n1704067260,1,2,1,2,1\n", STATUS_BAD_INPUT, "another unit"},
      {"28401120,1,2,1,2,1\n28401121,1,2,1,2,1\n", STATUS_BAD_INPUT, "wrong unit"}, /* minutes */
      {"1704067200000,1,2,1,2,1\n1704067500000,1,2,1,2,1\n", STATUS_BAD_INPUT, "5m apart"},
      {"1704067200001,1,2,1,2,1\n1704067260001,1,2,1,2,1\n", STATUS_BAD_INPUT, "multiple of the interval"},
      {"PAR1....", STATUS_BAD_FORMAT, "Parquet"},
      {"ARROW1....", STATUS_BAD_FORMAT, "Feather"},
      {"\xff\xfet\0s\0", STATUS_BAD_FORMAT, "UTF-8"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    struct csv_result result;
    const enum status status = read_text(cases[i].text, SERIES_CANDLES, MINUTE_MS, &result);
    if (status != cases[i].status) print_error("case %zu: %s\n", i, cases[i].text);
    assert_int_equal(status, cases[i].status);
    assert_true(says(cases[i].words));
    series_deinit(&result.series);
  }
}

static char *many_rows(int count, int bad_every) {
  char *text = malloc((size_t)count * 64);
  size_t length = 0;
  assert_non_null(text);
  for (int i = 0; i < count; i++) {
    const bool is_bad = bad_every > 0 && i % bad_every == bad_every - 1;
    length += (size_t)sprintf(text + length, "%lld,1,2,1,%s,1\n", (long long)(INT64_C(1704067200000) + i * MINUTE_MS), is_bad ? "x" : "2");
  }
  return text;
}

static void test_one_percent_is_the_limit(void **state) {
  (void)state;
  struct csv_result result;
  char *text = many_rows(1000, 100);
  assert_int_equal(read_text(text, SERIES_CANDLES, MINUTE_MS, &result), STATUS_OK);
  assert_int_equal(result.series.invalid, 10);
  assert_int_equal(result.series.count, 990);
  assert_int_equal(problem.warnings, 10);
  assert_true(says("file.csv:100"));
  assert_true(says("column close"));
  series_deinit(&result.series);
  free(text);
  text = many_rows(990, 90);
  assert_int_equal(read_text(text, SERIES_CANDLES, MINUTE_MS, &result), STATUS_BAD_INPUT);
  assert_true(says("11 of 990"));
  series_deinit(&result.series);
  free(text);
}

/* A bar downloaded while it was in progress has less volume than the finished one: the finished one stays, whatever comes first. */
static void test_conflicting_duplicates(void **state) {
  (void)state;
  const char *const texts[] = {"1704067200000,1,2,1,1.5,5\n1704067200000,1,3,1,2,9\n1704067260000,2,2,2,2,1\n",
                               "1704067200000,1,3,1,2,9\n1704067200000,1,2,1,1.5,5\n1704067260000,2,2,2,2,1\n"};
  for (int i = 0; i < 2; i++) {
    struct csv_result result;
    assert_int_equal(read_text(texts[i], SERIES_CANDLES, MINUTE_MS, &result), STATUS_OK);
    assert_int_equal(result.series.count, 2);
    assert_int_equal(result.series.conflicts, 1);
    assert_true(((const struct candle *)result.series.rows)->volume == 9);
    series_deinit(&result.series);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_numbers_equal_strtod),   cmocka_unit_test(test_numbers_refused), cmocka_unit_test(test_layouts_give_the_same),
      cmocka_unit_test(test_binance_klines),         cmocka_unit_test(test_bybit_trades),    cmocka_unit_test(test_ohlcv_json),
      cmocka_unit_test(test_funding_and_mark),       cmocka_unit_test(test_bad_files),       cmocka_unit_test(test_one_percent_is_the_limit),
      cmocka_unit_test(test_conflicting_duplicates),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

/* A source whose future is hidden: nothing later than what was shown is as it was, and what was shown is exactly as it was. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "adapters/source/curtain.h"
#include "adapters/source/dataset.h"
#include "support/scratch.h"

#define START_MS INT64_C(1704067200000)
enum { CANDLES = 60, TRADES = 40 };

static char folder[200];
static struct source *source;

static FILE *open_file(const char *name) {
  char path[300];
  snprintf(path, sizeof path, "%s/%s", folder, name);
  FILE *file = fopen(path, "w");
  assert_non_null(file);
  return file;
}

static int open_source(void **state) {
  (void)state;
  static struct problem problem;
  assert_true(scratch_make(folder, sizeof folder, "curtain"));
  FILE *file = open_file("BTCUSDT-1m.csv");
  fprintf(file, "timestamp_ms,open,high,low,close,volume,turnover\n");
  for (int i = 0; i < CANDLES; i++) fprintf(file, "%lld,%d,%d,%d,%d,5,500\n", (long long)START_MS + i * 60000LL, 100 + i, 102 + i, 99 + i, 101 + i);
  assert_int_equal(fclose(file), 0);
  file = open_file("BTCUSDT-funding.csv");
  fprintf(file, "timestamp_ms,funding_rate\n");
  for (int i = 1; i < 4; i++) fprintf(file, "%lld,0.000%d\n", (long long)START_MS + i * 900000LL, i);
  assert_int_equal(fclose(file), 0);
  file = open_file("BTCUSDT-trades.csv");
  fprintf(file, "id,timestamp_ms,price,qty,is_buyer_maker\n");
  for (int i = 0; i < TRADES; i++) fprintf(file, "%d,%lld,%d,1.5,true\n", i + 1, (long long)START_MS + i * 45000LL, 100 + i);
  assert_int_equal(fclose(file), 0);
  enum status status = source_open(&source, &(struct source_options){.data = folder}, &problem);
  if (status) problem_print(&problem, stderr);
  return (int)status;
}

static int close_source(void **state) {
  (void)state;
  source_close(source);
  return scratch_remove(folder);
}

/* Rows of the copy that are as in the source; checks that they are the first ones, and that times are all there. */
static size_t count_shown(const struct source *hidden, enum curtain_form form) {
  size_t count;
  const struct candle *whole = source_candles(source, 0, &count);
  const struct candle *rows = source_candles(hidden, 0, &count);
  size_t shown = 0;
  if (form == CURTAIN_NOISE) assert_int_equal(count, CANDLES);
  while (shown < count && memcmp(&rows[shown], &whole[shown], sizeof *rows) == 0) ++shown;
  for (size_t i = 0; i < count; i++) {
    assert_int_equal(rows[i].open_ts, whole[i].open_ts);
    if (i < shown) continue;
    assert_true(rows[i].open != whole[i].open && rows[i].high != whole[i].high && rows[i].low != whole[i].low);
    assert_true(rows[i].close != whole[i].close && rows[i].volume != whole[i].volume && rows[i].turnover != whole[i].turnover);
  }
  if (form == CURTAIN_NOTHING) assert_int_equal(count, shown);
  return shown;
}

static size_t funding_shown(const struct source *hidden) {
  size_t count;
  const struct source_point *whole = source_points(source, 0, SERIES_FUNDING, &count);
  const struct source_point *rows = source_points(hidden, 0, SERIES_FUNDING, &count);
  size_t shown = 0;
  while (shown < count && rows[shown].value == whole[shown].value) ++shown;
  for (size_t i = shown; i < count; i++) assert_true(rows[i].ts == whole[i].ts && rows[i].value != whole[i].value);
  return shown;
}

static size_t trades_shown(const struct source *hidden) {
  const struct public_trade *whole = source->symbols[0].tape;
  const struct public_trade *rows = hidden->symbols[0].tape;
  size_t count = hidden->symbols[0].tape_count;
  size_t shown = 0;
  while (shown < count && rows[shown].price == whole[shown].price && rows[shown].qty == whole[shown].qty) ++shown;
  for (size_t i = shown; i < count; i++) assert_true(rows[i].ts == whole[i].ts && rows[i].price != whole[i].price && rows[i].qty != whole[i].qty);
  return shown;
}

static void test_the_future_is_hidden_until_it_is_shown(void **state) {
  (void)state;
  static struct problem problem;
  for (int form = 0; form < CURTAIN_FORM_COUNT; form++) {
    struct curtain *curtain;
    assert_int_equal(curtain_open(&curtain, source, (enum curtain_form)form, 7, &problem), STATUS_OK);
    struct source *hidden = curtain_source(curtain);
    assert_int_equal(count_shown(hidden, (enum curtain_form)form) + funding_shown(hidden) + trades_shown(hidden), 0);
    /* A candle is known when it closes, and not a millisecond earlier. */
    curtain_show(curtain, START_MS + 59999);
    assert_int_equal(count_shown(hidden, (enum curtain_form)form), 0);
    assert_int_equal(trades_shown(hidden), 2);
    curtain_show(curtain, START_MS + 900000);
    assert_int_equal(count_shown(hidden, (enum curtain_form)form), 15);
    assert_int_equal(funding_shown(hidden), 1);
    assert_int_equal(trades_shown(hidden), 21);
    curtain_show(curtain, INT64_MAX - source_interval_ms(source));
    assert_int_equal(count_shown(hidden, (enum curtain_form)form), CANDLES);
    assert_int_equal(funding_shown(hidden), 3);
    assert_int_equal(trades_shown(hidden), TRADES);
    curtain_close(curtain);
  }
}

static void test_noise_is_plausible(void **state) {
  (void)state;
  static struct problem problem;
  struct curtain *curtain;
  size_t count;
  assert_true(curtain_fits(source));
  assert_int_equal(curtain_open(&curtain, source, CURTAIN_NOISE, 1, &problem), STATUS_OK);
  const struct candle *rows = source_candles(curtain_source(curtain), 0, &count);
  for (size_t i = 0; i < count; i++) assert_true(candle_is_valid(&rows[i]));
  curtain_close(curtain);
  assert_int_equal(curtain_open(&curtain, source, CURTAIN_NOTHING, 1, &problem), STATUS_OK);
  rows = source_candles(curtain_source(curtain), 0, &count);
  assert_int_equal(count, 0);
  for (size_t i = 0; i < CANDLES; i++) assert_true(isnan(rows[i].close) && isnan(rows[i].volume));
  curtain_close(curtain);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_the_future_is_hidden_until_it_is_shown), cmocka_unit_test(test_noise_is_plausible)};
  return cmocka_run_group_tests(tests, open_source, close_source);
}

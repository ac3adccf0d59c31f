/* The entry test: entries taken alone against those of the engine, draws on one and on more processes, markets with and without an edge. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "adapters/source/generate.h"
#include "apps/channel_sweep.h"
#include "apps/entry_test.h"
#include "base/calendar.h"
#include "support/app_fixture.h"
#include "support/scratch.h"

enum { DAYS = 20, DRAWS = 60 };
static const int64_t start_ms = INT64_C(1746403200000); /* a midnight */

static char folder[512];
static struct app app;
static struct wiring wiring;
static struct run_options options;
static struct run run;

static void write_market(enum generate_scenario scenario, int symbol) {
  static const char *const names[] = {"ONEUSDT", "TWOUSDT"};
  char path[600];
  struct generate_options made = {.scenario = scenario, .seed = 5, .symbol = symbol, .days = DAYS, .start_ms = start_ms};
  struct candle *candles = malloc(generate_candles_max(DAYS) * sizeof *candles);
  assert_non_null(candles);
  size_t count = generate_candles(candles, &made);
  snprintf(path, sizeof path, "%s/%s-1m.csv", folder, names[symbol]);
  FILE *file = fopen(path, "w");
  assert_non_null(file);
  fprintf(file, "timestamp_ms,open,high,low,close,volume\n");
  for (size_t i = 0; i < count; i++) {
    const struct candle *c = &candles[i];
    fprintf(file, "%lld,%.10g,%.10g,%.10g,%.10g,%.10g\n", (long long)c->open_ts, c->open, c->high, c->low, c->close, c->volume * 1000);
  }
  assert_int_equal(fclose(file), 0);
  free(candles);
}

static void open_run(enum generate_scenario scenario, int symbols, const char *preset) {
  static const char *const keys[] = {"risk.risk_per_trade=0.0001", "risk.max_consecutive_losses=20"};
  assert_true(scratch_make(folder, sizeof folder, "test_entry_test"));
  for (int i = 0; i < symbols; i++) write_market(scenario, i);
  wiring = (struct wiring){0};
  options = (struct run_options){.after_kill = AFTER_KILL_NEXT_DAY};
  wiring_options_init(&options.wiring);
  options.wiring.preset = preset;
  options.wiring.set_keys = keys;
  options.wiring.set_key_count = 2;
  options.wiring.feed_name = "file";
  options.wiring.is_backtest = options.wiring.has_digest = true;
  app_fixture_ok(&app, wiring_open_source(&wiring, &app, &(struct source_options){.data = folder}));
  app_fixture_ok(&app, wiring_load_preset(&wiring, &app, &options.wiring));
  app_fixture_ok(&app, run_execute(&run, &wiring, &options));
}

static void close_run(void) {
  run_deinit(&run);
  wiring_close(&wiring);
  assert_int_equal(scratch_remove(folder), 0);
}

/* An entry alone, where the engine entered: the same trade but for the quantity, which follows the account and has whole lots. */
static void test_same_entry(void **state) {
  struct channel_result memory = {.keeps_trades = true};
  const char *why;
  int64_t same = 0;
  (void)state;
  open_run(GENERATE_BREAKOUTS, 1, "channel_baseline");
  struct channel_sweep *sweep = channel_sweep_open(&wiring, &options, &why);
  assert_non_null(sweep);
  assert_true(run.trades.count > 100);
  for (int64_t i = 0; i < run.trades.count; i++) {
    const struct trade *real = run_trade(&run, i);
    double r;
    int32_t candle = (int32_t)((real->opened_at - start_ms) / (5 * MINUTE_MS)) - 1;
    assert_true(channel_sweep_enter(sweep, &wiring.preset.preset, &options, candle, real->side == SIDE_LONG, &memory, &r));
    const struct trade *alone = (const struct trade *)(const void *)memory.trades.data;
    assert_int_equal(alone->opened_at, real->opened_at);
    assert_int_equal(alone->stop_initial, real->stop_initial);
    assert_true(fabs(r - real->pnl_r) < 0.05);
    if (alone->closed_at == real->closed_at && alone->exit_reason == real->exit_reason) same++;
  }
  assert_int_equal(same, run.trades.count);
  channel_result_deinit(&memory);
  channel_sweep_close(sweep);
  close_run();
}

/* Breakouts that are kept are worth waiting for; the result is the same on one process and on two, another with another seed. */
static void test_edge(void **state) {
  struct entry_test one;
  struct entry_test two;
  struct entry_test other;
  (void)state;
  open_run(GENERATE_BREAKOUTS, 2, "channel_baseline");
  app_fixture_ok(&app, entry_test_run(&wiring, &options, &run, DRAWS, 7, 1, &one));
  app_fixture_ok(&app, entry_test_run(&wiring, &options, &run, DRAWS, 7, 2, &two));
  app_fixture_ok(&app, entry_test_run(&wiring, &options, &run, DRAWS, 8, 2, &other));
  assert_memory_equal(&one, &two, sizeof one);
  assert_true(one.mean != other.mean);
  assert_int_equal(one.entries, run.trades.count);
  assert_true(one.average_r == run.performance.figure[FIGURE_average_r]);
  assert_true(one.p5 <= one.p50 && one.p50 <= one.p95 && one.mean > one.p5 - 1e-9 && one.mean < one.p95 + 1e-9);
  assert_true(one.average_r > one.p95 && one.p_value < 0.05);
  close_run();
}

/* Breaks that fail are worse than any other moment. */
static void test_no_edge(void **state) {
  struct entry_test test;
  (void)state;
  open_run(GENERATE_RANGE, 1, "channel_baseline");
  app_fixture_ok(&app, entry_test_run(&wiring, &options, &run, DRAWS, 7, 2, &test));
  assert_true(test.p_value > 0.05);
  close_run();
}

static void test_refused(void **state) {
  struct entry_test test;
  (void)state;
  open_run(GENERATE_BREAKOUTS, 1, "channel_baseline");
  wiring.preset.preset.position_config.add_on_enabled = true;
  problem_clear(&app.problem);
  assert_int_equal(entry_test_run(&wiring, &options, &run, DRAWS, 7, 1, &test), STATUS_NOT_IN_VERSION);
  assert_int_equal(app.problem.count, 1);
  run.trades.count = 0;
  problem_clear(&app.problem);
  assert_int_equal(entry_test_run(&wiring, &options, &run, DRAWS, 7, 1, &test), STATUS_NO_DATA);
  assert_int_equal(app.problem.count, 1);
  close_run();
}

int main(void) {
  app_fixture_settings(&app);
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_same_entry),
      cmocka_unit_test(test_edge),
      cmocka_unit_test(test_no_edge),
      cmocka_unit_test(test_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

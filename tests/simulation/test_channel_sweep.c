/* The fast walk of the channel strategy against the engine: random sets over generated markets and recorded ones. Every trade is compared field by
 * field, and every figure that the walk knows, both to the last bit.
 *
 *   test_channel_sweep [SETS]     sets a market */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "adapters/source/generate.h"
#include "apps/channel_sweep.h"
#include "apps/recorded.h"
#include "base/calendar.h"
#include "base/random.h"
#include "support/app_fixture.h"
#include "support/scratch.h"

static char folder[512];
static struct app app;
static struct wiring wiring;
static int sets = 4;
static int64_t trades_seen, sets_seen, unsure_seen;

/* ---- random sets ---- */

static double between(struct random *random, double low, double high) {
  return low + (high - low) * random_unit(random);
}

static int32_t whole(struct random *random, int32_t low, int32_t high) {
  return low + (int32_t)random_below(random, (uint64_t)(high - low + 1));
}

static void vary(struct preset *preset, struct run_options *options, struct random *random, int64_t from, int64_t to) {
  preset->channel_config.period = whole(random, 2, 60);
  preset->channel_config.atr_period = whole(random, 2, 40);
  preset->channel_config.stop_atr_mult = between(random, 0.3, 5);
  preset->channel_config.target_r = between(random, 0.3, 5);
  preset->channel_config.timeframe = (int32_t)random_below(random, 2);
  preset->signal_config.allowed_sides = (int32_t)random_below(random, allowed_sides_count);
  preset->risk.risk_per_trade = random_below(random, 2) == 0 ? 0.0001 : between(random, 0.001, 0.05);
  preset->risk.daily_risk_limit = between(random, 0.02, 0.5);
  preset->risk.kill_switch_loss_limit = between(random, 0.1, 0.9);
  if (preset->risk.daily_risk_limit > preset->risk.kill_switch_loss_limit) preset->risk.daily_risk_limit = preset->risk.kill_switch_loss_limit;
  preset->risk.max_consecutive_losses = random_below(random, 3) == 0 ? whole(random, 3, 20) : 20;
  preset->risk.max_position_size_usd = random_below(random, 3) == 0 ? between(random, 1000, 100000) : NAN;
  preset->execution_config.taker_fee_bps = random_below(random, 3) == 0 ? 0 : between(random, 0, 10);
  preset->execution_config.maker_fee_bps = between(random, -1, 5);
  options->wiring.slippage_bps = random_below(random, 3) == 0 ? 0 : between(random, 0, 10);
  options->wiring.impact_bps = random_below(random, 3) == 0 ? 0 : between(random, 0, 80);
  options->wiring.starting_balance = random_below(random, 2) == 0 ? 1000 : between(random, 100, 1000000);
  if (random_below(random, 2) == 0) options->from_ms = from + (int64_t)random_below(random, (uint64_t)(to - from) / 2);
  if (random_below(random, 2) == 0) options->to_ms = to - (int64_t)random_below(random, (uint64_t)(to - from) / 3);
}

/* ---- comparing ---- */

static void show(const char *who, const struct trade *t) {
  print_message("%-6s %d %lld..%lld qty %lld at %lld to %lld stop %lld fees %lld pnl %lld r %.17g mfe %.17g mae %.17g %s mask %d path %d\n", who,
                t->side, (long long)t->opened_at, (long long)t->closed_at, (long long)t->qty, (long long)t->entry, (long long)t->exit_average,
                (long long)t->stop_initial, (long long)t->fees_usd, (long long)t->pnl_usd, t->pnl_r, t->mfe_r, t->mae_r,
                reason_code_names[t->exit_reason], t->target_mask, t->path_dependent);
}

static bool same(double a, double b) {
  return a == b || (isnan(a) && isnan(b));
}

static bool is_same(const struct trade *a, const struct trade *b) {
  return a->side == b->side && a->opened_at == b->opened_at && a->closed_at == b->closed_at && a->qty == b->qty && a->entry == b->entry &&
         a->exit_average == b->exit_average && a->stop_initial == b->stop_initial && a->r_distance == b->r_distance && a->r_usd == b->r_usd &&
         a->gross_usd == b->gross_usd && a->fees_usd == b->fees_usd && a->pnl_usd == b->pnl_usd && same(a->pnl_r, b->pnl_r) &&
         same(a->mfe_r, b->mfe_r) && same(a->mae_r, b->mae_r) && same(a->slippage_entry_bps, b->slippage_entry_bps) &&
         same(a->slippage_exit_bps, b->slippage_exit_bps) && a->exit_reason == b->exit_reason && a->targets_filled == b->targets_filled &&
         a->target_mask == b->target_mask && a->path_dependent == b->path_dependent && a->hold_ms == b->hold_ms;
}

static const struct trade *trade_of(const struct run_list *list, int64_t i) {
  return (const struct trade *)(const void *)list->data + i;
}

static void compare_lists(const struct run_list *engine, const struct run_list *fast) {
  int64_t count = engine->count < fast->count ? engine->count : fast->count;
  for (int64_t i = 0; i < count; i++) {
    if (is_same(trade_of(engine, i), trade_of(fast, i))) continue;
    show("engine", trade_of(engine, i));
    show("walk", trade_of(fast, i));
    fail_msg("trade %lld differs", (long long)i);
  }
  if (count < engine->count) show("engine", trade_of(engine, count));
  if (count < fast->count) show("walk", trade_of(fast, count));
  assert_int_equal(engine->count, fast->count);
}

static void compare(const struct run *run, const struct channel_result *fast) {
  compare_lists(&run->trades, &fast->trades);
  compare_lists(&run->left_open, &fast->left_open);
  assert_int_equal(run->started_at, fast->started_at);
  assert_int_equal(run->ended_at, fast->ended_at);
  assert_int_equal(run->end_equity_usd, fast->end_equity_usd);
  for (int i = 0; i < figure_count; i++) {
    if (!channel_sweep_knows((enum performance_figure)i)) {
      assert_true(isnan(fast->performance.figure[i]));
    } else if (!same(run->performance.figure[i], fast->performance.figure[i])) {
      fail_msg("%s: engine %.17g, walk %.17g", figure_names[i], run->performance.figure[i], fast->performance.figure[i]);
    }
  }
  assert_true(same(run->performance.daily.sharpe, fast->performance.daily.sharpe));
  assert_true(same(run->performance.daily.skewness, fast->performance.daily.skewness));
  assert_true(same(run->performance.daily.kurtosis, fast->performance.daily.kurtosis));
  assert_int_equal(run->performance.drawdown_count, fast->performance.drawdown_count);
  assert_memory_equal(run->performance.drawdowns, fast->performance.drawdowns, sizeof fast->performance.drawdowns);
}

/* ---- one market ---- */

static void try_set(struct channel_sweep *sweep, struct random *random, struct channel_result *fast) {
  struct run_options options = {.after_kill = AFTER_KILL_STOP};
  struct preset preset = wiring.preset.preset;
  struct run run;
  int64_t from;
  int64_t to;
  source_range(wiring.source, &from, &to);
  wiring_options_init(&options.wiring);
  options.wiring.feed_name = "file";
  options.wiring.is_backtest = true;
  options.wiring.has_digest = true;
  vary(&preset, &options, random, from, to);
  options.after_kill = random_below(random, 2) == 0 ? AFTER_KILL_STOP : AFTER_KILL_NEXT_DAY;
  app.settings.paper_max_participation = random_below(random, 2) == 0 ? 1 : 0.1;
  assert_true(channel_sweep_covers(sweep, &preset));
  enum channel_sweep_end end = channel_sweep_run(sweep, &preset, &options, fast);
  sets_seen++;
  if (end == CHANNEL_SWEEP_UNSURE) {
    unsure_seen++;
    return;
  }
  assert_int_equal(end, CHANNEL_SWEEP_DONE);
  app_fixture_ok(&app, recorded_run_again(&run, &wiring, &options, &preset));
  compare(&run, fast);
  trades_seen += run.trades.count;
  run_deinit(&run);
}

static void try_market(const char *name, const struct source_options *source, uint64_t seed) {
  struct run_options options = {.after_kill = AFTER_KILL_STOP};
  struct channel_result fast = {.keeps_trades = true};
  struct random random;
  const char *why;
  wiring = (struct wiring){0};
  wiring_options_init(&options.wiring);
  options.wiring.preset = "channel_baseline";
  options.wiring.feed_name = "file";
  app_fixture_ok(&app, wiring_open_source(&wiring, &app, source));
  app_fixture_ok(&app, wiring_load_preset(&wiring, &app, &options.wiring));
  struct channel_sweep *sweep = channel_sweep_open(&wiring, &options, &why);
  if (sweep == NULL) fail_msg("%s: %s", name, why);
  random_init(&random, seed);
  for (int i = 0; i < sets; i++) {
    int64_t before = trades_seen;
    try_set(sweep, &random, &fast);
    if (sets > 100) print_message("%s, set %d: %lld trades\n", name, i, (long long)(trades_seen - before));
  }
  channel_result_deinit(&fast);
  channel_sweep_close(sweep);
  wiring_close(&wiring);
}

static void write_csv(const struct candle *candles, size_t count) {
  char path[600];
  snprintf(path, sizeof path, "%s/ONEUSDT-1m.csv", folder);
  FILE *file = fopen(path, "w");
  assert_non_null(file);
  fprintf(file, "timestamp_ms,open,high,low,close,volume\n");
  for (size_t i = 0; i < count; i++) {
    const struct candle *c = &candles[i];
    fprintf(file, "%lld,%.10g,%.10g,%.10g,%.10g,%.10g\n", (long long)c->open_ts, c->open, c->high, c->low, c->close, c->volume);
  }
  assert_int_equal(fclose(file), 0);
}

/* Starts at an odd minute, so that the first candle of five minutes is not whole. */
static void try_generated(enum generate_scenario scenario, uint64_t seed, int days) {
  struct generate_options options = {.scenario = scenario, .seed = seed, .days = days, .start_ms = INT64_C(1746403200000)};
  struct candle *candles = malloc(generate_candles_max(days) * sizeof *candles);
  assert_non_null(candles);
  size_t count = generate_candles(candles, &options);
  assert_true(scratch_make(folder, sizeof folder, "test_channel_sweep"));
  write_csv(candles + seed % 5, count - seed % 5);
  free(candles);
  try_market("generated", &(struct source_options){.data = folder}, seed);
  assert_int_equal(scratch_remove(folder), 0);
}

static void test_generated(void **state) {
  static const enum generate_scenario scenarios[] = {GENERATE_TREND, GENERATE_RANGE, GENERATE_BREAKOUTS, GENERATE_FAKEOUTS, GENERATE_CRASH};
  (void)state;
  for (size_t i = 0; i < sizeof scenarios / sizeof scenarios[0]; i++) {
    try_generated(scenarios[i], 2 * i + 1, 6);
    try_generated(scenarios[i], 2 * i + 2, 25);
  }
}

static void test_recorded(void **state) {
  static const char *const symbols[] = {"BTCUSDT", "LAYERUSDT"};
  static const char *const recording = "recordings/binance-usdm-2025-05";
  (void)state;
  if (access(recording, R_OK) != 0) skip();
  assert_true(scratch_make(folder, sizeof folder, "test_channel_sweep"));
  for (size_t i = 0; i < sizeof symbols / sizeof symbols[0]; i++) {
    struct source *source;
    struct source_options options = {.data = recording, .symbols = symbols[i]};
    app_fixture_ok(&app, source_open(&source, &options, &app.problem));
    size_t count;
    const struct candle *candles = source_candles(source, 0, &count);
    write_csv(candles, count);
    source_close(source);
    try_market(symbols[i], &(struct source_options){.data = folder}, 100 + i);
  }
  assert_int_equal(scratch_remove(folder), 0);
}

static void test_something_was_compared(void **state) {
  (void)state;
  print_message("%lld sets, %lld trades, %lld sets left to the engine\n", (long long)sets_seen, (long long)trades_seen, (long long)unsure_seen);
  assert_true(trades_seen > 20 * sets_seen);
  assert_true(unsure_seen * 2 < sets_seen);
}

int main(int argc, char **argv) {
  if (argc > 1) sets = (int)strtol(argv[1], NULL, 10);
  app_fixture_settings(&app);
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_generated),
      cmocka_unit_test(test_recorded),
      cmocka_unit_test(test_something_was_compared),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Figures, curves and breakdowns against slow and obvious calculations over the records of a session. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/history.h"
#include "api/lttb.h"
#include "base/calendar.h"
#include "base/random.h"
#include "base/text.h"
#include "support/market_fixture.h"

static struct market_fixture fixture;

static int open_all(void **state) {
  (void)state;
  market_fixture_open(&fixture);
  return 0;
}

static int close_all(void **state) {
  (void)state;
  market_fixture_close(&fixture);
  return 0;
}

/* ---- what the session did ---- */

struct sums {
  int32_t trades, wins;
  double pnl_usd, pnl_r;
};

static struct sums sum_trades(const char *symbol) {
  struct sums sums = {0};
  for (int32_t i = 0; i < fixture.record_count; i++) {
    const struct trade *trade = fixture.records[i].object;
    if (fixture.records[i].kind != RECORD_TRADE || (symbol != NULL && strcmp(trade->symbol, symbol) != 0)) continue;
    ++sums.trades;
    sums.wins += trade->pnl_usd > 0 ? 1 : 0;
    sums.pnl_usd += decimal_to_double(trade->pnl_usd);
    sums.pnl_r += trade->pnl_r;
  }
  return sums;
}

static double metric(const char *name) {
  char path[96];
  snprintf(path, sizeof path, "metrics.%s.value", name);
  return market_fixture_number(&fixture, path);
}

static void figures_are_those_of_the_trades(void **unused) {
  (void)unused;
  struct sums sums = sum_trades(NULL);
  assert_true(sums.trades > 3);
  assert_int_equal(market_fixture_get(&fixture, "/api/performance/metrics"), 200);
  assert_int_equal((int)market_fixture_number(&fixture, "n"), sums.trades);
  assert_int_equal(market_fixture_count(&fixture, "metrics"), figure_count);
  market_fixture_near(metric("total_trades"), sums.trades, 0);
  market_fixture_near(metric("win_rate"), (double)sums.wins / sums.trades, 1e-8);
  market_fixture_near(metric("average_r"), sums.pnl_r / sums.trades, 1e-7);
  market_fixture_near(metric("gross_profit_usd") - metric("gross_loss_usd"), sums.pnl_usd, 1e-5);
  assert_string_equal(market_fixture_text(&fixture, "metrics.average_r.unit"), "R");
  assert_true(isnan(metric("sharpe"))); /* fewer than 10 days */
  assert_true(isnan(metric("fill_rate")));
  assert_int_equal(market_fixture_count(&fixture, "target_hit_rate"), POSITION_TARGETS_MAX);
}

/* The deepest fall, by comparing every mark with every earlier one. */
static void the_deepest_fall_is_that_of_the_marks(void **unused) {
  (void)unused;
  double deepest = 0;
  double peak = 0;
  for (int32_t i = 0; i < fixture.record_count; i++) {
    const struct equity *mark = fixture.records[i].object;
    if (fixture.records[i].kind != RECORD_EQUITY) continue;
    peak = fmax(peak, decimal_to_double(mark->equity_usd));
    deepest = fmax(deepest, (peak - decimal_to_double(mark->equity_usd)) / peak);
  }
  assert_true(deepest > 0);
  assert_int_equal(market_fixture_get(&fixture, "/api/performance/drawdowns?limit=1"), 200);
  market_fixture_near(market_fixture_number(&fixture, "items.0.depth"), deepest, 1e-7);
  assert_int_equal(market_fixture_get(&fixture, "/api/performance/metrics"), 200);
  market_fixture_near(metric("max_drawdown"), deepest, 1e-7);
}

static void a_part_is_a_part(void **unused) {
  (void)unused;
  const char *symbol = engine_market(fixture.rig.engine, 0)->instrument.symbol;
  struct sums sums = sum_trades(symbol);
  assert_int_equal(market_fixture_get(&fixture, "/api/performance/metrics?symbol=%s", engine_market(fixture.rig.engine, 0)->instrument.venue_symbol),
                   200);
  assert_int_equal((int)market_fixture_number(&fixture, "n"), sums.trades);
  market_fixture_near(metric("net_profit_usd"), sums.pnl_usd, 1e-5);
  assert_true(isnan(metric("exposure")));
  assert_int_equal(market_fixture_get(&fixture, "/api/performance/equity?symbol=%s", engine_market(fixture.rig.engine, 0)->instrument.venue_symbol),
                   200);
  assert_int_equal(market_fixture_count(&fixture, "items"), sums.trades > 0 ? sums.trades + 1 : 0);
  assert_int_equal(market_fixture_get(&fixture, "/api/performance/metrics?preset=another"), 200);
  assert_int_equal((int)market_fixture_number(&fixture, "n"), 0);
  assert_true(isnan(metric("win_rate")));
  assert_int_equal(market_fixture_get(&fixture, "/api/performance/metrics?session_id=S000001&mode=paper&preset=loose"), 200);
  assert_int_equal((int)market_fixture_number(&fixture, "n"), sum_trades(NULL).trades);
}

static void every_breakdown_sums_to_the_whole(void **unused) {
  (void)unused;
  struct sums sums = sum_trades(NULL);
  for (int by = 0; by < breakdown_count; by++) {
    struct sums parts = {0};
    assert_int_equal(market_fixture_get(&fixture, "/api/performance/breakdown?by=%s", breakdown_names[by]), 200);
    for (int32_t i = 0; i < market_fixture_count(&fixture, "items"); i++) {
      char path[64];
      snprintf(path, sizeof path, "items.%d.trades", (int)i);
      parts.trades += (int32_t)market_fixture_number(&fixture, path);
      snprintf(path, sizeof path, "items.%d.wins", (int)i);
      parts.wins += (int32_t)market_fixture_number(&fixture, path);
      snprintf(path, sizeof path, "items.%d.pnl_usd", (int)i);
      parts.pnl_usd += market_fixture_number(&fixture, path);
      snprintf(path, sizeof path, "items.%d.pnl_r", (int)i);
      parts.pnl_r += market_fixture_number(&fixture, path);
    }
    assert_int_equal(parts.trades, sums.trades);
    assert_int_equal(parts.wins, sums.wins);
    market_fixture_near(parts.pnl_usd, sums.pnl_usd, 1e-4);
    market_fixture_near(parts.pnl_r, sums.pnl_r, 1e-4);
  }
}

static void bins_hold_every_trade_once(void **unused) {
  (void)unused;
  assert_int_equal(market_fixture_get(&fixture, "/api/performance/r-distribution?bin=0.5"), 200);
  int32_t bins = market_fixture_count(&fixture, "items");
  int32_t total = 0;
  assert_true(bins > 0);
  for (int32_t i = 0; i < bins; i++) {
    char path[64];
    snprintf(path, sizeof path, "items.%d.r", (int)i);
    double low = market_fixture_number(&fixture, path);
    snprintf(path, sizeof path, "items.%d.count", (int)i);
    int32_t count = (int32_t)market_fixture_number(&fixture, path);
    int32_t inside = 0;
    for (int32_t k = 0; k < fixture.record_count; k++) {
      const struct trade *trade = fixture.records[k].object;
      if (fixture.records[k].kind == RECORD_TRADE) inside += trade->pnl_r >= low && trade->pnl_r < low + 0.5 ? 1 : 0;
    }
    assert_int_equal(count, inside);
    total += count;
  }
  assert_int_equal(total, sum_trades(NULL).trades);
}

/* ---- equity ---- */

static void the_curve_is_thinned_but_keeps_its_ends(void **unused) {
  (void)unused;
  const struct equity *last = NULL;
  for (int32_t i = 0; i < fixture.record_count; i++) {
    if (fixture.records[i].kind == RECORD_EQUITY) last = fixture.records[i].object;
  }
  assert_int_equal(market_fixture_get(&fixture, "/api/performance/equity?time_range=all"), 200);
  int32_t count = market_fixture_count(&fixture, "items");
  char path[64];
  assert_true(count > 500 && count <= 2000);
  snprintf(path, sizeof path, "items.%d.ts", (int)count - 1);
  assert_true((int64_t)market_fixture_number(&fixture, path) == last->ts);
  snprintf(path, sizeof path, "items.%d.equity_usd", (int)count - 1);
  market_fixture_near(market_fixture_number(&fixture, path), decimal_to_double(last->equity_usd), 1e-6);
  assert_int_equal(market_fixture_get(&fixture, "/api/performance/equity?format=csv&time_range=1d"), 200);
  assert_int_equal(strncmp(fixture.reply.body.data, "ts,equity_usd,cash_usd,unrealised_usd,drawdown,cumulative_r\n", 60), 0);
}

/* The same choice by the words of the paper: buckets as lists, areas by the determinant. */
static int32_t lttb_ref(const struct equity_point *points, int32_t count, int32_t max, int32_t *chosen) {
  int32_t n = 0;
  chosen[n++] = 0;
  for (int32_t bucket = 0; bucket < max - 2; bucket++) {
    double best = -1;
    double x = 0;
    double y = 0;
    int32_t members = 0;
    int32_t pick = 0;
    for (int32_t i = 1; i < count; i++) { /* the mean of the next bucket; of the last one: the last point */
      int32_t owner = -1;
      for (int32_t b = 0; b < max - 2; b++) {
        int32_t low = 1 + (int32_t)((int64_t)b * (count - 2) / (max - 2));
        int32_t high = 1 + (int32_t)((int64_t)(b + 1) * (count - 2) / (max - 2));
        if (i >= low && i < high) owner = b;
      }
      if (i == count - 1) owner = max - 2;
      if (owner != bucket + 1) continue;
      x += (double)points[i].ts;
      y += points[i].equity_usd;
      ++members;
    }
    x /= members;
    y /= members;
    for (int32_t i = 1; i < count - 1; i++) {
      int32_t low = 1 + (int32_t)((int64_t)bucket * (count - 2) / (max - 2));
      int32_t high = 1 + (int32_t)((int64_t)(bucket + 1) * (count - 2) / (max - 2));
      if (i < low || i >= high) continue;
      double ax = (double)points[chosen[n - 1]].ts;
      double ay = points[chosen[n - 1]].equity_usd;
      double area = fabs((ax - x) * (points[i].equity_usd - ay) - (ax - (double)points[i].ts) * (y - ay)) / 2;
      if (area > best) {
        best = area;
        pick = i;
      }
    }
    chosen[n++] = pick;
  }
  chosen[n++] = count - 1;
  return n;
}

static void lttb_is_its_slow_twin(void **unused) {
  (void)unused;
  static struct equity_point points[400];
  struct random random;
  random_init(&random, 11);
  double equity = 1000;
  for (int i = 0; i < 400; i++) {
    equity += (double)(int64_t)(random_next(&random) % 2001) - 1000.0;
    points[i] = (struct equity_point){.ts = i * INT64_C(60000) + (int64_t)(random_next(&random) % 50000), .equity_usd = equity};
  }
  static const int32_t counts[] = {3, 4, 10, 51, 333, 400};
  static const int32_t maxima[] = {3, 4, 7, 50, 100};
  for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
    for (size_t k = 0; k < sizeof maxima / sizeof maxima[0]; k++) {
      int32_t fast[400];
      int32_t slow[400];
      int32_t n = lttb_choose(points, counts[i], maxima[k], fast);
      if (counts[i] <= maxima[k]) {
        assert_int_equal(n, counts[i]);
        continue;
      }
      assert_int_equal(n, lttb_ref(points, counts[i], maxima[k], slow));
      for (int32_t j = 0; j < n; j++) assert_int_equal(fast[j], slow[j]);
    }
  }
}

/* ---- the same from the database ---- */

static void a_restart_changes_no_figure(void **unused) {
  (void)unused;
  assert_int_equal(market_fixture_get(&fixture, "/api/performance/metrics"), 200);
  char *before = strdup(fixture.reply.body.data);
  market_fixture_archive(&fixture, 10);
  market_fixture_restart(&fixture, 200);
  assert_int_equal(market_fixture_get(&fixture, "/api/performance/metrics"), 200);
  assert_string_equal(market_fixture_text(&fixture, "metrics.total_trades.unit"), "count");
  market_fixture_near(market_fixture_number(&fixture, "n"), sum_trades(NULL).trades, 0);
  struct json *old = json_parse(before, strlen(before), JSON_STRICT, "before", NULL);
  assert_non_null(old);
  for (int i = 0; i < figure_count; i++) {
    const struct json *value = json_member(json_member(json_member(old, "metrics"), figure_names[i]), "value");
    bool is_counted = strcmp(figure_names[i], "breakeven_moves") == 0 || strcmp(figure_names[i], "trailing_moves") == 0; /* in the database only */
    if (is_counted || json_kind(value) == JSON_NULL) continue;
    market_fixture_near(metric(figure_names[i]), json_number(value), 1e-6 * fmax(1, fabs(json_number(value))));
  }
  json_free(old);
  free(before);
}

static void memory_is_bounded_and_in_order(void **unused) {
  (void)unused;
  struct history *history = history_open();
  for (int64_t i = 0; i < HISTORY_MARKS_MAX + 5000; i++) history_add_equity(history, &(struct equity){.ts = 1000 * (i + 1), .drawdown = 0});
  assert_true(history->mark_count <= HISTORY_MARKS_MAX);
  assert_true(history->marks[history->mark_count - 1].ts == 1000 * (HISTORY_MARKS_MAX + 5000));
  history_add_equity(history, &(struct equity){.ts = history->marks[5].ts + 1});
  for (int32_t i = 1; i < history->mark_count; i++) assert_true(history->marks[i - 1].ts < history->marks[i].ts);
  struct trade trade = {.trade_id = 2, .closed_at = 20};
  history_add_trade(history, &trade);
  history_add_trade(history, &trade);
  history_add_trade(history, &(struct trade){.trade_id = 1, .closed_at = 10});
  assert_int_equal(history->trade_count, 2);
  assert_int_equal(history->trades[0].trade_id, 1);
  history_close(history);
}

/* ---- bad input ---- */

static void bad_questions_are_refused(void **unused) {
  (void)unused;
  static const struct {
    int status;
    const char *target;
  } rows[] = {
      {400, "/api/performance/equity?time_range=2d"},
      {400, "/api/performance/equity?format=pdf"},
      {400, "/api/performance/equity?from=2000000000000&to=1000000000000"},
      {400, "/api/performance/metrics?mode=dream"},
      {400, "/api/performance/metrics?strategy=luck"},
      {404, "/api/performance/metrics?symbol=%2e%2e"},
      {404, "/api/performance/metrics?session_id=S999999"},
      {404, "/api/performance/metrics?session_id=x"},
      {404, "/api/performance/metrics?run_id=R999999"},
      {400, "/api/performance/r-distribution?bin=0"},
      {400, "/api/performance/r-distribution?bin=-1"},
      {400, "/api/performance/r-distribution?bin=nan"},
      {400, "/api/performance/breakdown?by=colour"},
      {400, "/api/performance/drawdowns?limit=0"},
      {400, "/api/performance/drawdowns?limit=11"},
      {400, "/api/performance/metrics?limit=5"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    int status = market_fixture_get(&fixture, "%s", rows[i].target);
    if (status != rows[i].status) print_message("%s: %d %s\n", rows[i].target, status, fixture.reply.body.data);
    assert_int_equal(status, rows[i].status);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(figures_are_those_of_the_trades),
      cmocka_unit_test(the_deepest_fall_is_that_of_the_marks),
      cmocka_unit_test(a_part_is_a_part),
      cmocka_unit_test(every_breakdown_sums_to_the_whole),
      cmocka_unit_test(bins_hold_every_trade_once),
      cmocka_unit_test(the_curve_is_thinned_but_keeps_its_ends),
      cmocka_unit_test(lttb_is_its_slow_twin),
      cmocka_unit_test(a_restart_changes_no_figure),
      cmocka_unit_test(memory_is_bounded_and_in_order),
      cmocka_unit_test(bad_questions_are_refused),
  };
  return cmocka_run_group_tests(tests, open_all, close_all);
}

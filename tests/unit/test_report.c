#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "apps/jobs.h"
#include "apps/lookahead.h"
#include "apps/recorded.h"
#include "apps/report_csv.h"
#include "apps/report_html.h"
#include "apps/report_plot.h"
#include "apps/report_text.h"
#include "apps/result_json.h"
#include "base/calendar.h"
#include "support/market_file.h"
#include "support/scratch.h"

/* One run over a generated market, made once: the channel preset trades a trend within days and needs no warm-up. */
static struct app app;
static char folder[256];
static struct recorded recorded;
static struct wiring wiring;
static struct run run;
static struct run_options options;
static const char *const set_keys[] = {"risk.risk_per_trade=0.01"};

static void set_options(void) {
  options = (struct run_options){.keeps_orders = true, .after_kill = AFTER_KILL_NEXT_DAY};
  wiring_options_init(&options.wiring);
  options.wiring.preset = "channel_baseline";
  options.wiring.set_keys = set_keys;
  options.wiring.set_key_count = 1;
  options.wiring.feed_name = "file";
  options.wiring.is_backtest = true;
  options.wiring.has_digest = true;
}

static int make_run(void **state) {
  static char *no_environment[] = {NULL};
  struct settings_input input = {.environment = no_environment};
  (void)state;
  app.verb = "test";
  app.is_quiet = true;
  if (!scratch_make(folder, sizeof folder, "test_report") || settings_load(&app.settings, &input, &app.problem)) return -1;
  problem_clear(&app.problem);
  snprintf(app.settings.data_dir, sizeof app.settings.data_dir, "%s/data", folder);
  snprintf(app.settings.reports_dir, sizeof app.settings.reports_dir, "%s/reports", folder);
  if (!market_file_write(folder, &app.problem) || !recorded_add_data(&recorded, &app, folder)) return -1;
  recorded.source.is_filled_flat = true;
  recorded.source.allows_bad_data = true;
  set_options();
  if (recorded_open(&recorded, &app, &wiring) || wiring_load_preset(&wiring, &app, &options.wiring)) return -1;
  problem_clear(&app.problem);
  return run_execute(&run, &wiring, &options) ? -1 : 0;
}

static int remove_run(void **state) {
  (void)state;
  run_deinit(&run);
  wiring_close(&wiring);
  return scratch_remove(folder);
}

static struct result make_result(const struct run *of) {
  return (struct result){.app = &app,
                         .wiring = &wiring,
                         .run = of,
                         .options = &options,
                         .seed = 1,
                         .run_id = "B000042",
                         .created_at = 1700000000000,
                         .duration_ms = 12,
                         .breakdowns = (1u << breakdown_count) - 1,
                         .has_orders = true};
}

/* ---- texts of figures ---- */

static void assert_figure(enum performance_figure figure, double value, const char *wanted) {
  char text[RESULT_VALUE_MAX];
  result_figure_text(figure, value, text);
  assert_string_equal(text, wanted);
}

static void test_figures_read_well(void **state) {
  (void)state;
  assert_figure(FIGURE_win_rate, 0.3333, "33.33 %");
  assert_figure(FIGURE_net_profit_usd, -1234.567, "-1234.57 USD");
  assert_figure(FIGURE_total_trades, 18, "18");
  assert_figure(FIGURE_profit_factor, 5.0 / 3.0, "1.667");
  assert_figure(FIGURE_average_r, -0.5, "-0.500 R");
  assert_figure(FIGURE_sharpe, NAN, "-");
  assert_figure(FIGURE_var_95, -1e-9, "0.00 %");
  assert_figure(FIGURE_average_hold_ms, 90000, "1.5 min");
  assert_figure(FIGURE_average_hold_ms, 3 * 3600000.0 + 5 * 60000, "3 h 05 min");
  assert_figure(FIGURE_average_hold_ms, 50 * 3600000.0, "2 d 2 h");
  assert_figure(FIGURE_max_drawdown_peak_at, 1735689600000.0, "2025-01-01 00:00");
}

static void test_every_figure_is_in_a_group(void **state) {
  (void)state;
  int shown[figure_count] = {0};
  for (int g = 0; g < result_group_count; g++) {
    for (int i = 0; i < result_groups[g].count; i++) ++shown[result_groups[g].figures[i]];
  }
  for (int i = 0; i < figure_count; i++) {
    if (shown[i] != 1) fail_msg("%s stands %d times in the groups", figure_names[i], shown[i]);
  }
}

static void test_checks_need_more_than_their_bounds(void **state) {
  (void)state;
  struct run other = run;
  double *figure = other.performance.figure;
  struct result result = make_result(&other);
  struct result_check checks[RESULT_CHECKS];
  figure[FIGURE_total_return] = 0.1; /* equal is not above */
  figure[FIGURE_sharpe] = 1.01;
  figure[FIGURE_max_drawdown] = 0.2; /* equal is not below */
  figure[FIGURE_win_rate] = 0.41;
  figure[FIGURE_profit_factor] = 1.21;
  figure[FIGURE_calmar] = 0.51;
  assert_int_equal(result_checks(&result, checks), 4);
  assert_false(checks[0].has_passed);
  assert_false(checks[2].has_passed);
  figure[FIGURE_calmar] = NAN;
  assert_int_equal(result_checks(&result, checks), 3);
  assert_string_equal(result_label(3), "weak");
  assert_string_equal(result_label(4), "passing");
  assert_string_equal(result_label(6), "strong");
}

static void test_stamps_and_warnings(void **state) {
  (void)state;
  struct run other = run;
  struct result result = make_result(&other);
  const char *stamps[RESULT_STAMPS_MAX];
  struct result_warning warnings[RESULT_WARNINGS_MAX];
  other.skipped_filters = 1;
  other.stamps = SOURCE_STAMP_COARSE_BASE | SOURCE_STAMP_BAD_DATA;
  other.after_kill_reset = true;
  other.funding_unknown = 0;
  other.scan_interval_rounded = true;
  assert_int_equal(result_stamps(&result, stamps), 5);
  assert_string_equal(stamps[0], "skipped_filters");
  assert_string_equal(stamps[1], "bad_data");
  assert_string_equal(stamps[2], "coarse_base");
  assert_string_equal(stamps[3], "after_kill");
  assert_string_equal(stamps[4], "scan_interval_rounded");
  other.ended_at = other.started_at + 3 * DAY_MS;
  int count = result_warnings(&result, warnings);
  assert_true(count >= 1 && count <= RESULT_WARNINGS_MAX);
  assert_string_equal(warnings[count - 1].text, "the period is 3.0 days (limit 30)");
}

/* ---- documents ---- */

static void test_document_carries_the_run(void **state) {
  (void)state;
  struct result result = make_result(&run);
  struct buffer text = {0};
  assert_true(run.trades.count >= 5);
  result_json(&result, true, &text);
  struct json *document = json_parse(text.data, text.length, JSON_STRICT, "result", NULL);
  assert_non_null(document);
  assert_string_equal(json_string(json_member(document, "digest")), run.digest);
  assert_string_equal(json_string(json_member(json_member(document, "preset"), "name")), "channel_baseline");
  const struct json *trades = json_member(document, "trades");
  assert_int_equal(json_size(trades), run.trades.count);
  double sum = 0;
  for (size_t i = 0; i < json_size(trades); i++) sum += json_number(json_member(json_item(trades, i), "pnl_usd"));
  const struct json *open = json_member(document, "left_open");
  for (size_t i = 0; i < json_size(open); i++) sum += json_number(json_member(json_item(open, i), "pnl_usd"));
  assert_true(fabs(sum - json_number(json_member(json_member(document, "metrics"), "net_profit_usd"))) < 0.01);
  assert_true(json_size(json_member(document, "fills")) >= 2 * json_size(trades));
  assert_int_equal(json_size(json_member(json_member(document, "breakdowns"), "symbol")), 1);
  json_free(document);
  buffer_deinit(&text);
}

/* The documents of two runs are equal byte for byte but for what names the run and its time. */
static void test_equal_runs_give_equal_documents(void **state) {
  (void)state;
  struct run again;
  struct buffer first = {0};
  struct buffer second = {0};
  assert_int_equal(recorded_run_again(&again, &wiring, &options, NULL), STATUS_OK);
  struct result result = make_result(&run);
  result_json(&result, true, &first);
  result.run = &again;
  result_json(&result, true, &second);
  assert_int_equal(first.length, second.length);
  assert_memory_equal(first.data, second.data, first.length);
  run_deinit(&again);
  buffer_deinit(&first);
  buffer_deinit(&second);
}

/* The marks of a flat account are thinned where they are kept, and the figures are the same. */
static void test_followed_marks_give_the_same_figures(void **state) {
  (void)state;
  struct run followed;
  struct run_options following = options;
  following.drops_marks = true;
  assert_int_equal(recorded_run_again(&followed, &wiring, &following, NULL), STATUS_OK);
  assert_int_equal(followed.marks.count, 0);
  assert_true(followed.curve.mark_count > run.marks.count);
  assert_memory_equal(followed.performance.figure, run.performance.figure, sizeof run.performance.figure);
  assert_string_equal(followed.digest, run.digest);
  run_deinit(&followed);
}

static void test_other_costs_give_another_run(void **state) {
  (void)state;
  struct run dear;
  struct preset changed = wiring.preset.preset;
  changed.execution_config.taker_fee_bps += 20;
  assert_int_equal(recorded_run_again(&dear, &wiring, &options, &changed), STATUS_OK);
  /* Fewer or other trades may follow: what is sure is the price of one dollar traded. */
  const double *dear_figure = dear.performance.figure;
  const double *figure = run.performance.figure;
  double extra = dear_figure[FIGURE_fees_usd] / dear_figure[FIGURE_turnover_usd] - figure[FIGURE_fees_usd] / figure[FIGURE_turnover_usd];
  assert_true(extra > 0.0005 && extra < 0.0021);
  assert_string_not_equal(dear.digest, run.digest);
  run_deinit(&dear);
}

static int lines_of(const struct buffer *text) {
  int count = 0;
  for (size_t i = 0; i < text->length; i++) count += text->data[i] == '\n' ? 1 : 0;
  return count;
}

static void test_tables_have_a_line_each(void **state) {
  (void)state;
  struct buffer text = {0};
  report_csv_trades(&run, &text);
  assert_int_equal(lines_of(&text), 1 + run.trades.count + run.left_open.count);
  assert_memory_equal(text.data, "trade_id,", 9);
  assert_non_null(strstr(text.data, ",2024-01-0")); /* ISO times */
  buffer_clear(&text);
  report_csv_equity(&run, &text);
  assert_int_equal(lines_of(&text), 1 + run.marks.count);
  buffer_clear(&text);
  report_csv_list(&run.fills, &fill_schema, &text);
  assert_int_equal(lines_of(&text), 1 + run.fills.count);
  buffer_clear(&text);
  report_decisions(&run, false, &text);
  assert_int_equal(lines_of(&text), run.decisions.count);
  buffer_deinit(&text);
}

static void test_terminal_begins_with_stamps(void **state) {
  (void)state;
  struct result result = make_result(&run);
  struct buffer text = {0};
  report_text(&result, false, &text);
  assert_memory_equal(text.data, "Stamps:", 7);
  assert_non_null(strstr(text.data, run.digest));
  assert_non_null(strstr(text.data, "risk.risk_per_trade=0.01"));
  assert_null(strchr(text.data, '\033'));
  for (int i = 0; i < figure_count; i++) {
    if (strstr(text.data, figure_names[i]) == NULL) fail_msg("%s is not shown", figure_names[i]);
  }
  buffer_deinit(&text);
}

static int count_of(const char *text, const char *part) {
  int count = 0;
  for (const char *at = text; (at = strstr(at, part)) != NULL; at++) ++count;
  return count;
}

static void test_page_is_whole_and_safe(void **state) {
  (void)state;
  static const char *const odd_keys[] = {"name=<script>alert('x')</script>&\""};
  struct run_options odd = options;
  odd.wiring.set_keys = odd_keys;
  struct result result = make_result(&run);
  result.options = &odd;
  struct buffer page = {0};
  report_html(&result, &page);
  assert_null(strstr(page.data, "<script"));
  assert_non_null(strstr(page.data, "&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&amp;&quot;"));
  assert_null(strstr(page.data, "http"));
  assert_null(strstr(page.data, "nan"));
  assert_null(strstr(page.data, "inf'"));
  assert_int_equal(count_of(page.data, "<summary><b>T"), run.trades.count);
  assert_int_equal(count_of(page.data, "<div"), count_of(page.data, "</div>"));
  assert_int_equal(count_of(page.data, "<svg"), count_of(page.data, "</svg>"));
  assert_non_null(strstr(page.data, "prefers-color-scheme:dark"));
  assert_non_null(strstr(page.data, "@media print"));
  assert_non_null(strstr(page.data, run.digest));
  buffer_deinit(&page);
}

static void test_page_of_a_run_without_trades(void **state) {
  (void)state;
  struct run empty = run;
  empty.trades.count = 0;
  struct result result = make_result(&empty);
  struct buffer page = {0};
  report_html(&result, &page);
  assert_non_null(strstr(page.data, "No trade was closed"));
  assert_int_equal(count_of(page.data, "<div"), count_of(page.data, "</div>"));
  buffer_deinit(&page);
}

static void test_plot_maps_corners(void **state) {
  (void)state;
  struct buffer out = {0};
  struct plot plot = {.out = &out, .x_min = 10, .x_max = 20, .y_min = -1, .y_max = 3, .height = 200};
  assert_true(plot_x(&plot, 10) == 0 && plot_x(&plot, 20) == 1000);
  assert_true(plot_y(&plot, 3) == 0 && plot_y(&plot, -1) == 200);
  plot_box(&plot, 10, 15, 1, 2);
  assert_string_equal(out.data, "M0.0 50.0h500.0v50.0h-500.0z");
  struct plot flat = {.out = &out, .x_min = 1, .x_max = 1, .y_min = 5, .y_max = 5, .height = 100};
  plot_widen(&flat, 0.1);
  assert_true(flat.x_max > flat.x_min && flat.y_max > flat.y_min);
  buffer_deinit(&out);
}

/* ---- stored runs ---- */

static void test_stored_runs_are_found(void **state) {
  (void)state;
  struct result result = make_result(&run);
  struct buffer text = {0};
  char path[400];
  enum status status = STATUS_OK;
  result_json(&result, true, &text);
  snprintf(path, sizeof path, "%s/result.json", folder);
  assert_int_equal(buffer_write_file(&text, path, 0644, &app.problem), STATUS_OK);
  struct json *document = result_load(&app, folder, &status);
  assert_non_null(document);
  buffer_clear(&text);
  report_text_document(document, false, &text);
  assert_non_null(strstr(text.data, run.digest));
  char last[16];
  snprintf(last, sizeof last, "T%08lld", (long long)run_trade(&run, run.trades.count - 1)->trade_id);
  assert_non_null(strstr(text.data, last));
  json_free(document);
  assert_null(result_load(&app, "B999999", &status));
  assert_int_equal(status, STATUS_NOT_FOUND);
  buffer_clear(&text);
  buffer_add_text(&text, "{\"kind\": \"something\"}");
  assert_int_equal(buffer_write_file(&text, path, 0644, &app.problem), STATUS_OK);
  assert_null(result_load(&app, path, &status));
  assert_int_equal(status, STATUS_BAD_FORMAT);
  problem_clear(&app.problem);
  buffer_deinit(&text);
}

/* ---- work in processes ---- */

static void square(void *context, int index, void *result) {
  int *changed = context;
  *changed = 1; /* in the worker only */
  *(int64_t *)result = (int64_t)index * index;
}

static void test_jobs_keep_their_order(void **state) {
  (void)state;
  for (int workers = 1; workers <= 4; workers++) {
    int64_t results[23] = {0};
    int changed = 0;
    assert_int_equal(jobs_run(23, workers, NULL, square, &changed, results, sizeof results[0]), STATUS_OK);
    for (int i = 0; i < 23; i++) assert_int_equal(results[i], i * i);
    assert_int_equal(changed, 0);
  }
}

static void die(void *context, int index, void *result) {
  (void)context;
  (void)result;
  if (index == 2) _Exit(3);
}

static void test_a_dead_worker_is_told(void **state) {
  (void)state;
  int64_t results[4];
  assert_int_equal(jobs_run(4, 2, NULL, die, NULL, results, sizeof results[0]), STATUS_FAILED);
}

/* ---- looking ahead ---- */

static int check_quietly(const struct run_options *of, bool is_all) {
  struct lookahead_options wanted = {.cuts = 3, .is_all = is_all, .workers = 2, .seed = 5};
  app.output = OUTPUT_JSONL;
  int code = lookahead_check(&app, &wiring, of, &wanted);
  app.output = OUTPUT_TEXT;
  return code;
}

static void test_honest_engine_does_not_look_ahead(void **state) {
  (void)state;
  assert_int_equal(check_quietly(&options, false), 0);
  assert_int_equal(check_quietly(&options, true), 0);
}

/* A planted leak: each candle is told together with the close of the next one. */
struct leak {
  struct feed feed, *inner;
  struct event waiting;
  bool has_waiting;
};

static enum status leak_next(void *self, struct event *out, struct problem *problem) {
  struct leak *leak = self;
  enum status status = STATUS_OK;
  if (leak->has_waiting) {
    *out = leak->waiting;
  } else {
    status = leak->inner->next(leak->inner->self, out, problem);
  }
  if (status) return status;
  leak->has_waiting = leak->inner->next(leak->inner->self, &leak->waiting, problem) == STATUS_OK;
  if (leak->has_waiting && out->kind == EVENT_CANDLE && leak->waiting.kind == EVENT_CANDLE) {
    struct event_candle *candle = &out->candle;
    candle->close = leak->waiting.candle.close;
    candle->high = fmax(candle->high, candle->close);
    candle->low = fmin(candle->low, candle->close);
  }
  return STATUS_OK;
}

static int64_t leak_next_ts(void *self) {
  const struct leak *leak = self;
  return leak->has_waiting ? leak->waiting.ts : leak->inner->next_ts(leak->inner->self);
}

static void plant(void *context, struct wiring *of) {
  struct leak *leak = context;
  *leak = (struct leak){.inner = of->playback.feed};
  leak->feed = (struct feed){.self = leak, .name = leak->inner->name, .next = leak_next, .next_ts = leak_next_ts, .seek = leak->inner->seek};
  of->playback.feed = &leak->feed;
}

static void test_a_planted_leak_is_found(void **state) {
  (void)state;
  static struct leak leak;
  struct run_options leaking = options;
  leaking.on_open = plant;
  leaking.context = &leak;
  assert_int_equal(check_quietly(&leaking, false), 1);
}

/* Another: the rows of the source behind the one that is told. */
static struct {
  struct feed feed, *inner;
  const struct source *source;
} peek;

static enum status peek_next(void *self, struct event *out, struct problem *problem) {
  (void)self;
  enum status status = peek.inner->next(peek.inner->self, out, problem);
  if (status || out->kind != EVENT_CANDLE) return status;
  size_t count;
  const struct candle *rows = source_candles(peek.source, out->candle.symbol, &count);
  for (size_t i = 1; i < count; i++) {
    if (rows[i - 1].open_ts == out->candle.open_ts && isfinite(rows[i].close)) out->candle.high = fmax(out->candle.high, rows[i].close);
  }
  return STATUS_OK;
}

static int64_t peek_next_ts(void *self) {
  (void)self;
  return peek.inner->next_ts(peek.inner->self);
}

static void plant_peek(void *context, struct wiring *of) {
  (void)context;
  peek.inner = of->playback.feed;
  peek.source = of->source;
  peek.feed = (struct feed){.self = &peek, .name = peek.inner->name, .next = peek_next, .next_ts = peek_next_ts, .seek = peek.inner->seek};
  of->playback.feed = &peek.feed;
}

static void test_a_look_into_the_source_is_found(void **state) {
  (void)state;
  struct run_options leaking = options;
  leaking.on_open = plant_peek;
  assert_int_equal(check_quietly(&leaking, true), 1);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_figures_read_well),
      cmocka_unit_test(test_every_figure_is_in_a_group),
      cmocka_unit_test(test_checks_need_more_than_their_bounds),
      cmocka_unit_test(test_stamps_and_warnings),
      cmocka_unit_test(test_document_carries_the_run),
      cmocka_unit_test(test_equal_runs_give_equal_documents),
      cmocka_unit_test(test_followed_marks_give_the_same_figures),
      cmocka_unit_test(test_other_costs_give_another_run),
      cmocka_unit_test(test_tables_have_a_line_each),
      cmocka_unit_test(test_terminal_begins_with_stamps),
      cmocka_unit_test(test_page_is_whole_and_safe),
      cmocka_unit_test(test_page_of_a_run_without_trades),
      cmocka_unit_test(test_plot_maps_corners),
      cmocka_unit_test(test_stored_runs_are_found),
      cmocka_unit_test(test_jobs_keep_their_order),
      cmocka_unit_test(test_a_dead_worker_is_told),
      cmocka_unit_test(test_honest_engine_does_not_look_ahead),
      cmocka_unit_test(test_a_planted_leak_is_found),
      cmocka_unit_test(test_a_look_into_the_source_is_found),
  };
  return cmocka_run_group_tests(tests, make_run, remove_run);
}

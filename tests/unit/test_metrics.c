/* Metrics: exposition line by line, label escapes, histograms, what records count. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "adapters/clock/manual_clock.h"
#include "runner/metrics.h"
#include "runner/recent.h"

static struct manual_clock manual;

static struct metrics *open_metrics(void) {
  struct metrics *metrics = NULL;
  manual_clock_init(&manual, 1700000000000);
  assert_int_equal(metrics_open(&metrics, &manual.clock), STATUS_OK);
  return metrics;
}

/* Is this whole line in the exposition? */
static bool has_line(const struct metrics *metrics, const char *line) {
  struct buffer out = {0};
  metrics_print(metrics, METRICS_TEXT, &out);
  size_t length = strlen(line);
  bool found = false;
  for (const char *at = out.data; at != NULL && *at != '\0' && !found;) {
    const char *end = strchr(at, '\n');
    found = (size_t)(end - at) == length && memcmp(at, line, length) == 0;
    at = end + 1;
  }
  buffer_deinit(&out);
  return found;
}

static void counters_start_at_zero(void **state) {
  (void)state;
  struct metrics *metrics = open_metrics();
  assert_true(has_line(metrics, "# HELP breakout_scans_total scans done"));
  assert_true(has_line(metrics, "# TYPE breakout_scans_total counter"));
  assert_true(has_line(metrics, "breakout_scans_total 0"));
  assert_false(has_line(metrics, "breakout_slots_used 0")); /* a gauge without a value is absent */
  metrics_close(metrics);
}

static void labels_are_escaped(void **state) {
  (void)state;
  struct metrics *metrics = open_metrics();
  metrics_add(metrics, METRIC_RECONCILIATIONS, METRIC_VALUES("a\"b\\c\nd"), 2);
  metrics_add(metrics, METRIC_RECONCILIATIONS, METRIC_VALUES("a\"b\\c\nd"), 1);
  assert_true(has_line(metrics, "breakout_reconciliations_total{cause=\"a\\\"b\\\\c\\nd\"} 3"));
  metrics_close(metrics);
}

static void histograms_are_cumulative(void **state) {
  (void)state;
  struct metrics *metrics = open_metrics();
  const char *const *momentum = METRIC_VALUES("momentum");
  metrics_observe(metrics, METRIC_TRADE_R, momentum, -1.0); /* on a bound: belongs to it */
  metrics_observe(metrics, METRIC_TRADE_R, momentum, 0.25);
  metrics_observe(metrics, METRIC_TRADE_R, momentum, 99.0); /* beyond the last bound */
  metrics_observe(metrics, METRIC_TRADE_R, momentum, NAN);  /* not counted */
  assert_true(has_line(metrics, "breakout_trade_r_bucket{strategy=\"momentum\",le=\"-1.05\"} 0"));
  assert_true(has_line(metrics, "breakout_trade_r_bucket{strategy=\"momentum\",le=\"-1\"} 1"));
  assert_true(has_line(metrics, "breakout_trade_r_bucket{strategy=\"momentum\",le=\"0.5\"} 2"));
  assert_true(has_line(metrics, "breakout_trade_r_bucket{strategy=\"momentum\",le=\"12\"} 2"));
  assert_true(has_line(metrics, "breakout_trade_r_bucket{strategy=\"momentum\",le=\"+Inf\"} 3"));
  assert_true(has_line(metrics, "breakout_trade_r_sum{strategy=\"momentum\"} 98.25"));
  assert_true(has_line(metrics, "breakout_trade_r_count{strategy=\"momentum\"} 3"));
  struct metrics_summary summary;
  metrics_summarise(metrics, METRIC_TRADE_R, &summary);
  assert_int_equal(summary.count, 3);
  assert_float_equal(summary.mean, 32.75, 1e-12);
  assert_true(isnan(summary.p99)); /* lies beyond the last bound */
  metrics_close(metrics);
}

static void gauges_can_be_forgotten(void **state) {
  (void)state;
  struct metrics *metrics = open_metrics();
  metrics_set(metrics, METRIC_LATCH, METRIC_VALUES("operator"), 1);
  assert_true(has_line(metrics, "breakout_latch_active{cause=\"operator\"} 1"));
  metrics_forget(metrics, METRIC_LATCH);
  assert_false(has_line(metrics, "breakout_latch_active{cause=\"operator\"} 1"));
  metrics_set(metrics, METRIC_SLOTS_USED, NULL, NAN);
  assert_false(has_line(metrics, "breakout_slots_used null"));
  metrics_close(metrics);
}

static void records_are_counted(void **state) {
  (void)state;
  struct metrics *metrics = open_metrics();
  struct listener listener;
  metrics_listener(metrics, &listener);
  struct event tick = {.kind = EVENT_TICK};
  for (int i = 0; i < 3; i++) listener.on_event(listener.context, &tick);
  struct trade trade = {
      .strategy = STRATEGY_RETEST, .side = SIDE_SHORT, .exit_reason = REASON_kill_switch, .pnl_usd = -1, .pnl_r = -0.4, .hold_ms = 61000};
  listener.on_record(listener.context, 1, 0, RECORD_TRADE, &trade);
  struct order order = {.purpose = PURPOSE_STOP, .type = ORDER_STOP_MARKET, .state = ORDER_CANCELLED, .ended_at = 5, .updated_at = 5};
  listener.on_record(listener.context, 2, 0, RECORD_ORDER, &order);
  order.updated_at = 9; /* told again after a late fill: not a second end */
  listener.on_record(listener.context, 3, 0, RECORD_ORDER, &order);
  struct decision decision = {.stage = STAGE_RISK, .verdict = VERDICT_REFUSED, .code = REASON_kill_switch};
  listener.on_record(listener.context, 4, 0, RECORD_DECISION, &decision);
  struct scan_result result = {.filters_count = 2, .filters = {{.code = REASON_min_oi, .skipped = true, .passed = true}, {.code = REASON_bb_width}}};
  listener.on_record(listener.context, 5, 0, RECORD_SCAN_RESULT, &result);
  assert_true(has_line(metrics, "breakout_engine_events_total{kind=\"tick\"} 3"));
  assert_true(has_line(metrics, "breakout_trades_total{strategy=\"retest\",side=\"short\",exit_reason=\"kill_switch\",result=\"loss\"} 1"));
  assert_true(has_line(metrics, "breakout_trade_hold_seconds_bucket{le=\"60\"} 0"));
  assert_true(has_line(metrics, "breakout_trade_hold_seconds_bucket{le=\"300\"} 1"));
  assert_true(has_line(metrics, "breakout_orders_total{purpose=\"stop\",type=\"stop_market\",state=\"cancelled\"} 1"));
  assert_true(has_line(metrics, "breakout_risk_checks_failed_total{code=\"kill_switch\"} 1"));
  assert_true(has_line(metrics, "breakout_filter_results_total{filter=\"min_oi\",result=\"skipped\"} 1"));
  assert_true(has_line(metrics, "breakout_filter_results_total{filter=\"bb_width\",result=\"failed\"} 1"));
  metrics_close(metrics);
}

/* Labels with few values are there before anything happened: an increase is seen between two readings only. */
static void few_labels_start_at_zero(void **state) {
  (void)state;
  struct metrics *metrics = open_metrics();
  metrics_use_names(metrics, "paper", "demo");
  assert_true(has_line(metrics, "breakout_kill_switch_total{cause=\"drawdown\"} 0"));
  assert_true(has_line(metrics, "breakout_restarts_total{cause=\"crash\"} 0"));
  assert_true(has_line(metrics, "breakout_engine_illegal_transitions_total{machine=\"order\"} 0"));
  assert_true(has_line(metrics, "breakout_signals_generated_total{strategy=\"retest\",side=\"short\"} 0"));
  assert_true(has_line(metrics, "breakout_errors_total{component=\"feed\",class=\"data\"} 0"));
  assert_true(has_line(metrics, "breakout_recoveries_total{component=\"engine\",action=\"restart\"} 0"));
  assert_true(has_line(metrics, "breakout_venue_requests_total{venue=\"paper\",endpoint=\"query\",result=\"rejected\"} 0"));
  metrics_close(metrics);
}

static void phases_are_timed(void **state) {
  (void)state;
  struct metrics *metrics = open_metrics();
  int64_t phases[engine_phase_count] = {[PHASE_OTHER] = 5, [PHASE_SCAN] = 3000000};
  metrics_phases(metrics, phases);
  assert_int_equal(phases[PHASE_SCAN], 0);
  metrics_phases(metrics, phases); /* nothing happened: nothing is counted */
  assert_true(has_line(metrics, "breakout_engine_cycle_duration_seconds_bucket{phase=\"scan\",le=\"0.0025\"} 0"));
  assert_true(has_line(metrics, "breakout_engine_cycle_duration_seconds_bucket{phase=\"scan\",le=\"0.005\"} 1"));
  assert_true(has_line(metrics, "breakout_engine_cycle_duration_seconds_count{phase=\"scan\"} 1"));
  assert_false(has_line(metrics, "breakout_engine_cycle_duration_seconds_count{phase=\"other\"} 1"));
  metrics_close(metrics);
}

/* From the first candle that closes the boundary to the last decision about it; told when the next boundary comes. */
static void decisions_are_timed(void **state) {
  (void)state;
  struct metrics *metrics = open_metrics();
  struct listener listener;
  metrics_listener(metrics, &listener);
  const int64_t boundary = INT64_C(1700000100000); /* on a 5m boundary */
  struct event candle = {.kind = EVENT_CANDLE, .ts = boundary, .candle = {.open_ts = boundary - 60000}};
  listener.on_event(listener.context, &candle);
  manual.ns += 20000000;
  candle.candle.symbol = 1; /* later candles of the boundary do not begin again */
  listener.on_event(listener.context, &candle);
  manual.ns += 20000000;
  struct decision decision = {.stage = STAGE_SIGNAL, .verdict = VERDICT_REJECTED, .candle_ts = boundary - 300000};
  listener.on_record(listener.context, 1, boundary, RECORD_DECISION, &decision);
  manual.ns += 900000000;
  decision.candle_ts = boundary - 600000; /* about another candle */
  listener.on_record(listener.context, 2, boundary, RECORD_DECISION, &decision);
  assert_true(has_line(metrics, "breakout_engine_candle_to_decision_seconds_count 0"));
  candle.ts = boundary + 60000; /* a minute inside the next five: closes no boundary */
  candle.candle.open_ts = boundary;
  listener.on_event(listener.context, &candle);
  assert_true(has_line(metrics, "breakout_engine_candle_to_decision_seconds_count 0"));
  candle.ts = boundary + 300000;
  candle.candle.open_ts = boundary + 240000;
  listener.on_event(listener.context, &candle);
  assert_true(has_line(metrics, "breakout_engine_candle_to_decision_seconds_sum 0.04"));
  assert_true(has_line(metrics, "breakout_engine_candle_to_decision_seconds_count 1"));
  assert_true(has_line(metrics, "breakout_feed_messages_total{stream=\"candle\"} 4"));
  metrics_close(metrics);
}

static void entries_are_measured(void **state) {
  (void)state;
  struct metrics *metrics = open_metrics();
  struct listener listener;
  metrics_listener(metrics, &listener);
  struct plan *plan = calloc(1, sizeof *plan);
  *plan = (struct plan){.intent = PLAN_ENTRY,
                        .strategy = STRATEGY_MOMENTUM,
                        .planned_qty = decimal_from_double(4),
                        .filled_qty = decimal_from_double(3),
                        .fill_ratio = 0.75,
                        .planned_price = decimal_from_double(100),
                        .average_price = decimal_from_double(100.1),
                        .slippage_bps = 10,
                        .stop = decimal_from_double(98),
                        .time_to_end_ms = 1500};
  listener.on_record(listener.context, 1, 0, RECORD_PLAN, plan); /* still working */
  assert_true(has_line(metrics, "breakout_position_fill_ratio_count 0"));
  plan->ended_at = 7;
  listener.on_record(listener.context, 2, 0, RECORD_PLAN, plan);
  assert_true(has_line(metrics, "breakout_position_fill_ratio_bucket{le=\"0.75\"} 1"));
  assert_true(has_line(metrics, "breakout_entry_slippage_ratio_sum{strategy=\"momentum\"} 0.001"));
  assert_true(has_line(metrics, "breakout_entry_duration_seconds_sum{strategy=\"momentum\"} 1.5"));
  assert_true(has_line(metrics, "breakout_position_risk_ratio_sum 0.7875")); /* 3 * 2.1 over 4 * 2 */
  free(plan);
  struct fill fill = {.client_order_id = "bb-0ABC12-0000001F-S01-00", .liquidity = LIQUIDITY_TAKER};
  listener.on_record(listener.context, 3, 0, RECORD_FILL, &fill);
  assert_true(has_line(metrics, "breakout_fills_total{purpose=\"stop\",liquidity=\"taker\"} 1"));
  metrics_close(metrics);
}

static void links_and_rejects_are_counted(void **state) {
  (void)state;
  struct metrics *metrics = open_metrics();
  struct listener listener;
  metrics_use_names(metrics, "paper", "demo");
  metrics_listener(metrics, &listener);
  struct event link = {.kind = EVENT_FEED_LINK, .feed_link = {.state = LINK_DOWN}};
  listener.on_event(listener.context, &link);
  assert_true(has_line(metrics, "breakout_feed_connected{feed=\"demo\",stream=\"public\"} 0"));
  link.feed_link.state = LINK_UP;
  listener.on_event(listener.context, &link);
  listener.on_event(listener.context, &link); /* up already: no recovery */
  assert_true(has_line(metrics, "breakout_errors_total{component=\"feed\",class=\"network\"} 1"));
  assert_true(has_line(metrics, "breakout_recoveries_total{component=\"feed\",action=\"reconnect\"} 1"));
  struct event reject = {.kind = EVENT_ORDER_REJECT, .order_reject = {.kind = REJECT_NOT_FOUND}};
  listener.on_event(listener.context, &reject);
  assert_true(has_line(metrics, "breakout_venue_requests_total{venue=\"paper\",endpoint=\"change_order\",result=\"rejected\"} 1"));
  struct event offset = {.kind = EVENT_CLOCK_OFFSET, .clock_offset = {.offset_ms = -1200}};
  listener.on_event(listener.context, &offset);
  assert_true(has_line(metrics, "breakout_venue_clock_offset_seconds{venue=\"paper\"} -1.2"));
  assert_true(has_line(metrics, "breakout_errors_total{component=\"venue\",class=\"clock\"} 1"));
  metrics_close(metrics);
}

/* Of the newest 1024 in the last minute, the one that 1 % exceed. */
static void percentiles_are_recent(void **state) {
  (void)state;
  struct recent recent = {0};
  const int64_t second = 1000000000;
  for (int i = 0; i < 99; i++) recent_add(&recent, i, 0.001);
  assert_true(isnan(recent_p99(&recent, 100))); /* too few */
  recent_add(&recent, 100, 0.5);
  assert_float_equal(recent_p99(&recent, 100), 0.001, 1e-6); /* 1 of 100 is above it */
  recent_add(&recent, 100, 0.4);
  assert_float_equal(recent_p99(&recent, 100), 0.4, 1e-6); /* 2 of 101 exceed it no longer: only one may */
  assert_true(isnan(recent_p99(&recent, 61 * second + 100)));
  for (int i = 0; i < 2000; i++) recent_add(&recent, 62 * second, 0.01);
  assert_float_equal(recent_p99(&recent, 62 * second), 0.01, 1e-6);
}

/* Names: the prefix, counters end in _total, no metric twice. */
static void names_follow_the_rules(void **state) {
  (void)state;
  for (int i = 0; i < METRIC_COUNT; i++) {
    const struct metric_row *row = &metric_table[i];
    bool has_prefix = strncmp(row->name, "breakout_", 9) == 0 || strncmp(row->name, "process_", 8) == 0;
    assert_true(has_prefix);
    size_t length = strlen(row->name);
    bool is_total = length > 6 && strcmp(row->name + length - 6, "_total") == 0;
    bool is_known_exception = i == METRIC_SLOTS_TOTAL; /* a total that is no counter */
    if (!is_known_exception) assert_int_equal(is_total, row->type == METRIC_COUNTER);
    for (int k = 0; k < i; k++) assert_string_not_equal(row->name, metric_table[k].name);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(counters_start_at_zero),  cmocka_unit_test(few_labels_start_at_zero),
      cmocka_unit_test(labels_are_escaped),      cmocka_unit_test(histograms_are_cumulative),
      cmocka_unit_test(gauges_can_be_forgotten), cmocka_unit_test(records_are_counted),
      cmocka_unit_test(phases_are_timed),        cmocka_unit_test(decisions_are_timed),
      cmocka_unit_test(entries_are_measured),    cmocka_unit_test(links_and_rejects_are_counted),
      cmocka_unit_test(percentiles_are_recent),  cmocka_unit_test(names_follow_the_rules),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

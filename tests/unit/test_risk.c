/* Loss limits, latches, slots and correlation. Money cases: the limit path of risk 9. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "base/decimal.h"
#include "core/strategy/risk.h"
#include "support/strategy_fixture.h"

static const int64_t noon_ms = INT64_C(1746878400000); /* 2025-05-10T12:00Z */
static const int64_t day_ms = INT64_C(86400000);

static struct preset preset;
static struct ledger ledger;
static struct risk_state risk;
static enum risk_cause cause;

static int64_t usd(double amount) {
  return decimal_from_double(amount);
}

static int begin(void **state) {
  (void)state;
  preset_init(&preset);
  preset.risk.daily_risk_limit = 0.08;
  preset.risk.kill_switch_loss_limit = 0.18;
  preset.risk.correlation_limit = 0.7;
  preset.risk.max_concurrent_positions = 3;
  ledger_init(&ledger, usd(100000), noon_ms);
  risk = (struct risk_state){.is_halved = false};
  return 0;
}

static uint32_t evaluate_at(double equity, int64_t ts) {
  ledger.cash_usd = ledger.equity_usd = usd(equity);
  return risk_evaluate(&risk, &ledger, &preset, ts, &cause);
}

/* Equity of risk 9 on a fresh state. */
static uint32_t fresh(double equity) {
  begin(NULL);
  return evaluate_at(equity, noon_ms);
}

static void the_limit_path(void **state) {
  (void)state;
  assert_int_equal(fresh(93600), RISK_ACTION_NONE);
  assert_int_equal(risk_status(&risk), RISK_SAFE);
  assert_true(risk_size_factor(&risk) == 1.0);
  assert_int_equal(fresh(93599), RISK_ACTION_HALVED);
  assert_int_equal(risk_status(&risk), RISK_HALVED);
  assert_true(risk_size_factor(&risk) == 0.5);
  assert_int_equal(fresh(92000), RISK_ACTION_HALVED);
  assert_int_equal(fresh(91999), RISK_ACTION_HALVED | RISK_ACTION_DAY_LATCH);
  assert_int_equal(risk_status(&risk), RISK_DAY_LIMIT);
  assert_int_equal(risk.day.since_at, noon_ms);
  assert_true(risk.day.value == 0.08001 && risk.day.threshold == 0.08);
  assert_string_equal(risk.day.reason, "day_loss 0.08001 above 0.08");
  assert_int_equal(fresh(82000) & RISK_ACTION_KILL, 0);
  assert_int_equal(risk_status(&risk), RISK_DAY_LIMIT);
  assert_true((fresh(81999.99) & RISK_ACTION_KILL) != 0);
  assert_int_equal(cause, RISK_CAUSE_DRAWDOWN); /* both are above; the drawdown comes first in the table */
  assert_int_equal(risk_status(&risk), RISK_KILLED);
  assert_string_equal(risk.kill.name, "kill_switch");
}

/* One unit of 1e-8 USD decides. */
static void limits_are_exact_to_the_last_unit(void **state) {
  (void)state;
  begin(NULL);
  ledger.equity_usd = ledger.cash_usd = usd(92000);
  assert_int_equal(risk_evaluate(&risk, &ledger, &preset, noon_ms, &cause) & RISK_ACTION_DAY_LATCH, 0);
  ledger.equity_usd = ledger.cash_usd = usd(92000) - 1;
  assert_int_equal(risk_evaluate(&risk, &ledger, &preset, noon_ms, &cause) & RISK_ACTION_DAY_LATCH, RISK_ACTION_DAY_LATCH);
}

static void flows_are_not_losses(void **state) {
  (void)state;
  ledger_on_flow(&ledger, -usd(20000), noon_ms);
  assert_int_equal(risk_evaluate(&risk, &ledger, &preset, noon_ms, &cause), RISK_ACTION_NONE);
}

static void halving_and_warning_tell_their_edges_once(void **state) {
  (void)state;
  preset.risk.daily_risk_limit = 0.5; /* only the kill-switch limit speaks: 0.09 halves, 0.108 warns */
  assert_int_equal(evaluate_at(91000, noon_ms), RISK_ACTION_NONE);
  assert_int_equal(evaluate_at(90999, noon_ms), RISK_ACTION_HALVED);
  assert_int_equal(evaluate_at(90998, noon_ms), RISK_ACTION_NONE);
  assert_int_equal(evaluate_at(89200, noon_ms), RISK_ACTION_NONE);
  assert_int_equal(evaluate_at(89199, noon_ms), RISK_ACTION_WARNING);
  assert_int_equal(evaluate_at(89198, noon_ms), RISK_ACTION_NONE);
  assert_int_equal(evaluate_at(91000, noon_ms), RISK_ACTION_UNHALVED);
  assert_int_equal(evaluate_at(89199, noon_ms), RISK_ACTION_HALVED | RISK_ACTION_WARNING);
}

static void the_day_latch_holds_until_the_next_utc_day(void **state) {
  (void)state;
  evaluate_at(91999, noon_ms);
  assert_int_equal(evaluate_at(99999, noon_ms + day_ms / 2 - 1), RISK_ACTION_UNHALVED); /* 23:59:59.999 */
  assert_int_equal(risk_status(&risk), RISK_DAY_LIMIT);
  ledger_on_mark(&ledger, 0, noon_ms + day_ms / 2);
  assert_int_equal(evaluate_at(99999, noon_ms + day_ms / 2), RISK_ACTION_DAY_OVER);
  assert_int_equal(risk_status(&risk), RISK_SAFE);
  assert_int_equal(risk.day.since_at, 0);
}

static void every_cause_of_the_kill_switch(void **state) {
  (void)state;
  ledger.high_water_mark_usd = usd(130000);
  evaluate_at(106600, noon_ms); /* 0.18 of 130 000 */
  assert_int_equal(cause, RISK_CAUSE_NONE);
  evaluate_at(106599, noon_ms);
  assert_int_equal(cause, RISK_CAUSE_DRAWDOWN);
  begin(NULL);
  ledger.high_water_mark_usd = 1; /* nothing to draw down from */
  evaluate_at(81999, noon_ms);
  assert_int_equal(cause, RISK_CAUSE_DAY_LOSS);
  begin(NULL);
  ledger.consecutive_losses = preset.risk.max_consecutive_losses - 1;
  evaluate_at(100000, noon_ms);
  assert_int_equal(cause, RISK_CAUSE_NONE);
  ledger.consecutive_losses++;
  assert_int_equal(evaluate_at(100000, noon_ms), RISK_ACTION_KILL);
  assert_int_equal(cause, RISK_CAUSE_CONSECUTIVE_LOSSES);
  assert_string_equal(risk.kill.reason, "consecutive_losses 5, limit 5");
  assert_int_equal(evaluate_at(10000, noon_ms) & RISK_ACTION_KILL, 0); /* latched: the first cause stays */
  assert_int_equal(risk.kill.cause, RISK_CAUSE_CONSECUTIVE_LOSSES);
}

static void what_cannot_be_computed_fails_closed(void **state) {
  (void)state;
  ledger.day_start_equity_usd = 0;
  assert_int_equal(evaluate_at(100000, noon_ms), RISK_ACTION_DAY_LATCH);
  assert_true(isnan(risk.day.value));
  begin(NULL);
  ledger.high_water_mark_usd = 0;
  assert_int_equal(risk_evaluate(&risk, &ledger, &preset, noon_ms, &cause), RISK_ACTION_DAY_LATCH);
  assert_int_equal(evaluate_at(100000, noon_ms), RISK_ACTION_NONE);
}

/* --- admission --- */

static struct risk_request request_of(void) {
  return (struct risk_request){.preset = &preset, .risk = &risk, .has_reference = true, .btc_correlation = 0.1};
}

static void assert_refused(const struct risk_request *request, enum reason_code code) {
  struct reason_list reasons = {.count = 0};
  assert_false(risk_allows_entry(request, &reasons));
  assert_int_equal(reason_first_failed(&reasons)->code, code);
  assert_int_equal(reasons.count, 13); /* all are recorded, also after the failure */
}

static void each_refusal_once_and_all_recorded(void **state) {
  (void)state;
  struct risk_request good = request_of();
  struct reason_list reasons = {.count = 0};
  assert_true(risk_allows_entry(&good, &reasons));
  assert_int_equal(reasons.count, 13);
  struct risk_request bad = good;
  bad.session_word = "paused";
  assert_refused(&bad, REASON_session_not_running);
  struct risk_state latched = {.kill = {.since_at = 1, .cause = RISK_CAUSE_OPERATOR}};
  bad = good;
  bad.risk = &latched;
  assert_refused(&bad, REASON_emergency_latched);
  bad = good;
  bad.account_is_stale = true;
  assert_refused(&bad, REASON_account_stale);
  bad = good;
  bad.clock_is_skewed = true;
  assert_refused(&bad, REASON_clock_skew);
  bad = good;
  bad.instrument_is_stale = true;
  assert_refused(&bad, REASON_instrument_stale);
  bad = good;
  bad.is_delisting = true;
  assert_refused(&bad, REASON_delisting);
  bad = good;
  bad.is_recovering = true;
  assert_refused(&bad, REASON_recovering);
  bad = good;
  bad.storage_is_unavailable = true;
  assert_refused(&bad, REASON_storage_unavailable);
  struct risk_state lost = {.day = {.since_at = 1}};
  bad = good;
  bad.risk = &lost;
  assert_refused(&bad, REASON_day_limit);
  bad = good;
  bad.slots_used = 3;
  assert_refused(&bad, REASON_position_limit);
  bad.slots_used = 2;
  assert_true(risk_allows_entry(&bad, &reasons));
  bad = good;
  bad.symbol_is_busy = true;
  assert_refused(&bad, REASON_symbol_busy);
  bad = good;
  bad.symbol_cools_down = true;
  assert_refused(&bad, REASON_cooldown);
}

static void the_order_decides_the_verdict(void **state) {
  (void)state;
  struct risk_request bad = request_of();
  bad.symbol_is_busy = bad.is_recovering = bad.account_is_stale = true;
  assert_refused(&bad, REASON_account_stale);
}

static void correlation_of_the_signal(void **state) {
  (void)state;
  struct reason_list reasons = {.count = 0};
  struct risk_request request = request_of();
  request.btc_correlation = -0.7;
  assert_true(risk_allows_entry(&request, &reasons));
  request.btc_correlation = -0.7000001;
  assert_refused(&request, REASON_correlation_signal);
  request.btc_correlation = NAN;
  assert_refused(&request, REASON_unavailable);
  request.has_reference = false;
  reasons.count = 0;
  assert_true(risk_allows_entry(&request, &reasons));
  assert_true(fixture_reason(&reasons, REASON_correlation_signal)->skipped);
  request = request_of();
  request.btc_correlation = 1;
  request.is_reference = true;
  assert_true(risk_allows_entry(&request, &reasons));
}

static bool allows_book(double correlation, double others, double correlated, double plan) {
  struct reason_list reasons = {.count = 0};
  struct risk_request request = request_of();
  request.btc_correlation = correlation;
  request.book_notional = others;
  request.book_correlated = correlated;
  request.plan_notional = plan;
  return risk_allows_notional(&request, &reasons);
}

static void correlation_of_the_book(void **state) {
  (void)state;
  assert_true(allows_book(0.9, 0, 0, 1000)); /* the only one */
  assert_true(allows_book(0.9, 40, 0, 60));  /* exactly 0.60 */
  assert_false(allows_book(0.9, 40, 0, 61));
  assert_false(allows_book(NAN, 40, 0, 61));  /* null counts as correlated */
  assert_true(allows_book(0.7, 40, 0, 1000)); /* at the limit: not correlated */
  assert_false(allows_book(0.1, 1000, 1000, 100));
  struct reason_list reasons = {.count = 0};
  struct risk_request request = request_of();
  request.is_reference = true;
  request.book_notional = 40;
  request.plan_notional = 61;
  request.btc_correlation = 0;
  assert_false(risk_allows_notional(&request, &reasons));
  assert_int_equal(reasons.items[0].code, REASON_correlation_book);
  request.has_reference = false;
  assert_true(risk_allows_notional(&request, &reasons));
  assert_true(reasons.items[1].skipped);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup(the_limit_path, begin),
      cmocka_unit_test_setup(limits_are_exact_to_the_last_unit, begin),
      cmocka_unit_test_setup(flows_are_not_losses, begin),
      cmocka_unit_test_setup(halving_and_warning_tell_their_edges_once, begin),
      cmocka_unit_test_setup(the_day_latch_holds_until_the_next_utc_day, begin),
      cmocka_unit_test_setup(every_cause_of_the_kill_switch, begin),
      cmocka_unit_test_setup(what_cannot_be_computed_fails_closed, begin),
      cmocka_unit_test_setup(each_refusal_once_and_all_recorded, begin),
      cmocka_unit_test_setup(the_order_decides_the_verdict, begin),
      cmocka_unit_test_setup(correlation_of_the_signal, begin),
      cmocka_unit_test_setup(correlation_of_the_book, begin),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

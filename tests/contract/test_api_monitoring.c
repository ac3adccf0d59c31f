/* Sessions, checkpoints and the state machine from the records of a real session, in memory and in the database. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/text.h"
#include "support/market_fixture.h"

static struct market_fixture fixture;

/* The API hears the session as the runner would tell it. */
static void tell_records(void) {
  struct listener listener;
  api_listener(fixture.api, &listener);
  for (int32_t i = 0; i < fixture.record_count; i++) {
    listener.on_record(listener.context, (uint64_t)i + 1, engine_now(fixture.rig.engine), fixture.records[i].kind, fixture.records[i].object);
  }
}

static int32_t count_records(enum record_kind kind) {
  int32_t count = 0;
  for (int32_t i = 0; i < fixture.record_count; i++) count += fixture.records[i].kind == kind ? 1 : 0;
  return count;
}

static int open_fixture(void **state) {
  (void)state;
  market_fixture_open(&fixture);
  market_fixture_archive(&fixture, 0);
  tell_records();
  api_turn(fixture.api);
  return 0;
}

static int close_fixture(void **state) {
  (void)state;
  market_fixture_close(&fixture);
  return 0;
}

static double sum_of_trades(void) {
  int64_t sum = 0;
  for (int32_t i = 0; i < fixture.record_count; i++) {
    if (fixture.records[i].kind == RECORD_TRADE) sum += ((const struct trade *)fixture.records[i].object)->pnl_usd;
  }
  return decimal_to_double(sum);
}

/* The fixture's session ends in an emergency: five losses in a row. */
static void test_session(void **state) {
  (void)state;
  assert_int_equal(market_fixture_get(&fixture, "/api/monitoring/current-session"), 404);
  assert_string_equal(market_fixture_text(&fixture, "code"), "no_session");
  assert_int_equal(market_fixture_get(&fixture, "/api/monitoring/sessions/S000001"), 200);
  assert_string_equal(market_fixture_text(&fixture, "session.session_id"), "S000001");
  assert_string_equal(market_fixture_text(&fixture, "session.status"), "failed");
  assert_true(count_records(RECORD_TRADE) > 0);
  assert_int_equal(market_fixture_number(&fixture, "session.trades"), count_records(RECORD_TRADE));
  assert_int_equal(market_fixture_number(&fixture, "session.scans"), count_records(RECORD_SCAN));
  assert_true(fabs(market_fixture_number(&fixture, "session.pnl_usd") - sum_of_trades()) < 1e-6);
  assert_true(market_fixture_count(&fixture, "checkpoints") > 0);
  assert_int_equal(market_fixture_get(&fixture, "/api/monitoring/sessions/S000099"), 404);
}

static void test_summary_counts_every_checkpoint(void **state) {
  (void)state;
  assert_int_equal(market_fixture_get(&fixture, "/api/monitoring/sessions/S000001/summary"), 200);
  assert_int_equal(market_fixture_number(&fixture, "metrics.total_trades"), count_records(RECORD_TRADE));
  /* The ring holds the newest 1000; each type that a record makes is among them as far as the ring goes. */
  assert_true(market_fixture_number(&fixture, "checkpoints.scan_complete") > 0);
  assert_true(market_fixture_number(&fixture, "checkpoints.scan_complete") <= count_records(RECORD_SCAN));
  assert_true(market_fixture_number(&fixture, "checkpoints.position_closed") <= count_records(RECORD_TRADE));
}

static void test_checkpoints_are_rows(void **state) {
  struct rows_query query = {.table = "checkpoints"};
  struct problem problem;
  int64_t count = 0;
  char newest[32];
  (void)state;
  problem_clear(&problem);
  assert_int_equal(fixture.port.count(fixture.port.self, &query, &count, &problem), STATUS_OK);
  assert_int_equal(count, 1000); /* more came within one turn than the ring holds */
  assert_int_equal(market_fixture_get(&fixture, "/api/monitoring/checkpoints/S000001?limit=3"), 200);
  assert_int_equal(market_fixture_count(&fixture, "items"), 3);
  text_copy(newest, sizeof newest, market_fixture_text(&fixture, "items.0.checkpoint_id"));
  assert_string_equal(market_fixture_text(&fixture, "items.0.session_id"), "S000001");
  /* After a restart they come from the database, and numbers go on. */
  market_fixture_restart(&fixture, 0);
  assert_int_equal(market_fixture_get(&fixture, "/api/monitoring/checkpoints/S000001?limit=3"), 200);
  assert_string_equal(market_fixture_text(&fixture, "items.0.checkpoint_id"), newest);
  market_fixture_restart(&fixture, INT32_MAX);
  tell_records();
  assert_int_equal(market_fixture_get(&fixture, "/api/monitoring/checkpoints/S000001?limit=1"), 200);
  assert_true(strcmp(market_fixture_text(&fixture, "items.0.checkpoint_id"), newest) > 0);
}

static void test_visualization(void **state) {
  (void)state;
  assert_int_equal(market_fixture_get(&fixture, "/api/monitoring/sessions/S000001/visualization"), 200);
  assert_int_equal(market_fixture_count(&fixture, "steps"), 6);
  assert_string_equal(market_fixture_text(&fixture, "steps.0.key"), "scan");
  assert_true(market_fixture_number(&fixture, "steps.0.count") > 0);
  assert_int_equal(market_fixture_number(&fixture, "current_step"), 0); /* it has ended */
}

static void test_state_machine(void **state) {
  (void)state;
  assert_int_equal(market_fixture_get(&fixture, "/api/monitoring/state-machine/status"), 200);
  assert_string_equal(market_fixture_text(&fixture, "session_state"), "emergency");
  assert_int_equal(market_fixture_get(&fixture, "/api/monitoring/state-machine/transitions?limit=5&machine=session"), 200);
  assert_true(market_fixture_count(&fixture, "items") >= 1);
  assert_string_equal(market_fixture_text(&fixture, "items.0.to_state"), "emergency");
  assert_int_equal(market_fixture_get(&fixture, "/api/monitoring/state-machine/transitions?machine=nothing"), 400);
  assert_int_equal(market_fixture_get(&fixture, "/api/monitoring/state-machine/performance"), 200);
  assert_true(market_fixture_number(&fixture, "total_transitions") > 0);
  assert_true(market_fixture_number(&fixture, "state_durations_ms.scanning") >= 0);
}

static void test_cleanup_and_end(void **state) {
  (void)state;
  assert_int_equal(market_fixture_ask(&fixture, "POST", "/api/monitoring/sessions/cleanup?days=1", "{}"), 200);
  assert_int_equal(market_fixture_number(&fixture, "removed"), 0); /* none is that old */
  assert_int_equal(market_fixture_ask(&fixture, "POST", "/api/monitoring/sessions/S000099/end", "{}"), 404);
  assert_int_equal(market_fixture_ask(&fixture, "POST", "/api/monitoring/sessions/S000001/end", "{}"), 409);
}

static void test_rollups(void **state) {
  (void)state;
  assert_int_equal(market_fixture_get(&fixture, "/api/metrics/metric/symbols_scanned?last_n=5"), 200);
  assert_int_equal(market_fixture_count(&fixture, "points"), 5);
  assert_int_equal(market_fixture_number(&fixture, "latest"), MARKET_SYMBOLS);
  assert_int_equal(market_fixture_get(&fixture, "/api/metrics/metric/symbols_scaned"), 404);
  assert_non_null(strstr(market_fixture_text(&fixture, "detail"), "symbols_scanned"));
  assert_int_equal(market_fixture_ask(&fixture, "POST", "/api/metrics/clear", "{}"), 200);
  assert_int_equal(market_fixture_get(&fixture, "/api/metrics/metric/symbols_scanned"), 200);
  assert_int_equal(market_fixture_count(&fixture, "points"), 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_session),         cmocka_unit_test(test_summary_counts_every_checkpoint),
      cmocka_unit_test(test_visualization),   cmocka_unit_test(test_state_machine),
      cmocka_unit_test(test_rollups),         cmocka_unit_test(test_checkpoints_are_rows),
      cmocka_unit_test(test_cleanup_and_end),
  };
  return cmocka_run_group_tests(tests, open_fixture, close_fixture);
}

/* Sessions with faults: each kind alone, several together, the same seed twice; and a judge that sees what it is there for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "apps/fault_judge.h"
#include "apps/fault_session.h"
#include "base/log.h"
#include "core/market/capability.h"
#include "runner/preset_file.h"
#include "runner/preset_print.h"
#include "runner/presets_builtin.h"
#include "support/scratch.h"

enum { MINUTES = 30, SEEDS_EACH = 3, SEEDS_TOGETHER = 30 };

static char folder[200];
static struct preset preset;
static struct buffer preset_json;
static struct problem problem;

static int open_all(void **state) {
  static const char *const changes[][2] = {{"channel_config.timeframe", "1m"},
                                           {"channel_config.period", "8"},
                                           {"channel_config.target_r", "1"},
                                           {"risk.max_consecutive_losses", "20"},
                                           {"risk.max_concurrent_positions", "3"}};
  (void)state;
  log_set_level(LOG_CRITICAL); /* trouble is what these sessions are made of */
  problem_clear(&problem);
  for (int i = 0; i < builtin_preset_count; i++) {
    if (strcmp(builtin_presets[i].name, "channel_baseline") != 0) continue;
    assert_int_equal(preset_parse(&preset, builtin_presets[i].text, strlen(builtin_presets[i].text), "x", NULL, &problem), STATUS_OK);
  }
  for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++)
    assert_int_equal(preset_set_key(&preset, changes[i][0], changes[i][1], &problem), STATUS_OK);
  preset_print_canonical(&preset, &preset_json);
  return scratch_make(folder, sizeof folder, "fault_session") ? 0 : -1;
}

static int close_all(void **state) {
  (void)state;
  buffer_deinit(&preset_json);
  return scratch_remove(folder);
}

static void run(uint64_t seed, const struct fault *faults, int32_t count, struct fault_session_result *result) {
  const struct fault_session_options options = {
      .seed = seed, .preset = &preset, .preset_json = preset_json.data, .folder = folder, .minutes = MINUTES, .faults = faults, .fault_count = count};
  assert_int_equal(fault_session_run(&options, result, &problem), STATUS_OK);
}

static void must_hold(uint64_t seed, uint64_t kinds, int64_t *fills) {
  struct fault faults[FAULT_SESSION_FAULTS_MAX];
  struct fault_session_result result;
  int32_t count = fault_session_draw(seed, kinds, MINUTES, faults);
  run(seed, faults, count, &result);
  *fills += result.fills;
  if (result.violation[0] == '\0') return;
  for (int32_t i = 0; i < count; i++)
    print_message("%s at %lld ms until %lld ms\n", fault_rows[faults[i].kind].name, (long long)faults[i].from, (long long)faults[i].until);
  fail_msg("seed %llu, %lld ms: %s", (unsigned long long)seed, (long long)result.violated_at, result.violation);
}

static void every_fault_alone(void **state) {
  (void)state;
  for (int kind = 0; kind < fault_kind_count; kind++) {
    int64_t fills = 0;
    for (uint64_t seed = 0; seed < SEEDS_EACH; seed++) must_hold(100 * (uint64_t)kind + seed, UINT64_C(1) << kind, &fills);
    if (fills == 0) fail_msg("%s: nothing was traded", fault_rows[kind].name); /* or it would prove little */
  }
}

static void troubles_together(void **state) {
  (void)state;
  int64_t fills = 0;
  for (uint64_t seed = 1; seed <= SEEDS_TOGETHER; seed++) must_hold(seed, (UINT64_C(1) << fault_kind_count) - 1, &fills);
  assert_true(fills > 100);
}

static void a_seed_is_one_session(void **state) {
  (void)state;
  struct fault faults[FAULT_SESSION_FAULTS_MAX];
  struct fault_session_result first, second, other;
  int32_t count = fault_session_draw(7, (UINT64_C(1) << fault_kind_count) - 1, MINUTES, faults);
  run(7, faults, count, &first);
  run(7, faults, count, &second);
  run(8, faults, count, &other);
  assert_true(first.fills > 0);
  assert_string_equal(first.digest, second.digest);
  assert_int_equal(first.events, second.events);
  assert_int_equal(first.restarts, second.restarts);
  assert_string_not_equal(first.digest, other.digest);
}

/* ---- the judge ---- */

static struct sim sim;
static struct exchange venue;
static struct fault_judge judge;

static int open_judge(void **state) {
  const struct sim_options options = {
      .starting_balance = 10000 * DECIMAL_ONE, .max_participation = 1, .base_ms = 60000, .max_leverage = 10, .symbols = 1};
  (void)state;
  assert_int_equal(sim_open(&sim, &options), STATUS_OK);
  sim_exchange(&sim, &venue);
  struct event event = {.ts = 1000, .kind = EVENT_CAPABILITY, .capability = {0, CAPABILITY_CANDLES_1M | CAPABILITY_TRADES, 60000}};
  venue.on_market(venue.self, &event);
  event = (struct event){.ts = 1000, .kind = EVENT_INSTRUMENT, .instrument = {.symbol = 0, .instrument_count = 1}};
  instrument_default(&event.instrument.instrument[0], "AAA/USDT:USDT", "AAAUSDT", 100);
  venue.on_market(venue.self, &event);
  judge_open(&judge, &sim, NULL, 0, 1);
  return 0;
}

static int close_judge(void **state) {
  (void)state;
  sim_close(&sim);
  return 0;
}

static void print_price(int64_t ts, double price) {
  struct public_trade trade = {.ts = ts, .price = decimal_from_double(price), .qty = 1000 * DECIMAL_ONE};
  struct event event = {.ts = ts, .kind = EVENT_PUBLIC_TRADES, .public_trades = {.symbol = 0, .trades_count = 1, .trades = &trade}};
  struct event answer;
  venue.on_market(venue.self, &event);
  while (venue.poll(venue.self, ts, &answer)) {
    if (answer.kind == EVENT_FILL) judge_fill(&judge, &answer.fill);
  }
}

static struct intent order_of(enum order_leg leg, enum order_purpose purpose, int32_t attempt, double qty) {
  struct intent intent = {.ts = 2000, .kind = INTENT_PLACE_ORDER};
  struct order *order = &intent.place_order.order[0];
  intent.place_order.order_count = 1;
  order_make_client_id(order->client_order_id, "000000", 1, leg, 0, attempt);
  order->purpose = (int32_t)purpose;
  order->side = leg == LEG_ENTRY ? ORDER_BUY : ORDER_SELL;
  order->type = ORDER_MARKET;
  order->qty = decimal_from_double(qty);
  order->price = order->trigger_price = DECIMAL_NULL;
  return intent;
}

static void send(struct intent intent, size_t pending) {
  judge_request(&judge, &intent, pending, false);
  venue.submit(venue.self, &intent);
}

static void a_bare_position_is_seen(void **state) {
  (void)state;
  print_price(1500, 100);
  send(order_of(LEG_ENTRY, PURPOSE_ENTRY, 0, 1), 0);
  print_price(3000, 100);
  assert_int_equal(judge.fill_count, 1);
  for (int64_t now = 3000; now < 200000 && judge.violation[0] == '\0'; now += 100) judge_time(&judge, now, true);
  assert_int_equal(strncmp(judge.violation, "P1", 2), 0);
}

static void an_entry_that_is_filled_twice_is_seen(void **state) {
  (void)state;
  print_price(1500, 100);
  send(order_of(LEG_ENTRY, PURPOSE_ENTRY, 0, 1), 0);
  print_price(3000, 100);
  assert_string_equal(judge.violation, "");
  send(order_of(LEG_ENTRY, PURPOSE_ENTRY, 1, 1), 0); /* the next attempt of what has arrived */
  print_price(4000, 100);
  assert_int_equal(strncmp(judge.violation, "D1", 2), 0);
}

static void an_exit_that_could_open_is_seen(void **state) {
  (void)state;
  judge_request(&judge, &(struct intent){.kind = INTENT_QUERY}, 1, false); /* no order */
  assert_string_equal(judge.violation, "");
  struct intent exit = order_of(LEG_EXIT, PURPOSE_EXIT, 0, 1);
  judge_request(&judge, &exit, 0, false);
  assert_int_equal(strncmp(judge.violation, "P2", 2), 0);
}

static void an_entry_before_its_intent_is_seen(void **state) {
  (void)state;
  struct intent entry = order_of(LEG_ENTRY, PURPOSE_ENTRY, 0, 1);
  judge_request(&judge, &entry, 64, false);
  assert_int_equal(strncmp(judge.violation, "L1", 2), 0);
}

static void an_entry_after_a_kill_is_seen(void **state) {
  (void)state;
  struct intent entry = order_of(LEG_ENTRY, PURPOSE_ENTRY, 0, 1);
  judge_killed(&judge, true);
  judge_killed(&judge, false);
  judge_request(&judge, &entry, 0, false);
  assert_string_equal(judge.violation, "");
  judge_killed(&judge, true);
  judge_request(&judge, &entry, 0, false);
  assert_int_equal(strncmp(judge.violation, "R2", 2), 0);
}

static void a_fill_without_a_cause_or_twice_is_seen(void **state) {
  (void)state;
  struct fill fill = {.qty = DECIMAL_ONE, .venue_fill_id = "F9"};
  judge_written_fill(&judge, &fill);
  assert_int_equal(strncmp(judge.violation, "L2", 2), 0);
  judge.violation[0] = '\0';
  struct event_fill made = {.qty = DECIMAL_ONE, .venue_fill_id = "F9"};
  order_make_client_id(made.client_order_id, "000000", 1, LEG_EXIT, 0, 0);
  judge_fill(&judge, &made);
  judge_written_fill(&judge, &fill);
  assert_string_equal(judge.violation, "");
  judge_written_fill(&judge, &fill);
  assert_int_equal(strncmp(judge.violation, "L2", 2), 0);
}

/* What others hold is not the program's to protect, until it has a part in it; what is left when it has closed its own is theirs again. */
static void somebody_elses_position_is_not_ours(void **state) {
  (void)state;
  struct event_fill others = {.side = ORDER_SELL, .qty = 3 * DECIMAL_ONE, .client_order_id = "app-1", .venue_fill_id = "F1"};
  struct event_fill ours = {.side = ORDER_BUY, .qty = 5 * DECIMAL_ONE, .venue_fill_id = "F2"};
  order_make_client_id(ours.client_order_id, "000000", 1, LEG_EXIT, 0, 0);
  judge_fill(&judge, &others);
  assert_false(judge_holds(&judge, 0));
  assert_int_equal(judge.fill_count, 0);
  judge_fill(&judge, &ours); /* -3 + 5 = 2 */
  assert_true(judge_holds(&judge, 0));
  assert_int_equal(judge.positions[0].own, 2 * DECIMAL_ONE);
  others.side = ORDER_BUY;
  judge_fill(&judge, &others);
  ours.side = ORDER_SELL;
  ours.qty = 2 * DECIMAL_ONE;
  judge_fill(&judge, &ours);
  assert_int_equal(judge.positions[0].qty, 3 * DECIMAL_ONE);
  assert_false(judge_holds(&judge, 0));
  judge_taken(&judge, 0, 3 * DECIMAL_ONE);
  assert_int_equal(judge.positions[0].qty, 0);
}

/* Only where others move positions may the journal have a fill that the venue never made. */
static void an_inferred_fill_wants_a_cause(void **state) {
  (void)state;
  struct fill fill = {.qty = DECIMAL_ONE, .venue_fill_id = "reconciled"};
  struct fault meddling = {FAULT_TRADED_ELSEWHERE, 0, 0};
  judge_written_fill(&judge, &fill);
  assert_int_equal(strncmp(judge.violation, "L2", 2), 0);
  judge_open(&judge, &sim, &meddling, 1, 1);
  judge_written_fill(&judge, &fill);
  assert_string_equal(judge.violation, "");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_fault_alone),
      cmocka_unit_test(troubles_together),
      cmocka_unit_test(a_seed_is_one_session),
      cmocka_unit_test_setup_teardown(a_bare_position_is_seen, open_judge, close_judge),
      cmocka_unit_test_setup_teardown(an_entry_that_is_filled_twice_is_seen, open_judge, close_judge),
      cmocka_unit_test_setup_teardown(an_exit_that_could_open_is_seen, open_judge, close_judge),
      cmocka_unit_test_setup_teardown(an_entry_before_its_intent_is_seen, open_judge, close_judge),
      cmocka_unit_test_setup_teardown(an_entry_after_a_kill_is_seen, open_judge, close_judge),
      cmocka_unit_test_setup_teardown(a_fill_without_a_cause_or_twice_is_seen, open_judge, close_judge),
      cmocka_unit_test_setup_teardown(somebody_elses_position_is_not_ours, open_judge, close_judge),
      cmocka_unit_test_setup_teardown(an_inferred_fill_wants_a_cause, open_judge, close_judge),
  };
  return cmocka_run_group_tests(tests, open_all, close_all);
}

/* The life of a session at its edges: what a start waits for, commands that come too often or too early, presets that change what was measured, and
 * the barriers that stand behind others (engine 2, 5, execution 3). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/calendar.h"
#include "support/engine_fixture.h"
#include "support/scripted_venue.h"
#include "support/trade_fixture.h"

static struct script script;

static void begin(const char *change) { /* NULL: none */
  script_open(&script, &(struct script_options){.changes = {change}});
  script_start(&script);
}

static void expect_failure(const char *code) {
  assert_int_equal(script.reply.status, COMMAND_FAILED);
  assert_string_equal(script.reply.code, code);
}

/* The range goes on until the time. */
static void play_range_until(int64_t end) {
  static const double closes[] = {99.8, 100.1, 100.4, 100.2, 100.0, 99.8, 99.6, 99.7};
  double before = 99.7;
  for (int i = 0; market_candle_close_ts(engine_market(script.engine, 0)) < end; i++) {
    double close = closes[i % 8];
    double high = (before > close ? before : close) + (i % 8 == 2 ? 0.1 : 0.05);
    double low = (before < close ? before : close) - (i % 8 == 6 ? 0.1 : 0.05);
    script_bar(&script, 0, before, high, low, close);
    before = close;
  }
}

/* The first event of a day shows that the limit is passed, before the kill that follows from it has run: not even then does a slice leave. */
static void no_slice_between_the_latch_and_the_kill(void **state) {
  (void)state;
  for (int loses = 0; loses < 2; loses++) {
    script_open(&script, &(struct script_options){.changes = {"execution_config.enable_iceberg=true", "execution_config.limit_timeout_seconds=3600",
                                                              "risk.kill_switch_loss_limit=0.1"}});
    script_start(&script);
    int64_t midnight = calendar_day_start(script.now) + DAY_MS;
    script_command(&script, COMMAND_PAUSE); /* what breaks out meanwhile is not entered */
    play_range_until(midnight - 10 * MINUTE_MS);
    script_command(&script, COMMAND_RESUME);
    char entry[ORDER_ID_MAX];
    memcpy(entry, script_break_out(&script, 0)->client_order_id, sizeof entry);
    script_ack(&script, entry);
    script_wait_alive(&script, midnight - 60 - script.now);
    assert_int_equal(script_find(&script, entry)->state, ORDER_WORKING);
    script.now = midnight - 10; /* too soon after the last look at the limits */
    int64_t amount = loses ? -20000 * DECIMAL_ONE : 0;
    script_event(&script, (struct event){.kind = EVENT_FUNDING_PAYMENT, .funding_payment = {0, amount, 0.01}});
    assert_int_equal(engine_risk(script.engine)->kill.since_at, 0);
    script.now = midnight;
    script_forget(&script);
    script_fill_rest(&script, entry, 101);
    assert_int_equal(engine_risk(script.engine)->kill.since_at, loses ? midnight : 0);
    assert_int_equal(script_count_placed(&script, PURPOSE_ENTRY), !loses);
    assert_int_equal(script_state(&script), loses ? SESSION_FLATTENING : SESSION_RUNNING);
    script_close(&script);
  }
}

/* ---- starting ---- */

/* Data that never gets warm is waited for as long as the setting says, and not at all by a preset that needs none. */
static void a_start_waits_for_data_but_not_for_ever(void **state) {
  (void)state;
  script_open(&script, &(struct script_options){0});
  script_command(&script, COMMAND_START);
  script_answer(&script);
  assert_false(engine_is_warm(script.engine));
  script_wait_alive(&script, 59000);
  assert_int_equal(script_state(&script), SESSION_STARTING);
  script_wait_alive(&script, 1000);
  assert_int_equal(script_state(&script), SESSION_RUNNING);
  assert_int_equal(script.reply.status, COMMAND_DONE);
  script_close(&script);
}

/* What a start needs and does not get within three minutes ends it. */
static void a_start_without_what_it_needs_fails(void **state) {
  (void)state;
  static const struct event missing[] = {{.kind = EVENT_STORAGE}, {.kind = EVENT_CLOCK_OFFSET, .clock_offset = {-1001}}};
  for (size_t i = 0; i < sizeof missing / sizeof missing[0]; i++) {
    script_open(&script, &(struct script_options){0});
    script_command(&script, COMMAND_START);
    script_event(&script, missing[i]);
    script_answer(&script);
    script_wait_alive(&script, 179000);
    assert_int_equal(script_state(&script), SESSION_STARTING);
    script_wait_alive(&script, 2000);
    assert_int_equal(script_state(&script), SESSION_ERROR);
    expect_failure("check_failed");
    script_close(&script);
  }
}

/* After a restart an entry of before is in doubt, and the venue never says what became of it. */
static void a_restart_with_an_entry_in_doubt_does_not_run(void **state) {
  (void)state;
  begin(NULL);
  script_break_out(&script, 0);
  script_agree(&script);
  script_event(&script, (struct event){.kind = EVENT_RECOVERY, .recovery = {.cause = RESTART_CRASH, .gap_ms = 500}});
  script.order_count = 0;
  script_answer(&script);
  script_wait_alive(&script, 179000);
  assert_int_equal(script_state(&script), SESSION_STARTING);
  script_wait_alive(&script, 2000);
  assert_int_equal(script_state(&script), SESSION_ERROR);
  script_close(&script);
}

/* Paused on its own account before the crash: it stays what it was, whatever the setting says of running sessions. */
static void only_a_running_session_is_resumed_paused(void **state) {
  (void)state;
  begin(NULL);
  script_enter(&script, 0);
  script_command(&script, COMMAND_TIME_STOP);
  assert_int_equal(script_state(&script), SESSION_DRAINING);
  script_agree(&script);
  script_event(&script, (struct event){.kind = EVENT_RECOVERY, .recovery = {.cause = RESTART_CRASH, .resume_paused = true}});
  script_answer(&script);
  script_pass(&script, 1000);
  assert_int_equal(script_state(&script), SESSION_DRAINING);
  script_close(&script);
}

/* ---- commands ---- */

static void scans_by_hand_are_five_seconds_apart(void **state) {
  (void)state;
  begin(NULL);
  script_command(&script, COMMAND_SCAN_NOW);
  script_pass(&script, 100);
  assert_int_equal(script.reply.status, COMMAND_DONE);
  script_pass(&script, 4800);
  script_command(&script, COMMAND_SCAN_NOW);
  expect_failure("validation_failed");
  script_pass(&script, 200);
  int64_t scans = engine_counts(script.engine)->scans;
  script_command(&script, COMMAND_SCAN_NOW);
  script_pass(&script, 100);
  assert_int_equal(script.reply.status, COMMAND_DONE);
  assert_int_equal(engine_counts(script.engine)->scans, scans + 1);
  script_close(&script);
}

/* What would trade again waits for the reset and says so; what is illegal for another reason says that. */
static void a_latch_holds_back_what_would_trade(void **state) {
  (void)state;
  static const enum command waiting[] = {COMMAND_START, COMMAND_RESUME, COMMAND_RETRY};
  begin(NULL);
  script_command(&script, COMMAND_EMERGENCY_STOP);
  assert_int_equal(script_state(&script), SESSION_EMERGENCY);
  for (size_t i = 0; i < sizeof waiting / sizeof waiting[0]; i++) {
    script_command(&script, waiting[i]);
    expect_failure("emergency_latched");
  }
  script_command(&script, COMMAND_PAUSE);
  expect_failure("illegal_command");
  assert_int_equal(script_state(&script), SESSION_EMERGENCY);
  script_close(&script);
}

/* As many commands about positions and orders as there are places: the next one is followed instead of the oldest, which is told. */
static void the_oldest_command_gives_way(void **state) {
  (void)state;
  begin(NULL);
  const struct position *position = script_enter(&script, 0);
  struct event_command cancel = {.command = COMMAND_CANCEL_ORDER};
  memcpy(cancel.client_order_id, position->targets[0].client_order_id, sizeof cancel.client_order_id);
  for (int i = 0; i < 64; i++) {
    script_command_with(&script, cancel);
    assert_int_equal(script.reply.status, COMMAND_IN_PROGRESS);
  }
  int64_t newest = script.reply.operation_id;
  script_command(&script, COMMAND_PAUSE);
  assert_int_equal(script_state(&script), SESSION_PAUSED);
  assert_int_equal(script.reply.command, COMMAND_PAUSE);
  assert_int_equal(script.reply.status, COMMAND_DONE);
  script_update(&script, cancel.client_order_id, CHANGE_CANCELLED);
  assert_int_equal(script.reply.operation_id, newest);
  assert_int_equal(script.reply.status, COMMAND_DONE);
  script_close(&script);
}

/* ---- presets ---- */

static void use_preset(const struct preset *preset, const struct symbol_flag *flags, int32_t count) {
  struct event event = {.kind = EVENT_PRESET, .preset_value = preset, .preset_json = "{}"};
  text_copy(event.preset.name, sizeof event.preset.name, preset->name);
  text_copy(event.preset.hash, sizeof event.preset.hash, "1234");
  event.preset.flags = flags;
  event.preset.flags_count = count;
  script_event(&script, event);
}

static void use_change(const char *change) {
  rig_set(&script.preset, change);
  use_preset(&script.preset, NULL, 0);
}

/* Levels are measured again when a rule of theirs changes, and only then: the counter of level ids tells. */
static void levels_are_measured_again_by_new_rules(void **state) {
  (void)state;
  static const char *const changes[] = {"signal_config.momentum_epsilon=0.0006",
                                        "levels_rules.min_touches=3",
                                        "levels_rules.prefer_round_numbers=false",
                                        "levels_rules.round_step_candidates=[0.25]",
                                        "levels_rules.round_step_candidates=[0.5]",
                                        "levels_rules.cascade_min_levels=3",
                                        "levels_rules.cascade_radius_bps=20",
                                        "levels_rules.approach_slope_max_pct_per_bar=2",
                                        "levels_rules.prebreakout_consolidation_min_bars=4"};
  begin(NULL);
  assert_true(engine_levels(script.engine, 0)->active_count > 0);
  for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
    int64_t before = engine_counters(script.engine)->level;
    use_change(changes[i]);
    if (engine_counters(script.engine)->level <= before) fail_msg("%s", changes[i]);
    int64_t after = engine_counters(script.engine)->level;
    use_change("risk.risk_per_trade=0.004");
    assert_int_equal(engine_counters(script.engine)->level, after);
  }
  use_change("strategy_priority=channel"); /* it uses none */
  assert_int_equal(engine_levels(script.engine, 0)->active_count, 0);
  script_close(&script);
}

/* Lists name symbols by index; indices of no symbol are passed over, the others rule. */
static void lists_come_with_the_preset(void **state) {
  (void)state;
  static const struct symbol_flag flags[] = {
      {.symbol = -1, .is_whitelisted = true}, {.symbol = 9, .is_blacklisted = true}, {.symbol = 0, .is_blacklisted = true}};
  begin(NULL);
  use_preset(&script.preset, flags, 3);
  script_command(&script, COMMAND_SCAN_NOW); /* which ends candidates that are no longer on the lists */
  script_pass(&script, 100);
  script_forget(&script);
  script_bar(&script, 0, 100.2, 101.05, 100.15, 101);
  script_wait(&script, 4000);
  assert_int_equal(script_count_placed(&script, PURPOSE_ENTRY), 0);
  script_close(&script);
}

/* A session that has ended keeps the fingerprint of the preset with which it traded. */
static void an_ended_session_keeps_its_preset(void **state) {
  (void)state;
  begin(NULL);
  use_preset(&script.preset, NULL, 0);
  assert_string_equal(engine_session(script.engine)->preset_hash, "1234");
  script_command(&script, COMMAND_STOP);
  assert_int_equal(script_state(&script), SESSION_STOPPED);
  struct event event = {.kind = EVENT_PRESET, .preset_value = &script.preset, .preset_json = "{}"};
  text_copy(event.preset.hash, sizeof event.preset.hash, "5678");
  script_event(&script, event);
  assert_string_equal(engine_session(script.engine)->preset_hash, "1234");
  script_close(&script);
}

/* ---- a venue that is not simulated ---- */

static void describe_again(void) {
  struct event event = {.kind = EVENT_INSTRUMENT, .instrument = {.symbol = 0, .is_whitelisted = true, .instrument_count = 1}};
  event.instrument.instrument[0] = engine_market(script.engine, 0)->instrument;
  script_event(&script, event);
}

/* The close of the next candle, with which a long signal comes. */
static int64_t next_close(void) {
  return market_candle_close_ts(engine_market(script.engine, 0)) + 5 * MINUTE_MS;
}

static void break_out_with(bool is_heard, bool is_described) {
  script_forget(&script);
  script.now = next_close();
  if (is_heard) script_link(&script, LINK_UP);
  if (is_described) describe_again();
  script_bar(&script, 0, 100.2, 101.05, 100.15, 101);
}

static void a_venue_must_have_been_heard_of(void **state) {
  (void)state;
  for (int is_heard = 0; is_heard < 2; is_heard++) {
    script_open(&script, &(struct script_options){.fees_from_venue = true});
    script_start(&script);
    break_out_with(is_heard, !is_heard);
    assert_int_equal(script_count_placed(&script, PURPOSE_ENTRY), 0);
    assert_int_equal(script.refusal.code, is_heard ? REASON_instrument_stale : REASON_account_stale); /* described 27 hours ago */
    script_close(&script);
  }
}

/* The preset's fees count until the venue told its own; the venue is told none. */
static void fees_of_the_venue_rule_once_known(void **state) {
  (void)state;
  for (int is_told = 0; is_told < 2; is_told++) {
    script_open(&script, &(struct script_options){.fees_from_venue = true});
    struct event account = {.kind = EVENT_ACCOUNT, .account = {.cash_usd = script.cash}};
    account.account.taker_fee_bps = is_told ? decimal_from_double(7.5) : 0;
    account.account.maker_fee_bps = is_told ? decimal_from_double(1.5) : 0;
    script_event(&script, account);
    use_preset(&script.preset, NULL, 0);
    assert_int_equal(script_count(&script, INTENT_SET_FEES), 0);
    script_start(&script);
    break_out_with(true, true);
    char entry[ORDER_ID_MAX];
    memcpy(entry, script_order(&script, PURPOSE_ENTRY)->client_order_id, sizeof entry);
    script_ack(&script, entry);
    script_fill_rest(&script, entry, 101);
    assert_near(script_position(&script)->fee_in, is_told ? 0.00075 : 0.0005, 1e-12);
    script_close(&script);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(no_slice_between_the_latch_and_the_kill),  cmocka_unit_test(a_start_waits_for_data_but_not_for_ever),
      cmocka_unit_test(a_start_without_what_it_needs_fails),      cmocka_unit_test(a_restart_with_an_entry_in_doubt_does_not_run),
      cmocka_unit_test(only_a_running_session_is_resumed_paused), cmocka_unit_test(scans_by_hand_are_five_seconds_apart),
      cmocka_unit_test(a_latch_holds_back_what_would_trade),      cmocka_unit_test(the_oldest_command_gives_way),
      cmocka_unit_test(levels_are_measured_again_by_new_rules),   cmocka_unit_test(lists_come_with_the_preset),
      cmocka_unit_test(an_ended_session_keeps_its_preset),        cmocka_unit_test(a_venue_must_have_been_heard_of),
      cmocka_unit_test(fees_of_the_venue_rule_once_known),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Loss limits at their exact boundaries, admission of plans, storage and clock (risk 4 to 6, engine 11). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/calendar.h"
#include "support/scripted_venue.h"

static struct script script;

/* Limits of the worked example of risk 9: a day loss above 8 %, a kill above 18 %. */
static void begin_with(int32_t symbols, const char *change, const char *other) {
  struct script_options options = {
      .symbols = symbols, .changes = {"risk.daily_risk_limit=0.08", "risk.kill_switch_loss_limit=0.18", change, change != NULL ? other : NULL}};
  script_open(&script, &options);
  script_start(&script);
}

static void begin(void) {
  begin_with(1, NULL, NULL);
}

static const struct risk_state *risk(void) {
  return engine_risk(script.engine);
}

/* Equity becomes exactly this by a payment that is no flow. */
static void set_equity(int64_t cents) {
  int64_t wanted = cents * DECIMAL_ONE / 100;
  script_event(&script,
               (struct event){.kind = EVENT_FUNDING_PAYMENT, .funding_payment = {0, wanted - engine_ledger(script.engine)->equity_usd, 0.0001}});
  script_pass(&script, 1000);
  assert_int_equal(engine_ledger(script.engine)->equity_usd, wanted);
}

static const char *id_of(enum order_purpose purpose) {
  static char id[ORDER_ID_MAX];
  memcpy(id, script_order(&script, purpose)->client_order_id, sizeof id);
  return id;
}

/* The breakout of the symbol is refused for this reason. */
static void expect_refusal(int32_t symbol, enum reason_code code) {
  script_forget(&script);
  script_bar(&script, symbol, 100.2, 101.6, 100.15, 101.5);
  script_wait(&script, 4000);
  assert_int_equal(script_count_placed(&script, PURPOSE_ENTRY), 0);
  assert_int_equal(script.refusal.code, code);
}

static void the_example_of_the_text(void **state) {
  (void)state;
  begin();
  assert_int_equal(engine_ledger(script.engine)->equity_usd, 100000 * DECIMAL_ONE);
  set_equity(9360000);
  assert_false(risk()->is_halved);
  set_equity(9359999);
  assert_true(risk()->is_halved);
  assert_true(script_alerts(&script, "risk_halved"));
  set_equity(9200000);
  assert_int_equal(risk()->day.since_at, 0);
  set_equity(9199999);
  assert_int_not_equal(risk()->day.since_at, 0);
  assert_true(script_alerts(&script, "day_limit"));
  set_equity(8920000);
  assert_false(script_alerts(&script, "drawdown_warning"));
  set_equity(8919999);
  assert_true(script_alerts(&script, "drawdown_warning"));
  set_equity(8200000);
  assert_int_equal(risk()->kill.since_at, 0);
  assert_int_equal(script_state(&script), SESSION_RUNNING);
  set_equity(8199999);
  assert_int_equal(risk()->kill.cause, RISK_CAUSE_DRAWDOWN);
  assert_int_equal(script_state(&script), SESSION_EMERGENCY); /* nothing was open */
  script_close(&script);
}

static void the_day_latch_ends_at_midnight(void **state) {
  (void)state;
  begin();
  set_equity(9199999);
  expect_refusal(0, REASON_day_limit);
  int64_t midnight = calendar_day_start(script.now) + DAY_MS;
  script.now = midnight - 1;
  script_pass(&script, 0);
  assert_int_not_equal(risk()->day.since_at, 0);
  script_pass(&script, 1);
  assert_int_equal(risk()->day.since_at, 0);
  assert_false(script_alerts(&script, "day_limit"));
  assert_int_equal(engine_ledger(script.engine)->day_start_equity_usd, engine_ledger(script.engine)->equity_usd);
  script_close(&script);
}

static void the_day_latch_cancels_entries_and_keeps_positions(void **state) {
  (void)state;
  begin();
  script_break_out(&script, 0);
  char entry[ORDER_ID_MAX];
  memcpy(entry, id_of(PURPOSE_ENTRY), sizeof entry);
  script_ack(&script, entry);
  script_fill(&script, entry, 5, 101);
  script_event(&script, (struct event){.kind = EVENT_FUNDING_PAYMENT, .funding_payment = {0, -9000 * DECIMAL_ONE, 0.01}});
  script_pass(&script, 1000);
  assert_true(script_was_cancelled(&script, entry));
  script_update(&script, entry, CHANGE_CANCELLED);
  assert_int_equal(engine_position_count(script.engine), 1);
  assert_int_equal(script_live(&script, PURPOSE_TARGET), 2);
  assert_int_equal(script_count_placed(&script, PURPOSE_FLATTEN), 0);
  script_close(&script);
}

static void a_drawdown_kills_and_flattens(void **state) {
  (void)state;
  begin();
  script_enter(&script, 0);
  set_equity(8199000);
  assert_int_equal(script_state(&script), SESSION_FLATTENING);
  assert_int_equal(script_order(&script, PURPOSE_FLATTEN)->type, ORDER_MARKET);
  assert_int_equal(script_live(&script, PURPOSE_STOP), 1);
  assert_int_equal(script_order(&script, PURPOSE_STOP)->state, ORDER_UNTRIGGERED); /* until flat */
  assert_int_equal(script.reply.source, SOURCE_ENGINE);
  script_fill_rest(&script, id_of(PURPOSE_FLATTEN), 100.9);
  for (int32_t i = 0; i < engine_order_count(script.engine); i++) {
    const struct order *order = engine_order(script.engine, i);
    if (order_is_live(order)) script_update(&script, order->client_order_id, CHANGE_CANCELLED);
  }
  assert_int_equal(script_state(&script), SESSION_EMERGENCY);
  assert_int_equal(script.reply.status, COMMAND_DONE);
  script_close(&script);
}

static void a_day_loss_kills_without_a_drawdown_of_that_size(void **state) {
  (void)state;
  begin_with(1, "risk.kill_switch_loss_limit=0.1", NULL);
  script_event(&script, (struct event){.kind = EVENT_CASH_FLOW, .cash_flow = {.kind = FLOW_DEPOSIT, .amount_usd = 100000 * DECIMAL_ONE}});
  set_equity(18999900); /* of 200 000: 5.00005 %; of the day's 100 000: 11.0001 % */
  assert_int_equal(risk()->kill.cause, RISK_CAUSE_DAY_LOSS);
  assert_int_equal(script_state(&script), SESSION_EMERGENCY);
  script_close(&script);
}

static void losses_in_a_row_kill(void **state) {
  (void)state;
  begin_with(1, "risk.max_consecutive_losses=1", NULL);
  script_enter(&script, 0);
  script_update(&script, id_of(PURPOSE_STOP), CHANGE_TRIGGERED);
  script_fill_rest(&script, id_of(PURPOSE_STOP), 100.7);
  assert_int_equal(risk()->kill.cause, RISK_CAUSE_CONSECUTIVE_LOSSES);
  assert_int_equal(script_state(&script), SESSION_FLATTENING); /* targets are being cancelled */
  for (int32_t i = 0; i < engine_order_count(script.engine); i++) {
    const struct order *order = engine_order(script.engine, i);
    if (order_is_live(order)) script_update(&script, order->client_order_id, CHANGE_CANCELLED);
  }
  assert_int_equal(script_state(&script), SESSION_EMERGENCY);
  script_command_with(&script, (struct event_command){.command = COMMAND_RESET, .reason = "seen"});
  assert_int_equal(script_state(&script), SESSION_IDLE);
  assert_int_equal(engine_ledger(script.engine)->consecutive_losses, 0);
  assert_int_equal(risk()->kill.since_at, 0);
  script_close(&script);
}

static void a_drawdown_must_be_acknowledged(void **state) {
  (void)state;
  begin();
  set_equity(8199999);
  script_command_with(&script, (struct event_command){.command = COMMAND_RESET, .reason = "seen"});
  assert_int_equal(script.reply.status, COMMAND_FAILED);
  assert_int_not_equal(risk()->kill.since_at, 0);
  int64_t midnight = calendar_day_start(script.now) + DAY_MS;
  script.now = midnight; /* the day loss is another matter: it stays until then */
  script_pass(&script, 0);
  script_command_with(&script, (struct event_command){.command = COMMAND_RESET, .reason = "seen", .acknowledge_drawdown = true});
  assert_int_equal(script.reply.status, COMMAND_DONE);
  assert_int_equal(engine_ledger(script.engine)->high_water_mark_usd, 8199999 * (DECIMAL_ONE / 100));
  script_pass(&script, 1000);
  assert_int_equal(script_state(&script), SESSION_IDLE);
  script_close(&script);
}

static void a_day_loss_stays_latched_through_a_reset(void **state) {
  (void)state;
  begin();
  set_equity(8199999);
  script_command_with(&script, (struct event_command){.command = COMMAND_RESET, .reason = "seen", .acknowledge_drawdown = true});
  script_pass(&script, 1000);
  assert_int_not_equal(risk()->kill.since_at, 0); /* the same day's loss is above the kill limit still */
  assert_int_equal(risk()->kill.cause, RISK_CAUSE_DAY_LOSS);
  assert_int_equal(script_state(&script), SESSION_EMERGENCY);
  script_close(&script);
}

static void slots_are_counted(void **state) {
  (void)state;
  begin_with(3, "risk.max_concurrent_positions=2", NULL);
  script_enter(&script, 0);
  script_break_out(&script, 1); /* a plan takes a slot like a position */
  expect_refusal(2, REASON_position_limit);
  script_close(&script);
}

/* Closed in the instant in which a candle closes: that candle's signal comes too soon, the next one's does not. */
static void a_symbol_rests_after_its_position(void **state) {
  (void)state;
  struct script_options options = {.is_channel = true};
  script_open(&script, &options);
  script_start(&script);
  script_enter(&script, 0);
  script.now += 5 * MINUTE_MS;
  script_fill_rest(&script, id_of(PURPOSE_STOP), 100.7);
  assert_int_equal(engine_position_count(script.engine), 0);
  expect_refusal(0, REASON_cooldown);
  script_forget(&script);
  script_bar(&script, 0, 101, 102.1, 100.95, 102);
  assert_int_equal(script_count_placed(&script, PURPOSE_ENTRY), 1);
  script_close(&script);
}

static void bad_surroundings_refuse(void **state) {
  (void)state;
  static const struct {
    struct event event;
    enum reason_code code;
  } rows[] = {
      {{.kind = EVENT_CLOCK_OFFSET, .clock_offset = {1001}}, REASON_clock_skew},
      {{.kind = EVENT_CLOCK_OFFSET, .clock_offset = {-1001}}, REASON_clock_skew},
      {{.kind = EVENT_STORAGE}, REASON_storage_unavailable},
      {{.kind = EVENT_VENUE_LINK, .venue_link = {.state = LINK_DOWN}}, REASON_account_stale},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    begin();
    script_bar(&script, 0, 99.7, 99.85, 99.65, 99.8);
    script_event(&script, rows[i].event);
    expect_refusal(0, rows[i].code);
    script_close(&script);
  }
  begin();
  script_event(&script, (struct event){.kind = EVENT_CLOCK_OFFSET, .clock_offset = {1000}});
  script_break_out(&script, 0); /* the limit itself is inside */
  script_close(&script);
}

static void a_symbol_that_leaves_is_not_entered(void **state) {
  (void)state;
  begin();
  struct event event = {.kind = EVENT_INSTRUMENT, .instrument = {.symbol = 0, .instrument_count = 1}};
  event.instrument.instrument[0] = engine_market(script.engine, 0)->instrument;
  event.instrument.instrument[0].delisting_at = script.now + 20 * HOUR_MS;
  script_event(&script, event);
  expect_refusal(0, REASON_delisting);
  script_close(&script);
}

static void storage_down_lets_exits_go_on(void **state) {
  (void)state;
  begin();
  script_enter(&script, 0);
  script_event(&script, (struct event){.kind = EVENT_STORAGE});
  script_command_with(
      &script, (struct event_command){
                   .command = COMMAND_CLOSE_POSITION, .position_id = script_position(&script)->position_id, .fraction = 1, .is_immediate = true});
  assert_int_equal(script_count_placed(&script, PURPOSE_MANUAL), 1);
  script_wait(&script, 9900);
  assert_int_equal(script_state(&script), SESSION_RUNNING);
  script_wait(&script, 100);
  assert_int_equal(script_state(&script), SESSION_ERROR);
  assert_true(script_alerts(&script, "engine_error"));
  script_reject(&script, id_of(PURPOSE_MANUAL), REJECT_OTHER);
  script_wait(&script, 1000);
  assert_int_equal(script_count_placed(&script, PURPOSE_MANUAL), 2);
  script_fill_rest(&script, id_of(PURPOSE_MANUAL), 100.9);
  assert_int_equal(script.trade_count, 1);
  script_event(&script, (struct event){.kind = EVENT_STORAGE, .storage = {true}});
  assert_false(script_alerts(&script, "storage_unavailable"));
  script_close(&script);
}

static void a_short_loss_of_storage_is_forgiven(void **state) {
  (void)state;
  begin();
  script_event(&script, (struct event){.kind = EVENT_STORAGE});
  script_wait(&script, 9000);
  script_event(&script, (struct event){.kind = EVENT_STORAGE}); /* told twice: the time runs on */
  script_event(&script, (struct event){.kind = EVENT_STORAGE, .storage = {true}});
  script_wait(&script, 5000);
  assert_int_equal(script_state(&script), SESSION_RUNNING);
  script_close(&script);
}

/* Full management in error needs market data and venue: a position is then only guarded. */
static void an_error_without_links_guards(void **state) {
  (void)state;
  begin();
  script_enter(&script, 0);
  script_event(&script, (struct event){.kind = EVENT_STORAGE});
  script_wait(&script, 10000);
  assert_int_equal(script_state(&script), SESSION_ERROR);
  script_event(&script, (struct event){.kind = EVENT_FEED_LINK, .feed_link = {.state = LINK_DOWN}});
  assert_true(script_alerts(&script, "feed_down"));
  char target[ORDER_ID_MAX];
  memcpy(target, script_position(&script)->targets[0].client_order_id, sizeof target);
  script_bar(&script, 0, 101, 101.1, 100.9, 101);
  assert_int_equal(script_position(&script)->management, MANAGEMENT_GUARD);
  script_fill_rest(&script, target, 101.4);
  assert_int_equal(script_count(&script, INTENT_AMEND_ORDER), 1); /* the stop is sized under guard too */
  script_event(&script, (struct event){.kind = EVENT_FEED_LINK, .feed_link = {.state = LINK_UP}});
  script_bar(&script, 0, 101, 101.1, 100.9, 101);
  assert_int_equal(script_position(&script)->management, MANAGEMENT_FULL);
  script_close(&script);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_example_of_the_text),
      cmocka_unit_test(the_day_latch_ends_at_midnight),
      cmocka_unit_test(the_day_latch_cancels_entries_and_keeps_positions),
      cmocka_unit_test(a_drawdown_kills_and_flattens),
      cmocka_unit_test(a_day_loss_kills_without_a_drawdown_of_that_size),
      cmocka_unit_test(losses_in_a_row_kill),
      cmocka_unit_test(a_drawdown_must_be_acknowledged),
      cmocka_unit_test(a_day_loss_stays_latched_through_a_reset),
      cmocka_unit_test(slots_are_counted),
      cmocka_unit_test(a_symbol_rests_after_its_position),
      cmocka_unit_test(bad_surroundings_refuse),
      cmocka_unit_test(a_symbol_that_leaves_is_not_entered),
      cmocka_unit_test(storage_down_lets_exits_go_on),
      cmocka_unit_test(a_short_loss_of_storage_is_forgiven),
      cmocka_unit_test(an_error_without_links_guards),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

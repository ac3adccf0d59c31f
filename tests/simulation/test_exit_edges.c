/* Exits, targets and add-ons at their edges: what is left is closed and no more, nothing is asked for twice, and nothing grows beyond its caps
 * (positions 4, 7, 8, risk 3). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/calendar.h"
#include "support/scripted_venue.h"

static struct script script;

/* A complete position with stop and targets at rest; quotes are known. No exit rule of its own ends it. */
static const struct position *begin(const char *change, const char *other) {
  struct script_options options = {
      .capabilities = CAPABILITY_TICKER,
      .changes = {"position_config.exit_rules.weak_impulse_enabled=false", "position_config.exit_rules.activity_drop_enabled=false",
                  "position_config.exit_rules.failed_breakout_enabled=false", "position_config.exit_rules.volatility_exit_enabled=false", change,
                  change != NULL ? other : NULL}};
  script_open(&script, &options);
  script_start(&script);
  const struct position *position = script_enter(&script, 0);
  script_ticker(&script, 0, 100.95, 101.00);
  return position;
}

static const char *id_of(enum order_purpose purpose) {
  static char id[ORDER_ID_MAX];
  memcpy(id, script_order(&script, purpose)->client_order_id, sizeof id);
  return id;
}

static void close_share(double fraction) {
  script_command_with(
      &script, (struct event_command){.command = COMMAND_CLOSE_POSITION, .position_id = script_position(&script)->position_id, .fraction = fraction});
}

/* ---- exits ---- */

/* While the share is being closed the stop fills a part: the next attempt closes what is left, not what was once wanted. */
static void a_share_is_no_more_than_what_is_left(void **state) {
  (void)state;
  const struct position *position = begin(NULL, NULL);
  close_share(0.9);
  char exit[ORDER_ID_MAX];
  char stop[ORDER_ID_MAX];
  memcpy(exit, id_of(PURPOSE_MANUAL), sizeof exit);
  memcpy(stop, id_of(PURPOSE_STOP), sizeof stop);
  script_ack(&script, exit);
  int64_t wanted = script_find(&script, exit)->qty;
  script_update(&script, stop, CHANGE_TRIGGERED);
  script_fill(&script, stop, decimal_to_double(position->qty / 2), 100.8);
  assert_true(position->qty < wanted);
  script_update(&script, exit, CHANGE_CANCELLED);
  assert_string_not_equal(id_of(PURPOSE_MANUAL), exit);
  assert_int_equal(script_order(&script, PURPOSE_MANUAL)->qty, position->qty);
  script_close(&script);
}

/* A share whose rest could not be sold alone is the whole. */
static void a_share_that_leaves_nothing_is_the_whole(void **state) {
  (void)state;
  const struct position *position = begin(NULL, NULL);
  close_share(0.9999);
  assert_int_equal(script_order(&script, PURPOSE_MANUAL)->qty, position->qty);
  for (int32_t i = 0; i < position->targets_count; i++)
    assert_int_equal(script_find(&script, position->targets[i].client_order_id)->state, ORDER_CANCELLING);
  script_close(&script);
}

/* The exit under way was refused a moment ago: a kill does not wait for its next attempt. */
static void a_kill_after_a_refused_exit_sends_at_once(void **state) {
  (void)state;
  const struct position *position = begin(NULL, NULL);
  close_share(1);
  script_reject(&script, id_of(PURPOSE_MANUAL), REJECT_OTHER);
  script_forget(&script);
  script_command(&script, COMMAND_KILL_SWITCH);
  assert_int_equal(script_count_placed(&script, PURPOSE_FLATTEN), 1);
  const struct order *order = script_order(&script, PURPOSE_FLATTEN);
  assert_true(order->type == ORDER_MARKET && order->reduce_only && order->qty == position->qty);
  script_close(&script);
}

/* A share, then all of it, while the share is under way: one order at a time. */
static void the_whole_overtakes_a_share(void **state) {
  (void)state;
  const struct position *position = begin(NULL, NULL);
  close_share(0.5);
  char share[ORDER_ID_MAX];
  memcpy(share, id_of(PURPOSE_MANUAL), sizeof share);
  script_ack(&script, share);
  script_forget(&script);
  close_share(1);
  assert_true(script_was_cancelled(&script, share));
  assert_int_equal(script_count_placed(&script, PURPOSE_MANUAL), 0);
  script_fill(&script, share, 1, 100.9);
  script_update(&script, share, CHANGE_CANCELLED);
  assert_int_equal(script_order(&script, PURPOSE_MANUAL)->qty, position->qty);
  script_close(&script);
}

static void a_closing_position_is_not_closed_again_for_a_delisting(void **state) {
  (void)state;
  begin(NULL, NULL);
  script_command_with(
      &script, (struct event_command){
                   .command = COMMAND_CLOSE_POSITION, .position_id = script_position(&script)->position_id, .fraction = 1, .is_immediate = true});
  script_ack(&script, id_of(PURPOSE_MANUAL));
  struct event event = {.kind = EVENT_INSTRUMENT, .instrument = {.symbol = 0, .is_whitelisted = true, .instrument_count = 1}};
  event.instrument.instrument[0] = engine_market(script.engine, 0)->instrument;
  event.instrument.instrument[0].delisting_at = script.now + HOUR_MS / 2;
  script_event(&script, event);
  script_forget(&script);
  script_wait_alive(&script, 1000);
  assert_int_equal(script_count(&script, INTENT_PLACE_ORDER), 0);
  script_close(&script);
}

/* ---- targets ---- */

static struct event_command ladder_of_one(double price, double size) {
  struct event_command ladder = {.command = COMMAND_SET_TARGETS, .position_id = script_position(&script)->position_id, .targets_count = 1};
  text_copy(ladder.targets[0].level_name, sizeof ladder.targets[0].level_name, script_position(&script)->targets[0].level_name);
  ladder.targets[0].price = decimal_from_double(price);
  ladder.targets[0].size_pct = size;
  return ladder;
}

static void targets_wait_for_the_whole_entry(void **state) {
  (void)state;
  script_open(&script, &(struct script_options){0});
  script_start(&script);
  char entry[ORDER_ID_MAX];
  memcpy(entry, script_break_out(&script, 0)->client_order_id, sizeof entry);
  script_ack(&script, entry);
  script_fill(&script, entry, 5, 101);
  struct event_command ladder = {.command = COMMAND_SET_TARGETS, .position_id = script_position(&script)->position_id, .targets_count = 1};
  text_copy(ladder.targets[0].level_name, sizeof ladder.targets[0].level_name, "far");
  ladder.targets[0].price = 105 * DECIMAL_ONE;
  ladder.targets[0].size_pct = 0.5;
  script_command_with(&script, ladder);
  assert_int_equal(script.reply.status, COMMAND_FAILED);
  assert_string_equal(script.reply.code, "in_use");
  assert_int_equal(script_live(&script, PURPOSE_TARGET), 0);
  script_close(&script);
}

/* Whether the change of a target arrived is not known: it is asked for again when its time is over, not before, and not given up. */
static void an_unanswered_change_of_a_target_is_asked_for_again(void **state) {
  (void)state;
  const struct position *position = begin(NULL, NULL);
  char target[ORDER_ID_MAX];
  memcpy(target, position->targets[0].client_order_id, sizeof target);
  script_forget(&script);
  script_command_with(&script, ladder_of_one(106, 0.5));
  assert_int_equal(script_count(&script, INTENT_AMEND_ORDER), 1);
  script_update(&script, target, CHANGE_NO_ANSWER);
  script_wait_alive(&script, 2800);
  assert_int_equal(script_count(&script, INTENT_AMEND_ORDER), 1);
  assert_int_equal(script.reply.status, COMMAND_IN_PROGRESS);
  script_wait_alive(&script, 400);
  assert_int_equal(script_count(&script, INTENT_AMEND_ORDER), 2);
  script_amended(&script, target);
  assert_int_equal(script_find(&script, target)->price, 106 * DECIMAL_ONE);
  script_close(&script);
}

/* A rung that waits for the end of its former order is withdrawn with the others: nothing is placed for it later. */
static void a_waiting_rung_is_withdrawn(void **state) {
  (void)state;
  const struct position *position = begin(NULL, NULL);
  char target[ORDER_ID_MAX];
  memcpy(target, position->targets[0].client_order_id, sizeof target);
  struct event_command cancel = {.command = COMMAND_CANCEL_ORDER};
  memcpy(cancel.client_order_id, target, sizeof cancel.client_order_id);
  script_command_with(&script, cancel);
  script_command_with(&script, ladder_of_one(106, 0.5));
  assert_int_equal(position->targets[0].state, TARGET_WAITING);
  script_command_with(&script, (struct event_command){.command = COMMAND_CANCEL_ALL, .cancel_scope = CANCEL_TARGETS});
  assert_int_equal(position->targets[0].state, TARGET_CANCELLED);
  for (int32_t i = 0; i < engine_order_count(script.engine); i++) {
    const struct order *order = engine_order(script.engine, i);
    if (order->state == ORDER_CANCELLING) script_update(&script, order->client_order_id, CHANGE_CANCELLED);
  }
  assert_int_equal(script.reply.status, COMMAND_DONE);
  script_forget(&script);
  script_wait_alive(&script, 1000);
  assert_int_equal(script_count_placed(&script, PURPOSE_TARGET), 0);
  assert_int_equal(script_live(&script, PURPOSE_STOP), 1);
  script_close(&script);
}

/* An order that has ended cannot be cancelled by hand, and says so. */
static void an_ended_order_is_not_cancelled(void **state) {
  (void)state;
  const struct position *position = begin(NULL, NULL);
  struct event_command cancel = {.command = COMMAND_CANCEL_ORDER};
  memcpy(cancel.client_order_id, position->targets[0].client_order_id, sizeof cancel.client_order_id);
  script_update(&script, cancel.client_order_id, CHANGE_CANCELLED);
  script_forget(&script);
  script_command_with(&script, cancel);
  assert_int_equal(script.reply.status, COMMAND_FAILED);
  assert_string_equal(script.reply.code, "not_found");
  assert_int_equal(script_count(&script, INTENT_CANCEL_ORDER), 0);
  script_close(&script);
}

/* A newer command takes the place of an older one about the same position only. */
static void commands_about_other_positions_go_on(void **state) {
  (void)state;
  script_open(&script, &(struct script_options){.symbols = 2});
  script_start(&script);
  script_enter(&script, 0);
  script_enter(&script, 1);
  int64_t ids[2];
  for (int i = 0; i < 2; i++) {
    const struct position *position = engine_position(script.engine, i);
    script_command_with(&script, (struct event_command){
                                     .command = COMMAND_MOVE_STOP, .position_id = position->position_id, .price = position->stop + DECIMAL_ONE / 10});
    assert_int_equal(script.reply.status, COMMAND_IN_PROGRESS);
    ids[i] = script.reply.operation_id;
  }
  const struct position *first = engine_position(script.engine, 0);
  script_command_with(
      &script, (struct event_command){.command = COMMAND_MOVE_STOP, .position_id = first->position_id, .price = first->stop + DECIMAL_ONE / 10});
  int64_t newest = script.reply.operation_id;
  char stop[ORDER_ID_MAX] = "";
  for (int32_t i = 0; i < engine_order_count(script.engine); i++) {
    const struct order *order = engine_order(script.engine, i);
    if (order->purpose == PURPOSE_STOP && order->symbol_index == 1) memcpy(stop, order->client_order_id, sizeof stop);
  }
  script_amended(&script, stop);
  assert_int_equal(script.reply.operation_id, ids[1]);
  assert_int_equal(script.reply.status, COMMAND_DONE);
  assert_true(newest != ids[0]);
  script_close(&script);
}

/* ---- add-ons ---- */

static const double rising[] = {101.1, 101.15, 101.2, 101.24, 101.28, 101.3, 101.31, 101.32, 101.33, 101.34, 101.33, 101.34, 101.35};

/* The trade goes well; the quantity that is added, 0 none. */
static int64_t rise(void) {
  script_forget(&script);
  for (size_t i = 0; i < sizeof rising / sizeof rising[0] && script_count_placed(&script, PURPOSE_ADD_ON) == 0; i++) {
    script.now += 5 * MINUTE_MS - 100;
    script_ticker(&script, 0, rising[i] - 0.01, rising[i] + 0.01);
    script_bar(&script, 0, rising[i] - 0.02, rising[i] + 0.02, rising[i] - 0.03, rising[i]);
    for (int32_t k = 0; k < script.intent_count; k++) {
      if (script.intents[k].kind == INTENT_AMEND_ORDER) script_amended(&script, script.intents[k].amend_order.client_order_id);
    }
  }
  return script_count_placed(&script, PURPOSE_ADD_ON) > 0 ? script_order(&script, PURPOSE_ADD_ON)->qty : 0;
}

static void limit_orders_to(int64_t limit_qty, int64_t market_qty) {
  struct event event = {.kind = EVENT_INSTRUMENT, .instrument = {.symbol = 0, .is_whitelisted = true, .instrument_count = 1}};
  event.instrument.instrument[0] = engine_market(script.engine, 0)->instrument;
  event.instrument.instrument[0].max_limit_qty = limit_qty;
  event.instrument.instrument[0].max_market_qty = market_qty;
  script_event(&script, event);
}

/* The whole position with what is added stays within the venue's largest orders, so that it can be closed by one, and within the cap on its value. */
static void an_add_on_stays_within_the_caps(void **state) {
  (void)state;
  static const char small[] = "risk.risk_per_trade=0.0001";
  const struct position *position = begin(small, "position_config.fsm_config.running_breakeven_trigger_r=0.3");
  int64_t before = position->qty;
  int64_t free_qty = rise();
  assert_true(free_qty > 5 * DECIMAL_ONE / 10);
  script_close(&script);
  for (int cap = 0; cap < 3; cap++) {
    int64_t room = 3 * DECIMAL_ONE / 10;
    begin(small, "position_config.fsm_config.running_breakeven_trigger_r=0.3");
    if (cap == 0) limit_orders_to(before + room, 0);
    if (cap == 1) limit_orders_to(0, before + room);
    if (cap == 2) { /* only the value of what is held already */
      script.preset.risk.max_position_size_usd = decimal_to_double(before) * 101;
      struct event event = {.kind = EVENT_PRESET, .preset_value = &script.preset, .preset_json = "{}"};
      script_event(&script, event);
      room = 0;
    }
    assert_int_equal(rise(), room);
    script_close(&script);
  }
}

/* No add-on on a day that has lost its limit. */
static void nothing_is_added_after_the_day_limit(void **state) {
  (void)state;
  begin("risk.risk_per_trade=0.0001", "position_config.fsm_config.running_breakeven_trigger_r=0.3");
  script_event(&script, (struct event){.kind = EVENT_FUNDING_PAYMENT, .funding_payment = {0, -35000 * DECIMAL_ONE, 0.01}});
  script_pass(&script, 1000);
  assert_int_not_equal(engine_risk(script.engine)->day.since_at, 0);
  assert_int_equal(engine_risk(script.engine)->kill.since_at, 0);
  assert_int_equal(rise(), 0);
  script_close(&script);
}

/* ---- entries ---- */

static void what_is_delisted_within_a_day_is_not_entered(void **state) {
  (void)state;
  for (int hours = 23; hours <= 25; hours += 2) {
    script_open(&script, &(struct script_options){0});
    script_start(&script);
    struct event event = {.kind = EVENT_INSTRUMENT, .instrument = {.symbol = 0, .is_whitelisted = true, .instrument_count = 1}};
    event.instrument.instrument[0] = engine_market(script.engine, 0)->instrument;
    event.instrument.instrument[0].delisting_at = script.now + hours * HOUR_MS;
    script_event(&script, event);
    script_forget(&script);
    script_bar(&script, 0, 100.2, 101.05, 100.15, 101);
    script_wait(&script, 4000);
    assert_int_equal(script_count_placed(&script, PURPOSE_ENTRY), hours == 25);
    if (hours == 23) assert_int_equal(script.refusal.code, REASON_delisting);
    script_close(&script);
  }
}

/* A signal waits for the candles of other symbols; who pauses meanwhile gets no entry. */
static void a_pause_overtakes_a_waiting_signal(void **state) {
  (void)state;
  script_open(&script, &(struct script_options){.symbols = 2});
  script_start(&script);
  script_forget(&script);
  int64_t open_ts = market_candle_close_ts(engine_market(script.engine, 0));
  script.now = open_ts + 5 * MINUTE_MS;
  script_event(&script, (struct event){.kind = EVENT_CANDLE, .candle = {0, open_ts, 100.2, 101.05, 100.15, 101, 5e6, 5e8}});
  script_pass(&script, 100);
  assert_int_equal(script_count_placed(&script, PURPOSE_ENTRY), 0);
  script_command(&script, COMMAND_PAUSE);
  script_wait(&script, 5000);
  assert_int_equal(script_count_placed(&script, PURPOSE_ENTRY), 0);
  assert_int_equal(script.refusal.code, REASON_session_not_running);
  script_close(&script);
}

/* A symbol whose candles stop coming is no candidate any more. */
static void a_silent_symbol_is_no_candidate(void **state) {
  (void)state;
  script_open(&script, &(struct script_options){.symbols = 2});
  script_start(&script);
  assert_non_null(engine_candidate(script.engine, 1));
  for (int i = 0; i < 4; i++) script_bar(&script, 0, 99.7, 99.8, 99.6, 99.7);
  script_command(&script, COMMAND_SCAN_NOW);
  script_pass(&script, 100);
  assert_null(engine_candidate(script.engine, 1));
  assert_non_null(engine_candidate(script.engine, 0));
  script_close(&script);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_share_is_no_more_than_what_is_left),
      cmocka_unit_test(a_share_that_leaves_nothing_is_the_whole),
      cmocka_unit_test(a_kill_after_a_refused_exit_sends_at_once),
      cmocka_unit_test(the_whole_overtakes_a_share),
      cmocka_unit_test(a_closing_position_is_not_closed_again_for_a_delisting),
      cmocka_unit_test(targets_wait_for_the_whole_entry),
      cmocka_unit_test(an_unanswered_change_of_a_target_is_asked_for_again),
      cmocka_unit_test(a_waiting_rung_is_withdrawn),
      cmocka_unit_test(an_ended_order_is_not_cancelled),
      cmocka_unit_test(commands_about_other_positions_go_on),
      cmocka_unit_test(an_add_on_stays_within_the_caps),
      cmocka_unit_test(nothing_is_added_after_the_day_limit),
      cmocka_unit_test(what_is_delisted_within_a_day_is_not_entered),
      cmocka_unit_test(a_pause_overtakes_a_waiting_signal),
      cmocka_unit_test(a_silent_symbol_is_no_candidate),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

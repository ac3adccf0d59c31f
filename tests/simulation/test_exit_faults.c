/* Exits by rule, by hand and in part; targets; what the venue does to them (positions 4, 7, 8). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/calendar.h"
#include "support/scripted_venue.h"

static struct script script;

/* A complete position of 100 USD or so with stop and targets at rest; quotes are known when has_quotes. */
static const struct position *begin(bool has_quotes, const char *change, const char *other) {
  struct script_options options = {
      .capabilities = has_quotes ? CAPABILITY_TICKER : 0,
      .changes = {"position_config.exit_rules.weak_impulse_enabled=false", "position_config.exit_rules.activity_drop_enabled=false",
                  "position_config.exit_rules.failed_breakout_enabled=false", "position_config.exit_rules.volatility_exit_enabled=false", change,
                  change != NULL ? other : NULL}};
  script_open(&script, &options);
  script_start(&script);
  return script_enter(&script, 0);
}

static void close_share(double fraction, bool is_immediate) {
  script_command_with(&script, (struct event_command){.command = COMMAND_CLOSE_POSITION,
                                                      .position_id = script_position(&script)->position_id,
                                                      .fraction = fraction,
                                                      .is_immediate = is_immediate});
}

static const char *id_of(enum order_purpose purpose) {
  static char id[ORDER_ID_MAX];
  memcpy(id, script_order(&script, purpose)->client_order_id, sizeof id);
  return id;
}

/* The same with quotes known, and an operator's close of a share under way: the id of its order. */
static const struct position *begin_close(double fraction, char id[ORDER_ID_MAX]) {
  const struct position *position = begin(true, NULL, NULL);
  script_ticker(&script, 0, 100.95, 101.00);
  close_share(fraction, false);
  memcpy(id, id_of(PURPOSE_MANUAL), ORDER_ID_MAX);
  return position;
}

static int64_t cents(int64_t value) {
  return value * DECIMAL_ONE / 100;
}

static void cancel_targets(void) {
  for (int32_t i = 0; i < engine_order_count(script.engine); i++) {
    const struct order *order = engine_order(script.engine, i);
    if (order->purpose == PURPOSE_TARGET && order->state == ORDER_CANCELLING) script_update(&script, order->client_order_id, CHANGE_CANCELLED);
  }
}

/* Example G of the text: own best (low), the opposite best less the offset (normal) twice, then market. */
static void a_time_stop_grows_more_urgent(void **state) {
  (void)state;
  begin(true, "position_config.exit_rules.time_stop_minutes=30", "execution_config.limit_offset_bps=10");
  for (int i = 0; i < 5; i++) {
    script_bar(&script, 0, 101, 101.05, 100.95, 101);
    script_ticker(&script, 0, 100.99, 101.01);
    script_pass(&script, 1000);
  }
  script.now += 5 * MINUTE_MS - 6000;
  script_ticker(&script, 0, 100.95, 101.00);
  script_pass(&script, 0);
  assert_int_equal(script_count_placed(&script, PURPOSE_EXIT), 0);
  script_bar(&script, 0, 101, 101.05, 100.95, 100.97);
  script_ticker(&script, 0, 100.95, 101.00);
  script_wait(&script, 5000);
  assert_int_equal(script_count_placed(&script, PURPOSE_EXIT), 1);
  const struct order *exit = script_order(&script, PURPOSE_EXIT);
  assert_true(exit->type == ORDER_LIMIT && exit->post_only && exit->reduce_only);
  assert_int_equal(exit->price, cents(10100)); /* own best of a seller: the ask */
  assert_int_equal(script_live(&script, PURPOSE_STOP), 1);
  cancel_targets();
  for (int attempt = 1; attempt <= 3; attempt++) {
    char id[ORDER_ID_MAX];
    memcpy(id, id_of(PURPOSE_EXIT), sizeof id);
    script_ack(&script, id);
    script_ticker(&script, 0, 100.95, 101.00);
    int32_t timeout = script.preset.position_config.fsm_config.exiting_timeout_s;
    script_wait_alive(&script, timeout * 1000 - 6000);
    script_forget(&script);
    script_wait_alive(&script, 6000);
    assert_true(script_was_cancelled(&script, id));
    assert_int_equal(script_count_placed(&script, PURPOSE_EXIT), 0); /* only after the first has ended */
    script_ticker(&script, 0, 100.95, 101.00);
    script_update(&script, id, CHANGE_CANCELLED);
    exit = script_order(&script, PURPOSE_EXIT);
    if (attempt == 3 || attempt >= script.preset.position_config.fsm_config.exiting_panic_after_attempts) {
      assert_int_equal(exit->type, ORDER_MARKET);
      break;
    }
    assert_true(exit->type == ORDER_LIMIT && !exit->post_only);
    assert_int_equal(exit->price, cents(10085)); /* 100.95 less 10 bps, rounded up */
  }
  script_ack(&script, id_of(PURPOSE_EXIT));
  script_fill_rest(&script, id_of(PURPOSE_EXIT), 100.9);
  assert_int_equal(script.trades[0].exit_reason, REASON_time_stop);
  script_close(&script);
}

static void fills_of_an_attempt_count(void **state) {
  (void)state;
  char id[ORDER_ID_MAX];
  int64_t qty = begin_close(1, id)->qty;
  script_ack(&script, id);
  cancel_targets();
  script_fill(&script, id, 10, 100.9);
  script_forget(&script);
  script_wait_alive(&script, script.preset.position_config.fsm_config.exiting_timeout_s * 1000);
  assert_true(script_was_cancelled(&script, id));
  script_fill(&script, id, 5, 100.9); /* while it is being cancelled */
  script_update(&script, id, CHANGE_CANCELLED);
  assert_int_equal(script_order(&script, PURPOSE_MANUAL)->qty, qty - 15 * DECIMAL_ONE);
  assert_string_not_equal(id_of(PURPOSE_MANUAL), id);
  script_close(&script);
}

/* A share cannot be closed beside an exit that is running, and the reply says so. */
static void a_share_beside_a_running_exit_is_refused(void **state) {
  (void)state;
  char id[ORDER_ID_MAX];
  begin_close(1, id);
  close_share(0.5, false);
  assert_int_equal(script.reply.status, COMMAND_FAILED);
  assert_string_equal(script.reply.code, "in_use");
  assert_string_equal(id_of(PURPOSE_MANUAL), id);
  script_close(&script);
}

static void a_cancel_of_unknown_fate_does_not_stop_the_exit(void **state) {
  (void)state;
  char id[ORDER_ID_MAX];
  begin_close(1, id);
  cancel_targets();
  script_wait_alive(&script, 60000); /* never acknowledged, longer than its time */
  assert_int_equal(script_find(&script, id)->state, ORDER_UNKNOWN);
  assert_true(script_alerts(&script, "order_unknown"));
  for (int i = 0; i < 5; i++) script_not_found(&script, id);
  assert_int_equal(script_find(&script, id)->state, ORDER_REJECTED);
  script_forget(&script);
  script_pass(&script, 1000);
  assert_int_equal(script_count_placed(&script, PURPOSE_MANUAL), 1);
  assert_string_not_equal(id_of(PURPOSE_MANUAL), id);
  script_close(&script);
}

static void refused_exits_go_on(void **state) {
  (void)state;
  static const enum reject_kind kinds[] = {REJECT_MARGIN, REJECT_RULE, REJECT_OTHER, REJECT_REDUCE_ONLY};
  for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
    begin(true, NULL, NULL);
    close_share(1, true);
    script_forget(&script);
    script_reject(&script, id_of(PURPOSE_MANUAL), kinds[i]);
    assert_int_equal(script_count_placed(&script, PURPOSE_MANUAL), 0);
    assert_int_equal(script_count_queries(&script, QUERY_POSITIONS), kinds[i] == REJECT_REDUCE_ONLY ? 1 : 0);
    script_pass(&script, 1000);
    assert_int_equal(script_count_placed(&script, PURPOSE_MANUAL), 1);
    assert_int_equal(script_order(&script, PURPOSE_MANUAL)->type, ORDER_MARKET);
    assert_int_equal(script_live(&script, PURPOSE_STOP), 1);
    script_close(&script);
  }
}

static void a_market_exit_without_liquidity_waits_for_the_tick(void **state) {
  (void)state;
  begin(true, NULL, NULL);
  close_share(1, true);
  script_ack(&script, id_of(PURPOSE_MANUAL));
  script_forget(&script);
  script_update(&script, id_of(PURPOSE_MANUAL), CHANGE_CANCELLED);
  assert_int_equal(script_count_placed(&script, PURPOSE_MANUAL), 0); /* else an empty book makes an endless loop */
  script_pass(&script, 1000);
  assert_int_equal(script_count_placed(&script, PURPOSE_MANUAL), 1);
  script_close(&script);
}

static void a_post_only_exit_that_would_take_is_more_urgent_at_once(void **state) {
  (void)state;
  begin(true, "position_config.exit_rules.time_stop_minutes=5", NULL);
  script_ticker(&script, 0, 100.90, 100.95);
  script_bar(&script, 0, 101, 101.05, 100.9, 100.95);
  script_bar(&script, 0, 101, 101.05, 100.9, 100.95);
  script_ticker(&script, 0, 100.90, 100.95);
  script_wait(&script, 5000);
  const struct order *exit = script_order(&script, PURPOSE_EXIT);
  if (exit->type == ORDER_MARKET) { /* the quote was stale at the candle's close */
    script_close(&script);
    return;
  }
  script_forget(&script);
  script_reject(&script, id_of(PURPOSE_EXIT), REJECT_POST_ONLY);
  assert_int_equal(script_count_placed(&script, PURPOSE_EXIT), 1);
  assert_false(script_order(&script, PURPOSE_EXIT)->post_only);
  script_close(&script);
}

static void a_share_is_closed_and_targets_are_scaled(void **state) {
  (void)state;
  const struct position *position = begin(true, NULL, NULL);
  int64_t before = position->qty;
  script_ticker(&script, 0, 100.95, 101.00);
  close_share(0.5, true);
  const struct order *exit = script_order(&script, PURPOSE_MANUAL);
  int64_t part = exit->qty;
  assert_true(part >= before / 2 && part < before / 2 + DECIMAL_ONE / 10);
  assert_true(script_count(&script, INTENT_AMEND_ORDER) + script_count(&script, INTENT_CANCEL_ORDER) >=
              1); /* 40 % and 35 % no longer fit into 50 % */
  script_ack(&script, id_of(PURPOSE_MANUAL));
  script_fill_rest(&script, id_of(PURPOSE_MANUAL), 100.9);
  position = script_position(&script);
  assert_int_equal(position->qty, before - part);
  assert_int_not_equal(position->state, POSITION_EXITING);
  int64_t of_targets = 0;
  for (int32_t i = 0; i < position->targets_count; i++) of_targets += position->targets[i].qty;
  assert_true(of_targets <= position->qty);
  script_amended(&script, id_of(PURPOSE_STOP));
  assert_int_equal(script_order(&script, PURPOSE_STOP)->qty, position->qty);
  script_forget(&script);
  script_pass(&script, 60000);
  assert_int_equal(script_count_placed(&script, PURPOSE_MANUAL), 0);
  close_share(0.9999, false); /* the rest would be dust: everything */
  assert_int_equal(script_order(&script, PURPOSE_MANUAL)->qty, position->qty);
  assert_int_equal(script_position(&script)->state, POSITION_EXITING);
  script_close(&script);
}

static void a_kill_overtakes_a_partial_close(void **state) {
  (void)state;
  char id[ORDER_ID_MAX];
  begin_close(0.5, id);
  script_ack(&script, id);
  script_forget(&script);
  script_command(&script, COMMAND_KILL_SWITCH);
  assert_true(script_was_cancelled(&script, id));
  assert_int_equal(script_count_placed(&script, PURPOSE_FLATTEN), 0);
  script_update(&script, id, CHANGE_CANCELLED);
  assert_int_equal(script_order(&script, PURPOSE_FLATTEN)->qty, script_position(&script)->qty);
  assert_int_equal(script_order(&script, PURPOSE_FLATTEN)->type, ORDER_MARKET);
  script_close(&script);
}

static void an_unprotected_partial_close_is_ended_at_market(void **state) {
  (void)state;
  char id[ORDER_ID_MAX];
  begin_close(0.5, id);
  script_ack(&script, id);
  script_update(&script, id_of(PURPOSE_STOP), CHANGE_CANCELLED);
  for (int i = 0; i < 6; i++) {
    script_pass(&script, 1000);
    if (script_order(&script, PURPOSE_STOP)->state == ORDER_SENT) script_reject(&script, id_of(PURPOSE_STOP), REJECT_OTHER);
  }
  assert_true(script_was_cancelled(&script, id));
  script_update(&script, id, CHANGE_CANCELLED);
  assert_int_equal(script_order(&script, PURPOSE_EXIT)->type, ORDER_MARKET);
  script_close(&script);
}

static void targets_fill_to_the_last(void **state) {
  (void)state;
  begin(true, "position_config.tp1_size_pct=0.5", "position_config.tp2_size_pct=0.5");
  char ids[2][ORDER_ID_MAX];
  const struct position *position = script_position(&script);
  assert_int_equal(position->targets_count, 2);
  for (int i = 0; i < 2; i++) memcpy(ids[i], position->targets[i].client_order_id, ORDER_ID_MAX);
  script_fill(&script, ids[0], 1, decimal_to_double(position->targets[0].price));
  assert_int_equal(script_position(&script)->state, POSITION_PARTIAL_CLOSED);
  script_fill_rest(&script, ids[0], decimal_to_double(script_position(&script)->targets[0].price));
  assert_int_equal(script_position(&script)->targets[0].state, TARGET_FILLED);
  assert_int_equal(script_order(&script, PURPOSE_STOP)->state, ORDER_UNTRIGGERED);
  script_fill_rest(&script, ids[1], decimal_to_double(script_position(&script)->targets[1].price));
  assert_int_equal(script.trades[0].exit_reason, REASON_take_profit);
  assert_int_equal(script_order(&script, PURPOSE_STOP)->state, ORDER_CANCELLING); /* no order outlives its position */
  script_update(&script, id_of(PURPOSE_STOP), CHANGE_CANCELLED);
  script_close(&script);
}

static void a_target_fills_while_the_exit_is_on_its_way(void **state) {
  (void)state;
  begin(true, NULL, NULL);
  char target[ORDER_ID_MAX];
  memcpy(target, script_position(&script)->targets[0].client_order_id, sizeof target);
  close_share(1, true);
  script_fill_rest(&script, target, 101.5);
  int64_t left = script_position(&script)->qty;
  script_ack(&script, id_of(PURPOSE_MANUAL));
  script_fill(&script, id_of(PURPOSE_MANUAL), decimal_to_double(left), 100.9); /* reduce-only: the venue fills no more than is open */
  assert_int_equal(engine_position_count(script.engine), 0);
  assert_true(script_was_cancelled(&script, id_of(PURPOSE_MANUAL)));
  assert_false(script_alerts(&script, "late_fill"));
  script_close(&script);
}

static void an_exit_covers_what_grew_meanwhile(void **state) {
  (void)state;
  struct script_options options = {0};
  script_open(&script, &options);
  script_start(&script);
  char entry[ORDER_ID_MAX];
  memcpy(entry, script_break_out(&script, 0)->client_order_id, sizeof entry);
  script_fill(&script, entry, 5, 101); /* sent, not acknowledged */
  close_share(1, true);
  assert_int_equal(script_order(&script, PURPOSE_MANUAL)->qty, 5 * DECIMAL_ONE);
  script_fill(&script, entry, 3, 101);
  script_ack(&script, entry);
  assert_true(script_was_cancelled(&script, entry));
  char first[ORDER_ID_MAX];
  memcpy(first, id_of(PURPOSE_MANUAL), sizeof first);
  script_ack(&script, first);
  script_fill_rest(&script, first, 100.9);
  assert_int_equal(script_position(&script)->qty, 3 * DECIMAL_ONE);
  assert_int_equal(script_order(&script, PURPOSE_MANUAL)->qty, 3 * DECIMAL_ONE);
  script_update(&script, entry, CHANGE_CANCELLED);
  assert_int_equal(script_live(&script, PURPOSE_TARGET), 0);
  script_fill_rest(&script, id_of(PURPOSE_MANUAL), 100.9);
  assert_int_equal(engine_position_count(script.engine), 0);
  script_close(&script);
}

static void an_operator_cancels_a_target_for_good(void **state) {
  (void)state;
  begin(true, NULL, NULL);
  struct event_command cancel = {.command = COMMAND_CANCEL_ORDER};
  memcpy(cancel.client_order_id, script_position(&script)->targets[1].client_order_id, ORDER_ID_MAX);
  script_command_with(&script, cancel);
  assert_true(script_was_cancelled(&script, cancel.client_order_id));
  script_update(&script, cancel.client_order_id, CHANGE_CANCELLED);
  assert_int_equal(script_position(&script)->targets[1].state, TARGET_CANCELLED);
  script_agree(&script);
  script_link(&script, LINK_DOWN);
  script_link(&script, LINK_UP);
  script_answer(&script);
  script_pass(&script, 1000);
  assert_int_equal(script_position(&script)->targets[1].state, TARGET_CANCELLED);
  memcpy(cancel.client_order_id, "bb-nobody", 10);
  script_command_with(&script, cancel);
  assert_string_equal(script.reply.code, "not_found");
  script_close(&script);
}

static void an_add_on_is_sized_filled_and_protected(void **state) {
  (void)state;
  begin(true, "risk.risk_per_trade=0.0001", "position_config.fsm_config.running_breakeven_trigger_r=0.3"); /* far below the largest size */
  int64_t before = script_position(&script)->qty;
  static const double closes[] = {101.1, 101.15, 101.2, 101.24, 101.28, 101.3, 101.31, 101.32, 101.33, 101.34, 101.33, 101.34, 101.35};
  for (size_t i = 0; i < sizeof closes / sizeof closes[0] && script_count_placed(&script, PURPOSE_ADD_ON) == 0; i++) {
    script.now += 5 * MINUTE_MS - 100;
    script_ticker(&script, 0, closes[i] - 0.01, closes[i] + 0.01);
    script_bar(&script, 0, closes[i] - 0.02, closes[i] + 0.02, closes[i] - 0.03, closes[i]);
    for (int32_t k = 0; k < script.intent_count; k++) {
      if (script.intents[k].kind != INTENT_AMEND_ORDER) continue;
      script_amended(&script, script.intents[k].amend_order.client_order_id);
    }
  }
  assert_int_equal(script_count_placed(&script, PURPOSE_ADD_ON), 1);
  char id[ORDER_ID_MAX];
  memcpy(id, id_of(PURPOSE_ADD_ON), sizeof id);
  script_ack(&script, id);
  int64_t r_usd = script_position(&script)->r_usd;
  script_fill_rest(&script, id, script.price);
  const struct position *position = script_position(&script);
  assert_true(position->qty > before && position->add_on_used);
  assert_int_equal(position->r_usd, r_usd);
  assert_int_equal(position->qty_initial, before);
  script_amended(&script, id_of(PURPOSE_STOP));
  assert_int_equal(script_order(&script, PURPOSE_STOP)->qty, position->qty);
  assert_true(position->protected);
  assert_int_equal(engine_counts(script.engine)->add_ons, 1);
  script_close(&script);
}

static void a_delisting_closes_an_hour_before(void **state) {
  (void)state;
  begin(false, NULL, NULL);
  struct event event = {.kind = EVENT_INSTRUMENT, .instrument = {.symbol = 0, .instrument_count = 1}};
  event.instrument.instrument[0] = engine_market(script.engine, 0)->instrument;
  event.instrument.instrument[0].delisting_at = script.now + HOUR_MS + 5000;
  script_event(&script, event);
  script_pass(&script, 4999);
  assert_int_equal(script_count_placed(&script, PURPOSE_EXIT), 0);
  script_pass(&script, 1);
  assert_int_equal(script_order(&script, PURPOSE_EXIT)->type, ORDER_MARKET);
  script_fill_rest(&script, id_of(PURPOSE_EXIT), 100.9);
  assert_int_equal(script.trades[0].exit_reason, REASON_delisting);
  script_close(&script);
}

static void liquidation_and_adl_close_what_they_say(void **state) {
  (void)state;
  for (int is_adl = 0; is_adl < 2; is_adl++) {
    begin(false, NULL, NULL);
    int64_t before = script_position(&script)->qty;
    struct event part = {.kind = EVENT_ADL, .adl = {0, DECIMAL_ONE, 100 * DECIMAL_ONE, DECIMAL_ONE / 10}};
    script_event(&script, part);
    script_event(&script, part); /* told twice: the venue is asked */
    assert_int_equal(script_count_queries(&script, QUERY_POSITIONS), 1);
    script_agree(&script);
    script_answer(&script);
    assert_int_equal(script_position(&script)->qty, before - DECIMAL_ONE);
    assert_int_equal(script_count(&script, INTENT_AMEND_ORDER), 1);
    assert_true(script_alerts(&script, "adl"));
    assert_int_equal(engine_session_state(script.engine), SESSION_PAUSED); /* no entries until somebody has looked */
    struct event event = {.kind = is_adl ? EVENT_ADL : EVENT_LIQUIDATION};
    if (is_adl) event.adl = (struct event_adl){0, 0, 95 * DECIMAL_ONE, 0};
    if (!is_adl) event.liquidation = (struct event_liquidation){0, before, 95 * DECIMAL_ONE, DECIMAL_ONE};
    script_event(&script, event);
    assert_int_equal(engine_position_count(script.engine), 0);
    assert_int_equal(script.trades[0].exit_reason, is_adl ? REASON_adl : REASON_liquidation);
    assert_true(script_was_cancelled(&script, id_of(PURPOSE_STOP)));
    assert_int_equal(script_live(&script, PURPOSE_TARGET), 2); /* being cancelled */
    script_event(&script, event);                              /* nothing is open: nothing happens */
    assert_int_equal(script.trade_count, 1);
    script_close(&script);
  }
}

static void a_blind_position_keeps_its_stop(void **state) {
  (void)state;
  begin(true, NULL, NULL);
  script.now += 7 * MINUTE_MS;
  script_pass(&script, 0);
  assert_true(script_alerts(&script, "position_blind"));
  assert_int_equal(script_live(&script, PURPOSE_STOP), 1);
  assert_int_equal(script_count_placed(&script, PURPOSE_EXIT), 0);
  script_ticker(&script, 0, 101, 101.01);
  script_pass(&script, 1000);
  assert_false(script_alerts(&script, "position_blind"));
  script_close(&script);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_time_stop_grows_more_urgent),
      cmocka_unit_test(fills_of_an_attempt_count),
      cmocka_unit_test(a_share_beside_a_running_exit_is_refused),
      cmocka_unit_test(a_cancel_of_unknown_fate_does_not_stop_the_exit),
      cmocka_unit_test(refused_exits_go_on),
      cmocka_unit_test(a_market_exit_without_liquidity_waits_for_the_tick),
      cmocka_unit_test(a_post_only_exit_that_would_take_is_more_urgent_at_once),
      cmocka_unit_test(a_share_is_closed_and_targets_are_scaled),
      cmocka_unit_test(a_kill_overtakes_a_partial_close),
      cmocka_unit_test(an_unprotected_partial_close_is_ended_at_market),
      cmocka_unit_test(targets_fill_to_the_last),
      cmocka_unit_test(a_target_fills_while_the_exit_is_on_its_way),
      cmocka_unit_test(an_exit_covers_what_grew_meanwhile),
      cmocka_unit_test(an_operator_cancels_a_target_for_good),
      cmocka_unit_test(an_add_on_is_sized_filled_and_protected),
      cmocka_unit_test(a_delisting_closes_an_hour_before),
      cmocka_unit_test(liquidation_and_adl_close_what_they_say),
      cmocka_unit_test(a_blind_position_keeps_its_stop),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

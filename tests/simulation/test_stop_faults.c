/* The stop of an open position: it always covers exactly what is open, or the position is closed (execution 6). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "support/scripted_venue.h"

static struct script script;
static char entry[ORDER_ID_MAX], stop[ORDER_ID_MAX];

static void take_stop(void) {
  memcpy(stop, script_order(&script, PURPOSE_STOP)->client_order_id, sizeof stop);
}

/* An entry is filled whole or in part; its stop is on the way. */
static void begin(double filled) {
  struct script_options options = {.capabilities = CAPABILITY_TICKER};
  script_open(&script, &options);
  script_start(&script);
  memcpy(entry, script_break_out(&script, 0)->client_order_id, sizeof entry);
  script_ack(&script, entry);
  script_forget(&script);
  if (filled > 0) {
    script_fill(&script, entry, filled, 101);
  } else {
    script_fill_rest(&script, entry, 101);
  }
  take_stop();
}

static const struct order *market_exit(void) {
  const struct order *exit = script_order(&script, PURPOSE_EXIT);
  assert_int_equal(exit->type, ORDER_MARKET);
  assert_true(exit->reduce_only);
  return exit;
}

static void leave(enum reason_code reason) {
  script_ack(&script, script_order(&script, PURPOSE_EXIT)->client_order_id);
  script_fill_rest(&script, script_order(&script, PURPOSE_EXIT)->client_order_id, 100.7);
  assert_int_equal(script.trade_count, 1);
  assert_int_equal(script.trades[0].exit_reason, reason);
  script_close(&script);
}

static void beyond_the_price_is_an_exit_at_market(void **state) {
  (void)state;
  begin(0);
  script_reject(&script, stop, REJECT_PRICE);
  market_exit();
  leave(REASON_stop_loss);
}

static void another_refusal_is_tried_again_told_and_ended(void **state) {
  (void)state;
  begin(0);
  script_reject(&script, stop, REJECT_OTHER);
  assert_int_equal(script_count_placed(&script, PURPOSE_STOP), 1); /* not at once: a venue that refuses is not flooded */
  script_pass(&script, 1000);
  assert_int_equal(script_count_placed(&script, PURPOSE_STOP), 2);
  take_stop();
  script_reject(&script, stop, REJECT_OTHER);
  script_pass(&script, 999);
  assert_false(script_alerts(&script, "position_unprotected"));
  script_pass(&script, 1);
  assert_true(script_alerts(&script, "position_unprotected"));
  for (int i = 0; i < 2; i++) {
    script_reject(&script, script_order(&script, PURPOSE_STOP)->client_order_id, REJECT_OTHER);
    script_pass(&script, 1000);
  }
  assert_int_equal(script_count_placed(&script, PURPOSE_EXIT), 0);
  script_pass(&script, 1000);
  assert_string_equal(market_exit()->symbol, "AAA/USDT:USDT");
  leave(REASON_unprotected);
}

static void a_stop_of_unknown_fate_is_no_protection(void **state) {
  (void)state;
  begin(0);
  script_wait_alive(&script, 3000);
  assert_int_equal(script_find(&script, stop)->state, ORDER_UNKNOWN);
  assert_false(script_position(&script)->protected);
  script_wait_alive(&script, 2000);
  market_exit();
  assert_true(engine_counts(script.engine)->unprotected_ms == 0); /* counted when it ends */
  leave(REASON_unprotected);
}

static void a_resting_stop_whose_fate_becomes_unknown_is_no_protection(void **state) {
  (void)state;
  begin(0);
  script_ack(&script, stop);
  assert_true(script_position(&script)->protected);
  script_forget(&script);
  script_pass(&script, 1000);
  script_agree(&script);
  for (int32_t i = 0; i < script.order_count; i++) {
    if (strcmp(script.orders[i].client_order_id, stop) == 0) script.orders[i] = script.orders[--script.order_count];
  }
  script_pass(&script, 10);
  script_link(&script, LINK_DOWN);
  script_link(&script, LINK_UP);
  script_answer(&script);
  assert_int_equal(script_find(&script, stop)->state, ORDER_UNKNOWN);
  script_pass(&script, 10);
  assert_false(script_position(&script)->protected);
  script_found(&script, stop, ORDER_CANCELLED, 0);
  assert_int_equal(script_count_placed(&script, PURPOSE_STOP), 1);
  script_ack(&script, script_order(&script, PURPOSE_STOP)->client_order_id);
  assert_true(script_position(&script)->protected);
  assert_true(script_position(&script)->unprotected_ms >= 10);
  script_close(&script);
}

static void a_cancelled_stop_is_replaced_at_once(void **state) {
  (void)state;
  begin(0);
  script_ack(&script, stop);
  script_pass(&script, 1000);
  script_forget(&script);
  script_update(&script, stop, CHANGE_CANCELLED);
  assert_int_equal(script_count_placed(&script, PURPOSE_STOP), 1);
  assert_false(script_position(&script)->protected);
  take_stop();
  script_ack(&script, stop);
  assert_true(script_position(&script)->protected);
  script_update(&script, stop, CHANGE_CANCELLED); /* a venue that cancels at once gets the next one with the next tick */
  assert_int_equal(script_count_placed(&script, PURPOSE_STOP), 1);
  script_pass(&script, 1000);
  assert_int_equal(script_count_placed(&script, PURPOSE_STOP), 2);
  script_close(&script);
}

static void each_fill_resizes_the_stop(void **state) {
  (void)state;
  begin(2);
  script_fill(&script, entry, 1, 101); /* before the stop is acknowledged */
  script_ack(&script, stop);
  assert_false(script_position(&script)->protected); /* 2 of 3 */
  script_amended(&script, stop);
  assert_true(script_position(&script)->protected);
  assert_int_equal(script_find(&script, stop)->qty, 3 * DECIMAL_ONE);
  script_fill(&script, entry, 1, 101);
  assert_int_equal(script_count(&script, INTENT_AMEND_ORDER), 2);
  script_fill(&script, entry, 1, 101); /* while the amend is on its way */
  script_amended(&script, stop);
  assert_int_equal(script_count(&script, INTENT_AMEND_ORDER), 3);
  script_amended(&script, stop);
  assert_int_equal(script_find(&script, stop)->qty, 5 * DECIMAL_ONE);
  assert_int_equal(script_count_placed(&script, PURPOSE_STOP), 1); /* never a second one beside it */
  script_close(&script);
}

static void a_refused_or_unanswered_amend_is_asked_for_again(void **state) {
  (void)state;
  for (int way = 0; way < 4; way++) {
    begin(2);
    script_ack(&script, stop);
    script_fill(&script, entry, 1, 101);
    assert_int_equal(script_count(&script, INTENT_AMEND_ORDER), 1);
    if (way == 0) script_reject(&script, stop, REJECT_OTHER);
    if (way == 1) script_update(&script, stop, CHANGE_AMEND_REFUSED);
    if (way == 2) script_update(&script, stop, CHANGE_NO_ANSWER);
    if (way == 3) script_wait_alive(&script, 2900);
    assert_int_equal(script_count(&script, INTENT_AMEND_ORDER), 1);
    script_pass(&script, 100);
    assert_int_equal(script_count(&script, INTENT_AMEND_ORDER), 2);
    script_amended(&script, stop);
    assert_true(script_position(&script)->protected);
    script_close(&script);
  }
}

/* A stop that fits in size but rests at another price: nothing is unprotected, yet it must follow. */
static void a_refused_move_is_asked_for_again(void **state) {
  (void)state;
  begin(0);
  script_ack(&script, stop);
  script_forget(&script);
  script_command_with(
      &script,
      (struct event_command){.command = COMMAND_MOVE_STOP, .position_id = script_position(&script)->position_id, .price = 10080 * DECIMAL_ONE / 100});
  assert_int_equal(script_count(&script, INTENT_AMEND_ORDER), 1);
  script_reject(&script, stop, REJECT_OTHER);
  script_pass(&script, 1000);
  assert_int_equal(script_count(&script, INTENT_AMEND_ORDER), 2);
  script_amended(&script, stop);
  assert_int_equal(script_find(&script, stop)->trigger_price, 10080 * DECIMAL_ONE / 100);
  script_pass(&script, 1000);
  assert_int_equal(script_count(&script, INTENT_AMEND_ORDER), 2);
  script_close(&script);
}

static void a_move_beyond_the_price_is_an_exit_at_market(void **state) {
  (void)state;
  begin(0);
  script_ack(&script, stop);
  script_command_with(
      &script,
      (struct event_command){.command = COMMAND_MOVE_STOP, .position_id = script_position(&script)->position_id, .price = 10080 * DECIMAL_ONE / 100});
  script_reject(&script, stop, REJECT_PRICE);
  market_exit();
  leave(REASON_manual_stop);
}

static void operators_loosen_no_stop(void **state) {
  (void)state;
  begin(0);
  script_ack(&script, stop);
  int64_t before = script_position(&script)->stop;
  script_command_with(
      &script, (struct event_command){.command = COMMAND_MOVE_STOP, .position_id = script_position(&script)->position_id, .price = 90 * DECIMAL_ONE});
  assert_int_equal(script.reply.status, COMMAND_FAILED);
  script_command_with(&script, (struct event_command){
                                   .command = COMMAND_MOVE_STOP, .position_id = script_position(&script)->position_id, .price = 102 * DECIMAL_ONE});
  assert_int_equal(script.reply.status, COMMAND_FAILED);
  script_command_with(&script, (struct event_command){.command = COMMAND_MOVE_STOP, .position_id = 99, .price = 100 * DECIMAL_ONE});
  assert_string_equal(script.reply.code, "not_found");
  struct event_command cancel = {.command = COMMAND_CANCEL_ORDER};
  memcpy(cancel.client_order_id, stop, sizeof cancel.client_order_id);
  script_command_with(&script, cancel);
  assert_string_equal(script.reply.code, "not_cancellable");
  assert_int_equal(script_position(&script)->stop, before);
  script_close(&script);
}

static void a_triggered_stop_fills_in_parts(void **state) {
  (void)state;
  begin(10);
  script_ack(&script, stop);
  script_forget(&script);
  script_update(&script, stop, CHANGE_TRIGGERED);
  assert_int_equal(script_find(&script, stop)->state, ORDER_WORKING);
  assert_true(script_was_cancelled(&script, entry));
  script_fill(&script, stop, 4, 100.7);
  assert_int_equal(script_position(&script)->qty, 6 * DECIMAL_ONE);
  assert_int_equal(script_count_placed(&script, PURPOSE_STOP), 0);
  script_update(&script, stop, CHANGE_CANCELLED); /* no further liquidity: the rest is placed again, and refused as beyond */
  script_pass(&script, 1000);
  take_stop();
  script_reject(&script, stop, REJECT_PRICE);
  assert_int_equal(market_exit()->qty, 6 * DECIMAL_ONE);
  leave(REASON_stop_loss);
}

static void a_trigger_that_overtakes_the_acknowledgement_counts(void **state) {
  (void)state;
  begin(0);
  script_update(&script, stop, CHANGE_TRIGGERED);
  assert_int_equal(script_find(&script, stop)->state, ORDER_WORKING);
  script_ack(&script, stop);
  assert_int_equal(script_find(&script, stop)->state, ORDER_WORKING);
  script_fill_rest(&script, stop, 100.7);
  assert_int_equal(script.trades[0].exit_reason, REASON_stop_loss);
  script_close(&script);
}

static void target_and_stop_in_one_instant_do_not_flip(void **state) {
  (void)state;
  begin(0);
  script_ack(&script, stop);
  const struct order *target = script_order(&script, PURPOSE_TARGET);
  char id[ORDER_ID_MAX];
  memcpy(id, target->client_order_id, sizeof id);
  script_ack(&script, id);
  int64_t open = script_position(&script)->qty;
  script_forget(&script);
  script_fill_rest(&script, id, 101.5);
  assert_true(script_position(&script)->qty < open);
  script_fill(&script, stop, decimal_to_double(script_position(&script)->qty), 100.7);
  assert_int_equal(engine_position_count(script.engine), 0);
  assert_int_equal(script_live(&script, PURPOSE_STOP), 1); /* its size is still the old one: cancelled */
  assert_true(script_was_cancelled(&script, stop));
  script_fill(&script, stop, 1, 100.7); /* the venue was not reduce-only: told, and compared with the venue */
  assert_true(script_alerts(&script, "late_fill"));
  assert_true(script_count_queries(&script, QUERY_POSITIONS) >= 1);
  assert_int_equal(engine_position_count(script.engine), 0);
  for (int32_t i = 0; i < script.intent_count; i++) {
    if (script.intents[i].kind == INTENT_PLACE_ORDER) assert_true(script.intents[i].place_order.order[0].reduce_only);
  }
  script_close(&script);
}

static void a_close_beyond_the_stop_without_a_fill_is_watched(void **state) {
  (void)state;
  for (int is_triggered = 0; is_triggered < 2; is_triggered++) {
    begin(0);
    script_ack(&script, stop);
    if (is_triggered) script_update(&script, stop, CHANGE_TRIGGERED);
    script_ticker(&script, 0, 100.1, 100.12); /* the stop is near 100.74 */
    script_pass(&script, 1000);
    script_pass(&script, 1000);
    script_ticker(&script, 0, 100.1, 100.12);
    script_pass(&script, 1000);
    script_ticker(&script, 0, 100.1, 100.12);
    assert_int_equal(script_count_placed(&script, PURPOSE_EXIT), 0);
    script_pass(&script, 1000);
    script_pass(&script, 1000);
    market_exit();
    leave(REASON_stop_watch);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(beyond_the_price_is_an_exit_at_market),
      cmocka_unit_test(another_refusal_is_tried_again_told_and_ended),
      cmocka_unit_test(a_stop_of_unknown_fate_is_no_protection),
      cmocka_unit_test(a_resting_stop_whose_fate_becomes_unknown_is_no_protection),
      cmocka_unit_test(a_cancelled_stop_is_replaced_at_once),
      cmocka_unit_test(each_fill_resizes_the_stop),
      cmocka_unit_test(a_refused_or_unanswered_amend_is_asked_for_again),
      cmocka_unit_test(a_refused_move_is_asked_for_again),
      cmocka_unit_test(a_move_beyond_the_price_is_an_exit_at_market),
      cmocka_unit_test(operators_loosen_no_stop),
      cmocka_unit_test(a_triggered_stop_fills_in_parts),
      cmocka_unit_test(a_trigger_that_overtakes_the_acknowledgement_counts),
      cmocka_unit_test(target_and_stop_in_one_instant_do_not_flip),
      cmocka_unit_test(a_close_beyond_the_stop_without_a_fill_is_watched),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

/* An entry order and everything a venue can do to it: silence, refusals, late and doubled news. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "support/scripted_venue.h"

static struct script script;
static char entry[ORDER_ID_MAX];

static void begin(const char *change) { /* NULL: none */
  struct script_options options = {.changes = {change}};
  script_open(&script, &options);
  script_start(&script);
  memcpy(entry, script_break_out(&script, 0)->client_order_id, sizeof entry);
}

static enum order_state state_of(const char *id) {
  return (enum order_state)script_find(&script, id)->state;
}

static int64_t planned_qty(void) {
  return script_find(&script, entry)->qty;
}

static double qty(void) {
  return decimal_to_double(planned_qty());
}

/* The entry was not acknowledged for 3 s. */
static void fall_silent(void) {
  begin(NULL);
  script_wait_alive(&script, 3000);
  assert_int_equal(state_of(entry), ORDER_UNKNOWN);
  script_forget(&script);
}

static void a_signal_becomes_a_protected_position(void **state) {
  (void)state;
  begin(NULL);
  assert_int_equal(state_of(entry), ORDER_SENT);
  script_ack(&script, entry);
  assert_int_equal(state_of(entry), ORDER_WORKING);
  script_fill_rest(&script, entry, 101);
  const struct position *position = script_position(&script);
  assert_false(position->protected);
  assert_int_equal(position->mark, 101 * DECIMAL_ONE); /* equity counts it from the first fill on */
  assert_int_equal(script_order(&script, PURPOSE_STOP)->qty, position->qty);
  assert_int_equal(script_order(&script, PURPOSE_STOP)->trigger_price, position->stop);
  assert_true(script_order(&script, PURPOSE_STOP)->reduce_only);
  script_ack(&script, script_order(&script, PURPOSE_STOP)->client_order_id);
  assert_true(script_position(&script)->protected);
  assert_int_equal(script_live(&script, PURPOSE_TARGET), 2);
  script_close(&script);
}

static void an_unknown_order_is_asked_for_at_the_pauses_of_the_text(void **state) {
  (void)state;
  static const int64_t pauses[] = {200, 500, 1000, 2000, 4000, 5000, 5000};
  fall_silent();
  for (int i = 0; i < 7; i++) {
    script_link(&script, LINK_UP);
    script_pass(&script, pauses[i] - 1);
    assert_int_equal(script_count_queries(&script, QUERY_ORDER), i);
    script_pass(&script, 1);
    assert_int_equal(script_count_queries(&script, QUERY_ORDER), i + 1);
  }
  assert_int_equal(state_of(entry), ORDER_UNKNOWN);
  script_close(&script);
}

static void unanswered_questions_prove_nothing(void **state) {
  (void)state;
  fall_silent();
  script_wait_alive(&script, 20000);
  assert_true(script_count_queries(&script, QUERY_ORDER) > 5);
  script_not_found(&script, entry);
  assert_int_equal(state_of(entry), ORDER_UNKNOWN);
  for (int i = 0; i < 4; i++) script_not_found(&script, entry);
  assert_int_equal(state_of(entry), ORDER_REJECTED);
  script_close(&script);
}

static void not_found_five_times_and_five_seconds_is_not_arrived(void **state) {
  (void)state;
  fall_silent();
  for (int i = 0; i < 5; i++) script_not_found(&script, entry);
  assert_int_equal(state_of(entry), ORDER_UNKNOWN); /* the request may still act */
  script_wait_alive(&script, 4999);
  script_not_found(&script, entry);
  assert_int_equal(state_of(entry), ORDER_UNKNOWN);
  script_pass(&script, 1);
  script_not_found(&script, entry);
  assert_int_equal(state_of(entry), ORDER_REJECTED);
  assert_string_equal(script_find(&script, entry)->reject_code, "not_arrived");
  assert_int_equal(script.plan_count, 1);
  assert_int_equal(engine_position_count(script.engine), 0);
  assert_int_equal(script_count_queries(&script, QUERY_FILLS), 1); /* reconciled after an unknown order was resolved */
  script_forget(&script);
  script_ack(&script, entry); /* and then it lives after all */
  assert_true(script_was_cancelled(&script, entry));
  assert_true(script_alerts(&script, "late_acknowledgement"));
  script_close(&script);
}

static void a_silent_stream_proves_nothing(void **state) {
  (void)state;
  fall_silent();
  script_wait_alive(&script, 6000);
  for (int i = 0; i < 4; i++) script_not_found(&script, entry);
  script_link(&script, LINK_DOWN);
  for (int i = 0; i < 4; i++) script_not_found(&script, entry);
  script_link(&script, LINK_UP);
  for (int i = 0; i < 4; i++) script_not_found(&script, entry);
  assert_int_equal(state_of(entry), ORDER_UNKNOWN);
  script_not_found(&script, entry);
  assert_int_equal(state_of(entry), ORDER_REJECTED);
  script_close(&script);
}

static void found_in_each_state(void **state) {
  (void)state;
  static const struct {
    enum order_state found;
    enum order_state becomes;
  } rows[] = {{ORDER_WORKING, ORDER_WORKING},
              {ORDER_CANCELLED, ORDER_CANCELLED},
              {ORDER_REJECTED, ORDER_REJECTED},
              {ORDER_PARTIALLY_FILLED, ORDER_PARTIALLY_FILLED}};
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    fall_silent();
    bool is_part = rows[i].found == ORDER_PARTIALLY_FILLED;
    script_found(&script, entry, rows[i].found, is_part ? 1 : 0);
    assert_int_equal(state_of(entry), rows[i].becomes);
    assert_int_equal(script_count_queries(&script, QUERY_FILLS), 1);
    script_close(&script);
  }
}

static void found_filled_waits_for_its_fills(void **state) {
  (void)state;
  static const enum order_state ends[] = {ORDER_FILLED, ORDER_CANCELLED};
  for (int i = 0; i < 2; i++) {
    fall_silent();
    script_found(&script, entry, ends[i], ends[i] == ORDER_FILLED ? qty() : 5);
    assert_int_equal(state_of(entry), ORDER_UNKNOWN);
    assert_int_equal(script_count_queries(&script, QUERY_FILLS), 1); /* nobody else asks for them */
    script_fill(&script, entry, ends[i] == ORDER_FILLED ? qty() : 5, 101);
    assert_int_equal(script_live(&script, PURPOSE_STOP), 1);
    if (ends[i] == ORDER_CANCELLED) script_update(&script, entry, CHANGE_CANCELLED);
    assert_int_equal(state_of(entry), ends[i]);
    assert_int_equal(script_live(&script, PURPOSE_TARGET), 2);
    script_close(&script);
  }
}

static void a_late_acknowledgement_ends_the_doubt(void **state) {
  (void)state;
  fall_silent();
  script_ack(&script, entry);
  assert_int_equal(state_of(entry), ORDER_WORKING);
  script_fill_rest(&script, entry, 101);
  assert_int_equal(engine_position_count(script.engine), 1);
  script_close(&script);
}

static void doubt_is_told_after_30_s_and_ends_the_session_after_5_min(void **state) {
  (void)state;
  fall_silent();
  script_wait_alive(&script, 30000);
  assert_false(script_alerts(&script, "order_unknown"));
  script_wait_alive(&script, 200);
  assert_true(script_alerts(&script, "order_unknown"));
  for (int i = 0; i < 269; i++) script_wait_alive(&script, 1000);
  assert_int_equal(script_state(&script), SESSION_RUNNING);
  script_wait_alive(&script, 2000);
  assert_int_equal(script_state(&script), SESSION_ERROR);
  script_found(&script, entry, ORDER_WORKING, 0);
  assert_false(script_alerts(&script, "order_unknown"));
  assert_true(script_was_cancelled(&script, entry)); /* asked for when the session ended, sent when the outcome is known */
  script_close(&script);
}

static void no_answer_is_doubt_at_once(void **state) {
  (void)state;
  begin(NULL);
  script_update(&script, entry, CHANGE_NO_ANSWER);
  assert_int_equal(state_of(entry), ORDER_UNKNOWN);
  script_reject(&script, entry, REJECT_NOT_FOUND); /* of a cancel: says nothing of the order */
  assert_int_equal(state_of(entry), ORDER_UNKNOWN);
  script_reject(&script, entry, REJECT_MARGIN);
  assert_int_equal(state_of(entry), ORDER_REJECTED);
  script_close(&script);
}

static void a_refused_entry_ends_its_plan(void **state) {
  (void)state;
  static const enum reject_kind kinds[] = {REJECT_MARGIN, REJECT_RULE, REJECT_PRICE, REJECT_OTHER, REJECT_REDUCE_ONLY};
  for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
    begin(NULL);
    script_reject(&script, entry, kinds[i]);
    assert_int_equal(state_of(entry), ORDER_REJECTED);
    assert_int_equal(script.plan.ended_by, PLAN_REJECTED);
    script_wait_alive(&script, 5000);
    assert_int_equal(script_count_placed(&script, PURPOSE_ENTRY), 1); /* never looped */
    script_close(&script);
  }
}

static void a_post_only_refusal_is_tried_once_more(void **state) {
  (void)state;
  begin("execution_config.post_only=true");
  script_reject(&script, entry, REJECT_POST_ONLY);
  assert_int_equal(script_count_placed(&script, PURPOSE_ENTRY), 2);
  script_reject(&script, script_order(&script, PURPOSE_ENTRY)->client_order_id, REJECT_POST_ONLY);
  assert_int_equal(script_count_placed(&script, PURPOSE_ENTRY), 2);
  assert_int_equal(script.plan.ended_by, PLAN_REJECTED);
  script_close(&script);
}

static void an_end_that_overtakes_the_acknowledgement_is_an_end(void **state) {
  (void)state;
  begin(NULL);
  script_update(&script, entry, CHANGE_CANCELLED);
  assert_int_equal(state_of(entry), ORDER_CANCELLED);
  assert_int_equal(script.plan_count, 1);
  script_close(&script);
  begin(NULL);
  script_fill(&script, entry, 1, 101);
  assert_int_equal(state_of(entry), ORDER_PARTIALLY_FILLED);
  script_update(&script, entry, CHANGE_REJECTED);
  assert_int_equal(state_of(entry), ORDER_CANCELLED);
  assert_int_equal(script_position(&script)->qty, DECIMAL_ONE);
  script_close(&script);
}

static void cancel(void) {
  script_ack(&script, entry);
  script_forget(&script);
  script_command(&script, COMMAND_PAUSE);
  assert_int_equal(state_of(entry), ORDER_CANCELLING);
  assert_true(script_was_cancelled(&script, entry));
  script_forget(&script);
}

static void a_refused_cancel_is_tried_again_after_a_second(void **state) {
  (void)state;
  for (int is_partial = 0; is_partial < 2; is_partial++) {
    begin(NULL);
    if (is_partial) script_fill(&script, entry, 1, 101);
    cancel();
    script_reject(&script, entry, REJECT_NOT_CANCELLABLE);
    assert_int_equal(state_of(entry), is_partial ? ORDER_PARTIALLY_FILLED : ORDER_WORKING);
    script_agree(&script);
    script_answer(&script);
    script_pass(&script, 999);
    assert_int_equal(script_count(&script, INTENT_CANCEL_ORDER), 0);
    script_pass(&script, 1);
    assert_true(script_was_cancelled(&script, entry));
    assert_int_equal(state_of(entry), ORDER_CANCELLING);
    script_update(&script, entry, CHANGE_CANCELLED);
    assert_int_equal(script.reply.status, COMMAND_DONE);
    script_close(&script);
  }
}

static void a_cancel_of_a_filled_order_waits_for_the_fill(void **state) {
  (void)state;
  begin(NULL);
  cancel();
  script_reject(&script, entry, REJECT_NOT_FOUND);
  assert_int_equal(state_of(entry), ORDER_CANCELLING);
  script_fill_rest(&script, entry, 101);
  assert_int_equal(state_of(entry), ORDER_FILLED);
  assert_int_equal(script_live(&script, PURPOSE_STOP), 1);
  script_close(&script);
}

static void a_cancel_without_an_answer_is_asked_for_and_sent_again(void **state) {
  (void)state;
  for (int by_fill = 0; by_fill < 2; by_fill++) {
    begin(NULL);
    cancel();
    script_wait_alive(&script, 3000);
    assert_int_equal(state_of(entry), ORDER_UNKNOWN);
    if (by_fill) {
      script_fill(&script, entry, 1, 101);
    } else {
      script_found(&script, entry, ORDER_WORKING, 0);
    }
    assert_int_equal(state_of(entry), ORDER_CANCELLING);
    assert_true(script_was_cancelled(&script, entry));
    script_close(&script);
  }
}

static void a_cancel_waits_for_the_acknowledgement(void **state) {
  (void)state;
  begin(NULL);
  script_forget(&script);
  script_command(&script, COMMAND_PAUSE);
  assert_int_equal(script_count(&script, INTENT_CANCEL_ORDER), 0);
  script_ack(&script, entry);
  assert_true(script_was_cancelled(&script, entry));
  script_close(&script);
}

static void a_fill_after_the_cancel_is_a_complete_position(void **state) {
  (void)state;
  begin(NULL);
  cancel();
  script_update(&script, entry, CHANGE_CANCELLED);
  assert_int_equal(script.plan_count, 1);
  script_fill(&script, entry, 5, 101);
  const struct position *position = script_position(&script);
  assert_true(script_alerts(&script, "late_fill"));
  assert_int_equal(position->qty, 5 * DECIMAL_ONE);
  assert_true(position->entry_completed_at != 0 && position->state != POSITION_OPENING && position->r_usd > 0);
  assert_int_equal(script_live(&script, PURPOSE_STOP), 1);
  assert_int_equal(script_live(&script, PURPOSE_TARGET), 2);
  script_close(&script);
}

static void a_late_fill_of_a_closed_position_is_closed(void **state) {
  (void)state;
  begin(NULL);
  script_ack(&script, entry);
  script_fill(&script, entry, 5, 101);
  char stop[ORDER_ID_MAX];
  memcpy(stop, script_order(&script, PURPOSE_STOP)->client_order_id, sizeof stop);
  script_ack(&script, stop);
  script_update(&script, stop, CHANGE_TRIGGERED);
  assert_int_equal(state_of(entry), ORDER_CANCELLING); /* no entry for a position that closes */
  script_fill_rest(&script, stop, 100.7);
  assert_int_equal(engine_position_count(script.engine), 0);
  script_forget(&script);
  script_fill(&script, entry, 2, 101);
  assert_int_equal(engine_position_count(script.engine), 1);
  assert_int_equal(script_count_placed(&script, PURPOSE_STOP), 1);
  script_update(&script, entry, CHANGE_CANCELLED);
  script_wait(&script, 200);
  script_fill(&script, entry, 1, 101); /* and one more */
  const struct order *exit = script_order(&script, PURPOSE_FLATTEN);
  assert_int_equal(exit->type, ORDER_MARKET);
  assert_true(exit->reduce_only);
  assert_string_not_equal(script_order(&script, PURPOSE_STOP)->client_order_id, stop);
  script_ack(&script, exit->client_order_id);
  script_fill_rest(&script, exit->client_order_id, 100.6);
  if (engine_position_count(script.engine) > 0) script_fill_rest(&script, script_order(&script, PURPOSE_FLATTEN)->client_order_id, 100.6);
  assert_int_equal(engine_position_count(script.engine), 0);
  assert_int_equal(script.trade_count, 2);
  script_close(&script);
}

static void a_fill_is_applied_once(void **state) {
  (void)state;
  begin(NULL);
  script_ack(&script, entry);
  script_fill(&script, entry, 5, 101);
  int64_t cash = engine_ledger(script.engine)->cash_usd;
  --script.fill_count;
  script_fill(&script, entry, 5, 101);
  assert_int_equal(script_position(&script)->qty, 5 * DECIMAL_ONE);
  assert_int_equal(engine_ledger(script.engine)->cash_usd, cash);
  script_close(&script);
}

/* More than was ordered is ours all the same: counted, protected, told and compared with the venue. */
static void more_is_filled_than_was_ordered(void **state) {
  (void)state;
  for (int is_second = 0; is_second < 2; is_second++) {
    begin(NULL);
    script_ack(&script, entry);
    if (is_second) script_fill_rest(&script, entry, 101);
    script_fill(&script, entry, is_second ? 1 : qty() + 1, 101);
    assert_int_equal(script_position(&script)->qty, planned_qty() + DECIMAL_ONE);
    assert_true(script_alerts(&script, "excess_fill"));
    assert_int_equal(script_count_queries(&script, QUERY_POSITIONS), 1);
    script_ack(&script, script_order(&script, PURPOSE_STOP)->client_order_id);
    if (is_second) script_amended(&script, script_order(&script, PURPOSE_STOP)->client_order_id);
    assert_int_equal(script_order(&script, PURPOSE_STOP)->qty, planned_qty() + DECIMAL_ONE);
    script_close(&script);
  }
}

static void a_fill_without_quantity_or_price_is_told_and_dropped(void **state) {
  (void)state;
  begin(NULL);
  script_ack(&script, entry);
  script_fill(&script, entry, 0, 101);
  script_fill(&script, entry, 1, 0);
  assert_true(script_alerts(&script, "bad_fill"));
  assert_int_equal(engine_position_count(script.engine), 0);
  script_close(&script);
}

static void an_entry_that_ends_in_part_is_a_smaller_position(void **state) {
  (void)state;
  begin("execution_config.deadman_timeout_ms=5000");
  script_ack(&script, entry);
  script_fill(&script, entry, 4, 101);
  script_ack(&script, script_order(&script, PURPOSE_STOP)->client_order_id);
  script_forget(&script);
  script_wait(&script, 5000);
  assert_true(script_was_cancelled(&script, entry));
  script_update(&script, entry, CHANGE_CANCELLED);
  assert_int_equal(script.plan.ended_by, PLAN_DEADMAN);
  const struct position *position = script_position(&script);
  assert_int_equal(position->qty_initial, 4 * DECIMAL_ONE);
  assert_int_equal(script_order(&script, PURPOSE_STOP)->qty, 4 * DECIMAL_ONE);
  assert_int_equal(script_live(&script, PURPOSE_TARGET), 2);
  int64_t of_targets = 0;
  for (int32_t i = 0; i < position->targets_count; i++) of_targets += position->targets[i].qty;
  assert_true(of_targets <= 4 * DECIMAL_ONE);
  script_close(&script);
}

static void a_missing_fill_is_asked_for(void **state) {
  (void)state;
  begin(NULL);
  script_ack(&script, entry);
  script_forget(&script);
  struct event event = {.kind = EVENT_ORDER_UPDATE,
                        .order_update = {.change = CHANGE_CANCELLED, .filled_qty = 3 * DECIMAL_ONE, .qty = planned_qty()}};
  text_copy(event.order_update.client_order_id, ORDER_ID_MAX, entry);
  script_event(&script, event);
  assert_int_equal(script_count_queries(&script, QUERY_FILLS), 1);
  script_fill(&script, entry, 3, 101);
  assert_int_equal(script_position(&script)->qty, 3 * DECIMAL_ONE);
  assert_true(script_position(&script)->entry_completed_at != 0);
  script_close(&script);
}

static void no_further_slice_when_entries_are_off(void **state) {
  (void)state;
  for (int way = 0; way < 3; way++) {
    begin("execution_config.enable_iceberg=true");
    script_ack(&script, entry);
    struct event storage = {.kind = EVENT_STORAGE};
    struct event clock = {.kind = EVENT_CLOCK_OFFSET, .clock_offset = {1001}};
    if (way == 0) script_event(&script, storage);
    if (way == 1) script_event(&script, clock);
    if (way == 2) script_link(&script, LINK_DOWN);
    script_forget(&script);
    script_fill_rest(&script, entry, 101);
    script_wait(&script, 3000);
    assert_int_equal(script_count_placed(&script, PURPOSE_ENTRY), 0);
    assert_int_equal(script_live(&script, PURPOSE_STOP), 1);
    script_close(&script);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_signal_becomes_a_protected_position),
      cmocka_unit_test(an_unknown_order_is_asked_for_at_the_pauses_of_the_text),
      cmocka_unit_test(unanswered_questions_prove_nothing),
      cmocka_unit_test(not_found_five_times_and_five_seconds_is_not_arrived),
      cmocka_unit_test(a_silent_stream_proves_nothing),
      cmocka_unit_test(found_in_each_state),
      cmocka_unit_test(found_filled_waits_for_its_fills),
      cmocka_unit_test(a_late_acknowledgement_ends_the_doubt),
      cmocka_unit_test(doubt_is_told_after_30_s_and_ends_the_session_after_5_min),
      cmocka_unit_test(no_answer_is_doubt_at_once),
      cmocka_unit_test(a_refused_entry_ends_its_plan),
      cmocka_unit_test(a_post_only_refusal_is_tried_once_more),
      cmocka_unit_test(an_end_that_overtakes_the_acknowledgement_is_an_end),
      cmocka_unit_test(a_refused_cancel_is_tried_again_after_a_second),
      cmocka_unit_test(a_cancel_of_a_filled_order_waits_for_the_fill),
      cmocka_unit_test(a_cancel_without_an_answer_is_asked_for_and_sent_again),
      cmocka_unit_test(a_cancel_waits_for_the_acknowledgement),
      cmocka_unit_test(a_fill_after_the_cancel_is_a_complete_position),
      cmocka_unit_test(a_late_fill_of_a_closed_position_is_closed),
      cmocka_unit_test(a_fill_is_applied_once),
      cmocka_unit_test(more_is_filled_than_was_ordered),
      cmocka_unit_test(a_fill_without_quantity_or_price_is_told_and_dropped),
      cmocka_unit_test(an_entry_that_ends_in_part_is_a_smaller_position),
      cmocka_unit_test(a_missing_fill_is_asked_for),
      cmocka_unit_test(no_further_slice_when_entries_are_off),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

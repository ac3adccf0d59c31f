/* Answers of the venue that are late, double, out of order, or about nothing that we know: nothing is done twice, and no money is lost sight of. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/calendar.h"
#include "support/scripted_venue.h"

static struct script script;
static char entry[ORDER_ID_MAX];

/* An entry order is on its way. */
static void begin(int32_t symbols) {
  script_open(&script, &(struct script_options){.symbols = symbols});
  script_start(&script);
  memcpy(entry, script_break_out(&script, 0)->client_order_id, sizeof entry);
}

static enum order_state state_of(const char *id) {
  return (enum order_state)script_find(&script, id)->state;
}

static const char *id_of(enum order_purpose purpose) {
  static char id[ORDER_ID_MAX];
  memcpy(id, script_order(&script, purpose)->client_order_id, sizeof id);
  return id;
}

/* News about an order that this engine never made. */
static void tell_of_a_stranger(enum event_kind kind) {
  static const char id[] = "zz-000000-00000001-E00-00";
  struct event event = {.kind = (int32_t)kind};
  if (kind == EVENT_ORDER_ACK) text_copy(event.order_ack.client_order_id, ORDER_ID_MAX, id);
  if (kind == EVENT_ORDER_REJECT) text_copy(event.order_reject.client_order_id, ORDER_ID_MAX, id);
  if (kind == EVENT_ORDER_UPDATE) text_copy(event.order_update.client_order_id, ORDER_ID_MAX, id);
  if (kind == EVENT_QUERY_RESULT) {
    event.query_result.query = QUERY_ORDER;
    text_copy(event.query_result.client_order_id, ORDER_ID_MAX, id);
  }
  script_event(&script, event);
}

static void news_of_strangers_change_nothing(void **state) {
  (void)state;
  static const enum event_kind kinds[] = {EVENT_ORDER_ACK, EVENT_ORDER_REJECT, EVENT_ORDER_UPDATE, EVENT_QUERY_RESULT};
  begin(1);
  script_ack(&script, entry);
  script_forget(&script);
  int32_t orders = engine_order_count(script.engine);
  for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) tell_of_a_stranger(kinds[i]);
  assert_int_equal(script.intent_count, 0);
  assert_int_equal(engine_order_count(script.engine), orders);
  assert_int_equal(state_of(entry), ORDER_WORKING);
  assert_int_equal(engine_alert_count(script.engine), 0);
  script_close(&script);
}

static void fill_of_a_stranger(int32_t symbol, const char *fill_id) {
  struct event event = {
      .kind = EVENT_FILL,
      .fill = {.symbol = symbol, .side = ORDER_BUY, .qty = DECIMAL_ONE, .price = 101 * DECIMAL_ONE, .fee_usd = DECIMAL_ONE, .venue_ts = script.now}};
  text_copy(event.fill.client_order_id, ORDER_ID_MAX, "web-7");
  text_copy(event.fill.venue_fill_id, ORDER_ID_MAX, fill_id);
  script_event(&script, event);
}

/* It is told, and the venue is asked what lies there now, in symbols that we know. No money of ours is booked. */
static void a_stranger_that_fills_is_told_and_asked_for_in_our_symbols(void **state) {
  (void)state;
  script_open(&script, &(struct script_options){.symbols = 2});
  script_start(&script);
  script_enter(&script, 0);
  int64_t qty = script_position(&script)->qty;
  int64_t cash = engine_ledger(script.engine)->cash_usd;
  static const int32_t elsewhere[] = {-1, 2};
  for (size_t i = 0; i < sizeof elsewhere / sizeof elsewhere[0]; i++) {
    char fill_id[16];
    snprintf(fill_id, sizeof fill_id, "w-%zu", i);
    fill_of_a_stranger(elsewhere[i], fill_id);
    assert_true(script_alerts(&script, "foreign_fill"));
    assert_int_equal(script_count_queries(&script, QUERY_POSITIONS), 0);
  }
  script_agree(&script);
  for (int32_t symbol = 0; symbol < 2; symbol++) {
    fill_of_a_stranger(symbol, symbol == 0 ? "w-8" : "w-9");
    assert_int_equal(script_count_queries(&script, QUERY_POSITIONS), symbol + 1);
    script_answer(&script);
  }
  assert_int_equal(script_position(&script)->qty, qty);
  assert_int_equal(engine_ledger(script.engine)->cash_usd, cash);
  script_close(&script);
}

static void news_after_the_end_change_nothing(void **state) {
  (void)state;
  static const enum order_change changes[] = {CHANGE_CANCELLED, CHANGE_REJECTED, CHANGE_NO_ANSWER, CHANGE_CANCEL_REFUSED, CHANGE_AMEND_REFUSED};
  begin(1);
  script_ack(&script, entry);
  script_update(&script, entry, CHANGE_CANCELLED);
  int32_t plans = script.plan_count;
  script_forget(&script);
  for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) script_update(&script, entry, changes[i]);
  script_reject(&script, entry, REJECT_MARGIN);
  script_found(&script, entry, ORDER_WORKING, 0);
  assert_int_equal(state_of(entry), ORDER_CANCELLED);
  assert_int_equal(script.plan_count, plans);
  assert_int_equal(script.intent_count, 0);
  script_close(&script);
}

/* The refusal comes over the stream of changes: before the acknowledgement, while the outcome is open, and of an order that rests. */
static void a_refusal_may_come_as_a_change(void **state) {
  (void)state;
  for (int when = 0; when < 3; when++) {
    begin(1);
    if (when == 1) script_update(&script, entry, CHANGE_NO_ANSWER);
    if (when == 2) script_ack(&script, entry);
    script_update(&script, entry, CHANGE_REJECTED);
    assert_int_equal(state_of(entry), ORDER_REJECTED);
    assert_string_equal(script_find(&script, entry)->reject_code, "script");
    assert_int_equal(script.plan_count, 1);
    assert_int_equal(script.plan.filled_qty, 0);
    assert_int_equal(engine_position_count(script.engine), 0);
    script_close(&script);
  }
}

/* The rest of an entry is refused after a part was filled: the part is a whole, protected position. */
static void what_was_filled_before_a_refusal_stays(void **state) {
  (void)state;
  begin(1);
  script_ack(&script, entry);
  script_fill(&script, entry, 5, 101);
  script_update(&script, entry, CHANGE_REJECTED);
  assert_int_equal(state_of(entry), ORDER_CANCELLED);
  assert_int_equal(script_position(&script)->qty, 5 * DECIMAL_ONE);
  assert_true(script_position(&script)->entry_completed_at != 0);
  assert_int_equal(script_order(&script, PURPOSE_STOP)->qty, 5 * DECIMAL_ONE);
  script_close(&script);
}

static void begin_cancelling(void) {
  begin(1);
  script_ack(&script, entry);
  script_command(&script, COMMAND_PAUSE);
  assert_int_equal(state_of(entry), ORDER_CANCELLING);
}

static void a_refused_cancel_of_a_part_filled_order_leaves_its_rest(void **state) {
  (void)state;
  begin_cancelling();
  script_fill(&script, entry, 5, 101);
  assert_int_equal(state_of(entry), ORDER_CANCELLING);
  script_update(&script, entry, CHANGE_CANCEL_REFUSED);
  assert_int_equal(state_of(entry), ORDER_PARTIALLY_FILLED);
  script_agree(&script);
  script_answer(&script);
  script_forget(&script);
  script_wait(&script, 1100);
  assert_true(script_was_cancelled(&script, entry)); /* still wanted */
  script_close(&script);
}

/* A venue that will not cancel an order may have ended it unheard: it is asked for what it has, once more when it was being asked already, and the
 * cancel waits three seconds for the answer. */
static void a_refused_cancel_asks_what_the_venue_has(void **state) {
  (void)state;
  begin_cancelling();
  script_agree(&script);
  script_forget(&script);
  script_update(&script, entry, CHANGE_CANCEL_REFUSED);
  assert_int_equal(script_count_queries(&script, QUERY_ORDERS), 1);
  script_wait_alive(&script, 2500);
  assert_false(script_was_cancelled(&script, entry));
  script_wait_alive(&script, 600);
  assert_true(script_was_cancelled(&script, entry));
  script_update(&script, entry, CHANGE_CANCEL_REFUSED);
  assert_int_equal(script_count_queries(&script, QUERY_ORDERS), 1);
  script_answer(&script);
  assert_int_equal(script_count_queries(&script, QUERY_ORDERS), 2);
  script_answer(&script);
  assert_int_equal(script_count_queries(&script, QUERY_ORDERS), 2);
  assert_string_equal(script.reconciliation.cause, "cancel_refused");
  script_close(&script);
}

static void a_refused_cancel_of_an_order_that_is_gone_ends_it(void **state) {
  (void)state;
  begin_cancelling();
  script_wait(&script, 100);
  script_agree(&script);
  script.order_count = 0;
  script_update(&script, entry, CHANGE_CANCEL_REFUSED);
  assert_int_equal(state_of(entry), ORDER_WORKING);
  script_answer(&script);
  assert_int_equal(state_of(entry), ORDER_UNKNOWN);
  script_found(&script, entry, ORDER_CANCELLED, 0);
  assert_true(order_is_ended(script_find(&script, entry)));
  script_close(&script);
}

static void a_part_filled_order_of_unknown_fate_is_found_as_such(void **state) {
  (void)state;
  begin_cancelling();
  script_fill(&script, entry, 5, 101);
  script_wait_alive(&script, 3000);
  assert_int_equal(state_of(entry), ORDER_UNKNOWN);
  script_forget(&script);
  script_ack(&script, entry); /* an acknowledgement that was delayed until now */
  assert_int_equal(state_of(entry), ORDER_CANCELLING);
  assert_true(script_was_cancelled(&script, entry));
  script_update(&script, entry, CHANGE_CANCEL_REFUSED);
  assert_int_equal(state_of(entry), ORDER_PARTIALLY_FILLED);
  script_close(&script);
}

/* An amend that overtakes a cancel changes what rests, not that it is being cancelled. */
static void a_change_of_an_order_being_cancelled_counts(void **state) {
  (void)state;
  begin_cancelling();
  int64_t smaller = script_find(&script, entry)->qty - DECIMAL_ONE;
  struct event event = {.kind = EVENT_ORDER_UPDATE,
                        .order_update = {.change = CHANGE_AMENDED, .qty = smaller, .price = DECIMAL_NULL, .trigger_price = DECIMAL_NULL}};
  text_copy(event.order_update.client_order_id, ORDER_ID_MAX, entry);
  script_event(&script, event);
  assert_int_equal(state_of(entry), ORDER_CANCELLING);
  assert_int_equal(script_find(&script, entry)->qty, smaller);
  script_close(&script);
}

static void close_at_market(void) {
  script_command_with(
      &script, (struct event_command){
                   .command = COMMAND_CLOSE_POSITION, .position_id = script_position(&script)->position_id, .fraction = 1, .is_immediate = true});
}

/* The exit filled, and the stop triggered before its cancel arrived: it has opened the other side, so the venue is asked at once. */
static void a_stop_that_triggers_while_it_is_cancelled_is_seen(void **state) {
  (void)state;
  script_open(&script, &(struct script_options){.symbols = 1});
  script_start(&script);
  script_enter(&script, 0);
  char stop[ORDER_ID_MAX];
  memcpy(stop, id_of(PURPOSE_STOP), sizeof stop);
  close_at_market();
  script_ack(&script, id_of(PURPOSE_MANUAL));
  script_fill_rest(&script, id_of(PURPOSE_MANUAL), 100.9);
  assert_int_equal(state_of(stop), ORDER_CANCELLING);
  script_update(&script, stop, CHANGE_TRIGGERED);
  script_update(&script, stop, CHANGE_CANCEL_REFUSED);
  assert_int_equal(state_of(stop), ORDER_WORKING); /* it no longer waits for its trigger */
  script_agree(&script);
  script_answer(&script);
  script_forget(&script);
  int64_t fees = engine_ledger(script.engine)->fees_usd;
  script_fill_rest(&script, stop, 100.8);
  assert_true(script_alerts(&script, "late_fill"));
  assert_int_equal(script_count_queries(&script, QUERY_POSITIONS), 1);
  assert_true(engine_ledger(script.engine)->fees_usd > fees);
  assert_int_equal(engine_position_count(script.engine), 0);
  script_close(&script);
}

/* A target filled in part and the stop, not yet smaller, fills whole: what is too much opened the other side. Only what was open is booked. */
static void a_stop_that_closes_more_than_was_open_is_told(void **state) {
  (void)state;
  script_open(&script, &(struct script_options){.symbols = 1});
  script_start(&script);
  const struct position *position = script_enter(&script, 0);
  char stop[ORDER_ID_MAX];
  char target[ORDER_ID_MAX];
  memcpy(stop, id_of(PURPOSE_STOP), sizeof stop);
  memcpy(target, position->targets[0].client_order_id, sizeof target);
  script_fill(&script, target, 3, 101.5);
  script_update(&script, stop, CHANGE_TRIGGERED);
  script_forget(&script);
  int64_t realised = engine_ledger(script.engine)->realised_usd;
  int64_t open = position->qty;
  script_fill_rest(&script, stop, 100);
  assert_int_equal(engine_position_count(script.engine), 0);
  assert_true(script_alerts(&script, "late_fill"));
  assert_int_equal(script_count_queries(&script, QUERY_POSITIONS), 1);
  assert_int_equal(script.trade_count, 1);
  int64_t lost = decimal_multiply(open, DECIMAL_ONE); /* 1 USD a unit, from 101 to 100 */
  assert_int_equal(engine_ledger(script.engine)->realised_usd - realised, -lost);
  script_close(&script);
}

static void a_fill_without_a_time_happened_now(void **state) {
  (void)state;
  begin(1);
  script_ack(&script, entry);
  script_pass(&script, 700);
  const struct order *order = script_find(&script, entry);
  struct event event = {.kind = EVENT_FILL, .fill = {.symbol = 0, .side = order->side, .qty = order->qty, .price = 101 * DECIMAL_ONE}};
  text_copy(event.fill.client_order_id, ORDER_ID_MAX, entry);
  text_copy(event.fill.venue_fill_id, ORDER_ID_MAX, "f");
  script_event(&script, event);
  assert_int_equal(script_position(&script)->opened_at, script.now);
  script_close(&script);
}

/* An answer to a question that names an order but brings none proves as little as one that did not find it. */
static void an_empty_answer_is_not_found(void **state) {
  (void)state;
  begin(1);
  script_update(&script, entry, CHANGE_NO_ANSWER);
  for (int i = 0; i < 8 && state_of(entry) == ORDER_UNKNOWN; i++) {
    struct event event = {.kind = EVENT_QUERY_RESULT, .query_result = {.query = QUERY_ORDER, .is_found = true}};
    text_copy(event.query_result.client_order_id, ORDER_ID_MAX, entry);
    script_event(&script, event);
    script_wait_alive(&script, 2000);
  }
  assert_int_equal(state_of(entry), ORDER_REJECTED);
  assert_string_equal(script_find(&script, entry)->reject_code, "not_arrived");
  script_close(&script);
}

/* The venue's list showed the position before the news of its fill came, and an operator took it over: the late fill is no second position. */
static void a_late_fill_of_an_adopted_position_adds_nothing(void **state) {
  (void)state;
  begin(1);
  script_ack(&script, entry);
  script_command(&script, COMMAND_PAUSE);
  script_update(&script, entry, CHANGE_CANCELLED);
  int64_t qty = script_find(&script, entry)->qty;
  script.positions[script.position_count++] = (struct venue_position){0, SIDE_LONG, qty, 101 * DECIMAL_ONE};
  script_link(&script, LINK_DOWN);
  script_link(&script, LINK_UP);
  script_answer(&script);
  script_command_with(
      &script, (struct event_command){.command = COMMAND_ADOPT, .symbol = "AAA/USDT:USDT", .price = decimal_from_double(99.5), .is_confirmed = true});
  assert_int_equal(engine_position_count(script.engine), 1);
  script_ack(&script, id_of(PURPOSE_STOP));
  script_forget(&script);
  script_fill_rest(&script, entry, 101);
  assert_int_equal(engine_position_count(script.engine), 1);
  assert_int_equal(script_position(&script)->qty, qty);
  assert_true(script_alerts(&script, "late_fill"));
  assert_int_equal(script_count_queries(&script, QUERY_POSITIONS), 1);
  script_answer(&script);
  assert_int_equal(script.reconciliation.differences, 0);
  assert_int_equal(script_position(&script)->qty, qty);
  script_close(&script);
}

/* Every order has a name of its own, also those of a second position of one plan: the venue would take a used one for a repeat. */
static void assert_ids_differ(void) {
  for (int32_t i = 0; i < engine_order_count(script.engine); i++) {
    for (int32_t k = 0; k < i; k++)
      assert_string_not_equal(engine_order(script.engine, i)->client_order_id, engine_order(script.engine, k)->client_order_id);
  }
}

static void a_leftover_counts_its_orders_on(void **state) {
  (void)state;
  script_open(&script, &(struct script_options){.symbols = 2});
  script_start(&script);
  script_enter(&script, 1); /* orders of another plan stay out of it */
  memcpy(entry, script_break_out(&script, 0)->client_order_id, sizeof entry);
  script_ack(&script, entry);
  script_fill(&script, entry, 10, 101);
  script_command(&script, COMMAND_CANCEL_ALL);
  script_update(&script, entry, CHANGE_CANCELLED); /* complete with a part: targets are placed */
  const struct position *position = engine_position(script.engine, 1);
  int64_t second = position->position_id;
  assert_int_equal(position->qty, 10 * DECIMAL_ONE);
  script_pass(&script, 100);
  script_command_with(&script, (struct event_command){.command = COMMAND_CLOSE_POSITION, .position_id = second, .fraction = 1, .is_immediate = true});
  script_ack(&script, id_of(PURPOSE_MANUAL));
  script_fill_rest(&script, id_of(PURPOSE_MANUAL), 100.9);
  assert_int_equal(engine_position_count(script.engine), 1);
  script_fill(&script, entry, 2, 101); /* before its cancel, told after */
  assert_int_equal(engine_position_count(script.engine), 2);
  script_pass(&script, 100);
  const struct order *exit = script_order(&script, PURPOSE_FLATTEN);
  assert_true(exit->reduce_only && exit->qty == 2 * DECIMAL_ONE);
  assert_ids_differ();
  script_close(&script);
}

/* An entry filled in part, 10 at 101, and closed by hand; stop is the order that rested for it. */
static void begin_closed_by_hand(char stop[ORDER_ID_MAX]) {
  begin(1);
  script_ack(&script, entry);
  script_fill(&script, entry, 10, 101);
  memcpy(stop, id_of(PURPOSE_STOP), ORDER_ID_MAX);
  script_ack(&script, stop);
  int64_t first = script_position(&script)->position_id;
  script_command_with(&script, (struct event_command){.command = COMMAND_CLOSE_POSITION, .position_id = first, .fraction = 1, .is_immediate = true});
  script_ack(&script, id_of(PURPOSE_MANUAL));
  script_fill_rest(&script, id_of(PURPOSE_MANUAL), 100.9);
  assert_int_equal(engine_position_count(script.engine), 0);
}

/* A stop that filled while the program was away, told after its position was closed by an exit and the rest of the entry had opened the next one: the
 * venue knows one position a symbol. What filled before that was opened is not its own. */
static void a_late_stop_closes_what_was_open_then(void **state) {
  (void)state;
  for (int is_before = 0; is_before < 2; is_before++) {
    char stop[ORDER_ID_MAX];
    begin_closed_by_hand(stop);
    script_pass(&script, 1000);
    script_fill(&script, entry, 15, 101); /* before its cancel, told after */
    assert_int_equal(script_position(&script)->qty, 15 * DECIMAL_ONE);
    script_forget(&script);
    struct event event = {.kind = EVENT_FILL,
                          .fill = {.side = ORDER_SELL, .qty = 10 * DECIMAL_ONE, .price = 99 * DECIMAL_ONE, .venue_fill_id = "late"}};
    memcpy(event.fill.client_order_id, stop, sizeof stop);
    event.fill.venue_ts = script_position(&script)->opened_at - is_before;
    script_event(&script, event);
    assert_int_equal(script_position(&script)->qty, (is_before ? 15 : 5) * DECIMAL_ONE);
    assert_true(script_alerts(&script, "late_fill"));
    assert_int_equal(script_count_queries(&script, QUERY_POSITIONS), 1); /* the venue is asked in either case */
    script_close(&script);
  }
}

/* An exit and the stop both filled while the rest of the entry was on its way: what the venue closed last is told before what it opened first. */
static void a_closing_told_before_its_opening_closes_it(void **state) {
  (void)state;
  for (int is_before = 0; is_before < 2; is_before++) {
    char stop[ORDER_ID_MAX];
    begin_closed_by_hand(stop);
    int64_t opened_at = engine_now(script.engine);
    script_pass(&script, 1000);
    struct event event = {.kind = EVENT_FILL,
                          .fill = {.side = ORDER_SELL, .qty = 10 * DECIMAL_ONE, .price = 99 * DECIMAL_ONE, .venue_fill_id = "closing"}};
    memcpy(event.fill.client_order_id, stop, sizeof stop);
    event.fill.venue_ts = opened_at + (is_before ? -1 : 500);
    script_event(&script, event);
    int64_t realised = engine_ledger(script.engine)->realised_usd;
    struct event opening = {.kind = EVENT_FILL,
                            .fill = {.side = ORDER_BUY, .qty = 4 * DECIMAL_ONE, .price = 101 * DECIMAL_ONE, .venue_fill_id = "opening 1"}};
    memcpy(opening.fill.client_order_id, entry, sizeof entry);
    opening.fill.venue_ts = opened_at;
    script_event(&script, opening);
    assert_int_equal(engine_position_count(script.engine), is_before ? 1 : 0);
    opening.fill.qty = 11 * DECIMAL_ONE;
    text_copy(opening.fill.venue_fill_id, sizeof opening.fill.venue_fill_id, "opening 2");
    script_event(&script, opening);
    assert_int_equal(script_position(&script)->qty, (is_before ? 15 : 5) * DECIMAL_ONE);
    /* 10 bought at 101 and sold at 99 */
    assert_int_equal(engine_ledger(script.engine)->realised_usd - realised, is_before ? 0 : -20 * DECIMAL_ONE);
    script_close(&script);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(news_of_strangers_change_nothing),
      cmocka_unit_test(a_stranger_that_fills_is_told_and_asked_for_in_our_symbols),
      cmocka_unit_test(news_after_the_end_change_nothing),
      cmocka_unit_test(a_refusal_may_come_as_a_change),
      cmocka_unit_test(what_was_filled_before_a_refusal_stays),
      cmocka_unit_test(a_refused_cancel_of_a_part_filled_order_leaves_its_rest),
      cmocka_unit_test(a_refused_cancel_asks_what_the_venue_has),
      cmocka_unit_test(a_refused_cancel_of_an_order_that_is_gone_ends_it),
      cmocka_unit_test(a_part_filled_order_of_unknown_fate_is_found_as_such),
      cmocka_unit_test(a_change_of_an_order_being_cancelled_counts),
      cmocka_unit_test(a_stop_that_triggers_while_it_is_cancelled_is_seen),
      cmocka_unit_test(a_stop_that_closes_more_than_was_open_is_told),
      cmocka_unit_test(a_fill_without_a_time_happened_now),
      cmocka_unit_test(an_empty_answer_is_not_found),
      cmocka_unit_test(a_late_fill_of_an_adopted_position_adds_nothing),
      cmocka_unit_test(a_leftover_counts_its_orders_on),
      cmocka_unit_test(a_late_stop_closes_what_was_open_then),
      cmocka_unit_test(a_closing_told_before_its_opening_closes_it),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

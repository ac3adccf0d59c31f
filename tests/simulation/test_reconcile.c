/* The table of execution 7, row by row: what the venue shows and what we do about it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "support/scripted_venue.h"

static struct script script;

static void begin(void) {
  struct script_options options = {.symbols = 2, .reconcile_interval_s = 60};
  script_open(&script, &options);
  script_start(&script);
  script_answer(&script); /* the interval's */
  script_enter(&script, 0);
  if (script.reconciliation_count == 1) script_answer(&script);
  script_pass(&script, 1000);
  script_agree(&script);
  script_forget(&script);
}

/* The connection is lost and returns: everything is asked for. */
static void return_of_the_link(void) {
  script_link(&script, LINK_DOWN);
  script_pass(&script, 100);
  script_link(&script, LINK_UP);
}

static void reconcile(void) {
  int32_t before = script.reconciliation_count;
  return_of_the_link();
  script_answer(&script);
  assert_int_equal(script.reconciliation_count, before + 1);
  assert_string_equal(script.reconciliation.cause, "reconnect");
}

static const char *id_of(enum order_purpose purpose) {
  static char id[ORDER_ID_MAX];
  memcpy(id, script_order(&script, purpose)->client_order_id, sizeof id);
  return id;
}

/* The venue no longer shows the order. */
static void lose_order(const char *id) {
  for (int32_t i = 0; i < script.order_count; i++) {
    if (strcmp(script.orders[i].client_order_id, id) == 0) script.orders[i] = script.orders[--script.order_count];
  }
}

static void everything_agrees(void **state) {
  (void)state;
  begin();
  reconcile();
  assert_int_equal(script.reconciliation.differences, 0);
  assert_int_equal(script.reconciliation.positions_checked, 1);
  assert_int_equal(script.reconciliation.orders_checked, 3);
  assert_int_equal(script_count(&script, INTENT_PLACE_ORDER) + script_count(&script, INTENT_CANCEL_ORDER) + script_count(&script, INTENT_AMEND_ORDER),
                   0);
  script_close(&script);
}

static void the_interval_asks_by_itself(void **state) {
  (void)state;
  begin();
  script_wait_alive(&script, 61000);
  assert_int_equal(script_count_queries(&script, QUERY_POSITIONS), 1);
  assert_int_equal(script_count_queries(&script, QUERY_FILLS), 1);
  script_answer(&script);
  assert_string_equal(script.reconciliation.cause, "interval");
  script_close(&script);
}

static void a_lost_answer_is_asked_for_again(void **state) {
  (void)state;
  begin();
  return_of_the_link();
  script_wait_alive(&script, 9900);
  assert_int_equal(script_count_queries(&script, QUERY_POSITIONS), 1);
  script_wait_alive(&script, 200);
  assert_int_equal(script_count_queries(&script, QUERY_POSITIONS), 2);
  return_of_the_link(); /* and once more when the link was gone meanwhile */
  assert_int_equal(script_count_queries(&script, QUERY_POSITIONS), 3);
  script_answer(&script);
  assert_int_equal(script.reconciliation.differences, 0);
  script_close(&script);
}

static void the_venue_is_flat(void **state) {
  (void)state;
  begin();
  script_bar(&script, 0, script.price, script.price, script.price - 0.2, script.price - 0.2);
  script_answer(&script); /* the interval's */
  struct ledger before = *engine_ledger(script.engine);
  int64_t cash = before.cash_usd - 50 * DECIMAL_ONE; /* what the closing cost */
  script.position_count = 0;
  script.cash = cash;
  reconcile();
  /* What the trade made is known by the mark; only the rest of what went is a flow. */
  const struct ledger *after = engine_ledger(script.engine);
  assert_int_equal(after->cash_usd, cash);
  assert_int_equal(script.flow_count, 1);
  assert_int_equal(script.flow.amount_usd, -50 * DECIMAL_ONE - (after->realised_usd - before.realised_usd));
  assert_true(after->realised_usd != before.realised_usd);
  assert_int_equal(engine_position_count(script.engine), 0);
  assert_int_equal(script.trades[0].exit_reason, REASON_reconciled);
  assert_true(script_alerts(&script, "position_mismatch"));
  assert_true(script_was_cancelled(&script, id_of(PURPOSE_STOP)));
  assert_true(script_was_cancelled(&script, id_of(PURPOSE_TARGET)));
  script_close(&script);
}

/* An empty list and nothing else: no position is given up for it, the stop stays, and the venue is asked again soon. */
static void an_empty_list_is_not_believed(void **state) {
  (void)state;
  begin();
  script.position_count = 0;
  reconcile();
  assert_int_equal(engine_position_count(script.engine), 1);
  assert_true(script_alerts(&script, "position_in_doubt"));
  assert_false(script_was_cancelled(&script, id_of(PURPOSE_STOP)));
  script_forget(&script);
  script_wait_alive(&script, 10000);
  assert_int_equal(script_count_queries(&script, QUERY_POSITIONS), 1);
  script_agree(&script);
  script_answer(&script);
  assert_false(script_alerts(&script, "position_in_doubt"));
  assert_int_equal(script.reconciliation.differences, 0);
  script_close(&script);
}

/* Two minutes of it are believed, and so is money that moved later. */
static void a_list_that_stays_empty_is_believed(void **state) {
  (void)state;
  for (int moves = 0; moves < 2; moves++) {
    begin();
    script.position_count = 0;
    reconcile();
    for (int i = 0; i < (moves ? 1 : 11); i++) {
      script_wait_alive(&script, 10000);
      assert_int_equal(engine_position_count(script.engine), 1);
      if (moves) script.cash = engine_ledger(script.engine)->cash_usd - DECIMAL_ONE;
      script_answer(&script);
    }
    if (!moves) {
      script_wait_alive(&script, 11000);
      script_answer(&script);
    }
    assert_int_equal(engine_position_count(script.engine), 0);
    assert_int_equal(script.trades[0].exit_reason, REASON_reconciled);
    assert_false(script_alerts(&script, "position_in_doubt"));
    script_close(&script);
  }
}

static void the_venue_holds_the_other_side(void **state) {
  (void)state;
  begin();
  script.positions[0].side = SIDE_SHORT;
  reconcile();
  assert_int_equal(script.trades[0].exit_reason, REASON_reconciled);
  assert_true(script_alerts(&script, "foreign_position"));
  script_close(&script);
}

static void the_venue_holds_less(void **state) {
  (void)state;
  begin();
  script.positions[0].qty -= 5 * DECIMAL_ONE;
  int64_t wanted = script.positions[0].qty;
  reconcile();
  assert_int_equal(script_position(&script)->qty, wanted);
  assert_true(script_alerts(&script, "position_mismatch"));
  script_amended(&script, id_of(PURPOSE_STOP));
  assert_int_equal(script_order(&script, PURPOSE_STOP)->qty, wanted);
  script_close(&script);
}

static void the_venue_holds_more(void **state) {
  (void)state;
  for (int has_price = 0; has_price < 2; has_price++) {
    begin();
    script.positions[0].qty += 5 * DECIMAL_ONE;
    if (!has_price) script.positions[0].entry = 0;
    int64_t wanted = script.positions[0].qty;
    int64_t entry = script_position(&script)->entry;
    if (has_price) entry = script.positions[0].entry += DECIMAL_ONE / 10; /* the rest came at a higher price */
    reconcile();
    assert_int_equal(script_position(&script)->qty, wanted);
    assert_true(llabs(script_position(&script)->entry - entry) <= 1); /* 1e-8 of rounding */
    script_amended(&script, id_of(PURPOSE_STOP));
    assert_int_equal(script_order(&script, PURPOSE_STOP)->qty, wanted);
    assert_true(script_position(&script)->protected);
    script_close(&script);
  }
}

/* Fills that arrive with the answers explain the difference. */
static void recovered_fills_explain_a_difference(void **state) {
  (void)state;
  begin();
  script.positions[0].qty -= 5 * DECIMAL_ONE;
  return_of_the_link();
  script_fill(&script, script_position(&script)->targets[0].client_order_id, 5, 101.4);
  script_answer(&script);
  assert_int_equal(script.reconciliation.fills_applied, 1);
  assert_int_equal(script.reconciliation.differences, 0);
  assert_false(script_alerts(&script, "position_mismatch"));
  script_close(&script);
}

/* The position was read before a fill that we know already: the answer is old, it is not acted on but asked for again. */
static void an_answer_older_than_a_fill_is_not_believed(void **state) {
  (void)state;
  begin();
  return_of_the_link();
  script_fill(&script, script_position(&script)->targets[0].client_order_id, 5, 101.4);
  int64_t known = script_position(&script)->qty;
  int32_t count = script.reconciliation_count;
  script_answer(&script); /* still with the 5 */
  assert_int_equal(script_position(&script)->qty, known);
  assert_int_equal(script.reconciliation_count, count);
  assert_int_equal(script_count_queries(&script, QUERY_POSITIONS), 2);
  script.positions[0].qty = known;
  script_answer(&script);
  assert_int_equal(script.reconciliation_count, count + 1);
  assert_int_equal(script.reconciliation.differences, 0);
  script_close(&script);
}

/* The worst of it: a position that opened after the venue had answered "flat" must not be given up, nor called foreign when it closed. */
static void a_position_that_opened_meanwhile_is_kept(void **state) {
  (void)state;
  begin();
  script_break_out(&script, 1);
  char entry[ORDER_ID_MAX];
  memcpy(entry, id_of(PURPOSE_ENTRY), sizeof entry);
  script_ack(&script, entry);
  script_agree(&script);
  return_of_the_link();
  script_fill_rest(&script, entry, 101);
  script_answer(&script);
  assert_int_equal(engine_position_count(script.engine), 2);
  script_agree(&script);
  script_answer(&script);
  assert_int_equal(script.reconciliation.differences, 0);
  assert_int_equal(engine_position_count(script.engine), 2);
  return_of_the_link();
  script_fill_rest(&script, id_of(PURPOSE_STOP), 100.7);
  assert_int_equal(engine_position_count(script.engine), 1);
  script_answer(&script);
  assert_false(script_alerts(&script, "foreign_position"));
  script_close(&script);
}

/* A break in the other symbol is not traded. */
static void expect_no_entry(void) {
  script_bar(&script, 1, 100.2, 101.05, 100.15, 101);
  script_wait(&script, 4000);
  assert_int_equal(script_count_placed(&script, PURPOSE_ENTRY), 0);
}

static void a_foreign_position_blocks_its_symbol(void **state) {
  (void)state;
  begin();
  script.positions[script.position_count++] = (struct venue_position){1, SIDE_SHORT, 3 * DECIMAL_ONE, 99 * DECIMAL_ONE};
  reconcile();
  assert_true(script_alerts(&script, "foreign_position"));
  assert_int_equal(engine_position_count(script.engine), 1);
  assert_int_equal(script_count(&script, INTENT_PLACE_ORDER), 0); /* shown, not managed */
  expect_no_entry();
  assert_int_equal(script.refusal.code, REASON_symbol_busy);
  script_agree(&script);
  reconcile();
  assert_false(script_alerts(&script, "foreign_position"));
  script_close(&script);
}

static void a_missing_stop_is_asked_for_and_placed(void **state) {
  (void)state;
  begin();
  lose_order(id_of(PURPOSE_STOP));
  reconcile();
  char old[ORDER_ID_MAX];
  memcpy(old, id_of(PURPOSE_STOP), sizeof old);
  assert_int_equal(script_find(&script, old)->state, ORDER_UNKNOWN);
  assert_int_equal(script_count_queries(&script, QUERY_ORDER), 1);
  assert_false(script_position(&script)->protected);
  script_found(&script, old, ORDER_CANCELLED, 0);
  assert_int_equal(script_count_placed(&script, PURPOSE_STOP), 1);
  assert_int_equal(script_order(&script, PURPOSE_STOP)->trigger_price, script_position(&script)->stop);
  assert_string_not_equal(id_of(PURPOSE_STOP), old);
  script_close(&script);
}

static void a_stop_of_another_size_or_price_is_amended(void **state) {
  (void)state;
  for (int is_price = 0; is_price < 2; is_price++) {
    begin();
    for (int32_t i = 0; i < script.order_count; i++) {
      if (strcmp(script.orders[i].client_order_id, id_of(PURPOSE_STOP)) != 0) continue;
      if (is_price) script.orders[i].trigger_price = 98 * DECIMAL_ONE;
      if (!is_price) script.orders[i].qty -= DECIMAL_ONE;
    }
    reconcile();
    assert_int_equal(script_count(&script, INTENT_AMEND_ORDER), 1);
    assert_int_equal(script_position(&script)->protected, is_price);
    script_amended(&script, id_of(PURPOSE_STOP));
    assert_int_equal(script_order(&script, PURPOSE_STOP)->qty, script_position(&script)->qty);
    assert_int_equal(script_order(&script, PURPOSE_STOP)->trigger_price, script_position(&script)->stop);
    assert_true(script_position(&script)->protected);
    script_close(&script);
  }
}

static void a_missing_target_is_placed_again(void **state) {
  (void)state;
  begin();
  char old[ORDER_ID_MAX];
  memcpy(old, script_position(&script)->targets[1].client_order_id, sizeof old);
  script_update(&script, old, CHANGE_CANCELLED); /* by the venue */
  assert_int_equal(script_position(&script)->targets[1].state, TARGET_CANCELLED);
  script_pass(&script, 1000);
  assert_int_equal(script_count_placed(&script, PURPOSE_TARGET), 0);
  script_agree(&script);
  reconcile();
  script_pass(&script, 1000);
  assert_int_equal(script_count_placed(&script, PURPOSE_TARGET), 1);
  const struct target *target = &script_position(&script)->targets[1];
  const struct order *order = script_find(&script, target->client_order_id);
  assert_int_equal(order->attempt, 1);
  assert_int_equal(order->qty, target->qty);
  assert_int_equal(order->price, target->price);
  script_pass(&script, 1000);
  assert_int_equal(script_count_placed(&script, PURPOSE_TARGET), 1);
  script_close(&script);
}

/* Adds an order of our instance that the engine does not know. */
static struct venue_order *add_stray(enum order_leg leg, double trigger) {
  struct venue_order *stray = &script.orders[script.order_count++];
  *stray = (struct venue_order){.symbol = 0,
                                .state = leg == LEG_STOP ? ORDER_UNTRIGGERED : ORDER_WORKING,
                                .qty = script_position(&script)->qty,
                                .price = DECIMAL_NULL,
                                .trigger_price = decimal_from_double(trigger)};
  order_make_client_id(stray->client_order_id, "TEST01", 77, leg, 0, 3);
  return stray;
}

static void strays_of_ours_are_cancelled_foreign_ones_are_not(void **state) {
  (void)state;
  begin();
  char stray[ORDER_ID_MAX];
  memcpy(stray, add_stray(LEG_ENTRY, 0)->client_order_id, sizeof stray);
  char foreign[ORDER_ID_MAX];
  struct venue_order *other = add_stray(LEG_ENTRY, 0);
  order_make_client_id(other->client_order_id, "OTHER1", 77, LEG_ENTRY, 0, 3);
  memcpy(foreign, other->client_order_id, sizeof foreign);
  reconcile();
  assert_true(script_was_cancelled(&script, stray));
  assert_false(script_was_cancelled(&script, foreign));
  assert_true(script_alerts(&script, "stray_order"));
  script_close(&script);
}

static void an_order_believed_ended_that_lives_is_cancelled(void **state) {
  (void)state;
  begin();
  char old[ORDER_ID_MAX];
  memcpy(old, script_position(&script)->targets[0].client_order_id, sizeof old);
  script_update(&script, old, CHANGE_CANCELLED);
  script_pass(&script, 1000); /* the venue still shows it: script_agree was before */
  reconcile();
  assert_true(script_was_cancelled(&script, old));
  script_close(&script);
}

static void of_two_stops_the_tighter_stays(void **state) {
  (void)state;
  for (int is_tighter = 0; is_tighter < 2; is_tighter++) {
    begin();
    char stray[ORDER_ID_MAX];
    memcpy(stray, add_stray(LEG_STOP, is_tighter ? 100.85 : 100.2)->client_order_id, sizeof stray);
    int64_t before = script_position(&script)->stop;
    reconcile();
    assert_int_equal(script_was_cancelled(&script, stray), !is_tighter);
    assert_int_equal(script_position(&script)->stop, is_tighter ? decimal_from_double(100.85) : before);
    if (is_tighter) {
      script_amended(&script, id_of(PURPOSE_STOP));
      reconcile();
      assert_true(script_was_cancelled(&script, stray)); /* now that ours rests at its price */
    }
    script_close(&script);
  }
}

static void a_stray_stop_stays_while_ours_does_not_rest(void **state) {
  (void)state;
  begin();
  char stray[ORDER_ID_MAX];
  lose_order(id_of(PURPOSE_STOP));
  memcpy(stray, add_stray(LEG_STOP, 100.2)->client_order_id, sizeof stray);
  script_update(&script, id_of(PURPOSE_STOP), CHANGE_CANCELLED);
  reconcile();
  assert_false(script_was_cancelled(&script, stray));
  script_ack(&script, id_of(PURPOSE_STOP));
  script_pass(&script, 1000);
  struct venue_order kept = script.orders[script.order_count - 1];
  script_agree(&script);
  script.orders[script.order_count++] = kept;
  reconcile();
  assert_true(script_was_cancelled(&script, stray));
  script_close(&script);
}

static void an_unexplained_balance_is_a_flow(void **state) {
  (void)state;
  begin();
  int64_t loss = ledger_day_pnl(engine_ledger(script.engine));
  script.cash = engine_ledger(script.engine)->cash_usd - 100 * DECIMAL_ONE;
  int32_t flows = script.flow_count;
  reconcile();
  assert_int_equal(script.flow_count, flows + 1);
  assert_int_equal(script.flow.amount_usd, -100 * DECIMAL_ONE);
  assert_true(script_alerts(&script, "unexplained_balance"));
  assert_int_equal(ledger_day_pnl(engine_ledger(script.engine)), loss); /* a flow is no loss */
  script.cash = engine_ledger(script.engine)->cash_usd + DECIMAL_ONE / 100;
  reconcile();
  assert_int_equal(script.flow_count, flows + 1); /* a cent is inside the limit */
  script_close(&script);
}

/* The balance of a fill can be told before the fill. */
static void news_of_the_balance_is_compared_after_the_fills(void **state) {
  (void)state;
  begin();
  int32_t flows = script.flow_count;
  int64_t cash = engine_ledger(script.engine)->cash_usd;
  script_event(&script, (struct event){.kind = EVENT_ACCOUNT, .account = {.cash_usd = cash + 2 * DECIMAL_ONE}});
  assert_int_equal(script.flow_count, flows);
  assert_int_equal(script_count_queries(&script, QUERY_FILLS), 1);
  script_fill(&script, script_position(&script)->targets[0].client_order_id, 5, 101.4);
  script.positions[0].qty -= 5 * DECIMAL_ONE;
  script_answer(&script);
  assert_int_equal(script.flow_count, flows);
  script.cash = engine_ledger(script.engine)->cash_usd;
  if (script_count_queries(&script, QUERY_FILLS) > 1) script_answer(&script);
  assert_int_equal(script.flow_count, flows);
  script_close(&script);
}

static void cash_flows_and_funding_are_known(void **state) {
  (void)state;
  begin();
  int64_t cash = engine_ledger(script.engine)->cash_usd;
  script_event(&script, (struct event){.kind = EVENT_CASH_FLOW, .cash_flow = {.kind = FLOW_DEPOSIT, .amount_usd = 50 * DECIMAL_ONE}});
  script_event(&script, (struct event){.kind = EVENT_CASH_FLOW, .cash_flow = {.kind = FLOW_WITHDRAWAL, .amount_usd = 20 * DECIMAL_ONE}});
  script_event(&script, (struct event){.kind = EVENT_FUNDING_PAYMENT, .funding_payment = {0, -DECIMAL_ONE, 0.0001}});
  assert_int_equal(engine_ledger(script.engine)->cash_usd, cash + 29 * DECIMAL_ONE);
  assert_int_equal(script_position(&script)->funding_usd, -DECIMAL_ONE);
  script.cash = cash + 29 * DECIMAL_ONE;
  int32_t flows = script.flow_count;
  reconcile();
  assert_int_equal(script.flow_count, flows);
  script_close(&script);
}

static void positions_come_in_pages(void **state) {
  (void)state;
  begin();
  return_of_the_link();
  script_event(&script, (struct event){.kind = EVENT_QUERY_RESULT, .query_result = {.query = QUERY_FILLS, .is_found = true}});
  script_event(&script, (struct event){
                            .kind = EVENT_QUERY_RESULT,
                            .query_result = {.query = QUERY_ORDERS, .is_found = true, .orders_count = script.order_count, .orders = script.orders}});
  script_event(&script, (struct event){.kind = EVENT_VENUE_POSITIONS, .venue_positions = {.positions_count = 1, .positions = script.positions}});
  script_event(&script, (struct event){.kind = EVENT_VENUE_POSITIONS, .venue_positions = {.is_complete = true}});
  script_event(&script, (struct event){.kind = EVENT_ACCOUNT, .account = {.cash_usd = engine_ledger(script.engine)->cash_usd}});
  assert_int_equal(engine_position_count(script.engine), 1);
  assert_int_equal(script.reconciliation.differences, 0);
  script_event(&script, (struct event){.kind = EVENT_VENUE_POSITIONS, .venue_positions = {.is_complete = true}}); /* not asked for */
  assert_int_equal(engine_position_count(script.engine), 1);
  script_close(&script);
}

/* Somebody else's fill, at 101. */
static void trade_elsewhere(int32_t symbol, enum order_side side, int64_t qty) {
  static int number;
  struct event event = {.kind = EVENT_FILL, .fill = {.symbol = symbol, .side = (int32_t)side, .qty = qty, .price = 101 * DECIMAL_ONE}};
  (void)snprintf(event.fill.venue_fill_id, ORDER_ID_MAX, "x%d", ++number);
  text_copy(event.fill.client_order_id, ORDER_ID_MAX, "web-123");
  script_event(&script, event);
}

static void a_fill_nobody_knows_is_told(void **state) {
  (void)state;
  begin();
  trade_elsewhere(0, ORDER_SELL, DECIMAL_ONE);
  assert_true(script_alerts(&script, "foreign_fill"));
  assert_int_equal(script_count_queries(&script, QUERY_POSITIONS), 1); /* it may have changed our position */
  script_close(&script);
}

static void a_symbol_that_somebody_else_trades_is_blocked_at_once(void **state) {
  (void)state;
  begin();
  trade_elsewhere(1, ORDER_SELL, DECIMAL_ONE);
  assert_true(script_alerts(&script, "foreign_position"));
  assert_int_equal(script_count_queries(&script, QUERY_POSITIONS), 1);
  expect_no_entry();
  script_agree(&script); /* it was the end of what lay there */
  script_answer(&script);
  assert_false(script_alerts(&script, "foreign_position"));
  script_close(&script);
}

/* A fill that comes while the venue answers: what it lists may be older. */
static void an_answer_older_than_somebody_elses_fill_frees_nothing(void **state) {
  (void)state;
  begin();
  return_of_the_link();
  trade_elsewhere(1, ORDER_SELL, DECIMAL_ONE);
  script_answer(&script);
  assert_true(script_alerts(&script, "foreign_position"));
  script_answer(&script); /* asked again */
  assert_false(script_alerts(&script, "foreign_position"));
  script_close(&script);
}

/* Money that moved by somebody else's trade says nothing of our position; their closing of it does. */
static void what_somebody_else_did_explains_a_missing_position(void **state) {
  (void)state;
  for (int closes = 0; closes < 2; closes++) {
    begin();
    int64_t whole = script_position(&script)->qty;
    trade_elsewhere(closes ? 0 : 1, ORDER_SELL, whole);
    script.position_count = 0;
    script.cash = engine_ledger(script.engine)->cash_usd - DECIMAL_ONE;
    script_answer(&script);
    assert_int_equal(engine_position_count(script.engine), closes ? 0 : 1);
    if (closes) assert_int_equal(script.trades[0].exit_reason, REASON_reconciled);
    if (!closes) assert_true(script_alerts(&script, "position_in_doubt"));
    script_close(&script);
  }
}

/* What others added and we took over is ours: only the whole of it explains that it is gone. */
static void what_was_taken_over_is_not_counted_again(void **state) {
  (void)state;
  begin();
  int64_t whole = script_position(&script)->qty;
  trade_elsewhere(0, ORDER_BUY, whole);
  script.positions[0].qty += whole;
  script_answer(&script);
  assert_int_equal(script_position(&script)->qty, 2 * whole);
  trade_elsewhere(0, ORDER_SELL, 2 * whole);
  script.position_count = 0;
  script_answer(&script);
  assert_int_equal(engine_position_count(script.engine), 0);
  script_close(&script);
}

static void a_stop_refused_for_want_of_a_position_asks_the_venue(void **state) {
  (void)state;
  begin();
  script_update(&script, id_of(PURPOSE_STOP), CHANGE_CANCELLED);
  script_wait(&script, 200);
  assert_int_equal(script_count_queries(&script, QUERY_POSITIONS), 0);
  script_reject(&script, id_of(PURPOSE_STOP), REJECT_REDUCE_ONLY);
  assert_int_equal(script_count_queries(&script, QUERY_POSITIONS), 1);
  script_close(&script);
}

/* A closing order that our books have lost, known by its id alone. */
static struct event lost_fill(enum order_leg leg, int32_t attempt, const char *venue_fill_id, int64_t qty) {
  struct event event = {.kind = EVENT_FILL, .fill = {.symbol = 0, .side = ORDER_SELL, .qty = qty, .price = 102 * DECIMAL_ONE}};
  text_copy(event.fill.venue_fill_id, ORDER_ID_MAX, venue_fill_id);
  order_make_client_id(event.fill.client_order_id, "TEST01", script_position(&script)->plan_id, leg, 0, attempt);
  return event;
}

static void a_fill_of_a_lost_order_closes_its_position(void **state) {
  static const struct {
    enum order_leg leg;
    enum reason_code reason;
  } legs[] = {{LEG_MANUAL, REASON_manual},
              {LEG_EXIT, REASON_reconciled},
              {LEG_FLATTEN, REASON_reconciled},
              {LEG_STOP, REASON_stop_loss},
              {LEG_TARGET, REASON_take_profit}};
  (void)state;
  for (size_t i = 0; i < sizeof legs / sizeof legs[0]; i++) {
    begin();
    int64_t whole = script_position(&script)->qty;
    struct event first = lost_fill(legs[i].leg, 7, "a", DECIMAL_ONE);
    struct event rest = lost_fill(legs[i].leg, 7, "b", whole - DECIMAL_ONE);
    script_event(&script, first);
    script_event(&script, first); /* told twice */
    assert_int_equal(script_position(&script)->qty, whole - DECIMAL_ONE);
    script_event(&script, rest);
    assert_int_equal(engine_position_count(script.engine), 0);
    assert_int_equal(script.trade_count, 1);
    assert_int_equal(script.trades[0].exit_reason, legs[i].reason);
    assert_int_equal(script.trades[0].exit_average, 102 * DECIMAL_ONE);
    assert_false(script_alerts(&script, "foreign_fill"));
    assert_false(script_alerts(&script, "excess_fill"));
    script_close(&script);
  }
}

static void the_id_of_a_lost_order_is_not_used_again(void **state) {
  (void)state;
  begin();
  struct event event = lost_fill(LEG_EXIT, 3, "a", DECIMAL_ONE);
  script_event(&script, event);
  script_command(&script, COMMAND_PANIC_EXIT);
  int64_t plan_id;
  enum order_leg leg;
  int32_t child;
  int32_t attempt;
  assert_true(order_parse_client_id(id_of(PURPOSE_FLATTEN), "TEST01", &plan_id, &leg, &child, &attempt));
  assert_int_equal(attempt, 4);
  script_close(&script);
}

static void only_what_closes_our_position_is_taken_for_lost(void **state) {
  (void)state;
  for (int i = 0; i < 5; i++) {
    begin();
    int64_t whole = script_position(&script)->qty;
    struct event event = lost_fill(i == 0 ? LEG_ENTRY : LEG_EXIT, 5, "a", DECIMAL_ONE);
    if (i == 1) event.fill.side = ORDER_BUY;
    if (i == 2) event.fill.symbol = 1;
    if (i == 3) event.fill.symbol = -1;
    if (i == 4) order_make_client_id(event.fill.client_order_id, "TEST01", script_position(&script)->plan_id + 1, LEG_EXIT, 0, 0);
    script_event(&script, event);
    assert_true(script_alerts(&script, "foreign_fill"));
    assert_int_equal(script_position(&script)->qty, whole);
    script_close(&script);
  }
}

static int64_t asked_since(void) {
  for (int32_t i = script.intent_count - 1; i >= 0; i--) {
    if (script.intents[i].kind == INTENT_QUERY && script.intents[i].query.query == QUERY_FILLS) return script.intents[i].query.since;
  }
  fail_msg("no fills were asked for");
  return 0;
}

/* The stream was silent, a fill went by; then it told a newer one. */
static void fills_are_asked_for_since_all_were_known(void **state) {
  (void)state;
  begin();
  int64_t known = script.now;
  reconcile();
  script_wait_alive(&script, 59000); /* before the next of the interval */
  script_fill(&script, script_position(&script)->targets[0].client_order_id, 5, 101.4);
  script_forget(&script);
  return_of_the_link();
  assert_in_range(asked_since(), 1, known + 1000 - 60000);
  script_answer(&script);
  script_close(&script);
}

static void no_entry_while_the_link_is_down_or_the_venue_is_asked(void **state) {
  (void)state;
  for (int is_down = 0; is_down < 2; is_down++) {
    begin();
    script_link(&script, LINK_DOWN);
    assert_true(script_alerts(&script, "venue_down"));
    if (!is_down) script_link(&script, LINK_UP);
    if (!is_down) return_of_the_link();
    script_bar(&script, 1, 100.2, 101.05, 100.15, 101);
    script_wait(&script, 4000);
    assert_int_equal(script_count_placed(&script, PURPOSE_ENTRY), 0);
    assert_int_equal(script.refusal.code, is_down ? REASON_account_stale : REASON_recovering);
    script_close(&script);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(everything_agrees),
      cmocka_unit_test(the_interval_asks_by_itself),
      cmocka_unit_test(a_lost_answer_is_asked_for_again),
      cmocka_unit_test(the_venue_is_flat),
      cmocka_unit_test(an_empty_list_is_not_believed),
      cmocka_unit_test(a_list_that_stays_empty_is_believed),
      cmocka_unit_test(the_venue_holds_the_other_side),
      cmocka_unit_test(the_venue_holds_less),
      cmocka_unit_test(the_venue_holds_more),
      cmocka_unit_test(recovered_fills_explain_a_difference),
      cmocka_unit_test(an_answer_older_than_a_fill_is_not_believed),
      cmocka_unit_test(a_position_that_opened_meanwhile_is_kept),
      cmocka_unit_test(a_foreign_position_blocks_its_symbol),
      cmocka_unit_test(a_missing_stop_is_asked_for_and_placed),
      cmocka_unit_test(a_stop_of_another_size_or_price_is_amended),
      cmocka_unit_test(a_missing_target_is_placed_again),
      cmocka_unit_test(strays_of_ours_are_cancelled_foreign_ones_are_not),
      cmocka_unit_test(an_order_believed_ended_that_lives_is_cancelled),
      cmocka_unit_test(of_two_stops_the_tighter_stays),
      cmocka_unit_test(a_stray_stop_stays_while_ours_does_not_rest),
      cmocka_unit_test(an_unexplained_balance_is_a_flow),
      cmocka_unit_test(news_of_the_balance_is_compared_after_the_fills),
      cmocka_unit_test(cash_flows_and_funding_are_known),
      cmocka_unit_test(positions_come_in_pages),
      cmocka_unit_test(a_fill_nobody_knows_is_told),
      cmocka_unit_test(a_symbol_that_somebody_else_trades_is_blocked_at_once),
      cmocka_unit_test(an_answer_older_than_somebody_elses_fill_frees_nothing),
      cmocka_unit_test(what_somebody_else_did_explains_a_missing_position),
      cmocka_unit_test(what_was_taken_over_is_not_counted_again),
      cmocka_unit_test(a_stop_refused_for_want_of_a_position_asks_the_venue),
      cmocka_unit_test(a_fill_of_a_lost_order_closes_its_position),
      cmocka_unit_test(the_id_of_a_lost_order_is_not_used_again),
      cmocka_unit_test(only_what_closes_our_position_is_taken_for_lost),
      cmocka_unit_test(fills_are_asked_for_since_all_were_known),
      cmocka_unit_test(no_entry_while_the_link_is_down_or_the_venue_is_asked),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

/* What the venue says of the account at the edges of reconciliation: answers out of order, lists of strangers, values that it does not tell, and
 * positions that an operator takes over (execution 7, engine 5). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "support/scripted_venue.h"

static struct script script;

/* A protected position in symbol 0, and a venue that agrees. */
static void begin(void) {
  script_open(&script, &(struct script_options){.symbols = 2});
  script_start(&script);
  script_enter(&script, 0);
  script_pass(&script, 1000);
  script_agree(&script);
  script_forget(&script);
}

static void ask(void) {
  script_link(&script, LINK_DOWN);
  script_pass(&script, 100);
  script_forget(&script);
  script_link(&script, LINK_UP);
  assert_int_equal(script_count_queries(&script, QUERY_FILLS), 1);
}

static void reconcile(void) {
  ask();
  script_answer(&script);
}

static const char *id_of(enum order_purpose purpose) {
  static char id[ORDER_ID_MAX];
  memcpy(id, script_order(&script, purpose)->client_order_id, sizeof id);
  return id;
}

static void tell_balance(int64_t cash) {
  script_event(&script, (struct event){.kind = EVENT_ACCOUNT, .account = {.cash_usd = cash}});
}

static void tell_fills_and_orders(void) {
  script_event(&script, (struct event){.kind = EVENT_QUERY_RESULT, .query_result = {.query = QUERY_FILLS, .is_found = true}});
  script_event(&script, (struct event){
                            .kind = EVENT_QUERY_RESULT,
                            .query_result = {.query = QUERY_ORDERS, .is_found = true, .orders_count = script.order_count, .orders = script.orders}});
}

static void tell_positions(void) {
  script_event(&script,
               (struct event){.kind = EVENT_VENUE_POSITIONS,
                              .venue_positions = {.is_complete = true, .positions_count = script.position_count, .positions = script.positions}});
}

/* An account may hold more positions than are remembered, and list ours last. */
static void ours_is_not_lost_in_a_long_list(void **state) {
  (void)state;
  begin();
  struct venue_position listed[80];
  for (int32_t i = 0; i < 79; i++) {
    listed[i] = (struct venue_position){.symbol = i % 2 == 0 ? -1 : 1, .side = SIDE_LONG, .qty = DECIMAL_ONE, .entry = 100 * DECIMAL_ONE};
  }
  assert_int_equal(script.position_count, 1);
  listed[79] = script.positions[0];
  int64_t held = script_position(&script)->qty;
  int32_t before = script.reconciliation_count;
  ask();
  tell_fills_and_orders();
  script_event(&script,
               (struct event){.kind = EVENT_VENUE_POSITIONS, .venue_positions = {.is_complete = true, .positions_count = 80, .positions = listed}});
  tell_balance(engine_ledger(script.engine)->cash_usd);
  assert_int_equal(script.reconciliation_count, before + 1);
  assert_false(script_alerts(&script, "position_in_doubt"));
  assert_int_equal(script_position(&script)->qty, held);
  assert_int_equal(script.reconciliation.differences, 1); /* the stranger in symbol 1 */
  script_close(&script);
}

/* The balance is answered before the fills that may explain it: nothing is corrected, everything is asked for again, and what then still differs is
 * booked once. */
static void a_balance_before_the_fills_corrects_nothing(void **state) {
  (void)state;
  begin();
  int32_t flows = script.flow_count;
  int64_t told = engine_ledger(script.engine)->cash_usd - 7 * DECIMAL_ONE;
  int32_t before = script.reconciliation_count;
  ask();
  tell_balance(told);
  tell_fills_and_orders();
  tell_positions();
  assert_int_equal(script.flow_count, flows);
  assert_int_equal(script.reconciliation_count, before);
  assert_int_equal(script_count_queries(&script, QUERY_FILLS), 2);
  assert_int_equal(script_count_queries(&script, QUERY_ACCOUNT), 2);
  script.cash = told;
  script_answer(&script);
  assert_int_equal(script.reconciliation_count, before + 1);
  assert_int_equal(script.flow_count, flows + 1);
  assert_int_equal(script.flow.amount_usd, -7 * DECIMAL_ONE);
  assert_int_equal(engine_ledger(script.engine)->cash_usd, told);
  script_close(&script);
}

/* A fill came in since the question: the balance may be from before or after it. */
static void a_balance_beside_a_fill_corrects_nothing(void **state) {
  (void)state;
  begin();
  int32_t flows = script.flow_count;
  int64_t cash = engine_ledger(script.engine)->cash_usd;
  ask();
  script_fill(&script, script_position(&script)->targets[0].client_order_id, 5, 101.4);
  script.cash = cash; /* as it was before the fill */
  script.positions[0].qty -= 5 * DECIMAL_ONE;
  script_forget(&script);
  script_answer(&script);
  assert_int_equal(script.flow_count, flows);
  assert_int_equal(script_count_queries(&script, QUERY_FILLS), 1);
  script_answer(&script);
  assert_int_equal(script.flow_count, flows);
  assert_int_equal(script.reconciliation.differences, 0);
  script_close(&script);
}

/* Symbols that this engine does not know, and lines without a quantity. */
static void lines_of_unknown_symbols_are_passed_over(void **state) {
  (void)state;
  begin();
  static const struct venue_position strangers[] = {{-1, SIDE_LONG, DECIMAL_ONE, 0}, {2, SIDE_LONG, DECIMAL_ONE, 0}, {1, SIDE_SHORT, 0, 0}};
  for (size_t i = 0; i < sizeof strangers / sizeof strangers[0]; i++) script.positions[script.position_count++] = strangers[i];
  reconcile();
  assert_int_equal(script.reconciliation.differences, 0);
  assert_int_equal(engine_foreign_count(script.engine), 0);
  assert_int_equal(engine_position_count(script.engine), 1);
  assert_false(script_alerts(&script, "foreign_position"));
  script_close(&script);
}

/* It is a difference when it is seen first, and goes on blocking its symbol. */
static void a_foreign_position_is_told_once(void **state) {
  (void)state;
  begin();
  script.positions[script.position_count++] = (struct venue_position){1, SIDE_SHORT, DECIMAL_ONE, 99 * DECIMAL_ONE};
  reconcile();
  assert_int_equal(script.reconciliation.differences, 1);
  reconcile();
  assert_int_equal(script.reconciliation.differences, 0);
  assert_true(script_alerts(&script, "foreign_position"));
  script_forget(&script);
  script_bar(&script, 1, 100.2, 101.05, 100.15, 101);
  script_wait(&script, 4000);
  assert_int_equal(script_count_placed(&script, PURPOSE_ENTRY), 0);
  assert_int_equal(script.refusal.code, REASON_symbol_busy);
  script_close(&script);
}

/* What the venue does not tell is no reason to change what we know. */
static void orders_without_quantity_and_price_stay_as_we_know_them(void **state) {
  (void)state;
  begin();
  const struct position *position = script_position(&script);
  int64_t target_price = position->targets[0].price;
  for (int round = 0; round < 2; round++) {
    for (int32_t i = 0; i < script.order_count; i++) {
      struct venue_order *order = &script.orders[i];
      order->price = order->trigger_price = DECIMAL_NULL;
      if (round == 1) order->qty = DECIMAL_NULL;
    }
    reconcile();
    assert_int_equal(script_order(&script, PURPOSE_STOP)->qty, position->qty);
    assert_int_equal(script_order(&script, PURPOSE_STOP)->trigger_price, position->stop);
    assert_int_equal(script_find(&script, position->targets[0].client_order_id)->price, target_price);
    assert_true(position->protected);
    assert_int_equal(script_count(&script, INTENT_AMEND_ORDER) + script_count(&script, INTENT_PLACE_ORDER), 0);
  }
  script_close(&script);
}

static struct venue_order *add_stray_stop(int32_t symbol, int64_t trigger) {
  struct venue_order *stray = &script.orders[script.order_count++];
  *stray = (struct venue_order){.symbol = symbol, .state = ORDER_UNTRIGGERED, .qty = DECIMAL_ONE, .price = DECIMAL_NULL, .trigger_price = trigger};
  order_make_client_id(stray->client_order_id, "TEST01", 70 + script.order_count, LEG_STOP, 0, 3);
  return stray;
}

/* A stop of ours is kept for a position only: not where we hold none, and not without its price while another one rests. */
static void stray_stops_that_protect_nothing_go(void **state) {
  (void)state;
  begin();
  char ids[4][ORDER_ID_MAX];
  static const int32_t symbols[] = {-1, 2, 1, 0};
  for (int i = 0; i < 4; i++) {
    int64_t trigger = symbols[i] == 0 ? DECIMAL_NULL : decimal_from_double(100.9);
    memcpy(ids[i], add_stray_stop(symbols[i], trigger)->client_order_id, ORDER_ID_MAX);
  }
  int64_t stop = script_position(&script)->stop;
  reconcile();
  for (int i = 0; i < 4; i++) assert_true(script_was_cancelled(&script, ids[i]));
  assert_false(script_was_cancelled(&script, id_of(PURPOSE_STOP)));
  assert_int_equal(script_position(&script)->stop, stop);
  script_close(&script);
}

/* What has ended at the venue, though it carries our name, is nothing to cancel. */
static void ended_strays_are_left(void **state) {
  (void)state;
  begin();
  struct venue_order *stray = add_stray_stop(1, decimal_from_double(100.9));
  stray->state = ORDER_FILLED;
  char id[ORDER_ID_MAX];
  memcpy(id, stray->client_order_id, sizeof id);
  reconcile();
  assert_false(script_was_cancelled(&script, id));
  assert_int_equal(script.reconciliation.differences, 0);
  script_close(&script);
}

/* ---- scope account ---- */

/* The list is read again while our closing order is still under way: it is not sent twice. Orders without a name cannot be cancelled. */
static void a_foreign_position_is_closed_by_one_order(void **state) {
  (void)state;
  begin();
  script.positions[script.position_count++] = (struct venue_position){1, SIDE_LONG, 3 * DECIMAL_ONE, 99 * DECIMAL_ONE};
  script.positions[script.position_count++] = (struct venue_position){-1, SIDE_LONG, DECIMAL_ONE, DECIMAL_ONE};
  script.orders[script.order_count++] = (struct venue_order){.symbol = 1, .state = ORDER_WORKING, .qty = DECIMAL_ONE, .trigger_price = DECIMAL_NULL};
  script_command_with(&script, (struct event_command){.command = COMMAND_PANIC_EXIT, .whole_account = true});
  script_forget(&script);
  script_answer(&script);
  int32_t closing = 0;
  for (int32_t i = 0; i < script.intent_count; i++) {
    const struct order *order = &script.intents[i].place_order.order[0];
    if (script.intents[i].kind == INTENT_PLACE_ORDER && order->symbol_index == 1) {
      assert_true(order->side == ORDER_SELL && order->reduce_only && order->qty == 3 * DECIMAL_ONE);
      ++closing;
    }
  }
  assert_int_equal(closing, 1);
  for (int32_t i = 0; i < script.intent_count; i++) {
    if (script.intents[i].kind == INTENT_CANCEL_ORDER) assert_string_not_equal(script.intents[i].cancel_order.client_order_id, "");
  }
  script_agree(&script);
  script.positions[script.position_count++] = (struct venue_position){1, SIDE_LONG, 3 * DECIMAL_ONE, 99 * DECIMAL_ONE};
  reconcile();
  assert_int_equal(script_count(&script, INTENT_PLACE_ORDER), 0);
  script_close(&script);
}

/* Nothing of ours is open, but the whole account is to be flat: the kill waits for what the venue tells. */
static void a_kill_of_the_account_waits_for_the_list(void **state) {
  (void)state;
  script_open(&script, &(struct script_options){0});
  script_start(&script);
  script_command_with(&script, (struct event_command){.command = COMMAND_KILL_SWITCH, .whole_account = true});
  assert_int_equal(script_state(&script), SESSION_FLATTENING);
  script_answer(&script);
  assert_int_equal(script_state(&script), SESSION_EMERGENCY);
  script_close(&script);
}

/* ---- positions that are taken over ---- */

static void begin_foreign(int32_t symbols, enum position_side side, int64_t entry) {
  script_open(&script, &(struct script_options){.symbols = symbols});
  for (int32_t i = 0; i < symbols; i++) script.positions[i] = (struct venue_position){i, (int32_t)side, 2 * DECIMAL_ONE, entry};
  script.position_count = symbols;
  script_start(&script);
}

static void adopt(int32_t symbol, double stop) {
  struct event_command command = {.command = COMMAND_ADOPT, .price = decimal_from_double(stop)};
  memcpy(command.symbol, engine_market(script.engine, symbol)->instrument.symbol, sizeof command.symbol);
  script_command_with(&script, command);
}

static void expect_failure(const char *code) {
  assert_int_equal(script.reply.status, COMMAND_FAILED);
  assert_string_equal(script.reply.code, code);
}

static void a_short_is_adopted_with_a_stop_above(void **state) {
  (void)state;
  begin_foreign(2, SIDE_SHORT, 99 * DECIMAL_ONE);
  adopt(1, 98);
  expect_failure("validation_failed");
  adopt(1, -1);
  expect_failure("validation_failed");
  adopt(1, 99.5); /* on the losing side of the entry, but the price is beyond it */
  expect_failure("validation_failed");
  adopt(1, 103);
  assert_int_equal(script.reply.status, COMMAND_IN_PROGRESS);
  const struct order *stop = script_order(&script, PURPOSE_STOP);
  assert_true(stop->side == ORDER_BUY && stop->reduce_only && stop->trigger_price == 103 * DECIMAL_ONE && stop->symbol_index == 1);
  /* The venue does not tell its leverage: all of its value counts as margin. */
  const struct position *position = script_position(&script);
  assert_int_equal(engine_margin_used(script.engine), decimal_multiply(position->qty, position->mark));
  script_close(&script);
}

static void without_its_entry_a_position_is_not_adopted(void **state) {
  (void)state;
  begin_foreign(1, SIDE_LONG, 0);
  adopt(0, 95);
  expect_failure("validation_failed");
  assert_int_equal(engine_position_count(script.engine), 0);
  script_close(&script);
}

static void nothing_is_adopted_while_the_venue_is_asked(void **state) {
  (void)state;
  begin_foreign(1, SIDE_LONG, 99 * DECIMAL_ONE);
  ask();
  assert_int_equal(engine_foreign_count(script.engine), 1); /* as it was last told */
  adopt(0, 95);
  expect_failure("in_use");
  tell_positions();
  adopt(0, 95);
  expect_failure("in_use");
  assert_int_equal(engine_position_count(script.engine), 0);
  script_answer(&script);
  adopt(0, 95);
  assert_int_equal(script.reply.status, COMMAND_IN_PROGRESS);
  script_close(&script);
}

/* As many as the engine has places for; the next stays foreign, blocked and told. */
static void there_is_room_for_sixteen(void **state) {
  (void)state;
  begin_foreign(17, SIDE_LONG, 99 * DECIMAL_ONE);
  for (int32_t i = 0; i < 17; i++) adopt(i, 95);
  expect_failure("in_use");
  assert_int_equal(engine_position_count(script.engine), 16);
  assert_int_equal(engine_foreign_count(script.engine), 1);
  assert_int_equal(engine_foreign(script.engine, 0)->symbol, 16);
  assert_null(engine_foreign(script.engine, 1));
  assert_null(engine_position(script.engine, 16));
  script_close(&script);
}

/* An adopted position has only the targets that an operator set: those come back when the venue lost them, no others. */
static void targets_of_an_adopted_position_are_restored(void **state) {
  (void)state;
  begin_foreign(1, SIDE_LONG, 99 * DECIMAL_ONE);
  adopt(0, 95);
  script_ack(&script, id_of(PURPOSE_STOP));
  struct event_command ladder = {.command = COMMAND_SET_TARGETS, .position_id = script_position(&script)->position_id, .targets_count = 1};
  text_copy(ladder.targets[0].level_name, sizeof ladder.targets[0].level_name, "tp1");
  ladder.targets[0].price = 105 * DECIMAL_ONE;
  ladder.targets[0].size_pct = 0.5;
  script_command_with(&script, ladder);
  char target[ORDER_ID_MAX];
  memcpy(target, id_of(PURPOSE_TARGET), sizeof target);
  script_ack(&script, target);
  assert_int_equal(script.reply.status, COMMAND_DONE);
  script_update(&script, target, CHANGE_CANCELLED); /* the venue's own doing */
  script_pass(&script, 1000);
  script_agree(&script);
  reconcile();
  script_pass(&script, 100);
  assert_int_equal(script_count_placed(&script, PURPOSE_TARGET), 1);
  assert_int_equal(script_order(&script, PURPOSE_TARGET)->price, 105 * DECIMAL_ONE);
  assert_string_not_equal(id_of(PURPOSE_TARGET), target);
  script_close(&script);
}

/* ---- money told by an operator ---- */

static void flow(enum flow_kind kind, int64_t amount) {
  script_command_with(&script, (struct event_command){.command = COMMAND_RECORD_FLOW, .flow_kind = (int32_t)kind, .amount_usd = amount});
}

static void flows_have_a_sign_and_wait_for_the_comparison(void **state) {
  (void)state;
  script_open(&script, &(struct script_options){0});
  flow(FLOW_DEPOSIT, DECIMAL_ONE); /* before the account is known */
  expect_failure("in_use");
  script_start(&script);
  int64_t cash = engine_ledger(script.engine)->cash_usd;
  flow(FLOW_DEPOSIT, 0);
  expect_failure("validation_failed");
  flow(FLOW_CORRECTION, 0);
  expect_failure("validation_failed");
  flow(FLOW_WITHDRAWAL, -DECIMAL_ONE);
  expect_failure("validation_failed");
  flow(FLOW_CORRECTION, -3 * DECIMAL_ONE);
  assert_int_equal(script.reply.status, COMMAND_DONE);
  flow(FLOW_DEPOSIT, 5 * DECIMAL_ONE);
  assert_int_equal(engine_ledger(script.engine)->cash_usd, cash + 2 * DECIMAL_ONE);
  ask();
  flow(FLOW_DEPOSIT, DECIMAL_ONE);
  expect_failure("in_use");
  assert_int_equal(engine_ledger(script.engine)->cash_usd, cash + 2 * DECIMAL_ONE);
  script_close(&script);
}

/* ---- liquidation ---- */

/* The venue does not tell the price: the newest mark stands for it. */
static void a_liquidation_without_a_price_ends_at_the_mark(void **state) {
  (void)state;
  begin();
  int64_t mark = script_position(&script)->mark;
  script_event(&script, (struct event){.kind = EVENT_LIQUIDATION, .liquidation = {.symbol = 1, .qty = DECIMAL_ONE}}); /* where we hold nothing */
  assert_int_equal(script.trade_count, 0);
  script_event(&script, (struct event){.kind = EVENT_LIQUIDATION, .liquidation = {.symbol = 0}});
  assert_int_equal(engine_position_count(script.engine), 0);
  assert_int_equal(script.trades[0].exit_reason, REASON_liquidation);
  assert_int_equal(script.trades[0].exit_average, mark);
  script_close(&script);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(ours_is_not_lost_in_a_long_list),
      cmocka_unit_test(a_balance_before_the_fills_corrects_nothing),
      cmocka_unit_test(a_balance_beside_a_fill_corrects_nothing),
      cmocka_unit_test(lines_of_unknown_symbols_are_passed_over),
      cmocka_unit_test(a_foreign_position_is_told_once),
      cmocka_unit_test(orders_without_quantity_and_price_stay_as_we_know_them),
      cmocka_unit_test(stray_stops_that_protect_nothing_go),
      cmocka_unit_test(ended_strays_are_left),
      cmocka_unit_test(a_foreign_position_is_closed_by_one_order),
      cmocka_unit_test(a_kill_of_the_account_waits_for_the_list),
      cmocka_unit_test(a_short_is_adopted_with_a_stop_above),
      cmocka_unit_test(without_its_entry_a_position_is_not_adopted),
      cmocka_unit_test(nothing_is_adopted_while_the_venue_is_asked),
      cmocka_unit_test(there_is_room_for_sixteen),
      cmocka_unit_test(targets_of_an_adopted_position_are_restored),
      cmocka_unit_test(flows_have_a_sign_and_wait_for_the_comparison),
      cmocka_unit_test(a_liquidation_without_a_price_ends_at_the_mark),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

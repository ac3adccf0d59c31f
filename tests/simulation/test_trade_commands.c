/* What an operator asks of positions and orders, against a venue that answers late, in part, with no, or not at all (positions 4, execution 6). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "support/scripted_venue.h"

static struct script script;
static struct event_command ladder;

static int64_t position_id(void) {
  return script_position(&script)->position_id;
}

static void begin(void) {
  script_open(&script, &(struct script_options){0});
  script_start(&script);
  script_enter(&script, 0);
}

static void clear_ladder(void) {
  ladder = (struct event_command){.command = COMMAND_SET_TARGETS, .position_id = position_id()};
}

static void add_rung(const char *name, double price, double size) {
  struct target_change *change = &ladder.targets[ladder.targets_count++];
  text_copy(change->level_name, sizeof change->level_name, name);
  change->price = decimal_from_double(price);
  change->size_pct = size;
}

static void set_ladder(void) {
  script_command_with(&script, ladder);
}

static const struct target *rung(const char *name) {
  const struct position *position = script_position(&script);
  for (int32_t i = 0; i < position->targets_count; i++) {
    if (strcmp(position->targets[i].level_name, name) == 0) return &position->targets[i];
  }
  fail_msg("no rung %s", name);
  return NULL;
}

static const struct order *order_of(const char *name) {
  return script_find(&script, rung(name)->client_order_id);
}

static void obey_cancels(void) {
  for (int32_t i = 0; i < engine_order_count(script.engine); i++) {
    const struct order *order = engine_order(script.engine, i);
    if (order->state == ORDER_CANCELLING) script_update(&script, order->client_order_id, CHANGE_CANCELLED);
  }
}

static void obey_places(void) {
  for (int32_t i = 0; i < engine_order_count(script.engine); i++) {
    char id[ORDER_ID_MAX];
    memcpy(id, engine_order(script.engine, i)->client_order_id, sizeof id);
    if (engine_order(script.engine, i)->state == ORDER_SENT) script_ack(&script, id);
  }
}

static int64_t resting_targets(void) {
  int64_t sum = 0;
  for (int32_t i = 0; i < engine_order_count(script.engine); i++) {
    const struct order *order = engine_order(script.engine, i);
    if (order->purpose == PURPOSE_TARGET && !order_is_ended(order)) sum += order_remaining(order);
  }
  return sum;
}

/* ---- stops ---- */

static void move(double price, bool is_confirmed) {
  script_command_with(
      &script, (struct event_command){
                   .command = COMMAND_MOVE_STOP, .position_id = position_id(), .price = decimal_from_double(price), .is_confirmed = is_confirmed});
}

static void a_stop_moves_in_place_and_is_done_when_it_rests(void **state) {
  (void)state;
  begin();
  const struct position *position = script_position(&script);
  char stop[ORDER_ID_MAX];
  memcpy(stop, script_order(&script, PURPOSE_STOP)->client_order_id, sizeof stop);
  double tighter = decimal_to_double(position->stop) + 0.2;
  move(tighter, false);
  assert_int_equal(script.reply.status, COMMAND_IN_PROGRESS);
  assert_int_equal(script_count(&script, INTENT_AMEND_ORDER), 1);
  assert_int_equal(script_count(&script, INTENT_CANCEL_ORDER) + script_count(&script, INTENT_PLACE_ORDER), 0);
  assert_true(position->protected); /* the old one rests until the new one does */
  assert_int_equal(script_order(&script, PURPOSE_STOP)->state, ORDER_UNTRIGGERED);
  script_amended(&script, stop);
  assert_int_equal(script.reply.status, COMMAND_DONE);
  assert_int_equal(script_find(&script, stop)->trigger_price, decimal_from_double(tighter));
  assert_int_equal(position->stop_rule, STOP_MANUAL);
  assert_int_equal(position->unprotected_since, 0);
  script_close(&script);
}

static void a_lost_answer_is_asked_for_again(void **state) {
  (void)state;
  begin();
  move(decimal_to_double(script_position(&script)->stop) + 0.2, false);
  script_forget(&script);
  script_wait_alive(&script, 2900);
  assert_int_equal(script_count(&script, INTENT_AMEND_ORDER), 0);
  script_wait_alive(&script, 400);
  assert_int_equal(script_count(&script, INTENT_AMEND_ORDER), 1);
  assert_true(script_position(&script)->protected);
  assert_int_equal(script_count(&script, INTENT_PLACE_ORDER), 0);
  script_close(&script);
}

static void loosening_needs_a_word_and_ends_at_the_first_stop(void **state) {
  (void)state;
  begin();
  double initial = decimal_to_double(script_position(&script)->stop_initial);
  char stop[ORDER_ID_MAX];
  memcpy(stop, script_order(&script, PURPOSE_STOP)->client_order_id, sizeof stop);
  move(initial + 0.2, false);
  script_amended(&script, stop);
  move(initial + 0.1, false);
  assert_string_equal(script.reply.code, "confirmation_missing");
  move(initial - 0.01, true);
  assert_string_equal(script.reply.code, "validation_failed");
  move(1000, true);
  assert_string_equal(script.reply.code, "validation_failed");
  move(-5, true);
  assert_string_equal(script.reply.code, "validation_failed");
  assert_int_equal(script_position(&script)->stop, decimal_from_double(initial + 0.2));
  script_forget(&script);
  move(initial + 0.1, true);
  script_amended(&script, stop);
  assert_int_equal(script.reply.status, COMMAND_DONE);
  assert_int_equal(script_position(&script)->stop, decimal_from_double(initial + 0.1));
  script_close(&script);
}

static void breakeven_waits_for_its_price(void **state) {
  (void)state;
  begin();
  struct event_command command = {.command = COMMAND_MOVE_STOP, .position_id = position_id(), .to_breakeven = true};
  script_command_with(&script, command);
  assert_string_equal(script.reply.code, "validation_failed"); /* the price stands at the entry */
  script_bar(&script, 0, 101, 101.9, 101, 101.8);
  int64_t entry = script_position(&script)->entry;
  if (engine_position_count(script.engine) == 1) {
    script_command_with(&script, command);
    assert_true(script_position(&script)->stop > entry);
  }
  script_close(&script);
}

static void a_stop_of_a_closing_or_unknown_position_is_refused(void **state) {
  (void)state;
  begin();
  script_command_with(&script, (struct event_command){.command = COMMAND_MOVE_STOP, .position_id = 99, .price = decimal_from_double(100)});
  assert_string_equal(script.reply.code, "not_found");
  script_command_with(&script, (struct event_command){.command = COMMAND_CLOSE_POSITION, .position_id = position_id(), .fraction = 1});
  move(decimal_to_double(script_position(&script)->stop) + 0.1, false);
  assert_string_equal(script.reply.code, "in_use");
  script_close(&script);
}

/* ---- targets ---- */

static void a_ladder_is_amended_cancelled_and_placed(void **state) {
  (void)state;
  begin();
  const struct position *position = script_position(&script);
  assert_int_equal(position->targets_count, 2);
  char first[17];
  char old_order[ORDER_ID_MAX];
  memcpy(first, position->targets[0].level_name, sizeof first);
  memcpy(old_order, position->targets[1].client_order_id, sizeof old_order);
  clear_ladder();
  add_rung(first, 105, 0.25);
  add_rung("far", 110.005, 0.5);
  set_ladder();
  assert_int_equal(script.reply.status, COMMAND_IN_PROGRESS);
  assert_true(script_was_cancelled(&script, old_order));
  assert_int_equal(script_count(&script, INTENT_AMEND_ORDER), 1);
  assert_int_equal(script_count_placed(&script, PURPOSE_TARGET), 1);
  assert_int_equal(rung("far")->price, decimal_from_double(110)); /* the tick, towards the entry */
  obey_cancels();
  script_amended(&script, rung(first)->client_order_id);
  assert_int_equal(script.reply.status, COMMAND_IN_PROGRESS);
  obey_places();
  assert_int_equal(script.reply.status, COMMAND_DONE);
  assert_int_equal(order_of(first)->price, decimal_from_double(105));
  assert_int_equal(resting_targets(), order_of(first)->qty + order_of("far")->qty);
  assert_true(resting_targets() <= position->qty);
  assert_true(position->protected);
  script_close(&script);
}

static void an_empty_ladder_leaves_the_stop(void **state) {
  (void)state;
  begin();
  clear_ladder();
  set_ladder();
  assert_int_equal(script_count(&script, INTENT_CANCEL_ORDER), 2);
  obey_cancels();
  assert_int_equal(script.reply.status, COMMAND_DONE);
  assert_int_equal(resting_targets(), 0);
  assert_int_equal(script_live(&script, PURPOSE_STOP), 1);
  script_forget(&script);
  script_agree(&script); /* a reconciliation does not bring them back */
  script_link(&script, LINK_DOWN);
  script_link(&script, LINK_UP);
  script_answer(&script);
  script_pass(&script, 1000);
  assert_int_equal(script_count_placed(&script, PURPOSE_TARGET), 0);
  script_close(&script);
}

static void refuse(const char *why) {
  script_forget(&script);
  set_ladder();
  if (strcmp(script.reply.code, "validation_failed") != 0) fail_msg("%s: %s", why, script.reply.code);
  assert_int_equal(script_count(&script, INTENT_AMEND_ORDER) + script_count(&script, INTENT_CANCEL_ORDER) + script_count(&script, INTENT_PLACE_ORDER),
                   0);
  clear_ladder();
}

static void bad_ladders_change_nothing(void **state) {
  (void)state;
  begin();
  clear_ladder();
  add_rung("a", 99, 0.5);
  refuse("below the market");
  add_rung("a", 105, 0.5);
  add_rung("a", 106, 0.2);
  refuse("twice");
  add_rung("a", 105, 0.6);
  add_rung("b", 106, 0.5);
  refuse("more than the whole");
  add_rung("a", 105, 0);
  refuse("nothing");
  add_rung("a", 105, -0.5);
  refuse("negative");
  add_rung("a", 105, 1e-9);
  refuse("less than a lot");
  add_rung("", 105, 0.5);
  refuse("no name");
  add_rung("a", 0, 0.5);
  refuse("no price");
  ladder.position_id = 77;
  set_ladder();
  assert_string_equal(script.reply.code, "not_found");
  script_close(&script);
}

static void sizes_that_are_the_whole_leave_nothing(void **state) {
  (void)state;
  begin();
  clear_ladder();
  add_rung("a", 105, 0.333);
  add_rung("b", 106, 0.333);
  add_rung("c", 107, 0.334);
  set_ladder();
  obey_cancels();
  obey_places();
  script_pass(&script, 100);
  obey_places();
  assert_int_equal(resting_targets(), script_position(&script)->qty);
  assert_int_equal(script.reply.status, COMMAND_DONE);
  script_close(&script);
}

static void a_filled_rung_stays_and_a_part_counts(void **state) {
  (void)state;
  begin();
  const struct position *position = script_position(&script);
  char names[2][17];
  memcpy(names[0], position->targets[0].level_name, 17);
  memcpy(names[1], position->targets[1].level_name, 17);
  int64_t initial = position->qty_initial;
  script_fill_rest(&script, rung(names[0])->client_order_id, 103);
  char part[ORDER_ID_MAX];
  memcpy(part, rung(names[1])->client_order_id, sizeof part);
  script_fill(&script, part, 1, 104);
  int64_t open = position->qty;
  clear_ladder();
  add_rung(names[0], 108, 0.1);
  set_ladder();
  assert_string_equal(script.reply.code, "validation_failed"); /* it is filled */
  clear_ladder();
  add_rung(names[1], 108, 1e-4);
  set_ladder();
  assert_string_equal(script.reply.code, "validation_failed"); /* has filled more */
  clear_ladder();
  script_forget(&script);
  add_rung(names[1], 108, 0.2);
  set_ladder();
  assert_int_equal(script_count(&script, INTENT_AMEND_ORDER), 1);
  script_amended(&script, part);
  assert_int_equal(order_of(names[1])->qty, rung(names[1])->qty);
  assert_true(rung(names[1])->qty <= initial / 5);
  assert_int_equal(rung(names[1])->filled_qty, DECIMAL_ONE);
  assert_int_equal(position->qty, open);
  script_close(&script);
}

static void a_new_order_waits_for_the_end_of_the_old_one(void **state) {
  (void)state;
  begin();
  char name[17];
  char old[ORDER_ID_MAX];
  memcpy(name, script_position(&script)->targets[0].level_name, sizeof name);
  memcpy(old, script_position(&script)->targets[0].client_order_id, sizeof old);
  clear_ladder();
  set_ladder();
  clear_ladder();
  add_rung(name, 105, 0.5);
  script_forget(&script);
  set_ladder(); /* its cancel is on the way */
  assert_int_equal(script_count_placed(&script, PURPOSE_TARGET), 0);
  script_pass(&script, 500);
  assert_int_equal(script_count_placed(&script, PURPOSE_TARGET), 0);
  script_fill(&script, old, 1, 103); /* and it fills a part before it is cancelled */
  obey_cancels();
  script_pass(&script, 100);
  assert_int_equal(script_count_placed(&script, PURPOSE_TARGET), 1);
  assert_string_not_equal(rung(name)->client_order_id, old);
  assert_int_equal(order_of(name)->qty, rung(name)->qty - DECIMAL_ONE);
  obey_places();
  assert_int_equal(script.reply.status, COMMAND_DONE);
  script_close(&script);
}

static void a_refused_change_is_told_and_what_rests_is_shown(void **state) {
  (void)state;
  begin();
  char name[17];
  char id[ORDER_ID_MAX];
  memcpy(name, script_position(&script)->targets[0].level_name, sizeof name);
  memcpy(id, rung(name)->client_order_id, sizeof id);
  int64_t price = rung(name)->price;
  int64_t qty = rung(name)->qty;
  clear_ladder();
  add_rung(name, 150, 0.1);
  set_ladder();
  obey_cancels();
  script_update(&script, id, CHANGE_AMEND_REFUSED);
  assert_int_equal(script.reply.status, COMMAND_FAILED);
  assert_string_equal(script.reply.code, "venue_error");
  assert_int_equal(rung(name)->price, price);
  assert_int_equal(rung(name)->qty, qty);
  script_forget(&script);
  script_wait_alive(&script, 5000);
  assert_int_equal(script_count(&script, INTENT_AMEND_ORDER), 0); /* a no is not asked again */
  script_close(&script);
}

static void a_refused_target_is_told(void **state) {
  (void)state;
  begin();
  clear_ladder();
  add_rung("x", 150, 0.5);
  set_ladder();
  obey_cancels();
  script_reject(&script, rung("x")->client_order_id, REJECT_RULE);
  assert_int_equal(script.reply.status, COMMAND_FAILED);
  assert_int_equal(rung("x")->state, TARGET_CANCELLED);
  assert_true(script_position(&script)->protected);
  script_close(&script);
}

static void a_newer_ladder_takes_over(void **state) {
  (void)state;
  begin();
  clear_ladder();
  add_rung("x", 150, 0.5);
  set_ladder();
  int64_t first = script.reply.operation_id;
  clear_ladder();
  add_rung("x", 140, 0.25);
  script_command_with(&script, ladder);
  assert_int_equal(script.reply.operation_id, first + 1);
  obey_places(); /* the first order rests: now it is changed to what is wanted */
  obey_cancels();
  script_amended(&script, rung("x")->client_order_id);
  assert_int_equal(script.reply.operation_id, first + 1);
  assert_int_equal(script.reply.status, COMMAND_DONE);
  assert_int_equal(order_of("x")->price, decimal_from_double(140));
  assert_int_equal(script_live(&script, PURPOSE_TARGET), 1);
  script_close(&script);
}

static void an_exit_overtakes_a_ladder(void **state) {
  (void)state;
  begin();
  clear_ladder();
  add_rung("x", 150, 0.5);
  set_ladder();
  int64_t operation = script.reply.operation_id;
  script_command(&script, COMMAND_CLOSE_ALL);
  (void)operation;
  assert_int_equal(script_count_placed(&script, PURPOSE_MANUAL), 1);
  obey_places();
  obey_cancels();
  script_pass(&script, 1000);
  assert_int_equal(script_live(&script, PURPOSE_TARGET), 0); /* none is placed beside an exit */
  script_fill_rest(&script, script_order(&script, PURPOSE_MANUAL)->client_order_id, 100.9);
  obey_cancels();
  assert_int_equal(engine_position_count(script.engine), 0);
  assert_int_equal(script.reply.status, COMMAND_DONE);
  assert_int_equal(script.trades[0].exit_reason, REASON_manual);
  script_close(&script);
}

/* The machine dies after the requests were decided: the amend is lost, cancel and new order arrived. */
static void a_half_done_ladder_is_finished_after_a_restart(void **state) {
  (void)state;
  begin();
  const struct position *position = script_position(&script);
  char first[17];
  char old[ORDER_ID_MAX];
  memcpy(first, position->targets[0].level_name, sizeof first);
  memcpy(old, position->targets[1].client_order_id, sizeof old);
  script_agree(&script); /* what the venue holds before the change */
  clear_ladder();
  add_rung(first, 105, 0.25);
  add_rung("far", 110, 0.5);
  set_ladder();
  script_forget(&script);
  script_event(&script, (struct event){.kind = EVENT_RECOVERY, .recovery = {.cause = RESTART_CRASH, .gap_ms = 1000}});
  char far[ORDER_ID_MAX];
  memcpy(far, rung("far")->client_order_id, sizeof far);
  for (int32_t i = 0; i < script.order_count; i++) { /* the cancelled one is gone, the new one took its place */
    if (strcmp(script.orders[i].client_order_id, old) != 0) continue;
    memcpy(script.orders[i].client_order_id, far, sizeof far);
    script.orders[i].qty = rung("far")->qty;
    script.orders[i].price = rung("far")->price;
  }
  script_answer(&script);
  script_found(&script, old, ORDER_CANCELLED, 0);
  for (int i = 0; i < 40; i++) {
    script_wait_alive(&script, 200);
    if (engine_session_state(script.engine) == SESSION_STARTING) script_answer(&script);
  }
  assert_int_equal(script_count_placed(&script, PURPOSE_TARGET), 0); /* nothing is sent twice */
  assert_int_equal(script_find(&script, far)->state, ORDER_WORKING);
  assert_true(script_count(&script, INTENT_AMEND_ORDER) >= 1);
  script_amended(&script, rung(first)->client_order_id);
  assert_int_equal(order_of(first)->price, decimal_from_double(105));
  assert_int_equal(script_live(&script, PURPOSE_TARGET), 2);
  assert_int_equal(script_live(&script, PURPOSE_STOP), 1);
  assert_true(script_position(&script)->protected);
  script_close(&script);
}

/* ---- many at once ---- */

static void close_all_takes_one_side(void **state) {
  (void)state;
  begin();
  script_command_with(&script, (struct event_command){.command = COMMAND_CLOSE_ALL, .close_side = CLOSE_SHORTS});
  assert_int_equal(script.reply.status, COMMAND_DONE); /* there is none */
  assert_int_equal(script_count(&script, INTENT_PLACE_ORDER), 0);
  script_command_with(&script, (struct event_command){.command = COMMAND_CLOSE_ALL, .close_side = CLOSE_LONGS});
  assert_int_equal(script.reply.status, COMMAND_IN_PROGRESS);
  assert_int_equal(script_order(&script, PURPOSE_MANUAL)->type, ORDER_MARKET);
  assert_int_equal(script_order(&script, PURPOSE_STOP)->state, ORDER_UNTRIGGERED);
  script_close(&script);
}

static void cancel_all_never_takes_a_stop(void **state) {
  (void)state;
  begin();
  script_command_with(&script, (struct event_command){.command = COMMAND_CANCEL_ALL, .cancel_scope = CANCEL_BOTH});
  assert_int_equal(script.reply.status, COMMAND_IN_PROGRESS);
  assert_int_equal(script_count(&script, INTENT_CANCEL_ORDER), 2);
  obey_cancels();
  assert_int_equal(script.reply.status, COMMAND_DONE);
  assert_int_equal(script_live(&script, PURPOSE_STOP), 1);
  assert_int_equal(script_live(&script, PURPOSE_TARGET), 0);
  script_close(&script);
}

static void cancel_all_takes_entries(void **state) {
  (void)state;
  script_open(&script, &(struct script_options){0});
  script_start(&script);
  char entry[ORDER_ID_MAX];
  memcpy(entry, script_break_out(&script, 0)->client_order_id, sizeof entry);
  script_ack(&script, entry);
  script_command_with(&script, (struct event_command){.command = COMMAND_CANCEL_ALL, .cancel_scope = CANCEL_ENTRIES});
  assert_true(script_was_cancelled(&script, entry));
  assert_int_equal(script.reply.status, COMMAND_IN_PROGRESS);
  script_fill(&script, entry, 5, 101); /* meanwhile a part fills: it is protected */
  assert_int_equal(script_live(&script, PURPOSE_STOP), 1);
  script_update(&script, entry, CHANGE_CANCELLED);
  assert_int_equal(script.reply.status, COMMAND_DONE);
  assert_int_equal(engine_position_count(script.engine), 1);
  script_close(&script);
}

/* ---- what is not ours ---- */

static void begin_foreign(double qty, double entry) {
  script_open(&script, &(struct script_options){0});
  script.positions[0] = (struct venue_position){.symbol = 0, .side = SIDE_LONG, .qty = decimal_from_double(qty), .entry = decimal_from_double(entry)};
  script.position_count = 1;
  script_start(&script);
}

static void adopt(double stop) {
  struct event_command command = {.command = COMMAND_ADOPT, .price = decimal_from_double(stop)};
  memcpy(command.symbol, engine_market(script.engine, 0)->instrument.symbol, sizeof command.symbol);
  script_command_with(&script, command);
}

static void a_foreign_position_is_adopted_under_guard(void **state) {
  (void)state;
  begin_foreign(12.5, 99.9);
  assert_int_equal(engine_foreign_count(script.engine), 1);
  adopt(200);
  assert_string_equal(script.reply.code, "validation_failed");
  adopt(99.95);
  assert_string_equal(script.reply.code, "validation_failed");
  adopt(95);
  assert_int_equal(script.reply.status, COMMAND_IN_PROGRESS);
  assert_int_equal(engine_foreign_count(script.engine), 0);
  const struct position *position = script_position(&script);
  assert_int_equal(position->strategy, STRATEGY_ADOPTED);
  assert_int_equal(position->qty, decimal_from_double(12.5));
  assert_int_equal(position->management, MANAGEMENT_GUARD);
  assert_int_equal(script_order(&script, PURPOSE_STOP)->qty, position->qty);
  script_ack(&script, script_order(&script, PURPOSE_STOP)->client_order_id);
  assert_int_equal(script.reply.status, COMMAND_DONE);
  assert_true(position->protected);
  script_forget(&script);
  for (int i = 0; i < 20; i++) script_bar(&script, 0, 99.9, 100.1, 99.7, 99.9);
  assert_int_equal(script_count_placed(&script, PURPOSE_EXIT) + script_count_placed(&script, PURPOSE_TARGET), 0);
  adopt(95);
  assert_string_equal(script.reply.code, "not_found"); /* it is ours now */
  script_close(&script);
}

/* ---- money ---- */

static void a_flow_moves_cash_and_high_water_mark(void **state) {
  (void)state;
  script_open(&script, &(struct script_options){0});
  script_start(&script);
  int64_t cash = engine_ledger(script.engine)->cash_usd;
  struct event_command flow = {.command = COMMAND_RECORD_FLOW, .flow_kind = FLOW_WITHDRAWAL, .amount_usd = 100 * DECIMAL_ONE, .reason = "rent"};
  script_forget(&script);
  script_command_with(&script, flow);
  assert_int_equal(script.reply.status, COMMAND_DONE);
  assert_int_equal(engine_ledger(script.engine)->cash_usd, cash - 100 * DECIMAL_ONE);
  assert_int_equal(script_count(&script, INTENT_TRANSFER), 1);
  assert_int_equal(script.flow.amount_usd, -100 * DECIMAL_ONE);
  assert_string_equal(script.flow.source, "operator");
  assert_true(ledger_day_pnl(engine_ledger(script.engine)) == 0);
  flow.amount_usd = -5 * DECIMAL_ONE;
  script_command_with(&script, flow);
  assert_string_equal(script.reply.code, "validation_failed");
  flow.amount_usd = INT64_MAX / 2;
  script_command_with(&script, flow);
  assert_string_equal(script.reply.code, "validation_failed");
  flow.amount_usd = 2 * cash;
  script_command_with(&script, flow);
  assert_string_equal(script.reply.code, "validation_failed");
  assert_int_equal(script_count(&script, INTENT_TRANSFER), 1);
  script_close(&script);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_stop_moves_in_place_and_is_done_when_it_rests),
      cmocka_unit_test(a_lost_answer_is_asked_for_again),
      cmocka_unit_test(loosening_needs_a_word_and_ends_at_the_first_stop),
      cmocka_unit_test(breakeven_waits_for_its_price),
      cmocka_unit_test(a_stop_of_a_closing_or_unknown_position_is_refused),
      cmocka_unit_test(a_ladder_is_amended_cancelled_and_placed),
      cmocka_unit_test(an_empty_ladder_leaves_the_stop),
      cmocka_unit_test(bad_ladders_change_nothing),
      cmocka_unit_test(sizes_that_are_the_whole_leave_nothing),
      cmocka_unit_test(a_filled_rung_stays_and_a_part_counts),
      cmocka_unit_test(a_new_order_waits_for_the_end_of_the_old_one),
      cmocka_unit_test(a_refused_change_is_told_and_what_rests_is_shown),
      cmocka_unit_test(a_refused_target_is_told),
      cmocka_unit_test(a_newer_ladder_takes_over),
      cmocka_unit_test(an_exit_overtakes_a_ladder),
      cmocka_unit_test(a_half_done_ladder_is_finished_after_a_restart),
      cmocka_unit_test(close_all_takes_one_side),
      cmocka_unit_test(cancel_all_never_takes_a_stop),
      cmocka_unit_test(cancel_all_takes_entries),
      cmocka_unit_test(a_foreign_position_is_adopted_under_guard),
      cmocka_unit_test(a_flow_moves_cash_and_high_water_mark),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

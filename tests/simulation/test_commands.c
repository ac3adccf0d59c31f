/* Commands in every session state, with entries, positions and orders in doubt (engine 2, 5). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "support/scripted_venue.h"

static struct script script;
static char entry[ORDER_ID_MAX];

static void begin(void) {
  script_open(&script, &(struct script_options){0});
  script_start(&script);
}

static void begin_with_entry(void) {
  begin();
  memcpy(entry, script_break_out(&script, 0)->client_order_id, sizeof entry);
  script_ack(&script, entry);
  script_forget(&script);
}

static const char *id_of(enum order_purpose purpose) {
  static char id[ORDER_ID_MAX];
  memcpy(id, script_order(&script, purpose)->client_order_id, sizeof id);
  return id;
}

static void obey_cancels(void) {
  for (int32_t i = 0; i < engine_order_count(script.engine); i++) {
    const struct order *order = engine_order(script.engine, i);
    if (order->state == ORDER_CANCELLING) script_update(&script, order->client_order_id, CHANGE_CANCELLED);
  }
}

/* The venue confirms every cancel and fills every exit until nothing lives. */
static void obey(void) {
  for (int round = 0; round < 10; round++) {
    for (int32_t i = 0; i < engine_order_count(script.engine); i++) {
      const struct order *order = engine_order(script.engine, i);
      char id[ORDER_ID_MAX];
      memcpy(id, order->client_order_id, sizeof id);
      if (order->state == ORDER_SENT) script_ack(&script, id);
      if (order->state == ORDER_WORKING && order->reduce_only && order->purpose >= PURPOSE_EXIT) script_fill_rest(&script, id, 100.9);
    }
    obey_cancels();
    script_pass(&script, 100);
  }
}

static void force(enum session_state wanted) {
  switch (wanted) {
    case SESSION_PAUSED:
      script_command(&script, COMMAND_PAUSE);
      break;
    case SESSION_DRAINING:
      script_command(&script, COMMAND_TIME_STOP);
      break;
    case SESSION_STOPPED:
      script_command(&script, COMMAND_STOP);
      break;
    case SESSION_FLATTENING:
      script_command(&script, COMMAND_PANIC_EXIT);
      break;
    case SESSION_EMERGENCY:
      script_command(&script, COMMAND_EMERGENCY_STOP);
      break;
    case SESSION_STARTING:
      script_command(&script, COMMAND_STOP);
      script_command(&script, COMMAND_START);
      break;
    case SESSION_ERROR:
      script_event(&script, (struct event){.kind = EVENT_STORAGE});
      script_wait(&script, 10000);
      break;
    default:
      break;
  }
  assert_int_equal(script_state(&script), wanted);
}

static void kill_works_from_every_state_and_twice(void **state) {
  (void)state;
  static const enum session_state states[] = {SESSION_RUNNING,  SESSION_PAUSED,     SESSION_DRAINING,  SESSION_STOPPED,
                                              SESSION_STARTING, SESSION_FLATTENING, SESSION_EMERGENCY, SESSION_ERROR};
  for (size_t i = 0; i < sizeof states / sizeof states[0]; i++) {
    begin();
    script_enter(&script, 0);
    force(states[i]);
    script_command(&script, COMMAND_KILL_SWITCH);
    assert_int_equal(script_state(&script), SESSION_FLATTENING);
    assert_int_not_equal(engine_risk(script.engine)->kill.since_at, 0);
    int64_t operation = engine_counters(script.engine)->operation;
    int32_t exits = script_count_placed(&script, PURPOSE_FLATTEN);
    assert_int_equal(exits, 1);
    assert_int_equal(script_order(&script, PURPOSE_STOP)->state, ORDER_UNTRIGGERED);
    script_command(&script, COMMAND_KILL_SWITCH);
    assert_int_equal(script.reply.operation_id, operation);
    assert_int_equal(script_count_placed(&script, PURPOSE_FLATTEN), exits);
    obey();
    assert_int_equal(script_state(&script), SESSION_EMERGENCY);
    assert_int_equal(script.trade_count, 1);
    assert_int_equal(script_live(&script, PURPOSE_STOP) + script_live(&script, PURPOSE_TARGET), 0);
    script_close(&script);
  }
}

static void a_start_that_a_kill_overtakes_has_failed(void **state) {
  (void)state;
  begin();
  script_command(&script, COMMAND_STOP);
  script_command(&script, COMMAND_START);
  int64_t operation = script.reply.operation_id;
  script_command(&script, COMMAND_KILL_SWITCH);
  assert_int_equal(script_state(&script), SESSION_EMERGENCY);
  assert_int_equal(script.reply.operation_id, operation); /* the last to be settled */
  assert_int_equal(script.reply.status, COMMAND_FAILED);
  script_close(&script);
}

static void kill_of_nothing_is_an_emergency_at_once(void **state) {
  (void)state;
  script_open(&script, &(struct script_options){0});
  script_command(&script, COMMAND_KILL_SWITCH);
  assert_int_equal(script_state(&script), SESSION_EMERGENCY);
  assert_int_equal(script.reply.status, COMMAND_DONE);
  script_command_with(&script, (struct event_command){.command = COMMAND_RESET, .reason = "drill"});
  assert_int_equal(script_state(&script), SESSION_IDLE);
  script_close(&script);
}

static void kill_while_the_entry_is_in_doubt(void **state) {
  (void)state;
  for (int arrives = 0; arrives < 2; arrives++) {
    begin();
    memcpy(entry, script_break_out(&script, 0)->client_order_id, sizeof entry);
    script_wait_alive(&script, 3000);
    assert_int_equal(script_find(&script, entry)->state, ORDER_UNKNOWN);
    script_command(&script, COMMAND_KILL_SWITCH);
    assert_int_equal(script_state(&script), SESSION_FLATTENING);
    if (arrives) {
      script_fill(&script, entry, 5, 101); /* opened under the kill: protected and closed at once */
      assert_int_equal(script_count_placed(&script, PURPOSE_STOP), 1);
      assert_int_equal(script_count_placed(&script, PURPOSE_FLATTEN), 1);
      assert_int_equal(script_find(&script, entry)->state, ORDER_CANCELLING);
      obey();
      assert_int_equal(script.trades[0].exit_reason, REASON_kill_switch);
    } else {
      script_wait_alive(&script, 8000);
      for (int i = 0; i < 5; i++) script_not_found(&script, entry);
    }
    assert_int_equal(script_state(&script), SESSION_EMERGENCY);
    script_close(&script);
  }
}

static void a_fill_after_the_kill_is_closed(void **state) {
  (void)state;
  begin_with_entry();
  script_command(&script, COMMAND_KILL_SWITCH);
  script_update(&script, entry, CHANGE_CANCELLED);
  assert_int_equal(script_state(&script), SESSION_EMERGENCY);
  script_forget(&script);
  script_fill(&script, entry, 5, 101);
  assert_int_equal(script_count_placed(&script, PURPOSE_STOP), 1);
  assert_int_equal(script_count_placed(&script, PURPOSE_FLATTEN), 1);
  obey();
  assert_int_equal(engine_position_count(script.engine), 0);
  assert_int_equal(script_state(&script), SESSION_EMERGENCY);
  script_close(&script);
}

static void an_emergency_stop_keeps_stops(void **state) {
  (void)state;
  begin_with_entry();
  script_fill(&script, entry, 5, 101);
  script_ack(&script, id_of(PURPOSE_STOP));
  script_forget(&script);
  script_command(&script, COMMAND_EMERGENCY_STOP);
  assert_int_equal(script_state(&script), SESSION_EMERGENCY);
  assert_true(script_was_cancelled(&script, entry));
  assert_int_equal(script.reply.status, COMMAND_IN_PROGRESS);
  script_update(&script, entry, CHANGE_CANCELLED);
  assert_int_equal(script.reply.status, COMMAND_DONE);
  assert_int_equal(script_count(&script, INTENT_PLACE_ORDER), 0);
  assert_int_equal(script_order(&script, PURPOSE_STOP)->state, ORDER_UNTRIGGERED);
  assert_int_equal(engine_position_count(script.engine), 1);
  script_update(&script, id_of(PURPOSE_STOP), CHANGE_CANCELLED); /* guard: the stop is replaced */
  script_pass(&script, 1000);
  assert_int_equal(script_count_placed(&script, PURPOSE_STOP), 1);
  script_command_with(&script, (struct event_command){.command = COMMAND_RESET, .reason = "seen"});
  assert_int_equal(script_state(&script), SESSION_IDLE);
  assert_int_equal(engine_position_count(script.engine), 1);
  script_close(&script);
}

/* The operation of a kill is open while an emergency stop ends its flattening: the next kill is a new one. */
static void a_kill_after_an_emergency_stop_acts(void **state) {
  (void)state;
  begin();
  script_enter(&script, 0);
  script_command(&script, COMMAND_KILL_SWITCH);
  script_command(&script, COMMAND_EMERGENCY_STOP);
  if (script_state(&script) == SESSION_EMERGENCY) {
    script_command(&script, COMMAND_KILL_SWITCH);
    assert_int_equal(script_state(&script), SESSION_FLATTENING);
  }
  obey();
  assert_int_equal(script_state(&script), SESSION_EMERGENCY);
  assert_int_equal(engine_position_count(script.engine), 0);
  script_close(&script);
}

static void kept_positions_are_closed_by_a_panic_exit(void **state) {
  (void)state;
  begin();
  script_enter(&script, 0);
  script_command(&script, COMMAND_STOP);
  assert_int_equal(script_state(&script), SESSION_STOPPED);
  assert_int_equal(script_live(&script, PURPOSE_TARGET), 2);
  assert_int_equal(script_live(&script, PURPOSE_STOP), 1);
  script_command(&script, COMMAND_PANIC_EXIT);
  assert_int_equal(script_state(&script), SESSION_FLATTENING);
  script_ack(&script, id_of(PURPOSE_FLATTEN));
  obey_cancels();
  script_pass(&script, 1000);
  for (int i = 0; i < 30; i++) script_pass(&script, 1000);
  assert_true(script_alerts(&script, "flatten_incomplete"));
  obey();
  assert_int_equal(script_state(&script), SESSION_STOPPED);
  assert_int_equal(script.reply.status, COMMAND_DONE);
  assert_int_equal(script.trades[0].exit_reason, REASON_panic_exit);
  assert_false(script_alerts(&script, "flatten_incomplete"));
  script_close(&script);
}

static void stop_with_close_flattens(void **state) {
  (void)state;
  begin_with_entry();
  script_fill(&script, entry, 5, 101);
  script_command_with(&script, (struct event_command){.command = COMMAND_STOP, .close_positions = true});
  assert_int_equal(script_state(&script), SESSION_FLATTENING);
  obey();
  assert_int_equal(script_state(&script), SESSION_STOPPED);
  assert_int_equal(script.trades[0].exit_reason, REASON_stop_command);
  assert_int_equal(engine_risk(script.engine)->kill.since_at, 0);
  script_close(&script);
}

static void pause_waits_for_its_entries_and_resume_for_pause(void **state) {
  (void)state;
  begin_with_entry();
  script_command(&script, COMMAND_PAUSE);
  assert_int_equal(script_state(&script), SESSION_PAUSED);
  assert_int_equal(script.reply.status, COMMAND_IN_PROGRESS);
  script_command(&script, COMMAND_PAUSE);
  assert_int_equal(script.reply.status, COMMAND_IN_PROGRESS); /* the same operation, not an illegal command */
  script_command(&script, COMMAND_RESUME);
  assert_int_equal(script.reply.status, COMMAND_FAILED);
  script_update(&script, entry, CHANGE_CANCELLED);
  script_command(&script, COMMAND_RESUME);
  assert_int_equal(script_state(&script), SESSION_RUNNING);
  script_command(&script, COMMAND_RESUME);
  assert_string_equal(script.reply.code, "illegal_command");
  script_close(&script);
}

static void time_stop_drains(void **state) {
  (void)state;
  begin();
  script_enter(&script, 0);
  script_command(&script, COMMAND_TIME_STOP);
  assert_int_equal(script_state(&script), SESSION_DRAINING);
  script_pass(&script, 60000);
  assert_int_equal(script_state(&script), SESSION_DRAINING);
  script_fill_rest(&script, id_of(PURPOSE_STOP), 100.7);
  assert_int_equal(script_state(&script), SESSION_DRAINING); /* targets live */
  obey();
  assert_int_equal(script_state(&script), SESSION_STOPPED);
  script_close(&script);
}

static void a_close_by_hand_works_where_sessions_do_not(void **state) {
  (void)state;
  static const enum session_state states[] = {SESSION_STOPPED, SESSION_EMERGENCY};
  for (int i = 0; i < 2; i++) {
    begin();
    script_enter(&script, 0);
    force(states[i]);
    script_command_with(
        &script, (struct event_command){
                     .command = COMMAND_CLOSE_POSITION, .position_id = script_position(&script)->position_id, .fraction = 1, .is_immediate = true});
    obey();
    assert_int_equal(engine_position_count(script.engine), 0);
    assert_int_equal(script.trades[0].exit_reason, REASON_manual);
    assert_int_equal(script_state(&script), states[i]);
    script_close(&script);
  }
}

static void bad_arguments_change_nothing(void **state) {
  (void)state;
  begin();
  script_enter(&script, 0);
  static const double fractions[] = {0, -1, 1.01};
  for (size_t i = 0; i < 3; i++) {
    script_command_with(&script, (struct event_command){.command = COMMAND_CLOSE_POSITION, .position_id = 1, .fraction = fractions[i]});
    assert_string_equal(script.reply.code, "validation_failed");
  }
  script_command_with(&script, (struct event_command){.command = COMMAND_CLOSE_POSITION, .position_id = 99, .fraction = 1});
  assert_string_equal(script.reply.code, "not_found");
  assert_int_equal(script_count(&script, INTENT_PLACE_ORDER) + script_count(&script, INTENT_CANCEL_ORDER), 0);
  script_command(&script, COMMAND_SCAN_NOW);
  script_command(&script, COMMAND_RELOAD);
  assert_int_equal(script.reply.status, COMMAND_DONE);
  script_close(&script);
}

static void an_operator_cancels_an_entry(void **state) {
  (void)state;
  begin_with_entry();
  struct event_command cancel = {.command = COMMAND_CANCEL_ORDER};
  memcpy(cancel.client_order_id, entry, sizeof entry);
  script_command_with(&script, cancel);
  assert_true(script_was_cancelled(&script, entry));
  script_update(&script, entry, CHANGE_CANCELLED);
  assert_int_equal(script.plan.ended_by, PLAN_CANCELLED);
  script_close(&script);
}

static void a_reload_keeps_open_positions(void **state) {
  (void)state;
  begin();
  script_enter(&script, 0);
  int64_t stop = script_position(&script)->stop;
  script.preset.position_config.tp1_r = 9;
  script.preset.levels_rules.min_touches += 1;
  struct event event = {.kind = EVENT_PRESET, .preset_value = &script.preset, .preset_json = "{}"};
  struct symbol_flag flags[] = {{0, true, true}, {5, true, false}};
  event.preset.flags_count = 2;
  event.preset.flags = flags;
  text_copy(event.preset.name, sizeof event.preset.name, script.preset.name);
  script_event(&script, event);
  script_command(&script, COMMAND_RELOAD);
  assert_int_equal(script.reply.status, COMMAND_DONE);
  assert_int_equal(script_position(&script)->stop, stop);
  assert_int_equal(script_live(&script, PURPOSE_TARGET), 2);
  script_close(&script);
}

/* Scope account: orders and positions that are not ours go too; scope own leaves them. */
static void a_kill_of_the_account_closes_what_is_not_ours(void **state) {
  (void)state;
  for (int whole = 0; whole < 2; whole++) {
    script_open(&script, &(struct script_options){.symbols = 2});
    script_start(&script);
    script_enter(&script, 0);
    script_agree(&script);
    script.positions[script.position_count++] = (struct venue_position){1, SIDE_SHORT, 3 * DECIMAL_ONE, 99 * DECIMAL_ONE};
    struct venue_order *other = &script.orders[script.order_count++];
    *other = (struct venue_order){.client_order_id = "web-1", .symbol = 1, .state = ORDER_WORKING, .qty = DECIMAL_ONE, .trigger_price = DECIMAL_NULL};
    script_command_with(&script, (struct event_command){.command = COMMAND_KILL_SWITCH, .whole_account = whole != 0});
    script_forget(&script);
    if (!whole) {
      script_link(&script, LINK_DOWN);
      script_link(&script, LINK_UP);
    }
    script_answer(&script);
    assert_int_equal(script_was_cancelled(&script, "web-1"), whole);
    assert_int_equal(script_count_placed(&script, PURPOSE_FLATTEN), whole);
    if (whole) {
      const struct order *order = script_order(&script, PURPOSE_FLATTEN);
      assert_true(order->symbol_index == 1 && order->side == ORDER_BUY && order->reduce_only && order->qty == 3 * DECIMAL_ONE);
    }
    obey();
    script.position_count = script.order_count = 0;
    if (whole) script_answer(&script);
    obey();
    assert_int_equal(script_state(&script), SESSION_EMERGENCY);
    assert_false(script_alerts(&script, "late_fill"));
    script_close(&script);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(kill_works_from_every_state_and_twice),
      cmocka_unit_test(a_start_that_a_kill_overtakes_has_failed),
      cmocka_unit_test(kill_of_nothing_is_an_emergency_at_once),
      cmocka_unit_test(kill_while_the_entry_is_in_doubt),
      cmocka_unit_test(a_fill_after_the_kill_is_closed),
      cmocka_unit_test(an_emergency_stop_keeps_stops),
      cmocka_unit_test(a_kill_after_an_emergency_stop_acts),
      cmocka_unit_test(kept_positions_are_closed_by_a_panic_exit),
      cmocka_unit_test(stop_with_close_flattens),
      cmocka_unit_test(pause_waits_for_its_entries_and_resume_for_pause),
      cmocka_unit_test(time_stop_drains),
      cmocka_unit_test(a_close_by_hand_works_where_sessions_do_not),
      cmocka_unit_test(bad_arguments_change_nothing),
      cmocka_unit_test(an_operator_cancels_an_entry),
      cmocka_unit_test(a_kill_of_the_account_closes_what_is_not_ours),
      cmocka_unit_test(a_reload_keeps_open_positions),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

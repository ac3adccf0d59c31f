/* A process that dies and returns: every session state, orders on their way, positions with and without protection (engine 10). */
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

static void take_entry(void) {
  memcpy(entry, script_break_out(&script, 0)->client_order_id, sizeof entry);
}

static void restart(bool resume_paused) {
  script_agree(&script);
  script.now += 500;
  script_forget(&script);
  script_event(&script, (struct event){.kind = EVENT_RECOVERY, .recovery = {.cause = RESTART_CRASH, .gap_ms = 500, .resume_paused = resume_paused}});
}

static const char *id_of(enum order_purpose purpose) {
  static char id[ORDER_ID_MAX];
  memcpy(id, script_order(&script, purpose)->client_order_id, sizeof id);
  return id;
}

static void returns_to(enum session_state wanted) {
  assert_int_equal(script_state(&script), SESSION_STARTING);
  assert_int_equal(script_count_queries(&script, QUERY_POSITIONS), 1);
  script_answer(&script);
  script_pass(&script, 1000);
  assert_int_equal(script_state(&script), wanted);
}

static void running_and_paused_return(void **state) {
  (void)state;
  begin();
  script_enter(&script, 0);
  restart(false);
  assert_int_equal(script_position(&script)->protected, true);
  returns_to(SESSION_RUNNING);
  restart(true);
  returns_to(SESSION_PAUSED);
  restart(false);
  returns_to(SESSION_PAUSED);
  assert_int_equal(engine_position_count(script.engine), 1);
  script_close(&script);
}

static void draining_and_stopping_return(void **state) {
  (void)state;
  begin();
  script_enter(&script, 0);
  script_command(&script, COMMAND_TIME_STOP);
  restart(false);
  returns_to(SESSION_DRAINING);
  script_close(&script);

  begin();
  take_entry();
  script_ack(&script, entry);
  script_command(&script, COMMAND_STOP);
  assert_int_equal(script_state(&script), SESSION_STOPPING);
  restart(false);
  assert_int_equal(script_find(&script, entry)->state, ORDER_UNKNOWN); /* it was being cancelled */
  script_answer(&script);                                              /* found working there */
  assert_true(script_was_cancelled(&script, entry));
  script_update(&script, entry, CHANGE_CANCELLED);
  script_pass(&script, 1000);
  assert_int_equal(script_state(&script), SESSION_STOPPED);
  script_close(&script);
}

static void a_kill_goes_on(void **state) {
  (void)state;
  begin();
  script_enter(&script, 0);
  script_command(&script, COMMAND_KILL_SWITCH);
  char exit[ORDER_ID_MAX];
  memcpy(exit, id_of(PURPOSE_FLATTEN), sizeof exit);
  script_ack(&script, exit);
  restart(false);
  assert_int_equal(script_state(&script), SESSION_STARTING);
  assert_true(engine_risk(script.engine)->kill.since_at != 0); /* the latch was never away */
  script_answer(&script);
  script_pass(&script, 1000);
  assert_int_equal(script_state(&script), SESSION_FLATTENING);
  script_fill_rest(&script, exit, 100.9);
  for (int32_t i = 0; i < engine_order_count(script.engine); i++) {
    const struct order *order = engine_order(script.engine, i);
    if (order_is_live(order)) script_found(&script, order->client_order_id, ORDER_CANCELLED, 0);
    if (order_is_live(order)) script_update(&script, order->client_order_id, CHANGE_CANCELLED);
  }
  assert_int_equal(script_state(&script), SESSION_EMERGENCY);
  assert_int_equal(script.trades[0].exit_reason, REASON_kill_switch);
  restart(false);
  assert_int_equal(script_state(&script), SESSION_EMERGENCY);
  script_command(&script, COMMAND_START);
  assert_string_equal(script.reply.code, "emergency_latched");
  script_close(&script);
}

static void error_returns_to_error(void **state) {
  (void)state;
  begin();
  script_event(&script, (struct event){.kind = EVENT_STORAGE});
  script_wait(&script, 10000);
  assert_int_equal(script_state(&script), SESSION_ERROR);
  script_event(&script, (struct event){.kind = EVENT_STORAGE, .storage = {true}});
  restart(false);
  returns_to(SESSION_ERROR);
  script_command(&script, COMMAND_RETRY);
  script_answer(&script);
  script_pass(&script, 1000);
  assert_int_equal(script_state(&script), SESSION_RUNNING);
  script_close(&script);
}

static void idle_and_stopped_stay(void **state) {
  (void)state;
  script_open(&script, &(struct script_options){0});
  restart(false);
  assert_int_equal(script_state(&script), SESSION_IDLE);
  assert_int_equal(script_count(&script, INTENT_QUERY), 0);
  script_close(&script);

  begin();
  script_enter(&script, 0);
  script_command(&script, COMMAND_STOP);
  assert_int_equal(script_state(&script), SESSION_STOPPED);
  restart(false);
  assert_int_equal(script_state(&script), SESSION_STOPPED);
  assert_int_equal(script_count_queries(&script, QUERY_POSITIONS), 1); /* a kept position is guarded */
  script_answer(&script);
  assert_true(script_position(&script)->protected);
  script_close(&script);
}

static void starting_starts_again(void **state) {
  (void)state;
  begin();
  script_command(&script, COMMAND_STOP);
  script_command(&script, COMMAND_START);
  assert_int_equal(script_state(&script), SESSION_STARTING);
  restart(false);
  returns_to(SESSION_RUNNING);
  script_close(&script);
}

static void a_start_that_never_gets_answers_ends_in_error(void **state) {
  (void)state;
  begin();
  script_enter(&script, 0);
  restart(false);
  for (int i = 0; i < 179; i++) script_pass(&script, 1000);
  assert_int_equal(script_state(&script), SESSION_STARTING);
  for (int i = 0; i < 2; i++) script_pass(&script, 1000);
  assert_int_equal(script_state(&script), SESSION_ERROR);
  assert_true(script_count_queries(&script, QUERY_POSITIONS) > 10); /* it asked and asked */
  script_close(&script);
}

static void an_entry_from_before_is_cancelled_and_its_fills_managed(void **state) {
  (void)state;
  begin();
  take_entry();
  script_ack(&script, entry);
  restart(false);
  assert_true(script_was_cancelled(&script, entry));
  script_fill(&script, entry, 4, 101); /* while it is being cancelled, under guard */
  assert_int_equal(script_live(&script, PURPOSE_STOP), 1);
  script_ack(&script, id_of(PURPOSE_STOP));
  script_update(&script, entry, CHANGE_CANCELLED);
  assert_int_equal(script_live(&script, PURPOSE_TARGET), 0); /* guard: no new targets */
  script_agree(&script);
  script_answer(&script); /* older than the fill: asked again */
  if (script_state(&script) == SESSION_STARTING) script_answer(&script);
  script_pass(&script, 1000);
  assert_int_equal(script_state(&script), SESSION_RUNNING);
  script_pass(&script, 1000);
  assert_int_equal(script_live(&script, PURPOSE_TARGET), 2); /* placed with full management */
  assert_int_equal(script_count_placed(&script, PURPOSE_ENTRY), 0);
  script_close(&script);
}

static void what_was_sent_is_unknown(void **state) {
  (void)state;
  begin();
  take_entry();
  restart(false);
  assert_int_equal(script_find(&script, entry)->state, ORDER_UNKNOWN);
  script.order_count = 0; /* it never arrived */
  script_answer(&script);
  for (int i = 0; i < 4; i++) script_not_found(&script, entry);
  script_wait_alive(&script, 8000);
  script_not_found(&script, entry);
  assert_int_equal(script_find(&script, entry)->state, ORDER_REJECTED);
  assert_int_equal(engine_position_count(script.engine), 0);
  script_answer(&script);
  script_pass(&script, 1000);
  assert_int_equal(script_state(&script), SESSION_RUNNING);
  script_close(&script);
}

static void a_stop_that_was_on_its_way_is_found_or_placed(void **state) {
  (void)state;
  for (int was_there = 0; was_there < 2; was_there++) {
    begin();
    take_entry();
    script_ack(&script, entry);
    script_fill_rest(&script, entry, 101);
    char stop[ORDER_ID_MAX];
    memcpy(stop, id_of(PURPOSE_STOP), sizeof stop);
    restart(false);
    assert_int_equal(script_find(&script, stop)->state, ORDER_UNKNOWN);
    if (was_there) {
      script_answer(&script);
      assert_int_equal(script_find(&script, stop)->state, ORDER_UNTRIGGERED);
      assert_true(script_position(&script)->protected);
    } else {
      script_reject(&script, stop, REJECT_OTHER);
      script_pass(&script, 100);
      assert_string_not_equal(id_of(PURPOSE_STOP), stop);
      assert_int_equal(script_count_placed(&script, PURPOSE_STOP), 1);
    }
    script_close(&script);
  }
}

static void an_exit_goes_on_under_guard(void **state) {
  (void)state;
  begin();
  script_enter(&script, 0);
  script_command(&script, COMMAND_PANIC_EXIT);
  char exit[ORDER_ID_MAX];
  memcpy(exit, id_of(PURPOSE_FLATTEN), sizeof exit);
  restart(false);
  script_reject(&script, exit, REJECT_OTHER);
  script_pass(&script, 1000);
  assert_int_equal(script_count_placed(&script, PURPOSE_FLATTEN), 1);
  assert_int_equal(script_state(&script), SESSION_STARTING);
  script_fill_rest(&script, id_of(PURPOSE_FLATTEN), 100.9);
  assert_int_equal(script.trades[0].exit_reason, REASON_panic_exit);
  script_close(&script);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(running_and_paused_return),
      cmocka_unit_test(draining_and_stopping_return),
      cmocka_unit_test(a_kill_goes_on),
      cmocka_unit_test(error_returns_to_error),
      cmocka_unit_test(idle_and_stopped_stay),
      cmocka_unit_test(starting_starts_again),
      cmocka_unit_test(a_start_that_never_gets_answers_ends_in_error),
      cmocka_unit_test(an_entry_from_before_is_cancelled_and_its_fills_managed),
      cmocka_unit_test(what_was_sent_is_unknown),
      cmocka_unit_test(a_stop_that_was_on_its_way_is_found_or_placed),
      cmocka_unit_test(an_exit_goes_on_under_guard),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

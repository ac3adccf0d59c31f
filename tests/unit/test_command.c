/* The legality matrix of the commands: 20 commands x 10 session states x latched or not, written out by hand from the table of commands. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "engine/command.h"

/* One column a state, in this order: idle, starting, running, paused, draining, stopping, flattening, error, emergency, stopped.
 * x legal, - not; L legal only without the latch. */
struct row {
  const char *command, *legal, *role, *confirm;
};
static const struct row rows[] = {
    /*                   i s r p d t f e m o */
    {"start", "L--------L", "operator", ""},           {"stop", "-xxxx--x--", "operator", ""},
    {"pause", "--x-------", "operator", ""},           {"resume", "---L------", "operator", ""},
    {"time_stop", "--xx------", "operator", ""},       {"panic_exit", "-xxxxx-xxx", "operator", "true"},
    {"kill_switch", "xxxxxxxxxx", "operator", "true"}, {"emergency_stop", "xxxxxxxx-x", "operator", ""},
    {"retry", "-------L--", "operator", ""},           {"reset", "--------xx", "admin", "RESET"},
    {"reload", "x-xxx--x-x", "operator", ""},          {"scan_now", "--xx------", "operator", ""},
    {"close_position", "xxxxxxxxxx", "operator", ""},  {"move_stop", "xxxxxxxxxx", "operator", ""},
    {"cancel_order", "xxxxxxxxxx", "operator", ""},    {"set_targets", "xxxxxxxxxx", "operator", ""},
    {"close_all", "xxxxxxxxxx", "operator", "true"},   {"cancel_all", "xxxxxxxxxx", "operator", ""},
    {"record_flow", "xxxxxxxxxx", "admin", ""},        {"adopt", "-xxxxxxxxx", "admin", ""},
};
static const enum session_state columns[] = {SESSION_IDLE,     SESSION_STARTING,   SESSION_RUNNING, SESSION_PAUSED,    SESSION_DRAINING,
                                             SESSION_STOPPING, SESSION_FLATTENING, SESSION_ERROR,   SESSION_EMERGENCY, SESSION_STOPPED};

static void test_matrix(void **state) {
  (void)state;
  assert_int_equal(command_count, sizeof rows / sizeof rows[0]);
  for (int i = 0; i < command_count; i++) {
    int command = command_from_name(rows[i].command);
    assert_int_equal(command, i);
    assert_string_equal(command_roles[i], rows[i].role);
    assert_string_equal(command_confirmations[i], rows[i].confirm);
    assert_int_equal(strlen(rows[i].legal), session_state_count);
    for (int k = 0; k < session_state_count; k++) {
      char letter = rows[i].legal[k];
      assert_true(command_is_legal((enum command)command, columns[k], false) == (letter != '-'));
      assert_true(command_is_legal((enum command)command, columns[k], true) == (letter == 'x'));
    }
  }
}

static void test_names(void **state) {
  (void)state;
  assert_int_equal(command_from_name("kill-switch"), COMMAND_KILL_SWITCH);
  assert_int_equal(command_from_name("kill_switch"), COMMAND_KILL_SWITCH);
  assert_int_equal(command_from_name("kill"), -1);
  assert_int_equal(command_from_name("kill_switches"), -1);
  assert_int_equal(command_from_name(""), -1);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_matrix),
      cmocka_unit_test(test_names),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "core/trade/position.h"
#include "support/fsm_check.h"

/* The table of the position's life cycle, written out by hand from its description, not from position_fsm.def. `any` in that table is spelt out. An
 * exit that an operator withdraws returns to the state before it; one that had only begun to open cannot be withdrawn. A target can fill while the
 * entry is not complete only in the count of fills (opening stays opening), and while an exit runs (exiting stays exiting); an exit order can follow
 * another. */
static const struct fsm_move moves[] = {
    {"opening", "entry_complete", "entry_confirmation"},
    {"opening", "entry_confirmed", "running"}, /* no confirmation bars */
    {"entry_confirmation", "entry_confirmed", "running"},
    {"running", "breakeven_reached", "breakeven"},
    {"running", "trailing_reached", "trailing"},
    {"breakeven", "trailing_reached", "trailing"},
    {"partial_closed", "trailing_reached", "trailing"},
    {"entry_confirmation", "target_filled", "partial_closed"},
    {"running", "target_filled", "partial_closed"},
    {"breakeven", "target_filled", "partial_closed"},
    {"partial_closed", "target_filled", "partial_closed"},
    {"trailing", "target_filled", "trailing"},
    {"opening", "target_filled", "opening"},
    {"exiting", "target_filled", "exiting"},
    {"opening", "exit_sent", "exiting"},
    {"entry_confirmation", "exit_sent", "exiting"},
    {"running", "exit_sent", "exiting"},
    {"breakeven", "exit_sent", "exiting"},
    {"partial_closed", "exit_sent", "exiting"},
    {"trailing", "exit_sent", "exiting"},
    {"exiting", "exit_sent", "exiting"},
    {"exiting", "exit_withdrawn_confirmation", "entry_confirmation"},
    {"exiting", "exit_withdrawn_running", "running"},
    {"exiting", "exit_withdrawn_breakeven", "breakeven"},
    {"exiting", "exit_withdrawn_partial", "partial_closed"},
    {"exiting", "exit_withdrawn_trailing", "trailing"},
    {"opening", "quantity_zero", "closed"},
    {"entry_confirmation", "quantity_zero", "closed"},
    {"running", "quantity_zero", "closed"},
    {"breakeven", "quantity_zero", "closed"},
    {"partial_closed", "quantity_zero", "closed"},
    {"trailing", "quantity_zero", "closed"},
    {"exiting", "quantity_zero", "closed"},
};

static void test_every_state_and_trigger(void **state) {
  (void)state;
  fsm_check_moves(&position_fsm, moves, sizeof moves / sizeof moves[0]);
}

static void test_closed_is_the_end(void **state) {
  (void)state;
  assert_string_equal(position_state_names[POSITION_CLOSED], "closed");
  for (int trigger = 0; trigger < position_trigger_count; trigger++) assert_int_equal(fsm_next(&position_fsm, POSITION_CLOSED, trigger), -1);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_every_state_and_trigger), cmocka_unit_test(test_closed_is_the_end)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}

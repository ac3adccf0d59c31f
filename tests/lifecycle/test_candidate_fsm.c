#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "engine/candidate.h"
#include "support/fsm_check.h"

/* Rows C1 to C12 written out by hand, not from candidate_fsm.def. */
static const struct fsm_move moves[] = {
    {"none", "scanned", "scanned"},              /* C1 */
    {"scanned", "rejected", "rejected"},         /* C2 */
    {"scanned", "passed", "watching"},           /* C3 */
    {"watching", "passed_again", "watching"},    /* C4 */
    {"watching", "signal", "signalled"},         /* C5 */
    {"signalled", "signal_refused", "watching"}, /* C6 */
    {"signalled", "validated", "sizing"},        /* C7 */
    {"sizing", "risk_refused", "watching"},      /* C8 */
    {"sizing", "plan_accepted", "entering"},     /* C9 */
    {"entering", "entry_filled", "entered"},     /* C10 */
    {"entering", "entry_unfilled", "watching"},  /* C11 */
    {"watching", "expired", "expired"},          /* C12 */
    {"signalled", "expired", "expired"},         /* C12 */
};

static void test_every_state_and_trigger(void **state) {
  (void)state;
  fsm_check_moves(&candidate_fsm, moves, sizeof moves / sizeof moves[0]);
}

/* The ends are ends, and every state but the ends has a way on. */
static void test_ends(void **state) {
  (void)state;
  for (int from = 0; from < candidate_state_count; from++) {
    bool is_end = from == CANDIDATE_ENTERED || from == CANDIDATE_REJECTED || from == CANDIDATE_EXPIRED;
    int ways = 0;
    for (int trigger = 0; trigger < candidate_trigger_count; trigger++) ways += fsm_next(&candidate_fsm, from, trigger) >= 0;
    assert_true(is_end ? ways == 0 : ways > 0);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_every_state_and_trigger),
      cmocka_unit_test(test_ends),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "engine/session.h"

/* The table of the session written out by hand from its description (rows S1 to S18, restart), not from session_fsm.def: every state and trigger that
 * is not here must be refused. from: a comma list of states, or "all but x,y". */
struct move {
  const char *from, *trigger, *to;
};
static const struct move moves[] = {
    {"idle,stopped", "start", "starting"},  /* S1 */
    {"starting", "ready", "running"},       /* S2 */
    {"starting", "ready_paused", "paused"}, /* S2, after a restart, as the next ones */
    {"starting", "ready_draining", "draining"},
    {"starting", "ready_stopping", "stopping"},
    {"starting", "ready_flattening", "flattening"},
    {"starting", "ready_error", "error"},
    {"starting", "check_failed", "error"},                                                                      /* S3 */
    {"running", "pause", "paused"},                                                                             /* S4 */
    {"paused", "resume", "running"},                                                                            /* S5 */
    {"running,paused", "time_stop", "draining"},                                                                /* S6 */
    {"draining", "all_done", "stopped"},                                                                        /* S7 */
    {"starting,running,paused,draining,error", "stop_keep", "stopping"},                                        /* S8 */
    {"stopping", "entries_gone", "stopped"},                                                                    /* S9 */
    {"starting,running,paused,draining,stopping,error,stopped,emergency", "flatten", "flattening"},             /* S10, S18 */
    {"all", "kill_open", "flattening"},                                                                         /* S11 */
    {"all", "kill_flat", "emergency"},                                                                          /* S11 */
    {"flattening", "flat", "stopped"},                                                                          /* S12 */
    {"flattening", "flat_latched", "emergency"},                                                                /* S13 */
    {"idle,starting,running,paused,draining,stopping,flattening,error,stopped", "emergency_stop", "emergency"}, /* S14 */
    {"running,paused,draining,stopping", "fatal", "error"},                                                     /* S15 */
    {"error", "retry", "starting"},                                                                             /* S16 */
    {"emergency,stopped", "reset", "idle"},                                                                     /* S17 */
    {"starting,running,paused,draining,stopping,flattening,error", "restarted", "starting"},                    /* restart, step 5 */
};

/* Is the word in the comma list? */
static bool is_listed(const char *list, const char *word) {
  if (strcmp(list, "all") == 0) return true;
  size_t length = strlen(word);
  for (const char *at = list; at != NULL; at = strchr(at, ',')) {
    if (*at == ',') ++at;
    if (strncmp(at, word, length) == 0 && (at[length] == ',' || at[length] == '\0')) return true;
  }
  return false;
}

static const char *expected_state(const char *from, const char *trigger) {
  for (size_t i = 0; i < sizeof moves / sizeof moves[0]; i++) {
    if (strcmp(moves[i].trigger, trigger) == 0 && is_listed(moves[i].from, from)) return moves[i].to;
  }
  return "refused";
}

static void test_every_state_and_trigger(void **state) {
  (void)state;
  for (int from = 0; from < session_fsm.state_count; from++) {
    for (int trigger = 0; trigger < session_fsm.trigger_count; trigger++) {
      int to = fsm_next(&session_fsm, from, trigger);
      assert_string_equal(to >= 0 ? session_fsm.state_names[to] : "refused",
                          expected_state(session_fsm.state_names[from], session_fsm.trigger_names[trigger]));
    }
  }
}

/* A misspelt name above would agree with a missing row. */
static void test_names_are_known(void **state) {
  (void)state;
  assert_int_equal(session_fsm.state_count, 10);
  for (int trigger = 0; trigger < session_fsm.trigger_count; trigger++) {
    int found = 0;
    for (size_t i = 0; i < sizeof moves / sizeof moves[0]; i++) found += strcmp(moves[i].trigger, session_fsm.trigger_names[trigger]) == 0;
    assert_true(found >= 1);
  }
  int legal = 0;
  int expected = 0;
  for (int from = 0; from < session_fsm.state_count; from++) {
    for (size_t i = 0; i < sizeof moves / sizeof moves[0]; i++) expected += is_listed(moves[i].from, session_fsm.state_names[from]);
    for (int trigger = 0; trigger < session_fsm.trigger_count; trigger++) legal += fsm_next(&session_fsm, from, trigger) >= 0;
  }
  assert_int_equal(legal, expected);
}

/* What the description says in words: the latch is reachable from everywhere, emergency is left to idle or to the flattening of what is open,
 * nothing trades without starting. */
static void test_consequences(void **state) {
  (void)state;
  for (int from = 0; from < session_state_count; from++) {
    assert_true(fsm_next(&session_fsm, from, SESSION_ON_KILL_FLAT) == SESSION_EMERGENCY);
    for (int trigger = 0; trigger < session_trigger_count; trigger++) {
      int to = fsm_next(&session_fsm, from, trigger);
      if (to == SESSION_RUNNING) assert_true(from == SESSION_STARTING || from == SESSION_PAUSED);
      if (from == SESSION_IDLE && to >= 0) assert_true(to == SESSION_STARTING || to == SESSION_EMERGENCY || to == SESSION_FLATTENING);
      if (from == SESSION_EMERGENCY && to >= 0) assert_true(to == SESSION_IDLE || to == SESSION_FLATTENING || to == SESSION_EMERGENCY);
      if (from == SESSION_FLATTENING && to >= 0)
        assert_true(to == SESSION_STOPPED || to == SESSION_EMERGENCY || to == SESSION_FLATTENING || to == SESSION_STARTING);
    }
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_every_state_and_trigger),
      cmocka_unit_test(test_names_are_known),
      cmocka_unit_test(test_consequences),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

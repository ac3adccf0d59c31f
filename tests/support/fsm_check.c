#include "support/fsm_check.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const char *expected_state(const struct fsm_move *moves, size_t count, const char *from, const char *trigger) {
  for (size_t i = 0; i < count; i++) {
    if (strcmp(moves[i].from, from) == 0 && strcmp(moves[i].trigger, trigger) == 0) return moves[i].to;
  }
  return "refused";
}

void fsm_check_moves(const struct fsm *fsm, const struct fsm_move *moves, size_t count) {
  size_t legal = 0;
  for (int from = 0; from < fsm->state_count; from++) {
    for (int trigger = 0; trigger < fsm->trigger_count; trigger++) {
      int to = fsm_next(fsm, from, trigger);
      legal += to >= 0;
      assert_string_equal(to >= 0 ? fsm->state_names[to] : "refused",
                          expected_state(moves, count, fsm->state_names[from], fsm->trigger_names[trigger]));
    }
  }
  assert_int_equal(legal, count);
}

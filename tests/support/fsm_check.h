/* A life cycle against its description, written out by hand: every state with every trigger. */
#ifndef TESTS_SUPPORT_FSM_CHECK_H
#define TESTS_SUPPORT_FSM_CHECK_H

#include <stddef.h>

#include "base/fsm.h"

struct fsm_move {
  const char *from, *trigger, *to;
};

/* Fails unless the machine moves as listed, and refuses every state and trigger that is not; also when a name of the list is misspelt. */
void fsm_check_moves(const struct fsm *fsm, const struct fsm_move *moves, size_t count);

#endif

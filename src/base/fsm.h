/* A life cycle as a table: one row per legal move. The engine asks the table before every transition; a pair that is not there is a defect. */
#ifndef BASE_FSM_H
#define BASE_FSM_H

#include <stdint.h>

struct fsm_row {
  uint8_t from, trigger, to;
};

struct fsm {
  const char *name; /* "order" */
  const struct fsm_row *rows;
  int row_count;
  const char *const *state_names;
  int state_count;
  const char *const *trigger_names;
  int trigger_count;
};

/* The state after the trigger, or -1 when the table has no such row. */
int fsm_next(const struct fsm *fsm, int state, int trigger);

#endif

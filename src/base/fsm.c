#include "base/fsm.h"

int fsm_next(const struct fsm *fsm, int state, int trigger) {
  for (int i = 0; i < fsm->row_count; i++) {
    if (fsm->rows[i].from == state && fsm->rows[i].trigger == trigger) return fsm->rows[i].to;
  }
  return -1;
}

/* Checkpoints of a session: what of the trading cycle was reached and when, derived from the engine's records. The newest of the session at hand are
 * in memory, all are rows of the table checkpoints. */
#ifndef API_CHECKPOINT_H
#define API_CHECKPOINT_H

#include "engine/record.h"

enum checkpoint_type {
#define CHECKPOINT(constant, name, step) CHECKPOINT_##constant,
#include "api/checkpoint.def"
  checkpoint_type_count
};
enum checkpoint_status {
  CHECKPOINT_PENDING,
  CHECKPOINT_IN_PROGRESS,
  CHECKPOINT_COMPLETED,
  CHECKPOINT_FAILED,
  CHECKPOINT_SKIPPED,
  checkpoint_status_count
};
extern const char *const checkpoint_type_names[];
extern const char *const checkpoint_status_names[];
/* Step of the cycle, 1 scan to 6 management; 0 none. */
extern const int checkpoint_steps[];

#endif

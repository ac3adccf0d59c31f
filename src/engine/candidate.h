/* A symbol that passed a scan and is being watched; at most one a symbol (engine 3). */
#ifndef ENGINE_CANDIDATE_H
#define ENGINE_CANDIDATE_H

#include "base/fsm.h"
#include "base/schema.h"
#include "core/market/instrument.h"
#include "core/strategy/signal.h"

enum candidate_state {
  CANDIDATE_NONE,
  CANDIDATE_SCANNED,
  CANDIDATE_WATCHING,
  CANDIDATE_SIGNALLED,
  CANDIDATE_SIZING,
  CANDIDATE_ENTERING,
  CANDIDATE_ENTERED,
  CANDIDATE_REJECTED,
  CANDIDATE_EXPIRED,
  candidate_state_count
};
enum candidate_trigger {
  CANDIDATE_ON_SCANNED,
  CANDIDATE_ON_REJECTED,
  CANDIDATE_ON_PASSED,
  CANDIDATE_ON_PASSED_AGAIN,
  CANDIDATE_ON_SIGNAL,
  CANDIDATE_ON_SIGNAL_REFUSED,
  CANDIDATE_ON_VALIDATED,
  CANDIDATE_ON_RISK_REFUSED,
  CANDIDATE_ON_PLAN_ACCEPTED,
  CANDIDATE_ON_ENTRY_FILLED,
  CANDIDATE_ON_ENTRY_UNFILLED,
  CANDIDATE_ON_EXPIRED,
  candidate_trigger_count
};
extern const char *const candidate_state_names[];
extern const char *const candidate_trigger_names[];
extern const struct fsm candidate_fsm;

struct candidate {
/* clang-format off */
#include "base/fields_struct.h"
#include "engine/candidate_fields.def"
#include "base/fields_end.h"
  /* clang-format on */
  struct signal signal; /* of the states signalled, sizing, entering */
  int64_t channel_target;
};
extern const struct schema candidate_schema;

#endif

/* A strategy's proposal: symbol, side, strategy, level, entry, stop, confidence. */
#ifndef CORE_STRATEGY_SIGNAL_H
#define CORE_STRATEGY_SIGNAL_H

#include "core/strategy/reason.h"

enum signal_outcome { SIGNAL_PENDING, SIGNAL_REFUSED, SIGNAL_UNFILLED, SIGNAL_ENTERED, SIGNAL_EXPIRED, SIGNAL_CANCELLED, signal_outcome_count };
extern const char *const signal_outcome_names[];

struct signal {
/* clang-format off */
#include "base/fields_struct.h"
#include "core/strategy/signal_fields.def"
#include "base/fields_end.h"
  /* clang-format on */
};
extern const struct schema signal_schema;

#endif

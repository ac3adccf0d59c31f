/* The registry of indicators: one row each of indicator.def with one uniform way to compute it. */
#ifndef CORE_ANALYSIS_INDICATOR_H
#define CORE_ANALYSIS_INDICATOR_H

#include "core/analysis/indicators.h"

enum indicator_id {
#define INDICATOR(name, parameters, warm_up, unit, description) INDICATOR_##name,
#include "core/analysis/indicator.def"
  indicator_count
};

struct indicator_input {
  const struct candle *candles; /* ascending, oldest first */
  int32_t count;
  const struct candle *others; /* second series of correlation, same count and times; else unused */
  int32_t a, b;                /* parameters; a is the n of a single one */
};

struct indicator {
  const char *name;
  int32_t parameters; /* 0 to 2 */
  const char *unit;
  const char *description;
  int32_t (*warm_up)(int32_t a, int32_t b); /* candles before the first value */
  double (*compute)(const struct indicator_input *input);
};

/* Indexed by enum indicator_id. Indicators of values rather than candles are computed of closes: percentile_rank, correlation, z_score. */
extern const struct indicator indicators[indicator_count];
/* NULL when there is none of that name. */
const struct indicator *indicator_find(const char *name);

#endif

/* Made-up markets with a known character, for tests, demonstrations and benchmarks. The same options give the same candles on every machine. */
#ifndef ADAPTERS_SOURCE_GENERATE_H
#define ADAPTERS_SOURCE_GENERATE_H

#include <stddef.h>
#include <stdint.h>

#include "core/market/candle.h"

enum generate_scenario {
  GENERATE_TREND,     /* climbs about 3 % a day, with pullbacks */
  GENERATE_RANGE,     /* swings between two bounds 3 % apart */
  GENERATE_BREAKOUTS, /* ranges of some hours, left with volume and kept left */
  GENERATE_FAKEOUTS,  /* the same, but back inside within minutes */
  GENERATE_GAPS,      /* a range with jumps between candles and missing minutes */
  GENERATE_CRASH,     /* a range that loses a third within an hour at half time, then recovers half of it */
  GENERATE_QUIET,     /* hardly moves; many minutes without a trade */
  GENERATE_SCENARIO_COUNT
};
extern const char *const generate_scenario_names[GENERATE_SCENARIO_COUNT];

enum { GENERATE_DAYS_MAX = 3650, GENERATE_TICKS_PER_UNIT = 100 }; /* prices are multiples of 0.01 near 100, volumes whole numbers */

struct generate_options {
  enum generate_scenario scenario;
  uint64_t seed;
  int symbol;       /* 0, 1, ...: another market of the same character */
  int days;         /* 1 to GENERATE_DAYS_MAX */
  int64_t start_ms; /* a multiple of a minute */
};

/* Upper bound of the candles of so many days. */
size_t generate_candles_max(int days);
/* Writes the 1m candles, oldest first; out has room for generate_candles_max(days). Returns their number. */
size_t generate_candles(struct candle *out, const struct generate_options *options);

#endif

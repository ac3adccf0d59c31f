/* The data doctor (market-data 10): how far candles of one symbol can be trusted. */
#ifndef ADAPTERS_SOURCE_QUALITY_H
#define ADAPTERS_SOURCE_QUALITY_H

#include <stdbool.h>
#include <stdint.h>

#include "adapters/source/series.h"

struct quality {
  int64_t first_ts, last_ts; /* open times; 0 without candles */
  int64_t rows;              /* read, also those not kept */
  int64_t present, expected; /* candles in the range */
  int64_t missing;           /* expected - present */
  int64_t holes;             /* runs of missing candles */
  int64_t longest_hole;      /* candles */
  int64_t duplicates, conflicts, out_of_order, invalid, filled;
  int64_t jumps;                                           /* |open - previous close| > 20 ATR(14) of the candles before */
  int64_t quiet_runs;                                      /* zero volume for longer than 60 minutes */
  double completeness, freshness, uniqueness, consistency; /* 0..1 */
  double score;                                            /* 0..100 */
};

/* Counts of what was read (duplicates, invalid, ...) are those of the whole series; the rest is of candles with open_ts in [from_ms, to_ms), 0 open.
 */
void quality_measure(struct quality *out, const struct series *candles, int64_t interval_ms, int64_t from_ms, int64_t to_ms);
/* A backtest may use it: completeness at least 0.999 and no invalid candle. */
bool quality_is_usable(const struct quality *quality);
/* Fills holes of at most 5 minutes with flat candles of the last close and no volume; returns how many were written. Their open times and prices are
 * appended to marks (SERIES_MARK). */
int64_t quality_fill_flat(struct series *candles, int64_t interval_ms, struct series *marks);

#endif

/* How old the newest market data are of the symbols that somebody waits for: those that are watched or held. All times are event time. */
#ifndef RUNNER_FRESHNESS_H
#define RUNNER_FRESHNESS_H

#include "engine/view.h"

enum freshness_kind { FRESHNESS_CANDLE, FRESHNESS_TICKER, FRESHNESS_BOOK, FRESHNESS_TRADES, freshness_kind_count };
extern const char *const freshness_kind_names[];

struct freshness {
  int32_t watched, stale;                /* symbols; stale: any input above its limit (market-data 7) */
  double oldest_s[freshness_kind_count]; /* NaN: nobody waits for that kind */
};

void freshness_read(const struct engine *engine, int64_t now, struct freshness *out);

#endif

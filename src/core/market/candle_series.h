/* The newest closed candles of one symbol and interval, always contiguous and ascending, so that every window is a plain array. */
#ifndef CORE_MARKET_CANDLE_SERIES_H
#define CORE_MARKET_CANDLE_SERIES_H

#include <stdbool.h>
#include <stdint.h>

#include "core/market/candle.h"

struct candle_series {
  struct candle *memory; /* 2 * keep items, not owned */
  int32_t keep;          /* candles that stay available */
  int32_t start;         /* index of the oldest kept candle in memory */
  int32_t count;         /* candles available, <= keep */
  int64_t total;         /* candles ever pushed */
};

/* memory: room for 2 * keep candles. */
void candle_series_init(struct candle_series *series, struct candle *memory, int32_t keep);
void candle_series_push(struct candle_series *series, const struct candle *candle);
/* Exchanges the newest candle for one with the same open time. */
void candle_series_replace_newest(struct candle_series *series, const struct candle *candle);
/* Index of an open time counted from the oldest kept candle, -1 when absent. O(log count). */
int32_t candle_series_find(const struct candle_series *series, int64_t open_ts);
/* Inserts a late candle at its place; false when its open time is present or older than what is kept. A full series loses its oldest candle, a series
 * with room also takes one older than its oldest. O(count). */
bool candle_series_insert(struct candle_series *series, const struct candle *candle);
/* Oldest of the last n candles, n <= count. */
const struct candle *candle_series_last(const struct candle_series *series, int32_t n);
/* The newest candle; NULL when empty. */
const struct candle *candle_series_newest(const struct candle_series *series);

#endif

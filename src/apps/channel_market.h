/* What all sets of a search over the channel share about one symbol: its candles as decimals, and indicators computed once. */
#ifndef APPS_CHANNEL_MARKET_H
#define APPS_CHANNEL_MARKET_H

#include <stdbool.h>
#include <stddef.h>

#include "core/market/candle.h"
#include "core/strategy/preset.h"

enum { CHANNEL_BLOCK = 16, CHANNEL_PERIOD_MAX = 500 };

/* A closed signal candle that left its channel. */
struct channel_break {
  int32_t candle; /* index among the signal candles */
  int32_t minute; /* its last minute; the candle closes when that closes */
  bool is_up;     /* the close is above the highest high before it, else below the lowest low */
};

/* Extremes of CHANNEL_BLOCK minutes, so that quiet stretches are passed over. Units as below. */
struct channel_block {
  double high, low, close_high, close_low;
};

/* Signal candles of one length with what was computed of them. */
struct channel_candles {
  const struct candle *candles;
  struct candle *owned;                                 /* NULL: the minutes themselves */
  int32_t count, keep;                                  /* keep: how many the engine holds at most */
  int32_t first_minute;                                 /* the first minute of the first candle */
  int32_t minutes;                                      /* of a candle */
  struct channel_break *breaks[CHANNEL_PERIOD_MAX + 1]; /* by period, NULL: not computed */
  int32_t break_count[CHANNEL_PERIOD_MAX + 1];
  double *range[CHANNEL_PERIOD_MAX + 1]; /* ATR by period and candle, 0: not computed; NULL: none of that period */
};

struct channel_market {
  const struct candle *minutes; /* the source's: contiguous, of one minute */
  int32_t count;
  double *high, *low, *close; /* of each minute in 1e-8 units: whole numbers below 2^53, so that they are compared exactly */
  struct channel_block *blocks;
  double *liquidity;                /* a quarter of the median turnover of the (at most) 60 minutes before; one more than minutes; 0: none before */
  struct channel_candles frames[2]; /* by enum channel_timeframe */
};

/* False when a candle is invalid, missing or too dear for a double. */
bool channel_market_init(struct channel_market *market, const struct candle *minutes, size_t count);
void channel_market_deinit(struct channel_market *market);
/* The breaks of a channel length, ascending. */
const struct channel_break *channel_market_breaks(struct channel_market *market, enum channel_timeframe timeframe, int32_t period, int32_t *count);
/* Wilder's range at a signal candle as the engine computes it there. */
double channel_market_range(struct channel_market *market, enum channel_timeframe timeframe, int32_t period, int32_t candle);

#endif

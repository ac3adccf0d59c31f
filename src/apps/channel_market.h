/* What all sets of a search over the channel share about one symbol: its minutes in a small form, and indicators computed once. */
#ifndef APPS_CHANNEL_MARKET_H
#define APPS_CHANNEL_MARKET_H

#include <stdbool.h>
#include <stddef.h>

#include "core/market/candle.h"
#include "core/strategy/preset.h"

enum { CHANNEL_BLOCK = 16, CHANNEL_PERIOD_MAX = 500, CHANNEL_RANGES_MAX = 64 };

/* A closed signal candle that left its channel. */
struct channel_break {
  int32_t candle; /* index among the signal candles */
  int32_t minute; /* its last minute; the candle closes when that closes */
  double close;
  bool is_up; /* the close is above the highest high before it, else below the lowest low */
};

/* Prices in units of the market: small, because a search is bound by memory. */
struct channel_minute {
  int32_t open, high, low, close;
};

/* What a fill of a minute needs besides. liquidity: a quarter of the median turnover of the (at most) 60 minutes before it; 0: none before. */
struct channel_flow {
  double volume, liquidity;
};

/* Extremes of CHANNEL_BLOCK minutes, so that quiet stretches are passed over. */
struct channel_block {
  int32_t high, low, close_high, close_low;
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
};

/* Wilder's range at each break of a channel length, in their order. */
struct channel_ranges {
  enum channel_timeframe timeframe;
  int32_t period, atr_period; /* 0: an empty place */
  double *values;
};

struct channel_market {
  int64_t first_ts; /* open time of the first minute */
  int32_t count;
  int64_t unit; /* of prices, decimal: their greatest common divisor */
  struct channel_minute *minutes;
  struct channel_flow *flows; /* one more than minutes: what comes after the last */
  struct channel_block *blocks;
  struct channel_candles frames[2];                 /* by enum channel_timeframe */
  struct channel_ranges ranges[CHANNEL_RANGES_MAX]; /* a ring: a search may try thousands, and the oldest gives way */
  int64_t range_count;
};

/* False when a candle is invalid or missing, or prices have too many digits. The candles are the source's and must stay. */
bool channel_market_init(struct channel_market *market, const struct candle *candles, size_t count);
void channel_market_deinit(struct channel_market *market);
/* The breaks of a channel length, ascending. */
const struct channel_break *channel_market_breaks(struct channel_market *market, enum channel_timeframe timeframe, int32_t period, int32_t *count);
/* Wilder's ranges at those breaks as the engine computes them there; NaN where too few candles are known. Good until CHANNEL_RANGES_MAX others were
 * asked for. */
const double *channel_market_ranges(struct channel_market *market, enum channel_timeframe timeframe, int32_t period, int32_t atr_period);
/* The same at any signal candle. */
double channel_market_range(const struct channel_market *market, enum channel_timeframe timeframe, int32_t atr_period, int32_t candle);

#endif

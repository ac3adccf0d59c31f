/* Indicators as pure functions of a window of closed candles in ascending order. `candles` points at the oldest, `count` candles are given; every
 * function uses the newest ones it needs and returns NaN when there are too few. Operations in the written order, so that batch and incremental use
 * give the same bits. Definitions: market-data 3 and 4; sources of formulas in the .c files. */
#ifndef CORE_ANALYSIS_INDICATORS_H
#define CORE_ANALYSIS_INDICATORS_H

#include <stdbool.h>
#include <stdint.h>

#include "core/market/candle.h"

enum {
  INDICATOR_WINDOWS = 10,     /* a recursive indicator of n restarts in a window of this many n */
  INDICATOR_VALUES_MAX = 512, /* largest n of indicators that copy their values */
};

/* previous may be NULL (first candle of a series). */
double indicator_true_range(const struct candle *candle, const struct candle *previous);
/* Wilder ATR(n), window W = 10 n: seed = mean of the first n true ranges of the window (the first uses its predecessor if there is one). Fewer than n
 * + 1: NaN. */
double indicator_atr(const struct candle *candles, int32_t count, int32_t n);
double indicator_ema(const struct candle *candles, int32_t count, int32_t n);
double indicator_sma(const struct candle *candles, int32_t count, int32_t n);
double indicator_bollinger_width(const struct candle *candles, int32_t count, int32_t n);
/* values ascending in time; newest last, included. */
double indicator_percentile_rank(const double *values, int32_t count);
double indicator_donchian_high(const struct candle *candles, int32_t count, int32_t n);
double indicator_donchian_low(const struct candle *candles, int32_t count, int32_t n);
double indicator_vwap(const struct candle *candles, int32_t count, int32_t n);
/* Pearson of count pairs; NaN with zero variance or count < 2. */
double indicator_correlation(const double *x, const double *y, int32_t count);
double indicator_median(double *values, int32_t count); /* reorders values; mean of the two middle ones for an even count */
double indicator_volume_surge(const struct candle *candles, int32_t count, int32_t recent, int32_t before);
/* Least-squares slope of the last n closes, quote a candle; n > 1. */
double indicator_slope(const struct candle *candles, int32_t count, int32_t n);
/* NaN also when no close changed. */
double indicator_rsi(const struct candle *candles, int32_t count, int32_t n);
/* Distance of the newest value from the mean of the n before in population sigmas; 0 when sigma is 0. */
double indicator_z_score(const double *values, int32_t count, int32_t n);
/* z of the true range of the newest candle against the n before (population sigma); 0 when sigma is 0. Needs n + 2 candles or n + 1 at the series
 * start. */
double indicator_true_range_z(const struct candle *candles, int32_t count, int32_t n);
double indicator_mean_volume(const struct candle *candles, int32_t count); /* of all given */
/* Sample or population standard deviation of values; mean returned through mean when not NULL. */
double indicator_sigma(const double *values, int32_t count, bool is_sample, double *mean);

#endif

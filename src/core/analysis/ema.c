/* Exponential moving average with the usual smoothing 2 / (n + 1), seeded with the mean of the first n closes of a window of 10 n. */
#include <math.h>

#include "base/check.h"
#include "core/analysis/indicators.h"

double indicator_ema(const struct candle *candles, int32_t count, int32_t n) {
  check(n > 0 && n <= INT32_MAX / INDICATOR_WINDOWS);
  if (count < n) return NAN;
  int32_t start = count > INDICATOR_WINDOWS * n ? count - INDICATOR_WINDOWS * n : 0;
  double ema = indicator_sma(candles + start, n, n);
  double weight = 2.0 / (n + 1);
  for (int32_t i = start + n; i < count; i++) ema += weight * (candles[i].close - ema);
  return ema;
}

/* Donchian's channel leaves the newest candle out, so that its close can break it. */
#include <math.h>

#include "base/check.h"
#include "core/analysis/indicators.h"

double indicator_donchian_high(const struct candle *candles, int32_t count, int32_t n) {
  check(n > 0);
  if (count < n + 1) return NAN;
  double highest = candles[count - 1 - n].high;
  for (int32_t i = count - n; i < count - 1; i++) {
    if (candles[i].high > highest) highest = candles[i].high;
  }
  return highest;
}

double indicator_donchian_low(const struct candle *candles, int32_t count, int32_t n) {
  check(n > 0);
  if (count < n + 1) return NAN;
  double lowest = candles[count - 1 - n].low;
  for (int32_t i = count - n; i < count - 1; i++) {
    if (candles[i].low < lowest) lowest = candles[i].low;
  }
  return lowest;
}

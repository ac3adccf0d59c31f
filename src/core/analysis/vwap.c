#include <math.h>

#include "base/check.h"
#include "core/analysis/indicators.h"

double indicator_vwap(const struct candle *candles, int32_t count, int32_t n) {
  check(n > 0);
  if (count < n) return NAN;
  double money = 0;
  double volume = 0;
  for (int32_t i = count - n; i < count; i++) {
    money += (candles[i].high + candles[i].low + candles[i].close) / 3 * candles[i].volume;
    volume += candles[i].volume;
  }
  return volume > 0 ? money / volume : NAN;
}

#include <math.h>

#include "base/check.h"
#include "core/analysis/indicators.h"

double indicator_sma(const struct candle *candles, int32_t count, int32_t n) {
  check(n > 0);
  if (count < n) return NAN;
  double sum = 0;
  for (int32_t i = count - n; i < count; i++) sum += candles[i].close;
  return sum / n;
}

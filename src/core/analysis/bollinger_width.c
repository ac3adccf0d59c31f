/* Width of Bollinger's bands (John Bollinger, Bollinger on Bollinger Bands, 2001): (upper - lower) / middle at two population sigmas. */
#include <math.h>

#include "base/check.h"
#include "core/analysis/indicators.h"

double indicator_bollinger_width(const struct candle *candles, int32_t count, int32_t n) {
  check(n > 0 && n <= INDICATOR_VALUES_MAX);
  if (count < n) return NAN;
  double closes[INDICATOR_VALUES_MAX];
  for (int32_t i = 0; i < n; i++) closes[i] = candles[count - n + i].close;
  double middle;
  double sigma = indicator_sigma(closes, n, false, &middle);
  return 100 * (4 * sigma) / middle;
}

/* Least squares over x = 0 .. n - 1. The sums over x are integers and exact. */
#include <math.h>

#include "base/check.h"
#include "core/analysis/indicators.h"

double indicator_slope(const struct candle *candles, int32_t count, int32_t n) {
  check(n > 1);
  if (count < n) return NAN;
  const struct candle *window = candles + count - n;
  double centre = (n - 1) / 2.0;
  double products = 0;
  for (int32_t i = 0; i < n; i++) products += (i - centre) * (window[i].close - window[0].close);
  double squares = (double)n * ((double)n * n - 1) / 12;
  return products / squares;
}

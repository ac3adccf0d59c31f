#include <math.h>
#include <stddef.h>

#include "base/check.h"
#include "core/analysis/indicators.h"

double indicator_z_score(const double *values, int32_t count, int32_t n) {
  check(n > 0);
  if (count < n + 1) return NAN;
  double mean;
  double sigma = indicator_sigma(values + count - 1 - n, n, false, &mean);
  return sigma > 0 ? (values[count - 1] - mean) / sigma : 0;
}

double indicator_true_range_z(const struct candle *candles, int32_t count, int32_t n) {
  check(n > 0 && n < INDICATOR_VALUES_MAX);
  if (count < n + 1) return NAN;
  double ranges[INDICATOR_VALUES_MAX];
  int32_t start = count - n - 1;
  for (int32_t i = 0; i <= n; i++) {
    const struct candle *candle = &candles[start + i];
    ranges[i] = indicator_true_range(candle, start + i > 0 ? candle - 1 : NULL);
  }
  return indicator_z_score(ranges, n + 1, n);
}

#include <math.h>

#include "base/check.h"
#include "core/analysis/indicators.h"

static double median_volume(const struct candle *candles, int32_t count) {
  double volumes[INDICATOR_VALUES_MAX];
  for (int32_t i = 0; i < count; i++) volumes[i] = candles[i].volume;
  return indicator_median(volumes, count);
}

double indicator_volume_surge(const struct candle *candles, int32_t count, int32_t recent, int32_t before) {
  check(recent > 0 && recent <= INDICATOR_VALUES_MAX && before > 0 && before <= INDICATOR_VALUES_MAX);
  if (count < recent + before) return NAN;
  const struct candle *newest = candles + count - recent;
  double usual = median_volume(newest - before, before);
  return usual > 0 ? median_volume(newest, recent) / usual : NAN;
}

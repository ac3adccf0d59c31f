#include <math.h>

#include "core/analysis/indicators.h"

double indicator_mean_volume(const struct candle *candles, int32_t count) {
  if (count < 1) return NAN;
  double sum = 0;
  for (int32_t i = 0; i < count; i++) sum += candles[i].volume;
  return sum / count;
}

/* True range: J. Welles Wilder, New Concepts in Technical Trading Systems, 1978. */
#include <math.h>
#include <stddef.h>

#include "core/analysis/indicators.h"

double indicator_true_range(const struct candle *candle, const struct candle *previous) {
  double range = candle->high - candle->low;
  if (previous == NULL) return range;
  double above = fabs(candle->high - previous->close);
  double below = fabs(candle->low - previous->close);
  if (above > range) range = above;
  return below > range ? below : range;
}

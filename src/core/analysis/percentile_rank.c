#include <math.h>

#include "core/analysis/indicators.h"

double indicator_percentile_rank(const double *values, int32_t count) {
  if (count < 1) return NAN;
  double newest = values[count - 1];
  int32_t below = 0;
  int32_t equal = 0;
  for (int32_t i = 0; i < count; i++) {
    below += values[i] < newest;
    equal += values[i] == newest;
  }
  return 100 * (below + 0.5 * equal) / count;
}

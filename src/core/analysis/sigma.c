/* Standard deviation in two passes. Values are taken as distances from the first one: a series of equal values then has a deviation of exactly 0,
 * which rounding of the mean would otherwise spoil, and large offsets cost no digits. */
#include <math.h>
#include <stddef.h>

#include "core/analysis/indicators.h"

double indicator_sigma(const double *values, int32_t count, bool is_sample, double *mean) {
  int32_t divisor = is_sample ? count - 1 : count;
  if (mean != NULL) *mean = NAN;
  if (count < 1) return NAN;
  double first = values[0];
  double sum = 0;
  for (int32_t i = 0; i < count; i++) sum += values[i] - first;
  double centre = sum / count;
  if (mean != NULL) *mean = first + centre;
  if (divisor < 1) return NAN;
  double squares = 0;
  for (int32_t i = 0; i < count; i++) {
    double distance = values[i] - first - centre;
    squares += distance * distance;
  }
  return sqrt(squares / divisor);
}

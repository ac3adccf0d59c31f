/* Pearson's correlation in two passes over distances from the first pair: equal values give a variance of exactly 0 (see sigma.c). */
#include <math.h>

#include "core/analysis/indicators.h"

double indicator_correlation(const double *x, const double *y, int32_t count) {
  if (count < 2) return NAN;
  double sum_x = 0;
  double sum_y = 0;
  for (int32_t i = 0; i < count; i++) {
    sum_x += x[i] - x[0];
    sum_y += y[i] - y[0];
  }
  double centre_x = sum_x / count;
  double centre_y = sum_y / count;
  double xx = 0;
  double yy = 0;
  double xy = 0;
  for (int32_t i = 0; i < count; i++) {
    double dx = x[i] - x[0] - centre_x;
    double dy = y[i] - y[0] - centre_y;
    xx += dx * dx;
    yy += dy * dy;
    xy += dx * dy;
  }
  double scale = sqrt(xx) * sqrt(yy); /* the product xx * yy could underflow */
  if (!(scale > 0)) return NAN;
  double correlation = xy / scale;
  if (correlation > 1) return 1; /* rounding */
  return correlation < -1 ? -1 : correlation;
}

/* Average true range: J. Welles Wilder, New Concepts in Technical Trading Systems, 1978. His recursion never forgets its start; ours restarts in a
 * window of 10 n candles, where the weight of the seed is (1 - 1/n)^(9n), about 0.0001. */
#include <math.h>
#include <stddef.h>

#include "base/check.h"
#include "core/analysis/indicators.h"

double indicator_atr(const struct candle *candles, int32_t count, int32_t n) {
  check(n > 0 && n <= INT32_MAX / INDICATOR_WINDOWS);
  if (count < n + 1) return NAN;
  int32_t start = count > INDICATOR_WINDOWS * n ? count - INDICATOR_WINDOWS * n : 0;
  double sum = indicator_true_range(&candles[start], start > 0 ? &candles[start - 1] : NULL);
  for (int32_t i = start + 1; i < start + n; i++) sum += indicator_true_range(&candles[i], &candles[i - 1]);
  double atr = sum / n;
  for (int32_t i = start + n; i < count; i++) atr = (atr * (n - 1) + indicator_true_range(&candles[i], &candles[i - 1])) / n;
  return atr;
}

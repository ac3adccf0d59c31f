/* Relative strength index: J. Welles Wilder, New Concepts in Technical Trading Systems, 1978, over the changes inside a window of 10 n closes. */
#include <math.h>

#include "base/check.h"
#include "core/analysis/indicators.h"

double indicator_rsi(const struct candle *candles, int32_t count, int32_t n) {
  check(n > 0 && n <= INT32_MAX / INDICATOR_WINDOWS);
  if (count < n + 1) return NAN;
  int32_t start = count > INDICATOR_WINDOWS * n ? count - INDICATOR_WINDOWS * n : 0;
  double up = 0;
  double down = 0;
  for (int32_t i = start + 1; i < count; i++) {
    double change = candles[i].close - candles[i - 1].close;
    double gain = change > 0 ? change : 0;
    double loss = change < 0 ? -change : 0;
    if (i <= start + n) { /* the first n are averaged */
      up += gain / n;
      down += loss / n;
    } else {
      up = (up * (n - 1) + gain) / n;
      down = (down * (n - 1) + loss) / n;
    }
  }
  return up + down > 0 ? 100 * up / (up + down) : NAN; /* without any change there is nothing to compare */
}

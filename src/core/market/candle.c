#include "core/market/candle.h"

#include "base/calendar.h"
#include "base/check.h"

const char *const timeframe_names[timeframe_count] = {"1m", "5m", "15m", "1h"};

/* Comparisons with NaN are false, so a NaN fails the ordering tests; an infinite price fails through high <= max. */
bool candle_is_valid(const struct candle *candle) {
  const double max = 1.7976931348623157e308;
  if (!(candle->low > 0 && candle->high <= max)) return false;
  if (!(candle->open >= candle->low && candle->open <= candle->high)) return false;
  if (!(candle->close >= candle->low && candle->close <= candle->high)) return false;
  return candle->volume >= 0 && candle->volume <= max && candle->turnover >= 0 && candle->turnover <= max;
}

int64_t timeframe_ms(enum timeframe timeframe) {
  static const int64_t lengths[timeframe_count] = {MINUTE_MS, 5 * MINUTE_MS, 15 * MINUTE_MS, HOUR_MS};
  check((unsigned)timeframe < timeframe_count);
  return lengths[timeframe];
}

/* One bar of trading in one symbol and the bar lengths the engine knows. Prices in quote currency, volume in base units, turnover in quote units. */
#ifndef CORE_MARKET_CANDLE_H
#define CORE_MARKET_CANDLE_H

#include <stdbool.h>
#include <stdint.h>

struct candle {
  int64_t open_ts; /* ms UTC, a multiple of the bar's length */
  double open, high, low, close, volume, turnover;
};

/* Plausible: all finite, prices above zero, low <= open, close <= high, volume and turnover not negative. */
bool candle_is_valid(const struct candle *candle);

enum timeframe { TIMEFRAME_1M, TIMEFRAME_5M, TIMEFRAME_15M, TIMEFRAME_1H, timeframe_count };

/* "1m", "5m", "15m", "1h". */
extern const char *const timeframe_names[timeframe_count];

/* Length of a bar in ms. */
int64_t timeframe_ms(enum timeframe timeframe);

#endif

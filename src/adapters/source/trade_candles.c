#include "adapters/source/trade_candles.h"

#include "base/calendar.h"
#include "base/decimal.h"

static int64_t minute_of(int64_t ts) {
  return ts - ts % MINUTE_MS;
}

static void put(struct series *candles, const struct candle *candle) {
  *(struct candle *)series_room(candles) = *candle;
  candles->count++;
  candles->rows_seen++;
}

/* Trades without a hole between them. */
static void build_run(struct series *candles, const struct source_trade *trades, size_t count) {
  const int64_t first = minute_of(trades[0].ts), last = minute_of(trades[count - 1].ts);
  const bool has_first = first % DAY_MS == 0, has_last = (last + MINUTE_MS) % DAY_MS == 0;
  double price = 0;
  size_t at = 0;
  for (int64_t minute = first; minute <= last; minute += MINUTE_MS) {
    struct candle candle = {minute, price, price, price, price, 0, 0};
    int64_t volume = 0;
    bool is_open = false;
    for (; at < count && trades[at].ts < minute + MINUTE_MS; at++) {
      price = decimal_to_double(trades[at].price);
      if (!is_open) candle.open = candle.high = candle.low = price;
      is_open = true;
      if (price > candle.high) candle.high = price;
      if (price < candle.low) candle.low = price;
      candle.close = price;
      /* Exact sum of quantities; the turnover has no exact type of its own. */
      volume += trades[at].qty;
      candle.turnover += price * decimal_to_double(trades[at].qty);
    }
    candle.volume = decimal_to_double(volume);
    if ((minute > first || has_first) && (minute < last || has_last)) put(candles, &candle);
  }
}

void trade_candles_build(struct series *candles, const struct source_trade *trades, size_t count) {
  for (size_t begin = 0; begin < count;) {
    size_t end = begin + 1;
    while (end < count && trades[end].ts - trades[end - 1].ts < HOUR_MS) end++;
    build_run(candles, trades + begin, end - begin);
    begin = end;
  }
}

#include "adapters/source/future.h"

#include <math.h>
#include <stddef.h>

#include "adapters/source/source.h"

static const struct source *used;

void future_use(const struct source *source) {
  used = source;
}

static const struct candle *find(int symbol, int64_t open_ts) {
  size_t count;
  const struct candle *rows = source_candles(used, symbol, &count);
  int64_t at = count > 0 ? (open_ts - rows[0].open_ts) / source_interval_ms(used) : -1;
  return at >= 0 && (size_t)at < count && rows[at].open_ts == open_ts ? &rows[at] : NULL;
}

/* A candle and its first base candle open at the same price. */
static int symbol_of(const struct candle *known) {
  for (int i = 0; used != NULL && i < source_symbol_count(used); i++) {
    const struct candle *row = find(i, known->open_ts);
    if (row != NULL && row->open == known->open) return i;
  }
  return -1;
}

struct candle future_candle(const struct candle *known, int64_t after_ms) {
  int symbol = symbol_of(known);
  const struct candle *row = symbol >= 0 ? find(symbol, known->open_ts + after_ms) : NULL;
  return row != NULL && !isnan(row->close) ? *row : *known;
}

double future_turnover(int symbol, int64_t from, int64_t length) {
  double sum = 0;
  for (int64_t ts = from; used != NULL && ts < from + length; ts += source_interval_ms(used)) {
    const struct candle *row = find(symbol, ts);
    sum += row != NULL && !isnan(row->turnover) ? row->turnover : 0;
  }
  return sum;
}

int future_exists(int symbol, int64_t ts) {
  return used != NULL && find(symbol, ts - ts % source_interval_ms(used)) != NULL;
}

double future_mean_volume(const struct candle *known) {
  int symbol = symbol_of(known);
  size_t count = 0;
  double sum = 0;
  size_t valid = 0;
  const struct candle *rows = symbol >= 0 ? source_candles(used, symbol, &count) : NULL;
  for (size_t i = 0; i < count; i += 97) {
    if (isnan(rows[i].volume)) continue;
    sum += rows[i].volume;
    ++valid;
  }
  return valid > 0 ? sum / (double)valid : known->volume;
}

struct candle future_window(const struct candle *known, int64_t after_ms, int64_t length) {
  int symbol = symbol_of(known);
  struct candle whole = {.open_ts = known->open_ts + after_ms};
  for (int64_t ts = whole.open_ts; symbol >= 0 && ts < whole.open_ts + length; ts += source_interval_ms(used)) {
    const struct candle *row = find(symbol, ts);
    if (row == NULL || isnan(row->close)) return *known;
    if (whole.volume == 0 && whole.open == 0) whole = *row;
    whole.high = fmax(whole.high, row->high);
    whole.low = fmin(whole.low, row->low);
    whole.close = row->close;
    whole.volume += row->volume;
    whole.turnover += row->turnover;
  }
  return whole.open == 0 ? *known : whole;
}

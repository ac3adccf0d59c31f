#include "core/market/candle_series.h"

#include <string.h>

#include "base/check.h"
#include "core/market/window.h"

void candle_series_init(struct candle_series *series, struct candle *memory, int32_t keep) {
  check(keep > 0);
  *series = (struct candle_series){.memory = memory, .keep = keep};
}

void candle_series_push(struct candle_series *series, const struct candle *candle) {
  check(series->count == 0 || candle->open_ts > series->memory[series->start + series->count - 1].open_ts);
  int32_t slot = window_push(series->memory, sizeof *candle, series->keep, &series->start, &series->count);
  series->memory[slot] = *candle;
  series->total++;
}

void candle_series_replace_newest(struct candle_series *series, const struct candle *candle) {
  check(series->count > 0);
  struct candle *newest = &series->memory[series->start + series->count - 1];
  check(newest->open_ts == candle->open_ts);
  *newest = *candle;
}

/* Number of kept candles older than open_ts. */
static int32_t count_older(const struct candle_series *series, int64_t open_ts) {
  const struct candle *candles = series->memory + series->start;
  int32_t low = 0;
  int32_t high = series->count;
  while (low < high) {
    int32_t middle = low + (high - low) / 2;
    if (candles[middle].open_ts < open_ts) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

int32_t candle_series_find(const struct candle_series *series, int64_t open_ts) {
  int32_t index = count_older(series, open_ts);
  return index < series->count && series->memory[series->start + index].open_ts == open_ts ? index : -1;
}

bool candle_series_insert(struct candle_series *series, const struct candle *candle) {
  int32_t index = count_older(series, candle->open_ts);
  bool is_full = series->count == series->keep;
  if (is_full && index == 0) return false;
  struct candle *at = series->memory + series->start + index;
  if (index < series->count && at->open_ts == candle->open_ts) return false;
  series->total++;
  if (is_full) { /* the older ones move down over the oldest */
    struct candle *oldest = series->memory + series->start;
    memmove(oldest, oldest + 1, (size_t)(index - 1) * sizeof *candle);
    at[-1] = *candle;
    return true;
  }
  /* Not full means that nothing was ever discarded: the window still starts at 0 and has room behind it. */
  memmove(at + 1, at, (size_t)(series->count - index) * sizeof *candle);
  *at = *candle;
  series->count++;
  return true;
}

const struct candle *candle_series_last(const struct candle_series *series, int32_t n) {
  check(n >= 0 && n <= series->count);
  return series->memory + series->start + series->count - n;
}

const struct candle *candle_series_newest(const struct candle_series *series) {
  return series->count > 0 ? series->memory + series->start + series->count - 1 : NULL;
}

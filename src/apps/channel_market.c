#include "apps/channel_market.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/calendar.h"
#include "base/check.h"
#include "base/decimal.h"
#include "core/analysis/indicators.h"
#include "core/market/market.h"

enum { LIQUIDITY_MINUTES = 60, MINUTES_OF_5M = 5 };
static const double liquidity_share = 0.25;
static const double exact_max = 9007199254740992.0; /* 2^53 */

static void *take(size_t count, size_t size) {
  void *memory = calloc(count + 1, size);
  check(memory != NULL);
  return memory;
}

/* ---- liquidity ---- */

/* The values of a window in ascending order. */
struct window {
  double values[LIQUIDITY_MINUTES];
  int32_t count;
};

static int32_t place_of(const struct window *window, double value) {
  int32_t low = 0;
  int32_t high = window->count;
  while (low < high) {
    int32_t middle = (low + high) / 2;
    if (window->values[middle] < value) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

static void add(struct window *window, double value) {
  int32_t at = place_of(window, value);
  memmove(&window->values[at + 1], &window->values[at], (size_t)(window->count - at) * sizeof value);
  window->values[at] = value;
  window->count++;
}

static void drop(struct window *window, double value) {
  int32_t at = place_of(window, value);
  window->count--;
  memmove(&window->values[at], &window->values[at + 1], (size_t)(window->count - at) * sizeof value);
}

static double median(const struct window *window) {
  int32_t half = window->count / 2;
  if (window->count % 2 == 1) return window->values[half];
  return (window->values[half - 1] + window->values[half]) / 2;
}

static double turnover_of(const struct candle *candle) {
  return isnan(candle->turnover) ? candle->volume * candle->close : candle->turnover;
}

static void measure_liquidity(struct channel_market *market) {
  struct window window = {.count = 0};
  market->liquidity = take((size_t)market->count + 1, sizeof *market->liquidity);
  for (int32_t i = 0; i < market->count; i++) {
    if (i >= LIQUIDITY_MINUTES) drop(&window, turnover_of(&market->minutes[i - LIQUIDITY_MINUTES]));
    add(&window, turnover_of(&market->minutes[i]));
    market->liquidity[i + 1] = liquidity_share * median(&window);
  }
}

/* ---- minutes ---- */

static bool is_sound(const struct candle *minutes, size_t count) {
  for (size_t i = 0; i < count; i++) {
    if (!candle_is_valid(&minutes[i]) || minutes[i].open_ts % MINUTE_MS != 0) return false;
    if (i > 0 && minutes[i].open_ts != minutes[i - 1].open_ts + MINUTE_MS) return false;
    if (minutes[i].high * (double)DECIMAL_ONE >= exact_max) return false;
  }
  return count > 0 && count < INT32_MAX / 2;
}

static void convert_minutes(struct channel_market *market) {
  size_t count = (size_t)market->count;
  market->high = take(count, sizeof *market->high);
  market->low = take(count, sizeof *market->low);
  market->close = take(count, sizeof *market->close);
  for (size_t i = 0; i < count; i++) {
    market->high[i] = (double)decimal_from_double(market->minutes[i].high);
    market->low[i] = (double)decimal_from_double(market->minutes[i].low);
    market->close[i] = (double)decimal_from_double(market->minutes[i].close);
  }
}

static void make_blocks(struct channel_market *market) {
  int32_t count = market->count / CHANNEL_BLOCK;
  market->blocks = take((size_t)count, sizeof *market->blocks);
  for (int32_t b = 0; b < count; b++) {
    struct channel_block block = {-INFINITY, INFINITY, -INFINITY, INFINITY};
    for (int32_t i = b * CHANNEL_BLOCK; i < (b + 1) * CHANNEL_BLOCK; i++) {
      if (market->high[i] > block.high) block.high = market->high[i];
      if (market->low[i] < block.low) block.low = market->low[i];
      if (market->close[i] > block.close_high) block.close_high = market->close[i];
      if (market->close[i] < block.close_low) block.close_low = market->close[i];
    }
    market->blocks[b] = block;
  }
}

/* ---- signal candles ---- */

static struct candle join(const struct candle *parts, int32_t count) {
  struct candle whole = parts[0];
  for (int32_t i = 1; i < count; i++) {
    if (parts[i].high > whole.high) whole.high = parts[i].high;
    if (parts[i].low < whole.low) whole.low = parts[i].low;
    whole.volume += parts[i].volume;
    whole.turnover += parts[i].turnover;
  }
  whole.close = parts[count - 1].close;
  return whole;
}

/* Whole candles of five minutes only: the first begins on the grid. */
static void make_frames(struct channel_market *market) {
  struct channel_candles *fine = &market->frames[CHANNEL_TIMEFRAME_1M];
  struct channel_candles *coarse = &market->frames[CHANNEL_TIMEFRAME_5M];
  *fine = (struct channel_candles){.candles = market->minutes, .count = market->count, .keep = MARKET_KEEP_1M, .minutes = 1};
  *coarse = (struct channel_candles){.keep = MARKET_KEEP_5M, .minutes = MINUTES_OF_5M};
  while (coarse->first_minute < market->count && market->minutes[coarse->first_minute].open_ts % (MINUTES_OF_5M * MINUTE_MS) != 0) {
    coarse->first_minute++;
  }
  coarse->count = (market->count - coarse->first_minute) / MINUTES_OF_5M;
  coarse->owned = take((size_t)coarse->count, sizeof *coarse->owned);
  for (int32_t i = 0; i < coarse->count; i++) {
    coarse->owned[i] = join(market->minutes + coarse->first_minute + (ptrdiff_t)i * MINUTES_OF_5M, MINUTES_OF_5M);
  }
  coarse->candles = coarse->owned;
}

bool channel_market_init(struct channel_market *market, const struct candle *minutes, size_t count) {
  *market = (struct channel_market){0};
  if (!is_sound(minutes, count)) return false;
  market->minutes = minutes;
  market->count = (int32_t)count;
  convert_minutes(market);
  make_blocks(market);
  measure_liquidity(market);
  make_frames(market);
  return true;
}

void channel_market_deinit(struct channel_market *market) {
  free(market->high);
  free(market->low);
  free(market->close);
  free(market->blocks);
  free(market->liquidity);
  for (int frame = 0; frame < 2; frame++) {
    free(market->frames[frame].owned);
    for (int period = 0; period <= CHANNEL_PERIOD_MAX; period++) {
      free(market->frames[frame].breaks[period]);
      free(market->frames[frame].range[period]);
    }
  }
  *market = (struct channel_market){0};
}

/* ---- channels ---- */

/* Candidates for the extreme of a sliding window, best first: each is better than those behind it (a monotonic queue). */
struct extremes {
  int32_t *items;
  int32_t first, last;
};

static void push_high(struct extremes *queue, const struct candle *candles, int32_t i) {
  while (queue->last > queue->first && candles[queue->items[queue->last - 1]].high <= candles[i].high) queue->last--;
  queue->items[queue->last++] = i;
}

static void push_low(struct extremes *queue, const struct candle *candles, int32_t i) {
  while (queue->last > queue->first && candles[queue->items[queue->last - 1]].low >= candles[i].low) queue->last--;
  queue->items[queue->last++] = i;
}

static void forget_before(struct extremes *queue, int32_t oldest) {
  while (queue->first < queue->last && queue->items[queue->first] < oldest) queue->first++;
}

static void find_breaks(struct channel_candles *frame, int32_t period) {
  const struct candle *candles = frame->candles;
  size_t count = (size_t)frame->count;
  struct extremes highs = {.items = take(count, sizeof *highs.items)};
  struct extremes lows = {.items = take(count, sizeof *lows.items)};
  struct channel_break *breaks = take(count, sizeof *breaks);
  int32_t found = 0;
  for (int32_t i = 0; i < frame->count; i++) {
    forget_before(&highs, i - period);
    forget_before(&lows, i - period);
    if (i >= period) {
      bool is_up = candles[i].close > candles[highs.items[highs.first]].high;
      bool is_down = candles[i].close < candles[lows.items[lows.first]].low;
      if (is_up || is_down) breaks[found++] = (struct channel_break){i, frame->first_minute + (i + 1) * frame->minutes - 1, is_up};
    }
    push_high(&highs, candles, i);
    push_low(&lows, candles, i);
  }
  free(highs.items);
  free(lows.items);
  struct channel_break *fitted = realloc(breaks, ((size_t)found + 1) * sizeof *breaks);
  frame->breaks[period] = fitted != NULL ? fitted : breaks;
  frame->break_count[period] = found;
}

const struct channel_break *channel_market_breaks(struct channel_market *market, enum channel_timeframe timeframe, int32_t period, int32_t *count) {
  struct channel_candles *frame = &market->frames[timeframe];
  check(period > 0 && period <= CHANNEL_PERIOD_MAX);
  if (frame->breaks[period] == NULL) find_breaks(frame, period);
  *count = frame->break_count[period];
  return frame->breaks[period];
}

double channel_market_range(struct channel_market *market, enum channel_timeframe timeframe, int32_t period, int32_t candle) {
  struct channel_candles *frame = &market->frames[timeframe];
  check(period > 0 && period <= CHANNEL_PERIOD_MAX && candle < frame->count);
  if (frame->range[period] == NULL) frame->range[period] = take((size_t)frame->count, sizeof(double));
  double *kept = &frame->range[period][candle];
  if (*kept == 0) { /* a market that stands still is computed each time */
    int32_t known = candle + 1 < frame->keep ? candle + 1 : frame->keep;
    *kept = indicator_atr(&frame->candles[candle + 1 - known], known, period);
  }
  return *kept;
}

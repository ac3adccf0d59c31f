#include "apps/channel_market.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/calendar.h"
#include "base/check.h"
#include "base/decimal.h"
#include "core/analysis/indicators.h"
#include "core/market/market.h"

enum { LIQUIDITY_MINUTES = 60, MINUTES_OF_5M = 5 };
static const double liquidity_share = 0.25;

static void *take(size_t count, size_t size) {
  void *memory = calloc(count + 1, size);
  check(memory != NULL);
  return memory;
}

/* For what is read here and there: in large pages the machine finds it faster. Not cleared. */
static void *take_spread(size_t count, size_t size) {
  const size_t page = (size_t)1 << 21;
  size_t bytes = ((count + 1) * size + page - 1) / page * page;
  void *memory = aligned_alloc(page, bytes);
  check(memory != NULL);
  (void)madvise(memory, bytes, MADV_HUGEPAGE); /* a wish */
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

static void measure_flows(struct channel_market *market, const struct candle *candles) {
  struct window window = {.count = 0};
  market->flows = take_spread((size_t)market->count + 1, sizeof *market->flows);
  market->flows[0].liquidity = 0;
  for (int32_t i = 0; i < market->count; i++) {
    if (i >= LIQUIDITY_MINUTES) drop(&window, turnover_of(&candles[i - LIQUIDITY_MINUTES]));
    add(&window, turnover_of(&candles[i]));
    market->flows[i].volume = candles[i].volume;
    market->flows[i + 1].liquidity = liquidity_share * median(&window);
  }
}

/* ---- minutes ---- */

static bool is_sound(const struct candle *candles, size_t count) {
  for (size_t i = 0; i < count; i++) {
    if (!candle_is_valid(&candles[i]) || candles[i].open_ts % MINUTE_MS != 0 || !decimal_fits(candles[i].high)) return false;
    if (i > 0 && candles[i].open_ts != candles[i - 1].open_ts + MINUTE_MS) return false;
  }
  return count > 0 && count < INT32_MAX / 2;
}

static int64_t common_divisor(int64_t a, int64_t b) {
  while (b != 0) {
    int64_t rest = a % b;
    a = b;
    b = rest;
  }
  return a;
}

/* False: some price in units of all needs more than 31 bits. */
static bool find_unit(struct channel_market *market, const struct candle *candles) {
  int64_t unit = 0;
  int64_t highest = 0;
  for (int32_t i = 0; i < market->count; i++) {
    const double prices[] = {candles[i].open, candles[i].high, candles[i].low, candles[i].close};
    for (int k = 0; k < 4; k++) {
      int64_t price = decimal_from_double(prices[k]);
      if (unit == 0 || price % unit != 0) unit = common_divisor(price, unit);
      if (price > highest) highest = price;
    }
  }
  market->unit = unit;
  return unit > 0 && highest / unit < INT32_MAX;
}

static int32_t in_units(const struct channel_market *market, double price) {
  return (int32_t)(decimal_from_double(price) / market->unit);
}

static void convert_minutes(struct channel_market *market, const struct candle *candles) {
  market->minutes = take_spread((size_t)market->count + CHANNEL_BLOCK, sizeof *market->minutes);
  for (int32_t i = 0; i < market->count; i++) {
    market->minutes[i] = (struct channel_minute){in_units(market, candles[i].open), in_units(market, candles[i].high),
                                                 in_units(market, candles[i].low), in_units(market, candles[i].close)};
  }
}

static void make_blocks(struct channel_market *market) {
  int32_t count = market->count / CHANNEL_BLOCK;
  market->blocks = take((size_t)count, sizeof *market->blocks);
  for (int32_t b = 0; b < count; b++) {
    struct channel_block block = {0, INT32_MAX, 0, INT32_MAX};
    for (int32_t i = b * CHANNEL_BLOCK; i < (b + 1) * CHANNEL_BLOCK; i++) {
      const struct channel_minute *minute = &market->minutes[i];
      if (minute->high > block.high) block.high = minute->high;
      if (minute->low < block.low) block.low = minute->low;
      if (minute->close > block.close_high) block.close_high = minute->close;
      if (minute->close < block.close_low) block.close_low = minute->close;
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
static void make_frames(struct channel_market *market, const struct candle *candles) {
  struct channel_candles *fine = &market->frames[CHANNEL_TIMEFRAME_1M];
  struct channel_candles *coarse = &market->frames[CHANNEL_TIMEFRAME_5M];
  *fine = (struct channel_candles){.candles = candles, .count = market->count, .keep = MARKET_KEEP_1M, .minutes = 1};
  *coarse = (struct channel_candles){.keep = MARKET_KEEP_5M, .minutes = MINUTES_OF_5M};
  while (coarse->first_minute < market->count && candles[coarse->first_minute].open_ts % (MINUTES_OF_5M * MINUTE_MS) != 0) coarse->first_minute++;
  coarse->count = (market->count - coarse->first_minute) / MINUTES_OF_5M;
  coarse->owned = take((size_t)coarse->count, sizeof *coarse->owned);
  for (int32_t i = 0; i < coarse->count; i++) {
    coarse->owned[i] = join(candles + coarse->first_minute + (ptrdiff_t)i * MINUTES_OF_5M, MINUTES_OF_5M);
  }
  coarse->candles = coarse->owned;
}

bool channel_market_init(struct channel_market *market, const struct candle *candles, size_t count) {
  *market = (struct channel_market){0};
  if (!is_sound(candles, count)) return false;
  market->first_ts = candles[0].open_ts;
  market->count = (int32_t)count;
  if (!find_unit(market, candles)) return false;
  convert_minutes(market, candles);
  make_blocks(market);
  measure_flows(market, candles);
  make_frames(market, candles);
  return true;
}

void channel_market_deinit(struct channel_market *market) {
  free(market->minutes);
  free(market->flows);
  free(market->blocks);
  for (int frame = 0; frame < 2; frame++) {
    free(market->frames[frame].owned);
    for (int period = 0; period <= CHANNEL_PERIOD_MAX; period++) {
      free(market->frames[frame].breaks[period]);
    }
  }
  for (int i = 0; i < CHANNEL_RANGES_MAX; i++) free(market->ranges[i].values);
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
      if (is_up || is_down) breaks[found++] = (struct channel_break){i, frame->first_minute + (i + 1) * frame->minutes - 1, candles[i].close, is_up};
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

/* ---- ranges ---- */

static double range_at(const struct channel_candles *frame, int32_t candle, int32_t atr_period) {
  int32_t known = candle + 1 < frame->keep ? candle + 1 : frame->keep; /* what the engine still keeps when this one closes */
  return indicator_atr(&frame->candles[candle + 1 - known], known, atr_period);
}

enum { LANES = 8 };

/* Wilder's recursion waits for each division; so many candles at once share the wait. The operations of each are those of indicator_atr, in its
 * order. */
static void compute_lanes(const double *true_ranges, const struct channel_break breaks[LANES], int32_t period, double out[LANES]) {
  const double *at[LANES];
  double sums[LANES] = {0};
  for (int k = 0; k < LANES; k++) at[k] = true_ranges + breaks[k].candle + 1 - INDICATOR_WINDOWS * period;
  for (int k = 0; k < LANES; k++) sums[k] = at[k][0];
  for (int32_t i = 1; i < period; i++) {
    for (int k = 0; k < LANES; k++) sums[k] += at[k][i];
  }
  for (int k = 0; k < LANES; k++) sums[k] /= period;
  for (int32_t i = period; i < INDICATOR_WINDOWS * period; i++) {
    for (int k = 0; k < LANES; k++) sums[k] = (sums[k] * (period - 1) + at[k][i]) / period;
  }
  for (int k = 0; k < LANES; k++) out[k] = sums[k];
}

static double *compute_ranges(const struct channel_candles *frame, const struct channel_break *breaks, int32_t count, int32_t atr_period) {
  double *values = take((size_t)count, sizeof *values);
  double *true_ranges = take((size_t)frame->count, sizeof *true_ranges);
  int32_t window = INDICATOR_WINDOWS * atr_period;
  for (int32_t i = 1; i < frame->count; i++) true_ranges[i] = indicator_true_range(&frame->candles[i], &frame->candles[i - 1]);
  for (int32_t i = 0; i < count;) {
    /* The window is whole, and its first candle has one before it. */
    if (breaks[i].candle >= window && window < frame->keep && i + LANES <= count) {
      compute_lanes(true_ranges, &breaks[i], atr_period, &values[i]);
      i += LANES;
    } else {
      values[i] = range_at(frame, breaks[i].candle, atr_period);
      i++;
    }
  }
  free(true_ranges);
  return values;
}

const double *channel_market_ranges(struct channel_market *market, enum channel_timeframe timeframe, int32_t period, int32_t atr_period) {
  check(atr_period > 0 && atr_period <= CHANNEL_PERIOD_MAX);
  for (int i = 0; i < CHANNEL_RANGES_MAX; i++) {
    const struct channel_ranges *kept = &market->ranges[i];
    if (kept->period == period && kept->atr_period == atr_period && kept->timeframe == timeframe) return kept->values;
  }
  int32_t count;
  const struct channel_break *breaks = channel_market_breaks(market, timeframe, period, &count);
  struct channel_ranges *place = &market->ranges[market->range_count++ % CHANNEL_RANGES_MAX];
  free(place->values);
  *place = (struct channel_ranges){timeframe, period, atr_period, compute_ranges(&market->frames[timeframe], breaks, count, atr_period)};
  return place->values;
}

double channel_market_range(const struct channel_market *market, enum channel_timeframe timeframe, int32_t atr_period, int32_t candle) {
  return range_at(&market->frames[timeframe], candle, atr_period);
}

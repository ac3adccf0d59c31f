#include "core/market/market.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

#include "base/calendar.h"
#include "base/check.h"
#include "base/maths.h"
#include "core/analysis/indicators.h"
#include "core/market/window.h"

enum {
  MINUTE_5_MS = 5 * 60000,
  BB_LENGTH = 20,
  ATR_LENGTH = 14,
  ATR_CANDLES = INDICATOR_WINDOWS * ATR_LENGTH + 1, /* the window and the predecessor of its first candle */
  HEALTH_CANDLES = 150,
  JUMP_CANDLES = 20,
  JUMP_ATR = 20,
  JUMP_ATR_MAX = 1000000, /* after candles without any range the ratio has no end */
  OI_THINNED_MS = 4 * 60000,
};

static const int32_t keep_of[timeframe_count] = {MARKET_KEEP_1M, MARKET_KEEP_5M, MARKET_KEEP_15M, MARKET_KEEP_1H};
static const int64_t length_of[timeframe_count] = {MINUTE_MS, 5 * MINUTE_MS, 15 * MINUTE_MS, HOUR_MS};

void market_bind(struct market *market, const struct market_limits *limits, struct arena *arena) {
  for (int i = 0; i < timeframe_count; i++) {
    market->series[i].memory = arena_take(arena, 2 * (size_t)keep_of[i] * sizeof(struct candle));
  }
  market->oi = arena_take(arena, MARKET_OI_SAMPLES * sizeof *market->oi);
  market->bb_widths = arena_take(arena, 2 * (size_t)MARKET_BB_WIDTHS * sizeof *market->bb_widths);
  market->returns = arena_take(arena, 2 * (size_t)MARKET_RETURNS * sizeof *market->returns);
  market->book.bids = market->book.asks = NULL;
  market->flow.recent = NULL;
  market->flow.seconds = NULL;
  if (limits->book_depth > 0) {
    market->book.bids = arena_take(arena, (size_t)limits->book_depth * sizeof *market->book.bids);
    market->book.asks = arena_take(arena, (size_t)limits->book_depth * sizeof *market->book.asks);
  }
  if (limits->has_tape) {
    market->flow.recent = arena_take(arena, TRADE_FLOW_RECENT_MAX * sizeof *market->flow.recent);
    market->flow.seconds = arena_take(arena, TRADE_FLOW_SECONDS * sizeof *market->flow.seconds);
  }
}

void market_init(struct market *market, const struct market_limits *limits) {
  check(limits->base_ms == MINUTE_MS || limits->base_ms == 3 * MINUTE_MS || limits->base_ms == 5 * MINUTE_MS);
  struct market fresh = {
      .base_ms = limits->base_ms,
      .last_open_ts = INT64_MIN,
      .ticker = {0, NAN, NAN, NAN, NAN, NAN, NAN, NAN},
      .oi = market->oi,
      .oi_usd_given = NAN,
      .funding_rate = NAN,
      .bb_widths = market->bb_widths,
      .returns = market->returns,
  };
  for (int i = 0; i < timeframe_count; i++) candle_series_init(&fresh.series[i], market->series[i].memory, keep_of[i]);
  order_book_init(&fresh.book, market->book.bids, market->book.asks, limits->book_depth);
  trade_flow_init(&fresh.flow, market->flow.recent, market->flow.seconds);
  *market = fresh;
}

/* --- caches of the 5m series --- */

/* For the candle `back` places before the newest. */
static void push_caches(struct market *market, int32_t back) {
  const struct candle_series *series = &market->series[TIMEFRAME_5M];
  int32_t known = series->count - back;
  const struct candle *candles = candle_series_last(series, series->count);
  const struct candle *newest = &candles[known - 1];
  int32_t slot = window_push(market->returns, sizeof *market->returns, MARKET_RETURNS, &market->returns_start, &market->returns_count);
  bool has_previous = known > 1 && newest[-1].open_ts == newest->open_ts - MINUTE_5_MS;
  market->returns[slot] = (struct log_return){newest->open_ts, has_previous ? maths_log(newest->close / newest[-1].close) : NAN};
  if (known < BB_LENGTH) return;
  slot = window_push(market->bb_widths, sizeof *market->bb_widths, MARKET_BB_WIDTHS, &market->bb_start, &market->bb_count);
  market->bb_widths[slot] = indicator_bollinger_width(candles, known, BB_LENGTH);
}

static void pop_caches(struct market *market) {
  market->returns_count--;
  if (market->series[TIMEFRAME_5M].count >= BB_LENGTH) market->bb_count--;
}

static void rebuild_caches(struct market *market) {
  market->bb_count = market->bb_start = 0;
  market->returns_count = market->returns_start = 0;
  for (int32_t back = market->series[TIMEFRAME_5M].count - 1; back >= 0; back--) push_caches(market, back);
}

/* --- aggregation --- */

/* The candle of [start, start + length) when all its parts are kept. */
static bool aggregate(const struct market *market, int64_t start, int64_t length, struct candle *out) {
  const struct candle_series *base = &market->series[TIMEFRAME_1M];
  int32_t parts = (int32_t)(length / market->base_ms);
  if (parts == 0 || length % market->base_ms != 0 || base->count < parts) return false;
  const struct candle *part = candle_series_last(base, parts);
  if (part->open_ts != start) { /* not the newest window */
    int32_t index = candle_series_find(base, start);
    if (index < 0 || index + parts > base->count) return false;
    part = candle_series_last(base, base->count) + index;
  }
  /* Ascending open times on the grid: the right last one means that none is missing between. */
  if (part[parts - 1].open_ts != start + length - market->base_ms) return false;
  struct candle whole = part[0];
  for (int32_t i = 1; i < parts; i++) {
    if (part[i].high > whole.high) whole.high = part[i].high;
    if (part[i].low < whole.low) whole.low = part[i].low;
    whole.volume += part[i].volume;
    whole.turnover += part[i].turnover;
  }
  whole.close = part[parts - 1].close;
  *out = whole;
  return true;
}

static uint32_t push_aggregate(struct market *market, enum timeframe timeframe, const struct candle *candle) {
  candle_series_push(&market->series[timeframe], candle);
  market->changes_coarse++;
  if (timeframe == TIMEFRAME_5M) push_caches(market, 0);
  return UINT32_C(1) << timeframe;
}

/* The windows that end with the newest base candle. */
static uint32_t close_windows(struct market *market, int64_t close_ts) {
  uint32_t closed = 0;
  if (close_ts % MINUTE_5_MS != 0) return 0; /* all windows end on such times */
  for (enum timeframe i = TIMEFRAME_5M; i < timeframe_count; i++) {
    struct candle candle;
    if (close_ts % length_of[i] != 0 || !aggregate(market, close_ts - length_of[i], length_of[i], &candle)) continue;
    closed |= push_aggregate(market, i, &candle);
  }
  return closed;
}

static void correct_windows(struct market *market, int64_t close_ts) {
  for (enum timeframe i = TIMEFRAME_5M; i < timeframe_count; i++) {
    const struct candle *newest = candle_series_newest(&market->series[i]);
    int64_t start = close_ts - length_of[i];
    struct candle candle;
    if (newest == NULL || newest->open_ts != start || !aggregate(market, start, length_of[i], &candle)) continue;
    candle_series_replace_newest(&market->series[i], &candle);
    market->changes_coarse++;
    if (i != TIMEFRAME_5M) continue;
    pop_caches(market);
    push_caches(market, 0);
  }
}

/* The windows that a late base candle completes. */
static uint32_t fill_windows(struct market *market, int64_t open_ts) {
  uint32_t closed = 0;
  for (enum timeframe i = TIMEFRAME_5M; i < timeframe_count; i++) {
    struct candle_series *series = &market->series[i];
    int64_t start = open_ts - open_ts % length_of[i];
    const struct candle *newest = candle_series_newest(series);
    struct candle candle;
    if (!aggregate(market, start, length_of[i], &candle)) continue;
    if (newest == NULL || start > newest->open_ts) {
      closed |= push_aggregate(market, i, &candle);
    } else if (candle_series_insert(series, &candle)) {
      market->changes_coarse++;
      if (i != TIMEFRAME_5M) continue;
      market->inserted_5m++;
      rebuild_caches(market);
    }
  }
  return closed;
}

/* --- base candles --- */

/* Remembered at the time where it was expected, so that a wild open time counts for the window in which it arrived. */
static uint32_t refuse_invalid(struct market *market, int64_t open_ts) {
  int64_t newest = market->last_open_ts;
  if (newest != INT64_MIN && (open_ts > newest || open_ts <= 0)) open_ts = newest + market->base_ms;
  if (market->invalid_kept == MARKET_INVALID_KEPT) {
    memmove(market->invalid_at, market->invalid_at + 1, (MARKET_INVALID_KEPT - 1) * sizeof market->invalid_at[0]);
    market->invalid_kept--;
  }
  market->invalid_at[market->invalid_kept++] = open_ts;
  market->invalid++;
  return 0;
}

/* A valid candle came for that time after all. */
static void forget_invalid(struct market *market, int64_t open_ts) {
  int32_t left = 0;
  for (int32_t i = 0; i < market->invalid_kept; i++) {
    if (market->invalid_at[i] != open_ts) market->invalid_at[left++] = market->invalid_at[i];
  }
  market->invalid_kept = left;
}

static uint32_t append(struct market *market, const struct candle *candle) {
  if (market->last_open_ts != INT64_MIN) market->gaps += (candle->open_ts - market->last_open_ts) / market->base_ms - 1;
  candle_series_push(&market->series[TIMEFRAME_1M], candle);
  market->changes++;
  market->last_open_ts = candle->open_ts;
  return UINT32_C(1) << TIMEFRAME_1M | close_windows(market, candle->open_ts + market->base_ms);
}

static bool is_equal(const struct candle *a, const struct candle *b) {
  return a->open_ts == b->open_ts && a->open == b->open && a->high == b->high && a->low == b->low && a->close == b->close && a->volume == b->volume &&
         a->turnover == b->turnover;
}

static uint32_t correct(struct market *market, const struct candle *candle) {
  if (is_equal(candle, candle_series_newest(&market->series[TIMEFRAME_1M]))) {
    market->duplicates++;
    return 0;
  }
  candle_series_replace_newest(&market->series[TIMEFRAME_1M], candle);
  market->changes++;
  market->corrections++;
  correct_windows(market, candle->open_ts + market->base_ms);
  return 0;
}

static uint32_t fill(struct market *market, const struct candle *candle) {
  struct candle_series *base = &market->series[TIMEFRAME_1M];
  if (candle_series_find(base, candle->open_ts) >= 0) {
    market->duplicates++;
    return 0;
  }
  int64_t oldest = candle_series_last(base, base->count)->open_ts;
  if (!candle_series_insert(base, candle)) {
    market->late++;
    return 0;
  }
  market->changes++;
  if (candle->open_ts < oldest) {
    market->gaps += (oldest - candle->open_ts) / market->base_ms - 1;
  } else {
    market->gaps--;
    market->filled++;
  }
  return fill_windows(market, candle->open_ts);
}

uint32_t market_on_candle(struct market *market, const struct candle *candle) {
  if (!candle_is_valid(candle) || candle->open_ts < 0 || candle->open_ts % market->base_ms != 0) return refuse_invalid(market, candle->open_ts);
  if (market->invalid_kept > 0) forget_invalid(market, candle->open_ts);
  if (candle->open_ts > market->last_open_ts) return append(market, candle);
  if (candle->open_ts == market->last_open_ts) return correct(market, candle);
  return fill(market, candle);
}

/* --- the other inputs --- */

void market_on_ticker(struct market *market, const struct ticker *ticker) {
  if (ticker->ts >= market->ticker.ts) market->ticker = *ticker;
}

/* A feed may tell open interest at every tick. The newest sample is always kept; of the older ones at most one in four minutes, so that 25 hours fit.
 */
void market_on_open_interest(struct market *market, int64_t ts, double oi, double oi_usd) {
  int32_t count = market->oi_count;
  if (count > 0 && ts < market->oi[count - 1].ts) return;
  if (count > 1 && market->oi[count - 1].ts - market->oi[count - 2].ts < OI_THINNED_MS) {
    count--;
  } else if (count > 0 && ts == market->oi[count - 1].ts) {
    count--;
  } else if (count == MARKET_OI_SAMPLES) {
    memmove(market->oi, market->oi + 1, (MARKET_OI_SAMPLES - 1) * sizeof *market->oi);
    count--;
  }
  market->oi[count] = (struct oi_sample){ts, oi};
  market->oi_count = count + 1;
  market->oi_usd_given = oi_usd;
}

void market_on_funding(struct market *market, int64_t ts, double rate, int64_t next_at) {
  if (ts < market->funding_at) return;
  market->funding_rate = rate;
  market->next_funding_at = next_at;
  market->funding_at = ts;
}

/* --- reading --- */

static double newest_atr(const struct candle_series *series) {
  int32_t count = series->count < ATR_CANDLES ? series->count : ATR_CANDLES;
  return indicator_atr(candle_series_last(series, count), count, ATR_LENGTH);
}

void market_atr_refresh(struct market *market) {
  market->atr_5m = (struct market_atr_value){market->changes_coarse + 1, market_atr_5m(market)};
}

double market_atr_5m(const struct market *market) {
  bool is_kept = market->atr_5m.at == market->changes_coarse + 1;
  return is_kept ? market->atr_5m.value : newest_atr(&market->series[TIMEFRAME_5M]);
}

double market_atr_15m(const struct market *market) {
  return newest_atr(&market->series[TIMEFRAME_15M]);
}

int64_t market_candle_close_ts(const struct market *market) {
  return market->last_open_ts == INT64_MIN ? 0 : market->last_open_ts + market->base_ms;
}

/* Start of the first whole 5m window of a listing. */
static int64_t first_window(int64_t listed_at) {
  return (listed_at + MINUTE_5_MS - 1) / MINUTE_5_MS * MINUTE_5_MS;
}

bool market_is_warm(const struct market *market) {
  const struct candle_series *series = &market->series[TIMEFRAME_5M];
  if (series->count >= MARKET_WARM_5M) return true;
  if (series->count < MARKET_WARM_5M_MIN || market->instrument.listed_at <= 0) return false;
  return candle_series_last(series, series->count)->open_ts <= first_window(market->instrument.listed_at);
}

static void count_missing(const struct market *market, struct market_health *out) {
  const struct candle_series *series = &market->series[TIMEFRAME_5M];
  if (series->count == 0) return;
  int64_t end = out->newest_close_ts - out->newest_close_ts % MINUTE_5_MS;
  int64_t start = end - HEALTH_CANDLES * (int64_t)MINUTE_5_MS;
  const struct candle *oldest = candle_series_last(series, series->count);
  int64_t since = market->instrument.listed_at > 0 ? first_window(market->instrument.listed_at) : oldest->open_ts;
  if (start < since) start = since;
  if (end <= start) return;
  int32_t expected = (int32_t)((end - start) / MINUTE_5_MS);
  int32_t present = 0;
  for (int32_t i = 1; i <= series->count && i <= expected; i++) {
    const struct candle *candle = candle_series_last(series, i);
    if (candle->open_ts < start) break;
    present++;
    if (i > 1 && candle[1].open_ts == candle->open_ts) out->duplicates++;
  }
  out->missing = expected - present;
}

static void count_invalid(const struct market *market, struct market_health *out) {
  int64_t start = out->newest_close_ts - out->newest_close_ts % MINUTE_5_MS - HEALTH_CANDLES * (int64_t)MINUTE_5_MS;
  for (int32_t i = 0; i < market->invalid_kept; i++) out->invalid += market->invalid_at[i] >= start;
}

static void count_jumps(const struct market *market, struct market_health *out) {
  const struct candle_series *series = &market->series[TIMEFRAME_5M];
  for (int32_t i = 1; i <= JUMP_CANDLES && i < series->count; i++) {
    const struct candle *candle = candle_series_last(series, i);
    const struct candle *before = candle - 1;
    double jump = fabs(candle->open - before->close);
    if (before->open_ts != candle->open_ts - MINUTE_5_MS) continue;
    /* The newest true range enters the ATR with weight 1/14 and is at least high - low, so a jump below 1.4 of that is far below 20 ATR. */
    if (jump <= 1.4 * (before->high - before->low)) continue;
    int32_t known = series->count - i;
    int32_t count = known < ATR_CANDLES ? known : ATR_CANDLES;
    double atr = indicator_atr(candle - count, count, ATR_LENGTH);
    if (!(jump > JUMP_ATR * atr)) continue;
    out->jumps++;
    double in_atr = jump < JUMP_ATR_MAX * atr ? jump / atr : JUMP_ATR_MAX;
    if (in_atr > out->worst_jump_atr) out->worst_jump_atr = in_atr;
  }
}

void market_health_read(const struct market *market, struct market_health *out) {
  *out = (struct market_health){.newest_close_ts = market_candle_close_ts(market)};
  count_missing(market, out);
  count_invalid(market, out);
  count_jumps(market, out);
}

#include "core/market/market_view.h"

#include <math.h>
#include <stddef.h>

#include "base/calendar.h"
#include "base/check.h"
#include "base/decimal.h"
#include "core/analysis/indicators.h"

const char *const market_field_names[] = {
#define MARKET_FIELD(name, unit, needs) #name,
#include "core/market/market_field.def"
};
const char *const market_field_units[] = {
#define MARKET_FIELD(name, unit, needs) unit,
#include "core/market/market_field.def"
};
const uint32_t market_field_needs[] = {
#define MARKET_FIELD(name, unit, needs) needs,
#include "core/market/market_field.def"
};

/* Limits of market-data 7. A 1m candle is stale 150 s after its close: one interval until the next one closes and 90 s for it to arrive. A coarser
 * base keeps the 90 s. */
enum {
  CANDLE_GRACE_MS = 90000,
  TICKER_STALE_MS = 30000,
  BOOK_STALE_MS = 10000,
  OI_STALE_MS = 900000,
  FUNDING_GRACE_MS = 600000,
};

enum {
  BB_RANK_MIN = 100,
  BB_RANK_MAX = 288,
  VWAP_LENGTH = 20,
  EMA_LENGTH = 9,
  CORRELATION_PAIRS_MIN = 60,
  CORRELATION_PAIRS_MAX = 288,
  IMBALANCE_LEVELS = 10,
};

/* How an input stands at one instant. */
struct input {
  enum null_reason state; /* NULL_NOT: fresh */
  double age_s;           /* of a stale one, else NaN */
};

struct inputs {
  struct input candles, ticker, book, tape, oi, funding, quotes;
};

static struct input judge(bool has_capability, bool is_known, int64_t age_ms, int64_t limit_ms) {
  if (!has_capability) return (struct input){NULL_NO_CAPABILITY, NAN};
  if (!is_known) return (struct input){NULL_UNAVAILABLE, NAN};
  if (age_ms > limit_ms) return (struct input){NULL_STALE, (double)age_ms / 1000};
  return (struct input){NULL_NOT, NAN};
}

static bool has(const struct market *market, uint32_t capability) {
  return (market->capabilities & capability) != 0;
}

static struct input judge_candles(const struct market *market, int64_t now) {
  int64_t close_ts = market_candle_close_ts(market);
  return judge(has(market, CAPABILITY_CANDLES_1M), close_ts != 0, now - close_ts, market->base_ms + CANDLE_GRACE_MS);
}

static struct input judge_ticker(const struct market *market, int64_t now) {
  return judge(has(market, CAPABILITY_TICKER), market->ticker.ts != 0, now - market->ticker.ts, TICKER_STALE_MS);
}

static struct input judge_book(const struct market *market, int64_t now) {
  return judge(has(market, CAPABILITY_BOOK), market->book.is_valid, now - market->book.updated_at, BOOK_STALE_MS);
}

static struct input judge_tape(const struct market *market, int64_t now) {
  return judge(has(market, CAPABILITY_TRADES), market->flow.known_since != 0, now - market->flow.heard_at, TRADE_FLOW_STALE_MS);
}

/* A settlement that passed is waited for 10 minutes; without its time the rate has no limit. */
static struct input judge_funding(const struct market *market, int64_t now) {
  int64_t age = market->next_funding_at > 0 ? now - market->next_funding_at : 0;
  return judge(has(market, CAPABILITY_FUNDING), !isnan(market->funding_rate), age, FUNDING_GRACE_MS);
}

/* Bid and ask come from the book, else from the ticker; the better state of the two is the reason. */
static struct input judge_quotes(const struct inputs *inputs) {
  if (inputs->book.state == NULL_NOT || inputs->ticker.state == NULL_NOT) return (struct input){NULL_NOT, NAN};
  if (inputs->book.state == NULL_STALE || inputs->ticker.state == NULL_NO_CAPABILITY) return inputs->book;
  return inputs->ticker.state == NULL_STALE || inputs->book.state == NULL_NO_CAPABILITY ? inputs->ticker : inputs->book;
}

static void judge_all(const struct market *market, int64_t now, struct inputs *out) {
  out->candles = judge_candles(market, now);
  out->ticker = judge_ticker(market, now);
  out->book = judge_book(market, now);
  out->tape = judge_tape(market, now);
  int64_t oi_at = market->oi_count > 0 ? market->oi[market->oi_count - 1].ts : 0;
  out->oi = judge(has(market, CAPABILITY_OPEN_INTEREST), market->oi_count > 0, now - oi_at, OI_STALE_MS);
  out->funding = judge_funding(market, now);
  out->quotes = judge_quotes(out);
}

/* A fresh input that cannot give the value (too few candles, a missing side) makes it unavailable. */
static void set_field(struct market_view *out, enum market_field field, double value, struct input input) {
  if (input.state == NULL_NOT && isnan(value)) input.state = NULL_UNAVAILABLE;
  out->field[field] = input.state == NULL_NOT ? value : NAN;
  out->why[field] = (uint8_t)input.state;
  out->age_s[field] = input.age_s;
}

#define SET(name, value, input) set_field(out, MARKET_FIELD_##name, (value), (input))

static bool is_fresh(struct input input) {
  return input.state == NULL_NOT;
}

/* --- candles --- */

static double volume_24h(const struct market *market) {
  const struct candle_series *series = &market->series[TIMEFRAME_1M];
  int32_t n = (int32_t)(DAY_MS / market->base_ms);
  if (series->count < n) return NAN;
  const struct candle *candles = candle_series_last(series, n);
  double sum = 0;
  for (int32_t i = 0; i < n; i++) sum += candles[i].turnover;
  return sum;
}

static double change_24h(const struct market *market) {
  const struct candle_series *series = &market->series[TIMEFRAME_1M];
  int32_t n = (int32_t)(DAY_MS / market->base_ms);
  if (series->count < n + 1) return NAN;
  const struct candle *candles = candle_series_last(series, n + 1);
  return 100 * (candles[n].close / candles[0].close - 1);
}

static void compute_day_values(const struct market *market, struct market_day_values *out) {
  *out = (struct market_day_values){market->changes + 1, volume_24h(market), change_24h(market)};
}

static struct market_day_values day_values(const struct market *market) {
  struct market_day_values values = market->day_values;
  if (values.at != market->changes + 1) compute_day_values(market, &values);
  return values;
}

/* The ticker's own figures where the feed has them. A feed whose ticker never carries them is one without. */
static void read_24h(const struct market *market, const struct inputs *inputs, struct market_view *out) {
  struct input source = inputs->ticker;
  double volume = market->ticker.turnover_24h;
  double change = market->ticker.change_24h_pct;
  bool is_ticker = source.state != NULL_NO_CAPABILITY;
  bool has_volume = is_ticker && (market->ticker.ts == 0 || !isnan(volume));
  bool has_change = is_ticker && (market->ticker.ts == 0 || !isnan(change));
  struct market_day_values day = {0, NAN, NAN};
  if (is_fresh(inputs->candles) && !(has_volume && has_change)) day = day_values(market);
  if (has_volume) {
    SET(volume_24h_usd, volume, source);
  } else {
    SET(volume_24h_usd, day.volume_usd, inputs->candles);
  }
  if (has_change) {
    SET(change_24h_pct, change, source);
  } else {
    SET(change_24h_pct, day.change_pct, inputs->candles);
  }
}

static double width_rank(const struct market *market) {
  int32_t n = market->bb_count < BB_RANK_MAX ? market->bb_count : BB_RANK_MAX;
  if (n < BB_RANK_MIN) return NAN;
  return indicator_percentile_rank(market->bb_widths + market->bb_start + market->bb_count - n, n);
}

static void compute_candle_values(const struct market *market, struct market_candle_values *out) {
  const struct candle_series *series = &market->series[TIMEFRAME_5M];
  const struct candle *candles = candle_series_last(series, series->count);
  int32_t count = series->count;
  const struct candle *newest_15m = candle_series_newest(&market->series[TIMEFRAME_15M]);
  out->at = market->changes_coarse + 1;
  out->atr_5m = market_atr_5m(market);
  out->atr_15m = market_atr_15m(market);
  out->atr_ratio_15m = newest_15m != NULL ? out->atr_15m / newest_15m->close : NAN;
  out->bb_width_pct = market->bb_count > 0 ? market->bb_widths[market->bb_start + market->bb_count - 1] : NAN;
  out->bb_width_percentile = width_rank(market);
  out->volume_surge_1h = indicator_volume_surge(candles, count, 12, 12);
  out->volume_surge_5m = indicator_volume_surge(candles, count, 1, 20);
  out->vwap_20 = indicator_vwap(candles, count, VWAP_LENGTH);
  out->ema_9 = indicator_ema(candles, count, EMA_LENGTH);
}

static void read_candles(const struct market *market, struct input input, struct market_view *out) {
  if (!is_fresh(input)) {
    static const enum market_field fields[] = {MARKET_FIELD_atr_5m,
                                               MARKET_FIELD_atr_15m,
                                               MARKET_FIELD_atr_ratio_15m,
                                               MARKET_FIELD_bb_width_pct,
                                               MARKET_FIELD_bb_width_percentile,
                                               MARKET_FIELD_volume_surge_1h,
                                               MARKET_FIELD_volume_surge_5m,
                                               MARKET_FIELD_vwap_20,
                                               MARKET_FIELD_ema_9};
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) set_field(out, fields[i], NAN, input);
    return;
  }
  struct market_candle_values values = market->candle_values;
  if (values.at != market->changes_coarse + 1) compute_candle_values(market, &values);
  SET(atr_5m, values.atr_5m, input);
  SET(atr_15m, values.atr_15m, input);
  SET(atr_ratio_15m, values.atr_ratio_15m, input);
  SET(bb_width_pct, values.bb_width_pct, input);
  SET(bb_width_percentile, values.bb_width_percentile, input);
  SET(volume_surge_1h, values.volume_surge_1h, input);
  SET(volume_surge_5m, values.volume_surge_5m, input);
  SET(vwap_20, values.vwap_20, input);
  SET(ema_9, values.ema_9, input);
}

/* Pairs of returns with equal open times, newest first while looking, ascending when summed. */
static double correlate(const struct market *market, const struct market *reference) {
  double x[CORRELATION_PAIRS_MAX];
  double y[CORRELATION_PAIRS_MAX];
  const struct log_return *a = market->returns + market->returns_start;
  const struct log_return *b = reference->returns + reference->returns_start;
  int32_t i = market->returns_count - 1;
  int32_t j = reference->returns_count - 1;
  int32_t first = CORRELATION_PAIRS_MAX;
  while (first > 0 && i >= 0 && j >= 0) {
    if (a[i].open_ts > b[j].open_ts) {
      i--;
    } else if (a[i].open_ts < b[j].open_ts) {
      j--;
    } else {
      if (!isnan(a[i].value) && !isnan(b[j].value)) {
        first--;
        x[first] = a[i].value;
        y[first] = b[j].value;
      }
      i--;
      j--;
    }
  }
  int32_t pairs = CORRELATION_PAIRS_MAX - first;
  return pairs >= CORRELATION_PAIRS_MIN ? indicator_correlation(x + first, y + first, pairs) : NAN;
}

static struct market_correlation_value correlation_value(const struct market *market, const struct market *reference) {
  struct market_correlation_value value = market->correlation_value;
  if (value.at == market->changes_coarse + 1 && value.reference_at == reference->changes_coarse + 1) return value;
  return (struct market_correlation_value){market->changes_coarse + 1, reference->changes_coarse + 1, correlate(market, reference)};
}

static void read_correlation(const struct market *market, const struct market *reference, int64_t now, struct input input, struct market_view *out) {
  if (market->is_reference) {
    SET(btc_correlation, 1, input);
  } else if (reference == NULL) {
    SET(btc_correlation, NAN, ((struct input){NULL_NO_CAPABILITY, NAN}));
  } else {
    struct input other = judge_candles(reference, now);
    struct input worse = is_fresh(input) ? other : input;
    SET(btc_correlation, is_fresh(worse) ? correlation_value(market, reference).value : NAN, worse);
  }
}

/* --- quotes and book --- */

static void read_quotes(const struct market *market, const struct inputs *inputs, struct market_view *out) {
  double bid = market->ticker.bid;
  double ask = market->ticker.ask;
  const struct order_book *book = &market->book;
  if (is_fresh(inputs->book)) {
    bid = book->bid_count > 0 ? decimal_to_double(book->bids[0].price) : NAN;
    ask = book->ask_count > 0 ? decimal_to_double(book->asks[0].price) : NAN;
  }
  if (bid >= ask) bid = ask = NAN;
  double mid = (bid + ask) / 2;
  SET(bid, bid, inputs->quotes);
  SET(ask, ask, inputs->quotes);
  SET(mid, mid, inputs->quotes);
  SET(spread_bps, (ask - bid) / mid * 1e4, inputs->quotes);
}

/* depth_is_lower_bound speaks of the wider band; the narrower one may still be whole. Without a mid nothing can be measured. */
static void read_book(const struct market *market, struct input input, struct market_view *out) {
  const struct order_book *book = &market->book;
  double mid = out->mid;
  bool is_known = is_fresh(input) && !isnan(mid);
  bool is_bid_open = false;
  bool is_ask_open = false;
  double best_bid = is_known ? decimal_to_double(book->bids[0].price) : NAN;
  double best_ask = is_known ? decimal_to_double(book->asks[0].price) : NAN;
  SET(bid_usd_0_3pct, is_known ? order_book_bid_notional(book, mid * 0.997, NULL) : NAN, input);
  SET(ask_usd_0_3pct, is_known ? order_book_ask_notional(book, mid * 1.003, NULL) : NAN, input);
  SET(bid_usd_0_5pct, is_known ? order_book_bid_notional(book, mid * 0.995, &is_bid_open) : NAN, input);
  SET(ask_usd_0_5pct, is_known ? order_book_ask_notional(book, mid * 1.005, &is_ask_open) : NAN, input);
  SET(depth_is_lower_bound, is_known ? (double)(is_bid_open || is_ask_open) : NAN, input);
  SET(depth_5bps_bid, is_known ? order_book_bid_notional(book, best_bid * 0.9995, NULL) : NAN, input);
  SET(depth_5bps_ask, is_known ? order_book_ask_notional(book, best_ask * 1.0005, NULL) : NAN, input);
  SET(imbalance, is_fresh(input) ? order_book_imbalance(book, IMBALANCE_LEVELS) : NAN, input);
}

/* --- ticker, open interest, funding, tape --- */

/* Newest sample between 25 and 24 hours old, as a change to the newest one. */
static double oi_change(const struct market *market, int64_t now) {
  for (int32_t i = market->oi_count - 1; i >= 0; i--) {
    const struct oi_sample *old = &market->oi[i];
    if (old->ts > now - 24 * HOUR_MS) continue;
    if (old->ts < now - 25 * HOUR_MS || !(old->oi > 0)) return NAN;
    return (market->oi[market->oi_count - 1].oi - old->oi) / old->oi;
  }
  return NAN;
}

static void read_derivatives(const struct market *market, const struct inputs *inputs, int64_t now, struct market_view *out) {
  SET(mark_price, market->ticker.mark, inputs->ticker);
  SET(index_price, market->ticker.index, inputs->ticker);
  double oi_usd = market->oi_usd_given;
  struct input source = inputs->oi;
  if (is_fresh(source) && isnan(oi_usd)) {
    oi_usd = market->oi[market->oi_count - 1].oi * out->mark_price;
    if (inputs->ticker.state == NULL_STALE) source = inputs->ticker;
  }
  SET(oi_usd, oi_usd, source);
  SET(oi_change_24h, is_fresh(inputs->oi) ? oi_change(market, now) : NAN, inputs->oi);
  SET(funding_rate, market->funding_rate, inputs->funding);
  SET(next_funding_at, market->next_funding_at > 0 ? (double)market->next_funding_at : NAN, inputs->funding);
  SET(listed_at, market->instrument.listed_at > 0 ? (double)market->instrument.listed_at : NAN, ((struct input){NULL_NOT, NAN}));
}

static void read_tape(const struct market *market, struct input input, int64_t now, struct market_view *out) {
  struct trade_flow_values values = {.trades_per_minute_60s = NAN, .trades_per_minute = NAN, .trades_per_minute_1h = NAN};
  if (is_fresh(input)) trade_flow_read(&market->flow, now, &values);
  SET(trades_per_minute_60s, values.trades_per_minute_60s, input);
  SET(trades_per_minute, values.trades_per_minute, input);
  SET(trades_per_minute_1h, values.trades_per_minute_1h, input);
}

/* The first fresh one of last trade, ticker and newest candle. */
static double first_price(const struct market *market, struct input tape, struct input ticker, struct input candles) {
  if (is_fresh(tape) && market->flow.last_price > 0) return decimal_to_double(market->flow.last_price);
  if (is_fresh(ticker) && !isnan(market->ticker.last)) return market->ticker.last;
  if (is_fresh(candles)) return candle_series_newest(&market->series[TIMEFRAME_1M])->close;
  return NAN;
}

void market_view_refresh(struct market *market, const struct market *reference) {
  market->day_values = day_values(market);
  if (market->candle_values.at != market->changes_coarse + 1) compute_candle_values(market, &market->candle_values);
  if (reference != NULL && !market->is_reference) market->correlation_value = correlation_value(market, reference);
}

void market_days_refresh(struct market *const markets[], int32_t count) {
  const struct candle *candles[MARKET_DAYS_AT_ONCE];
  struct market *changed[MARKET_DAYS_AT_ONCE];
  double sum[MARKET_DAYS_AT_ONCE] = {0};
  int32_t found = 0;
  int32_t n = count > 0 ? (int32_t)(DAY_MS / markets[0]->base_ms) : 0;
  check(count <= MARKET_DAYS_AT_ONCE);
  for (int32_t i = 0; i < count; i++) {
    const struct candle_series *series = &markets[i]->series[TIMEFRAME_1M];
    if (markets[i]->day_values.at == markets[i]->changes + 1 || series->count < n) continue;
    check(markets[i]->base_ms == markets[0]->base_ms);
    candles[found] = candle_series_last(series, n);
    changed[found++] = markets[i];
  }
  if (found == 0) return;
  for (int32_t i = found; i < MARKET_DAYS_AT_ONCE; i++) candles[i] = candles[0];
  for (int32_t i = 0; i < n; i++) {
    sum[0] += candles[0][i].turnover;
    sum[1] += candles[1][i].turnover;
    sum[2] += candles[2][i].turnover;
    sum[3] += candles[3][i].turnover;
  }
  for (int32_t i = 0; i < found; i++) {
    changed[i]->day_values = (struct market_day_values){changed[i]->changes + 1, sum[i], change_24h(changed[i])};
  }
}

void market_read_24h(struct market *market, int64_t now, double *volume_usd, double *change_pct) {
  struct inputs inputs = {.candles = judge_candles(market, now), .ticker = judge_ticker(market, now)};
  struct market_view view;
  market->day_values = day_values(market);
  read_24h(market, &inputs, &view);
  *volume_usd = view.volume_24h_usd;
  *change_pct = view.change_24h_pct;
}

void market_read_quotes(const struct market *market, int64_t now, struct market_view *out) {
  struct inputs inputs;
  judge_all(market, now, &inputs);
  read_quotes(market, &inputs, out);
}

void market_view_read(const struct market *market, const struct market *reference, int64_t now, struct market_view *out) {
  struct inputs inputs;
  judge_all(market, now, &inputs);
  out->ts = now;
  double price = first_price(market, inputs.tape, inputs.ticker, inputs.candles);
  SET(price, price, isnan(price) ? inputs.candles : ((struct input){NULL_NOT, NAN}));
  read_quotes(market, &inputs, out);
  read_book(market, inputs.book, out);
  read_24h(market, &inputs, out);
  read_derivatives(market, &inputs, now, out);
  read_tape(market, inputs.tape, now, out);
  read_candles(market, inputs.candles, out);
  read_correlation(market, reference, now, inputs.candles, out);
}

double market_price(const struct market *market, int64_t now) {
  return first_price(market, judge_tape(market, now), judge_ticker(market, now), judge_candles(market, now));
}

double market_mark(const struct market *market, int64_t now) {
  if (is_fresh(judge_ticker(market, now)) && !isnan(market->ticker.mark)) return market->ticker.mark;
  return market_price(market, now);
}

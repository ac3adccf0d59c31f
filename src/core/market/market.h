/* Everything known about one symbol: instrument, candles of all intervals, book, tape, ticker, open interest, funding. Fed by events, read through
 * market_view. Owns no memory: market_bind hands it blocks of the session's arena. */
#ifndef CORE_MARKET_MARKET_H
#define CORE_MARKET_MARKET_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "core/market/candle_series.h"
#include "core/market/capability.h"
#include "core/market/instrument.h"
#include "core/market/order_book.h"
#include "core/market/trade_flow.h"

enum {
  MARKET_KEEP_1M = 1500,
  MARKET_KEEP_5M = 900,
  MARKET_KEEP_15M = 400,
  MARKET_KEEP_1H = 200,
  MARKET_OI_SAMPLES = 400, /* 25 h at one every 5 minutes and some */
  MARKET_BB_WIDTHS = 512,
  MARKET_RETURNS = 512, /* correlation looks no further back than this */
  MARKET_INVALID_KEPT = 32,
  MARKET_WARM_5M = 864,
  MARKET_WARM_5M_MIN = 50,
};

struct oi_sample {
  int64_t ts;
  double oi; /* base units */
};

struct log_return {
  int64_t open_ts;
  double value; /* NaN: the candle before is missing */
};

struct ticker { /* NaN: not given */
  int64_t ts;   /* 0: never */
  double last, bid, ask, mark, index, turnover_24h, change_24h_pct;
};

/* Values of closed candles, kept because they are asked for many times between two candles. Each is a pure function of its window; `at` is one more
 * than the count of changes of the market it was computed from, so that zeroed memory holds nothing. Filled by market_view_refresh, the ATR by
 * market_atr_refresh. */
struct market_atr_value {
  int64_t at;
  double value;
};
struct market_day_values {
  int64_t at;
  double volume_usd, change_pct;
};
struct market_candle_values {
  int64_t at;
  double atr_5m, atr_15m, atr_ratio_15m, bb_width_pct, bb_width_percentile, volume_surge_1h, volume_surge_5m, vwap_20, ema_9;
};
struct market_correlation_value {
  int64_t at, reference_at;
  double value;
};

struct market {
  struct instrument instrument;
  uint32_t capabilities; /* CAPABILITY_ bits */
  bool is_reference;     /* the BTC perpetual of the venue */
  /* Interval of incoming candles: 1, 3 or 5 minutes (3 and 5 are stamped coarse_base). series[TIMEFRAME_1M] holds them whatever their length. With a
   * base of 5m the 5m series receives the same candles; 3m candles cannot make 5m ones, so with a base of 3m that series stays empty and every value
   * that needs it is null. */
  int64_t base_ms;
  struct candle_series series[timeframe_count];
  int64_t last_open_ts;                    /* newest base candle accepted; INT64_MIN before the first */
  int64_t duplicates;                      /* dropped: the open time was known and not the newest, or the candle was equal */
  int64_t corrections;                     /* replaced the newest */
  int64_t late;                            /* dropped: older than what is kept */
  int64_t gaps;                            /* base candles missing between the oldest and the newest accepted one */
  int64_t filled;                          /* missing ones that came after all */
  int64_t invalid;                         /* dropped: implausible or not on the grid of the interval */
  int64_t inserted_5m;                     /* 5m candles that appeared before the newest one: who folds over the series folds again when this moves */
  int64_t invalid_at[MARKET_INVALID_KEPT]; /* where the newest invalid candles were expected, oldest first */
  int32_t invalid_kept;
  struct order_book book;
  struct trade_flow flow;
  struct ticker ticker;
  struct oi_sample *oi;
  int32_t oi_count;
  double oi_usd_given; /* venue's own value, NaN none */
  double funding_rate; /* NaN unknown */
  int64_t next_funding_at, funding_at;
  int64_t instrument_at;
  /* Exact caches: each entry is a pure function of its candle window. */
  double *bb_widths; /* width at the newest MARKET_BB_WIDTHS closed 5m candles that have 19 before them; a window in 2 * MARKET_BB_WIDTHS items */
  int32_t bb_count, bb_start;
  struct log_return *returns; /* of the newest MARKET_RETURNS closed 5m candles; a window in 2 * MARKET_RETURNS items */
  int32_t returns_count, returns_start;
  int64_t changes;        /* of the kept base candles */
  int64_t changes_coarse; /* of the kept candles of other intervals */
  struct market_atr_value atr_5m;
  struct market_day_values day_values;
  struct market_candle_values candle_values;
  struct market_correlation_value correlation_value;
};

struct market_limits {
  int32_t book_depth; /* 0: no memory for a book */
  bool has_tape;
  int64_t base_ms;
};

/* Takes all blocks from the arena in a fixed order and sets the pointers; nothing else is touched, so a copied image can be bound again. */
void market_bind(struct market *market, const struct market_limits *limits, struct arena *arena);
/* Sets a fresh market to its empty state (after market_bind). Instrument, capabilities and is_reference are empty then and set by the caller. */
void market_init(struct market *market, const struct market_limits *limits);

/* Accepts a closed base candle. Returns a bit (1 << timeframe) for every interval whose newest closed candle is a new one; 0 when the candle was
 * dropped (duplicate, too late, invalid), replaced the newest (correction) or filled a hole without completing a newest candle. All of it is counted.
 * An aggregated candle exists only if all its parts exist. */
uint32_t market_on_candle(struct market *market, const struct candle *candle);
void market_on_ticker(struct market *market, const struct ticker *ticker);
void market_on_open_interest(struct market *market, int64_t ts, double oi, double oi_usd);
void market_on_funding(struct market *market, int64_t ts, double rate, int64_t next_at);

/* Wilder's ATR(14) of the 5m and 15m candles, NaN before 15 of them. About a microsecond, that of 5m less after market_atr_refresh, which keeps it.
 */
void market_atr_refresh(struct market *market);
double market_atr_5m(const struct market *market);
double market_atr_15m(const struct market *market);

/* What data_health looks at (market-data 9), over the last 150 5m candles where not said otherwise. */
struct market_health {
  int32_t missing;         /* 5m candles that should exist since the window's start, the listing, or the first one known */
  int32_t duplicates;      /* equal open times accepted: the series refuses them, so 0 */
  int32_t invalid;         /* implausible base candles refused, at most MARKET_INVALID_KEPT */
  int32_t jumps;           /* of the last 20: |open - close before| > 20 ATR(14) before */
  double worst_jump_atr;   /* largest of these in ATR, 0 without a jump, at most 1e6 */
  int64_t newest_close_ts; /* of the base candles, 0 before the first */
};
void market_health_read(const struct market *market, struct market_health *out);

/* Close time of the newest base candle, 0 before the first. */
int64_t market_candle_close_ts(const struct market *market);
/* True when the symbol has 864 5m candles, or all since listed_at but at least 50 (market-data 6). An unknown listed_at asks for 864. */
bool market_is_warm(const struct market *market);

#endif

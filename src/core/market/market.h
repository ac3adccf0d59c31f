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
};

struct oi_sample {
  int64_t ts;
  double oi; /* base units */
};

struct ticker { /* NaN: not given */
  int64_t ts;   /* 0: never */
  double last, bid, ask, mark, index, turnover_24h, change_24h_pct;
};

struct market {
  struct instrument instrument;
  uint32_t capabilities; /* CAPABILITY_ bits */
  bool is_reference;     /* the BTC perpetual of the venue */
  int64_t base_ms;       /* interval of incoming candles: 60 000, or coarser (stamped coarse_base) */
  struct candle_series series[timeframe_count];
  struct candle building[timeframe_count]; /* aggregation in progress */
  int32_t building_parts[timeframe_count];
  int64_t last_open_ts;      /* newest base candle accepted; INT64_MIN before the first */
  int64_t duplicates, corrections, late, gaps, invalid; /* counted drops and holes */
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
  double *bb_widths;  /* width at the newest MARKET_BB_WIDTHS closed 5m candles, ring */
  int32_t bb_count, bb_start;
  double *returns;    /* 5m log returns aligned with the newest 5m candles, NaN where the previous candle is missing */
  int64_t *return_ts;
  int32_t returns_count, returns_start;
};

struct market_limits {
  int32_t book_depth;  /* 0: no book, no tape memory */
  bool has_tape;
  int64_t base_ms;
};

/* Takes all blocks from the arena in a fixed order and sets the pointers; nothing else is touched, so a copied image can be bound again. */
void market_bind(struct market *market, const struct market_limits *limits, struct arena *arena);
/* Sets a fresh market to its empty state (after market_bind). */
void market_init(struct market *market, const struct market_limits *limits);

/* Accepts a closed base candle. Returns a bit (1 << timeframe) for every interval that got a new closed candle; 0 when the candle was dropped (duplicate,
 * late, invalid), which is counted. An aggregated candle exists only if all its parts exist. */
uint32_t market_on_candle(struct market *market, const struct candle *candle);
void market_on_ticker(struct market *market, const struct ticker *ticker);
void market_on_open_interest(struct market *market, int64_t ts, double oi, double oi_usd);
void market_on_funding(struct market *market, int64_t ts, double rate, int64_t next_at);

/* Close time of the newest base candle, 0 before the first. */
int64_t market_candle_close_ts(const struct market *market);
/* True when the symbol has 864 5m candles, or all since listed_at but at least 50 (market-data 6). */
bool market_is_warm(const struct market *market);

#endif

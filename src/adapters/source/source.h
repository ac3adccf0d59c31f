/* Recorded markets as one stream of events in time order: the data behind a backtest, the demo and scans of the past.
 *
 * A source is opened from files and folders in any order and always gives the same symbols, items and checksum for the same content. Candles,
 * funding, mark prices and trade files are held in memory as arrays; order book recordings are streamed. */
#ifndef ADAPTERS_SOURCE_SOURCE_H
#define ADAPTERS_SOURCE_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "adapters/source/quality.h"
#include "adapters/source/series.h"
#include "base/problem.h"
#include "base/status.h"
#include "core/market/candle.h"
#include "core/market/capability.h"
#include "core/market/instrument.h"
#include "core/market/market.h"
#include "core/market/order_book.h"
#include "core/market/trade_flow.h"

enum { SOURCE_SYMBOLS_MAX = 1024 };

/* What every report about the data must show first. Bits. */
enum source_stamp {
  SOURCE_STAMP_BAD_DATA = 1 << 0,
  SOURCE_STAMP_COARSE_BASE = 1 << 1,
  SOURCE_STAMP_INSTRUMENT_DEFAULTS = 1 << 2,
  SOURCE_STAMP_TURNOVER_ESTIMATED = 1 << 3,
  SOURCE_STAMP_FILLED_CANDLES = 1 << 4,
  SOURCE_STAMP_FUNDING_UNKNOWN = 1 << 5,
};
enum { SOURCE_STAMP_COUNT = 6 };
extern const char *const source_stamp_names[SOURCE_STAMP_COUNT];

enum source_format {
  SOURCE_AUTO,
  SOURCE_CSV,
  SOURCE_BINANCE_KLINES,
  SOURCE_BYBIT_TRADES,
  SOURCE_OHLCV_JSON,
  SOURCE_JSONL,
  SOURCE_L2,
  SOURCE_FORMAT_COUNT
};
extern const char *const source_format_names[SOURCE_FORMAT_COUNT]; /* as given to --format */

/* Zero-initialised members mean: not given. */
struct source_options {
  const char *data; /* file, folder or comma list of them */
  enum source_format format;
  const char *symbol;                       /* of all tables, in place of what their names say; any spelling */
  const char *symbols;                      /* comma list to keep, any spelling; NULL keeps all */
  const char *interval;                     /* of a file whose name does not tell: 1m, 5m */
  const char *funding, *mark, *instruments; /* further files or folders; an instruments file has prices of no market inside */
  const char *cache_folder;                 /* where parsed files are kept for the next time; NULL: nowhere */
  int64_t from_ms, to_ms;                   /* range that must be sound; 0 open. Items outside are still delivered (warm-up) */
  bool keeps_pages;                         /* cached rows stay in memory once read, while they are few; for runs, not for servers */
  bool is_filled_flat;                      /* fill holes of at most 5 minutes with flat candles */
  bool allows_bad_data;                     /* stamp instead of refusing */
};

struct source; /* owns everything it hands out; pointers are good until close, those of an item until the next call */

/* Problems carry every refused row, file and reason; warnings stay there on success. */
NODISCARD enum status source_open(struct source **source, const struct source_options *options, struct problem *problem);
void source_close(struct source *source); /* NULL is allowed */

/* Symbols in ascending order of their printed form; an index is good for the life of the source. */
int source_symbol_count(const struct source *source);
const char *source_symbol(const struct source *source, int symbol);       /* BTC/USDT:USDT */
const char *source_venue_symbol(const struct source *source, int symbol); /* BTCUSDT */
/* Index of a symbol in any spelling, -1 when absent. */
int source_find_symbol(const struct source *source, const char *spelling);
uint32_t source_capabilities(const struct source *source, int symbol); /* CAPABILITY_ bits */
/* What was known about the instrument at a time; defaults (is_default) where the data say nothing. Never NULL. */
const struct instrument *source_instrument(const struct source *source, int symbol, int64_t ts);

/* Candles of a symbol, oldest first, contiguous. Also funding points and mark prices (kind SERIES_FUNDING, SERIES_MARK). */
const struct candle *source_candles(const struct source *source, int symbol, size_t *count);
const struct source_point *source_points(const struct source *source, int symbol, enum series_kind kind, size_t *count);
/* Is the turnover of its candles close x volume, for want of a recorded one? */
bool source_is_turnover_estimated(const struct source *source, int symbol);
/* Was this candle put into a hole by is_filled_flat? */
bool source_is_filled(const struct source *source, int symbol, int64_t open_ts);
/* Length of the candles: 60 000, or 180 000 or 300 000 when stamped coarse_base. The same for all symbols. */
int64_t source_interval_ms(const struct source *source);
/* First and last instant covered: open of the first and close of the last candle, or the first and last trade or book beyond them. */
void source_range(const struct source *source, int64_t *from_ms, int64_t *to_ms);
uint32_t source_stamps(const struct source *source);
void source_quality(const struct source *source, int symbol, int64_t from_ms, int64_t to_ms, struct quality *out); /* 0, 0: all */
/* Of its books, trades, tickers and the like; false, and all zero, when it has none. */
bool source_stream_quality(const struct source *source, int symbol, struct stream_quality *out);
/* SHA-256 over symbols, intervals, candles, points, instruments, and what recordings and trade files tell, the same for a recording and its import;
 * 64 hex digits. Computed at the first call.
 */
void source_checksum(struct source *source, char text[65]);

enum source_kind {
  SOURCE_END,
  SOURCE_CANDLE,  /* ts = close of the candle */
  SOURCE_MARK,    /* mark price, known at ts */
  SOURCE_FUNDING, /* rate settled at ts; next = time of the next settlement, 0 unknown */
  SOURCE_BOOK,
  SOURCE_TICKER,
  SOURCE_OPEN_INTEREST, /* value = contracts in base units */
  SOURCE_TRADES,
};

/* At one ts: candles in ascending symbol order, then marks, then funding, then books, tickers and trades as recorded. */
struct source_item {
  enum source_kind kind;
  int symbol;
  int64_t ts;
  const struct candle *candle;
  const struct public_trade *trades;
  int32_t trade_count;
  const struct book_change *book;
  struct ticker ticker;
  double value;     /* mark price, funding rate, open interest */
  double value_usd; /* open interest in USD, NaN when not given */
  int64_t next_ts;
};

/* The next item; kind SOURCE_END after the last. Fails only while reading a book recording. */
NODISCARD enum status source_next(struct source *source, struct source_item *item, struct problem *problem);
/* Stands before the first item with ts >= ts (INT64_MIN: the beginning). A book recording is read again from its start: its first book after a seek
 * is its next snapshot. */
NODISCARD enum status source_seek(struct source *source, int64_t ts, struct problem *problem);

#endif

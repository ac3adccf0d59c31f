/* One recorded message: public stream messages of Binance and Bybit as received, and the lines of our own jsonl. */
#ifndef ADAPTERS_SOURCE_MESSAGE_H
#define ADAPTERS_SOURCE_MESSAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "adapters/source/json_scan.h"
#include "core/market/candle.h"
#include "core/market/order_book.h"

enum message_kind {
  MESSAGE_OTHER, /* known to be of no use here: book tickers, klines in progress, answers to requests */
  MESSAGE_BOOK,
  MESSAGE_TRADE,
  MESSAGE_MARK,
  MESSAGE_TICKER,
  MESSAGE_OPEN_INTEREST,
  MESSAGE_CANDLE,
  MESSAGE_FUNDING,
  MESSAGE_INSTRUMENT,
};

/* Growing arrays of levels, reused from message to message. */
struct message_levels {
  struct book_level *items; /* owned */
  int32_t count, capacity;
};

struct message {
  enum message_kind kind;
  struct json_text symbol; /* into the text, empty when the message names none */
  int64_t ts;              /* of the exchange, ms; 0 when the message has none */
  /* Book. first_seq and last_seq are the update ids; prev_seq is -1 when the venue gives none. */
  bool is_snapshot;
  int64_t first_seq, last_seq, prev_seq;
  struct message_levels bids, asks;
  /* Trade. */
  int64_t price, qty;
  int64_t trade_id; /* numbered one by one, -1 when the venue gives none */
  bool is_buy;
  /* Mark: mark. Ticker: NaN where not given. Open interest: oi, oi_usd. Funding: rate, next_ts. */
  double last, bid, ask, mark, index, turnover_24h, change_24h_pct, oi, oi_usd, rate;
  int64_t next_ts;
  struct candle candle; /* turnover NaN when not given */
  /* Instrument, 0 where not given (market-data 8). */
  int64_t tick_size, lot_size, min_qty, min_notional_usd, max_limit_qty, max_market_qty, listed_at, delisting_at;
  double max_leverage, maintenance_margin;
  int64_t funding_interval_minutes;
  struct json_text status;
  bool is_clean; /* message.c: what few messages have is as it is without them */
};

/* Reads one JSON object. False when it is not one, or when a message of a known kind lacks what it needs; what then tells why. message keeps its
 * level arrays between calls; start with a zeroed one.
 *
 * jsonl lines: {"k":KIND,"symbol":S,"ts":MS,...} with
 *   candle      o h l c v [q]                (ts = open time)
 *   trade       p q side ("buy", "sell")
 *   book        type ("snapshot", "delta") seq [prev] b a ([[price, quantity], ...])
 *   ticker      [last bid ask mark index turnover_24h change_24h_pct]
 *   oi          oi [oi_usd]
 *   funding     rate [next]                  (ts = settlement)
 *   mark        mark
 *   instrument  tick_size lot_size [min_qty min_notional_usd max_limit_qty max_market_qty max_leverage maintenance_margin
 *               funding_interval_minutes status listed_at delisting_at] */
bool message_parse(struct message *message, const char *text, size_t length, const char **what);
void message_deinit(struct message *message);

#endif

#include "adapters/source/message.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/decimal.h"

enum { MESSAGE_DEPTH_MAX = 4 };

void message_deinit(struct message *message) {
  free(message->bids.items);
  free(message->asks.items);
  *message = (struct message){0};
}

/* Ends what a former message left. What most messages do not have is cleared only where one had it. */
static void clear(struct message *message) {
  message->kind = MESSAGE_OTHER;
  message->symbol = (struct json_text){0};
  message->ts = 0;
  message->is_snapshot = message->is_buy = false;
  message->first_seq = message->last_seq = message->prev_seq = -1;
  message->price = message->qty = message->trade_id = -1;
  message->bids.count = message->asks.count = 0;
  if (message->is_clean) return;
  const struct message_levels bids = message->bids, asks = message->asks;
  *message = (struct message){.is_clean = true,
                              .prev_seq = -1,
                              .first_seq = -1,
                              .last_seq = -1,
                              .price = -1,
                              .qty = -1,
                              .trade_id = -1,
                              .last = NAN,
                              .bid = NAN,
                              .ask = NAN,
                              .mark = NAN,
                              .index = NAN,
                              .turnover_24h = NAN,
                              .change_24h_pct = NAN,
                              .oi = NAN,
                              .oi_usd = NAN,
                              .rate = NAN,
                              .candle = {0, NAN, NAN, NAN, NAN, NAN, NAN}};
  message->bids = bids;
  message->asks = asks;
}

static struct book_level *next_level(struct message_levels *levels) {
  if (levels->count == levels->capacity) {
    levels->capacity = levels->capacity ? levels->capacity * 2 : 1024;
    levels->items = realloc(levels->items, (size_t)levels->capacity * sizeof *levels->items);
    check(levels->items);
  }
  return &levels->items[levels->count];
}

enum { PLAIN_LEVEL_MAX = 64 };

static const int64_t scales[] = {100000000, 10000000, 1000000, 100000, 10000, 1000, 100, 10, 1};

/* The same for what is longer: at most 7 digits, a point and at most 8 places. */
static const char *long_decimal(const char *p, int64_t *out) {
  uint64_t whole = 0, fraction = 0;
  const int digits = json_scan_digits(p, &whole);
  if (digits == 0 || digits == 8 || p[digits] != '.') return NULL;
  const int places = json_scan_digits(p + digits + 1, &fraction);
  p += digits + 1 + places;
  if (*p != '"') return NULL;
  *out = (int64_t)whole * DECIMAL_ONE + (int64_t)fraction * scales[places];
  return p + 1;
}

/* 58710.20" as 1e-8, up to and with the quote; NULL for what is no plain decimal or longer. Reads at most 24 bytes. Up to eight characters with one
 * point among them are taken at once: the point is left out by moving what follows it one byte down. */
static inline const char *plain_decimal(const char *p, int64_t *out) {
  const struct json_eight eight = json_scan_eight(p);
  if (!eight.others) return NULL;
  const int point = __builtin_ctzll(eight.others) / 8;
  if (p[point] != '.' || point == 0) return NULL;
  const uint64_t behind = eight.others & (eight.others - 1);
  const int end = behind ? __builtin_ctzll(behind) / 8 : 8;
  if (p[end] != '"') return long_decimal(p, out);
  const uint64_t before = (UINT64_C(1) << 8 * point) - 1;
  const uint64_t digits = (eight.digits & before) | (eight.digits >> 8 & ~before);
  *out = (int64_t)json_scan_add_up(digits << (64 - 8 * (end - 1))) * scales[end - point - 1];
  return p + end + 1;
}

/* A level as the exchanges write it, ["58710.20","0.014"], between the end of the former one and the next; false, with nothing taken, when it is
 * written in another way. */
static inline bool read_plain_level(struct json_scan *scan, struct book_level *level) {
  const char *p = scan->next;
  if (scan->end - p < PLAIN_LEVEL_MAX) return false;
  if (*p == ',' && p[-1] == ']')
    p++;
  else if (p[-1] != '[')
    return false;
  if (p[0] != '[' || p[1] != '"') return false;
  p = plain_decimal(p + 2, &level->price);
  if (!p || p[0] != ',' || p[1] != '"') return false;
  p = plain_decimal(p + 2, &level->qty);
  if (!p || p[0] != ']') return false;
  scan->next = p + 1;
  return true;
}

static bool read_level(struct json_scan *scan, struct book_level *level) {
  if (!json_scan_enter(scan, '[') || !json_scan_item(scan) || !json_scan_decimal(scan, &level->price)) return false;
  if (!json_scan_item(scan) || !json_scan_decimal(scan, &level->qty)) return false;
  while (json_scan_item(scan)) json_scan_skip(scan); /* spot snapshots of old had a third, empty member */
  return true;
}

static void read_levels(struct json_scan *scan, struct message_levels *levels) {
  if (!json_scan_enter(scan, '[')) return;
  for (;; levels->count++) {
    struct book_level *level = next_level(levels);
    if (read_plain_level(scan, level)) continue;
    if (!json_scan_item(scan)) return;
    *level = (struct book_level){0};
    if (!read_level(scan, level)) return;
  }
}

/* What a message says about itself, needed to give its one-letter members a meaning. */
struct shape {
  struct json_text type;   /* "e" of Binance, "k" of jsonl */
  struct json_text action; /* "type" of Bybit and jsonl books */
  int64_t event_ts, trade_ts, ts;
  int64_t last_update_id, trade_id;
  struct json_text p, q; /* a price and a quantity in trades, a mark price in mark updates, and q a turnover in candles: the type decides later */
  bool is_jsonl, has_levels, is_taker_sell, has_maker;
};

static void read_object(struct json_scan *scan, struct message *message, struct shape *shape, int depth);

/* Members whose value is a list in a book message and something else in others. */
static void read_side(struct json_scan *scan, struct message *message, struct shape *shape, bool is_bid) {
  if (json_scan_peek(scan) != '[') {
    json_scan_skip(scan);
    return;
  }
  shape->has_levels = true;
  read_levels(scan, is_bid ? &message->bids : &message->asks);
}

static void read_one_letter(struct json_scan *scan, struct message *message, struct shape *shape, char key) {
  struct json_text text;
  switch (key) {
    case 'e':
      (void)json_scan_value(scan, &shape->type);
      return;
    case 'k':
      if (json_scan_peek(scan) != '"') break; /* kline messages hold an object here */
      shape->is_jsonl = json_scan_value(scan, &shape->type);
      return;
    case 'E':
      (void)json_scan_integer(scan, &shape->event_ts);
      return;
    case 'T':
      (void)json_scan_integer(scan, &shape->trade_ts);
      return;
    case 's':
      (void)json_scan_value(scan, &message->symbol);
      return;
    case 'U':
      (void)json_scan_integer(scan, &message->first_seq);
      return;
    case 'u':
      (void)json_scan_integer(scan, &message->last_seq);
      return;
    case 'b':
    case 'a':
      read_side(scan, message, shape, key == 'b');
      return;
    case 't':
      if (json_scan_peek(scan) < '0' || json_scan_peek(scan) > '9') break;
      (void)json_scan_integer(scan, &shape->trade_id);
      return;
    case 'm':
      shape->has_maker = json_scan_value(scan, &text);
      shape->is_taker_sell = shape->has_maker && json_scan_is(&text, "true");
      return;
    default:
      break;
  }
  json_scan_skip(scan);
}

static double *double_member(struct message *message, const struct json_text *key) {
  const struct {
    const char *name;
    double *value;
  } members[] = {{"o", &message->candle.open},
                 {"h", &message->candle.high},
                 {"l", &message->candle.low},
                 {"c", &message->candle.close},
                 {"v", &message->candle.volume},
                 {"last", &message->last},
                 {"bid", &message->bid},
                 {"ask", &message->ask},
                 {"mark", &message->mark},
                 {"index", &message->index},
                 {"turnover_24h", &message->turnover_24h},
                 {"change_24h_pct", &message->change_24h_pct},
                 {"oi", &message->oi},
                 {"oi_usd", &message->oi_usd},
                 {"rate", &message->rate},
                 {"max_leverage", &message->max_leverage},
                 {"maintenance_margin", &message->maintenance_margin}};
  for (size_t i = 0; i < sizeof members / sizeof members[0]; i++) {
    if (json_scan_is(key, members[i].name)) return members[i].value;
  }
  return NULL;
}

static int64_t *integer_member(struct message *message, struct shape *shape, const struct json_text *key, bool *is_decimal) {
  const struct {
    const char *name;
    int64_t *value;
    bool is_decimal;
  } members[] = {{"ts", &shape->ts, false},
                 {"prev", &message->prev_seq, false},
                 {"seq", &message->last_seq, false},
                 {"next", &message->next_ts, false},
                 {"lastUpdateId", &shape->last_update_id, false},
                 {"tick_size", &message->tick_size, true},
                 {"lot_size", &message->lot_size, true},
                 {"min_qty", &message->min_qty, true},
                 {"min_notional_usd", &message->min_notional_usd, true},
                 {"max_limit_qty", &message->max_limit_qty, true},
                 {"max_market_qty", &message->max_market_qty, true},
                 {"funding_interval_minutes", &message->funding_interval_minutes, false},
                 {"listed_at", &message->listed_at, false},
                 {"delisting_at", &message->delisting_at, false}};
  for (size_t i = 0; i < sizeof members / sizeof members[0]; i++) {
    if (!json_scan_is(key, members[i].name)) continue;
    *is_decimal = members[i].is_decimal;
    return members[i].value;
  }
  return NULL;
}

static void read_word(struct json_scan *scan, struct message *message, struct shape *shape, const struct json_text *key, int depth) {
  struct json_text text;
  bool is_decimal = false;
  double *number;
  int64_t *integer;
  if (json_scan_is(key, "data")) {
    if (json_scan_peek(scan) == '{' && depth < MESSAGE_DEPTH_MAX)
      read_object(scan, message, shape, depth + 1);
    else
      json_scan_skip(scan);
  } else if (json_scan_is(key, "pu")) {
    (void)json_scan_integer(scan, &message->prev_seq);
  } else if (json_scan_is(key, "stream") || json_scan_is(key, "topic")) {
    json_scan_skip(scan); /* names what the message says itself */
  } else if (json_scan_is(key, "bids") || json_scan_is(key, "asks")) {
    read_side(scan, message, shape, key->data[0] == 'b');
  } else if (json_scan_is(key, "symbol")) {
    (void)json_scan_value(scan, &message->symbol);
  } else if (json_scan_is(key, "type")) {
    (void)json_scan_value(scan, &shape->action);
  } else if (json_scan_is(key, "status") && json_scan_peek(scan) == '"') {
    message->is_clean = false;
    (void)json_scan_value(scan, &message->status);
  } else if (json_scan_is(key, "side")) {
    shape->has_maker = json_scan_value(scan, &text) && text.length > 0;
    shape->is_taker_sell = shape->has_maker && (text.data[0] == 's' || text.data[0] == 'S');
  } else if (json_scan_is(key, "seq") && !shape->is_jsonl && depth > 0) {
    json_scan_skip(scan); /* Bybit's cross sequence is no update id */
  } else if ((integer = integer_member(message, shape, key, &is_decimal)) != NULL) {
    message->is_clean = false;
    (void)(is_decimal ? json_scan_decimal(scan, integer) : json_scan_integer(scan, integer));
  } else if ((number = double_member(message, key)) != NULL && (shape->is_jsonl || key->length > 1)) {
    message->is_clean = false;
    (void)json_scan_double(scan, number);
  } else {
    json_scan_skip(scan);
  }
}

static void read_object(struct json_scan *scan, struct message *message, struct shape *shape, int depth) {
  struct json_text key;
  if (!json_scan_enter(scan, '{')) return;
  while (json_scan_letter(scan, &key) || json_scan_member(scan, &key)) {
    const char letter = key.length == 1 ? key.data[0] : '\0';
    if (letter == 'p')
      (void)json_scan_value(scan, &shape->p);
    else if (letter == 'q')
      (void)json_scan_value(scan, &shape->q);
    else if (letter && !(shape->is_jsonl && strchr("ohlcv", letter)))
      read_one_letter(scan, message, shape, letter);
    else
      read_word(scan, message, shape, &key, depth);
  }
}

/* The price and quantity of a trade; they stay -1 where there are none, or no plain decimals. */
static void take_trade(struct message *message, const struct shape *shape) {
  message->kind = MESSAGE_TRADE;
  message->is_buy = !shape->is_taker_sell;
  if (shape->p.data && !json_text_decimal(&shape->p, &message->price)) message->price = -1;
  if (shape->q.data && !json_text_decimal(&shape->q, &message->qty)) message->qty = -1;
}

/* A mark price may have more places than a decimal. */
static bool take_mark(struct message *message, const struct shape *shape) {
  message->kind = MESSAGE_MARK;
  message->is_clean = false;
  if (shape->p.data && !json_text_double(&shape->p, &message->mark)) message->mark = NAN;
  return message->mark > 0;
}

static const char *take_binance(struct message *message, const struct shape *shape) {
  const bool is_trade = json_scan_is(&shape->type, "trade");
  message->ts = shape->event_ts > 0 ? shape->event_ts : shape->trade_ts;
  if (json_scan_is(&shape->type, "depthUpdate")) {
    message->kind = MESSAGE_BOOK;
    return message->first_seq < 0 || message->last_seq < message->first_seq ? "a depth update lacks its update ids" : NULL;
  }
  if (is_trade || json_scan_is(&shape->type, "aggTrade")) {
    take_trade(message, shape);
    if (shape->trade_ts > 0) message->ts = shape->trade_ts;
    if (is_trade) message->trade_id = shape->trade_id;
    /* Futures streams send trades of the insurance fund with price and quantity 0. */
    if (message->price == 0 || message->qty == 0) message->kind = MESSAGE_OTHER;
    return message->price < 0 || message->qty < 0 || !shape->has_maker ? "a trade lacks price, quantity or side" : NULL;
  }
  if (json_scan_is(&shape->type, "markPriceUpdate")) return take_mark(message, shape) ? NULL : "a mark price update lacks its price";
  return NULL;
}

static const char *take_snapshot(struct message *message, const struct shape *shape) {
  message->kind = MESSAGE_BOOK;
  message->is_snapshot = true;
  message->first_seq = message->last_seq = shape->last_update_id;
  message->ts = shape->event_ts;
  return NULL;
}

/* https://bybit-exchange.github.io/docs/v5/websocket/public/orderbook: u counts messages; 1 means a snapshot after a restart. */
static const char *take_bybit(struct message *message, const struct shape *shape) {
  message->kind = MESSAGE_BOOK;
  message->ts = shape->ts;
  message->is_snapshot = json_scan_is(&shape->action, "snapshot") || message->last_seq == 1;
  if (message->last_seq < 0) return "an order book message lacks its update id";
  message->first_seq = message->last_seq;
  if (!message->is_snapshot) message->prev_seq = message->last_seq - 1;
  return NULL;
}

static const char *take_candle(struct message *message, const struct shape *shape) {
  struct candle *candle = &message->candle;
  message->kind = MESSAGE_CANDLE;
  message->is_clean = false;
  if (shape->q.data && !json_text_double(&shape->q, &candle->turnover)) return "a candle is not valid: q must be a number";
  candle->open_ts = message->ts;
  struct candle probe = *candle;
  if (isnan(probe.turnover)) probe.turnover = 0;
  return candle_is_valid(&probe) ? NULL : "a candle is not valid: o, h, l, c, v must be finite, above 0 and h the highest, l the lowest";
}

static const char *take_jsonl(struct message *message, const struct shape *shape) {
  message->ts = shape->ts;
  if (message->ts <= 0) return "a line lacks its ts";
  if (message->symbol.length == 0) return "a line lacks its symbol";
  if (json_scan_is(&shape->type, "candle")) return take_candle(message, shape);
  if (json_scan_is(&shape->type, "trade")) {
    take_trade(message, shape);
    return message->price <= 0 || message->qty <= 0 || !shape->has_maker ? "a trade lacks p, q or side" : NULL;
  }
  if (json_scan_is(&shape->type, "book")) {
    message->kind = MESSAGE_BOOK;
    message->is_snapshot = json_scan_is(&shape->action, "snapshot");
    message->first_seq = message->last_seq;
    return message->last_seq < 0 || !shape->has_levels ? "a book line lacks seq, b or a" : NULL;
  }
  if (json_scan_is(&shape->type, "ticker")) message->kind = MESSAGE_TICKER;
  if (json_scan_is(&shape->type, "oi")) {
    message->kind = MESSAGE_OPEN_INTEREST;
    return message->oi >= 0 ? NULL : "an open interest line lacks oi";
  }
  if (json_scan_is(&shape->type, "mark")) return take_mark(message, shape) ? NULL : "a mark line lacks its price";
  if (json_scan_is(&shape->type, "funding")) {
    message->kind = MESSAGE_FUNDING;
    return message->rate > -1 && message->rate < 1 ? NULL : "a funding line lacks a rate between -1 and 1";
  }
  if (json_scan_is(&shape->type, "instrument")) {
    message->kind = MESSAGE_INSTRUMENT;
    return message->tick_size > 0 && message->lot_size > 0 ? NULL : "an instrument line lacks tick_size or lot_size";
  }
  return message->kind == MESSAGE_OTHER ? "a line has an unknown k: candle, trade, book, ticker, oi, mark, funding or instrument" : NULL;
}

bool message_parse(struct message *message, const char *text, size_t length, const char **what) {
  struct json_scan scan;
  struct shape shape = {.last_update_id = -1, .trade_id = -1};
  clear(message);
  json_scan_init(&scan, text, length);
  read_object(&scan, message, &shape, 0);
  if (scan.has_failed || !json_scan_is_over(&scan)) {
    *what = "this is not a JSON object, or its numbers are not plain decimals";
    return false;
  }
  if (shape.is_jsonl)
    *what = take_jsonl(message, &shape);
  else if (shape.last_update_id >= 0)
    *what = take_snapshot(message, &shape);
  else if (shape.type.length > 0)
    *what = take_binance(message, &shape);
  else
    *what = shape.has_levels ? take_bybit(message, &shape) : NULL;
  return *what == NULL;
}

#include "adapters/source/message.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"

enum { MESSAGE_DEPTH_MAX = 4 };

void message_deinit(struct message *message) {
  free(message->bids.items);
  free(message->asks.items);
  *message = (struct message){0};
}

static void clear(struct message *message) {
  const struct message_levels bids = message->bids, asks = message->asks;
  *message = (struct message){.prev_seq = -1,
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
  message->bids.count = message->asks.count = 0;
}

static void read_levels(struct json_scan *scan, struct message_levels *levels) {
  if (!json_scan_enter(scan, '[')) return;
  while (json_scan_item(scan)) {
    if (levels->count == levels->capacity) {
      levels->capacity = levels->capacity ? levels->capacity * 2 : 1024;
      levels->items = realloc(levels->items, (size_t)levels->capacity * sizeof *levels->items);
      check(levels->items);
    }
    struct book_level *level = &levels->items[levels->count];
    *level = (struct book_level){0};
    if (!json_scan_enter(scan, '[') || !json_scan_item(scan) || !json_scan_decimal(scan, &level->price)) return;
    if (!json_scan_item(scan) || !json_scan_decimal(scan, &level->qty)) return;
    while (json_scan_item(scan)) json_scan_skip(scan); /* spot snapshots of old had a third, empty member */
    levels->count++;
  }
}

/* What a message says about itself, needed to give its one-letter members a meaning. */
struct shape {
  struct json_text type;   /* "e" of Binance, "k" of jsonl */
  struct json_text action; /* "type" of Bybit and jsonl books */
  int64_t event_ts, trade_ts, ts;
  int64_t last_update_id, trade_id;
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

/* p and q are a price and a quantity in trades, a mark price in mark updates, and q a turnover in candles: their type decides later, so both readings
 * of the text are kept. A text that is no plain decimal (a mark price with more places) is left out of the exact reading. */
static void read_number_letter(struct json_scan *scan, struct message *message, char key) {
  const struct json_scan before = *scan;
  double value = NAN;
  int64_t exact = -1;
  (void)json_scan_double(scan, &value);
  struct json_scan again = before;
  if (!json_scan_decimal(&again, &exact)) exact = -1;
  if (key == 'p') {
    message->price = exact;
    message->mark = value;
  } else if (key == 'q') {
    message->qty = exact;
    message->candle.turnover = value;
  }
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
                 {"pu", &message->prev_seq, false},
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
  } else if (json_scan_is(key, "bids") || json_scan_is(key, "asks")) {
    read_side(scan, message, shape, key->data[0] == 'b');
  } else if (json_scan_is(key, "symbol")) {
    (void)json_scan_value(scan, &message->symbol);
  } else if (json_scan_is(key, "type")) {
    (void)json_scan_value(scan, &shape->action);
  } else if (json_scan_is(key, "status") && json_scan_peek(scan) == '"') {
    (void)json_scan_value(scan, &message->status);
  } else if (json_scan_is(key, "side")) {
    shape->has_maker = json_scan_value(scan, &text) && text.length > 0;
    shape->is_taker_sell = shape->has_maker && (text.data[0] == 's' || text.data[0] == 'S');
  } else if (json_scan_is(key, "seq") && !shape->is_jsonl && depth > 0) {
    json_scan_skip(scan); /* Bybit's cross sequence is no update id */
  } else if ((integer = integer_member(message, shape, key, &is_decimal)) != NULL) {
    (void)(is_decimal ? json_scan_decimal(scan, integer) : json_scan_integer(scan, integer));
  } else if ((number = double_member(message, key)) != NULL && (shape->is_jsonl || key->length > 1)) {
    (void)json_scan_double(scan, number);
  } else {
    json_scan_skip(scan);
  }
}

static void read_object(struct json_scan *scan, struct message *message, struct shape *shape, int depth) {
  struct json_text key;
  if (!json_scan_enter(scan, '{')) return;
  while (json_scan_member(scan, &key)) {
    const char letter = key.length == 1 ? key.data[0] : '\0';
    if (letter == 'p' || letter == 'q')
      read_number_letter(scan, message, letter);
    else if (letter && !(shape->is_jsonl && strchr("ohlcv", letter)))
      read_one_letter(scan, message, shape, letter);
    else
      read_word(scan, message, shape, &key, depth);
  }
}

static const char *take_binance(struct message *message, const struct shape *shape) {
  const bool is_trade = json_scan_is(&shape->type, "trade");
  message->ts = shape->event_ts > 0 ? shape->event_ts : shape->trade_ts;
  if (json_scan_is(&shape->type, "depthUpdate")) {
    message->kind = MESSAGE_BOOK;
    return message->first_seq < 0 || message->last_seq < message->first_seq ? "a depth update lacks its update ids" : NULL;
  }
  if (is_trade || json_scan_is(&shape->type, "aggTrade")) {
    message->kind = MESSAGE_TRADE;
    if (shape->trade_ts > 0) message->ts = shape->trade_ts;
    message->is_buy = !shape->is_taker_sell;
    if (is_trade) message->trade_id = shape->trade_id;
    /* Futures streams send trades of the insurance fund with price and quantity 0. */
    if (message->price == 0 || message->qty == 0) message->kind = MESSAGE_OTHER;
    return message->price < 0 || message->qty < 0 || !shape->has_maker ? "a trade lacks price, quantity or side" : NULL;
  }
  if (json_scan_is(&shape->type, "markPriceUpdate")) {
    message->kind = MESSAGE_MARK;
    return message->mark > 0 ? NULL : "a mark price update lacks its price";
  }
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

static const char *take_candle(struct message *message) {
  struct candle *candle = &message->candle;
  message->kind = MESSAGE_CANDLE;
  candle->open_ts = message->ts;
  struct candle probe = *candle;
  if (isnan(probe.turnover)) probe.turnover = 0;
  return candle_is_valid(&probe) ? NULL : "a candle is not valid: o, h, l, c, v must be finite, above 0 and h the highest, l the lowest";
}

static const char *take_jsonl(struct message *message, const struct shape *shape) {
  message->ts = shape->ts;
  if (message->ts <= 0) return "a line lacks its ts";
  if (message->symbol.length == 0) return "a line lacks its symbol";
  if (json_scan_is(&shape->type, "candle")) return take_candle(message);
  if (json_scan_is(&shape->type, "trade")) {
    message->kind = MESSAGE_TRADE;
    message->is_buy = !shape->is_taker_sell;
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
  if (json_scan_is(&shape->type, "mark")) {
    message->kind = MESSAGE_MARK;
    return message->mark > 0 ? NULL : "a mark line lacks its price";
  }
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
  if (scan.has_failed || json_scan_peek(&scan) != '\0') {
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

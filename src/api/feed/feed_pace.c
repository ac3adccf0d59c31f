/* What is told by time and not by event: newest values, each topic at its own rate. */
#include <math.h>
#include <string.h>

#include "api/feed/feed_state.h"
#include "base/decimal.h"
#include "core/market/market_view.h"

#define PAUSE(ms) ((ms)*INT64_C(1000000))
#define ENGINE_PAUSE PAUSE(100)
#define POSITION_PAUSE PAUSE(200)
#define WALL_PAUSE PAUSE(200)
#define PRICE_PAUSE PAUSE(250)
#define RISK_PAUSE PAUSE(500)
#define SECOND PAUSE(1000)
#define CANDLES_MAX 20 /* of one symbol and interval in one turn: after a pause the newest are enough */

static bool is_wanted(const struct feed_hub *hub, enum feed_topic topic) {
  return (hub->wanted & (1u << topic)) != 0;
}

/* Is it time again? */
static bool is_due(const struct feed_hub *hub, int64_t *last_ns, int64_t now, int64_t pause) {
  if (now - *last_ns < (hub->is_relieved ? 2 * pause : pause)) return false;
  *last_ns = now;
  return true;
}

/* ---- the engine ---- */

static bool engine_changed(struct feed_hub *hub) {
  struct engine_status status;
  memset(&status, 0, sizeof status);
  engine_status_read(hub->api->options.engine, &status);
  uint32_t legal = engine_legal_commands(hub->api->options.engine);
  status.ts = 0;
  if (legal == hub->legal && memcmp(&status, &hub->status, sizeof status) == 0) return false;
  hub->status = status;
  hub->legal = legal;
  return true;
}

static void tell_engine(struct feed_hub *hub) {
  write_engine_status(hub->api, NULL, feed_begin(hub, FEED_TYPE_ENGINE_UPDATE));
  feed_end_all(hub, FEED_TYPE_ENGINE_UPDATE);
}

static bool risk_changed(struct feed_hub *hub) {
  const struct engine *engine = hub->api->options.engine;
  const struct ledger *ledger = engine_ledger(engine);
  const struct risk_state *risk = engine_risk(engine);
  struct engine_status status;
  engine_status_read(engine, &status);
  if (memcmp(ledger, &hub->ledger, sizeof *ledger) == 0 && memcmp(risk, &hub->risk, sizeof *risk) == 0 && status.slots_used == hub->slots_used)
    return false;
  hub->ledger = *ledger;
  hub->risk = *risk;
  hub->slots_used = status.slots_used;
  return true;
}

static void tell_risk(struct feed_hub *hub) {
  write_risk(hub->api, NULL, feed_begin(hub, FEED_TYPE_RISK_UPDATE));
  feed_end_all(hub, FEED_TYPE_RISK_UPDATE);
}

static void tell_equity(struct feed_hub *hub) {
  hub->equity_changed = false;
  write_equity(NULL, &hub->equity, feed_begin(hub, FEED_TYPE_EQUITY_UPDATE));
  feed_end_all(hub, FEED_TYPE_EQUITY_UPDATE);
}

static void tell_positions(struct feed_hub *hub, int64_t now) {
  const struct engine *engine = hub->api->options.engine;
  for (int32_t i = 0; i < engine_position_count(engine); i++) {
    const struct position *position = engine_position(engine, i);
    for (int32_t k = 0; k < hub->position_count; k++) {
      struct tracked *tracked = &hub->positions[k];
      bool is_other = tracked->position_id != position->position_id || memcmp(&tracked->last, position, sizeof *position) == 0;
      if (is_other || !is_due(hub, &tracked->sent_ns, now, POSITION_PAUSE)) continue;
      tracked->last = *position;
      write_position(hub->api, NULL, position, feed_begin(hub, FEED_TYPE_POSITION_UPDATE));
      feed_end_all(hub, FEED_TYPE_POSITION_UPDATE);
    }
  }
}

/* ---- prices ---- */

static double best(const struct book_level *levels, int32_t count, double ticker) {
  return count > 0 ? decimal_to_double(levels[0].price) : ticker;
}

struct quote {
  double price, bid, ask, mark;
};

static struct quote read_quote(const struct feed_hub *hub, int32_t symbol) {
  const struct engine *engine = hub->api->options.engine;
  const struct market *market = engine_market(engine, symbol);
  const struct order_book *book = &market->book;
  bool has_ticker = market->ticker.ts != 0;
  return (struct quote){.price = price_now(engine, symbol),
                        .bid = best(book->bids, book->is_valid ? book->bid_count : 0, has_ticker ? market->ticker.bid : NAN),
                        .ask = best(book->asks, book->is_valid ? book->ask_count : 0, has_ticker ? market->ticker.ask : NAN),
                        .mark = has_ticker ? market->ticker.mark : NAN};
}

void feed_write_price(const struct api *api, int32_t symbol, struct json_writer *writer) {
  const struct engine *engine = api->options.engine;
  const struct market *market = engine_market(engine, symbol);
  struct quote quote = read_quote(api->feed, symbol);
  struct market_view view;
  market_view_read(market, engine_reference(engine), engine_now(engine), &view);
  json_begin_object(writer, NULL);
  json_add_string(writer, "symbol", market->instrument.symbol);
  json_add_double(writer, "price", quote.price);
  json_add_double(writer, "bid", quote.bid);
  json_add_double(writer, "ask", quote.ask);
  json_add_double(writer, "mark", quote.mark);
  json_add_double(writer, "change_24h_pct", view.field[MARKET_FIELD_change_24h_pct]);
  json_add_int(writer, "ts", engine_now(engine));
  json_end_object(writer);
}

static bool differs(double a, double b) {
  return isnan(a) ? !isnan(b) : !(a == b);
}

static bool price_changed(struct feed_hub *hub, int32_t symbol) {
  struct symbol_state *state = &hub->symbols[symbol];
  struct quote quote = read_quote(hub, symbol);
  if (!differs(quote.price, state->price) && !differs(quote.bid, state->bid) && !differs(quote.ask, state->ask) && !differs(quote.mark, state->mark))
    return false;
  state->price = quote.price;
  state->bid = quote.bid;
  state->ask = quote.ask;
  state->mark = quote.mark;
  return true;
}

/* One message for all who want the same symbols; others get their own. */
static void tell_prices_to(struct feed_hub *hub, const struct peer *like, const bool changed[FEED_SYMBOLS_MAX], struct http_frame **frame) {
  struct json_writer *writer = feed_begin(hub, FEED_TYPE_PRICE_UPDATE);
  int count = 0;
  json_begin_object(writer, NULL);
  json_begin_array(writer, "prices");
  for (int32_t symbol = 0; symbol < feed_symbol_count(hub); symbol++) {
    if (!changed[symbol] || !feed_peer_wants(like, FEED_PRICES, symbol)) continue;
    feed_write_price(hub->api, symbol, writer);
    ++count;
  }
  json_end_array(writer);
  json_end_object(writer);
  *frame = count > 0 ? feed_end_frame(hub) : NULL;
}

static void tell_prices(struct feed_hub *hub) {
  bool changed[FEED_SYMBOLS_MAX] = {false};
  bool has_changed = false;
  for (int32_t symbol = 0; symbol < feed_symbol_count(hub); symbol++) {
    changed[symbol] = feed_symbol_is_wanted(hub, FEED_PRICES, symbol) && price_changed(hub, symbol);
    has_changed |= changed[symbol];
  }
  if (!has_changed) return;
  for (const struct peer *first = hub->peers; first != NULL; first = first->next) {
    struct http_frame *frame;
    const struct symbol_set *set = &first->symbols[FEED_PRICES];
    bool is_served = false;
    for (const struct peer *before = hub->peers; before != first && !is_served; before = before->next)
      is_served = (before->topics >> FEED_PRICES & 1) != 0 && memcmp(&before->symbols[FEED_PRICES], set, sizeof *set) == 0;
    if (is_served || (first->topics >> FEED_PRICES & 1) == 0) continue;
    tell_prices_to(hub, first, changed, &frame);
    if (frame == NULL) continue;
    feed_send_frame(hub, FEED_TYPE_PRICE_UPDATE, frame, &(struct audience){.symbol = FEED_NO_SYMBOL, .symbols = set, .log_level = -1});
    hub->sockets->frame_drop(frame);
  }
}

/* ---- candles ---- */

static void tell_candle(struct feed_hub *hub, int32_t symbol, enum timeframe timeframe, const struct candle *candle, bool is_closed) {
  struct json_writer *writer = feed_begin(hub, FEED_TYPE_CANDLE);
  json_begin_object(writer, NULL);
  json_add_string(writer, "symbol", engine_market(hub->api->options.engine, symbol)->instrument.symbol);
  json_add_string(writer, "timeframe", timeframe_names[timeframe]);
  write_candle("candle", candle, is_closed, writer);
  json_end_object(writer);
  /* A closed candle is not replaced by the open one after it. */
  int64_t key = ((int64_t)symbol * timeframe_count + (int64_t)timeframe) * 2 + (is_closed ? 1 : 0);
  feed_end(hub, FEED_TYPE_CANDLE, &(struct audience){.symbol = symbol, .key = key, .log_level = -1});
}

static void tell_closed(struct feed_hub *hub, int32_t symbol, enum timeframe timeframe) {
  const struct candle_series *series = &engine_market(hub->api->options.engine, symbol)->series[timeframe];
  int64_t *sent = &hub->symbols[symbol].candle_ts[timeframe];
  int32_t fresh = 0;
  while (fresh < series->count && fresh < CANDLES_MAX && candle_series_last(series, fresh + 1)->open_ts > *sent) ++fresh;
  for (int32_t n = fresh; n > 0; n--) tell_candle(hub, symbol, timeframe, candle_series_last(series, n), true);
  if (fresh > 0) *sent = candle_series_newest(series)->open_ts;
}

/* The candle that is not closed yet, from the base candles that it has so far; false when there is none. */
static bool read_open(const struct market *market, enum timeframe timeframe, struct candle *out, int64_t *newest) {
  const struct candle_series *base = &market->series[TIMEFRAME_1M];
  if (market->base_ms != timeframe_ms(TIMEFRAME_1M) || base->count == 0) return false;
  const struct candle *last = candle_series_newest(base);
  int64_t length = timeframe_ms(timeframe);
  int64_t open_ts = (last->open_ts + market->base_ms) / length * length;
  if (open_ts > last->open_ts) return false; /* the last one closed it */
  int32_t n = (int32_t)((last->open_ts - open_ts) / market->base_ms) + 1;
  if (n > base->count || candle_series_last(base, n)->open_ts != open_ts) return false;
  *out = *candle_series_last(base, n);
  while (--n > 0) {
    const struct candle *part = candle_series_last(base, n);
    out->high = fmax(out->high, part->high);
    out->low = fmin(out->low, part->low);
    out->close = part->close;
    out->volume += part->volume;
    out->turnover += part->turnover;
  }
  *newest = last->open_ts;
  return true;
}

static void tell_open(struct feed_hub *hub, int32_t symbol, enum timeframe timeframe) {
  struct candle candle;
  int64_t newest;
  int64_t *sent = &hub->symbols[symbol].candle_open_ts[timeframe];
  if (!read_open(engine_market(hub->api->options.engine, symbol), timeframe, &candle, &newest) || newest == *sent) return;
  *sent = newest;
  tell_candle(hub, symbol, timeframe, &candle, false);
}

static void tell_candles(struct feed_hub *hub, bool is_second) {
  for (int32_t symbol = 0; symbol < feed_symbol_count(hub); symbol++) {
    struct symbol_state *state = &hub->symbols[symbol];
    if ((!state->has_candles && !is_second) || !feed_symbol_is_wanted(hub, FEED_CANDLES, symbol)) continue;
    bool is_minute = engine_market(hub->api->options.engine, symbol)->base_ms == timeframe_ms(TIMEFRAME_1M);
    for (int timeframe = is_minute ? TIMEFRAME_1M : TIMEFRAME_5M; timeframe < timeframe_count; timeframe++) {
      if (state->has_candles) tell_closed(hub, symbol, (enum timeframe)timeframe);
      if (is_second && timeframe != TIMEFRAME_1M) tell_open(hub, symbol, (enum timeframe)timeframe);
    }
    state->has_candles = false;
  }
}

/* ---- book and tape ---- */

static void tell_walls(struct feed_hub *hub, int64_t now) {
  static const char *const events[] = {"wall_detected", "wall_eaten", "wall_removed"};
  for (int32_t symbol = 0; symbol < feed_symbol_count(hub); symbol++) {
    struct symbol_state *state = &hub->symbols[symbol];
    if (!state->has_wall || !is_due(hub, &state->wall_ns, now, WALL_PAUSE)) continue;
    state->has_wall = false;
    struct json_writer *writer = feed_begin(hub, FEED_TYPE_DENSITY_UPDATE);
    json_begin_object(writer, NULL);
    json_add_string(writer, "event", events[state->wall.state]);
    write_wall("wall", &state->wall, writer);
    json_end_object(writer);
    feed_end_symbol(hub, FEED_TYPE_DENSITY_UPDATE, symbol);
  }
}

static void tell_activity(struct feed_hub *hub) {
  const struct engine *engine = hub->api->options.engine;
  for (int32_t symbol = 0; symbol < feed_symbol_count(hub); symbol++) {
    if (engine_activity(engine, symbol) == NULL || !feed_symbol_is_wanted(hub, FEED_ACTIVITY, symbol)) continue;
    write_activity(hub->api, NULL, symbol, feed_begin(hub, FEED_TYPE_ACTIVITY));
    feed_end_symbol(hub, FEED_TYPE_ACTIVITY, symbol);
  }
}

/* ---- runs ---- */

static void tell_runs(struct feed_hub *hub, int64_t now) {
  for (int i = 0; i < FEED_RUNS_MAX; i++) {
    struct told_run *run = &hub->runs[i];
    if (run->waiting == NULL || !is_due(hub, &run->sent_ns, now, PAUSE(500))) continue;
    feed_send_frame(hub, FEED_TYPE_BACKTEST_PROGRESS, run->waiting, &(struct audience){.symbol = FEED_NO_SYMBOL, .log_level = -1});
    hub->sockets->frame_drop(run->waiting);
    run->waiting = NULL;
  }
}

/* ---- all ---- */

void feed_begin_topic(struct feed_hub *hub, enum feed_topic topic) {
  const struct engine *engine = hub->api->options.engine;
  if (topic == FEED_ENGINE) {
    hub->kill = engine_risk(engine)->kill;
    engine_changed(hub); /* the snapshot tells it */
  }
  if (topic == FEED_RISK) risk_changed(hub);
  if (topic == FEED_POSITIONS) {
    hub->position_count = 0;
    for (int32_t i = 0; i < engine_position_count(engine) && i < FEED_POSITIONS_MAX; i++) {
      const struct position *position = engine_position(engine, i);
      hub->positions[hub->position_count++] = (struct tracked){position->position_id, 0, *position};
    }
  }
  if (topic != FEED_CANDLES) return;
  for (int32_t symbol = 0; symbol < feed_symbol_count(hub); symbol++) {
    for (int timeframe = 0; timeframe < timeframe_count; timeframe++) {
      const struct candle *newest = candle_series_newest(&engine_market(engine, symbol)->series[timeframe]);
      hub->symbols[symbol].candle_ts[timeframe] = newest != NULL ? newest->open_ts : 0;
      hub->symbols[symbol].candle_open_ts[timeframe] = 0;
    }
  }
}

void feed_send_paced(struct feed_hub *hub) {
  int64_t now = feed_now_ns(hub);
  bool is_second = is_due(hub, &hub->second_ns, now, SECOND);
  if (is_wanted(hub, FEED_ENGINE) && is_due(hub, &hub->engine_ns, now, ENGINE_PAUSE) && engine_changed(hub)) tell_engine(hub);
  if (is_wanted(hub, FEED_POSITIONS)) tell_positions(hub, now);
  if (is_wanted(hub, FEED_RISK) && is_due(hub, &hub->risk_ns, now, RISK_PAUSE) && risk_changed(hub)) tell_risk(hub);
  if (is_wanted(hub, FEED_EQUITY) && hub->equity_changed && is_due(hub, &hub->equity_ns, now, SECOND)) tell_equity(hub);
  if (is_wanted(hub, FEED_PRICES) && is_due(hub, &hub->price_ns, now, PRICE_PAUSE)) tell_prices(hub);
  if (is_wanted(hub, FEED_CANDLES)) tell_candles(hub, is_second);
  if (is_wanted(hub, FEED_DENSITY)) tell_walls(hub, now);
  if (is_wanted(hub, FEED_ACTIVITY) && is_second) tell_activity(hub);
  if (is_wanted(hub, FEED_BACKTESTS) && is_second) tell_runs(hub, now);
}

void api_relieve_feed(struct api *api, bool is_relieved) {
  api->feed->is_relieved = is_relieved;
}

/* Levels, activity, density and the health of the data, as the strategy sees them now. */
#include <math.h>

#include "api/api_state.h"
#include "base/decimal.h"
#include "core/strategy/market_filter.h"

enum { APPROACH_CANDLES = 10 };

/* ---- levels ---- */

static void write_round_levels(const struct level_set *set, struct json_writer *writer) {
  json_begin_array(writer, "round_levels");
  for (int32_t i = 0; i < set->active_count; i++) {
    const struct level *level = &set->active[i];
    if (!level->is_round_number) continue;
    json_begin_object(writer, NULL);
    write_id(writer, "level_id", 'L', 8, level->level_id);
    json_add_double(writer, "price", level->price);
    json_add_double(writer, "bonus", level->round_bonus);
    json_end_object(writer);
  }
  json_end_array(writer);
  json_begin_array(writer, "cascade_info");
  for (int32_t i = 0; i < set->active_count; i++) {
    const struct level *level = &set->active[i];
    if (!level->has_cascade) continue;
    json_begin_object(writer, NULL);
    write_id(writer, "level_id", 'L', 8, level->level_id);
    json_add_double(writer, "price", level->price);
    json_add_int(writer, "count", level->cascade_count);
    json_end_object(writer);
  }
  json_end_array(writer);
}

static const struct level *nearest_of(const struct level_set *set, double price) {
  const struct level *nearest = NULL;
  for (int32_t i = 0; i < set->active_count; i++) {
    if (nearest == NULL || fabs(set->active[i].price - price) < fabs(nearest->price - price)) nearest = &set->active[i];
  }
  return nearest;
}

/* As the fold of levels judges it (strategy 4.3): slope over the last 10 candles; closes within max(0.5 %, ATR) of the level. */
static void write_approach(const struct market *market, const struct preset *preset, const struct level *level, struct json_writer *writer) {
  const struct candle_series *series = &market->series[TIMEFRAME_5M];
  int32_t bars = preset != NULL ? preset->levels_rules.prebreakout_consolidation_min_bars : 0;
  double slope = NAN;
  json_begin_object(writer, "approach_metrics");
  if (series->count > APPROACH_CANDLES) {
    const struct candle *candles = candle_series_last(series, APPROACH_CANDLES + 1);
    slope = fabs(100.0 * (candles[APPROACH_CANDLES].close - candles[0].close) / candles[0].close) / APPROACH_CANDLES;
  }
  json_add_double(writer, "slope_pct_per_bar", slope);
  if (level == NULL || bars == 0 || series->count < bars) {
    json_add_null(writer, "closes_near");
  } else {
    const struct candle *candles = candle_series_last(series, bars);
    double distance = fmax(0.005 * level->price, market_atr_5m(market));
    int64_t near = 0;
    for (int32_t i = 0; i < bars; i++) near += fabs(candles[i].close - level->price) <= distance ? 1 : 0;
    json_add_int(writer, "closes_near", near);
  }
  json_end_object(writer);
}

static void write_statistics(const struct level_set *set, struct json_writer *writer) {
  json_begin_array(writer, "statistics");
  for (int32_t sources = 0; sources < LEVEL_SOURCE_SETS; sources++) {
    for (int32_t decile = 0; decile < LEVEL_DECILES; decile++) {
      const struct level_statistics_cell *cell = &set->statistics.cells[sources][decile];
      if (cell->broken == 0) continue;
      json_begin_object(writer, NULL);
      write_sources(sources, writer);
      json_add_int(writer, "decile", decile);
      json_add_int(writer, "broken", cell->broken);
      json_add_double(writer, "failed_share", level_statistics_failed_share(cell));
      json_add_double(writer, "excursion_atr", level_statistics_excursion_atr(cell));
      json_end_object(writer);
    }
  }
  json_end_array(writer);
}

static void write_level_metrics(const struct engine *engine, int32_t symbol, bool is_wanted, struct json_writer *writer) {
  const struct level_set *set = engine_levels(engine, symbol);
  if (is_wanted) {
    write_round_levels(set, writer);
    write_approach(engine_market(engine, symbol), engine_preset(engine), nearest_of(set, price_now(engine, symbol)), writer);
    write_statistics(set, writer);
    return;
  }
  json_add_null(writer, "round_levels");
  json_add_null(writer, "cascade_info");
  json_add_null(writer, "approach_metrics");
  json_add_null(writer, "statistics");
}

void handle_levels(struct call *call) {
  static const char *const words[] = {"false", "true"};
  const struct engine *engine = call->api->options.engine;
  int with_metrics = call_word(call, "include_metrics", words, 2, 0);
  int32_t symbol = with_metrics >= 0 ? call_symbol(call, http_argument(call->request, "symbol")) : -1;
  if (symbol < 0) return;
  const struct level_set *set = engine_levels(engine, symbol);
  double price = price_now(engine, symbol);
  call_begin(call);
  json_add_string(&call->writer, "symbol", engine_market(engine, symbol)->instrument.symbol);
  json_add_int(&call->writer, "ts", engine_now(engine));
  json_add_double(&call->writer, "price", price);
  write_levels(engine, symbol, "levels", &call->writer);
  json_begin_array(&call->writer, "ended");
  for (int32_t i = 0; i < set->ended_count; i++) write_level(&set->ended[i], price, &call->writer);
  json_end_array(&call->writer);
  write_level_metrics(engine, symbol, with_metrics == 1, &call->writer);
  call_end(call, 200);
}

/* ---- tape and book ---- */

void handle_activity(struct call *call) {
  const struct engine *engine = call->api->options.engine;
  int32_t symbol = call_symbol(call, http_argument(call->request, "symbol"));
  if (symbol < 0) return;
  if (engine_activity(engine, symbol) == NULL) {
    call_fail(call, 503, "not_ready", "the feed has no public trades of %s", engine_market(engine, symbol)->instrument.symbol);
    return;
  }
  json_writer_init(&call->writer, &call->reply->body, false);
  write_activity(call->api, NULL, symbol, &call->writer);
  call_finish(call);
}

static void write_book_side(const char *key, const struct book_level *levels, int32_t count, double low, double high, struct json_writer *writer) {
  json_begin_array(writer, key);
  for (int32_t i = 0; i < count; i++) {
    double price = decimal_to_double(levels[i].price);
    if (price < low || price > high) continue;
    json_begin_object(writer, NULL);
    json_add_double(writer, "price", price);
    json_add_double(writer, "size_usd", price * decimal_to_double(levels[i].qty));
    json_end_object(writer);
  }
  json_end_array(writer);
}

static void write_density(const struct engine *engine, int32_t symbol, double range, struct json_writer *writer) {
  const struct market *market = engine_market(engine, symbol);
  const struct density *density = engine_density(engine, symbol);
  const struct preset *preset = engine_preset(engine);
  struct market_view view;
  market_read_quotes(market, engine_now(engine), &view);
  bool has_book = market->book.is_valid && isfinite(view.mid);
  json_add_string(writer, "symbol", market->instrument.symbol);
  json_add_int(writer, "ts", engine_now(engine));
  json_add_double(writer, "mid", view.mid);
  json_begin_array(writer, "walls");
  for (int32_t i = 0; i < density->wall_count; i++) write_wall(NULL, &density->walls[i], writer);
  json_end_array(writer);
  json_add_double(writer, "threshold_usd", density->threshold_usd);
  json_add_double(writer, "k_density", preset != NULL ? preset->density_config.k_density : NAN);
  double low = view.mid * (1 - range);
  double high = view.mid * (1 + range);
  write_book_side("bids", market->book.bids, has_book ? market->book.bid_count : 0, low, high, writer);
  write_book_side("asks", market->book.asks, has_book ? market->book.ask_count : 0, low, high, writer);
}

void handle_density(struct call *call) {
  const struct engine *engine = call->api->options.engine;
  int64_t range_bps = 50;
  if (!call_number(call, "range_bps", 1, 1000, &range_bps)) return;
  int32_t symbol = call_symbol(call, http_argument(call->request, "symbol"));
  if (symbol < 0) return;
  if (engine_density(engine, symbol) == NULL) {
    call_fail(call, 503, "not_ready", "the feed has no order book of %s", engine_market(engine, symbol)->instrument.symbol);
    return;
  }
  call_begin(call);
  write_density(engine, symbol, (double)range_bps * 1e-4, &call->writer);
  call_end(call, 200);
}

/* ---- health ---- */

static void write_age(const char *key, bool is_capable, int64_t at, int64_t now, struct json_writer *writer) {
  json_begin_object(writer, key);
  json_add_bool(writer, "capable", is_capable);
  if (at > 0) {
    json_add_int(writer, "last_at", at);
    json_add_int(writer, "age_ms", now - at);
  } else {
    json_add_null(writer, "last_at");
    json_add_null(writer, "age_ms");
  }
  json_end_object(writer);
}

static void write_ages(const struct market *market, int64_t now, struct json_writer *writer) {
  uint32_t can = market->capabilities;
  json_begin_object(writer, "ages");
  write_age("candles", (can & CAPABILITY_CANDLES_1M) != 0, market_candle_close_ts(market), now, writer);
  write_age("trades", (can & CAPABILITY_TRADES) != 0, market->flow.heard_at, now, writer);
  write_age("book", (can & CAPABILITY_BOOK) != 0, market->book.updated_at, now, writer);
  write_age("ticker", (can & CAPABILITY_TICKER) != 0, market->ticker.ts, now, writer);
  write_age("open_interest", (can & CAPABILITY_OPEN_INTEREST) != 0, market->oi_count > 0 ? market->oi[market->oi_count - 1].ts : 0, now, writer);
  write_age("funding", (can & CAPABILITY_FUNDING) != 0, market->funding_at, now, writer);
  json_end_object(writer);
}

void handle_feature_health(struct call *call) {
  const struct engine *engine = call->api->options.engine;
  struct json_writer *writer = &call->writer;
  call_begin(call);
  json_begin_array(writer, "items");
  for (int32_t i = 0; i < engine_symbol_count(engine); i++) {
    const struct market *market = engine_market(engine, i);
    struct market_health health;
    market_health_read(market, &health);
    uint32_t skipped = market_filter_skipped(market->capabilities, engine_reference(engine) != NULL);
    json_begin_object(writer, NULL);
    json_add_string(writer, "symbol", market->instrument.symbol);
    json_add_string(writer, "venue_symbol", market->instrument.venue_symbol);
    json_add_bool(writer, "warm", market_is_warm(market));
    write_ages(market, engine_now(engine), writer);
    write_capabilities(market->capabilities, writer);
    json_begin_array(writer, "skipped");
    for (int k = 0; k < MARKET_FILTER_COUNT; k++) {
      if ((skipped & 1u << k) != 0) json_add_string(writer, NULL, market_filter_name(k));
    }
    json_end_array(writer);
    json_add_int(writer, "missing_candles", health.missing);
    json_end_object(writer);
  }
  call_end_list(call, engine_symbol_count(engine));
}

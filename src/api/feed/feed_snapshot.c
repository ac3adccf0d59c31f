/* A topic as it is now. */
#include "api/alerts/alerts.h"
#include "api/feed/feed_state.h"

static void add_positions(const struct api *api, struct json_writer *writer) {
  for (int32_t i = 0; i < engine_position_count(api->options.engine); i++) write_position(api, NULL, engine_position(api->options.engine, i), writer);
}

static void add_orders(const struct api *api, struct json_writer *writer) {
  for (int32_t i = 0; i < engine_order_count(api->options.engine); i++) {
    const struct order *order = engine_order(api->options.engine, i);
    if (!order_is_ended(order)) write_order(api, NULL, order, writer);
  }
}

void feed_write_newest(const struct api *api, enum record_kind kind, struct json_writer *writer) {
  const struct keep *keep = &api->kept[kind];
  int32_t count = keep->count < FEED_SNAPSHOT_ROWS ? keep->count : FEED_SNAPSHOT_ROWS;
  for (int32_t i = 0; i < count; i++) {
    if (kind == RECORD_SIGNAL) {
      write_signal(api, NULL, keep_get(keep, i), writer);
    } else {
      write_decision(api, NULL, NULL, keep_get(keep, i), writer);
    }
  }
}

/* Of the engine and of the user's rules: the newest, and older ones that are not over. */
static void add_alerts(const struct api *api, struct json_writer *writer) {
  const struct alert_view *view;
  for (int32_t i = 0; (view = alerts_get(api->alerts, i)) != NULL; i++) {
    if (i < FEED_SNAPSHOT_ROWS || view->state != ALERT_RESOLVED) write_alert_view(api, NULL, view, writer);
  }
}

static void add_levels(const struct api *api, int32_t symbol, struct json_writer *writer) {
  const struct level_set *set = engine_levels(api->options.engine, symbol);
  double price = price_now(api->options.engine, symbol);
  for (int32_t i = 0; i < set->active_count; i++) write_level(&set->active[i], price, writer);
}

static void add_walls(const struct api *api, int32_t symbol, struct json_writer *writer) {
  const struct density *density = engine_density(api->options.engine, symbol);
  for (int32_t i = 0; density != NULL && i < density->wall_count; i++) write_wall(NULL, &density->walls[i], writer);
}

/* The newest closed candle of each interval. */
static void add_candles(const struct api *api, int32_t symbol, struct json_writer *writer) {
  const struct market *market = engine_market(api->options.engine, symbol);
  bool is_minute = market->base_ms == timeframe_ms(TIMEFRAME_1M);
  for (int timeframe = is_minute ? TIMEFRAME_1M : TIMEFRAME_5M; timeframe < timeframe_count; timeframe++) {
    const struct candle *newest = candle_series_newest(&market->series[timeframe]);
    if (newest == NULL) continue;
    json_begin_object(writer, NULL);
    json_add_string(writer, "symbol", market->instrument.symbol);
    json_add_string(writer, "timeframe", timeframe_names[timeframe]);
    write_candle("candle", newest, true, writer);
    json_end_object(writer);
  }
}

static void add_symbol(const struct api *api, enum feed_topic topic, int32_t symbol, struct json_writer *writer) {
  if (topic == FEED_LEVELS) add_levels(api, symbol, writer);
  if (topic == FEED_DENSITY) add_walls(api, symbol, writer);
  if (topic == FEED_ACTIVITY && engine_activity(api->options.engine, symbol) != NULL) write_activity(api, NULL, symbol, writer);
  if (topic == FEED_PRICES) feed_write_price(api, symbol, writer);
  if (topic == FEED_CANDLES) add_candles(api, symbol, writer);
}

static void add_items(const struct peer *peer, enum feed_topic topic, struct json_writer *writer) {
  const struct api *api = peer->hub->api;
  if (topic == FEED_POSITIONS) add_positions(api, writer);
  if (topic == FEED_ORDERS) add_orders(api, writer);
  if (topic == FEED_SIGNALS) feed_write_newest(api, RECORD_SIGNAL, writer);
  if (topic == FEED_DECISIONS) feed_write_newest(api, RECORD_DECISION, writer);
  if (topic == FEED_ALERTS) add_alerts(api, writer);
  if (topic == FEED_BACKTESTS) write_runs_newest(api, FEED_SNAPSHOT_ROWS, writer);
  for (int32_t symbol = 0; feed_topics[topic].is_per_symbol && symbol < feed_symbol_count(peer->hub); symbol++) {
    if (feed_peer_wants(peer, topic, symbol)) add_symbol(api, topic, symbol, writer);
  }
}

static void add_object(const struct peer *peer, enum feed_topic topic, struct json_writer *writer) {
  const struct api *api = peer->hub->api;
  const struct scan_record *scan = engine_last_scan(api->options.engine);
  if (topic == FEED_ENGINE) {
    write_engine_status(api, "object", writer);
  } else if (topic == FEED_RISK) {
    write_risk(api, "object", writer);
  } else if (topic == FEED_SCAN && scan->scan_id != 0) {
    write_scan(api, "object", scan, FEED_SCAN_ROWS, writer);
  } else if (topic == FEED_EQUITY && peer->hub->has_equity) {
    write_equity("object", &peer->hub->equity, writer);
  } else {
    json_add_null(writer, "object"); /* there is none yet */
  }
}

void feed_send_snapshot(struct peer *peer, enum feed_topic topic) {
  struct json_writer *writer = feed_begin(peer->hub, FEED_TYPE_SNAPSHOT);
  json_begin_object(writer, NULL);
  json_add_string(writer, "topic", feed_topics[topic].name);
  if (feed_topics[topic].is_object) {
    add_object(peer, topic, writer);
  } else {
    json_begin_array(writer, "items");
    add_items(peer, topic, writer);
    json_end_array(writer);
  }
  json_end_object(writer);
  feed_end_one(peer->hub, FEED_TYPE_SNAPSHOT, peer);
}

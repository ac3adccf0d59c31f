/* Objects of the API from records: the record's fields and what the shape adds. */
#include <math.h>

#include "api/api_state.h"

void write_trace(struct json_writer *writer, const char *symbol, int64_t trace_ts) {
  char id[64];
  struct text text;
  text_init(&text, id, sizeof id);
  text_add(&text, symbol);
  text_add_char(&text, ':');
  text_add_i64(&text, trace_ts);
  json_add_string(writer, "trace_id", trace_ts != 0 ? id : NULL);
}

void write_commands_allowed(const struct engine *engine, struct json_writer *writer, const char *key) {
  uint32_t legal = engine_legal_commands(engine);
  json_begin_array(writer, key);
  for (int i = 0; i < command_count; i++) {
    if ((legal & (1u << i)) != 0) json_add_string(writer, NULL, command_names[i]);
  }
  json_end_array(writer);
}

void write_position(const struct api *api, const char *key, const struct position *position, struct json_writer *writer) {
  json_begin_object(writer, key);
  shape_to_json(SHAPE_POSITION, position, writer);
  json_begin_object(writer, "add_on");
  json_add_bool(writer, "used", position->add_on_used);
  json_add_decimal(writer, "qty", position->add_on_qty);
  if (position->add_on_price == DECIMAL_NULL) {
    json_add_null(writer, "price");
  } else {
    json_add_decimal(writer, "price", position->add_on_price);
  }
  json_end_object(writer);
  int64_t end = position->closed_at != 0 ? position->closed_at : engine_now(api->options.engine);
  json_add_int(writer, "hold_ms", position->opened_at != 0 ? end - position->opened_at : 0);
  write_trace(writer, position->symbol, position->trace_ts);
  json_end_object(writer);
}

void write_order(const struct api *api, const char *key, const struct order *order, struct json_writer *writer) {
  const struct engine *engine = api->options.engine;
  int32_t symbol = engine_find_symbol(engine, order->symbol);
  json_begin_object(writer, key);
  shape_to_json(SHAPE_ORDER, order, writer);
  json_add_string(writer, "venue_symbol", symbol >= 0 ? engine_market(engine, symbol)->instrument.venue_symbol : NULL);
  json_add_decimal(writer, "remaining_qty", order_remaining(order));
  write_trace(writer, order->symbol, order->trace_ts);
  json_end_object(writer);
}

void write_trade(const struct trade *trade, struct json_writer *writer) {
  json_begin_object(writer, NULL);
  shape_to_json(SHAPE_TRADE, trade, writer);
  write_trace(writer, trade->symbol, trade->trace_ts);
  json_end_object(writer);
}

static void write_reason(const struct reason *reason, struct json_writer *writer) {
  char memory[320];
  struct text text;
  text_init(&text, memory, sizeof memory);
  reason_text(reason, &text);
  json_begin_object(writer, NULL);
  shape_to_json(SHAPE_REASON, reason, writer);
  json_add_string(writer, "unit", reason_units[reason->code]);
  json_add_string(writer, "text", memory);
  json_end_object(writer);
}

void write_decision(const char *key, const struct decision *decision, struct json_writer *writer) {
  json_begin_object(writer, key);
  shape_to_json(SHAPE_DECISION, decision, writer);
  json_begin_array(writer, "reasons");
  for (int32_t i = 0; i < decision->reasons_count; i++) write_reason(&decision->reasons[i], writer);
  json_end_array(writer);
  write_trace(writer, decision->symbol, decision->trace_ts);
  json_end_object(writer);
}

void write_reply(const struct command_reply *reply, struct json_writer *writer) {
  shape_to_json(SHAPE_COMMAND_REPLY, reply, writer);
  json_add_bool(writer, "success", reply->status != COMMAND_FAILED);
}

void write_level(const struct level *level, double price, struct json_writer *writer) {
  static const char *const names[] = {"donchian", "swing", "volume"};
  json_begin_object(writer, NULL);
  shape_to_json(SHAPE_LEVEL, level, writer);
  json_begin_array(writer, "sources");
  for (int i = 0; i < 3; i++) {
    if ((level->sources & (1 << i)) != 0) json_add_string(writer, NULL, names[i]);
  }
  json_end_array(writer);
  json_add_double(writer, "distance_bps", price > 0 ? (level->price / price - 1.0) * 1e4 : NAN);
  json_end_object(writer);
}

void write_levels(const struct engine *engine, int32_t symbol, const char *key, struct json_writer *writer) {
  const struct level_set *set = engine_levels(engine, symbol);
  double price = market_price(engine_market(engine, symbol), engine_now(engine));
  json_begin_array(writer, key);
  for (int32_t i = 0; i < set->active_count; i++) write_level(&set->active[i], price, writer);
  json_end_array(writer);
}

void write_latch(const struct latch *latch, const char *key, struct json_writer *writer) {
  json_begin_object(writer, key);
  shape_to_json(SHAPE_LATCH, latch, writer);
  json_end_object(writer);
}

static void write_plain(enum shape_id shape, const void *object, struct json_writer *writer) {
  json_begin_object(writer, NULL);
  shape_to_json(shape, object, writer);
  json_end_object(writer);
}

void write_record(const struct api *api, enum record_kind kind, const void *object, struct json_writer *writer) {
  switch (kind) {
    case RECORD_POSITION:
      write_position(api, NULL, object, writer);
      return;
    case RECORD_ORDER:
      write_order(api, NULL, object, writer);
      return;
    case RECORD_TRADE:
      write_trade(object, writer);
      return;
    case RECORD_DECISION:
      write_decision(NULL, object, writer);
      return;
    case RECORD_FILL:
      write_plain(SHAPE_FILL, object, writer);
      return;
    case RECORD_STOP_MOVE:
      write_plain(SHAPE_STOP_MOVE, object, writer);
      return;
    default:
      write_plain(SHAPE_SESSION, object, writer);
      return;
  }
}

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

void call_finish(struct call *call) {
  buffer_add_text(&call->reply->body, "\n");
  call->reply->status = 200;
  call->reply->content_type = "application/json";
}

void call_end_list(struct call *call, int64_t total) {
  json_end_array(&call->writer);
  json_add_null(&call->writer, "next_cursor");
  json_add_int(&call->writer, "total", total);
  call_end(call, 200);
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

void write_trade(const char *key, const struct trade *trade, struct json_writer *writer) {
  json_begin_object(writer, key);
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

/* The session that was under way; 0 none that is known. One follows the other, so that the time tells. */
static int64_t session_at(const struct api *api, int64_t ts) {
  const struct keep *keep = &api->kept[RECORD_SESSION];
  for (int32_t i = 0; i < keep->count; i++) { /* newest first */
    const struct session_record *session = keep_get(keep, i);
    if (session->started_at > ts) continue;
    return session->ended_at == 0 || ts <= session->ended_at ? session->session_id : 0;
  }
  return 0;
}

void write_decision(const struct api *api, const char *run_id, const char *key, const struct decision *decision, struct json_writer *writer) {
  json_begin_object(writer, key);
  shape_to_json(SHAPE_DECISION, decision, writer);
  int64_t session_id = run_id == NULL ? session_at(api, decision->ts) : 0;
  if (session_id != 0) {
    write_id(writer, "session_id", 'S', 6, session_id);
  } else {
    json_add_null(writer, "session_id");
  }
  json_add_string(writer, "run_id", run_id);
  json_begin_array(writer, "reasons");
  for (int32_t i = 0; i < decision->reasons_count; i++) write_reason(&decision->reasons[i], writer);
  json_end_array(writer);
  write_trace(writer, decision->symbol, decision->trace_ts);
  json_end_object(writer);
}

static const char *const source_names[] = {"donchian", "swing", "volume"};

void write_sources(int32_t sources, struct json_writer *writer) {
  json_begin_array(writer, "sources");
  for (int i = 0; i < 3; i++) {
    if ((sources & (1 << i)) != 0) json_add_string(writer, NULL, source_names[i]);
  }
  json_end_array(writer);
}

/* What Level and LevelChange share. */
static void write_level_members(const struct level *level, double price, struct json_writer *writer) {
  shape_to_json(SHAPE_LEVEL, level, writer);
  write_sources(level->sources, writer);
  json_add_double(writer, "distance_bps", price > 0 ? (level->price / price - 1.0) * 1e4 : NAN);
}

void write_level(const struct level *level, double price, struct json_writer *writer) {
  json_begin_object(writer, NULL);
  write_level_members(level, price, writer);
  json_end_object(writer);
}

double price_now(const struct engine *engine, int32_t symbol) {
  return symbol >= 0 ? market_price(engine_market(engine, symbol), engine_now(engine)) : NAN;
}

void write_levels(const struct engine *engine, int32_t symbol, const char *key, struct json_writer *writer) {
  const struct level_set *set = engine_levels(engine, symbol);
  double price = price_now(engine, symbol);
  json_begin_array(writer, key);
  for (int32_t i = 0; i < set->active_count; i++) write_level(&set->active[i], price, writer);
  json_end_array(writer);
}

void write_level_change(const struct api *api, const char *key, const struct level_change *change, struct json_writer *writer) {
  const struct engine *engine = api->options.engine;
  const struct level *level = &change->level[0];
  json_begin_object(writer, key);
  if (change->level_count > 0) {
    write_level_members(level, price_now(engine, engine_find_symbol(engine, level->symbol)), writer);
    json_add_string(writer, "to", level_state_names[level->state]);
  }
  json_add_string(writer, "from", change->from_state[0] != '\0' ? change->from_state : NULL);
  json_add_int(writer, "ts", change->ts);
  json_add_string(writer, "reason", change->reason);
  json_end_object(writer);
}

/* ---- scans ---- */

/* Data health may fail several times under one code (several stale fields): the first stands for all, a key occurs once. */
static bool is_repeated(const struct scan_result *result, int32_t index) {
  for (int32_t i = 0; i < index; i++) {
    if (result->filters[i].code == result->filters[index].code) return true;
  }
  return false;
}

static void write_filters(const struct scan_result *result, struct json_writer *writer) {
  json_begin_object(writer, "filters");
  for (int32_t i = 0; i < result->filters_count; i++) {
    const struct reason *reason = &result->filters[i];
    if (is_repeated(result, i)) continue;
    json_begin_object(writer, reason_code_names[reason->code]);
    json_add_bool(writer, "passed", reason->passed);
    json_add_bool(writer, "skipped", reason->skipped);
    json_add_double(writer, "value", reason->value);
    json_add_double(writer, "threshold", reason->threshold);
    json_add_double(writer, "distance", reason->distance);
    json_add_string(writer, "unit", reason_units[reason->code]);
    json_add_string(writer, "code", reason_code_names[reason->code]);
    json_end_object(writer);
  }
  json_end_object(writer);
  json_begin_array(writer, "failed");
  for (int32_t i = 0; i < result->filters_count; i++) {
    const struct reason *reason = &result->filters[i];
    if (!reason->passed && !reason->skipped && !is_repeated(result, i)) json_add_string(writer, NULL, reason_code_names[reason->code]);
  }
  json_end_array(writer);
}

static void write_components(const struct scan_result *result, struct json_writer *writer) {
  json_begin_object(writer, "components");
  for (int32_t i = 0; i < result->components_count; i++) {
    const struct component_value *component = &result->components[i];
    json_begin_object(writer, score_component_names[component->component]);
    json_add_double(writer, "value", component->value);
    json_add_double(writer, "weight", component->weight);
    json_add_double(writer, "contribution", component->contribution);
    json_end_object(writer);
  }
  json_end_object(writer);
}

/* Raw values of the market (API 2.1); all null without a view. */
static void write_metrics(const struct market_view *view, struct json_writer *writer) {
  json_begin_object(writer, "metrics");
  json_add_double(writer, "vol_surge_1h", view->volume_surge_1h);
  json_add_double(writer, "vol_surge_5m", view->volume_surge_5m);
  json_add_double(writer, "oi_usd", view->oi_usd);
  json_add_double(writer, "oi_change_24h", view->oi_change_24h);
  json_add_double(writer, "atr_15m_pct", 100.0 * view->atr_ratio_15m);
  json_add_double(writer, "bb_width_percentile", view->bb_width_percentile);
  json_add_double(writer, "btc_correlation", view->btc_correlation);
  json_add_double(writer, "trades_per_minute", view->trades_per_minute);
  json_add_double(writer, "spread_bps", view->spread_bps);
  json_add_double(writer, "depth_usd_0_3pct", view->bid_usd_0_3pct + view->ask_usd_0_3pct);
  json_add_double(writer, "depth_usd_0_5pct", view->bid_usd_0_5pct + view->ask_usd_0_5pct);
  if (isnan(view->depth_is_lower_bound)) {
    json_add_null(writer, "depth_is_lower_bound");
  } else {
    json_add_bool(writer, "depth_is_lower_bound", view->depth_is_lower_bound != 0);
  }
  json_add_double(writer, "imbalance", view->imbalance);
  json_add_double(writer, "funding_rate", view->funding_rate);
  json_end_object(writer);
}

/* Metrics and levels as they are now, or none for a result of the past. */
void write_scan_result(const struct api *api, const struct scan_result *result, bool is_past, struct json_writer *writer) {
  const struct engine *engine = api->options.engine;
  int32_t symbol = engine_find_symbol(engine, result->symbol);
  struct market_view view;
  for (int i = 0; i < market_field_count; i++) view.field[i] = NAN;
  json_begin_object(writer, NULL);
  shape_to_json(SHAPE_SCAN_RESULT, result, writer);
  if (result->rank > 0) {
    json_add_int(writer, "rank", result->rank);
  } else {
    json_add_null(writer, "rank");
  }
  json_add_string(writer, "venue_symbol", symbol >= 0 ? engine_market(engine, symbol)->instrument.venue_symbol : result->symbol);
  json_add_int(writer, "level_count", result->levels);
  write_filters(result, writer);
  write_components(result, writer);
  if (symbol >= 0 && !is_past) market_view_read(engine_market(engine, symbol), engine_reference(engine), engine_now(engine), &view);
  write_metrics(&view, writer);
  if (symbol >= 0 && !is_past) {
    write_levels(engine, symbol, "levels", writer);
  } else {
    json_begin_array(writer, "levels");
    json_end_array(writer);
  }
  write_trace(writer, result->symbol, result->ts);
  json_end_object(writer);
}

/* Members of a ScanSnapshot but items. How long a scan takes is not known to the engine, which has no clock. */
void write_scan_head(const struct api *api, const struct scan_record *scan, struct json_writer *writer) {
  shape_to_json(SHAPE_SCAN, scan, writer);
  json_add_null(writer, "duration_ms");
  json_begin_object(writer, "failed_by_filter");
  for (int32_t i = 0; i < scan->failed_by_filter_count; i++) {
    json_add_int(writer, reason_code_names[scan->failed_by_filter[i].code], scan->failed_by_filter[i].count);
  }
  json_end_object(writer);
  write_skipped_filters(api->options.engine, writer);
}

/* With at most `limit` rows when it is the engine's last scan, else without. */
void write_scan(const struct api *api, const char *key, const struct scan_record *scan, int32_t limit, struct json_writer *writer) {
  const struct engine *engine = api->options.engine;
  bool is_last = engine_last_scan(engine)->scan_id == scan->scan_id;
  json_begin_object(writer, key);
  write_scan_head(api, scan, writer);
  json_begin_array(writer, "items");
  for (int32_t i = 0; is_last && i < engine_scan_result_count(engine) && i < limit; i++) {
    write_scan_result(api, engine_scan_result(engine, i), false, writer);
  }
  json_end_array(writer);
  json_end_object(writer);
}

/* ---- candidates, signals ---- */

/* The newest decision about a symbol: latest time, then latest stage. */
const struct decision *last_decision(const struct engine *engine, int32_t symbol) {
  const struct decision *last = NULL;
  for (int stage = 0; stage < stage_count; stage++) {
    const struct decision *decision = engine_decision(engine, symbol, (enum stage)stage);
    if (decision != NULL && (last == NULL || decision->ts >= last->ts)) last = decision;
  }
  return last;
}

void write_candidate(const struct api *api, const char *key, const struct candidate *candidate, struct json_writer *writer) {
  const struct engine *engine = api->options.engine;
  int32_t symbol = engine_find_symbol(engine, candidate->symbol);
  const struct decision *last = symbol >= 0 ? last_decision(engine, symbol) : NULL;
  json_begin_object(writer, key);
  shape_to_json(SHAPE_CANDIDATE, candidate, writer);
  json_add_int(writer, "since_at", candidate->created_at);
  if (symbol >= 0) {
    write_levels(engine, symbol, "levels", writer);
  } else {
    json_begin_array(writer, "levels");
    json_end_array(writer);
  }
  if (last != NULL) {
    write_decision(api, NULL, "last_decision", last, writer);
  } else {
    json_add_null(writer, "last_decision");
  }
  json_end_object(writer);
}

/* Is it the decision that made the signal: of the same symbol and instant? */
static bool made_signal(const struct decision *decision, const struct signal *signal) {
  return decision->stage == STAGE_SIGNAL && decision->ts == signal->created_at && decision->level_id == signal->level_id &&
         decision->strategy == signal->strategy && text_equal(decision->symbol, signal->symbol);
}

static const struct decision *find_decision_of(const struct api *api, const struct signal *signal) {
  const struct engine *engine = api->options.engine;
  int32_t symbol = engine_find_symbol(engine, signal->symbol);
  const struct decision *newest = symbol >= 0 ? engine_decision(engine, symbol, STAGE_SIGNAL) : NULL;
  if (newest != NULL && made_signal(newest, signal)) return newest;
  const struct keep *keep = &api->kept[RECORD_DECISION];
  for (int32_t i = 0; i < keep->count; i++) {
    const struct decision *decision = keep_get(keep, i);
    if (made_signal(decision, signal)) return decision;
  }
  return NULL;
}

/* The position that an entered signal became. */
static const struct position *find_position_of(const struct api *api, const struct signal *signal) {
  const struct engine *engine = api->options.engine;
  for (int32_t i = 0; i < engine_position_count(engine); i++) {
    const struct position *position = engine_position(engine, i);
    if (position->trace_ts == signal->trace_ts && position->level_id == signal->level_id && text_equal(position->symbol, signal->symbol))
      return position;
  }
  const struct keep *keep = &api->kept[RECORD_POSITION];
  for (int32_t i = 0; i < keep->count; i++) {
    const struct position *position = keep_get(keep, i);
    if (position->trace_ts == signal->trace_ts && position->level_id == signal->level_id && text_equal(position->symbol, signal->symbol))
      return position;
  }
  return NULL;
}

void write_signal(const struct api *api, const char *key, const struct signal *signal, struct json_writer *writer) {
  const struct decision *decision = find_decision_of(api, signal);
  const struct position *position = signal->outcome == SIGNAL_ENTERED ? find_position_of(api, signal) : NULL;
  json_begin_object(writer, key);
  shape_to_json(SHAPE_SIGNAL, signal, writer);
  json_begin_array(writer, "targets");
  for (int32_t i = 0; position != NULL && i < position->targets_count; i++) json_add_decimal(writer, NULL, position->targets[i].price);
  json_end_array(writer);
  json_begin_array(writer, "reasons");
  for (int32_t i = 0; decision != NULL && i < decision->reasons_count; i++) write_reason(&decision->reasons[i], writer);
  json_end_array(writer);
  write_trace(writer, signal->symbol, signal->trace_ts);
  json_end_object(writer);
}

/* ---- what moves ---- */

void write_wall(const char *key, const struct wall *wall, struct json_writer *writer) {
  json_begin_object(writer, key);
  shape_to_json(SHAPE_WALL, wall, writer);
  json_end_object(writer);
}

/* The symbol must have a tape. */
void write_activity(const struct api *api, const char *key, int32_t symbol, struct json_writer *writer) {
  const struct engine *engine = api->options.engine;
  const struct market *market = engine_market(engine, symbol);
  const struct activity *activity = engine_activity(engine, symbol);
  const struct preset *preset = engine_preset(engine);
  struct trade_flow_values flow;
  struct activity_values values;
  trade_flow_read(&market->flow, engine_now(engine), &flow);
  activity_read(activity, &values);
  json_begin_object(writer, key);
  json_add_string(writer, "symbol", market->instrument.symbol);
  json_add_int(writer, "ts", engine_now(engine));
  json_add_double(writer, "tpm_10s", flow.tpm_10s);
  json_add_double(writer, "tpm_60s", flow.tpm_60s);
  json_add_double(writer, "tpm_300s", flow.tpm_300s);
  json_add_double(writer, "tps_10s", flow.tps_10s);
  json_add_double(writer, "buy_sell_ratio_60s", flow.buy_sell_ratio_60s);
  json_add_double(writer, "volume_delta_10s", flow.volume_delta_10s);
  json_add_double(writer, "volume_delta_60s", flow.volume_delta_60s);
  json_add_double(writer, "volume_delta_300s", flow.volume_delta_300s);
  json_add_double(writer, "activity_index", values.index);
  json_begin_object(writer, "components");
  json_add_double(writer, "tpm", values.z_tpm);
  json_add_double(writer, "tps", values.z_tps);
  json_add_double(writer, "delta", values.z_delta);
  json_end_object(writer);
  json_add_double(writer, "drop_fraction", values.drop_fraction);
  json_add_bool(writer, "is_dropping", preset != NULL && activity_is_dropping(activity, preset->position_config.activity_drop_threshold));
  json_end_object(writer);
}

void write_candle(const char *key, const struct candle *candle, bool is_closed, struct json_writer *writer) {
  json_begin_object(writer, key);
  json_add_int(writer, "ts", candle->open_ts);
  json_add_double(writer, "open", candle->open);
  json_add_double(writer, "high", candle->high);
  json_add_double(writer, "low", candle->low);
  json_add_double(writer, "close", candle->close);
  json_add_double(writer, "volume", candle->volume);
  json_add_double(writer, "turnover", candle->turnover);
  json_add_bool(writer, "closed", is_closed);
  json_end_object(writer);
}

void write_equity(const char *key, const struct equity *equity, struct json_writer *writer) {
  json_begin_object(writer, key);
  json_add_int(writer, "ts", equity->ts);
  json_add_decimal(writer, "equity_usd", equity->equity_usd);
  json_add_decimal(writer, "cash_usd", equity->cash_usd);
  json_add_decimal(writer, "unrealised_usd", equity->unrealised_usd);
  json_add_double(writer, "drawdown", equity->drawdown);
  json_add_double(writer, "cumulative_r", equity->cumulative_r);
  json_end_object(writer);
}

/* ---- others ---- */

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

void write_record(const struct api *api, const char *run_id, enum record_kind kind, const void *object, struct json_writer *writer) {
  switch (kind) {
    case RECORD_POSITION:
      write_position(api, NULL, object, writer);
      return;
    case RECORD_ORDER:
      write_order(api, NULL, object, writer);
      return;
    case RECORD_TRADE:
      write_trade(NULL, object, writer);
      return;
    case RECORD_DECISION:
      write_decision(api, run_id, NULL, object, writer);
      return;
    case RECORD_FILL:
      write_fill(NULL, object, writer);
      return;
    case RECORD_FLOW:
      write_plain(SHAPE_FLOW, object, writer);
      return;
    case RECORD_STOP_MOVE:
      write_plain(SHAPE_STOP_MOVE, object, writer);
      return;
    case RECORD_SIGNAL:
      write_signal(api, NULL, object, writer);
      return;
    case RECORD_SCAN:
      write_scan(api, NULL, object, 0, writer);
      return;
    case RECORD_TRANSITION:
      write_plain(SHAPE_TRANSITION, object, writer);
      return;
    default:
      write_session(api, NULL, object, writer);
      return;
  }
}

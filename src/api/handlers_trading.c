/* Positions, orders, fills, trades, sessions. */
#include <stdlib.h>
#include <string.h>

#include "api/api_state.h"

/* ---- lookups ---- */

int64_t parse_id(const char *text, char letter) {
  int64_t number;
  if (text[0] != letter || text[1] < '0' || text[1] > '9' || !text_parse_i64(text + 1, &number)) return 0;
  return number;
}

const struct position *find_position(const struct api *api, const char *id) {
  int64_t number = parse_id(id, 'P');
  const struct engine *engine = api->options.engine;
  for (int32_t i = 0; i < engine_position_count(engine); i++) {
    const struct position *position = engine_position(engine, i);
    if (position->position_id == number) return position;
  }
  const struct keep *keep = &api->kept[RECORD_POSITION];
  for (int32_t i = 0; i < keep->count; i++) {
    const struct position *position = keep_get(keep, i);
    if (position->position_id == number) return position;
  }
  return NULL;
}

static const struct order *find_order_in_engine(const struct engine *engine, const char *id) {
  for (int32_t i = 0; i < engine_order_count(engine); i++) {
    const struct order *order = engine_order(engine, i);
    if (text_equal(order->client_order_id, id)) return order;
  }
  return NULL;
}

const struct order *find_order(const struct api *api, const char *id) {
  const struct order *live = find_order_in_engine(api->options.engine, id);
  if (live != NULL) return live;
  const struct keep *keep = &api->kept[RECORD_ORDER];
  for (int32_t i = 0; i < keep->count; i++) {
    const struct order *order = keep_get(keep, i);
    if (text_equal(order->client_order_id, id)) return order;
  }
  return NULL;
}

const struct command_reply *find_reply(const struct api *api, int64_t operation_id) {
  const struct keep *keep = &api->kept[RECORD_COMMAND_REPLY];
  for (int32_t i = 0; i < keep->count; i++) {
    const struct command_reply *reply = keep_get(keep, i);
    if (reply->operation_id == operation_id) return reply;
  }
  return NULL;
}

/* ---- lists ---- */

static void add_kept(const struct api *api, enum record_kind kind, struct listing *listing) {
  const struct keep *keep = &api->kept[kind];
  for (int32_t i = 0; i < keep->count; i++) listing_add(listing, keep_get(keep, i));
}

/* Which part of the things a state names: live ones, ended ones, or both. */
static void scope_of(const struct http_request *request, const char *ended_word, bool *live, bool *ended) {
  const char *state = http_argument(request, "state");
  *live = state == NULL || !(text_equal(state, "closed") || text_equal(state, ended_word));
  *ended = state != NULL && !text_equal(state, "open");
}

void handle_positions(struct call *call) {
  struct listing listing = {0};
  const struct engine *engine = call->api->options.engine;
  bool live;
  bool ended;
  scope_of(call->request, "closed", &live, &ended);
  for (int32_t i = engine_position_count(engine) - 1; live && i >= 0; i--) listing_add(&listing, engine_position(engine, i));
  if (ended) add_kept(call->api, RECORD_POSITION, &listing);
  listing_answer(call, &listing, RECORD_POSITION, "position_id", "opened_at");
}

static int compare_orders(const void *a, const void *b) {
  const struct order *left = *(const struct order *const *)a;
  const struct order *right = *(const struct order *const *)b;
  if (left->created_at != right->created_at) return left->created_at < right->created_at ? 1 : -1;
  return -strcmp(left->client_order_id, right->client_order_id);
}

void handle_orders(struct call *call) {
  struct listing listing = {0};
  const struct engine *engine = call->api->options.engine;
  bool live;
  bool ended;
  scope_of(call->request, "closed", &live, &ended);
  for (int32_t i = 0; live && i < engine_order_count(engine); i++) {
    if (!order_is_ended(engine_order(engine, i))) listing_add(&listing, engine_order(engine, i));
  }
  if (ended) add_kept(call->api, RECORD_ORDER, &listing);
  if (listing.count > 0) qsort(listing.items, (size_t)listing.count, sizeof listing.items[0], compare_orders);
  listing_answer(call, &listing, RECORD_ORDER, "client_order_id", "created_at");
}

void handle_fills(struct call *call) {
  struct listing listing = {0};
  add_kept(call->api, RECORD_FILL, &listing);
  listing_answer(call, &listing, RECORD_FILL, "fill_id", "ts");
}

void handle_trades(struct call *call) {
  struct listing listing = {0};
  add_kept(call->api, RECORD_TRADE, &listing);
  listing_answer(call, &listing, RECORD_TRADE, "trade_id", "closed_at");
}

void handle_sessions(struct call *call) {
  struct listing listing = {0};
  add_kept(call->api, RECORD_SESSION, &listing);
  listing_answer(call, &listing, RECORD_SESSION, "session_id", "started_at");
}

/* ---- one of them ---- */

static void write_kept_of_position(const struct api *api, enum record_kind kind, const char *key, int64_t id, struct json_writer *writer) {
  const struct field *field = schema_field(record_schemas[kind], "position_id");
  const struct keep *keep = &api->kept[kind];
  json_begin_array(writer, key);
  for (int32_t i = keep->count - 1; i >= 0; i--) {
    int64_t of;
    memcpy(&of, (const char *)keep_get(keep, i) + field->offset, sizeof of);
    if (of == id) write_record(api, kind, keep_get(keep, i), writer);
  }
  if (kind == RECORD_ORDER) {
    for (int32_t i = 0; i < engine_order_count(api->options.engine); i++) {
      const struct order *order = engine_order(api->options.engine, i);
      if (order->position_id == id && !order_is_ended(order)) write_order(api, NULL, order, writer);
    }
  }
  json_end_array(writer);
}

void handle_position(struct call *call) {
  const struct api *api = call->api;
  const struct position *position = find_position(api, call->parameter);
  if (position == NULL) {
    call_fail(call, 404, "not_found", "there is no position %s", call->parameter);
    return;
  }
  struct json_writer *writer = &call->writer;
  call_begin(call);
  write_position(api, "position", position, writer);
  write_kept_of_position(api, RECORD_ORDER, "orders", position->position_id, writer);
  write_kept_of_position(api, RECORD_FILL, "fills", position->position_id, writer);
  json_begin_array(writer, "decisions");
  const struct keep *keep = &api->kept[RECORD_DECISION];
  for (int32_t i = keep->count - 1; i >= 0; i--) {
    const struct decision *decision = keep_get(keep, i);
    if (decision->trace_ts == position->trace_ts && text_equal(decision->symbol, position->symbol)) write_decision(NULL, decision, writer);
  }
  json_end_array(writer);
  write_kept_of_position(api, RECORD_STOP_MOVE, "stop_history", position->position_id, writer);
  call_end(call, 200);
}

void handle_order(struct call *call) {
  const struct api *api = call->api;
  const struct order *order = find_order(api, call->parameter);
  if (order == NULL) {
    call_fail(call, 404, "not_found", "there is no order %s", call->parameter);
    return;
  }
  call_begin(call);
  write_order(api, "order", order, &call->writer);
  json_begin_array(&call->writer, "fills");
  const struct keep *keep = &api->kept[RECORD_FILL];
  for (int32_t i = keep->count - 1; i >= 0; i--) {
    const struct fill *fill = keep_get(keep, i);
    if (text_equal(fill->client_order_id, order->client_order_id)) write_record(api, RECORD_FILL, fill, &call->writer);
  }
  json_end_array(&call->writer);
  call_end(call, 200);
}

/* ---- changing ---- */

static const struct json *number_of(const struct json *body, const char *name) {
  const struct json *value = json_member(body, name);
  return value != NULL && (json_kind(value) == JSON_INT || json_kind(value) == JSON_REAL) ? value : NULL;
}

void write_close(const struct api *api, const struct pending *pending, const struct command_reply *reply, struct json_writer *writer, bool *is_done) {
  const struct engine *engine = api->options.engine;
  char id[16];
  struct text text;
  text_init(&text, id, sizeof id);
  text_add_id(&text, 'P', 8, pending->position_id);
  const struct position *position = find_position(api, id);
  json_begin_object(writer, "operation");
  write_reply(reply, writer);
  json_end_object(writer);
  json_add_string(writer, "position_id", id);
  json_add_decimal(writer, "closed_qty", pending->qty_before - (position != NULL ? position->qty : 0));
  const char *newest = NULL;
  for (int32_t i = 0; i < engine_order_count(engine); i++) {
    const struct order *order = engine_order(engine, i);
    bool closes = order->purpose == PURPOSE_EXIT || order->purpose == PURPOSE_MANUAL || order->purpose == PURPOSE_FLATTEN;
    if (!closes || order->position_id != pending->position_id) continue;
    newest = order->client_order_id;
    *is_done = *is_done && order_is_ended(order);
  }
  json_add_string(writer, "order", newest);
}

void handle_close_position(struct call *call) {
  const struct position *position = find_position(call->api, call->parameter);
  if (position == NULL) {
    call_fail(call, 404, "not_found", "there is no position %s", call->parameter);
    return;
  }
  const struct json *fraction = number_of(call->body, "fraction");
  const struct json *urgency = json_member(call->body, "urgency");
  const struct json *wait = number_of(call->body, "wait_ms");
  const struct json *reason = json_member(call->body, "reason");
  const char *how = urgency != NULL && json_kind(urgency) == JSON_STRING ? json_string(urgency) : "normal";
  double share = fraction != NULL ? json_number(fraction) : 1.0;
  if (!(share > 0 && share <= 1) || !(text_equal(how, "normal") || text_equal(how, "immediate"))) {
    call_fail(call, 422, "validation_failed", "fraction lies in (0, 1]; urgency is normal or immediate");
    return;
  }
  if (position->state == POSITION_CLOSED) {
    call_fail(call, 409, "not_open", "position %s is closed", call->parameter);
    return;
  }
  int64_t wait_ms = wait != NULL ? (int64_t)json_number(wait) : API_WAIT_MS;
  if (wait_ms < 0 || wait_ms > API_WAIT_MS_MAX) {
    call_fail(call, 422, "validation_failed", "wait_ms must lie from 0 to %d", API_WAIT_MS_MAX);
    return;
  }
  struct event_command command = {
      .command = COMMAND_CLOSE_POSITION, .position_id = position->position_id, .fraction = share, .is_immediate = text_equal(how, "immediate")};
  bool has_reason = reason != NULL && json_kind(reason) == JSON_STRING;
  text_copy(command.reason, sizeof command.reason, has_reason ? json_string(reason) : "");
  struct pending pending = {.form = PENDING_CLOSE, .position_id = position->position_id, .qty_before = position->qty};
  command_run(call, &command, &pending, wait_ms);
}

void handle_cancel_order(struct call *call) {
  const struct order *order = find_order(call->api, call->parameter);
  if (order == NULL) {
    call_fail(call, 404, "not_found", "there is no order %s", call->parameter);
    return;
  }
  if (order_is_ended(order)) {
    call_fail(call, 409, "not_cancellable", "order %s is %s", call->parameter, order_state_names[order->state]);
    return;
  }
  struct event_command command = {.command = COMMAND_CANCEL_ORDER};
  struct pending pending = {.form = PENDING_CANCEL};
  text_copy(command.client_order_id, sizeof command.client_order_id, order->client_order_id);
  text_copy(pending.order_id, sizeof pending.order_id, order->client_order_id);
  command_run(call, &command, &pending, API_WAIT_MS);
}

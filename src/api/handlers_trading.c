/* Positions, orders, fills, trades, sessions. */
#include <stdlib.h>
#include <string.h>

#include "api/api_state.h"
#include "base/check.h"
#include "base/log.h"

enum { FIELD_TEXT_BYTES = 512 };

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

/* ---- one of them, with what belongs to it ---- */

/* Objects of one kind that belong together: rows of the database, then what memory knows newer. */
struct gathering {
  const struct schema *schema;
  const struct field *key; /* NULL: none, then what is the same byte by byte is one */
  unsigned char *items;    /* owned */
  int32_t count, capacity;
};

static bool is_same(const struct gathering *gathering, const void *a, const void *b) {
  char left[FIELD_TEXT_BYTES];
  char right[FIELD_TEXT_BYTES];
  for (int i = 0; i < gathering->schema->field_count; i++) {
    const struct field *field = &gathering->schema->fields[i];
    if (gathering->key != NULL && field != gathering->key) continue;
    struct text text;
    text_init(&text, left, sizeof left);
    schema_field_text(field, a, &text);
    text_init(&text, right, sizeof right);
    schema_field_text(field, b, &text);
    if (!text_equal(left, right)) return false;
  }
  return true;
}

static void gather(struct gathering *gathering, const void *object) {
  size_t size = gathering->schema->size;
  for (int32_t i = 0; i < gathering->count; i++) {
    if (!is_same(gathering, gathering->items + (size_t)i * size, object)) continue;
    memcpy(gathering->items + (size_t)i * size, object, size);
    return;
  }
  if (gathering->count == gathering->capacity) {
    gathering->capacity = gathering->capacity > 0 ? 2 * gathering->capacity : 16;
    gathering->items = realloc(gathering->items, (size_t)gathering->capacity * size);
    check(gathering->items != NULL);
  }
  memcpy(gathering->items + (size_t)gathering->count++ * size, object, size);
}

static bool on_object(void *context, const void *object) {
  gather(context, object);
  return true;
}

enum { RELATED_MAX = 500 };

/* Rows whose column has the value. What cannot be read now is missing: memory has what is new. */
static void gather_rows(const struct api *api, const char *table, const char *column, const char *value, struct gathering *gathering) {
  const struct row_port *rows = api->options.rows;
  struct problem problem;
  if (rows == NULL) return;
  problem_clear(&problem);
  struct rows_query query = {.table = table, .is_ascending = true, .limit = RELATED_MAX};
  rows_query_add(&query, column, ROWS_EQUAL, value);
  if (rows->select_objects(rows->self, &query, on_object, gathering, &problem))
    log_write(LOG_WARNING, "api", "rows", NULL, "%s: %s", table, problem.count > 0 ? problem.items[0].message : "cannot be read now");
}

static bool has_value(const struct field *field, const void *object, const char *value) {
  char text_of[FIELD_TEXT_BYTES];
  struct text text;
  text_init(&text, text_of, sizeof text_of);
  schema_field_text(field, object, &text);
  return text_equal(text_of, value);
}

static void gather_memory(const struct api *api, enum record_kind kind, const char *column, const char *value, struct gathering *gathering) {
  const struct field *field = schema_field(record_schemas[kind], column);
  const struct keep *keep = &api->kept[kind];
  const struct engine *engine = api->options.engine;
  for (int32_t i = keep->count - 1; i >= 0; i--) {
    if (has_value(field, keep_get(keep, i), value)) gather(gathering, keep_get(keep, i));
  }
  for (int32_t i = 0; kind == RECORD_ORDER && i < engine_order_count(engine); i++) {
    if (has_value(field, engine_order(engine, i), value)) gather(gathering, engine_order(engine, i));
  }
}

static struct gathering gather_related(const struct api *api, enum record_kind kind, const char *table, const char *key, const char *column,
                                       const char *value) {
  struct gathering gathering = {.schema = record_schemas[kind], .key = key != NULL ? schema_field(record_schemas[kind], key) : NULL};
  gather_rows(api, table, column, value, &gathering);
  gather_memory(api, kind, column, value, &gathering);
  return gathering;
}

static void write_related(const struct api *api, enum record_kind kind, const char *name, const char *table, const char *key, const char *column,
                          const char *value, struct json_writer *writer) {
  struct gathering gathering = gather_related(api, kind, table, key, column, value);
  json_begin_array(writer, name);
  for (int32_t i = 0; i < gathering.count; i++) write_record(api, NULL, kind, gathering.items + (size_t)i * gathering.schema->size, writer);
  json_end_array(writer);
  free(gathering.items);
}

/* Decisions of a trace: the trace is no field of the record. */
static void write_decisions(const struct api *api, const char *symbol, int64_t trace_ts, struct json_writer *writer) {
  struct gathering gathering = {.schema = record_schemas[RECORD_DECISION], .key = schema_field(record_schemas[RECORD_DECISION], "decision_id")};
  const struct keep *keep = &api->kept[RECORD_DECISION];
  char trace[64];
  struct text text;
  text_init(&text, trace, sizeof trace);
  text_add(&text, symbol);
  text_add_char(&text, ':');
  text_add_i64(&text, trace_ts);
  gather_rows(api, "decisions", "trace_id", trace, &gathering);
  for (int32_t i = keep->count - 1; i >= 0; i--) {
    const struct decision *decision = keep_get(keep, i);
    if (decision->trace_ts == trace_ts && text_equal(decision->symbol, symbol)) gather(&gathering, decision);
  }
  json_begin_array(writer, "decisions");
  for (int32_t i = 0; i < gathering.count; i++) write_decision(api, NULL, NULL, (const struct decision *)(const void *)gathering.items + i, writer);
  json_end_array(writer);
  free(gathering.items);
}

static void write_stop_history(const struct api *api, const char *position_id, struct json_writer *writer) {
  struct gathering gathering = gather_related(api, RECORD_STOP_MOVE, "stop_history", NULL, "position_id", position_id);
  json_begin_array(writer, "stop_history");
  for (int32_t i = 0; i < gathering.count; i++) {
    const struct stop_move *move = (const struct stop_move *)(const void *)gathering.items + i;
    json_begin_object(writer, NULL);
    json_add_int(writer, "ts", move->ts);
    json_add_decimal(writer, "old", move->old_stop);
    json_add_decimal(writer, "new", move->new_stop);
    json_add_string(writer, "rule", stop_rule_names[move->rule]);
    json_end_object(writer);
  }
  json_end_array(writer);
  free(gathering.items);
}

/* An object by its id from memory or the database; false after a 404. */
static bool read_object(struct call *call, enum record_kind kind, const char *table, const char *key, const char *what, void *out) {
  struct gathering gathering = {.schema = record_schemas[kind], .key = schema_field(record_schemas[kind], key)};
  gather_memory(call->api, kind, key, call->parameter, &gathering);
  if (gathering.count == 0) gather_rows(call->api, table, key, call->parameter, &gathering);
  bool is_found = gathering.count > 0;
  if (is_found) memcpy(out, gathering.items, gathering.schema->size);
  free(gathering.items);
  if (!is_found) call_fail(call, 404, "not_found", "there is no %s %s", what, call->parameter);
  return is_found;
}

void handle_position(struct call *call) {
  const struct api *api = call->api;
  const struct position *live = find_position(api, call->parameter);
  struct position position;
  if (live != NULL) {
    position = *live;
  } else if (!read_object(call, RECORD_POSITION, "positions", "position_id", "position", &position)) {
    return;
  }
  struct json_writer *writer = &call->writer;
  call_begin(call);
  write_position(api, "position", &position, writer);
  write_related(api, RECORD_ORDER, "orders", "orders", "client_order_id", "position_id", call->parameter, writer);
  write_related(api, RECORD_FILL, "fills", "fills", "fill_id", "position_id", call->parameter, writer);
  write_decisions(api, position.symbol, position.trace_ts, writer);
  write_stop_history(api, call->parameter, writer);
  call_end(call, 200);
}

/* Moves of an order's life cycle as the database has them: a batch may still be on its way there. */
static bool on_transition(void *context, const void *object) {
  const struct transition *transition = object;
  struct json_writer *writer = context;
  json_begin_object(writer, NULL);
  json_add_int(writer, "ts", transition->ts);
  json_add_string(writer, "from", transition->from_state[0] != '\0' ? transition->from_state : NULL);
  json_add_string(writer, "to", transition->to_state);
  json_add_string(writer, "trigger", transition->trigger);
  json_end_object(writer);
  return true;
}

static void write_history(const struct api *api, const char *client_order_id, struct json_writer *writer) {
  const struct row_port *rows = api->options.rows;
  struct problem problem;
  problem_clear(&problem);
  if (rows == NULL) {
    json_add_null(writer, "history");
    return;
  }
  struct rows_query query = {.table = "state_transitions", .order = "seq", .is_ascending = true, .limit = RELATED_MAX};
  rows_query_add(&query, "id", ROWS_EQUAL, client_order_id);
  rows_query_add(&query, "machine", ROWS_EQUAL, "order");
  json_begin_array(writer, "history");
  if (rows->select_objects(rows->self, &query, on_transition, writer, &problem))
    log_write(LOG_WARNING, "api", "rows", NULL, "history: %s", problem.count > 0 ? problem.items[0].message : "cannot be read now");
  json_end_array(writer);
}

void handle_order(struct call *call) {
  const struct api *api = call->api;
  const struct order *live = find_order(api, call->parameter);
  struct order order;
  if (live != NULL) {
    order = *live;
  } else if (!read_object(call, RECORD_ORDER, "orders", "client_order_id", "order", &order)) {
    return;
  }
  call_begin(call);
  write_order(api, "order", &order, &call->writer);
  write_related(api, RECORD_FILL, "fills", "fills", "fill_id", "client_order_id", order.client_order_id, &call->writer);
  write_history(api, order.client_order_id, &call->writer);
  call_end(call, 200);
}

/* What a chart needs to tell the trade: a tenth of its time, at least an hour, before and after it. */
static void write_chart(const struct trade *trade, struct json_writer *writer) {
  int64_t margin = trade->hold_ms / 10 > INT64_C(3600000) ? trade->hold_ms / 10 : INT64_C(3600000);
  json_begin_object(writer, "chart");
  json_add_int(writer, "from", trade->opened_at - margin);
  json_add_int(writer, "to", trade->closed_at + margin);
  json_end_object(writer);
}

void handle_trade(struct call *call) {
  const struct api *api = call->api;
  struct trade trade;
  char position_id[24];
  struct text text;
  if (!read_object(call, RECORD_TRADE, "trades", "trade_id", "trade", &trade)) return;
  text_init(&text, position_id, sizeof position_id);
  text_add_id(&text, 'P', 8, trade.position_id);
  struct json_writer *writer = &call->writer;
  call_begin(call);
  write_trade("trade", &trade, writer);
  write_related(api, RECORD_ORDER, "orders", "orders", "client_order_id", "position_id", position_id, writer);
  write_related(api, RECORD_FILL, "fills", "fills", "fill_id", "position_id", position_id, writer);
  write_decisions(api, trade.symbol, trade.trace_ts, writer);
  write_chart(&trade, writer);
  call_end(call, 200);
}

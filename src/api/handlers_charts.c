/* What a chart shows: candles, levels now or at a time, markers. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "api/api_state.h"
#include "base/calendar.h"
#include "base/check.h"
#include "base/decimal.h"

enum { CANDLES_MAX = 1500, CANDLES_DEFAULT = 500, LEVELS_MAX = 200, MARKERS_MAX = 2000, MARKER_ROWS_MAX = 500 };

/* A time for a filter of the database. */
struct time_text {
  char text[32];
};

static const char *print_time(int64_t time, struct time_text *out) {
  struct text text;
  text_init(&text, out->text, sizeof out->text);
  text_add_time(&text, time > 0 ? time : 0);
  return out->text;
}

/* ---- candles ---- */

/* The candles of a range, ascending; more than `limit`: the newest. */
struct candles {
  struct candle items[CANDLES_MAX];
  int32_t count;
  int64_t from, to, limit;
  bool is_last_open;
};

static bool is_in_range(const struct candles *candles, int64_t open_ts) {
  return open_ts >= candles->from && open_ts < candles->to;
}

/* The part of a candle that its closed 1m candles already tell; false when none has closed since. */
static bool read_open_candle(const struct market *market, enum timeframe timeframe, struct candle *out) {
  const struct candle_series *base = &market->series[TIMEFRAME_1M];
  const struct candle *newest = candle_series_newest(base);
  if (timeframe == TIMEFRAME_1M || newest == NULL) return false;
  int64_t length = timeframe_ms(timeframe);
  int64_t start = newest->open_ts - newest->open_ts % length;
  if (candle_series_find(&market->series[timeframe], start) >= 0 || newest->open_ts + market->base_ms == start + length) return false;
  int32_t parts = (int32_t)((newest->open_ts - start) / market->base_ms) + 1;
  if (parts > base->count) return false;
  const struct candle *part = candle_series_last(base, parts);
  if (part[0].open_ts != start) return false;
  *out = part[0];
  for (int32_t i = 1; i < parts; i++) {
    out->high = fmax(out->high, part[i].high);
    out->low = fmin(out->low, part[i].low);
    out->close = part[i].close;
    out->volume += part[i].volume;
    out->turnover += part[i].turnover;
  }
  return true;
}

static void take_series(const struct market *market, enum timeframe timeframe, struct candles *candles) {
  const struct candle_series *series = &market->series[timeframe];
  /* The series of the base interval holds 1m candles only when that is the base. */
  bool is_kept = timeframe != TIMEFRAME_1M || market->base_ms == timeframe_ms(TIMEFRAME_1M);
  const struct candle *all = is_kept && series->count > 0 ? candle_series_last(series, series->count) : NULL;
  int32_t end = all != NULL ? series->count : 0;
  while (end > 0 && all[end - 1].open_ts >= candles->to) --end;
  int32_t start = end;
  while (start > 0 && end - start < candles->limit && all[start - 1].open_ts >= candles->from) --start;
  if (end > start) memcpy(candles->items, &all[start], (size_t)(end - start) * sizeof candles->items[0]);
  candles->count = end - start;
  struct candle open;
  if (!read_open_candle(market, timeframe, &open) || !is_in_range(candles, open.open_ts)) return;
  if (candles->count == candles->limit) {
    memmove(&candles->items[0], &candles->items[1], (size_t)(candles->count - 1) * sizeof candles->items[0]);
    --candles->count;
  }
  candles->items[candles->count++] = open;
  candles->is_last_open = true;
}

static double number_of(const struct row_value *values, int count, const char *column) {
  const struct row_value *value = row_value_of(values, count, column);
  double number = NAN;
  if (value == NULL || value->kind != ROW_VALUE_TEXT || !text_parse_double(value->text, &number)) return NAN;
  return number;
}

/* Rows come newest first: each goes before what is there. */
static bool take_candle(void *context, const struct row_value *values, int count) {
  struct candles *candles = context;
  const struct row_value *ts = row_value_of(values, count, "open_ts");
  struct candle candle = {.open_ts = ts != NULL ? ts->integer : 0,
                          .open = number_of(values, count, "open"),
                          .high = number_of(values, count, "high"),
                          .low = number_of(values, count, "low"),
                          .close = number_of(values, count, "close"),
                          .volume = number_of(values, count, "volume"),
                          .turnover = number_of(values, count, "turnover")};
  if (!candle_is_valid(&candle)) return true;
  memmove(&candles->items[1], &candles->items[0], (size_t)candles->count * sizeof candles->items[0]);
  candles->items[0] = candle;
  ++candles->count;
  return candles->count < candles->limit;
}

/* Older ones that were stored. What cannot be read is left out: the chart shows what there is. */
static void take_stored(const struct api *api, const struct market *market, enum timeframe timeframe, struct candles *candles) {
  const struct row_port *rows = api->options.rows;
  int64_t before = candles->count > 0 ? candles->items[0].open_ts : candles->to;
  struct time_text from;
  struct time_text to;
  struct problem problem;
  problem_clear(&problem);
  if (rows == NULL || candles->count >= candles->limit || before <= candles->from) return;
  struct rows_query query = {.table = "candles", .order = "open_ts", .limit = candles->limit - candles->count};
  rows_query_add(&query, "symbol", ROWS_EQUAL, market->instrument.symbol);
  rows_query_add(&query, "timeframe", ROWS_EQUAL, timeframe_names[timeframe]);
  if (candles->from > 0) rows_query_add(&query, "open_ts", ROWS_AT_LEAST, print_time(candles->from, &from));
  if (before != INT64_MAX) rows_query_add(&query, "open_ts", ROWS_BELOW, print_time(before, &to));
  if (rows->select(rows->self, &query, take_candle, candles, &problem) != STATUS_OK) return;
}

static void answer_candles(struct call *call, const char *spelling) {
  const struct engine *engine = call->api->options.engine;
  int64_t limit = CANDLES_DEFAULT;
  int64_t from;
  int64_t to;
  int timeframe = call_word(call, "timeframe", timeframe_names, timeframe_count, TIMEFRAME_5M);
  if (timeframe < 0 || !call_number(call, "limit", 1, CANDLES_MAX, &limit) || !call_range(call, &from, &to)) return;
  int32_t symbol = call_symbol(call, spelling);
  if (symbol < 0) return;
  const struct market *market = engine_market(engine, symbol);
  struct candles *candles = calloc(1, sizeof *candles);
  check(candles != NULL);
  *candles = (struct candles){.from = from, .to = to, .limit = limit};
  take_series(market, (enum timeframe)timeframe, candles);
  take_stored(call->api, market, (enum timeframe)timeframe, candles);
  call_begin(call);
  json_add_string(&call->writer, "symbol", market->instrument.symbol);
  json_add_string(&call->writer, "timeframe", timeframe_names[timeframe]);
  json_begin_array(&call->writer, "items");
  for (int32_t i = 0; i < candles->count; i++) {
    write_candle(NULL, &candles->items[i], !candles->is_last_open || i + 1 < candles->count, &call->writer);
  }
  json_end_array(&call->writer);
  call_end(call, 200);
  free(candles);
}

void handle_candles(struct call *call) {
  answer_candles(call, call->parameter);
}

void handle_candles_of(struct call *call) {
  answer_candles(call, http_argument(call->request, "symbol"));
}

/* ---- levels ---- */

struct past_levels {
  struct level items[LEVELS_MAX];
  int32_t count;
};

static bool take_level(void *context, const void *object) {
  struct past_levels *past = context;
  memcpy(&past->items[past->count++], object, sizeof past->items[0]);
  return past->count < LEVELS_MAX;
}

static bool take_state(void *context, const void *object) {
  struct level *level = context;
  const struct level_change *change = object;
  if (change->level_count > 0) {
    level->state = change->level[0].state;
    level->price = change->level[0].price;
  }
  return false;
}

/* What lay after the time is taken back; state and price are those of the level's newest event until then. */
static enum status wind_back(const struct row_port *rows, int64_t at, struct level *level, struct problem *problem) {
  struct time_text until;
  char id[16];
  struct text text;
  struct rows_query query = {.table = "level_events", .order = "ts", .limit = 1};
  text_init(&text, id, sizeof id);
  text_add_id(&text, 'L', 8, level->level_id);
  rows_query_add(&query, "level_id", ROWS_EQUAL, id);
  rows_query_add(&query, "ts", ROWS_AT_MOST, print_time(at, &until));
  if (level->broken_at > at) {
    level->broken_at = 0;
    level->broken_side = -1;
  }
  if (level->failed_at > at) level->failed_at = 0;
  if (level->expired_at > at) level->expired_at = 0;
  return rows->select_objects(rows->self, &query, take_state, level, problem);
}

/* Levels that were formed until then, from the database, as their events tell. */
static enum status read_past(const struct row_port *rows, const char *symbol, int64_t at, struct past_levels *past, struct problem *problem) {
  struct time_text until;
  struct rows_query query = {.table = "levels", .order = "formed_at"};
  rows_query_add(&query, "symbol", ROWS_EQUAL, symbol);
  rows_query_add(&query, "formed_at", ROWS_AT_MOST, print_time(at, &until));
  enum status status = rows->select_objects(rows->self, &query, take_level, past, problem);
  for (int32_t i = 0; i < past->count && status == STATUS_OK; i++) status = wind_back(rows, at, &past->items[i], problem);
  return status;
}

/* Bits of the states asked for; all without the argument, 0 after a 400. */
static uint32_t read_states(struct call *call) {
  const char *text = http_argument(call->request, "states");
  uint32_t bits = 0;
  if (text == NULL) return UINT32_MAX;
  while (*text != '\0') {
    char word[24];
    size_t length = strcspn(text, ",");
    text_copy(word, length + 1 < sizeof word ? length + 1 : sizeof word, text);
    int found = -1;
    for (int i = 0; i < level_state_count; i++) found = text_equal(word, level_state_names[i]) ? i : found;
    if (found < 0) {
      call_fail(call, 400, "bad_parameter", "states has no value '%s': formed, tested, broken, retested, failed, expired, separated by commas", word);
      return 0;
    }
    bits |= 1u << found;
    text += length + (text[length] == ',' ? 1 : 0);
  }
  if (bits == 0) call_fail(call, 400, "bad_parameter", "states is empty");
  return bits;
}

static int64_t write_chosen(const struct level *levels, int32_t count, uint32_t states, double price, struct json_writer *writer) {
  int64_t total = 0;
  for (int32_t i = 0; i < count; i++) {
    if ((states & 1u << levels[i].state) == 0) continue;
    write_level(&levels[i], price, writer);
    ++total;
  }
  return total;
}

/* Levels of now, or, with past, of then: without a distance, because the price of then is not kept. */
static void answer_levels(struct call *call, int32_t symbol, uint32_t states, const struct past_levels *past) {
  const struct engine *engine = call->api->options.engine;
  const struct level_set *set = engine_levels(engine, symbol);
  int64_t total;
  call_begin(call);
  json_begin_array(&call->writer, "items");
  if (past != NULL) {
    total = write_chosen(past->items, past->count, states, NAN, &call->writer);
  } else {
    total = write_chosen(set->active, set->active_count, states, price_now(engine, symbol), &call->writer);
    total += write_chosen(set->ended, set->ended_count, states, price_now(engine, symbol), &call->writer);
  }
  call_end_list(call, total);
}

void handle_chart_levels(struct call *call) {
  const struct engine *engine = call->api->options.engine;
  const struct row_port *rows = call->api->options.rows;
  int64_t at;
  uint32_t states = read_states(call);
  if (states == 0 || !call_time(call, "at", INT64_MAX, &at)) return;
  int32_t symbol = call_symbol(call, call->parameter);
  if (symbol < 0) return;
  if (at >= engine_now(engine)) {
    answer_levels(call, symbol, states, NULL);
    return;
  }
  struct problem problem;
  problem_clear(&problem);
  struct past_levels *past = calloc(1, sizeof *past);
  check(past != NULL);
  if (rows == NULL) {
    call_fail(call, 503, "not_ready", "levels of the past are read from the database, and there is none");
  } else if (read_past(rows, engine_market(engine, symbol)->instrument.symbol, at, past, &problem) != STATUS_OK) {
    call_fail_problem(call, 503, "not_ready", &problem);
  } else {
    answer_levels(call, symbol, states, past);
  }
  free(past);
}

/* ---- markers ---- */

enum marker_kind { MARKER_SIGNAL, MARKER_ENTRY, MARKER_FILL, MARKER_STOP_MOVED, MARKER_TARGET, MARKER_EXIT, MARKER_BREAKOUT, MARKER_RETEST };
static const char *const marker_names[] = {"signal", "entry", "fill", "stop_moved", "target", "exit", "breakout", "retest"};

struct marker {
  int64_t ts;
  enum marker_kind kind;
  double price; /* NaN unknown */
  const char *side;
  char id[ORDER_ID_MAX];
  char text[96];
};

struct markers {
  const struct api *api;
  const char *symbol;
  int64_t from, to;
  struct marker *items; /* owned */
  int32_t count, capacity;
  int64_t level_ids[LEVELS_MAX * 4]; /* of the symbol */
  int32_t level_count;
};

static struct text begin_text(struct marker *marker) {
  struct text text;
  text_init(&text, marker->text, sizeof marker->text);
  return text;
}

static void print_id(struct marker *marker, char prefix, int64_t id) {
  struct text text;
  text_init(&text, marker->id, sizeof marker->id);
  text_add_id(&text, prefix, 8, id);
}

static void add_marker(struct markers *markers, const struct marker *marker) {
  if (marker->ts == 0 || marker->ts < markers->from || marker->ts >= markers->to) return;
  for (int32_t i = 0; i < markers->count; i++) {
    const struct marker *at = &markers->items[i];
    if (at->ts == marker->ts && at->kind == marker->kind && text_equal(at->id, marker->id)) return; /* in memory and in the database */
  }
  if (markers->count == markers->capacity) {
    markers->capacity = markers->capacity > 0 ? 2 * markers->capacity : 64;
    markers->items = realloc(markers->items, (size_t)markers->capacity * sizeof *markers->items);
    check(markers->items != NULL);
  }
  markers->items[markers->count++] = *marker;
}

static bool on_signal(void *context, const void *object) {
  struct markers *markers = context;
  const struct signal *signal = object;
  if (!text_equal(signal->symbol, markers->symbol)) return true;
  struct marker marker = {
      .ts = signal->created_at, .kind = MARKER_SIGNAL, .price = decimal_to_double(signal->entry), .side = position_side_names[signal->side]};
  struct text text = begin_text(&marker);
  print_id(&marker, 'G', signal->signal_id);
  text_add(&text, strategy_names[signal->strategy]);
  text_add(&text, " signal: ");
  text_add(&text, signal_outcome_names[signal->outcome]);
  add_marker(markers, &marker);
  return true;
}

static bool on_position(void *context, const void *object) {
  struct markers *markers = context;
  const struct position *position = object;
  if (!text_equal(position->symbol, markers->symbol)) return true;
  struct marker marker = {
      .ts = position->opened_at, .kind = MARKER_ENTRY, .price = decimal_to_double(position->entry), .side = position_side_names[position->side]};
  struct text text = begin_text(&marker);
  print_id(&marker, 'P', position->position_id);
  text_add(&text, strategy_names[position->strategy]);
  text_add(&text, " entry of ");
  text_add_decimal(&text, position->qty_initial);
  add_marker(markers, &marker);
  for (int32_t i = 0; i < position->targets_count; i++) {
    const struct target *target = &position->targets[i];
    if (target->state != TARGET_FILLED) continue;
    struct marker hit = {.ts = target->filled_at, .kind = MARKER_TARGET, .price = decimal_to_double(target->price), .side = marker.side};
    struct text hit_text = begin_text(&hit);
    text_copy(hit.id, sizeof hit.id, marker.id);
    text_add(&hit_text, "target ");
    text_add(&hit_text, target->level_name);
    add_marker(markers, &hit);
  }
  return true;
}

static bool on_fill(void *context, const void *object) {
  struct markers *markers = context;
  const struct fill *fill = object;
  if (!text_equal(fill->symbol, markers->symbol)) return true;
  struct marker marker = {.ts = fill->ts, .kind = MARKER_FILL, .price = decimal_to_double(fill->price), .side = order_side_names[fill->side]};
  struct text text = begin_text(&marker);
  print_id(&marker, 'F', fill->fill_id);
  text_add_decimal(&text, fill->qty);
  text_add(&text, " filled as ");
  text_add(&text, liquidity_names[fill->liquidity]);
  add_marker(markers, &marker);
  return true;
}

static bool on_stop_move(void *context, const void *object) {
  struct markers *markers = context;
  const struct stop_move *move = object;
  if (!text_equal(move->symbol, markers->symbol)) return true;
  struct marker marker = {.ts = move->ts, .kind = MARKER_STOP_MOVED, .price = decimal_to_double(move->new_stop)};
  struct text text = begin_text(&marker);
  print_id(&marker, 'P', move->position_id);
  text_add(&text, "stop from ");
  text_add_decimal(&text, move->old_stop);
  text_add(&text, " by ");
  text_add(&text, stop_rule_names[move->rule]);
  add_marker(markers, &marker);
  return true;
}

static bool on_trade(void *context, const void *object) {
  struct markers *markers = context;
  const struct trade *trade = object;
  if (!text_equal(trade->symbol, markers->symbol)) return true;
  struct marker marker = {
      .ts = trade->closed_at, .kind = MARKER_EXIT, .price = decimal_to_double(trade->exit_average), .side = position_side_names[trade->side]};
  struct text text = begin_text(&marker);
  print_id(&marker, 'P', trade->position_id);
  text_add(&text, reason_code_names[trade->exit_reason]);
  text_add(&text, ": ");
  text_add_double(&text, trade->pnl_r, 2);
  text_add(&text, " R");
  add_marker(markers, &marker);
  return true;
}

static void add_level_marker(struct markers *markers, const struct level *level, enum marker_kind kind, int64_t ts) {
  struct marker marker = {.ts = ts, .kind = kind, .price = level->price};
  struct text text = begin_text(&marker);
  if (level->broken_side >= 0) marker.side = level_side_names[level->broken_side];
  print_id(&marker, 'L', level->level_id);
  text_add(&text, level_type_names[level->level_type]);
  text_add(&text, kind == MARKER_BREAKOUT ? " broken" : " retested");
  add_marker(markers, &marker);
}

/* A level of the symbol: its breakout, and its id for the events of retests. */
static bool on_level(void *context, const void *object) {
  struct markers *markers = context;
  const struct level *level = object;
  add_level_marker(markers, level, MARKER_BREAKOUT, level->broken_at);
  int32_t room = (int32_t)(sizeof markers->level_ids / sizeof markers->level_ids[0]);
  if (level->retest_count > 0 && markers->level_count < room) markers->level_ids[markers->level_count++] = level->level_id;
  return true;
}

static bool on_level_change(void *context, const void *object) {
  struct markers *markers = context;
  const struct level_change *change = object;
  for (int32_t i = 0; change->level_count > 0 && i < markers->level_count; i++) {
    if (markers->level_ids[i] != change->level[0].level_id) continue;
    add_level_marker(markers, &change->level[0], MARKER_RETEST, change->ts);
    break;
  }
  return true;
}

static void take_kept(struct markers *markers, enum record_kind kind, rows_visit_object *visit) {
  const struct keep *keep = &markers->api->kept[kind];
  for (int32_t i = 0; i < keep->count; i++) visit(markers, keep_get(keep, i));
}

/* Rows of a table in the range, the newest MARKER_ROWS_MAX. symbol: the column that names it, NULL: the table has none. */
static enum status take_rows(struct markers *markers, const char *table, const char *time, const char *symbol, rows_visit_object *visit,
                             struct problem *problem) {
  const struct row_port *rows = markers->api->options.rows;
  struct rows_query query = {.table = table, .order = time, .limit = MARKER_ROWS_MAX};
  struct time_text from;
  struct time_text to;
  if (symbol != NULL) rows_query_add(&query, symbol, ROWS_EQUAL, markers->symbol);
  if (text_equal(table, "level_events")) rows_query_add(&query, "to_state", ROWS_EQUAL, level_state_names[LEVEL_RETESTED]);
  rows_query_add(&query, time, ROWS_AT_LEAST, print_time(markers->from, &from));
  if (markers->to != INT64_MAX) rows_query_add(&query, time, ROWS_BELOW, print_time(markers->to, &to));
  return rows->select_objects(rows->self, &query, visit, markers, problem);
}

static enum status take_all(struct markers *markers, int32_t symbol, struct problem *problem) {
  const struct engine *engine = markers->api->options.engine;
  const struct level_set *set = engine_levels(engine, symbol);
  for (int32_t i = 0; i < engine_position_count(engine); i++) on_position(markers, engine_position(engine, i));
  take_kept(markers, RECORD_SIGNAL, on_signal);
  take_kept(markers, RECORD_POSITION, on_position);
  take_kept(markers, RECORD_FILL, on_fill);
  take_kept(markers, RECORD_STOP_MOVE, on_stop_move);
  take_kept(markers, RECORD_TRADE, on_trade);
  for (int32_t i = 0; i < set->active_count; i++) on_level(markers, &set->active[i]);
  for (int32_t i = 0; i < set->ended_count; i++) on_level(markers, &set->ended[i]);
  if (markers->api->options.rows == NULL) return STATUS_OK;
  enum status status = take_rows(markers, "signals", "created_at", "symbol", on_signal, problem);
  if (!status) status = take_rows(markers, "positions", "opened_at", "symbol", on_position, problem);
  if (!status) status = take_rows(markers, "fills", "ts", "symbol", on_fill, problem);
  if (!status) status = take_rows(markers, "stop_history", "ts", NULL, on_stop_move, problem);
  if (!status) status = take_rows(markers, "trades", "closed_at", "symbol", on_trade, problem);
  if (!status) status = take_rows(markers, "levels", "broken_at", "symbol", on_level, problem);
  return status ? status : take_rows(markers, "level_events", "ts", NULL, on_level_change, problem);
}

static int compare_markers(const void *a, const void *b) {
  const struct marker *left = a;
  const struct marker *right = b;
  if (left->ts != right->ts) return left->ts < right->ts ? -1 : 1;
  if (left->kind != right->kind) return left->kind < right->kind ? -1 : 1;
  return strcmp(left->id, right->id);
}

static void answer_markers(struct call *call, struct markers *markers) {
  struct json_writer *writer = &call->writer;
  if (markers->count > 1) qsort(markers->items, (size_t)markers->count, sizeof *markers->items, compare_markers);
  call_begin(call);
  json_begin_array(writer, "items");
  for (int32_t i = markers->count > MARKERS_MAX ? markers->count - MARKERS_MAX : 0; i < markers->count; i++) {
    const struct marker *marker = &markers->items[i];
    json_begin_object(writer, NULL);
    json_add_int(writer, "ts", marker->ts);
    json_add_string(writer, "kind", marker_names[marker->kind]);
    json_add_double(writer, "price", marker->price);
    json_add_string(writer, "side", marker->side);
    json_add_string(writer, "id", marker->id);
    json_add_string(writer, "text", marker->text);
    json_end_object(writer);
  }
  call_end_list(call, markers->count);
}

void handle_markers(struct call *call) {
  const struct engine *engine = call->api->options.engine;
  int64_t from;
  int64_t to;
  struct problem problem;
  problem_clear(&problem);
  if (!call_range(call, &from, &to)) return;
  int32_t symbol = call_symbol(call, call->parameter);
  if (symbol < 0) return;
  struct markers *markers = calloc(1, sizeof *markers);
  check(markers != NULL);
  *markers = (struct markers){.api = call->api, .symbol = engine_market(engine, symbol)->instrument.symbol, .from = from, .to = to};
  if (take_all(markers, symbol, &problem) == STATUS_OK) {
    answer_markers(call, markers);
  } else {
    call_fail_problem(call, 503, "not_ready", &problem);
  }
  free(markers->items);
  free(markers);
}

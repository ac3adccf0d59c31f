/* breakout scan: the ranking of one scan, of recorded markets at a time or of the running server. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "apps/answers.h"
#include "apps/recorded.h"
#include "base/calendar.h"
#include "core/strategy/market_filter.h"

enum { LIMIT_DEFAULT = 10, LIMIT_MAX = 1000, TICKS_MAX = 300 };

struct call {
  struct recorded recorded;
  const char *preset, *output;
  int64_t at, limit;
  bool has_failed, is_filters_only, is_symbols_only;
};

enum { OPTION_AT, OPTION_LIMIT, OPTION_FAILED, OPTION_OUTPUT, OPTION_FILTERS, OPTION_SYMBOLS, OPTION_EXCHANGE, OPTION_VENUE, OPTION_COUNT };
static const struct app_option own_options[OPTION_COUNT] = {
    [OPTION_AT] = {"at", 0, true, "TIME", "of the scan (the end of the data)"},
    [OPTION_LIMIT] = {"limit", 'n', true, "N", "rows shown (10)"},
    [OPTION_FAILED] = {"failed", 0, false, NULL, "also symbols that failed a filter"},
    [OPTION_OUTPUT] = {"output", 'o', true, "FILE", "write there instead of standard output"},
    [OPTION_FILTERS] = {"filters-only", 0, false, NULL, "how many symbols each step leaves"},
    [OPTION_SYMBOLS] = {"symbols-only", 0, false, NULL, "only the symbols of the data"},
    [OPTION_EXCHANGE] = {"exchange", 0, true, "V", "not in this version"},
    [OPTION_VENUE] = {"venue", 0, true, "V", "not in this version"},
};

static bool take(struct app *app, void *self, const struct app_option *options, int option, const char *value) {
  struct call *call = self;
  switch (option) {
    case APP_ARGUMENT:
      if (call->preset != NULL) problem_add(&app->problem, "too_many", value, NULL, "one PRESET", "a second argument means nothing here");
      call->preset = value;
      return app->problem.errors == 0;
    case OPTION_AT:
      if (calendar_parse(value, &call->at)) return true;
      problem_add(&app->problem, "bad_parameter", "--at", value, "2024-01-31T12:00", "not a time");
      return false;
    case OPTION_LIMIT:
      return app_parse_integer(app, "--limit", value, 1, LIMIT_MAX, &call->limit);
    case OPTION_FAILED:
      return call->has_failed = true;
    case OPTION_OUTPUT:
      return call->output = value, true;
    case OPTION_FILTERS:
      return call->is_filters_only = true;
    case OPTION_SYMBOLS:
      return call->is_symbols_only = true;
    case OPTION_EXCHANGE:
    case OPTION_VENUE:
      problem_add(&app->problem, "not_in_version", "--exchange", value, "--data D", "no venue can be reached in this version");
      return false;
    default:
      return recorded_take(&call->recorded, app, &options[option], value);
  }
}

/* ---- where the scan comes from ---- */

/* Starts a session at the end of what was played; its first scan follows with a tick, or after the venue has answered. */
static enum status scan_now(struct app *app, struct wiring *wiring) {
  int64_t ts = engine_now(wiring->engine);
  wiring_put_command(wiring, ts, COMMAND_START, "scan");
  for (int i = 0; i < TICKS_MAX && engine_last_scan(wiring->engine)->scan_id == 0; i++) {
    struct event tick = {.ts = ts + i * SECOND_MS, .kind = EVENT_TICK};
    runner_step(&wiring->runner, &tick);
  }
  if (engine_last_scan(wiring->engine)->scan_id != 0) return STATUS_OK;
  problem_add(&app->problem, "no_data", "--at", NULL, "864 closed 5m candles (3 days) before it", "no scan was possible at this time");
  return STATUS_NO_DATA;
}

static struct json *ask(struct app *app, const struct answers *answers, enum status *status) {
  char target[64];
  snprintf(target, sizeof target, "/api/scanner/last?limit=%d", LIMIT_MAX);
  struct json *document = answers_get(app, answers, target, status);
  if (document == NULL && !*status) {
    problem_add(&app->problem, "not_found", "scan", NULL, NULL, "the server has not scanned yet: no session runs");
    *status = STATUS_NOT_RUNNING;
  }
  return document;
}

static struct json *scan_recorded(struct app *app, struct call *call, struct wiring *wiring, enum status *status) {
  struct wiring_options options;
  wiring_options_init(&options);
  options.feed_name = "file";
  options.is_backtest = true;
  options.preset = call->preset != NULL ? call->preset : app->settings.default_preset;
  int64_t first;
  int64_t last;
  source_range(wiring->source, &first, &last);
  *status = wiring_load_preset(wiring, app, &options);
  if (!*status) problem_clear(&app->problem);
  if (!*status && call->at != 0 && (call->at < first || call->at > last)) {
    problem_add(&app->problem, "no_data", "--at", NULL, "a time inside the data: see `breakout data info`", "the data do not reach this time");
    *status = STATUS_NO_DATA;
  }
  if (!*status) *status = recorded_play(wiring, &options, call->at != 0 ? call->at : recorded_last(wiring->source, -1), !app->is_quiet, NULL, NULL);
  if (!*status) *status = scan_now(app, wiring);
  struct answers answers = {0};
  if (!*status) *status = answers_open(&answers, wiring);
  struct json *document = *status ? NULL : ask(app, &answers, status);
  answers_close(&answers);
  return document;
}

/* ---- output ---- */

static double level_bps(const struct json *row) {
  double nearest = answers_number(row, "nearest_level_bps");
  const struct json *levels = json_member(row, "levels");
  for (size_t i = 0; isnan(nearest) && levels != NULL && json_kind(levels) == JSON_ARRAY && i < json_size(levels); i++) {
    double distance = fabs(answers_number(json_item(levels, i), "distance_bps"));
    if (isnan(nearest) || distance < nearest) nearest = distance;
  }
  return nearest;
}

static void add_failed(struct table *table, const struct json *row) {
  char text[512] = "";
  size_t used = 0;
  const struct json *failed = json_member(row, "failed");
  for (size_t i = 0; failed != NULL && json_kind(failed) == JSON_ARRAY && i < json_size(failed); i++) {
    const struct json *code = json_item(failed, i);
    if (json_kind(code) != JSON_STRING || used + strlen(json_string(code)) + 3 > sizeof text) continue;
    used += (size_t)snprintf(text + used, sizeof text - used, "%s%s", used > 0 ? " " : "", json_string(code));
  }
  table_add(table, text);
}

static void add_row(struct table *table, const struct json *row) {
  char cell[40];
  table_add(table, answers_cell(answers_number(row, "rank"), 0, cell));
  table_add(table, answers_text(row, "symbol"));
  table_add(table, answers_cell(answers_number(row, "score"), 3, cell));
  table_add(table, answers_cell(answers_number(row, "price"), 8, cell));
  double change = answers_number(row, "change_24h_pct");
  table_add_colored(table, answers_cell(change, 2, cell), change < 0 ? "31" : "32");
  table_add(table, answers_cell(answers_number(row, "volume_24h_usd"), 0, cell));
  table_add(table, answers_cell(answers_number(row, "level_count"), 0, cell));
  table_add(table, answers_cell(level_bps(row), 1, cell));
  add_failed(table, row);
}

static void print_ranking(const struct app *app, const struct call *call, const struct json *document, struct buffer *out) {
  static const struct table_column columns[] = {
      {"Rank", TABLE_RIGHT},         {"Symbol", TABLE_LEFT},          {"Score", TABLE_RIGHT},  {"Price", TABLE_RIGHT},
      {"24h change %", TABLE_RIGHT}, {"24h volume USD", TABLE_RIGHT}, {"Levels", TABLE_RIGHT}, {"Nearest level bps", TABLE_RIGHT},
      {"Failed filters", TABLE_LEFT}};
  const struct json *items = json_member(document, "items");
  struct table table;
  int64_t shown = 0;
  int64_t left_out = 0;
  table_init(&table, columns, sizeof columns / sizeof columns[0], app_table_format(app));
  table.has_colors = app->has_colors && call->output == NULL;
  for (size_t i = 0; items != NULL && json_kind(items) == JSON_ARRAY && i < json_size(items); i++) {
    const struct json *row = json_item(items, i);
    if (!answers_bool(row, "passed") && !call->has_failed) {
      ++left_out;
    } else if (shown < call->limit) {
      add_row(&table, row);
      ++shown;
    }
  }
  if (app->output != OUTPUT_CSV) {
    char time[32];
    struct text text;
    text_init(&text, time, sizeof time);
    text_add_time(&text, (int64_t)answers_number(document, "ts"));
    buffer_add_format(out, "Scan %s at %s with %s: %.0f symbols, %.0f not ready, %.0f scanned, %.0f passed, %.0f candidates\n",
                      answers_text(document, "scan_id"), time, answers_text(document, "preset"), answers_number(document, "total_symbols"),
                      answers_number(document, "not_ready"), answers_number(document, "scanned"), answers_number(document, "passed_filters"),
                      answers_number(document, "candidates"));
  }
  table_print(&table, out);
  table_deinit(&table);
  if (app->output != OUTPUT_CSV && left_out > 0 && !call->has_failed)
    buffer_add_format(out, "%lld symbols failed a filter; --failed shows them\n", (long long)left_out);
}

/* Did the row pass the filter? Skipped ones pass. data_health fails under the names of its checks. */
static bool passes(const struct json *row, const char *filter) {
  const struct json *filters = json_member(row, "filters");
  const struct json *verdict = filters != NULL && json_kind(filters) == JSON_OBJECT ? json_member(filters, filter) : NULL;
  if (verdict == NULL) return strcmp(filter, "data_health") != 0;
  return answers_bool(verdict, "passed") || answers_bool(verdict, "skipped");
}

static void add_step(struct table *table, const char *name, double left) {
  char cell[40];
  table_add(table, name);
  table_add(table, answers_cell(left, 0, cell));
}

/* What is left after each step, in the order of the scan. */
static void print_steps(const struct app *app, const struct json *document, struct buffer *out) {
  static const struct table_column columns[] = {{"Step", TABLE_LEFT}, {"Symbols left", TABLE_RIGHT}};
  static bool is_out[LIMIT_MAX];
  const struct json *items = json_member(document, "items");
  size_t count = items != NULL && json_kind(items) == JSON_ARRAY ? json_size(items) : 0;
  if (count > LIMIT_MAX) count = LIMIT_MAX;
  memset(is_out, 0, sizeof is_out);
  struct table table;
  table_init(&table, columns, 2, app_table_format(app));
  add_step(&table, "universe", answers_number(document, "total_symbols"));
  add_step(&table, "ready", answers_number(document, "total_symbols") - answers_number(document, "not_ready"));
  add_step(&table, "lists and cuts", answers_number(document, "scanned"));
  for (int filter = 0; filter < MARKET_FILTER_COUNT; filter++) {
    int left = 0;
    for (size_t i = 0; i < count; i++) {
      is_out[i] = is_out[i] || !passes(json_item(items, i), market_filter_name(filter));
      left += is_out[i] ? 0 : 1;
    }
    add_step(&table, market_filter_name(filter), left);
  }
  add_step(&table, "candidates", answers_number(document, "candidates"));
  table_print(&table, out);
  table_deinit(&table);
}

static void print_symbols(const struct app *app, const struct source *source, struct buffer *out) {
  static const struct table_column columns[] = {{"Symbol", TABLE_LEFT}, {"Venue symbol", TABLE_LEFT}, {"Tick", TABLE_RIGHT}, {"Lot", TABLE_RIGHT}};
  struct table table;
  int64_t first;
  int64_t last;
  source_range(source, &first, &last);
  table_init(&table, columns, 4, app_table_format(app));
  table.has_colors = false;
  for (int i = 0; i < source_symbol_count(source); i++) {
    const struct instrument *instrument = source_instrument(source, i, last);
    char number[DECIMAL_TEXT_MAX];
    table_add(&table, source_symbol(source, i));
    table_add(&table, source_venue_symbol(source, i));
    decimal_print(instrument->tick_size, number);
    table_add(&table, number);
    decimal_print(instrument->lot_size, number);
    table_add(&table, number);
  }
  table_print(&table, out);
  table_deinit(&table);
}

static void print_symbols_json(const struct source *source, struct buffer *out) {
  struct json_writer json;
  json_writer_init(&json, out, true);
  json_begin_object(&json, NULL);
  json_begin_array(&json, "symbols");
  for (int i = 0; i < source_symbol_count(source); i++) {
    json_begin_object(&json, NULL);
    json_add_string(&json, "symbol", source_symbol(source, i));
    json_add_string(&json, "venue_symbol", source_venue_symbol(source, i));
    json_end_object(&json);
  }
  json_end_array(&json);
  json_end_object(&json);
  buffer_add_text(out, "\n");
}

static int deliver(struct app *app, const struct call *call, struct buffer *out) {
  enum status status = STATUS_OK;
  if (call->output != NULL) {
    status = buffer_write_file(out, call->output, 0644, &app->problem);
  } else {
    app_print(out);
  }
  buffer_deinit(out);
  return status ? app_fail(app, status) : 0;
}

int app_scan(struct app *app, int argc, char **argv) {
  static struct call call;
  call = (struct call){.limit = LIMIT_DEFAULT};
  struct wiring wiring = {0};
  struct json *document = NULL;
  struct buffer out = {0};
  bool is_json = app->output == OUTPUT_JSON || app->output == OUTPUT_JSONL;
  enum status status = recorded_read(app, own_options, OPTION_COUNT, argc, argv, take, &call);
  bool has_data = call.recorded.data[0] != '\0';
  if (!status && (has_data || call.is_symbols_only)) status = recorded_open(&call.recorded, app, &wiring);
  if (!status && !call.is_symbols_only) document = has_data ? scan_recorded(app, &call, &wiring, &status) : ask(app, NULL, &status);
  if (!status && call.is_symbols_only && is_json) print_symbols_json(wiring.source, &out);
  if (!status && call.is_symbols_only && !is_json) print_symbols(app, wiring.source, &out);
  if (document != NULL && is_json) answers_copy(document, app->output == OUTPUT_JSON, &out);
  if (document != NULL && !is_json && call.is_filters_only) print_steps(app, document, &out);
  if (document != NULL && !is_json && !call.is_filters_only) print_ranking(app, &call, document, &out);
  json_free(document);
  wiring_close(&wiring);
  if (!status) return deliver(app, &call, &out);
  buffer_deinit(&out);
  return app_fail(app, status);
}

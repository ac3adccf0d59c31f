/* Backtests: started in worker processes through the port runs.h, listed from the table runs, their results read from the files of their folder. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/api_state.h"
#include "api/feed/feed.h"
#include "api/row_page.h"
#include "api/search_params.h"
#include "api/upload.h"
#include "core/market/symbol.h"
#include "core/trade/performance.h"
#include "runner/preset_file.h"
#include "runner/preset_print.h"
#include "runner/preset_store.h"

enum { SYMBOLS_MAX = 500, COMPARED_MAX = 6, RESULT_BYTES_MAX = 128 << 20 };

/* A row of the table runs. */
struct run_row {
  char run_id[RUN_ID_BYTES], kind[16], status[16], preset[PRESET_NAME_BYTES], dataset_id[RUN_DATASET_BYTES], created_by[48], digest[DIGEST_TEXT_MAX];
  bool has_preset, has_user, has_digest;
  int64_t created_at, started_at, ended_at;
  double progress;
  struct buffer params, summary, error; /* JSON, owned */
};

/* ---- reading rows ---- */

static void free_row(struct run_row *row) {
  buffer_deinit(&row->params);
  buffer_deinit(&row->summary);
  buffer_deinit(&row->error);
}

static bool take_text(const struct row_value *values, int count, const char *column, char *out, size_t size) {
  const struct row_value *value = row_value_of(values, count, column);
  bool is_text = value != NULL && value->kind == ROW_VALUE_TEXT;
  text_copy(out, size, is_text ? value->text : "");
  return is_text;
}

static int64_t take_time(const struct row_value *values, int count, const char *column) {
  const struct row_value *value = row_value_of(values, count, column);
  return value != NULL && value->kind == ROW_VALUE_INT ? value->integer : 0;
}

static void take_json(const struct row_value *values, int count, const char *column, struct buffer *out) {
  const struct row_value *value = row_value_of(values, count, column);
  if (value != NULL && value->kind == ROW_VALUE_TEXT) buffer_add_text(out, value->text);
}

static void read_row(struct run_row *row, const struct row_value *values, int count) {
  *row = (struct run_row){0};
  (void)take_text(values, count, "run_id", row->run_id, sizeof row->run_id);
  (void)take_text(values, count, "kind", row->kind, sizeof row->kind);
  (void)take_text(values, count, "status", row->status, sizeof row->status);
  row->has_preset = take_text(values, count, "preset", row->preset, sizeof row->preset);
  (void)take_text(values, count, "dataset_id", row->dataset_id, sizeof row->dataset_id);
  row->has_user = take_text(values, count, "created_by", row->created_by, sizeof row->created_by);
  row->has_digest = take_text(values, count, "digest", row->digest, sizeof row->digest);
  row->created_at = take_time(values, count, "created_at");
  row->started_at = take_time(values, count, "started_at");
  row->ended_at = take_time(values, count, "ended_at");
  const struct row_value *progress = row_value_of(values, count, "progress");
  if (progress != NULL && progress->kind == ROW_VALUE_REAL) row->progress = progress->real;
  if (progress != NULL && progress->kind == ROW_VALUE_INT) row->progress = (double)progress->integer;
  take_json(values, count, "params", &row->params);
  take_json(values, count, "summary", &row->summary);
  take_json(values, count, "error", &row->error);
}

static bool take_row(void *context, const struct row_value *values, int count) {
  read_row(context, values, count);
  return false;
}

/* STATUS_NOT_FOUND without such a run. */
static enum status find_row(const struct api *api, const char *id, struct run_row *row, struct problem *problem) {
  const struct row_port *rows = api->options.rows;
  struct rows_query query = {.table = "runs", .limit = 1};
  *row = (struct run_row){0};
  if (!run_is_id(id)) return STATUS_NOT_FOUND;
  rows_query_add(&query, "run_id", ROWS_EQUAL, id);
  enum status status = rows->select(rows->self, &query, take_row, row, problem);
  return !status && row->run_id[0] == '\0' ? STATUS_NOT_FOUND : status;
}

static bool is_ready(struct call *call) {
  if (call->api->options.rows != NULL && call->api->options.runs != NULL) return true;
  call_fail(call, 503, "not_ready", "there is no database or no worker: this program only answers questions about its engine");
  return false;
}

/* The run of the path; false after an answer. The row is the caller's to free. */
static bool load_row(struct call *call, const char *id, struct run_row *row) {
  struct problem problem;
  problem_clear(&problem);
  if (!is_ready(call)) return false;
  enum status status = find_row(call->api, id, row, &problem);
  if (status == STATUS_NOT_FOUND) call_fail(call, 404, "not_found", "there is no run '%.24s'", id);
  if (status && status != STATUS_NOT_FOUND) call_fail_problem(call, 503, "not_ready", &problem);
  return !status;
}

/* ---- writing ---- */

static void add_time(struct json_writer *writer, const char *key, int64_t time) {
  if (time != 0) {
    json_add_int(writer, key, time);
  } else {
    json_add_null(writer, key);
  }
}

static void add_json(struct json_writer *writer, const char *key, const struct buffer *text, const char *otherwise) {
  json_add_raw(writer, key, text->length > 0 ? text->data : otherwise);
}

/* Members of Run: the row, and what the workers know better as long as it goes on. */
static void write_run(const struct api *api, const void *object, struct json_writer *writer) {
  const struct run_row *row = object;
  const struct run_port *runs = api->options.runs;
  struct run_progress live = {.progress = row->progress, .eta_s = (double)NAN};
  bool is_lookahead = text_equal(row->kind, "lookahead");
  bool is_live = runs->progress(runs->self, row->run_id, &live);
  static const struct buffer nothing = {0};
  json_add_string(writer, "run_id", row->run_id);
  json_add_string(writer, "kind", row->kind);
  json_add_string(writer, "status", is_live ? run_state_names[live.state] : row->status);
  json_add_double(writer, "progress", live.progress);
  json_add_double(writer, "eta_s", live.eta_s);
  json_add_string(writer, "preset", row->has_preset ? row->preset : NULL);
  json_add_string(writer, "dataset_id", row->dataset_id);
  add_json(writer, "params", &row->params, "{}");
  json_add_int(writer, "created_at", row->created_at);
  add_time(writer, "started_at", row->started_at);
  add_time(writer, "ended_at", row->ended_at);
  json_add_string(writer, "created_by", row->has_user ? row->created_by : NULL);
  json_add_string(writer, "digest", row->has_digest ? row->digest : NULL);
  add_json(writer, "summary", is_lookahead ? &nothing : &row->summary, "null");
  add_json(writer, "lookahead", is_lookahead ? &row->summary : &nothing, "null");
  add_json(writer, "error", &row->error, "null");
}

void answer_run(struct call *call, const char *id, int status) {
  struct run_row row = {0};
  if (load_row(call, id, &row)) {
    call_begin(call);
    write_run(call->api, &row, &call->writer);
    call_end(call, status);
  }
  free_row(&row);
}

void api_run_changed(struct api *api, const char *run_id, bool has_ended) {
  struct run_row row = {0};
  struct problem problem;
  bool is_wanted = feed_is_wanted(api, FEED_BACKTESTS);
  if (api->options.rows == NULL || api->options.runs == NULL || (!is_wanted && !has_ended)) return;
  problem_clear(&problem);
  bool is_known = find_row(api, run_id, &row, &problem) == STATUS_OK;
  if (is_known && has_ended && text_equal(row.kind, "import") && row.params.data != NULL) upload_drop(api, row.params.data);
  if (is_known && is_wanted) feed_publish_run(api, has_ended, run_id, write_run, &row);
  free_row(&row);
}

struct newest_runs {
  const struct api *api;
  struct json_writer *writer;
};

static bool write_newest(void *context, const struct row_value *values, int count) {
  const struct newest_runs *newest = context;
  struct run_row row = {0};
  read_row(&row, values, count);
  json_begin_object(newest->writer, NULL);
  write_run(newest->api, &row, newest->writer);
  json_end_object(newest->writer);
  free_row(&row);
  return true;
}

/* Runs as items of an open array, newest first; none without a database. */
void write_runs_newest(const struct api *api, int64_t limit, struct json_writer *writer) {
  struct rows_query query = {.table = "runs", .order = "run_id", .limit = limit};
  struct newest_runs newest = {api, writer};
  struct problem problem;
  problem_clear(&problem);
  if (api->options.rows == NULL || api->options.runs == NULL) return;
  rows_query_add(&query, "kind", ROWS_NOT_EQUAL, "import");
  enum status status = api->options.rows->select(api->options.rows->self, &query, write_newest, &newest, &problem);
  if (status) log_write(LOG_WARNING, "api", "runs", NULL, "runs could not be read for the feed: %s", status_text(status));
}

/* ---- starting ---- */

static const struct json *member_of(const struct json *object, const char *key) {
  const struct json *value = object != NULL ? json_member(object, key) : NULL;
  return value != NULL && json_kind(value) != JSON_NULL ? value : NULL;
}

static const char *string_of(const struct json *object, const char *key) {
  const struct json *value = member_of(object, key);
  return value != NULL && json_kind(value) == JSON_STRING ? json_string(value) : NULL;
}

/* The preset by name, or the config that came with the request; false after an answer. */
static bool take_preset(struct call *call, struct preset *preset) {
  const struct settings *settings = call->api->options.settings;
  const struct json *config = member_of(call->body, "config");
  const char *name = string_of(call->body, "preset");
  struct preset_store store;
  struct problem problem;
  enum status status;
  problem_clear(&problem);
  if ((name != NULL) == (config != NULL)) {
    problem_add(&problem, "cross_rule", "preset", NULL, "preset or config", "exactly one of preset and config must be given");
    call_fail_problem(call, 422, "validation_failed", &problem);
    return false;
  }
  if (config != NULL) {
    status = preset_from_json(preset, config, NULL, &problem);
  } else if (!preset_store_is_name(name)) {
    call_fail(call, 404, "not_found", "'%.64s' is not the name of a preset", name);
    return false;
  } else {
    preset_store_init(&store, settings->presets_dir, settings->data_dir);
    status = preset_store_load(&store, name, preset, NULL, &problem);
  }
  if (status == STATUS_NOT_FOUND) call_fail_problem(call, 404, "not_found", &problem);
  if (status && status != STATUS_NOT_FOUND) call_fail_problem(call, 422, "preset_invalid", &problem);
  return !status;
}

static void check_symbols(const struct json *symbols, struct problem *problem) {
  char path[64], printed[SYMBOL_TEXT_MAX], venue[SYMBOL_TEXT_MAX];
  if (symbols == NULL) return;
  if (json_size(symbols) > SYMBOLS_MAX) problem_add(problem, "out_of_bounds", "symbols", NULL, NULL, "at most %d symbols", SYMBOLS_MAX);
  for (size_t i = 0; i < json_size(symbols) && i < SYMBOLS_MAX; i++) {
    const struct json *symbol = json_item(symbols, i);
    bool is_good = json_kind(symbol) == JSON_STRING && strchr(json_string(symbol), ',') == NULL && symbol_parse(json_string(symbol), printed, venue);
    snprintf(path, sizeof path, "symbols[%zu]", i);
    if (!is_good) problem_add(problem, "bad_symbol", path, NULL, "BTCUSDT, BTC/USDT:USDT", "is not a symbol");
  }
}

static void check_range(const struct json *body, struct problem *problem) {
  const struct json *from = member_of(body, "from"), *to = member_of(body, "to");
  if (from != NULL && json_int(from) <= 0) problem_add(problem, "out_of_bounds", "from", NULL, "ms since 1970", "is not a time");
  if (to != NULL && json_int(to) <= 0) problem_add(problem, "out_of_bounds", "to", NULL, "ms since 1970", "is not a time");
  if (from != NULL && to != NULL && json_int(from) >= json_int(to))
    problem_add(problem, "cross_rule", "to", NULL, "a time after from", "the range is empty");
}

static void add_params(const struct json *body, const char *kind, struct problem *problem, struct buffer *out) {
  static const char *const kept[] = {"symbols", "from", "to", "starting_balance", "costs", "seed", "allow_bad_data"};
  const struct json *params = member_of(body, "params");
  const struct json *cuts = member_of(params, "cuts");
  struct json_writer writer;
  json_writer_init(&writer, out, false);
  json_begin_object(&writer, NULL);
  for (size_t i = 0; i < sizeof kept / sizeof kept[0]; i++) {
    const struct json *value = member_of(body, kept[i]);
    if (value != NULL) json_add_value(&writer, kept[i], value);
  }
  if (search_params_are_of(kind)) {
    search_params_check(params, kind, problem);
    if (params != NULL && !problem_has_error(problem)) json_add_value(&writer, "search", params);
  } else if (params != NULL && (!text_equal(kind, "lookahead") || json_size(params) != (cuts != NULL ? 1u : 0u))) {
    problem_add(problem, "unknown_key", "params", NULL, "lookahead: cuts", "the kind %s takes no such parameters", kind);
  } else if (cuts != NULL && (json_kind(cuts) != JSON_INT || json_int(cuts) < 1 || json_int(cuts) > 1000)) {
    problem_add(problem, "out_of_bounds", "params.cuts", NULL, "1 to 1000", "must be a whole number in range");
  } else if (cuts != NULL && !problem_has_error(problem)) {
    json_add_value(&writer, "cuts", cuts);
  }
  json_end_object(&writer);
}

void handle_backtest_start(struct call *call) {
  const char *kind = string_of(call->body, "kind") != NULL ? string_of(call->body, "kind") : "backtest";
  const char *dataset = string_of(call->body, "dataset_id");
  const struct run_port *runs = call->api->options.runs;
  char id[RUN_ID_BYTES];
  struct preset preset;
  struct problem problem;
  struct buffer params = {0};
  problem_clear(&problem);
  if (!is_ready(call)) return;
  if (!runs->has_dataset(runs->self, dataset)) {
    call_fail(call, 404, "not_found", "there is no data set '%.64s'; GET /api/datasets lists them", dataset);
    return;
  }
  if (!take_preset(call, &preset)) return;
  check_symbols(member_of(call->body, "symbols"), &problem);
  check_range(call->body, &problem);
  add_params(call->body, kind, &problem, &params);
  if (problem_has_error(&problem)) {
    call_fail_problem(call, 422, "validation_failed", &problem);
  } else {
    const struct run_request request = {.kind = kind, .preset = &preset, .dataset_id = dataset, .params = params.data, .user = call->caller.user};
    enum status status = runs->start(runs->self, &request, id, &problem);
    if (status == STATUS_IN_USE) call_fail_problem(call, 503, "not_ready", &problem);
    if (status && status != STATUS_IN_USE) call_fail_problem(call, 500, "internal", &problem);
    if (status == STATUS_IN_USE) call->reply->retry_after_s = 30;
    if (!status) answer_run(call, id, 202);
  }
  buffer_deinit(&params);
}

/* ---- lists and one run ---- */

static void write_listed(struct call *call, const struct row_value *values, int count) {
  struct run_row row = {0};
  read_row(&row, values, count);
  write_run(call->api, &row, &call->writer);
  free_row(&row);
}

void handle_backtests(struct call *call) {
  static const char *const orders[] = {"desc", "asc"};
  static const char *const kinds[] = {"backtest", "lookahead", "import", "sweep", "walk_forward", "monte_carlo"};
  enum { KIND_COUNT = sizeof kinds / sizeof kinds[0] };
  const char *cursor = http_argument(call->request, "cursor"), *preset = http_argument(call->request, "preset");
  struct rows_query query = {.table = "runs"};
  int64_t limit = 100;
  if (!is_ready(call) || !call_number(call, "limit", 1, 1000, &limit)) return;
  int order = call_word(call, "order", orders, 2, 0);
  int kind = order < 0 ? -1 : call_word(call, "kind", kinds, KIND_COUNT, KIND_COUNT);
  int state = kind < 0 ? -1 : call_word(call, "status", run_state_names, run_state_count, run_state_count);
  if (state < 0) return;
  if (cursor != NULL && !run_is_id(cursor)) {
    call_fail(call, 400, "bad_parameter", "cursor is not of this list");
    return;
  }
  rows_query_add(&query, "kind", kind < KIND_COUNT ? ROWS_EQUAL : ROWS_NOT_EQUAL, kind < KIND_COUNT ? kinds[kind] : "import");
  if (state < run_state_count) rows_query_add(&query, "status", ROWS_EQUAL, run_state_names[state]);
  if (preset != NULL) rows_query_add(&query, "preset", ROWS_EQUAL, preset);
  row_page_answer(call, &query, "run_id", order == 1, cursor, limit, write_listed);
}

void handle_backtest(struct call *call) {
  answer_run(call, call->parameter, 200);
}

void handle_backtest_progress(struct call *call) {
  const struct run_port *runs = call->api->options.runs;
  struct run_row row = {0};
  if (load_row(call, call->parameter, &row)) {
    struct run_progress live = {.progress = row.progress, .eta_s = (double)NAN, .candles_per_s = (double)NAN};
    bool is_live = runs->progress(runs->self, row.run_id, &live);
    struct json *summary = row.summary.length > 0 ? json_parse(row.summary.data, row.summary.length, JSON_STRICT, "summary", NULL) : NULL;
    const struct json *trades = member_of(summary, "total_trades");
    if (!is_live && trades != NULL && json_kind(trades) == JSON_INT) live.trades = json_int(trades);
    call_begin(call);
    json_add_string(&call->writer, "status", is_live ? run_state_names[live.state] : row.status);
    json_add_double(&call->writer, "progress", live.progress);
    json_add_double(&call->writer, "eta_s", live.eta_s);
    add_time(&call->writer, "current_at", live.current_at);
    json_add_double(&call->writer, "candles_per_s", live.candles_per_s);
    json_add_int(&call->writer, "trades", live.trades);
    call_end(call, 200);
    json_free(summary);
  }
  free_row(&row);
}

void handle_backtest_cancel(struct call *call) {
  const char *id = call->request->segments[2];
  const struct run_port *runs = call->api->options.runs;
  struct run_row row = {0};
  if (load_row(call, id, &row)) {
    if (runs->cancel(runs->self, id) == STATUS_OK) {
      answer_run(call, id, 200);
    } else {
      call_fail(call, 409, "not_cancellable", "the run is %s already", row.status);
    }
  }
  free_row(&row);
}

void handle_backtest_delete(struct call *call) {
  const struct run_port *runs = call->api->options.runs;
  struct run_row row = {0};
  struct problem problem;
  problem_clear(&problem);
  if (load_row(call, call->parameter, &row)) {
    enum status status = runs->remove(runs->self, call->parameter, &problem);
    if (status == STATUS_IN_USE) call_fail_problem(call, 409, "in_use", &problem);
    if (status && status != STATUS_IN_USE) call_fail_problem(call, 503, "not_ready", &problem);
    if (!status) {
      call_begin(call);
      json_add_bool(&call->writer, "success", true);
      call_end(call, 200);
    }
  }
  free_row(&row);
}

/* ---- results ---- */

enum wanted_kind { WANTED_BACKTEST, WANTED_SEARCH, WANTED_EITHER };

static bool is_wanted(const char *kind, enum wanted_kind wanted) {
  bool is_search = search_params_are_of(kind);
  bool is_backtest = text_equal(kind, "backtest");
  return (is_search && wanted != WANTED_BACKTEST) || (is_backtest && wanted != WANTED_SEARCH);
}

/* The folder of a run that is done; false after an answer. */
static bool find_folder(struct call *call, const char *id, enum wanted_kind wanted, char folder[RUN_PATH_BYTES]) {
  const struct run_port *runs = call->api->options.runs;
  struct run_row row = {0};
  bool is_done = load_row(call, id, &row);
  if (is_done && !is_wanted(row.kind, wanted)) {
    call_fail(call, 409, "not_done", "run %s is of kind %s: GET /api/backtests/%s%s has all there is of it", id, row.kind, id,
              search_params_are_of(row.kind)         ? "/search"
              : is_wanted(row.kind, WANTED_BACKTEST) ? "/result"
                                                     : "");
    is_done = false;
  }
  if (is_done && !text_equal(row.status, "done")) {
    call_fail(call, 409, "not_done", "run %s is %s: it has no result", id, row.status);
    is_done = false;
  }
  if (is_done) runs->folder(runs->self, id, folder);
  free_row(&row);
  return is_done;
}

static void fail_file(struct call *call, enum status status, const struct problem *problem) {
  if (status == STATUS_NOT_FOUND) {
    call_fail(call, 404, "not_found", "the file of the run is not there any more");
  } else if (status == STATUS_NEWER_VERSION) {
    call_fail_problem(call, 409, "not_done", problem);
  } else {
    call_fail_problem(call, 500, "internal", problem);
  }
}

static bool read_file(struct call *call, const char *folder, const char *name, struct buffer *out) {
  char path[RUN_PATH_BYTES + 32];
  struct problem problem;
  problem_clear(&problem);
  snprintf(path, sizeof path, "%s/%s", folder, name);
  enum status status = buffer_read_file(out, path, RESULT_BYTES_MAX, &problem);
  if (status) fail_file(call, status, &problem);
  return !status;
}

static void answer_document(struct call *call, enum wanted_kind wanted) {
  char folder[RUN_PATH_BYTES];
  if (!find_folder(call, call->request->segments[2], wanted, folder) || !read_file(call, folder, "result.json", &call->reply->body)) return;
  call->reply->status = 200;
  call->reply->content_type = "application/json";
}

void handle_backtest_result(struct call *call) {
  answer_document(call, WANTED_BACKTEST);
}

void handle_backtest_search(struct call *call) {
  answer_document(call, WANTED_SEARCH);
}

/* The page has its styles and pictures inside and runs nothing. */
void handle_backtest_report(struct call *call) {
  char folder[RUN_PATH_BYTES];
  if (!find_folder(call, call->request->segments[2], WANTED_EITHER, folder) || !read_file(call, folder, "report.html", &call->reply->body)) return;
  call->reply->content_policy = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox";
  call->reply->status = 200;
  call->reply->content_type = "text/html; charset=utf-8";
}

/* Records of a run; false after an answer. items is the caller's to free. */
static bool read_records(struct call *call, const char *run_id, enum run_file file, void **items, int64_t *count) {
  char folder[RUN_PATH_BYTES];
  struct problem problem;
  problem_clear(&problem);
  *items = NULL;
  if (!find_folder(call, run_id, WANTED_BACKTEST, folder)) return false;
  enum status status = run_file_read(folder, file, items, count, &problem);
  if (status) fail_file(call, status, &problem);
  return !status;
}

static void answer_records(struct call *call, const char *run_id, enum run_file file, enum record_kind kind, const char *id_field,
                           const char *time_field) {
  void *items;
  int64_t count;
  struct listing listing = {.run_id = run_id};
  if (!read_records(call, run_id, file, &items, &count)) return;
  size_t size = run_file_schema(file)->size;
  for (int64_t i = count - 1; i >= 0; i--) listing_add(&listing, (const unsigned char *)items + (size_t)i * size);
  listing_answer_whole(call, &listing, kind, id_field, time_field);
  free(items);
}

void handle_backtest_trades(struct call *call) {
  answer_records(call, call->parameter, RUN_FILE_TRADES, RECORD_TRADE, "trade_id", "closed_at");
}

void answer_run_decisions(struct call *call, const char *run_id) {
  answer_records(call, run_id, RUN_FILE_DECISIONS, RECORD_DECISION, "decision_id", "ts");
}

void handle_backtest_decisions(struct call *call) {
  answer_run_decisions(call, call->parameter);
}

/* ---- equity: points have no id, their place is the cursor ---- */

struct equity_page {
  const struct equity *points;
  int64_t count, from, to, limit, cursor; /* cursor: place of the last point shown, -1 none */
  bool is_ascending, is_csv;
};

static bool read_page(struct call *call, struct equity_page *page) {
  static const char *const orders[] = {"desc", "asc"};
  page->limit = 100;
  page->cursor = -1;
  int order = call_word(call, "order", orders, 2, 0);
  page->is_ascending = order == 1;
  return order >= 0 && call_wants_csv(call, &page->is_csv) && call_number(call, "limit", 1, 1000, &page->limit) &&
         call_number(call, "cursor", 0, INT32_MAX, &page->cursor) && call_range(call, &page->from, &page->to);
}

static void write_point(struct call *call, const struct equity_page *page, const struct equity *point) {
  struct json_writer *writer = &call->writer;
  if (page->is_csv) {
    char line[256];
    struct text text;
    text_init(&text, line, sizeof line);
    text_add_time(&text, point->ts);
    const int64_t amounts[] = {point->equity_usd, point->cash_usd, point->unrealised_usd};
    for (int i = 0; i < 3; i++) {
      text_add_char(&text, ',');
      text_add_decimal(&text, amounts[i]);
    }
    text_add_char(&text, ',');
    if (isfinite(point->drawdown)) text_add_double(&text, point->drawdown, 8);
    text_add_char(&text, ',');
    if (isfinite(point->cumulative_r)) text_add_double(&text, point->cumulative_r, 8);
    buffer_add_format(&call->reply->body, "%s,%d\n", line, point->positions);
    return;
  }
  json_begin_object(writer, NULL);
  json_add_int(writer, "ts", point->ts);
  json_add_decimal(writer, "equity_usd", point->equity_usd);
  json_add_decimal(writer, "cash_usd", point->cash_usd);
  json_add_decimal(writer, "unrealised_usd", point->unrealised_usd);
  json_add_double(writer, "drawdown", point->drawdown);
  json_add_double(writer, "cumulative_r", point->cumulative_r);
  json_add_int(writer, "positions", point->positions);
  json_end_object(writer);
}

/* Writes the page; returns the place of the last point when there are more behind it, else -1. */
static int64_t write_points(struct call *call, const struct equity_page *page, int64_t *total) {
  int64_t last = -1, left = page->limit;
  bool has_more = false;
  *total = 0;
  for (int64_t n = 0; n < page->count; n++) {
    int64_t i = page->is_ascending ? n : page->count - 1 - n;
    const struct equity *point = &page->points[i];
    if (point->ts < page->from || point->ts >= page->to) continue;
    ++*total;
    if (page->cursor >= 0 && (page->is_ascending ? i <= page->cursor : i >= page->cursor)) continue;
    if (left == 0) {
      has_more = true;
      continue;
    }
    --left;
    last = i;
    write_point(call, page, point);
  }
  return has_more ? last : -1;
}

void handle_backtest_equity(struct call *call) {
  struct equity_page page = {0};
  void *items = NULL;
  int64_t total;
  char cursor[24];
  if (!read_page(call, &page) || !read_records(call, call->parameter, RUN_FILE_EQUITY, &items, &page.count)) return;
  page.points = items;
  if (page.is_csv) {
    buffer_add_text(&call->reply->body, "ts,equity_usd,cash_usd,unrealised_usd,drawdown,cumulative_r,positions\n");
    (void)write_points(call, &page, &total);
    call->reply->status = 200;
    call->reply->content_type = "text/csv; charset=utf-8";
  } else {
    call_begin(call);
    json_begin_array(&call->writer, "items");
    int64_t next = write_points(call, &page, &total);
    json_end_array(&call->writer);
    snprintf(cursor, sizeof cursor, "%lld", (long long)next);
    json_add_string(&call->writer, "next_cursor", next >= 0 ? cursor : NULL);
    json_add_int(&call->writer, "total", total);
    call_end(call, 200);
  }
  free(items);
}

/* ---- comparing ---- */

struct compared {
  int count;
  struct run_row rows[COMPARED_MAX];
  struct json *results[COMPARED_MAX], *params[COMPARED_MAX];
  struct preset presets[COMPARED_MAX];
};

/* The ids of the query; false after an answer. */
static bool read_ids(struct call *call, char ids[COMPARED_MAX][RUN_ID_BYTES], int *count) {
  const char *text = http_argument(call->request, "ids");
  char list[HTTP_ARGUMENT_BYTES];
  char *rest;
  bool is_good = text != NULL;
  *count = 0;
  text_copy(list, sizeof list, text != NULL ? text : "");
  for (char *word = strtok_r(list, ",", &rest); word != NULL && is_good; word = strtok_r(NULL, ",", &rest)) {
    is_good = *count < COMPARED_MAX && strlen(word) < RUN_ID_BYTES;
    if (is_good) text_copy(ids[(*count)++], RUN_ID_BYTES, word);
  }
  if (is_good && *count >= 2) return true;
  call_fail(call, 400, "bad_parameter", "name 2 to %d runs: ?ids=B000001,B000002", COMPARED_MAX);
  return false;
}

/* Row, result and preset of one run; false after an answer. */
static bool load_compared(struct call *call, const char *id, struct compared *compared) {
  char folder[RUN_PATH_BYTES];
  struct buffer text = {0};
  struct problem problem;
  int at = compared->count++;
  struct run_row *row = &compared->rows[at];
  problem_clear(&problem);
  bool is_good = load_row(call, id, row) && find_folder(call, id, WANTED_BACKTEST, folder) && read_file(call, folder, "result.json", &text);
  if (is_good) compared->results[at] = json_parse(text.data, text.length, JSON_STRICT, "result", &problem);
  if (is_good) compared->params[at] = json_parse(row->params.data, row->params.length, JSON_STRICT, "params", NULL);
  const struct json *config = member_of(member_of(compared->results[at], "preset"), "config");
  if (is_good && (config == NULL || preset_from_json(&compared->presets[at], config, NULL, &problem))) {
    call_fail(call, 500, "internal", "the result of run %s cannot be read", id);
    is_good = false;
  }
  buffer_deinit(&text);
  return is_good;
}

static void compare_figures(const struct compared *compared, struct json_writer *writer) {
  json_begin_array(writer, "metrics");
  for (int figure = 0; figure < figure_count; figure++) {
    json_begin_object(writer, NULL);
    json_add_string(writer, "name", figure_names[figure]);
    json_add_string(writer, "unit", figure_units[figure]);
    json_begin_array(writer, "values");
    for (int i = 0; i < compared->count; i++) {
      const struct json *value = member_of(member_of(compared->results[i], "metrics"), figure_names[figure]);
      json_add_double(writer, NULL, value != NULL ? json_number(value) : (double)NAN);
    }
    json_end_array(writer);
    json_end_object(writer);
  }
  json_end_array(writer);
}

/* Writes a key when its values are not the same everywhere. values: JSON texts. */
static void add_difference(struct json_writer *writer, const char *key, const struct buffer *values, int count) {
  bool is_same = true;
  for (int i = 1; i < count; i++) is_same = is_same && text_equal(values[0].data, values[i].data);
  if (is_same) return;
  json_begin_object(writer, NULL);
  json_add_string(writer, "key", key);
  json_begin_array(writer, "values");
  for (int i = 0; i < count; i++) json_add_raw(writer, NULL, values[i].data);
  json_end_array(writer);
  json_end_object(writer);
}

static void print_value(const struct json *value, struct buffer *out) {
  struct json_writer writer;
  json_writer_init(&writer, out, false);
  if (value != NULL) {
    json_add_value(&writer, NULL, value);
  } else {
    json_add_null(&writer, NULL);
  }
}

static void compare_params(const struct compared *compared, struct json_writer *writer, struct buffer values[COMPARED_MAX]) {
  static const char *const keys[] = {"dataset_id", "symbols", "from", "to", "starting_balance", "costs", "seed", "allow_bad_data"};
  for (size_t k = 0; k < sizeof keys / sizeof keys[0]; k++) {
    for (int i = 0; i < compared->count; i++) {
      struct json_writer text;
      buffer_clear(&values[i]);
      json_writer_init(&text, &values[i], false);
      if (k == 0) json_add_string(&text, NULL, compared->rows[i].dataset_id);
      if (k > 0) print_value(member_of(compared->params[i], keys[k]), &values[i]);
    }
    add_difference(writer, keys[k], values, compared->count);
  }
}

static void compare_keys(const struct compared *compared, struct json_writer *writer, struct buffer values[COMPARED_MAX]) {
  for (int k = 0; k < preset_key_count; k++) {
    bool is_value = true;
    for (int i = 0; i < compared->count; i++) {
      buffer_clear(&values[i]);
      is_value = is_value && preset_value_json(&compared->presets[i], preset_keys[k].path, &values[i]);
    }
    if (is_value) add_difference(writer, preset_keys[k].path, values, compared->count);
  }
}

static void answer_compared(struct call *call, const struct compared *compared) {
  struct buffer values[COMPARED_MAX] = {0};
  call_begin(call);
  json_begin_array(&call->writer, "runs");
  for (int i = 0; i < compared->count; i++) {
    json_begin_object(&call->writer, NULL);
    write_run(call->api, &compared->rows[i], &call->writer);
    json_end_object(&call->writer);
  }
  json_end_array(&call->writer);
  compare_figures(compared, &call->writer);
  json_begin_array(&call->writer, "differences");
  compare_params(compared, &call->writer, values);
  compare_keys(compared, &call->writer, values);
  json_end_array(&call->writer);
  call_end(call, 200);
  for (int i = 0; i < COMPARED_MAX; i++) buffer_deinit(&values[i]);
}

void handle_backtest_compare(struct call *call) {
  char ids[COMPARED_MAX][RUN_ID_BYTES];
  int count;
  if (!is_ready(call) || !read_ids(call, ids, &count)) return;
  struct compared *compared = calloc(1, sizeof *compared);
  if (compared == NULL) {
    call_fail(call, 500, "internal", "out of memory");
    return;
  }
  bool is_good = true;
  for (int i = 0; i < count && is_good; i++) is_good = load_compared(call, ids[i], compared);
  if (is_good) answer_compared(call, compared);
  for (int i = 0; i < compared->count; i++) {
    free_row(&compared->rows[i]);
    json_free(compared->results[i]);
    json_free(compared->params[i]);
  }
  free(compared);
}

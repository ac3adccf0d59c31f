/* Data sets: rows of the table datasets, which the pool of workers keeps; imports are runs of kind import. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "api/row_page.h"
#include "api/upload.h"
#include "core/market/symbol.h"

enum { IMPORT_PATH_BYTES = 512 };

static bool is_ready(struct call *call) {
  if (call->api->options.rows != NULL && call->api->options.runs != NULL) return true;
  call_fail(call, 503, "not_ready", "there is no database or no worker: this program only answers questions about its engine");
  return false;
}

/* ---- reading ---- */

static const char *text_of(const struct row_value *values, int count, const char *column) {
  const struct row_value *value = row_value_of(values, count, column);
  return value != NULL && value->kind == ROW_VALUE_TEXT ? value->text : NULL;
}

static void add_integer(struct json_writer *writer, const char *key, const struct row_value *values, int count, const char *column) {
  const struct row_value *value = row_value_of(values, count, column);
  if (value != NULL && value->kind == ROW_VALUE_INT) {
    json_add_int(writer, key, value->integer);
  } else {
    json_add_null(writer, key);
  }
}

static void add_list(struct json_writer *writer, const char *key, const struct row_value *values, int count, const char *column) {
  const char *text = text_of(values, count, column);
  json_add_raw(writer, key, text != NULL ? text : "[]");
}

/* A data set that lies below DATA_DIR was made here, every other one came with the program. */
static bool is_built_in(const struct call *call, const char *path) {
  const char *data_dir = call->api->options.settings->data_dir;
  size_t length = strlen(data_dir);
  return path == NULL || strncmp(path, data_dir, length) != 0 || strncmp(path + length, "/datasets/", 10) != 0;
}

/* Quality as measured, or the reason why it could not be, copied: the parsed document is the caller's to free. */
static struct json *read_quality(const char *text, const char **error) {
  struct json *document = text != NULL ? json_parse(text, strlen(text), JSON_STRICT, "quality", NULL) : NULL;
  const struct json *why = document != NULL ? json_member(document, "error") : NULL;
  *error = why != NULL && json_kind(why) == JSON_STRING ? json_string(why) : NULL;
  return document;
}

static void write_dataset(struct call *call, const struct row_value *values, int count) {
  struct json_writer *writer = &call->writer;
  const char *quality = text_of(values, count, "quality");
  const char *error;
  struct json *document = read_quality(quality, &error);
  json_add_string(writer, "dataset_id", text_of(values, count, "dataset_id"));
  json_add_string(writer, "name", text_of(values, count, "name"));
  json_add_string(writer, "venue", text_of(values, count, "venue"));
  json_add_string(writer, "status", error != NULL ? "failed" : quality != NULL ? "ready" : "measuring");
  json_add_bool(writer, "built_in", is_built_in(call, text_of(values, count, "path")));
  add_list(writer, "symbols", values, count, "symbols");
  add_list(writer, "capabilities", values, count, "capabilities");
  add_integer(writer, "from", values, count, "from_ts");
  add_integer(writer, "to", values, count, "to_ts");
  add_integer(writer, "rows", values, count, "rows");
  add_integer(writer, "bytes", values, count, "bytes");
  json_add_string(writer, "checksum", text_of(values, count, "checksum"));
  json_add_raw(writer, "quality", quality != NULL && error == NULL ? quality : "null");
  add_list(writer, "stamps", values, count, "stamps");
  json_add_string(writer, "error", error);
  add_integer(writer, "created_at", values, count, "created_at");
  json_free(document);
}

void handle_datasets(struct call *call) {
  static const char *const orders[] = {"asc", "desc"};
  const char *cursor = http_argument(call->request, "cursor");
  struct rows_query query = {.table = "datasets"};
  int64_t limit = 100;
  if (!is_ready(call) || !call_number(call, "limit", 1, 1000, &limit)) return;
  int order = call_word(call, "order", orders, 2, 0);
  if (order < 0) return;
  if (cursor != NULL && !run_is_dataset(cursor)) {
    call_fail(call, 400, "bad_parameter", "cursor is not of this list");
    return;
  }
  row_page_answer(call, &query, "dataset_id", order == 0, cursor, limit, write_dataset);
}

struct one {
  struct call *call;
  bool is_found, wants_quality;
};

static bool write_one(void *context, const struct row_value *values, int count) {
  struct one *one = context;
  const char *error;
  const char *quality = text_of(values, count, "quality");
  struct json *document = read_quality(quality, &error);
  one->is_found = true;
  if (!one->wants_quality) {
    call_begin(one->call);
    write_dataset(one->call, values, count);
    call_end(one->call, 200);
  } else if (quality == NULL) {
    call_fail(one->call, 409, "not_done", "the data set is being read for the first time: ask again in a moment");
  } else if (error != NULL) {
    call_fail(one->call, 409, "not_done", "the data set cannot be read: %s", error);
  } else {
    buffer_add_text(&one->call->reply->body, quality);
    one->call->reply->status = 200;
    one->call->reply->content_type = "application/json";
  }
  json_free(document);
  return false;
}

static void answer_one(struct call *call, const char *id, bool wants_quality) {
  const struct row_port *rows = call->api->options.rows;
  struct one one = {call, false, wants_quality};
  struct rows_query query = {.table = "datasets", .limit = 1};
  struct problem problem;
  problem_clear(&problem);
  if (!is_ready(call)) return;
  rows_query_add(&query, "dataset_id", ROWS_EQUAL, id);
  enum status status = run_is_dataset(id) ? rows->select(rows->self, &query, write_one, &one, &problem) : STATUS_OK;
  if (status) {
    call_fail_problem(call, 503, "not_ready", &problem);
  } else if (!one.is_found) {
    call_fail(call, 404, "not_found", "there is no data set '%.64s'", id);
  }
}

void handle_dataset(struct call *call) {
  answer_one(call, call->parameter, false);
}

void handle_dataset_quality(struct call *call) {
  answer_one(call, call->request->segments[2], true);
}

/* ---- changing ---- */

static const char *member_text(const struct json *object, const char *key) {
  const struct json *value = json_member(object, key);
  return value != NULL && json_kind(value) == JSON_STRING ? json_string(value) : NULL;
}

/* A path on the machine of the server: read by a worker that understands recorded markets only. */
static void check_import(const struct json *body, struct problem *problem) {
  const char *path = member_text(body, "path");
  const char *symbol = member_text(body, "symbol");
  char printed[SYMBOL_TEXT_MAX], venue[SYMBOL_TEXT_MAX];
  size_t plain = strcspn(path, ",\n\r\t");
  if (path[0] == '\0' || strlen(path) >= IMPORT_PATH_BYTES || plain != strlen(path)) {
    problem_add(problem, "out_of_bounds", "path", NULL, "a path of at most 511 bytes without commas", "is not a path that can be imported");
  } else if (access(path, R_OK) != 0) {
    problem_add(problem, "not_found", "path", path, NULL, "there is no such file on the server, or it may not be read");
  }
  if (!run_is_dataset(member_text(body, "name")))
    problem_add(problem, "out_of_bounds", "name", NULL, "1 to 64 letters, digits, - _ .", "is not the name of a data set");
  if (symbol != NULL && !symbol_parse(symbol, printed, venue)) problem_add(problem, "bad_symbol", "symbol", symbol, "BTCUSDT", "is not a symbol");
}

static void start_import(struct call *call, const char *name) {
  static const char *const kept[] = {"path", "format", "symbol", "allow_bad_data"};
  const struct run_port *runs = call->api->options.runs;
  struct buffer params = {0};
  struct json_writer writer;
  struct problem problem;
  char id[RUN_ID_BYTES];
  problem_clear(&problem);
  json_writer_init(&writer, &params, false);
  json_begin_object(&writer, NULL);
  for (size_t i = 0; i < sizeof kept / sizeof kept[0]; i++) {
    const struct json *value = json_member(call->body, kept[i]);
    if (value != NULL && json_kind(value) != JSON_NULL) json_add_value(&writer, kept[i], value);
  }
  json_end_object(&writer);
  const struct run_request request = {.kind = "import", .dataset_id = name, .params = params.data, .user = call->caller.user};
  enum status status = runs->start(runs->self, &request, id, &problem);
  if (status == STATUS_IN_USE) call_fail_problem(call, 503, "not_ready", &problem);
  if (status && status != STATUS_IN_USE) call_fail_problem(call, 500, "internal", &problem);
  if (!status) upload_keep(call);
  if (!status) answer_run(call, id, 202);
  buffer_deinit(&params);
}

void handle_dataset_import(struct call *call) {
  const struct run_port *runs = call->api->options.runs;
  const char *name = member_text(call->body, "name");
  struct problem problem;
  problem_clear(&problem);
  if (!is_ready(call)) return;
  check_import(call->body, &problem);
  if (problem_has_error(&problem)) {
    call_fail_problem(call, 422, "validation_failed", &problem);
  } else if (runs->has_dataset(runs->self, name) || runs->is_dataset_used(runs->self, name)) {
    call_fail(call, 409, "already_exists", "there is a data set %s already, or it is being imported", name);
  } else {
    start_import(call, name);
  }
}

void handle_dataset_download(struct call *call) {
  call_fail(call, 501, "not_in_version", "no venue can be reached in this version: import files instead");
}

void handle_dataset_delete(struct call *call) {
  const struct run_port *runs = call->api->options.runs;
  struct problem problem;
  problem_clear(&problem);
  if (!is_ready(call)) return;
  enum status status = runs->remove_dataset(runs->self, call->parameter, &problem);
  if (status == STATUS_NOT_FOUND) {
    call_fail_problem(call, 404, "not_found", &problem);
  } else if (status == STATUS_IN_USE || status == STATUS_NO_PERMISSION) {
    call_fail_problem(call, 409, "in_use", &problem);
  } else if (status) {
    call_fail_problem(call, 500, "internal", &problem);
  } else {
    call_begin(call);
    json_add_bool(&call->writer, "success", true);
    call_end(call, 200);
  }
}

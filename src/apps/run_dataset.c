/* Data sets as rows: what lies in the folders, read once by a worker, and again when its files change. */
#include <dirent.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "apps/answers.h"
#include "apps/run_pool_state.h"
#include "base/folder.h"
#include "base/log.h"
#include "base/text.h"

enum { PATH_BYTES = RUN_PATH_BYTES + 300 };

static bool is_folder(const char *path) {
  struct stat info;
  return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

bool pool_dataset_path(const struct run_pool *pool, const char *dataset, char out[RUN_PATH_BYTES], bool *is_shipped) {
  if (!run_is_dataset(dataset)) return false;
  snprintf(out, RUN_PATH_BYTES, "%.600s/datasets/%s", pool->options.settings->data_dir, dataset);
  if (is_shipped != NULL) *is_shipped = false;
  if (is_folder(out)) return true;
  if (pool->recordings[0] == '\0') return false;
  snprintf(out, RUN_PATH_BYTES, "%.700s/%s", pool->recordings, dataset);
  if (is_shipped != NULL) *is_shipped = true;
  return is_folder(out);
}

/* Bytes of the files of a folder. */
static int64_t size_of(const char *folder) {
  char path[PATH_BYTES];
  struct stat info;
  int64_t bytes = 0;
  DIR *directory = opendir(folder);
  if (directory == NULL) return 0;
  for (const struct dirent *entry; (entry = readdir(directory)) != NULL;) {
    snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
    if (entry->d_name[0] != '.' && stat(path, &info) == 0 && S_ISREG(info.st_mode)) bytes += info.st_size;
  }
  closedir(directory);
  return bytes;
}

/* ---- rows ---- */

struct known {
  bool is_there, is_measured;
  int64_t bytes;
};

static bool take_known(void *context, const struct row_value *values, int count) {
  struct known *known = context;
  const struct row_value *bytes = row_value_of(values, count, "bytes");
  const struct row_value *checksum = row_value_of(values, count, "checksum");
  known->is_there = true;
  known->is_measured = checksum != NULL && checksum->kind == ROW_VALUE_TEXT;
  known->bytes = bytes != NULL && bytes->kind == ROW_VALUE_INT ? bytes->integer : 0;
  return false;
}

static void tell_failure(const char *dataset, const struct problem *problem) {
  log_write(LOG_WARNING, "storage", "datasets", NULL, "the row of data set %s: %s", dataset,
            problem->count > 0 ? problem->items[0].message : "failed");
}

static void query_of(const char *dataset, struct rows_query *query) {
  *query = (struct rows_query){.table = "datasets", .limit = 1};
  rows_query_add(query, "dataset_id", ROWS_EQUAL, dataset);
}

/* A row for a folder that has none; one whose files have changed is read again. */
static void look_at(struct run_pool *pool, const char *dataset) {
  const struct row_port *rows = pool->options.rows;
  char path[RUN_PATH_BYTES];
  struct known known = {0};
  struct problem problem;
  struct rows_query query;
  problem_clear(&problem);
  if (!pool_dataset_path(pool, dataset, path, NULL)) return;
  int64_t bytes = size_of(path);
  query_of(dataset, &query);
  enum status status = rows->select(rows->self, &query, take_known, &known, &problem);
  if (!status && known.is_measured && known.bytes == bytes) return;
  const struct row_value values[] = {row_text("dataset_id", dataset), row_text("name", dataset),
                                     row_text("path", path),          row_int("bytes", bytes),
                                     row_text("symbols", "[]"),       row_text("capabilities", "[]"),
                                     row_text("stamps", "[]"),        row_text("checksum", NULL),
                                     row_text("quality", NULL),       row_int("created_at", pool_now_ms(pool))};
  int count = (int)(sizeof values / sizeof values[0]);
  if (!status && known.is_there) {
    status = rows->update(rows->self, &query, values + 2, count - 3, NULL, &problem);
  } else if (!status) {
    status = rows->insert(rows->self, "datasets", values, count, NULL, &problem);
  }
  if (status) tell_failure(dataset, &problem);
  if (!status) pool_measure(pool, dataset);
}

static void look_into(struct run_pool *pool, const char *folder) {
  struct dirent **entries;
  int count = scandir(folder, &entries, NULL, alphasort);
  for (int i = 0; i < count; i++) {
    if (run_is_dataset(entries[i]->d_name)) look_at(pool, entries[i]->d_name);
    free(entries[i]);
  }
  if (count >= 0) free(entries);
}

/* Rows whose folder is gone. */
struct gone {
  const struct run_pool *pool;
  struct buffer names; /* with their NULs */
};

static bool take_gone(void *context, const struct row_value *values, int count) {
  struct gone *gone = context;
  char path[RUN_PATH_BYTES];
  const struct row_value *id = row_value_of(values, count, "dataset_id");
  if (id == NULL || id->kind != ROW_VALUE_TEXT || pool_dataset_path(gone->pool, id->text, path, NULL)) return true;
  buffer_add(&gone->names, id->text, strlen(id->text) + 1);
  return true;
}

static void forget_gone(struct run_pool *pool) {
  const struct row_port *rows = pool->options.rows;
  struct gone gone = {.pool = pool};
  struct rows_query query = {.table = "datasets"};
  struct problem problem;
  problem_clear(&problem);
  if (rows->select(rows->self, &query, take_gone, &gone, &problem)) tell_failure("", &problem);
  for (size_t at = 0; at < gone.names.length; at += strlen(gone.names.data + at) + 1) {
    query_of(gone.names.data + at, &query);
    if (rows->remove(rows->self, &query, NULL, &problem)) tell_failure(gone.names.data + at, &problem);
  }
  buffer_deinit(&gone.names);
}

void pool_find_datasets(struct run_pool *pool) {
  char folder[RUN_PATH_BYTES];
  snprintf(folder, sizeof folder, "%.700s/datasets", pool->options.settings->data_dir);
  forget_gone(pool);
  look_into(pool, folder);
  if (pool->recordings[0] != '\0') look_into(pool, pool->recordings);
}

/* ---- after a reading ---- */

static void copy_member(const struct json *document, const char *key, struct buffer *out) {
  const struct json *value = json_member(document, key);
  if (value != NULL) pool_copy(value, out);
  if (value == NULL) buffer_add_text(out, "[]");
}

struct reading {
  struct buffer symbols, capabilities, stamps, quality;
  int64_t rows;
};

static void summarise(const struct json *output, struct reading *reading) {
  const struct json *symbols = json_member(output, "symbols");
  size_t count = symbols != NULL ? json_size(symbols) : 0;
  struct buffer details = {0};
  struct json_writer names, quality;
  double score = 0;
  bool is_usable = count > 0;
  json_writer_init(&names, &reading->symbols, false);
  json_begin_array(&names, NULL);
  for (size_t i = 0; i < count; i++) {
    const struct json *symbol = json_item(symbols, i);
    json_add_string(&names, NULL, answers_text(symbol, "symbol"));
    reading->rows += (int64_t)answers_number(symbol, "rows");
    score += answers_number(symbol, "score");
    is_usable = is_usable && answers_bool(symbol, "is_usable");
  }
  json_end_array(&names);
  copy_member(output, "symbols", &details);
  json_writer_init(&quality, &reading->quality, false);
  json_begin_object(&quality, NULL);
  json_add_double(&quality, "score", count > 0 ? score / (double)count : (double)NAN);
  json_add_bool(&quality, "is_usable", is_usable);
  json_add_raw(&quality, "symbols", details.data);
  json_end_object(&quality);
  copy_member(output, "capabilities", &reading->capabilities);
  copy_member(output, "stamps", &reading->stamps);
  buffer_deinit(&details);
}

static enum status store_reading(struct run_pool *pool, const struct rows_query *query, const struct json *output, struct problem *problem) {
  const struct row_port *rows = pool->options.rows;
  struct reading reading = {0};
  summarise(output, &reading);
  const struct row_value values[] = {row_text("symbols", reading.symbols.data),
                                     row_text("capabilities", reading.capabilities.data),
                                     row_int("from_ts", (int64_t)answers_number(output, "from")),
                                     row_int("to_ts", (int64_t)answers_number(output, "to")),
                                     row_int("rows", reading.rows),
                                     row_text("checksum", answers_text(output, "checksum")),
                                     row_text("quality", reading.quality.data),
                                     row_text("stamps", reading.stamps.data)};
  enum status status = rows->update(rows->self, query, values, (int)(sizeof values / sizeof values[0]), NULL, problem);
  buffer_deinit(&reading.symbols);
  buffer_deinit(&reading.capabilities);
  buffer_deinit(&reading.stamps);
  buffer_deinit(&reading.quality);
  return status;
}

/* {"error": why} stands where the quality would. */
static enum status store_failure(struct run_pool *pool, const struct rows_query *query, const char *reason, struct problem *problem) {
  const struct row_port *rows = pool->options.rows;
  struct buffer text = {0};
  struct json_writer json;
  json_writer_init(&json, &text, false);
  json_begin_object(&json, NULL);
  json_add_string(&json, "error", reason);
  json_end_object(&json);
  const struct row_value values[] = {row_text("quality", text.data)};
  enum status status = rows->update(rows->self, query, values, 1, NULL, problem);
  buffer_deinit(&text);
  return status;
}

void pool_store_dataset(struct run_pool *pool, const char *dataset, const struct json *output, const char *reason) {
  struct rows_query query;
  struct problem problem;
  problem_clear(&problem);
  query_of(dataset, &query);
  if (output != NULL ? store_reading(pool, &query, output, &problem) : store_failure(pool, &query, reason, &problem)) tell_failure(dataset, &problem);
}

enum status pool_remove_dataset(struct run_pool *pool, const char *dataset, struct problem *problem) {
  const struct row_port *rows = pool->options.rows;
  char path[RUN_PATH_BYTES];
  bool is_shipped;
  struct rows_query query;
  if (!pool_dataset_path(pool, dataset, path, &is_shipped)) {
    problem_add(problem, "not_found", dataset, NULL, NULL, "there is no such data set");
    return STATUS_NOT_FOUND;
  }
  if (is_shipped) {
    problem_add(problem, "in_use", dataset, NULL, NULL, "a data set that came with the program cannot be deleted");
    return STATUS_NO_PERMISSION;
  }
  (void)folder_remove(path);
  if (is_folder(path)) {
    problem_add(problem, "cannot_delete", path, NULL, NULL, "something in the folder is not ours: it was not removed");
    return STATUS_IO_FAILED;
  }
  query_of(dataset, &query);
  enum status status = rows->remove(rows->self, &query, NULL, problem);
  if (!status && pool_dataset_path(pool, dataset, path, NULL)) look_at(pool, dataset); /* a shipped one of the same name shows again */
  return status;
}

#include "adapters/store/sqlite_rows.h"

#include <stdlib.h>
#include <sys/stat.h>

#include "adapters/store/sqlite_query.h"
#include "base/check.h"
#include "base/text.h"

struct sqlite_rows {
  struct database database;
  char path[DATABASE_PATH_MAX];
  dev_t device; /* which file the connection has: another one under the same name is opened anew */
  ino_t inode;
  void *object;          /* owned; place for the largest record */
  struct buffer scratch; /* texts of the row at hand */
};

static bool is_same_file(const struct sqlite_rows *rows) {
  struct stat info;
  return stat(rows->path, &info) == 0 && info.st_dev == rows->device && info.st_ino == rows->inode;
}

static enum status open_file(struct sqlite_rows *rows, struct problem *problem) {
  struct stat info;
  enum status status = database_open(&rows->database, rows->path, DATABASE_FOR_WRITING, ROWS_BUSY_MS, problem);
  if (status != STATUS_OK) return status;
  if (stat(rows->path, &info) != 0) info = (struct stat){0};
  rows->device = info.st_dev;
  rows->inode = info.st_ino;
  return STATUS_OK;
}

/* Before every call: a connection to the file that is there now, and a new budget. */
static enum status ready(struct sqlite_rows *rows, struct problem *problem) {
  bool is_busy = rows->database.handle != NULL && database_is_in_transaction(&rows->database);
  if (rows->database.handle != NULL && !is_busy && !is_same_file(rows)) database_close(&rows->database);
  enum status status = rows->database.handle == NULL ? open_file(rows, problem) : STATUS_OK;
  if (status == STATUS_OK) database_limit(&rows->database, ROWS_BUDGET_MS);
  return status;
}

/* After every call: a connection that failed in itself is closed; what was asked wrongly, a lock and a lack of time are no faults of it. */
static enum status done(struct sqlite_rows *rows, enum status status) {
  bool is_fault = status == STATUS_IO_FAILED || status == STATUS_CORRUPT || status == STATUS_FAILED || status == STATUS_READ_ONLY;
  if (is_fault && rows->database.handle != NULL) database_close(&rows->database);
  return status;
}

static enum status read_rows(struct sqlite_rows *rows, struct store_rows *found, rows_visit *visit, void *context, struct problem *problem) {
  struct row_value values[ROWS_COLUMNS_MAX];
  enum status status;
  while ((status = store_rows_next(found, problem)) == STATUS_OK) {
    int count = store_rows_values(found, values, &rows->scratch);
    if (!visit(context, values, count)) return STATUS_OK;
  }
  return status == STATUS_END ? STATUS_OK : status;
}

static enum status select_rows(void *self, const struct rows_query *query, rows_visit *visit, void *context, struct problem *problem) {
  struct sqlite_rows *rows = self;
  struct store_rows found = {0};
  enum status status = ready(rows, problem);
  if (status == STATUS_OK) status = store_select(&rows->database, query, &found, problem);
  if (status == STATUS_OK) status = read_rows(rows, &found, visit, context, problem);
  store_rows_close(&found);
  return done(rows, status);
}

static enum status read_objects(struct sqlite_rows *rows, struct store_rows *found, rows_visit_object *visit, void *context,
                                struct problem *problem) {
  enum status status;
  while ((status = store_rows_next(found, problem)) == STATUS_OK) {
    status = store_rows_object(found, rows->object, problem);
    if (status != STATUS_OK) return status;
    if (!visit(context, rows->object)) return STATUS_OK;
  }
  return status == STATUS_END ? STATUS_OK : status;
}

static enum status select_objects(void *self, const struct rows_query *query, rows_visit_object *visit, void *context, struct problem *problem) {
  struct sqlite_rows *rows = self;
  struct store_rows found = {0};
  enum status status = ready(rows, problem);
  if (status == STATUS_OK) status = store_select(&rows->database, query, &found, problem);
  if (status == STATUS_OK && found.table->record == STORE_NO_RECORD) {
    problem_add(problem, "no_record", "table", query->table, NULL, "no record of the engine fills this table");
    status = STATUS_BAD_INPUT;
  }
  if (status == STATUS_OK) status = read_objects(rows, &found, visit, context, problem);
  store_rows_close(&found);
  return done(rows, status);
}

static enum status count_rows(void *self, const struct rows_query *query, int64_t *count, struct problem *problem) {
  struct sqlite_rows *rows = self;
  enum status status = ready(rows, problem);
  if (status == STATUS_OK) status = store_count(&rows->database, query, count, problem);
  return done(rows, status);
}

static enum status insert_row(void *self, const char *table, const struct row_value *values, int count, int64_t *id, struct problem *problem) {
  struct sqlite_rows *rows = self;
  enum status status = ready(rows, problem);
  if (status == STATUS_OK) status = store_insert(&rows->database, table, values, count, problem);
  if (status == STATUS_OK && id != NULL) *id = database_last_id(&rows->database);
  return done(rows, status);
}

static enum status update_rows(void *self, const struct rows_query *which, const struct row_value *values, int count, int64_t *changed,
                               struct problem *problem) {
  struct sqlite_rows *rows = self;
  enum status status = ready(rows, problem);
  if (status == STATUS_OK) status = store_update(&rows->database, which, values, count, problem);
  if (status == STATUS_OK && changed != NULL) *changed = database_changes(&rows->database);
  return done(rows, status);
}

static enum status remove_rows(void *self, const struct rows_query *which, int64_t *changed, struct problem *problem) {
  struct sqlite_rows *rows = self;
  enum status status = ready(rows, problem);
  if (status == STATUS_OK) status = store_remove(&rows->database, which, problem);
  if (status == STATUS_OK && changed != NULL) *changed = database_changes(&rows->database);
  return done(rows, status);
}

static enum status begin(void *self, struct problem *problem) {
  struct sqlite_rows *rows = self;
  enum status status = ready(rows, problem);
  if (status == STATUS_OK) status = database_run(&rows->database, "BEGIN IMMEDIATE", problem);
  return done(rows, status);
}

static enum status commit(void *self, struct problem *problem) {
  struct sqlite_rows *rows = self;
  if (rows->database.handle == NULL || !database_is_in_transaction(&rows->database)) {
    problem_add(problem, "database_failed", rows->path, NULL, NULL, "the transaction was lost with the connection");
    return STATUS_IO_FAILED;
  }
  database_limit(&rows->database, ROWS_BUDGET_MS);
  return database_run(&rows->database, "COMMIT", problem);
}

static void rollback(void *self) {
  struct sqlite_rows *rows = self;
  if (rows->database.handle == NULL || !database_is_in_transaction(&rows->database)) return;
  database_limit(&rows->database, ROWS_BUDGET_MS);
  if (database_run(&rows->database, "ROLLBACK", NULL) != STATUS_OK) database_close(&rows->database);
}

static size_t largest_record(void) {
  size_t largest = sizeof(struct level);
  for (int i = 0; i < record_kind_count; i++) {
    if (record_schemas[i]->size > largest) largest = record_schemas[i]->size;
  }
  return largest;
}

enum status sqlite_rows_open(struct sqlite_rows **out, const char *path, struct problem *problem) {
  struct sqlite_rows *rows = calloc(1, sizeof *rows);
  check(rows != NULL);
  rows->object = malloc(largest_record());
  check(rows->object != NULL);
  text_copy(rows->path, sizeof rows->path, path);
  enum status status = open_file(rows, problem);
  if (status != STATUS_OK) {
    sqlite_rows_close(rows);
    return status;
  }
  *out = rows;
  return STATUS_OK;
}

void sqlite_rows_close(struct sqlite_rows *rows) {
  if (rows == NULL) return;
  database_close(&rows->database);
  buffer_deinit(&rows->scratch);
  free(rows->object);
  free(rows);
}

void sqlite_rows_port(struct sqlite_rows *rows, struct row_port *out) {
  *out = (struct row_port){.self = rows,
                           .select = select_rows,
                           .select_objects = select_objects,
                           .count = count_rows,
                           .insert = insert_row,
                           .update = update_rows,
                           .remove = remove_rows,
                           .begin = begin,
                           .commit = commit,
                           .rollback = rollback};
}

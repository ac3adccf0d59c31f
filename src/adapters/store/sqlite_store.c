#include "adapters/store/sqlite_store.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "adapters/store/migrations.h"
#include "adapters/store/record_row.h"
#include "base/check.h"
#include "base/log.h"
#include "base/text.h"

enum { WRITERS_MAX = record_kind_count + 4 };

/* One table that a kind of record fills. */
struct writer {
  struct row_map map;
  struct database_statement statement;
};

struct sqlite_store {
  struct database database;
  char path[DATABASE_PATH_MAX];
  char account[32];
  bool may_migrate;
  struct writer *writers;
  int writer_count;
  char session_id[16], venue[24]; /* of the session that is running */
  struct database_statement put_seq;
  uint64_t batch_seq, stored_seq;
  dev_t device; /* which file the connection has: another one under the same name is a loss */
  ino_t inode;
  enum status last; /* told in the log */
  struct buffer scratch;
  struct problem problem;
};

static int64_t now_ms(void) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Opening */

static void close_database(struct sqlite_store *store) {
  for (int i = 0; i < store->writer_count; i++) database_finish(&store->writers[i].statement);
  database_finish(&store->put_seq);
  database_close(&store->database);
}

static enum status check_schema(struct sqlite_store *store) {
  int version = 0;
  enum status status = migrations_check(&store_schema, &store->database, &version, &store->problem);
  if (status != STATUS_OK || version == migrations_newest(&store_schema)) return status;
  if (store->may_migrate) return migrations_run(&store_schema, &store->database, migrations_newest(&store_schema), now_ms(), &store->problem);
  problem_add(&store->problem, "pending_migrations", store->path, NULL, NULL,
              "the database has schema version %d and this program needs %d: run 'breakout db migrate'", version, migrations_newest(&store_schema));
  return STATUS_BAD_CONFIG;
}

static enum status prepare_writers(struct sqlite_store *store) {
  enum status status = STATUS_OK;
  for (int i = 0; i < store->writer_count && status == STATUS_OK; i++) {
    buffer_clear(&store->scratch);
    row_map_sql(&store->writers[i].map, &store->scratch);
    status = database_prepare(&store->database, &store->writers[i].statement, store->scratch.data, &store->problem);
  }
  if (status != STATUS_OK) return status;
  return database_prepare(&store->database, &store->put_seq,
                          "INSERT INTO counters(name, value) VALUES('journal_seq', ?) ON CONFLICT(name) DO UPDATE SET value = excluded.value",
                          &store->problem);
}

/* A database that lost rows since we wrote them (another file, an old backup) is not gone on with: the rows between would be missing for ever. A new
 * start looks at it first and fills it from the journal. */
static enum status read_seq(struct sqlite_store *store) {
  int64_t seq = 0;
  enum status status = database_read_int(&store->database, "SELECT value FROM counters WHERE name = 'journal_seq'", 0, &seq, &store->problem);
  if (status != STATUS_OK) return status;
  if ((uint64_t)seq < store->stored_seq) {
    problem_add(&store->problem, "database_replaced", store->path, NULL, NULL,
                "the database ends at record %lld, %llu were stored: start the server again to fill it from the journal", (long long)seq,
                (unsigned long long)store->stored_seq);
    return STATUS_FAILED;
  }
  store->stored_seq = (uint64_t)seq;
  return STATUS_OK;
}

/* Which session is running: rows without one of their own belong to it. */
static enum status read_session(struct sqlite_store *store) {
  struct database_statement newest = {0};
  store->session_id[0] = store->venue[0] = '\0';
  enum status status = database_prepare(&store->database, &newest,
                                        "SELECT session_id, venue, ended_at FROM sessions ORDER BY session_id DESC LIMIT 1", &store->problem);
  if (status != STATUS_OK) return status;
  status = database_step(&newest, &store->problem);
  if (status == STATUS_OK) {
    text_copy(store->venue, sizeof store->venue, database_column_text(&newest, 1));
    if (database_column_is_null(&newest, 2)) text_copy(store->session_id, sizeof store->session_id, database_column_text(&newest, 0));
  }
  database_finish(&newest);
  return status == STATUS_END ? STATUS_OK : status;
}

static void remember_file(struct sqlite_store *store) {
  struct stat info = {0};
  if (stat(store->path, &info) != 0) info = (struct stat){0};
  store->device = info.st_dev;
  store->inode = info.st_ino;
}

static bool is_same_file(const struct sqlite_store *store) {
  struct stat info;
  return stat(store->path, &info) == 0 && info.st_dev == store->device && info.st_ino == store->inode;
}

/* Only the first opening makes a file: later a missing one is waited for. */
static enum status open_database(struct sqlite_store *store) {
  problem_clear(&store->problem);
  enum database_mode mode = store->inode == 0 ? DATABASE_MADE : DATABASE_FOR_WRITING;
  enum status status = database_open(&store->database, store->path, mode, DATABASE_BUSY_MS, &store->problem);
  if (status == STATUS_OK) status = check_schema(store);
  if (status == STATUS_OK) status = prepare_writers(store);
  if (status == STATUS_OK) status = read_seq(store);
  if (status == STATUS_OK) status = read_session(store);
  if (status != STATUS_OK) {
    close_database(store);
    return status;
  }
  remember_file(store);
  return STATUS_OK;
}

/* Failures */

static enum status tell(struct sqlite_store *store, enum status status) {
  if (status == store->last) return status;
  if (status == STATUS_OK) {
    log_write(LOG_INFO, "storage", "store_available", NULL, "the database takes records again");
  } else {
    const char *message = store->problem.count > 0 ? store->problem.items[0].message : status_text(status);
    log_write(LOG_ERROR, "storage", "store_unavailable", NULL, "%s: %s; records wait in the journal", store->path, message);
  }
  store->last = status;
  return status;
}

/* Gives the batch up. A connection that only waited for a lock stays; any other failure is met with a new one. */
static enum status give_up(struct sqlite_store *store, enum status status) {
  bool is_usable = status == STATUS_IN_USE;
  if (store->database.handle != NULL && database_is_in_transaction(&store->database)) {
    is_usable = database_run(&store->database, "ROLLBACK", NULL) == STATUS_OK && is_usable;
  }
  if (!is_usable) close_database(store);
  return tell(store, status);
}

/* The port */

static enum status begin(void *self) {
  struct sqlite_store *store = self;
  enum status status = STATUS_OK;
  problem_clear(&store->problem);
  store->batch_seq = 0;
  if (store->database.handle != NULL && !is_same_file(store)) {
    problem_add(&store->problem, "database_gone", store->path, NULL, NULL, "the file of the database was removed or replaced");
    return give_up(store, STATUS_IO_FAILED);
  }
  if (store->database.handle == NULL) {
    status = open_database(store);
    if (status != STATUS_OK) return tell(store, status);
  }
  if (database_is_in_transaction(&store->database)) status = database_run(&store->database, "ROLLBACK", &store->problem);
  if (status == STATUS_OK) status = database_run(&store->database, "BEGIN IMMEDIATE", &store->problem);
  return status == STATUS_OK ? STATUS_OK : give_up(store, status);
}

static void follow_session(struct sqlite_store *store, const struct session_record *session) {
  struct text text;
  text_copy(store->venue, sizeof store->venue, session->venue);
  text_init(&text, store->session_id, sizeof store->session_id);
  if (session->ended_at == 0) text_add_id(&text, 'S', 6, session->session_id);
}

static enum status put(void *self, enum record_kind kind, uint64_t seq, const void *object) {
  struct sqlite_store *store = self;
  if (store->database.handle == NULL) return STATUS_IO_FAILED; /* a put of this batch has failed before */
  if (kind == RECORD_SESSION) follow_session(store, object);
  const struct row_context context = {.account = store->account, .run_id = "", .venue = store->venue, .session_id = store->session_id};
  for (int i = 0; i < store->writer_count; i++) {
    struct writer *writer = &store->writers[i];
    if (writer->map.table->record != (int)kind || !row_bind(&writer->map, object, &context, &writer->statement, &store->scratch)) continue;
    enum status status = database_step(&writer->statement, &store->problem);
    if (status != STATUS_END) return give_up(store, status);
  }
  if (seq > store->batch_seq) store->batch_seq = seq;
  return STATUS_OK;
}

static enum status commit(void *self) {
  struct sqlite_store *store = self;
  if (store->database.handle == NULL) return STATUS_IO_FAILED;
  enum status status = STATUS_END;
  uint64_t seq = store->batch_seq > store->stored_seq ? store->batch_seq : store->stored_seq;
  if (seq != store->stored_seq) {
    database_bind_int(&store->put_seq, 1, (int64_t)seq);
    status = database_step(&store->put_seq, &store->problem);
  }
  if (status == STATUS_END) status = database_run(&store->database, "COMMIT", &store->problem);
  if (status != STATUS_OK) return give_up(store, status);
  store->stored_seq = seq;
  return tell(store, STATUS_OK); /* not before: a full disk is met by the rows, not by the beginning of a batch */
}

static uint64_t last_seq(void *self) {
  const struct sqlite_store *store = self;
  return store->stored_seq;
}

static void close_store(void *self) {
  struct sqlite_store *store = self;
  close_database(store);
  buffer_deinit(&store->scratch);
  free(store->writers);
  free(store);
}

static struct sqlite_store *make(const struct sqlite_store_options *options) {
  struct sqlite_store *store = calloc(1, sizeof *store);
  check(store != NULL);
  store->writers = calloc(WRITERS_MAX, sizeof *store->writers);
  check(store->writers != NULL);
  for (int i = 0; i < store_table_count; i++) {
    if (store_tables[i].record == STORE_NO_RECORD) continue;
    check(store->writer_count < WRITERS_MAX);
    row_map_init(&store->writers[store->writer_count++].map, &store_tables[i]);
  }
  text_copy(store->path, sizeof store->path, options->path);
  text_copy(store->account, sizeof store->account, options->account);
  store->may_migrate = options->may_migrate;
  return store;
}

enum status sqlite_store_open(struct store *store, const struct sqlite_store_options *options, struct problem *problem) {
  *store = (struct store){.name = "sqlite", .begin = begin, .put = put, .commit = commit, .last_seq = last_seq, .close = close_store};
  struct sqlite_store *self = make(options);
  enum status status = open_database(self);
  if (status != STATUS_OK) {
    for (int i = 0; i < self->problem.count; i++) {
      const struct problem_item *item = &self->problem.items[i];
      problem_add(problem, item->code, item->path, item->value, item->allowed, "%s", item->message);
    }
    close_store(self);
    return status;
  }
  store->self = self;
  return STATUS_OK;
}

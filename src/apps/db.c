/* The verb db: the database and the journal beside it. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "adapters/store/migrations.h"
#include "adapters/store/sqlite_query.h"
#include "adapters/store/sqlite_rows.h"
#include "adapters/store/sqlite_store.h"
#include "adapters/store/trade_digest.h"
#include "api/access/audit.h"
#include "apps/app.h"
#include "apps/backup.h"
#include "apps/running.h"
#include "base/calendar.h"
#include "base/text.h"
#include "runner/journal.h"

enum { PATH_BYTES = 1024, REBUILD_BATCH = 2000 };

enum { OPTION_TO, OPTION_DRY_RUN, OPTION_COPY, OPTION_DAYS, OPTION_OUTPUT, OPTION_VERIFY, OPTION_FORCE, OPTION_REPAIR, OPTION_BACK, OPTION_COUNT };
static const struct app_option options[OPTION_COUNT] = {
    [OPTION_TO] = {"to", 0, true, "N", "schema version to go to (migrate), or URL (copy)"},
    [OPTION_DRY_RUN] = {"dry-run", 0, false, NULL, "say what would be done"},
    [OPTION_COPY] = {"copy", 0, false, NULL, "migrate a copy and leave the database as it is"},
    [OPTION_DAYS] = {"days", 0, true, "N", "cleanup: keep market data of N days"},
    [OPTION_OUTPUT] = {"output", 'o', true, "FILE", "backup: name of the file"},
    [OPTION_VERIFY] = {"verify", 0, false, NULL, "backup: unpack and check it"},
    [OPTION_FORCE] = {"force", 0, false, NULL, "restore over positions that the backup does not know"},
    [OPTION_REPAIR] = {"repair", 0, false, NULL, "verify: cut a damaged journal before the damage"},
    [OPTION_BACK] = {"back", 0, false, NULL, "migrate: undo what a newer program made of the schema"},
};

struct db {
  struct app *app;
  char path[PATH_BYTES];
  const char *words[4]; /* behind the form */
  int word_count;
  const char *values[OPTION_COUNT]; /* NULL: not given */
  struct database database;
  struct buffer out;
  struct json_writer json;
};

static bool is_json(const struct db *db) {
  return db->app->output == OUTPUT_JSON || db->app->output == OUTPUT_JSONL;
}

/* ---- what every form needs ---- */

/* The result as "name  value" lines or one JSON object. */
static void begin_result(struct db *db) {
  json_writer_init(&db->json, &db->out, db->app->output == OUTPUT_JSON);
  if (is_json(db)) json_begin_object(&db->json, NULL);
}

static void add_text(struct db *db, const char *name, const char *value) {
  if (is_json(db)) {
    json_add_string(&db->json, name, value);
  } else {
    buffer_add_format(&db->out, "%-20s %s\n", name, value != NULL ? value : "none");
  }
}

static void add_number(struct db *db, const char *name, int64_t value) {
  if (is_json(db)) {
    json_add_int(&db->json, name, value);
  } else {
    buffer_add_format(&db->out, "%-20s %lld\n", name, (long long)value);
  }
}

static int end_result(struct db *db, int code) {
  if (is_json(db)) {
    json_end_object(&db->json);
    buffer_add_text(&db->out, "\n");
  }
  app_print(&db->out);
  return code;
}

static enum status open_database(struct db *db, enum database_mode mode) {
  return database_open(&db->database, db->path, mode, DATABASE_BUSY_MS, &db->app->problem);
}

static enum status need_stopped_server(struct db *db, const char *what) {
  if (!running_on(db->app->settings.data_dir, NULL)) return STATUS_OK;
  problem_add(&db->app->problem, "server_running", db->app->settings.data_dir, NULL, "./stop.sh", "%s needs the server stopped", what);
  return STATUS_IN_USE;
}

/* ---- status ---- */

static void add_journal(struct db *db) {
  struct journal_reader reader;
  struct problem unused;
  problem_clear(&unused);
  enum status status = journal_reader_open(&reader, db->app->settings.data_dir, NULL, 0, &unused);
  add_number(db, "journal_segments", status == STATUS_OK ? (int64_t)reader.segment_count : 0);
  if (status == STATUS_OK) journal_reader_close(&reader);
}

static void add_backup(struct db *db) {
  struct store_rows rows;
  struct buffer text = {0};
  struct rows_query query = {.table = "backups", .order = "ts", .limit = 1};
  bool is_known = false;
  if (store_select(&db->database, &query, &rows, &db->app->problem) == STATUS_OK) {
    is_known = store_rows_next(&rows, &db->app->problem) == STATUS_OK;
    if (is_known) store_rows_text(&rows, 0, &text);
    store_rows_close(&rows);
  }
  add_text(db, "last_backup", is_known ? text.data : NULL);
  buffer_deinit(&text);
}

static int run_status(struct db *db) {
  struct stat info = {0};
  int version = 0;
  int64_t seq = 0;
  enum status status = open_database(db, DATABASE_FOR_READING);
  if (status != STATUS_OK) return app_fail(db->app, status);
  status = migrations_check(&store_schema, &db->database, &version, &db->app->problem);
  if (status == STATUS_OK && version > 0)
    status = database_read_int(&db->database, "SELECT value FROM counters WHERE name = 'journal_seq'", 0, &seq, &db->app->problem);
  if (status != STATUS_OK || stat(db->path, &info) != 0) return app_fail(db->app, status != STATUS_OK ? status : STATUS_IO_FAILED);
  begin_result(db);
  add_text(db, "kind", "sqlite");
  add_text(db, "path", db->path);
  add_number(db, "bytes", info.st_size);
  add_number(db, "schema_version", version);
  add_number(db, "pending_migrations", migrations_newest(&store_schema) - version);
  add_number(db, "stored_seq", seq);
  add_journal(db);
  if (version > 0) add_backup(db);
  add_text(db, "server", running_on(db->app->settings.data_dir, NULL) ? "running" : "stopped");
  return end_result(db, 0);
}

/* ---- migrate ---- */

static enum status migrate_copy(struct db *db, int to) {
  char copy[PATH_BYTES + 16];
  struct database database;
  snprintf(copy, sizeof copy, "%s.migrated", db->path);
  unlink(copy);
  enum status status = database_copy(&db->database, copy, &db->app->problem);
  if (status == STATUS_OK) status = database_open(&database, copy, DATABASE_FOR_WRITING, DATABASE_BUSY_MS, &db->app->problem);
  if (status != STATUS_OK) return status;
  status = migrations_run(&store_schema, &database, to, app_now_ms(), &db->app->problem);
  if (status == STATUS_OK) status = database_check(&database, &db->app->problem);
  database_close(&database);
  add_text(db, "copy", copy);
  return status;
}

/* For the program before an update: versions that it does not know are undone. */
static int run_migrate_back(struct db *db) {
  int version = 0;
  enum status status = need_stopped_server(db, "a migration down");
  if (status == STATUS_OK) status = open_database(db, DATABASE_FOR_WRITING);
  if (status == STATUS_OK) status = migrations_undo_newer(&store_schema, &db->database, &db->app->problem);
  if (status == STATUS_OK) status = migrations_check(&store_schema, &db->database, &version, &db->app->problem);
  if (status != STATUS_OK) return app_fail(db->app, status);
  begin_result(db);
  add_number(db, "schema_version", version);
  return end_result(db, 0);
}

static int run_migrate(struct db *db) {
  if (db->values[OPTION_BACK] != NULL) return run_migrate_back(db);
  int64_t to = migrations_newest(&store_schema);
  int version = 0;
  if (db->values[OPTION_TO] != NULL && !app_parse_integer(db->app, "to", db->values[OPTION_TO], 0, migrations_newest(&store_schema), &to)) {
    return app_fail(db->app, STATUS_BAD_CONFIG);
  }
  bool is_dry = db->values[OPTION_DRY_RUN] != NULL, is_copy = db->values[OPTION_COPY] != NULL;
  /* A dry run makes no file: without one everything is pending. */
  bool has_none = is_dry && access(db->path, F_OK) != 0;
  enum status status = has_none ? STATUS_OK : open_database(db, is_dry ? DATABASE_FOR_READING : DATABASE_MADE);
  if (status == STATUS_OK && !has_none) status = migrations_check(&store_schema, &db->database, &version, &db->app->problem);
  if (status == STATUS_OK && to < version && !is_dry && !is_copy) status = need_stopped_server(db, "a migration down");
  if (status != STATUS_OK) return app_fail(db->app, status);
  begin_result(db);
  add_number(db, "from", version);
  add_number(db, "to", to);
  if (is_copy && !is_dry) {
    status = migrate_copy(db, (int)to);
  } else if (!is_dry) {
    status = migrations_run(&store_schema, &db->database, (int)to, app_now_ms(), &db->app->problem);
  }
  if (status != STATUS_OK) return app_fail(db->app, status);
  add_text(db, "done", is_dry ? "no, this was a dry run" : "yes");
  return end_result(db, 0);
}

/* ---- verify ---- */

static const struct {
  const char *name, *sql; /* counts what is wrong */
} checks[] = {
    {"ledger identity: cash + unrealised = equity", "SELECT count(*) FROM equity_curve WHERE abs(cash_usd + unrealised_usd - equity_usd) > 1000000"},
    {"trade identity: gross - fees + funding = pnl", "SELECT count(*) FROM trades WHERE abs(gross_usd - fees_usd + funding_usd - pnl_usd) > 1000000"},
    {"fees of a trade are those of its fills",
     "SELECT count(*) FROM trades t WHERE EXISTS (SELECT 1 FROM fills f WHERE f.position_id = t.position_id) AND "
     "abs(t.fees_usd - (SELECT sum(fee_usd) FROM fills f WHERE f.position_id = t.position_id)) > 1000000"},
    {"every fill has its order",
     "SELECT count(*) FROM fills WHERE client_order_id IS NOT NULL AND client_order_id NOT IN (SELECT client_order_id FROM orders)"},
    /* A plan is written when it ends: those of orders of the last hour may still be at work. */
    {"every order has its plan",
     "SELECT count(*) FROM orders WHERE purpose = 'entry' AND ended_at IS NOT NULL AND ended_at < (SELECT max(updated_at) FROM orders) - 3600000 AND "
     "(plan_id IS NULL OR plan_id NOT IN (SELECT plan_id FROM plans))"},
    {"every closed position has its trade",
     "SELECT count(*) FROM positions WHERE state = 'closed' AND position_id NOT IN (SELECT position_id FROM trades)"},
    {"every trade has its position", "SELECT count(*) FROM trades WHERE position_id NOT IN (SELECT position_id FROM positions)"},
    {"filled quantity of an order is that of its fills",
     "SELECT count(*) FROM orders o WHERE filled_qty <> coalesce((SELECT sum(qty) FROM fills f WHERE f.client_order_id = o.client_order_id), 0)"},
};

struct verdicts {
  struct db *db;
  struct table table;
  int failed;
};

static void add_verdict(struct verdicts *verdicts, const char *name, bool is_good, const char *detail) {
  struct db *db = verdicts->db;
  if (!is_good) verdicts->failed++;
  if (is_json(db)) {
    json_begin_object(&db->json, NULL);
    json_add_string(&db->json, "check", name);
    json_add_bool(&db->json, "ok", is_good);
    json_add_string(&db->json, "detail", detail);
    json_end_object(&db->json);
  } else {
    table_add_colored(&verdicts->table, is_good ? "ok" : "failed", is_good ? "32" : "31");
    table_add(&verdicts->table, name);
    table_add(&verdicts->table, detail);
  }
}

static void verify_journal(struct verdicts *verdicts) {
  struct journal_report report = {0};
  struct problem problem;
  char detail[320];
  problem_clear(&problem);
  enum status status = journal_verify(verdicts->db->app->settings.data_dir, NULL, &report, &problem);
  if (status == STATUS_OK) {
    snprintf(detail, sizeof detail, "%lld segments, %lld records, seq %llu to %llu%s", (long long)report.segments, (long long)report.records,
             (unsigned long long)report.first_seq, (unsigned long long)report.last_seq, report.torn_bytes > 0 ? ", torn end" : "");
  } else if (status == STATUS_NO_DATA || status == STATUS_NOT_FOUND) {
    snprintf(detail, sizeof detail, "there is none");
    status = STATUS_OK;
  } else {
    snprintf(detail, sizeof detail, "%s", problem.count > 0 ? problem.items[0].message : status_text(status));
  }
  add_verdict(verdicts, "journal checksums and chain", status == STATUS_OK, detail);
}

static void verify_tables(struct verdicts *verdicts) {
  char detail[320];
  struct problem problem;
  problem_clear(&problem);
  enum status status = database_check(&verdicts->db->database, &problem);
  add_verdict(verdicts, "pages of the database", status == STATUS_OK, status == STATUS_OK ? "" : problem.items[0].message);
  for (size_t i = 0; i < sizeof checks / sizeof checks[0] && status == STATUS_OK; i++) {
    int64_t wrong = 0;
    problem_clear(&problem);
    enum status asked = database_read_int(&verdicts->db->database, checks[i].sql, 0, &wrong, &problem);
    snprintf(detail, sizeof detail, "%lld rows", (long long)wrong);
    add_verdict(verdicts, checks[i].name, asked == STATUS_OK && wrong == 0, asked != STATUS_OK ? problem.items[0].message : wrong == 0 ? "" : detail);
  }
}

/* A row that was changed or taken away after it was written. */
static void verify_audit(struct verdicts *verdicts) {
  struct sqlite_rows *file = NULL;
  struct row_port rows;
  struct problem problem;
  char detail[320];
  int64_t count = 0;
  int64_t broken = 0;
  problem_clear(&problem);
  enum status status = sqlite_rows_open(&file, verdicts->db->path, &problem);
  if (!status) {
    sqlite_rows_port(file, &rows);
    status = audit_verify(&rows, &count, &broken, &problem);
  }
  sqlite_rows_close(file);
  if (status) {
    snprintf(detail, sizeof detail, "%s", problem.count > 0 ? problem.items[0].message : status_text(status));
  } else if (broken != 0) {
    snprintf(detail, sizeof detail, "row %lld does not fit the one before it", (long long)broken);
  } else {
    snprintf(detail, sizeof detail, "%lld rows", (long long)count);
  }
  add_verdict(verdicts, "chain of the audit log", !status && broken == 0, detail);
}

static int run_repair(struct db *db) {
  int64_t lost = 0;
  enum status status = need_stopped_server(db, "a repair");
  if (status == STATUS_OK) status = journal_repair(db->app->settings.data_dir, NULL, &lost, &db->app->problem);
  if (status != STATUS_OK) return app_fail(db->app, status);
  begin_result(db);
  add_number(db, "bytes_set_aside", lost);
  return end_result(db, 0);
}

/* What a restore would check, and nothing is put anywhere. */
static int run_verify_archive(struct db *db) {
  enum status status = backup_verify(db->words[0], &db->app->problem);
  if (status != STATUS_OK) return app_fail(db->app, status);
  begin_result(db);
  add_text(db, "archive", db->words[0]);
  add_text(db, "verified", "yes");
  return end_result(db, 0);
}

static int run_verify(struct db *db) {
  static const struct table_column columns[] = {{"Result", TABLE_LEFT}, {"Check", TABLE_LEFT}, {"Detail", TABLE_LEFT}};
  struct verdicts verdicts = {.db = db};
  if (db->values[OPTION_REPAIR] != NULL) return run_repair(db);
  if (db->word_count > 0) return run_verify_archive(db);
  int version = 0;
  enum status status = open_database(db, DATABASE_FOR_READING);
  if (status == STATUS_OK) status = migrations_check(&store_schema, &db->database, &version, &db->app->problem);
  if (status == STATUS_OK && version == 0) {
    problem_add(&db->app->problem, "no_tables", db->path, NULL, "breakout db migrate", "the database has no tables yet");
    status = STATUS_NO_DATA;
  }
  if (status != STATUS_OK) return app_fail(db->app, status);
  table_init(&verdicts.table, columns, 3, app_table_format(db->app));
  begin_result(db);
  if (is_json(db)) json_begin_array(&db->json, "checks");
  verify_journal(&verdicts);
  verify_tables(&verdicts);
  verify_audit(&verdicts);
  if (is_json(db)) {
    json_end_array(&db->json);
    json_add_int(&db->json, "failed", verdicts.failed);
    table_deinit(&verdicts.table);
    return end_result(db, verdicts.failed > 0 ? 1 : 0);
  }
  app_print_table(db->app, &verdicts.table);
  return verdicts.failed > 0 ? 1 : 0;
}

/* ---- rebuild ---- */

static enum status put_record(struct store *store, const struct journal_record *record, struct problem *problem) {
  static union {
    long long align;
    unsigned char bytes[1 << 16];
  } object;
  if (record->direction != JOURNAL_RECORD) return STATUS_OK;
  if (record->kind < 0 || record->kind >= record_kind_count || record_schemas[record->kind]->size > sizeof object.bytes ||
      schema_decode(record_schemas[record->kind], object.bytes, record->payload, record->size) == 0) {
    problem_add(problem, "bad_record", "journal", NULL, NULL, "the record with seq %llu cannot be read", (unsigned long long)record->seq);
    return STATUS_CORRUPT;
  }
  return store->put(store->self, (enum record_kind)record->kind, record->seq, object.bytes);
}

static enum status fill_from_journal(struct db *db, struct store *store, int64_t *records) {
  struct journal_reader reader;
  struct journal_record record;
  struct problem *problem = &db->app->problem;
  enum status status = journal_reader_open(&reader, db->app->settings.data_dir, NULL, 0, problem);
  if (status == STATUS_NO_DATA || status == STATUS_NOT_FOUND) {
    problem_add(problem, "no_journal", db->app->settings.data_dir, NULL, NULL, "there is no journal to make the tables from");
  }
  if (status != STATUS_OK) return status;
  status = store->begin(store->self);
  for (*records = 0; status == STATUS_OK && app_interrupted == 0; ++*records) {
    status = journal_reader_next(&reader, &record, problem);
    if (status == STATUS_OK) status = put_record(store, &record, problem);
    if (status == STATUS_OK && *records % REBUILD_BATCH == REBUILD_BATCH - 1) {
      status = store->commit(store->self);
      if (status == STATUS_OK) status = store->begin(store->self);
    }
  }
  if (status == STATUS_OK) status = STATUS_INTERRUPTED;
  if (status == STATUS_END) {
    --*records;
    status = store->commit(store->self);
  }
  journal_reader_close(&reader);
  return status;
}

/* What the journal does not know comes over from the old database, when that can still be read. */
static enum status keep_tables(struct db *db, const char *path, bool *has_kept) {
  struct database database;
  char sql[PATH_BYTES + 128];
  enum status status = database_open(&database, path, DATABASE_FOR_WRITING, DATABASE_BUSY_MS, &db->app->problem);
  if (status != STATUS_OK) return status;
  snprintf(sql, sizeof sql, "ATTACH '%s' AS old", db->path);
  *has_kept = strchr(db->path, '\'') == NULL && access(db->path, R_OK) == 0 && database_run(&database, sql, NULL) == STATUS_OK;
  for (int i = 0; i < store_table_count && *has_kept; i++) {
    const struct store_table *table = &store_tables[i];
    if (table->record != STORE_NO_RECORD || text_equal(table->name, "schema_migrations") || text_equal(table->name, "leases")) continue;
    bool is_counters = text_equal(table->name, "counters");
    snprintf(sql, sizeof sql, "INSERT OR REPLACE INTO main.%s SELECT * FROM old.%s%s", table->name, table->name,
             is_counters ? " WHERE name <> 'journal_seq'" : "");
    *has_kept = database_run(&database, sql, NULL) == STATUS_OK;
  }
  database_close(&database);
  return STATUS_OK;
}

static enum status replace_database(struct db *db, const char *made) {
  static const char *const endings[] = {"", "-wal", "-shm"};
  char from[PATH_BYTES + 64], kept[PATH_BYTES + 64];
  struct database database;
  /* One file: the log of the new one is written into it before it takes the name. */
  enum status status = database_open(&database, made, DATABASE_FOR_WRITING, DATABASE_BUSY_MS, &db->app->problem);
  if (status != STATUS_OK) return status;
  status = database_run(&database, "PRAGMA journal_mode=DELETE", &db->app->problem);
  database_close(&database);
  for (int i = 0; i < 3 && status == STATUS_OK; i++) {
    snprintf(from, sizeof from, "%s%s", db->path, endings[i]);
    snprintf(kept, sizeof kept, "%s.before-rebuild%s", db->path, endings[i]);
    if (rename(from, kept) != 0 && errno != ENOENT) status = status_from_errno(errno);
  }
  if (status == STATUS_OK && rename(made, db->path) != 0) status = status_from_errno(errno);
  if (status != STATUS_OK)
    problem_add(&db->app->problem, "rebuild_failed", db->path, NULL, NULL, "the new database cannot take its place: %s", strerror(errno));
  return status;
}

static void remove_database(const char *path) {
  static const char *const endings[] = {"", "-wal", "-shm"};
  char name[PATH_BYTES + 64];
  for (int i = 0; i < 3; i++) {
    snprintf(name, sizeof name, "%s%s", path, endings[i]);
    unlink(name);
  }
}

/* Which account the journal is of: the name before the sequence number of a segment. */
static void find_account(const struct db *db, char *out, size_t size) {
  struct journal_reader reader;
  text_copy(out, size, "paper");
  if (journal_reader_open(&reader, db->app->settings.data_dir, NULL, 0, NULL) != STATUS_OK) return;
  if (reader.segment_count > 0) {
    const char *path = reader.segments[0].path;
    const char *name = strrchr(path, '/') != NULL ? strrchr(path, '/') + 1 : path;
    const char *dash = strrchr(name, '-');
    if (dash != NULL && (size_t)(dash - name) < size) text_copy(out, (size_t)(dash - name) + 1, name);
  }
  journal_reader_close(&reader);
}

static int run_rebuild(struct db *db) {
  char made[PATH_BYTES + 32], account[JOURNAL_ACCOUNT_MAX];
  struct store store;
  int64_t records = 0;
  bool has_kept = false;
  enum status status = need_stopped_server(db, "a rebuild");
  if (status != STATUS_OK) return app_fail(db->app, status);
  find_account(db, account, sizeof account);
  snprintf(made, sizeof made, "%s.rebuild", db->path);
  remove_database(made);
  status = sqlite_store_open(&store, &(struct sqlite_store_options){.path = made, .account = account, .may_migrate = true}, &db->app->problem);
  if (status != STATUS_OK) return app_fail(db->app, status);
  status = fill_from_journal(db, &store, &records);
  store.close(store.self);
  if (status == STATUS_OK) status = keep_tables(db, made, &has_kept);
  if (status == STATUS_OK) status = replace_database(db, made);
  if (status != STATUS_OK) {
    remove_database(made);
    return app_fail(db->app, status);
  }
  begin_result(db);
  add_number(db, "journal_records", records);
  add_text(db, "users_and_tokens", has_kept ? "kept" : "not readable in the old database");
  return end_result(db, 0);
}

/* ---- export ---- */

static void export_row(struct db *db, const struct store_rows *rows) {
  struct buffer cell = {0};
  if (db->app->output == OUTPUT_CSV) {
    for (int i = 0; i < rows->table->column_count; i++) {
      buffer_clear(&cell);
      store_rows_text(rows, i, &cell);
      if (i > 0) buffer_add_text(&db->out, ",");
      table_add_csv_cell(&db->out, cell.data != NULL ? cell.data : "");
    }
  } else {
    json_writer_init(&db->json, &db->out, false);
    json_begin_object(&db->json, NULL);
    store_rows_to_json(rows, &db->json);
    json_end_object(&db->json);
  }
  buffer_add_text(&db->out, "\n");
  buffer_deinit(&cell);
}

static int run_export(struct db *db) {
  enum { FLUSH_BYTES = 1 << 20 };
  struct store_rows rows;
  if (db->word_count != 1)
    return app_fail_with(db->app, STATUS_BAD_CONFIG, "bad_argument", "export", "name one table: breakout db export trades --csv");
  struct rows_query query = {.table = db->words[0], .is_ascending = true};
  enum status status = open_database(db, DATABASE_FOR_READING);
  if (status == STATUS_OK) status = store_select(&db->database, &query, &rows, &db->app->problem);
  if (status != STATUS_OK) return app_fail(db->app, status);
  for (int i = 0; db->app->output == OUTPUT_CSV && i < rows.table->column_count; i++) {
    buffer_add_format(&db->out, "%s%s", rows.table->columns[i].name, i + 1 < rows.table->column_count ? "," : "\n");
  }
  while ((status = store_rows_next(&rows, &db->app->problem)) == STATUS_OK && app_interrupted == 0) {
    export_row(db, &rows);
    if (db->out.length < FLUSH_BYTES) continue;
    app_print(&db->out);
    buffer_clear(&db->out);
  }
  store_rows_close(&rows);
  app_print(&db->out);
  return status == STATUS_END || status == STATUS_OK ? 0 : app_fail(db->app, status);
}

/* ---- cleanup ---- */

/* Storage 6. `days` 0: those of --days or MARKET_RETENTION_DAYS. The condition's parameter is the oldest time to keep. */
static const struct {
  const char *table;
  int days;
  const char *condition;
} retention[] = {
    {"decisions", 30, "ts < ?1 AND stage NOT IN ('signal', 'risk', 'execution')"},
    {"scan_results", 0, "scan_id IN (SELECT scan_id FROM scans WHERE ts < ?1)"},
    {"scans", 0, "ts < ?1"},
    {"candidates", 0, "created_at < ?1 AND ended_at IS NOT NULL"},
    {"candles", 0, "open_ts < ?1 AND timeframe = '1m' AND symbol NOT IN (SELECT symbol FROM trades)"},
    {"level_events", 90, "level_id IN (SELECT level_id FROM levels WHERE max(coalesce(failed_at, 0), coalesce(expired_at, 0)) BETWEEN 1 AND ?1 - 1)"},
    {"levels", 90, "max(coalesce(failed_at, 0), coalesce(expired_at, 0)) BETWEEN 1 AND ?1 - 1"},
    /* Older than 90 days: the first of each hour stays. */
    {"equity_curve", 90, "ts < ?1 AND rowid NOT IN (SELECT min(rowid) FROM equity_curve GROUP BY account, run_id, ts / 3600000)"},
    {"checkpoints", 30, "ts < ?1"},
    {"system_logs", 30, "ts < ?1"},
    {"reconciliations", 90, "ts < ?1"},
    {"idempotency", 1, "created_at < ?1"},
};

/* Counts, or deletes in batches that hold the lock for a moment only. */
static enum status clean_table(struct db *db, size_t i, int64_t oldest, bool is_dry, int64_t *rows) {
  enum { BATCH = 5000 };
  char sql[512];
  struct database_statement statement = {0};
  const char *table = retention[i].table;
  if (is_dry) {
    snprintf(sql, sizeof sql, "SELECT count(*) FROM %s WHERE %s", table, retention[i].condition);
  } else {
    snprintf(sql, sizeof sql, "DELETE FROM %s WHERE rowid IN (SELECT rowid FROM %s WHERE %s LIMIT %d)", table, table, retention[i].condition, BATCH);
  }
  *rows = 0;
  enum status status = database_prepare(&db->database, &statement, sql, &db->app->problem);
  if (status != STATUS_OK) return status;
  database_bind_int(&statement, 1, oldest);
  for (int64_t done = BATCH; done == BATCH && (status == STATUS_OK || status == STATUS_END);) {
    status = database_step(&statement, &db->app->problem);
    done = is_dry ? database_column_int(&statement, 0) : database_changes(&db->database);
    if (status == STATUS_OK || status == STATUS_END) *rows += done;
    if (is_dry) break;
  }
  database_finish(&statement);
  return status == STATUS_END ? STATUS_OK : status;
}

static int run_cleanup(struct db *db) {
  static const struct table_column columns[] = {{"Table", TABLE_LEFT}, {"Days", TABLE_RIGHT}, {"Rows", TABLE_RIGHT}};
  int64_t days = db->app->settings.market_retention_days;
  struct table table;
  char text[32];
  if (db->values[OPTION_DAYS] != NULL && !app_parse_integer(db->app, "days", db->values[OPTION_DAYS], 1, 3650, &days))
    return app_fail(db->app, STATUS_BAD_CONFIG);
  bool is_dry = db->values[OPTION_DRY_RUN] != NULL;
  enum status status = open_database(db, is_dry ? DATABASE_FOR_READING : DATABASE_FOR_WRITING);
  table_init(&table, columns, 3, app_table_format(db->app));
  begin_result(db);
  for (size_t i = 0; i < sizeof retention / sizeof retention[0] && status == STATUS_OK; i++) {
    int64_t kept = retention[i].days > 0 ? retention[i].days : days, rows = 0;
    status = clean_table(db, i, app_now_ms() - kept * DAY_MS, is_dry, &rows);
    if (is_json(db)) {
      json_add_int(&db->json, retention[i].table, rows);
      continue;
    }
    table_add(&table, retention[i].table);
    snprintf(text, sizeof text, "%lld", (long long)kept);
    table_add(&table, text);
    snprintf(text, sizeof text, "%lld", (long long)rows);
    table_add(&table, text);
  }
  if (status != STATUS_OK || is_json(db)) {
    table_deinit(&table);
    return status != STATUS_OK ? app_fail(db->app, status) : end_result(db, 0);
  }
  app_print_table(db->app, &table);
  return 0;
}

/* ---- the rest ---- */

static int run_vacuum(struct db *db) {
  struct stat before = {0}, after = {0};
  enum status status = open_database(db, DATABASE_FOR_WRITING);
  if (status != STATUS_OK) return app_fail(db->app, status);
  bool is_known = stat(db->path, &before) == 0;
  status = database_run(&db->database, "VACUUM; PRAGMA wal_checkpoint(TRUNCATE)", &db->app->problem);
  if (status != STATUS_OK) return app_fail(db->app, status);
  if (!is_known || stat(db->path, &after) != 0) return app_fail(db->app, STATUS_IO_FAILED);
  begin_result(db);
  add_number(db, "bytes_before", before.st_size);
  add_number(db, "bytes_after", after.st_size);
  return end_result(db, 0);
}

static int run_backup(struct db *db) {
  struct backup_result result;
  enum status status = backup_make(db->app, db->path, db->values[OPTION_OUTPUT], db->values[OPTION_VERIFY] != NULL, &result);
  if (status != STATUS_OK) return app_fail(db->app, status);
  begin_result(db);
  add_text(db, "file", result.file);
  add_number(db, "bytes", result.bytes);
  add_text(db, "sha256", result.sha256);
  add_number(db, "files", result.files);
  add_number(db, "schema_version", result.schema_version);
  add_number(db, "seq", (int64_t)result.seq);
  add_text(db, "trades_sha256", result.trades_sha256);
  add_text(db, "verified", result.is_verified ? "yes" : "no");
  return end_result(db, 0);
}

static int run_restore(struct db *db) {
  char before[PATH_BYTES];
  if (db->word_count != 1)
    return app_fail_with(db->app, STATUS_BAD_CONFIG, "bad_argument", "restore",
                         "name one file: breakout db restore backups/backup-20260131-120000.tar.gz");
  enum status status = need_stopped_server(db, "a restore");
  if (status == STATUS_OK) status = backup_restore(db->app, db->path, db->words[0], db->values[OPTION_FORCE] != NULL, before, sizeof before);
  struct trade_digest digest;
  if (status == STATUS_OK) status = open_database(db, DATABASE_FOR_READING);
  if (status == STATUS_OK) status = trade_digest_read(&digest, &db->database, &db->app->problem);
  if (status != STATUS_OK) return app_fail(db->app, status);
  begin_result(db);
  add_text(db, "restored", db->words[0]);
  add_text(db, "before", before);
  add_text(db, "trades_sha256", digest.all);
  return end_result(db, 0);
}

/* Of one moment, also while a server writes. */
static int run_digest(struct db *db) {
  struct trade_digest digest;
  int version = 0;
  enum status status = open_database(db, DATABASE_FOR_READING);
  if (status == STATUS_OK) status = migrations_check(&store_schema, &db->database, &version, &db->app->problem);
  if (status == STATUS_OK) status = database_run(&db->database, "BEGIN", &db->app->problem);
  if (status == STATUS_OK) status = trade_digest_read(&digest, &db->database, &db->app->problem);
  if (status != STATUS_OK) return app_fail(db->app, status);
  begin_result(db);
  for (int i = 0; i < TRADE_TABLES; i++) add_text(db, trade_table_names[i], digest.tables[i]);
  add_text(db, "trades_sha256", digest.all);
  return end_result(db, 0);
}

static int run_copy(struct db *db) {
  return app_fail_with(db->app, STATUS_NOT_IN_VERSION, "not_in_version", "db copy", "copying to another kind of database is not in this version");
}

static const struct {
  const char *name;
  int (*run)(struct db *db);
} forms[] = {{"status", run_status},   {"migrate", run_migrate}, {"verify", run_verify}, {"rebuild", run_rebuild},
             {"export", run_export},   {"cleanup", run_cleanup}, {"vacuum", run_vacuum}, {"backup", run_backup},
             {"restore", run_restore}, {"copy", run_copy},       {"digest", run_digest}};
enum { FORM_COUNT = sizeof forms / sizeof forms[0] };

static int run_form(struct db *db, const char *word) {
  const char *names[FORM_COUNT];
  for (int i = 0; i < FORM_COUNT; i++) names[i] = forms[i].name;
  int form = app_form(&db->app->problem, "db", word, names, FORM_COUNT);
  return form < 0 ? app_fail(db->app, STATUS_BAD_CONFIG) : forms[form].run(db);
}

int app_db(struct app *app, int argc, char **argv) {
  struct db db = {.app = app};
  struct app_arguments arguments;
  const char *form = NULL, *value;
  int option;
  app_arguments_init(&arguments, argc, argv);
  while ((option = app_next(app, &arguments, options, OPTION_COUNT, &value)) != APP_DONE) {
    if (option == APP_WRONG) return app_fail(app, STATUS_BAD_CONFIG);
    if (option >= 0) {
      db.values[option] = value != NULL ? value : "";
    } else if (form == NULL) {
      form = value;
    } else if (db.word_count < (int)(sizeof db.words / sizeof db.words[0])) {
      db.words[db.word_count++] = value;
    }
  }
  if (!settings_sqlite_path(app->settings.database_url, db.path, sizeof db.path)) {
    return app_fail_with(app, STATUS_NOT_IN_VERSION, "not_in_version", "DATABASE_URL", "databases other than SQLite are not in this version");
  }
  int code = run_form(&db, form != NULL ? form : "status");
  database_close(&db.database);
  buffer_deinit(&db.out);
  return code;
}

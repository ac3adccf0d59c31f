#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "adapters/store/migrations.h"
#include "adapters/store/sqlite_query.h"
#include "adapters/store/sqlite_store.h"
#include "adapters/store/store_registry.h"
#include "base/log.h"
#include "support/record_fixture.h"
#include "support/scratch.h"

/* What holds the largest record. */
static union {
  long long align;
  unsigned char bytes[1 << 20];
} sent, got;

static char folder[512], path[600];
static struct problem problem;
static struct store store;

static int make_folder(void **state) {
  (void)state;
  if (!scratch_make(folder, sizeof folder, "test_sqlite_store")) return -1;
  snprintf(path, sizeof path, "%s/data/bot.db", folder);
  problem_clear(&problem);
  store = (struct store){0};
  return 0;
}

static int remove_folder(void **state) {
  (void)state;
  if (store.self != NULL) store.close(store.self);
  return scratch_remove(folder);
}

static enum status open_store(bool may_migrate) {
  problem_clear(&problem);
  return sqlite_store_open(&store, &(struct sqlite_store_options){.path = path, .account = "paper", .may_migrate = may_migrate}, &problem);
}

static void close_store(void) {
  store.close(store.self);
  store = (struct store){0};
}

static enum status put_one(enum record_kind kind, uint64_t seq, const void *object) {
  enum status status = store.begin(store.self);
  if (status == STATUS_OK) status = store.put(store.self, kind, seq, object);
  return status == STATUS_OK ? store.commit(store.self) : status;
}

static int64_t read_int(const char *sql) {
  struct database database;
  int64_t value = -1;
  assert_int_equal(database_open(&database, path, DATABASE_FOR_READING, 1000, &problem), STATUS_OK);
  assert_int_equal(database_read_int(&database, sql, -1, &value, &problem), STATUS_OK);
  database_close(&database);
  return value;
}

static void change(const char *sql) {
  struct database database;
  assert_int_equal(database_open(&database, path, DATABASE_FOR_WRITING, 1000, &problem), STATUS_OK);
  assert_int_equal(database_run(&database, sql, &problem), STATUS_OK);
  database_close(&database);
}

/* The newest row of a table as an object; false when there is none. */
static bool read_newest(const char *table, void *object, struct schema *schema) {
  struct database database;
  struct store_rows rows;
  assert_int_equal(database_open(&database, path, DATABASE_FOR_READING, 1000, &problem), STATUS_OK);
  assert_int_equal(store_select(&database, &(struct rows_query){.table = table, .limit = 1}, &rows, &problem), STATUS_OK);
  bool has_row = store_rows_next(&rows, &problem) == STATUS_OK;
  if (has_row) assert_int_equal(store_rows_object(&rows, object, &problem), STATUS_OK);
  *schema = *rows.map.schema;
  store_rows_close(&rows);
  database_close(&database);
  return has_row;
}

static bool is_equal(const struct schema *schema, const void *a, const void *b) {
  static char left[1 << 20], right[1 << 20];
  struct text one, two;
  text_init(&one, left, sizeof left);
  text_init(&two, right, sizeof right);
  schema_print(schema, a, &one);
  schema_print(schema, b, &two);
  if (strcmp(left, right) == 0) return true;
  print_message("%s\n%s\n", left, right);
  return false;
}

/* ---- every record ---- */

static void every_kind_of_record_has_a_table_or_is_named_as_without(void **unused) {
  (void)unused;
  for (int kind = 0; kind < record_kind_count; kind++) {
    int tables = 0;
    for (int i = 0; i < store_table_count; i++) tables += store_tables[i].record == kind;
    assert_int_equal(tables == 0, store_is_not_stored[kind]);
  }
}

/* A record goes in and comes out with every field; also when it is written a second time with other values. */
static void check_kind(const struct store_table *table) {
  struct schema schema;
  struct row_map map;
  row_map_init(&map, table);
  size_t offset = map.base != NULL ? map.base->offset : 0;
  for (int seed = 1; seed <= 2; seed++) {
    record_fill(record_schemas[table->record], sent.bytes, seed);
    for (int times = 0; times < 2; times++) assert_int_equal(put_one((enum record_kind)table->record, (uint64_t)seed, sent.bytes), STATUS_OK);
    assert_true(read_newest(table->name, got.bytes, &schema));
    assert_true(is_equal(&schema, sent.bytes + offset, got.bytes));
  }
}

static void no_field_is_lost(void **unused) {
  (void)unused;
  assert_int_equal(open_store(true), STATUS_OK);
  for (int i = 0; i < store_table_count; i++) {
    /* The row of a level event names its level; the level itself is another table's. */
    if (store_tables[i].record == STORE_NO_RECORD || strcmp(store_tables[i].name, "level_events") == 0) continue;
    check_kind(&store_tables[i]);
  }
}

static void a_level_change_is_two_rows(void **unused) {
  (void)unused;
  struct level_change change_of_level;
  struct schema schema;
  record_fill(record_schemas[RECORD_LEVEL], &change_of_level, 3);
  assert_int_equal(open_store(true), STATUS_OK);
  assert_int_equal(put_one(RECORD_LEVEL, 1, &change_of_level), STATUS_OK);
  assert_true(read_newest("level_events", got.bytes, &schema));
  struct level_change *row = (struct level_change *)(void *)got.bytes;
  assert_int_equal(row->ts, change_of_level.ts);
  assert_string_equal(row->from_state, change_of_level.from_state);
  assert_string_equal(row->reason, change_of_level.reason);
  assert_int_equal(row->level[0].level_id, change_of_level.level[0].level_id);
  assert_int_equal(row->level[0].state, change_of_level.level[0].state);
  assert_true(row->level[0].price == change_of_level.level[0].price);
}

static void unknown_numbers_come_back_unknown(void **unused) {
  (void)unused;
  struct order order = {
      .client_order_id = "o1", .symbol = "BTC/USDT", .price = DECIMAL_NULL, .trigger_price = DECIMAL_NULL, .average_price = DECIMAL_NULL};
  struct equity equity = {.ts = 5, .drawdown = __builtin_nan(""), .cumulative_r = -0.5};
  struct decision decision = {.decision_id = 1, .ts = 5, .strategy = -1, .side = -1, .symbol = "BTC/USDT"};
  struct schema schema;
  assert_int_equal(open_store(true), STATUS_OK);
  assert_int_equal(put_one(RECORD_ORDER, 1, &order), STATUS_OK);
  assert_int_equal(put_one(RECORD_EQUITY, 2, &equity), STATUS_OK);
  assert_int_equal(put_one(RECORD_DECISION, 3, &decision), STATUS_OK);
  assert_int_equal(read_int("SELECT count(*) FROM orders WHERE price IS NULL AND trace_id IS NULL AND venue_order_id IS NULL"), 1);
  assert_true(read_newest("orders", got.bytes, &schema));
  assert_true(is_equal(&schema, &order, got.bytes));
  assert_true(read_newest("equity_curve", got.bytes, &schema));
  assert_true(is_equal(&schema, &equity, got.bytes));
  assert_true(read_newest("decisions", got.bytes, &schema));
  assert_true(is_equal(&schema, &decision, got.bytes));
}

/* ---- rows ---- */

static void a_put_replaces_the_row_with_the_same_key(void **unused) {
  (void)unused;
  struct order order = {.client_order_id = "o1", .symbol = "BTC/USDT", .qty = 300000000, .state = 1, .average_price = DECIMAL_NULL};
  assert_int_equal(open_store(true), STATUS_OK);
  assert_int_equal(put_one(RECORD_ORDER, 1, &order), STATUS_OK);
  order.filled_qty = 100000000;
  order.state = 5;
  assert_int_equal(put_one(RECORD_ORDER, 2, &order), STATUS_OK);
  assert_int_equal(read_int("SELECT count(*) FROM orders"), 1);
  assert_int_equal(read_int("SELECT remaining_qty FROM orders WHERE state = 'partially_filled'"), 200000000);
}

static void rows_belong_to_the_session_that_made_them(void **unused) {
  (void)unused;
  struct session_record session = {.session_id = 7, .venue = "bybit", .started_at = 10};
  struct order order = {.client_order_id = "o1", .symbol = "BTC/USDT"};
  assert_int_equal(open_store(true), STATUS_OK);
  assert_int_equal(put_one(RECORD_SESSION, 1, &session), STATUS_OK);
  assert_int_equal(put_one(RECORD_ORDER, 2, &order), STATUS_OK);
  assert_int_equal(read_int("SELECT count(*) FROM orders WHERE session_id = 'S000007' AND venue = 'bybit'"), 1);
  assert_int_equal(read_int("SELECT count(*) FROM sessions WHERE status = 'active'"), 1);
  /* Known after a restart as well. */
  close_store();
  assert_int_equal(open_store(true), STATUS_OK);
  order.client_order_id[1] = '2';
  assert_int_equal(put_one(RECORD_ORDER, 3, &order), STATUS_OK);
  /* A change after the end leaves it where it was; what is new belongs to none. */
  session.ended_at = 20;
  assert_int_equal(put_one(RECORD_SESSION, 4, &session), STATUS_OK);
  assert_int_equal(put_one(RECORD_ORDER, 5, &order), STATUS_OK);
  order.client_order_id[1] = '3';
  assert_int_equal(put_one(RECORD_ORDER, 6, &order), STATUS_OK);
  assert_int_equal(read_int("SELECT count(*) FROM orders WHERE session_id = 'S000007'"), 2);
  assert_int_equal(read_int("SELECT count(*) FROM orders WHERE session_id IS NULL"), 1);
}

static void the_newest_seq_is_stored_with_its_batch(void **unused) {
  (void)unused;
  struct equity equity = {.ts = 1};
  assert_int_equal(open_store(true), STATUS_OK);
  assert_int_equal(store.last_seq(store.self), 0);
  assert_int_equal(store.begin(store.self), STATUS_OK);
  assert_int_equal(store.put(store.self, RECORD_EQUITY, 41, &equity), STATUS_OK);
  equity.ts = 2;
  assert_int_equal(store.put(store.self, RECORD_EQUITY, 42, &equity), STATUS_OK);
  assert_int_equal(store.last_seq(store.self), 0);
  assert_int_equal(store.commit(store.self), STATUS_OK);
  assert_int_equal(store.last_seq(store.self), 42);
  /* A batch that was begun and never committed is gone. */
  assert_int_equal(store.begin(store.self), STATUS_OK);
  equity.ts = 3;
  assert_int_equal(store.put(store.self, RECORD_EQUITY, 43, &equity), STATUS_OK);
  close_store();
  assert_int_equal(open_store(true), STATUS_OK);
  assert_int_equal(store.last_seq(store.self), 42);
  assert_int_equal(read_int("SELECT count(*) FROM equity_curve"), 2);
  /* An old record given once more does not turn it back. */
  equity.ts = 1;
  assert_int_equal(put_one(RECORD_EQUITY, 41, &equity), STATUS_OK);
  assert_int_equal(store.last_seq(store.self), 42);
  assert_int_equal(read_int("SELECT count(*) FROM equity_curve"), 2);
}

/* ---- failures ---- */

static void a_locked_database_ends_the_batch_and_the_next_one_works(void **unused) {
  (void)unused;
  struct database other;
  struct equity equity = {.ts = 1};
  assert_int_equal(open_store(true), STATUS_OK);
  assert_int_equal(database_open(&other, path, DATABASE_FOR_WRITING, 0, &problem), STATUS_OK);
  assert_int_equal(database_run(&other, "BEGIN IMMEDIATE", &problem), STATUS_OK);
  assert_int_equal(store.begin(store.self), STATUS_IN_USE);
  assert_int_equal(database_run(&other, "ROLLBACK", &problem), STATUS_OK);
  database_close(&other);
  assert_int_equal(put_one(RECORD_EQUITY, 5, &equity), STATUS_OK);
  assert_int_equal(store.last_seq(store.self), 5);
}

static void a_database_that_is_gone_is_waited_for(void **unused) {
  (void)unused;
  char command[1400];
  struct equity equity = {.ts = 1};
  assert_int_equal(open_store(true), STATUS_OK);
  assert_int_equal(put_one(RECORD_EQUITY, 5, &equity), STATUS_OK);
  snprintf(command, sizeof command, "cd %s && mv data away", folder);
  assert_int_equal(system(command), 0);
  equity.ts = 2;
  for (int i = 0; i < 3; i++) assert_int_not_equal(put_one(RECORD_EQUITY, 6, &equity), STATUS_OK);
  assert_int_equal(access(path, F_OK), -1);
  assert_int_equal(store.last_seq(store.self), 5);
  snprintf(command, sizeof command, "cd %s && mv away data", folder);
  assert_int_equal(system(command), 0);
  assert_int_equal(put_one(RECORD_EQUITY, 6, &equity), STATUS_OK);
  assert_int_equal(read_int("SELECT count(*) FROM equity_curve"), 2);
}

static void a_database_that_lost_rows_is_refused_until_a_new_start(void **unused) {
  (void)unused;
  char command[1400];
  struct equity equity = {.ts = 1};
  assert_int_equal(open_store(true), STATUS_OK);
  assert_int_equal(put_one(RECORD_EQUITY, 5, &equity), STATUS_OK);
  close_store();
  snprintf(command, sizeof command, "cd %s/data && cp bot.db old.db", folder);
  assert_int_equal(system(command), 0);
  assert_int_equal(open_store(true), STATUS_OK);
  equity.ts = 2;
  assert_int_equal(put_one(RECORD_EQUITY, 6, &equity), STATUS_OK);
  snprintf(command, sizeof command, "cd %s/data && rm bot.db* && mv old.db bot.db", folder);
  assert_int_equal(system(command), 0);
  for (int i = 0; i < 3; i++) assert_int_not_equal(put_one(RECORD_EQUITY, 7, &equity), STATUS_OK);
  close_store();
  assert_int_equal(open_store(true), STATUS_OK);
  assert_int_equal(store.last_seq(store.self), 5);
}

static void a_full_disk_ends_the_batch_and_loses_nothing_before(void **unused) {
  (void)unused;
  struct database other;
  struct alert alert = {.alert_id = 1, .since_at = 1};
  int64_t pages;
  assert_int_equal(open_store(true), STATUS_OK);
  assert_int_equal(put_one(RECORD_ALERT, 1, &alert), STATUS_OK);
  assert_int_equal(database_open(&other, path, DATABASE_FOR_WRITING, 0, &problem), STATUS_OK);
  /* A database that may not grow fails as a full disk does. The limit belongs to a connection: it is tried on one of our own. */
  assert_int_equal(database_read_int(&other, "PRAGMA max_page_count=1", 0, &pages, &problem), STATUS_OK);
  problem_clear(&problem);
  assert_int_equal(database_run(&other,
                                "BEGIN; WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10000) "
                                "INSERT INTO system_logs(ts, message) SELECT i, hex(randomblob(500)) FROM n",
                                &problem),
                   STATUS_NO_SPACE);
  assert_string_equal(problem.items[0].code, "database_full");
  database_close(&other);
  assert_int_equal(read_int("SELECT count(*) FROM alerts"), 1);
}

struct told {
  int failures, returns;
};

static void count_line(void *context, enum log_level level, const char *text, size_t length) {
  struct told *told = context;
  (void)level;
  (void)length;
  if (strstr(text, "store_unavailable") != NULL) ++told->failures;
  if (strstr(text, "store_available") != NULL) ++told->returns;
}

/* A full disk lets a batch begin and refuses its rows, again and again: here a trigger does. */
static void an_outage_is_told_once_and_so_is_its_end(void **unused) {
  (void)unused;
  struct alert alert = {.alert_id = 1, .since_at = 1};
  struct told told = {0};
  assert_int_equal(open_store(true), STATUS_OK);
  change("CREATE TRIGGER refuse BEFORE INSERT ON alerts BEGIN SELECT RAISE(FAIL, 'no room'); END");
  assert_int_equal(log_open(&(struct log_options){.level = LOG_INFO}), STATUS_OK);
  log_listen(count_line, &told);
  for (int i = 0; i < 3; i++) assert_int_not_equal(put_one(RECORD_ALERT, 1, &alert), STATUS_OK);
  assert_int_equal(told.failures, 1);
  assert_int_equal(told.returns, 0);
  change("DROP TRIGGER refuse");
  for (int i = 0; i < 2; i++) assert_int_equal(put_one(RECORD_ALERT, 1, &alert), STATUS_OK);
  log_listen(NULL, NULL);
  log_close();
  assert_int_equal(told.failures, 1);
  assert_int_equal(told.returns, 1);
}

static void a_folder_without_permission_is_named(void **unused) {
  (void)unused;
  if (geteuid() == 0) skip(); /* root may write everywhere */
  assert_int_equal(chmod(folder, 0500), 0);
  assert_int_equal(open_store(true), STATUS_NO_PERMISSION);
  assert_non_null(strstr(problem.items[0].path, "/data"));
  assert_int_equal(chmod(folder, 0700), 0);
}

static void damage_names_the_file_and_the_way_out(void **unused) {
  (void)unused;
  assert_int_equal(open_store(true), STATUS_OK);
  close_store();
  assert_int_equal(truncate(path, 100), 0);
  assert_int_equal(open_store(true), STATUS_CORRUPT);
  assert_string_equal(problem.items[0].path, path);
  assert_non_null(strstr(problem.items[0].message, "db rebuild"));
  assert_int_equal(truncate(path, 1), 0);
  assert_int_equal(open_store(true), STATUS_CORRUPT);
  assert_non_null(strstr(problem.items[0].message, "db rebuild"));
  FILE *file = fopen(path, "w");
  assert_non_null(file);
  for (int i = 0; i < 1000; i++) fputs("no database", file);
  fclose(file);
  assert_int_equal(open_store(true), STATUS_CORRUPT);
}

/* ---- migrations ---- */

static void migrations_wait_for_permission(void **unused) {
  (void)unused;
  assert_int_equal(open_store(false), STATUS_BAD_CONFIG);
  assert_string_equal(problem.items[0].code, "pending_migrations");
  assert_non_null(strstr(problem.items[0].message, "db migrate"));
  assert_int_equal(open_store(true), STATUS_OK);
  close_store();
  assert_int_equal(open_store(false), STATUS_OK);
}

static void a_newer_schema_is_refused_with_the_version_needed(void **unused) {
  (void)unused;
  assert_int_equal(open_store(true), STATUS_OK);
  close_store();
  change("INSERT INTO schema_migrations(version, name, applied_at, checksum, down_available) VALUES(9, 'program 3.2.1', 1, 'x', 1)");
  assert_int_equal(open_store(true), STATUS_NEWER_VERSION);
  assert_int_equal(status_exit_code(STATUS_NEWER_VERSION), 4);
  assert_non_null(strstr(problem.items[0].message, "version 9 (program 3.2.1)"));
}

static void a_changed_migration_is_found(void **unused) {
  (void)unused;
  assert_int_equal(open_store(true), STATUS_OK);
  close_store();
  change("UPDATE schema_migrations SET checksum = 'other'");
  assert_int_equal(open_store(true), STATUS_CORRUPT);
  assert_string_equal(problem.items[0].code, "changed_migration");
}

/* A program of the next release: a table has a column more, and there is a new table. */
static const struct store_column next_columns[] = {
    {.name = "version", .type = COLUMN_TYPE_INT},         {.name = "name", .type = COLUMN_TYPE_TEXT},
    {.name = "applied_at", .type = COLUMN_TYPE_TIME},     {.name = "checksum", .type = COLUMN_TYPE_TEXT},
    {.name = "down_available", .type = COLUMN_TYPE_BOOL}, {.name = "down_sql", .type = COLUMN_TYPE_TEXT, .since = 3}};
static const struct store_column next_things[] = {{.name = "thing_id", .type = COLUMN_TYPE_TEXT},
                                                  {.name = "color", .type = COLUMN_TYPE_TEXT, .is_indexed = true, .since = 2}};
static const struct store_column next_others[] = {{.name = "id", .type = COLUMN_TYPE_ROWID},
                                                  {.name = "ts", .type = COLUMN_TYPE_TIME, .is_indexed = true}};
static const struct store_table next_tables[] = {
    {.name = "schema_migrations", .record = STORE_NO_RECORD, .key = "version", .since = 1, .columns = next_columns, .column_count = 6},
    {.name = "things", .record = STORE_NO_RECORD, .key = "thing_id", .since = 1, .columns = next_things, .column_count = 2},
    {.name = "others", .record = STORE_NO_RECORD, .key = "", .since = 3, .columns = next_others, .column_count = 2}};
static const struct schema_set next = {next_tables, 3};
/* The program before it: versions up to 2. */
static const struct store_table former_tables[] = {
    {.name = "schema_migrations", .record = STORE_NO_RECORD, .key = "version", .since = 1, .columns = next_columns, .column_count = 5},
    {.name = "things", .record = STORE_NO_RECORD, .key = "thing_id", .since = 1, .columns = next_things, .column_count = 2}};
static const struct schema_set former = {former_tables, 2};

static void down_and_up_again_keeps_the_rows(void **unused) {
  (void)unused;
  struct database database;
  int version;
  int64_t count;
  snprintf(path, sizeof path, "%s/next.db", folder);
  assert_int_equal(migrations_newest(&next), 3);
  assert_int_equal(database_open(&database, path, DATABASE_MADE, 1000, &problem), STATUS_OK);
  assert_int_equal(migrations_run(&next, &database, 3, 1, &problem), STATUS_OK);
  assert_int_equal(database_run(&database, "INSERT INTO things VALUES('a', 'red')", &problem), STATUS_OK);
  assert_int_equal(migrations_run(&next, &database, 1, 2, &problem), STATUS_OK);
  assert_int_equal(migrations_check(&next, &database, &version, &problem), STATUS_OK);
  assert_int_equal(version, 1);
  assert_int_equal(database_run(&database, "INSERT INTO things VALUES('b')", &problem), STATUS_OK);
  assert_int_not_equal(database_run(&database, "SELECT color FROM things", NULL), STATUS_OK);
  assert_int_equal(migrations_run(&next, &database, 3, 3, &problem), STATUS_OK);
  assert_int_equal(database_read_int(&database, "SELECT count(*) FROM things WHERE color IS NULL", 0, &count, &problem), STATUS_OK);
  assert_int_equal(count, 2);
  assert_int_equal(migrations_run(&next, &database, 0, 4, &problem), STATUS_OK);
  assert_int_equal(migrations_check(&next, &database, &version, &problem), STATUS_OK);
  assert_int_equal(version, 0);
  assert_int_equal(migrations_run(&next, &database, 4, 4, &problem), STATUS_BAD_CONFIG);
  database_close(&database);
}

static void a_step_that_fails_leaves_the_version_before(void **unused) {
  (void)unused;
  struct database database;
  int version;
  snprintf(path, sizeof path, "%s/next.db", folder);
  assert_int_equal(database_open(&database, path, DATABASE_MADE, 1000, &problem), STATUS_OK);
  assert_int_equal(migrations_run(&next, &database, 2, 1, &problem), STATUS_OK);
  /* Something of the new table's name stands in the way. */
  assert_int_equal(database_run(&database, "CREATE TABLE others(x)", &problem), STATUS_OK);
  assert_int_not_equal(migrations_run(&next, &database, 3, 1, &problem), STATUS_OK);
  assert_int_equal(migrations_check(&next, &database, &version, &problem), STATUS_OK);
  assert_int_equal(version, 2);
  database_close(&database);
}

static void an_older_program_finds_the_way_back(void **unused) {
  (void)unused;
  struct database database;
  int version;
  int64_t count;
  snprintf(path, sizeof path, "%s/next.db", folder);
  assert_int_equal(database_open(&database, path, DATABASE_MADE, 1000, &problem), STATUS_OK);
  assert_int_equal(migrations_run(&next, &database, 3, 1, &problem), STATUS_OK);
  assert_int_equal(database_run(&database, "INSERT INTO things VALUES('a', 'red')", &problem), STATUS_OK);
  assert_int_equal(migrations_check(&former, &database, &version, &problem), STATUS_NEWER_VERSION);
  assert_int_equal(migrations_undo_newer(&former, &database, &problem), STATUS_OK);
  problem_clear(&problem);
  assert_int_equal(migrations_check(&former, &database, &version, &problem), STATUS_OK);
  assert_int_equal(version, 2);
  assert_int_equal(database_read_int(&database, "SELECT count(*) FROM things WHERE color = 'red'", 0, &count, &problem), STATUS_OK);
  assert_int_equal(count, 1);
  assert_int_equal(migrations_undo_newer(&former, &database, &problem), STATUS_OK);
  assert_int_equal(migrations_run(&next, &database, 3, 2, &problem), STATUS_OK);
  assert_int_equal(database_run(&database, "UPDATE schema_migrations SET down_sql = NULL WHERE version = 3", &problem), STATUS_OK);
  assert_int_equal(migrations_undo_newer(&former, &database, &problem), STATUS_NEWER_VERSION);
  database_close(&database);
}

static void all_tables_are_strict(void **unused) {
  (void)unused;
  assert_int_equal(open_store(true), STATUS_OK);
  assert_int_equal(read_int("SELECT count(*) FROM pragma_table_list WHERE schema = 'main' AND strict = 1"), store_table_count);
  assert_int_equal(read_int("SELECT count(*) FROM schema_migrations"), migrations_newest(&store_schema));
}

/* ---- registry ---- */

static void the_instance_is_drawn_once(void **unused) {
  (void)unused;
  struct store_registry registry;
  char first[INSTANCE_BYTES], again[INSTANCE_BYTES];
  assert_int_equal(open_store(true), STATUS_OK);
  for (int i = 0; i < 2; i++) {
    assert_int_equal(store_registry_open(&registry, path, &problem), STATUS_OK);
    assert_int_equal(store_instance(&registry, i == 0 ? first : again, 5, &problem), STATUS_OK);
    store_registry_close(&registry);
  }
  assert_string_equal(first, again);
  assert_int_equal(strlen(first), 6);
  assert_int_equal(strspn(first, "0123456789ABCDEFGHJKMNPQRSTVWXYZ"), 6);
  assert_string_not_equal(first, "000000");
}

static void counters_never_go_down(void **unused) {
  (void)unused;
  struct store_registry registry;
  struct engine_counters counters = {.session = 3, .transition = 9, .fill = 4};
  struct engine_counters loaded;
  assert_int_equal(open_store(true), STATUS_OK);
  assert_int_equal(store_registry_open(&registry, path, &problem), STATUS_OK);
  assert_int_equal(store_counters_load(&registry, &loaded, &problem), STATUS_OK);
  assert_int_equal(loaded.session, 0);
  assert_int_equal(store_counters_save(&registry, &counters, &problem), STATUS_OK);
  counters.fill = 2;
  assert_int_equal(store_counters_save(&registry, &counters, &problem), STATUS_OK);
  assert_int_equal(store_counters_load(&registry, &loaded, &problem), STATUS_OK);
  counters.fill = 4;
  assert_memory_equal(&loaded, &counters, sizeof counters);
  store_registry_close(&registry);
}

static void only_one_engine_holds_the_lease(void **unused) {
  (void)unused;
  struct store_registry one, two;
  char holder[96];
  assert_int_equal(open_store(true), STATUS_OK);
  assert_int_equal(store_registry_open(&one, path, &problem), STATUS_OK);
  assert_int_equal(store_registry_open(&two, path, &problem), STATUS_OK);
  assert_int_equal(store_lease_take(&one, "paper", 1000, &problem), STATUS_OK);
  assert_int_equal(store_lease_take(&two, "paper", 2000, &problem), STATUS_LEASE_HELD);
  assert_non_null(strstr(problem.items[0].message, one.holder));
  assert_int_equal(store_lease_take(&two, "other", 2000, &problem), STATUS_OK);
  assert_int_equal(store_lease_release(&two, &problem), STATUS_OK);
  assert_int_equal(store_lease_renew(&one, 6000, &problem), STATUS_OK);
  assert_int_equal(store_lease_take(&two, "paper", 20999, &problem), STATUS_LEASE_HELD);
  assert_int_equal(store_lease_holder(&two.database, "paper", 20999, holder, sizeof holder, &problem), STATUS_OK);
  assert_string_equal(holder, one.holder);
  /* 15 s after the last renewal it is free; the former holder learns of it. */
  assert_int_equal(store_lease_take(&two, "paper", 21000, &problem), STATUS_OK);
  assert_int_equal(store_lease_renew(&one, 21001, &problem), STATUS_LEASE_HELD);
  assert_int_equal(store_lease_release(&two, &problem), STATUS_OK);
  assert_int_equal(store_lease_take(&one, "paper", 21002, &problem), STATUS_OK);
  assert_int_equal(store_lease_take_over(&two, "paper", "another", 21003, &problem), STATUS_LEASE_HELD);
  assert_int_equal(store_lease_take_over(&two, "paper", one.holder, 21004, &problem), STATUS_OK);
  /* It runs out as any other: a holder that dies before it renews is not in the way of the next for longer. */
  assert_int_equal(store_lease_take_over(&one, "paper", two.holder, 21005, &problem), STATUS_OK);
  assert_int_equal(store_lease_take(&two, "paper", 21004 + LEASE_EXPIRES_MS, &problem), STATUS_LEASE_HELD);
  assert_int_equal(store_lease_take(&two, "paper", 21005 + LEASE_EXPIRES_MS, &problem), STATUS_OK);
  store_registry_close(&two);
  assert_int_equal(store_lease_take(&one, "paper", 50000, &problem), STATUS_OK);
  store_registry_close(&one);
  assert_int_equal(read_int("SELECT count(*) FROM leases"), 0);
}

/* ---- queries ---- */

static void put_decision(int64_t id, int64_t ts, const char *symbol, enum stage stage) {
  struct decision decision = {
      .decision_id = id, .ts = ts, .stage = (int32_t)stage, .verdict = VERDICT_REJECTED, .code = REASON_bb_width, .strategy = -1, .side = -1};
  snprintf(decision.symbol, sizeof decision.symbol, "%s", symbol);
  decision.reasons_count = 1;
  decision.reasons[0] = (struct reason){.code = REASON_bb_width, .value = 0.5, .threshold = 0.25};
  assert_int_equal(put_one(RECORD_DECISION, (uint64_t)id, &decision), STATUS_OK);
}

static void decisions_are_found_by_symbol_stage_and_time(void **unused) {
  (void)unused;
  struct database database;
  struct store_rows rows;
  struct rows_query query = {.table = "decisions", .limit = 2};
  struct decision decision;
  assert_int_equal(open_store(true), STATUS_OK);
  put_decision(1, 1000, "BTC/USDT", STAGE_FILTER);
  put_decision(2, 2000, "ETH/USDT", STAGE_FILTER);
  put_decision(3, 3000, "BTC/USDT", STAGE_RISK);
  put_decision(4, 4000, "BTC/USDT", STAGE_FILTER);
  put_decision(5, 4000, "BTC/USDT", STAGE_FILTER);
  assert_int_equal(database_open(&database, path, DATABASE_FOR_READING, 1000, &problem), STATUS_OK);
  rows_query_add(&query, "symbol", ROWS_EQUAL, "BTC/USDT");
  rows_query_add(&query, "stage", ROWS_EQUAL, "filter");
  rows_query_add(&query, "decision_id", ROWS_NOT_EQUAL, "D0000000005");
  assert_int_equal(store_select(&database, &query, &rows, &problem), STATUS_OK);
  assert_int_equal(store_rows_next(&rows, &problem), STATUS_OK);
  assert_int_equal(store_rows_object(&rows, &decision, &problem), STATUS_OK);
  assert_int_equal(decision.decision_id, 4);
  assert_int_equal(decision.reasons_count, 1);
  assert_true(decision.reasons[0].value == 0.5);
  struct buffer json = {0};
  struct json_writer writer;
  json_writer_init(&writer, &json, false);
  json_begin_object(&writer, NULL);
  store_rows_to_json(&rows, &writer);
  json_end_object(&writer);
  assert_non_null(
      strstr(json.data, "\"decision_id\":\"D0000000004\",\"ts\":4000,\"symbol\":\"BTC/USDT\",\"stage\":\"filter\",\"verdict\":\"rejected\""));
  assert_non_null(strstr(json.data, "\"reasons\":[{\"code\":\"bb_width\""));
  buffer_deinit(&json);
  assert_int_equal(store_rows_next(&rows, &problem), STATUS_OK);
  assert_int_equal(store_rows_object(&rows, &decision, &problem), STATUS_OK);
  assert_int_equal(decision.decision_id, 1);
  assert_int_equal(store_rows_next(&rows, &problem), STATUS_END);
  store_rows_close(&rows);
  database_close(&database);
}

static void wrong_questions_name_the_nearest(void **unused) {
  (void)unused;
  struct database database;
  struct store_rows rows;
  struct rows_query query = {.table = "decison"};
  assert_int_equal(open_store(true), STATUS_OK);
  assert_int_equal(database_open(&database, path, DATABASE_FOR_READING, 1000, &problem), STATUS_OK);
  assert_int_equal(store_select(&database, &query, &rows, &problem), STATUS_NOT_FOUND);
  assert_string_equal(problem.items[0].allowed, "decisions");
  query.table = "decisions";
  rows_query_add(&query, "symbl", ROWS_EQUAL, "x");
  assert_int_equal(store_select(&database, &query, &rows, &problem), STATUS_BAD_INPUT);
  assert_string_equal(problem.items[1].allowed, "symbol");
  query.filters[0] = (struct row_filter){"ts", ROWS_AT_LEAST, "yesterday"};
  assert_int_equal(store_select(&database, &query, &rows, &problem), STATUS_BAD_INPUT);
  database_close(&database);
}

static void a_copy_is_whole_while_a_batch_is_open(void **unused) {
  (void)unused;
  struct database database;
  struct equity equity = {.ts = 1};
  char copy[640];
  int64_t count;
  snprintf(copy, sizeof copy, "%s/copy.db", folder);
  assert_int_equal(open_store(true), STATUS_OK);
  assert_int_equal(put_one(RECORD_EQUITY, 1, &equity), STATUS_OK);
  assert_int_equal(store.begin(store.self), STATUS_OK);
  equity.ts = 2;
  assert_int_equal(store.put(store.self, RECORD_EQUITY, 2, &equity), STATUS_OK);
  assert_int_equal(database_open(&database, path, DATABASE_FOR_READING, 1000, &problem), STATUS_OK);
  assert_int_equal(database_copy(&database, copy, &problem), STATUS_OK);
  database_close(&database);
  assert_int_equal(store.commit(store.self), STATUS_OK);
  assert_int_equal(database_open(&database, copy, DATABASE_FOR_READING, 1000, &problem), STATUS_OK);
  assert_int_equal(database_check(&database, &problem), STATUS_OK);
  assert_int_equal(database_read_int(&database, "SELECT count(*) FROM equity_curve", 0, &count, &problem), STATUS_OK);
  assert_int_equal(count, 1);
  database_close(&database);
}

#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, make_folder, remove_folder)

static int mode_of(const char *end) {
  char name[620];
  struct stat info;
  snprintf(name, sizeof name, "%s%s", path, end);
  assert_int_equal(stat(name, &info), 0);
  return (int)(info.st_mode & 0777);
}

/* It holds hashes of passwords and tokens. */
static void the_file_is_its_owners_alone(void **state) {
  (void)state;
  mode_t before = umask(0022);
  assert_int_equal(open_store(true), STATUS_OK);
  assert_int_equal(mode_of(""), 0600);
  assert_int_equal(mode_of("-wal"), 0600);
  assert_int_equal(mode_of("-shm"), 0600);
  close_store();
  /* One of an older version. */
  assert_int_equal(chmod(path, 0644), 0);
  assert_int_equal(open_store(true), STATUS_OK);
  assert_int_equal(mode_of(""), 0600);
  umask(before);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      IN_FOLDER(the_file_is_its_owners_alone),
      cmocka_unit_test(every_kind_of_record_has_a_table_or_is_named_as_without),
      IN_FOLDER(no_field_is_lost),
      IN_FOLDER(a_level_change_is_two_rows),
      IN_FOLDER(unknown_numbers_come_back_unknown),
      IN_FOLDER(a_put_replaces_the_row_with_the_same_key),
      IN_FOLDER(rows_belong_to_the_session_that_made_them),
      IN_FOLDER(the_newest_seq_is_stored_with_its_batch),
      IN_FOLDER(a_locked_database_ends_the_batch_and_the_next_one_works),
      IN_FOLDER(a_database_that_is_gone_is_waited_for),
      IN_FOLDER(a_database_that_lost_rows_is_refused_until_a_new_start),
      IN_FOLDER(a_full_disk_ends_the_batch_and_loses_nothing_before),
      IN_FOLDER(an_outage_is_told_once_and_so_is_its_end),
      IN_FOLDER(a_folder_without_permission_is_named),
      IN_FOLDER(damage_names_the_file_and_the_way_out),
      IN_FOLDER(migrations_wait_for_permission),
      IN_FOLDER(a_newer_schema_is_refused_with_the_version_needed),
      IN_FOLDER(a_changed_migration_is_found),
      IN_FOLDER(down_and_up_again_keeps_the_rows),
      IN_FOLDER(a_step_that_fails_leaves_the_version_before),
      IN_FOLDER(an_older_program_finds_the_way_back),
      IN_FOLDER(all_tables_are_strict),
      IN_FOLDER(the_instance_is_drawn_once),
      IN_FOLDER(counters_never_go_down),
      IN_FOLDER(only_one_engine_holds_the_lease),
      IN_FOLDER(decisions_are_found_by_symbol_stage_and_time),
      IN_FOLDER(wrong_questions_name_the_nearest),
      IN_FOLDER(a_copy_is_whole_while_a_batch_is_open),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

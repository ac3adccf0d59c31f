/* The port rows against a real database: values of every kind, refusals that name the nearest, locks, transactions, a lost file. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "adapters/store/sqlite_rows.h"
#include "adapters/store/sqlite_store.h"
#include "base/log.h"
#include "base/text.h"
#include "support/record_fixture.h"
#include "support/scratch.h"

static char folder[512], path[600];
static struct problem problem;
static struct store store;
static struct sqlite_rows *rows;
static struct row_port port;

static int open_all(void **state) {
  (void)state;
  if (!scratch_make(folder, sizeof folder, "test_rows")) return -1;
  snprintf(path, sizeof path, "%s/bot.db", folder);
  problem_clear(&problem);
  const struct sqlite_store_options options = {.path = path, .account = "paper", .may_migrate = true};
  if (sqlite_store_open(&store, &options, &problem) != STATUS_OK) return -1;
  if (sqlite_rows_open(&rows, path, &problem) != STATUS_OK) return -1;
  sqlite_rows_port(rows, &port);
  return 0;
}

static int close_all(void **state) {
  (void)state;
  sqlite_rows_close(rows);
  rows = NULL;
  store.close(store.self);
  return scratch_remove(folder);
}

static void put(enum record_kind kind, uint64_t seq, const void *object) {
  assert_int_equal(store.begin(store.self), STATUS_OK);
  assert_int_equal(store.put(store.self, kind, seq, object), STATUS_OK);
  assert_int_equal(store.commit(store.self), STATUS_OK);
}

static void change(const char *sql) {
  struct database database;
  assert_int_equal(database_open(&database, path, DATABASE_FOR_WRITING, 1000, &problem), STATUS_OK);
  assert_int_equal(database_run(&database, sql, &problem), STATUS_OK);
  database_close(&database);
}

/* ---- reading ---- */

struct seen {
  int count, stop_at;
  char json[4096]; /* of the last row */
  char names[512]; /* of a text column, one after the other */
  const char *column;
};

static bool on_row(void *context, const struct row_value *values, int count) {
  struct seen *seen = context;
  struct buffer buffer = {0};
  struct json_writer writer;
  json_writer_init(&writer, &buffer, false);
  json_begin_object(&writer, NULL);
  row_to_json(values, count, &writer);
  json_end_object(&writer);
  text_copy(seen->json, sizeof seen->json, buffer.data);
  buffer_deinit(&buffer);
  const struct row_value *value = seen->column != NULL ? row_value_of(values, count, seen->column) : NULL;
  if (value != NULL) {
    strncat(seen->names, value->text, sizeof seen->names - strlen(seen->names) - 2);
    strcat(seen->names, " ");
  }
  ++seen->count;
  return seen->count != seen->stop_at;
}

static void values_of_every_kind_come_back_as_they_went_in(void **unused) {
  (void)unused;
  const struct row_value user[] = {row_text("username", "ann \"quoted\"\n"), row_text("password_hash", NULL), row_text("role", "admin"),
                                   row_int("disabled", 1), row_int("created_at", 1767225600123)};
  const struct row_value run[] = {row_text("run_id", "R1"), row_real("progress", 0.25), row_text("summary", "{\"a\":[1,2]}"), row_int("ended_at", 0)};
  const struct row_value candle[] = {row_text("venue", "v"),     row_text("symbol", "A/USDT"),   row_text("timeframe", "5m"),
                                     row_int("open_ts", 300000), row_text("open", "0.10000001"), row_real("close", NAN)};
  const struct row_value version[] = {row_text("name", "p"), row_text("content", "{}")};
  struct seen seen = {0};
  int64_t id = 0;
  assert_int_equal(port.insert(port.self, "users", user, 5, NULL, &problem), STATUS_OK);
  assert_int_equal(port.insert(port.self, "runs", run, 4, NULL, &problem), STATUS_OK);
  assert_int_equal(port.insert(port.self, "candles", candle, 6, NULL, &problem), STATUS_OK);
  assert_int_equal(port.insert(port.self, "preset_versions", version, 2, &id, &problem), STATUS_OK);
  assert_int_equal(id, 1);
  assert_int_equal(port.insert(port.self, "preset_versions", version, 2, &id, &problem), STATUS_OK);
  assert_int_equal(id, 2);
  assert_int_equal(port.select(port.self, &(struct rows_query){.table = "users"}, on_row, &seen, &problem), STATUS_OK);
  assert_string_equal(seen.json,
                      "{\"username\":\"ann \\\"quoted\\\"\\n\",\"password_hash\":null,\"role\":\"admin\",\"disabled\":true,"
                      "\"created_at\":1767225600123,\"last_login_at\":null}");
  assert_int_equal(port.select(port.self, &(struct rows_query){.table = "runs"}, on_row, &seen, &problem), STATUS_OK);
  assert_non_null(strstr(seen.json, "\"progress\":0.25,\"summary\":{\"a\":[1,2]},"));
  assert_non_null(strstr(seen.json, "\"ended_at\":0,"));
  assert_int_equal(port.select(port.self, &(struct rows_query){.table = "candles"}, on_row, &seen, &problem), STATUS_OK);
  assert_non_null(strstr(seen.json, "\"open\":0.10000001,"));
  assert_non_null(strstr(seen.json, "\"close\":null,"));
}

static bool keep_trade(void *context, const void *object) {
  memcpy(context, object, sizeof(struct trade));
  return true;
}

static void a_record_comes_back_as_its_struct(void **unused) {
  (void)unused;
  static struct trade sent, got;
  record_fill(record_schemas[RECORD_TRADE], &sent, 3);
  put(RECORD_TRADE, 1, &sent);
  assert_int_equal(port.select_objects(port.self, &(struct rows_query){.table = "trades"}, keep_trade, &got, &problem), STATUS_OK);
  assert_int_equal(got.trade_id, sent.trade_id);
  assert_string_equal(got.symbol, sent.symbol);
  assert_int_equal(got.pnl_usd, sent.pnl_usd);
  assert_true(got.pnl_r == sent.pnl_r);
  assert_int_equal(port.select_objects(port.self, &(struct rows_query){.table = "users"}, keep_trade, &got, &problem), STATUS_BAD_INPUT);
}

static void add_user(const char *name, int64_t created_at) {
  const struct row_value user[] = {row_text("username", name), row_int("created_at", created_at)};
  assert_int_equal(port.insert(port.self, "users", user, 2, NULL, &problem), STATUS_OK);
}

static void filters_orders_and_limits(void **unused) {
  (void)unused;
  add_user("a", 1767225601000);
  add_user("b", 1767225603000);
  add_user("c", 1767225602000);
  add_user("d", 1767225602000);
  struct rows_query query = {.table = "users", .order = "created_at"};
  struct seen seen = {.column = "username"};
  assert_int_equal(port.select(port.self, &query, on_row, &seen, &problem), STATUS_OK);
  assert_string_equal(seen.names, "b d c a ");
  seen = (struct seen){.column = "username"};
  rows_query_add(&query, "created_at", ROWS_AT_LEAST, "1767225602000");
  rows_query_add(&query, "created_at", ROWS_BELOW, "2026-01-01T00:00:03Z");
  query.is_ascending = true;
  assert_int_equal(port.select(port.self, &query, on_row, &seen, &problem), STATUS_OK);
  assert_string_equal(seen.names, "c d ");
  seen = (struct seen){.column = "username", .stop_at = 1};
  query.offset = 1;
  assert_int_equal(port.select(port.self, &query, on_row, &seen, &problem), STATUS_OK);
  assert_string_equal(seen.names, "d ");
  int64_t count = -1;
  assert_int_equal(port.count(port.self, &query, &count, &problem), STATUS_OK);
  assert_int_equal(count, 2);
}

static void update_and_remove_say_how_many(void **unused) {
  (void)unused;
  int64_t changed = -1;
  add_user("a", 1767225601000);
  add_user("b", 1767225601000);
  struct rows_query which = {.table = "users"};
  rows_query_add(&which, "created_at", ROWS_EQUAL, "1767225601000");
  const struct row_value values[] = {row_text("role", "viewer"), row_int("created_at", 1767225602000)};
  assert_int_equal(port.update(port.self, &which, values, 2, &changed, &problem), STATUS_OK);
  assert_int_equal(changed, 2);
  assert_int_equal(port.update(port.self, &which, values, 2, &changed, &problem), STATUS_OK);
  assert_int_equal(changed, 0);
  struct rows_query one = {.table = "users"};
  rows_query_add(&one, "username", ROWS_EQUAL, "b");
  assert_int_equal(port.remove(port.self, &one, &changed, &problem), STATUS_OK);
  assert_int_equal(changed, 1);
  struct seen seen = {0};
  assert_int_equal(port.select(port.self, &(struct rows_query){.table = "users"}, on_row, &seen, &problem), STATUS_OK);
  assert_int_equal(seen.count, 1);
  assert_non_null(strstr(seen.json, "\"role\":\"viewer\",\"disabled\":null,\"created_at\":1767225602000"));
}

/* ---- refusals ---- */

static enum status refused(enum status status, const char *code, const char *nearest) {
  assert_int_equal(problem.count, 1);
  assert_string_equal(problem.items[0].code, code);
  if (nearest != NULL) assert_string_equal(problem.items[0].allowed, nearest);
  problem_clear(&problem);
  return status;
}

static void wrong_questions_name_the_nearest(void **unused) {
  (void)unused;
  struct seen seen = {0};
  int64_t count;
  struct rows_query filter = {.table = "users"};
  rows_query_add(&filter, "usernam", ROWS_EQUAL, "x");
  struct rows_query value = {.table = "users"};
  rows_query_add(&value, "created_at", ROWS_EQUAL, "yesterday");
  const struct row_value unknown[] = {row_text("rol", "x")};
  const struct row_value computed[] = {row_text("status", "open")};
  const struct row_value wrong[] = {row_real("created_at", 0.5)};
  const struct row_value injection[] = {row_text("role\" = 1; --", "x")};
  assert_int_equal(refused(port.select(port.self, &(struct rows_query){.table = "user"}, on_row, &seen, &problem), "unknown_table", "users"),
                   STATUS_NOT_FOUND);
  assert_int_equal(refused(port.count(port.self, &(struct rows_query){.table = "trade"}, &count, &problem), "unknown_table", "trades"),
                   STATUS_NOT_FOUND);
  assert_int_equal(refused(port.select(port.self, &filter, on_row, &seen, &problem), "unknown_column", "username"), STATUS_BAD_INPUT);
  assert_int_equal(refused(port.remove(port.self, &filter, NULL, &problem), "unknown_column", "username"), STATUS_BAD_INPUT);
  assert_int_equal(
      refused(port.select(port.self, &(struct rows_query){.table = "users", .order = "rol"}, on_row, &seen, &problem), "unknown_column", "role"),
      STATUS_BAD_INPUT);
  assert_int_equal(refused(port.count(port.self, &value, &count, &problem), "bad_value", "TS"), STATUS_BAD_INPUT);
  assert_int_equal(refused(port.insert(port.self, "users", unknown, 1, NULL, &problem), "unknown_column", "role"), STATUS_BAD_INPUT);
  assert_int_equal(refused(port.insert(port.self, "positions", computed, 1, NULL, &problem), "computed_column", NULL), STATUS_BAD_INPUT);
  assert_int_equal(refused(port.insert(port.self, "users", wrong, 1, NULL, &problem), "bad_value", "TS"), STATUS_BAD_INPUT);
  assert_int_equal(refused(port.insert(port.self, "users", injection, 1, NULL, &problem), "unknown_column", NULL), STATUS_BAD_INPUT);
  assert_int_equal(seen.count, 0);
}

static void the_same_key_twice_is_refused(void **unused) {
  (void)unused;
  add_user("a", 1767225601000);
  const struct row_value user[] = {row_text("username", "a")};
  assert_int_equal(refused(port.insert(port.self, "users", user, 1, NULL, &problem), "already_exists", NULL), STATUS_EXISTS);
}

/* ---- locks, transactions, losses ---- */

static void a_locked_database_is_read_but_not_written(void **unused) {
  (void)unused;
  struct seen seen = {0};
  add_user("a", 1767225601000);
  struct database other;
  const struct row_value user[] = {row_text("username", "b")};
  assert_int_equal(database_open(&other, path, DATABASE_FOR_WRITING, 1000, &problem), STATUS_OK);
  assert_int_equal(database_run(&other, "BEGIN IMMEDIATE; UPDATE users SET role = 'x'", &problem), STATUS_OK);
  assert_int_equal(refused(port.insert(port.self, "users", user, 1, NULL, &problem), "database_locked", NULL), STATUS_IN_USE);
  assert_int_equal(refused(port.begin(port.self, &problem), "database_locked", NULL), STATUS_IN_USE);
  assert_int_equal(port.select(port.self, &(struct rows_query){.table = "users"}, on_row, &seen, &problem), STATUS_OK);
  assert_int_equal(seen.count, 1);
  assert_int_equal(database_run(&other, "COMMIT", &problem), STATUS_OK);
  database_close(&other);
  assert_int_equal(port.insert(port.self, "users", user, 1, NULL, &problem), STATUS_OK);
}

static void a_transaction_is_whole_or_nothing(void **unused) {
  (void)unused;
  int64_t count = -1;
  const struct rows_query all = {.table = "users"};
  assert_int_equal(port.begin(port.self, &problem), STATUS_OK);
  add_user("a", 1767225601000);
  port.rollback(port.self);
  assert_int_equal(port.count(port.self, &all, &count, &problem), STATUS_OK);
  assert_int_equal(count, 0);
  assert_int_equal(port.begin(port.self, &problem), STATUS_OK);
  add_user("a", 1767225601000);
  add_user("b", 1767225601000);
  assert_int_equal(port.commit(port.self, &problem), STATUS_OK);
  port.rollback(port.self); /* nothing to undo */
  assert_int_equal(port.count(port.self, &all, &count, &problem), STATUS_OK);
  assert_int_equal(count, 2);
  assert_int_equal(refused(port.commit(port.self, &problem), "database_failed", NULL), STATUS_IO_FAILED);
}

/* 20,000 x 20,000 pairs of a view that takes the place of a table: no answer within the budget, and the next question is answered. */
static void a_question_that_is_too_wide_is_given_up(void **unused) {
  (void)unused;
  int64_t count = -1;
  struct seen seen = {0};
  change(
      "DROP TABLE backups; CREATE VIEW backups AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000) "
      "SELECT 'f' AS file, a.i AS ts, 1 AS bytes, 's' AS sha256, 1 AS schema_version, 1 AS verified_at FROM n a, n b WHERE a.i * b.i = 7919");
  assert_int_equal(refused(port.count(port.self, &(struct rows_query){.table = "backups"}, &count, &problem), "too_wide", NULL), STATUS_TIMED_OUT);
  assert_int_equal(port.select(port.self, &(struct rows_query){.table = "users"}, on_row, &seen, &problem), STATUS_OK);
}

static void a_removed_file_is_told_and_a_new_one_is_used(void **unused) {
  (void)unused;
  char other[640];
  int64_t count = -1;
  const struct rows_query all = {.table = "users"};
  add_user("a", 1767225601000);
  snprintf(other, sizeof other, "%s.away", path);
  assert_int_equal(rename(path, other), 0);
  assert_int_equal(port.count(port.self, &all, &count, &problem), STATUS_NOT_FOUND);
  problem_clear(&problem);
  assert_int_equal(rename(other, path), 0);
  assert_int_equal(port.count(port.self, &all, &count, &problem), STATUS_OK);
  assert_int_equal(count, 1);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(values_of_every_kind_come_back_as_they_went_in, open_all, close_all),
      cmocka_unit_test_setup_teardown(a_record_comes_back_as_its_struct, open_all, close_all),
      cmocka_unit_test_setup_teardown(filters_orders_and_limits, open_all, close_all),
      cmocka_unit_test_setup_teardown(update_and_remove_say_how_many, open_all, close_all),
      cmocka_unit_test_setup_teardown(wrong_questions_name_the_nearest, open_all, close_all),
      cmocka_unit_test_setup_teardown(the_same_key_twice_is_refused, open_all, close_all),
      cmocka_unit_test_setup_teardown(a_locked_database_is_read_but_not_written, open_all, close_all),
      cmocka_unit_test_setup_teardown(a_transaction_is_whole_or_nothing, open_all, close_all),
      cmocka_unit_test_setup_teardown(a_question_that_is_too_wide_is_given_up, open_all, close_all),
      cmocka_unit_test_setup_teardown(a_removed_file_is_told_and_a_new_one_is_used, open_all, close_all),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

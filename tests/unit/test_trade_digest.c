#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "adapters/store/migrations.h"
#include "adapters/store/trade_digest.h"

static char folder[512];

static int make_folder(void **state) {
  (void)state;
  const char *scratch = getenv("TMPDIR");
  snprintf(folder, sizeof folder, "%.400s/test_trade_digest_XXXXXX", scratch != NULL ? scratch : "/tmp");
  return mkdtemp(folder) != NULL ? 0 : -1;
}

static int remove_folder(void **state) {
  char command[600];
  (void)state;
  snprintf(command, sizeof command, "rm -rf %s", folder);
  return system(command);
}

/* The digest of a fresh database after the statements. */
static struct trade_digest digest_after(const char *name, const char *sql) {
  char path[640];
  struct database database;
  struct trade_digest digest;
  snprintf(path, sizeof path, "%s/%s.db", folder, name);
  assert_int_equal(database_open(&database, path, DATABASE_MADE, 1000, NULL), STATUS_OK);
  assert_int_equal(migrations_run(&store_schema, &database, migrations_newest(&store_schema), 1, NULL), STATUS_OK);
  assert_int_equal(database_run(&database, sql, NULL), STATUS_OK);
  assert_int_equal(trade_digest_read(&digest, &database, NULL), STATUS_OK);
  database_close(&database);
  return digest;
}

static void the_order_of_writing_does_not_count(void **unused) {
  (void)unused;
  struct trade_digest one = digest_after("one", "INSERT INTO trades(trade_id, pnl_usd) VALUES('T1', 5), ('T2', -7)");
  struct trade_digest other = digest_after("other",
                                           "INSERT INTO trades(trade_id, pnl_usd) VALUES('T2', -7); INSERT INTO users(username) VALUES('ann');"
                                           "INSERT INTO trades(trade_id, pnl_usd) VALUES('T1', 5)");
  assert_string_equal(one.all, other.all);
}

static void every_table_counts(void **unused) {
  (void)unused;
  static const char *const changes[TRADE_TABLES] = {"INSERT INTO plans(plan_id) VALUES('L1')",
                                                    "INSERT INTO orders(client_order_id) VALUES('o1')",
                                                    "INSERT INTO fills(fill_id) VALUES(1)",
                                                    "INSERT INTO positions(position_id) VALUES('P1')",
                                                    "INSERT INTO stop_history(position_id, ts, new_stop) VALUES('P1', 1, 1)",
                                                    "INSERT INTO trades(trade_id) VALUES('T1')",
                                                    "INSERT INTO cash_flows(flow_id) VALUES(1)"};
  struct trade_digest none = digest_after("none", "SELECT 1");
  char name[16];
  for (int i = 0; i < TRADE_TABLES; i++) {
    snprintf(name, sizeof name, "t%d", i);
    struct trade_digest some = digest_after(name, changes[i]);
    assert_string_not_equal(some.all, none.all);
    for (int j = 0; j < TRADE_TABLES; j++) assert_int_equal(strcmp(some.tables[j], none.tables[j]) != 0, i == j);
  }
}

static void a_value_counts_and_a_column_without_one_does_not(void **unused) {
  (void)unused;
  struct trade_digest one = digest_after("one", "INSERT INTO orders(client_order_id, state) VALUES('o1', 'filled')");
  struct trade_digest wider =
      digest_after("wider", "INSERT INTO orders(client_order_id, state) VALUES('o1', 'filled'); ALTER TABLE orders ADD COLUMN mood TEXT");
  struct trade_digest other = digest_after("other", "INSERT INTO orders(client_order_id, state) VALUES('o1', 'filleD')");
  struct trade_digest shifted = digest_after("shifted", "INSERT INTO orders(client_order_id, venue_order_id) VALUES('o1', 'filled')");
  assert_string_equal(one.all, wider.all);
  assert_string_not_equal(one.all, other.all);
  assert_string_not_equal(one.all, shifted.all);
}

#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, make_folder, remove_folder)

int main(void) {
  const struct CMUnitTest tests[] = {IN_FOLDER(the_order_of_writing_does_not_count), IN_FOLDER(every_table_counts),
                                     IN_FOLDER(a_value_counts_and_a_column_without_one_does_not)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}

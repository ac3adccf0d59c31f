/* What every store must do, asked through the port alone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "adapters/store/memory_store.h"
#include "adapters/store/sqlite_store.h"
#include "support/record_fixture.h"
#include "support/scratch.h"

static struct store store;
static char folder[512];
static union {
  long long align;
  unsigned char bytes[1 << 16];
} object;

static int open_memory(void **state) {
  (void)state;
  memory_store_open(&store, 64);
  return 0;
}

static int close_memory(void **state) {
  (void)state;
  store.close(store.self);
  return 0;
}

static int open_sqlite(void **state) {
  char path[600];
  (void)state;
  if (!scratch_make(folder, sizeof folder, "test_store_contract")) return -1;
  snprintf(path, sizeof path, "%s/bot.db", folder);
  return sqlite_store_open(&store, &(struct sqlite_store_options){.path = path, .account = "paper", .may_migrate = true}, NULL) == STATUS_OK ? 0 : -1;
}

static int close_sqlite(void **state) {
  (void)state;
  store.close(store.self);
  return scratch_remove(folder);
}

static void it_takes_every_kind_of_record(void **unused) {
  (void)unused;
  for (int round = 0; round < 2; round++) {
    assert_int_equal(store.begin(store.self), STATUS_OK);
    for (int kind = 0; kind < record_kind_count; kind++) {
      assert_true(record_schemas[kind]->size <= sizeof object.bytes);
      record_fill(record_schemas[kind], object.bytes, kind + 1);
      assert_int_equal(store.put(store.self, (enum record_kind)kind, (uint64_t)(kind + 1), object.bytes), STATUS_OK);
    }
    assert_int_equal(store.commit(store.self), STATUS_OK);
    assert_int_equal(store.last_seq(store.self), record_kind_count);
  }
}

static void it_begins_empty_and_knows_only_what_was_committed(void **unused) {
  (void)unused;
  struct equity equity = {.ts = 1};
  assert_int_equal(store.last_seq(store.self), 0);
  assert_int_equal(store.begin(store.self), STATUS_OK);
  assert_int_equal(store.put(store.self, RECORD_EQUITY, 7, &equity), STATUS_OK);
  assert_int_equal(store.last_seq(store.self), 0);
  assert_int_equal(store.commit(store.self), STATUS_OK);
  assert_int_equal(store.last_seq(store.self), 7);
}

static void an_empty_batch_changes_nothing(void **unused) {
  (void)unused;
  assert_int_equal(store.begin(store.self), STATUS_OK);
  assert_int_equal(store.commit(store.self), STATUS_OK);
  assert_int_equal(store.last_seq(store.self), 0);
}

static void older_records_given_again_do_not_turn_it_back(void **unused) {
  (void)unused;
  struct equity equity = {.ts = 1};
  for (uint64_t seq = 9; seq >= 8; seq--) {
    assert_int_equal(store.begin(store.self), STATUS_OK);
    assert_int_equal(store.put(store.self, RECORD_EQUITY, seq, &equity), STATUS_OK);
    assert_int_equal(store.commit(store.self), STATUS_OK);
    assert_int_equal(store.last_seq(store.self), 9);
  }
}

static void a_batch_begun_again_is_a_new_one(void **unused) {
  (void)unused;
  struct equity equity = {.ts = 1};
  assert_int_equal(store.begin(store.self), STATUS_OK);
  assert_int_equal(store.put(store.self, RECORD_EQUITY, 5, &equity), STATUS_OK);
  assert_int_equal(store.begin(store.self), STATUS_OK);
  assert_int_equal(store.put(store.self, RECORD_EQUITY, 4, &equity), STATUS_OK);
  assert_int_equal(store.commit(store.self), STATUS_OK);
  assert_int_equal(store.last_seq(store.self), 4);
}

#define BOTH(test)                                             \
  {"memory: " #test, test, open_memory, close_memory, NULL}, { \
    "sqlite: " #test, test, open_sqlite, close_sqlite, NULL    \
  }

int main(void) {
  const struct CMUnitTest tests[] = {
      BOTH(it_takes_every_kind_of_record),    BOTH(it_begins_empty_and_knows_only_what_was_committed),
      BOTH(an_empty_batch_changes_nothing),   BOTH(older_records_given_again_do_not_turn_it_back),
      BOTH(a_batch_begun_again_is_a_new_one),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

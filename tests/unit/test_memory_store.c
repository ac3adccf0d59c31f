#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "adapters/store/memory_store.h"

static struct store store;

static int open_store(void **state) {
  (void)state;
  memory_store_open(&store, 3);
  return 0;
}

static int close_store(void **state) {
  (void)state;
  store.close(store.self);
  return 0;
}

static void put(enum record_kind kind, uint64_t seq, const void *object) {
  assert_int_equal(store.begin(store.self), STATUS_OK);
  assert_int_equal(store.put(store.self, kind, seq, object), STATUS_OK);
  assert_int_equal(store.commit(store.self), STATUS_OK);
}

static const struct order *order_at(int32_t age) {
  return memory_store_get(&store, RECORD_ORDER, age);
}

static void the_newest_rows_of_a_kind_are_kept(void **unused) {
  (void)unused;
  struct order order = {.client_order_id = "a"};
  assert_null(order_at(0));
  for (char name = 'a'; name <= 'e'; name++) {
    order.client_order_id[0] = name;
    put(RECORD_ORDER, (uint64_t)name, &order);
  }
  assert_int_equal(memory_store_count(&store, RECORD_ORDER), 3);
  assert_string_equal(order_at(0)->client_order_id, "e");
  assert_string_equal(order_at(2)->client_order_id, "c");
  assert_null(order_at(3));
  assert_int_equal(memory_store_count(&store, RECORD_FILL), 0);
  assert_int_equal(store.last_seq(store.self), 'e');
}

static void a_row_with_the_same_key_is_replaced_in_its_place(void **unused) {
  (void)unused;
  struct order one = {.client_order_id = "one", .qty = 1};
  struct order two = {.client_order_id = "two", .qty = 2};
  put(RECORD_ORDER, 1, &one);
  put(RECORD_ORDER, 2, &two);
  one.qty = 5;
  put(RECORD_ORDER, 3, &one);
  assert_int_equal(memory_store_count(&store, RECORD_ORDER), 2);
  assert_int_equal(order_at(0)->qty, 2);
  assert_int_equal(order_at(1)->qty, 5);
}

static void a_key_of_two_fields_needs_both(void **unused) {
  (void)unused;
  struct scan_result result = {.scan_id = 1, .symbol = "A"};
  put(RECORD_SCAN_RESULT, 1, &result);
  result.symbol[0] = 'B';
  put(RECORD_SCAN_RESULT, 2, &result);
  put(RECORD_SCAN_RESULT, 3, &result);
  assert_int_equal(memory_store_count(&store, RECORD_SCAN_RESULT), 2);
}

static void the_ledger_is_one_row_and_history_keeps_all(void **unused) {
  (void)unused;
  struct risk_record risk = {.ts = 1};
  struct level_change level = {.ts = 1, .level_count = 1};
  put(RECORD_RISK, 1, &risk);
  risk.ts = 2;
  put(RECORD_RISK, 2, &risk);
  assert_int_equal(memory_store_count(&store, RECORD_RISK), 1);
  assert_int_equal(((const struct risk_record *)memory_store_get(&store, RECORD_RISK, 0))->ts, 2);
  put(RECORD_LEVEL, 3, &level);
  put(RECORD_LEVEL, 4, &level);
  assert_int_equal(memory_store_count(&store, RECORD_LEVEL), 2);
}

static void a_batch_counts_when_it_is_committed(void **unused) {
  (void)unused;
  struct fill fill = {.fill_id = 1};
  assert_int_equal(store.begin(store.self), STATUS_OK);
  assert_int_equal(store.put(store.self, RECORD_FILL, 9, &fill), STATUS_OK);
  assert_int_equal(store.last_seq(store.self), 0);
  assert_int_equal(store.commit(store.self), STATUS_OK);
  assert_int_equal(store.last_seq(store.self), 9);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(the_newest_rows_of_a_kind_are_kept, open_store, close_store),
      cmocka_unit_test_setup_teardown(a_row_with_the_same_key_is_replaced_in_its_place, open_store, close_store),
      cmocka_unit_test_setup_teardown(a_key_of_two_fields_needs_both, open_store, close_store),
      cmocka_unit_test_setup_teardown(the_ledger_is_one_row_and_history_keeps_all, open_store, close_store),
      cmocka_unit_test_setup_teardown(a_batch_counts_when_it_is_committed, open_store, close_store),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

/* The rules of metrics 5 for the server's own parts, at their bounds. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "apps/server_health.h"

static void a_slow_journal_is_degraded(void **state) {
  (void)state;
  assert_int_equal(journal_level(true, NAN), API_OK); /* too few flushes to tell */
  assert_int_equal(journal_level(true, 0.05), API_OK);
  assert_int_equal(journal_level(true, 0.051), API_DEGRADED);
  assert_int_equal(journal_level(false, 0.001), API_FAILED);
}

static void a_database_has_ten_seconds(void **state) {
  (void)state;
  assert_int_equal(database_level(NAN, 0), API_OK);
  assert_int_equal(database_level(NAN, 9999), API_OK);
  assert_int_equal(database_level(NAN, 10000), API_DEGRADED);
  assert_int_equal(database_level(0, 0), API_DEGRADED);
  assert_int_equal(database_level(9.9, 0), API_DEGRADED);
  assert_int_equal(database_level(10, 0), API_FAILED);
}

static void a_fifth_of_the_symbols_may_be_stale(void **state) {
  (void)state;
  assert_int_equal(feed_level(0, 0), API_OK); /* nobody waits */
  assert_int_equal(feed_level(10, 0), API_OK);
  assert_int_equal(feed_level(10, 1), API_DEGRADED);
  assert_int_equal(feed_level(10, 2), API_DEGRADED);
  assert_int_equal(feed_level(10, 3), API_FAILED);
  assert_int_equal(feed_level(1, 1), API_FAILED);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_slow_journal_is_degraded),
      cmocka_unit_test(a_database_has_ten_seconds),
      cmocka_unit_test(a_fifth_of_the_symbols_may_be_stale),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

/* When the server looks after its logs and tables by itself. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "apps/housekeeping.h"

enum { MINUTE = 60000 };
static const int64_t midnight = INT64_C(1767225600000); /* 2026-01-01T00:00:00Z */

static void a_time_of_the_day_comes_once(void **unused) {
  (void)unused;
  int64_t three = midnight + 180 * MINUTE;
  assert_false(housekeeping_is_due(three - 2000, three - 1000, 180));
  assert_true(housekeeping_is_due(three - 1000, three, 180));
  assert_false(housekeeping_is_due(three, three + 1000, 180));
  assert_false(housekeeping_is_due(three, three, 180));
}

static void a_pause_over_it_counts_once(void **unused) {
  (void)unused;
  int64_t three = midnight + 180 * MINUTE;
  assert_true(housekeeping_is_due(midnight, three + 90 * MINUTE, 180));
  assert_true(housekeeping_is_due(three - 1, three + INT64_C(3) * 86400000, 180));
  assert_false(housekeeping_is_due(three + 1, three + 86400000 - 1, 180));
}

static void a_clock_that_goes_back_is_not_due(void **unused) {
  (void)unused;
  assert_false(housekeeping_is_due(midnight + 181 * MINUTE, midnight + 179 * MINUTE, 180));
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(a_time_of_the_day_comes_once), cmocka_unit_test(a_pause_over_it_counts_once),
                                     cmocka_unit_test(a_clock_that_goes_back_is_not_due)};
  return cmocka_run_group_tests_name("housekeeping", tests, NULL, NULL);
}

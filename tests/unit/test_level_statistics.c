/* What becomes of broken levels: how many are followed, and what is said of none (strategy 4.7). */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/analysis/level_fold.h"

static struct level level_of(int64_t id) {
  return (struct level){.level_id = id, .price = 100, .broken_side = LEVEL_SIDE_UP, .sources = LEVEL_SOURCE_SWING, .strength = 0.55};
}

/* Without a measure of the market's movement nothing can be said of a break, and there are 64 places: what is not followed is counted as such. */
static void what_cannot_be_followed_is_counted(void **state) {
  (void)state;
  static struct level_set set;
  level_set_init(&set);
  struct level first = level_of(1);
  level_statistics_on_break(&set.statistics, &first, 0);
  level_statistics_on_break(&set.statistics, &first, NAN);
  assert_int_equal(set.statistics.not_followed, 2);
  assert_int_equal(set.statistics.followed_count, 0);
  for (int64_t id = 1; id <= LEVEL_FOLLOWED_MAX + 3; id++) {
    struct level level = level_of(id);
    level_statistics_on_break(&set.statistics, &level, 0.5);
  }
  assert_int_equal(set.statistics.followed_count, LEVEL_FOLLOWED_MAX);
  assert_int_equal(set.statistics.not_followed, 5);
  const struct level_statistics_cell *cell = level_statistics_of(&set, LEVEL_SOURCE_SWING, 0.55);
  assert_int_equal(cell->broken, LEVEL_FOLLOWED_MAX);
}

static void of_none_nothing_is_known(void **state) {
  (void)state;
  static struct level_set set;
  level_set_init(&set);
  const struct level_statistics_cell *cell = level_statistics_of(&set, LEVEL_SOURCE_SWING, 1);
  assert_int_equal(cell->broken, 0);
  assert_true(isnan(level_statistics_failed_share(cell)));
  assert_true(isnan(level_statistics_excursion_atr(cell)));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(what_cannot_be_followed_is_counted),
      cmocka_unit_test(of_none_nothing_is_known),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

/* The life cycle of a level: the table itself, and each rule at its edge. A level is put by hand into a set; 60 candles of high 101, low 99, close
 * 100 make an ATR of 2; the candle under test is the 61st. epsilon 0.001. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "core/analysis/indicators.h"
#include "core/analysis/level.h"

enum { FIVE_MINUTES_MS = 300000, CALM = 60, ID = 900 };

static const int64_t hour_ms = 3600000;
static const int64_t start_ts = 1700000100000;
static struct candle candles[CALM + 1];
static struct preset preset;
static struct level_set set;
static struct level_events events;

static int64_t close_of(int candle) {
  return start_ts + (int64_t)(candle + 1) * FIVE_MINUTES_MS;
}

static int set_up(void **state) {
  (void)state;
  preset_init(&preset);
  preset.signal_config.momentum_epsilon = 0.001;
  for (int i = 0; i <= CALM; i++) candles[i] = (struct candle){start_ts + (int64_t)i * FIVE_MINUTES_MS, 100, 101, 99, 100, 10, 1000};
  level_set_init(&set);
  return 0;
}

/* A level whose last counted touch was 10 candles before the candle under test. */
static struct level *put(enum level_type type, double price, enum level_state state) {
  struct level *level = &set.active[0];
  memset(level, 0, sizeof(*level));
  set.active_count = 1;
  level->level_id = ID;
  level->level_type = (int32_t)type;
  level->state = (int32_t)state;
  level->price = price;
  level->strength = 0.5;
  level->sources = LEVEL_SOURCE_SWING;
  level->touch_count = 2;
  level->touch_volume_sum = 20;
  level->last_counted_touch_ts = candles[CALM - 10].open_ts;
  level->first_touch_at = close_of(CALM - 30);
  level->last_touch_at = close_of(CALM - 10);
  level->formed_at = close_of(CALM - 9);
  level->broken_side = -1;
  level->is_active = true;
  if (state == LEVEL_BROKEN || state == LEVEL_RETESTED) {
    level->broken_side = type == LEVEL_RESISTANCE ? LEVEL_SIDE_UP : LEVEL_SIDE_DOWN;
    level->broken_at = close_of(CALM - 8);
    level->best_since_break = type == LEVEL_RESISTANCE ? -INFINITY : INFINITY;
    level->best_before = level->best_since_break;
  }
  return level;
}

/* Folds the candle under test; returns the reason of the level's event, "" when it had none. */
static const char *fold(double high, double low, double close) {
  int64_t next_level_id = 1000;
  candles[CALM].high = high;
  candles[CALM].low = low;
  candles[CALM].close = close;
  level_set_on_candle(&set, "X", candles, CALM + 1, indicator_atr(candles, CALM + 1, LEVEL_ATR_LENGTH), &preset, &next_level_id, &events);
  const char *reason = "";
  for (int i = 0; i < events.count; i++) {
    if (events.items[i].level.level_id != ID) continue;
    assert_string_equal(reason, ""); /* one transition at most */
    reason = events.items[i].reason;
    assert_int_equal(events.items[i].ts, close_of(CALM));
  }
  return reason;
}

static const struct level *level_now(void) {
  return level_find(&set, ID);
}

static void test_table(void **state) {
  (void)state;
  int legal = 0;
  for (int from = 0; from < level_state_count; from++) {
    bool is_before = from == LEVEL_FORMED || from == LEVEL_TESTED;
    bool is_after = from == LEVEL_BROKEN || from == LEVEL_RETESTED;
    for (int trigger = 0; trigger < level_trigger_count; trigger++) {
      int want = -1;
      if (is_before && trigger == LEVEL_ON_CLOSED_BEYOND) want = LEVEL_BROKEN;
      if (is_before && trigger == LEVEL_ON_TOUCHED) want = LEVEL_TESTED;
      if (is_before && (trigger == LEVEL_ON_LEVEL_OLD || trigger == LEVEL_ON_SUPERSEDED)) want = LEVEL_EXPIRED;
      if (is_after && trigger == LEVEL_ON_CLOSED_BACK) want = LEVEL_FAILED;
      if (is_after && trigger == LEVEL_ON_RETURNED) want = LEVEL_RETESTED;
      if (is_after && trigger == LEVEL_ON_RETEST_WINDOW_OVER) want = LEVEL_EXPIRED;
      assert_int_equal(fsm_next(&level_fsm, from, trigger), want);
      legal += want >= 0;
    }
  }
  assert_int_equal(level_fsm.row_count, legal);
}

static void test_close_must_be_beyond_epsilon(void **state) {
  (void)state;
  put(LEVEL_RESISTANCE, 110, LEVEL_FORMED);
  double limit = 110 * (1 + 0.001);
  assert_string_equal(fold(115, 99, limit), "");
  set_up(NULL);
  put(LEVEL_RESISTANCE, 110, LEVEL_FORMED);
  assert_string_equal(fold(115, 99, nextafter(limit, 200)), "closed_beyond");
  assert_int_equal(level_now()->broken_at, close_of(CALM));
  assert_int_equal(level_now()->broken_side, LEVEL_SIDE_UP);
  set_up(NULL);
  put(LEVEL_SUPPORT, 90, LEVEL_TESTED);
  assert_string_equal(fold(101, 85, nextafter(90 * (1 - 0.001), 0)), "closed_beyond");
  assert_int_equal(level_now()->broken_side, LEVEL_SIDE_DOWN);
}

/* True range 10: ATR (2 * 13 + 10)/14 = 2.571; half 1.286. */
static void test_touch(void **state) {
  (void)state;
  put(LEVEL_RESISTANCE, 110, LEVEL_FORMED);
  assert_string_equal(fold(109, 99, 100), "touched");
  assert_int_equal(level_now()->state, LEVEL_TESTED);
  assert_int_equal(level_now()->touch_count, 3);
  assert_int_equal(level_now()->last_touch_at, close_of(CALM));
  set_up(NULL);
  put(LEVEL_RESISTANCE, 110, LEVEL_TESTED);
  assert_string_equal(fold(108.7, 99, 100), ""); /* 1.3 away; ATR (26 + 9.7)/14 = 2.55, half 1.275 */
}

static void test_touch_within_3_candles_is_not_counted(void **state) {
  (void)state;
  put(LEVEL_RESISTANCE, 110, LEVEL_FORMED)->last_counted_touch_ts = candles[CALM - 3].open_ts;
  assert_string_equal(fold(110, 99, 100), "");
  set_up(NULL);
  put(LEVEL_RESISTANCE, 110, LEVEL_FORMED)->last_counted_touch_ts = candles[CALM - 4].open_ts;
  assert_string_equal(fold(110, 99, 100), "touched");
}

static void test_formed_takes_the_price_of_its_cluster_tested_does_not(void **state) {
  (void)state;
  put(LEVEL_RESISTANCE, 101.5, LEVEL_FORMED)->last_counted_touch_ts = candles[CALM - 1].open_ts; /* cluster at 101 */
  assert_string_equal(fold(101, 99, 100), "");
  assert_true(level_now()->price == 101);
  assert_int_equal(set.active_count, 2); /* it and a support: no second resistance */
  set_up(NULL);
  put(LEVEL_RESISTANCE, 101.5, LEVEL_TESTED)->last_counted_touch_ts = candles[CALM - 1].open_ts;
  fold(101, 99, 100);
  assert_true(level_now()->price == 101.5);
  assert_int_equal(set.active_count, 2);
}

static void test_old_level_expires(void **state) {
  (void)state;
  put(LEVEL_RESISTANCE, 110, LEVEL_TESTED)->last_touch_at = close_of(CALM) - 72 * hour_ms;
  assert_string_equal(fold(101, 99, 100), "");
  set_up(NULL);
  put(LEVEL_RESISTANCE, 110, LEVEL_TESTED)->last_touch_at = close_of(CALM) - 72 * hour_ms - 1;
  assert_string_equal(fold(101, 99, 100), "level_old");
  assert_int_equal(level_now()->expired_at, close_of(CALM));
  assert_false(level_now()->is_active);
  assert_int_equal(set.ended_count, 1);
}

static void test_superseded_after_3(void **state) {
  (void)state;
  put(LEVEL_RESISTANCE, 110, LEVEL_TESTED)->dropped_in_a_row = 2;
  assert_string_equal(fold(101, 99, 100), "");
  assert_int_equal(level_now()->dropped_in_a_row, 0); /* kept on this candle */
  set_up(NULL);
  put(LEVEL_RESISTANCE, 110, LEVEL_FORMED)->dropped_in_a_row = 3;
  assert_string_equal(fold(101, 99, 100), "superseded");
}

/* A weaker level 2 above the strong one at 101: closer than 2 ATR = 4. */
static void test_separation_counts_drops(void **state) {
  (void)state;
  put(LEVEL_RESISTANCE, 103, LEVEL_TESTED);
  fold(101, 99, 100);
  assert_int_equal(level_now()->dropped_in_a_row, 1);
  assert_int_equal(level_now()->state, LEVEL_TESTED);
}

static void test_closed_back(void **state) {
  (void)state;
  double limit = 95 * (1 - 0.001);
  put(LEVEL_RESISTANCE, 95, LEVEL_BROKEN);
  assert_string_equal(fold(101, 94, limit), "");
  set_up(NULL);
  put(LEVEL_RESISTANCE, 95, LEVEL_RETESTED);
  assert_string_equal(fold(101, 94, nextafter(limit, 0)), "closed_back");
  assert_int_equal(level_now()->failed_at, close_of(CALM));
  set_up(NULL);
  put(LEVEL_SUPPORT, 105, LEVEL_BROKEN);
  assert_string_equal(fold(106, 99, nextafter(105 * (1 + 0.001), 200)), "closed_back");
}

/* High 101, low 95.5, close 96: true range 5.5, ATR (26 + 5.5)/14 = 2.25: away from 95 + 3.375, back at 95 + 1.125. */
static void test_return(void **state) {
  (void)state;
  put(LEVEL_RESISTANCE, 95, LEVEL_BROKEN)->best_since_break = 98.375;
  assert_string_equal(fold(101, 95.5, 96), "returned");
  assert_int_equal(level_now()->retest_count, 1);
  assert_int_equal(level_now()->last_return_ts, candles[CALM].open_ts);
  set_up(NULL);
  put(LEVEL_RESISTANCE, 95, LEVEL_BROKEN)->best_since_break = 98.37;
  assert_string_equal(fold(101, 95.5, 96), ""); /* this candle's own high does not count */
  set_up(NULL);
  put(LEVEL_RESISTANCE, 95, LEVEL_BROKEN)->best_since_break = 100;
  assert_string_equal(fold(101, 95.5, 94.99), ""); /* closed under the level */
  set_up(NULL);
  put(LEVEL_RESISTANCE, 95, LEVEL_BROKEN)->best_since_break = 100;
  assert_string_equal(fold(101, 96.3, 97), ""); /* not near enough: 95 + (26 + 4.7)/14/2 = 96.096 */
  set_up(NULL);
  put(LEVEL_SUPPORT, 105, LEVEL_BROKEN)->best_since_break = 100;
  assert_string_equal(fold(104.5, 99, 104), "returned");
}

static void test_returns_are_3_candles_apart(void **state) {
  (void)state;
  struct level *level = put(LEVEL_RESISTANCE, 95, LEVEL_RETESTED);
  level->best_since_break = 100;
  level->last_return_ts = candles[CALM - 2].open_ts;
  level->retest_count = 1;
  assert_string_equal(fold(101, 95.5, 96), "");
  set_up(NULL);
  level = put(LEVEL_RESISTANCE, 95, LEVEL_RETESTED);
  level->best_since_break = 100;
  level->last_return_ts = candles[CALM - 3].open_ts;
  level->retest_count = 1;
  assert_string_equal(fold(101, 95.5, 96), "returned");
  assert_int_equal(level_now()->retest_count, 2);
}

static void test_retest_window_is_24_hours(void **state) {
  (void)state;
  put(LEVEL_RESISTANCE, 95, LEVEL_BROKEN)->broken_at = close_of(CALM) - 24 * hour_ms;
  assert_string_equal(fold(101, 99, 100), "");
  set_up(NULL);
  put(LEVEL_RESISTANCE, 95, LEVEL_RETESTED)->broken_at = close_of(CALM) - 24 * hour_ms - 1;
  assert_string_equal(fold(101, 99, 100), "retest_window_over");
}

/* A broken level keeps its price and neither drops nor is dropped, but no new level of its type opens within 0.5 ATR. */
static void test_broken_level_keeps_others_from_opening(void **state) {
  (void)state;
  put(LEVEL_RESISTANCE, 100.2, LEVEL_BROKEN);
  fold(101, 99, 100.5);
  assert_int_equal(level_now()->dropped_in_a_row, 0);
  assert_null(level_strongest_within(&set, 101, 0.1));
  set_up(NULL);
  put(LEVEL_RESISTANCE, 99.9, LEVEL_BROKEN);
  fold(101, 99, 100.5);
  assert_non_null(level_strongest_within(&set, 101, 0.1)); /* 1.1 away, half ATR is 1 */
}

static void test_failed_level_blocks_12_candles(void **state) {
  (void)state;
  for (int ago = 11; ago <= 12; ago++) {
    set_up(NULL);
    struct level *level = put(LEVEL_RESISTANCE, 101.2, LEVEL_FAILED);
    level->failed_at = close_of(CALM - ago);
    set.ended[0] = *level;
    set.ended_count = set.ended_next = 1;
    set.active_count = 0;
    fold(101, 99, 100);
    assert_int_equal(level_strongest_within(&set, 101, 0.1) != NULL, ago == 12);
  }
}

static void test_candle_is_folded_once(void **state) {
  (void)state;
  put(LEVEL_RESISTANCE, 110, LEVEL_FORMED);
  assert_string_equal(fold(110, 99, 100), "touched");
  assert_string_equal(fold(110, 99, 100), "");
  assert_int_equal(level_now()->touch_count, 3);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup(test_table, set_up),
      cmocka_unit_test_setup(test_close_must_be_beyond_epsilon, set_up),
      cmocka_unit_test_setup(test_touch, set_up),
      cmocka_unit_test_setup(test_touch_within_3_candles_is_not_counted, set_up),
      cmocka_unit_test_setup(test_formed_takes_the_price_of_its_cluster_tested_does_not, set_up),
      cmocka_unit_test_setup(test_old_level_expires, set_up),
      cmocka_unit_test_setup(test_superseded_after_3, set_up),
      cmocka_unit_test_setup(test_separation_counts_drops, set_up),
      cmocka_unit_test_setup(test_closed_back, set_up),
      cmocka_unit_test_setup(test_return, set_up),
      cmocka_unit_test_setup(test_returns_are_3_candles_apart, set_up),
      cmocka_unit_test_setup(test_retest_window_is_24_hours, set_up),
      cmocka_unit_test_setup(test_broken_level_keeps_others_from_opening, set_up),
      cmocka_unit_test_setup(test_failed_level_blocks_12_candles, set_up),
      cmocka_unit_test_setup(test_candle_is_folded_once, set_up),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

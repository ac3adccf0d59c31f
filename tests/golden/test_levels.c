/* Levels by hand. 60 candles of 5 minutes: open and close 100, low 99.5, high 100.5, volume 10; candles 20 and 40 reach 103 with volume 30. Folded at
 * t = 59 as the first fold. epsilon 0.001, levels_rules at their defaults (min_touches 2, steps 0.01 0.05 0.1 1 5 10, radius 15 bps, cascade from 2).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "core/analysis/indicators.h"
#include "core/analysis/level.h"

enum { FIVE_MINUTES_MS = 300000, CANDLES_MAX = 100 };

static const int64_t start_ts = 1700000100000;
static struct candle candles[CANDLES_MAX];
static int count;
static struct preset preset;
static struct level_set set;
static struct level_events events;
static int64_t next_level_id;

static int64_t close_of(int candle) {
  return start_ts + (int64_t)(candle + 1) * FIVE_MINUTES_MS;
}

static void add(double open, double high, double low, double close, double volume) {
  candles[count] = (struct candle){start_ts + (int64_t)count * FIVE_MINUTES_MS, open, high, low, close, volume, volume * close};
  count++;
}

static void fold(void) {
  level_set_on_candle(&set, "BTC/USDT:USDT", candles, count, indicator_atr(candles, count, LEVEL_ATR_LENGTH), &preset, &next_level_id, &events);
}

static int set_up(void **state) {
  (void)state;
  preset_init(&preset);
  preset.signal_config.momentum_epsilon = 0.001;
  level_set_init(&set);
  next_level_id = 7;
  count = 0;
  for (int i = 0; i < 60; i++) {
    bool is_peak = i == 20 || i == 40;
    add(100, is_peak ? 103 : 100.5, 99.5, 100, is_peak ? 30 : 10);
  }
  return 0;
}

static bool near(double a, double b) {
  return fabs(a - b) < 1e-7;
}

static void test_fewer_than_50_candles_have_no_levels(void **state) {
  (void)state;
  count = 49;
  fold();
  assert_int_equal(set.active_count, 0);
  assert_int_equal(set.folded_ts, candles[48].open_ts);
  count = 50;
  fold();
  assert_true(set.active_count > 0);
}

/* ATR: true range 1, but 3.5 at 20 and 40: 1 + 2.5/14 ((13/14)^39 + (13/14)^19) = 1.0536; half 0.527, twice 2.107.
 * Points of the highs: volumes at position ceil(0.85 * 60) = 51 of the ascending order are 10, so every candle is a volume point. 103: swing 20 and
 * 40, donchian 40 (the newest of the two in the windows of 30), volume 20 and 40: mean 103, sources 1 + 2 + 4. 100.5: donchian and volume, no swing.
 * 103 touched by 20 and 40. 100.5 touched by all others; counted 0 4 8 12 16, then 20 is a peak: 21 25 29 33 37 41 45 49 53 57: 15.
 * Both are open (close 100), 2.5 apart: both stay. Lows: 99.5 touched by all, counted 0 4 ... 56: 15. */
static void test_forming(void **state) {
  (void)state;
  fold();
  assert_int_equal(events.count, 3);
  assert_int_equal(next_level_id, 10);
  const struct level *low = &events.items[0].level;
  const struct level *high = &events.items[1].level;
  const struct level *support = &events.items[2].level;
  assert_string_equal(events.items[0].reason, "level_formed");
  assert_int_equal(events.items[0].from, -1);
  assert_int_equal(low->level_id, 7);
  assert_string_equal(low->symbol, "BTC/USDT:USDT");
  assert_true(low->price == 100.5 && high->price == 103 && support->price == 99.5);
  assert_int_equal(low->level_type, LEVEL_RESISTANCE);
  assert_int_equal(support->level_type, LEVEL_SUPPORT);
  assert_int_equal(low->sources, LEVEL_SOURCE_DONCHIAN | LEVEL_SOURCE_VOLUME);
  assert_int_equal(high->sources, LEVEL_SOURCE_DONCHIAN | LEVEL_SOURCE_SWING | LEVEL_SOURCE_VOLUME);
  assert_int_equal(low->touch_count, 15);
  assert_int_equal(high->touch_count, 2);
  assert_int_equal(support->touch_count, 15);
  assert_int_equal(high->first_touch_at, close_of(20));
  assert_int_equal(high->last_touch_at, close_of(40));
  assert_int_equal(low->last_touch_at, close_of(57));
  assert_int_equal(high->formed_at, close_of(59));
  assert_int_equal(high->broken_side, -1);
}

/* 103: 0.4 * 2/5 + 0.2 * (100 min = 5/3 h)/72 + 0.2 * min(1, 30/(640/60)) + 0.2 * (1 - 0) = 0.16 + 0.00462963 + 0.2 + 0.2 = 0.56462963.
 *   Round: 10 and 5 are 3 and 2 away, 1 fits: 0.1 + 0.05 log10(2) = 0.11505150. Cascade: 1 within 0.1545, too few. Approach: closes are 3 away from
 * the level, more than max(0.515, 1.054): -0.1. Together 0.57968113. Base height 103 - 99.5. 100.5: 0.4 + 0.2 * (57 candles = 4.75 h)/72 + 0.2 *
 * 10/(640/60) + 0.2 = 0.80069444; round 0.1: 0.1 + 0.05 log10(1.1) = 0.10206963; approach 0.5 away within max(0.5025, 1.054): +0.1. 1.00276 is cut
 * to 1. 99.5: touching are all: mean 640/60 over 640/60: 0.4 + 0.2 * (56 candles = 4.6667 h)/72 + 0.2 + 0.2 ... cut to 1; base height 103 - 99.5, the
 * highest high of the last 20 candles 40 ... 59. */
static void test_strength(void **state) {
  (void)state;
  fold();
  const struct level *low = &events.items[0].level;
  const struct level *high = &events.items[1].level;
  const struct level *support = &events.items[2].level;
  assert_true(near(high->strength, 0.57968113));
  assert_true(near(high->round_bonus, 0.11505150));
  assert_true(high->is_round_number && !high->approach_ok && !high->has_cascade);
  assert_int_equal(high->cascade_count, 1);
  assert_true(near(high->base_height, 3.5));
  assert_true(low->strength == 1);
  assert_true(near(low->round_bonus, 0.10206963));
  assert_true(low->approach_ok);
  assert_true(near(low->base_height, 1));
  assert_true(support->strength == 1);
  assert_true(near(support->base_height, 3.5));
}

/* With a radius of 300 bps: 103 counts itself and 100.5 (2.5 within 3.09), not 99.5 (3.5): n = 2 gives 0.05 * 2. 100.5 counts all three within 3.015.
 */
static void test_cascade(void **state) {
  (void)state;
  preset.levels_rules.cascade_radius_bps = 300;
  fold();
  assert_int_equal(events.items[1].level.cascade_count, 2);
  assert_true(events.items[1].level.has_cascade);
  assert_true(near(events.items[1].level.strength, 0.57968113 + 0.1));
  assert_int_equal(events.items[0].level.cascade_count, 3);
}

static void test_too_few_touches(void **state) {
  (void)state;
  preset.levels_rules.min_touches = 3;
  fold();
  assert_int_equal(events.count, 2);
  assert_true(events.items[0].level.price == 100.5 && events.items[1].level.price == 99.5);
}

/* Candles are missing behind 40, the last to touch 103: 72 h from there to 59 are not too long, a candle more is. */
static void test_touched_too_long_ago(void **state) {
  (void)state;
  int64_t missing = (int64_t)72 * 3600000 - (close_of(59) - close_of(40));
  for (int i = 41; i < count; i++) candles[i].open_ts += missing;
  fold();
  assert_int_equal(set.active_count, 3);
  assert_true(level_strongest_within(&set, 103, 0.1) != NULL);
  level_set_init(&set);
  for (int i = 41; i < count; i++) candles[i].open_ts += FIVE_MINUTES_MS;
  fold();
  assert_int_equal(set.active_count, 2);
  assert_null(level_strongest_within(&set, 103, 0.1));
}

/* Candle 60 closes at 104: beyond 100.5 * 1.001 = 100.6005 and 103 * 1.001 = 103.103: both break with the strength of candle 59, though it touches
 * 103. 61: high 112. ATR is below 2 after 60 and 61 (true ranges 4.3 and 8), so 103 + 1.5 ATR < 106 < 112. 62: falls from
 * 105 to 103.2 (low 103.1 within 0.5 ATR of 103, close at or over 103): returns to 103. 63 the same: within 3 candles of the last return, nothing. 64
 * too. 65 returns again. 66 closes at 102.8, under 103 * 0.999 = 102.897: 103 fails. */
static void test_break_retest_fail(void **state) {
  (void)state;
  fold();
  double strength = set.active[1].strength;
  add(100, 104.2, 99.9, 104, 50);
  fold();
  assert_int_equal(events.items[0].to, LEVEL_BROKEN);
  assert_int_equal(events.items[1].to, LEVEL_BROKEN);
  assert_string_equal(events.items[1].reason, "closed_beyond");
  struct level *level = level_find(&set, 8);
  assert_non_null(level);
  assert_int_equal(level->broken_at, close_of(60));
  assert_int_equal(level->broken_side, LEVEL_SIDE_UP);
  assert_int_equal(level->touch_count, 2);
  assert_true(level->strength == strength);
  assert_int_equal(level_signal_side(level), LEVEL_SIDE_UP);
  add(104, 112, 104, 105, 50);
  fold();
  assert_int_equal(level->state, LEVEL_BROKEN);
  for (int i = 62; i <= 65; i++) {
    add(105, 105, 103.1, 103.2, 20);
    /* The same answer before and after the fold of the candle. */
    assert_true(level_is_returned_by(level, &candles[i], 2));
    fold();
    assert_true(level_is_returned_by(level, &candles[i], 2));
    assert_int_equal(level->state, LEVEL_RETESTED);
    assert_int_equal(level->retest_count, i < 65 ? 1 : 2);
  }
  add(103.2, 103.2, 102.7, 102.8, 20);
  fold();
  level = level_find(&set, 8);
  assert_int_equal(level->state, LEVEL_FAILED);
  assert_int_equal(level->failed_at, close_of(66));
  assert_int_equal(set.ended_count, 1);
  assert_null(level_strongest_within(&set, 103, 0.3)); /* blocked: no new level at 103 */
  const struct level_statistics_cell *cell = level_statistics_of(&set, 7, strength);
  assert_int_equal(cell->broken, 1);
  assert_true(level_statistics_failed_share(cell) == 1);
  assert_true(isnan(level_statistics_excursion_atr(cell)));
}

static void test_queries(void **state) {
  (void)state;
  fold();
  assert_true(level_nearest(&set, 101, true)->price == 103);
  assert_true(level_nearest(&set, 101, false)->price == 100.5);
  assert_true(level_nearest(&set, 103, true)->price == 103);
  assert_null(level_nearest(&set, 103.1, true));
  assert_null(level_nearest(&set, 99.5, false));
  assert_true(level_strongest_within(&set, 102, 1.6)->price == 100.5);
  assert_true(level_strongest_within(&set, 102, 1.1)->price == 103);
  assert_null(level_strongest_within(&set, 102, 0.5));
  assert_null(level_find(&set, 99));
  assert_int_equal(level_signal_side(&set.active[2]), LEVEL_SIDE_DOWN);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup(test_fewer_than_50_candles_have_no_levels, set_up),
      cmocka_unit_test_setup(test_forming, set_up),
      cmocka_unit_test_setup(test_strength, set_up),
      cmocka_unit_test_setup(test_cascade, set_up),
      cmocka_unit_test_setup(test_too_few_touches, set_up),
      cmocka_unit_test_setup(test_touched_too_long_ago, set_up),
      cmocka_unit_test_setup(test_break_retest_fail, set_up),
      cmocka_unit_test_setup(test_queries, set_up),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

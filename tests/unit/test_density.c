/* Walls. Grid of all cases: mid 100, bucket_ticks 3, so buckets are 100 * 0.0001 * 3 = 0.03 wide: 3333 is [99.99, 100.02), 3330 is [99.90, 99.93). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "base/decimal.h"
#include "core/analysis/density.h"

enum { LEVELS = 17, DEPTH = 32 };

static unsigned char memory[1 << 20];
static struct arena arena;
static struct density density;
static struct preset preset;
static struct book_level bids[DEPTH], asks[DEPTH];
static struct order_book book;
static struct wall_event events[DENSITY_EVENTS_MAX];
static int64_t now;

/* One level in the middle of each bucket: bids 99.975, 99.945 ... (buckets 3332, 3331, ...), asks 100.035, 100.065 ... (3334, 3335, ...); 1,000 USD
 * each but for rounding. The best bid and ask stand at 99.99 and 100.01 with a mid of exactly 100, both in bucket 3333, and 1,000 USD each too. */
static void set_level(struct book_level *level, double price, double usd) {
  level->price = decimal_from_double(price);
  level->qty = decimal_from_double(usd / price);
}

static void fill_book(void) {
  set_level(&bids[0], 99.99, 1000);
  set_level(&asks[0], 100.01, 1000);
  for (int i = 1; i < LEVELS; i++) {
    set_level(&bids[i], 99.975 - 0.03 * (i - 1), 1000);
    set_level(&asks[i], 100.035 + 0.03 * (i - 1), 1000);
  }
  book = (struct order_book){.bids = bids, .asks = asks, .depth = DEPTH, .bid_count = LEVELS, .ask_count = LEVELS, .is_valid = true};
}

static int set_up(void **state) {
  (void)state;
  memset(memory, 0, sizeof(memory));
  arena_init(&arena, memory, sizeof(memory));
  density_bind(&density, &arena);
  density_init(&density);
  preset_init(&preset);
  preset.density_config.k_density = 7;
  preset.density_config.bucket_ticks = 3;
  preset.density_config.lookback_window_s = 60;
  preset.signal_config.enter_on_density_eat_ratio = 0.75;
  fill_book();
  now = 1000000;
  return 0;
}

static int32_t sample(bool has_tape) {
  now += 1000;
  return density_sample(&density, "BTC/USDT:USDT", &book, &preset, has_tape, now, events);
}

/* 30 samples make the threshold known: 7 * 1,000. */
static void warm_up(void) {
  for (int i = 0; i < 30; i++) assert_int_equal(sample(true), 0);
  assert_true(fabs(density.threshold_usd - 7000) < 0.01);
}

static void print_at(double price, double usd, bool is_buy) {
  struct public_trade trade = {.ts = now, .price = decimal_from_double(price), .qty = decimal_from_double(usd / price), .is_buy = is_buy};
  density_on_trades(&density, &trade, 1);
}

static void test_threshold_needs_30_samples(void **state) {
  (void)state;
  set_level(&bids[3], 99.915, 50000);
  for (int i = 0; i < 29; i++) {
    assert_int_equal(sample(true), 0);
    assert_true(isnan(density.threshold_usd));
  }
  assert_int_equal(sample(true), 1);
}

static void test_samples_leave_the_lookback(void **state) {
  (void)state;
  warm_up();
  now += 60000; /* all 30 are older than 60 s now */
  assert_int_equal(sample(true), 0);
  assert_true(isnan(density.threshold_usd));
  assert_int_equal(density.median_count, 1);
}

static void test_wall_is_detected_with_its_bucket(void **state) {
  (void)state;
  warm_up();
  set_level(&bids[3], 99.915, 14000); /* 99.915 / 0.03 = 3330.5: bucket 3330 */
  assert_int_equal(sample(true), 1);
  const struct wall *wall = &events[0].wall;
  assert_true(events[0].is_new);
  assert_int_equal(wall->side, WALL_BID);
  assert_int_equal(wall->state, WALL_STANDING);
  assert_int_equal(wall->detected_at, now);
  assert_string_equal(wall->symbol, "BTC/USDT:USDT");
  assert_true(fabs(wall->price - 99.915) < 1e-9);
  assert_true(fabs(wall->price_low - 99.90) < 1e-9);
  assert_true(fabs(wall->price_high - 99.93) < 1e-9);
  assert_true(fabs(wall->strength - 2) < 1e-5); /* 14,000 / 7,000 */
  assert_true(wall->eaten_ratio == 0);
  assert_int_equal(sample(true), 0); /* the same wall */
  assert_int_equal(density.wall_count, 1);
}

static void test_threshold_itself_is_a_wall(void **state) {
  (void)state;
  warm_up();
  set_level(&asks[5], 100.155, 6990);
  assert_int_equal(sample(true), 0);
  set_level(&asks[5], 100.155, 7000.01);
  assert_int_equal(sample(true), 1);
  assert_int_equal(events[0].wall.side, WALL_ASK);
}

/* 0.03 % apart is within 0.1 %: the larger bucket names the wall. 0.12 % apart is another wall. */
static void test_neighbours_are_one_wall(void **state) {
  (void)state;
  warm_up();
  set_level(&bids[3], 99.915, 9000);
  set_level(&bids[4], 99.885, 12000);
  set_level(&bids[8], 99.765, 8000);
  assert_int_equal(sample(true), 2);
  assert_true(fabs(events[0].wall.price - 99.885) < 1e-9);
  assert_true(fabs(events[1].wall.price - 99.765) < 1e-9);
}

static void test_wall_moves_to_the_next_bucket(void **state) {
  (void)state;
  warm_up();
  set_level(&bids[3], 99.915, 14000);
  sample(true);
  int64_t detected_at = now;
  set_level(&bids[3], 99.915, 1000);
  set_level(&bids[4], 99.885, 14000);
  assert_int_equal(sample(true), 0);
  assert_int_equal(density.wall_count, 1);
  assert_true(fabs(density.walls[0].price - 99.885) < 1e-9);
  assert_int_equal(density.walls[0].detected_at, detected_at);
}

static void test_wall_is_eaten_by_trades(void **state) {
  (void)state;
  warm_up();
  set_level(&asks[3], 100.095, 10000);
  sample(true);
  set_level(&asks[3], 100.095, 12000); /* grows: initial 12,000 */
  assert_int_equal(sample(true), 0);
  set_level(&asks[3], 100.095, 3600); /* eaten 1 - 3,600/12,000 = 0.7 */
  assert_int_equal(sample(true), 0);
  assert_true(fabs(density.walls[0].eaten_ratio - 0.7) < 1e-6);
  print_at(100.10, 3000, true);
  print_at(100.09, 2000, true);
  print_at(100.09, 9000, false); /* sellers do not consume asks */
  print_at(100.125, 9000, true); /* next bucket */
  assert_true(fabs(density.walls[0].traded_usd - 5000) < 0.01);
  set_level(&asks[3], 100.095, 2400); /* eaten 0.8, 9,600 gone: half is 4,800, traded 5,000 */
  assert_int_equal(sample(true), 1);
  assert_false(events[0].is_new);
  assert_int_equal(events[0].wall.state, WALL_EATEN);
  assert_int_equal(density.wall_count, 0);
}

static void test_wall_is_pulled(void **state) {
  (void)state;
  warm_up();
  set_level(&asks[3], 100.095, 12000);
  sample(true);
  print_at(100.10, 4700, true); /* less than half of 9,600 */
  set_level(&asks[3], 100.095, 2400);
  assert_int_equal(sample(true), 1);
  assert_int_equal(events[0].wall.state, WALL_REMOVED);
}

static void test_without_tape_nothing_is_eaten(void **state) {
  (void)state;
  warm_up();
  set_level(&asks[3], 100.095, 12000);
  sample(false);
  print_at(100.10, 9000, true);
  set_level(&asks[3], 100.095, 2400);
  assert_int_equal(sample(false), 1);
  assert_int_equal(events[0].wall.state, WALL_REMOVED);
}

/* With a ratio that is never reached the quarter of the threshold ends a wall: 0.25 * 7,000 = 1,750. */
static void test_small_rest_is_removed(void **state) {
  (void)state;
  preset.signal_config.enter_on_density_eat_ratio = 1;
  warm_up();
  set_level(&bids[3], 99.915, 14000);
  sample(true);
  set_level(&bids[3], 99.915, 1800);
  assert_int_equal(sample(true), 0);
  set_level(&bids[3], 99.915, 1700);
  assert_int_equal(sample(true), 1);
  assert_int_equal(events[0].wall.state, WALL_REMOVED);
}

static void shift_book(double by) {
  for (int i = 0; i < LEVELS; i++) {
    bids[i].price += decimal_from_double(by);
    asks[i].price += decimal_from_double(by);
  }
}

static void test_grid_is_renewed_after_1_percent(void **state) {
  (void)state;
  warm_up();
  set_level(&bids[3], 99.915, 14000);
  sample(true);
  shift_book(1.0); /* exactly 1 %: not more */
  sample(true);
  assert_true(density.base_mid == 100);
  shift_book(0.01);
  set_level(&bids[3], 100.925, 1000);
  assert_int_equal(sample(true), 0);
  assert_true(fabs(density.base_mid - 101.01) < 1e-9);
  assert_int_equal(density.wall_count, 0);
}

/* Out of mid +- 50 bps, or behind the last level of a cut book, nobody knows: no event. */
static void test_unseen_walls_are_dropped_silently(void **state) {
  (void)state;
  warm_up();
  set_level(&bids[15], 99.555, 14000); /* 44.5 bps under mid */
  assert_int_equal(sample(true), 1);
  shift_book(0.2);
  set_level(&bids[15], 99.755, 1000);
  assert_int_equal(sample(true), 0);
  assert_int_equal(density.wall_count, 0);

  set_level(&bids[10], decimal_to_double(bids[10].price), 14000);
  assert_int_equal(sample(true), 1);
  book.bid_count = 9;
  book.depth = 9;
  assert_int_equal(sample(true), 0);
  assert_int_equal(density.wall_count, 0);
}

static void test_no_book_changes_nothing(void **state) {
  (void)state;
  warm_up();
  set_level(&bids[3], 99.915, 14000);
  sample(true);
  book.is_valid = false;
  assert_int_equal(sample(true), 0);
  book.is_valid = true;
  book.ask_count = 0;
  assert_int_equal(sample(true), 0);
  assert_int_equal(density.wall_count, 1);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup(test_threshold_needs_30_samples, set_up),       cmocka_unit_test_setup(test_samples_leave_the_lookback, set_up),
      cmocka_unit_test_setup(test_wall_is_detected_with_its_bucket, set_up), cmocka_unit_test_setup(test_threshold_itself_is_a_wall, set_up),
      cmocka_unit_test_setup(test_neighbours_are_one_wall, set_up),          cmocka_unit_test_setup(test_wall_moves_to_the_next_bucket, set_up),
      cmocka_unit_test_setup(test_wall_is_eaten_by_trades, set_up),          cmocka_unit_test_setup(test_wall_is_pulled, set_up),
      cmocka_unit_test_setup(test_without_tape_nothing_is_eaten, set_up),    cmocka_unit_test_setup(test_small_rest_is_removed, set_up),
      cmocka_unit_test_setup(test_grid_is_renewed_after_1_percent, set_up),  cmocka_unit_test_setup(test_unseen_walls_are_dropped_silently, set_up),
      cmocka_unit_test_setup(test_no_book_changes_nothing, set_up),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

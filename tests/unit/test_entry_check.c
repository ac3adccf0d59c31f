/* Entry validation and market quality: each check at its bound, its score, where it applies, when it is skipped. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "base/decimal.h"
#include "core/strategy/entry_check.h"
#include "support/strategy_fixture.h"

static struct fixture fixture;
static struct signal signal;
static struct reason_list reasons;
static double score;

/* A momentum long at a level of 100, reference 100.1, entry 100.1; every check off but the two that are always on. */
static int begin(void **state) {
  (void)state;
  fixture_init(&fixture);
  struct preset_entry_rules *rules = &fixture.preset.signal_config.entry_rules;
  rules->require_volume_confirmation = rules->require_density_confirmation = rules->require_momentum = false;
  rules->validate_approach = rules->require_clean_breakout = false;
  rules->avoid_session_start_minutes = rules->avoid_session_end_minutes = 0;
  struct preset_market_quality *quality = &fixture.preset.signal_config.market_quality;
  quality->flat_market_filter_enabled = quality->consolidation_filter_enabled = quality->require_stable_volatility = false;
  quality->require_clear_trend = quality->noise_filter_enabled = false;
  signal = (struct signal){.side = SIDE_LONG,
                           .strategy = STRATEGY_MOMENTUM,
                           .level_price = 100,
                           .reference_price = 100.1,
                           .entry = decimal_from_double(100.1),
                           .stop = decimal_from_double(99)};
  return 0;
}

static struct preset_entry_rules *rules(void) {
  return &fixture.preset.signal_config.entry_rules;
}

static bool validate(void) {
  reasons.count = 0;
  bool passed = entry_check_validate(&fixture.setup, &signal, &reasons);
  assert_int_equal(passed, reason_first_failed(&reasons) == NULL);
  return passed;
}

static void assert_refused(enum reason_code code) {
  assert_false(validate());
  assert_string_equal(reason_code_names[reason_first_failed(&reasons)->code], reason_code_names[code]);
}

/* Passes, and the check under test scored this much beside breakout_distance, whose score is 1 - 0.5 * 10 / 30. */
static void assert_score(double expected) {
  assert_true(validate());
  double other = 1 - 0.5 * 10 / 30;
  if (fabs(signal.validation_score - (expected + other) / 2) >= 1e-9) print_error("score %.17g\n", signal.validation_score * 2 - other);
  assert_true(fabs(signal.validation_score - (expected + other) / 2) < 1e-9);
}

static void distance_is_always_checked(void **state) {
  (void)state;
  assert_true(validate());
  assert_true(fabs(signal.validation_score - (1 - 0.5 * 10 / 30)) < 1e-9);
  assert_int_equal(reasons.count, 2); /* the distance, and the activity that is skipped */
  assert_true(fixture_reason(&reasons, REASON_activity_alive)->skipped);
  signal.reference_price = 100.2;
  assert_true(validate());
  signal.reference_price = 100.31;
  assert_refused(REASON_breakout_distance);
  signal.side = SIDE_SHORT;
  assert_true(validate()); /* above the level is behind it for a short */
  signal.reference_price = 99.69;
  assert_refused(REASON_breakout_distance);
  signal.strategy = STRATEGY_RETEST; /* measured at the entry, on both sides */
  assert_true(validate());
  signal.entry = decimal_from_double(100.31);
  assert_refused(REASON_breakout_distance);
  signal.entry = decimal_from_double(99.69);
  assert_refused(REASON_breakout_distance);
}

static void volume_confirmation(void **state) {
  (void)state;
  rules()->require_volume_confirmation = true; /* 1.5 times the mean of 100 */
  fixture_bar(&fixture, 0)->volume = 149;
  assert_refused(REASON_volume_confirmation);
  fixture_bar(&fixture, 0)->volume = 150;
  assert_score(0.7);
  fixture_bar(&fixture, 0)->volume = 225; /* x = 2.25: 0.7 + 0.3 * 0.5 */
  assert_score(0.85);
  fixture_bar(&fixture, 0)->volume = 900;
  assert_score(1);
  fixture.setup.count = 20; /* t and 19 before it: one too few */
  fixture.setup.candles = fixture_bar(&fixture, 19);
  assert_refused(REASON_unavailable);
  fixture.setup.count = 21;
  fixture.setup.candles = fixture_bar(&fixture, 20);
  assert_score(1);
  fixture_bar(&fixture, 0)->volume = 1;
  signal.strategy = STRATEGY_RETEST;
  assert_true(validate());
}

static void momentum_confirmation(void **state) {
  (void)state;
  rules()->require_momentum = true; /* 0.5 % over 3 candles */
  fixture_bar(&fixture, 0)->close = 100.5;
  assert_score(0.7);
  fixture_bar(&fixture, 0)->close = 100.75;
  assert_score(0.85);
  fixture_bar(&fixture, 0)->close = 100.49;
  assert_refused(REASON_momentum_confirmation);
  fixture_bar(&fixture, 0)->close = 99.5;
  signal.side = SIDE_SHORT;
  assert_true(validate());
  fixture_bar(&fixture, 0)->close = 100.5;
  assert_refused(REASON_momentum_confirmation);
  signal.strategy = STRATEGY_RETEST;
  assert_true(validate());
}

static void approach(void **state) {
  (void)state;
  rules()->validate_approach = true; /* 1.5 % a candle, 3 closes within max(0.5, 1 ATR) */
  assert_score(1);
  fixture_bar(&fixture, 11)->close = 80;
  fixture_bar(&fixture, 1)->close = 92; /* 15 % in 10 candles */
  signal.level_price = signal.reference_price = 92;
  for (int32_t ago = 2; ago < 4; ago++) fixture_bar(&fixture, ago)->close = ago == 2 ? 91 : 93;
  signal.reference_price = 92 * 1.001;
  assert_score(0.5);
  fixture_bar(&fixture, 11)->close = 79.9;
  assert_refused(REASON_approach);
  assert_string_equal(reason_first_failed(&reasons)->detail, "");
  fixture_bar(&fixture, 11)->close = 80;
  fixture_bar(&fixture, 3)->close = 93.01;
  assert_refused(REASON_approach);
  assert_string_equal(reason_first_failed(&reasons)->detail, "a close lies away from the level");
  signal.strategy = STRATEGY_RETEST;
  signal.entry = decimal_from_double(92);
  assert_true(validate());
}

static void clean_breakout(void **state) {
  (void)state;
  struct candle *candle = fixture_bar(&fixture, 10);
  rules()->require_clean_breakout = true; /* 10 candles */
  for (int32_t ago = 1; ago <= 30; ago++) fixture_bar(&fixture, ago)->high = 100;
  assert_score(1);
  candle->high = 100.1 + 1e-9; /* beyond L (1 + epsilon), closed at 100 */
  assert_refused(REASON_clean_breakout);
  candle->close = 100.01; /* it did not come back */
  assert_score(1);
  candle->close = 100;
  candle->high = 100.1 - 1e-9;
  assert_score(1);
  candle->high = 100 * (1.0 + 0.001); /* at the edge, not beyond */
  assert_score(1);
  candle->high = 100;
  fixture_bar(&fixture, 11)->high = 105; /* before the window */
  assert_score(1);
  /* A level 0.5 ATR away that failed in the window. */
  fixture.levels.ended_count = 1;
  fixture.levels.ended[0] = (struct level){.state = LEVEL_FAILED, .price = 100.5, .failed_at = fixture_close_ts(&fixture, 10)};
  assert_refused(REASON_clean_breakout);
  fixture.levels.ended[0].failed_at = fixture_close_ts(&fixture, 1);
  assert_refused(REASON_clean_breakout);
  fixture.levels.ended[0].failed_at = fixture_close_ts(&fixture, 11);
  assert_score(1);
  fixture.levels.ended[0].failed_at = fixture_close_ts(&fixture, 0);
  assert_score(1);
  fixture.levels.ended[0].failed_at = fixture_close_ts(&fixture, 5);
  fixture.levels.ended[0].price = 100.51;
  assert_score(1);
  fixture.levels.ended[0].price = 100;
  fixture.levels.ended[0].state = LEVEL_EXPIRED;
  assert_score(1);
  /* Mirrored. */
  signal.side = SIDE_SHORT;
  signal.reference_price = 99.9;
  for (int32_t ago = 1; ago <= 30; ago++) fixture_bar(&fixture, ago)->low = 100;
  assert_score(1);
  fixture_bar(&fixture, 1)->low = 99.8;
  assert_refused(REASON_clean_breakout);
}

/* --- walls --- */

static void give_wall(int32_t i, int32_t side, double low, double high, double strength) {
  fixture.density.walls[i] = (struct wall){.side = side, .price_low = low, .price_high = high, .strength = strength, .state = WALL_STANDING};
  if (fixture.density.wall_count <= i) fixture.density.wall_count = i + 1;
}

static void walls_in_the_way(void **state) {
  (void)state;
  rules()->require_density_confirmation = true; /* strength 2 */
  assert_true(validate());
  assert_true(fixture_reason(&reasons, REASON_density_confirmation)->skipped);
  fixture.market.capabilities |= CAPABILITY_BOOK;
  fixture.setup.density = &fixture.density;
  fixture.density.threshold_usd = NAN;
  assert_refused(REASON_unavailable);
  fixture.density.threshold_usd = 1000;
  assert_score(1); /* none anywhere: 0.6 + 4 / 10 */
  give_wall(0, WALL_ASK, 100.2, 100.3, 2);
  assert_refused(REASON_density_confirmation);
  fixture.density.walls[0].strength = 1.99;
  assert_score(1);
  fixture.density.walls[0].strength = 5;
  fixture.density.walls[0].eaten_ratio = 0.75; /* eaten enough */
  assert_score(1);
  fixture.density.walls[0].eaten_ratio = 0.74;
  assert_refused(REASON_density_confirmation);
  fixture.density.walls[0].state = WALL_EATEN;
  assert_score(1);
  give_wall(0, WALL_BID, 100.2, 100.3, 5); /* the wrong side */
  assert_score(1);
  give_wall(0, WALL_ASK, 99.8, 99.99, 5); /* below level and entry */
  assert_score(1);
  give_wall(0, WALL_ASK, 99.8, 100, 5); /* touches the level */
  assert_refused(REASON_density_confirmation);
  double end = 100.1 * 1.003;
  give_wall(0, WALL_ASK, end - 1e-9, end + 0.1, 5);
  assert_refused(REASON_density_confirmation);
  give_wall(0, WALL_ASK, 101.101, 101.2, 1.99); /* beyond, but not strong */
  assert_score(1);
  give_wall(0, WALL_ASK, 101.101, 101.2, 2); /* beyond: 1 % from the entry */
  assert_score(0.7);
  give_wall(1, WALL_ASK, 100.6005, 100.7, 5); /* the next one counts: 0.5 % */
  assert_score(0.65);
  signal.side = SIDE_SHORT;
  signal.reference_price = 99.9;
  signal.entry = decimal_from_double(99.9);
  assert_score(1);
  give_wall(0, WALL_BID, 99.7, 99.8, 5);
  assert_refused(REASON_density_confirmation);
  signal.strategy = STRATEGY_RETEST; /* walls matter to both */
  assert_refused(REASON_density_confirmation);
}

/* --- activity, hours --- */

static void feed_activity(int32_t samples, double rate) {
  struct trade_flow_values flow = {.tpm_60s = rate, .tps_10s = rate / 60, .volume_delta_60s = rate};
  for (int32_t i = 0; i < samples; i++) activity_sample(&fixture.activity, &flow, 10000 * i);
}

static void dying_activity(void **state) {
  (void)state;
  activity_init(&fixture.activity);
  fixture.market.capabilities |= CAPABILITY_TRADES;
  fixture.setup.activity = &fixture.activity;
  assert_true(validate()); /* no index yet */
  assert_true(fixture_reason(&reasons, REASON_activity_alive)->skipped);
  feed_activity(40, 100);
  assert_score(1); /* constant: all z are 0 */
  feed_activity(1, 10);
  struct activity_values values;
  activity_read(&fixture.activity, &values);
  assert_true(values.drop_fraction > 1);
  assert_refused(REASON_activity_alive);
  assert_true(reason_first_failed(&reasons)->value == values.drop_fraction);
  fixture.preset.position_config.activity_drop_threshold = values.drop_fraction; /* at the threshold it is dropping */
  assert_refused(REASON_activity_alive);
  fixture.preset.position_config.activity_drop_threshold = values.drop_fraction + 1e-9;
  assert_score(1);
}

/* Moves candle t so that it closes at this minute of 2025-05-10. */
static void close_at(int32_t minute) {
  fixture_bar(&fixture, 0)->open_ts = INT64_C(1746835200000) + (minute - 5) * INT64_C(60000);
}

static void hours_at_the_edge_of_the_day(void **state) {
  (void)state;
  rules()->avoid_session_start_minutes = 5;
  rules()->avoid_session_end_minutes = 15;
  close_at(5);
  assert_true(validate());
  close_at(0);
  assert_refused(REASON_day_edge);
  close_at(1440);
  assert_refused(REASON_day_edge);
  assert_true(reason_first_failed(&reasons)->value == 0);
  close_at(1420);
  assert_true(validate());
  assert_true(fabs(signal.validation_score - (1 - 0.5 * 10 / 30)) < 1e-9); /* hours have no score */
  close_at(1425);
  assert_refused(REASON_day_edge);
  rules()->avoid_session_end_minutes = 0;
  assert_true(validate());
}

static void all_are_evaluated_after_the_first_failure(void **state) {
  (void)state;
  rules()->require_volume_confirmation = rules()->require_momentum = rules()->validate_approach = rules()->require_clean_breakout = true;
  rules()->avoid_session_start_minutes = 5;
  signal.reference_price = 101;
  assert_refused(REASON_volume_confirmation);
  assert_false(fixture_reason(&reasons, REASON_momentum_confirmation)->passed);
  assert_true(fixture_reason(&reasons, REASON_approach)->passed);
  assert_false(fixture_reason(&reasons, REASON_breakout_distance)->passed);
  assert_false(fixture_reason(&reasons, REASON_clean_breakout)->passed);
  assert_true(fixture_reason(&reasons, REASON_day_edge)->passed);
}

/* --- quality --- */

static struct preset_market_quality *quality(void) {
  return &fixture.preset.signal_config.market_quality;
}

static bool has_quality(void) {
  reasons.count = 0;
  bool passed = entry_check_quality(&fixture.setup, &reasons, &score);
  assert_int_equal(passed, reason_first_failed(&reasons) == NULL);
  return passed;
}

static void assert_issue(enum reason_code code) {
  assert_false(has_quality());
  assert_string_equal(reason_code_names[reason_first_failed(&reasons)->code], reason_code_names[code]);
}

static void the_signal_candle_itself_does_not_count(void **state) {
  (void)state;
  quality()->require_stable_volatility = quality()->noise_filter_enabled = true;
  quality()->noise_threshold = 1;
  *fixture_bar(&fixture, 0) = (struct candle){fixture_bar(&fixture, 0)->open_ts, 100, 200, 50, 150, 1, 1};
  assert_true(has_quality());
  assert_int_equal(reasons.count, 2);
  assert_true(has_quality());
}

static void flat(void **state) {
  (void)state;
  quality()->flat_market_filter_enabled = true; /* ATR is 1, so 1 % */
  quality()->flat_market_atr_threshold = 1;
  assert_true(has_quality());
  assert_true(score == 0.5);
  quality()->flat_market_atr_threshold = 1.0001;
  assert_issue(REASON_flat);
  quality()->flat_market_atr_threshold = 0.1;
  assert_true(has_quality());
  assert_true(score == 1);
  fixture.setup.count = 20;
  assert_issue(REASON_unavailable);
  fixture.setup.count = 0;
  assert_issue(REASON_unavailable);
}

static void consolidating(void **state) {
  (void)state;
  quality()->consolidation_filter_enabled = true;
  fixture.setup.count = 1; /* nothing before the signal candle */
  assert_issue(REASON_unavailable);
  fixture.setup.count = FIXTURE_CANDLES;
  quality()->consolidation_range_threshold_pct = 0.99; /* a single candle spans 1 % */
  quality()->consolidation_min_bars = 2;
  assert_true(has_quality());
  assert_true(reasons.items[0].value == 0 && score == 1);
  quality()->consolidation_range_threshold_pct = 1;
  quality()->consolidation_min_bars = 200;
  assert_issue(REASON_consolidating); /* all 200 and more */
  assert_true(reasons.items[0].value == 200);
  fixture_bar(&fixture, 11)->high = 101; /* 10 candles from t-1 to t-10 */
  quality()->consolidation_min_bars = 11;
  assert_true(has_quality());
  assert_true(reasons.items[0].value == 10);
  quality()->consolidation_min_bars = 10;
  assert_issue(REASON_consolidating);
}

static void volatility_spike(void **state) {
  (void)state;
  quality()->require_stable_volatility = true;
  quality()->volatility_lookback_bars = 5;
  quality()->volatility_spike_threshold = 2;
  assert_true(has_quality()); /* sigma is 0 */
  assert_true(reasons.items[0].value == 0);
  /* True ranges 1, 1, 1, 1, 2 before u: mean 1.2, population sigma 0.4; u of 2.0 is z = 2 exactly. */
  fixture_bar(&fixture, 2)->high = 101.5;
  fixture_bar(&fixture, 1)->high = 101.5;
  assert_true(has_quality());
  assert_true(fabs(reasons.items[0].value - 2) < 1e-9);
  fixture_bar(&fixture, 1)->high = 101.51;
  assert_issue(REASON_volatility_spike);
}

static void weak_trend(void **state) {
  (void)state;
  quality()->require_clear_trend = true;
  quality()->trend_lookback_bars = 5;
  quality()->trend_slope_min_pct = 4;
  assert_issue(REASON_weak_trend);
  for (int32_t ago = 1; ago <= 5; ago++) fixture_bar(&fixture, ago)->close = 97 + ago; /* 98 .. 102, falling: 4 of a mean of 100 */
  assert_true(has_quality());
  assert_true(reasons.items[0].value == 4);
  quality()->trend_slope_min_pct = 4.0001;
  assert_issue(REASON_weak_trend);
}

static void noisy(void **state) {
  (void)state;
  quality()->noise_filter_enabled = true;
  quality()->volatility_lookback_bars = 5;
  quality()->noise_threshold = 0.7;
  assert_issue(REASON_noisy); /* no bodies at all */
  for (int32_t ago = 1; ago <= 5; ago++) {
    struct candle *candle = fixture_bar(&fixture, ago);
    candle->open = 100;
    candle->close = 100.25;
    candle->low = 99.75;
    candle->high = 100.75; /* three quarters are wick */
  }
  quality()->noise_threshold = 0.75;
  assert_true(has_quality());
  assert_true(score == 0.5);
  fixture_bar(&fixture, 3)->high = fixture_bar(&fixture, 3)->low = fixture_bar(&fixture, 3)->close = fixture_bar(&fixture, 3)->open;
  assert_issue(REASON_noisy); /* a candle without range counts as 1 */
  assert_true(fabs(reasons.items[0].value - 0.8) < 1e-12);
  fixture.setup.candles = fixture_bar(&fixture, 5); /* just enough, then one too few */
  fixture.setup.count = 6;
  assert_issue(REASON_noisy);
  fixture.setup.candles++;
  fixture.setup.count = 5;
  assert_issue(REASON_unavailable);
}

static void issues_in_the_order_of_the_table(void **state) {
  (void)state;
  assert_true(has_quality());
  assert_int_equal(reasons.count, 0);
  assert_true(score == 1);
  quality()->flat_market_filter_enabled = quality()->require_clear_trend = quality()->noise_filter_enabled = true;
  quality()->flat_market_atr_threshold = 2;
  assert_issue(REASON_flat);
  assert_int_equal(reasons.count, 3);
  assert_false(reasons.items[1].passed);
  assert_false(reasons.items[2].passed);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup(distance_is_always_checked, begin),
      cmocka_unit_test_setup(volume_confirmation, begin),
      cmocka_unit_test_setup(momentum_confirmation, begin),
      cmocka_unit_test_setup(approach, begin),
      cmocka_unit_test_setup(clean_breakout, begin),
      cmocka_unit_test_setup(walls_in_the_way, begin),
      cmocka_unit_test_setup(dying_activity, begin),
      cmocka_unit_test_setup(hours_at_the_edge_of_the_day, begin),
      cmocka_unit_test_setup(all_are_evaluated_after_the_first_failure, begin),
      cmocka_unit_test_setup(the_signal_candle_itself_does_not_count, begin),
      cmocka_unit_test_setup(flat, begin),
      cmocka_unit_test_setup(consolidating, begin),
      cmocka_unit_test_setup(volatility_spike, begin),
      cmocka_unit_test_setup(weak_trend, begin),
      cmocka_unit_test_setup(noisy, begin),
      cmocka_unit_test_setup(issues_in_the_order_of_the_table, begin),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

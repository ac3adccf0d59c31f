/* Every score component at values worked out by hand, and the scaling of weights. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>

#include "core/strategy/score.h"
#include "support/strategy_fixture.h"

static struct fixture fixture;
static struct score score;

static int begin(void **state) {
  (void)state;
  fixture_init(&fixture);
  fixture.view.why[MARKET_FIELD_btc_correlation] = NULL_NOT;
  return 0;
}

static double *weights(void) {
  return fixture.preset.scanner_config.score_weights;
}

/* The value of one component when it is the only one. */
static double value_of(enum score_component component) {
  for (int i = 0; i < SCORE_COMPONENT_COUNT; i++) weights()[i] = NAN;
  weights()[component] = 1;
  score_compute(&fixture.setup, &score);
  return score.value[component];
}

static void assert_near(double value, double expected) {
  if (!(fabs(value - expected) < 1e-12)) print_error("%.17g is not %.17g\n", value, expected);
  assert_true(fabs(value - expected) < 1e-12);
}

static void assert_unknown(enum score_component component) {
  assert_true(isnan(value_of(component)));
  assert_true(score.null_components == UINT32_C(1) << component);
  assert_true(score.total == 0 && score.contribution[component] == 0);
}

static void vol_surge(void **state) {
  (void)state;
  assert_unknown(SCORE_VOL_SURGE);
  fixture.view.volume_surge_1h = 2;
  assert_unknown(SCORE_VOL_SURGE);
  fixture.view.volume_surge_5m = 3;
  assert_near(value_of(SCORE_VOL_SURGE), 0.9); /* strategy 3: 1.2 + 1.2 - 1.5 */
  fixture.view.volume_surge_5m = 30;
  assert_near(value_of(SCORE_VOL_SURGE), 3);
}

static void oi_delta(void **state) {
  (void)state;
  fixture.market.capabilities |= CAPABILITY_OPEN_INTEREST;
  assert_unknown(SCORE_OI_DELTA);
  fixture.view.oi_change_24h = -0.1;
  assert_near(value_of(SCORE_OI_DELTA), 2);
  fixture.view.oi_change_24h = 0.2;
  assert_near(value_of(SCORE_OI_DELTA), 3);
}

static double atr_quality_at(double r) {
  fixture.view.atr_ratio_15m = r;
  return value_of(SCORE_ATR_QUALITY);
}

static void atr_quality(void **state) {
  (void)state;
  assert_unknown(SCORE_ATR_QUALITY);
  assert_near(atr_quality_at(0.02), 1.25); /* strategy 3: q = 0.75 */
  assert_near(atr_quality_at(0.025), 2.5);
  assert_near(atr_quality_at(0.015), 0);
  assert_near(atr_quality_at(0.0075), -1.25); /* q = 0.25 */
  assert_near(atr_quality_at(0.035), 0);
  assert_near(atr_quality_at(0.0525), -1.25); /* q = 0.5 * 0.5 */
  assert_near(atr_quality_at(0.2), -2.5);
}

static double correlation_at(double c) {
  fixture.view.btc_correlation = c;
  return value_of(SCORE_CORRELATION);
}

static void correlation(void **state) {
  (void)state;
  assert_unknown(SCORE_CORRELATION);
  assert_near(correlation_at(0), 1);
  assert_near(correlation_at(-0.7), 0.5);
  assert_near(correlation_at(0.85), 0);
  assert_near(correlation_at(1), -0.5);
}

static double trades_at(double rate) {
  fixture.view.trades_per_minute = rate;
  return value_of(SCORE_TRADES_PER_MINUTE);
}

static void trades_per_minute(void **state) {
  (void)state;
  fixture.market.capabilities |= CAPABILITY_TRADES;
  assert_unknown(SCORE_TRADES_PER_MINUTE);
  assert_near(trades_at(0), -3);
  assert_near(trades_at(1), -2);
  assert_near(trades_at(exp(2)), 0);
  assert_near(trades_at(1000), 3);
}

static void volume(void **state) {
  (void)state;
  assert_near(value_of(SCORE_VOLUME), 0); /* every hour alike */
  for (int32_t ago = 0; ago < 12; ago++) fixture_bar(&fixture, ago)->turnover = 0;
  assert_near(value_of(SCORE_VOLUME), -3);
  for (int32_t ago = 0; ago < 288; ago++) fixture_bar(&fixture, ago)->turnover = ago < 12 ? 9200 : 1200; /* hour 110 400, mean 18 400 */
  assert_near(value_of(SCORE_VOLUME), log2(6));
  fixture.setup.count = 288;
  fixture.setup.candles = fixture_bar(&fixture, 287);
  assert_near(value_of(SCORE_VOLUME), log2(6));
  fixture.setup.count = 287;
  fixture.setup.candles = fixture_bar(&fixture, 286);
  assert_unknown(SCORE_VOLUME);
}

static double volatility_at(double r) {
  fixture.view.atr_ratio_15m = r;
  return value_of(SCORE_VOLATILITY);
}

static void volatility(void **state) {
  (void)state;
  assert_unknown(SCORE_VOLATILITY);
  assert_near(volatility_at(0.015), 3); /* strategy 3: g = 0.015 */
  assert_near(volatility_at(0.045), -3);
  assert_near(volatility_at(0.005), -3);
  assert_near(volatility_at(0.015 * sqrt(3)), 0);
  assert_near(volatility_at(0), -3);
  fixture.preset.volatility_filters.atr_range_min = fixture.preset.volatility_filters.atr_range_max = 0.25;
  assert_near(volatility_at(0.25), 3);
  assert_near(volatility_at(0.26), -3);
}

static void level_quality(void **state) {
  (void)state;
  assert_unknown(SCORE_LEVEL_QUALITY);
  fixture.view.atr_15m = 2;
  assert_near(value_of(SCORE_LEVEL_QUALITY), -3);
  fixture_add_broken(&fixture, 106.1, true, 3)->strength = 1;
  assert_near(value_of(SCORE_LEVEL_QUALITY), -3);
  fixture_add_broken(&fixture, 106, true, 3)->strength = 0.75;
  fixture_add_broken(&fixture, 101, true, 3)->strength = 0.6;
  assert_near(value_of(SCORE_LEVEL_QUALITY), 1.5);
  fixture.setup.levels = NULL;
  assert_unknown(SCORE_LEVEL_QUALITY);
}

static void momentum(void **state) {
  (void)state;
  assert_near(value_of(SCORE_MOMENTUM), -1);
  fixture_bar(&fixture, 0)->close = 100 - sqrt(12);
  assert_near(value_of(SCORE_MOMENTUM), 1);
  fixture.view.atr_5m = NAN;
  assert_unknown(SCORE_MOMENTUM);
}

static void liquidity(void **state) {
  (void)state;
  fixture.market.capabilities |= CAPABILITY_BOOK;
  assert_unknown(SCORE_LIQUIDITY);
  fixture.view.bid_usd_0_5pct = 3e5;
  fixture.view.ask_usd_0_5pct = 2e5;
  fixture.view.spread_bps = 25;
  fixture.view.volume_24h_usd = 5e7;
  assert_near(value_of(SCORE_LIQUIDITY), 0);
  fixture.view.bid_usd_0_5pct = 3e6;
  fixture.view.spread_bps = 80;
  fixture.view.volume_24h_usd = 5e9;
  assert_near(value_of(SCORE_LIQUIDITY), 1); /* (1 + 0 + 1) / 3 */
}

static void movers(void **state) {
  (void)state;
  assert_near(value_of(SCORE_GAINERS_MOMENTUM), 0);
  fixture_bar(&fixture, 0)->close = 101;
  for (int32_t ago = 0; ago < 3; ago++) fixture_bar(&fixture, ago)->volume = 200;
  assert_near(value_of(SCORE_GAINERS_MOMENTUM), 1 + log(2));
  assert_near(value_of(SCORE_LOSERS_MOMENTUM), -1 + log(2));
  for (int32_t ago = 3; ago < 5; ago++) fixture_bar(&fixture, ago)->volume = 0;
  assert_near(value_of(SCORE_GAINERS_MOMENTUM), 1);
  fixture.setup.count = 4;
  fixture.setup.candles = fixture_bar(&fixture, 3);
  assert_unknown(SCORE_GAINERS_MOMENTUM);
  assert_unknown(SCORE_LOSERS_MOMENTUM);
}

static void losers_reversal(void **state) {
  (void)state;
  assert_unknown(SCORE_LOSERS_REVERSAL);
  fixture.view.change_24h_pct = 0;
  assert_near(value_of(SCORE_LOSERS_REVERSAL), -3);
  fixture.view.change_24h_pct = -10;
  fixture_bar(&fixture, 100)->high = 119.5; /* range 99.5 .. 119.5, close at 0.025 of it */
  assert_near(value_of(SCORE_LOSERS_REVERSAL), 10.0 / 5 * (1 - 0.025));
  fixture_bar(&fixture, 0)->close = 100.5;
  assert_near(value_of(SCORE_LOSERS_REVERSAL), 10.0 / 5 * (1 - 0.05) + 0.5);
  for (int32_t ago = 0; ago < 288; ago++) *fixture_bar(&fixture, ago) = (struct candle){0, 100, 100, 100, 100, 1, 1};
  assert_unknown(SCORE_LOSERS_REVERSAL);
}

static void missing_capabilities_scale_the_rest(void **state) {
  (void)state;
  value_of(SCORE_VOL_SURGE);
  fixture.view.volume_surge_1h = 2;
  fixture.view.volume_surge_5m = 3;
  fixture.view.atr_ratio_15m = 0.02;
  weights()[SCORE_VOL_SURGE] = 0.4;
  weights()[SCORE_ATR_QUALITY] = -0.2;
  weights()[SCORE_OI_DELTA] = 0.3;    /* left out: no open interest */
  weights()[SCORE_CORRELATION] = 0.1; /* null: contributes 0, but keeps its weight */
  score_compute(&fixture.setup, &score);
  double scale = 1.0 / 0.7;
  assert_near(score.contribution[SCORE_VOL_SURGE], 0.4 * scale * 0.9);
  assert_near(score.contribution[SCORE_ATR_QUALITY], -0.2 * scale * 1.25);
  assert_near(score.total, (0.4 * 0.9 - 0.2 * 1.25) * scale);
  assert_true(score.left_out == UINT32_C(1) << SCORE_OI_DELTA);
  assert_true(score.null_components == UINT32_C(1) << SCORE_CORRELATION);
  fixture.view.why[MARKET_FIELD_btc_correlation] = NULL_NO_CAPABILITY;
  score_compute(&fixture.setup, &score);
  assert_true(score.left_out == (UINT32_C(1) << SCORE_OI_DELTA | UINT32_C(1) << SCORE_CORRELATION));
  assert_near(score.total, (0.4 * 0.9 - 0.2 * 1.25) / 0.6);
}

static void the_wide_score_needs_neither_book_nor_tape(void **state) {
  (void)state;
  fixture.market.capabilities |= (uint32_t)CAPABILITY_BOOK | (uint32_t)CAPABILITY_TRADES;
  value_of(SCORE_VOL_SURGE);
  fixture.view.volume_surge_1h = 2;
  fixture.view.volume_surge_5m = 3;
  fixture.view.trades_per_minute = 1000;
  weights()[SCORE_TRADES_PER_MINUTE] = 1;
  weights()[SCORE_LIQUIDITY] = 1;
  assert_near(score_wide(&fixture.setup), 0.9 * 3);
  score_compute(&fixture.setup, &score);
  assert_near(score.total, 0.9 + 3);
}

static void without_weights_there_is_no_score(void **state) {
  (void)state;
  value_of(SCORE_VOL_SURGE);
  weights()[SCORE_VOL_SURGE] = NAN;
  score_compute(&fixture.setup, &score);
  assert_true(score.total == 0 && score.null_components == 0 && score.left_out == 0);
  weights()[SCORE_OI_DELTA] = 1; /* the only one, and left out */
  score_compute(&fixture.setup, &score);
  assert_true(score.total == 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup(vol_surge, begin),
      cmocka_unit_test_setup(oi_delta, begin),
      cmocka_unit_test_setup(atr_quality, begin),
      cmocka_unit_test_setup(correlation, begin),
      cmocka_unit_test_setup(trades_per_minute, begin),
      cmocka_unit_test_setup(volume, begin),
      cmocka_unit_test_setup(volatility, begin),
      cmocka_unit_test_setup(level_quality, begin),
      cmocka_unit_test_setup(momentum, begin),
      cmocka_unit_test_setup(liquidity, begin),
      cmocka_unit_test_setup(movers, begin),
      cmocka_unit_test_setup(losers_reversal, begin),
      cmocka_unit_test_setup(missing_capabilities_scale_the_rest, begin),
      cmocka_unit_test_setup(the_wide_score_needs_neither_book_nor_tape, begin),
      cmocka_unit_test_setup(without_weights_there_is_no_score, begin),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Market quality of a signal (strategy 10): everything is measured up to u = t - 1, so that the breakout itself does not count. */
#include <math.h>

#include "base/maths.h"
#include "core/analysis/indicators.h"
#include "core/strategy/entry_check.h"

enum { RANGE_CANDLES_MAX = 200 };

struct quality {
  const struct preset_market_quality *config;
  const struct candle *candles; /* the newest is u */
  int32_t count;
  struct reason_list *reasons;
  bool passed;
  double margin_sum;
  int32_t margin_count;
};

/* Value over threshold in the passing direction, halved; a test that leaves nothing to divide by is passed with all the room there is. */
static double margin_of(double value, enum comparator comparator, double threshold) {
  if (isnan(value)) return 0.0;
  double part = comparator == COMPARATOR_GE ? value : threshold;
  double whole = comparator == COMPARATOR_GE ? threshold : value;
  return whole > 0 ? maths_min(1.0, maths_max(0.0, part / whole / 2.0)) : 1.0;
}

static void test(struct quality *quality, enum reason_code code, double value, enum comparator comparator, double threshold) {
  quality->passed &= reason_test(quality->reasons, code, value, comparator, threshold);
  quality->margin_sum += margin_of(value, comparator, threshold);
  quality->margin_count++;
}

static void test_flat(struct quality *quality) {
  if (!quality->config->flat_market_filter_enabled) return;
  double atr = indicator_atr(quality->candles, quality->count, quality->config->flat_market_lookback_bars);
  double x = quality->count > 0 ? 100.0 * atr / quality->candles[quality->count - 1].close : NAN;
  test(quality, REASON_flat, x, COMPARATOR_GE, quality->config->flat_market_atr_threshold);
}

/* The range only grows with length, so the longest dead range ends where the first candle too many is met. */
static int32_t dead_range_candles(const struct quality *quality) {
  const struct candle *newest = quality->candles + quality->count - 1;
  int32_t longest = quality->count < RANGE_CANDLES_MAX ? quality->count : RANGE_CANDLES_MAX;
  double high = newest->high;
  double low = newest->low;
  for (int32_t m = 0; m < longest; m++) {
    high = maths_max(high, newest[-m].high);
    low = maths_min(low, newest[-m].low);
    if (100.0 * (high - low) / newest->close > quality->config->consolidation_range_threshold_pct) return m;
  }
  return longest;
}

static void test_consolidating(struct quality *quality) {
  if (!quality->config->consolidation_filter_enabled) return;
  double m = quality->count > 0 ? (double)dead_range_candles(quality) : (double)NAN;
  test(quality, REASON_consolidating, m, COMPARATOR_LT, quality->config->consolidation_min_bars);
}

static void test_spike(struct quality *quality) {
  if (!quality->config->require_stable_volatility) return;
  double z = indicator_true_range_z(quality->candles, quality->count, quality->config->volatility_lookback_bars);
  test(quality, REASON_volatility_spike, z, COMPARATOR_LE, quality->config->volatility_spike_threshold);
}

static void test_trend(struct quality *quality) {
  int32_t n = quality->config->trend_lookback_bars;
  if (!quality->config->require_clear_trend) return;
  double slope = indicator_slope(quality->candles, quality->count, n);
  double x = fabs(slope) * (n - 1) / indicator_sma(quality->candles, quality->count, n) * 100.0;
  test(quality, REASON_weak_trend, x, COMPARATOR_GE, quality->config->trend_slope_min_pct);
}

static double mean_wick_share(const struct quality *quality, int32_t n) {
  double sum = 0;
  if (quality->count < n) return NAN;
  const struct candle *window = quality->candles + quality->count - n;
  for (int32_t i = 0; i < n; i++) {
    double range = window[i].high - window[i].low;
    sum += range > 0 ? 1.0 - fabs(window[i].close - window[i].open) / range : 1.0;
  }
  return sum / n;
}

static void test_noise(struct quality *quality) {
  if (!quality->config->noise_filter_enabled) return;
  double x = mean_wick_share(quality, quality->config->volatility_lookback_bars);
  test(quality, REASON_noisy, x, COMPARATOR_LE, quality->config->noise_threshold);
}

bool entry_check_quality(const struct setup *setup, struct reason_list *reasons, double *quality) {
  struct quality tests = {
      .config = &setup->preset->signal_config.market_quality,
      .candles = setup->candles,
      .count = setup->count > 0 ? setup->count - 1 : 0,
      .reasons = reasons,
      .passed = true,
  };
  test_flat(&tests);
  test_consolidating(&tests);
  test_spike(&tests);
  test_trend(&tests);
  test_noise(&tests);
  if (quality != NULL) *quality = tests.margin_count > 0 ? tests.margin_sum / tests.margin_count : 1.0;
  return tests.passed;
}

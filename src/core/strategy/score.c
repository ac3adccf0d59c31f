#include "core/strategy/score.h"

#include <math.h>

#include "base/maths.h"

enum { DAY_CANDLES = 288, HOUR_CANDLES = 12, MOVE_CANDLES = 5 };

static double clip(double x) {
  return maths_min(3.0, maths_max(-3.0, x));
}

/* A value that is not known must stay unknown. */
static double clip_known(double x) {
  return isnan(x) ? NAN : clip(x);
}

/* The newest n 5m candles, NULL when there are fewer. */
static const struct candle *newest(const struct setup *setup, int32_t n) {
  return setup->count >= n ? setup->candles + setup->count - n : NULL;
}

static double vol_surge(const struct setup *setup) {
  return clip_known(0.6 * setup->view->volume_surge_1h + 0.4 * setup->view->volume_surge_5m - 1.5);
}

static double oi_delta(const struct setup *setup) {
  return clip_known(fabs(setup->view->oi_change_24h) / 0.05);
}

static double atr_quality(const struct setup *setup) {
  double r = setup->view->atr_ratio_15m;
  double q;
  if (isnan(r)) return NAN;
  if (r < 0.015) {
    q = 0.5 * r / 0.015;
  } else if (r <= 0.035) {
    q = 1.0 - fabs(r - 0.025) / 0.02;
  } else {
    q = maths_max(0.0, 0.5 * (1.0 - (r - 0.035) / 0.035));
  }
  return clip((q - 0.5) / 0.2);
}

static double correlation(const struct setup *setup) {
  double a = fabs(setup->view->btc_correlation);
  return a <= 0.7 ? 1.0 - 0.5 * a / 0.7 : 0.5 - (a - 0.7) / 0.3;
}

static double trades_per_minute(const struct setup *setup) {
  double rate = setup->view->trades_per_minute;
  return rate == 0 ? -3.0 : clip_known(maths_log(rate) - 2.0);
}

static double volume(const struct setup *setup) {
  const struct candle *day = newest(setup, DAY_CANDLES);
  double sum = 0;
  double hour = 0;
  if (day == NULL) return NAN;
  for (int32_t i = 0; i < DAY_CANDLES; i++) sum += day[i].turnover;
  for (int32_t i = DAY_CANDLES - HOUR_CANDLES; i < DAY_CANDLES; i++) hour += day[i].turnover;
  return hour == 0 ? -3.0 : clip(maths_log2(hour / (sum / 24.0)));
}

static double volatility(const struct setup *setup) {
  double r = setup->view->atr_ratio_15m;
  double low = setup->preset->volatility_filters.atr_range_min;
  double high = setup->preset->volatility_filters.atr_range_max;
  double g = sqrt(low * high);
  double h = 0.5 * maths_log(high / low);
  if (isnan(r)) return NAN;
  if (h == 0) return r == g ? 3.0 : -3.0;
  return clip(3.0 - 6.0 * fabs(maths_log(r / g)) / h);
}

static double level_quality(const struct setup *setup) {
  double price = setup->view->price;
  double distance = 3.0 * setup->view->atr_15m;
  if (setup->levels == NULL || isnan(price) || isnan(distance)) return NAN;
  const struct level *level = level_strongest_within(setup->levels, price, distance);
  return level == NULL ? -3.0 : clip(6.0 * level->strength - 3.0);
}

static double momentum(const struct setup *setup) {
  const struct candle *window = newest(setup, HOUR_CANDLES + 1);
  double scale = setup->view->atr_5m * sqrt(12.0);
  if (window == NULL || !(scale > 0)) return NAN;
  return clip(2.0 * fabs(window[HOUR_CANDLES].close - window[0].close) / scale - 1.0);
}

static double liquidity(const struct setup *setup) {
  const struct market_view *view = setup->view;
  double depth = (view->bid_usd_0_5pct + view->ask_usd_0_5pct) / 1e6;
  if (isnan(depth) || isnan(view->spread_bps) || isnan(view->volume_24h_usd)) return NAN;
  double q = (maths_min(1.0, depth) + maths_max(0.0, 1.0 - view->spread_bps / 50.0) + maths_min(1.0, view->volume_24h_usd / 1e8)) / 3.0;
  return clip(6.0 * q - 3.0);
}

/* Percent from the open of t-4 to the close of t. NaN with fewer than 5 candles. */
static double move_pct(const struct setup *setup) {
  const struct candle *window = newest(setup, MOVE_CANDLES);
  return window == NULL ? NAN : 100.0 * (window[4].close - window[0].open) / window[0].open;
}

/* ln(mean volume of the last 3 over that of the 2 before); 0 when either is 0. */
static double volume_growth(const struct setup *setup) {
  const struct candle *window = newest(setup, MOVE_CANDLES);
  if (window == NULL) return NAN;
  double late = (window[2].volume + window[3].volume + window[4].volume) / 3.0;
  double early = (window[0].volume + window[1].volume) / 2.0;
  return late == 0 || early == 0 ? 0.0 : maths_log(late / early);
}

static double gainers_momentum(const struct setup *setup) {
  return clip_known(move_pct(setup) + volume_growth(setup));
}

static double losers_momentum(const struct setup *setup) {
  return clip_known(-move_pct(setup) + volume_growth(setup));
}

static double losers_reversal(const struct setup *setup) {
  const struct candle *day = newest(setup, DAY_CANDLES);
  double fall = -setup->view->change_24h_pct;
  if (day == NULL || isnan(fall)) return NAN;
  if (fall <= 0) return -3.0;
  double high = day[0].high;
  double low = day[0].low;
  for (int32_t i = 1; i < DAY_CANDLES; i++) {
    if (day[i].high > high) high = day[i].high;
    if (day[i].low < low) low = day[i].low;
  }
  if (high == low) return NAN;
  double place = (day[DAY_CANDLES - 1].close - low) / (high - low);
  return clip(fall / 5.0 * (1.0 - place) + move_pct(setup));
}

typedef double component_function(const struct setup *setup);

/* needs: capability without which the component is left out. */
static const struct {
  component_function *compute;
  uint32_t needs;
} components[SCORE_COMPONENT_COUNT] = {
    [SCORE_VOL_SURGE] = {vol_surge, 0},
    [SCORE_OI_DELTA] = {oi_delta, CAPABILITY_OPEN_INTEREST},
    [SCORE_ATR_QUALITY] = {atr_quality, 0},
    [SCORE_CORRELATION] = {correlation, 0},
    [SCORE_TRADES_PER_MINUTE] = {trades_per_minute, CAPABILITY_TRADES},
    [SCORE_VOLUME] = {volume, 0},
    [SCORE_VOLATILITY] = {volatility, 0},
    [SCORE_LEVEL_QUALITY] = {level_quality, 0},
    [SCORE_MOMENTUM] = {momentum, 0},
    [SCORE_LIQUIDITY] = {liquidity, CAPABILITY_BOOK},
    [SCORE_GAINERS_MOMENTUM] = {gainers_momentum, 0},
    [SCORE_LOSERS_MOMENTUM] = {losers_momentum, 0},
    [SCORE_LOSERS_REVERSAL] = {losers_reversal, 0},
};

static bool is_left_out(const struct setup *setup, int component, uint32_t capabilities) {
  /* The reference symbol is the feed's affair, not a capability of this symbol: the view says whether there is one. */
  if (component == SCORE_CORRELATION) return setup->view->why[MARKET_FIELD_btc_correlation] == NULL_NO_CAPABILITY;
  uint32_t needs = components[component].needs;
  return needs != 0 && (needs & capabilities) == 0;
}

static void compute(const struct setup *setup, uint32_t capabilities, struct score *out) {
  const double *weights = setup->preset->scanner_config.score_weights;
  double all = 0;
  double taking_part = 0;
  *out = (struct score){.total = 0};
  for (int i = 0; i < SCORE_COMPONENT_COUNT; i++) {
    out->value[i] = NAN;
    if (isnan(weights[i])) continue;
    all += fabs(weights[i]);
    if (is_left_out(setup, i, capabilities)) {
      out->left_out |= UINT32_C(1) << i;
      continue;
    }
    taking_part += fabs(weights[i]);
    out->value[i] = components[i].compute(setup);
    if (isnan(out->value[i])) out->null_components |= UINT32_C(1) << i;
  }
  double scale = taking_part > 0 ? all / taking_part : 0.0;
  for (int i = 0; i < SCORE_COMPONENT_COUNT; i++) {
    if (isnan(out->value[i])) continue;
    out->contribution[i] = weights[i] * scale * out->value[i];
    out->total += out->contribution[i];
  }
}

void score_compute(const struct setup *setup, struct score *out) {
  compute(setup, setup->market->capabilities, out);
}

double score_wide(const struct setup *setup) {
  struct score score;
  uint32_t deep = (uint32_t)CAPABILITY_BOOK | (uint32_t)CAPABILITY_TRADES;
  compute(setup, setup->market->capabilities & ~deep, &score);
  return score.total;
}

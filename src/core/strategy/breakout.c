#include "core/strategy/breakout.h"

#include <math.h>

#include "base/maths.h"
#include "core/analysis/indicators.h"

enum {
  VOLUME_CANDLES = 20, /* t and the 19 before it */
  STOP_CANDLES = 10,
  ACTIVITY_RECENT = 5,
  ACTIVITY_BEFORE = 15,
  LATE_CANDLES_MAX = 2, /* without require_clean_breakout a level may have broken this many candles ago */
};
static const int64_t candle_ms = 5 * INT64_C(60000);
static const int64_t expiry_ms = 15 * INT64_C(60000);
static const double hour_ms = 3600000.0;

/* One try: a strategy at a level. */
struct attempt {
  const struct setup *setup;
  const struct level *level;
  enum strategy strategy;
  enum position_side side;
  double sign; /* +1 long, -1 short */
  const struct candle *candle;
  int64_t close_ts;
  double atr;
  struct reason_list reasons;
  int32_t passed; /* conditions */
  bool is_complete;
  double volume_ratio, body; /* momentum */
  double hours, activity;    /* retest */
};

static bool has_book(const struct setup *setup) {
  return (setup->market->capabilities & CAPABILITY_BOOK) != 0;
}

static bool is_side_allowed(const struct preset *preset, enum position_side side) {
  int32_t allowed = preset->signal_config.allowed_sides;
  return allowed == ALLOWED_SIDES_BOTH || allowed == (side == SIDE_LONG ? ALLOWED_SIDES_LONG : ALLOWED_SIDES_SHORT);
}

static double a_of(double score) {
  return maths_min(1.0, maths_max(0.0, (score + 2.0) / 4.0));
}

/* Towards the favourable side: a buy never pays more, a sell never takes less. */
static int64_t round_entry(const struct instrument *instrument, enum position_side side, double price) {
  return instrument_price_from_double(instrument, price, side == SIDE_LONG ? ROUND_DOWN : ROUND_UP);
}

/* Away from the entry: the distance that is sized is never smaller than the one meant. */
static int64_t round_stop(const struct instrument *instrument, enum position_side side, double price) {
  return instrument_price_from_double(instrument, price, side == SIDE_LONG ? ROUND_DOWN : ROUND_UP);
}

int64_t breakout_entry_price(const struct preset *preset, const struct instrument *instrument, enum position_side side, double bid, double ask,
                             double last, double spread_bps, double level_price, bool *is_passive) {
  double sign = side == SIDE_LONG ? 1.0 : -1.0;
  double offset = preset->execution_config.limit_offset_bps * 1e-4;
  double own = side == SIDE_LONG ? bid : ask;
  double opposite = side == SIDE_LONG ? ask : bid;
  *is_passive = preset->execution_config.post_only || spread_bps > preset->execution_config.spread_widen_bps;
  double base = *is_passive ? own : opposite;
  if (isnan(base)) base = last;
  double price = *is_passive ? base * (1.0 - sign * offset) : base * (1.0 + sign * offset);
  if (level_price > 0) {
    double cap = level_price * (1.0 + sign * preset->signal_config.entry_rules.max_distance_from_level_bps * 1e-4);
    price = side == SIDE_LONG ? maths_min(price, cap) : maths_max(price, cap);
  }
  return round_entry(instrument, side, price);
}

/* --- conditions --- */

static void count_condition(struct attempt *attempt, bool passed) {
  if (passed) {
    attempt->passed++;
  } else {
    attempt->is_complete = false;
  }
}

static void test(struct attempt *attempt, enum reason_code code, double value, enum comparator comparator, double threshold) {
  count_condition(attempt, reason_test(&attempt->reasons, code, value, comparator, threshold));
}

/* A distance in price against a number of ATR: compared in price, as the rule says, and shown in ATR. */
static void test_in_atr(struct attempt *attempt, enum reason_code code, double distance, double atr_max) {
  double scale = attempt->atr > 0 ? attempt->atr : 1.0;
  count_condition(attempt, reason_test_scaled(&attempt->reasons, code, distance, COMPARATOR_LE, atr_max * attempt->atr, scale));
}

static void test_side(struct attempt *attempt) {
  const struct preset *preset = attempt->setup->preset;
  bool allowed = is_side_allowed(preset, attempt->side);
  if (!allowed) reason_add(&attempt->reasons, REASON_side_not_allowed, false, NAN, NAN, allowed_sides_names[preset->signal_config.allowed_sides]);
  count_condition(attempt, allowed);
}

static void test_unused(struct attempt *attempt, bool is_used) {
  if (is_used) reason_add(&attempt->reasons, REASON_signal_used, false, NAN, NAN, strategy_names[attempt->strategy]);
  count_condition(attempt, !is_used);
}

static void test_imbalance(struct attempt *attempt) {
  if (!has_book(attempt->setup)) {
    reason_skip(&attempt->reasons, REASON_l2_imbalance, "book");
    return;
  }
  test(attempt, REASON_l2_imbalance, attempt->sign * attempt->setup->view->imbalance, COMPARATOR_GE,
       attempt->setup->preset->signal_config.l2_imbalance_threshold);
}

/* volume_t over the median of the 19 before; NaN when that is 0 or not known. */
static double volume_over_median(const struct setup *setup) {
  double before[VOLUME_CANDLES - 1];
  if (setup->count < VOLUME_CANDLES) return NAN;
  const struct candle *window = setup->candles + setup->count - VOLUME_CANDLES;
  for (int32_t i = 0; i < VOLUME_CANDLES - 1; i++) before[i] = window[i].volume;
  double median = indicator_median(before, VOLUME_CANDLES - 1);
  return median > 0 ? window[VOLUME_CANDLES - 1].volume / median : NAN;
}

static double body_ratio(const struct candle *candle, double sign) {
  double range = candle->high - candle->low;
  return range > 0 ? sign * (candle->close - candle->open) / range : 0.0;
}

static void try_momentum(struct attempt *attempt) {
  const struct setup *setup = attempt->setup;
  const struct preset_signal_config *config = &setup->preset->signal_config;
  double edge = attempt->level->price * (1.0 + attempt->sign * config->momentum_epsilon);
  attempt->volume_ratio = volume_over_median(setup);
  attempt->body = body_ratio(attempt->candle, attempt->sign);
  test_side(attempt);
  test_unused(attempt, attempt->level->momentum_used);
  test(attempt, REASON_price_breakout, attempt->candle->close, attempt->side == SIDE_LONG ? COMPARATOR_GT : COMPARATOR_LT, edge);
  test(attempt, REASON_volume_surge, attempt->volume_ratio, COMPARATOR_GE, config->momentum_volume_multiplier);
  test(attempt, REASON_body_ratio, attempt->body, COMPARATOR_GE, config->momentum_body_ratio_min);
  test_in_atr(attempt, REASON_vwap_gap, fabs(attempt->candle->close - setup->view->vwap_20), config->vwap_gap_max_atr);
  test_imbalance(attempt);
}

/* Mean volume of the last 5 over the mean of the 15 before; NaN when that is 0 or not known. */
static double activity_ratio(const struct setup *setup) {
  const struct candle *end = setup->candles + setup->count;
  if (setup->count < ACTIVITY_RECENT + ACTIVITY_BEFORE) return NAN;
  double before = indicator_mean_volume(end - ACTIVITY_RECENT - ACTIVITY_BEFORE, ACTIVITY_BEFORE);
  return before > 0 ? indicator_mean_volume(end - ACTIVITY_RECENT, ACTIVITY_RECENT) / before : NAN;
}

/* Does candle t come back to the level from the far side (strategy 4.5)? The fold of t ran before this, and may have moved the level to `retested`;
 * the answer is the same as before the fold: price and broken_at are frozen, and the level keeps the best price without t beside the one with it. The
 * pause of 3 candles between two counted retests is the level's affair, not a condition of the signal. */
static bool is_returned(const struct attempt *attempt) {
  return level_is_returned_by(attempt->level, attempt->candle, attempt->atr);
}

static void test_return(struct attempt *attempt) {
  double distance = fabs(attempt->candle->close - attempt->level->price) / attempt->level->price;
  count_condition(attempt, reason_test_and(&attempt->reasons, REASON_level_retest, distance, COMPARATOR_LE, 0.005, is_returned(attempt),
                                           "no return to the level on this candle"));
}

static void test_touch_rate(struct attempt *attempt) {
  const struct setup *setup = attempt->setup;
  if ((setup->market->capabilities & CAPABILITY_TRADES) == 0) {
    reason_skip(&attempt->reasons, REASON_tpm_on_touch, "trades");
    return;
  }
  test(attempt, REASON_tpm_on_touch, setup->view->trades_per_minute_60s, COMPARATOR_GE,
       setup->preset->signal_config.tpm_on_touch_frac * setup->view->trades_per_minute_1h);
}

static void try_retest(struct attempt *attempt) {
  const struct level *level = attempt->level;
  double extreme = attempt->side == SIDE_LONG ? attempt->candle->low : attempt->candle->high;
  attempt->hours = (double)(attempt->close_ts - level->broken_at) / hour_ms;
  attempt->activity = activity_ratio(attempt->setup);
  test_side(attempt);
  test_unused(attempt, level->retest_used);
  count_condition(attempt, reason_test_range(&attempt->reasons, REASON_previous_breakout, attempt->hours, 1.0, 24.0));
  test_return(attempt);
  test_in_atr(attempt, REASON_pierce_tolerance, maths_max(0.0, attempt->sign * (level->price - extreme)),
              attempt->setup->preset->signal_config.retest_max_pierce_atr);
  test(attempt, REASON_trading_activity, attempt->activity, COMPARATOR_GE, 0.8);
  test_touch_rate(attempt);
  test_imbalance(attempt);
}

/* --- what a complete attempt becomes --- */

/* Strategy 8.3, exact: max(0.001 entry, 3 (ask - bid), 2 tick); the spread takes part where it is known. */
static bool is_stop_far(const struct signal *signal, const struct instrument *instrument, double bid, double ask, struct reason_list *reasons) {
  int64_t sign = signal->side == SIDE_LONG ? 1 : -1;
  int64_t needed = decimal_divide_rounded(signal->entry, 1000 * DECIMAL_ONE, ROUND_UP);
  if (needed < 2 * instrument->tick_size) needed = 2 * instrument->tick_size;
  if (!isnan(bid) && !isnan(ask)) {
    int64_t spread = 3 * (decimal_from_double(ask) - decimal_from_double(bid));
    if (needed < spread) needed = spread;
  }
  int64_t distance = sign * (signal->entry - signal->stop);
  bool passed = signal->stop > 0 && distance >= needed;
  double shown = decimal_to_double(distance);
  if (!passed) reason_add(reasons, REASON_stop_too_close, false, shown, decimal_to_double(needed), NULL);
  return passed;
}

/* The extreme of the last 10 candles, t included, but no further than 1.2 ATR from the entry. */
static double raw_momentum_stop(const struct attempt *attempt, double entry) {
  const struct setup *setup = attempt->setup;
  int32_t n = setup->count < STOP_CANDLES ? setup->count : STOP_CANDLES;
  double lowest = attempt->candle->low;
  double highest = attempt->candle->high;
  for (int32_t ago = 1; ago < n; ago++) {
    lowest = maths_min(lowest, attempt->candle[-ago].low);
    highest = maths_max(highest, attempt->candle[-ago].high);
  }
  return attempt->side == SIDE_LONG ? maths_max(lowest, entry - 1.2 * attempt->atr) : maths_min(highest, entry + 1.2 * attempt->atr);
}

static double momentum_confidence(const struct attempt *attempt) {
  double sum = 0.4 * a_of(attempt->setup->score) + 0.3 * maths_min(1.0, attempt->volume_ratio / 5.0) + 0.2 * maths_min(1.0, attempt->body / 0.8);
  if (has_book(attempt->setup)) {
    sum += 0.1 * maths_min(1.0, fabs(attempt->setup->view->imbalance) / 0.5);
  } else {
    sum /= 0.9;
  }
  return maths_max(0.1, sum);
}

static double retest_confidence(const struct attempt *attempt) {
  double sum = 0.3 * a_of(attempt->setup->score) + 0.24 + 0.2 * maths_max(0.3, 1.0 - attempt->hours / 24.0) +
               0.1 * maths_min(1.0, attempt->level->touch_count / 5.0) + 0.1 * maths_min(1.0, attempt->activity);
  return maths_max(0.1, sum);
}

static void plan_momentum(const struct attempt *attempt, struct signal *signal, double *raw_stop) {
  const struct setup *setup = attempt->setup;
  const struct market_view *view = setup->view;
  bool is_passive;
  double opposite = attempt->side == SIDE_LONG ? view->ask : view->bid;
  signal->reference_price = isnan(opposite) ? attempt->candle->close : opposite;
  signal->entry = breakout_entry_price(setup->preset, &setup->market->instrument, attempt->side, view->bid, view->ask, attempt->candle->close,
                                       view->spread_bps, attempt->level->price, &is_passive);
  signal->confidence = momentum_confidence(attempt);
  *raw_stop = raw_momentum_stop(attempt, decimal_to_double(signal->entry));
}

static void plan_retest(const struct attempt *attempt, struct signal *signal, double *raw_stop) {
  const struct preset_signal_config *config = &attempt->setup->preset->signal_config;
  double level = attempt->level->price;
  double at_level = level * (1.0 + attempt->sign * config->retest_pierce_tolerance);
  double price = isnan(attempt->setup->view->price) ? attempt->candle->close : attempt->setup->view->price;
  double near_price = price * (1.0 - attempt->sign * config->prelevel_limit_offset_bps * 1e-4);
  signal->reference_price = price;
  signal->entry = round_entry(&attempt->setup->market->instrument, attempt->side,
                              attempt->side == SIDE_LONG ? maths_min(at_level, near_price) : maths_max(at_level, near_price));
  signal->confidence = retest_confidence(attempt);
  *raw_stop = level - attempt->sign * attempt->atr;
}

static int64_t distance_of(int64_t a, int64_t b) {
  return a > b ? a - b : b - a;
}

static bool make_signal(const struct attempt *attempt, struct signal *signal, struct reason_list *reasons) {
  const struct setup *setup = attempt->setup;
  const struct instrument *instrument = &setup->market->instrument;
  double raw_stop;
  *signal = (struct signal){
      .trace_ts = attempt->close_ts,
      .side = (int32_t)attempt->side,
      .strategy = (int32_t)attempt->strategy,
      .level_id = attempt->level->level_id,
      .level_price = attempt->level->price,
      .atr = attempt->atr,
      .validation_score = 1.0,
      .score = setup->score,
      .created_at = setup->ts,
      .expires_at = attempt->close_ts + expiry_ms,
  };
  text_copy(signal->symbol, sizeof signal->symbol, instrument->symbol);
  if (attempt->strategy == STRATEGY_MOMENTUM) {
    plan_momentum(attempt, signal, &raw_stop);
  } else {
    plan_retest(attempt, signal, &raw_stop);
  }
  double entry = decimal_to_double(signal->entry);
  signal->stop = round_stop(instrument, attempt->side, entry - setup->preset->position_config.sl_r * (entry - raw_stop));
  signal->r_distance = distance_of(signal->entry, signal->stop);
  return is_stop_far(signal, instrument, setup->view->bid, setup->view->ask, reasons);
}

/* --- the order of tries --- */

/* An attempt is made where something happened: the level broke on this candle (broken_at is the close time of the candle that broke it, so it tells
 * the same as the events of the fold, and also after a restart or for the two candles before), or was returned to. */
static bool is_triggered(const struct attempt *attempt) {
  const struct level *level = attempt->level;
  if (attempt->strategy == STRATEGY_RETEST) return is_returned(attempt);
  bool is_strict = attempt->setup->preset->signal_config.entry_rules.require_clean_breakout;
  return level->broken_at <= attempt->close_ts && attempt->close_ts - level->broken_at <= (is_strict ? 0 : LATE_CANDLES_MAX * candle_ms);
}

static bool is_before(const struct level *a, const struct level *b, double price) {
  if (a->strength != b->strength) return a->strength > b->strength;
  double far_a = fabs(a->price - price);
  double far_b = fabs(b->price - price);
  if (far_a != far_b) return far_a < far_b;
  if (a->formed_at != b->formed_at) return a->formed_at < b->formed_at;
  return a->level_id < b->level_id;
}

/* The broken or retested level that follows `last` in the order of tries (the first for NULL); NULL at the end. Few levels are broken at a time, so
 * no list is sorted.
 */
static const struct level *next_level(const struct level_set *levels, const struct level *last, double price) {
  const struct level *best = NULL;
  for (int32_t i = 0; i < levels->active_count; i++) {
    const struct level *level = &levels->active[i];
    if (level->state != LEVEL_BROKEN && level->state != LEVEL_RETESTED) continue;
    if (last != NULL && !is_before(last, level, price)) continue;
    if (best == NULL || is_before(level, best, price)) best = level;
  }
  return best;
}

static void attempt_init(struct attempt *attempt, const struct setup *setup, const struct level *level, enum strategy strategy) {
  const struct candle *candle = setup->candles + setup->count - 1;
  enum position_side side = level_signal_side(level) == LEVEL_SIDE_UP ? SIDE_LONG : SIDE_SHORT;
  attempt->setup = setup;
  attempt->level = level;
  attempt->strategy = strategy;
  attempt->side = side;
  attempt->sign = side == SIDE_LONG ? 1.0 : -1.0;
  attempt->candle = candle;
  attempt->close_ts = candle->open_ts + candle_ms;
  attempt->atr = setup->view->atr_5m;
  attempt->reasons.count = 0;
  attempt->passed = 0;
  attempt->is_complete = true;
}

/* Tries one strategy at every level. true: attempt is complete. Else nearest holds the attempt that came closest so far. */
static bool try_strategy(const struct setup *setup, enum strategy strategy, struct attempt *attempt, struct reason_list *nearest,
                         int32_t *nearest_passed) {
  double price = setup->candles[setup->count - 1].close;
  for (const struct level *level = next_level(setup->levels, NULL, price); level != NULL; level = next_level(setup->levels, level, price)) {
    attempt_init(attempt, setup, level, strategy);
    if (!is_triggered(attempt)) continue;
    if (strategy == STRATEGY_MOMENTUM) {
      try_momentum(attempt);
    } else {
      try_retest(attempt);
    }
    if (attempt->is_complete) return true;
    if (attempt->passed > *nearest_passed) {
      *nearest_passed = attempt->passed;
      *nearest = attempt->reasons;
    }
  }
  return false;
}

static int32_t strategies_of(const struct preset *preset, enum strategy out[2]) {
  bool is_retest_first = preset->strategy_priority == STRATEGY_PRIORITY_RETEST || preset->strategy_priority == STRATEGY_PRIORITY_BREAKOUT_RETEST;
  out[0] = is_retest_first ? STRATEGY_RETEST : STRATEGY_MOMENTUM;
  out[1] = is_retest_first ? STRATEGY_MOMENTUM : STRATEGY_RETEST;
  return preset->strategy_priority == STRATEGY_PRIORITY_MOMENTUM || preset->strategy_priority == STRATEGY_PRIORITY_RETEST ? 1 : 2;
}

static void append_all(struct reason_list *list, const struct reason_list *more) {
  for (int32_t i = 0; i < more->count && list->count < DECISION_REASONS_MAX; i++) list->items[list->count++] = more->items[i];
}

enum breakout_result breakout_evaluate(const struct setup *setup, struct signal *signal, struct reason_list *reasons) {
  struct attempt attempt;
  struct reason_list nearest = {.count = 0};
  enum strategy strategies[2];
  int32_t nearest_passed = -1;
  int32_t strategy_count_used = strategies_of(setup->preset, strategies);
  for (int32_t i = 0; i < strategy_count_used; i++) {
    if (setup->levels == NULL || setup->count == 0) break;
    if (!try_strategy(setup, strategies[i], &attempt, &nearest, &nearest_passed)) continue;
    append_all(reasons, &attempt.reasons);
    return make_signal(&attempt, signal, reasons) ? BREAKOUT_SIGNAL : BREAKOUT_REFUSED;
  }
  if (nearest_passed >= 0) {
    append_all(reasons, &nearest);
    return BREAKOUT_REFUSED;
  }
  reason_add(reasons, REASON_no_trigger, false, NAN, NAN, NULL);
  return BREAKOUT_NO_TRIGGER;
}

/* --- channel --- */

static void channel_signal_init(struct signal *signal, const struct preset *preset, const struct market *market, const struct candle *candle,
                                enum position_side side, double edge) {
  enum timeframe timeframe = preset->channel_config.timeframe == CHANNEL_TIMEFRAME_1M ? TIMEFRAME_1M : TIMEFRAME_5M;
  int64_t close_ts = candle->open_ts + timeframe_ms(timeframe);
  *signal = (struct signal){
      .trace_ts = close_ts,
      .side = (int32_t)side,
      .strategy = STRATEGY_CHANNEL,
      .level_price = edge,
      .confidence = 1.0,
      .validation_score = 1.0,
      .created_at = close_ts,
      .expires_at = close_ts + expiry_ms,
  };
  text_copy(signal->symbol, sizeof signal->symbol, market->instrument.symbol);
}

/* Stop and target are both set from the close, whatever the entry will cost (strategy 8.4). */
static bool plan_channel(const struct preset *preset, const struct market *market, const struct candle *candles, int32_t count, struct signal *signal,
                         int64_t *target, struct reason_list *reasons) {
  const struct preset_channel_config *config = &preset->channel_config;
  const struct instrument *instrument = &market->instrument;
  enum position_side side = (enum position_side)signal->side;
  double close = candles[count - 1].close;
  double sign = side == SIDE_LONG ? 1.0 : -1.0;
  struct market_view view;
  bool is_passive;
  market_read_quotes(market, signal->trace_ts, &view);
  double opposite = side == SIDE_LONG ? view.ask : view.bid;
  if (isnan(opposite)) {
    signal->reference_price = close;
    signal->entry = round_entry(instrument, side, close);
  } else {
    signal->reference_price = opposite;
    signal->entry = breakout_entry_price(preset, instrument, side, view.bid, view.ask, close, view.spread_bps, NAN, &is_passive);
  }
  signal->atr = indicator_atr(candles, count, config->atr_period);
  double distance = config->stop_atr_mult * signal->atr;
  signal->stop = round_stop(instrument, side, close - sign * distance);
  signal->r_distance = distance_of(signal->entry, signal->stop);
  *target = instrument_price_from_double(instrument, close + sign * config->target_r * distance, side == SIDE_LONG ? ROUND_DOWN : ROUND_UP);
  return is_stop_far(signal, instrument, view.bid, view.ask, reasons);
}

enum breakout_result breakout_channel(const struct preset *preset, const struct market *market, const struct candle *candles, int32_t count,
                                      struct signal *signal, int64_t *target, struct reason_list *reasons) {
  const struct preset_channel_config *config = &preset->channel_config;
  int32_t needed = (config->period > config->atr_period ? config->period : config->atr_period) + 1;
  if (count < needed) {
    reason_add(reasons, REASON_not_ready, false, count, needed, NULL);
    return BREAKOUT_NO_TRIGGER;
  }
  const struct candle *candle = candles + count - 1;
  double high = indicator_donchian_high(candles, count, config->period);
  double low = indicator_donchian_low(candles, count, config->period);
  bool is_long = candle->close > high;
  if (!is_long && !(candle->close < low)) {
    reason_add(reasons, REASON_no_trigger, false, NAN, NAN, NULL);
    return BREAKOUT_NO_TRIGGER;
  }
  enum position_side side = is_long ? SIDE_LONG : SIDE_SHORT;
  reason_test(reasons, REASON_channel_breakout, candle->close, is_long ? COMPARATOR_GT : COMPARATOR_LT, is_long ? high : low);
  channel_signal_init(signal, preset, market, candle, side, is_long ? high : low);
  if (!is_side_allowed(preset, side)) {
    reason_add(reasons, REASON_side_not_allowed, false, NAN, NAN, allowed_sides_names[preset->signal_config.allowed_sides]);
    return BREAKOUT_REFUSED;
  }
  return plan_channel(preset, market, candles, count, signal, target, reasons) ? BREAKOUT_SIGNAL : BREAKOUT_REFUSED;
}

#include "core/strategy/entry_check.h"

#include <math.h>

#include "base/calendar.h"
#include "base/maths.h"
#include "core/analysis/indicators.h"

enum { VOLUME_CANDLES = 20, APPROACH_CANDLES = 10 };
static const int64_t candle_ms = 5 * MINUTE_MS;

/* The checks of one signal: what they look at and what they found. */
struct validation {
  const struct setup *setup;
  const struct preset_entry_rules *rules;
  const struct signal *signal;
  struct reason_list *reasons;
  double sign;      /* +1 long, -1 short */
  double score_sum; /* of the checks that have a score */
  int32_t score_count;
  bool passed;
};

/* Candle t - ago; NULL when it is not known. */
static const struct candle *candle_at(const struct setup *setup, int32_t ago) {
  return setup->count > ago ? setup->candles + setup->count - 1 - ago : NULL;
}

static bool is_momentum(const struct validation *check) {
  return check->signal->strategy == STRATEGY_MOMENTUM;
}

/* Books a check that was made; score counts only when it passed. */
static void book(struct validation *check, bool passed, double score) {
  check->passed &= passed;
  check->score_count++;
  if (passed) check->score_sum += score;
}

static double excess_score(double x, double k, double scale) {
  return maths_min(1.0, 0.7 + 0.3 * (x - k) / scale);
}

static void check_volume(struct validation *check) {
  const struct candle *first = candle_at(check->setup, VOLUME_CANDLES);
  double k = check->rules->volume_confirmation_multiplier;
  double x = NAN;
  if (!check->rules->require_volume_confirmation || !is_momentum(check)) return;
  if (first != NULL) {
    double mean = indicator_mean_volume(first, VOLUME_CANDLES);
    if (mean > 0) x = first[VOLUME_CANDLES].volume / mean;
  }
  book(check, reason_test(check->reasons, REASON_volume_confirmation, x, COMPARATOR_GE, k), excess_score(x, k, k));
}

/* Is the wall one that stands against the signal? Strength is not looked at. */
static bool is_against(const struct validation *check, const struct wall *wall) {
  int32_t opposite = check->signal->side == SIDE_LONG ? WALL_ASK : WALL_BID;
  return wall->side == opposite && wall->state == WALL_STANDING && wall->eaten_ratio < check->setup->preset->signal_config.enter_on_density_eat_ratio;
}

/* Strongest opposite wall between level and entry + 30 bps (0: none), and the distance in % from the entry to the next strong one beyond (4: none).
 */
static double strongest_in_way(const struct validation *check, double entry, double *beyond_pct) {
  const struct density *density = check->setup->density;
  double sign = check->sign;
  double from = sign * maths_min(sign * check->signal->level_price, sign * entry);
  double to = entry * (1.0 + sign * 30e-4);
  double strongest = 0;
  *beyond_pct = 4.0;
  for (int32_t i = 0; i < density->wall_count; i++) {
    const struct wall *wall = &density->walls[i];
    if (!is_against(check, wall)) continue;
    double near_edge = sign > 0 ? wall->price_low : wall->price_high;
    double far_edge = sign > 0 ? wall->price_high : wall->price_low;
    if (sign * near_edge > sign * to) {
      double distance_pct = 100.0 * sign * (near_edge - entry) / entry;
      if (wall->strength >= check->rules->density_confirmation_threshold) *beyond_pct = maths_min(*beyond_pct, distance_pct);
    } else if (sign * far_edge >= sign * from) {
      strongest = maths_max(strongest, wall->strength);
    }
  }
  return strongest;
}

static void check_density(struct validation *check) {
  const struct setup *setup = check->setup;
  double beyond_pct;
  if (!check->rules->require_density_confirmation) return;
  if ((setup->market->capabilities & CAPABILITY_BOOK) == 0 || setup->density == NULL) {
    reason_skip(check->reasons, REASON_density_confirmation, "book");
    return;
  }
  if (isnan(setup->density->threshold_usd)) { /* too few samples to call anything a wall: not known, so not passed */
    reason_add(check->reasons, REASON_unavailable, false, NAN, check->rules->density_confirmation_threshold,
               reason_code_names[REASON_density_confirmation]);
    book(check, false, 0);
    return;
  }
  double strongest = strongest_in_way(check, decimal_to_double(check->signal->entry), &beyond_pct);
  bool passed = reason_test(check->reasons, REASON_density_confirmation, strongest, COMPARATOR_LT, check->rules->density_confirmation_threshold);
  book(check, passed, maths_min(1.0, 0.6 + beyond_pct / 10.0));
}

static void check_momentum(struct validation *check) {
  const struct candle *newest = candle_at(check->setup, 0);
  const struct candle *before = candle_at(check->setup, check->rules->momentum_check_bars);
  double k = check->rules->momentum_min_slope_pct;
  if (!check->rules->require_momentum || !is_momentum(check)) return;
  double x = before == NULL ? NAN : check->sign * 100.0 * (newest->close - before->close) / before->close;
  book(check, reason_test(check->reasons, REASON_momentum_confirmation, x, COMPARATOR_GE, k), excess_score(x, k, maths_max(k, 0.01)));
}

/* Do the closes of t-1 .. t-n lie near the level? */
static bool is_consolidated(const struct validation *check, int32_t n) {
  double level = check->signal->level_price;
  double radius = maths_max(check->setup->view->atr_5m, 0.005 * level);
  for (int32_t ago = 1; ago <= n; ago++) {
    const struct candle *candle = candle_at(check->setup, ago);
    if (candle == NULL || fabs(candle->close - level) > radius) return false;
  }
  return true;
}

static void check_approach(struct validation *check) {
  const struct candle *first = candle_at(check->setup, APPROACH_CANDLES + 1);
  double limit = check->rules->approach_max_slope_pct;
  if (!check->rules->validate_approach || !is_momentum(check)) return;
  double slope = first == NULL ? NAN : fabs(100.0 * (first[APPROACH_CANDLES].close - first->close) / first->close) / APPROACH_CANDLES;
  bool is_near = is_consolidated(check, check->rules->approach_min_consolidation_bars);
  bool passed = reason_test_and(check->reasons, REASON_approach, slope, COMPARATOR_LE, limit, is_near, "a close lies away from the level");
  book(check, passed, 1.0 - 0.5 * slope / limit);
}

static void check_distance(struct validation *check) {
  double level = check->signal->level_price;
  double limit = check->rules->max_distance_from_level_bps;
  double ahead = check->sign * (check->signal->reference_price - level);
  double away = fabs(decimal_to_double(check->signal->entry) - level);
  double x = (is_momentum(check) ? ahead : away) / level * 1e4;
  book(check, reason_test(check->reasons, REASON_breakout_distance, x, COMPARATOR_LE, limit), 1.0 - 0.5 * x / limit);
}

/* Candles of t-1 .. t-n that went beyond the level and closed back. */
static int32_t count_false_starts(const struct validation *check, int32_t n) {
  double level = check->signal->level_price;
  double edge = level * (1.0 + check->sign * check->setup->preset->signal_config.momentum_epsilon);
  int32_t count = 0;
  for (int32_t ago = 1; ago <= n; ago++) {
    const struct candle *candle = candle_at(check->setup, ago);
    if (candle == NULL) break;
    bool is_false = check->sign > 0 ? candle->high > edge && candle->close <= level : candle->low < edge && candle->close >= level;
    if (is_false) count++;
  }
  return count;
}

/* Levels near this one that failed at the close of one of the candles t-1 .. t-n. */
static int32_t count_failed_levels(const struct validation *check, int32_t n) {
  const struct level_set *levels = check->setup->levels;
  int64_t close_ts = candle_at(check->setup, 0)->open_ts + candle_ms;
  int32_t count = 0;
  if (levels == NULL) return 0;
  for (int32_t i = 0; i < levels->ended_count; i++) {
    const struct level *level = &levels->ended[i];
    int64_t age = close_ts - level->failed_at;
    bool is_near = fabs(level->price - check->signal->level_price) <= 0.5 * check->setup->view->atr_5m;
    if (level->state == LEVEL_FAILED && is_near && age >= candle_ms && age <= n * candle_ms) count++;
  }
  return count;
}

static void check_clean(struct validation *check) {
  int32_t n = check->rules->false_start_lookback_bars;
  if (!check->rules->require_clean_breakout || !is_momentum(check)) return;
  int32_t count = count_false_starts(check, n) + count_failed_levels(check, n);
  book(check, reason_test(check->reasons, REASON_clean_breakout, count, COMPARATOR_LE, 0), 1.0);
}

static void check_activity(struct validation *check) {
  const struct setup *setup = check->setup;
  double threshold = setup->preset->position_config.activity_drop_threshold;
  struct activity_values values;
  if ((setup->market->capabilities & CAPABILITY_TRADES) == 0 || setup->activity == NULL) {
    reason_skip(check->reasons, REASON_activity_alive, "trades");
    return;
  }
  activity_read(setup->activity, &values);
  if (isnan(values.index) || isnan(values.drop_fraction)) {
    reason_skip(check->reasons, REASON_activity_alive, "activity index yet");
    return;
  }
  book(check, reason_test(check->reasons, REASON_activity_alive, values.drop_fraction, COMPARATOR_LT, threshold), 1.0);
}

/* Has no score: an hour is allowed or not. */
static void check_day_edge(struct validation *check) {
  int64_t close_ts = candle_at(check->setup, 0)->open_ts + candle_ms;
  int32_t minute = (int32_t)((close_ts - calendar_day_start(close_ts)) / MINUTE_MS);
  int32_t start = check->rules->avoid_session_start_minutes;
  int32_t end = check->rules->avoid_session_end_minutes;
  if (start > 0) check->passed &= reason_test(check->reasons, REASON_day_edge, minute, COMPARATOR_GE, start);
  if (end > 0) check->passed &= reason_test(check->reasons, REASON_day_edge, minute, COMPARATOR_LT, 1440 - end);
}

bool entry_check_validate(const struct setup *setup, struct signal *signal, struct reason_list *reasons) {
  struct validation check = {
      .setup = setup,
      .rules = &setup->preset->signal_config.entry_rules,
      .signal = signal,
      .reasons = reasons,
      .sign = signal->side == SIDE_LONG ? 1.0 : -1.0,
      .passed = true,
  };
  check_volume(&check);
  check_density(&check);
  check_momentum(&check);
  check_approach(&check);
  check_distance(&check);
  check_clean(&check);
  check_activity(&check);
  check_day_edge(&check);
  signal->validation_score = check.score_count > 0 ? check.score_sum / check.score_count : 1.0;
  return check.passed;
}

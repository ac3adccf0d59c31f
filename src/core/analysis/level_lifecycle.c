/* The life of a level (strategy 4.5), by the table level_fsm.def. */
#include <math.h>

#include "base/check.h"
#include "core/analysis/level_fold.h"

/* Is the price beyond the limit, away from the side on which the level was made? up: above. */
static bool is_past(bool is_up, double price, double limit) {
  return is_up ? price > limit : price < limit;
}

static double shifted(bool is_up, double price, double fraction) {
  return is_up ? price * (1 + fraction) : price * (1 - fraction);
}

static bool is_counted_touch(const struct level_fold *fold, const struct level *level) {
  double extreme = level_extreme((enum level_type)level->level_type, fold->newest);
  if (!(fabs(extreme - level->price) <= fold->half_atr)) return false;
  return fold->newest->open_ts - level->last_counted_touch_ts > 3 * LEVEL_CANDLE_MS;
}

/* Trigger of a formed or tested level on this candle, -1 none. */
static int trigger_before_break(const struct level_fold *fold, const struct level *level) {
  bool is_up = level->level_type == LEVEL_RESISTANCE;
  double epsilon = fold->preset->signal_config.momentum_epsilon;
  if (is_past(is_up, fold->newest->close, shifted(is_up, level->price, epsilon))) return LEVEL_ON_CLOSED_BEYOND;
  if (is_counted_touch(fold, level)) return LEVEL_ON_TOUCHED;
  if (fold->close_ts - level->last_touch_at > 72 * HOUR_MS) return LEVEL_ON_LEVEL_OLD;
  if (level->dropped_in_a_row >= 3) return LEVEL_ON_SUPERSEDED;
  return -1;
}

bool level_is_returned_by(const struct level *level, const struct candle *candle, double atr) {
  if (level->state != LEVEL_BROKEN && level->state != LEVEL_RETESTED) return false;
  if (candle->open_ts < level->broken_at) return false;
  double best = candle->open_ts == level->best_ts ? level->best_before : level->best_since_break;
  if (level->broken_side == LEVEL_SIDE_UP) {
    return best >= level->price + 1.5 * atr && candle->low <= level->price + 0.5 * atr && candle->close >= level->price;
  }
  return best <= level->price - 1.5 * atr && candle->high >= level->price - 0.5 * atr && candle->close <= level->price;
}

/* Trigger of a broken or retested level on this candle, -1 none. */
static int trigger_after_break(const struct level_fold *fold, const struct level *level) {
  bool is_up = level->broken_side == LEVEL_SIDE_UP;
  double epsilon = fold->preset->signal_config.momentum_epsilon;
  if (is_past(!is_up, fold->newest->close, shifted(!is_up, level->price, epsilon))) return LEVEL_ON_CLOSED_BACK;
  bool is_far = level->state == LEVEL_BROKEN || fold->newest->open_ts - level->last_return_ts >= 3 * LEVEL_CANDLE_MS;
  if (is_far && level_is_returned_by(level, fold->newest, fold->atr)) return LEVEL_ON_RETURNED;
  if (fold->close_ts - level->broken_at > 24 * HOUR_MS) return LEVEL_ON_RETEST_WINDOW_OVER;
  return -1;
}

static void apply(struct level_fold *fold, struct level *level, int trigger) {
  int32_t from = level->state;
  int to = fsm_next(&level_fsm, from, trigger);
  check(to >= 0);
  level->state = to;
  switch (trigger) {
    case LEVEL_ON_CLOSED_BEYOND:
      level->broken_at = fold->close_ts;
      level->broken_side = level->level_type == LEVEL_RESISTANCE ? LEVEL_SIDE_UP : LEVEL_SIDE_DOWN;
      level->best_since_break = level->best_before = level->broken_side == LEVEL_SIDE_UP ? -INFINITY : INFINITY;
      level_statistics_on_break(&fold->set->statistics, level, fold->atr);
      break;
    case LEVEL_ON_TOUCHED:
      level->touch_count++;
      level->last_counted_touch_ts = fold->newest->open_ts;
      level->last_touch_at = fold->close_ts;
      level->touch_volume_sum += fold->newest->volume;
      break;
    case LEVEL_ON_RETURNED:
      level->retest_count++;
      level->last_return_ts = fold->newest->open_ts;
      break;
    case LEVEL_ON_CLOSED_BACK:
      level->failed_at = fold->close_ts;
      level_statistics_on_fail(&fold->set->statistics, level->level_id);
      break;
    default:
      level->expired_at = fold->close_ts;
      break;
  }
  level->is_active = to != LEVEL_FAILED && to != LEVEL_EXPIRED;
  level_record(fold, level, from, level_trigger_names[trigger]);
}

/* Keeps how far price went after the break; the breaking candle itself is not after it. */
static void follow_best(struct level *level, const struct candle *newest) {
  if (newest->open_ts < level->broken_at) return;
  bool is_up = level->broken_side == LEVEL_SIDE_UP;
  level->best_before = level->best_since_break;
  level->best_since_break = is_up ? level_max(level->best_since_break, newest->high) : level_min(level->best_since_break, newest->low);
  level->best_ts = newest->open_ts;
}

static void keep_ended(struct level_set *set, const struct level *level) {
  set->ended[set->ended_next] = *level;
  set->ended_next = (set->ended_next + 1) % LEVEL_ENDED_MAX;
  if (set->ended_count < LEVEL_ENDED_MAX) set->ended_count++;
}

static void move_ended(struct level_set *set) {
  int32_t kept = 0;
  for (int32_t i = 0; i < set->active_count; i++) {
    struct level *level = &set->active[i];
    if (!level->is_active) {
      keep_ended(set, level);
      continue;
    }
    if (kept != i) set->active[kept] = *level;
    kept++;
  }
  set->active_count = kept;
}

void level_lifecycle(struct level_fold *fold) {
  bool has_ended = false;
  level_statistics_on_candle(&fold->set->statistics, fold->newest);
  for (int32_t i = 0; i < fold->set->active_count; i++) {
    struct level *level = &fold->set->active[i];
    bool is_before_break = level->state == LEVEL_FORMED || level->state == LEVEL_TESTED;
    int trigger = is_before_break ? trigger_before_break(fold, level) : trigger_after_break(fold, level);
    if (trigger >= 0) apply(fold, level, trigger);
    if (level->state == LEVEL_BROKEN || level->state == LEVEL_RETESTED) follow_best(level, fold->newest);
    has_ended = has_ended || !level->is_active;
  }
  if (has_ended) move_ended(fold->set);
}

#include "core/trade/exit_rules.h"

#include <math.h>

#include "base/calendar.h"
#include "base/check.h"
#include "base/maths.h"
#include "core/analysis/indicators.h"
#include "core/trade/fees.h"

const char *const urgency_names[] = {"low", "normal", "immediate"};

enum { VOLATILITY_WINDOW = 20, STOP_ATR_PERIOD = 14, ADD_ON_EMA_PERIOD = 9, NO_PROGRESS_HOURS = 8, BPS_PER_ONE = 10000 };

void exit_settings_from(const struct preset *preset, struct exit_settings *out) {
  const struct preset_position_config *config = &preset->position_config;
  const struct preset_fsm_config *fsm = &config->fsm_config;
  *out = (struct exit_settings){.breakeven_enabled = config->breakeven_enabled,
                                .trailing_enabled = config->trailing_enabled,
                                .breakeven_trigger_r = config->breakeven_trigger_r,
                                .breakeven_buffer_bps = config->breakeven_buffer_bps,
                                .trailing_activation_r = config->trailing_activation_r,
                                .trailing_step_bps = config->trailing_step_bps,
                                .exiting_timeout_s = 30,
                                .panic_after_attempts = 3,
                                .monitor_interval_s = fsm->running_monitor_interval_s};
  if (!fsm->enabled) return;
  out->has_confirmation = fsm->entry_confirmation_bars > 0;
  out->entry_confirmation_bars = fsm->entry_confirmation_bars;
  out->breakeven_trigger_r = fsm->running_breakeven_trigger_r;
  out->breakeven_buffer_bps = fsm->breakeven_buffer_bps;
  out->lock_profit_enabled = config->breakeven_enabled && fsm->breakeven_lock_profit_enabled;
  out->lock_profit_bps = fsm->breakeven_lock_profit_bps;
  out->trailing_activation_r = fsm->trailing_activation_r;
  out->trailing_step_bps = fsm->trailing_step_bps;
  out->acceleration_enabled = fsm->trailing_acceleration_enabled;
  out->accel_after_r = fsm->trailing_accel_after_r;
  out->accel_step_bps = fsm->trailing_accel_step_bps;
  out->partial_trail_enabled = fsm->partial_closed_trail_enabled;
  out->partial_trail_trigger_r = fsm->partial_closed_trail_trigger_r;
  out->partial_trail_step_bps = fsm->partial_closed_trail_step_bps;
  out->exiting_timeout_s = fsm->exiting_timeout_s;
  out->panic_after_attempts = fsm->exiting_panic_after_attempts;
}

/* s·(P - E)/D at the price of this evaluation; NaN while D is 0. */
static double price_r_of(const struct position *position, const struct exit_input *input) {
  if (position->r_distance <= 0) return NAN;
  return decimal_to_double(position_sign(position) * (input->price - position->entry)) / decimal_to_double(position->r_distance);
}

/* --- exit rules, positions 6 --- */

struct evaluation {
  const struct position *position;
  const struct exit_input *input;
  const struct preset_exit_rules *rules;
  const struct candle *candle; /* newest closed 5m candle; NULL outside candle evaluations */
  struct reason_list *reasons;
  int sign;
  double price_r;
  double age_ms; /* since the entry completed */
  double confidence;
};

/* The newest candle may hold a loss or a profit: its close against a price, seen from the position's side. */
static bool is_below(const struct evaluation *evaluation, double price, double than) {
  return evaluation->sign * (price - than) < 0;
}

static bool panic_activity_drop(struct evaluation *evaluation) {
  const struct preset_position_config *config = &evaluation->input->preset->position_config;
  if (!config->panic_exit_on_activity_drop || evaluation->position->bars_held < 1) return false;
  if (evaluation->input->activity == NULL) {
    reason_skip(evaluation->reasons, REASON_panic_activity_drop, "trades");
    return false;
  }
  struct activity_values values;
  activity_read(evaluation->input->activity, &values);
  evaluation->confidence = 0.9;
  bool exits = activity_is_dropping(evaluation->input->activity, config->activity_drop_threshold) && evaluation->price_r < 1;
  reason_add(evaluation->reasons, REASON_panic_activity_drop, !exits, values.drop_fraction, config->activity_drop_threshold, NULL);
  return exits;
}

static bool failed_breakout(struct evaluation *evaluation) {
  const struct position *position = evaluation->position;
  const struct preset_exit_rules *rules = evaluation->rules;
  if (evaluation->candle == NULL || !rules->failed_breakout_enabled || position->touched_target) return false;
  if (position->bars_held < rules->failed_breakout_bars || !(position->level_price > 0)) return false; /* adopted positions have no level */
  double close = evaluation->candle->close;
  double limit = position->level_price - evaluation->sign * rules->failed_breakout_retest_threshold * decimal_to_double(position->r_distance);
  evaluation->confidence = 0.9;
  bool exits = is_below(evaluation, close, limit);
  bool is_retesting = !exits && is_below(evaluation, close, position->level_price);
  reason_add(evaluation->reasons, is_retesting ? REASON_breakout_retesting : REASON_failed_breakout, !exits, close, limit, NULL);
  return exits;
}

static bool volatility_exit(struct evaluation *evaluation) {
  const struct exit_input *input = evaluation->input;
  if (evaluation->candle == NULL || !evaluation->rules->volatility_exit_enabled) return false;
  double z = indicator_true_range_z(input->candles, input->count, VOLATILITY_WINDOW);
  evaluation->confidence = 0.8;
  bool is_adverse = is_below(evaluation, evaluation->candle->close, evaluation->candle->open);
  bool exits = is_adverse && z > evaluation->rules->volatility_spike_threshold;
  reason_add(evaluation->reasons, REASON_volatility_exit, !exits, z, evaluation->rules->volatility_spike_threshold, NULL);
  return exits;
}

static bool weak_impulse(struct evaluation *evaluation) {
  const struct position *position = evaluation->position;
  if (evaluation->candle == NULL || !evaluation->rules->weak_impulse_enabled) return false;
  if (position->bars_held != evaluation->rules->weak_impulse_check_bars) return false;
  double least = evaluation->rules->weak_impulse_min_move_pct;
  double move = 100 * decimal_to_double(evaluation->sign * (position->best - position->entry)) / decimal_to_double(position->entry);
  evaluation->confidence = 0.6 + 0.3 * (1 - (least > 0 ? move / least : 0));
  return !reason_test(evaluation->reasons, REASON_weak_impulse, move, COMPARATOR_GE, least);
}

/* Index of the signal candle: the newest one that had closed when the signal was made. */
static int32_t signal_index(const struct evaluation *evaluation) {
  const struct exit_input *input = evaluation->input;
  int64_t signal_at = evaluation->position->signal_at;
  if (signal_at == 0) return input->count - 1 - evaluation->position->bars_held;
  int32_t index = input->count - 1;
  while (index >= 0 && input->candles[index].open_ts + timeframe_ms(TIMEFRAME_5M) > signal_at) index--;
  return index;
}

/* max of the volume ratio and the move ratio of the last n candles to the n up to the signal candle; a divisor of 0 counts as 1. NaN: too few
 * candles. */
static double activity_ratio(const struct evaluation *evaluation, int32_t n) {
  const struct candle *candles = evaluation->input->candles;
  int32_t last = evaluation->input->count - 1;
  int32_t signal = signal_index(evaluation);
  if (signal < n || last < n) return NAN;
  double volume_before = indicator_mean_volume(candles + signal + 1 - n, n);
  double move_before = fabs(candles[signal].close - candles[signal - n].close);
  double volume = volume_before > 0 ? indicator_mean_volume(candles + last + 1 - n, n) / volume_before : 1;
  double move = move_before > 0 ? fabs(candles[last].close - candles[last - n].close) / move_before : 1;
  return maths_max(volume, move);
}

static bool activity_drop(struct evaluation *evaluation) {
  const struct position *position = evaluation->position;
  const struct preset_exit_rules *rules = evaluation->rules;
  if (evaluation->candle == NULL || !rules->activity_drop_enabled || position->touched_target) return false;
  if (position->bars_held < rules->activity_drop_window_bars) return false;
  double ratio = activity_ratio(evaluation, rules->activity_drop_window_bars);
  if (isnan(ratio)) {
    reason_add(evaluation->reasons, REASON_activity_drop, true, NAN, rules->activity_drop_threshold, NULL);
    return false;
  }
  evaluation->confidence = 0.5 + 0.45 * (1 - ratio / rules->activity_drop_threshold);
  return !reason_test(evaluation->reasons, REASON_activity_drop, ratio, COMPARATOR_GE, rules->activity_drop_threshold);
}

static bool max_hold_time(struct evaluation *evaluation) {
  double limit = maths_min(evaluation->rules->max_hold_time_hours,
                           evaluation->input->preset->position_config.max_hold_time_hours); /* the first is NaN when not set */
  evaluation->confidence = 1;
  return !reason_test(evaluation->reasons, REASON_max_hold_time, evaluation->age_ms / HOUR_MS, COMPARATOR_LT, limit);
}

static bool no_progress(struct evaluation *evaluation) {
  if (evaluation->age_ms < (double)(NO_PROGRESS_HOURS * HOUR_MS) || evaluation->position->touched_target || isnan(evaluation->price_r)) return false;
  evaluation->confidence = 0.8;
  return !reason_test(evaluation->reasons, REASON_no_progress, evaluation->price_r, COMPARATOR_GE, 0.3);
}

static bool time_stop(struct evaluation *evaluation) {
  int32_t a = evaluation->input->preset->position_config.time_stop_minutes;
  int32_t b = evaluation->rules->time_stop_minutes;
  if (a <= 0 && b <= 0) return false;
  int32_t limit = a <= 0 || (b > 0 && b < a) ? b : a;
  double age = evaluation->age_ms / MINUTE_MS;
  evaluation->confidence = 0.7;
  bool exits = age >= limit && evaluation->position->pnl_usd <= 0 && evaluation->position->pnl_usd != DECIMAL_NULL;
  reason_add(evaluation->reasons, REASON_time_stop, !exits, age, limit, NULL);
  return exits;
}

/* Steps 6 to 13 of positions 3. Their order decides when several trigger. */
static const struct exit_rule {
  bool (*exits)(struct evaluation *evaluation);
  enum reason_code code;
  enum urgency urgency;
} exit_rules[] = {
    {panic_activity_drop, REASON_panic_activity_drop, URGENCY_IMMEDIATE},
    {failed_breakout, REASON_failed_breakout, URGENCY_IMMEDIATE},
    {volatility_exit, REASON_volatility_exit, URGENCY_IMMEDIATE},
    {weak_impulse, REASON_weak_impulse, URGENCY_NORMAL},
    {activity_drop, REASON_activity_drop, URGENCY_NORMAL},
    {max_hold_time, REASON_max_hold_time, URGENCY_NORMAL},
    {no_progress, REASON_no_progress, URGENCY_NORMAL},
    {time_stop, REASON_time_stop, URGENCY_LOW},
};

static bool is_managed(const struct position *position) {
  return position->entry_completed_at != 0 && position->state != POSITION_EXITING && position->state != POSITION_CLOSED;
}

bool exit_rules_evaluate(const struct position *position, const struct exit_input *input, enum reason_code *code, enum urgency *urgency,
                         double *confidence, struct reason_list *reasons) {
  if (input->is_channel || !is_managed(position)) return false;
  struct evaluation evaluation = {.position = position,
                                  .input = input,
                                  .rules = &input->preset->position_config.exit_rules,
                                  .candle = input->is_candle && input->count > 0 ? &input->candles[input->count - 1] : NULL,
                                  .reasons = reasons,
                                  .sign = position_sign(position),
                                  .price_r = price_r_of(position, input),
                                  .age_ms = (double)(input->ts - position->entry_completed_at)};
  bool is_closing = false;
  for (size_t i = 0; i < sizeof exit_rules / sizeof exit_rules[0]; i++) {
    if (!exit_rules[i].exits(&evaluation) || is_closing) continue;
    is_closing = true;
    *code = exit_rules[i].code;
    *urgency = exit_rules[i].urgency;
    *confidence = evaluation.confidence;
  }
  return is_closing;
}

int32_t exit_rules_triggers(const struct position *position, const struct exit_input *input, enum position_trigger triggers[3]) {
  const struct exit_settings *settings = input->settings;
  double price_r = price_r_of(position, input);
  int32_t state = position->state;
  int32_t count = 0;
  if (state == POSITION_ENTRY_CONFIRMATION && position->bars_held >= settings->entry_confirmation_bars) {
    triggers[count++] = POSITION_ON_ENTRY_CONFIRMED;
    state = POSITION_RUNNING;
  }
  if (input->is_channel) return count;
  if (state == POSITION_RUNNING && settings->breakeven_enabled && price_r >= settings->breakeven_trigger_r) {
    triggers[count++] = POSITION_ON_BREAKEVEN_REACHED;
    state = POSITION_BREAKEVEN;
  }
  bool can_trail = state == POSITION_RUNNING || state == POSITION_BREAKEVEN || state == POSITION_PARTIAL_CLOSED;
  if (can_trail && settings->trailing_enabled && price_r >= settings->trailing_activation_r) triggers[count++] = POSITION_ON_TRAILING_REACHED;
  return count;
}

/* --- stop rules, positions 5 --- */

struct stop_choice {
  const struct position *position;
  const struct exit_input *input;
  int sign;
  int64_t price; /* the most favourable candidate so far */
  enum stop_rule rule;
  bool has_candidate;
};

static void offer(struct stop_choice *choice, int64_t price, enum stop_rule rule) {
  if (choice->has_candidate && choice->sign * (price - choice->price) <= 0) return;
  choice->price = price;
  choice->rule = rule;
  choice->has_candidate = true;
}

/* Long up for breakeven and lock-profit, so that what they promise is kept; long down for the others, which give the price a little more room. */
static enum rounding rounding_of(int sign, bool towards_profit) {
  return (sign > 0) == towards_profit ? ROUND_UP : ROUND_DOWN;
}

/* part of a price given in bps. */
static int64_t bps_of(int64_t price, double bps, enum rounding rounding) {
  return decimal_multiply_divide(price, decimal_from_double(bps), BPS_PER_ONE * DECIMAL_ONE, rounding);
}

static int64_t largest(int64_t a, int64_t b) {
  return a > b ? a : b;
}

int64_t exit_rules_paid_back(const struct position *position, const struct instrument *instrument, double profit_bps) {
  int sign = position_sign(position);
  int64_t gain = decimal_from_double(position->fee_in) + decimal_from_double(profit_bps * 1e-4);
  int64_t kept = DECIMAL_ONE - sign * decimal_from_double(position->fee_out);
  enum rounding rounding = rounding_of(sign, true);
  int64_t exact = decimal_multiply_divide(position->entry, DECIMAL_ONE + sign * gain, kept, rounding);
  return instrument_round_price(instrument, exact, rounding);
}

/* Offered only when P is beyond it by max(1 tick, 5 bps), because a small R can be less than the fees. */
static void offer_paid_back(struct stop_choice *choice, double profit_bps, enum stop_rule rule) {
  const struct instrument *instrument = choice->input->instrument;
  int64_t price = exit_rules_paid_back(choice->position, instrument, profit_bps);
  int64_t room = largest(instrument->tick_size, bps_of(choice->input->price, 5, ROUND_UP));
  if (choice->sign * (choice->input->price - price) >= room) offer(choice, price, rule);
}

static void offer_step(struct stop_choice *choice, double step_bps, enum stop_rule rule) {
  int64_t best = choice->position->best;
  int64_t exact = best - choice->sign * bps_of(best, step_bps, ROUND_NEAREST);
  offer(choice, instrument_round_price(choice->input->instrument, exact, rounding_of(choice->sign, false)), rule);
}

static void offer_trailing(struct stop_choice *choice) {
  const struct exit_settings *settings = choice->input->settings;
  const struct position *position = choice->position;
  if (position->state == POSITION_TRAILING) {
    bool is_fast = settings->acceleration_enabled && position->mfe_r >= settings->accel_after_r;
    offer_step(choice, is_fast ? settings->accel_step_bps : settings->trailing_step_bps, STOP_TRAILING);
  }
  if (settings->partial_trail_enabled && position->touched_target && position->mfe_r >= settings->partial_trail_trigger_r) {
    offer_step(choice, settings->partial_trail_step_bps, STOP_PARTIAL_TRAIL);
  }
}

/* Highest high (long) or lowest low (short) of the newest n candles, the newest included. */
static double extreme_of(const struct stop_choice *choice, int32_t n) {
  const struct candle *candles = choice->input->candles + choice->input->count - n;
  double extreme = choice->sign > 0 ? candles[0].high : candles[0].low;
  for (int32_t i = 1; i < n; i++) extreme = choice->sign > 0 ? maths_max(extreme, candles[i].high) : maths_min(extreme, candles[i].low);
  return extreme;
}

static void offer_by_atr(struct stop_choice *choice) {
  const struct preset_position_config *config = &choice->input->preset->position_config;
  const struct exit_input *input = choice->input;
  if (!input->is_candle || input->count == 0 || config->sl_mode == SL_MODE_FIXED) return;
  bool is_chandelier = config->sl_mode == SL_MODE_CHANDELIER;
  int32_t n = is_chandelier ? config->chandelier_lookback_bars : STOP_ATR_PERIOD;
  double atr = indicator_atr(input->candles, input->count, n);
  if (isnan(atr)) return;
  double from = is_chandelier ? extreme_of(choice, n) : input->candles[input->count - 1].close;
  double price = from - choice->sign * config->chandelier_atr_mult * atr;
  if (!(price > 0)) return;
  offer(choice, instrument_price_from_double(input->instrument, price, rounding_of(choice->sign, false)), is_chandelier ? STOP_CHANDELIER : STOP_ATR);
}

static bool stop_rules_are_active(const struct position *position) {
  return is_managed(position) && position->state != POSITION_ENTRY_CONFIRMATION && position->state != POSITION_OPENING;
}

enum stop_verdict exit_rules_stop(struct position *position, const struct exit_input *input, int64_t *stop, enum stop_rule *rule) {
  if (input->is_channel || !is_managed(position)) return STOP_STAYS;
  struct stop_choice choice = {.position = position, .input = input, .sign = position_sign(position)};
  const struct exit_settings *settings = input->settings;
  if (settings->lock_profit_enabled && price_r_of(position, input) >= 1.5 * settings->breakeven_trigger_r) position->lock_profit_reached = true;
  if (!stop_rules_are_active(position)) return STOP_STAYS;
  if (settings->breakeven_enabled && (position->state != POSITION_RUNNING || position->touched_target)) {
    offer_paid_back(&choice, settings->breakeven_buffer_bps, STOP_BREAKEVEN);
  }
  if (settings->lock_profit_enabled && position->lock_profit_reached) offer_paid_back(&choice, settings->lock_profit_bps, STOP_LOCK_PROFIT);
  offer_trailing(&choice);
  offer_by_atr(&choice);
  int64_t least = largest(input->instrument->tick_size, bps_of(input->price, 2, ROUND_UP));
  if (!choice.has_candidate || choice.sign * (choice.price - position->stop) < least) return STOP_STAYS;
  *stop = choice.price;
  *rule = choice.rule;
  return choice.sign * (choice.price - input->price) >= 0 ? STOP_CLOSES : STOP_MOVES;
}

enum reason_code exit_rules_stop_reason(enum stop_rule rule) {
  static const enum reason_code codes[stop_rule_count] = {
      [STOP_INITIAL] = REASON_stop_loss,
      [STOP_BREAKEVEN] = REASON_breakeven_stop,
      [STOP_LOCK_PROFIT] = REASON_lock_profit_stop,
      [STOP_TRAILING] = REASON_trailing_stop,
      [STOP_PARTIAL_TRAIL] = REASON_partial_trail_stop,
      [STOP_CHANDELIER] = REASON_chandelier_stop,
      [STOP_ATR] = REASON_atr_stop,
      [STOP_MANUAL] = REASON_manual_stop,
  };
  check(rule >= STOP_INITIAL && rule < stop_rule_count);
  return codes[rule];
}

/* --- add-on, positions 8 --- */

/* What the whole position would lose at the stop with a more bought at P: the left side of the risk room. */
static int64_t risk_with(const struct position *position, int64_t price, int64_t a) {
  int64_t added = decimal_multiply(a, price);
  int64_t at_stop = decimal_multiply(position->qty + a, position->stop);
  return position_sign(position) * (position_open_cost(position) + added - at_stop) + position->entry_fees +
         fee_of_fraction(added, position->fee_in) + fee_of_fraction(at_stop, position->fee_out);
}

/* Largest multiple of the lot up to most that keeps the risk within r_usd. The risk grows with a, because P is beyond the stop. */
static int64_t risk_room(const struct position *position, const struct exit_input *input, int64_t most) {
  int64_t lot = input->instrument->lot_size;
  int64_t low = 0; /* lots that fit */
  int64_t high = most / lot;
  while (low < high) {
    int64_t middle = low + (high - low + 1) / 2;
    if (risk_with(position, input->price, middle * lot) <= position->r_usd) {
      low = middle;
    } else {
      high = middle - 1;
    }
  }
  return low * lot;
}

static bool add_on_is_due(const struct position *position, const struct exit_input *input) {
  bool can_add = position->state == POSITION_RUNNING || position->state == POSITION_BREAKEVEN || position->state == POSITION_TRAILING ||
                 position->state == POSITION_PARTIAL_CLOSED;
  if (!input->preset->position_config.add_on_enabled || position->add_on_used || !can_add || !input->is_candle || input->is_channel) return false;
  double price = decimal_to_double(input->price);
  double ema = indicator_ema(input->candles, input->count, ADD_ON_EMA_PERIOD);
  return price_r_of(position, input) >= 0.5 && fabs(price - ema) / ema <= 0.005;
}

int64_t exit_rules_add_on(const struct position *position, const struct exit_input *input, int64_t caps, struct reason_list *reasons) {
  if (!add_on_is_due(position, input)) return 0;
  if (position_sign(position) * (input->price - position->stop) <= 0) return 0; /* the stop is already due */
  double share = input->preset->position_config.add_on_max_size_pct;
  int64_t most = decimal_multiply_rounded(position->qty_initial, decimal_from_double(share), ROUND_DOWN);
  if (caps - position->qty < most) most = caps - position->qty;
  int64_t qty = most > 0 ? risk_room(position, input, most) : 0;
  if (!instrument_is_sellable(input->instrument, qty, input->price)) {
    reason_add(reasons, REASON_add_on_too_small, false, decimal_to_double(qty), decimal_to_double(input->instrument->min_qty), NULL);
    return 0;
  }
  reason_add(reasons, REASON_add_on, true, decimal_to_double(qty), NAN, NULL);
  return qty;
}

#include "core/trade/targets.h"

#include <math.h>

#include "base/check.h"
#include "base/maths.h"

#define BPS (DECIMAL_ONE / 10000)

static int64_t absolute(int64_t value) {
  return value < 0 ? -value : value;
}

/* Rounding towards the entry: a target is never promised further away than planned. */
static enum rounding towards_entry(int sign) {
  return sign > 0 ? ROUND_DOWN : ROUND_UP;
}

static enum rounding away_from_entry(int sign) {
  return sign > 0 ? ROUND_UP : ROUND_DOWN;
}

static int side_sign(enum position_side side) {
  return side == SIDE_LONG ? 1 : -1;
}

static int64_t rung_price(const struct instrument *instrument, int sign, int64_t entry, int64_t r_distance, double reward_multiple) {
  int64_t distance = decimal_multiply_rounded(r_distance, decimal_from_double(reward_multiple), ROUND_DOWN);
  return instrument_round_price(instrument, entry + sign * distance, towards_entry(sign));
}

static int32_t plan_channel_target(int64_t entry, int64_t r_distance, int64_t qty, int64_t target, struct rung *rung) {
  *rung = (struct rung){.price = target, .qty = qty, .size_pct = 1, .placement_mode = PLACEMENT_FIXED};
  rung->reward_multiple = r_distance > 0 ? decimal_to_double(absolute(target - entry)) / decimal_to_double(r_distance) : NAN;
  text_copy(rung->level_name, sizeof rung->level_name, "TP1");
  return 1;
}

int32_t targets_plan(const struct preset *preset, const struct instrument *instrument, enum position_side side, int64_t entry, int64_t r_distance,
                     int64_t qty, int64_t channel_target, struct rung rungs[PLAN_RUNGS_MAX]) {
  if (channel_target > 0) return plan_channel_target(entry, r_distance, qty, channel_target, &rungs[0]);
  struct tp_level ladder[PRESET_TARGETS_MAX];
  int32_t count = preset_targets(preset, ladder);
  check(count > 0 && count <= PLAN_RUNGS_MAX);
  double share = 0;
  int64_t taken = 0;
  for (int32_t i = 0; i < count; i++) {
    struct rung *rung = &rungs[i];
    *rung = (struct rung){.reward_multiple = ladder[i].reward_multiple, .size_pct = ladder[i].size_pct, .placement_mode = ladder[i].placement_mode};
    text_copy(rung->level_name, sizeof rung->level_name, ladder[i].level_name);
    rung->price = rung_price(instrument, side_sign(side), entry, r_distance, ladder[i].reward_multiple);
    rung->qty = instrument_round_quantity(instrument, decimal_multiply_rounded(qty, decimal_from_double(ladder[i].size_pct), ROUND_DOWN), ROUND_DOWN);
    share += ladder[i].size_pct;
    taken += rung->qty;
  }
  if (share >= 1 - 1e-9) rungs[count - 1].qty += qty - taken;
  return count;
}

/* Merges rungs that the venue would not take into the next one; what the last one cannot take belongs to the runner, and a runner that could not be
 * sold goes to the last rung. When no rung is left, the first one takes everything. Returns the number of rungs that stay. */
static int32_t merge_rungs(const struct instrument *instrument, struct rung *rungs, int32_t count, int64_t qty, int64_t stop) {
  struct rung first = rungs[0];
  int32_t kept = 0;
  int64_t carried = 0;
  int64_t taken = 0;
  for (int32_t i = 0; i < count; i++) {
    struct rung rung = rungs[i];
    rung.qty += carried;
    carried = rung.qty;
    if (!instrument_is_sellable(instrument, rung.qty, rung.price)) continue;
    carried = 0;
    taken += rung.qty;
    rungs[kept++] = rung;
  }
  if (kept == 0) {
    rungs[0] = first;
    rungs[0].qty = qty;
    return 1;
  }
  int64_t runner = qty - taken;
  if (runner > 0 && !instrument_is_sellable(instrument, runner, stop)) rungs[kept - 1].qty += runner;
  return kept;
}

/* One target on its way through smart placement (4.2). */
struct placement {
  const struct placement_input *input;
  const struct preset_tp_smart_placement *config;
  const struct position *position;
  struct reason_list *reasons; /* NULL: nobody asks */
  const char *level_name;
  int sign;
  int64_t planned; /* T0 */
  int64_t price;   /* T so far */
};

static void add_reason(const struct placement *placement, enum reason_code code, double value, double threshold, const char *step) {
  if (placement->reasons == NULL) return;
  char detail[REASON_DETAIL_MAX];
  struct text text;
  text_init(&text, detail, sizeof detail);
  text_add(&text, placement->level_name);
  text_add_char(&text, ' ');
  text_add(&text, step);
  reason_add(placement->reasons, code, true, value, threshold, detail);
}

/* Takes the step's price unless it would lie too far from the plan. */
static void try_step(struct placement *placement, int64_t price, const char *step) {
  double limit = placement->config->max_adjustment_bps;
  int64_t shift = absolute(price - placement->planned);
  double shift_bps = decimal_to_double(shift) / decimal_to_double(placement->planned) * 1e4;
  if (shift > decimal_multiply_divide(placement->planned, decimal_from_double(limit), 10000 * DECIMAL_ONE, ROUND_DOWN)) {
    add_reason(placement, REASON_adjustment_capped, shift_bps, limit, step);
  } else if (price != placement->price) {
    placement->price = price;
    add_reason(placement, REASON_target_shifted, shift_bps, limit, step);
  }
}

/* price in front of an obstacle, buffer_bps before it. */
static int64_t before(const struct placement *placement, int64_t price, double buffer_bps) {
  return price - placement->sign * decimal_multiply_divide(price, decimal_from_double(buffer_bps), 10000 * DECIMAL_ONE, ROUND_NEAREST);
}

/* The first wall in the way: for a long the lowest standing ask wall that touches the band around T0, for a short the highest bid wall. */
static void avoid_walls(struct placement *placement) {
  const struct density *density = placement->input->density;
  if (!placement->config->avoid_density_zones || density == NULL) return;
  int sign = placement->sign;
  double buffer_bps = placement->config->density_zone_buffer_bps;
  double low = decimal_to_double(placement->planned) * (1 - buffer_bps * 1e-4);
  double high = decimal_to_double(placement->planned) * (1 + buffer_bps * 1e-4);
  const struct wall *nearest = NULL;
  for (int32_t i = 0; i < density->wall_count; i++) {
    const struct wall *wall = &density->walls[i];
    if (wall->state != WALL_STANDING || wall->side != (sign > 0 ? WALL_ASK : WALL_BID)) continue;
    if (wall->price_high < low || wall->price_low > high) continue;
    if (nearest == NULL || (sign > 0 ? wall->price_low < nearest->price_low : wall->price_high > nearest->price_high)) nearest = wall;
  }
  if (nearest == NULL) return;
  try_step(placement, before(placement, decimal_from_double(sign > 0 ? nearest->price_low : nearest->price_high), buffer_bps), "wall");
}

static void avoid_levels(struct placement *placement) {
  const struct level_set *levels = placement->input->levels;
  if (!placement->config->avoid_sr_levels || levels == NULL) return;
  double buffer_bps = placement->config->sr_level_buffer_bps;
  double price = decimal_to_double(placement->price);
  const struct level *nearest = NULL;
  for (int32_t i = 0; i < levels->active_count; i++) {
    const struct level *level = &levels->active[i];
    if (!level->is_active || level->level_id == placement->input->own_level_id) continue;
    if (fabs(level->price - price) > buffer_bps * 1e-4 * price) continue;
    if (nearest == NULL || fabs(level->price - price) < fabs(nearest->price - price)) nearest = level;
  }
  if (nearest != NULL) try_step(placement, before(placement, decimal_from_double(nearest->price), buffer_bps), "level");
}

static void prefer_round(struct placement *placement) {
  int64_t step = decimal_from_double(placement->config->round_number_step);
  if (!placement->config->prefer_round_numbers || step <= 0) return;
  try_step(placement, decimal_to_step(placement->price, step, towards_entry(placement->sign)), "round");
}

/* Does the price lie beyond the previous rung and beyond entry and fees by at least a tick? */
static bool is_in_order(const struct placement *placement, int64_t previous) {
  const struct position *position = placement->position;
  int64_t tick = placement->input->instrument->tick_size;
  int64_t fees = decimal_multiply_rounded(position->entry, decimal_from_double(position->fee_in + position->fee_out), ROUND_UP);
  int64_t price = placement->sign * placement->price;
  if (previous > 0 && price < placement->sign * previous + tick) return false;
  return price >= placement->sign * position->entry + fees + tick;
}

/* Steps 1 to 5 of 4.2 on a planned price. previous: price of the rung before, 0 none. */
static int64_t place_smart(const struct position *position, const struct placement_input *input, const char *level_name, int64_t planned,
                           int64_t previous, struct reason_list *reasons) {
  struct placement placement = {.input = input,
                                .config = &input->preset->position_config.tp_smart_placement,
                                .position = position,
                                .reasons = reasons,
                                .level_name = level_name,
                                .sign = position_sign(position),
                                .planned = planned,
                                .price = planned};
  avoid_walls(&placement);
  avoid_levels(&placement);
  prefer_round(&placement);
  if (!is_in_order(&placement, previous)) placement.price = planned;
  return instrument_round_price(input->instrument, placement.price, towards_entry(placement.sign));
}

static bool is_placed_smart(const struct preset *preset, int32_t placement_mode) {
  return preset->position_config.tp_smart_placement.enabled && placement_mode != PLACEMENT_FIXED;
}

void targets_place(struct position *position, const struct placement_input *input, int64_t channel_target, struct reason_list *reasons) {
  struct rung rungs[PLAN_RUNGS_MAX];
  int32_t count = targets_plan(input->preset, input->instrument, (enum position_side)position->side, position->entry, position->r_distance,
                               position->qty_initial, channel_target, rungs);
  count = merge_rungs(input->instrument, rungs, count, position->qty_initial, position->stop);
  check(count <= POSITION_TARGETS_MAX);
  position->targets_count = count;
  for (int32_t i = 0; i < count; i++) {
    struct target *target = &position->targets[i];
    *target = (struct target){.price = rungs[i].price,
                              .price_planned = rungs[i].price,
                              .qty = rungs[i].qty,
                              .size_pct = rungs[i].size_pct,
                              .reward_multiple = rungs[i].reward_multiple,
                              .placement_mode = rungs[i].placement_mode,
                              .state = TARGET_WAITING};
    text_copy(target->level_name, sizeof target->level_name, rungs[i].level_name);
    if (!is_placed_smart(input->preset, target->placement_mode)) continue;
    target->price = place_smart(position, input, target->level_name, target->price_planned, i > 0 ? target[-1].price : 0, reasons);
  }
  targets_scale(position, position->qty); /* a stop may have filled before the entry was complete */
}

/* reward·D·clamp(ATR_now/ATR_entry, 0.75, 1.25) from E. */
static int64_t adapted_price(const struct position *position, const struct target *target, const struct instrument *instrument, double atr_now) {
  double factor = maths_min(maths_max(atr_now / position->atr_entry, 0.75), 1.25);
  int64_t scaled = decimal_multiply_rounded(position->r_distance, decimal_from_double(factor), ROUND_DOWN);
  return rung_price(instrument, position_sign(position), position->entry, scaled, target->reward_multiple);
}

int64_t targets_adapt(const struct position *position, int32_t rung, const struct placement_input *input, double atr_now) {
  check(rung >= 0 && rung < position->targets_count);
  const struct target *target = &position->targets[rung];
  if (target->placement_mode != PLACEMENT_ADAPTIVE || target->state != TARGET_WORKING || !is_placed_smart(input->preset, target->placement_mode)) {
    return target->price;
  }
  if (!(atr_now > 0 && position->atr_entry > 0) || !isfinite(position->price_r)) return target->price;
  int sign = position_sign(position);
  int64_t planned = adapted_price(position, target, input->instrument, atr_now);
  int64_t price = place_smart(position, input, target->level_name, planned, rung > 0 ? target[-1].price : 0, NULL);
  int64_t reach = decimal_multiply_rounded(position->r_distance, decimal_from_double(position->price_r + 0.1), ROUND_UP);
  int64_t nearest = instrument_round_price(input->instrument, position->entry + sign * reach, away_from_entry(sign));
  if (sign * (price - nearest) < 0) price = nearest;
  return absolute(price - target->price) >= decimal_multiply_rounded(target->price, 5 * BPS, ROUND_UP) ? price : target->price;
}

uint32_t targets_scale(struct position *position, int64_t qty) {
  uint32_t changed = 0;
  int64_t left = qty;
  for (int32_t i = 0; i < position->targets_count; i++) {
    struct target *target = &position->targets[i];
    if (target->state != TARGET_WAITING && target->state != TARGET_WORKING) continue;
    int64_t rest = target->qty - target->filled_qty;
    int64_t keep = rest < left ? rest : left;
    left -= keep;
    if (keep == rest) continue;
    target->qty = target->filled_qty + keep;
    changed |= UINT32_C(1) << i;
  }
  return changed;
}

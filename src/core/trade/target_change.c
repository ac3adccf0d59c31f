/* A ladder set by hand: checked as a whole, then written into the position. */
#include <math.h>
#include <string.h>

#include "core/trade/targets.h"

struct planning {
  const struct position *position;
  const struct instrument *instrument;
  struct target_plan *plan;
  uint32_t busy, taken; /* bits of rungs */
  char *message;
};

static bool refuse(const struct planning *planning, const char *level_name, const char *why) {
  struct text text;
  text_init(&text, planning->message, TARGET_MESSAGE_MAX);
  text_add(&text, level_name);
  text_add(&text, level_name[0] != '\0' ? ": " : "");
  text_add(&text, why);
  return false;
}

static int32_t find_rung(const struct position *position, const char *level_name) {
  for (int32_t i = 0; i < position->targets_count; i++) {
    if (strcmp(position->targets[i].level_name, level_name) == 0) return i;
  }
  return -1;
}

/* A place that a new rung may take: one that was given up without a fill and has no order left, else a new one. */
static int32_t free_rung(const struct planning *planning) {
  const struct position *position = planning->position;
  for (int32_t i = 0; i < POSITION_TARGETS_MAX; i++) {
    bool is_taken = (planning->taken & (UINT32_C(1) << i)) != 0;
    bool is_over = i >= position->targets_count || (position->targets[i].state == TARGET_CANCELLED && position->targets[i].filled_qty == 0 &&
                                                    (planning->busy & (UINT32_C(1) << i)) == 0);
    if (!is_taken && is_over) return i;
  }
  return -1;
}

static bool is_repeated(const struct target_change *changes, int32_t i) {
  for (int32_t k = 0; k < i; k++) {
    if (strcmp(changes[k].level_name, changes[i].level_name) == 0) return true;
  }
  return false;
}

static bool check_change(const struct planning *planning, const struct target_change *changes, int32_t i) {
  const struct target_change *change = &changes[i];
  const struct position *position = planning->position;
  int sign = position_sign(position);
  if (change->level_name[0] == '\0') return refuse(planning, "", "a rung needs a name");
  if (is_repeated(changes, i)) return refuse(planning, change->level_name, "is there twice");
  if (!(change->size_pct > 0 && change->size_pct <= 1)) return refuse(planning, change->level_name, "size_pct lies in (0, 1]");
  if (change->price <= 0) return refuse(planning, change->level_name, "the price must be above 0");
  int64_t from = position->mark != DECIMAL_NULL ? position->mark : position->entry;
  int64_t price = instrument_round_price(planning->instrument, change->price, sign > 0 ? ROUND_DOWN : ROUND_UP);
  if (sign * (price - from) <= 0) return refuse(planning, change->level_name, "the price is not beyond the market on the side of profit");
  return true;
}

/* Named rungs first: a new one must not take the place of one that is named later. */
static bool take_known_rungs(struct planning *planning, const struct target_change *changes, int32_t count) {
  for (int32_t i = 0; i < count; i++) {
    int32_t rung = find_rung(planning->position, changes[i].level_name);
    planning->plan->rung[i] = rung;
    if (rung < 0) continue;
    if (planning->position->targets[rung].state == TARGET_FILLED) return refuse(planning, changes[i].level_name, "is filled");
    planning->taken |= UINT32_C(1) << rung;
  }
  return true;
}

static bool take_free_rungs(struct planning *planning, const struct target_change *changes, int32_t count) {
  for (int32_t i = 0; i < count; i++) {
    if (planning->plan->rung[i] >= 0) continue;
    int32_t rung = free_rung(planning);
    if (rung < 0) return refuse(planning, changes[i].level_name, "a position has at most six rungs, filled ones and those being cancelled included");
    planning->plan->rung[i] = rung;
    planning->taken |= UINT32_C(1) << rung;
  }
  return true;
}

static int64_t filled_of(const struct position *position, int32_t rung) {
  return rung < position->targets_count ? position->targets[rung].filled_qty : 0;
}

static void measure(struct planning *planning, int32_t i) {
  const struct position *position = planning->position;
  struct target_plan *plan = planning->plan;
  const struct target_change *change = &plan->change[i];
  int sign = position_sign(position);
  plan->price[i] = instrument_round_price(planning->instrument, change->price, sign > 0 ? ROUND_DOWN : ROUND_UP);
  int64_t qty = decimal_multiply_rounded(position->qty_initial, decimal_from_double(change->size_pct), ROUND_DOWN);
  plan->qty[i] = instrument_round_quantity(planning->instrument, qty, ROUND_DOWN);
}

/* Sizes that add up to the whole leave nothing to rounding: the last rung takes it. */
static bool check_sum(struct planning *planning) {
  const struct position *position = planning->position;
  struct target_plan *plan = planning->plan;
  double share = 0;
  int64_t rest = position->qty_initial;
  int64_t wanted = 0;
  for (int32_t i = 0; i < position->targets_count; i++) {
    if ((planning->taken & (UINT32_C(1) << i)) != 0) continue;
    rest -= position->targets[i].filled_qty;
    share += decimal_to_double(position->targets[i].filled_qty) / decimal_to_double(position->qty_initial);
  }
  for (int32_t i = 0; i < plan->count; i++) {
    share += plan->change[i].size_pct;
    rest -= plan->qty[i];
    wanted += plan->qty[i] - filled_of(position, plan->rung[i]);
  }
  if (share > 1 + 1e-9) return refuse(planning, "", "the sizes add up to more than the whole, filled rungs included");
  int64_t left = position->qty - wanted;
  if (plan->count > 0 && share >= 1 - 1e-9 && rest > 0 && rest <= left) {
    plan->qty[plan->count - 1] += rest;
    left -= rest;
  }
  if (left < 0) return refuse(planning, "", "the sizes ask for more than is open");
  if (plan->count > 0 && left > 0 && !instrument_is_sellable(planning->instrument, left, position->stop))
    return refuse(planning, "", "what the rungs leave is too little to be sold: give it to one of them");
  return true;
}

static bool check_quantities(const struct planning *planning) {
  const struct target_plan *plan = planning->plan;
  for (int32_t i = 0; i < plan->count; i++) {
    int64_t rest = plan->qty[i] - filled_of(planning->position, plan->rung[i]);
    if (rest <= 0) return refuse(planning, plan->change[i].level_name, "has filled more than that already, or the size is less than a lot");
    if (!instrument_is_sellable(planning->instrument, rest, plan->price[i]))
      return refuse(planning, plan->change[i].level_name, "is too small to be sold");
  }
  return true;
}

bool targets_plan_changes(const struct position *position, const struct instrument *instrument, const struct target_change *changes, int32_t count,
                          uint32_t busy, struct target_plan *plan, char message[TARGET_MESSAGE_MAX]) {
  *plan = (struct target_plan){.count = count};
  struct planning planning = {.position = position, .instrument = instrument, .plan = plan, .busy = busy, .message = message};
  for (int32_t i = 0; i < count; i++) {
    if (!check_change(&planning, changes, i)) return false;
    plan->change[i] = changes[i];
  }
  if (!take_known_rungs(&planning, changes, count) || !take_free_rungs(&planning, changes, count)) return false;
  for (int32_t i = 0; i < count; i++) measure(&planning, i);
  return check_sum(&planning) && check_quantities(&planning);
}

static double reward_multiple(const struct position *position, int64_t price) {
  int64_t distance = position_sign(position) * (price - position->entry);
  return position->r_distance > 0 ? decimal_to_double(distance) / decimal_to_double(position->r_distance) : NAN;
}

void targets_apply_changes(struct position *position, const struct target_plan *plan) {
  for (int32_t i = 0; i < plan->count; i++) {
    int32_t rung = plan->rung[i];
    struct target *target = &position->targets[rung];
    bool is_new = rung >= position->targets_count || strcmp(target->level_name, plan->change[i].level_name) != 0;
    if (rung >= position->targets_count) position->targets_count = rung + 1;
    if (is_new) *target = (struct target){.price_planned = plan->price[i], .state = TARGET_WAITING};
    if (is_new || target->price != plan->price[i]) target->placement_mode = PLACEMENT_FIXED; /* what a person chose is not moved by a rule */
    memcpy(target->level_name, plan->change[i].level_name, sizeof target->level_name);
    target->price = plan->price[i];
    target->qty = plan->qty[i];
    target->size_pct = plan->change[i].size_pct;
    target->reward_multiple = reward_multiple(position, plan->price[i]);
  }
}

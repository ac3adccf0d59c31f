/* The take-profit ladder: prices, quantities, smart and adaptive placement (positions 4). */
#ifndef CORE_TRADE_TARGETS_H
#define CORE_TRADE_TARGETS_H

#include "core/analysis/density.h"
#include "core/analysis/level.h"
#include "core/strategy/sizing.h"
#include "core/trade/position.h"

/* The plain ladder of a plan: T_i = E + s·reward_multiple·D rounded to the tick towards E, quantities of 4.1. Returns the number of rungs.
 * channel_target > 0: one rung. */
int32_t targets_plan(const struct preset *preset, const struct instrument *instrument, enum position_side side, int64_t entry, int64_t r_distance,
                     int64_t qty, int64_t channel_target, struct rung rungs[PLAN_RUNGS_MAX]);
/* What smart placement looks at; pointers may be NULL when unknown. */
struct placement_input {
  const struct preset *preset;
  const struct instrument *instrument;
  const struct level_set *levels;
  const struct density *density;
  int64_t own_level_id;
};
/* Targets of a position whose entry is complete, for what was really filled: ladder, merging of rungs that are too small, smart placement with
 * reasons. */
void targets_place(struct position *position, const struct placement_input *input, int64_t channel_target, struct reason_list *reasons);
/* Adaptive rungs at a closed 5m candle: returns the new price of rung i, or its present price when it must not move (4.3). */
int64_t targets_adapt(const struct position *position, int32_t rung, const struct placement_input *input, double atr_now);
/* Quantities of the working rungs after a manual close left `qty` (positions 7): last rung first reduced; changed bits returned. A rung whose
 * qty has become filled_qty wants nothing more: the caller cancels its order, the state follows from the order's end. */
uint32_t targets_scale(struct position *position, int64_t qty);

/* The ladder that an operator wants, found good: which rungs of the position work from now on, at which price and for how much in all. */
struct target_plan {
  int32_t count;
  int32_t rung[POSITION_TARGETS_MAX]; /* place in position->targets; a new one may lie behind targets_count */
  struct target_change change[POSITION_TARGETS_MAX];
  int64_t price[POSITION_TARGETS_MAX], qty[POSITION_TARGETS_MAX]; /* qty: with what the rung has filled */
};
enum { TARGET_MESSAGE_MAX = 128 };
/* Checks the changes one by one and together; at most POSITION_TARGETS_MAX of them. busy: bits of rungs with an order that has not ended. Prices are
 * rounded to the tick towards the entry, quantities down to the lot; when the sizes add up to the whole the last rung takes what rounding left. False
 * with a sentence in message: a name twice or of a filled rung, a price that is not beyond the market, sizes beyond the whole or the open quantity, a
 * rung or a rest that could not be sold, more rungs than there are places. */
bool targets_plan_changes(const struct position *position, const struct instrument *instrument, const struct target_change *changes, int32_t count,
                          uint32_t busy, struct target_plan *plan, char message[TARGET_MESSAGE_MAX]);
/* Writes the plan into the position: rungs that are not in it keep what they are. */
void targets_apply_changes(struct position *position, const struct target_plan *plan);

#endif

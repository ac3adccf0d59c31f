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

#endif

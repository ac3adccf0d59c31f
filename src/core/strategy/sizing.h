/* From a signal to a quantity that cannot lose more than planned (risk 2 and 3). */
#ifndef CORE_STRATEGY_SIZING_H
#define CORE_STRATEGY_SIZING_H

#include "core/market/instrument.h"
#include "core/strategy/preset.h"
#include "core/strategy/reason.h"

enum { PLAN_RUNGS_MAX = 6 };

struct rung {
  char level_name[17];
  int64_t price; /* decimal, rounded */
  int64_t qty;
  double reward_multiple, size_pct;
  int32_t placement_mode;
};

struct sizing_input {
  const struct preset *preset;
  const struct instrument *instrument;
  enum position_side side;
  int64_t entry, stop;    /* rounded to the tick */
  int64_t channel_target; /* > 0: one rung of 100 % at this price (channel baseline) */
  double fee_in, fee_out; /* fractions */
  int64_t equity_usd;     /* decimals */
  int64_t margin_free_usd;
  double size_factor;   /* 1 or 0.5 */
  int32_t max_leverage; /* setting */
  double depth_usd;     /* of the side consumed within 0.3 %, NaN: skipped */
};

struct sizing {
  bool is_accepted;
  int64_t qty, notional_usd;
  int64_t r_money, risk_usd; /* risk_usd <= r_money */
  double risk_r;
  double leverage;
  int64_t liquidation_price;
  enum reason_code binding_cap; /* REASON_passed when none */
  int32_t rung_count;
  struct rung rungs[PLAN_RUNGS_MAX];
  int64_t runner_qty;
};

/* Steps 1 to 8 of risk 2 with the caps and the plan proof; refusals and information are appended to reasons. */
void sizing_compute(const struct sizing_input *input, struct sizing *out, struct reason_list *reasons);
/* The proof of 3.2 alone, on given quantities; appends the first refusal. */
bool sizing_prove(const struct instrument *instrument, enum position_side side, int64_t entry, int64_t stop, int64_t qty, const struct rung *rungs,
                  int32_t rung_count, struct reason_list *reasons);

#endif

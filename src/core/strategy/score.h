/* The weighted sum that ranks scan results (strategy 3). */
#ifndef CORE_STRATEGY_SCORE_H
#define CORE_STRATEGY_SCORE_H

#include "core/strategy/setup.h"

struct score {
  double total;
  double value[SCORE_COMPONENT_COUNT];        /* NaN: null or left out */
  double contribution[SCORE_COMPONENT_COUNT]; /* scaled weight times value; 0 when null */
  uint32_t null_components;                   /* bits */
  uint32_t left_out;                          /* bits: capability missing */
};

/* Uses setup->view, candles, levels, market. Components without a weight are not computed. */
void score_compute(const struct setup *setup, struct score *out);
/* Sum over the components that need neither book nor tape (deep ring). */
double score_wide(const struct setup *setup);

#endif

/* Signals: momentum and retest of levels, and the channel baseline (strategy 8). */
#ifndef CORE_STRATEGY_BREAKOUT_H
#define CORE_STRATEGY_BREAKOUT_H

#include "core/strategy/setup.h"
#include "core/strategy/signal.h"

enum breakout_result {
  BREAKOUT_SIGNAL,     /* signal filled in */
  BREAKOUT_NO_TRIGGER, /* nothing broke or was retested */
  BREAKOUT_REFUSED,    /* a trigger was there, a condition failed: reasons say which */
};

/* Tries levels and strategies in the order of strategy_priority; the first level and strategy whose conditions all hold makes the signal. reasons:
 * the tests of the level that made it, or of the nearest miss (most conditions passed). signal: ids, candidate, outcome are left to the caller. Side
 * not allowed, stop_too_close are refusals here. */
enum breakout_result breakout_evaluate(const struct setup *setup, struct signal *signal, struct reason_list *reasons);
/* Channel baseline on candles of its timeframe (ascending, newest last). target: decimal price of the one rung. */
enum breakout_result breakout_channel(const struct preset *preset, const struct market *market, const struct candle *candles, int32_t count,
                                      struct signal *signal, int64_t *target, struct reason_list *reasons);
/* Price of an entry order at the moment of sending (execution 3), given best prices (NaN when unknown) and the last price. A level_price above 0 caps
 * it at max_distance_from_level_bps beyond the level; NaN: no cap (the caller has its own, or there is no level). is_passive tells the post-only
 * variant. Shared with execution. */
int64_t breakout_entry_price(const struct preset *preset, const struct instrument *instrument, enum position_side side, double bid, double ask,
                             double last, double spread_bps, double level_price, bool *is_passive);

#endif

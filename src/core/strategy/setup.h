/* What the strategy functions look at for one symbol at one closed candle: borrowed, read-only, put together by the engine. */
#ifndef CORE_STRATEGY_SETUP_H
#define CORE_STRATEGY_SETUP_H

#include "core/analysis/activity.h"
#include "core/analysis/density.h"
#include "core/analysis/level.h"
#include "core/market/market.h"
#include "core/market/market_view.h"
#include "core/strategy/preset.h"

struct setup {
  int64_t ts; /* event time: close time of candle t */
  const struct preset *preset;
  const struct market *market;
  const struct market_view *view;
  const struct candle *candles; /* 5m, ascending, candles[count - 1] is t */
  int32_t count;
  const struct level_set *levels;          /* as they stand after the fold of candle t; NULL for channel */
  const struct level_events *level_events; /* of the fold of candle t: which levels broke on it */
  const struct density *density;           /* NULL without book */
  const struct activity *activity;         /* NULL without trades */
  double score;                            /* of the last scan */
};

#endif

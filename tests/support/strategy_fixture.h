/* One symbol with everything the strategy looks at, quiet by default: a test changes the one thing it is about. */
#ifndef TESTS_SUPPORT_STRATEGY_FIXTURE_H
#define TESTS_SUPPORT_STRATEGY_FIXTURE_H

#include "core/strategy/setup.h"
#include "core/strategy/signal.h"

enum { FIXTURE_CANDLES = 320 };

struct fixture {
  struct preset preset;
  struct market market; /* instrument and capabilities only: no candles, book or tape memory */
  struct market_view view;
  struct candle candles[FIXTURE_CANDLES];
  struct level_set levels;
  struct density density;
  struct activity activity;
  struct setup setup;
};

/* 320 candles of 5m that end at 2025-05-10T12:00Z: open and close 100, high 100.5, low 99.5, volume 100, turnover 10 000. Candles are the only
 * capability. View: price 100, atr_5m 1, vwap_20 100, all else null. Preset: defaults; entry checks and quality tests as the defaults say, required
 * limits lax. Instrument: tick 0.01, lot 0.001. */
void fixture_init(struct fixture *fixture);
/* Candle t - ago. */
struct candle *fixture_bar(struct fixture *fixture, int32_t ago);
/* Close time of candle t - ago. */
int64_t fixture_close_ts(struct fixture *fixture, int32_t ago);
/* An active resistance (support) at the price, broken at the close of t - ago. Returned pointer is good until the next one is added. */
struct level *fixture_add_broken(struct fixture *fixture, double price, bool is_up, int32_t ago);
/* The reason of this code in the list, or NULL. */
const struct reason *fixture_reason(const struct reason_list *list, enum reason_code code);

#endif

/* A whole trading system in memory for tests: engine, paper venue, runner, symbols and candles, without files. What happens is counted, digested and
 * handed to a watcher. */
#ifndef TESTS_SUPPORT_ENGINE_FIXTURE_H
#define TESTS_SUPPORT_ENGINE_FIXTURE_H

#include "adapters/sim/sim.h"
#include "base/digest.h"
#include "engine/view.h"
#include "runner/runner.h"

enum { RIG_SYMBOLS_MAX = 8 };
#define RIG_START INT64_C(1746403200000) /* 2025-05-05T00:00Z */

struct rig_options {
  int32_t symbols;
  bool has_reference;    /* symbol 1 is BTC/USDT:USDT, the reference */
  uint32_t capabilities; /* besides candles and instruments */
  int64_t base_ms;       /* of candles */
  double balance;        /* USD */
  double slippage_bps, impact_bps, max_participation;
  int64_t latency_ms;
  int32_t reconcile_interval_s;
  bool is_backtest;
  int64_t tick_size, lot_size; /* decimals, of every symbol */
};

struct rig;
typedef void rig_watch(struct rig *rig, enum record_kind kind, const void *object);

struct rig {
  struct rig_options options;
  struct engine_limits limits;
  struct engine_config config;
  struct arena arena;
  struct engine *engine;
  struct sim sim;
  struct exchange exchange;
  struct runner runner;
  struct preset preset; /* in force */
  struct digest all;    /* every record, every field */
  struct digest acts;   /* decisions, orders and fills only */
  int64_t tally[record_kind_count];
  bool words_seen[engine_word_count][engine_word_count];           /* transitions of the derived word */
  rig_watch *watch;                                                /* NULL: none */
  void *context;                                                   /* of the watcher */
  void (*after_event)(struct rig *rig, const struct event *event); /* NULL: none; before the event's step, after all earlier ones */
};

/* 1 symbol, candles of 1m, 100 000 USD, no slippage and impact, all of a candle's volume, tick 0.01, lot 0.001, a backtest. */
struct rig_options rig_options(void);
void rig_open(struct rig *rig, const struct rig_options *options);
void rig_close(struct rig *rig);

/* A preset by name, from presets/ or built in; and one key of it: "risk.risk_per_trade=0.02". The whole is checked by rig_use. */
void rig_load_preset(struct preset *preset, const char *name);
void rig_set(struct preset *preset, const char *change);
/* breakout_v1 with every filter, check and quality test at its loosest, both strategies: trades as often as levels break. Named "loose". */
void rig_load_loose(struct preset *preset);
/* The preset comes into force now. Fails the test when a cross rule is broken. */
void rig_use(struct rig *rig, const struct preset *preset);

/* Commands with the fields that tests need; the reply is kept in the engine's records. */
void rig_command(struct rig *rig, enum command command);
void rig_command_with(struct rig *rig, struct event_command command);
/* Any event at the engine's present time or later. */
void rig_event(struct rig *rig, struct event event);
/* Any market event: the venue sees it first. */
void rig_market(struct rig *rig, struct event event);
void rig_candle(struct rig *rig, int32_t symbol, const struct candle *candle);
void rig_tick(struct rig *rig, int64_t ts, bool is_candle_close);
/* One candle of the symbol with everything equal to the figures, volume 1 000 000, and the tick of its close. Follows the newest candle of the rig.
 */
void rig_bar(struct rig *rig, int32_t symbol, double open, double high, double low, double close);

/* Candles of all symbols, played in the order of time with a tick after each instant; from and to are open times. */
struct rig_series {
  struct candle *items; /* owned */
  size_t count, at;
};
void rig_generate(struct rig_series *series, int scenario, uint64_t seed, int32_t symbol, int days);
/* The same in candles of `factor` minutes. */
void rig_coarsen(struct rig_series *series, int32_t factor);
void rig_free_series(struct rig_series *series, int32_t count);
void rig_play(struct rig *rig, struct rig_series *series, int64_t until);
void rig_rewind(struct rig_series *series, int32_t count, int64_t open_ts);

/* Engine and venue as bytes, and back into the same rig (a fresh arena). */
struct rig_image {
  unsigned char *engine, *venue; /* owned */
  size_t engine_size, venue_size;
};
void rig_save(struct rig *rig, struct rig_image *image);
void rig_load(struct rig *rig, const struct rig_image *image);
void rig_free_image(struct rig_image *image);
/* Starts digests, tallies and words anew. */
void rig_forget(struct rig *rig);

enum engine_word rig_word(const struct rig *rig);
void rig_digest(const struct rig *rig, char text[DIGEST_TEXT_MAX]);

#endif

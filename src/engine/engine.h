/* The engine: a deterministic function of its events. engine_step(engine, event) -> intents and records, through a sink. No clock, no I/O, no
 * randomness, no memory after engine_init. Live, paper, demo, backtest, simulation and replay run this same code. */
#ifndef ENGINE_ENGINE_H
#define ENGINE_ENGINE_H

#include "base/arena.h"
#include "engine/event.h"
#include "engine/intent.h"
#include "engine/record.h"

/* Upper bounds, known before anything runs; all memory follows from them. */
struct engine_limits {
  int32_t symbols;
  int32_t book_depth; /* 0: feeds without books and tapes */
  bool has_tape;
  int64_t base_ms; /* interval of base candles */
};

/* What the engine needs to know about its deployment; frozen for its life. */
struct engine_config {
  char instance[8]; /* 6 characters of Crockford base-32; "000000" in backtests */
  char venue[24], feed[64];
  int64_t starting_balance; /* decimal; paper account when the venue does not say otherwise */
  int32_t max_leverage;
  int32_t reconcile_interval_s; /* 0: only at start and after a reconnect (backtests: the venue is in the same process) */
  int32_t market_fetch_limit, deep_symbol_limit;
  int32_t market_data_timeout_s;
  bool fees_from_venue;
  bool resume_paused;
  bool is_backtest; /* an illegal transition is fatal; end_of_data closes positions with costs */
};

/* What a step is at; for who measures from outside, because there is no clock in here. Other: everything that is no phase of the trading cycle. */
enum engine_phase { PHASE_OTHER, PHASE_SCAN, PHASE_LEVELS, PHASE_SIGNALS, PHASE_SIZING, PHASE_EXECUTION, PHASE_MANAGEMENT, engine_phase_count };
extern const char *const engine_phase_names[];

/* Where intents and records go, in the order in which they were decided. The objects are borrowed for the call. */
struct engine_sink {
  void *context;
  void (*on_intent)(void *context, const struct intent *intent);
  void (*on_record)(void *context, enum record_kind kind, const void *object);
  void (*on_phase)(void *context, enum engine_phase phase); /* what follows belongs to it; may be NULL */
};

/* Persistent counters: ids never start again (storage 2, counters). */
struct engine_counters {
  int64_t session, scan, candidate, level, signal, plan, position, trade, decision, fill, flow, alert, operation, transition;
};

struct engine; /* opaque; lives in the arena */

/* Bytes that an engine of these limits takes. */
size_t engine_memory(const struct engine_limits *limits);
/* A fresh engine, state idle. The arena must hold engine_memory bytes of zeroed memory and stays with the engine. */
struct engine *engine_init(struct arena *arena, const struct engine_limits *limits, const struct engine_config *config,
                           const struct engine_counters *counters);
/* Other settings from the next event on (after a restart). */
void engine_configure(struct engine *engine, const struct engine_config *config);
void engine_step(struct engine *engine, const struct event *event, const struct engine_sink *sink);

/* The whole state as bytes, and back: an image of the engine's memory with a layout id; only the same build and limits can read it (else
 * STATUS_NEWER_VERSION: replay the journal instead). */
size_t engine_snapshot_size(const struct engine *engine);
void engine_snapshot_save(const struct engine *engine, unsigned char *out);
NODISCARD enum status engine_snapshot_load(struct arena *arena, const struct engine_limits *limits, const unsigned char *bytes, size_t size,
                                           struct engine **out);

/* Counts since engine_init. */
struct engine_counts {
  int64_t events, scans, signals, entries, orders, fills, trades, illegal_transitions, feed_dropped;
  int64_t illegal_of[machine_count]; /* of illegal_transitions */
  int64_t refused_plans, unfilled_entries, plans /* entries only */, breakeven_moves, trailing_moves, add_ons, path_dependent;
  int64_t ledger_breaks;  /* cash + unrealised differed from equity by more than 0.01 */
  int64_t unprotected_ms; /* accumulated */
  double turnover_usd, slippage_usd;
};

#endif

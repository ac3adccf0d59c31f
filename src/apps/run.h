/* One run of a preset over recorded markets: the live engine with the paper venue, what happened and its figures (backtest 2 to 6). */
#ifndef APPS_RUN_H
#define APPS_RUN_H

#include "apps/wiring.h"
#include "core/trade/performance.h"

enum after_kill { AFTER_KILL_STOP, AFTER_KILL_NEXT_DAY };

/* A time in which nothing new is entered: the session is paused at the first tick from from_ms on and goes on at the first from to_ms on. */
struct run_pause {
  int64_t from_ms, to_ms;
};

struct run_options {
  struct wiring_options wiring;
  int64_t from_ms, to_ms; /* 0: whole source, after warm-up */
  enum after_kill after_kill;
  bool keeps_orders; /* orders, fills, decisions and levels are kept for the report (memory) */
  bool drops_marks;  /* the figures are wanted, the marks of the equity curve are not: they are followed as they come (memory) */
  bool shows_progress;
  const struct run_pause *pauses;
  int pause_count;
  int64_t cut_at_ms;               /* look-ahead check: no event after this one; 0 none */
  const struct listener *listener; /* also told, NULL none */
  /* Called once when engine and feed stand and before the first event: to listen or to put another feed before the playback. NULL none. */
  void (*on_open)(void *context, struct wiring *wiring);
  void *context;
};

/* Counts of decisions by stage and verdict code. */
struct run_funnel {
  int64_t scanned, passed, watching, signalled, sized, entered;
  int64_t by_code[reason_code_count];
};

/* A growing list of equal-sized records. */
struct run_list {
  unsigned char *data; /* owned */
  size_t item_size;
  int64_t count, capacity;
};

struct run {
  struct run_list trades;     /* struct trade, closed ones in order of closed_at */
  struct run_list left_open;  /* struct trade that ended with end_of_data */
  struct run_list marks;      /* struct equity_point; none with drops_marks */
  struct run_list orders;     /* struct order as they ended; with keeps_orders, like the following */
  struct run_list fills;      /* struct fill */
  struct run_list decisions;  /* struct decision: terminal ones of the stages signal and later */
  struct run_list levels;     /* struct level_change */
  struct run_list stop_moves; /* struct stop_move */
  struct run_funnel funnel;
  int64_t decisions_total;
  int64_t started_at, ended_at; /* event time of trading */
  int64_t requested_from;
  int64_t candles, events;
  double seconds;                            /* wall clock */
  int64_t start_balance_usd, end_equity_usd; /* decimals */
  uint32_t stamps;                           /* of the source */
  uint32_t skipped_filters;                  /* bits, market_filter_skipped */
  bool after_kill_reset, scan_interval_rounded;
  int64_t kills, funding_unknown;
  struct engine_counts counts;
  struct performance_curve curve; /* with drops_marks */
  double *returns;                /* owned, of the curve */
  struct performance performance;
  double market_change, reference_change;
  char digest[DIGEST_TEXT_MAX];
  char dataset_checksum[DIGEST_TEXT_MAX];
};

/* The wiring holds an opened source and a loaded preset; its engine is opened here and stays open for the caller. STATUS_NO_DATA when the range
 * leaves no candle or the data never get warm; STATUS_FAILED after an illegal transition, a broken ledger identity or NaN money. */
NODISCARD enum status run_execute(struct run *run, struct wiring *wiring, const struct run_options *options);
void run_deinit(struct run *run);
const struct trade *run_trade(const struct run *run, int64_t i);

#endif

/* The channel strategy over one symbol of candles, for many parameter sets: the fast twin of the engine.
 *
 * A search asks the same question of the same candles thousands of times. What does not depend on the set is computed once (channels of each length,
 * ranges, liquidity of each minute), and a set then looks only at minutes in which something can happen: signals while flat, and minutes that touch a
 * stop or a target while in a position. Money is that of the engine: the same decimals, sizing, fees, ledger and limits, so a trade here is the trade
 * there, to the last unit. The engine stays the judge: tests compare every trade, and a search runs its best sets through the engine again.
 *
 * What it does not model it refuses, before it begins (channel_sweep_open, channel_sweep_covers) or when it meets it (CHANNEL_SWEEP_UNSURE): other
 * strategies and any feature besides the channel, several symbols, books, tapes, funding, holes in the candles, liquidations. */
#ifndef APPS_CHANNEL_SWEEP_H
#define APPS_CHANNEL_SWEEP_H

#include "apps/run.h"

struct channel_sweep;

enum channel_sweep_end {
  CHANNEL_SWEEP_DONE,
  CHANNEL_SWEEP_NO_DATA, /* the range leaves nothing to trade */
  CHANNEL_SWEEP_UNSURE,  /* something happened that is not modelled: the engine must run this set */
};

/* Zero-initialised; filled again by each run, with the memory of the one before. */
struct channel_result {
  bool keeps_trades; /* the caller's wish: struct trade of each, without the ids of session, plan and trade */
  struct run_list trades, left_open;
  int32_t trade_count;
  double *columns[performance_column_count]; /* of the trades */
  int32_t column_capacity;
  int64_t started_at, ended_at;
  int64_t end_equity_usd;
  int64_t plans, entries, unfilled_entries, refused_plans, path_dependent_trades;
  double turnover_usd, slippage_usd;
  struct performance performance; /* figures that channel_sweep_knows; others null */
  struct performance_curve curve;
  double *days, *scratch;
  int64_t day_capacity;
  int32_t scratch_count;
};

/* NULL when the data or the options are not covered; then *why is a text that says what is missing. The wiring's source must outlive it. */
struct channel_sweep *channel_sweep_open(const struct wiring *wiring, const struct run_options *options, const char **why);
/* The same for one symbol of several: for entries taken alone. */
struct channel_sweep *channel_sweep_open_symbol(const struct wiring *wiring, const struct run_options *options, int symbol, const char **why);
void channel_sweep_close(struct channel_sweep *sweep);
/* Is every feature of the preset modelled? The name and texts do not matter. */
bool channel_sweep_covers(struct channel_sweep *sweep, const struct preset *preset);
/* Computes what the sets share, so that worker processes find it in memory. Done by channel_sweep_run otherwise. */
void channel_sweep_prepare(struct channel_sweep *sweep, const struct preset *preset);
/* One set, over [options->from_ms, options->to_ms] with the balance of the options. A covered preset only. */
enum channel_sweep_end channel_sweep_run(struct channel_sweep *sweep, const struct preset *preset, const struct run_options *options,
                                         struct channel_result *out);
/* Signal candles of the preset's length. */
int32_t channel_sweep_candles(const struct channel_sweep *sweep, const struct preset *preset);
/* R of an entry at the close of any signal candle with a fresh account, its stop and target as of a break there. False when it is refused, not closed
 * within the range, or not modelled. */
bool channel_sweep_enter(struct channel_sweep *sweep, const struct preset *preset, const struct run_options *options, int32_t candle, bool is_long,
                         struct channel_result *memory, double *r);
/* False for figures that need every minute or the other symbols: those are for the engine. */
bool channel_sweep_knows(enum performance_figure figure);
void channel_result_deinit(struct channel_result *result);

#endif

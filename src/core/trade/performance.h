/* Figures of a run or session (backtest 6): computed from closed trades and the equity curve. NaN is null. */
#ifndef CORE_TRADE_PERFORMANCE_H
#define CORE_TRADE_PERFORMANCE_H

#include "core/analysis/robustness.h"
#include "core/trade/position.h"

struct equity_point {
  int64_t ts;
  double equity_usd, cash_usd, unrealised_usd, drawdown;
  double cumulative_r;
  int32_t positions;
  double notional_usd;
};

/* A row of performance.def is a figure: name, unit, text. All are doubles. */
enum performance_figure {
#define FIGURE(name, unit, text) FIGURE_##name,
#include "core/trade/performance.def"
  figure_count
};
extern const char *const figure_names[];
extern const char *const figure_units[];

struct drawdown {
  int64_t peak_at, trough_at, recovered_at; /* recovered_at 0: not yet */
  double depth, depth_usd;
  int64_t length_ms;
};
enum { PERFORMANCE_DRAWDOWNS_MAX = 10 };

/* The equity curve of a period, followed from mark to mark, so that a run of a million minutes need not keep a million marks. */
struct performance_curve {
  int64_t from;
  int64_t mark_count;
  double start_equity;
  struct equity_point last; /* newest mark; it counts until the next one */
  double peak;
  int64_t peak_at;      /* last time at the peak */
  struct drawdown fall; /* in progress; depth 0: equity is at its peak */
  struct drawdown drawdowns[PERFORMANCE_DRAWDOWNS_MAX];
  int32_t drawdown_count;
  double falls_sum;
  int32_t falls;
  int64_t longest_ms;
  double *returns; /* one per day, memory of the caller: (to - from) / day + 3 */
  int32_t days;
  int64_t day_end;   /* when the day in progress ends; the last day ends with the period */
  double day_equity; /* equity at its start */
  bool has_day_end;  /* the day is over, unless the period ends within the 12 h after it */
  double day_end_equity, day_end_peak;
  double ulcer_sum;
  double exposed_ms, weighted_ratio, weight_ms, ratio_max;
};
/* A curve without marks. */
void performance_curve_begin(struct performance_curve *curve, int64_t from, double *returns);
/* Every 1m close and fill, ascending. */
void performance_curve_add(struct performance_curve *curve, const struct equity_point *mark);

/* What the figures need of a trade. A run of many trades keeps them as one array each. */
enum performance_column {
  COLUMN_PNL_USD,
  COLUMN_PNL_R,
  COLUMN_HOLD_MS,
  COLUMN_MFE_R,
  COLUMN_MAE_R,
  COLUMN_FEES_USD,
  COLUMN_FUNDING_USD,
  COLUMN_TARGET_MASK,
  performance_column_count
};
double performance_column_of(const struct trade *trade, enum performance_column column);

struct performance_input {
  const struct trade *trades;   /* closed ones without left_open, in order of closed_at */
  const double *const *columns; /* the same by enum performance_column instead of trades; NULL none */
  int32_t trade_count;
  const struct equity_point *marks; /* every 1m close and fill, ascending */
  int64_t mark_count;
  const struct performance_curve *curve; /* the marks as they were followed, instead of marks and mark_count; NULL none */
  int64_t from, to;
  double turnover_usd, slippage_usd;
  int32_t entries, plans, unfilled_entries, refused_plans, breakeven_moves, trailing_moves, add_ons, left_open, path_dependent_trades;
  double market_change, reference_change; /* NaN unknown */
};
struct performance {
  double figure[figure_count];
  double target_hit_rate[POSITION_TARGETS_MAX];
  struct drawdown drawdowns[PERFORMANCE_DRAWDOWNS_MAX];
  int32_t drawdown_count;
  struct robustness_returns daily; /* null ratios with fewer than 10 days */
};
/* scratch: room for trade_count doubles and a day array of (to - from) / day + 3 doubles. The returns of a curve are reordered. */
void performance_compute(const struct performance_input *input, double *scratch, struct performance *out);

/* One line of a breakdown. */
struct breakdown_row {
  char key[40];
  int32_t total_trades, wins;
  double net_profit_usd, average_r, profit_factor, win_rate;
};
enum breakdown {
  BREAKDOWN_DAY,
  BREAKDOWN_WEEK,
  BREAKDOWN_MONTH,
  BREAKDOWN_SYMBOL,
  BREAKDOWN_STRATEGY,
  BREAKDOWN_SIDE,
  BREAKDOWN_EXIT_REASON,
  BREAKDOWN_HOUR,
  BREAKDOWN_WEEKDAY,
  BREAKDOWN_LEVEL_SOURCE,
  breakdown_count
};
extern const char *const breakdown_names[];
/* Rows in ascending order of key; returns their number (at most rows_max; more are joined under "other"). */
int32_t performance_breakdown(const struct trade *trades, int32_t count, enum breakdown by, struct breakdown_row *rows, int32_t rows_max);

#endif

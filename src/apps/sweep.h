/* A search over parameter sets (backtest 8.1): every set is run by the live engine over one or more periods of the same recorded markets, the sets
 * are put in order by an objective, and what the order is worth is told: how the neighbours do, and how much of the best one luck may be.
 *
 * Sets are counted from 0 here and from 1 in what people see. */
#ifndef APPS_SWEEP_H
#define APPS_SWEEP_H

#include "apps/channel_sweep.h"
#include "apps/sweep_space.h"

enum { SWEEP_PIECES_MAX = 400000, SWEEP_MIN_TRADES = 30, SWEEP_MESSAGE_BYTES = 160, SWEEP_CHECKED = 10 };

/* A part of the data that a set is run over. Markets before it warm the engine. */
struct sweep_period {
  int64_t from_ms, to_ms; /* 0: as far as the data go */
  const struct run_pause *pauses;
  int pause_count;
};

/* What is kept of the run of one set over one period. */
struct sweep_figures {
  int32_t status; /* enum status; the figures count with STATUS_OK only */
  double figure[figure_count];
  struct robustness_returns daily;
  char digest[DIGEST_TEXT_MAX];      /* "" of the fast twin */
  char message[SWEEP_MESSAGE_BYTES]; /* why the run failed */
};

struct sweep_objective {
  int figure; /* enum performance_figure; -1: r_efficiency = average_r * sqrt(trades) */
  bool is_smaller_better;
  int64_t min_trades;
};

struct sweep {
  struct app *app;
  struct wiring *wiring;             /* the opened source and the preset that is varied */
  const struct run_options *options; /* of every run; range and pauses are the period's */
  struct sweep_space space;
  struct sweep_objective objective;
  bool is_full_engine;          /* every run is one of the engine */
  struct channel_sweep *fast;   /* NULL: its twin is not used */
  struct sweep_period *periods; /* the caller's; the first is the whole range */
  int period_count;
  bool *is_valid; /* by set: keeps bounds and cross rules */
  int valid_count;
  struct sweep_figures *figures; /* by period, then set */
  bool *is_done;                 /* the same places */
};

/* A set in the order of the objective. NaN is null. */
struct sweep_row {
  int set;
  double objective; /* null: too few trades, or undefined */
  double plateau;   /* mean objective of the neighbours over its own; null without neighbours or a gain */
  bool is_spike;
  double deflated_sharpe;
};

/* A run of a set that stays open. */
struct sweep_play {
  struct wiring wiring;
  struct run_options options;
  struct run run;
};

/* Name of the objective, or of any figure. False with a problem that names the nearest. */
bool sweep_objective_find(const char *name, struct sweep_objective *objective, struct problem *problem);
const char *sweep_objective_name(const struct sweep_objective *objective);
/* Its value; NaN where undefined or with too few trades. */
double sweep_objective_value(const struct sweep_objective *objective, const struct sweep_figures *figures);
/* The same with a sign that makes larger ones better; -inf for null. */
double sweep_objective_score(const struct sweep_objective *objective, const struct sweep_figures *figures);

/* Finds the valid sets and makes room. The space is filled. STATUS_BAD_CONFIG when no set is valid, with what is wrong with the first. */
NODISCARD enum status sweep_open(struct sweep *sweep);
void sweep_close(struct sweep *sweep);
struct sweep_figures *sweep_figures_of(const struct sweep *sweep, int period, int set);

/* The one place that evaluates a set. */
void sweep_evaluate(const struct sweep *sweep, int period, int set, struct sweep_figures *out);
/* Told of every finished set as it comes. */
typedef void sweep_told(void *context, int period, int set, const struct sweep_figures *figures);
/* Runs what is not done yet on `workers` processes. The result does not depend on their number. STATUS_INTERRUPTED; a failed set fails the search. */
NODISCARD enum status sweep_run(struct sweep *sweep, int workers, const char *label, sweep_told *told, void *context);
/* Runs the first sets of the order by the engine where its twin has run them; their figures are completed. STATUS_FAILED when they differ. */
NODISCARD enum status sweep_check(struct sweep *sweep, const struct sweep_row *rows, int row_count, int workers);
/* One set once more, kept with its trades and marks. balance: NaN for that of the options. */
NODISCARD enum status sweep_play(const struct sweep *sweep, const struct sweep_period *period, int set, double balance, bool keeps_orders,
                                 struct sweep_play *play);
void sweep_play_close(struct sweep_play *play);

/* The valid sets over a period, best first, ties by number; out has valid_count places. has_neighbours: of grids. */
void sweep_rank(const struct sweep *sweep, int period, bool has_neighbours, struct sweep_row *out);
/* The best set over a period, -1 when none has an objective. */
int sweep_best(const struct sweep *sweep, int period);

#endif

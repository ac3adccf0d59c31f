/* Walk-forward (backtest 8.2): in each window the best set of the in-sample part trades the out-of-sample part behind it, with a fresh account of the
 * equity that the windows before left; what the out-of-sample parts made, one after the other, is what a search of this kind would have earned.
 *
 * Window k: in-sample [t0 + k step, + in), then the purge, then out-of-sample [.., + out). t0 is the begin of the range. */
#ifndef APPS_WALK_FORWARD_H
#define APPS_WALK_FORWARD_H

#include "apps/sweep.h"

enum { WALK_WINDOWS_MAX = 1000, WALK_PURGE_HOURS = 8 };

struct walk_options {
  int64_t in_ms, out_ms, step_ms; /* step >= out: out-of-sample parts never overlap */
  int64_t purge_ms;
  int64_t embargo_ms; /* behind each out-of-sample part; in it, training enters nothing */
};

struct walk_window {
  int64_t in_from, in_to, out_from, out_to;
  int set;                  /* chosen; -1: none had an objective, so nothing was traded */
  struct sweep_figures out; /* counts when set >= 0 */
  double equity_start, equity_end;
};

struct walk {
  struct walk_options options;
  struct walk_window windows[WALK_WINDOWS_MAX];
  int window_count;
  struct run_pause *pauses; /* owned; of all windows */
  struct run_list marks;    /* struct equity_point, of all out-of-sample parts, joined */
  struct run_list trades;   /* struct trade */
  struct performance performance;
  double efficiency; /* mean out-of-sample average_r over mean in-sample average_r; null */
  double stability;  /* share of windows with an out-of-sample profit */
  int left_open;
};

/* IS:OOS[:STEP] in days. False with a problem. */
bool walk_read(const char *text, struct walk_options *options, struct problem *problem);
/* Lays the windows over [from_ms, to_ms) and writes the in-sample period of each behind the first of `periods`, which has room for 1 +
 * WALK_WINDOWS_MAX. STATUS_NO_DATA when not even one fits. */
NODISCARD enum status walk_plan(struct walk *walk, int64_t from_ms, int64_t to_ms, struct sweep_period *periods, struct problem *problem);
/* Trades the out-of-sample parts in order; the sweep has been run. */
NODISCARD enum status walk_trade(struct walk *walk, const struct sweep *sweep);
/* In how many windows a set with this value on this axis was chosen. */
int walk_chosen(const struct walk *walk, const struct sweep_space *space, int axis, int index);
void walk_close(struct walk *walk);

#endif

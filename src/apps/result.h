/* A finished backtest as its reports see it: one run with its settings, and what is derived from it for every form of output. */
#ifndef APPS_RESULT_H
#define APPS_RESULT_H

#include "apps/entry_test.h"
#include "apps/run.h"

enum {
  RESULT_ID_MAX = 24,
  RESULT_COSTS = 6,
  RESULT_CHECKS = 6,
  RESULT_FILES_MAX = 8,
  RESULT_STAMPS_MAX = 16,
  RESULT_WARNINGS_MAX = 10,
  RESULT_VALUE_MAX = 40
};

/* The few figures of a further run: the other path inside candles, other costs. */
struct result_summary {
  double net_profit_usd, total_return, average_r, max_drawdown, profit_factor;
  int64_t total_trades;
};

struct result {
  const struct app *app;
  const struct wiring *wiring;
  const struct run *run;
  const struct run_options *options;
  int64_t seed;
  char run_id[RESULT_ID_MAX]; /* "": none could be taken */
  int64_t created_at, duration_ms;
  uint32_t breakdowns; /* bits of enum breakdown */
  bool has_orders;     /* orders and fills go into the document */
  bool has_bounds;
  struct result_summary bounds[2]; /* by enum sim_path */
  bool has_costs;
  struct result_summary costs[RESULT_COSTS]; /* by result_cost_factors */
  bool has_entry_test;
  struct entry_test entry_test;
  const char *files[RESULT_FILES_MAX];
  int file_count;
};
extern const double result_cost_factors[RESULT_COSTS]; /* of slippage, impact and fees; one of them is 1 */

struct result_check {
  const char *name; /* of the figure */
  double value, threshold;
  bool is_above; /* value must be above the threshold, else below */
  bool has_passed;
};

void result_summarise(const struct run *run, struct result_summary *out);
/* What must be shown first. Static texts. */
int result_stamps(const struct result *result, const char *out[RESULT_STAMPS_MAX]);
/* Robustness checks of backtest 6; returns how many passed. */
int result_checks(const struct result *result, struct result_check out[RESULT_CHECKS]);
const char *result_label(int passed); /* strong, passing, weak */
struct result_warning {
  char text[160];
};
int result_warnings(const struct result *result, struct result_warning out[RESULT_WARNINGS_MAX]);
/* A figure for people: percent, money with two decimals, times and durations in words. "-" for null. */
void result_figure_text(enum performance_figure figure, double value, char out[RESULT_VALUE_MAX]);
/* The settings that decided the run, in effect after options, settings and preset. */
struct result_setting {
  const char *name;
  double value;
  const char *text; /* instead of the value when not NULL */
};
enum { RESULT_SETTINGS_MAX = 16 };
int result_settings(const struct result *result, struct result_setting out[RESULT_SETTINGS_MAX]);
/* Rows of a breakdown; returns their number. The rows are the caller's to free. */
int32_t result_breakdown(const struct run *run, enum breakdown by, struct breakdown_row **rows);

/* Groups of figures in the order of reports; figure < 0 ends a group. */
struct result_group {
  const char *title;
  const enum performance_figure *figures;
  int count;
};
extern const struct result_group result_groups[];
extern const int result_group_count;

#endif

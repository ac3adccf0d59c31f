#include "apps/sweep.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "apps/jobs.h"
#include "base/check.h"
#include "base/text.h"

static const char efficiency_name[] = "r_efficiency";
static const double spike_below = 0.5;

/* ---- objective ---- */

/* Figures of which less is more; all others are better when larger. */
static const enum performance_figure smaller_better[] = {
    FIGURE_loss_rate,
    FIGURE_gross_loss_usd,
    FIGURE_std_r,
    FIGURE_max_consecutive_losses,
    FIGURE_volatility_annual,
    FIGURE_downside_deviation,
    FIGURE_max_drawdown,
    FIGURE_max_drawdown_usd,
    FIGURE_max_drawdown_length_ms,
    FIGURE_longest_underwater_ms,
    FIGURE_average_drawdown,
    FIGURE_max_drawdown_r,
    FIGURE_ulcer_index,
    FIGURE_var_95,
    FIGURE_es_95,
    FIGURE_fees_usd,
    FIGURE_slippage_usd,
    FIGURE_unfilled_entries,
    FIGURE_refused_plans,
    FIGURE_path_dependent_share,
    FIGURE_max_notional_ratio,
    FIGURE_left_open,
};

bool sweep_objective_find(const char *name, struct sweep_objective *objective, struct problem *problem) {
  const char *names[figure_count + 1];
  objective->figure = -1;
  objective->is_smaller_better = false;
  if (text_equal(name, efficiency_name)) return true;
  for (int i = 0; i < figure_count; i++) {
    names[i] = figure_names[i];
    if (text_equal(name, figure_names[i])) objective->figure = i;
  }
  for (size_t i = 0; i < sizeof smaller_better / sizeof smaller_better[0]; i++)
    objective->is_smaller_better = objective->is_smaller_better || (int)smaller_better[i] == objective->figure;
  if (objective->figure >= 0) return true;
  names[figure_count] = efficiency_name;
  int nearest = text_nearest(name, names, figure_count + 1);
  problem_add(problem, "bad_parameter", "--objective", name, nearest >= 0 ? names[nearest] : "r_efficiency or a figure such as sharpe",
              "there is no such figure");
  return false;
}

const char *sweep_objective_name(const struct sweep_objective *objective) {
  return objective->figure < 0 ? efficiency_name : figure_names[objective->figure];
}

double sweep_objective_value(const struct sweep_objective *objective, const struct sweep_figures *figures) {
  double trades = figures->figure[FIGURE_total_trades];
  if (figures->status != STATUS_OK || !(trades >= (double)objective->min_trades)) return NAN;
  double value = objective->figure < 0 ? figures->figure[FIGURE_average_r] * sqrt(trades) : figures->figure[objective->figure];
  return isfinite(value) ? value : NAN;
}

double sweep_objective_score(const struct sweep_objective *objective, const struct sweep_figures *figures) {
  double value = sweep_objective_value(objective, figures);
  if (isnan(value)) return -INFINITY;
  return objective->is_smaller_better ? -value : value;
}

/* ---- sets ---- */

static size_t place_of(const struct sweep *sweep, int period, int set) {
  return (size_t)period * (size_t)sweep->space.set_count + (size_t)set;
}

struct sweep_figures *sweep_figures_of(const struct sweep *sweep, int period, int set) {
  return &sweep->figures[place_of(sweep, period, set)];
}

static bool apply(const struct sweep *sweep, int set, struct preset *preset, struct problem *problem) {
  *preset = sweep->wiring->preset.preset;
  return sweep_space_apply(&sweep->space, set, &sweep->app->settings.preset_overrides, preset, problem);
}

/* What is wrong with the first set, for a search in which no set is right. */
static enum status refuse_all(const struct sweep *sweep) {
  struct preset preset;
  (void)apply(sweep, 0, &preset, &sweep->app->problem);
  problem_add(&sweep->app->problem, "no_valid_set", "--param", NULL, NULL, "none of the %d sets keeps the bounds and rules of the preset",
              sweep->space.set_count);
  return STATUS_BAD_CONFIG;
}

/* Opens the fast twin where it can be used, with what the sets share in memory before workers begin. */
static void open_fast(struct sweep *sweep) {
  const char *why;
  int objective = sweep->objective.figure;
  if (sweep->is_full_engine || (objective >= 0 && !channel_sweep_knows((enum performance_figure)objective))) return;
  sweep->fast = channel_sweep_open(sweep->wiring, sweep->options, &why);
  for (int set = 0; set < sweep->space.set_count && sweep->fast != NULL; set++) {
    struct preset preset;
    if (sweep->is_valid[set] && apply(sweep, set, &preset, NULL) && channel_sweep_covers(sweep->fast, &preset))
      channel_sweep_prepare(sweep->fast, &preset);
  }
}

enum status sweep_open(struct sweep *sweep) {
  size_t count = (size_t)sweep->space.set_count;
  size_t places = count * (size_t)sweep->period_count;
  struct problem unused;
  struct preset preset;
  if (places > SWEEP_PIECES_MAX) {
    problem_add(&sweep->app->problem, "too_many", "--walk-forward", NULL, "fewer sets or longer steps", "%zu runs are more than %d", places,
                SWEEP_PIECES_MAX);
    return STATUS_BAD_CONFIG;
  }
  sweep->is_valid = calloc(count, sizeof *sweep->is_valid);
  sweep->figures = calloc(places, sizeof *sweep->figures);
  sweep->is_done = calloc(places, sizeof *sweep->is_done);
  check(sweep->is_valid != NULL && sweep->figures != NULL && sweep->is_done != NULL);
  for (int set = 0; set < sweep->space.set_count; set++) {
    problem_clear(&unused);
    sweep->is_valid[set] = apply(sweep, set, &preset, &unused);
    sweep->valid_count += sweep->is_valid[set] ? 1 : 0;
  }
  if (sweep->valid_count == 0) return refuse_all(sweep);
  open_fast(sweep);
  return STATUS_OK;
}

void sweep_close(struct sweep *sweep) {
  sweep_space_deinit(&sweep->space);
  channel_sweep_close(sweep->fast);
  free(sweep->is_valid);
  free(sweep->figures);
  free(sweep->is_done);
  *sweep = (struct sweep){0};
}

/* ---- runs ---- */

enum status sweep_play(const struct sweep *sweep, const struct sweep_period *period, int set, double balance, bool keeps_orders,
                       struct sweep_play *play) {
  struct app *app = sweep->app;
  *play = (struct sweep_play){.wiring = {.app = app, .source = sweep->wiring->source}, .options = *sweep->options};
  struct run_options *options = &play->options;
  options->from_ms = period->from_ms;
  options->to_ms = period->to_ms;
  options->pauses = period->pauses;
  options->pause_count = period->pause_count;
  options->shows_progress = false;
  options->keeps_orders = keeps_orders;
  if (isfinite(balance)) options->wiring.starting_balance = balance;
  check(apply(sweep, set, &play->wiring.preset.preset, &app->problem));
  problem_clear(&app->problem); /* warnings of the preset, told before */
  enum status status = wiring_seal_preset(&play->wiring, app);
  if (!status) status = source_seek(sweep->wiring->source, INT64_MIN, &app->problem);
  if (!status) status = run_execute(&play->run, &play->wiring, options);
  return status;
}

void sweep_play_close(struct sweep_play *play) {
  run_deinit(&play->run);
  play->wiring.source = NULL; /* shared */
  wiring_close(&play->wiring);
}

static void evaluate_by_engine(const struct sweep *sweep, int period, int set, struct sweep_figures *out) {
  const struct problem *problem = &sweep->app->problem;
  static struct sweep_play play;
  enum status status = sweep_play(sweep, &sweep->periods[period], set, NAN, false, &play);
  *out = (struct sweep_figures){.status = (int32_t)status, .daily = play.run.performance.daily};
  memcpy(out->figure, play.run.performance.figure, sizeof out->figure);
  text_copy(out->digest, sizeof out->digest, play.run.digest);
  if (status) text_copy(out->message, sizeof out->message, problem->count > 0 ? problem->items[0].message : status_text(status));
  sweep_play_close(&play);
}

/* False when the engine must run this one. */
static bool evaluate_by_twin(const struct sweep *sweep, int period, int set, struct sweep_figures *out) {
  static struct channel_result result; /* its memory is filled again by the next */
  struct preset preset;
  struct run_options options = *sweep->options;
  options.from_ms = sweep->periods[period].from_ms;
  options.to_ms = sweep->periods[period].to_ms;
  bool is_covered = sweep->fast != NULL && sweep->periods[period].pause_count == 0 && apply(sweep, set, &preset, NULL) &&
                    channel_sweep_covers(sweep->fast, &preset);
  if (!is_covered || channel_sweep_run(sweep->fast, &preset, &options, &result) != CHANNEL_SWEEP_DONE) return false;
  *out = (struct sweep_figures){.daily = result.performance.daily};
  memcpy(out->figure, result.performance.figure, sizeof out->figure);
  return true;
}

void sweep_evaluate(const struct sweep *sweep, int period, int set, struct sweep_figures *out) {
  if (!evaluate_by_twin(sweep, period, set, out)) evaluate_by_engine(sweep, period, set, out);
}

/* What is left to do, as the pieces of the workers. */
struct pieces {
  struct sweep *sweep;
  int *places; /* of the figures */
  int count;
  sweep_told *told;
  void *context;
};

static void work(void *context, int index, void *result) {
  const struct pieces *pieces = context;
  int sets = pieces->sweep->space.set_count;
  sweep_evaluate(pieces->sweep, pieces->places[index] / sets, pieces->places[index] % sets, result);
}

static void on_done(void *context, int index, const void *result) {
  const struct pieces *pieces = context;
  struct sweep *sweep = pieces->sweep;
  int place = pieces->places[index];
  memcpy(&sweep->figures[place], result, sizeof sweep->figures[0]);
  sweep->is_done[place] = true;
  if (pieces->told != NULL) pieces->told(pieces->context, place / sweep->space.set_count, place % sweep->space.set_count, result);
}

static enum status judge(const struct sweep *sweep) {
  for (int period = 0; period < sweep->period_count; period++) {
    for (int set = 0; set < sweep->space.set_count; set++) {
      const struct sweep_figures *figures = sweep_figures_of(sweep, period, set);
      if (!sweep->is_valid[set] || figures->status == STATUS_OK) continue;
      problem_add(&sweep->app->problem, "run_failed", "optimize", NULL, NULL, "set %d%s: %s", set + 1, period > 0 ? " in a window" : "",
                  figures->message);
      return (enum status)figures->status;
    }
  }
  return STATUS_OK;
}

enum status sweep_run(struct sweep *sweep, int workers, const char *label, sweep_told *told, void *context) {
  struct pieces pieces = {.sweep = sweep, .told = told, .context = context};
  int sets = sweep->space.set_count;
  int places = sets * sweep->period_count;
  pieces.places = calloc((size_t)places, sizeof *pieces.places);
  check(pieces.places != NULL);
  for (int i = 0; i < places; i++) {
    if (sweep->is_valid[i % sets] && !sweep->is_done[i]) pieces.places[pieces.count++] = i;
  }
  enum status status = STATUS_OK;
  if (pieces.count > 0) status = jobs_run_telling(pieces.count, workers, label, work, on_done, &pieces, NULL, sizeof(struct sweep_figures));
  free(pieces.places);
  if (status == STATUS_FAILED) problem_add(&sweep->app->problem, "run_failed", "optimize", NULL, NULL, "a worker process died");
  return status ? status : judge(sweep);
}

/* ---- check ---- */

struct check_pieces {
  const struct sweep *sweep;
  const struct sweep_row *rows;
};

static void check_work(void *context, int index, void *result) {
  const struct check_pieces *pieces = context;
  evaluate_by_engine(pieces->sweep, 0, pieces->rows[index].set, result);
}

static bool is_same(double a, double b) {
  return a == b || (isnan(a) && isnan(b));
}

/* The name of the first figure that is not the same, NULL when all are. */
static const char *difference_of(const struct sweep_figures *twin, const struct sweep_figures *engine) {
  if (engine->status != STATUS_OK) return "status";
  for (int i = 0; i < figure_count; i++) {
    if (channel_sweep_knows((enum performance_figure)i) && !is_same(twin->figure[i], engine->figure[i])) return figure_names[i];
  }
  return NULL;
}

enum status sweep_check(struct sweep *sweep, const struct sweep_row *rows, int row_count, int workers) {
  struct check_pieces pieces = {sweep, rows};
  struct sweep_figures results[SWEEP_CHECKED];
  int count = row_count < SWEEP_CHECKED ? row_count : SWEEP_CHECKED;
  if (sweep->fast == NULL) return STATUS_OK;
  enum status status = jobs_run(count, workers, NULL, check_work, &pieces, results, sizeof results[0]);
  for (int i = 0; i < count && !status; i++) {
    struct sweep_figures *figures = sweep_figures_of(sweep, 0, rows[i].set);
    const char *difference = figures->digest[0] == '\0' ? difference_of(figures, &results[i]) : NULL;
    if (difference != NULL) {
      problem_add(&sweep->app->problem, "internal", "optimize", NULL, "--full-engine", "set %d: the engine has another %s than its fast twin",
                  rows[i].set + 1, difference);
      return STATUS_FAILED;
    }
    *figures = results[i];
  }
  return status;
}

/* ---- order ---- */

static const struct sweep *sorted_sweep; /* qsort has no context */
static int sorted_period;

static int by_score(const void *a, const void *b) {
  int left = ((const struct sweep_row *)a)->set;
  int right = ((const struct sweep_row *)b)->set;
  double x = sweep_objective_score(&sorted_sweep->objective, sweep_figures_of(sorted_sweep, sorted_period, left));
  double y = sweep_objective_score(&sorted_sweep->objective, sweep_figures_of(sorted_sweep, sorted_period, right));
  if (x != y) return x > y ? -1 : 1;
  return left - right;
}

/* How the sets one step away do. A neighbour without an objective counts as 0: it earns nothing that could be counted on. Where less is better, the
 * share is turned over. Below 0 and at 0 there is no height to keep. */
static void judge_neighbours(const struct sweep *sweep, int period, struct sweep_row *row) {
  int neighbours[2 * SWEEP_AXES_MAX];
  int count = sweep_space_neighbours(&sweep->space, row->set, neighbours);
  double sum = 0;
  int valid = 0;
  for (int i = 0; i < count; i++) {
    if (!sweep->is_valid[neighbours[i]]) continue;
    double value = sweep_objective_value(&sweep->objective, sweep_figures_of(sweep, period, neighbours[i]));
    sum += isnan(value) ? 0 : value;
    ++valid;
  }
  if (valid == 0 || !(row->objective > 0)) return;
  double mean = sum / valid;
  row->plateau = sweep->objective.is_smaller_better ? (mean > 0 ? row->objective / mean : NAN) : mean / row->objective;
  row->is_spike = row->plateau < spike_below;
}

/* Sample variance of the daily Sharpe ratios over the sets that have one; *sets is their number. */
static double variance_of_sharpes(const struct sweep *sweep, int period) {
  double mean = 0;
  double squares = 0;
  int count = 0;
  for (int set = 0; set < sweep->space.set_count; set++) {
    double sharpe = sweep_figures_of(sweep, period, set)->daily.sharpe;
    if (!sweep->is_valid[set] || !isfinite(sharpe)) continue;
    double difference = sharpe - mean; /* Welford 1962 */
    mean += difference / ++count;
    squares += difference * (sharpe - mean);
  }
  return count > 1 ? squares / (count - 1) : 0;
}

void sweep_rank(const struct sweep *sweep, int period, bool has_neighbours, struct sweep_row *out) {
  int count = 0;
  double variance = variance_of_sharpes(sweep, period);
  for (int set = 0; set < sweep->space.set_count; set++) {
    if (!sweep->is_valid[set]) continue;
    const struct sweep_figures *figures = sweep_figures_of(sweep, period, set);
    const struct robustness_returns *daily = &figures->daily;
    struct sweep_row *row = &out[count++];
    *row = (struct sweep_row){.set = set, .objective = sweep_objective_value(&sweep->objective, figures), .plateau = NAN};
    row->deflated_sharpe = robustness_deflated_sharpe(daily->sharpe, daily->days, daily->skewness, daily->kurtosis, variance, sweep->valid_count);
    if (has_neighbours) judge_neighbours(sweep, period, row);
  }
  sorted_sweep = sweep;
  sorted_period = period;
  qsort(out, (size_t)count, sizeof *out, by_score);
}

int sweep_best(const struct sweep *sweep, int period) {
  int best = -1;
  double highest = -INFINITY;
  for (int set = 0; set < sweep->space.set_count; set++) {
    if (!sweep->is_valid[set]) continue;
    double score = sweep_objective_score(&sweep->objective, sweep_figures_of(sweep, period, set));
    if (score > highest) best = set;
    if (score > highest) highest = score;
  }
  return best;
}

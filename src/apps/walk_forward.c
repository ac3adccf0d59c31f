#include "apps/walk_forward.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/calendar.h"
#include "base/check.h"
#include "base/progress.h"
#include "base/text.h"

/* A fresh account needs this much. */
static const double equity_min_usd = 10;

/* ---- windows ---- */

bool walk_read(const char *text, struct walk_options *options, struct problem *problem) {
  int64_t *places[] = {&options->in_ms, &options->out_ms, &options->step_ms};
  int count = 0;
  bool is_right = true;
  for (const char *at = text; at != NULL && is_right; count++) {
    size_t length = strcspn(at, ":");
    char part[32];
    double days;
    is_right = count < 3 && length < sizeof part;
    if (!is_right) break;
    text_copy(part, length + 1, at);
    is_right = text_parse_double(part, &days) && days > 0 && days <= 3650;
    if (is_right) *places[count] = (int64_t)llround(days * (double)DAY_MS / (double)MINUTE_MS) * MINUTE_MS;
    is_right = is_right && *places[count] > 0;
    at = at[length] == ':' ? at + length + 1 : NULL;
  }
  if (!is_right || count < 2) {
    problem_add(problem, "bad_parameter", "--walk-forward", text, "IS:OOS or IS:OOS:STEP in days, such as 30:10", "not the lengths of windows");
    return false;
  }
  if (count == 2) options->step_ms = options->out_ms;
  if (options->step_ms >= options->out_ms) return true;
  problem_add(problem, "bad_parameter", "--walk-forward", text, "a STEP of at least OOS", "out-of-sample parts would overlap");
  return false;
}

/* Embargoes of the windows before, as far as they reach into the in-sample part of this one. */
static int add_pauses(const struct walk *walk, int at, struct run_pause *out) {
  const struct walk_window *window = &walk->windows[at];
  int count = 0;
  for (int i = 0; i < at; i++) {
    int64_t from = walk->windows[i].out_to;
    int64_t to = from + walk->options.embargo_ms;
    if (from < window->in_from) from = window->in_from;
    if (to > window->in_to) to = window->in_to;
    if (from < to) out[count++] = (struct run_pause){from, to};
  }
  return count;
}

enum status walk_plan(struct walk *walk, int64_t from_ms, int64_t to_ms, struct sweep_period *periods, struct problem *problem) {
  const struct walk_options *options = &walk->options;
  for (int64_t in_from = from_ms; walk->window_count < WALK_WINDOWS_MAX; in_from += options->step_ms) {
    int64_t in_to = in_from + options->in_ms;
    int64_t out_from = in_to + options->purge_ms;
    if (out_from + options->out_ms > to_ms) break;
    walk->windows[walk->window_count++] =
        (struct walk_window){.in_from = in_from, .in_to = in_to, .out_from = out_from, .out_to = out_from + options->out_ms, .set = -1};
  }
  if (walk->window_count == 0) {
    problem_add(problem, "no_data", "--walk-forward", NULL, "shorter windows or more data", "not one window fits into %.1f days: it takes %.1f",
                (double)(to_ms - from_ms) / (double)DAY_MS, (double)(options->in_ms + options->purge_ms + options->out_ms) / (double)DAY_MS);
    return STATUS_NO_DATA;
  }
  size_t count = (size_t)walk->window_count;
  walk->pauses = calloc(count * count, sizeof *walk->pauses);
  check(walk->pauses != NULL);
  for (int i = 0; i < walk->window_count; i++) {
    struct run_pause *pauses = walk->pauses + (size_t)i * count;
    periods[1 + i] = (struct sweep_period){walk->windows[i].in_from, walk->windows[i].in_to, pauses, add_pauses(walk, i, pauses)};
  }
  return STATUS_OK;
}

void walk_close(struct walk *walk) {
  free(walk->pauses);
  free(walk->marks.data);
  free(walk->trades.data);
  *walk = (struct walk){0};
}

/* ---- out-of-sample ---- */

static void append(struct run_list *list, const struct run_list *more) {
  if (more->count == 0) return;
  list->item_size = more->item_size;
  list->data = realloc(list->data, (size_t)(list->count + more->count) * list->item_size);
  check(list->data != NULL);
  memcpy(list->data + (size_t)list->count * list->item_size, more->data, (size_t)more->count * list->item_size);
  list->count += more->count;
}

static struct equity_point *mark_at(const struct walk *walk, int64_t i) {
  return &((struct equity_point *)(void *)walk->marks.data)[i];
}

/* Sums of the counts that the figures of the joined parts need. */
static void add_counts(struct performance_input *input, const struct run *run) {
  const struct engine_counts *counts = &run->counts;
  input->turnover_usd += counts->turnover_usd;
  input->slippage_usd += counts->slippage_usd;
  input->entries += (int32_t)counts->entries;
  input->plans += (int32_t)counts->plans;
  input->unfilled_entries += (int32_t)counts->unfilled_entries;
  input->refused_plans += (int32_t)counts->refused_plans;
  input->breakeven_moves += (int32_t)counts->breakeven_moves;
  input->trailing_moves += (int32_t)counts->trailing_moves;
  input->add_ons += (int32_t)counts->add_ons;
  input->left_open += (int32_t)run->left_open.count;
  for (int64_t i = 0; i < run->trades.count; i++) input->path_dependent_trades += run_trade(run, i)->path_dependent ? 1 : 0;
}

/* Marks of this part go on where those before ended: R and drawdown are of the whole. */
static void join(struct walk *walk, const struct run *run, struct performance_input *input) {
  int64_t before = walk->marks.count;
  double r = before > 0 ? mark_at(walk, before - 1)->cumulative_r : 0;
  append(&walk->marks, &run->marks);
  append(&walk->trades, &run->trades);
  for (int64_t i = before; i < walk->marks.count; i++) mark_at(walk, i)->cumulative_r += r;
  add_counts(input, run);
}

static enum status trade_window(struct walk *walk, const struct sweep *sweep, int at, double equity, struct performance_input *input) {
  struct walk_window *window = &walk->windows[at];
  window->equity_start = window->equity_end = equity;
  window->set = equity >= equity_min_usd ? sweep_best(sweep, 1 + at) : -1;
  if (window->set < 0) return STATUS_OK;
  static struct sweep_play play;
  struct sweep_period period = {.from_ms = window->out_from, .to_ms = window->out_to};
  enum status status = sweep_play(sweep, &period, window->set, equity, false, &play);
  if (!status) {
    memcpy(window->out.figure, play.run.performance.figure, sizeof window->out.figure);
    window->out.daily = play.run.performance.daily;
    text_copy(window->out.digest, sizeof window->out.digest, play.run.digest);
    window->equity_end = decimal_to_double(play.run.end_equity_usd);
    join(walk, &play.run, input);
  }
  sweep_play_close(&play);
  return status;
}

static void fill_drawdowns(struct walk *walk) {
  double peak = walk->marks.count > 0 ? mark_at(walk, 0)->equity_usd : 0;
  for (int64_t i = 0; i < walk->marks.count; i++) {
    struct equity_point *mark = mark_at(walk, i);
    if (mark->equity_usd > peak) peak = mark->equity_usd;
    mark->drawdown = peak > 0 ? (peak - mark->equity_usd) / peak : 0;
  }
}

static void compute_figures(struct walk *walk, struct performance_input *input) {
  for (int i = 0; i < figure_count; i++) walk->performance.figure[i] = NAN;
  if (walk->marks.count == 0) return;
  fill_drawdowns(walk);
  input->trades = (const struct trade *)(const void *)walk->trades.data;
  input->trade_count = (int32_t)walk->trades.count;
  input->marks = mark_at(walk, 0);
  input->mark_count = walk->marks.count;
  input->from = walk->windows[0].out_from;
  input->to = walk->windows[walk->window_count - 1].out_to;
  double *scratch = calloc((size_t)(walk->trades.count + 2 * ((input->to - input->from) / DAY_MS + 4)), sizeof *scratch);
  check(scratch != NULL);
  performance_compute(input, scratch, &walk->performance);
  free(scratch);
}

/* Means over the windows that have a value. */
static void judge(struct walk *walk, const struct sweep *sweep) {
  double in = 0;
  double out = 0;
  int in_count = 0;
  int out_count = 0;
  int profits = 0;
  for (int i = 0; i < walk->window_count; i++) {
    const struct walk_window *window = &walk->windows[i];
    if (window->set < 0) continue;
    double in_r = sweep_figures_of(sweep, 1 + i, window->set)->figure[FIGURE_average_r];
    double out_r = window->out.figure[FIGURE_average_r];
    if (isfinite(in_r)) in += in_r;
    in_count += isfinite(in_r) ? 1 : 0;
    if (isfinite(out_r)) out += out_r;
    out_count += isfinite(out_r) ? 1 : 0;
    profits += window->equity_end > window->equity_start ? 1 : 0;
  }
  bool is_known = in_count > 0 && out_count > 0 && in != 0;
  walk->efficiency = is_known ? (out / out_count) / (in / in_count) : NAN;
  walk->stability = (double)profits / walk->window_count;
}

enum status walk_trade(struct walk *walk, const struct sweep *sweep) {
  const struct app *app = sweep->app;
  double equity = sweep->options->wiring.starting_balance;
  if (!isfinite(equity)) equity = app->settings.paper_starting_balance;
  struct performance_input input = {.market_change = NAN, .reference_change = NAN};
  enum status status = STATUS_OK;
  if (!app->is_quiet) progress_begin("out-of-sample", walk->window_count);
  for (int i = 0; i < walk->window_count && !status; i++) {
    status = trade_window(walk, sweep, i, equity, &input);
    equity = walk->windows[i].equity_end;
    if (!app->is_quiet) progress_set(i + 1);
  }
  if (!app->is_quiet) progress_end();
  if (status) return status;
  walk->left_open = input.left_open;
  compute_figures(walk, &input);
  judge(walk, sweep);
  return STATUS_OK;
}

int walk_chosen(const struct walk *walk, const struct sweep_space *space, int axis, int index) {
  int count = 0;
  for (int i = 0; i < walk->window_count; i++) {
    if (walk->windows[i].set >= 0 && sweep_space_index(space, walk->windows[i].set, axis) == index) ++count;
  }
  return count;
}

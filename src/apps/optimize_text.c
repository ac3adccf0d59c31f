/* A search on the terminal: stamps first, the best sets, walk-forward windows, Monte Carlo, warnings. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "apps/answers.h"
#include "apps/optimize.h"
#include "base/calendar.h"
#include "base/check.h"

enum { COLUMNS_MAX = SWEEP_AXES_MAX + 16 };

int search_warnings(const struct search *search, struct result_warning out[SEARCH_WARNINGS_MAX]) {
  const struct sweep *sweep = search->sweep;
  const struct preset_position_config *position = &search->result.wiring->preset.preset.position_config;
  int count = 0;
  if (!search->has_best)
    snprintf(out[count++].text, sizeof out->text,
             "no set has an objective: fewer than %lld trades each, or it is undefined (--min-trades, --objective)",
             (long long)sweep->objective.min_trades);
  if (search->has_best && search->rows[0].is_spike)
    snprintf(out[count++].text, sizeof out->text, "the best set is a spike: its neighbours reach %.0f %% of its objective",
             100 * search->rows[0].plateau);
  if (search->has_best && search->rows[0].deflated_sharpe < 0.95)
    snprintf(out[count++].text, sizeof out->text, "deflated Sharpe %.2f: the best of %d lucky sets may look like this",
             search->rows[0].deflated_sharpe, sweep->valid_count);
  if (search->walk == NULL) {
    snprintf(out[count++].text, sizeof out->text, "all figures are in-sample: --walk-forward tells what the choice would have earned");
    return count;
  }
  const struct walk *walk = search->walk;
  int idle = 0;
  for (int i = 0; i < walk->window_count; i++) idle += walk->windows[i].set < 0 ? 1 : 0;
  if (idle > 0)
    snprintf(out[count++].text, sizeof out->text, "%d of %d windows were not traded: no set had an objective in-sample", idle, walk->window_count);
  double hold_hours = position->max_hold_time_hours;
  if (isfinite(position->exit_rules.max_hold_time_hours)) hold_hours = fmin(hold_hours, position->exit_rules.max_hold_time_hours);
  if (hold_hours * (double)HOUR_MS > (double)walk->options.purge_ms)
    snprintf(out[count++].text, sizeof out->text, "positions may be held for %.0f h, longer than the purge gap of %.1f h", hold_hours,
             (double)walk->options.purge_ms / (double)HOUR_MS);
  return count;
}

/* ---- cells ---- */

static void add_number(struct table *table, double value, int places, bool is_colored) {
  char text[48] = "-";
  if (isfinite(value)) snprintf(text, sizeof text, "%.*f", places, value);
  if (is_colored && isfinite(value) && value != 0) {
    table_add_colored(table, text, value > 0 ? "32" : "31");
  } else {
    table_add(table, text);
  }
}

static void add_day(struct table *table, int64_t ts) {
  struct calendar date;
  char text[32];
  calendar_from_ms(ts, &date);
  snprintf(text, sizeof text, "%04d-%02d-%02d %02d:%02d", date.year, date.month, date.day, date.hour, date.minute);
  table_add(table, text);
}

/* Columns of which those of the axes have the last part of their keys as title. */
struct columns {
  struct table_column column[COLUMNS_MAX];
  int count;
};

static void add_columns(struct columns *columns, const char *const *titles, int count) {
  for (int i = 0; i < count; i++) columns->column[columns->count++] = (struct table_column){titles[i], TABLE_RIGHT};
}

static void add_axes(struct columns *columns, const struct sweep_space *space) {
  for (int i = 0; i < space->axis_count; i++) {
    const char *dot = strrchr(space->axes[i].path, '.');
    columns->column[columns->count++] = (struct table_column){dot != NULL ? dot + 1 : space->axes[i].path, TABLE_RIGHT};
  }
}

static void add_values(struct table *table, const struct sweep_space *space, int set) {
  for (int i = 0; i < space->axis_count; i++) table_add(table, set < 0 ? "-" : sweep_space_value(space, set, i));
}

static void print_table(struct table *table, bool has_colors, struct buffer *out) {
  table->has_colors = has_colors;
  table_print(table, out);
  table_deinit(table);
  buffer_add_text(out, "\n");
}

/* ---- best sets ---- */

/* Means over the windows of walk-forward: in-sample of this set, and out-of-sample where it was chosen. */
static void add_walk_cells(struct table *table, const struct search *search, int set) {
  double in = 0;
  double out = 0;
  int in_count = 0;
  int out_count = 0;
  int chosen = 0;
  for (int i = 0; i < search->walk->window_count; i++) {
    double in_r = sweep_figures_of(search->sweep, 1 + i, set)->figure[FIGURE_average_r];
    if (isfinite(in_r)) in += in_r;
    in_count += isfinite(in_r) ? 1 : 0;
    if (search->walk->windows[i].set != set) continue;
    double out_r = search->walk->windows[i].out.figure[FIGURE_average_r];
    ++chosen;
    if (isfinite(out_r)) out += out_r;
    out_count += isfinite(out_r) ? 1 : 0;
  }
  add_number(table, in_count > 0 ? in / in_count : NAN, 3, true);
  add_number(table, out_count > 0 ? out / out_count : NAN, 3, true);
  add_number(table, chosen, 0, false);
}

static void add_set(struct table *table, const struct search *search, int rank) {
  const struct sweep_row *row = &search->rows[rank];
  const double *figure = sweep_figures_of(search->sweep, 0, row->set)->figure;
  add_number(table, rank + 1, 0, false);
  add_number(table, row->set + 1, 0, false);
  add_values(table, &search->sweep->space, row->set);
  add_number(table, row->objective, 3, false);
  add_number(table, figure[FIGURE_total_trades], 0, false);
  add_number(table, 100 * figure[FIGURE_win_rate], 1, false);
  add_number(table, figure[FIGURE_average_r], 3, true);
  add_number(table, figure[FIGURE_profit_factor], 2, false);
  add_number(table, figure[FIGURE_net_profit_usd], 2, true);
  add_number(table, 100 * figure[FIGURE_max_drawdown], 2, false);
  add_number(table, figure[FIGURE_sharpe], 2, false);
  add_number(table, row->deflated_sharpe, 3, false);
  char plateau[32] = "-";
  if (isfinite(row->plateau)) snprintf(plateau, sizeof plateau, "%.2f%s", row->plateau, row->is_spike ? " spike" : "");
  table_add(table, plateau);
  if (search->walk != NULL) add_walk_cells(table, search, row->set);
}

static void add_sets(const struct search *search, bool has_colors, struct buffer *out) {
  static const char *const left[] = {"Rank", "Set"};
  static const char *const right[] = {"Trades", "Win %", "Average R", "Profit f.", "Net USD", "Drawdown %", "Sharpe", "Deflated", "Plateau"};
  static const char *const walked[] = {"In-sample R", "Out-of-sample R", "Chosen"};
  const char *objective = sweep_objective_name(&search->sweep->objective);
  struct columns columns = {0};
  add_columns(&columns, left, 2);
  add_axes(&columns, &search->sweep->space);
  add_columns(&columns, &objective, 1);
  add_columns(&columns, right, 9);
  if (search->walk != NULL) add_columns(&columns, walked, 3);
  struct table table;
  table_init(&table, columns.column, (size_t)columns.count, TABLE_TEXT);
  int count = search->row_count < search->top ? search->row_count : search->top;
  for (int i = 0; i < count; i++) add_set(&table, search, i);
  print_table(&table, has_colors, out);
}

/* ---- walk-forward ---- */

static void add_window(struct table *table, const struct search *search, int at) {
  const struct walk_window *window = &search->walk->windows[at];
  const struct sweep *sweep = search->sweep;
  static const struct sweep_figures nothing;
  bool is_traded = window->set >= 0;
  const struct sweep_figures *in = is_traded ? sweep_figures_of(sweep, 1 + at, window->set) : &nothing;
  add_number(table, at + 1, 0, false);
  add_day(table, window->in_from);
  add_day(table, window->out_from);
  add_day(table, window->out_to);
  add_number(table, is_traded ? window->set + 1.0 : (double)NAN, 0, false);
  add_values(table, &sweep->space, window->set);
  add_number(table, is_traded ? sweep_objective_value(&sweep->objective, in) : NAN, 3, false);
  add_number(table, is_traded ? in->figure[FIGURE_total_trades] : NAN, 0, false);
  add_number(table, is_traded ? in->figure[FIGURE_average_r] : NAN, 3, true);
  add_number(table, is_traded ? window->out.figure[FIGURE_total_trades] : NAN, 0, false);
  add_number(table, is_traded ? window->out.figure[FIGURE_average_r] : NAN, 3, true);
  add_number(table, window->equity_end - window->equity_start, 2, true);
}

static void add_frequencies(const struct search *search, struct buffer *out) {
  const struct sweep_space *space = &search->sweep->space;
  for (int axis = 0; axis < space->axis_count; axis++) {
    buffer_add_format(out, "%s %s:", axis == 0 ? "Chosen:  " : "         ", space->axes[axis].path);
    for (int i = 0; i < space->axes[axis].count; i++) {
      int count = walk_chosen(search->walk, space, axis, i);
      if (count > 0) buffer_add_format(out, " %s (%d)", space->axes[axis].values[i], count);
    }
    buffer_add_text(out, "\n");
  }
}

static void add_walk(const struct search *search, bool has_colors, struct buffer *out) {
  static const char *const left[] = {"Window", "In-sample from", "Out-of-sample from", "to", "Set"};
  static const char *const right[] = {"In-sample trades", "Average R", "Out-of-sample trades", "Average R", "Net USD"};
  const char *objective = sweep_objective_name(&search->sweep->objective);
  const struct walk *walk = search->walk;
  const double *figure = walk->performance.figure;
  struct columns columns = {0};
  add_columns(&columns, left, 5);
  add_axes(&columns, &search->sweep->space);
  add_columns(&columns, &objective, 1);
  add_columns(&columns, right, 5);
  struct table table;
  table_init(&table, columns.column, (size_t)columns.count, TABLE_TEXT);
  for (int i = 0; i < walk->window_count; i++) add_window(&table, search, i);
  buffer_add_text(out, "Walk-forward\n");
  print_table(&table, has_colors, out);
  static const enum performance_figure joined[] = {FIGURE_total_trades, FIGURE_win_rate,     FIGURE_average_r, FIGURE_net_profit_usd,
                                                   FIGURE_total_return, FIGURE_max_drawdown, FIGURE_sharpe,    FIGURE_profit_factor};
  buffer_add_text(out, "Out of sample, joined:");
  for (size_t i = 0; i < sizeof joined / sizeof joined[0]; i++) {
    char value[RESULT_VALUE_MAX];
    result_figure_text(joined[i], figure[joined[i]], value);
    buffer_add_format(out, "%s %s %s", i > 0 ? "," : "", figure_names[joined[i]], value);
  }
  buffer_add_text(out, "\n");
  if (isfinite(walk->efficiency)) buffer_add_format(out, "Efficiency %.2f (out-of-sample over in-sample average R), ", walk->efficiency);
  buffer_add_format(out, "stability %.2f (share of windows with a profit)\n", walk->stability);
  add_frequencies(search, out);
  buffer_add_text(out, "\n");
}

/* ---- Monte Carlo ---- */

static void add_monte_carlo(const struct monte_carlo *monte_carlo, bool has_colors, struct buffer *out) {
  static const struct table_column columns[] = {{"Monte Carlo", TABLE_LEFT},
                                                {"Return 5 %", TABLE_RIGHT},
                                                {"50 %", TABLE_RIGHT},
                                                {"95 %", TABLE_RIGHT},
                                                {"Drawdown 50 %", TABLE_RIGHT},
                                                {"95 %", TABLE_RIGHT},
                                                {"Losing run 95 %", TABLE_RIGHT},
                                                {"Reaches kill limit", TABLE_RIGHT},
                                                {"p-value", TABLE_RIGHT}};
  struct table table;
  table_init(&table, columns, sizeof columns / sizeof columns[0], TABLE_TEXT);
  for (int i = 0; i < monte_carlo_kind_count; i++) {
    const struct monte_carlo_result *result = &monte_carlo->kinds[i];
    table_add(&table, monte_carlo_kind_names[i]);
    add_number(&table, 100 * result->total_return[0], 2, true);
    add_number(&table, 100 * result->total_return[2], 2, true);
    add_number(&table, 100 * result->total_return[4], 2, true);
    add_number(&table, 100 * result->max_drawdown[2], 2, false);
    add_number(&table, 100 * result->max_drawdown[4], 2, false);
    add_number(&table, result->losing_run[4], 0, false);
    add_number(&table, result->kill_probability, 4, false);
    add_number(&table, result->p_value, 4, false);
  }
  buffer_add_format(out, "%lld draws of the %d trades of the best set, blocks of %d, return and drawdown in %%\n",
                    (long long)monte_carlo->options.draws, monte_carlo->trades, monte_carlo->options.block);
  print_table(&table, has_colors, out);
}

void search_text(const struct search *search, bool has_colors, struct buffer *out) {
  const struct sweep *sweep = search->sweep;
  const struct result *result = &search->result;
  const char *stamps[RESULT_STAMPS_MAX];
  struct result_warning warnings[SEARCH_WARNINGS_MAX];
  int count = result_stamps(result, stamps);
  buffer_add_text(out, "Stamps:   ");
  for (int i = 0; i < count; i++) buffer_add_format(out, "%s%s", i > 0 ? ", " : "", stamps[i]);
  buffer_add_format(out, "%s\nPreset:   %s (%.12s)\n", count == 0 ? "none" : "", result->wiring->preset.preset.name, result->wiring->preset.hash);
  buffer_add_format(out, "Search:   %s, %d sets: %d run, %d against bounds or rules", sweep_method_names[search->method], sweep->space.set_count,
                    sweep->valid_count, sweep->space.set_count - sweep->valid_count);
  if (sweep->space.repeated > 0) buffer_add_format(out, ", %d drawn again", sweep->space.repeated);
  buffer_add_format(out, "; objective %s, at least %lld trades\n\n", sweep_objective_name(&sweep->objective), (long long)sweep->objective.min_trades);
  add_sets(search, has_colors, out);
  if (search->walk != NULL) add_walk(search, has_colors, out);
  if (search->has_monte_carlo) add_monte_carlo(&search->monte_carlo, has_colors, out);
  count = search_warnings(search, warnings);
  for (int i = 0; i < count; i++) buffer_add_format(out, "Warning:  %s\n", warnings[i].text);
  if (search->has_best) {
    buffer_add_text(out, "Alone:    breakout backtest");
    for (int i = 0; i < sweep->space.axis_count; i++)
      buffer_add_format(out, " --set-key %s=%s", sweep->space.axes[i].path, sweep_space_value(&sweep->space, search->rows[0].set, i));
    buffer_add_format(out, " ... has digest %.12s\n", search->best.run.digest);
  }
  buffer_add_format(out, "Digest:   %s\nDataset:  %s\n", search->digest, search->best.run.dataset_checksum);
  if (result->run_id[0] != '\0') buffer_add_format(out, "Run:      %s, %.1f s\n", result->run_id, (double)result->duration_ms / 1000);
}

/* ---- from a stored document ---- */

static void add_typed(void *context, const char *key, const struct json *value) {
  (void)key;
  table_add(context, json_kind(value) == JSON_STRING ? json_string(value) : "-");
}

static size_t size_of_values(const struct json *row) {
  const struct json *values = json_kind(row) == JSON_OBJECT ? json_member(row, "values") : NULL;
  return values != NULL && json_kind(values) == JSON_OBJECT ? json_size(values) : 0;
}

static void add_stored_set(struct table *table, const struct json *row) {
  add_number(table, answers_number(row, "rank"), 0, false);
  add_number(table, answers_number(row, "set"), 0, false);
  if (size_of_values(row) > 0) json_each(json_member(row, "values"), add_typed, table);
  add_number(table, answers_number(row, "objective"), 3, false);
  add_number(table, answers_number(row, "total_trades"), 0, false);
  add_number(table, answers_number(row, "average_r"), 3, true);
  add_number(table, answers_number(row, "net_profit_usd"), 2, true);
  add_number(table, 100 * answers_number(row, "max_drawdown"), 2, false);
  add_number(table, answers_number(row, "deflated_sharpe"), 3, false);
  add_number(table, answers_number(row, "plateau"), 2, false);
}

static void add_key_column(void *context, const char *key, const struct json *value) {
  struct columns *columns = context;
  const char *dot = strrchr(key, '.');
  (void)value;
  columns->column[columns->count++] = (struct table_column){dot != NULL ? dot + 1 : key, TABLE_RIGHT};
}

void search_text_document(const struct json *document, bool has_colors, struct buffer *out) {
  enum { SHOWN = 20 };
  static const char *const left[] = {"Rank", "Set"};
  static const char *const right[] = {"Objective", "Trades", "Average R", "Net USD", "Drawdown %", "Deflated", "Plateau"};
  const struct json *sets = json_member(document, "sets");
  const struct json *search = json_member(document, "search");
  const struct json *walk = json_member(document, "walk_forward");
  size_t count = json_size(sets);
  struct columns columns = {0};
  struct table table;
  buffer_add_format(out, "Preset:   %s\nSearch:   %s, %.0f sets, objective %s\n\n", answers_text(json_member(document, "preset"), "name"),
                    answers_text(search, "method"), answers_number(search, "sets"), answers_text(search, "objective"));
  add_columns(&columns, left, 2);
  size_t keys = count > 0 ? size_of_values(json_item(sets, 0)) : 0;
  if (keys > 0 && keys <= SWEEP_AXES_MAX) json_each(json_member(json_item(sets, 0), "values"), add_key_column, &columns);
  if (keys > SWEEP_AXES_MAX) count = 0; /* not one of ours */
  add_columns(&columns, right, 7);
  table_init(&table, columns.column, (size_t)columns.count, TABLE_TEXT);
  for (size_t i = 0; i < count && i < SHOWN; i++) {
    if (size_of_values(json_item(sets, i)) == keys) add_stored_set(&table, json_item(sets, i));
  }
  print_table(&table, has_colors, out);
  if (walk != NULL && json_kind(walk) == JSON_OBJECT)
    buffer_add_format(out, "Walk-forward: efficiency %.2f, stability %.2f, net %.2f USD out of sample\n", answers_number(walk, "efficiency"),
                      answers_number(walk, "stability"), answers_number(json_member(walk, "metrics"), "net_profit_usd"));
  buffer_add_format(out, "Digest:   %s\nRun:      %s\n", answers_text(document, "digest"), answers_text(document, "run_id"));
}

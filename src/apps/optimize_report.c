/* A search as one HTML file. The surface is drawn for each pair of keys: every field is the best objective over all values of the other keys. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "apps/optimize.h"
#include "apps/report_page.h"
#include "apps/report_plot.h"
#include "base/calendar.h"
#include "base/check.h"
#include "base/version.h"
#include "runner/preset_print.h"

enum { BINS_MAX = 40, RANGE_BINS = 12, NUMBERED_COLUMNS_MAX = 14, WINDOW_BAR_HEIGHT = 200 };

static const char surface_style[] =
    "<style>.heat{border-collapse:separate;border-spacing:2px;width:auto;min-width:min(100%,28rem);font-size:.8rem}.heat th,.heat "
    "td{border:0;padding:5px 7px;"
    "text-align:center}.heat th:first-child{position:sticky;left:0;background:var(--card);text-align:right}"
    ".heat td{background:var(--soft);border-radius:3px;min-width:30px;height:28px}"
    ".heat .p{background:color-mix(in srgb,var(--up) var(--v),var(--card))}.heat .n{background:color-mix(in srgb,var(--down) var(--v),var(--card))}"
    ".heat .best{outline:2px solid var(--ink);outline-offset:-1px;font-weight:700}.heat td.null{color:var(--dim)}"
    ".axis-name{color:var(--dim);font-size:.8rem;overflow-wrap:anywhere}"
    ".spike{color:var(--down);font-weight:600}.bar.in{fill:var(--line);stroke:none;fill-opacity:.35}"
    "@media print{.heat td{print-color-adjust:exact;-webkit-print-color-adjust:exact}}</style>";

/* ---- head ---- */

static void add_head(const struct search *search, struct buffer *out) {
  const struct sweep *sweep = search->sweep;
  const struct run *run = &search->best.run;
  page_begin("Search of ", search->result.wiring->preset.preset.name, out);
  page_minute(out, run->started_at);
  buffer_add_text(out, " to ");
  page_minute(out, run->ended_at);
  buffer_add_format(out, " UTC &middot; %d symbols &middot; %s, %d sets: %d run, %d against bounds or rules &middot; objective ",
                    source_symbol_count(search->result.wiring->source), sweep_method_names[search->method], sweep->space.set_count,
                    sweep->valid_count, sweep->space.set_count - sweep->valid_count);
  page_words(out, sweep_objective_name(&sweep->objective));
  buffer_add_format(out, ", at least %lld trades", (long long)sweep->objective.min_trades);
  if (search->result.run_id[0] != '\0') buffer_add_format(out, " &middot; run %s", search->result.run_id);
  buffer_add_format(out, "</p>%s", surface_style);
  const char *stamps[RESULT_STAMPS_MAX];
  int count = result_stamps(&search->result, stamps);
  buffer_add_text(out, count > 0 ? "<div class=stamps>" : "");
  for (int i = 0; i < count; i++) {
    buffer_add_text(out, "<span>");
    page_words(out, stamps[i]);
    buffer_add_text(out, "</span>");
  }
  buffer_add_text(out, count > 0 ? "</div>" : "");
}

static void add_card(struct buffer *out, const char *name, const char *text, const char *class_name) {
  buffer_add_format(out, "<div class=card><b class='%s'>%s</b><span>", class_name, text);
  page_words(out, name);
  buffer_add_text(out, "</span></div>");
}

static void add_number_card(struct buffer *out, const char *name, double value, int places) {
  char text[48] = "-";
  if (isfinite(value)) snprintf(text, sizeof text, "%.*f", places, value);
  add_card(out, name, text, "");
}

static void add_cards(const struct search *search, struct buffer *out) {
  static const enum performance_figure shown[] = {FIGURE_total_trades, FIGURE_average_r, FIGURE_net_profit_usd,
                                                  FIGURE_max_drawdown, FIGURE_sharpe,    FIGURE_profit_factor};
  if (!search->has_best) return;
  const struct sweep_row *row = &search->rows[0];
  const double *figure = search->best.run.performance.figure;
  buffer_add_format(out, "<h2>Best set: %d</h2><p>", row->set + 1);
  for (int i = 0; i < search->sweep->space.axis_count; i++) {
    buffer_add_text(out, i > 0 ? " &middot; " : "");
    page_escaped(out, search->sweep->space.axes[i].path);
    buffer_add_text(out, " = <b>");
    page_escaped(out, sweep_space_value(&search->sweep->space, row->set, i));
    buffer_add_text(out, "</b>");
  }
  buffer_add_text(out, "</p><div class=cards>");
  add_number_card(out, sweep_objective_name(&search->sweep->objective), row->objective, 3);
  for (size_t i = 0; i < sizeof shown / sizeof shown[0]; i++) {
    char text[RESULT_VALUE_MAX];
    bool is_signed = shown[i] == FIGURE_net_profit_usd || shown[i] == FIGURE_average_r;
    result_figure_text(shown[i], figure[shown[i]], text);
    add_card(out, figure_names[shown[i]], text, is_signed ? page_sign(figure[shown[i]]) : "");
  }
  add_number_card(out, "deflated Sharpe", row->deflated_sharpe, 3);
  add_number_card(out, row->is_spike ? "plateau (spike)" : "plateau", row->plateau, 2);
  buffer_add_text(out, "</div>");
}

static void add_warnings(const struct search *search, struct buffer *out) {
  struct result_warning warnings[SEARCH_WARNINGS_MAX];
  int count = search_warnings(search, warnings);
  if (count == 0) return;
  buffer_add_text(out, "<div class=panel><ul>");
  for (int i = 0; i < count; i++) {
    buffer_add_text(out, "<li>");
    page_escaped(out, warnings[i].text);
    buffer_add_text(out, "</li>");
  }
  buffer_add_text(out, "</ul></div>");
}

/* ---- surface ---- */

/* The values of an axis as rows or columns; a drawn range is cut into equal parts. */
static int bins_of(const struct sweep_axis *axis) {
  if (axis->is_range) return RANGE_BINS;
  return axis->count < BINS_MAX ? axis->count : BINS_MAX;
}

static int bin_of(const struct sweep_space *space, int set, int at) {
  const struct sweep_axis *axis = &space->axes[at];
  int bins = bins_of(axis);
  if (!axis->is_range) return (int)((int64_t)sweep_space_index(space, set, at) * bins / axis->count);
  double value = axis->low;
  (void)text_parse_double(sweep_space_value(space, set, at), &value);
  int bin = axis->high > axis->low ? (int)((value - axis->low) / (axis->high - axis->low) * bins) : 0;
  return bin < 0 ? 0 : bin < bins ? bin : bins - 1;
}

static void add_bin(const struct sweep_axis *axis, int bin, struct buffer *out) {
  if (axis->is_range) {
    buffer_add_format(out, "%.4g", axis->low + (axis->high - axis->low) * bin / bins_of(axis));
    return;
  }
  page_escaped(out, axis->values[(int64_t)bin * axis->count / bins_of(axis)]);
}

struct surface {
  const struct search *search;
  int row_axis, column_axis; /* row_axis -1: a single key */
  int rows, columns;
  int best[BINS_MAX][BINS_MAX]; /* rank of the best set in the field, -1 none */
  double low, high;             /* of the objectives shown */
};

static void fill_surface(struct surface *surface) {
  const struct search *search = surface->search;
  const struct sweep_space *space = &search->sweep->space;
  surface->rows = surface->row_axis < 0 ? 1 : bins_of(&space->axes[surface->row_axis]);
  surface->columns = bins_of(&space->axes[surface->column_axis]);
  surface->low = INFINITY;
  surface->high = -INFINITY;
  for (int r = 0; r < surface->rows; r++) {
    for (int c = 0; c < surface->columns; c++) surface->best[r][c] = -1;
  }
  for (int rank = 0; rank < search->row_count; rank++) {
    int set = search->rows[rank].set;
    int row = surface->row_axis < 0 ? 0 : bin_of(space, set, surface->row_axis);
    int *field = &surface->best[row][bin_of(space, set, surface->column_axis)];
    if (*field >= 0) continue; /* rows are in order: the first is the best */
    *field = rank;
    double value = search->rows[rank].objective;
    if (isnan(value)) continue;
    surface->low = fmin(surface->low, value);
    surface->high = fmax(surface->high, value);
  }
}

/* Gains are green and losses red, the stronger the further from 0; where less is better, the least is the strongest. */
static double strength_of(const struct surface *surface, double value, bool *is_gain) {
  bool is_smaller_better = surface->search->sweep->objective.is_smaller_better;
  double range = is_smaller_better ? surface->high - surface->low : fmax(fabs(surface->low), fabs(surface->high));
  *is_gain = is_smaller_better || value >= 0;
  if (!(range > 0)) return 1;
  return is_smaller_better ? (surface->high - value) / range : fabs(value) / range;
}

static void add_field(const struct surface *surface, int rank, struct buffer *out) {
  static const double strongest = 58; /* %: text stays readable on it */
  const struct search *search = surface->search;
  if (rank < 0) {
    buffer_add_text(out, "<td class=null title='no set here keeps the bounds and rules'></td>");
    return;
  }
  const struct sweep_row *row = &search->rows[rank];
  if (isnan(row->objective)) {
    buffer_add_format(out, "<td class=null title='set %d: no objective'>&ndash;</td>", row->set + 1);
    return;
  }
  bool is_gain;
  double strength = strength_of(surface, row->objective, &is_gain);
  buffer_add_format(out, "<td class='%s%s' style='--v:%.0f%%' title='set %d: %.6g'>", is_gain ? "p" : "n", rank == 0 ? " best" : "",
                    strongest * strength, row->set + 1, row->objective);
  if (surface->columns <= NUMBERED_COLUMNS_MAX) buffer_add_format(out, "%.3g", row->objective);
  buffer_add_text(out, "</td>");
}

static void add_surface(const struct search *search, int row_axis, int column_axis, struct buffer *out) {
  static struct surface surface;
  const struct sweep_axis *axes = search->sweep->space.axes;
  surface = (struct surface){.search = search, .row_axis = row_axis, .column_axis = column_axis};
  fill_surface(&surface);
  buffer_add_text(out, "<div class=panel><p class=axis-name>");
  if (row_axis >= 0) page_escaped(out, axes[row_axis].path);
  buffer_add_text(out, row_axis >= 0 ? " (down), " : "");
  page_escaped(out, axes[column_axis].path);
  buffer_add_text(out, " (right)</p><div class=scroll><table class=heat><tr><th></th>");
  for (int c = 0; c < surface.columns; c++) {
    buffer_add_text(out, "<th>");
    add_bin(&axes[column_axis], c, out);
    buffer_add_text(out, "</th>");
  }
  buffer_add_text(out, "</tr>");
  for (int r = 0; r < surface.rows; r++) {
    buffer_add_text(out, "<tr><th>");
    if (row_axis >= 0) add_bin(&axes[row_axis], r, out);
    buffer_add_text(out, "</th>");
    for (int c = 0; c < surface.columns; c++) add_field(&surface, surface.best[r][c], out);
    buffer_add_text(out, "</tr>");
  }
  buffer_add_text(out, "</table></div></div>");
}

static void add_surfaces(const struct search *search, struct buffer *out) {
  const struct sweep_space *space = &search->sweep->space;
  if (space->axis_count == 0) return;
  buffer_add_text(out, "<h2>Surface</h2><p class='dim small'>Each field shows the best ");
  page_words(out, sweep_objective_name(&search->sweep->objective));
  buffer_add_text(out,
                  " over the other keys; a good choice stands among good neighbours. A dash: too few trades; an empty field: against the rules.</p>");
  buffer_add_text(out, space->axis_count > 2 ? "<div class=two>" : "<div>");
  if (space->axis_count == 1) add_surface(search, -1, 0, out);
  for (int a = 0; a < space->axis_count; a++) {
    for (int b = a + 1; b < space->axis_count; b++) add_surface(search, a, b, out);
  }
  buffer_add_text(out, "</div>");
}

/* How many sets reach which objective: is the best one of many, or far out alone? */
static void add_spread(const struct search *search, struct buffer *out) {
  int bins[BINS_MAX] = {0};
  int count = 0;
  int most = 0;
  double low = INFINITY;
  double high = -INFINITY;
  for (int i = 0; i < search->row_count && isfinite(search->rows[i].objective); i++, count++) {
    low = fmin(low, search->rows[i].objective);
    high = fmax(high, search->rows[i].objective);
  }
  if (count < 3 || !(high > low)) return;
  int shown = count < 4 * BINS_MAX ? (count + 3) / 4 + 4 : BINS_MAX;
  double width = (high - low) / shown;
  for (int i = 0; i < count; i++) {
    int bin = (int)((search->rows[i].objective - low) / width);
    if (++bins[bin < shown ? bin : shown - 1] > most) most = bins[bin < shown ? bin : shown - 1];
  }
  struct plot plot = {.out = out, .x_min = low, .x_max = high, .y_min = 0, .y_max = most * 1.08, .height = 180};
  buffer_add_text(out, "<div class=panel><h3>Sets by objective</h3>");
  plot_begin(&plot, "histogram of the objective over all sets");
  plot_grid(&plot);
  plot_path_begin(&plot, "bar up");
  for (int i = 0; i < shown; i++) {
    if (bins[i] > 0) plot_box(&plot, low + (i + 0.06) * width, low + (i + 0.94) * width, 0, bins[i]);
  }
  plot_path_end(&plot);
  plot_end(&plot, "%g", 1, false, "%g");
  buffer_add_text(out, "</div>");
}

/* ---- tables ---- */

static void add_axis_heads(const struct sweep_space *space, struct buffer *out) {
  for (int i = 0; i < space->axis_count; i++) {
    const char *dot = strrchr(space->axes[i].path, '.');
    buffer_add_text(out, "<th title='");
    page_escaped(out, space->axes[i].path);
    buffer_add_text(out, "'>");
    page_words(out, dot != NULL ? dot + 1 : space->axes[i].path);
    buffer_add_text(out, "</th>");
  }
}

static void add_axis_cells(const struct sweep_space *space, int set, struct buffer *out) {
  for (int i = 0; i < space->axis_count; i++) {
    buffer_add_text(out, "<td>");
    page_escaped(out, set < 0 ? "-" : sweep_space_value(space, set, i));
    buffer_add_text(out, "</td>");
  }
}

static void add_best_sets(const struct search *search, struct buffer *out) {
  const struct sweep_space *space = &search->sweep->space;
  int count = search->row_count < search->top ? search->row_count : search->top;
  buffer_add_text(out, "<h2>Best sets</h2><div class=panel><div class=scroll><table><tr><th>Set</th>");
  add_axis_heads(space, out);
  buffer_add_text(out,
                  "<th>Objective</th><th>Trades</th><th>Win %</th><th>Average R</th><th>Profit f.</th><th>Net USD</th><th>Drawdown %</th>"
                  "<th>Sharpe</th><th>Deflated</th><th>Plateau</th></tr>");
  for (int i = 0; i < count; i++) {
    const struct sweep_row *row = &search->rows[i];
    const double *figure = sweep_figures_of(search->sweep, 0, row->set)->figure;
    buffer_add_format(out, "<tr><td>%d</td>", row->set + 1);
    add_axis_cells(space, row->set, out);
    page_cell(out, row->objective, 3, false);
    page_cell(out, figure[FIGURE_total_trades], 0, false);
    page_cell(out, 100 * figure[FIGURE_win_rate], 1, false);
    page_cell(out, figure[FIGURE_average_r], 3, true);
    page_cell(out, figure[FIGURE_profit_factor], 2, false);
    page_cell(out, figure[FIGURE_net_profit_usd], 2, true);
    page_cell(out, 100 * figure[FIGURE_max_drawdown], 2, false);
    page_cell(out, figure[FIGURE_sharpe], 2, false);
    page_cell(out, row->deflated_sharpe, 3, false);
    if (row->is_spike) {
      buffer_add_format(out, "<td class=spike>%.2f spike</td>", row->plateau);
    } else {
      page_cell(out, row->plateau, 2, false);
    }
    buffer_add_text(out, "</tr>");
  }
  buffer_add_format(out, "</table></div><p class='dim small'>%d of %d sets; sets.csv has all with every figure.</p></div>", count, search->row_count);
}

/* ---- walk-forward ---- */

static double r_of(const struct search *search, int at, bool is_out) {
  const struct walk_window *window = &search->walk->windows[at];
  if (window->set < 0) return NAN;
  return (is_out ? &window->out : sweep_figures_of(search->sweep, 1 + at, window->set))->figure[FIGURE_average_r];
}

static void add_window_bars(const struct search *search, struct buffer *out) {
  const struct walk *walk = search->walk;
  struct plot plot = {.out = out, .x_min = 0.5, .x_max = walk->window_count + 0.5, .height = WINDOW_BAR_HEIGHT};
  for (int i = 0; i < 2 * walk->window_count; i++) {
    double r = r_of(search, i / 2, i % 2 == 1);
    if (isfinite(r)) plot.y_min = fmin(plot.y_min, r);
    if (isfinite(r)) plot.y_max = fmax(plot.y_max, r);
  }
  plot_widen(&plot, 0.05);
  buffer_add_text(out, "<div class=panel><h3>Average R of each window: in-sample pale, out-of-sample full</h3>");
  plot_begin(&plot, "average R of each window in-sample and out-of-sample");
  plot_grid(&plot);
  static const char *const classes[] = {"bar in", "bar up", "bar down"};
  for (int k = 0; k < 3; k++) {
    plot_path_begin(&plot, classes[k]);
    for (int i = 0; i < walk->window_count; i++) {
      double r = r_of(search, i, k > 0);
      if (!isfinite(r) || (k > 0 && (r >= 0) != (k == 1))) continue;
      plot_box(&plot, i + 1 + (k == 0 ? -0.38 : 0.04), i + 1 + (k == 0 ? -0.04 : 0.38), 0, r);
    }
    plot_path_end(&plot);
  }
  plot_end(&plot, "%.2g", 1, false, "%g");
  buffer_add_text(out, "</div>");
}

static void add_windows(const struct search *search, struct buffer *out) {
  const struct sweep *sweep = search->sweep;
  buffer_add_text(out, "<div class=panel><div class=scroll><table><tr><th>Window</th><th>Out-of-sample from</th><th>to</th><th>Set</th>");
  add_axis_heads(&sweep->space, out);
  buffer_add_text(out, "<th>In-sample trades</th><th>Average R</th><th>Out-of-sample trades</th><th>Average R</th><th>Net USD</th></tr>");
  for (int i = 0; i < search->walk->window_count; i++) {
    const struct walk_window *window = &search->walk->windows[i];
    bool is_traded = window->set >= 0;
    buffer_add_format(out, "<tr><td>%d</td><td>", i + 1);
    page_minute(out, window->out_from);
    buffer_add_text(out, "</td><td>");
    page_minute(out, window->out_to);
    buffer_add_text(out, "</td>");
    page_cell(out, is_traded ? window->set + 1.0 : (double)NAN, 0, false);
    add_axis_cells(&sweep->space, window->set, out);
    page_cell(out, is_traded ? sweep_figures_of(sweep, 1 + i, window->set)->figure[FIGURE_total_trades] : (double)NAN, 0, false);
    page_cell(out, r_of(search, i, false), 3, true);
    page_cell(out, is_traded ? window->out.figure[FIGURE_total_trades] : (double)NAN, 0, false);
    page_cell(out, r_of(search, i, true), 3, true);
    page_cell(out, window->equity_end - window->equity_start, 2, true);
    buffer_add_text(out, "</tr>");
  }
  buffer_add_text(out, "</table></div></div>");
}

static void add_chosen(const struct search *search, struct buffer *out) {
  const struct sweep_space *space = &search->sweep->space;
  buffer_add_text(out, "<div class=panel><h3>How often each value was chosen</h3><div class=scroll><table>");
  for (int axis = 0; axis < space->axis_count; axis++) {
    buffer_add_text(out, "<tr><td>");
    page_escaped(out, space->axes[axis].path);
    buffer_add_text(out, "</td><td class=text>");
    for (int i = 0; i < space->axes[axis].count; i++) {
      int count = walk_chosen(search->walk, space, axis, i);
      if (count == 0) continue;
      page_escaped(out, space->axes[axis].values[i]);
      buffer_add_format(out, " (%d) ", count);
    }
    buffer_add_text(out, "</td></tr>");
  }
  buffer_add_text(out, "</table></div></div>");
}

static void add_walk(const struct search *search, struct buffer *out) {
  static const enum performance_figure shown[] = {FIGURE_total_trades, FIGURE_average_r, FIGURE_net_profit_usd,
                                                  FIGURE_max_drawdown, FIGURE_sharpe,    FIGURE_profit_factor};
  const struct walk *walk = search->walk;
  if (walk == NULL) return;
  buffer_add_format(
      out,
      "<h2>Walk-forward, out of sample</h2><p class='dim small'>%d windows of %.4g days in-sample and %.4g days out-of-sample, a step of "
      "%.4g days, purge %.4g h, embargo %.4g h. Each window trades the set that was best before it.</p><div class=cards>",
      walk->window_count, (double)walk->options.in_ms / (double)DAY_MS, (double)walk->options.out_ms / (double)DAY_MS,
      (double)walk->options.step_ms / (double)DAY_MS, (double)walk->options.purge_ms / (double)HOUR_MS,
      (double)walk->options.embargo_ms / (double)HOUR_MS);
  add_number_card(out, "efficiency", walk->efficiency, 2);
  add_number_card(out, "stability", walk->stability, 2);
  for (size_t i = 0; i < sizeof shown / sizeof shown[0]; i++) {
    char text[RESULT_VALUE_MAX];
    bool is_signed = shown[i] == FIGURE_net_profit_usd || shown[i] == FIGURE_average_r;
    double value = walk->performance.figure[shown[i]];
    result_figure_text(shown[i], value, text);
    add_card(out, figure_names[shown[i]], text, is_signed ? page_sign(value) : "");
  }
  buffer_add_text(out, "</div>");
  const struct equity_point *marks = (const struct equity_point *)(const void *)walk->marks.data;
  if (walk->marks.count > 0)
    page_equity(marks, walk->marks.count, marks[0].equity_usd, walk->windows[0].out_from, walk->windows[walk->window_count - 1].out_to, out);
  add_window_bars(search, out);
  add_windows(search, out);
  add_chosen(search, out);
}

/* ---- Monte Carlo and the rest ---- */

static void add_monte_carlo(const struct search *search, struct buffer *out) {
  const struct monte_carlo *monte_carlo = &search->monte_carlo;
  if (!search->has_monte_carlo) return;
  buffer_add_format(
      out,
      "<h2>Monte Carlo</h2><div class=panel><p class='dim small'>%lld draws of the %d trades of the best set; return and drawdown in %%.</p>"
      "<div class=scroll><table><tr><th></th>",
      (long long)monte_carlo->options.draws, monte_carlo->trades);
  for (int i = 0; i < MONTE_CARLO_RANKS; i++) buffer_add_format(out, "<th>Return, %d %%</th>", monte_carlo_ranks[i]);
  buffer_add_text(out, "<th>Drawdown, 50 %</th><th>95 %</th><th>Losing run, 95 %</th><th>Reaches kill limit</th><th>p-value</th></tr>");
  for (int i = 0; i < monte_carlo_kind_count; i++) {
    const struct monte_carlo_result *result = &monte_carlo->kinds[i];
    buffer_add_format(out, "<tr><td>%s</td>", monte_carlo_kind_names[i]);
    for (int k = 0; k < MONTE_CARLO_RANKS; k++) page_cell(out, 100 * result->total_return[k], 2, true);
    page_cell(out, 100 * result->max_drawdown[2], 2, false);
    page_cell(out, 100 * result->max_drawdown[4], 2, false);
    page_cell(out, result->losing_run[4], 0, false);
    page_cell(out, result->kill_probability, 4, false);
    page_cell(out, result->p_value, 4, false);
    buffer_add_text(out, "</tr>");
  }
  buffer_add_text(out, "</table></div></div>");
}

static void add_best_equity(const struct search *search, struct buffer *out) {
  const struct run *run = &search->best.run;
  if (!search->has_best || run->marks.count == 0) return;
  buffer_add_format(out, "<h2>Equity of set %d over the whole range, in-sample</h2>", search->rows[0].set + 1);
  page_equity((const struct equity_point *)(const void *)run->marks.data, run->marks.count, decimal_to_double(run->start_balance_usd),
              run->started_at, run->ended_at, out);
}

static void add_foot(const struct search *search, struct buffer *out) {
  struct buffer preset = {0};
  buffer_add_text(out, "<h2>Settings</h2><div class=panel><div class=scroll><table>");
  page_settings(&search->result, out);
  buffer_add_text(out, "</table></div><details><summary>Preset that was varied</summary><pre>");
  preset_print_file(&search->result.wiring->preset.preset, &preset);
  page_escaped(out, preset.data);
  buffer_deinit(&preset);
  buffer_add_format(out, "</pre></details></div><div class=panel><h3>Digest</h3><p class=hash>search %s</p><p class=hash>dataset %s</p>",
                    search->digest, search->best.run.dataset_checksum);
  buffer_add_format(out, "<p class=hash>best set %s</p><p class='dim small'>version %s, seed %lld</p></div>", search->best.run.digest, version_text(),
                    (long long)search->result.seed);
}

void search_html(const struct search *search, struct buffer *out) {
  add_head(search, out);
  add_cards(search, out);
  add_warnings(search, out);
  add_surfaces(search, out);
  add_spread(search, out);
  add_best_sets(search, out);
  add_walk(search, out);
  add_monte_carlo(search, out);
  add_best_equity(search, out);
  add_foot(search, out);
  buffer_add_text(out, "</main></body></html>\n");
}

/* A search as one JSON document and as a table of all sets. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "apps/optimize.h"
#include "apps/result_json.h"

/* The figures of a set that everybody looks at; sets.csv has all. */
static const enum performance_figure shown[] = {FIGURE_total_trades,   FIGURE_win_rate,     FIGURE_average_r,    FIGURE_profit_factor,
                                                FIGURE_net_profit_usd, FIGURE_total_return, FIGURE_max_drawdown, FIGURE_sharpe};

static void add_values(struct json_writer *json, const struct sweep_space *space, int set) {
  json_begin_object(json, "values");
  for (int i = 0; i < space->axis_count; i++) json_add_string(json, space->axes[i].path, sweep_space_value(space, set, i));
  json_end_object(json);
}

static void add_figures(struct json_writer *json, const struct sweep_figures *figures) {
  for (size_t i = 0; i < sizeof shown / sizeof shown[0]; i++) {
    double value = figures->figure[shown[i]];
    if (shown[i] == FIGURE_total_trades && isfinite(value)) {
      json_add_int(json, figure_names[shown[i]], (int64_t)value);
    } else {
      json_add_double(json, figure_names[shown[i]], value);
    }
  }
  json_add_string(json, "digest", figures->digest[0] != '\0' ? figures->digest : NULL);
}

static void add_row(struct json_writer *json, const char *key, const struct search *search, int rank) {
  const struct sweep_row *row = &search->rows[rank];
  json_begin_object(json, key);
  json_add_int(json, "rank", rank + 1);
  json_add_int(json, "set", row->set + 1);
  add_values(json, &search->sweep->space, row->set);
  json_add_double(json, "objective", row->objective);
  json_add_double(json, "plateau", row->plateau);
  json_add_bool(json, "spike", row->is_spike);
  json_add_double(json, "deflated_sharpe", row->deflated_sharpe);
  add_figures(json, sweep_figures_of(search->sweep, 0, row->set));
  json_end_object(json);
}

static void add_axis(struct json_writer *json, const struct sweep_axis *axis) {
  json_begin_object(json, NULL);
  json_add_string(json, "key", axis->path);
  if (axis->is_range) {
    json_add_double(json, "low", axis->low);
    json_add_double(json, "high", axis->high);
  } else {
    json_begin_array(json, "values");
    for (int i = 0; i < axis->count; i++) json_add_string(json, NULL, axis->values[i]);
    json_end_array(json);
  }
  json_end_object(json);
}

static void add_search(struct json_writer *json, const struct search *search) {
  const struct sweep *sweep = search->sweep;
  const struct sweep_space *space = &sweep->space;
  json_begin_object(json, "search");
  json_add_string(json, "method", sweep_method_names[search->method]);
  json_add_string(json, "objective", sweep_objective_name(&sweep->objective));
  json_add_int(json, "min_trades", sweep->objective.min_trades);
  json_add_int(json, "sets", space->set_count);
  json_add_int(json, "valid", sweep->valid_count);
  json_add_int(json, "invalid", space->set_count - sweep->valid_count);
  json_add_int(json, "repeated", space->repeated);
  json_begin_array(json, "parameters");
  for (int i = 0; i < space->axis_count; i++) add_axis(json, &space->axes[i]);
  json_end_array(json);
  json_end_object(json);
}

/* ---- walk-forward ---- */

static void add_window(struct json_writer *json, const struct search *search, int at) {
  const struct walk_window *window = &search->walk->windows[at];
  const struct sweep *sweep = search->sweep;
  json_begin_object(json, NULL);
  json_add_int(json, "in_from", window->in_from);
  json_add_int(json, "in_to", window->in_to);
  json_add_int(json, "out_from", window->out_from);
  json_add_int(json, "out_to", window->out_to);
  json_add_double(json, "equity_start", window->equity_start);
  json_add_double(json, "equity_end", window->equity_end);
  if (window->set < 0) {
    json_add_null(json, "set");
  } else {
    const struct sweep_figures *in = sweep_figures_of(sweep, 1 + at, window->set);
    json_add_int(json, "set", window->set + 1);
    add_values(json, &sweep->space, window->set);
    json_add_double(json, "objective", sweep_objective_value(&sweep->objective, in));
    json_begin_object(json, "in_sample");
    add_figures(json, in);
    json_end_object(json);
    json_begin_object(json, "out_of_sample");
    add_figures(json, &window->out);
    json_end_object(json);
  }
  json_end_object(json);
}

static void add_chosen(struct json_writer *json, const struct search *search) {
  const struct sweep_space *space = &search->sweep->space;
  json_begin_array(json, "chosen");
  for (int axis = 0; axis < space->axis_count; axis++) {
    for (int i = 0; i < space->axes[axis].count; i++) {
      int count = walk_chosen(search->walk, space, axis, i);
      if (count == 0) continue;
      json_begin_object(json, NULL);
      json_add_string(json, "key", space->axes[axis].path);
      json_add_string(json, "value", space->axes[axis].values[i]);
      json_add_int(json, "windows", count);
      json_end_object(json);
    }
  }
  json_end_array(json);
}

static void add_walk(struct json_writer *json, const struct search *search) {
  const struct walk *walk = search->walk;
  json_begin_object(json, "walk_forward");
  json_add_int(json, "in_sample_ms", walk->options.in_ms);
  json_add_int(json, "out_of_sample_ms", walk->options.out_ms);
  json_add_int(json, "step_ms", walk->options.step_ms);
  json_add_int(json, "purge_ms", walk->options.purge_ms);
  json_add_int(json, "embargo_ms", walk->options.embargo_ms);
  json_add_double(json, "efficiency", walk->efficiency);
  json_add_double(json, "stability", walk->stability);
  json_begin_array(json, "windows");
  for (int i = 0; i < walk->window_count; i++) add_window(json, search, i);
  json_end_array(json);
  add_chosen(json, search);
  result_json_metrics(json, &walk->performance);
  json_end_object(json);
}

void search_json(const struct search *search, bool is_pretty, struct buffer *out) {
  struct json_writer json;
  struct result_warning warnings[SEARCH_WARNINGS_MAX];
  json_writer_init(&json, out, is_pretty);
  json_begin_object(&json, NULL);
  result_json_head(&search->result, "optimize", search->digest, &json);
  add_search(&json, search);
  if (search->has_best) {
    add_row(&json, "best", search, 0);
    result_json_metrics(&json, &search->best.run.performance);
  } else {
    json_add_null(&json, "best");
  }
  json_begin_array(&json, "sets");
  for (int i = 0; i < search->row_count; i++) add_row(&json, NULL, search, i);
  json_end_array(&json);
  if (search->walk != NULL) add_walk(&json, search);
  if (search->has_monte_carlo) monte_carlo_json(&search->monte_carlo, "monte_carlo", &json);
  int count = search_warnings(search, warnings);
  json_begin_array(&json, "warnings");
  for (int i = 0; i < count; i++) json_add_string(&json, NULL, warnings[i].text);
  json_end_array(&json);
  json_begin_array(&json, "files");
  for (int i = 0; i < search->result.file_count; i++) json_add_string(&json, NULL, search->result.files[i]);
  json_end_array(&json);
  json_end_object(&json);
  buffer_add_text(out, "\n");
}

/* ---- CSV ---- */

static void add_number(struct buffer *out, double value) {
  char memory[48];
  struct text text;
  buffer_add_text(out, ",");
  if (!isfinite(value)) return;
  text_init(&text, memory, sizeof memory);
  text_add_double(&text, value, 8);
  buffer_add_text(out, memory);
}

void search_csv(const struct search *search, struct buffer *out) {
  const struct sweep_space *space = &search->sweep->space;
  buffer_add_text(out, "rank,set");
  for (int i = 0; i < space->axis_count; i++) buffer_add_format(out, ",%s", space->axes[i].path);
  buffer_add_text(out, ",objective,plateau,spike,deflated_sharpe");
  for (int i = 0; i < figure_count; i++) buffer_add_format(out, ",%s", figure_names[i]);
  buffer_add_text(out, ",digest\n");
  for (int rank = 0; rank < search->row_count; rank++) {
    const struct sweep_row *row = &search->rows[rank];
    const struct sweep_figures *figures = sweep_figures_of(search->sweep, 0, row->set);
    buffer_add_format(out, "%d,%d", rank + 1, row->set + 1);
    for (int i = 0; i < space->axis_count; i++) {
      buffer_add_text(out, ",");
      table_add_csv_cell(out, sweep_space_value(space, row->set, i));
    }
    add_number(out, row->objective);
    add_number(out, row->plateau);
    buffer_add_text(out, row->is_spike ? ",true" : ",false");
    add_number(out, row->deflated_sharpe);
    for (int i = 0; i < figure_count; i++) add_number(out, figures->figure[i]);
    buffer_add_format(out, ",%s\n", figures->digest);
  }
}

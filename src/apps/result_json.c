#include "apps/result_json.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/version.h"
#include "core/strategy/market_filter.h"
#include "runner/preset_print.h"

enum { RESULT_BYTES_MAX = 1 << 30 };

static void add_dataset(struct json_writer *json, const struct result *result) {
  const struct source *source = result->wiring->source;
  char id[17];
  text_copy(id, sizeof id, result->run->dataset_checksum);
  int64_t from;
  int64_t to;
  source_range(source, &from, &to);
  json_begin_object(json, "dataset");
  json_add_string(json, "id", id);
  json_add_string(json, "checksum", result->run->dataset_checksum);
  json_add_int(json, "from", from);
  json_add_int(json, "to", to);
  json_begin_array(json, "symbols");
  for (int i = 0; i < source_symbol_count(source); i++) json_add_string(json, NULL, source_symbol(source, i));
  json_end_array(json);
  json_end_object(json);
}

static void add_settings(struct json_writer *json, const struct result *result) {
  struct result_setting rows[RESULT_SETTINGS_MAX];
  int count = result_settings(result, rows);
  json_begin_object(json, "settings");
  for (int i = 0; i < count; i++) {
    if (rows[i].text != NULL) {
      json_add_string(json, rows[i].name, rows[i].text);
    } else {
      json_add_double(json, rows[i].name, rows[i].value);
    }
  }
  json_begin_array(json, "set_keys");
  for (int i = 0; i < result->options->wiring.set_key_count; i++) json_add_string(json, NULL, result->options->wiring.set_keys[i]);
  json_end_array(json);
  json_end_object(json);
}

static void add_stamps(struct json_writer *json, const struct result *result) {
  const char *stamps[RESULT_STAMPS_MAX];
  int count = result_stamps(result, stamps);
  json_begin_array(json, "stamps");
  for (int i = 0; i < count; i++) json_add_string(json, NULL, stamps[i]);
  json_end_array(json);
  json_begin_array(json, "skipped_filters");
  for (int i = 0; i < MARKET_FILTER_COUNT; i++) {
    if (result->run->skipped_filters & 1u << i) json_add_string(json, NULL, market_filter_name(i));
  }
  json_end_array(json);
}

static bool is_whole(enum performance_figure figure) {
  return strcmp(figure_units[figure], "count") == 0 || strcmp(figure_units[figure], "ms") == 0;
}

void result_json_metrics(struct json_writer *json, const struct performance *performance) {
  json_begin_object(json, "metrics");
  for (int i = 0; i < figure_count; i++) {
    double value = performance->figure[i];
    if (isfinite(value) && is_whole((enum performance_figure)i) && value == floor(value)) {
      json_add_int(json, figure_names[i], (int64_t)value);
    } else {
      json_add_double(json, figure_names[i], value);
    }
  }
  json_begin_array(json, "target_hit_rate");
  for (int i = 0; i < POSITION_TARGETS_MAX; i++) json_add_double(json, NULL, performance->target_hit_rate[i]);
  json_end_array(json);
  json_end_object(json);
}

static void add_breakdown(struct json_writer *json, const struct run *run, enum breakdown by) {
  struct breakdown_row *rows;
  int32_t count = result_breakdown(run, by, &rows);
  json_begin_array(json, breakdown_names[by]);
  for (int32_t i = 0; i < count; i++) {
    json_begin_object(json, NULL);
    json_add_string(json, "key", rows[i].key);
    json_add_int(json, "total_trades", rows[i].total_trades);
    json_add_double(json, "win_rate", rows[i].win_rate);
    json_add_double(json, "net_profit_usd", rows[i].net_profit_usd);
    json_add_double(json, "average_r", rows[i].average_r);
    json_add_double(json, "profit_factor", rows[i].profit_factor);
    json_end_object(json);
  }
  json_end_array(json);
  free(rows);
}

static void add_drawdowns(struct json_writer *json, const struct performance *performance) {
  json_begin_array(json, "drawdowns");
  for (int32_t i = 0; i < performance->drawdown_count; i++) {
    const struct drawdown *row = &performance->drawdowns[i];
    json_begin_object(json, NULL);
    json_add_double(json, "depth", row->depth);
    json_add_double(json, "depth_usd", row->depth_usd);
    json_add_int(json, "peak_at", row->peak_at);
    json_add_int(json, "trough_at", row->trough_at);
    if (row->recovered_at != 0) {
      json_add_int(json, "recovered_at", row->recovered_at);
    } else {
      json_add_null(json, "recovered_at");
    }
    json_add_int(json, "length_ms", row->length_ms);
    json_end_object(json);
  }
  json_end_array(json);
}

static void add_funnel(struct json_writer *json, const struct run_funnel *funnel) {
  json_begin_object(json, "funnel");
  json_add_int(json, "scanned", funnel->scanned);
  json_add_int(json, "passed", funnel->passed);
  json_add_int(json, "watching", funnel->watching);
  json_add_int(json, "signalled", funnel->signalled);
  json_add_int(json, "sized", funnel->sized);
  json_add_int(json, "entered", funnel->entered);
  json_begin_array(json, "by_code");
  for (int i = 0; i < reason_code_count; i++) {
    if (funnel->by_code[i] == 0) continue;
    json_begin_object(json, NULL);
    json_add_string(json, "code", reason_code_names[i]);
    json_add_int(json, "count", funnel->by_code[i]);
    json_end_object(json);
  }
  json_end_array(json);
  json_end_object(json);
}

static void add_summary(struct json_writer *json, const char *key, const struct result_summary *summary) {
  json_begin_object(json, key);
  json_add_double(json, "net_profit_usd", summary->net_profit_usd);
  json_add_double(json, "total_return", summary->total_return);
  json_add_double(json, "average_r", summary->average_r);
  json_add_double(json, "max_drawdown", summary->max_drawdown);
  json_add_double(json, "profit_factor", summary->profit_factor);
  json_add_int(json, "total_trades", summary->total_trades);
  json_end_object(json);
}

static void add_further_runs(struct json_writer *json, const struct result *result) {
  if (result->has_bounds) {
    json_begin_object(json, "path_bounds");
    add_summary(json, "adverse", &result->bounds[SIM_PATH_ADVERSE]);
    add_summary(json, "favourable", &result->bounds[SIM_PATH_FAVOURABLE]);
    json_end_object(json);
  }
  if (!result->has_costs) return;
  json_begin_array(json, "cost_sensitivity");
  for (int i = 0; i < RESULT_COSTS; i++) {
    json_begin_object(json, NULL);
    json_add_double(json, "factor", result_cost_factors[i]);
    add_summary(json, "result", &result->costs[i]);
    json_end_object(json);
  }
  json_end_array(json);
}

static void add_judgement(struct json_writer *json, const struct result *result) {
  struct result_check checks[RESULT_CHECKS];
  int passed = result_checks(result, checks);
  json_add_string(json, "label", result_label(passed));
  json_begin_array(json, "checks");
  for (int i = 0; i < RESULT_CHECKS; i++) {
    json_begin_object(json, NULL);
    json_add_string(json, "name", checks[i].name);
    json_add_double(json, "value", checks[i].value);
    json_add_string(json, "comparator", checks[i].is_above ? ">" : "<");
    json_add_double(json, "threshold", checks[i].threshold);
    json_add_bool(json, "passed", checks[i].has_passed);
    json_end_object(json);
  }
  json_end_array(json);
  struct result_warning warnings[RESULT_WARNINGS_MAX];
  int count = result_warnings(result, warnings);
  json_begin_array(json, "warnings");
  for (int i = 0; i < count; i++) json_add_string(json, NULL, warnings[i].text);
  json_end_array(json);
}

static void add_list(struct json_writer *json, const char *key, const struct run_list *list, const struct schema *schema) {
  json_begin_array(json, key);
  for (int64_t i = 0; i < list->count; i++) {
    json_begin_object(json, NULL);
    schema_to_json(schema, list->data + (size_t)i * list->item_size, json);
    json_end_object(json);
  }
  json_end_array(json);
}

static void add_preset(struct json_writer *json, const struct wired_preset *wired) {
  json_begin_object(json, "preset");
  json_add_string(json, "name", wired->preset.name);
  json_add_string(json, "hash", wired->hash);
  preset_to_json(&wired->preset, json, "config", PRESET_ORDER_TABLE, PRESET_WHOLE);
  json_end_object(json);
}

static void add_period(struct json_writer *json, const struct run *run) {
  json_begin_object(json, "period");
  if (run->requested_from != 0) {
    json_add_int(json, "requested_from", run->requested_from);
  } else {
    json_add_null(json, "requested_from");
  }
  json_add_int(json, "from", run->started_at);
  json_add_int(json, "to", run->ended_at);
  json_add_int(json, "candles", run->candles);
  json_add_int(json, "events", run->events);
  json_add_int(json, "decisions", run->decisions_total);
  json_end_object(json);
}

void result_json_head(const struct result *result, const char *kind, const char *digest, struct json_writer *json) {
  json_add_string(json, "run_id", result->run_id[0] != '\0' ? result->run_id : NULL);
  json_add_string(json, "kind", kind);
  json_add_string(json, "version", version_text());
  json_add_string(json, "digest", digest);
  json_add_int(json, "created_at", result->created_at);
  json_add_int(json, "duration_ms", result->duration_ms);
  add_preset(json, &result->wiring->preset);
  add_dataset(json, result);
  add_period(json, result->run);
  add_settings(json, result);
  json_add_int(json, "seed", result->seed);
  add_stamps(json, result);
}

void result_json(const struct result *result, bool is_pretty, struct buffer *out) {
  const struct run *run = result->run;
  struct json_writer json;
  json_writer_init(&json, out, is_pretty);
  json_begin_object(&json, NULL);
  result_json_head(result, "backtest", run->digest, &json);
  json_begin_object(&json, "account");
  json_add_decimal(&json, "start", run->start_balance_usd);
  json_add_decimal(&json, "end", run->end_equity_usd);
  json_end_object(&json);
  result_json_metrics(&json, &run->performance);
  json_begin_object(&json, "breakdowns");
  for (int i = 0; i < breakdown_count; i++) {
    if (result->breakdowns & 1u << i) add_breakdown(&json, run, (enum breakdown)i);
  }
  json_end_object(&json);
  add_drawdowns(&json, &run->performance);
  add_funnel(&json, &run->funnel);
  add_further_runs(&json, result);
  if (result->has_entry_test) entry_test_json(&result->entry_test, "random_entries", &json);
  add_judgement(&json, result);
  json_begin_array(&json, "files");
  for (int i = 0; i < result->file_count; i++) json_add_string(&json, NULL, result->files[i]);
  json_end_array(&json);
  add_list(&json, "trades", &run->trades, &trade_schema);
  add_list(&json, "left_open", &run->left_open, &trade_schema);
  if (result->has_orders) add_list(&json, "orders", &run->orders, &order_schema);
  if (result->has_orders) add_list(&json, "fills", &run->fills, &fill_schema);
  json_end_object(&json);
  buffer_add_text(out, "\n");
}

/* ---- reading ---- */

static bool is_file(const char *path) {
  struct stat info;
  return stat(path, &info) == 0 && S_ISREG(info.st_mode);
}

struct json *result_load(struct app *app, const char *run, enum status *status) {
  char path[1024];
  snprintf(path, sizeof path, "%s", run);
  if (!is_file(path)) snprintf(path, sizeof path, "%s/result.json", run);
  if (!is_file(path)) snprintf(path, sizeof path, "%s/backtests/%s/result.json", app->settings.reports_dir, run);
  if (!is_file(path)) {
    problem_add(&app->problem, "not_found", run, NULL, "an id such as B000001, a folder or a result.json", "there is no such run in %s/backtests",
                app->settings.reports_dir);
    *status = STATUS_NOT_FOUND;
    return NULL;
  }
  struct buffer text = {0};
  *status = buffer_read_file(&text, path, RESULT_BYTES_MAX, &app->problem);
  struct json *document = *status ? NULL : json_parse(text.data, text.length, JSON_STRICT, path, &app->problem);
  if (!*status && document == NULL) *status = STATUS_BAD_FORMAT;
  buffer_deinit(&text);
  const struct json *metrics = document != NULL ? json_member(document, "metrics") : NULL;
  const struct json *sets = document != NULL ? json_member(document, "sets") : NULL; /* of a search, which may have no best one */
  bool is_search = sets != NULL && json_kind(sets) == JSON_ARRAY;
  if (document == NULL || is_search || (metrics != NULL && json_kind(metrics) == JSON_OBJECT)) return document;
  problem_add(&app->problem, "bad_format", path, NULL, NULL, "this is no result of a backtest: it has no `metrics`");
  json_free(document);
  *status = STATUS_BAD_FORMAT;
  return NULL;
}

/* ---- comparing ---- */

static double figure_of(const struct json *metrics, const char *name) {
  const struct json *value = json_member(metrics, name);
  if (value == NULL || (json_kind(value) != JSON_INT && json_kind(value) != JSON_REAL)) return NAN;
  return json_number(value);
}

static void add_difference(struct table *table, enum performance_figure figure, double left, double right) {
  char text[RESULT_VALUE_MAX] = "";
  const char *name = figure_names[figure];
  size_t length = strlen(name);
  bool is_time = length > 3 && strcmp(name + length - 3, "_at") == 0;
  if (!is_time && isfinite(left) && isfinite(right) && left != right) result_figure_text(figure, right - left, text);
  table_add(table, text);
}

static void compare_json(const struct json *left, const struct json *right, const char *left_name, const char *right_name) {
  struct buffer out = {0};
  struct json_writer json;
  json_writer_init(&json, &out, true);
  json_begin_object(&json, NULL);
  json_add_string(&json, "left", left_name);
  json_add_string(&json, "right", right_name);
  json_begin_object(&json, "metrics");
  for (int i = 0; i < figure_count; i++) {
    double a = figure_of(json_member(left, "metrics"), figure_names[i]);
    double b = figure_of(json_member(right, "metrics"), figure_names[i]);
    json_begin_object(&json, figure_names[i]);
    json_add_double(&json, "left", a);
    json_add_double(&json, "right", b);
    json_add_double(&json, "difference", b - a);
    json_end_object(&json);
  }
  json_end_object(&json);
  json_end_object(&json);
  buffer_add_text(&out, "\n");
  app_print(&out);
  buffer_deinit(&out);
}

void result_compare(const struct json *left, const struct json *right, const char *left_name, const char *right_name, struct app *app) {
  if (app->output == OUTPUT_JSON || app->output == OUTPUT_JSONL) {
    compare_json(left, right, left_name, right_name);
    return;
  }
  const struct table_column columns[] = {{"Figure", TABLE_LEFT}, {left_name, TABLE_RIGHT}, {right_name, TABLE_RIGHT}, {"Difference", TABLE_RIGHT}};
  struct table table;
  table_init(&table, columns, 4, app_table_format(app));
  for (int i = 0; i < figure_count; i++) {
    char text[RESULT_VALUE_MAX];
    double a = figure_of(json_member(left, "metrics"), figure_names[i]);
    double b = figure_of(json_member(right, "metrics"), figure_names[i]);
    table_add(&table, figure_names[i]);
    result_figure_text((enum performance_figure)i, a, text);
    table_add(&table, text);
    result_figure_text((enum performance_figure)i, b, text);
    table_add(&table, text);
    add_difference(&table, (enum performance_figure)i, a, b);
  }
  app_print_table(app, &table);
}

#include "apps/report_text.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/calendar.h"
#include "core/strategy/market_filter.h"

enum { TRADES_SHOWN = 20, REJECTS_SHOWN = 6 };

static void add_minute(struct buffer *out, int64_t ts) {
  char time[32];
  struct text text;
  text_init(&text, time, sizeof time);
  text_add_time(&text, ts);
  time[text.length > 16 ? 16 : text.length] = '\0';
  time[10] = ' ';
  buffer_add_text(out, time);
}

static const char *color_of(double value) {
  if (!isfinite(value) || value == 0) return "0";
  return value > 0 ? "32" : "31";
}

static void add_number(struct table *table, double value, const char *format, bool is_colored) {
  char text[48] = "-";
  /* The formats are literals of this file. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
  if (isfinite(value)) snprintf(text, sizeof text, format, value);
#pragma GCC diagnostic pop
  if (is_colored) {
    table_add_colored(table, text, color_of(value));
  } else {
    table_add(table, text);
  }
}

static void print_table(struct table *table, bool has_colors, struct buffer *out) {
  table->has_colors = has_colors;
  table_print(table, out);
  table_deinit(table);
  buffer_add_text(out, "\n");
}

/* ---- head ---- */

static void add_stamps(const struct result *result, struct buffer *out) {
  const char *stamps[RESULT_STAMPS_MAX];
  int count = result_stamps(result, stamps);
  buffer_add_text(out, "Stamps:   ");
  for (int i = 0; i < count; i++) {
    buffer_add_format(out, "%s%s", i > 0 ? ", " : "", stamps[i]);
    if (strcmp(stamps[i], "skipped_filters") != 0) continue;
    const char *before = " (";
    for (int k = 0; k < MARKET_FILTER_COUNT; k++) {
      if (!(result->run->skipped_filters & 1u << k)) continue;
      buffer_add_format(out, "%s%s", before, market_filter_name(k));
      before = ", ";
    }
    buffer_add_text(out, ")");
  }
  buffer_add_text(out, count > 0 ? "\n" : "none\n");
}

static void add_head(const struct result *result, struct buffer *out) {
  const struct run *run = result->run;
  const struct preset *preset = &result->wiring->preset.preset;
  add_stamps(result, out);
  buffer_add_format(out, "Preset:   %s (%.12s)\n", preset->name, result->wiring->preset.hash);
  buffer_add_text(out, "Period:   ");
  add_minute(out, run->started_at);
  buffer_add_text(out, " to ");
  add_minute(out, run->ended_at);
  buffer_add_format(out, " UTC, %.1f days, %d symbols, %lld candles\n", (double)(run->ended_at - run->started_at) / (double)DAY_MS,
                    source_symbol_count(result->wiring->source), (long long)run->candles);
  if (run->requested_from != 0 && run->started_at > run->requested_from + MINUTE_MS) {
    buffer_add_text(out, "          the start moved from ");
    add_minute(out, run->requested_from);
    buffer_add_text(out, ": the indicators need 864 closed 5m candles before it\n");
  }
  struct result_setting rows[RESULT_SETTINGS_MAX];
  int count = result_settings(result, rows);
  buffer_add_text(out, "Settings: ");
  for (int i = 0; i < count; i++) {
    const char *comma = i == 0 ? "" : i % 4 == 0 ? ",\n          " : ", ";
    if (rows[i].text != NULL) {
      buffer_add_format(out, "%s%s %s", comma, rows[i].name, rows[i].text);
    } else {
      buffer_add_format(out, "%s%s %.10g", comma, rows[i].name, rows[i].value);
    }
  }
  for (int i = 0; i < result->options->wiring.set_key_count; i++) buffer_add_format(out, "\n          %s", result->options->wiring.set_keys[i]);
  buffer_add_text(out, "\n\n");
}

/* ---- tables ---- */

static void add_breakdown(const struct run *run, enum breakdown by, bool has_colors, struct buffer *out) {
  struct breakdown_row *rows;
  int32_t count = result_breakdown(run, by, &rows);
  char title[40];
  snprintf(title, sizeof title, "%s", breakdown_names[by]);
  title[0] = (char)(title[0] - 'a' + 'A');
  for (char *c = title; *c != '\0'; c++) {
    if (*c == '_') *c = ' ';
  }
  const struct table_column columns[] = {{title, TABLE_LEFT},      {"Trades", TABLE_RIGHT},    {"Win rate %", TABLE_RIGHT},
                                         {"Net USD", TABLE_RIGHT}, {"Average R", TABLE_RIGHT}, {"Profit factor", TABLE_RIGHT}};
  struct table table;
  table_init(&table, columns, 6, TABLE_TEXT);
  for (int32_t i = 0; i < count; i++) {
    table_add(&table, rows[i].key);
    add_number(&table, rows[i].total_trades, "%.0f", false);
    add_number(&table, 100 * rows[i].win_rate, "%.1f", false);
    add_number(&table, rows[i].net_profit_usd, "%.2f", true);
    add_number(&table, rows[i].average_r, "%.3f", true);
    add_number(&table, rows[i].profit_factor, "%.2f", false);
  }
  free(rows);
  print_table(&table, has_colors, out);
}

static void add_figure(struct buffer *out, enum performance_figure figure, double value, bool has_colors, bool is_last) {
  char text[RESULT_VALUE_MAX];
  result_figure_text(figure, value, text);
  const char *unit = figure_units[figure];
  bool is_profit = strcmp(unit, "USD") == 0 && strstr(figure_names[figure], "profit") != NULL;
  bool is_colored = has_colors && (is_profit || figure == FIGURE_average_r || figure == FIGURE_total_return) && value != 0 && isfinite(value);
  buffer_add_format(out, "  %-26s ", figure_names[figure]);
  if (is_colored) buffer_add_format(out, "\033[%sm", color_of(value));
  buffer_add_format(out, "%18s", text);
  if (is_colored) buffer_add_text(out, "\033[0m");
  buffer_add_text(out, is_last ? "\n" : "   ");
}

static void add_figures(const double *figure, bool has_colors, struct buffer *out) {
  for (int g = 0; g < result_group_count; g++) {
    const struct result_group *group = &result_groups[g];
    buffer_add_format(out, has_colors ? "\033[1m%s\033[0m\n" : "%s\n", group->title);
    for (int i = 0; i < group->count; i++)
      add_figure(out, group->figures[i], figure[group->figures[i]], has_colors, i % 2 == 1 || i == group->count - 1);
  }
  buffer_add_text(out, "\n");
}

static void add_summary_row(struct table *table, const char *name, const struct result_summary *row) {
  table_add(table, name);
  add_number(table, (double)row->total_trades, "%.0f", false);
  add_number(table, row->net_profit_usd, "%.2f", true);
  add_number(table, 100 * row->total_return, "%.2f", true);
  add_number(table, row->average_r, "%.3f", true);
  add_number(table, 100 * row->max_drawdown, "%.2f", false);
}

static void add_further_runs(const struct result *result, bool has_colors, struct buffer *out) {
  static const struct table_column bound_columns[] = {
      {"Path inside candles", TABLE_LEFT}, {"Trades", TABLE_RIGHT},    {"Net USD", TABLE_RIGHT},
      {"Return %", TABLE_RIGHT},           {"Average R", TABLE_RIGHT}, {"Max drawdown %", TABLE_RIGHT}};
  static const struct table_column cost_columns[] = {{"Costs", TABLE_LEFT},     {"Trades", TABLE_RIGHT},    {"Net USD", TABLE_RIGHT},
                                                     {"Return %", TABLE_RIGHT}, {"Average R", TABLE_RIGHT}, {"Max drawdown %", TABLE_RIGHT}};
  struct table table;
  if (result->has_bounds) {
    table_init(&table, bound_columns, 6, TABLE_TEXT);
    add_summary_row(&table, "adverse", &result->bounds[SIM_PATH_ADVERSE]);
    add_summary_row(&table, "favourable", &result->bounds[SIM_PATH_FAVOURABLE]);
    print_table(&table, has_colors, out);
  }
  if (!result->has_costs) return;
  table_init(&table, cost_columns, 6, TABLE_TEXT);
  for (int i = 0; i < RESULT_COSTS; i++) {
    char name[32];
    snprintf(name, sizeof name, "%.1f x", result_cost_factors[i]);
    add_summary_row(&table, name, &result->costs[i]);
  }
  print_table(&table, has_colors, out);
}

static void add_entry_test(const struct entry_test *test, struct buffer *out) {
  buffer_add_format(out,
                    "Entries:  average R %.3f, that of %lld random entries %.3f (5 %%: %.3f, 95 %%: %.3f); p %.4f: share of %lld draws that did as "
                    "well\n",
                    test->average_r, (long long)test->entries, test->mean, test->p5, test->p95, test->p_value, (long long)test->draws);
}

static void add_funnel(const struct run_funnel *funnel, struct buffer *out) {
  buffer_add_format(out, "Funnel:   %lld scanned, %lld passed, %lld candles watched, %lld signals, %lld sized, %lld entered\n",
                    (long long)funnel->scanned, (long long)funnel->passed, (long long)funnel->watching, (long long)funnel->signalled,
                    (long long)funnel->sized, (long long)funnel->entered);
}

/* The codes that ended most decisions. Codes from entry_filled on are no refusals. */
static bool is_reject(int code) {
  return code != REASON_passed && code != REASON_sized && code < REASON_entry_filled;
}

static void add_rejects(const struct run_funnel *funnel, struct buffer *out) {
  int64_t below = INT64_MAX; /* counts already shown are at or above it */
  buffer_add_text(out, "Rejects: ");
  for (int shown = 0; shown < REJECTS_SHOWN;) {
    int64_t most = 0;
    for (int i = 0; i < reason_code_count; i++) {
      if (is_reject(i) && funnel->by_code[i] < below && funnel->by_code[i] > most) most = funnel->by_code[i];
    }
    if (most == 0) break;
    for (int i = 0; i < reason_code_count; i++) {
      if (!is_reject(i) || funnel->by_code[i] != most) continue;
      buffer_add_format(out, "%s %s %lld", shown++ > 0 ? "," : "", reason_code_names[i], (long long)most);
    }
    below = most;
  }
  buffer_add_text(out, "\n");
}

static void add_judgement(const struct result *result, struct buffer *out) {
  struct result_check checks[RESULT_CHECKS];
  int passed = result_checks(result, checks);
  buffer_add_format(out, "Checks:   %s, %d of %d:", result_label(passed), passed, RESULT_CHECKS);
  for (int i = 0; i < RESULT_CHECKS; i++)
    buffer_add_format(out, " %s %s %g %s%s", checks[i].name, checks[i].is_above ? ">" : "<", checks[i].threshold, checks[i].has_passed ? "yes" : "no",
                      i < RESULT_CHECKS - 1 ? "," : "\n");
  struct result_warning warnings[RESULT_WARNINGS_MAX];
  int count = result_warnings(result, warnings);
  for (int i = 0; i < count; i++) buffer_add_format(out, "Warning:  %s\n", warnings[i].text);
}

void report_text(const struct result *result, bool has_colors, struct buffer *out) {
  const struct run *run = result->run;
  add_head(result, out);
  for (int i = 0; i < breakdown_count; i++) {
    if (run->trades.count > 0 && (result->breakdowns & 1u << i)) add_breakdown(run, (enum breakdown)i, has_colors, out);
  }
  if (run->trades.count == 0)
    buffer_add_text(out, "No trade was closed. `breakout why --summary` with the same preset and data tells which tests reject most.\n\n");
  add_figures(run->performance.figure, has_colors, out);
  add_further_runs(result, has_colors, out);
  if (result->has_entry_test) add_entry_test(&result->entry_test, out);
  add_funnel(&run->funnel, out);
  add_rejects(&run->funnel, out);
  add_judgement(result, out);
  buffer_add_format(out, "Account:  %.2f USD to %.2f USD\n", decimal_to_double(run->start_balance_usd), decimal_to_double(run->end_equity_usd));
  buffer_add_format(out, "Digest:   %s\nDataset:  %s\n", run->digest, run->dataset_checksum);
  if (result->run_id[0] != '\0')
    buffer_add_format(out, "Run:      %s, %.1f s, %.0f candles/s\n", result->run_id, run->seconds, (double)run->candles / fmax(run->seconds, 1e-3));
}

/* ---- from a stored document ---- */

static const char *string_of(const struct json *object, const char *key) {
  const struct json *value = object != NULL ? json_member(object, key) : NULL;
  return value != NULL && json_kind(value) == JSON_STRING ? json_string(value) : "-";
}

static double number_of(const struct json *object, const char *key) {
  const struct json *value = object != NULL ? json_member(object, key) : NULL;
  bool is_number = value != NULL && (json_kind(value) == JSON_INT || json_kind(value) == JSON_REAL);
  return is_number ? json_number(value) : NAN;
}

static void add_strings(const struct json *array, const char *title, const char *none, struct buffer *out) {
  size_t count = array != NULL && json_kind(array) == JSON_ARRAY ? json_size(array) : 0;
  buffer_add_text(out, title);
  for (size_t i = 0; i < count; i++) {
    const struct json *item = json_item(array, i);
    if (json_kind(item) == JSON_STRING) buffer_add_format(out, "%s%s", i > 0 ? ", " : "", json_string(item));
  }
  buffer_add_format(out, "%s\n", count > 0 ? "" : none);
}

static void add_trades(const struct json *trades, bool has_colors, struct buffer *out) {
  static const struct table_column columns[] = {{"Trade", TABLE_LEFT},  {"Symbol", TABLE_LEFT},     {"Side", TABLE_LEFT},  {"Opened", TABLE_LEFT},
                                                {"Closed", TABLE_LEFT}, {"Entry", TABLE_RIGHT},     {"Exit", TABLE_RIGHT}, {"Net USD", TABLE_RIGHT},
                                                {"R", TABLE_RIGHT},     {"Exit reason", TABLE_LEFT}};
  size_t count = trades != NULL && json_kind(trades) == JSON_ARRAY ? json_size(trades) : 0;
  if (count == 0) return;
  struct table table;
  table_init(&table, columns, sizeof columns / sizeof columns[0], TABLE_TEXT);
  for (size_t i = count > TRADES_SHOWN ? count - TRADES_SHOWN : 0; i < count; i++) {
    const struct json *trade = json_item(trades, i);
    char entry[24];
    char exit[24];
    snprintf(entry, sizeof entry, "%.8g", number_of(trade, "entry"));
    snprintf(exit, sizeof exit, "%.8g", number_of(trade, "exit_average"));
    const char *cells[] = {string_of(trade, "trade_id"), string_of(trade, "symbol"), string_of(trade, "side")};
    for (int k = 0; k < 3; k++) table_add(&table, cells[k]);
    for (int k = 0; k < 2; k++) {
      char text[RESULT_VALUE_MAX];
      result_figure_text(FIGURE_max_drawdown_peak_at, number_of(trade, k == 0 ? "opened_at" : "closed_at"), text);
      table_add(&table, text);
    }
    table_add(&table, entry);
    table_add(&table, exit);
    add_number(&table, number_of(trade, "pnl_usd"), "%.2f", true);
    add_number(&table, number_of(trade, "pnl_r"), "%.3f", true);
    table_add(&table, string_of(trade, "exit_reason"));
  }
  if (count > TRADES_SHOWN) buffer_add_format(out, "The last %d of %zu trades\n", TRADES_SHOWN, count);
  print_table(&table, has_colors, out);
}

void report_text_document(const struct json *document, bool has_colors, struct buffer *out) {
  double figure[figure_count];
  const struct json *period = json_member(document, "period");
  add_strings(json_member(document, "stamps"), "Stamps:   ", "none", out);
  buffer_add_format(out, "Preset:   %s (%.12s)\n", string_of(json_member(document, "preset"), "name"),
                    string_of(json_member(document, "preset"), "hash"));
  double from = number_of(period, "from");
  double to = number_of(period, "to");
  if (isfinite(from) && isfinite(to)) {
    buffer_add_text(out, "Period:   ");
    add_minute(out, (int64_t)from);
    buffer_add_text(out, " to ");
    add_minute(out, (int64_t)to);
    buffer_add_text(out, " UTC\n\n");
  }
  add_trades(json_member(document, "trades"), has_colors, out);
  for (int i = 0; i < figure_count; i++) figure[i] = number_of(json_member(document, "metrics"), figure_names[i]);
  add_figures(figure, has_colors, out);
  add_strings(json_member(document, "warnings"), "Warnings: ", "none", out);
  buffer_add_format(out, "Digest:   %s\nRun:      %s\n", string_of(document, "digest"), string_of(document, "run_id"));
}

/* breakout features: every number the engine computes, one row per closed candle, read from the engine itself (cli 2.5a). */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "apps/recorded.h"
#include "base/calendar.h"
#include "base/check.h"
#include "core/analysis/indicator.h"
#include "core/market/candle_series.h"
#include "core/strategy/market_filter.h"
#include "core/strategy/score.h"
#include "runner/preset_print.h"

enum { COLUMNS_MAX = 256, NAME_MAX_BYTES = 48, CHUNK_BYTES = 1 << 16, WORDS_MAX = 1024 };

enum cell_kind { CELL_NUMBER, CELL_TIME, CELL_TEXT };
struct cell {
  enum cell_kind kind;
  double number;    /* NaN is null */
  int64_t time;     /* 0 is null */
  const char *text; /* NULL is null */
};

/* Parameters of the indicators as the strategy uses them. */
struct indicator_choice {
  enum indicator_id id;
  int32_t a, b;
};
static const struct indicator_choice choices[] = {
    {INDICATOR_true_range, 0, 0},
    {INDICATOR_atr, 14, 0},
    {INDICATOR_ema, 9, 0},
    {INDICATOR_sma, 20, 0},
    {INDICATOR_bollinger_width, 20, 0},
    {INDICATOR_percentile_rank, 288, 0},
    {INDICATOR_donchian_high, 20, 0},
    {INDICATOR_donchian_low, 20, 0},
    {INDICATOR_vwap, 20, 0},
    {INDICATOR_correlation, 60, 0},
    {INDICATOR_volume_surge, 12, 12},
    {INDICATOR_slope, 20, 0},
    {INDICATOR_rsi, 14, 0},
    {INDICATOR_z_score, 50, 0},
};
_Static_assert(sizeof choices / sizeof choices[0] == indicator_count, "an indicator of the table has no column");

static const char *const candle_names[] = {"ts", "symbol", "open_ts", "open", "high", "low", "close", "volume", "turnover"};
static const char *const flow_names[] = {"tpm_10s",          "tpm_60s",          "tpm_300s",         "tps_10s", "buy_sell_ratio_60s",
                                         "volume_delta_10s", "volume_delta_60s", "volume_delta_300s"};
static const char *const activity_names[] = {"activity_index", "z_tpm", "z_tps", "z_delta", "drop_fraction"};
static const char *const level_suffixes[] = {"price", "strength", "state", "type", "touches", "id"};
enum { CANDLE_COLUMNS = 9, FLOW_COLUMNS = 8, ACTIVITY_COLUMNS = 5, LEVEL_COLUMNS = 6 };

struct call {
  struct recorded recorded;
  const char *preset, *fields;
  enum timeframe timeframe;
  const char *words[WORDS_MAX];
  int word_count;
};

struct features {
  struct app *app;
  const struct call *call;
  char names[COLUMNS_MAX][NAME_MAX_BYTES];
  int column_count;
  int shown[COLUMNS_MAX]; /* chosen columns, in the order asked for */
  int shown_count;
  bool is_wanted[SOURCE_SYMBOLS_MAX];
  struct cell cells[COLUMNS_MAX];
  int cell_count;
  struct buffer out;
  struct json_writer json;
  struct table table;
  struct table_column table_columns[COLUMNS_MAX];
  bool has_table;
  int64_t rows;
};

/* ---- columns ---- */

static void add_name(struct features *features, const char *before, const char *name, const char *after) {
  check(features->column_count < COLUMNS_MAX);
  snprintf(features->names[features->column_count++], NAME_MAX_BYTES, "%.14s%.24s%s%.8s", before, name, after[0] != '\0' ? "_" : "", after);
}

static void name_columns(struct features *features) {
  for (int i = 0; i < CANDLE_COLUMNS; i++) add_name(features, "", candle_names[i], "");
  for (int i = 0; i < market_field_count; i++) add_name(features, "", market_field_names[i], "");
  for (int i = 0; i < indicator_count; i++) {
    char parameters[24] = "";
    if (choices[i].b > 0) {
      snprintf(parameters, sizeof parameters, "%d_%d", choices[i].a, choices[i].b);
    } else if (choices[i].a > 0) {
      snprintf(parameters, sizeof parameters, "%d", choices[i].a);
    }
    add_name(features, "indicator_", indicators[choices[i].id].name, parameters);
  }
  for (int i = 0; i < FLOW_COLUMNS; i++) add_name(features, "", flow_names[i], "");
  for (int i = 0; i < ACTIVITY_COLUMNS; i++) add_name(features, "", activity_names[i], "");
  for (int i = 0; i < LEVEL_COLUMNS; i++) add_name(features, "level_above_", level_suffixes[i], "");
  for (int i = 0; i < LEVEL_COLUMNS; i++) add_name(features, "level_below_", level_suffixes[i], "");
  add_name(features, "", "score", "");
  for (int i = 0; i < SCORE_COMPONENT_COUNT; i++) add_name(features, "score_", score_component_names[i], "");
  for (int i = 0; i < MARKET_FILTER_COUNT; i++) add_name(features, "filter_", market_filter_name(i), "");
}

static enum status choose_columns(struct features *features, struct app *app, const char *fields) {
  if (fields == NULL) {
    for (int i = 0; i < features->column_count; i++) features->shown[features->shown_count++] = i;
    return STATUS_OK;
  }
  char list[4096];
  text_copy(list, sizeof list, fields);
  const char *names[COLUMNS_MAX];
  for (int i = 0; i < features->column_count; i++) names[i] = features->names[i];
  char *rest;
  for (char *word = strtok_r(list, ", ", &rest); word != NULL && features->shown_count < COLUMNS_MAX; word = strtok_r(NULL, ", ", &rest)) {
    int found = -1;
    for (int i = 0; i < features->column_count; i++) found = strcmp(word, names[i]) == 0 ? i : found;
    if (found < 0) {
      int nearest = text_nearest(word, names, features->column_count);
      problem_add(&app->problem, "unknown_field", "--fields", word, nearest >= 0 ? names[nearest] : "the header of the output without --fields",
                  "there is no such field");
      return STATUS_BAD_CONFIG;
    }
    features->shown[features->shown_count++] = found;
  }
  return STATUS_OK;
}

/* ---- one row ---- */

static void put_number(struct features *features, double value) {
  features->cells[features->cell_count++] = (struct cell){.kind = CELL_NUMBER, .number = value};
}

static void put_time(struct features *features, int64_t time) {
  features->cells[features->cell_count++] = (struct cell){.kind = CELL_TIME, .time = time};
}

static void put_text(struct features *features, const char *text) {
  features->cells[features->cell_count++] = (struct cell){.kind = CELL_TEXT, .text = text};
}

static void put_candle(struct features *features, const struct setup *setup, const struct candle *candle) {
  put_time(features, setup->ts);
  put_text(features, setup->market->instrument.symbol);
  put_time(features, candle->open_ts);
  const double values[] = {candle->open, candle->high, candle->low, candle->close, candle->volume, candle->turnover};
  for (int i = 0; i < 6; i++) put_number(features, values[i]);
}

static void put_market(struct features *features, const struct market_view *view) {
  for (int i = 0; i < market_field_count; i++) {
    bool is_time = strcmp(market_field_units[i], "ms") == 0;
    if (is_time) {
      put_time(features, isfinite(view->field[i]) ? (int64_t)view->field[i] : 0);
    } else {
      put_number(features, view->field[i]);
    }
  }
}

/* The newest n candles of the reference when they stand at the same times, else NULL. */
static const struct candle *reference_candles(const struct market *reference, enum timeframe timeframe, const struct candle *candles, int32_t n) {
  if (reference == NULL || reference->series[timeframe].count < n) return NULL;
  const struct candle *others = candle_series_last(&reference->series[timeframe], n);
  for (int32_t i = 0; i < n; i++) {
    if (others[i].open_ts != candles[i].open_ts) return NULL;
  }
  return others;
}

static void put_indicators(struct features *features, const struct market *market, const struct market *reference) {
  enum timeframe timeframe = features->call->timeframe;
  const struct candle_series *series = &market->series[timeframe];
  const struct candle *candles = candle_series_last(series, series->count);
  for (int i = 0; i < indicator_count; i++) {
    const struct indicator_choice *choice = &choices[i];
    struct indicator_input input = {.candles = candles, .count = series->count, .a = choice->a, .b = choice->b};
    if (choice->id == INDICATOR_correlation && series->count >= choice->a) {
      input.candles = candles + (series->count - choice->a);
      input.count = choice->a;
      input.others = reference_candles(reference, timeframe, input.candles, choice->a);
    }
    bool is_known =
        series->count >= indicators[choice->id].warm_up(choice->a, choice->b) && (choice->id != INDICATOR_correlation || input.others != NULL);
    put_number(features, is_known ? indicators[choice->id].compute(&input) : NAN);
  }
}

static void put_flow(struct features *features, const struct setup *setup) {
  struct trade_flow_values flow = {NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN};
  struct activity_values activity = {NAN, NAN, NAN, NAN, NAN};
  if (setup->market->capabilities & CAPABILITY_TRADES) trade_flow_read(&setup->market->flow, setup->ts, &flow);
  if (setup->activity != NULL) activity_read(setup->activity, &activity);
  const double values[] = {flow.tpm_10s,          flow.tpm_60s,          flow.tpm_300s,          flow.tps_10s,   flow.buy_sell_ratio_60s,
                           flow.volume_delta_10s, flow.volume_delta_60s, flow.volume_delta_300s, activity.index, activity.z_tpm,
                           activity.z_tps,        activity.z_delta,      activity.drop_fraction};
  for (int i = 0; i < FLOW_COLUMNS + ACTIVITY_COLUMNS; i++) put_number(features, values[i]);
}

static void put_level(struct features *features, const struct level *level) {
  if (level == NULL) {
    for (int i = 0; i < LEVEL_COLUMNS; i++) put_number(features, NAN);
    return;
  }
  put_number(features, level->price);
  put_number(features, level->strength);
  put_text(features, level_state_names[level->state]);
  put_text(features, level_type_names[level->level_type]);
  put_number(features, level->touch_count);
  put_number(features, (double)level->level_id);
}

static void put_score(struct features *features, const struct setup *setup) {
  struct score score;
  score_compute(setup, &score);
  put_number(features, score.total);
  for (int i = 0; i < SCORE_COMPONENT_COUNT; i++) {
    bool has_weight = !isnan(score.value[i]) && !(score.left_out & 1u << i);
    put_number(features, has_weight ? score.value[i] : NAN);
  }
}

/* Data health has many codes of its own: it passed when the list says so by its name. */
static const char *filter_verdict(const struct reason_list *reasons, enum reason_code code) {
  for (int32_t i = 0; i < reasons->count; i++) {
    if (reasons->items[i].code != (int32_t)code) continue;
    if (reasons->items[i].skipped) return "skipped";
    return reasons->items[i].passed ? "passed" : "failed";
  }
  return code == REASON_data_health ? "failed" : NULL;
}

static void put_filters(struct features *features, const struct setup *setup) {
  struct reason_list reasons = {0};
  (void)market_filter_all(setup->market, setup->view, setup->preset, &reasons);
  for (int i = 0; i < MARKET_FILTER_COUNT; i++) put_text(features, filter_verdict(&reasons, market_filter_codes[i]));
}

/* ---- output ---- */

static void cell_text(const struct cell *cell, char out[64]) {
  struct text text;
  text_init(&text, out, 64);
  if (cell->kind == CELL_TIME && cell->time != 0) text_add_time(&text, cell->time);
  if (cell->kind == CELL_TEXT && cell->text != NULL) text_add(&text, cell->text);
  if (cell->kind == CELL_NUMBER && isfinite(cell->number)) preset_number_text(cell->number, out);
}

static void print_json_row(struct features *features) {
  struct json_writer *json = &features->json;
  bool is_lines = features->app->output == OUTPUT_JSONL;
  if (is_lines) json_writer_init(json, &features->out, false);
  json_begin_object(json, NULL);
  for (int i = 0; i < features->shown_count; i++) {
    const struct cell *cell = &features->cells[features->shown[i]];
    const char *name = features->names[features->shown[i]];
    char number[64];
    cell_text(cell, number);
    if (number[0] == '\0') {
      json_add_null(json, name);
    } else if (cell->kind == CELL_TEXT) {
      json_add_string(json, name, cell->text);
    } else if (cell->kind == CELL_TIME) {
      json_add_int(json, name, cell->time);
    } else {
      json_add_raw(json, name, number);
    }
  }
  json_end_object(json);
  if (is_lines) buffer_add_text(&features->out, "\n");
}

static void print_row(struct features *features) {
  char text[64];
  if (features->app->output == OUTPUT_JSON || features->app->output == OUTPUT_JSONL) {
    print_json_row(features);
    return;
  }
  for (int i = 0; i < features->shown_count; i++) {
    cell_text(&features->cells[features->shown[i]], text);
    if (features->has_table) {
      table_add(&features->table, text);
    } else {
      if (i > 0) buffer_add_text(&features->out, ",");
      table_add_csv_cell(&features->out, text);
    }
  }
  if (!features->has_table) buffer_add_text(&features->out, "\n");
}

static void flush(struct features *features, size_t limit) {
  if (features->out.length < limit) return;
  app_print(&features->out);
  buffer_clear(&features->out);
}

static void make_row(struct features *features, const struct engine *engine, int32_t symbol) {
  struct market_view view;
  struct setup setup;
  if (!engine_setup_read(engine, symbol, &view, &setup)) return;
  const struct candle_series *series = &setup.market->series[features->call->timeframe];
  if (series->count == 0) return;
  const struct candle *newest = candle_series_last(series, 1);
  int64_t length = features->call->timeframe == TIMEFRAME_1M ? setup.market->base_ms : timeframe_ms(features->call->timeframe);
  if (newest->open_ts + length != setup.ts) return; /* no candle of this interval has just closed */
  const struct app_range *range = &features->call->recorded.range;
  if (newest->open_ts < range->from_ms || (range->to_ms != 0 && setup.ts > range->to_ms)) return;
  features->cell_count = 0;
  put_candle(features, &setup, newest);
  put_market(features, &view);
  put_indicators(features, setup.market, engine_reference(engine));
  put_flow(features, &setup);
  put_level(features, level_nearest(setup.levels, newest->close, true));
  put_level(features, level_nearest(setup.levels, newest->close, false));
  put_score(features, &setup);
  put_filters(features, &setup);
  check(features->cell_count == features->column_count);
  print_row(features);
  ++features->rows;
}

static void visit(void *context, struct wiring *wiring, int64_t ts) {
  struct features *features = context;
  (void)ts;
  for (int32_t i = 0; i < engine_symbol_count(wiring->engine); i++) {
    if (features->is_wanted[i]) make_row(features, wiring->engine, i);
  }
  flush(features, CHUNK_BYTES);
}

static void begin_output(struct features *features) {
  struct app *app = features->app;
  features->has_table = app->output == OUTPUT_TEXT && features->call->fields != NULL;
  if (app->output == OUTPUT_JSON) {
    json_writer_init(&features->json, &features->out, false);
    json_begin_array(&features->json, NULL);
    return;
  }
  for (int i = 0; i < features->shown_count; i++) {
    const char *name = features->names[features->shown[i]];
    features->table_columns[i] = (struct table_column){name, features->shown[i] < 3 ? TABLE_LEFT : TABLE_RIGHT};
    if (app->output != OUTPUT_JSONL && !features->has_table) buffer_add_format(&features->out, "%s%s", i > 0 ? "," : "", name);
  }
  if (features->has_table) table_init(&features->table, features->table_columns, (size_t)features->shown_count, TABLE_TEXT);
  if (app->output != OUTPUT_JSONL && !features->has_table) buffer_add_text(&features->out, "\n");
}

static void end_output(struct features *features) {
  if (features->app->output == OUTPUT_JSON) {
    json_end_array(&features->json);
    buffer_add_text(&features->out, "\n");
  }
  flush(features, 1);
  if (features->has_table) app_print_table(features->app, &features->table);
}

/* ---- the verb ---- */

enum { OPTION_TIMEFRAME, OPTION_FIELDS, OPTION_PRESET, OPTION_COUNT };
static const struct app_option own_options[OPTION_COUNT] = {
    [OPTION_TIMEFRAME] = {"timeframe", 'i', true, "5m", "1m, 5m, 15m or 1h"},
    [OPTION_FIELDS] = {"fields", 0, true, "LIST", "only these columns"},
    [OPTION_PRESET] = {"preset", 0, true, "PRESET", "whose filters, levels and score are shown"},
};

static bool take_timeframe(struct app *app, struct call *call, const char *value) {
  for (int i = 0; i < timeframe_count; i++) {
    if (strcmp(value, timeframe_names[i]) != 0) continue;
    call->timeframe = (enum timeframe)i;
    return true;
  }
  problem_add(&app->problem, "bad_parameter", "--timeframe", value, "1m, 5m, 15m or 1h", "not an interval of candles");
  return false;
}

static bool take(struct app *app, void *self, const struct app_option *options, int option, const char *value) {
  struct call *call = self;
  if (option == APP_ARGUMENT) {
    if (call->word_count == WORDS_MAX) return false;
    call->words[call->word_count++] = value;
    return true;
  }
  if (option == OPTION_TIMEFRAME) return take_timeframe(app, call, value);
  if (option == OPTION_FIELDS) return call->fields = value, true;
  if (option == OPTION_PRESET) return call->preset = value, true;
  return recorded_take(&call->recorded, app, &options[option], value);
}

/* Symbols named by words; none named: all. */
static enum status choose_symbols(struct features *features, struct app *app, const struct wiring *wiring) {
  const struct call *call = features->call;
  for (int i = 0; i < source_symbol_count(wiring->source); i++) features->is_wanted[i] = call->word_count == 0;
  for (int i = 0; i < call->word_count; i++) {
    int symbol = recorded_find_symbol(app, wiring->source, call->words[i]);
    if (symbol < 0) return STATUS_NOT_FOUND;
    features->is_wanted[symbol] = true;
  }
  return STATUS_OK;
}

int app_features(struct app *app, int argc, char **argv) {
  static struct call call;
  static struct features features;
  call = (struct call){.timeframe = TIMEFRAME_5M, .preset = app->settings.default_preset};
  features = (struct features){.app = app, .call = &call};
  struct wiring wiring = {0};
  struct wiring_options options;
  wiring_options_init(&options);
  options.feed_name = "file";
  options.is_backtest = true;
  name_columns(&features);
  enum status status = recorded_read(app, own_options, OPTION_COUNT, argc, argv, take, &call);
  if (!status) status = choose_columns(&features, app, call.fields);
  if (!status) status = recorded_open(&call.recorded, app, &wiring);
  if (!status) status = choose_symbols(&features, app, &wiring);
  options.preset = call.preset;
  if (!status) status = wiring_load_preset(&wiring, app, &options);
  if (!status) {
    int64_t first;
    int64_t last;
    source_range(wiring.source, &first, &last);
    begin_output(&features);
    status = recorded_play(&wiring, &options, call.recorded.range.to_ms != 0 && call.recorded.range.to_ms < last ? call.recorded.range.to_ms : last,
                           !app->is_quiet, visit, &features);
    if (!status) end_output(&features);
  }
  buffer_deinit(&features.out);
  wiring_close(&wiring);
  if (status) return app_fail(app, status);
  return 0;
}

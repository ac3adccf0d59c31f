/* breakout why: why a symbol is traded or not, and what rejects most. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "apps/answers.h"
#include "apps/recorded.h"
#include "base/calendar.h"
#include "base/text.h"

enum { MINUTES_DEFAULT = 60, MINUTES_MAX = 1440, CODES_SHOWN = 20 };

struct call {
  struct recorded recorded;
  const char *symbol, *preset, *stage;
  int64_t at, minutes;
  bool is_summary, has_all;
};

enum { OPTION_AT, OPTION_PRESET, OPTION_SUMMARY, OPTION_MINUTES, OPTION_STAGE, OPTION_ALL, OPTION_COUNT };
static const struct app_option own_options[OPTION_COUNT] = {
    [OPTION_AT] = {"at", 0, true, "TIME", "as it stood then (the end of the data)"},
    [OPTION_PRESET] = {"preset", 0, true, "PRESET", "that is run over the data"},
    [OPTION_SUMMARY] = {"summary", 0, false, NULL, "funnel, and the tests that reject most"},
    [OPTION_MINUTES] = {"minutes", 0, true, "N", "span of the summary (60)"},
    [OPTION_STAGE] = {"stage", 0, true, "STAGE", "only this stage"},
    [OPTION_ALL] = {"all", 0, false, NULL, "also tests that were skipped"},
};

static bool take_stage(struct app *app, struct call *call, const char *value) {
  for (int i = 0; i < stage_count; i++) {
    if (strcmp(value, stage_names[i]) != 0) continue;
    call->stage = stage_names[i];
    return true;
  }
  int nearest = text_nearest(value, stage_names, stage_count);
  problem_add(&app->problem, "bad_parameter", "--stage", value, nearest >= 0 ? stage_names[nearest] : "filter", "there is no such stage");
  return false;
}

static bool take(struct app *app, void *self, const struct app_option *options, int option, const char *value) {
  struct call *call = self;
  switch (option) {
    case APP_ARGUMENT:
      if (call->symbol != NULL) problem_add(&app->problem, "too_many", value, NULL, "one SYMBOL", "a second argument means nothing here");
      call->symbol = value;
      return app->problem.errors == 0;
    case OPTION_AT:
      if (calendar_parse(value, &call->at)) return true;
      problem_add(&app->problem, "bad_parameter", "--at", value, "2024-01-31T12:00", "not a time");
      return false;
    case OPTION_PRESET:
      return call->preset = value, true;
    case OPTION_SUMMARY:
      return call->is_summary = true;
    case OPTION_MINUTES:
      return app_parse_integer(app, "--minutes", value, 1, MINUTES_MAX, &call->minutes);
    case OPTION_STAGE:
      return take_stage(app, call, value);
    case OPTION_ALL:
      return call->has_all = true;
    default:
      return recorded_take(&call->recorded, app, &options[option], value);
  }
}

static enum status read_call(struct app *app, struct call *call, int argc, char **argv) {
  enum status status = recorded_read(app, own_options, OPTION_COUNT, argc, argv, take, call);
  if (status) return status;
  if (call->symbol != NULL || call->is_summary) return STATUS_OK;
  problem_add(&app->problem, "missing_argument", "why", NULL, "breakout why BTCUSDT, or --summary", "no SYMBOL is named");
  return STATUS_BAD_CONFIG;
}

/* ---- asking ---- */

/* A symbol as one part of a path: everything but letters, digits and - is escaped. */
static void make_target(const struct call *call, char *out, size_t size) {
  if (call->is_summary) {
    snprintf(out, size, "/api/decisions/summary?minutes=%lld", (long long)call->minutes);
    return;
  }
  size_t used = (size_t)snprintf(out, size, "/api/decisions/why/");
  for (const char *c = call->symbol; *c != '\0' && used + 4 < size; c++) {
    bool is_plain = (*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') || (*c >= '0' && *c <= '9') || *c == '-';
    used += (size_t)snprintf(out + used, size - used, is_plain ? "%c" : "%%%02X", (unsigned char)*c);
  }
}

struct listening {
  struct answers answers;
  enum status status;
};

static void on_open(void *context, struct wiring *wiring) {
  struct listening *listening = context;
  struct listener listener;
  listening->status = answers_open(&listening->answers, wiring);
  if (listening->status) return;
  api_listener(listening->answers.api, &listener);
  runner_listen(&wiring->runner, &listener);
}

static struct json *ask_recorded(struct app *app, struct call *call, struct wiring *wiring, const char *target, enum status *status) {
  struct listening listening = {0};
  struct run run = {0};
  struct run_options options = {.shows_progress = !app->is_quiet, .on_open = on_open, .context = &listening};
  wiring_options_init(&options.wiring);
  options.wiring.feed_name = "file";
  options.wiring.is_backtest = true;
  options.wiring.has_digest = true;
  options.wiring.preset = call->preset != NULL ? call->preset : app->settings.default_preset;
  int64_t first;
  int64_t last;
  source_range(wiring->source, &first, &last);
  int symbol = call->is_summary ? -1 : source_find_symbol(wiring->source, call->symbol);
  options.cut_at_ms = call->at != 0 ? call->at : recorded_last(wiring->source, symbol);
  /* A session of the day before: its account is fresh and no kill switch of weeks ago keeps it from deciding. */
  options.from_ms = call->recorded.range.from_ms != 0 ? call->recorded.range.from_ms : options.cut_at_ms - DAY_MS;
  options.after_kill = AFTER_KILL_NEXT_DAY;
  *status = wiring_load_preset(wiring, app, &options.wiring);
  if (!*status) problem_clear(&app->problem);
  if (!*status && (options.cut_at_ms < first || options.cut_at_ms > last)) {
    problem_add(&app->problem, "no_data", "--at", NULL, "a time inside the data: see `breakout data info`", "the data do not reach this time");
    *status = STATUS_NO_DATA;
  }
  if (!*status) *status = run_execute(&run, wiring, &options);
  if (!*status) *status = listening.status;
  struct json *document = *status ? NULL : answers_get(app, &listening.answers, target, status);
  answers_close(&listening.answers);
  run_deinit(&run);
  return document;
}

/* ---- printing ---- */

static void add_reason(struct table *table, const struct json *decision, const struct json *reason) {
  char cell[40];
  bool is_skipped = answers_bool(reason, "skipped");
  bool has_passed = answers_bool(reason, "passed");
  table_add(table, answers_text(decision, "stage"));
  table_add_colored(table, is_skipped ? "skipped" : has_passed ? "passed" : "failed", is_skipped ? "2" : has_passed ? "32" : "31");
  table_add(table, answers_text(reason, "code"));
  table_add(table, answers_cell(answers_number(reason, "value"), 6, cell));
  char threshold[64];
  const char *comparator = answers_text(reason, "comparator");
  answers_cell(answers_number(reason, "threshold"), 6, cell);
  snprintf(threshold, sizeof threshold, "%s%s%s", strcmp(comparator, "none") == 0 ? "" : comparator, strcmp(comparator, "none") == 0 ? "" : " ",
           cell);
  table_add(table, threshold);
  table_add(table, answers_cell(answers_number(reason, "distance"), 6, cell));
  /* The texts are written for failures. */
  table_add(table, is_skipped || has_passed ? "" : answers_text(reason, "text"));
}

/* Failed reasons first, in the order of the stages. */
static void add_reasons(struct table *table, const struct call *call, const struct json *latest, bool is_failed) {
  for (size_t i = 0; i < json_size(latest); i++) {
    const struct json *decision = json_item(latest, i);
    const struct json *reasons = json_member(decision, "reasons");
    if (call->stage != NULL && strcmp(answers_text(decision, "stage"), call->stage) != 0) continue;
    for (size_t k = 0; reasons != NULL && json_kind(reasons) == JSON_ARRAY && k < json_size(reasons); k++) {
      const struct json *reason = json_item(reasons, k);
      bool has_failed = !answers_bool(reason, "passed") && !answers_bool(reason, "skipped");
      bool is_hidden = answers_bool(reason, "skipped") && !call->has_all;
      if (has_failed == is_failed && !is_hidden) add_reason(table, decision, reason);
    }
  }
}

static void print_stages(struct buffer *out, const struct json *latest) {
  for (size_t i = 0; i < json_size(latest); i++) {
    const struct json *decision = json_item(latest, i);
    char time[32];
    struct text text;
    text_init(&text, time, sizeof time);
    text_add_time(&text, (int64_t)answers_number(decision, "ts"));
    time[16] = '\0';
    time[10] = ' ';
    buffer_add_format(out, "  %-10s %-8s %-24s %s\n", answers_text(decision, "stage"), answers_text(decision, "verdict"),
                      answers_text(decision, "code"), time);
  }
}

static void print_why(struct app *app, const struct call *call, const struct json *document) {
  static const struct table_column columns[] = {{"Stage", TABLE_LEFT},      {"Verdict", TABLE_LEFT},   {"Test", TABLE_LEFT}, {"Value", TABLE_RIGHT},
                                                {"Threshold", TABLE_RIGHT}, {"Distance", TABLE_RIGHT}, {"Text", TABLE_LEFT}};
  struct buffer out = {0};
  struct table table;
  const struct json *latest = json_member(document, "latest");
  table_init(&table, columns, sizeof columns / sizeof columns[0], app_table_format(app));
  bool has_latest = latest != NULL && json_kind(latest) == JSON_ARRAY;
  if (app->output != OUTPUT_CSV) buffer_add_format(&out, "%s\n\n", answers_text(document, "sentence"));
  if (app->output != OUTPUT_CSV && has_latest) print_stages(&out, latest);
  buffer_add_text(&out, app->output != OUTPUT_CSV ? "\n" : "");
  app_print(&out);
  buffer_deinit(&out);
  if (has_latest) add_reasons(&table, call, latest, true);
  if (has_latest) add_reasons(&table, call, latest, false);
  app_print_table(app, &table);
}

static void print_funnel(const struct json *document) {
  static const char *const names[] = {"scanned", "passed", "watching", "signalled", "sized", "entered"};
  struct buffer out = {0};
  const struct json *funnel = json_member(document, "funnel");
  buffer_add_format(&out, "Last %.0f minutes:", answers_number(document, "minutes"));
  const char *before = " ";
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
    double value = answers_number(funnel, names[i]);
    if (isnan(value)) continue;
    buffer_add_format(&out, "%s%.0f %s", before, value, names[i]);
    before = ", ";
  }
  buffer_add_text(&out, "\n\n");
  app_print(&out);
  buffer_deinit(&out);
}

static void print_summary(struct app *app, const struct json *document) {
  static const struct table_column columns[] = {{"Test", TABLE_LEFT},
                                                {"Rejected", TABLE_RIGHT},
                                                {"Threshold", TABLE_RIGHT},
                                                {"Half of them would pass at", TABLE_RIGHT},
                                                {"Nearest miss", TABLE_RIGHT}};
  struct table table;
  const struct json *codes = json_member(document, "by_code");
  if (app->output != OUTPUT_CSV) print_funnel(document);
  table_init(&table, columns, 5, app_table_format(app));
  for (size_t i = 0; codes != NULL && json_kind(codes) == JSON_ARRAY && i < json_size(codes) && i < CODES_SHOWN; i++) {
    const struct json *row = json_item(codes, i);
    char cell[40];
    table_add(&table, answers_text(row, "code"));
    table_add(&table, answers_cell(answers_number(row, "count"), 0, cell));
    table_add(&table, answers_cell(answers_number(row, "threshold"), 6, cell));
    table_add(&table, answers_cell(answers_number(row, "median_value"), 6, cell));
    table_add(&table, answers_cell(answers_number(row, "nearest_distance"), 6, cell));
  }
  app_print_table(app, &table);
}

static void print_document(struct app *app, const struct call *call, const struct json *document) {
  if (app->output == OUTPUT_JSON || app->output == OUTPUT_JSONL) {
    struct buffer out = {0};
    answers_copy(document, app->output == OUTPUT_JSON, &out);
    app_print(&out);
    buffer_deinit(&out);
  } else if (call->is_summary) {
    print_summary(app, document);
  } else {
    print_why(app, call, document);
  }
}

int app_why(struct app *app, int argc, char **argv) {
  static struct call call;
  call = (struct call){.minutes = MINUTES_DEFAULT};
  struct wiring wiring = {0};
  struct json *document = NULL;
  char target[512];
  enum status status = read_call(app, &call, argc, argv);
  bool has_data = call.recorded.data[0] != '\0';
  if (!status && has_data) status = recorded_open(&call.recorded, app, &wiring);
  if (!status && has_data && !call.is_summary && recorded_find_symbol(app, wiring.source, call.symbol) < 0) status = STATUS_NOT_FOUND;
  if (!status) {
    make_target(&call, target, sizeof target);
    document = has_data ? ask_recorded(app, &call, &wiring, target, &status) : answers_get(app, NULL, target, &status);
  }
  if (document != NULL) print_document(app, &call, document);
  json_free(document);
  wiring_close(&wiring);
  return status ? app_fail(app, status) : 0;
}

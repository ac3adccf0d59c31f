/* breakout backtest: a preset over recorded markets. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "apps/backtest.h"
#include "apps/jobs.h"
#include "apps/lookahead.h"
#include "apps/recorded.h"
#include "apps/report_csv.h"
#include "apps/report_html.h"
#include "apps/report_text.h"
#include "apps/result_json.h"
#include "apps/run_choice.h"
#include "apps/run_folder.h"
#include "apps/run_id.h"
#include "apps/worker.h"
#include "base/check.h"
#include "base/text.h"
#include "runner/runs.h"

enum export { EXPORT_DEFAULT, EXPORT_NONE, EXPORT_TRADES, EXPORT_SIGNALS, EXPORT_DECISIONS, EXPORT_ALL, EXPORT_COUNT };
static const char *const export_names[EXPORT_COUNT] = {"default", "none", "trades", "signals", "decisions", "all"};

struct call {
  const char *preset;
  struct recorded recorded;
  struct run_choice choice;
  uint32_t breakdowns;
  enum export export;
  const char *output, *compare, *run_id;
  struct worker worker;
  bool has_html, has_bounds, has_lookahead;
  struct lookahead_options lookahead;
  int64_t seed, jobs, random_draws;
};

enum {
  OPTION_BREAKDOWN,
  OPTION_EXPORT,
  OPTION_OUTPUT,
  OPTION_HTML,
  OPTION_LOOKAHEAD,
  OPTION_CUTS,
  OPTION_ALL,
  OPTION_BOUNDS,
  OPTION_COMPARE,
  OPTION_JOBS,
  OPTION_SEED,
  OPTION_RANDOM,
  OPTION_RUN_ID,
  OPTION_PROGRESS,
  OPTION_COUNT
};

static const struct app_option own_options[OPTION_COUNT] = {
    [OPTION_BREAKDOWN] = {"breakdown", 0, true, "LIST", "day, week, month, symbol, strategy, side, exit_reason, hour, weekday, level_source"},
    [OPTION_EXPORT] = {"export", 0, true, "KIND", "none, trades, signals, decisions or all"},
    [OPTION_OUTPUT] = {"output", 'o', true, "DIR", "folder of the files"},
    [OPTION_HTML] = {"html", 0, false, NULL, "also write report.html"},
    [OPTION_LOOKAHEAD] = {"lookahead-check", 0, false, NULL, "does any decision change when the future is cut off or replaced by noise?"},
    [OPTION_CUTS] = {"cuts", 0, true, "N", "look-ahead check: times at which the data are cut (200)"},
    [OPTION_ALL] = {"all", 0, false, NULL, "look-ahead check: every time, by hiding the future at each, and no cuts"},
    [OPTION_BOUNDS] = {"path-bounds", 0, false, NULL, "also run with targets before stops inside candles"},
    [OPTION_COMPARE] = {"compare", 0, true, "RUN", "figures beside those of a former run"},
    [OPTION_JOBS] = {"jobs", 'j', true, "N", "processes for further runs (all cores)"},
    [OPTION_SEED] = {"seed", 0, true, "N", "of everything drawn"},
    [OPTION_RANDOM] = {"random-entries", 0, true, "N", "are the entries better than N draws of random ones? (channel strategy)"},
    [OPTION_RUN_ID] = {"run-id", 0, true, "ID", "name of the run and its folder instead of the next number"},
    [OPTION_PROGRESS] = {"progress-fd", 0, true, "N", "for the server: progress as lines of JSON on this descriptor, results in files only"},
};

/* ---- options ---- */

static bool take_breakdowns(struct app *app, struct call *call, const char *value) {
  char list[256];
  text_copy(list, sizeof list, value);
  char *rest;
  for (char *word = strtok_r(list, ", ", &rest); word != NULL; word = strtok_r(NULL, ", ", &rest)) {
    int found = -1;
    for (int i = 0; i < breakdown_count; i++) found = strcmp(word, breakdown_names[i]) == 0 ? i : found;
    if (found < 0) {
      int nearest = text_nearest(word, breakdown_names, breakdown_count);
      problem_add(&app->problem, "bad_parameter", "--breakdown", word,
                  nearest >= 0 ? breakdown_names[nearest] : "day, week, month, symbol, strategy, side, exit_reason", "there is no such breakdown");
      return false;
    }
    call->breakdowns |= 1u << found;
  }
  return true;
}

static bool take_export(struct app *app, struct call *call, const char *value) {
  for (int i = EXPORT_NONE; i < EXPORT_COUNT; i++) {
    if (strcmp(value, export_names[i]) != 0) continue;
    call->export = (enum export)i;
    return true;
  }
  problem_add(&app->problem, "bad_parameter", "--export", value, "none, trades, signals, decisions or all", "there is no such export");
  return false;
}

static bool take_cuts(struct app *app, struct call *call, const char *value) {
  int64_t cuts;
  if (!app_parse_integer(app, "--cuts", value, 1, LOOKAHEAD_CUTS_MAX, &cuts)) return false;
  call->lookahead.cuts = (int)cuts;
  return true;
}

static bool take_own(struct app *app, void *context, int option, const char *value) {
  struct call *call = context;
  switch (option) {
    case OPTION_BREAKDOWN:
      return take_breakdowns(app, call, value);
    case OPTION_EXPORT:
      return take_export(app, call, value);
    case OPTION_OUTPUT:
      return call->output = value, true;
    case OPTION_HTML:
      return call->has_html = true;
    case OPTION_LOOKAHEAD:
      return call->has_lookahead = true;
    case OPTION_CUTS:
      return take_cuts(app, call, value);
    case OPTION_ALL:
      return call->lookahead.is_all = true;
    case OPTION_BOUNDS:
      return call->has_bounds = true;
    case OPTION_COMPARE:
      return call->compare = value, true;
    case OPTION_JOBS:
      return app_parse_integer(app, "--jobs", value, 1, 1024, &call->jobs);
    case OPTION_RANDOM:
      return app_parse_integer(app, "--random-entries", value, 1, ENTRY_TEST_DRAWS_MAX, &call->random_draws);
    case OPTION_RUN_ID:
      return run_choice_take_id(app, value, &call->run_id);
    case OPTION_PROGRESS:
      return worker_begin(&call->worker, app, value);
    case OPTION_SEED:
      return app_parse_integer(app, "--seed", value, 0, INT64_MAX, &call->seed);
    default:
      return false;
  }
}

static enum status read_call(struct app *app, struct call *call, int argc, char **argv) {
  const struct run_choice_reader reader = {
      .own = own_options, .own_count = OPTION_COUNT, .take_own = take_own, .context = call, .recorded = &call->recorded, .preset = &call->preset};
  return run_choice_read(&call->choice, &reader, app, argc, argv);
}

static void call_init(struct call *call, const struct app *app) {
  *call = (struct call){.seed = app->settings.random_seed, .jobs = jobs_cores(), .lookahead = {.cuts = LOOKAHEAD_CUTS}};
  run_choice_init(&call->choice);
}

/* ---- further runs ---- */

struct further {
  const struct wiring *wiring;
  const struct run_options *options;
  bool has_bounds; /* piece 0 is the favourable path then */
};

struct further_result {
  struct result_summary summary;
  enum status status;
  char message[256];
};

static const double base_factor = 1;

/* Which costs the piece stands for: the factors other than 1, in order. */
static double factor_of(int piece) {
  for (int i = 0; i < RESULT_COSTS; i++) {
    if (result_cost_factors[i] == base_factor) continue;
    if (piece-- == 0) return result_cost_factors[i];
  }
  return base_factor;
}

static void further_work(void *context, int index, void *result) {
  const struct further *further = context;
  struct further_result *out = result;
  struct run_options options = *further->options;
  struct preset preset = further->wiring->preset.preset;
  const struct settings *settings = &further->wiring->app->settings;
  options.shows_progress = false;
  options.keeps_orders = false;
  options.wiring.has_digest = true;
  int piece = further->has_bounds ? index - 1 : index;
  if (piece < 0) {
    options.wiring.path = SIM_PATH_FAVOURABLE;
  } else {
    double factor = factor_of(piece);
    options.wiring.slippage_bps = factor * (isfinite(options.wiring.slippage_bps) ? options.wiring.slippage_bps : settings->paper_slippage_bps);
    options.wiring.impact_bps = factor * (isfinite(options.wiring.impact_bps) ? options.wiring.impact_bps : settings->paper_impact_bps);
    preset.execution_config.taker_fee_bps *= factor;
    preset.execution_config.maker_fee_bps *= factor;
  }
  struct run run;
  struct problem *problem = &further->wiring->app->problem;
  out->status = recorded_run_again(&run, further->wiring, &options, &preset);
  if (!out->status) result_summarise(&run, &out->summary);
  if (out->status) text_copy(out->message, sizeof out->message, problem->count > 0 ? problem->items[0].message : status_text(out->status));
  run_deinit(&run);
}

static enum status run_further(struct app *app, const struct call *call, const struct wiring *wiring, struct result *result) {
  struct further further = {wiring, &call->choice.run, call->has_bounds};
  struct further_result results[RESULT_COSTS] = {0};
  int count = (call->has_bounds ? 1 : 0) + (call->has_html ? RESULT_COSTS - 1 : 0);
  if (count == 0) return STATUS_OK;
  enum status status = jobs_run(count, (int)call->jobs, "further runs", further_work, &further, results, sizeof results[0]);
  for (int i = 0; i < count && !status; i++) {
    status = results[i].status;
    if (status) problem_add(&app->problem, "run_failed", "backtest", NULL, NULL, "%s", results[i].message);
  }
  if (status) return status;
  result->has_bounds = call->has_bounds;
  result_summarise(result->run, &result->bounds[SIM_PATH_ADVERSE]);
  if (call->has_bounds) result->bounds[SIM_PATH_FAVOURABLE] = results[0].summary;
  result->has_costs = call->has_html;
  int next = call->has_bounds ? 1 : 0;
  for (int i = 0; i < RESULT_COSTS; i++) {
    if (result_cost_factors[i] == base_factor) {
      result_summarise(result->run, &result->costs[i]);
    } else if (call->has_html) {
      result->costs[i] = results[next++].summary;
    }
  }
  return STATUS_OK;
}

/* ---- files ---- */

static bool has_decisions(const struct call *call) {
  return call->export == EXPORT_SIGNALS || call->export == EXPORT_DECISIONS || call->export == EXPORT_ALL;
}

static void name_files(const struct call *call, struct result *result) {
  result->files[result->file_count++] = "result.json";
  result->files[result->file_count++] = "trades.csv";
  result->files[result->file_count++] = "equity.csv";
  if (has_decisions(call)) result->files[result->file_count++] = "decisions.jsonl";
  if (call->export == EXPORT_ALL) {
    result->files[result->file_count++] = "orders.csv";
    result->files[result->file_count++] = "fills.csv";
    result->files[result->file_count++] = "levels.csv";
  }
  if (call->has_html) result->files[result->file_count++] = "report.html";
}

static void fill_file(const char *name, const struct call *call, const struct result *result, struct buffer *out) {
  const struct run *run = result->run;
  if (strcmp(name, "result.json") == 0) result_json(result, true, out);
  if (strcmp(name, "trades.csv") == 0) report_csv_trades(run, out);
  if (strcmp(name, "equity.csv") == 0) report_csv_equity(run, out);
  if (strcmp(name, "decisions.jsonl") == 0) report_decisions(run, call->export == EXPORT_SIGNALS, out);
  if (strcmp(name, "orders.csv") == 0) report_csv_list(&run->orders, &order_schema, out);
  if (strcmp(name, "fills.csv") == 0) report_csv_list(&run->fills, &fill_schema, out);
  if (strcmp(name, "levels.csv") == 0) report_csv_levels(run, out);
  if (strcmp(name, "report.html") == 0) report_html(result, out);
}

/* Points of the equity curve as the records that they were made from. */
static void fill_equity(const struct run *run, struct buffer *out) {
  const struct equity_point *marks = (const struct equity_point *)(const void *)run->marks.data;
  struct equity *records = calloc((size_t)run->marks.count + 1, sizeof *records);
  check(records != NULL);
  for (int64_t i = 0; i < run->marks.count; i++) {
    records[i] = (struct equity){.ts = marks[i].ts,
                                 .equity_usd = decimal_from_double(marks[i].equity_usd),
                                 .cash_usd = decimal_from_double(marks[i].cash_usd),
                                 .unrealised_usd = decimal_from_double(marks[i].unrealised_usd),
                                 .drawdown = marks[i].drawdown,
                                 .cumulative_r = marks[i].cumulative_r,
                                 .positions = marks[i].positions,
                                 .notional_usd = decimal_from_double(marks[i].notional_usd)};
  }
  run_file_print(RUN_FILE_EQUITY, records, run->marks.count, out);
  free(records);
}

static void fill_records(enum run_file file, const struct run *run, struct buffer *out) {
  if (file == RUN_FILE_TRADES) run_file_print(file, run->trades.data, run->trades.count, out);
  if (file == RUN_FILE_EQUITY) fill_equity(run, out);
  if (file == RUN_FILE_DECISIONS) run_file_print(file, run->decisions.data, run->decisions.count, out);
}

static enum status write_files(struct app *app, const struct call *call, const struct result *result, const char *folder) {
  struct buffer text = {0};
  enum status status = run_folder_make(app, folder);
  for (int i = 0; i < result->file_count && !status; i++) {
    fill_file(result->files[i], call, result, &text);
    status = run_folder_write(app, folder, result->files[i], &text);
  }
  for (int i = 0; i < RUN_FILE_COUNT && !status && call->worker.is_one; i++) {
    fill_records((enum run_file)i, result->run, &text);
    status = run_folder_write(app, folder, run_file_name((enum run_file)i), &text);
  }
  buffer_deinit(&text);
  return status;
}

/* Files were asked for, or the folder of reports can be written anyway. */
static enum status keep(struct app *app, const struct call *call, struct result *result, char folder[RUN_FOLDER_MAX]) {
  bool is_wanted = call->output != NULL || call->has_html || call->export > EXPORT_NONE;
  bool has_id = call->run_id != NULL || run_id_next(app->settings.data_dir, result->run_id);
  if (call->run_id != NULL) text_copy(result->run_id, sizeof result->run_id, call->run_id);
  folder[0] = '\0';
  if (call->export == EXPORT_NONE && !is_wanted) return STATUS_OK;
  if (!has_id && call->output == NULL) {
    if (!app->is_quiet) fprintf(stderr, "note: %s cannot be written, so the result is printed only; -o DIR keeps it\n", app->settings.data_dir);
    return STATUS_OK;
  }
  if (call->output != NULL) {
    text_copy(folder, RUN_FOLDER_MAX, call->output);
  } else {
    snprintf(folder, RUN_FOLDER_MAX, "%s/backtests/%s", app->settings.reports_dir, result->run_id);
  }
  name_files(call, result);
  enum status status = write_files(app, call, result, folder);
  if (!status || is_wanted) return status;
  if (!app->is_quiet) problem_print(&app->problem, stderr);
  problem_clear(&app->problem);
  result->file_count = 0;
  folder[0] = '\0';
  return STATUS_OK;
}

/* ---- output ---- */

static int print_compared(struct app *app, const struct call *call, const struct result *result) {
  enum status status;
  struct json *former = result_load(app, call->compare, &status);
  if (former == NULL) return app_fail(app, status);
  struct buffer text = {0};
  result_json(result, false, &text);
  struct json *now = json_parse(text.data, text.length, JSON_STRICT, "this run", &app->problem);
  if (now != NULL) result_compare(former, now, call->compare, result->run_id[0] != '\0' ? result->run_id : "this run", app);
  int code = now != NULL ? 0 : app_fail(app, STATUS_FAILED);
  json_free(now);
  json_free(former);
  buffer_deinit(&text);
  return code;
}

void backtest_print(struct app *app, const struct result *result, const char *folder) {
  struct buffer out = {0};
  if (app->output == OUTPUT_JSON || app->output == OUTPUT_JSONL) {
    result_json(result, app->output == OUTPUT_JSON, &out);
  } else if (app->output == OUTPUT_CSV) {
    report_csv_trades(result->run, &out);
  } else {
    report_text(result, app->has_colors, &out);
    if (folder[0] != '\0') buffer_add_format(&out, "Files:    %s\n", folder);
  }
  app_print(&out);
  buffer_deinit(&out);
}

static int finish(struct app *app, struct call *call, const struct wiring *wiring, const struct run *run, int64_t began_at) {
  uint32_t all = (1u << breakdown_count) - 1;
  uint32_t shown = call->breakdowns | 1u << BREAKDOWN_SYMBOL | 1u << BREAKDOWN_EXIT_REASON;
  struct result result = {.app = app,
                          .wiring = wiring,
                          .run = run,
                          .options = &call->choice.run,
                          .seed = call->seed,
                          .created_at = began_at,
                          .breakdowns = call->breakdowns != 0 ? shown : all,
                          .has_orders = call->export == EXPORT_ALL};
  char folder[RUN_FOLDER_MAX];
  enum status status = run_further(app, call, wiring, &result);
  result.has_entry_test = call->random_draws > 0;
  if (!status && result.has_entry_test)
    status = entry_test_run(wiring, &call->choice.run, run, call->random_draws, call->seed, (int)call->jobs, &result.entry_test);
  result.duration_ms = app_now_ms() - began_at;
  if (!status) status = keep(app, call, &result, folder);
  if (status) return app_fail(app, status);
  worker_finish(&call->worker, &result, run->digest);
  if (call->worker.is_one) return 0;
  if (call->compare != NULL) return print_compared(app, call, &result);
  if (app->output == OUTPUT_TEXT) result.breakdowns = shown;
  backtest_print(app, &result, folder);
  return 0;
}

int app_backtest(struct app *app, int argc, char **argv) {
  static struct call call;
  int64_t began_at = app_now_ms();
  call_init(&call, app);
  enum status status = read_call(app, &call, argc, argv);
  if (status) return app_fail(app, status);
  struct wiring wiring = {0};
  struct run run = {0};
  call.choice.run.wiring.preset = call.preset != NULL ? call.preset : app->settings.default_preset;
  status = recorded_open(&call.recorded, app, &wiring);
  if (!status) status = wiring_load_preset(&wiring, app, &call.choice.run.wiring);
  if (!status && app->problem.count > 0 && !app->is_quiet) problem_print(&app->problem, stderr);
  if (!status) problem_clear(&app->problem);
  int code;
  worker_watch(&call.worker, &run, &wiring, (call.has_bounds ? 1 : 0) + (call.has_html ? RESULT_COSTS : 1));
  call.choice.run.from_ms = call.recorded.range.from_ms;
  call.choice.run.to_ms = call.recorded.range.to_ms;
  if (!status && call.has_lookahead) {
    call.lookahead.workers = (int)call.jobs;
    call.lookahead.seed = call.seed;
    code = lookahead_check(app, &wiring, &call.choice.run, &call.lookahead);
  } else {
    call.choice.run.shows_progress = !app->is_quiet;
    call.choice.run.keeps_orders = call.has_html || has_decisions(&call);
    if (!status) status = run_execute(&run, &wiring, &call.choice.run);
    code = status ? app_fail(app, status) : finish(app, &call, &wiring, &run, began_at);
  }
  run_deinit(&run);
  wiring_close(&wiring);
  return code;
}

/* breakout optimize: searches the parameters of a preset over recorded markets. */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "apps/jobs.h"
#include "apps/optimize.h"
#include "apps/run_choice.h"
#include "apps/run_folder.h"
#include "apps/run_id.h"
#include "apps/sweep_store.h"
#include "apps/worker.h"
#include "base/calendar.h"
#include "base/check.h"
#include "base/version.h"

enum { TOP = 20, SAMPLES = 100, HOURS_MAX = 8760 };

struct call {
  const char *preset;
  struct recorded recorded;
  struct run_choice choice;
  const char *params[SWEEP_AXES_MAX];
  int param_count;
  enum sweep_method method;
  struct sweep_objective objective;
  struct walk_options walk;
  const char *output, *resume, *run_id;
  struct worker worker;
  int64_t samples, jobs, seed, top, draws;
  bool has_walk, is_full_engine;
};

enum {
  OPTION_PARAM,
  OPTION_METHOD,
  OPTION_SAMPLES,
  OPTION_OBJECTIVE,
  OPTION_MIN_TRADES,
  OPTION_JOBS,
  OPTION_WALK,
  OPTION_PURGE,
  OPTION_EMBARGO,
  OPTION_MONTE_CARLO,
  OPTION_SEED,
  OPTION_RESUME,
  OPTION_TOP,
  OPTION_FULL_ENGINE,
  OPTION_OUTPUT,
  OPTION_RUN_ID,
  OPTION_PROGRESS,
  OPTION_COUNT
};

static const struct app_option own_options[OPTION_COUNT] = {
    [OPTION_PARAM] = {"param", 0, true, "KEY=VALUES", "a key of the preset and what to try: a,b,c or low:high:step; repeatable"},
    [OPTION_METHOD] = {"method", 0, true, "METHOD", "grid (all), random or latin"},
    [OPTION_SAMPLES] = {"samples", 0, true, "N", "sets drawn by random and latin (100)"},
    [OPTION_OBJECTIVE] = {"objective", 0, true, "NAME", "r_efficiency (average_r times root of trades) or any figure"},
    [OPTION_MIN_TRADES] = {"min-trades", 0, true, "N", "sets with fewer trades come last (30)"},
    [OPTION_JOBS] = {"jobs", 'j', true, "N", "processes (all cores)"},
    [OPTION_WALK] = {"walk-forward", 0, true, "IS:OOS", "also choose and trade by windows of days, IS:OOS or IS:OOS:STEP"},
    [OPTION_PURGE] = {"purge", 0, true, "HOURS", "gap between the two parts of a window (8)"},
    [OPTION_EMBARGO] = {"embargo", 0, true, "HOURS", "behind each out-of-sample part, not used for training (0)"},
    [OPTION_MONTE_CARLO] = {"monte-carlo", 0, true, "N", "draws of the best set's trades; without --param of those of the preset"},
    [OPTION_SEED] = {"seed", 0, true, "N", "of everything drawn"},
    [OPTION_RESUME] = {"resume", 0, true, "RUN", "go on with an interrupted search; its words need not be repeated"},
    [OPTION_TOP] = {"top", 0, true, "N", "sets that are printed (20)"},
    [OPTION_FULL_ENGINE] = {"full-engine", 0, false, NULL, "every set through the engine, also where its fast twin would do: each has a digest"},
    [OPTION_OUTPUT] = {"output", 'o', true, "DIR", "folder of the files"},
    [OPTION_RUN_ID] = {"run-id", 0, true, "ID", "name of the run and its folder instead of the next number"},
    [OPTION_PROGRESS] = {"progress-fd", 0, true, "N", "for the server: progress as lines of JSON on this descriptor, results in files only"},
};

/* ---- options ---- */

static bool take_param(struct app *app, struct call *call, const char *value) {
  if (call->param_count < SWEEP_AXES_MAX) {
    call->params[call->param_count++] = value;
    return true;
  }
  problem_add(&app->problem, "too_many", "--param", value, NULL, "at most %d keys", SWEEP_AXES_MAX);
  return false;
}

static bool take_method(struct app *app, struct call *call, const char *value) {
  for (int i = 0; i < sweep_method_count; i++) {
    if (!text_equal(value, sweep_method_names[i])) continue;
    call->method = (enum sweep_method)i;
    return true;
  }
  problem_add(&app->problem, "bad_parameter", "--method", value, "grid, random or latin", "there is no such method");
  return false;
}

static bool take_hours(struct app *app, const char *option, const char *value, int64_t *out) {
  double hours;
  if (!app_parse_number(app, option, value, 0, HOURS_MAX, &hours)) return false;
  *out = (int64_t)llround(hours * (double)HOUR_MS / (double)MINUTE_MS) * MINUTE_MS;
  return true;
}

static bool take_own(struct app *app, void *context, int option, const char *value) {
  struct call *call = context;
  switch (option) {
    case OPTION_PARAM:
      return take_param(app, call, value);
    case OPTION_METHOD:
      return take_method(app, call, value);
    case OPTION_SAMPLES:
      return app_parse_integer(app, "--samples", value, 1, SWEEP_SETS_MAX, &call->samples);
    case OPTION_OBJECTIVE:
      return sweep_objective_find(value, &call->objective, &app->problem);
    case OPTION_MIN_TRADES:
      return app_parse_integer(app, "--min-trades", value, 0, 1000000, &call->objective.min_trades);
    case OPTION_JOBS:
      return app_parse_integer(app, "--jobs", value, 1, 1024, &call->jobs);
    case OPTION_WALK:
      return call->has_walk = walk_read(value, &call->walk, &app->problem);
    case OPTION_PURGE:
      return take_hours(app, "--purge", value, &call->walk.purge_ms);
    case OPTION_EMBARGO:
      return take_hours(app, "--embargo", value, &call->walk.embargo_ms);
    case OPTION_MONTE_CARLO:
      return app_parse_integer(app, "--monte-carlo", value, 1, MONTE_CARLO_DRAWS_MAX, &call->draws);
    case OPTION_SEED:
      return app_parse_integer(app, "--seed", value, 0, INT64_MAX, &call->seed);
    case OPTION_RESUME:
      return call->resume = value, true;
    case OPTION_TOP:
      return app_parse_integer(app, "--top", value, 1, SWEEP_SETS_MAX, &call->top);
    case OPTION_FULL_ENGINE:
      return call->is_full_engine = true;
    case OPTION_OUTPUT:
      return call->output = value, true;
    case OPTION_RUN_ID:
      return run_choice_take_id(app, value, &call->run_id);
    case OPTION_PROGRESS:
      return worker_begin(&call->worker, app, value);
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
  *call = (struct call){.seed = app->settings.random_seed,
                        .jobs = jobs_cores(),
                        .samples = SAMPLES,
                        .top = TOP,
                        .walk = {.purge_ms = WALK_PURGE_HOURS * HOUR_MS},
                        .objective = {.figure = -1, .min_trades = SWEEP_MIN_TRADES}};
  run_choice_init(&call->choice);
}

/* ---- the folder and what is kept in it ---- */

static void find_folder(const struct app *app, const char *run, char out[RUN_FOLDER_MAX]) {
  struct stat info;
  char path[RUN_FOLDER_MAX + 32];
  snprintf(path, sizeof path, "%.*s/search.json", RUN_FOLDER_MAX - 1, run);
  if (stat(path, &info) == 0) {
    text_copy(out, RUN_FOLDER_MAX, run);
  } else {
    snprintf(out, RUN_FOLDER_MAX, "%s/backtests/%s", app->settings.reports_dir, run);
  }
}

/* --resume RUN alone: the words that began the search, then those of now. text owns the words. */
static enum status read_kept_call(struct app *app, struct call *call, int argc, char **argv, struct buffer *text) {
  char folder[RUN_FOLDER_MAX];
  char *words[SWEEP_STORE_WORDS_MAX];
  find_folder(app, call->resume, folder);
  words[0] = argv[0];
  int count = sweep_store_words(app, folder, text, words + 1, SWEEP_STORE_WORDS_MAX - 2);
  if (count < 0) return STATUS_NOT_FOUND;
  words[count + 1] = NULL;
  call_init(call, app);
  enum status status = read_call(app, call, count + 1, words);
  return status ? status : read_call(app, call, argc, argv);
}

static void add_text(struct json_writer *json, const char *key, const char *format, ...) __attribute__((format(printf, 3, 4)));
static void add_text(struct json_writer *json, const char *key, const char *format, ...) {
  char text[256];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  json_add_string(json, key, text);
}

/* Everything that decides the figures of the sets. */
static void add_identity(const struct call *call, const struct sweep *sweep, struct buffer *out) {
  struct json_writer json;
  struct buffer params = {0};
  char checksum[DIGEST_TEXT_MAX];
  const struct wiring_options *wiring = &call->choice.run.wiring;
  const struct settings *settings = &sweep->app->settings;
  source_checksum(sweep->wiring->source, checksum);
  for (int i = 0; i < call->param_count; i++) buffer_add_format(&params, "%s%s", i > 0 ? " " : "", call->params[i]);
  json_writer_init(&json, out, false);
  json_begin_object(&json, NULL);
  json_add_string(&json, "version", version_text());
  json_add_string(&json, "dataset", checksum);
  json_add_string(&json, "preset", sweep->wiring->preset.hash);
  json_add_string(&json, "parameters", params.data != NULL ? params.data : "");
  add_text(&json, "method", "%s %lld %lld", sweep_method_names[call->method], (long long)(call->method == SWEEP_GRID ? 0 : call->samples),
           (long long)(call->method == SWEEP_GRID ? 0 : call->seed));
  add_text(&json, "range", "%lld to %lld", (long long)call->recorded.range.from_ms, (long long)call->recorded.range.to_ms);
  add_text(&json, "walk_forward", "%lld %lld %lld %lld %lld", (long long)call->walk.in_ms, (long long)call->walk.out_ms,
           (long long)call->walk.step_ms, (long long)(call->has_walk ? call->walk.purge_ms : 0),
           (long long)(call->has_walk ? call->walk.embargo_ms : 0));
  add_text(&json, "account", "%.8g %d", isfinite(wiring->starting_balance) ? wiring->starting_balance : settings->paper_starting_balance,
           (int)call->choice.run.after_kill);
  add_text(&json, "costs", "%.8g %.8g %lld %.8g", isfinite(wiring->slippage_bps) ? wiring->slippage_bps : settings->paper_slippage_bps,
           isfinite(wiring->impact_bps) ? wiring->impact_bps : settings->paper_impact_bps,
           (long long)(wiring->latency_ms >= 0 ? wiring->latency_ms : (int64_t)settings->paper_latency_ms), settings->paper_max_participation);
  json_add_string(&json, "evaluated_by", sweep->fast != NULL ? "fast twin" : "engine");
  add_text(&json, "engine", "%.8g %d %d %d", (double)settings->max_leverage, (int)settings->engine_market_fetch_limit,
           (int)settings->deep_symbol_limit, (int)settings->stop_trigger);
  json_end_object(&json);
  buffer_deinit(&params);
}

/* The folder, and the sets in it; a folder that cannot be written is no reason to search nothing. */
static enum status open_store(struct app *app, const struct call *call, struct sweep *sweep, int argc, char **argv, char folder[RUN_FOLDER_MAX],
                              struct sweep_store *store) {
  struct buffer identity = {0};
  enum status status = STATUS_OK;
  *store = (struct sweep_store){.file = -1};
  add_identity(call, sweep, &identity);
  if (call->resume != NULL) {
    find_folder(app, call->resume, folder);
    status = sweep_store_resume(store, sweep, folder, &identity);
    buffer_deinit(&identity);
    return status;
  }
  char run_id[RUN_ID_BYTES] = "";
  bool has_id = call->run_id != NULL || run_id_next(app->settings.data_dir, run_id);
  if (call->run_id != NULL) text_copy(run_id, sizeof run_id, call->run_id);
  text_copy(store->run_id, sizeof store->run_id, run_id);
  folder[0] = '\0';
  if (call->output != NULL) {
    text_copy(folder, RUN_FOLDER_MAX, call->output);
  } else if (has_id) {
    snprintf(folder, RUN_FOLDER_MAX, "%s/backtests/%s", app->settings.reports_dir, run_id);
  }
  if (folder[0] != '\0') status = sweep_store_begin(store, app, folder, &identity, argc - 1, argv + 1);
  buffer_deinit(&identity);
  if (call->output != NULL || call->run_id != NULL || (!status && folder[0] != '\0')) return status;
  if (!app->is_quiet) fprintf(stderr, "note: the result is printed only and cannot be resumed; -o DIR keeps it\n");
  problem_clear(&app->problem);
  folder[0] = '\0';
  return STATUS_OK;
}

/* ---- after the runs ---- */

/* Every null is the same one. */
static void add_figures(struct digest *digest, const struct sweep_figures *figures) {
  double values[figure_count];
  for (int i = 0; i < figure_count; i++) values[i] = isnan(figures->figure[i]) ? (double)NAN : figures->figure[i];
  digest_add(digest, values, sizeof values);
  digest_add(digest, figures->digest, strlen(figures->digest) + 1);
}

static void compute_digest(struct search *search) {
  const struct sweep *sweep = search->sweep;
  struct digest digest;
  digest_open(&digest);
  for (int period = 0; period < sweep->period_count; period++) {
    for (int set = 0; set < sweep->space.set_count; set++) {
      if (sweep->is_valid[set]) add_figures(&digest, sweep_figures_of(sweep, period, set));
    }
  }
  for (int i = 0; search->walk != NULL && i < search->walk->window_count; i++) add_figures(&digest, &search->walk->windows[i].out);
  digest_read(&digest, search->digest);
  digest_close(&digest);
}

static void draw_trades(const struct call *call, struct search *search) {
  const struct run *run = &search->best.run;
  const struct preset_risk *risk = &search->best.wiring.preset.preset.risk;
  struct monte_carlo_options options = {
      .draws = call->draws, .seed = call->seed, .risk_per_trade = risk->risk_per_trade, .kill_limit = risk->kill_switch_loss_limit};
  monte_carlo_of_trades((const struct trade *)(const void *)run->trades.data, run->trades.count, &options, &search->monte_carlo);
  search->has_monte_carlo = true;
}

/* The run of the best set once more, with its trades: it must be what the worker saw. */
static enum status play_best(struct search *search) {
  const struct sweep *sweep = search->sweep;
  int set = search->rows[0].set;
  enum status status = sweep_play(sweep, &sweep->periods[0], set, NAN, false, &search->best);
  if (status) return status;
  const struct sweep_figures *seen = sweep_figures_of(sweep, 0, set);
  if (seen->digest[0] == '\0' || text_equal(seen->digest, search->best.run.digest)) return STATUS_OK;
  problem_add(&sweep->app->problem, "internal", "optimize", NULL, NULL, "set %d run again has another digest", set + 1);
  return STATUS_FAILED;
}

static enum status evaluate(struct app *app, const struct call *call, struct sweep *sweep, struct search *search) {
  search->rows = calloc((size_t)sweep->valid_count, sizeof *search->rows);
  check(search->rows != NULL);
  sweep_rank(sweep, 0, call->method == SWEEP_GRID, search->rows);
  search->row_count = sweep->valid_count;
  search->has_best = isfinite(search->rows[0].objective);
  enum status status = sweep_check(sweep, search->rows, search->row_count, (int)call->jobs);
  if (!status) status = play_best(search);
  if (!status && search->walk != NULL) status = walk_trade(search->walk, sweep);
  if (status) return status;
  if (call->draws > 0 && search->has_best) draw_trades(call, search);
  compute_digest(search);
  search->result =
      (struct result){.app = app, .wiring = sweep->wiring, .run = &search->best.run, .options = &search->best.options, .seed = call->seed};
  return STATUS_OK;
}

static enum status write_files(struct app *app, struct search *search, const char *folder) {
  static const char *const names[] = {"result.json", "sets.csv", "report.html"};
  static void (*const fill[])(const struct search *search, struct buffer *out) = {NULL, search_csv, search_html};
  struct buffer text = {0};
  enum status status = STATUS_OK;
  for (int i = 0; i < 3; i++) search->result.files[search->result.file_count++] = names[i];
  for (int i = 0; i < 3 && !status; i++) {
    if (fill[i] == NULL) search_json(search, true, &text);
    if (fill[i] != NULL) fill[i](search, &text);
    status = run_folder_write(app, folder, names[i], &text);
  }
  buffer_deinit(&text);
  return status;
}

static void print(struct app *app, const struct search *search, const char *folder) {
  struct buffer out = {0};
  if (app->output == OUTPUT_JSON || app->output == OUTPUT_JSONL) {
    search_json(search, app->output == OUTPUT_JSON, &out);
  } else if (app->output == OUTPUT_CSV) {
    search_csv(search, &out);
  } else {
    search_text(search, app->has_colors, &out);
    if (folder[0] != '\0') buffer_add_format(&out, "Files:    %s\n", folder);
  }
  app_print(&out);
  buffer_deinit(&out);
}

/* ---- the course of a search ---- */

static enum status plan(struct app *app, struct call *call, struct wiring *wiring, struct sweep *sweep, struct walk *walk) {
  int64_t first;
  int64_t last;
  enum status status = STATUS_OK;
  struct problem *problem = &app->problem;
  if (call->param_count == 0 && call->draws == 0) {
    problem_add(problem, "missing_argument", "--param", NULL, "--param channel_config.period=10:40:10", "no key of the preset is searched");
    return STATUS_BAD_CONFIG;
  }
  for (int i = 0; i < call->param_count && !status; i++) status = sweep_space_add(&sweep->space, &wiring->preset.preset, call->params[i], problem);
  if (!status) status = sweep_space_fill(&sweep->space, call->method, call->samples, call->seed, problem);
  if (status) return status;
  const struct app_range *range = &call->recorded.range;
  source_range(wiring->source, &first, &last);
  if (range->from_ms > first) first = range->from_ms;
  if (range->to_ms != 0 && range->to_ms < last) last = range->to_ms;
  sweep->periods = calloc(1 + WALK_WINDOWS_MAX, sizeof *sweep->periods);
  check(sweep->periods != NULL);
  sweep->periods[0] = (struct sweep_period){.from_ms = range->from_ms, .to_ms = range->to_ms};
  sweep->period_count = 1;
  if (walk != NULL) {
    walk->options = call->walk;
    status = walk_plan(walk, first, last, sweep->periods, problem);
    sweep->period_count += walk->window_count;
  }
  return status ? status : sweep_open(sweep);
}

static enum status tell_interrupted(struct app *app, const char *folder, const struct sweep_store *store) {
  char command[RUN_FOLDER_MAX + 64] = "";
  if (store->file >= 0) snprintf(command, sizeof command, "breakout optimize --resume %s", folder);
  problem_add(&app->problem, "interrupted", "optimize", NULL, command, "the search was interrupted%s",
              store->file >= 0 ? "; finished sets are kept" : "");
  return STATUS_INTERRUPTED;
}

static enum status search_and_print(struct app *app, struct call *call, struct sweep *sweep, struct search *search, int argc, char **argv) {
  struct sweep_store store;
  char folder[RUN_FOLDER_MAX] = "";
  int64_t began_at = app_now_ms();
  enum status status = open_store(app, call, sweep, argc, argv, folder, &store);
  worker_watch(&call->worker, NULL, NULL, 1);
  if (!status) status = sweep_run(sweep, (int)call->jobs, app->is_quiet && !call->worker.is_one ? NULL : "search", sweep_store_add, &store);
  if (status == STATUS_INTERRUPTED) status = tell_interrupted(app, folder, &store);
  if (store.has_failed && !app->is_quiet) fprintf(stderr, "note: %s takes no more: an interruption would lose the sets that followed\n", folder);
  sweep_store_close(&store);
  if (!status) status = evaluate(app, call, sweep, search);
  if (status) return status;
  text_copy(search->result.run_id, sizeof search->result.run_id, store.run_id);
  search->result.created_at = began_at;
  search->result.duration_ms = app_now_ms() - began_at;
  if (folder[0] != '\0') status = write_files(app, search, folder);
  if (!status) worker_finish(&call->worker, &search->result, search->digest);
  if (!status && !call->worker.is_one) print(app, search, folder);
  return status;
}

static void close_search(struct search *search, struct sweep *sweep) {
  sweep_play_close(&search->best);
  free(search->rows);
  if (search->walk != NULL) walk_close(search->walk);
  free(search->walk);
  free(sweep->periods);
  sweep_close(sweep);
}

int app_optimize(struct app *app, int argc, char **argv) {
  static struct call call;
  struct buffer words = {0};
  call_init(&call, app);
  enum status status = read_call(app, &call, argc, argv);
  bool is_alone = !status && call.resume != NULL && call.preset == NULL;
  if (is_alone) status = read_kept_call(app, &call, argc, argv, &words);
  if (status) return app_fail(app, status);
  if (call.param_count == 0) call.objective.min_trades = 0; /* nothing is chosen */
  struct wiring wiring = {0};
  struct sweep sweep = {
      .app = app, .wiring = &wiring, .options = &call.choice.run, .objective = call.objective, .is_full_engine = call.is_full_engine};
  struct search search = {.sweep = &sweep, .method = call.method, .top = (int)call.top};
  if (call.has_walk) search.walk = calloc(1, sizeof *search.walk);
  check(!call.has_walk || search.walk != NULL);
  call.choice.run.wiring.preset = call.preset != NULL ? call.preset : app->settings.default_preset;
  status = recorded_open(&call.recorded, app, &wiring);
  if (!status) status = wiring_load_preset(&wiring, app, &call.choice.run.wiring);
  if (!status && app->problem.count > 0 && !app->is_quiet) problem_print(&app->problem, stderr);
  if (!status) problem_clear(&app->problem);
  if (!status) status = plan(app, &call, &wiring, &sweep, search.walk);
  if (!status) status = search_and_print(app, &call, &sweep, &search, argc, argv);
  int code = status ? app_fail(app, status) : 0;
  close_search(&search, &sweep);
  wiring_close(&wiring);
  buffer_deinit(&words);
  return code;
}

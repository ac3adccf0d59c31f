/* breakout simulate: engine and paper venue on generated markets, for demonstrations and tests without recorded data; with --runs through faults. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "adapters/source/generate.h"
#include "apps/backtest.h"
#include "apps/fault_session.h"
#include "apps/recorded.h"
#include "apps/simulate_faults.h"
#include "base/calendar.h"
#include "base/folder.h"
#include "base/text.h"

enum { DAYS_DEFAULT = 10, SYMBOLS_DEFAULT = 4, SYMBOLS_MAX = 32, MINUTES_DEFAULT = 40, RUNS_MAX = 10000000, JOBS_MAX = 64, PATH_BYTES = 1024 };

struct call {
  const char *scenario, *preset;
  int64_t days, seed, symbols;
  struct simulate_faults faults; /* runs 0: none */
};

enum {
  OPTION_SCENARIO,
  OPTION_PRESET,
  OPTION_DAYS,
  OPTION_SEED,
  OPTION_COUNT_OF_SYMBOLS,
  OPTION_RUNS,
  OPTION_FAULTS,
  OPTION_MINUTES,
  OPTION_JOBS,
  OPTION_SHRINK,
  OPTION_SERVE,
  OPTION_SPEED,
  OPTION_COUNT
};
static const struct app_option options[OPTION_COUNT] = {
    [OPTION_SCENARIO] = {"scenario", 0, true, "NAME", "trend, range, breakouts, fakeouts, gaps, crash, quiet; or a file or folder of candles"},
    [OPTION_PRESET] = {"preset", 0, true, "PRESET",
                       "that trades (channel_baseline: generated markets are calm, and filters of other presets want movement)"},
    [OPTION_DAYS] = {"days", 0, true, "N", "of generated markets (10); the first three warm the indicators up"},
    [OPTION_SEED] = {"seed", 0, true, "N", "of the markets (1)"},
    [OPTION_COUNT_OF_SYMBOLS] = {"count", 0, true, "N", "symbols (4)"},
    [OPTION_RUNS] = {"runs", 0, true, "N", "sessions with faults, each with a seed of its own from --seed on"},
    [OPTION_FAULTS] = {"faults", 0, true, "LIST", "all, names, or NAME@SECOND+SECONDS for one session (all)"},
    [OPTION_MINUTES] = {"minutes", 0, true, "N", "of trading in a session with faults (40)"},
    [OPTION_JOBS] = {"jobs", 'j', true, "N", "sessions at once (1)"},
    [OPTION_SHRINK] = {"shrink", 0, false, NULL, "search the fewest and shortest faults that still go wrong"},
    [OPTION_SERVE] = {"serve", 0, false, NULL, "not in this version"},
    [OPTION_SPEED] = {"speed", 0, true, "N", "not in this version"},
};

static enum status read_call(struct app *app, struct call *call, int argc, char **argv) {
  struct app_arguments arguments;
  const char *value;
  int option;
  app_arguments_init(&arguments, argc, argv);
  while ((option = app_next(app, &arguments, options, OPTION_COUNT, &value)) != APP_DONE) {
    bool is_good = true;
    if (option == APP_WRONG) return STATUS_BAD_CONFIG;
    if (option >= OPTION_SERVE) {
      char name[24];
      snprintf(name, sizeof name, "--%s", options[option].name);
      problem_add(&app->problem, "not_in_version", name, NULL, "--scenario NAME", "showing a simulation live is not in this version");
      return STATUS_NOT_IN_VERSION;
    }
    if (option == OPTION_SCENARIO || option == APP_ARGUMENT) call->scenario = value;
    if (option == OPTION_PRESET) call->preset = value;
    if (option == OPTION_DAYS) is_good = app_parse_integer(app, "--days", value, 1, GENERATE_DAYS_MAX, &call->days);
    if (option == OPTION_SEED) is_good = app_parse_integer(app, "--seed", value, 0, INT64_MAX, &call->seed);
    if (option == OPTION_COUNT_OF_SYMBOLS) is_good = app_parse_integer(app, "--count", value, 1, SYMBOLS_MAX, &call->symbols);
    if (option == OPTION_RUNS) is_good = app_parse_integer(app, "--runs", value, 1, RUNS_MAX, &call->faults.runs);
    if (option == OPTION_MINUTES)
      is_good = app_parse_integer(app, "--minutes", value, FAULT_SESSION_MINUTES_MIN, FAULT_SESSION_MINUTES_MAX, &call->faults.minutes);
    if (option == OPTION_JOBS) is_good = app_parse_integer(app, "--jobs", value, 1, JOBS_MAX, &call->faults.jobs);
    if (option == OPTION_FAULTS) call->faults.faults = value;
    if (option == OPTION_SHRINK) call->faults.shrinks = true;
    if (!is_good) return STATUS_BAD_CONFIG;
  }
  return STATUS_OK;
}

/* ---- generated markets as a folder of files, so that they take the way of all data ---- */

static int find_scenario(const char *name) {
  for (int i = 0; i < GENERATE_SCENARIO_COUNT; i++) {
    if (text_equal(name, generate_scenario_names[i])) return i;
  }
  return -1;
}

static enum status write_market(struct app *app, const struct call *call, int scenario, int symbol, const char *folder) {
  struct candle *rows = malloc(generate_candles_max((int)call->days) * sizeof *rows);
  if (rows == NULL) return STATUS_NO_MEMORY;
  const struct generate_options generate = {.scenario = (enum generate_scenario)scenario,
                                            .seed = (uint64_t)call->seed,
                                            .symbol = symbol,
                                            .days = (int)call->days,
                                            .start_ms = calendar_to_ms(2024, 1, 1, 0, 0, 0, 0)};
  size_t count = generate_candles(rows, &generate);
  struct buffer text = {0};
  char path[PATH_BYTES + 64];
  buffer_add_text(&text, "timestamp_ms,open,high,low,close,volume,turnover\n");
  for (size_t i = 0; i < count; i++) {
    buffer_add_format(&text, "%lld,%.2f,%.2f,%.2f,%.2f,%.0f,%.4f\n", (long long)rows[i].open_ts, rows[i].open, rows[i].high, rows[i].low,
                      rows[i].close, rows[i].volume, rows[i].turnover);
  }
  free(rows);
  if (symbol == 0) {
    snprintf(path, sizeof path, "%s/BTCUSDT-1m.csv", folder);
  } else {
    snprintf(path, sizeof path, "%s/GEN%dUSDT-1m.csv", folder, symbol);
  }
  enum status status = buffer_write_file(&text, path, 0644, &app->problem);
  buffer_deinit(&text);
  return status;
}

static enum status write_instruments(struct app *app, const struct call *call, const char *folder) {
  struct buffer text = {0};
  char path[PATH_BYTES + 64];
  buffer_add_text(&text, "exchange_symbol,tick_size,lot_size\nBTCUSDT,0.01,0.001\n");
  for (int i = 1; i < call->symbols; i++) buffer_add_format(&text, "GEN%dUSDT,0.01,0.001\n", i);
  snprintf(path, sizeof path, "%s/instruments.csv", folder);
  enum status status = buffer_write_file(&text, path, 0644, &app->problem);
  buffer_deinit(&text);
  return status;
}

static enum status make_folder(struct app *app, char folder[PATH_BYTES]) {
  const char *scratch = getenv("TMPDIR");
  snprintf(folder, PATH_BYTES, "%.900s/breakout-simulate-XXXXXX", scratch != NULL ? scratch : "/tmp");
  if (mkdtemp(folder) != NULL) return STATUS_OK;
  int error = errno;
  problem_add(&app->problem, "write_failed", folder, NULL, "another TMPDIR", "no folder for the generated markets: %s", strerror(error));
  folder[0] = '\0';
  return status_from_errno(error);
}

static enum status generate(struct app *app, const struct call *call, int scenario, const char *folder) {
  enum status status = write_instruments(app, call, folder);
  for (int i = 0; i < call->symbols && !status; i++) status = write_market(app, call, scenario, i, folder);
  return status;
}

/* ---- the run ---- */

static enum status open_markets(struct app *app, const char *data, bool is_generated, struct wiring *wiring) {
  struct source_options source = {.data = data, .is_filled_flat = is_generated, .allows_bad_data = is_generated};
  enum status status = wiring_open_source(wiring, app, &source);
  if (!status && app->problem.count > 0 && !app->is_quiet && !is_generated) problem_print(&app->problem, stderr);
  problem_clear(&app->problem);
  return status;
}

static int run_markets(struct app *app, const struct call *call, const char *data, bool is_generated, int64_t began_at) {
  struct wiring wiring = {0};
  struct run run = {0};
  struct run_options run_options = {.shows_progress = !app->is_quiet};
  wiring_options_init(&run_options.wiring);
  run_options.wiring.feed_name = "generated";
  run_options.wiring.is_backtest = true;
  run_options.wiring.has_digest = true;
  run_options.wiring.preset = call->preset;
  enum status status = open_markets(app, data, is_generated, &wiring);
  if (!status) status = wiring_load_preset(&wiring, app, &run_options.wiring);
  if (!status) problem_clear(&app->problem);
  if (!status) status = run_execute(&run, &wiring, &run_options);
  if (!status) {
    struct result result = {.app = app,
                            .wiring = &wiring,
                            .run = &run,
                            .options = &run_options,
                            .seed = call->seed,
                            .created_at = began_at,
                            .duration_ms = app_now_ms() - began_at,
                            .breakdowns = 1u << BREAKDOWN_SYMBOL | 1u << BREAKDOWN_EXIT_REASON};
    backtest_print(app, &result, "");
  }
  run_deinit(&run);
  wiring_close(&wiring);
  return status ? app_fail(app, status) : 0;
}

int app_simulate(struct app *app, int argc, char **argv) {
  struct call call = {.preset = "channel_baseline",
                      .days = DAYS_DEFAULT,
                      .seed = app->settings.random_seed,
                      .symbols = SYMBOLS_DEFAULT,
                      .faults = {.jobs = 1, .minutes = MINUTES_DEFAULT}};
  int64_t began_at = app_now_ms();
  char folder[PATH_BYTES] = "";
  enum status status = read_call(app, &call, argc, argv);
  if (status) return app_fail(app, status);
  if (call.faults.runs > 0) {
    call.faults.seed = call.seed;
    call.faults.preset = call.preset;
    return simulate_faults(app, &call.faults);
  }
  if (call.scenario == NULL) {
    problem_add(&app->problem, "missing_argument", "--scenario", NULL, "trend, range, breakouts, fakeouts, gaps, crash, quiet",
                "no scenario is named");
    return app_fail(app, STATUS_BAD_CONFIG);
  }
  int scenario = find_scenario(call.scenario);
  struct stat info;
  if (scenario < 0 && stat(call.scenario, &info) == 0) return run_markets(app, &call, call.scenario, false, began_at);
  if (scenario < 0) {
    int nearest = text_nearest(call.scenario, generate_scenario_names, GENERATE_SCENARIO_COUNT);
    problem_add(&app->problem, "not_found", "--scenario", call.scenario,
                nearest >= 0 ? generate_scenario_names[nearest] : "trend, range, breakouts, fakeouts, gaps, crash, quiet",
                "no scenario and no file of this name");
    return app_fail(app, STATUS_NOT_FOUND);
  }
  status = make_folder(app, folder);
  if (!status) status = generate(app, &call, scenario, folder);
  int code = status ? app_fail(app, status) : run_markets(app, &call, folder, true, began_at);
  if (folder[0] != '\0') (void)folder_remove(folder);
  return code;
}

#include "apps/simulate_faults.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "apps/fault_session.h"
#include "base/folder.h"
#include "base/log.h"
#include "base/text.h"
#include "runner/preset_file.h"
#include "runner/preset_print.h"
#include "runner/preset_store.h"

enum { PATH_BYTES = 512, WORD_BYTES = 64, SHRINKS_MAX = 200 };

/* So that something happens within an hour: the channel of minutes, which trades often and is not stopped by a row of losses. */
static const char *const often[][2] = {
    {"channel_config.timeframe", "1m"},     {"channel_config.period", "12"},        {"channel_config.stop_atr_mult", "1.5"},
    {"channel_config.target_r", "1"},       {"risk.max_consecutive_losses", "20"},  {"risk.daily_risk_limit", "0.5"},
    {"risk.max_concurrent_positions", "3"}, {"risk.kill_switch_loss_limit", "0.9"}, {"risk.risk_per_trade", "0.005"},
};

/* The same for presets that look for levels: filters and checks at their loosest, so that nearly every break is traded, with ladder and stops. */
static const char *const loose[][2] = {
    {"risk.correlation_limit", "1"},
    {"risk.daily_risk_limit", "0.5"},
    {"risk.kill_switch_loss_limit", "0.9"},
    {"risk.max_consecutive_losses", "20"},
    {"risk.max_concurrent_positions", "3"},
    {"risk.risk_per_trade", "0.005"},
    {"liquidity_filters.min_24h_volume_usd", "1"},
    {"liquidity_filters.min_oi_usd", "null"},
    {"liquidity_filters.max_spread_bps", "500"},
    {"liquidity_filters.min_depth_usd_0_5pct", "1"},
    {"liquidity_filters.min_depth_usd_0_3pct", "1"},
    {"liquidity_filters.min_trades_per_minute", "0"},
    {"volatility_filters.atr_range_min", "0.000001"},
    {"volatility_filters.atr_range_max", "1"},
    {"volatility_filters.bb_width_percentile_max", "100"},
    {"volatility_filters.volume_surge_1h_min", "0"},
    {"volatility_filters.volume_surge_5m_min", "0"},
    {"volatility_filters.oi_delta_threshold", "null"},
    {"signal_config.momentum_volume_multiplier", "0.1"},
    {"signal_config.momentum_body_ratio_min", "0"},
    {"signal_config.momentum_epsilon", "0.0005"},
    {"signal_config.retest_max_pierce_atr", "5"},
    {"signal_config.l2_imbalance_threshold", "0"},
    {"signal_config.vwap_gap_max_atr", "20"},
    {"signal_config.entry_rules.require_momentum", "false"},
    {"signal_config.entry_rules.validate_approach", "false"},
    {"signal_config.entry_rules.require_density_confirmation", "false"},
    {"signal_config.entry_rules.max_distance_from_level_bps", "500"},
    {"signal_config.entry_rules.require_clean_breakout", "false"},
    {"signal_config.entry_rules.avoid_session_start_minutes", "0"},
    {"signal_config.entry_rules.avoid_session_end_minutes", "0"},
    {"signal_config.market_quality.flat_market_filter_enabled", "false"},
    {"signal_config.market_quality.consolidation_filter_enabled", "false"},
    {"signal_config.market_quality.require_stable_volatility", "false"},
    {"signal_config.market_quality.noise_filter_enabled", "false"},
    {"scanner_config.scan_interval_seconds", "60"},
    {"position_config.fsm_config.entry_max_slippage_bps", "200"},
};

struct plan {
  struct app *app;
  const struct simulate_faults *call;
  struct preset preset;
  struct buffer preset_json;
  uint64_t kinds;
  struct fault given[FAULT_SESSION_FAULTS_MAX]; /* times as the caller wants them */
  int32_t given_count;
  char folder[PATH_BYTES];
};

/* What a worker found; as bytes through a pipe. */
struct tally {
  int64_t runs, violations, events, orders, fills, trades, restarts, simulated_ms, bare_worst_ms;
  int64_t by_kind[fault_kind_count];
  int64_t first_seed; /* of a violation, -1 none */
};

/* ---- what is asked for ---- */

static int find_kind(const char *name) {
  for (int kind = 0; kind < fault_kind_count; kind++) {
    if (text_equal(name, fault_rows[kind].name)) return kind;
  }
  return -1;
}

static enum status refuse_word(struct plan *plan, const char *word) {
  const char *names[fault_kind_count];
  for (int kind = 0; kind < fault_kind_count; kind++) names[kind] = fault_rows[kind].name;
  int nearest = text_nearest(word, names, fault_kind_count);
  problem_add(&plan->app->problem, "bad_option", "--faults", word, nearest >= 0 ? names[nearest] : "all, NAME, NAME@SECONDS+SECONDS",
              "there is no such fault");
  return STATUS_BAD_CONFIG;
}

/* NAME or NAME@FROM+LENGTH, in seconds. */
static enum status read_word(struct plan *plan, char *word) {
  char *at = strchr(word, '@');
  if (at != NULL) *at = '\0';
  int kind = find_kind(word);
  if (kind < 0) return refuse_word(plan, word);
  plan->kinds |= UINT64_C(1) << kind;
  if (at == NULL) return STATUS_OK;
  char *plus = strchr(at + 1, '+');
  double from;
  double length = 0;
  if (plus != NULL) *plus = '\0';
  double last = (double)plan->call->minutes * 60;
  if (!app_parse_number(plan->app, "--faults", at + 1, 0, last, &from)) return STATUS_BAD_CONFIG;
  if (plus != NULL && !app_parse_number(plan->app, "--faults", plus + 1, 0, last, &length)) return STATUS_BAD_CONFIG;
  if (plan->given_count == FAULT_SESSION_FAULTS_MAX || plan->call->runs != 1) {
    problem_add(&plan->app->problem, "bad_option", "--faults", word, "--runs 1", "faults with times are for one session, %d at most",
                FAULT_SESSION_FAULTS_MAX);
    return STATUS_BAD_CONFIG;
  }
  plan->given[plan->given_count++] = (struct fault){(enum fault_kind)kind, (int64_t)(from * 1000), (int64_t)((from + length) * 1000)};
  return STATUS_OK;
}

static enum status read_faults(struct plan *plan) {
  const char *list = plan->call->faults != NULL ? plan->call->faults : "all";
  if (text_equal(list, "all")) {
    plan->kinds = (UINT64_C(1) << fault_kind_count) - 1;
    return STATUS_OK;
  }
  char *copy = strdup(list);
  enum status status = copy != NULL ? STATUS_OK : STATUS_NO_MEMORY;
  char *rest = copy;
  for (char *word; !status && (word = strsep(&rest, ",")) != NULL;) status = read_word(plan, word);
  free(copy);
  return status;
}

static enum status read_preset(struct plan *plan) {
  struct app *app = plan->app;
  struct preset_store store;
  preset_store_init(&store, app->settings.presets_dir, app->settings.data_dir);
  enum status status = preset_store_load(&store, plan->call->preset, &plan->preset, NULL, &app->problem);
  bool is_channel = plan->preset.strategy_priority == STRATEGY_PRIORITY_CHANNEL;
  const char *const(*changes)[2] = is_channel ? often : loose;
  size_t count = is_channel ? sizeof often / sizeof often[0] : sizeof loose / sizeof loose[0];
  for (size_t i = 0; i < count && !status; i++) status = preset_set_key(&plan->preset, changes[i][0], changes[i][1], &app->problem);
  if (!status) status = preset_check(&plan->preset, NULL, &app->problem);
  if (!status) preset_print_canonical(&plan->preset, &plan->preset_json);
  return status;
}

static enum status make_folder(struct plan *plan) {
  const char *top = getenv("TMPDIR");
  (void)snprintf(plan->folder, sizeof plan->folder, "%.400s/breakout-simulate-XXXXXX",
                 top != NULL                     ? top
                 : access("/dev/shm", W_OK) == 0 ? "/dev/shm"
                                                 : "/tmp");
  if (mkdtemp(plan->folder) != NULL) return STATUS_OK;
  int error = errno;
  problem_add(&plan->app->problem, "write_failed", plan->folder, NULL, "another TMPDIR", "no folder for the journals: %s", strerror(error));
  plan->folder[0] = '\0';
  return status_from_errno(error);
}

/* ---- sessions ---- */

static enum status run_one(struct plan *plan, uint64_t seed, const struct fault *faults, int32_t count, bool is_told,
                           struct fault_session_result *result) {
  const struct fault_session_options options = {.seed = seed,
                                                .preset = &plan->preset,
                                                .preset_json = plan->preset_json.data,
                                                .folder = plan->folder,
                                                .minutes = (int32_t)plan->call->minutes,
                                                .faults = faults,
                                                .fault_count = count,
                                                .is_told = is_told};
  return fault_session_run(&options, result, &plan->app->problem);
}

static int32_t faults_of(const struct plan *plan, uint64_t seed, struct fault *faults) {
  if (plan->given_count == 0) return fault_session_draw(seed, plan->kinds, (int32_t)plan->call->minutes, faults);
  memcpy(faults, plan->given, sizeof plan->given);
  return plan->given_count;
}

static void print_faults(const struct fault *faults, int32_t count) {
  for (int32_t i = 0; i < count; i++)
    printf("%s%s@%.1f+%.1f", i > 0 ? "," : "", fault_rows[faults[i].kind].name, (double)faults[i].from / 1000,
           (double)(faults[i].until - faults[i].from) / 1000);
}

/* Leaves out one fault after another, then halves their lengths, as long as the session still goes wrong. */
static int32_t shrink(struct plan *plan, uint64_t seed, struct fault *faults, int32_t count, struct fault_session_result *result) {
  int32_t tries = 0;
  bool has_changed = true;
  while (has_changed && tries < SHRINKS_MAX) {
    has_changed = false;
    for (int32_t i = 0; i < 2 * count && tries < SHRINKS_MAX; i++, tries++) {
      struct fault less[FAULT_SESSION_FAULTS_MAX];
      struct fault_session_result again;
      int32_t left = count;
      memcpy(less, faults, sizeof less);
      if (i < count) {
        memmove(&less[i], &less[i + 1], (size_t)(--left - i) * sizeof less[0]);
      } else {
        struct fault *shorter = &less[i - count];
        if (shorter->until - shorter->from < 2000) continue;
        shorter->until = shorter->from + (shorter->until - shorter->from) / (2 * FAULT_STEP_MS) * FAULT_STEP_MS;
      }
      if (run_one(plan, seed, less, left, false, &again) || again.violation[0] == '\0') continue;
      memcpy(faults, less, sizeof less);
      count = left;
      *result = again;
      has_changed = true;
      break;
    }
  }
  return count;
}

static void report(struct plan *plan, uint64_t seed, struct fault *faults, int32_t count, struct fault_session_result *result) {
  if (plan->call->shrinks) count = shrink(plan, seed, faults, count, result);
  printf("VIOLATION, seed %llu, second %.1f: %s\n  breakout simulate --runs 1 --seed %llu --minutes %lld --preset %s --faults ",
         (unsigned long long)seed, (double)result->violated_at / 1000, result->violation, (unsigned long long)seed, (long long)plan->call->minutes,
         plan->call->preset);
  print_faults(faults, count);
  printf(" -v\n");
  fflush(stdout);
}

static enum status run_seed(struct plan *plan, uint64_t seed, struct tally *tally) {
  struct fault faults[FAULT_SESSION_FAULTS_MAX];
  struct fault_session_result result;
  int32_t count = faults_of(plan, seed, faults);
  problem_clear(&plan->app->problem);
  enum status status = run_one(plan, seed, faults, count, plan->app->verbosity > 0, &result);
  if (status && result.violation[0] == '\0') return status;
  ++tally->runs;
  tally->events += result.events;
  tally->orders += result.orders;
  tally->fills += result.fills;
  tally->trades += result.trades;
  tally->restarts += result.restarts;
  tally->simulated_ms += result.simulated_ms;
  if (result.bare_worst_ms > tally->bare_worst_ms) tally->bare_worst_ms = result.bare_worst_ms;
  for (int32_t i = 0; i < count; i++) ++tally->by_kind[faults[i].kind];
  if (result.violation[0] == '\0') return STATUS_OK;
  ++tally->violations;
  if (tally->first_seed < 0) tally->first_seed = (int64_t)seed;
  report(plan, seed, faults, count, &result);
  return STATUS_OK;
}

/* Every jobs-th seed, from the worker's own. */
static enum status work(struct plan *plan, int64_t first, struct tally *tally) {
  enum status status = make_folder(plan);
  for (int64_t i = first; i < plan->call->runs && !status && !app_interrupted; i += plan->call->jobs)
    status = run_seed(plan, (uint64_t)(plan->call->seed + i), tally);
  if (plan->folder[0] != '\0') (void)folder_remove(plan->folder);
  return status;
}

static void add_tally(struct tally *sum, const struct tally *part) {
  sum->runs += part->runs;
  sum->violations += part->violations;
  sum->events += part->events;
  sum->orders += part->orders;
  sum->fills += part->fills;
  sum->trades += part->trades;
  sum->restarts += part->restarts;
  sum->simulated_ms += part->simulated_ms;
  if (part->bare_worst_ms > sum->bare_worst_ms) sum->bare_worst_ms = part->bare_worst_ms;
  for (int kind = 0; kind < fault_kind_count; kind++) sum->by_kind[kind] += part->by_kind[kind];
}

/* A worker is a process: a session has the journal's disk to itself. False when one failed. */
static bool share(struct plan *plan, struct tally *sum) {
  int pipes[2];
  bool is_good = pipe(pipes) == 0;
  int64_t started = 0;
  fflush(stdout);
  for (int64_t job = 0; is_good && job < plan->call->jobs; job++, started++) {
    pid_t pid = fork();
    if (pid < 0) is_good = false;
    if (pid != 0) continue;
    struct tally tally = {.first_seed = -1};
    enum status status = work(plan, job, &tally);
    if (status) problem_print(&plan->app->problem, stderr);
    bool is_told = write(pipes[1], &tally, sizeof tally) == (ssize_t)sizeof tally;
    fflush(stdout);
    _exit(status || !is_told ? 1 : 0);
  }
  for (int64_t job = 0; job < started; job++) {
    struct tally tally;
    int code;
    if (wait(&code) < 0 || !WIFEXITED(code) || WEXITSTATUS(code) != 0) {
      is_good = false;
    } else if (read(pipes[0], &tally, sizeof tally) == (ssize_t)sizeof tally) {
      add_tally(sum, &tally);
    }
  }
  close(pipes[0]);
  close(pipes[1]);
  return is_good;
}

static void print_tally(const struct tally *tally, double seconds) {
  double simulated = (double)tally->simulated_ms / 1000;
  printf("%lld sessions, %.0f h simulated in %.1f s (%.0f times as fast as time), %lld events, %lld orders, %lld fills, %lld trades, %lld restarts\n",
         (long long)tally->runs, simulated / 3600, seconds, seconds > 0 ? simulated / seconds : 0, (long long)tally->events, (long long)tally->orders,
         (long long)tally->fills, (long long)tally->trades, (long long)tally->restarts);
  for (int kind = 0; kind < fault_kind_count; kind++) {
    if (tally->by_kind[kind] > 0) printf("  %6lld  %-18s %s\n", (long long)tally->by_kind[kind], fault_rows[kind].name, fault_rows[kind].text);
  }
  printf("longest without a stop in calm: %lld ms; violations: %lld\n", (long long)tally->bare_worst_ms, (long long)tally->violations);
}

int simulate_faults(struct app *app, const struct simulate_faults *call) {
  static struct plan plan;
  struct tally tally = {.first_seed = -1};
  plan = (struct plan){.app = app, .call = call};
  enum status status = read_faults(&plan);
  if (!status) status = read_preset(&plan);
  if (status) return app_fail(app, status);
  if (app->verbosity == 0) log_set_level(LOG_CRITICAL); /* what goes wrong is wanted here */
  int64_t began = app_now_ms();
  bool is_good = share(&plan, &tally);
  print_tally(&tally, (double)(app_now_ms() - began) / 1000);
  buffer_deinit(&plan.preset_json);
  if (!is_good) return app_fail_with(app, STATUS_IO_FAILED, "worker_failed", "simulate", "a worker ended before its sessions");
  return tally.violations > 0 ? 1 : 0;
}

/* Starting a worker: its words and its descriptors. */
#define _GNU_SOURCE /* pipe2, posix_spawn_file_actions_addclosefrom_np */
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "apps/run_pool_state.h"
#include "base/check.h"
#include "base/text.h"

enum { WORDS_MAX = 256, PROGRESS_FD = 3, SETTINGS_MAX = 60, VALUE_BYTES = 1024 };

/* The words of a command line, each after the other with its NUL. */
struct words {
  struct buffer text;
  size_t starts[WORDS_MAX];
  int count;
};

static void add_word(struct words *words, const char *word) {
  check(words->count < WORDS_MAX - 1);
  words->starts[words->count++] = words->text.length;
  buffer_add(&words->text, word, strlen(word) + 1);
}

static void add_pair(struct words *words, const char *option, const char *value) {
  add_word(words, option);
  add_word(words, value);
}

static const char *kept_text(const struct json *params, const char *key) {
  const struct json *value = json_member(params, key);
  return value != NULL && json_kind(value) == JSON_STRING ? json_string(value) : NULL;
}

/* A number of params as the option takes it; nothing when it is not there. */
static void add_number(struct words *words, const char *option, const struct json *params, const char *key) {
  const struct json *value = params != NULL ? json_member(params, key) : NULL;
  char memory[64];
  struct text text;
  if (value == NULL || (json_kind(value) != JSON_INT && json_kind(value) != JSON_REAL)) return;
  text_init(&text, memory, sizeof memory);
  if (json_kind(value) == JSON_INT) {
    text_add_i64(&text, json_int(value));
  } else {
    text_add_double(&text, json_number(value), 8);
  }
  add_pair(words, option, memory);
}

static void add_symbols(struct words *words, const struct json *symbols) {
  struct buffer list = {0};
  if (symbols == NULL || json_kind(symbols) != JSON_ARRAY || json_size(symbols) == 0) return;
  for (size_t i = 0; i < json_size(symbols); i++) buffer_add_format(&list, "%s%s", i > 0 ? "," : "", json_string(json_item(symbols, i)));
  if (list.data != NULL) add_pair(words, "--symbols", list.data);
  buffer_deinit(&list);
}

static void add_bad_data(struct words *words, const struct json *params) {
  const struct json *value = json_member(params, "allow_bad_data");
  if (value != NULL && json_kind(value) == JSON_BOOL && json_bool(value)) add_word(words, "--allow-bad-data");
}

/* Preset, markets, account and costs: what backtests and searches have in common. */
static void add_markets(const struct run_pool *pool, const struct job *job, const char *data, const char *verb, struct words *words) {
  const struct json *costs = json_member(job->params, "costs");
  char path[RUN_PATH_BYTES], preset[RUN_PATH_BYTES + 96];
  pool_folder(pool, job->id, path);
  snprintf(preset, sizeof preset, "%s/preset/%s.json", path, job->preset);
  add_word(words, verb);
  add_word(words, preset);
  add_pair(words, "--data", data);
  add_symbols(words, json_member(job->params, "symbols"));
  add_number(words, "--from", job->params, "from");
  add_number(words, "--to", job->params, "to");
  add_number(words, "--starting-balance", job->params, "starting_balance");
  add_number(words, "--seed", job->params, "seed");
  add_number(words, "--fee-taker", costs, "taker_fee_bps");
  add_number(words, "--fee-maker", costs, "maker_fee_bps");
  add_number(words, "--slippage", costs, "slippage_bps");
  add_number(words, "--impact", costs, "impact_bps");
  add_number(words, "--latency", costs, "latency_ms");
  add_bad_data(words, job->params);
  add_pair(words, "--jobs", "1");
}

static void add_output(const struct run_pool *pool, const struct job *job, struct words *words) {
  char path[RUN_PATH_BYTES];
  pool_folder(pool, job->id, path);
  add_pair(words, "--run-id", job->id);
  add_pair(words, "--output", path);
}

static void add_backtest(const struct run_pool *pool, const struct job *job, const char *data, struct words *words) {
  add_markets(pool, job, data, "backtest", words);
  if (job->kind == RUN_LOOKAHEAD) {
    add_word(words, "--lookahead-check");
    add_number(words, "--cuts", job->params, "cuts");
  } else {
    add_output(pool, job, words);
    add_word(words, "--html");
    add_word(words, "--path-bounds");
    add_pair(words, "--export", "decisions");
  }
}

/* One item of a list of values as it is typed. */
static void add_value(const struct json *value, struct buffer *out) {
  char memory[64];
  struct text text;
  text_init(&text, memory, sizeof memory);
  if (json_kind(value) == JSON_INT) text_add_i64(&text, json_int(value));
  if (json_kind(value) == JSON_REAL) text_add_double(&text, json_number(value), 10);
  if (json_kind(value) == JSON_BOOL) text_add(&text, json_bool(value) ? "true" : "false");
  buffer_add_text(out, json_kind(value) == JSON_STRING ? json_string(value) : memory);
}

static void add_parameter(void *context, const char *key, const struct json *value) {
  struct buffer pair = {0};
  bool is_list = json_kind(value) == JSON_ARRAY;
  buffer_add_format(&pair, "%s=", key);
  for (size_t i = 0; is_list && i < json_size(value); i++) {
    buffer_add_text(&pair, i > 0 ? "," : "");
    add_value(json_item(value, i), &pair);
  }
  if (!is_list) add_value(value, &pair);
  add_pair(context, "--param", pair.data);
  buffer_deinit(&pair);
}

/* in_days:out_days[:step_days] */
static void add_windows(const struct json *search, struct words *words) {
  static const char *const keys[] = {"in_days", "out_days", "step_days"};
  struct buffer windows = {0};
  for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
    const struct json *days = json_member(search, keys[i]);
    if (days == NULL) continue;
    buffer_add_text(&windows, i > 0 ? ":" : "");
    add_value(days, &windows);
  }
  if (windows.data != NULL) add_pair(words, "--walk-forward", windows.data);
  buffer_deinit(&windows);
}

static void add_search(const struct run_pool *pool, const struct job *job, const char *data, struct words *words) {
  const struct json *search = json_member(job->params, "search");
  check(search != NULL);
  add_markets(pool, job, data, "optimize", words);
  add_output(pool, job, words);
  const struct json *parameters = json_member(search, "parameters");
  if (parameters != NULL) json_each(parameters, add_parameter, words);
  const char *method = kept_text(search, "method");
  const char *objective = kept_text(search, "objective");
  if (method != NULL) add_pair(words, "--method", method);
  if (objective != NULL) add_pair(words, "--objective", objective);
  add_number(words, "--samples", search, "samples");
  add_number(words, "--min-trades", search, "min_trades");
  add_number(words, "--monte-carlo", search, "draws");
  add_number(words, "--purge", search, "purge_hours");
  add_number(words, "--embargo", search, "embargo_hours");
  add_windows(search, words);
}

static void add_import(const struct job *job, struct words *words) {
  add_word(words, "data");
  add_word(words, "import");
  add_pair(words, "--name", job->dataset);
  const char *format = kept_text(job->params, "format");
  const char *symbol = kept_text(job->params, "symbol");
  if (format != NULL) add_pair(words, "--format", format);
  if (symbol != NULL) add_pair(words, "--symbol", symbol);
  add_bad_data(words, job->params);
}

/* Settings that the worker would not find by itself: of settings files and of our command line. It inherits the environment. Secrets stay here. */
static void add_settings(const struct settings *settings, struct words *words) {
  char value[VALUE_BYTES], pair[VALUE_BYTES + 64];
  int count = 0;
  for (int i = 0; i < SETTING_COUNT && count < SETTINGS_MAX; i++) {
    const struct setting *setting = &setting_table[i];
    bool is_ours = settings->source[i] == SETTING_FROM_FILE || settings->source[i] == SETTING_FROM_COMMAND_LINE;
    if (!is_ours || setting->is_secret) continue;
    setting_value_text(settings, setting, value, sizeof value);
    snprintf(pair, sizeof pair, "%s=%s", setting->name, value);
    add_pair(words, "--set", pair);
    ++count;
  }
}

static void add_words(const struct run_pool *pool, const struct job *job, const char *data, struct words *words) {
  add_word(words, "breakout");
  if (job->kind == RUN_IMPORT) {
    add_import(job, words);
  } else if (job->kind == RUN_MEASURE) {
    add_word(words, "data");
    add_word(words, "info");
  } else if (job->kind == RUN_SWEEP || job->kind == RUN_WALK_FORWARD || job->kind == RUN_MONTE_CARLO) {
    add_search(pool, job, data, words);
  } else {
    add_backtest(pool, job, data, words);
  }
  add_word(words, "--json");
  add_pair(words, "--progress-fd", "3");
  add_settings(pool->options.settings, words);
  if (job->kind != RUN_IMPORT && job->kind != RUN_MEASURE) return;
  add_word(words, "--"); /* whatever the path looks like, it is no option */
  const char *source = job->kind == RUN_IMPORT ? kept_text(job->params, "path") : data;
  check(source != NULL);
  add_word(words, source);
}

void pool_output_path(const struct run_pool *pool, const struct job *job, char out[RUN_PATH_BYTES]) {
  char folder[RUN_PATH_BYTES];
  if (job->kind == RUN_MEASURE) {
    snprintf(out, RUN_PATH_BYTES, "%.600s/.measure-%s.json", pool->options.settings->data_dir, job->dataset);
  } else {
    pool_folder(pool, job->id, folder);
    snprintf(out, RUN_PATH_BYTES, "%.700s/output.json", folder);
  }
}

/* Standard output into a file, the pipe as descriptor 3, nothing else of ours; signals as a fresh program has them; a group of its own. */
static int spawn(const struct run_pool *pool, const struct job *job, char **argv, int told_fd, pid_t *pid) {
  const char *program = pool->options.program != NULL ? pool->options.program : "/proc/self/exe";
  char output[RUN_PATH_BYTES];
  posix_spawn_file_actions_t files;
  posix_spawnattr_t attributes;
  sigset_t none, ours;
  extern char **environ;
  pool_output_path(pool, job, output);
  sigemptyset(&none);
  sigemptyset(&ours);
  const int signals[] = {SIGINT, SIGTERM, SIGHUP, SIGPIPE};
  for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++) sigaddset(&ours, signals[i]);
  posix_spawn_file_actions_init(&files);
  posix_spawn_file_actions_adddup2(&files, told_fd, PROGRESS_FD);
  posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&files, STDOUT_FILENO, output, O_WRONLY | O_CREAT | O_TRUNC, 0644);
  posix_spawn_file_actions_addopen(&files, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
  posix_spawn_file_actions_addclosefrom_np(&files, PROGRESS_FD + 1);
  posix_spawnattr_init(&attributes);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setsigdefault(&attributes, &ours);
  posix_spawnattr_setpgroup(&attributes, 0);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
  int error = posix_spawn(pid, program, &files, &attributes, argv, environ);
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&files);
  return error;
}

static enum status fail(struct problem *problem, const struct job *job, const char *what, int error) {
  problem_add(problem, "worker_failed", job->id, NULL, NULL, "%s: %s", what, strerror(error));
  return status_from_errno(error);
}

enum status pool_spawn(struct run_pool *pool, struct job *job, struct problem *problem) {
  struct words words = {0};
  char data[RUN_PATH_BYTES] = "";
  char *argv[WORDS_MAX];
  int ends[2];
  if (job->kind != RUN_IMPORT && !pool_dataset_path(pool, job->dataset, data, NULL)) {
    problem_add(problem, "not_found", job->dataset, NULL, NULL, "the data set is not there any more");
    return STATUS_NOT_FOUND;
  }
  if (pipe2(ends, O_CLOEXEC) != 0) return fail(problem, job, "no pipe", errno);
  add_words(pool, job, data, &words);
  for (int i = 0; i < words.count; i++) argv[i] = words.text.data + words.starts[i];
  argv[words.count] = NULL;
  int error = spawn(pool, job, argv, ends[1], &job->pid);
  buffer_deinit(&words.text);
  close(ends[1]);
  if (error != 0) {
    close(ends[0]);
    return fail(problem, job, "the worker cannot be started", error);
  }
  (void)fcntl(ends[0], F_SETFL, O_NONBLOCK);
  job->fd = ends[0];
  job->began_ns = pool_now_ns(pool);
  return STATUS_OK;
}

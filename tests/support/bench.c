#include "support/bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/calendar.h"
#include "base/check.h"
#include "base/text.h"

double bench_now_s(void) {
  struct timespec time;
  (void)clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

static int compare(const void *a, const void *b) {
  const double *x = a;
  const double *y = b;
  return (*x > *y) - (*x < *y);
}

double bench_percentile(double *values, int count, double share) {
  qsort(values, (size_t)count, sizeof *values, compare);
  int rank = (int)(share * count);
  return values[rank < count ? rank : count - 1];
}

double bench_median(double *values, int count) {
  return bench_percentile(values, count, 0.5);
}

static double seconds_of(struct timeval time) {
  return (double)time.tv_sec + (double)time.tv_usec * 1e-6;
}

static void run_child(struct bench_child *child, int round) {
  int ends[2];
  char *arguments[BENCH_ARGUMENTS_MAX + 2] = {(char[]){"bench"}};
  for (int i = 0; child->arguments[i] != NULL; i++) {
    arguments[i + 1] = strdup(child->arguments[i]);
    check(arguments[i + 1] != NULL);
  }
  check(pipe(ends) == 0);
  double begin = bench_now_s();
  pid_t pid = fork();
  if (pid == 0) {
    (void)dup2(ends[1], STDOUT_FILENO);
    (void)execv("/proc/self/exe", arguments);
    _exit(127);
  }
  check(pid > 0);
  close(ends[1]);
  size_t length = 0;
  for (ssize_t got; length < sizeof child->line - 1 && (got = read(ends[0], child->line + length, sizeof child->line - 1 - length)) > 0;)
    length += (size_t)got;
  close(ends[0]);
  while (length > 0 && child->line[length - 1] == '\n') length--;
  child->line[length] = '\0';
  int result;
  struct rusage usage;
  check(wait4(pid, &result, 0, &usage) == pid && result == 0);
  child->wall_s[round] = bench_now_s() - begin;
  child->cpu_s[round] = seconds_of(usage.ru_utime) + seconds_of(usage.ru_stime);
  child->rss_mib[round] = (double)usage.ru_maxrss / 1024;
  for (int i = 1; arguments[i] != NULL; i++) free(arguments[i]);
}

void bench_children(struct bench_child *children, int count, int rounds) {
  check(rounds <= BENCH_ROUNDS_MAX);
  for (int round = 0; round < rounds; round++) {
    for (int i = 0; i < count; i++) run_child(&children[i], round);
  }
  for (int i = 0; i < count; i++) {
    children[i].cpu = bench_median(children[i].cpu_s, rounds);
    children[i].wall = bench_median(children[i].wall_s, rounds);
    children[i].rss = bench_median(children[i].rss_mib, rounds);
  }
}

static void must(struct app *app, enum status status) {
  if (status == STATUS_OK) return;
  problem_print(&app->problem, stderr);
  exit(1);
}

void bench_open(const struct bench_run *bench, struct app *app, struct wiring *wiring, struct run_options *options) {
  const struct settings_input input = {0};
  const struct source_options source = {
      .data = bench->data, .cache_folder = bench->cache, .symbols = bench->symbols, .to_ms = bench->to_ms, .keeps_pages = true};
  must(app, settings_load(&app->settings, &input, &app->problem));
  text_copy(app->settings.presets_dir, sizeof app->settings.presets_dir, "presets");
  must(app, wiring_open_source(wiring, app, &source));
  problem_clear(&app->problem);
  *options = (struct run_options){.to_ms = bench->to_ms, .after_kill = AFTER_KILL_NEXT_DAY, .drops_marks = true};
  wiring_options_init(&options->wiring);
  options->wiring.preset = bench->preset;
  options->wiring.set_keys = bench->keys;
  options->wiring.set_key_count = bench->key_count;
  options->wiring.feed_name = "bench";
  options->wiring.is_backtest = true;
  options->wiring.has_digest = true;
  must(app, wiring_load_preset(wiring, app, &options->wiring));
}

static int64_t days_with_trades(const struct run *run) {
  int64_t days = 0;
  int64_t last = -1;
  for (int64_t i = 0; i < run->trades.count; i++) {
    int64_t day = run_trade(run, i)->closed_at / DAY_MS;
    days += day != last ? 1 : 0;
    last = day;
  }
  return days;
}

void bench_execute(const struct bench_run *bench) {
  static struct app app;
  struct wiring wiring = {0};
  struct run_options options;
  struct run run;
  bench_open(bench, &app, &wiring, &options);
  must(&app, run_execute(&run, &wiring, &options));
  (void)printf("%lld candles, %lld decisions, %lld trades on %lld of %lld days, digest %.12s, %.3f\n", (long long)run.candles,
               (long long)run.decisions_total, (long long)run.trades.count, (long long)days_with_trades(&run),
               (long long)((run.ended_at - run.started_at) / DAY_MS), run.digest, run.seconds);
  run_deinit(&run);
  wiring_close(&wiring);
}

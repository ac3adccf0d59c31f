/* What benchmarks share: time, medians, and runs in processes of their own, so that memory and start-up count as they do for a user. */
#ifndef TESTS_SUPPORT_BENCH_H
#define TESTS_SUPPORT_BENCH_H

#include "apps/run.h"

enum { BENCH_ROUNDS_MAX = 31, BENCH_LINE_MAX = 256, BENCH_ARGUMENTS_MAX = 12 };

double bench_now_s(void);
/* Sorts the values. */
double bench_median(double *values, int count);
double bench_percentile(double *values, int count, double share);

/* This program again, with other arguments. NULL ends the arguments. */
struct bench_child {
  const char *arguments[BENCH_ARGUMENTS_MAX];
  double cpu_s[BENCH_ROUNDS_MAX], wall_s[BENCH_ROUNDS_MAX], rss_mib[BENCH_ROUNDS_MAX];
  char line[BENCH_LINE_MAX]; /* what it printed the last time */
  /* medians */
  double cpu, wall, rss;
};

/* Runs the children in turns, so that what else the machine does meets all of them alike; fills their medians. */
void bench_children(struct bench_child *children, int count, int rounds);

/* One backtest; everything that is not given is as `breakout backtest` has it. */
struct bench_run {
  const char *preset, *data, *cache, *symbols;
  const char *keys[4]; /* KEY=VALUE changes of the preset */
  int key_count;
  int64_t to_ms;
};
/* A preset over recorded data through the whole engine. The app, wiring and run are the caller's to close. */
void bench_open(const struct bench_run *bench, struct app *app, struct wiring *wiring, struct run_options *options);
/* bench_open, run, one printed line: candles, decisions, trades, days with trades, digest, seconds of the run alone. */
void bench_execute(const struct bench_run *bench);

#endif

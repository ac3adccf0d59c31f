/* Parameter sets of the channel strategy over 1,000,000 minutes: the fast walk of `breakout optimize` beside a bare loop that shares its indicators
 * between the sets as well and does the arithmetic of the strategy and nothing else, both in this process; and the whole program on one and on two
 * processes. */
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "adapters/source/generate.h"
#include "apps/sweep.h"
#include "base/check.h"
#include "support/bench.h"

enum { BARS = 1000000, PARTS = 5, CANDLES = BARS / PARTS, ATR_PERIOD = 14, ROUNDS = 7, PATH_BYTES = 256 };

static const int periods[] = {10, 20, 40};
static const double multiples[] = {1, 1.5, 2, 3};
static const double targets[] = {1, 1.5, 2};
enum { PERIODS = 3, MULTIPLES = 4, TARGETS = 3, SETS = PERIODS * MULTIPLES * TARGETS };

struct set {
  int period;
  double multiple, target_r;
};

static struct set set_of(int i) {
  return (struct set){periods[i / (MULTIPLES * TARGETS)], multiples[i / TARGETS % MULTIPLES], targets[i % TARGETS]};
}

/* ---- the bare loop ---- */

/* What the sets share. */
struct shared {
  double *open, *high, *low;                        /* of the minutes */
  double *close;                                    /* of the candles of five minutes */
  double *atr, *highest[PERIODS], *lowest[PERIODS]; /* of the candles before */
};

static double *room(size_t count) {
  double *memory = calloc(count, sizeof *memory);
  check(memory != NULL);
  return memory;
}

static double largest(double a, double b) {
  return a > b ? a : b;
}

static void share_channels(struct shared *shared, const double *highs, const double *lows) {
  for (int p = 0; p < PERIODS; p++) {
    shared->highest[p] = room(CANDLES);
    shared->lowest[p] = room(CANDLES);
    for (int k = periods[p]; k < CANDLES; k++) {
      double high = highs[k - periods[p]];
      double low = lows[k - periods[p]];
      for (int i = k - periods[p] + 1; i < k; i++) {
        high = largest(high, highs[i]);
        low = lows[i] < low ? lows[i] : low;
      }
      shared->highest[p][k] = high;
      shared->lowest[p][k] = low;
    }
  }
}

static void share(struct shared *shared, const struct candle *minutes) {
  shared->open = room(BARS);
  shared->high = room(BARS);
  shared->low = room(BARS);
  shared->close = room(CANDLES);
  shared->atr = room(CANDLES);
  double *highs = room(CANDLES);
  double *lows = room(CANDLES);
  for (int i = 0; i < BARS; i++) {
    int k = i / PARTS;
    shared->open[i] = minutes[i].open;
    shared->high[i] = minutes[i].high;
    shared->low[i] = minutes[i].low;
    highs[k] = i % PARTS == 0 ? minutes[i].high : largest(highs[k], minutes[i].high);
    lows[k] = i % PARTS == 0 || minutes[i].low < lows[k] ? minutes[i].low : lows[k];
    shared->close[k] = minutes[i].close;
  }
  double atr = 0;
  for (int k = 1; k < CANDLES; k++) {
    double range = largest(highs[k] - lows[k], largest(highs[k] - shared->close[k - 1], shared->close[k - 1] - lows[k]));
    atr = k <= ATR_PERIOD ? atr + range / ATR_PERIOD : (atr * (ATR_PERIOD - 1) + range) / ATR_PERIOD;
    shared->atr[k] = atr;
  }
  share_channels(shared, highs, lows);
  free(highs);
  free(lows);
}

struct loop {
  int side, pending; /* -1, 0, 1 */
  double entry, stop, target, profit;
  int64_t trades;
};

static void close_trade(struct loop *loop, double price) {
  loop->profit += loop->side * (price - loop->entry) - 0.0006 * (price + loop->entry);
  loop->side = 0;
  loop->trades++;
}

static void trade(struct loop *loop, double open, double high, double low) {
  if (loop->pending != 0) {
    loop->side = loop->pending;
    loop->entry = open;
    loop->pending = 0;
  }
  if (loop->side == 0) return;
  bool is_long = loop->side > 0;
  if (is_long ? low <= loop->stop : high >= loop->stop) {
    close_trade(loop, loop->stop);
  } else if (is_long ? high >= loop->target : low <= loop->target) {
    close_trade(loop, loop->target);
  }
}

static void bare_set(const struct shared *shared, int index, struct loop *loop) {
  struct set set = set_of(index);
  const double *highest = shared->highest[index / (MULTIPLES * TARGETS)];
  const double *lowest = shared->lowest[index / (MULTIPLES * TARGETS)];
  *loop = (struct loop){0};
  for (int i = 0; i < BARS; i++) {
    trade(loop, shared->open[i], shared->high[i], shared->low[i]);
    if (i % PARTS != PARTS - 1) continue;
    int k = i / PARTS;
    if (k < set.period || loop->side != 0) continue;
    double close = shared->close[k];
    loop->pending = (close > highest[k]) - (close < lowest[k]);
    if (loop->pending == 0) continue;
    double distance = set.multiple * shared->atr[k];
    loop->stop = close - loop->pending * distance;
    loop->target = close + loop->pending * set.target_r * distance;
  }
}

/* ---- the market ---- */

/* Ranges that are left with volume and kept left, for ever: the strategy trades to the last day. */
static void write_market(const char *path) {
  const struct generate_options options = {.scenario = GENERATE_BREAKOUTS, .seed = 1, .days = 695, .start_ms = INT64_C(1672531200000)};
  struct candle *candles = malloc(generate_candles_max(options.days) * sizeof *candles);
  check(candles != NULL && generate_candles(candles, &options) >= BARS);
  FILE *text = fopen(path, "w");
  check(text != NULL);
  (void)fputs("timestamp_ms,open,high,low,close,volume\n", text);
  for (int i = 0; i < BARS; i++) {
    const struct candle *candle = &candles[i];
    (void)fprintf(text, "%lld,%.2f,%.2f,%.2f,%.2f,%.0f\n", (long long)candle->open_ts, candle->open, candle->high, candle->low, candle->close,
                  candle->volume);
  }
  check(fclose(text) == 0);
  free(candles);
}

/* ---- in this process ---- */

struct figures {
  double ms; /* a set */
  int64_t trades;
};

/* Processor time: what else the machine does counts less. */
static double cpu_now_s(void) {
  struct timespec time;
  (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

static struct figures measure_bare(const struct shared *shared) {
  double rounds[ROUNDS];
  struct figures figures = {0};
  for (int round = 0; round < ROUNDS; round++) {
    double begin = cpu_now_s();
    figures.trades = 0;
    for (int i = 0; i < SETS; i++) {
      struct loop loop;
      bare_set(shared, i, &loop);
      figures.trades += loop.trades;
    }
    rounds[round] = (cpu_now_s() - begin) / SETS * 1e3;
  }
  figures.ms = bench_median(rounds, ROUNDS);
  return figures;
}

static struct preset preset_of(const struct wiring *wiring, int index) {
  struct preset preset = wiring->preset.preset;
  struct set set = set_of(index);
  preset.channel_config.period = set.period;
  preset.channel_config.stop_atr_mult = set.multiple;
  preset.channel_config.target_r = set.target_r;
  return preset;
}

static struct figures measure_walk(struct channel_sweep *sweep, const struct wiring *wiring, const struct run_options *options) {
  static struct channel_result result;
  double rounds[ROUNDS];
  struct figures figures = {0};
  for (int round = 0; round < ROUNDS; round++) {
    double begin = cpu_now_s();
    figures.trades = 0;
    for (int i = 0; i < SETS; i++) {
      struct preset preset = preset_of(wiring, i);
      check(channel_sweep_covers(sweep, &preset));
      check(channel_sweep_run(sweep, &preset, options, &result) == CHANNEL_SWEEP_DONE);
      figures.trades += result.trade_count;
    }
    rounds[round] = (cpu_now_s() - begin) / SETS * 1e3;
  }
  channel_result_deinit(&result);
  figures.ms = bench_median(rounds, ROUNDS);
  return figures;
}

static void bench_sets(const char *csv, const char *cache) {
  static struct app app;
  static struct shared shared;
  struct wiring wiring = {0};
  struct run_options options;
  const char *why;
  size_t count;
  bench_open(&(struct bench_run){.preset = "channel_baseline",
                                 .data = csv,
                                 .cache = cache,
                                 .keys = {"risk.risk_per_trade=0.00001", "risk.max_consecutive_losses=20"},
                                 .key_count = 2},
             &app, &wiring, &options);
  share(&shared, source_candles(wiring.source, 0, &count));
  double begin = cpu_now_s();
  struct channel_sweep *sweep = channel_sweep_open(&wiring, &options, &why);
  check(sweep != NULL);
  for (int i = 0; i < SETS; i++) {
    struct preset preset = preset_of(&wiring, i);
    channel_sweep_prepare(sweep, &preset);
  }
  double prepared = cpu_now_s() - begin;
  struct figures walk = measure_walk(sweep, &wiring, &options);
  struct figures bare = measure_bare(&shared);
  (void)printf("\nchannel_baseline, %d sets over 1,000,000 bars of 1m, one core\n", SETS);
  (void)printf("%-46s %8.2f ms a set   %lld trades\n", "bare loop, indicators shared", bare.ms, (long long)bare.trades);
  (void)printf("%-46s %8.2f ms a set   %lld trades\n", "optimize, a set", walk.ms, (long long)walk.trades);
  (void)printf("%-46s %8.2f ms once\n", "optimize, what the sets share", prepared * 1e3);
  (void)printf("optimize / bare loop   %.2f x\n", walk.ms / bare.ms);
  channel_sweep_close(sweep);
  wiring_close(&wiring);
}

/* ---- the search on processes ---- */

static void must(struct app *app, enum status status) {
  if (status == STATUS_OK) return;
  problem_print(&app->problem, stderr);
  exit(1);
}

static const char *const axes[] = {"channel_config.period=10,20,40", "channel_config.stop_atr_mult=1:4.5:0.5",
                                   "channel_config.target_r=0.75:2.5:0.25"};

/* A child: opens the cached series, searches 192 sets and prints how long the search took. */
static void search(const char *csv, const char *cache, const char *jobs) {
  static struct app app;
  struct wiring wiring = {0};
  struct run_options options;
  struct sweep_period period = {0};
  bench_open(&(struct bench_run){.preset = "channel_baseline",
                                 .data = csv,
                                 .cache = cache,
                                 .keys = {"risk.risk_per_trade=0.00001", "risk.max_consecutive_losses=20"},
                                 .key_count = 2},
             &app, &wiring, &options);
  struct sweep sweep = {.app = &app, .wiring = &wiring, .options = &options, .objective = {.figure = -1}, .periods = &period, .period_count = 1};
  for (size_t i = 0; i < sizeof axes / sizeof axes[0]; i++) must(&app, sweep_space_add(&sweep.space, &wiring.preset.preset, axes[i], &app.problem));
  must(&app, sweep_space_fill(&sweep.space, SWEEP_GRID, 0, 0, &app.problem));
  must(&app, sweep_open(&sweep));
  double begin = bench_now_s();
  must(&app, sweep_run(&sweep, (int)strtol(jobs, NULL, 10), NULL, NULL, NULL));
  (void)printf("%.3f", bench_now_s() - begin);
  sweep_close(&sweep);
  wiring_close(&wiring);
}

static void bench_jobs(const char *csv, const char *cache) {
  enum { ONE, TWO, KINDS, SEARCH_ROUNDS = 3, SEARCH_SETS = 192 };
  static struct bench_child children[KINDS];
  double seconds[KINDS][SEARCH_ROUNDS];
  for (int round = 0; round < SEARCH_ROUNDS; round++) {
    for (int i = 0; i < KINDS; i++) {
      children[i] = (struct bench_child){.arguments = {csv, cache, i == ONE ? "1" : "2"}};
      bench_children(&children[i], 1, 1);
      seconds[i][round] = strtod(children[i].line, NULL);
    }
  }
  double one = bench_median(seconds[ONE], SEARCH_ROUNDS);
  double two = bench_median(seconds[TWO], SEARCH_ROUNDS);
  (void)printf("\nchannel_baseline, %d sets over 1,000,000 bars of 1m, wall time of the search, medians of %d in turns\n", SEARCH_SETS,
               SEARCH_ROUNDS);
  (void)printf("%-46s %8.2f s   whole process %6.2f s, %6.1f MiB\n", "one process", one, children[ONE].wall, children[ONE].rss);
  (void)printf("%-46s %8.2f s   whole process %6.2f s\n", "two processes", two, children[TWO].wall);
  (void)printf("one / two   %.2f x\n", one / two);
}

int main(int argc, char **argv) {
  if (argc > 3) {
    search(argv[1], argv[2], argv[3]);
    return 0;
  }
  char folder[] = "/tmp/bench_optimize_XXXXXX", command[PATH_BYTES], csv[PATH_BYTES], cache[PATH_BYTES];
  check(mkdtemp(folder) != NULL);
  (void)snprintf(csv, sizeof csv, "%s/ONEUSDT-1m.csv", folder);
  (void)snprintf(cache, sizeof cache, "%s/cache", folder);
  write_market(csv);
  check(mkdir(cache, 0700) == 0);
  bench_sets(csv, cache);
  bench_jobs(csv, cache);
  (void)snprintf(command, sizeof command, "rm -rf %s", folder);
  return system(command) == 0 ? 0 : 1;
}

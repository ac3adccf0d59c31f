/* The engine in one process: how long a closed candle takes to become a decision, a scan of many symbols, and what is allocated after the start. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "adapters/source/generate.h"
#include "base/calendar.h"
#include "base/check.h"
#include "support/bench.h"

#define RECORDING "recordings/binance-usdm-2025-05"

/* ---- allocations ---- */

extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *old, size_t size);

static long allocations;

/* In front of the C library's for this whole process, libraries included. */
__attribute__((visibility("default"))) void *malloc(size_t size) {
  allocations++;
  return __libc_malloc(size);
}

__attribute__((visibility("default"))) void *calloc(size_t count, size_t size) {
  allocations++;
  return __libc_calloc(count, size);
}

__attribute__((visibility("default"))) void *realloc(void *old, size_t size) {
  allocations++;
  return __libc_realloc(old, size);
}

/* ---- from a closed candle to its decision ---- */

enum { SAMPLES_MAX = 1 << 20 };

struct latencies {
  double *us;
  int count;
};

static void add(struct latencies *list, double us) {
  check(list->count < SAMPLES_MAX);
  list->us[list->count++] = us;
}

static void print_latencies(const char *name, struct latencies *list) {
  (void)printf("%-52s %8d times   p50 %7.2f us   p99 %7.2f us   p99.9 %7.2f us\n", name, list->count, bench_median(list->us, list->count),
               bench_percentile(list->us, list->count, 0.99), bench_percentile(list->us, list->count, 0.999));
}

/* The candle's own step with all that the venue answers, and the tick that follows, in which the scan runs. */
static void play(struct wiring *wiring, struct latencies *minutes, struct latencies *fives, long *allocated) {
  struct problem *problem = &wiring->app->problem;
  struct event event;
  double took = 0;
  bool is_started = false;
  check(wiring_describe_symbols(wiring) == STATUS_OK);
  wiring_put_preset(wiring, wiring->source_feed.from);
  while (playback_next(&wiring->playback, &event, problem) == STATUS_OK) {
    bool is_tick = event.kind == EVENT_TICK;
    int64_t ts = event.ts;
    long before = allocations;
    double begin = bench_now_s();
    runner_market(&wiring->runner, &event);
    took += (bench_now_s() - begin) * 1e6;
    if (is_started) *allocated += allocations - before;
    if (!is_tick) continue;
    if (is_started) add(ts % (5 * MINUTE_MS) == 0 ? fives : minutes, took);
    took = 0;
    if (is_started || !market_is_warm(engine_market(wiring->engine, 0))) continue;
    wiring_put_command(wiring, ts, COMMAND_START, "bench");
    is_started = true;
  }
}

static void bench_latency(const char *symbols, const char *name) {
  static struct app app;
  struct wiring wiring = {0};
  struct run_options options;
  struct latencies minutes = {.us = malloc(SAMPLES_MAX * sizeof(double))};
  struct latencies fives = {.us = malloc(SAMPLES_MAX * sizeof(double))};
  long allocated = 0;
  check(minutes.us != NULL && fives.us != NULL);
  bench_open(&(struct bench_run){.preset = "breakout_v1", .data = RECORDING, .symbols = symbols}, &app, &wiring, &options);
  check(wiring_open_engine(&wiring, &options.wiring, NULL, NULL) == STATUS_OK);
  play(&wiring, &minutes, &fives, &allocated);
  (void)printf(
      "\nbreakout_v1, %s x 30 days: closed candles to decisions, with venue, records and digest (wanted of one symbol: p99 under 100 us, no "
      "allocation)\n",
      name);
  print_latencies("minutes that close 1m candles only", &minutes);
  print_latencies("minutes that close 5m candles", &fives);
  (void)printf("%-52s %8ld in %lld events\n", "allocations after the start", allocated, (long long)engine_counts(wiring.engine)->events);
  wiring_close(&wiring);
  free(minutes.us);
  free(fives.us);
}

/* ---- a scan of many symbols ---- */

enum { SYMBOLS = 600, DAYS = 4, LIVE_MINUTES = 61, WARM_MINUTES = DAYS * 1440 - LIVE_MINUTES };

static struct candle newest[SYMBOLS][LIVE_MINUTES];

static void step_candle(struct wiring *wiring, int symbol, const struct candle *candle, int64_t ts) {
  struct event event = {.ts = ts, .kind = EVENT_CANDLE};
  event.candle =
      (struct event_candle){symbol, candle->open_ts, candle->open, candle->high, candle->low, candle->close, candle->volume, candle->turnover};
  runner_market(&wiring->runner, &event);
}

static void describe(struct wiring *wiring, int symbol, double first_close, int64_t ts) {
  char printed[SYMBOL_TEXT_MAX], venue[SYMBOL_TEXT_MAX];
  (void)snprintf(printed, sizeof printed, "S%03d/USDT:USDT", symbol);
  (void)snprintf(venue, sizeof venue, "S%03dUSDT", symbol);
  struct event event = {.ts = ts,
                        .kind = EVENT_INSTRUMENT,
                        .instrument = {.symbol = symbol, .is_reference = symbol == 0, .is_whitelisted = true, .instrument_count = 1}};
  instrument_default(&event.instrument.instrument[0], printed, venue, first_close);
  runner_market(&wiring->runner, &event);
  event = (struct event){.ts = ts, .kind = EVENT_CAPABILITY, .capability = {symbol, CAPABILITY_CANDLES_1M, MINUTE_MS}};
  runner_market(&wiring->runner, &event);
}

/* Every symbol's days at once, as after a start; the last hour is kept for later. */
static void warm_up(struct wiring *wiring, int64_t start, int64_t now) {
  struct candle *candles = malloc(generate_candles_max(DAYS) * sizeof *candles);
  check(candles != NULL);
  for (int symbol = 0; symbol < SYMBOLS; symbol++) {
    struct generate_options options = {.scenario = GENERATE_BREAKOUTS, .seed = 7, .symbol = symbol, .days = DAYS, .start_ms = start};
    check(generate_candles(candles, &options) == DAYS * 1440);
    describe(wiring, symbol, candles[0].close, now);
    if (symbol == 0) wiring_put_preset(wiring, now);
    for (int i = 0; i < WARM_MINUTES; i++) step_candle(wiring, symbol, &candles[i], now);
    memcpy(newest[symbol], candles + WARM_MINUTES, sizeof newest[symbol]);
  }
  free(candles);
}

static void open_many(struct wiring *wiring, struct app *app) {
  struct run_options options;
  bench_open(&(struct bench_run){.preset = "breakout_v1", .data = RECORDING, .symbols = "BTCUSDT"}, app, wiring, &options);
  wiring->limits = (struct engine_limits){.symbols = SYMBOLS, .base_ms = MINUTE_MS};
  wiring->config = (struct engine_config){
      .starting_balance = 100000 * DECIMAL_ONE, .max_leverage = 5, .market_fetch_limit = SYMBOLS, .deep_symbol_limit = 50, .is_backtest = true};
  text_copy(wiring->config.instance, sizeof wiring->config.instance, "000000");
  struct sim_options sim = {.starting_balance = wiring->config.starting_balance,
                            .max_participation = 0.1,
                            .taker_fee_bps = 6,
                            .base_ms = MINUTE_MS,
                            .max_leverage = 5,
                            .symbols = SYMBOLS};
  check(arena_open(&wiring->arena, engine_memory(&wiring->limits)) == STATUS_OK && sim_open(&wiring->sim, &sim) == STATUS_OK);
  sim_exchange(&wiring->sim, &wiring->exchange);
  wiring->engine = engine_init(&wiring->arena, &wiring->limits, &wiring->config, NULL);
  check(runner_init(&wiring->runner, wiring->engine, &wiring->exchange, NULL, NULL, true) == STATUS_OK);
  wiring->preset.flag_count = 0;
}

static void bench_scan(void) {
  static struct app app;
  static double scans_ms[LIVE_MINUTES];
  struct wiring wiring = {0};
  const int64_t start = INT64_C(1672531200000);
  int64_t now = start + WARM_MINUTES * MINUTE_MS;
  int count = 0;
  open_many(&wiring, &app);
  warm_up(&wiring, start, now);
  wiring_put_command(&wiring, now, COMMAND_START, "bench");
  for (int minute = 0; minute < LIVE_MINUTES; minute++) {
    now += MINUTE_MS;
    for (int symbol = 0; symbol < SYMBOLS; symbol++) step_candle(&wiring, symbol, &newest[symbol][minute], now);
    int64_t before = engine_counts(wiring.engine)->scans;
    struct event tick = {.ts = now, .kind = EVENT_TICK, .tick = {.is_candle_close = true}};
    double begin = bench_now_s();
    runner_step(&wiring.runner, &tick);
    double took = (bench_now_s() - begin) * 1e3;
    if (engine_counts(wiring.engine)->scans > before) scans_ms[count++] = took;
  }
  check(count > 1);
  (void)printf("\nbreakout_v1, %d symbols with warm series: one scan, every stage for every symbol, with records and digest (wanted: under 100 ms)\n",
               SYMBOLS);
  double median = bench_median(scans_ms, count);
  (void)printf("%-52s %8d scans   p50 %7.2f ms   worst %7.2f ms\n", "tick with a scan", count, median, scans_ms[count - 1]);
  wiring_close(&wiring);
}

int main(void) {
  bench_latency("BTCUSDT", "1 symbol");
  bench_latency(NULL, "16 symbols");
  bench_scan();
  return 0;
}

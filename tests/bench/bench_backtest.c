/* Whole backtests, each in a process of its own, beside a bare loop that reads the same file and does the arithmetic of the channel strategy and
 * nothing else: no events, no checks, no orders, no records, no digest. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "adapters/source/generate.h"
#include "base/calendar.h"
#include "base/check.h"
#include "support/bench.h"

#define RECORDING "recordings/binance-usdm-2025-05"
#define MONTHS "ohlcv/binance-usdm/2025-07_2025-10" /* 35 symbols of 5m candles, of the larger collection */

enum { BARS = 1000000, PERIOD = 20, ATR_PERIOD = 14, ROUNDS = 7, ROUNDS_LONG = 5, PATH_BYTES = 128 };

/* ---- the bare loop ---- */

struct bar {
  double open, high, low, close;
};

struct loop {
  struct bar coarse;                  /* the 5m candle being built */
  double highs[PERIOD], lows[PERIOD]; /* rings */
  int64_t bars, candles;
  double atr, previous_close;
  int side, pending; /* -1, 0, 1 */
  double entry, stop, target, profit;
  int64_t trades;
};

static void close_trade(struct loop *loop, double price) {
  loop->profit += loop->side * (price - loop->entry) - 0.0006 * (price + loop->entry);
  loop->side = 0;
  loop->trades++;
}

static void trade(struct loop *loop, const struct bar *bar) {
  if (loop->pending != 0) {
    loop->side = loop->pending;
    loop->entry = bar->open;
    loop->pending = 0;
  }
  if (loop->side == 0) return;
  bool is_long = loop->side > 0;
  if (is_long ? bar->low <= loop->stop : bar->high >= loop->stop) {
    close_trade(loop, loop->stop);
  } else if (is_long ? bar->high >= loop->target : bar->low <= loop->target) {
    close_trade(loop, loop->target);
  }
}

static double largest(double a, double b) {
  return a > b ? a : b;
}

static void signal_on(struct loop *loop, const struct bar *candle) {
  double high = loop->highs[0];
  double low = loop->lows[0];
  double up = largest(candle->high - loop->previous_close, loop->previous_close - candle->low);
  double range = largest(candle->high - candle->low, up);
  loop->atr = loop->candles < ATR_PERIOD ? loop->atr + range / ATR_PERIOD : (loop->atr * (ATR_PERIOD - 1) + range) / ATR_PERIOD;
  for (int i = 1; i < PERIOD; i++) {
    high = loop->highs[i] > high ? loop->highs[i] : high;
    low = loop->lows[i] < low ? loop->lows[i] : low;
  }
  loop->highs[loop->candles % PERIOD] = candle->high;
  loop->lows[loop->candles % PERIOD] = candle->low;
  loop->previous_close = candle->close;
  if (++loop->candles <= PERIOD || loop->side != 0) return;
  loop->pending = (candle->close > high) - (candle->close < low);
  if (loop->pending == 0) return;
  loop->stop = candle->close - loop->pending * 2 * loop->atr;
  loop->target = candle->close + loop->pending * 4 * loop->atr;
}

static void take(struct loop *loop, const struct bar *bar) {
  struct bar *coarse = &loop->coarse;
  trade(loop, bar);
  if (loop->bars % 5 == 0) *coarse = *bar;
  coarse->high = largest(coarse->high, bar->high);
  coarse->low = bar->low < coarse->low ? bar->low : coarse->low;
  coarse->close = bar->close;
  if (++loop->bars % 5 == 0) signal_on(loop, coarse);
}

static const char *read_number(const char *p, double *out) {
  static const double scale[] = {1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8};
  long value = 0;
  int places = -1;
  for (; *p != ',' && *p != '\n'; p++) {
    if (*p == '.') {
      places = 0;
    } else {
      value = value * 10 + (*p - '0');
      if (places >= 0) places++;
    }
  }
  *out = (double)value / scale[places > 0 ? places : 0];
  return p + 1;
}

static char *read_whole(const char *path, size_t *size) {
  struct stat info;
  int file = open(path, O_RDONLY);
  check(file >= 0 && fstat(file, &info) == 0);
  *size = (size_t)info.st_size;
  char *bytes = malloc(*size);
  check(bytes != NULL);
  for (size_t done = 0; done < *size;) {
    ssize_t got = read(file, bytes + done, *size - done);
    check(got > 0);
    done += (size_t)got;
  }
  close(file);
  return bytes;
}

static void print_loop(const struct loop *loop) {
  (void)printf("%lld trades, profit of one unit %.2f\n", (long long)loop->trades, loop->profit);
}

static void bare_csv(const char *path) {
  size_t size;
  char *bytes = read_whole(path, &size);
  struct loop loop = {0};
  const char *p = strchr(bytes, '\n') + 1;
  while (p < bytes + size) {
    struct bar bar;
    double unused;
    p = read_number(p, &unused);
    p = read_number(p, &bar.open);
    p = read_number(p, &bar.high);
    p = read_number(p, &bar.low);
    p = read_number(p, &bar.close);
    p = read_number(p, &unused);
    take(&loop, &bar);
  }
  print_loop(&loop);
  free(bytes);
}

static void bare_binary(const char *path) {
  size_t size;
  char *bytes = read_whole(path, &size);
  struct loop loop = {0};
  for (size_t at = 0; at < size; at += sizeof(struct candle)) {
    struct candle candle;
    memcpy(&candle, bytes + at, sizeof candle);
    take(&loop, &(struct bar){candle.open, candle.high, candle.low, candle.close});
  }
  print_loop(&loop);
  free(bytes);
}

static void only_read(const char *path) {
  size_t size;
  char *bytes = read_whole(path, &size);
  uint64_t sum = 0;
  for (size_t i = 0; i + 8 <= size; i += 8) {
    uint64_t word;
    memcpy(&word, bytes + i, sizeof word);
    sum ^= word;
  }
  (void)printf("%zu bytes (%llx)\n", size, (unsigned long long)(sum & 15));
  free(bytes);
}

/* ---- the market ---- */

/* Ranges that are left with volume and kept left, for ever: the strategy trades to the last day. */
static void write_market(const char *csv, const char *binary) {
  const struct generate_options options = {.scenario = GENERATE_BREAKOUTS, .seed = 1, .days = 695, .start_ms = INT64_C(1672531200000)};
  struct candle *candles = malloc(generate_candles_max(options.days) * sizeof *candles);
  check(candles != NULL && generate_candles(candles, &options) >= BARS);
  FILE *text = fopen(csv, "w");
  FILE *series = fopen(binary, "w");
  check(text != NULL && series != NULL);
  (void)fputs("timestamp_ms,open,high,low,close,volume\n", text);
  for (int i = 0; i < BARS; i++) {
    const struct candle *candle = &candles[i];
    (void)fprintf(text, "%lld,%.2f,%.2f,%.2f,%.2f,%.0f\n", (long long)candle->open_ts, candle->open, candle->high, candle->low, candle->close,
                  candle->volume);
  }
  check(fwrite(candles, sizeof *candles, BARS, series) == BARS);
  check(fclose(text) == 0 && fclose(series) == 0);
  free(candles);
}

/* ---- the parent ---- */

static void print_row(const char *name, const struct bench_child *child, double bars) {
  (void)printf("%-34s %8.3f s %8.3f s %8.2f M bars/s %7.1f MiB   %s\n", name, child->cpu, child->wall, bars / child->cpu / 1e6, child->rss,
               child->line);
}

static void print_head(const char *title) {
  (void)printf("\n%s\n%-34s %10s %10s %17s %11s\n", title, "", "CPU", "wall", "of CPU time", "peak memory");
}

static void bench_channel(const char *folder) {
  char csv[PATH_BYTES], binary[PATH_BYTES], cache[PATH_BYTES];
  (void)snprintf(csv, sizeof csv, "%s/ONEUSDT-1m.csv", folder);
  (void)snprintf(binary, sizeof binary, "%s/candles.bin", folder);
  (void)snprintf(cache, sizeof cache, "%s/cache", folder);
  write_market(csv, binary);
  check(mkdir(cache, 0700) == 0);
  enum { READ, BARE, BARE_BINARY, FROM_CSV, FROM_CACHE, KINDS };
  static struct bench_child children[KINDS];
  children[READ] = (struct bench_child){.arguments = {"read", csv}};
  children[BARE] = (struct bench_child){.arguments = {"bare-csv", csv}};
  children[BARE_BINARY] = (struct bench_child){.arguments = {"bare-binary", binary}};
  children[FROM_CSV] = (struct bench_child){.arguments = {"channel", csv, ""}};
  children[FROM_CACHE] = (struct bench_child){.arguments = {"channel", csv, cache}};
  bench_children(&children[FROM_CACHE], 1, 1); /* fills the cache */
  bench_children(children, KINDS, ROUNDS);
  print_head("channel_baseline, 1,000,000 bars of 1m, one symbol, one core, whole process (wanted: 130 MiB)");
  print_row("only reading the bytes", &children[READ], BARS);
  print_row("bare loop from CSV", &children[BARE], BARS);
  print_row("bare loop from binary", &children[BARE_BINARY], BARS);
  print_row("engine from CSV", &children[FROM_CSV], BARS);
  print_row("engine from cached series", &children[FROM_CACHE], BARS);
  (void)printf("engine / bare loop, from CSV     %.2f x (wanted: at most 5)\n", children[FROM_CSV].cpu / children[BARE].cpu);
  (void)printf("engine / bare loop, from binary  %.2f x (wanted: at most 8)\n", children[FROM_CACHE].cpu / children[BARE_BINARY].cpu);
}

/* Packed tables, then the series cached from them. */
static void bench_tables(const char *title, const char *data, const char *cache, double bars, int rounds) {
  static struct bench_child children[2];
  check(mkdir(cache, 0700) == 0);
  children[0] = (struct bench_child){.arguments = {"preset", data, "breakout_v1", "", ""}};
  children[1] = (struct bench_child){.arguments = {"preset", data, "breakout_v1", cache, ""}};
  bench_children(&children[1], 1, 1);
  bench_children(children, 2, rounds);
  print_head(title);
  print_row("from packed CSV", &children[0], bars);
  print_row("from cached series", &children[1], bars);
}

static void bench_pipeline(const char *folder) {
  char cache[PATH_BYTES];
  (void)snprintf(cache, sizeof cache, "%s/cache16", folder);
  bench_tables("breakout_v1, 16 symbols x 30 days of 1m, all stages, whole process (wanted: under 2 s, 200 MiB)", RECORDING, cache, 691200,
               ROUNDS_LONG);
}

static void bench_months(const char *folder) {
  static const char title[] = "breakout_v1, 35 symbols x 4 months of 5m, all stages, whole process (wanted: under 5 s)";
  const char *shared = getenv("BREAKOUT_SHARED_DATA");
  char data[4 * PATH_BYTES], cache[PATH_BYTES];
  if (shared == NULL) {
    (void)printf("\n%s\nskipped: BREAKOUT_SHARED_DATA is not set\n", title);
    return;
  }
  (void)snprintf(data, sizeof data, "%s/%s", shared, MONTHS);
  (void)snprintf(cache, sizeof cache, "%s/cache35", folder);
  bench_tables(title, data, cache, 35 * 123 * 288.0, 3);
}

/* A line through cost and size: twice as much costs twice as much. */
static void print_growth(const char *name, const struct bench_child *children) {
  (void)printf("%-34s 2x costs %.2f, 4x costs %.2f of 1x\n", name, children[1].cpu / children[0].cpu, children[2].cpu / children[0].cpu);
}

/* Parts of the recording: symbols at full length, then days of all symbols. */
static void bench_growth(const char *folder) {
  static const char *const symbols[] = {"BTCUSDT,ETHUSDT,SOLUSDT,XRPUSDT", "BTCUSDT,ETHUSDT,SOLUSDT,XRPUSDT,ADAUSDT,AVAXUSDT,BCHUSDT,BNBUSDT", ""};
  static const char *const names[] = {"4 symbols x 30 days", "8 symbols x 30 days", "16 symbols x 30 days"};
  static const char *const days[] = {"7.5", "15", "30"};
  static const char *const day_names[] = {"16 symbols x 7.5 days", "16 symbols x 15 days", "16 symbols x 30 days"};
  static struct bench_child children[6];
  char cache[PATH_BYTES];
  (void)snprintf(cache, sizeof cache, "%s/cache16", folder);
  for (int i = 0; i < 3; i++) {
    children[i] = (struct bench_child){.arguments = {"preset", RECORDING, "breakout_v1_working", cache, symbols[i]}};
    children[3 + i] = (struct bench_child){.arguments = {"preset", RECORDING, "breakout_v1_working", cache, "", days[i]}};
  }
  bench_children(children, 6, 3);
  print_head("growth of breakout_v1_working with symbols and with bars (1x, 2x, 4x)");
  for (int i = 0; i < 3; i++) print_row(names[i], &children[i], 691200 / 4.0 * (1 << i));
  for (int i = 0; i < 3; i++) print_row(day_names[i], &children[3 + i], 691200 / 4.0 * (1 << i));
  print_growth("growth with symbols", &children[0]);
  print_growth("growth with bars", &children[3]);
}

/* ---- the children ---- */

/* A hundred-thousandth of the account at risk: fees and losses never end the session before the data do. */
static void run_channel(const char *csv, const char *cache) {
  bench_execute(&(struct bench_run){
      .preset = "channel_baseline", .data = csv, .cache = cache[0] != '\0' ? cache : NULL, .keys = {"risk.risk_per_trade=0.00001"}, .key_count = 1});
}

static void run_preset(char **arguments, int count) {
  const int64_t first_ms = INT64_C(1746372780000); /* of the recording */
  struct bench_run bench = {.preset = arguments[1], .data = arguments[0]};
  if (arguments[2][0] != '\0') bench.cache = arguments[2];
  if (arguments[3][0] != '\0') bench.symbols = arguments[3];
  if (count > 4) bench.to_ms = first_ms + (int64_t)(strtod(arguments[4], NULL) * (double)DAY_MS);
  bench_execute(&bench);
}

static int be_child(int argc, char **argv) {
  const char *what = argv[1];
  if (strcmp(what, "read") == 0) only_read(argv[2]);
  if (strcmp(what, "bare-csv") == 0) bare_csv(argv[2]);
  if (strcmp(what, "bare-binary") == 0) bare_binary(argv[2]);
  if (strcmp(what, "channel") == 0) run_channel(argv[2], argv[3]);
  if (strcmp(what, "preset") == 0) run_preset(argv + 2, argc - 2);
  return 0;
}

int main(int argc, char **argv) {
  if (argc > 1) return be_child(argc, argv);
  char folder[] = "/tmp/bench_backtest_XXXXXX", command[64];
  check(mkdtemp(folder) != NULL);
  bench_channel(folder);
  bench_pipeline(folder);
  bench_months(folder);
  bench_growth(folder);
  (void)snprintf(command, sizeof command, "rm -rf %s", folder);
  return system(command) == 0 ? 0 : 1;
}

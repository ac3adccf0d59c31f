/* How fast recorded candles come in: a bare loop over the same bytes, the table reader, the cache, and the merge. Best of five. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "adapters/source/csv.h"
#include "adapters/source/source.h"
#include "base/check.h"

#define RECORDING "recordings/binance-usdm-2025-05"

static double now_s(void) {
  struct timespec time;
  (void)clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

/* The least that any reader must do: digits to numbers, no checks, no rows kept. */
static double bare_loop(const char *p, const char *end, long *rows) {
  static const double scale[] = {1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8};
  double sum = 0;
  *rows = 0;
  while (p < end && *p++ != '\n') {
  }
  while (p < end) {
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
    sum += (double)value / scale[places > 0 ? places : 0];
    *rows += *p++ == '\n';
  }
  return sum;
}

static void report(const char *name, double best, double bytes, double rows) {
  (void)printf("%-24s %8.0f MB/s %8.2f M rows/s\n", name, bytes / best / 1e6, rows / best / 1e6);
}

static struct problem problem;

static double time_open(const char *cache) {
  struct source *source;
  const struct source_options options = {.data = RECORDING, .cache_folder = cache};
  const double begin = now_s();
  check(source_open(&source, &options, &problem) == STATUS_OK);
  const double took = now_s() - begin;
  source_close(source);
  return took;
}

static double time_merge(double *items) {
  struct source *source;
  struct source_item item;
  const struct source_options options = {.data = RECORDING};
  check(source_open(&source, &options, &problem) == STATUS_OK);
  const double begin = now_s();
  for (*items = 0;; ++*items) {
    check(source_next(source, &item, &problem) == STATUS_OK);
    if (item.kind == SOURCE_END) break;
  }
  const double took = now_s() - begin;
  source_close(source);
  return took;
}

int main(void) {
  enum { TEXT_MAX = 4 << 20, ROUNDS = 5 };
  char *text = malloc(TEXT_MAX), folder[] = "/tmp/bench_source_XXXXXX", command[64];
  struct input *input;
  size_t size = 0, got = 1;
  double bare = 1e9, table = 1e9, plain = 1e9, cached = 1e9, merged = 1e9, items = 0, sum = 0;
  long rows = 0;
  check(text && mkdtemp(folder));
  check(input_open(&input, RECORDING "/BTCUSDT-1m.csv.zst", &problem) == STATUS_OK);
  for (; got > 0; size += got) check(input_read(input, text + size, TEXT_MAX - size, &got, &problem) == STATUS_OK);
  input_close(input);
  (void)time_open(folder);
  for (int i = 0; i < ROUNDS; i++) {
    double begin = now_s();
    sum += bare_loop(text, text + size, &rows);
    if (now_s() - begin < bare) bare = now_s() - begin;
    struct csv_result result;
    begin = now_s();
    check(input_open_bytes(&input, text, size, "bench", &problem) == STATUS_OK);
    check(csv_read(&result, input, SERIES_CANDLES, 0, &problem) == STATUS_OK);
    input_close(input);
    if (now_s() - begin < table) table = now_s() - begin;
    series_deinit(&result.series);
    double took = time_open(NULL);
    if (took < plain) plain = took;
    took = time_open(folder);
    if (took < cached) cached = took;
    took = time_merge(&items);
    if (took < merged) merged = took;
  }
  report("bare loop", bare, (double)size, (double)rows);
  report("table reader", table, (double)size, (double)rows);
  (void)printf("%-24s %8.3f s for %.0f items\n%-24s %8.3f s\n%-24s %8.1f ns an item (%g)\n", "open 16 symbols, packed", plain, items,
               "open 16 symbols, cached", cached, "merge of 16 symbols", merged / items * 1e9, sum > 0 ? 1.0 : 0.0);
  (void)snprintf(command, sizeof command, "rm -rf %s", folder);
  free(text);
  return system(command) == 0 ? 0 : 1;
}

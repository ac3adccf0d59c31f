/* Records written and bytes verified a second; a runner without journal and listeners. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/check.h"
#include "runner/journal.h"
#include "runner/runner.h"

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static void bench_write(const char *folder, bool is_volatile, int flush_every) {
  enum { RECORDS = 1000000, PAYLOAD = 200 };
  struct journal_options options = {.data_dir = folder, .account = is_volatile ? "fast" : "safe", .is_volatile = is_volatile};
  struct journal *journal;
  check(journal_open(&journal, &options, NULL) == STATUS_OK);
  unsigned char payload[PAYLOAD];
  memset(payload, 7, sizeof payload);
  double begin = now();
  for (int i = 0; i < RECORDS; i++) {
    check(journal_append(journal, 1748736000000 + i / 100, JOURNAL_RECORD, 5, payload, sizeof payload) != 0);
    if (i % flush_every == 0) check(journal_flush(journal, 0) == STATUS_OK);
  }
  journal_close(journal);
  double took = now() - begin;
  printf("%-44s %10.0f records/s\n", is_volatile ? "journal, no fdatasync" : "journal, fdatasync each 10 000 records", RECORDS / took);
  begin = now();
  struct journal_report report;
  check(journal_verify(folder, options.account, &report, NULL) == STATUS_OK);
  took = now() - begin;
  printf("%-44s %10.0f MB/s\n", "journal verified", (double)report.bytes / 1e6 / took);
}

static bool no_answer(void *self, int64_t ts, struct event *out) {
  (void)self, (void)ts, (void)out;
  return false;
}

static void bench_runner(void) {
  enum { EVENTS = 20000000 };
  struct engine_limits limits = {.symbols = 1, .base_ms = 60000};
  struct engine_config config = {.instance = "000000", .starting_balance = DECIMAL_ONE};
  struct arena arena;
  check(arena_open(&arena, engine_memory(&limits)) == STATUS_OK);
  struct engine *engine = engine_init(&arena, &limits, &config, NULL);
  struct exchange exchange = {.poll = no_answer};
  struct runner runner;
  check(runner_init(&runner, engine, &exchange, NULL, NULL, false) == STATUS_OK);
  struct event event = {.ts = 1748736000000, .kind = EVENT_CLOCK_OFFSET};
  const struct engine_sink sink = {0};
  double begin = now();
  for (int i = 0; i < EVENTS; i++) engine_step(engine, &event, &sink);
  double bare = now() - begin;
  begin = now();
  for (int i = 0; i < EVENTS; i++) runner_step(&runner, &event);
  double took = now() - begin;
  printf("%-44s %10.1f ns an event beside engine_step's %.1f\n", "runner", (took - bare) * 1e9 / EVENTS, bare * 1e9 / EVENTS);
  runner_deinit(&runner);
  arena_close(&arena);
}

int main(void) {
  char folder[] = "/tmp/breakout-bench-XXXXXX";
  check(mkdtemp(folder) != NULL);
  bench_write(folder, true, 10000);
  bench_write(folder, false, 10000);
  bench_runner();
  char command[64];
  snprintf(command, sizeof command, "rm -rf '%s'", folder);
  return system(command);
}

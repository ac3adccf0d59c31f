/* A recording as the feed port: descriptions first, and a change of an instrument when it was known, not before. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "adapters/source/source_feed.h"

#define START_MS INT64_C(1704067200000)

/* 20 minutes of candles; the tick is 0.5 from the beginning and 0.1 from the tenth minute on. */
static void write_recording(const char *path) {
  FILE *file = fopen(path, "w");
  assert_non_null(file);
  for (int i = 0; i < 20; i++) {
    long long ts = START_MS + i * INT64_C(60000);
    if (i == 0 || i == 10) {
      fprintf(file, "{\"k\":\"instrument\",\"symbol\":\"BTCUSDT\",\"ts\":%lld,\"tick_size\":\"%s\",\"lot_size\":\"0.001\"}\n", ts,
              i == 0 ? "0.5" : "0.1");
    }
    fprintf(file, "{\"k\":\"candle\",\"symbol\":\"BTCUSDT\",\"ts\":%lld,\"o\":100,\"h\":101,\"l\":99,\"c\":100,\"v\":5,\"q\":500}\n", ts);
  }
  assert_int_equal(fclose(file), 0);
}

static void an_instrument_changes_when_it_was_known(void **unused) {
  (void)unused;
  char path[256];
  const char *folder = getenv("TMPDIR");
  snprintf(path, sizeof path, "%s/feed_%d.jsonl", folder != NULL ? folder : "/tmp", rand());
  write_recording(path);
  static struct problem problem;
  struct source *source;
  enum status status = source_open(&source, &(struct source_options){.data = path}, &problem);
  if (status) problem_print(&problem, stderr);
  assert_int_equal(status, STATUS_OK);
  static struct source_feed self;
  struct feed feed;
  source_feed_init(&self, source, "file", &feed);
  int instruments = 0;
  int candles = 0;
  int64_t last_ts = 0;
  for (struct event event; feed.next(feed.self, &event, &problem) == STATUS_OK;) {
    assert_true(event.ts >= last_ts);
    last_ts = event.ts;
    if (event.kind == EVENT_CANDLE) candles++;
    if (event.kind != EVENT_INSTRUMENT) continue;
    bool is_first = instruments++ == 0;
    assert_int_equal(event.instrument.instrument[0].tick_size, is_first ? DECIMAL_ONE / 2 : DECIMAL_ONE / 10);
    if (!is_first) assert_int_equal(event.ts, START_MS + 10 * INT64_C(60000)); /* with the close of the tenth candle */
  }
  assert_int_equal(instruments, 2);
  assert_int_equal(candles, 20);
  source_close(source);
  remove(path);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(an_instrument_changes_when_it_was_known)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}

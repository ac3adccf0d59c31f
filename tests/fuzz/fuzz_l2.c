/* Any lines as recorded messages, first each alone, then as a recording: levels are not negative, time never goes back, a delta never comes before
 * its snapshot. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "adapters/source/recording.h"
#include "base/check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_levels(const struct message_levels *levels) {
  for (int32_t i = 0; i < levels->count; i++) check(levels->items[i].price >= 0 && levels->items[i].qty >= 0);
}

static void try_message(const char *text, size_t size) {
  static struct message message;
  const char *what = NULL;
  char *copy = malloc(size > 0 ? size : 1); /* of the exact size, so that reading beyond it shows */
  check(copy != NULL);
  memcpy(copy, text, size);
  if (message_parse(&message, copy, size, &what)) {
    check_levels(&message.bids);
    check_levels(&message.asks);
    if (message.kind == MESSAGE_TRADE) check(message.price >= 0 && message.qty >= 0);
    if (message.kind == MESSAGE_CANDLE) check(message.candle.high >= message.candle.low);
  } else {
    check(what != NULL);
  }
  free(copy);
}

static void try_recording(const char *path) {
  static struct problem problem;
  const char *const paths[] = {path};
  struct recording *recording;
  struct recording_event event;
  bool has_book[RECORDING_SYMBOLS_MAX] = {false};
  int64_t ts = 0;
  problem_clear(&problem);
  if (recording_open(&recording, paths, 1, "BTCUSDT", &problem)) return;
  enum status status;
  while ((status = recording_next(recording, &event, &problem)) == STATUS_OK) {
    check(event.ts >= ts && event.symbol >= 0 && event.symbol < recording_symbol_count(recording));
    ts = event.ts;
    if (event.message->kind != MESSAGE_BOOK) continue;
    check(event.book.is_snapshot || has_book[event.symbol]);
    has_book[event.symbol] = true;
  }
  check(status == STATUS_END || problem_has_error(&problem));
  recording_close(recording);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static char path[64];
  if (path[0] == '\0') (void)snprintf(path, sizeof path, "/dev/shm/fuzz_l2_%d.txt", (int)getpid());
  try_message((const char *)data, size);
  FILE *file = fopen(path, "wb");
  check(file != NULL);
  check(fwrite(data, 1, size, file) == size && fclose(file) == 0);
  try_recording(path);
  (void)unlink(path);
  return 0;
}

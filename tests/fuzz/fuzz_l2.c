/* Any lines as recorded messages, first each alone, then as a recording: levels are not negative, time never goes back, a delta never comes before
 * its snapshot, and the short ways of the reader find what its general way finds. */
#include <math.h>
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

/* The same text with a blank at each side of what is no part of a string: it is read by the general way of the scanner alone. */
static size_t spread(const char *text, size_t size, char *out) {
  size_t length = 0;
  bool is_string = false;
  for (size_t i = 0; i < size; i++) {
    const bool is_mark = !is_string && strchr("{}[],:", text[i]) != NULL && text[i] != '\0';
    if (is_mark) out[length++] = ' ';
    out[length++] = text[i];
    if (is_mark) out[length++] = ' ';
    if (is_string && text[i] == '\\' && i + 1 < size)
      out[length++] = text[++i];
    else if (text[i] == '"')
      is_string = !is_string;
  }
  return length;
}

static bool same_number(double a, double b) {
  return memcmp(&a, &b, sizeof a) == 0 || (isnan(a) && isnan(b));
}

static bool same_text(const struct json_text *a, const struct json_text *b) {
  return a->length == b->length && (a->length == 0 || memcmp(a->data, b->data, a->length) == 0);
}

static bool same_levels(const struct message_levels *a, const struct message_levels *b) {
  if (a->count != b->count) return false;
  for (int32_t i = 0; i < a->count; i++) {
    if (a->items[i].price != b->items[i].price || a->items[i].qty != b->items[i].qty) return false;
  }
  return true;
}

static void check_same(const struct message *a, const struct message *b) {
  check(a->kind == b->kind && a->ts == b->ts && same_text(&a->symbol, &b->symbol) && same_text(&a->status, &b->status));
  check(a->is_snapshot == b->is_snapshot && a->first_seq == b->first_seq && a->last_seq == b->last_seq && a->prev_seq == b->prev_seq);
  check(same_levels(&a->bids, &b->bids) && same_levels(&a->asks, &b->asks));
  check(a->price == b->price && a->qty == b->qty && a->trade_id == b->trade_id && a->is_buy == b->is_buy && a->next_ts == b->next_ts);
  check(same_number(a->last, b->last) && same_number(a->mark, b->mark) && same_number(a->oi, b->oi) && same_number(a->rate, b->rate));
  check(same_number(a->candle.open, b->candle.open) && same_number(a->candle.turnover, b->candle.turnover));
  check(a->tick_size == b->tick_size && a->lot_size == b->lot_size && same_number(a->max_leverage, b->max_leverage));
}

static void try_message(const char *text, size_t size) {
  static struct message message, again;
  const char *what = NULL, *what_again = NULL;
  char *copy = malloc(size > 0 ? size : 1); /* of the exact size, so that reading beyond it shows */
  char *spaced = malloc(3 * size + 1);
  check(copy != NULL && spaced != NULL);
  memcpy(copy, text, size);
  const bool is_good = message_parse(&message, copy, size, &what);
  if (is_good) {
    check_levels(&message.bids);
    check_levels(&message.asks);
    if (message.kind == MESSAGE_TRADE) check(message.price >= 0 && message.qty >= 0);
    if (message.kind == MESSAGE_CANDLE) check(message.candle.high >= message.candle.low);
  } else {
    check(what != NULL);
  }
  check(message_parse(&again, spaced, spread(text, size, spaced), &what_again) == is_good);
  if (is_good) check_same(&message, &again);
  free(copy);
  free(spaced);
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

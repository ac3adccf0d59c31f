/* Sequences of snapshots and deltas made from bytes: whatever arrives, the sides stay sorted, within their depth and without empty levels. */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/check.h"
#include "core/market/order_book.h"

enum { DEPTH = 20, LEVELS_MAX = 8 };

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

struct reader {
  const uint8_t *bytes;
  size_t left;
};

static uint8_t take(struct reader *reader) {
  if (reader->left == 0) return 0;
  reader->left--;
  return *reader->bytes++;
}

static int32_t take_levels(struct reader *reader, struct book_level *out) {
  int32_t count = take(reader) % (LEVELS_MAX + 1);
  for (int32_t i = 0; i < count; i++) {
    out[i].price = (int8_t)take(reader); /* may be zero or negative */
    out[i].qty = (int8_t)take(reader);
  }
  return count;
}

static void check_side(const struct book_level *levels, int32_t count, int64_t direction) {
  check(count >= 0 && count <= DEPTH);
  for (int32_t i = 0; i < count; i++) {
    check(levels[i].price > 0 && levels[i].qty > 0);
    if (i > 0) check((levels[i].price - levels[i - 1].price) * direction > 0);
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
  struct reader reader = {bytes, size};
  struct book_level bid_memory[DEPTH];
  struct book_level ask_memory[DEPTH];
  struct order_book book;
  int64_t ts = 1;
  order_book_init(&book, bid_memory, ask_memory, DEPTH);
  while (reader.left > 0) {
    struct book_level bids[LEVELS_MAX];
    struct book_level asks[LEVELS_MAX];
    uint8_t kind = take(&reader);
    struct book_change change = {.is_snapshot = kind % 8 == 0, .prev_seq = -1, .bids = bids, .asks = asks};
    change.first_seq = book.seq + (int8_t)take(&reader) % 4;
    change.last_seq = change.first_seq + kind / 64;
    if (kind & 16) change.prev_seq = book.seq;
    change.bid_count = take_levels(&reader, bids);
    change.ask_count = take_levels(&reader, asks);
    ts += 100 * (int64_t)take(&reader);
    bool was_valid = book.is_valid;
    bool is_applied = order_book_apply(&book, &change, ts);
    check(is_applied == book.is_valid);
    check(book.is_valid || book.wants_snapshot || !was_valid);
    check_side(book.bids, book.bid_count, -1);
    check_side(book.asks, book.ask_count, 1);
    check(book.crossed_since == 0 || ts - book.crossed_since <= 1000);
    (void)order_book_imbalance(&book, 10);
    (void)order_book_bid_notional(&book, 1e-7, NULL);
    (void)order_book_ask_notional(&book, 1e-7, NULL);
  }
  return 0;
}

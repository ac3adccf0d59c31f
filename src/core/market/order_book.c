#include "core/market/order_book.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

#include "base/check.h"
#include "base/decimal.h"

enum { CROSSED_MAX_MS = 1000 };

void order_book_init(struct order_book *book, struct book_level *bids, struct book_level *asks, int32_t depth) {
  check(depth >= 0);
  *book = (struct order_book){.bids = bids, .asks = asks, .depth = depth};
}

/* One side, best first: prices fall in bids and rise in asks. What follows is compiled once for each side. */
struct side {
  struct book_level *levels;
  int32_t count;
  int32_t depth;
};

static inline bool is_better(int64_t a, int64_t b, bool is_bid) {
  return is_bid ? a > b : a < b;
}

/* Number of levels better than price. Halves without a branch: which half it is cannot be foretold, and a wrong guess costs more than the search. */
static inline int32_t count_better(const struct side *side, int64_t price, bool is_bid) {
  const struct book_level *at = side->levels;
  int32_t left = side->count;
  while (left > 1) {
    const int32_t half = left / 2;
    at += (size_t)half & -(size_t)is_better(at[half - 1].price, price, is_bid);
    left -= half;
  }
  return (int32_t)(at - side->levels) + (left == 1 && is_better(at->price, price, is_bid) ? 1 : 0);
}

/* A full side loses its worst level to a better one. */
static inline void set_level(struct side *side, struct book_level level, bool is_bid) {
  const bool is_full = side->count == side->depth;
  if (is_full && is_better(side->levels[side->depth - 1].price, level.price, is_bid)) return;
  int32_t index = count_better(side, level.price, is_bid);
  struct book_level *at = side->levels + index;
  int32_t behind = side->count - index;
  bool is_known = behind > 0 && at->price == level.price;
  if (level.qty == 0) {
    if (!is_known) return;
    memmove(at, at + 1, (size_t)(behind - 1) * sizeof *at);
    side->count--;
  } else if (is_known) {
    at->qty = level.qty;
  } else {
    if (is_full) {
      behind--;
    } else {
      side->count++;
    }
    memmove(at + 1, at, (size_t)behind * sizeof *at);
    *at = level;
  }
}

__attribute__((always_inline)) static inline bool set_levels(struct side side, int32_t *count_out, const struct book_level *levels, int32_t count,
                                                             bool is_bid) {
  bool is_sound = true;
  for (int32_t i = 0; i < count && is_sound; i++) {
    is_sound = levels[i].price > 0 && levels[i].qty >= 0;
    if (is_sound) set_level(&side, levels[i], is_bid);
  }
  *count_out = side.count;
  return is_sound;
}

static bool set_bids(struct order_book *book, const struct book_change *change) {
  return set_levels((struct side){book->bids, book->bid_count, book->depth}, &book->bid_count, change->bids, change->bid_count, true);
}

static bool set_asks(struct order_book *book, const struct book_change *change) {
  return set_levels((struct side){book->asks, book->ask_count, book->depth}, &book->ask_count, change->asks, change->ask_count, false);
}

static bool drop(struct order_book *book) {
  book->bid_count = book->ask_count = 0;
  book->seq = 0;
  book->updated_at = book->crossed_since = 0;
  book->is_valid = false;
  book->wants_snapshot = true;
  book->drops++;
  return false;
}

static bool drop_crossed(struct order_book *book) {
  book->drops_crossed++;
  return drop(book);
}

static bool fits(const struct order_book *book, const struct book_change *change) {
  if (change->prev_seq >= 0 && change->prev_seq == book->seq) return true;
  return change->first_seq <= book->seq + 1 && book->seq + 1 <= change->last_seq;
}

/* Locked counts as crossed. For a moment both happen, when the two sides of a change arrive apart. */
static bool is_crossed_too_long(struct order_book *book, int64_t ts) {
  if (book->bid_count == 0 || book->ask_count == 0 || book->bids[0].price < book->asks[0].price) {
    book->crossed_since = 0;
    return false;
  }
  if (book->crossed_since == 0) book->crossed_since = ts;
  return ts - book->crossed_since > CROSSED_MAX_MS;
}

bool order_book_apply(struct order_book *book, const struct book_change *change, int64_t ts) {
  check(book->depth > 0);
  if (change->is_snapshot) {
    book->bid_count = book->ask_count = 0;
    book->crossed_since = 0;
  } else {
    if (!book->is_valid) return false;
    if (change->last_seq <= book->seq && change->prev_seq != book->seq) { /* the snapshot already holds it */
      book->old_changes++;
      return is_crossed_too_long(book, ts) ? drop_crossed(book) : true;
    }
    if (!fits(book, change)) return drop(book);
  }
  if (!set_bids(book, change) || !set_asks(book, change)) return drop(book);
  book->seq = change->last_seq;
  if (ts > book->updated_at) book->updated_at = ts;
  book->is_valid = true;
  book->wants_snapshot = false;
  return is_crossed_too_long(book, ts) ? drop_crossed(book) : true;
}

static double level_notional(struct book_level level) {
  return decimal_to_double(level.price) * decimal_to_double(level.qty);
}

static double side_notional(const struct book_level *levels, int32_t count, bool is_bid, double limit, bool *is_lower_bound) {
  double sum = 0;
  int32_t i = 0;
  for (; i < count; i++) {
    double price = decimal_to_double(levels[i].price);
    if (is_bid ? price < limit : price > limit) break;
    sum += price * decimal_to_double(levels[i].qty);
  }
  if (is_lower_bound != NULL) *is_lower_bound = i == count;
  return sum;
}

double order_book_bid_notional(const struct order_book *book, double limit, bool *is_lower_bound) {
  return side_notional(book->bids, book->bid_count, true, limit, is_lower_bound);
}

double order_book_ask_notional(const struct order_book *book, double limit, bool *is_lower_bound) {
  return side_notional(book->asks, book->ask_count, false, limit, is_lower_bound);
}

double order_book_imbalance(const struct order_book *book, int32_t levels) {
  double bids = 0;
  double asks = 0;
  for (int32_t i = 0; i < levels && i < book->bid_count; i++) bids += level_notional(book->bids[i]);
  for (int32_t i = 0; i < levels && i < book->ask_count; i++) asks += level_notional(book->asks[i]);
  return bids + asks > 0 ? (bids - asks) / (bids + asks) : NAN;
}

/* Price levels of one symbol: built from a snapshot and deltas in sequence. Prices and quantities are decimals. */
#ifndef CORE_MARKET_ORDER_BOOK_H
#define CORE_MARKET_ORDER_BOOK_H

#include <stdbool.h>
#include <stdint.h>

struct book_level {
  int64_t price;
  int64_t qty; /* 0 in a delta deletes the level */
};

/* A snapshot or delta as it arrives. Borrowed arrays. first_seq/last_seq: the venue's range; a delta fits when first_seq <= book.seq + 1 <= last_seq,
 * or when prev_seq equals book.seq (prev_seq < 0: not given). */
struct book_change {
  bool is_snapshot;
  int64_t first_seq, last_seq, prev_seq;
  int32_t bid_count, ask_count;
  const struct book_level *bids, *asks;
};

struct order_book {
  struct book_level *bids; /* best first; room for `depth` */
  struct book_level *asks;
  int32_t depth; /* levels kept a side */
  int32_t bid_count, ask_count;
  int64_t seq;
  int64_t updated_at;    /* 0: no book */
  int64_t crossed_since; /* 0: not crossed */
  bool is_valid;
  bool wants_snapshot;        /* set when a sequence broke, the book stayed crossed or a level made no sense */
  int64_t drops, old_changes; /* counted: books dropped, changes from before the book's sequence ignored */
  int64_t drops_crossed;      /* of drops: the book stayed crossed */
};

void order_book_init(struct order_book *book, struct book_level *bids, struct book_level *asks, int32_t depth);
/* Applies a change at time ts. false when the book was dropped (sequence gap, crossed for more than 1 s) and a snapshot is needed. */
bool order_book_apply(struct order_book *book, const struct book_change *change, int64_t ts);
/* Σ price·qty in USD of levels not worse than `limit` on a side (bids >= limit, asks <= limit); is_lower_bound tells that the worst known level lies
 * inside, so that the sum may be larger (may be NULL). */
double order_book_bid_notional(const struct order_book *book, double limit, bool *is_lower_bound);
double order_book_ask_notional(const struct order_book *book, double limit, bool *is_lower_bound);
/* (B - A)/(B + A) of the notional of the best `levels` a side (fewer if fewer exist); NaN when both are empty. */
double order_book_imbalance(const struct order_book *book, int32_t levels);

#endif

/* The sorted book against an unsorted list of levels; its sequence rule and its sanity rules case by case. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "base/decimal.h"
#include "base/random.h"
#include "core/market/order_book.h"

enum { DEPTH_MAX = 1000, UPDATES_MAX = 40 };

static struct book_level bid_memory[DEPTH_MAX];
static struct book_level ask_memory[DEPTH_MAX];

static struct book_level level(double price, double qty) {
  return (struct book_level){decimal_from_double(price), decimal_from_double(qty)};
}

/* --- slow twin: a list in any order; after each level that is set, the worst one above the depth goes --- */

struct side_ref {
  struct book_level levels[DEPTH_MAX + 1];
  int32_t count;
  bool is_bid;
};

static void set_ref(struct side_ref *side, int32_t depth, struct book_level level_set) {
  for (int32_t i = 0; i < side->count; i++) {
    if (side->levels[i].price == level_set.price) side->levels[i] = side->levels[--side->count];
  }
  if (level_set.qty > 0) side->levels[side->count++] = level_set;
  if (side->count <= depth) return;
  int32_t worst = 0;
  for (int32_t i = 1; i < side->count; i++) {
    bool is_worse = side->is_bid ? side->levels[i].price < side->levels[worst].price : side->levels[i].price > side->levels[worst].price;
    if (is_worse) worst = i;
  }
  side->levels[worst] = side->levels[--side->count];
}

static void assert_side(const struct book_level *levels, int32_t count, const struct side_ref *side) {
  assert_int_equal(count, side->count);
  for (int32_t i = 0; i < count; i++) {
    bool is_found = false;
    for (int32_t j = 0; j < count; j++) is_found |= memcmp(&levels[i], &side->levels[j], sizeof levels[i]) == 0;
    assert_true(is_found);
    if (i > 0) assert_true(side->is_bid ? levels[i].price < levels[i - 1].price : levels[i].price > levels[i - 1].price);
  }
}

static double notional_ref(const struct side_ref *side, double limit) {
  double sum = 0;
  for (int32_t i = 0; i < side->count; i++) {
    double price = decimal_to_double(side->levels[i].price);
    if (side->is_bid ? price >= limit : price <= limit) sum += price * decimal_to_double(side->levels[i].qty);
  }
  return sum;
}

static int32_t any_levels(struct random *random, struct book_level *out, int64_t best, int64_t direction, bool may_delete) {
  int32_t count = (int32_t)random_below(random, UPDATES_MAX);
  for (int32_t i = 0; i < count; i++) {
    int64_t away = (int64_t)random_below(random, 60);
    bool is_delete = may_delete && random_below(random, 3) == 0;
    out[i] = (struct book_level){best + direction * away * 1000000, is_delete ? 0 : 1 + (int64_t)random_below(random, 1000000000)};
  }
  return count;
}

static void test_random_changes(void **state) {
  (void)state;
  for (uint64_t seed = 1; seed <= 40; seed++) {
    struct random random;
    struct order_book book;
    struct side_ref bids = {.is_bid = true};
    struct side_ref asks = {.is_bid = false};
    random_init(&random, seed);
    int32_t depth = 1 + (int32_t)random_below(&random, 50);
    order_book_init(&book, bid_memory, ask_memory, depth);
    for (int64_t seq = 1; seq <= 400; seq++) {
      struct book_level bid_levels[UPDATES_MAX];
      struct book_level ask_levels[UPDATES_MAX];
      struct book_change change = {.is_snapshot = seq == 1 || random_below(&random, 50) == 0,
                                   .first_seq = seq,
                                   .last_seq = seq,
                                   .prev_seq = -1,
                                   .bids = bid_levels,
                                   .asks = ask_levels};
      change.bid_count = any_levels(&random, bid_levels, 99 * DECIMAL_ONE, -1, !change.is_snapshot);
      change.ask_count = any_levels(&random, ask_levels, 100 * DECIMAL_ONE, 1, !change.is_snapshot);
      if (change.is_snapshot) bids.count = asks.count = 0;
      for (int32_t i = 0; i < change.bid_count; i++) set_ref(&bids, depth, bid_levels[i]);
      for (int32_t i = 0; i < change.ask_count; i++) set_ref(&asks, depth, ask_levels[i]);
      assert_true(order_book_apply(&book, &change, 1000 + seq));
      assert_side(book.bids, book.bid_count, &bids);
      assert_side(book.asks, book.ask_count, &asks);
      assert_int_equal(book.updated_at, 1000 + seq);
      bool is_open;
      double sum = order_book_bid_notional(&book, 98.7, &is_open);
      assert_true(fabs(sum - notional_ref(&bids, 98.7)) < 1e-6);
      assert_int_equal(is_open, book.bid_count == 0 || book.bids[book.bid_count - 1].price >= decimal_from_double(98.7));
      sum = order_book_ask_notional(&book, 100.3, &is_open);
      assert_true(fabs(sum - notional_ref(&asks, 100.3)) < 1e-6);
      assert_int_equal(is_open, book.ask_count == 0 || book.asks[book.ask_count - 1].price <= decimal_from_double(100.3));
    }
  }
}

/* --- cases --- */

static void start(struct order_book *book, int64_t seq) {
  const struct book_level bids[] = {level(99, 2), level(98, 1)};
  const struct book_level asks[] = {level(102, 4), level(101, 1)}; /* in any order */
  order_book_init(book, bid_memory, ask_memory, 10);
  assert_true(order_book_apply(
      book, &(struct book_change){.is_snapshot = true, .last_seq = seq, .prev_seq = -1, .bid_count = 2, .ask_count = 2, .bids = bids, .asks = asks},
      1000));
}

static bool apply(struct order_book *book, int64_t first, int64_t last, int64_t previous, struct book_level bid, int64_t ts) {
  struct book_change change = {.first_seq = first, .last_seq = last, .prev_seq = previous, .bid_count = 1, .bids = &bid};
  return order_book_apply(book, &change, ts);
}

static void assert_dropped(const struct order_book *book) {
  assert_false(book->is_valid);
  assert_true(book->wants_snapshot);
  assert_int_equal(book->bid_count + book->ask_count, 0);
  assert_int_equal(book->updated_at, 0);
  assert_int_equal(book->drops, 1);
}

static void test_sequence(void **state) {
  (void)state;
  struct order_book book;
  order_book_init(&book, bid_memory, ask_memory, 10);
  assert_false(apply(&book, 1, 1, -1, level(97, 1), 1000)); /* no snapshot yet */
  start(&book, 100);
  assert_true(book.asks[0].price == 101 * DECIMAL_ONE);
  assert_true(apply(&book, 90, 100, -1, level(97, 5), 1001)); /* the snapshot holds it */
  assert_int_equal(book.bid_count, 2);
  assert_int_equal(book.old_changes, 1);
  assert_true(apply(&book, 95, 105, 94, level(97, 5), 1002)); /* overlaps the snapshot */
  assert_int_equal(book.seq, 105);
  assert_int_equal(book.bid_count, 3);
  assert_true(apply(&book, 110, 112, 105, level(97, 0), 1003)); /* ids jump, but the chain holds */
  assert_int_equal(book.bid_count, 2);
  assert_true(apply(&book, 113, 113, -1, level(97, 1), 1004));
  assert_false(apply(&book, 115, 116, 114, level(97, 2), 1005)); /* 114 is missing */
  assert_dropped(&book);
  assert_false(apply(&book, 117, 117, -1, level(97, 2), 1006));
  start(&book, 200);
  assert_true(book.is_valid && !book.wants_snapshot);
}

static void test_crossed(void **state) {
  (void)state;
  struct order_book book;
  start(&book, 1);
  assert_true(apply(&book, 2, 2, -1, level(101, 1), 2000)); /* locked counts */
  assert_int_equal(book.crossed_since, 2000);
  assert_true(apply(&book, 3, 3, -1, level(98, 3), 3000)); /* exactly 1 s */
  assert_true(apply(&book, 4, 4, -1, level(101, 0), 3001));
  assert_int_equal(book.crossed_since, 0);
  assert_true(apply(&book, 5, 5, -1, level(105, 1), 4000));
  assert_false(apply(&book, 6, 6, -1, level(98, 3), 5001));
  assert_dropped(&book);
}

/* Changes that the snapshot already holds do not keep a crossed book alive. */
static void test_crossed_and_outdated(void **state) {
  (void)state;
  struct order_book book;
  start(&book, 10);
  assert_true(apply(&book, 11, 11, -1, level(101, 1), 2000));
  assert_true(apply(&book, 5, 5, -1, level(98, 1), 3000));
  assert_false(apply(&book, 5, 5, -1, level(98, 1), 3001));
  assert_dropped(&book);
}

static void test_nonsense(void **state) {
  (void)state;
  struct order_book book;
  start(&book, 1);
  assert_false(apply(&book, 2, 2, -1, (struct book_level){DECIMAL_ONE, -1}, 2000));
  assert_dropped(&book);
  start(&book, 1);
  assert_false(apply(&book, 2, 2, -1, (struct book_level){0, 1}, 2000));
  assert_dropped(&book);
}

static void test_notional_by_hand(void **state) {
  (void)state;
  struct order_book book;
  bool is_open;
  start(&book, 1); /* bids 99 x 2, 98 x 1; asks 101 x 1, 102 x 4 */
  assert_true(order_book_bid_notional(&book, 99, &is_open) == 198);
  assert_false(is_open);
  assert_true(order_book_bid_notional(&book, 98, &is_open) == 198 + 98);
  assert_true(is_open);
  assert_true(order_book_ask_notional(&book, 100.999, NULL) == 0);
  assert_true(order_book_ask_notional(&book, 1000, &is_open) == 101 + 408);
  assert_true(is_open);
  assert_true(order_book_imbalance(&book, 1) == (198.0 - 101) / (198 + 101));
  assert_true(order_book_imbalance(&book, 10) == (296.0 - 509) / (296 + 509));
  order_book_init(&book, bid_memory, ask_memory, 10);
  assert_true(isnan(order_book_imbalance(&book, 10)));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_random_changes),       cmocka_unit_test(test_sequence), cmocka_unit_test(test_crossed),
      cmocka_unit_test(test_crossed_and_outdated), cmocka_unit_test(test_nonsense), cmocka_unit_test(test_notional_by_hand),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

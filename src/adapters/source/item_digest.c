#include "adapters/source/item_digest.h"

#include <string.h>

#include "base/calendar.h"

void item_digest_month(int64_t ts, int64_t *from_ms, int64_t *to_ms) {
  struct calendar at;
  calendar_from_ms(ts, &at);
  *from_ms = calendar_to_ms(at.year, at.month, 1, 0, 0, 0, 0);
  *to_ms = at.month == 12 ? calendar_to_ms(at.year + 1, 1, 1, 0, 0, 0, 0) : calendar_to_ms(at.year, at.month + 1, 1, 0, 0, 0, 0);
}

void item_digest_init(struct item_digest *digest) {
  *digest = (struct item_digest){0};
}

static unsigned nibble(char c) {
  return c <= '9' ? (unsigned)(c - '0') : (unsigned)(c - 'a') + 10;
}

void item_digest_combine(char combined[DIGEST_TEXT_MAX], const char *other) {
  if (other[0] == '\0') return;
  if (combined[0] == '\0') {
    memcpy(combined, other, DIGEST_TEXT_MAX);
    return;
  }
  for (int i = 0; i < DIGEST_TEXT_MAX - 1; i++) combined[i] = "0123456789abcdef"[nibble(combined[i]) ^ nibble(other[i])];
}

static void end_month(struct item_digest *digest) {
  char text[DIGEST_TEXT_MAX];
  if (!digest->is_open) return;
  digest_read(&digest->digest, text);
  digest_close(&digest->digest);
  digest->is_open = false;
  item_digest_combine(digest->combined, text);
}

static void add_book(struct digest *digest, const struct book_change *book) {
  const int64_t head[] = {book->is_snapshot, book->first_seq, book->last_seq, book->prev_seq, book->bid_count, book->ask_count};
  digest_add(digest, head, sizeof head);
  if (book->bid_count > 0) digest_add(digest, book->bids, (size_t)book->bid_count * sizeof *book->bids);
  if (book->ask_count > 0) digest_add(digest, book->asks, (size_t)book->ask_count * sizeof *book->asks);
}

void item_digest_add(struct item_digest *digest, const struct source_item *item) {
  if (!digest->is_open || item->ts < digest->month_from || item->ts >= digest->month_to) {
    end_month(digest);
    item_digest_month(item->ts, &digest->month_from, &digest->month_to);
    digest_open(&digest->digest);
    digest->is_open = true;
  }
  const int64_t head[] = {item->ts, item->kind};
  digest_add(&digest->digest, head, sizeof head);
  const struct ticker *ticker = &item->ticker;
  const double of_ticker[] = {ticker->last, ticker->bid, ticker->ask, ticker->mark, ticker->index, ticker->turnover_24h, ticker->change_24h_pct};
  const double values[] = {item->value, item->value_usd};
  switch (item->kind) {
    case SOURCE_BOOK:
      add_book(&digest->digest, item->book);
      return;
    case SOURCE_TRADES:
      for (int32_t i = 0; i < item->trade_count; i++) {
        const int64_t trade[] = {item->trades[i].price, item->trades[i].qty, item->trades[i].is_buy};
        digest_add(&digest->digest, trade, sizeof trade);
      }
      return;
    case SOURCE_TICKER:
      digest_add(&digest->digest, of_ticker, sizeof of_ticker);
      return;
    default:
      digest_add(&digest->digest, values, item->kind == SOURCE_OPEN_INTEREST ? sizeof values : sizeof values[0]);
      return;
  }
}

void item_digest_end(struct item_digest *digest, char text[DIGEST_TEXT_MAX]) {
  end_month(digest);
  memcpy(text, digest->combined, DIGEST_TEXT_MAX);
}

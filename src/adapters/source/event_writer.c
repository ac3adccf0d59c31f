#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "adapters/source/event_layout.h"
#include "base/buffer.h"
#include "base/check.h"
#include "base/decimal.h"
#include "base/text.h"

/* An item of the block being gathered; its numbers are in the writer's pairs. */
struct gathered {
  enum source_kind kind;
  bool is_snapshot;
  int64_t ts;
  int64_t last_seq, first_seq, prev_seq;
  int32_t bids, asks; /* bids: also the count of trades */
  size_t first;
  double values[EVENT_TICKER_VALUES];
};

/* A level or trade; a sale has a negative price. */
struct number_pair {
  int64_t price, qty;
};

struct event_writer {
  int fd;
  char path[1024];
  struct event_file_head head;
  struct stream_counter counter;
  struct item_digest digest;
  struct gathered *items; /* owned */
  int64_t item_count, item_capacity;
  struct number_pair *pairs; /* owned */
  size_t pair_count, pair_capacity;
  struct buffer block;
};

static enum status fail(const struct event_writer *writer, int error, struct problem *problem) {
  problem_add(problem, "write_failed", writer->path, NULL, NULL, "the file can not be written: %s", strerror(error));
  const enum status status = status_from_errno(error);
  return status == STATUS_NOT_FOUND ? STATUS_IO_FAILED : status;
}

static enum status put(struct event_writer *writer, const void *bytes, size_t size, struct problem *problem) {
  for (size_t done = 0; done < size;) {
    const ssize_t wrote = write(writer->fd, (const char *)bytes + done, size - done);
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote <= 0) return fail(writer, wrote < 0 ? errno : EIO, problem);
    done += (size_t)wrote;
  }
  return STATUS_OK;
}

enum status event_writer_open(struct event_writer **out, const char *path, const char *printed, const char *venue_symbol, struct problem *problem) {
  *out = NULL;
  struct event_writer *writer = calloc(1, sizeof *writer);
  if (!writer) return STATUS_NO_MEMORY;
  text_copy(writer->path, sizeof writer->path, path);
  text_copy(writer->head.printed, sizeof writer->head.printed, printed);
  text_copy(writer->head.venue_symbol, sizeof writer->head.venue_symbol, venue_symbol);
  item_digest_init(&writer->digest);
  writer->fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  enum status status = writer->fd < 0 ? fail(writer, errno, problem) : put(writer, &writer->head, sizeof writer->head, problem);
  if (status) {
    event_writer_abandon(writer);
    return status;
  }
  writer->head.size = sizeof writer->head;
  *out = writer;
  return STATUS_OK;
}

void event_writer_continue(struct event_writer *writer, const struct stream_counter *before) {
  writer->counter = *before;
  writer->counter.quality = (struct stream_quality){0};
}

const struct stream_counter *event_writer_counter(const struct event_writer *writer) {
  return &writer->counter;
}

void event_writer_abandon(struct event_writer *writer) {
  char ignored[DIGEST_TEXT_MAX];
  if (!writer) return;
  if (writer->fd >= 0) (void)close(writer->fd);
  item_digest_end(&writer->digest, ignored);
  free(writer->items);
  free(writer->pairs);
  buffer_deinit(&writer->block);
  free(writer);
}

/* --- a block ------------------------------------------------------------------------------------------------------ */

static int64_t unit_of(int64_t value, int64_t unit) {
  while (value % unit != 0) unit /= 10;
  return unit;
}

static bool is_narrow(const struct event_writer *writer, const struct event_block_head *block, const struct gathered *item) {
  const bool is_trade = item->kind == SOURCE_TRADES;
  const int64_t count = (int64_t)item->bids + item->asks;
  for (int64_t i = 0; i < count; i++) {
    const struct number_pair *pair = &writer->pairs[item->first + (size_t)i];
    const int64_t price = ((pair->price < 0 ? -pair->price : pair->price) - block->base_price) / block->price_unit;
    if (price < INT32_MIN || price > INT32_MAX || pair->qty / block->qty_unit > (is_trade ? INT32_MAX : UINT32_MAX)) return false;
  }
  return true;
}

static void add_pairs(struct event_writer *writer, const struct event_block_head *block, const struct gathered *item, bool is_wide) {
  const size_t count = (size_t)item->bids + (size_t)item->asks;
  for (size_t i = item->first; i < item->first + count; i++) {
    const struct number_pair *pair = &writer->pairs[i];
    if (is_wide) {
      const struct event_wide_pair wide = {pair->price, pair->qty};
      buffer_add(&writer->block, &wide, sizeof wide);
      continue;
    }
    const bool is_sale = pair->price < 0;
    const int64_t price = is_sale ? -pair->price : pair->price;
    const struct event_pair narrow = {(int32_t)((price - block->base_price) / block->price_unit),
                                      (uint32_t)(pair->qty / block->qty_unit) | (is_sale ? EVENT_SELL : 0)};
    buffer_add(&writer->block, &narrow, sizeof narrow);
  }
}

static void encode(struct event_writer *writer, const struct event_block_head *block, const struct gathered *item) {
  static const uint8_t codes[] = {[SOURCE_BOOK] = EVENT_CODE_BOOK,
                                  [SOURCE_TRADES] = EVENT_CODE_TRADES,
                                  [SOURCE_MARK] = EVENT_CODE_MARK,
                                  [SOURCE_TICKER] = EVENT_CODE_TICKER,
                                  [SOURCE_OPEN_INTEREST] = EVENT_CODE_OPEN_INTEREST};
  const bool has_pairs = item->kind == SOURCE_BOOK || item->kind == SOURCE_TRADES;
  const bool is_wide = has_pairs && !is_narrow(writer, block, item);
  const struct event_start start = {.code = codes[item->kind],
                                    .flags = (uint8_t)((is_wide ? EVENT_FLAG_WIDE : 0) | (item->is_snapshot ? EVENT_FLAG_SNAPSHOT : 0)),
                                    .after_ms = (uint32_t)(item->ts - block->first_ts)};
  const struct event_book_body book = {(uint32_t)item->bids, (uint32_t)item->asks, item->last_seq, item->first_seq, item->prev_seq};
  const struct event_trades_body trades = {(uint32_t)item->bids, 0};
  buffer_add(&writer->block, &start, sizeof start);
  if (item->kind == SOURCE_BOOK) buffer_add(&writer->block, &book, sizeof book);
  if (item->kind == SOURCE_TRADES) buffer_add(&writer->block, &trades, sizeof trades);
  if (has_pairs) {
    add_pairs(writer, block, item, is_wide);
    return;
  }
  const size_t values =
      item->kind == SOURCE_TICKER ? EVENT_TICKER_VALUES : (item->kind == SOURCE_OPEN_INTEREST ? EVENT_INTEREST_VALUES : EVENT_MARK_VALUES);
  buffer_add(&writer->block, item->values, values * sizeof item->values[0]);
}

static enum status flush(struct event_writer *writer, struct problem *problem) {
  if (writer->item_count == 0) return STATUS_OK;
  struct event_block_head block = {
      .events = (uint32_t)writer->item_count, .first_ts = writer->items[0].ts, .price_unit = EVENT_UNIT_MAX, .qty_unit = EVENT_UNIT_MAX};
  for (size_t i = 0; i < writer->pair_count; i++) {
    block.price_unit = unit_of(writer->pairs[i].price, block.price_unit);
    block.qty_unit = unit_of(writer->pairs[i].qty, block.qty_unit);
  }
  if (writer->pair_count > 0) block.base_price = writer->pairs[0].price < 0 ? -writer->pairs[0].price : writer->pairs[0].price;
  if (block.base_price > EVENT_BASE_MAX) block.base_price = 0;
  buffer_clear(&writer->block);
  for (int64_t i = 0; i < writer->item_count; i++) encode(writer, &block, &writer->items[i]);
  if (writer->block.length > EVENT_BLOCK_MAX) {
    problem_add(problem, "too_large", writer->path, NULL, NULL, "one message of a book is larger than 64 MiB");
    return STATUS_TOO_LARGE;
  }
  block.size = (uint32_t)writer->block.length;
  block.crc = event_block_crc(block, writer->block.data);
  enum status status = put(writer, &block, sizeof block, problem);
  if (!status) status = put(writer, writer->block.data, writer->block.length, problem);
  writer->head.blocks++;
  writer->head.size += (int64_t)(sizeof block + block.size);
  writer->item_count = 0;
  writer->pair_count = 0;
  return status;
}

/* --- items -------------------------------------------------------------------------------------------------------- */

static void gather_pair(struct event_writer *writer, int64_t price, int64_t qty) {
  if (writer->pair_count == writer->pair_capacity) {
    writer->pair_capacity = writer->pair_capacity > 0 ? writer->pair_capacity * 2 : 4096;
    writer->pairs = realloc(writer->pairs, writer->pair_capacity * sizeof *writer->pairs);
    check(writer->pairs);
  }
  writer->pairs[writer->pair_count++] = (struct number_pair){price, qty};
}

static struct gathered *gather(struct event_writer *writer, const struct source_item *item) {
  if (writer->item_count == writer->item_capacity) {
    writer->item_capacity = writer->item_capacity > 0 ? writer->item_capacity * 2 : 1024;
    writer->items = realloc(writer->items, (size_t)writer->item_capacity * sizeof *writer->items);
    check(writer->items);
  }
  struct gathered *out = &writer->items[writer->item_count++];
  *out = (struct gathered){.kind = item->kind, .ts = item->ts, .first = writer->pair_count};
  return out;
}

static void gather_book(struct event_writer *writer, const struct book_change *book, struct gathered *out) {
  out->is_snapshot = book->is_snapshot;
  out->last_seq = book->last_seq;
  out->first_seq = book->first_seq;
  out->prev_seq = book->prev_seq;
  out->bids = book->bid_count;
  out->asks = book->ask_count;
  for (int32_t i = 0; i < book->bid_count; i++) gather_pair(writer, book->bids[i].price, book->bids[i].qty);
  for (int32_t i = 0; i < book->ask_count; i++) gather_pair(writer, book->asks[i].price, book->asks[i].qty);
}

static void note(struct event_writer *writer, const struct source_item *item) {
  struct event_file_head *head = &writer->head;
  stream_counter_add(&writer->counter, item);
  item_digest_add(&writer->digest, item);
  if (item->kind == SOURCE_BOOK) head->capabilities |= CAPABILITY_BOOK;
  if (item->kind == SOURCE_TRADES) head->capabilities |= CAPABILITY_TRADES;
  if (item->kind == SOURCE_TICKER) head->capabilities |= CAPABILITY_TICKER;
  if (item->kind == SOURCE_OPEN_INTEREST) head->capabilities |= CAPABILITY_OPEN_INTEREST;
  if (head->first_price == 0 && item->kind == SOURCE_BOOK && item->book->bid_count > 0) head->first_price = item->book->bids[0].price;
}

enum status event_writer_add(struct event_writer *writer, const struct source_item *item, struct problem *problem) {
  check(item->kind >= SOURCE_BOOK || item->kind == SOURCE_MARK);
  const size_t gathered = writer->pair_count * sizeof(struct event_pair) + (size_t)writer->item_count * sizeof(struct event_book_body);
  const bool is_far = writer->item_count > 0 && item->ts - writer->items[0].ts > UINT32_MAX;
  if (gathered >= EVENT_BLOCK_SIZE || is_far) {
    const enum status status = flush(writer, problem);
    if (status) return status;
  }
  note(writer, item);
  struct gathered *out = gather(writer, item);
  switch (item->kind) {
    case SOURCE_BOOK:
      gather_book(writer, item->book, out);
      break;
    case SOURCE_TRADES:
      out->bids = item->trade_count;
      for (int32_t i = 0; i < item->trade_count; i++)
        gather_pair(writer, item->trades[i].is_buy ? item->trades[i].price : -item->trades[i].price, item->trades[i].qty);
      break;
    case SOURCE_TICKER:
      memcpy(out->values,
             (const double[]){item->ticker.last, item->ticker.bid, item->ticker.ask, item->ticker.mark, item->ticker.index, item->ticker.turnover_24h,
                              item->ticker.change_24h_pct},
             sizeof out->values);
      break;
    default:
      out->values[0] = item->value;
      out->values[1] = item->value_usd;
      break;
  }
  return STATUS_OK;
}

enum status event_writer_close(struct event_writer *writer, const struct stream_quality *source, struct problem *problem) {
  enum status status = flush(writer, problem);
  struct event_file_head *head = &writer->head;
  head->quality = writer->counter.quality;
  if (source) {
    head->quality.stale += source->stale;
    head->quality.waiting += source->waiting;
    head->quality.trade_gaps += source->trade_gaps;
    head->quality.trades_lost += source->trades_lost;
  }
  item_digest_end(&writer->digest, head->digest);
  head->magic = event_file_magic;
  head->version = EVENT_FILE_VERSION;
  head->head_crc = event_head_crc(head);
  if (!status && lseek(writer->fd, 0, SEEK_SET) != 0) status = fail(writer, errno, problem);
  if (!status) status = put(writer, head, sizeof *head, problem);
  if (!status && fsync(writer->fd) != 0) status = fail(writer, errno, problem);
  const int fd = writer->fd;
  writer->fd = -1;
  if (close(fd) != 0 && !status) status = fail(writer, errno, problem);
  event_writer_abandon(writer);
  return status;
}

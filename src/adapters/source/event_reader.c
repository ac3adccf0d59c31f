#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "adapters/source/event_layout.h"
#include "base/check.h"

enum { FILES_MAX = 1024 };

/* Levels or trades as they are handed out; grow to the largest message. */
struct levels {
  struct book_level *items; /* owned */
  size_t capacity;
};

struct event_reader {
  char **paths; /* owned, of owned strings */
  int path_count, path_next;
  int fd; /* of the file at work, -1 none */
  struct event_file_head head;
  int64_t blocks_left, bytes_left; /* of the file */
  unsigned char *events;           /* owned; the block at work */
  size_t capacity;
  const unsigned char *next, *end; /* what of it is still to be read */
  uint32_t events_left;
  struct event_block_head block;
  int64_t ts; /* of the last item, 0 before the first */
  bool has_book;
  struct levels bids, asks;
  struct public_trade *trades; /* owned */
  size_t trade_capacity;
  struct book_change book;
};

static enum status damaged(const char *path, enum status status, struct problem *problem) {
  const char *code = status == STATUS_TRUNCATED ? "truncated" : "corrupt";
  problem_add(problem, code, path, NULL, "import the recording again",
              status == STATUS_TRUNCATED ? "the file ends too early" : "the file is damaged: its checksum or a number in it is wrong");
  return status;
}

static enum status read_all(int fd, const char *path, void *out, size_t size, struct problem *problem) {
  for (size_t done = 0; done < size;) {
    const ssize_t got = read(fd, (char *)out + done, size - done);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) {
      const int error = errno;
      problem_add(problem, "read_failed", path, NULL, NULL, "the file can not be read: %s", strerror(error));
      return status_from_errno(error);
    }
    if (got == 0) return damaged(path, STATUS_TRUNCATED, problem);
    done += (size_t)got;
  }
  return STATUS_OK;
}

bool event_file_is_one(const void *bytes, size_t size) {
  return size >= sizeof event_file_magic && memcmp(bytes, &event_file_magic, sizeof event_file_magic) == 0;
}

static enum status check_head(const char *path, const struct event_file_head *head, int64_t size, struct problem *problem) {
  if (!event_file_is_one(head, sizeof *head)) {
    problem_add(problem, "bad_format", path, NULL, NULL, "this is no file of converted events");
    return STATUS_BAD_FORMAT;
  }
  if (head->version != EVENT_FILE_VERSION) {
    problem_add(problem, "newer_version", path, NULL, "import the recording again", "the file was written by another version of the program");
    return STATUS_NEWER_VERSION;
  }
  const bool ends = head->printed[sizeof head->printed - 1] == '\0' && head->venue_symbol[sizeof head->venue_symbol - 1] == '\0';
  if (head->head_crc != event_head_crc(head) || !ends || head->blocks < 0) return damaged(path, STATUS_CORRUPT, problem);
  const size_t length = strnlen(head->digest, sizeof head->digest);
  if (length != 0 && length != DIGEST_TEXT_MAX - 1) return damaged(path, STATUS_CORRUPT, problem);
  return head->size == size ? STATUS_OK : damaged(path, size < head->size ? STATUS_TRUNCATED : STATUS_CORRUPT, problem);
}

static enum status open_file(const char *path, int *fd, struct event_file_head *head, struct problem *problem) {
  struct stat info;
  *head = (struct event_file_head){0};
  *fd = open(path, O_RDONLY | O_CLOEXEC);
  if (*fd < 0 || fstat(*fd, &info) != 0) {
    const int error = errno;
    problem_add(problem, status_name(status_from_errno(error)), path, NULL, NULL, "the file can not be opened: %s", strerror(error));
    return status_from_errno(error);
  }
  const enum status status = read_all(*fd, path, head, sizeof *head, problem);
  return status ? status : check_head(path, head, (int64_t)info.st_size, problem);
}

enum status event_file_read_head(const char *path, struct event_file_head *head, struct problem *problem) {
  int fd;
  const enum status status = open_file(path, &fd, head, problem);
  if (fd >= 0) (void)close(fd);
  return status;
}

enum status event_reader_open(struct event_reader **out, const char *const *paths, int count, struct problem *problem) {
  *out = NULL;
  if (count > FILES_MAX) {
    problem_add(problem, "too_large", paths[0], NULL, "1024 files", "one symbol has too many files");
    return STATUS_TOO_LARGE;
  }
  struct event_reader *reader = calloc(1, sizeof *reader);
  if (!reader) return STATUS_NO_MEMORY;
  reader->fd = -1;
  reader->paths = calloc((size_t)count, sizeof *reader->paths);
  check(reader->paths);
  for (; reader->path_count < count; reader->path_count++) {
    reader->paths[reader->path_count] = strdup(paths[reader->path_count]);
    check(reader->paths[reader->path_count]);
  }
  *out = reader;
  return STATUS_OK;
}

void event_reader_close(struct event_reader *reader) {
  if (!reader) return;
  if (reader->fd >= 0) (void)close(reader->fd);
  for (int i = 0; i < reader->path_count; i++) free(reader->paths[i]);
  free(reader->paths);
  free(reader->events);
  free(reader->bids.items);
  free(reader->asks.items);
  free(reader->trades);
  free(reader);
}

/* --- files and blocks --------------------------------------------------------------------------------------------- */

static const char *path_of(const struct event_reader *reader) {
  return reader->paths[reader->path_next - 1];
}

static enum status next_file(struct event_reader *reader, struct problem *problem) {
  struct event_file_head head;
  if (reader->fd >= 0) (void)close(reader->fd);
  reader->fd = -1;
  if (reader->path_next == reader->path_count) return STATUS_END;
  const enum status status = open_file(reader->paths[reader->path_next++], &reader->fd, &head, problem);
  if (status) return status;
  if (reader->path_next > 1 && strcmp(head.printed, reader->head.printed) != 0) return damaged(path_of(reader), STATUS_CORRUPT, problem);
  reader->head = head;
  reader->blocks_left = head.blocks;
  reader->bytes_left = head.size - (int64_t)sizeof head;
  return STATUS_OK;
}

static bool is_sound(const struct event_reader *reader, const struct event_block_head *block) {
  const bool has_units = block->price_unit > 0 && block->price_unit <= EVENT_UNIT_MAX && block->qty_unit > 0 && block->qty_unit <= EVENT_UNIT_MAX;
  const bool has_times = block->first_ts > 0 && block->first_ts >= reader->ts && block->first_ts < INT64_C(1) << 43;
  return has_units && has_times && block->base_price >= 0 && block->base_price <= EVENT_BASE_MAX && block->events > 0 && block->size > 0 &&
         block->size <= EVENT_BLOCK_MAX && block->size % 8 == 0 && (int64_t)block->size <= reader->bytes_left;
}

static enum status next_block(struct event_reader *reader, struct problem *problem) {
  while (reader->blocks_left == 0) {
    if (reader->fd >= 0 && reader->bytes_left != 0) return damaged(path_of(reader), STATUS_CORRUPT, problem);
    const enum status status = next_file(reader, problem);
    if (status) return status;
  }
  struct event_block_head *block = &reader->block;
  reader->bytes_left -= (int64_t)sizeof *block;
  reader->blocks_left--;
  if (reader->bytes_left < 0) return damaged(path_of(reader), STATUS_CORRUPT, problem);
  enum status status = read_all(reader->fd, path_of(reader), block, sizeof *block, problem);
  if (status) return status;
  if (!is_sound(reader, block)) return damaged(path_of(reader), STATUS_CORRUPT, problem);
  reader->bytes_left -= block->size;
  if (block->size > reader->capacity) {
    free(reader->events);
    reader->capacity = block->size;
    reader->events = malloc(reader->capacity);
    if (!reader->events) return STATUS_NO_MEMORY;
  }
  status = read_all(reader->fd, path_of(reader), reader->events, block->size, problem);
  if (status) return status;
  if (event_block_crc(*block, reader->events) != block->crc) return damaged(path_of(reader), STATUS_CORRUPT, problem);
  reader->next = reader->events;
  reader->end = reader->events + block->size;
  reader->events_left = block->events;
  return STATUS_OK;
}

/* --- events ------------------------------------------------------------------------------------------------------- */

/* The next bytes of the block; NULL when it ends before. */
static const void *take(struct event_reader *reader, size_t size) {
  const unsigned char *at = reader->next;
  if (size > (size_t)(reader->end - at)) return NULL;
  reader->next = at + size;
  return at;
}

static struct book_level *room(struct levels *levels, size_t count) {
  if (count > levels->capacity) {
    free(levels->items);
    levels->capacity = count < 1024 ? 1024 : count + count / 2;
    levels->items = malloc(levels->capacity * sizeof *levels->items);
    check(levels->items);
  }
  return levels->items;
}

/* False when the block ends before them, or one is negative. */
static bool take_levels(struct event_reader *reader, uint32_t count, bool is_wide, struct levels *levels) {
  const size_t size = is_wide ? sizeof(struct event_wide_pair) : sizeof(struct event_pair);
  const void *bytes = take(reader, count * size);
  if (!bytes) return false;
  struct book_level *out = room(levels, count);
  int64_t bad = 0; /* its sign is what counts */
  if (is_wide) {
    const struct event_wide_pair *pairs = bytes;
    for (uint32_t i = 0; i < count; i++) {
      out[i] = (struct book_level){pairs[i].price, pairs[i].qty};
      bad |= pairs[i].price | pairs[i].qty;
    }
    return bad >= 0;
  }
  const struct event_pair *pairs = bytes;
  const int64_t base = reader->block.base_price, price_unit = reader->block.price_unit, qty_unit = reader->block.qty_unit;
  for (uint32_t i = 0; i < count; i++) {
    const int64_t price = base + pairs[i].price * price_unit;
    out[i] = (struct book_level){price, (int64_t)pairs[i].qty * qty_unit};
    bad |= price;
  }
  return bad >= 0;
}

static bool take_book(struct event_reader *reader, uint8_t flags, struct source_item *item) {
  const struct event_book_body *body = take(reader, sizeof *body);
  const bool is_wide = (flags & EVENT_FLAG_WIDE) != 0;
  if (!body || body->bids > INT32_MAX || body->asks > INT32_MAX) return false;
  if (!take_levels(reader, body->bids, is_wide, &reader->bids) || !take_levels(reader, body->asks, is_wide, &reader->asks)) return false;
  reader->book = (struct book_change){.is_snapshot = (flags & EVENT_FLAG_SNAPSHOT) != 0,
                                      .first_seq = body->first_seq,
                                      .last_seq = body->last_seq,
                                      .prev_seq = body->prev_seq,
                                      .bid_count = (int32_t)body->bids,
                                      .ask_count = (int32_t)body->asks,
                                      .bids = reader->bids.items,
                                      .asks = reader->asks.items};
  item->kind = SOURCE_BOOK;
  item->book = &reader->book;
  return body->last_seq >= 0 && body->last_seq < INT64_MAX;
}

static struct public_trade *trade_room(struct event_reader *reader, size_t count) {
  if (count > reader->trade_capacity) {
    free(reader->trades);
    reader->trade_capacity = count < 64 ? 64 : count + count / 2;
    reader->trades = malloc(reader->trade_capacity * sizeof *reader->trades);
    check(reader->trades);
  }
  return reader->trades;
}

static bool take_trades(struct event_reader *reader, uint8_t flags, struct source_item *item) {
  const struct event_trades_body *body = take(reader, sizeof *body);
  const bool is_wide = (flags & EVENT_FLAG_WIDE) != 0;
  if (!body || body->count == 0 || body->count > INT32_MAX) return false;
  const void *bytes = take(reader, body->count * (is_wide ? sizeof(struct event_wide_pair) : sizeof(struct event_pair)));
  if (!bytes) return false;
  struct public_trade *out = trade_room(reader, body->count);
  const struct event_block_head *block = &reader->block;
  for (uint32_t i = 0; i < body->count; i++) {
    if (is_wide) {
      const struct event_wide_pair *pair = (const struct event_wide_pair *)bytes + i;
      if (pair->price == INT64_MIN) return false;
      out[i] = (struct public_trade){item->ts, pair->price < 0 ? -pair->price : pair->price, pair->qty, pair->price > 0};
    } else {
      const struct event_pair *pair = (const struct event_pair *)bytes + i;
      out[i] = (struct public_trade){item->ts, block->base_price + pair->price * block->price_unit,
                                     (int64_t)(pair->qty & ~EVENT_SELL) * block->qty_unit, (pair->qty & EVENT_SELL) == 0};
    }
    if (out[i].price <= 0 || out[i].qty <= 0) return false;
  }
  item->kind = SOURCE_TRADES;
  item->trades = out;
  item->trade_count = (int32_t)body->count;
  return true;
}

static bool take_values(struct event_reader *reader, uint8_t code, struct source_item *item) {
  const size_t count =
      code == EVENT_CODE_TICKER ? EVENT_TICKER_VALUES : (code == EVENT_CODE_OPEN_INTEREST ? EVENT_INTEREST_VALUES : EVENT_MARK_VALUES);
  const double *values = take(reader, count * sizeof *values);
  if (!values) return false;
  if (code == EVENT_CODE_TICKER) {
    item->kind = SOURCE_TICKER;
    item->ticker = (struct ticker){item->ts, values[0], values[1], values[2], values[3], values[4], values[5], values[6]};
    return true;
  }
  item->kind = code == EVENT_CODE_MARK ? SOURCE_MARK : SOURCE_OPEN_INTEREST;
  item->value = values[0];
  if (code == EVENT_CODE_OPEN_INTEREST) item->value_usd = values[1];
  return true;
}

static bool take_event(struct event_reader *reader, struct source_item *item) {
  const struct event_start *start = take(reader, sizeof *start);
  if (!start) return false;
  item->ts = reader->block.first_ts + start->after_ms;
  if (item->ts < reader->ts) return false;
  reader->ts = item->ts;
  switch (start->code) {
    case EVENT_CODE_BOOK:
      return take_book(reader, start->flags, item);
    case EVENT_CODE_TRADES:
      return take_trades(reader, start->flags, item);
    case EVENT_CODE_MARK:
    case EVENT_CODE_TICKER:
    case EVENT_CODE_OPEN_INTEREST:
      return take_values(reader, start->code, item);
    default:
      return false;
  }
}

enum status event_reader_next(struct event_reader *reader, struct source_item *item, struct problem *problem) {
  for (;;) {
    if (reader->events_left == 0) {
      if (reader->next != reader->end) return damaged(path_of(reader), STATUS_CORRUPT, problem);
      const enum status status = next_block(reader, problem);
      if (status) return status;
    }
    reader->events_left--;
    if (!take_event(reader, item)) return damaged(path_of(reader), STATUS_CORRUPT, problem);
    if (item->kind != SOURCE_BOOK) return STATUS_OK;
    reader->has_book = reader->has_book || item->book->is_snapshot;
    if (reader->has_book) return STATUS_OK;
  }
}

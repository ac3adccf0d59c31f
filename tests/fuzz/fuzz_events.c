/* Any bytes as a file of converted events, once as they are and once with the checksums that belong to them, so that what lies behind these is
 * reached: no level or trade is negative, time never goes back, a change of a book never comes before its first snapshot. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "adapters/source/event_layout.h"
#include "base/check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_book(const struct book_change *book) {
  check(book->bid_count >= 0 && book->ask_count >= 0);
  for (int32_t i = 0; i < book->bid_count; i++) check(book->bids[i].price >= 0 && book->bids[i].qty >= 0);
  for (int32_t i = 0; i < book->ask_count; i++) check(book->asks[i].price >= 0 && book->asks[i].qty >= 0);
}

static void read_file(const char *path) {
  static struct problem problem;
  const char *const paths[] = {path};
  struct event_reader *reader;
  struct source_item item = {0};
  bool has_book = false;
  int64_t ts = 0;
  problem_clear(&problem);
  check(event_reader_open(&reader, paths, 1, &problem) == STATUS_OK);
  enum status status;
  while ((status = event_reader_next(reader, &item, &problem)) == STATUS_OK) {
    check(item.ts >= ts);
    ts = item.ts;
    if (item.kind == SOURCE_TRADES) {
      check(item.trade_count > 0);
      for (int32_t i = 0; i < item.trade_count; i++) check(item.trades[i].price > 0 && item.trades[i].qty > 0);
    }
    if (item.kind != SOURCE_BOOK) continue;
    check_book(item.book);
    has_book = has_book || item.book->is_snapshot;
    check(has_book);
  }
  check(status == STATUS_END || problem_has_error(&problem));
  event_reader_close(reader);
}

static void try_bytes(const uint8_t *bytes, size_t size) {
  static char path[64];
  if (path[0] == '\0') (void)snprintf(path, sizeof path, "/dev/shm/fuzz_events_%d.bbevents", (int)getpid());
  FILE *file = fopen(path, "wb");
  check(file != NULL);
  check(fwrite(bytes, 1, size, file) == size && fclose(file) == 0);
  read_file(path);
  (void)unlink(path);
}

/* The bytes are the blocks then; what a head must say is put in. */
static void mend(uint8_t *bytes, size_t size) {
  struct event_file_head *head = (struct event_file_head *)(void *)bytes;
  size_t at = sizeof *head;
  head->magic = event_file_magic;
  head->version = EVENT_FILE_VERSION;
  head->printed[EVENT_FILE_SYMBOL_MAX - 1] = head->venue_symbol[EVENT_FILE_SYMBOL_MAX - 1] = '\0';
  head->digest[0] = '\0';
  for (head->blocks = 0; size - at >= sizeof(struct event_block_head); head->blocks++) {
    struct event_block_head block;
    memcpy(&block, bytes + at, sizeof block);
    const size_t left = size - at - sizeof block;
    if (block.size > left) block.size = (uint32_t)(left - left % 8);
    block.crc = event_block_crc(block, bytes + at + sizeof block);
    memcpy(bytes + at, &block, sizeof block);
    at += sizeof block + block.size;
  }
  head->size = (int64_t)size;
  head->head_crc = event_head_crc(head);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  try_bytes(data, size);
  if (size < sizeof(struct event_file_head) || size > (1 << 20)) return 0;
  uint8_t *copy = malloc(size);
  check(copy != NULL);
  memcpy(copy, data, size);
  mend(copy, size);
  try_bytes(copy, size);
  free(copy);
  return 0;
}

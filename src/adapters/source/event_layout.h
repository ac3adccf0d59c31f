/* What the writer and the reader of event files share (event_file.h has the layout). */
#ifndef ADAPTERS_SOURCE_EVENT_LAYOUT_H
#define ADAPTERS_SOURCE_EVENT_LAYOUT_H

#include <assert.h>
#include <stddef.h>

#include "adapters/source/event_file.h"
#include "base/digest.h"

static const uint64_t event_file_magic = UINT64_C(0x0a1a5645424242ff);

enum event_code { EVENT_CODE_BOOK = 1, EVENT_CODE_TRADES, EVENT_CODE_MARK, EVENT_CODE_TICKER, EVENT_CODE_OPEN_INTEREST };

/* Products of 32-bit numbers and these stay inside 64 bits. */
#define EVENT_UNIT_MAX INT64_C(1000000000)
#define EVENT_BASE_MAX INT64_C(4000000000000000000)

struct event_start {
  uint8_t code, flags;
  uint16_t unused;
  uint32_t after_ms;
};

struct event_pair { /* level or trade */
  int32_t price;
  uint32_t qty;
};
struct event_wide_pair {
  int64_t price, qty;
};
#define EVENT_SELL UINT32_C(0x80000000)

struct event_book_body {
  uint32_t bids, asks;
  int64_t last_seq, first_seq, prev_seq;
};
struct event_trades_body {
  uint32_t count, unused;
};
enum { EVENT_MARK_VALUES = 1, EVENT_INTEREST_VALUES = 2, EVENT_TICKER_VALUES = 7 };

static_assert(sizeof(struct event_file_head) % 8 == 0 && sizeof(struct event_block_head) == 48, "blocks and events are aligned");
static_assert(sizeof(struct event_start) == 8 && sizeof(struct event_pair) == 8 && sizeof(struct event_book_body) == 32, "no padding in the file");
static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "numbers of the file are used where they lie");

static inline uint32_t event_head_crc(const struct event_file_head *head) {
  return crc32c(0, head->printed, sizeof *head - offsetof(struct event_file_head, printed));
}

static inline uint32_t event_block_crc(struct event_block_head head, const void *events) {
  head.crc = 0;
  return crc32c(crc32c(0, &head, sizeof head), events, head.size);
}

#endif

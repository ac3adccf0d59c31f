/* Converted recordings: the books, trades, tickers, marks and open interest of one symbol and UTC month as fixed-width numbers, made by
 * `data import`. Read a block at a time, so memory is bounded by a block; a block is believed only when its checksum is right.
 *
 *   file   = struct event_file_head, blocks
 *   block  = struct event_block_head, its events from the first to the last
 *   event  = kind u8, flags u8, 0 u16, ms since the block's first_ts u32, then
 *     book    bids u32, asks u32, last_seq i64, first_seq i64, prev_seq i64, levels of the bids, levels of the asks
 *     trades  count u32, 0 u32, trades
 *     mark    f64                  ticker  last bid ask mark index turnover_24h change_24h_pct f64               open interest  base f64, USD f64
 *   level  = price i32 in price_unit from base_price, quantity u32 in qty_unit; flag wide: price i64, quantity i64 in 1e-8
 *   trade  = the same, where the quantity's highest bit (wide: the price's sign, minus) says that the taker sold
 *
 * Everything is little-endian and a multiple of 8 bytes. The unit of a block is the largest power of ten in 1e-8 that divides all its numbers. */
#ifndef ADAPTERS_SOURCE_EVENT_FILE_H
#define ADAPTERS_SOURCE_EVENT_FILE_H

#include <stdbool.h>
#include <stdint.h>

#include "adapters/source/item_digest.h"
#include "adapters/source/quality.h"
#include "adapters/source/source.h"

enum { EVENT_FILE_VERSION = 1, EVENT_FILE_SYMBOL_MAX = 32, EVENT_BLOCK_SIZE = 256 * 1024, EVENT_BLOCK_MAX = 64 * 1024 * 1024 };

#define EVENT_FILE_ENDING ".bbevents"

struct event_file_head {
  uint64_t magic;
  uint32_t version, head_crc; /* CRC-32C of all that follows in the head */
  char printed[EVENT_FILE_SYMBOL_MAX], venue_symbol[EVENT_FILE_SYMBOL_MAX];
  int64_t capabilities;
  int64_t first_price;  /* decimal, 0 none: what instrument defaults are made from */
  int64_t blocks, size; /* bytes of the file */
  struct stream_quality quality;
  char digest[72]; /* item_digest of the events */
};

struct event_block_head {
  uint32_t size, events; /* bytes behind this head */
  int64_t first_ts;
  int64_t base_price, price_unit, qty_unit;
  uint32_t crc, unused; /* CRC-32C of the head with crc 0, and of the events */
};

enum event_file_flag { EVENT_FLAG_WIDE = 1, EVENT_FLAG_SNAPSHOT = 2 };

/* ---- writing ---- */

struct event_writer;

/* The file exists under its name from the start and is whole after close alone: write it in a folder that gets its name last. */
NODISCARD enum status event_writer_open(struct event_writer **writer, const char *path, const char *printed, const char *venue_symbol,
                                        struct problem *problem);
/* The file goes on where another ended: what that one counted last. */
void event_writer_continue(struct event_writer *writer, const struct stream_counter *before);
const struct stream_counter *event_writer_counter(const struct event_writer *writer);
/* Items of one symbol in ascending time; candles and funding rates have files of their own and are refused by a check. */
NODISCARD enum status event_writer_add(struct event_writer *writer, const struct source_item *item, struct problem *problem);
/* source says what the recording it was made from lacked; added to what the writer counted itself. NULL none. Frees in any case. */
NODISCARD enum status event_writer_close(struct event_writer *writer, const struct stream_quality *source, struct problem *problem);
void event_writer_abandon(struct event_writer *writer); /* NULL is allowed; the file stays unfinished */

/* ---- reading ---- */

/* CORRUPT, TRUNCATED, NEWER_VERSION or BAD_FORMAT with a problem. */
NODISCARD enum status event_file_read_head(const char *path, struct event_file_head *head, struct problem *problem);
bool event_file_is_one(const void *bytes, size_t size); /* by its first 8 bytes */

struct event_reader;

/* Files of one symbol, ascending, as one sequence. */
NODISCARD enum status event_reader_open(struct event_reader **reader, const char *const *paths, int count, struct problem *problem);
void event_reader_close(struct event_reader *reader); /* NULL is allowed */
/* The next item; its symbol is left to the caller. Changes of a book before the first snapshot are left out. Pointers are good until the next call.
 * STATUS_END after the last. */
NODISCARD enum status event_reader_next(struct event_reader *reader, struct source_item *item, struct problem *problem);

#endif
